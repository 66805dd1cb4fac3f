"""The map: a URL for the rows of a frame, and expressions that draw from them.

The browser fetches the rows of a frame once. A move of the slider sends new expressions alone, which read
another column of the same rows: under 2 kB instead of 671 kB at 2,500 stations.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import numpy as np
import pydeck

from dashboard import palette
from dashboard.nearby import walks, whole_minutes
from dashboard.outlook import at_horizon, by_hours, count_of, counts_in_words, is_open, side
from dashboard.palette import rgb
from dashboard.store_reader import STEP_MINUTES
from dashboard.words import formats, rules
from dashboard.words import hours as hours_words
from dashboard.words import map as map_words
from dashboard.words import shell as shell_words
from dashboard.words.catalogue import ENGLISH, current
from dashboard.words.rules import What
from ingest.system import zone_of
from model.arrays import Floats, Ints
from model.frame import MINUTES, Frame
from model.moments import frame_at, frame_on_arrival
from model.trip import Point

# Each new Deck looks for Jupyter by an import that fails: a third of the time of a slider move.
pydeck.bindings.deck.has_jupyter_extra = lambda: False

LAYERS = ("ScatterplotLayer", "ColumnLayer", "PointCloudLayer")
"""The ids that deck.gl gives layers without one; see `deck`. Their rows are the same."""

UNKNOWN_STEP = len(palette.STEPS)
CLOSED_STEP = UNKNOWN_STEP + 1

# A row is a flat array, since a tooltip can name only values at its top level.
LON, LAT, NAME, STATION, BIKES, DOCKS, FADE, ROOM, FIRST = range(9)
PER_HORIZON = 3
EXPECTED, STEP, CHANCE = range(PER_HORIZON)
ARRIVAL = FIRST + PER_HORIZON
"""Where the rows for somebody on foot have the time of the arrival."""


@dataclass(frozen=True)
class FramePart:
    """The horizons in one file of rows: all near ones, which a slider goes through, or a far one alone."""

    name: str
    minutes: tuple[int, ...]
    place: Point | None = None
    """Where somebody sets out on foot at `minutes`: then each station has the minute of the arrival there."""

    def column(self, horizon: int, which: int) -> int:
        """Give the position in a row of a value (`EXPECTED`, `STEP` or `CHANCE`) at a horizon in minutes."""
        return FIRST + PER_HORIZON * self.minutes.index(horizon) + which


NEAR = FramePart("near", tuple(range(0, 126, STEP_MINUTES)))
"""What a slider of two hours needs while counts are less than five minutes old."""


def part(horizon: int) -> FramePart:
    """Choose the file that holds a horizon in minutes.

    >>> part(15).name, part(735).name, part(735).minutes
    ('near', '735', (735,))
    """
    return NEAR if horizon in NEAR.minutes else FramePart(str(horizon), (horizon,))


def on_foot(name: str, away: int, place: Point) -> FramePart:
    """Make the file for somebody who sets out at a place of that name, `away` minutes after the counts."""
    return FramePart(f"foot.{name}.{away}", (away,), place)


def named(name: str, place_of: Callable[[str], Point | None] = lambda _: None) -> FramePart | None:
    """Find a file by its name; None where there is none of that name.

    >>> named("near") == NEAR, named("735").minutes, named("15"), named("736"), named("01000")
    (True, (735,), None, None, None)
    """
    if name == NEAR.name:
        return NEAR
    if name.startswith("foot."):
        _, whose, away = name.split(".")
        place = place_of(whose)
        return None if place is None else on_foot(whose, int(away), place)
    horizon = int(name) if name.isdecimal() and len(name) <= 4 else 0
    found = horizon > NEAR.minutes[-1] and horizon % STEP_MINUTES == 0 and horizon <= MINUTES[-1]
    return part(horizon) if found and str(horizon) == name else None


def frame_url(system_id: str, version: int, what: What, number: int, of: FramePart) -> str:
    """Give the address of a frame's rows, which the API answers, in the viewer's language: they hold words.

    >>> frame_url("dublin", 7, "bike", 1, NEAR)
    '/api/frames/dublin/7/bike-1-near.json'
    """
    spoken = current().code
    query = "" if spoken == ENGLISH.code else f"?lang={spoken}"
    return f"/api/frames/{quote(system_id, safe='')}/{version}/{what}-{number}-{of.name}.json{query}"


@dataclass(frozen=True)
class Viewport:
    """The opening view of a map. It must stay the same to the byte over refreshes, or the map jumps."""

    latitude: float
    longitude: float
    zoom: float
    radius_metres: float


DESK, PHONE = (660, 450), (330, 320)
"""Width and height in pixels that the map opens for: the smallest of each kind, either way up."""


MARK = 15.0
"""Pixels of the largest mark's radius, at most, where the map opens."""


