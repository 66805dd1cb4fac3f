"""Drift: a change of the edge over "no change" is noticed, the hours of the day are not."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np
import pytest

from model.records import Drift
from model.scoring.drift import DriftMonitor
from tests.support.model_world import MONDAY

STEP = timedelta(minutes=20)
BREAK = 14


def losses(
    days: int, after: float, seed: int = 1
) -> Iterator[tuple[datetime, tuple[int, int], float, float]]:
    """Twenty per cent better than naive and more so in the rush, until another share from day 14 on."""
    random = np.random.default_rng(seed)
    for step in range(days * 72):
        at = MONDAY + step * STEP
        rush = 2.0 if 7 <= at.hour < 10 and at.weekday() < 5 else 1.0
        share = after if at >= MONDAY + timedelta(days=BREAK) else 0.8
        naive = rush * random.gamma(20, 1 / 20)
        yield at, (int(at.weekday() >= 5), at.hour), naive * (1 - rush * (1 - share)), naive


def watched(days: int, after: float) -> list[Drift]:
    watch, found = DriftMonitor((30,)), []
    for at, cell, crps, naive in losses(days, after):
        drift = watch.learn(30, at, cell, crps, naive)
        if drift is not None:
            found.append(drift)
    return found


def test_a_break_is_noticed_within_a_day() -> None:
    found = watched(16, after=1.2)
    assert found
    assert MONDAY + timedelta(days=BREAK) < found[0].at <= MONDAY + timedelta(days=BREAK + 1)
    assert found[0].after > found[0].before
    assert found[0].minutes == 30


def test_a_break_is_noticed_within_a_day_whatever_the_losses_spread_over() -> None:
    """Losses that spread over a twentieth change by one and a half of that."""
    random, watch, found = np.random.default_rng(1), DriftMonitor((30,)), []
    for step in range(16 * 72):
        at = MONDAY + step * STEP
        edge = -0.1 if at < MONDAY + timedelta(days=BREAK) else -0.025
        drift = watch.learn(30, at, (int(at.weekday() >= 5), at.hour), 1 + edge + random.normal(0, 0.05), 1.0)
        found += [] if drift is None else [drift.at]
    assert found
    assert MONDAY + timedelta(days=BREAK) < found[0] <= MONDAY + timedelta(days=BREAK + 1)


def test_rush_hours_and_weekends_are_no_drift() -> None:
    assert watched(28, after=0.8) == []


@pytest.mark.parametrize("cut", [5, 500, 1010])
def test_a_watch_goes_on_from_its_arrays_as_if_nothing_had_been(cut: int) -> None:
    watch, found, theirs = DriftMonitor((30, 60)), [], []
    again = watch
    for index, (at, cell, crps, naive) in enumerate(losses(17, after=1.2)):
        if index == cut:
            again = DriftMonitor((30, 60))
            again.restore({name: values.copy() for name, values in (watch.keys() | watch.arrays()).items()})
        if index >= cut:
            theirs.append(again.learn(60, at, cell, crps, naive))
        found.append(watch.learn(60, at, cell, crps, naive))
    assert theirs == found[cut:]
    assert any(theirs)
    for name, values in watch.arrays().items():
        np.testing.assert_array_equal(values, again.arrays()[name])


def test_it_takes_all_its_memory_on_the_first_day() -> None:
    """What grew by a number every twenty minutes was most of what a worker's memory grew by in weeks."""
    watch, seen = DriftMonitor((30,)), losses(50, after=0.8)
    for at, cell, crps, naive in itertools.islice(seen, 5 * 72):
        watch.learn(30, at, cell, crps, naive)
    tracemalloc.start()
    begun, _ = tracemalloc.get_traced_memory()
    kept = len(watch.arrays()["losses"])
    for at, cell, crps, naive in seen:
        watch.learn(30, at, cell, crps, naive)
    grown = tracemalloc.get_traced_memory()[0] - begun
    tracemalloc.stop()
    assert len(watch.arrays()["losses"]) > kept + 3000
    assert grown < 3000 * 4


def test_what_it_keeps_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model.scoring.drift._MOST_KEPT", 100)
    watch = DriftMonitor((30,))
    for at, cell, crps, naive in losses(10, after=0.8):
        watch.learn(30, at, cell, crps, naive)
    assert len(watch.arrays()["losses"]) < 100
