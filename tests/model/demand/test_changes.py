"""Changes: the distributions of horizons without evidence."""

from __future__ import annotations

import numpy as np
import pytest

from model.demand.changes import Changes
from model.experts.expert import Now
from tests.support.model_world import MONDAY
from tests.support.numpy_reference import spread_odds


def counts(bikes: int, places: int) -> Now:
    """Give the counts of a single station."""
    yes = np.ones(1, dtype=bool)
    return Now(MONDAY, np.arange(1), np.array([bikes]), np.array([places]), yes, yes)


def test_changes_over_two_hours_without_evidence_are_two_changes_over_one_hour() -> None:
    changes = Changes(1, (20, 60, 120))
    rows, now = np.arange(1), counts(30, 60)
    for step in range(3000):
        changes.learn(60, rows, np.array([2 if step % 2 else -2]))
    hour, hours = np.diff(spread_odds(changes, now, [60, 120])[:, 0], prepend=0.0)
    np.testing.assert_allclose(hour[28:33], [0.5, 0, 0, 0, 0.5], atol=0.03)
    np.testing.assert_allclose(hours[26:35], [0.25, 0, 0, 0, 0.5, 0, 0, 0, 0.25], atol=0.07)
    for _ in range(6000):
        changes.learn(120, rows, np.array([0]))
    hours = np.diff(spread_odds(changes, now, [120])[0, 0], prepend=0.0)
    assert hours[30] > 0.95


def test_the_largest_changes_survive_being_put_together() -> None:
    changes = Changes(1, (60, 120))
    for _ in range(3000):
        changes.learn(60, np.arange(1), np.array([30]))
    odds = spread_odds(changes, counts(10, 100), [120])
    assert odds[0, 0, 39] < 0.05
    assert odds[0, 0, 40] == pytest.approx(1)
