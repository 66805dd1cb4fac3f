"""Demand: rates of what riders want, from counts that hide some of them."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from model import Forecaster
from model.demand.calendar import Calendar
from model.demand.rates import Demand, count_events
from tests.support.model_world import MINUTE, MONDAY, riders, snapshot, stations


def test_demand_is_estimated_where_riders_find_no_bike() -> None:
    """Riders want six bikes an hour at a station that is mostly empty, and get two."""
    rng = np.random.default_rng(4)
    demand, count = Demand(1, Calendar("UTC", ""), slots=48, half_life_days=20), 0
    for minute in range(21 * 1440):
        before, at = count, MONDAY + minute * MINUTE
        count = int(np.clip(count + rng.poisson(2 / 60) - rng.poisson(6 / 60), 0, 20))
        change, bike = np.array([count - before]), np.array([before > 0])
        demand.learn(count_events(at, at + MINUTE, change, can_arrive=np.array([True]), can_depart=bike))
    arrivals, departures = demand.rates.mean(axis=(0, 1))
    assert arrivals[0] == pytest.approx(2, rel=0.15)
    assert departures[0] == pytest.approx(6, rel=0.2)


def test_a_gap_of_hours_teaches_nothing() -> None:
    forecaster = Forecaster(stations())
    for seen in riders(30):
        forecaster.learn(seen)
    at = forecaster.at
    assert at is not None
    before = forecaster._riders.long.events.sum()
    forecaster.learn(snapshot(at + timedelta(hours=3), [0, 0, 0, 12, 12, 12]))
    assert forecaster._riders.long.events.sum() == before
