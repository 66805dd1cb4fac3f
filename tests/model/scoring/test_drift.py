"""The drift monitor: it notices a change of the edge over "no change", and not the hours of the day."""

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
    """Give losses a fifth below naive's, and lower in the rush; from day 14 on the share is `after`."""
    rng = np.random.default_rng(seed)
    for step in range(days * 72):
        at = MONDAY + step * STEP
        rush = 2.0 if 7 <= at.hour < 10 and at.weekday() < 5 else 1.0
        share = after if at >= MONDAY + timedelta(days=BREAK) else 0.8
        naive = rush * rng.gamma(20, 1 / 20)
        yield at, (int(at.weekday() >= 5), at.hour), naive * (1 - rush * (1 - share)), naive


def watched(days: int, after: float) -> list[Drift]:
    monitor, found = DriftMonitor((30,)), []
    for at, cell, crps, naive in losses(days, after):
        drift = monitor.learn(30, at, cell, crps, naive)
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
    """Losses with a spread of a twentieth rise by one and a half times that."""
    rng, monitor, found = np.random.default_rng(1), DriftMonitor((30,)), []
    for step in range(16 * 72):
        at = MONDAY + step * STEP
        edge = -0.1 if at < MONDAY + timedelta(days=BREAK) else -0.025
        drift = monitor.learn(30, at, (int(at.weekday() >= 5), at.hour), 1 + edge + rng.normal(0, 0.05), 1.0)
        found += [] if drift is None else [drift.at]
    assert found
    assert MONDAY + timedelta(days=BREAK) < found[0] <= MONDAY + timedelta(days=BREAK + 1)


def test_rush_hours_and_weekends_are_no_drift() -> None:
    assert watched(28, after=0.8) == []


@pytest.mark.parametrize("cut", [5, 500, 1010])
def test_a_restored_monitor_continues_bit_for_bit(cut: int) -> None:
    monitor, found, drifts = DriftMonitor((30, 60)), [], []
    again = monitor
    for index, (at, cell, crps, naive) in enumerate(losses(17, after=1.2)):
        if index == cut:
            state = monitor.keys() | monitor.arrays()
            again = DriftMonitor((30, 60))
            again.restore({name: values.copy() for name, values in state.items()})
        if index >= cut:
            drifts.append(again.learn(60, at, cell, crps, naive))
        found.append(monitor.learn(60, at, cell, crps, naive))
    assert drifts == found[cut:]
    assert any(drifts)
    for name, values in monitor.arrays().items():
        np.testing.assert_array_equal(values, again.arrays()[name])


def test_its_memory_does_not_grow() -> None:
    """A list that grew by a number every twenty minutes was most of a worker's growth over weeks."""
    monitor, seen = DriftMonitor((30,)), losses(50, after=0.8)
    for at, cell, crps, naive in itertools.islice(seen, 5 * 72):
        monitor.learn(30, at, cell, crps, naive)
    tracemalloc.start()
    begun, _ = tracemalloc.get_traced_memory()
    kept = len(monitor.arrays()["losses"])
    for at, cell, crps, naive in seen:
        monitor.learn(30, at, cell, crps, naive)
    grown = tracemalloc.get_traced_memory()[0] - begun
    tracemalloc.stop()
    assert len(monitor.arrays()["losses"]) > kept + 3000
    assert grown < 3000 * 4


def test_its_state_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model.scoring.drift._MOST_KEPT", 100)
    monitor = DriftMonitor((30,))
    for at, cell, crps, naive in losses(10, after=0.8):
        monitor.learn(30, at, cell, crps, naive)
    assert len(monitor.arrays()["losses"]) < 100
