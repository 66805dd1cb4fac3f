"""A small made-up city for the forecaster's tests: Poisson riders at a handful of stations."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np

from model import Forecaster, Snapshot, Stations

MONDAY = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def stations(size: int = 6, capacity: int = 12, timezone: str = "UTC", first: int = 0) -> Stations:
    """Name `size` stations s0, s1, … of the same capacity."""
    ids = np.array([f"s{first + index}" for index in range(size)])
    return Stations(
        system_id="test",
        timezone=timezone,
        country="IE",
        station_id=ids,
        name=ids,
        lat=np.full(size, 53.0),
        lon=np.linspace(-6.3, -6.2, size),
        capacity=np.full(size, capacity),
    )


def snapshot(at: datetime, bikes: list[int], capacity: int = 12, first: int = 0) -> Snapshot:
    """Make a snapshot of the bikes at s0, s1, …"""
    counts = np.array(bikes)
    ids = np.array([f"s{first + index}" for index in range(len(bikes))])
    return Snapshot(at, ids, counts, np.where(counts < 0, -1, capacity - counts))


def riders(
    minutes: int,
    size: int = 6,
    capacity: int = 12,
    per_hour: float = 3.0,
    start: datetime = MONDAY,
    seed: int = 1,
) -> Iterator[Snapshot]:
    """Let riders come and go: in the morning towards the first half of the stations, in the evening back."""
    random = np.random.default_rng(seed)
    counts = np.full(size, capacity // 2)
    towards = np.where(np.arange(size) < size // 2, 1.0, -1.0)
    for minute in range(minutes):
        at = start + minute * MINUTE
        hour = at.hour + at.minute / 60
        tide = np.exp(-((hour - 9) ** 2) / 4) - np.exp(-((hour - 17) ** 2) / 4)
        busy = per_hour * (0.1 + 0.9 * (6 < hour < 22)) / 60
        arrivals = random.poisson(busy * (1 + 0.9 * towards * tide))
        departures = random.poisson(busy * (1 - 0.9 * towards * tide))
        counts = np.clip(counts + arrivals - departures, 0, capacity)
        yield snapshot(at, counts.tolist(), capacity)


@cache
def _taught(minutes: int, size: int) -> Forecaster:
    forecaster = Forecaster(stations(size))
    for seen in riders(minutes, size):
        forecaster.learn(seen)
    return forecaster


def taught(minutes: int = 300, size: int = 6) -> Forecaster:
    """Give a forecaster that has learnt this city for some minutes; each call gives another copy."""
    return deepcopy(_taught(minutes, size))
