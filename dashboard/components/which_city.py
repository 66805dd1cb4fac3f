"""Which city is on screen: the one in the address, else the one that is probably the viewer's.

A live city comes before a made-up one. The address gets the city as soon as there is a map of it, so that a
link is complete from the first moment on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import streamlit as st
from markupsafe import Markup
from rapidfuzz import fuzz, utils

from dashboard.components import browser
from dashboard.components.html import show, tag
from dashboard.state import address_bar
from dashboard.state.visitor import Visitor, visitor
from dashboard.store_reader import StoreReader, View, reader
from dashboard.words import shell as shell_words
from ingest.store import SystemState
from ingest.system import System

_WAITING_SINCE = "waiting-since"
_REALNESS = {"": 0, "replayed": 1}
PATIENCE = timedelta(seconds=6)
"""How long a page waits for the first answer of a live city while another one could be shown."""

_OFFERED = 3
_ALIKE = 70
"""The likeness from which on a name is offered, of 100."""

_LONGEST = 60
"""Letters of an unknown city's name that are quoted."""


def chosen(systems: Sequence[System], states: Mapping[str, SystemState]) -> System:
    """Find the city on screen, and put it into the address once there is a map of it."""
    wanted = address_bar.screen().city
    known = {system.system_id: system for system in systems}
    if wanted in known:
        return known[wanted]
    source = reader()
    system = first(systems, states, source, visitor(), waits=_waits(source))
    state = states.get(system.system_id)
    if state is not None and state.frame_version is not None:
        address_bar.settle(system.system_id)
    return system


def first(
    systems: Sequence[System],
    states: Mapping[str, SystemState],
    source: StoreReader,
    viewer: Visitor,
    *,
    waits: bool,
) -> System:
    """Choose the city to begin with: live before replayed before made up, then the nearest, then the first.

    A live city that has not been asked yet counts like one with a map as long as the page `waits` for it. One
    whose newest counts are too old to forecast from does not count.
    """
    now, zones = source.clock(), source.store.systems.timezones()

    def rank(system: System) -> tuple[bool, int, int, bool]:
        state = states.get(system.system_id)
        shown = state is not None and _has_forecast(state, system, now)
        hopeful = waits and (state is None or (state.state == "waiting" and not state.failures))
        near = viewer.nearness(zones.get(system.system_id, ""), system.country, now)
        live = state is not None and state.state == "live"
        return not (shown or hopeful), _REALNESS.get(system.label, 2), -near, not (shown and live)

    return min(systems, key=rank)  # of equals the first in the list


def _waits(source: StoreReader) -> bool:
    """Tell whether this viewer's page still waits for a live city's first answer, which takes seconds."""
    now = source.clock()
    return now - st.session_state.setdefault(_WAITING_SINCE, now) < PATIENCE and source.has_worker()


def _has_forecast(state: SystemState, system: System, now: datetime) -> bool:
    """Tell whether a city has a map to show: played cities keep their own time, live ones grow old."""
    if state.frame_version is None or state.at is None:
        return False
    return bool(system.label) or now - state.at <= address_bar.LATEST


def is_undecided(view: View) -> bool:
    """Tell whether the city on screen is a guess that a run of the whole page would settle, or change."""
    system_id = view.system.system_id
    if address_bar.screen().city == system_id:
        return False
    if view.frame is not None:
        return True
    source = reader()
    followed, states = source.store.systems.followed(), source.store.systems.states()
    better = first(followed, states, source, visitor(), waits=_waits(source))
    return better.system_id != system_id


def notes(source: StoreReader, view: View) -> None:
    """Say that the address names no city that is followed, or that a made-up one stands in for a live one."""
    guessed, unknown = address_bar.guess()
    if not guessed and address_bar.screen().city != view.system.system_id:
        unknown = address_bar.screen().city  # no city has answered yet
    kiosk = address_bar.screen().kiosk  # has no list and takes no touch
    if unknown:
        near = [] if kiosk else like(unknown, source.store.systems.followed())
        words = shell_words.UNKNOWN_CITY(name=shortened(unknown))
        more = shell_words.ONE_OF_THESE() if near else shell_words.FROM_THE_LIST()
        show(offer(words if kiosk else f"{words} {more}", near))
        return
    stands_in = guessed and not kiosk and view.system.label not in _REALNESS
    if stands_in and any(not row.label for row in source.store.systems.followed()):
        real = [row for row in answered(source) if not row.label]
        show(offer(shell_words.made_up_first(view.system.city, bool(real)), real))


def answered(source: StoreReader) -> list[System]:
    """Give the first cities that have a map to show, the nearest to the viewer and the real ones first."""
    now, viewer, zones = source.clock(), visitor(), source.store.systems.timezones()
    found = [system for system, state in source.overview().values() if _has_forecast(state, system, now)]

    def rank(system: System) -> tuple[int, int]:
        near = viewer.nearness(zones.get(system.system_id, ""), system.country, now)
        return _REALNESS.get(system.label, 2), -near

    return sorted(found, key=rank)[:_OFFERED]


def buttons(systems: Sequence[System]) -> list[Markup]:
    """Write a button for each city."""
    return [
        browser.button("feed", shell_words.city(row.name, row.city, row.label), identity=row.system_id)
        for row in systems
    ]


def offer(words: str, systems: Sequence[System]) -> Markup:
    """Write a notice that offers cities."""
    return tag("div", tag("p", words), *buttons(systems), cls="offer", role="status")


def like(name: str, systems: Sequence[System]) -> list[System]:
    """Find the cities whose id, name or city is most like a name, the best first."""

    def likeness(system: System) -> float:
        names = (system.system_id, system.name, system.city)
        return max(fuzz.WRatio(name[:200], each, processor=utils.default_process) for each in names)

    graded = sorted(((likeness(system), system) for system in systems), key=lambda pair: -pair[0])
    return [system for grade, system in graded if grade >= _ALIKE][:_OFFERED]


def shortened(name: str) -> str:
    """Cut a name from an address to a length that fits into a sentence.

    >>> shortened("x" * 5000)[-3:], shortened("dubln")
    ('xx…', 'dubln')
    """
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
