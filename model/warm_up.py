"""Calls every kernel once, so that the first forecast need not wait for one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np

from model import kernels
from model.arrays import Ints
from model.forecaster import Forecaster
from model.frame_builder import make_frame
from model.kernels.records import MinuteCounts, RidesUnderWay, StationNeighbours, StationStock, TripArrays
from model.records import Snapshot, Stations


def warm_up(compiling: Callable[[], None] = lambda: None) -> None:
    """Learn, settle and forecast two small systems, and let somebody ride: this calls every kernel.

    One of them has a station of so many places that its forecasts on record take two bytes instead of one.
    It loads what an earlier process compiled, in about a second. The rest it compiles, which takes about a
    minute for all kernels. It calls `compiling` once, before it compiles the first.
    """
    from model.kernels.compiling import noticed  # loads Numba

    with noticed(compiling):
        for places in (np.array([5, 10, 20]), np.array([5, 10, 300])):
            _run(places)
        _ride()


def _run(places: Ints) -> None:
    ids, beside = np.array(["a", "b", "c"]), np.array([0.0, 0.01, 0.02])
    forecaster = Forecaster(Stations("warm-up", "UTC", "", ids, ids, beside, beside, places))
    for minute in range(0, 60, 5):
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
        bikes = np.array([2, 5, 9]) + minute // 5 % 2
        forecaster.learn(Snapshot(at, ids, bikes, places - bikes))
    make_frame(forecaster)


def _ride() -> None:
    trip, flag = np.array([0]), np.array([False])
    plain, electric, broken, broken_electric, free_docks = np.zeros((5, 1), dtype=np.int64)
    trips = TripArrays(trip, trip, trip + 2, flag, flag, flag, flag, first=np.array([0, 1]))
    near = np.zeros((1, 9), dtype=np.int64)
    kernels.ride(
        0,
        1,
        trips,
        StationNeighbours(near, near + 1, near + 1),
        StationStock(plain, electric, broken, broken_electric, free_docks, ~flag),
        RidesUnderWay.none(1, 1),
        MinuteCounts.blank(1, 1),
    )
