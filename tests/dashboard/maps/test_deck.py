"""The map: rows, columns, colours, sizes and the opening view."""

from __future__ import annotations

import builtins
import json
import re
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import palette
from dashboard.maps import deck
from dashboard.store_reader import View
from dashboard.words import rules
from dashboard.words import shell as shell_words
from ingest.store import SystemState
from ingest.system import System
from model.arrays import Floats
from model.moments import frame_at
from tests.support.dashboard_world import NASTY, NOON, frame

SYSTEM = System("dublin", "dublinbikes", "Dublin", "IE", "http://x", 60, 1.0, "")
STATE = SystemState("dublin", "live", None, NOON, NOON, NOON, NOON, 0, 1, NOON)


@pytest.mark.parametrize("part", [deck.NEAR, deck.part(735), deck.part(1440)], ids=lambda part: part.name)
def test_each_row_reads_as_the_frame_says(part: deck.FramePart) -> None:
    made = frame()
    rows = deck.rows(made, "space", 2, part)
    assert len({len(row) for row in rows}) == 1
    for horizon in part.minutes:
        then = frame_at(made, [horizon])
        for station in (0, 5, 11):
            row, chance = rows[station], int(then.space.chance[1, 0, station])
            assert row[part.column(horizon, deck.EXPECTED)] == then.space.median[0, station]
            assert row[part.column(horizon, deck.STEP)] == rules.step(chance)
            assert row[part.column(horizon, deck.CHANCE)] == shell_words.chance(chance)


def test_rows_are_plain_json_and_names_are_only_data() -> None:
    rows = json.loads(json.dumps(deck.rows(frame(), "bike", 1, deck.NEAR)))
    assert rows[0][deck.NAME] == NASTY
    assert rows[2][deck.BIKES] == "–"


def test_closed_and_unknown_stations_have_steps_of_their_own() -> None:
    part = deck.NEAR
    rows = deck.rows(frame(), "bike", 1, part)
    column = part.column(15, deck.STEP)
    assert rows[1][column] == deck.CLOSED_STEP
    assert rows[1][part.column(15, deck.CHANCE)] == "closed: no bikes handed out"
    assert rows[2][column] == deck.UNKNOWN_STEP
    assert rows[2][part.column(15, deck.CHANCE)] == "no forecast"


def test_every_horizon_is_in_the_part_that_is_chosen_for_it() -> None:
    for horizon in range(0, 1441, 5):
        part = deck.part(horizon)
        assert horizon in part.minutes
        assert deck.named(part.name) == part


@given(age=st.integers(0, 3000), minutes=st.floats(0, 1440))
def test_an_arrival_is_read_within_three_minutes_of_it_counted_from_the_counts(
    age: int, minutes: float
) -> None:
    view = View(SYSTEM, STATE, 1, _FRAME, NOON + timedelta(minutes=age), None)
    horizon = view.horizon(minutes)
    if age + minutes > 1470:  # half an hour after the last horizon
        assert horizon is None
    else:
        assert horizon is not None
        assert abs(horizon - min(age + minutes, 1440)) <= 2.5 + 1e-9
        assert deck.part(horizon)


_FRAME = frame(stations=4)


def test_the_opening_view_is_the_same_to_the_byte_at_every_horizon() -> None:
    view = deck.viewport(_FRAME.stations.lat, _FRAME.stations.lon, 1000, 460)
    specs = [
        json.loads(deck.deck("/rows", view, horizon, "12:00", "bike", 1, dark, selected).to_json())
        for horizon in (0, 25, 735)
        for dark in (True, False)
        for selected in (None, (-6.2, 53.3, 4))
    ]
    assert len({json.dumps(spec["initialViewState"]) for spec in specs}) == 1
    assert len({spec["layers"][0]["data"] for spec in specs}) == 1
    # An id of its own would let Streamlit fade all but the selected station.
    assert not any("id" in spec["layers"][0] for spec in specs)
    # Without this Streamlit would put streets of a stranger's server below.
    assert {spec["mapStyle"] for spec in specs} == {"__MAP_STYLE__"}


