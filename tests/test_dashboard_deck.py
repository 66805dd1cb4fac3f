"""What the map draws: rows, columns, colours, sizes and the view it opens with."""

from __future__ import annotations

import builtins
import itertools
import json
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from dashboard_world import NASTY, NOON, frame
from hypothesis import given
from hypothesis import strategies as st

from dashboard import deck, text
from dashboard.reading import View
from ingest.store import SystemRow, SystemState
from model.frame import MINUTES
from model.records import Floats

SYSTEM = SystemRow("dublin", "dublinbikes", "Dublin", "IE", "http://x", 60, 1.0, "")
STATE = SystemState("dublin", "live", "", NOON, NOON, NOON, NOON, 0, 1, NOON)


def test_each_row_reads_as_the_frame_says() -> None:
    made = frame()
    for part in deck.PARTS.values():
        rows = deck.rows(made, "space", 2, part)
        assert len({len(row) for row in rows}) == 1
        for horizon in range(part.first, part.stop or len(MINUTES)):
            for station in (0, 5, 11):
                row, chance = rows[station], int(made.space.chance[1, horizon, station])
                assert row[part.column(horizon, deck.EXPECTED)] == made.space.median[horizon, station]
                assert row[part.column(horizon, deck.STEP)] == text.step(chance)
                assert row[part.column(horizon, deck.CHANCE)] == text.chance(chance)


def test_rows_are_plain_json_and_names_are_only_data() -> None:
    rows = json.loads(json.dumps(deck.rows(frame(), "bike", 1, deck.PARTS["near"])))
    assert rows[0][deck.NAME] == NASTY
    assert rows[2][deck.BIKES] == "–"


def test_closed_and_unknown_stations_have_steps_of_their_own() -> None:
    part = deck.PARTS["near"]
    rows = deck.rows(frame(), "bike", 1, part)
    column = part.column(3, deck.STEP)
    assert rows[1][column] == deck.CLOSED_STEP
    assert rows[1][part.column(3, deck.CHANCE)] == "closed: no bikes handed out"
    assert rows[2][column] == deck.UNKNOWN_STEP
    assert rows[2][part.column(3, deck.CHANCE)] == "no forecast"


def test_every_horizon_is_in_the_part_that_is_chosen_for_it() -> None:
    for horizon in range(len(MINUTES)):
        part = deck.part(horizon)
        assert part.first <= horizon < (part.stop or len(MINUTES))


@given(age=st.integers(0, 3000), minutes=st.sampled_from(range(0, 121, 5)))
def test_an_arrival_is_read_from_the_horizon_nearest_to_it_counted_from_the_counts(
    age: int, minutes: int
) -> None:
    view = View(SYSTEM, STATE, 1, _FRAME, NOON + timedelta(minutes=age), None)
    column = view.column(minutes)
    ahead = age + minutes
    if ahead > 1440:
        assert column is None
    else:
        assert column is not None
        assert abs(MINUTES[column] - ahead) == min(abs(m - ahead) for m in MINUTES)


_FRAME = frame(stations=4)


def test_the_same_view_is_the_same_to_the_byte_at_every_horizon() -> None:
    view = deck.viewport(_FRAME.stations.lat, _FRAME.stations.lon, 1000, 460)
    specs = [
        json.loads(deck.deck("/rows", view, horizon, "12:00", "bike", 1, dark, selected).to_json())
        for horizon in (0, 5, 30)
        for dark in (True, False)
        for selected in (None, (-6.2, 53.3, 4))
    ]
    assert len({json.dumps(spec["initialViewState"]) for spec in specs}) == 1
    assert len({spec["layers"][0]["data"] for spec in specs}) == 1
    # An id of its own would let Streamlit fade all but the selected station.
    assert not any("id" in spec["layers"][0] for spec in specs)
    # Without this Streamlit would put streets of a stranger's server below.
    assert {spec["mapStyle"] for spec in specs} == {"__MAP_STYLE__"}


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
    random = np.random.default_rng(seed)
    lat, lon = 53.3 + 0.1 * random.random(size), -6.3 + 0.2 * random.random(size)
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
    """It is not there, and a search in vain on each slider move took a third of its time."""
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


# How people with one kind of cone missing see linear RGB: Machado, Oliveira, Fernandes,
# "A physiologically-based model for simulation of color vision deficiency", IEEE TVCG 2009, severity 1.0.
_EYES = {
    "all cones": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def _linear(colour: str) -> Floats:
    srgb = np.array([*bytes.fromhex(colour[1:])]) / 255
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def _lab(linear: Floats) -> Floats:
    to_xyz = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.072175],
            [0.0193339, 0.119192, 0.9503041],
        ]
    )
    xyz = to_xyz @ np.clip(linear, 0, 1) / np.array([0.95047, 1.0, 1.08883])
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("eyes", _EYES)
def test_the_five_steps_are_told_apart_by_all_eyes(eyes: str) -> None:
    """A difference of 2.3 is just seen side by side; marks are small and lie apart, so ten times that."""
    seen = [_lab(_EYES[eyes] @ _linear(colour)) for colour in deck.STEPS]
    for (i, one), (j, other) in itertools.combinations(enumerate(seen), 2):
        difference = float(np.linalg.norm(one - other))
        assert difference > 23, f"{deck.STEPS[i]} and {deck.STEPS[j]} differ by {difference:.0f}"
