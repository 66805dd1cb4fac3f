"""The map of a trip: its rides and walks, the stations near both ends, and the rest of the city as dots.

Only the stations near an end are sent as rows, some dozens, since their marks depend on the trip. The dots
read the same rows as the map page.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pydeck

from dashboard import palette
from dashboard.itinerary import End, per_cent
from dashboard.maps import deck
from dashboard.maps.deck import CLOSED_STEP, UNKNOWN_STEP, Deck, Viewport, size
from dashboard.outlook import by_hours, chances, counts_in_words, is_open, side
from dashboard.palette import rgb
from dashboard.state.address_bar import Screen
from dashboard.words import formats, rules
from dashboard.words import hours as hours_words
from dashboard.words import shell as shell_words
from dashboard.words import trip as trip_words
from dashboard.words.rules import What
from model.frame import Frame
from model.trip import WALKING_LIMIT_MINUTES, Point, TripPlan, walking_minutes

DESK, PHONE, WIDE = (700, 400), (330, 290), (1100, 420)
"""Pixels that the trip map opens for: beside its plans, on a phone, and while the viewer chooses ends."""

_DOTS_A_MINUTE = 1
_MOST_DOTS = 60
_LARGEST_PIXELS = 15
_CHOSEN_EDGE = 3.0

Row = tuple[float, float, str, str, str, float, list[int], list[int], str, float, str]
LON, LAT, NAME, BIKES, DOCKS, SIZE, FILL, INK, EXPECTED, EDGE, SAID = range(11)
"""A mark's row. It is flat, since a tooltip can name only values at its top level."""


def wide(frame: Frame, width: int, height: int) -> Viewport:
    """Fit the city into so many pixels."""
    return deck.viewport(frame.stations.lat, frame.stations.lon, width, height)


def viewport(frame: Frame, start: End, goal: End, plans: list[TripPlan], width: int, height: int) -> Viewport:
    """Fit a trip and its plans into so many pixels."""
    rows = [row for plan in plans for row in (plan.pickup, plan.dropoff)]
    lat = np.array([start.point[0], goal.point[0], *frame.stations.lat[rows]])
    lon = np.array([start.point[1], goal.point[1], *frame.stations.lon[rows]])
    # Room for the words beside the ends.
    view = deck.viewport(lat, lon, round(0.85 * width), round(0.8 * height))
    city = wide(frame, width, height)
    metres_per_pixel = 40_075_017 * float(np.cos(np.radians(view.latitude))) / 512 / 2**view.zoom
    radius = min(city.radius_metres, _LARGEST_PIXELS * metres_per_pixel)
    return replace(view, radius_metres=round(radius, 1))


def draw(
    url: str,
    view: Viewport,
    frame: Frame,
    ends: tuple[End, End],
    plans: list[TripPlan],
    screen: Screen,
    dark: bool,
    faded: bool = False,
    style: str | None = None,
) -> Deck:
    """Draw a trip. The frame has two horizons: the arrival at the pick-up, and that at the drop-off."""
    start, goal = ends
    ink = rgb(palette.RING[dark])
    quiet = [*rgb(palette.UNKNOWN), 210]
    layers = [
        pydeck.Layer(
            "ScatterplotLayer", data=url, data_comparator="1==2", id="city", get_position="[this[0],this[1]]",
            get_radius=2, radius_units='"pixels"', get_fill_color=[*rgb(palette.UNKNOWN), 130],
        ),
        _lines("others", [_ride(frame, plan) for plan in plans[1:]], quiet, 2),
        _dots("others-on-foot", [dot for plan in plans[1:] for dot in _feet(frame, ends, plan)], quiet, 1.6),
        _lines("ride", [_ride(frame, plan) for plan in plans[:1]], ink, 4),
        _dots("on-foot", [dot for plan in plans[:1] for dot in _feet(frame, ends, plan)], ink, 2.6),
        *_marks(_rows(frame, ends, plans, screen), view, dark, faded),
        *_labels([(start, trip_words.ENDS["start"]), (goal, trip_words.ENDS["goal"])], plans),
    ]  # fmt: skip
    return Deck(
        layers,
        initial_view_state=pydeck.ViewState(
            latitude=view.latitude, longitude=view.longitude, zoom=view.zoom, min_zoom=1, max_zoom=18,
        ),
        views=None,
        map_provider=None,
        **({} if style is None else {"map_style": style}),
        tooltip={"text": trip_words.near_tooltip(NAME, BIKES, DOCKS, SAID)},
    )  # fmt: skip


