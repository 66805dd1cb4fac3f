"""The made-up cities: the same in every process, and consistent: no bike appears or vanishes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.city.cities import CITIES, City
from model.arrays import Floats

ROOT = Path(__file__).resolve().parents[3]
MINUTE = timedelta(minutes=1)

HASH = """
import hashlib, json, sys
from datetime import UTC, datetime, timedelta
from ingest.city.cities import CITIES
from ingest.gbfs import writer

city, start, ask_first = CITIES["sandmouth"], datetime(2026, 10, 22, 9, 17, tzinfo=UTC), int(sys.argv[1])
city.at(start + timedelta(days=ask_first))
digest = hashlib.sha256()
for number, snapshot in enumerate(city.snapshots(start, start + timedelta(days=7))):
    digest.update(str(snapshot.at).encode())
    for column in (snapshot.bikes, snapshot.docks, snapshot.ebikes, snapshot.renting):
        digest.update(column.tobytes())
    if number % 120 == 0:
        digest.update(json.dumps(writer.station_status("3.0", 60, snapshot)).encode())
        weather = city.weather(snapshot.at)
        digest.update(weather.hours.tobytes() + weather.values.tobytes())
print(number, digest.hexdigest())
"""


def moments(first: int = 2025, last: int = 2028) -> st.SearchStrategy[datetime]:
    start = datetime(first, 1, 1, tzinfo=UTC)
    return st.integers(0, (last - first) * 365 * 1440).map(lambda minute: start + minute * MINUTE)


def test_a_week_of_feed_is_the_same_to_the_byte_in_any_process_and_whatever_was_computed_before() -> None:
    outputs = []
    for hash_seed, ask_first in (("0", "-9"), ("4242", "30")):
        environment = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", HASH, ask_first]
        outputs.append(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)
    assert outputs[0] == outputs[1]
    assert outputs[0].startswith(b"10079 ")


@pytest.mark.parametrize("city", CITIES.values(), ids=list(CITIES))
def test_a_snapshot_does_not_depend_on_where_the_iteration_began(city: City) -> None:
    at = datetime(2026, 6, 9, 14, 41, tzinfo=UTC)
    from_afar = next(s for s in city.snapshots(at - timedelta(days=1)) if s.at == at)
    alone = city.at(at + timedelta(seconds=40))
    assert alone.at == at
    for name in ("bikes", "docks", "ebikes", "renting", "returning"):
        np.testing.assert_array_equal(getattr(from_afar, name), getattr(alone, name))


def test_another_seed_is_another_week_of_the_same_city() -> None:
    city = CITIES["sandmouth"]
    other = replace(city, seed=2)
    at = datetime(2026, 6, 9, 14, 0, tzinfo=UTC)
    assert city.stations.same_as(other.stations)
    assert (city.at(at).bikes != other.at(at).bikes).mean() > 0.5
    assert not np.array_equal(city.weather(at).values, other.weather(at).values)


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(sorted(CITIES)), moments(), st.integers(1, 3))
def test_no_bike_appears_or_vanishes(name: str, at: datetime, seed: int) -> None:
    city = replace(CITIES[name], seed=seed)
    week = city.week(at)
    docked = week.bikes.sum(axis=1, dtype=np.int64) + week.broken.sum(axis=1, dtype=np.int64)
    fleet = docked + week.riding + week.vans + week.workshop
    assert (fleet == fleet[0]).all()
    assert fleet[0] == city.week(at + timedelta(days=7)).bikes[0].sum(dtype=np.int64) + sum(
        int(part[0]) for part in (week.riding, week.vans, week.workshop)
    )
    assert min(week.riding.min(), week.vans.min(), week.workshop.min()) >= 0
    capacity = city.stations.capacity
    assert (week.bikes.astype(np.int64) + week.broken <= capacity).all()
    assert (week.electric <= week.bikes).all()
    assert week.broken.max() >= 1


@pytest.mark.parametrize("city", CITIES.values(), ids=list(CITIES))
def test_ebikes_are_ridden_more_than_plain_ones(city: City) -> None:
    """In San Francisco an e-bike moves four times as often as a plain one (benchmarks/city/kinds.json)."""
    week = city.week(datetime(2026, 9, 16, 12, tzinfo=UTC))
    electric = week.electric.astype(np.int64)
    turnovers = [
        np.abs(np.diff(kind, axis=0)).sum() / kind.sum() for kind in (electric, week.bikes - electric)
    ]
    assert 2.4 < turnovers[0] / turnovers[1] < 5


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(sorted(CITIES)), moments())
def test_counts_lie_between_nothing_and_capacity(name: str, at: datetime) -> None:
    snapshot = CITIES[name].at(at)
    capacity = CITIES[name].stations.capacity
    assert snapshot.ebikes is not None
    for counts in (snapshot.bikes, snapshot.docks):
        assert (counts >= 0).all()
        assert (counts <= capacity).all()
    assert (snapshot.bikes + snapshot.docks <= capacity).all()
    assert (snapshot.ebikes <= snapshot.bikes).all()


@pytest.mark.parametrize("city", CITIES.values(), ids=list(CITIES))
def test_a_station_closed_for_works_is_empty_and_neither_rents_nor_takes_bikes(city: City) -> None:
    start = datetime(2026, 9, 1, tzinfo=UTC)
    closed = 0
    for snapshot in city.snapshots(start, start + timedelta(weeks=6), 3600):
        assert snapshot.renting is not None
        assert snapshot.returning is not None
        np.testing.assert_array_equal(snapshot.renting, snapshot.returning)
        if not snapshot.renting.any():
            assert city.daily_hours is not None
            continue
        assert (snapshot.bikes[~snapshot.renting] == 0).all()
        closed += int((~snapshot.renting).sum())
        assert (~snapshot.renting).sum() <= 2
    assert closed > 24


def test_the_week_turns_without_a_jump_through_the_city() -> None:
    """Vans set up the next week's stock during the night, not in one minute."""
    city = CITIES["harbourton"]
    monday = datetime(2026, 9, 14, 3, 0, tzinfo=UTC)  # four o'clock in the city
    assert city.week(monday).start == monday.timestamp()
    turns = [monday + timedelta(weeks=week) for week in range(6)]  # before the clocks change
    moved = np.abs([city.at(turn).bikes - city.at(turn - MINUTE).bikes for turn in turns])
    assert moved.max() <= 4
    assert (moved > 0).mean() < 0.07


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-10-19", 169), ("2026-03-23", 167), ("2026-06-15", 168)], ids=str
)
def test_a_week_has_an_hour_more_or_less_where_clocks_are_moved(day: str, hours: int) -> None:
    week = CITIES["harbourton"].week(datetime.fromisoformat(f"{day}T12:00+00:00"))
    assert len(week.bikes) == hours * 60


