"""Bikes that riders leave for far longer than usual are taken less, and may be broken."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from model import Forecaster, Snapshot, checkpoint, codec
from model.arrays import Ints
from model.frame import Frame
from model.frame_builder import make_frame
from tests.support.model_world import MINUTE, MONDAY, stations

DAYS, SIZE, PLACES = 4, 40, 12


def learnt(breaks: float) -> Forecaster:
    """Learn days of stations that fill for six hours and are emptied for six. Some bikes break.

    `breaks` is how likely each is to. Riders leave a broken bike. It is mended when the station fills again.
    """
    forecaster, rng = Forecaster(stations(SIZE)), np.random.default_rng(4)
    ids, good, broken = forecaster.stations.station_id, np.full(SIZE, 3), np.zeros(SIZE, dtype=np.int64)
    for minute in range(0, DAYS * 1440, 4):
        fills = minute // 360 % 2 == 0
        if fills:
            good, broken = good + broken, np.zeros_like(broken)
        come, go = rng.random((2, SIZE)) < ([[0.16], [0.04]] if fills else [[0.01], [0.4]])
        come &= good + broken < PLACES
        good = good + come - (go & (good > 0))
        if minute % 720 == 356:
            broken = rng.binomial(good, breaks)
            good -= broken
        bikes = good + broken
        forecaster.learn(Snapshot(MONDAY + minute * MINUTE, ids, bikes, PLACES - bikes))
    return forecaster


@pytest.fixture(scope="module")
def blob() -> bytes:
    return learnt(breaks=0.04).to_bytes()


@pytest.fixture
def forecaster(blob: bytes) -> Forecaster:
    return Forecaster.from_bytes(blob)


def left_long(forecaster: Forecaster) -> Ints:
    """Find the stations whose last bike more than three riders have left."""
    snapshot = forecaster.snapshot()
    assert snapshot is not None
    found: Ints = np.flatnonzero((snapshot.bikes == 1) & (forecaster.components["last_bikes"].missed > 3))
    assert len(found)
    return found


def test_fewer_riders_take_what_others_have_left(forecaster: Forecaster) -> None:
    last = forecaster.components["last_bikes"]
    one, two, many = last.seen[:, 3:].sum(axis=1) / last.expected[:, 3:].sum(axis=1)
    assert one < 0.3
    assert one < two < many


def test_a_frame_tells_since_when_and_how_many_have_left_it(forecaster: Forecaster) -> None:
    frame, rows = make_frame(forecaster), left_long(forecaster)
    assert (frame.left_by[rows] >= 3).all()
    assert (frame.left_since[rows] < frame.at.timestamp() - 1800).all()
    assert (frame.left_by[(frame.bikes == 0) | (frame.bikes > 2)] == -1).all()
    again = Frame.from_bytes(frame.to_bytes())
    np.testing.assert_array_equal(again.left_by, frame.left_by)
    np.testing.assert_array_equal(again.left_since, frame.left_since)


def test_where_no_bike_breaks_none_is_called_broken() -> None:
    frame = make_frame(learnt(breaks=0))
    assert (frame.left_by == -1).all()
    assert (frame.left_since == -1).all()


def test_a_hole_says_nothing_of_the_bikes_in_it(forecaster: Forecaster) -> None:
    last, now = forecaster.components["last_bikes"], forecaster.snapshot()
    assert now is not None
    assert last.missed.any()
    later = now.at + timedelta(hours=5)
    forecaster.learn(Snapshot(later, now.station_id, now.bikes, now.docks))
    assert not last.missed.any()
    assert (last.since == later.timestamp()).all()


def test_a_state_of_format_8_begins_to_count(blob: bytes) -> None:
    arrays = {
        name: value for name, value in checkpoint.unpack(blob).items() if not name.startswith("last_bikes.")
    }
    older = Forecaster.from_bytes(codec.pack({**arrays, "format": np.array(8)}))
    assert not older.components["last_bikes"].missed.any()
    assert (make_frame(older).left_by == -1).all()
