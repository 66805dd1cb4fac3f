"""A stage screen that nobody touches: the arrival time sweeps, map and curves alternate, big type.

Both are on one page. A page left and entered again makes a new map, and Chromium let go of the old one's
graphics memory late or never: 50 MB a minute.

The browser asks for each next step, a second after the last. Steps are counted, not read off the clock: a
slow second delays the sweep and tears no hole in it. How a screen comes back to life that was cut off or
asleep is in `static/kiosk.js`.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any, cast

import altair as alt
import streamlit as st

from dashboard.state import address_bar
from dashboard.store_reader import View
from dashboard.words import text

STEP_SECONDS = 1.0

SWEEP = (*address_bar.MINUTES, *address_bar.MINUTES[-2:0:-1])
"""The arrival times, in minutes from now: there and back."""

TURNS: dict[address_bar.Page, int] = {"map": len(SWEEP), "accuracy": 20}
"""Steps for which each is on screen."""

CURVES_SECONDS = 5.0
"""How often curves are drawn anew."""

_BEFORE = 7
"""Steps before their turn that curves are drawn, out of sight."""

_STATIC = Path(__file__).parents[1] / "static"
_KEY = "kiosk"
_DONE = "kiosk-steps-done"
_BEAT = "kiosk-beat"
_SIZE = "kiosk-size"
_MOST_PIXELS = 8000
_LINES_FOR = 480
"""Pixels of a screen's height for which lines are as wide as on the page itself."""

_MAP_WIDTH = 0.71
"""Share of the screen's width beside the panel; kiosk.css says the same."""

_component = st.components.v2.component(
    "dockcast_kiosk", js=(_STATIC / "kiosk.js").read_text(encoding="utf-8")
)


def mount(page: address_bar.Page) -> None:
    """Put style and watchdog into the page; any other than the map's gives way to that."""
    if page != "map":
        address_bar.go("map")
        st.rerun()
    st.html(_STATIC / "kiosk.css")
    _component(key=_KEY, data=[*size()], height=1, on_size_change=_sized)


def size() -> tuple[int, int]:
    """Give width and height of the screen in pixels; a common one's until the browser has told them."""
    return cast("tuple[int, int]", st.session_state.get(_SIZE, (1280, 720)))


def pixels() -> tuple[int, int]:
    """Give width and height of what the wandering map always shows."""
    width, height = size()
    return int(0.94 * _MAP_WIDTH * width), int(0.94 * height)


def mark() -> float:
    """Give the radius of the largest mark on the map, in pixels."""
    return size()[1] / 45


def screen_size(told: Any) -> tuple[int, int] | None:
    """Read the size that a browser told; None where it is none.

    >>> screen_size([1920, 1080]), screen_size([0, 9]), screen_size("x")
    ((1920, 1080), None, None)
    """
    if not isinstance(told, list) or len(told) != 2 or not all(isinstance(side, int) for side in told):
        return None
    return (told[0], told[1]) if all(100 <= side <= _MOST_PIXELS for side in told) else None


def _sized() -> None:
    found = screen_size(getattr(st.session_state.get(_KEY), "size", None))
    if found is not None:
        st.session_state[_SIZE] = found


def step() -> tuple[address_bar.Page, int]:
    """Count a step; tell whose turn it is, and for which arrival in minutes from now the map is drawn."""
    done = int(st.session_state.get(_DONE, 0))
    st.session_state[_DONE] = (done + 1) % sum(TURNS.values())
    return ("map", SWEEP[done]) if done < TURNS["map"] else ("accuracy", 0)


def curves_due() -> bool:
    """Tell whether curves are on screen, or soon will be."""
    return int(st.session_state.get(_DONE, 0)) >= TURNS["map"] - _BEFORE


def headline(view: View, turn: address_bar.Page = "map", more: str = "") -> str:
    """Write what is always in sight: city, label, time, age. `more` is HTML to follow.

    The beat is another one at each run, by which the browser knows that it still hears from us.
    """
    beat = st.session_state[_BEAT] = int(st.session_state.get(_BEAT, 0)) + 1
    system, known = view.system, view.frame is not None
    speed = text.playing(system.speed, system.speed == 0) if system.speed != 1 else ""
    tags = "".join(f"<b>{escape(word)}</b>" for word in (system.label, speed) if word)
    local = view.now.astimezone(view.zone)
    time = f'<time>{text.clock(view.now, view.zone)}</time><p class="day">{local:%A}</p>' if known else ""
    age = text.counted(view.age) if known else text.KIOSK_NO_COUNTS
    name = escape(system.city or system.name)
    return (
        f'<section class="kiosk" data-beat="{beat}" data-turn="{turn}"><h1>{name}</h1>'
        f'<p class="tags">{tags}</p>{time}<p class="age">{escape(age)}</p>'
        f'<p class="lost">{text.KIOSK_LOST}</p>{more}</section>'
    )


def arrival(minutes: int, at: str, credit: str) -> str:
    """Write which arrival time the map shows, what its colours mean, and whose the ground is."""
    share = 100 * minutes / address_bar.MINUTES[-1]
    screen = address_bar.screen()
    steps = "".join(f'<li class="step{index}">{word}</li>' for index, word in enumerate(text.STEPS))
    return (
        f'<div class="asked"><p>{escape(text.heading(screen.what, screen.n))}</p>'
        f"<p>{text.if_you_arrive(minutes)}</p><p><strong>{escape(at)}</strong></p>"
        f'<div class="bar"><i style="width:{share:.1f}%"></i></div></div>'
        f'<ul>{steps}</ul><p class="small">{escape(credit)}</p>'
    )


def judged() -> str:
    """Write what the curves are of."""
    screen = address_bar.screen()
    lines = text.how_right(text.minutes(screen.horizon), text.PASTS[screen.past])
    return f'<div class="asked">{"".join(f"<p>{escape(line)}</p>" for line in lines)}</div>'


def enlarged(chart: Any) -> Any:
    """Draw a chart for a stage, where two of them fill what a verdict leaves, with letters to match."""
    if not address_bar.screen().kiosk:
        return chart
    _, height = size()
    letters = round(height / 40)
    for layer in chart.layer:
        width = layer["encoding"]["strokeWidth"]
        if width is not alt.Undefined:
            width["scale"]["range"] = [pixels * height / _LINES_FOR for pixels in width["scale"]["range"]]
    return (
        chart.properties(height=round(0.32 * height))
        .configure_axis(labelFontSize=letters, titleFontSize=letters, labelLimit=0)
        .configure_legend(labelFontSize=letters, symbolSize=10 * letters)
    )