def rides(city: City, start: datetime, hours: int) -> int:
    """Count the bikes that were taken in so many hours."""
    bikes = [s.bikes for s in city.snapshots(start, start + timedelta(hours=hours))]
    return int(np.maximum(-np.diff(np.array(bikes), axis=0), 0).sum())


def test_rush_hour_is_by_the_clocks_of_the_city_in_summer_and_in_winter() -> None:
    city = CITIES["harbourton"]
    for day, offset in (("2026-10-20", 1), ("2026-10-27", 0)):
        midnight = datetime.fromisoformat(f"{day}T00:00+00:00") - timedelta(hours=offset)
        by_hour = [rides(city, midnight + timedelta(hours=hour), 1) for hour in (6, 8, 10, 12)]
        assert by_hour[1] == max(by_hour)


def test_a_public_holiday_has_no_morning_rush() -> None:
    city = CITIES["harbourton"]
    tuesday = datetime(2026, 3, 17, 7, 0, tzinfo=UTC)  # Saint Patrick's
    usual = [rides(city, tuesday + timedelta(weeks=shift), 2) for shift in (-1, 1)]
    assert rides(city, tuesday, 2) < 0.6 * min(usual)


def drawn(city: City, weather: Mapping[int, float]) -> int:
    """Count the trip requests of a day whose weather differs from a mild and dry one in some columns."""
    values: Floats = np.tile([14.0, 70, 1015, 4, 40, 0], (1440, 1))
    for column, value in weather.items():
        values[:, column] = value
    hour = (np.arange(1440) / 60 + 4) % 24
    day = city._riders.day(np.random.default_rng(5), hour, values, 1, False)
    return len(day.minute)


def test_rain_and_cold_keep_people_at_home() -> None:
    city = CITIES["harbourton"]
    dry = drawn(city, {})
    assert drawn(city, {5: 3.0}) < 0.6 * dry
    assert drawn(city, {0: 2.0}) < 0.95 * dry


def test_snapshots_come_in_whole_steps_of_unix_time() -> None:
    city = CITIES["fellgate"]
    start = datetime(2026, 5, 5, 12, 0, 1, tzinfo=UTC)
    ats = [s.at for s in city.snapshots(start, start + timedelta(minutes=31), 600)]
    assert ats == [datetime(2026, 5, 5, 12, minute, tzinfo=UTC) for minute in (10, 20, 30)]
    with pytest.raises(ValueError, match="by the minute"):
        next(city.snapshots(start, seconds=90))


@pytest.mark.parametrize("city", CITIES.values(), ids=list(CITIES))
def test_rain_comes_in_fronts_that_begin_and_end(city: City) -> None:
    start = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
    rain = city.sky.values(np.arange(start, start + 365 * 86_400, 3600))[:, 5]
    wet = rain > 0
    spells = int((wet[1:] & ~wet[:-1]).sum())
    assert 0.02 < wet.mean() < 0.3
    assert 60 < spells < 400
    assert wet.sum() / spells > 1.8  # hours that it lasts
    assert 2 < rain.max() < 40


def test_a_forecast_of_the_weather_is_right_now_and_wrong_tomorrow() -> None:
    city = CITIES["harbourton"]
    near, far = [], []
    for day in range(60):
        at = datetime(2026, 4, 1, 9, 0, tzinfo=UTC) + timedelta(days=day)
        known = city.weather(at)
        truth = city.sky.values(known.hours)
        wrong = np.abs(known.values - truth)[:, 5]
        assert known.hours[0] <= at.timestamp() - 7200
        assert known.hours[-1] >= (at + timedelta(hours=24)).timestamp()
        near.append(wrong[:3].max())
        far.append(wrong[-6:].mean())
    assert max(near) == 0
    assert np.mean(far) > 0
    observed = city.sky.observed(at)
    np.testing.assert_array_equal(observed.values, city.sky.values(observed.hours))
