"""The warm-up calls every kernel as a worker does, with arguments of the same kinds: all is compiled then."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from numba import typeof

from ingest.city.cities import CITIES
from model import Forecaster, Snapshot, kernels
from model.frame_builder import make_frame
from model.hours import OpeningHours
from model.warm_up import warm_up
from tests.support.model_world import MONDAY, stations

CALLED = tuple(name for name in kernels.__all__ if name not in ("pooled_odds", "issued_odds"))
"""The kernels of a worker; `pooled_odds` is for callers of `Forecaster.forecast`, `issued_odds` for files."""


@pytest.fixture
def kinds(monkeypatch: pytest.MonkeyPatch) -> dict[str, set[str]]:
    """Note the kinds of arguments that each kernel is called with: it is compiled once for each."""
    noted: dict[str, set[str]] = {name: set() for name in CALLED}

    def noting(name: str) -> None:
        kernel = getattr(kernels, name)

        def call(*arguments: object) -> object:
            noted[name].add(str([typeof(each) for each in arguments]))  # type: ignore[no-untyped-call]
            return kernel(*arguments)

        monkeypatch.setattr(kernels, name, call)

    for name in CALLED:
        noting(name)
    return noted


@pytest.mark.parametrize(("size", "places"), [(1, 12), (40, 12), (3, 300)])
def test_a_worker_compiles_nothing_more(kinds: dict[str, set[str]], size: int, places: int) -> None:
    warm_up()
    warm = {name: set(noted) for name, noted in kinds.items()}
    assert all(warm.values())
    forecaster, rng = Forecaster(stations(size), seed=True), np.random.default_rng(1)
    begin = int(MONDAY.timestamp())
    spans = np.array([(0, begin + 86400 * day + 6 * 3600, begin + 86400 * (day + 1)) for day in range(4)])
    hours = OpeningHours(np.zeros(size, dtype=np.int64), spans, np.array(["Mo-Su 06:00-24:00"]))
    for step in range(80):
        if step == 74:
            forecaster = Forecaster.from_bytes(forecaster.to_bytes())
        if step == 76:
            forecaster.update_stations(stations(size, first=1))
            forecaster.update_hours(hours)
        if step == 78:
            forecaster.update_hours(None)
        bikes = rng.integers(0, places + 1, size)
        at = MONDAY + step * timedelta(minutes=20)
        forecaster.learn(Snapshot(at, forecaster.stations.station_id, bikes, places - bikes))
    make_frame(forecaster)
    assert kinds == warm


def test_a_made_up_city_compiles_nothing_more(kinds: dict[str, set[str]]) -> None:
    warm_up()
    warm = set(kinds["ride"])
    assert warm
    replace(CITIES["sandmouth"], seed=7).week(MONDAY)
    assert kinds["ride"] == warm


def test_it_says_before_it_compiles_and_says_nothing_where_all_is_there() -> None:
    warm_up()
    calls: list[int] = []
    warm_up(lambda: calls.append(1))
    assert not calls