def viewport(lat: Floats, lon: Floats, width: int, height: int, most: float = MARK) -> Viewport:
    """Fit the stations into so many pixels, with marks that leave room for each other, `most` in radius."""
    if not len(lat):
        return Viewport(0.0, 0.0, 1.0, 100.0)
    (south, north), (west, east) = _extent(lat), _extent(lon)
    middle = (south + north) / 2
    shrink = max(float(np.cos(np.radians(middle))), 0.05)
    # Web Mercator: the world is 512 pixels wide at zoom 0.
    zooms = [
        np.log2(width * 0.88 * 360 / 512 / max(east - west, 1e-4)),
        np.log2(height * 0.88 * 360 / 512 / (max(north - south, 1e-4) / shrink)),
    ]
    zoom = round(float(np.clip(min(zooms), 2, 14.5)), 2)
    metres_per_pixel = 40_075_017 * shrink / 512 / 2**zoom
    largest = np.clip(0.62 * _spacing(lat, lon, shrink) / metres_per_pixel, 3.5, most)
    return Viewport(
        latitude=round(float(middle), 5),
        longitude=round(float((west + east) / 2), 5),
        zoom=zoom,
        radius_metres=round(float(largest * metres_per_pixel), 1),
    )


def zoom_for(view: Viewport, pixels: float) -> float:
    """Give the zoom at which the largest mark of a map has a radius of so many pixels.

    >>> zoom_for(Viewport(0.0, 0.0, 12.0, 191.1), 20.0)
    13.0
    """
    shrink = max(float(np.cos(np.radians(view.latitude))), 0.05)
    return round(float(np.log2(40_075_017 * shrink / 512 * pixels / view.radius_metres)), 2)


def _extent(degrees: Floats) -> tuple[float, float]:
    """Give the lowest and the highest coordinate of the stations.

    The outer 2 % at each end do not count where they lie far off. One forgotten station in the next town
    would otherwise make the city a dot.
    """
    low, high = np.quantile(degrees, [0.02, 0.98])
    least, most = degrees.min(), degrees.max()
    far = most - least > 1.4 * (high - low)
    return (float(low), float(high)) if far else (float(least), float(most))


def _spacing(lat: Floats, lon: Floats, shrink: float) -> float:
    """Estimate how many metres a station is from its nearest neighbour: the median over 200 of them."""
    if len(lat) < 2:
        return 500.0
    some = np.linspace(0, len(lat) - 1, min(len(lat), 200)).astype(int)
    north = 111_195 * (lat[some, None] - lat[None, :])
    east = 111_195 * shrink * (lon[some, None] - lon[None, :])
    distance = np.hypot(north, east)
    distance[np.arange(len(some)), some] = np.inf
    return float(np.median(distance.min(axis=1)))


_SIZES: list[float] = [round(0.5 + 0.5 * float(np.sqrt(number / 20)), 2) for number in range(21)]
"""Radius by expected number: the area grows with it, to 20."""

_LARGEST = len(_SIZES) - 1

RISKY = (2, 3, 4)
"""The steps whose marks lie on top and are never small, even to hardly: a rider has to see and hit them."""

LEAST_RISKY = 11
"""Pixels of a risky mark's radius, at least."""

TOUCH = 22
"""Pixels around a station within which a touch is meant for it: a thumb needs 44."""

_HEIGHTS = [2, 3, 4, 6, 8, 1, 1]
"""Decimetres above the ground of the marks of each step: they hide those below them, with their numbers."""

_TOP = 1
"""Metres above the ground of what lies above all marks."""

FADED = 0.4
"""Opacity of marks whose counts are old."""


NUMBER = 0.95
"""Height of a number as a share of the largest mark's radius."""


