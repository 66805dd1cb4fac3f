"""A stage screen that nobody touches: the arrival time sweeps, pages alternate, big type.

The browser asks for each next step, a second after the last. Steps are counted, not read off the clock: a
slow second delays the sweep and tears no hole in it. How a screen comes back to life that was cut off or
asleep is in `static/kiosk.js`.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any, cast

import streamlit as st

from dashboard import state, text
from dashboard.reading import View, reading
from ingest.store import SystemRow

STEP_SECONDS = 1.0

SWEEP = (*state.MINUTES, *state.MINUTES[-2:0:-1])
"""The arrival times, in minutes from now: there and back."""

TURNS: dict[state.Page, int] = {"map": len(SWEEP), "accuracy": 20}
"""Steps for which each page is on screen."""

_STATIC = Path(__file__).parent / "static"
_KEY = "kiosk"
_DONE = "kiosk-steps-done"
_BEAT = "kiosk-beat"
_SIZE = "kiosk-size"
_MOST_PIXELS = 8000
_MAP_WIDTH = 0.71
"""Share of the screen's width beside the panel; kiosk.css says the same."""

_component = st.components.v2.component(
    "dockcast_kiosk", js=(_STATIC / "kiosk.js").read_text(encoding="utf-8")
)


def mount(page: state.Page) -> None:
    """Put style and watchdog into a page; one that takes no turn gives way to the map."""
    if page not in TURNS:
        state.go("map")
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


def step(page: state.Page) -> int:
    """Count a step of a page's turn, from 0; after the last one, go to the other page."""
    done = int(st.session_state.get(_DONE, 0))
    if done >= TURNS[page]:
        st.session_state[_DONE] = 0
        state.go("accuracy" if page == "map" else "map")
        st.rerun()
    st.session_state[_DONE] = done + 1
    return done


def sweep() -> int:
    """Take the next arrival time of the map's turn, in minutes from now."""
    return SWEEP[step("map")]


def turn(system: SystemRow) -> None:
    """Keep what is always in sight beside a page whose own parts refresh themselves, and end its turn."""
    step("accuracy")
    screen = state.screen()
    what = text.how_right(text.minutes(screen.horizon), text.PASTS[screen.past])
    more = "".join(f"<p>{escape(line)}</p>" for line in what)
    st.html(headline(reading().view(system), f'<div class="asked">{more}</div>'))


def headline(view: View, more: str = "") -> str:
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
    return (
        f'<section class="kiosk" data-beat="{beat}"><h1>{escape(system.city or system.name)}</h1>'
        f'<p class="tags">{tags}</p>{time}<p class="age">{escape(age)}</p>'
        f'<p class="lost">{text.KIOSK_LOST}</p>{more}</section>'
    )


def arrival(minutes: int, at: str, credit: str) -> str:
    """Write which arrival time the map shows, what its colours mean, and whose the ground is."""
    share = 100 * minutes / state.MINUTES[-1]
    screen = state.screen()
    steps = "".join(f'<li class="step{index}">{word}</li>' for index, word in enumerate(text.STEPS))
    return (
        f'<div class="asked"><p>{escape(text.heading(screen.what, screen.n))}</p>'
        f"<p>{text.if_you_arrive(minutes)}</p><p><strong>{escape(at)}</strong></p>"
        f'<div class="bar"><i style="width:{share:.1f}%"></i></div></div>'
        f'<ul>{steps}</ul><p class="small">{escape(credit)}</p>'
    )


def enlarged(chart: Any) -> Any:
    """Draw a chart for a stage, where two of them fill what a verdict leaves, with letters to match."""
    if not state.screen().kiosk:
        return chart
    _, height = size()
    letters = round(height / 40)
    return (
        chart.properties(height=round(0.32 * height))
        .configure_axis(labelFontSize=letters, titleFontSize=letters)
        .configure_legend(labelFontSize=letters, symbolSize=10 * letters)
    )