def _lines(name: str, paths: list[list[list[float]]], colour: list[int], width: float) -> pydeck.Layer:
    return pydeck.Layer(
        "PathLayer", data=[[path] for path in paths], id=name, get_path="this[0]", get_color=colour,
        get_width=width, width_units='"pixels"', cap_rounded=True,
    )  # fmt: skip


def _dots(name: str, dots: list[list[float]], colour: list[int], radius: float) -> pydeck.Layer:
    return pydeck.Layer(
        "ScatterplotLayer", data=dots, id=name, get_position="this", get_fill_color=colour,
        get_radius=radius, radius_units='"pixels"',
    )  # fmt: skip


def _at(frame: Frame, row: int) -> Point:
    return float(frame.stations.lat[row]), float(frame.stations.lon[row])


def _ride(frame: Frame, plan: TripPlan) -> list[list[float]]:
    return [
        [round(lon, 5), round(lat, 5)] for lat, lon in (_at(frame, plan.pickup), _at(frame, plan.dropoff))
    ]


def _feet(frame: Frame, ends: tuple[End, End], plan: TripPlan) -> list[list[float]]:
    """Lay dots along the two walks."""
    dots: list[list[float]] = []
    for one, other in ((ends[0].point, _at(frame, plan.pickup)), (_at(frame, plan.dropoff), ends[1].point)):
        count = min(int(_DOTS_A_MINUTE * float(walking_minutes(one, other))), _MOST_DOTS)
        along = np.linspace(one, other, count + 2)[1:-1] if count else np.zeros((0, 2))
        dots += [[round(lon, 6), round(lat, 6)] for lat, lon in along.tolist()]
    return dots


def _rows(frame: Frame, ends: tuple[End, End], plans: list[TripPlan], screen: Screen) -> list[Row]:
    """Lay out the stations near both ends: of a bike near the start, of a space near the goal.

    The stations of a plan show the plan's own chances, which it interpolates between the horizons.
    """
    lat, lon = frame.stations.lat, frame.stations.lon
    away = [walking_minutes(end.point, (lat, lon)) for end in ends]
    sides: tuple[What, What] = (rules.TAKEN[screen.ride], "space")
    people = screen.n
    rows: dict[int, Row] = {}
    for place, what in enumerate(sides):
        chance = chances(frame, what, people, place)
        median = side(frame, what).median[place]
        nearer = away[place] <= away[1 - place]
        words = np.where(by_hours(frame, place), hours_words.CLOSED_THEN(), shell_words.CLOSED[what])
        closed = np.where(is_open(frame, what, place), "", words).tolist()
        for row in np.flatnonzero((away[place] <= WALKING_LIMIT_MINUTES) & nearer).tolist():
            rows[row] = _row(frame, row, what, people, int(chance[row]), int(median[row]), closed[row])
        for plan in reversed(plans):
            row = plan.pickup if place == 0 else plan.dropoff
            odds = per_cent(plan.chance_bike if place == 0 else plan.chance_space)
            rows[row] = _row(frame, row, what, people, odds, int(median[row]), chosen=plan is plans[0])
    return list(rows.values())