def room(lat: Floats, lon: Floats, expected: Ints) -> Ints:
    """Tell the height in metres of numbers that have too little room, 0 for the others, `(S,)`.

    A number has room where no other mark reaches it, with the most that is expected there. Marks stop growing
    with the map, so that at some zoom each number has room. Until then one without room is too small to be
    read: it is a third of the way to its neighbour.
    """
    found = np.zeros(len(lat), np.int64)
    if len(lat):
        radius, one, other, apart = _neighbours(lat.tobytes(), lon.tobytes())
        sizes = np.maximum(np.array(_SIZES)[np.clip(expected, 0, _LARGEST)], LEAST_RISKY / MARK)
        near = apart < radius * (sizes[other] + NUMBER / 2)
        nearest = np.full(len(lat), np.inf)
        np.minimum.at(nearest, one[near], apart[near])
        tight = np.isfinite(nearest)
        found[tight] = np.maximum(nearest[tight] // 3, 1)
    return found


@lru_cache(maxsize=32)
def _neighbours(lat_bytes: bytes, lon_bytes: bytes) -> tuple[float, Ints, Ints, Floats]:
    """List pairs of stations whose largest marks and numbers could meet, both ways, and their distances.

    The first value is the radius of the largest mark, in metres. Stations are gone through by latitude: 90 ms
    at 2,226 of them, once.
    """
    lat, lon = np.frombuffer(lat_bytes), np.frombuffer(lon_bytes)
    radius = viewport(lat, lon, *DESK).radius_metres
    shrink = max(float(np.cos(np.radians(np.median(lat)))), 0.05)
    order, reach = np.argsort(lat, kind="stable"), radius * (1 + NUMBER / 2)
    north, east = 111_195 * lat[order], 111_195 * shrink * lon[order]
    pairs: list[tuple[Ints, Ints, Floats]] = [(order[:0], order[:0], north[:0])]
    for further in range(1, len(lat)):
        one = np.flatnonzero(north[further:] - north[:-further] < reach)
        if not len(one):
            break
        apart = np.hypot(north[one + further] - north[one], east[one + further] - east[one])
        one, apart = one[apart < reach], apart[apart < reach]
        pairs += [(order[one], order[one + further], apart), (order[one + further], order[one], apart)]
    ones, others, aparts = zip(*pairs, strict=True)
    return radius, np.concatenate(ones), np.concatenate(others), np.concatenate(aparts)


def size(expected: int) -> float:
    """Give the radius of a mark as a share of the largest."""
    return _SIZES[min(max(expected, 0), len(_SIZES) - 1)]


class Deck(pydeck.Deck):  # type: ignore[misc]
    """A map for the browser, without the indentation that is a quarter of pydeck's JSON."""

    _json: str | None = None

    def to_json(self) -> str:
        """Give the JSON that Streamlit sends at every move; it is written once."""
        if self._json is None:
            self._json = json.dumps(json.loads(super().to_json()), separators=(",", ":"))
        return self._json


def deck(
    url: str,
    view: Viewport,
    horizon: int,
    at: str,
    what: What,
    number: int,
    dark: bool,
    selected: tuple[float, float, int] | None = None,
    faded: bool = False,
    here: tuple[float, float] | None = None,
    style: str | None = None,
    of: FramePart | None = None,
) -> Deck:
    """Draw a horizon, in minutes, of the rows at `url`, a ring around the selected station, and the viewer.

    `selected` is `(lon, lat, expected)`. Viewers who see the same get the same map, which is made once.
    """
    of = of or part(horizon)
    columns = (NAME, BIKES, DOCKS, of.column(horizon, EXPECTED), of.column(horizon, CHANCE))
    words = map_words.tooltip(at if of.place is None else f"{{{ARRIVAL}}}", what, number, columns)
    return _deck(url, view, horizon, of, words, dark, selected, faded, here, style)


@lru_cache(maxsize=256)
def _deck(
    url: str,
    view: Viewport,
    horizon: int,
    of: FramePart,
    tooltip: str,
    dark: bool,
    selected: tuple[float, float, int] | None,
    faded: bool,
    here: tuple[float, float] | None,
    style: str | None,
) -> Deck:
    """Draw what `deck` says.

    Two details work around Streamlit. It fades all marks but the selected one, and the rider would lose the
    colours; it does not touch a layer without an id. It also keeps only one of our update triggers, so that
    the sizes would not change. The comparator reports the rows as changed, and the browser reads every column
    again (7 ms at 2,226 stations). The layer of numbers contains a layer of letters, which needs the same.
    A layer that can be touched is of a type of its own, since deck.gl names one without an id by its type. A
    touch meets the last of these layers that it hits.

    The numbers grow with the map, whatever its zoom. They are drawn as distance fields: the strokes of small
    ones thin out to nothing, so that they appear as soon as they can be read.
    """
    expected, step = (f"this[{of.column(horizon, which)}]" for which in (EXPECTED, STEP))
    # The colours by channel, which is half as long as by step; a closed station has none, but can be touched.
    channels = zip(*(rgb(colour) for colour in (*palette.STEPS, palette.UNKNOWN, "#000000")), strict=True)
    opacity = f"this[{FADE}]?{round(255 * FADED)}:255"
    fill = ",".join(f"({list(channel)})[{step}]" for channel in channels).replace(" ", "")
    fill = f"[{fill},{step}=={CLOSED_STEP}?1:{opacity}]"
    risky_step = f"{step}-{RISKY[0]}"
    risky_colours = zip(*(rgb(palette.STEPS[index]) for index in RISKY), strict=True)
    risky_fill = ",".join(f"({list(channel)})[{risky_step}]" for channel in risky_colours).replace(" ", "")
    white = "||".join(
        f"{step}=={index}"
        for index, fill in enumerate(palette.STEPS)
        if palette.ink(fill) == palette.LIGHT_INK
    )
    dark_ink, light_ink = (str(rgb(ink))[1:-1] for ink in (palette.DARK_INK, palette.LIGHT_INK))
    faded_ink = light_ink if dark else dark_ink  # the ground shows through
    place, edge = f"this[{LON}],this[{LAT}]", rgb(palette.EDGE[dark])
    height, of_number = (
        f"({[round(0.1 * tall + more, 2) for tall in _HEIGHTS]})[{step}]".replace(" ", "").replace("0.", ".")
        for more in (0, 0.07)
    )
    risky_heights = str([round(0.1 * _HEIGHTS[index] + 0.05, 2) for index in RISKY]).replace(" ", "")
    risky_place = f"{step}<{RISKY[0]}||{step}>{RISKY[-1]}?[0,0]:[{place},({risky_heights})[{risky_step}]]"
    fades: dict[str, Any] = {"opacity": FADED} if faded else {}
    layers = [
        # Unseen: a touch that meets no mark above it is meant for it. A move changes nothing in it.
        pydeck.Layer(
            "PointCloudLayer", data=url, get_position=f"[{place}]", get_color=[0, 0, 0, 0],
            point_size=TOUCH, pickable=True,
        ),
        pydeck.Layer(
            "ScatterplotLayer",
            data=url,
            data_comparator="1==2",
            get_position=f"[{place},{height}]",
            get_fill_color=fill,
            get_line_color=edge,
            get_radius=f"({_SIZES})[{expected}>{_LARGEST}?{_LARGEST}:{expected}>0?{expected}:0]".replace(
                " ", ""
            ).replace("0.", "."),
            get_line_width=f"{step}=={CLOSED_STEP}?.25:.08",
            radius_scale=view.radius_metres,
            radius_min_pixels=2.4,
            radius_max_pixels=24,
            line_width_scale=view.radius_metres,
            line_width_max_pixels=2,
            stroked=True,
            pickable=True,
            **fades,
        ),
        # What a touch of a risky mark meets, and what is seen of it. Those of other stations lie
        # where no station is.
        pydeck.Layer(
            "ColumnLayer", data=url, data_comparator="1==2", get_position=risky_place, radius=LEAST_RISKY,
            radius_units='"pixels"', extruded=False, get_fill_color=[0, 0, 0, 0], pickable=True,
        ),
        pydeck.Layer(
            "ScatterplotLayer", data=url, data_comparator="1==2", id="risky", get_position=risky_place,
            get_fill_color=f"[{risky_fill},{opacity}]", get_line_color=edge,
            get_radius=f"({_SIZES[:3]})[{expected}>1?2:{expected}>0?1:0]".replace(" ", "").replace("0.", "."),
            radius_scale=view.radius_metres, radius_min_pixels=LEAST_RISKY, radius_max_pixels=24,
            line_width_units='"pixels"', stroked=True, **fades,
        ),
        pydeck.Layer(
            "TextLayer",
            data=url,
            data_comparator="1==2",
            id="numbers",
            get_position=f"[{place},{of_number}]",
            get_text=f"''+this[{of.column(horizon, EXPECTED)}]",
            get_color=(
                f"this[{FADE}]?[{faded_ink},{step}=={CLOSED_STEP}?0:255]:"
                f"{white}?{rgb(palette.LIGHT_INK)}:[{dark_ink},{step}=={CLOSED_STEP}?0:255]"
            ).replace(" ", ""),
            get_size=f"this[{ROOM}]||{round(NUMBER * view.radius_metres, 1)}",
            size_units='"meters"',
            size_max_pixels=22,
            character_set='"0123456789–"',
            font_family='"sans-serif"',
            font_weight=600,
            font_settings={"sdf": True},
            _subLayerProps={"characters": {"dataComparator": "@@=1==2"}},
        ),
    ]  # fmt: skip
    for touched in layers[:3]:
        touched.id = None
    if selected is not None:
        lon, lat, number_expected = selected
        layers.append(
            pydeck.Layer(
                "ScatterplotLayer",
                data=[[lon, lat, _TOP]],
                id="selected",
                get_position="this",
                get_radius=round(view.radius_metres * 1.25 * size(number_expected), 1),
                get_line_color=rgb(palette.RING[dark]),
                radius_min_pixels=LEAST_RISKY + 3,
                radius_max_pixels=30,
                get_line_width=3,
                line_width_units='"pixels"',
                filled=False,
                stroked=True,
            )
        )
    if here is not None:
        layers.append(
            pydeck.Layer(
                "ScatterplotLayer", data=[[here[1], here[0], _TOP]], id="here", get_position="this",
                get_radius=7, radius_units='"pixels"', get_fill_color=rgb(palette.HERE), stroked=True,
                get_line_color=rgb(palette.RING[True]), get_line_width=3, line_width_units='"pixels"',
            )
        )  # fmt: skip
    return Deck(
        layers,
        initial_view_state=pydeck.ViewState(
            latitude=view.latitude, longitude=view.longitude, zoom=view.zoom,
            min_zoom=1, max_zoom=18,
        ),
        views=None,  # the browser's own is the same
        map_provider=None,
        # Without any style Streamlit would put streets of its own choice there; with its mark for none, none.
        **({} if style is None else {"map_style": style}),
        tooltip={"text": tooltip},
    )  # fmt: skip


def rows(frame: Frame, what: What, number: int, of: FramePart) -> list[tuple[object, ...]]:
    """Lay a frame out for the browser: a row a station, with the horizons of a part side by side.

    A closed station keeps its counts but has no chance: nobody knows when it opens again, unless its opening
    hours say so.
    """
    stations = frame.stations
    walk = None if of.place is None else walks(of.place, stations.lat, stations.lon)
    if walk is None:
        then = frame_at(frame, of.minutes)
    else:
        then = frame_on_arrival(frame, of.minutes[0] + whole_minutes(walk))
    shown = range(len(of.minutes))
    open_then = np.stack([is_open(then, what, horizon) for horizon in shown])
    closed_then = np.stack([by_hours(then, horizon) for horizon in shown])
    chances, expected = side(then, what).chance[number - 1], side(then, what).median
    step_of = np.array([rules.step(c) if c <= 100 else UNKNOWN_STEP for c in range(256)])
    steps = np.where(open_then, step_of[chances], CLOSED_STEP)
    closed = (shell_words.CLOSED[what], hours_words.CLOSED_THEN())
    words = np.array([*(shell_words.chance(c) for c in range(256)), *closed], dtype=object)
    likely = words[np.where(open_then, chances.astype(np.int64), np.where(closed_then, 257, 256))]
    kind = "bike" if what == "space" else what
    now = zip(frame.bikes.tolist(), frame.docks.tolist(), frame.ebikes.tolist(), strict=True)
    bikes: list[object] = [formats.count(count_of(kind, *each)) for each in now]
    docks: list[object] = [formats.count(number) for number in frame.docks.tolist()]
    for row in np.flatnonzero(frame.last_at >= 0).tolist():
        last_bikes, docks[row] = counts_in_words(frame, row)
        bikes[row] = last_bikes if kind == "bike" else formats.UNKNOWN  # nobody keeps that of a kind
    columns: list[list[object]] = [
        np.round(stations.lon, 5).tolist(),
        np.round(stations.lat, 5).tolist(),
        stations.name.tolist(),
        stations.station_id.tolist(),
        bikes,
        docks,
        (frame.last_at >= 0).astype(int).tolist(),
        room(stations.lat, stations.lon, expected.max(axis=0)).tolist(),
    ]
    for horizon in range(len(chances)):
        known = expected[horizon].tolist()
        columns += [
            [number if number >= 0 else "–" for number in known],
            steps[horizon].tolist(),
            likely[horizon].tolist(),
        ]
    if walk is not None:
        zone = zone_of(stations.timezone)
        columns.append(
            [formats.moment(at_horizon(then, 0, row), frame.at, zone) for row in range(len(stations))]
        )
    return list(zip(*columns, strict=True))