def test_streets_are_drawn_where_a_style_is_given() -> None:
    view = deck.viewport(_FRAME.stations.lat, _FRAME.stations.lon, 1000, 460)
    spec = json.loads(
        deck.deck("/rows", view, 0, "12:00", "bike", 1, False, style="http://x/s.json").to_json()
    )
    assert spec["mapStyle"] == "http://x/s.json"


def test_the_view_fits_the_city_and_leaves_out_a_lost_station() -> None:
    lat, lon = np.linspace(53.30, 53.36, 100), np.linspace(-6.32, -6.20, 100)
    view = deck.viewport(lat, lon, 1000, 460)
    lost = deck.viewport(np.append(lat, 10.0), np.append(lon, 100.0), 1000, 460)
    assert abs(view.latitude - 53.33) < 0.005
    assert abs(view.zoom - lost.zoom) < 0.1
    pixels = (53.36 - 53.30) / np.cos(np.radians(53.33)) / 360 * 512 * 2**view.zoom
    assert 400 < pixels < 460


@given(seed=st.integers(0, 2**16), size=st.integers(2, 300))
def test_a_city_without_lost_stations_opens_whole(seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    lat, lon = 53.3 + 0.1 * rng.random(size), -6.3 + 0.2 * rng.random(size)
    view = deck.viewport(lat, lon, 340, 400)
    scale = 512 * 2**view.zoom / 360
    across = (lon - view.longitude) * scale
    up = (
        np.degrees(np.arctanh(np.sin(np.radians(lat))) - np.arctanh(np.sin(np.radians(view.latitude))))
        * scale
    )
    if view.zoom < 14.5 and size > 20:
        assert np.abs(across).max() < 170
        assert np.abs(up).max() < 200


def test_a_map_is_made_without_looking_for_jupyter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jupyter is not installed, and the search for it took a third of each slider move."""
    looked_for = []
    search = builtins.__import__

    def spy(name: str, *rest: Any, **options: Any) -> Any:
        looked_for.append(name)
        return search(name, *rest, **options)

    view = deck.viewport(_FRAME.stations.lat, _FRAME.stations.lon, 1000, 460)
    monkeypatch.setattr(builtins, "__import__", spy)
    deck.deck("/rows", view, 0, "12:00", "bike", 1, False)
    assert "widget" not in looked_for


@pytest.mark.parametrize("size", [0, 1, 2])
def test_a_city_of_next_to_no_stations_has_a_view(size: int) -> None:
    here: Floats = np.full(size, 48.0)
    view = deck.viewport(here, here, 340, 400)
    assert all(np.isfinite([view.latitude, view.longitude, view.zoom, view.radius_metres]))


def test_more_expected_is_bigger() -> None:
    sizes = [deck.size(number) for number in range(-1, 40)]
    assert sizes == sorted(sizes)
    assert sizes[0] > 0


def test_stale_counts_are_drawn_faded() -> None:
    view = deck.viewport(_FRAME.stations.lat, _FRAME.stations.lon, 1000, 460)
    fresh, old = (
        json.loads(deck.deck("/rows", view, 0, "12:00", "bike", 1, False, None, faded).to_json())["layers"][1]
        for faded in (False, True)
    )
    assert old == fresh | {"opacity": deck.FADED}


def test_the_number_on_a_mark_is_the_expected_one_of_its_horizon() -> None:
    view = deck.viewport(_FRAME.stations.lat, _FRAME.stations.lon, 1000, 460)
    for horizon in (0, 35, 735):
        spec = json.loads(deck.deck("/rows", view, horizon, "12:00", "bike", 1, False).to_json())
        numbers = next(layer for layer in spec["layers"] if layer.get("id") == "numbers")
        column = deck.part(horizon).column(horizon, deck.EXPECTED)
        assert numbers["getText"] == f"@@=''+this[{column}]"
        assert numbers["data"] == spec["layers"][0]["data"]
        # A closed station has no number.
        assert f"this[{column + 1}]=={deck.CLOSED_STEP}?0:255" in numbers["getColor"]


def test_each_number_has_the_ink_that_its_step_asks_for() -> None:
    view = deck.viewport(_FRAME.stations.lat, _FRAME.stations.lon, 1000, 460)
    spec = json.loads(deck.deck("/rows", view, 0, "12:00", "bike", 1, False).to_json())
    numbers = next(layer for layer in spec["layers"] if layer.get("id") == "numbers")
    faded, _, fresh = numbers["getColor"].removeprefix("@@=").partition(":255]:")
    assert faded.startswith(f"this[{deck.FADE}]?[")
    light, _, dark = fresh.partition("?")
    assert "255,255,255" in dark
    steps = {int(step) for step in re.findall(r"==(\d)", light)}
    assert steps == {i for i, fill in enumerate(palette.STEPS) if palette.ink(fill) == palette.LIGHT_INK}


def test_a_touch_is_read_from_every_layer_that_a_touch_can_meet() -> None:
    """Streamlit fades the marks where a layer that can be touched has an id of ours."""
    view = deck.viewport(_FRAME.stations.lat, _FRAME.stations.lon, 1000, 460)
    spec = json.loads(deck.deck("/rows", view, 0, "12:00", "bike", 1, False).to_json())
    touched = [layer for layer in spec["layers"] if layer.get("pickable")]
    assert not any("id" in layer for layer in touched)
    assert sorted(layer["@@type"] for layer in touched) == sorted(deck.LAYERS)


def test_a_risky_mark_is_large_and_above_the_others() -> None:
    view = deck.viewport(_FRAME.stations.lat, _FRAME.stations.lon, 1000, 460)
    spec = json.loads(deck.deck("/rows", view, 0, "12:00", "bike", 1, False).to_json())
    risky = next(layer for layer in spec["layers"] if layer.get("id") == "risky")
    assert 2 * risky["radiusMinPixels"] >= 22
    heights = [float(number) for number in re.findall(r"\d*\.\d+", spec["layers"][1]["getPosition"])]
    assert heights[: len(palette.STEPS)] == sorted(set(heights[: len(palette.STEPS)]))
    assert max(heights[5:]) < min(heights[:5])
    above = [float(number) for number in re.findall(r"\d*\.\d+", risky["getPosition"])]
    assert above == [round(heights[step] + 0.05, 2) for step in deck.RISKY]


def test_a_number_that_a_neighbour_would_cover_waits_for_room() -> None:
    """Two that lie on each other, one near them, one far away."""
    lat, lon = np.array([53.0, 53.0, 53.001, 53.2]), np.array([-6.0, -6.0001, -6.0, -6.3])
    room = deck.room(lat, lon, np.array([20, 0, 20, 20]))
    assert room[0] == room[1] == 2
    assert 30 < room[2] < 40
    assert room[3] == 0


@given(st.integers(0, 60), st.integers(0, 2**16))
def test_numbers_have_room_by_the_distance_to_every_other_mark(size: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    lat, lon = random.normal(53, 0.02, size), random.normal(-6, 0.03, size)
    expected = random.integers(-1, 30, size)
    room = deck.room(lat, lon, expected)
    assert room.shape == (size,)
    radius = deck.viewport(lat, lon, *deck.DESK).radius_metres
    shrink = np.cos(np.radians(np.median(lat))) if size else 1.0
    for row in range(size):
        away = 111_195 * np.hypot(lat - lat[row], shrink * (lon - lon[row]))
        away[row] = np.inf
        reach = [
            radius * (max(deck.size(int(n)), deck.LEAST_RISKY / deck.MARK) + deck.NUMBER / 2)
            for n in expected
        ]
        assert (room[row] > 0) == bool((away < reach).any())
