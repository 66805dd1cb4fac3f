"""When to leave: departures are those of the planner, one after the other, and in time where they must be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from model.departures import PROMISE, STEP_MINUTES, WINDOW_MINUTES, arrive_by, leave_from
from model.frame import AT_LEAST, MINUTES
from model.trip import plan
from tests.model.test_trip import city, place

HOME, OFFICE = place(0.0, 0.1), place(3.0, 0.1)


def falling(until: int, back_at: int = 10_000) -> Any:
    """Give chances that are 99 % until a minute, then 40 %, and 99 % again later: `(4, H, S)`."""
    minutes = np.array(MINUTES)
    chance = np.where((minutes <= until) | (minutes >= back_at), 99, 40)
    return np.broadcast_to(chance[None, :, None], (len(AT_LEAST), len(MINUTES), 2))


def test_the_latest_departure_ends_the_first_good_stretch() -> None:
    made = city([place(0.0), place(3.0)], bike=falling(60, back_at=120))
    found = leave_from(made, HOME, OFFICE, 10.0)
    assert found is not None
    leaving = [each.leaving for each in found.plans]
    assert leaving == pytest.approx([*range(10, 10 + WINDOW_MINUTES + 1, STEP_MINUTES)])
    assert found.latest is not None
    assert 50 <= found.latest.leaving <= 60
    assert found.latest.chance >= PROMISE
    # 40 % in between, so that departures after two hours are good again, but no rider may wait for them.
    assert found.plans[-1].chance >= PROMISE
    assert found.best.leaving == 10
    for each in found.plans:
        assert each == plan(made, HOME, OFFICE, each.leaving)[0]


def test_the_latest_departure_that_is_there_in_time() -> None:
    made = city([place(0.0), place(3.0)])
    found = arrive_by(made, HOME, OFFICE, 120.0)
    assert found is not None
    assert found.latest is found.plans[-1] is found.best
    assert all(each.leaving + each.minutes <= 120 for each in found.plans)
    # A minute later would be too late.
    assert found.latest.leaving + found.latest.minutes > 119
    assert found.plans[0].leaving < STEP_MINUTES


def test_an_earlier_departure_where_the_last_ones_are_no_good() -> None:
    made = city([place(0.0), place(3.0)], bike=falling(60))
    found = arrive_by(made, HOME, OFFICE, 150.0)
    assert found is not None
    assert found.latest is not None
    assert 50 <= found.latest.leaving <= 60
    assert found.best.leaving <= found.latest.leaving
    assert found.plans[-1].chance < PROMISE


def test_none_is_good_enough() -> None:
    made = city([place(0.0), place(3.0)], bike=60)
    found = arrive_by(made, HOME, OFFICE, 60.0)
    assert found is not None
    assert found.latest is None
    assert found.best.chance == pytest.approx(0.6)


def test_no_departure_is_in_time() -> None:
    made = city([place(0.0), place(3.0)])
    assert arrive_by(made, HOME, OFFICE, 10.0) is None
    assert arrive_by(made, HOME, OFFICE, 60.0, earliest=50.0) is None
    assert arrive_by(made, place(90.0), OFFICE, 600.0) is None
    assert leave_from(made, place(90.0), OFFICE, 0.0) is None


def test_the_quickest_pair_may_be_too_unlikely_in_time() -> None:
    """Only a slower pair works: the last departures, for which it is too slow, have no plan."""
    bike = np.full((len(AT_LEAST), len(MINUTES), 3), 99)
    bike[..., 0] = 0
    made = city([place(0.0), place(3.0), place(-0.6)], bike=bike)
    found = arrive_by(made, HOME, OFFICE, 120.0)
    assert found is not None
    assert {each.pickup for each in found.plans} == {2}
    assert found.latest is not None
    assert found.latest.leaving + found.latest.minutes <= 120
