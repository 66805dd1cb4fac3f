"""The map of a city's stations, as the map, the trip and the kiosk draw it.

A map never jumps as long as its key, its opening view and its layer's id stay the same.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace

import streamlit as st

from dashboard.components import browser
from dashboard.maps import deck, ground
from dashboard.maps.deck import FramePart, Viewport
from dashboard.outlook import side
from dashboard.state import address_bar
from dashboard.store_reader import View
from dashboard.words import map as map_words
from dashboard.words.rules import What
from model.frame import Frame

_VIEWS = "viewports"
_NEAR_MARK = 20.0
"""Pixels of the largest mark's radius where the map has gone to a station."""

_NUDGE = 1e-6
"""Degrees, or steps of zoom: less than anybody sees."""


def opening(name: Hashable, make: Callable[[], Viewport]) -> Viewport:
    """Give the view that a map opens with: the one made first under this name in the session."""
    views: dict[Hashable, Viewport] = st.session_state.setdefault(_VIEWS, {})
    if name not in views:
        views[name] = make()
    return views[name]


def go_to(name: Hashable, lat: float, lon: float) -> Viewport:
    """Move the map that was opened under this name to a place, near enough to tell its stations apart.

    The browser follows only what differs from the view before. So a second way to the same place, after the
    viewer has moved the map, needs another number.
    """
    view = st.session_state[_VIEWS][name]
    zoom = max(view.zoom, deck.zoom_for(view, _NEAR_MARK))
    more = _NUDGE if (lat, lon, zoom) == (view.latitude, view.longitude, view.zoom) else 0.0
    moved: Viewport = replace(view, latitude=lat + more, longitude=lon + more, zoom=zoom + more)
    st.session_state[_VIEWS][name] = moved
    return moved


def ring(frame: Frame, what: What, horizon: int, row: int) -> tuple[float, float, int]:
    """Tell what the ring around a chosen station needs: longitude, latitude, expected number."""
    stations = frame.stations
    return float(stations.lon[row]), float(stations.lat[row]), int(side(frame, what).median[horizon, row])


def draw(
    view: View,
    horizon: int,
    at: str,
    what: What,
    key: str,
    opens: Viewport,
    on_touch: Callable[[str], None],
    selected: tuple[float, float, int] | None = None,
    of: FramePart | None = None,
) -> None:
    """Draw every station by the chance of `what` at one of the horizons of the view's frame.

    `on_touch` gets the id of a touched station. `of` is the file of rows if it is not the horizon's.
    """
    assert view.version is not None
    assert view.frame is not None
    number, system = address_bar.screen().n, view.system
    minutes = int(view.frame.minutes[horizon]) if of is None else of.minutes[0]
    of = of or deck.part(minutes)
    dark = st.context.theme.type == "dark"
    st.pydeck_chart(
        deck.deck(
            deck.frame_url(system.system_id, view.version, what, number, of),
            opens, minutes, at, what, number, dark, selected, view.stale, browser.here(),
            ground.style(dark, system.label, system.system_id), of,
        ),
        key=key, height=460, on_select=lambda: _touched(key, on_touch), alt=map_words.MAP_ALT(),
    )  # fmt: skip


def _touched(key: str, on_touch: Callable[[str], None]) -> None:
    """Hand on the station that was touched.

    Only its id is used: the numbers that come with a selection are those of the moment of the touch. An empty
    selection says nothing: the browser lets go of its own as soon as the ring around the station is drawn.
    """
    objects = st.session_state[key].selection.objects
    touched = next(filter(None, map(objects.get, deck.LAYERS)), None)
    if touched:
        on_touch(str(touched[0][deck.STATION]))