def _row(
    frame: Frame,
    row: int,
    what: What,
    people: int,
    chance: int,
    expected: int,
    closed: str = "",
    chosen: bool = False,
) -> Row:
    is_closed = bool(closed)
    step = CLOSED_STEP if is_closed else rules.step(chance) if chance <= 100 else UNKNOWN_STEP
    fill = "" if is_closed else (*palette.STEPS, palette.UNKNOWN)[step]
    likely = closed if is_closed else trip_words.odds(what, people, chance)
    return (
        round(float(frame.stations.lon[row]), 5), round(float(frame.stations.lat[row]), 5),
        str(frame.stations.name[row]),
        *counts_in_words(frame, row),
        size(max(expected, 0)) * (1.35 if chosen else 1), [*rgb(fill), 255] if fill else [0, 0, 0, 1],
        [*rgb(palette.ink(fill)), 255] if fill else [0, 0, 0, 0], formats.count(expected),
        _CHOSEN_EDGE if chosen else 2.0 if is_closed else 1.0, likely,
    )  # fmt: skip


def _marks(rows: list[Row], view: Viewport, dark: bool, faded: bool) -> list[pydeck.Layer]:
    """Draw marks as on the map page; those of the recommended plan come last, larger and in a ring."""
    ordered = sorted(rows, key=lambda row: row[EDGE] == _CHOSEN_EDGE)
    ring = f"this[{EDGE}]=={_CHOSEN_EDGE:g}?{rgb(palette.RING[dark])}:{rgb(palette.EDGE[dark])}".replace(
        " ", ""
    )
    marks = [
        pydeck.Layer(
            "ScatterplotLayer", data=ordered, get_position=f"[this[{LON}],this[{LAT}]]",
            get_radius=f"this[{SIZE}]", get_fill_color=f"this[{FILL}]", get_line_color=ring,
            get_line_width=f"this[{EDGE}]", line_width_units='"pixels"', radius_scale=view.radius_metres,
            radius_min_pixels=4, radius_max_pixels=24, stroked=True, pickable=True,
            **({"opacity": deck.FADED} if faded else {}),
        ),
        pydeck.Layer(
            "TextLayer", data=ordered, id="near-numbers", get_position=f"[this[{LON}],this[{LAT}]]",
            get_text=f"this[{EXPECTED}]", get_color=f"this[{INK}]",
            get_size=round(0.95 * view.radius_metres, 1), size_units='"meters"', size_max_pixels=22,
            character_set='"0123456789–"',
            font_family='"sans-serif"', font_weight=600, font_settings={"sdf": True},
        ),
    ]  # fmt: skip
    marks[0].id = None  # or Streamlit fades all but a touched one: see `deck.deck`
    return marks


def _labels(ends: list[tuple[End, str]], plans: list[TripPlan]) -> list[pydeck.Layer]:
    """Label both ends. An end that is not a station of the plan has a dot of its own."""
    marked = {row for plan in plans[:1] for row in (plan.pickup, plan.dropoff)}
    north = max(end.point[0] for end, _ in ends)
    data: list[list[Any]] = [
        [round(lon, 5), round(lat, 5), word, [0, -30 if lat == north else 30]]  # outside, beside the lines
        for (lat, lon), word in ((end.point, word) for end, word in ends)
    ]
    dots = [row for row, (end, _) in zip(data, ends, strict=True) if end.row not in marked]
    position = "[this[0],this[1]]"
    return [
        pydeck.Layer(
            "ScatterplotLayer", data=dots, id="ends", get_position=position, get_radius=4,
            radius_units='"pixels"', get_fill_color=rgb(palette.HERE), stroked=True,
            get_line_color=rgb(palette.RING[True]), get_line_width=2, line_width_units='"pixels"',
        ),
        pydeck.Layer(
            "TextLayer", data=data, id="end-words", get_position=position, get_text="this[2]", get_size=14,
            get_color=rgb(palette.LIGHT_INK), background=True, get_background_color=rgb(palette.HERE),
            background_padding=[6, 3], get_pixel_offset="this[3]",
            character_set='"auto"', font_family='"sans-serif"', font_weight=600,
        ),
    ]  # fmt: skip
