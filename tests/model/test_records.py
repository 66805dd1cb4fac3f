"""Records and frames: aligned, read-only, and the same after packing and unpacking."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

from model import Forecaster, Snapshot, Weather, codec
from model.frame import Frame, Outlook
from model.frame_builder import make_frame
from model.records import WEATHER
from tests.support.dashboard_world import frame
from tests.support.model_world import MONDAY, riders, snapshot, stations


def test_times_are_aware_and_utc() -> None:
    with pytest.raises(ValueError, match="aware"):
        snapshot(datetime(2026, 3, 2), [1])  # noqa: DTZ001
    summer = datetime(2026, 7, 1, 9, tzinfo=timezone(timedelta(hours=2)))
    assert snapshot(summer, [1]).at == datetime(2026, 7, 1, 7, tzinfo=UTC)


def test_arrays_that_do_not_line_up_are_refused_with_a_reason() -> None:
    with pytest.raises(ValueError, match="one value a station"):
        Snapshot(MONDAY, np.array(["a", "b"]), np.array([1]), np.array([1, 2]))
    with pytest.raises(ValueError, match="twice"):
        Snapshot(MONDAY, np.array(["a", "a"]), np.array([1, 2]), np.array([1, 2]))
    with pytest.raises(ValueError, match="-1 for unknown"):
        Snapshot(MONDAY, np.array(["a"]), np.array([-2]), np.array([1]))
    with pytest.raises(ValueError, match="one value a station"):
        replace(stations(3), name=np.array(["a"]))


def test_a_record_does_not_follow_the_array_that_it_was_made_of() -> None:
    counts = np.array([1, 2])
    seen = Snapshot(MONDAY, np.array(["a", "b"]), counts, counts)
    counts[0] = 9
    assert seen.bikes.tolist() == [1, 2]


def test_descriptions_compare_by_value() -> None:
    assert stations(3).same_as(stations(3))
    assert not stations(3).same_as(stations(4))
    assert not stations(3).same_as(replace(stations(3), lat=np.array([1.0, 2.0, 3.0])))


def test_a_frame_is_the_same_after_packing_and_unpacking() -> None:
    made = frame()
    back = Frame.from_bytes(made.to_bytes())
    assert back.to_bytes() == made.to_bytes()
    assert (back.at, back.learning_since) == (made.at, made.learning_since)
    assert back.stations.same_as(made.stations)
    for name in ("minutes", "bikes", "docks", "ebikes", "renting", "returning"):
        np.testing.assert_array_equal(getattr(back, name), getattr(made, name))
    for side in ("bike", "space"):
        for field in fields(Outlook):
            np.testing.assert_array_equal(
                getattr(getattr(back, side), field.name), getattr(getattr(made, side), field.name)
            )


def test_a_frame_of_another_format_is_refused_with_a_reason() -> None:
    with pytest.raises(ValueError, match="format 99"):
        Frame.from_bytes(codec.pack({"format": np.array(99)}))


def test_a_frame_of_format_1_is_read() -> None:
    """The release before packed it in an npz, after the snapshots that the forecaster learns here."""
    forecaster = Forecaster(stations(3))
    values = np.tile([12.0, 80, 1010, 4, 60, 1], (30, 1))
    forecaster.update_weather(Weather(int(MONDAY.timestamp()) + 3600 * np.arange(30), values))
    for seen in riders(200, 3):
        forecaster.learn(seen)
    here = make_frame(forecaster)
    there = Frame.from_bytes((Path(__file__).parent / "frame-format-1.npz").read_bytes())
    assert (there.at, there.learning_since) == (here.at, here.learning_since)
    assert there.stations.same_as(here.stations)
    for name in ("bikes", "docks", "state", "last_at"):
        np.testing.assert_array_equal(getattr(there, name), getattr(here, name))
    assert there.minutes.tolist() == [*range(0, 121, 5), *range(180, 1441, 60)]
    both, then, now = np.intersect1d(there.minutes, here.minutes, return_indices=True)
    assert len(both) > 30
    np.testing.assert_allclose(there.bike.median[then], here.bike.median[now], atol=1)
    np.testing.assert_allclose(there.space.chance[:, then].astype(int), here.space.chance[:, now], atol=3)
    assert Frame.from_bytes(there.to_bytes()).to_bytes() == there.to_bytes()


def test_weather_between_hours_is_interpolated_as_numpy_does() -> None:
    rng = np.random.default_rng(5)
    hours = int(MONDAY.timestamp()) + 3600 * np.array([0, 1, 2, 5])
    values = np.where(rng.random((4, len(WEATHER))) < 0.2, np.nan, rng.normal(10, 20, (4, len(WEATHER))))
    weather = Weather(hours, values)
    seconds = [*hours.tolist(), *rng.integers(hours[0] - 10800, hours[-1] + 10800, 200).tolist()]
    for second in seconds:
        expected = [np.interp(second, hours, column) for column in values.T]
        np.testing.assert_array_equal(weather.at(datetime.fromtimestamp(second, UTC)), expected)
    assert np.isnan(weather.at(MONDAY - timedelta(hours=4))).all()
