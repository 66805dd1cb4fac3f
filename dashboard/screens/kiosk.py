"""The kiosk: a big screen that nobody touches. The arrival time sweeps, map and curves alternate.

Both are on one page. A page left and entered again makes a new map, and Chromium lets go of the old one's
graphics memory late or never: 50 MB a minute.

The browser asks for each next step, a second after the last. Steps are counted, not read off the clock: a
slow second delays the sweep and tears no hole in it.
"""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import streamlit as st
from markupsafe import Markup

from dashboard.components import kiosk, page_shell, station_map, which_city
from dashboard.components.html import show, tag
from dashboard.maps import deck, ground
from dashboard.screens.accuracy import over_time
from dashboard.state import address_bar
from dashboard.store_reader import View, reader
from dashboard.words import accuracy as accuracy_words
from dashboard.words import formats
from dashboard.words import kiosk as kiosk_words
from dashboard.words import shell as shell_words
from ingest.system import System

STEP_SECONDS = 1.0

SWEEP = (*address_bar.MINUTES, *address_bar.MINUTES[-2:0:-1])
"""The arrival times, in minutes from now: there and back."""

TURNS = {"map": len(SWEEP), "accuracy": 20}
"""Steps that each stays on screen."""

CURVES_SECONDS = 5.0
"""Seconds between two drawings of the curves."""

_BEFORE = 7
"""Steps before their turn in which the curves are drawn, out of sight."""

_MAP_WIDTH = 0.71
"""Share of the screen's width beside the panel; kiosk.css has the same."""

_DONE = "kiosk-steps-done"
_BEAT = "kiosk-beat"


def draw(system: System) -> None:
    """Draw the kiosk of a city: the map with its panel, and the curves that take its place."""
    st.fragment(map_step, run_every=STEP_SECONDS)(system)
    with st.container(key="kiosk-curves"):
        st.fragment(curves, run_every=CURVES_SECONDS)(system)


def map_step(system: System) -> None:
    """Draw map and panel at the next arrival time of the sweep. Runs again by itself."""
    source = reader()
    view = source.view(system)
    if which_city.is_undecided(view):
        st.rerun()
    turn, minutes = step()
    with st.container(key="kiosk-notices"):
        page_shell.warn(source, view, spaces=address_bar.screen().what == "space")
        page_shell.warn_of_kinds(view, address_bar.screen().what)
    view, horizon = source.moment(view, minutes)
    if view.frame is None or horizon is None:
        show(panel(view))
        return
    at = formats.moment(view.now + timedelta(minutes=minutes), view.now, view.zone)
    draw_map(view, horizon, at)
    more = arrival(view, minutes, at) if turn == "map" else curves_title()
    show(panel(view, turn, more))


def draw_map(view: View, horizon: int, at: str) -> None:
    """Draw the map for people far away."""
    assert view.frame is not None
    what = address_bar.screen().for_frame(view.frame).what
    stations, system_id, pixels = view.frame.stations, view.system.system_id, map_pixels()
    station_map.draw(
        view, horizon, at, what, f"map-{system_id}",
        station_map.opening(
            (system_id, pixels), lambda: deck.viewport(stations.lat, stations.lon, *pixels, largest_mark())
        ),
        lambda station_id: None,
    )  # fmt: skip


def map_pixels() -> tuple[int, int]:
    """Give width and height of what the wandering map always shows."""
    width, height = kiosk.size()
    return int(0.94 * _MAP_WIDTH * width), int(0.94 * height)


def largest_mark() -> float:
    """Give the radius of the largest mark on the map, in pixels."""
    return kiosk.size()[1] / 45


def curves(system: System) -> None:
    """Draw the curves, in time for their turn."""
    if curves_due() and reader().view(system).frame is not None:
        over_time.draw(system)


def step() -> tuple[str, int]:
    """Count a step. Tell whether map or curves are on screen, and how many minutes ahead the map is."""
    done = int(st.session_state.get(_DONE, 0))
    st.session_state[_DONE] = (done + 1) % sum(TURNS.values())
    return ("map", SWEEP[done]) if done < TURNS["map"] else ("accuracy", 0)


def curves_due() -> bool:
    """Tell whether curves are on screen, or soon will be."""
    return int(st.session_state.get(_DONE, 0)) >= TURNS["map"] - _BEFORE


def panel(view: View, turn: str = "map", more: str = "") -> Markup:
    """Write the panel: city, label, time, age, then `more`, and where to open it oneself.

    The beat differs at each run. By it the browser knows that the server still answers.
    """
    beat = st.session_state[_BEAT] = int(st.session_state.get(_BEAT, 0)) + 1
    system, known = view.system, view.frame is not None
    speed = shell_words.playing(system.speed, system.speed == 0) if system.speed != 1 else ""
    tags = (tag("b", word) for word in (shell_words.not_live(system.label), speed) if word)
    time = ""
    if known:
        day = tag("p", formats.weekday(view.now, view.zone), cls="day")
        time = tag("time", formats.clock(view.now, view.zone)) + day
    return tag(
        "section",
        tag("h1", system.city or system.name),
        tag("p", *tags, cls="tags"),
        time,
        tag("p", kiosk_words.counted(view.age) if known else kiosk_words.KIOSK_NO_COUNTS(), cls="age"),
        tag("p", kiosk_words.KIOSK_LOST(), cls="lost"),
        more,
        where(),
        cls="kiosk", data_beat=str(beat), data_turn=turn,
    )  # fmt: skip


def where() -> Markup:
    """Write the app's name, and the address that people type to open it themselves."""
    address = urlsplit(st.context.url or "").netloc
    return tag("p", tag("b", shell_words.TITLE), f" · {address}" if address else "", cls="where")


def arrival(view: View, minutes: int, at: str) -> Markup:
    """Write the arrival time that the map shows, the legend, and the makers of the ground."""
    assert view.frame is not None
    share = 100 * minutes / address_bar.MINUTES[-1]
    screen = address_bar.screen().for_frame(view.frame)
    asked = tag(
        "div",
        tag("p", shell_words.heading(screen.what, screen.n)),
        tag("p", kiosk_words.if_you_arrive(minutes)),
        tag("p", tag("strong", at)),
        tag("div", tag("i", style=f"width:{share:.1f}%"), cls="bar"),
        cls="asked",
    )
    steps = (tag("li", word, cls=f"step{index}") for index, word in shell_words.STEPS.items())
    return asked + tag("ul", *steps) + tag("p", ground.credit(view.system.label), cls="small")


def curves_title() -> Markup:
    """Write the title of the curves."""
    screen = address_bar.screen()
    lines = kiosk_words.how_right(formats.minutes(screen.horizon), accuracy_words.PASTS[screen.past])
    return tag("div", *(tag("p", line) for line in lines), cls="asked")
