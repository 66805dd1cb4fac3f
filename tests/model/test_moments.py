"""A frame read between its horizons: straight lines, certainty kept, and the hours of the very minute."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from model.frame import NO_FORECAST, Frame
from model.hours import OpeningHours
from model.moments import chances_at, frame_at, frame_on_arrival, outlook_at
from tests.support.dashboard_world import frame


@pytest.fixture
def made() -> Frame:
    return frame(stations=12)


def test_at_its_own_horizons_a_frame_reads_as_it_is(made: Frame) -> None:
    same = frame_at(made, made.minutes.tolist())
    for side in ("bike", "space"):
        for part in ("median", "low", "high", "chance"):
            was, now = (getattr(getattr(each, side), part) for each in (made, same))
            assert np.array_equal(was, now)
            assert was.dtype == now.dtype


def test_a_horizon_that_is_met_needs_no_other(made: Frame) -> None:
    """The last one holds after the day: it did not where the one before it had no forecast."""
    chance = made.bike.chance[0].copy()
    chance[[1, -2], 4] = NO_FORECAST
    first, last, end = chance[0, 4] / 100, chance[-1, 4] / 100, float(made.minutes[-1])
    between = float(made.minutes[:2].mean())
    read = chances_at(made, chance, np.array([4]), np.array([0.0, between, end - 1, end, end + 60]))
    np.testing.assert_array_equal(read, [first, np.nan, np.nan, last, last])


def test_each_station_is_read_at_a_minute_of_its_own(made: Frame) -> None:
    rows, minutes = np.arange(12), np.linspace(0.0, 1440.0, 12)
    read = outlook_at(made, made.bike, rows, minutes)
    assert read.median.shape == (12,)
    assert read.chance.shape == (4, 12)
    for row in (0, 4, 11):
        for part in ("median", "low", "high"):
            expected = np.interp(minutes[row], made.minutes, getattr(made.bike, part)[:, row])
            assert getattr(read, part)[row] == round(float(expected))
        for number in range(4):
            expected = np.interp(minutes[row], made.minutes, made.bike.chance[number, :, row])
            assert abs(read.chance[number, row] - expected) <= 0.5
    assert read.median[2] == -1
    assert (read.chance[:, 2] == NO_FORECAST).all()


def test_a_frame_of_arrivals_reads_each_station_at_its_own(made: Frame) -> None:
    """All stations close an hour after the counts: an arrival later than that has no chance."""
    start = int(made.at.timestamp())
    spans = np.array([[0, start - 3600, start + 3600]])
    made = replace(made, hours=OpeningHours(np.zeros(12, np.int64), spans, np.array(["Mo-Su 11:00-13:00"])))
    minutes = np.arange(12) * 11
    arrived = frame_on_arrival(made, minutes)
    assert arrived.minutes.tolist() == [minutes.tolist()]
    assert arrived.closed is not None
    assert arrived.closed.tolist() == [[bool(minute >= 60) for minute in minutes]]
    for row in range(12):
        alone = frame_at(made, [int(minutes[row])])
        for side in ("bike", "space"):
            assert getattr(arrived, side).median[0, row] == getattr(alone, side).median[0, row]
            assert (getattr(arrived, side).chance[:, 0, row] == getattr(alone, side).chance[:, 0, row]).all()


def test_only_what_is_certain_on_both_sides_is_certain_between(made: Frame) -> None:
    chance = made.bike.chance.copy()
    chance[0, :, 4] = 100
    chance[0, 1, 5], chance[0, 0, 5] = 99, 100
    chance[0, 1, 6], chance[0, 0, 6] = 1, 0
    sure = replace(made, bike=replace(made.bike, chance=chance))
    read = outlook_at(sure, sure.bike, np.array([4, 5, 6]), np.array([1.0, 1.0, 1.0]))
    assert read.chance[0].tolist() == [100, 99, 1]
