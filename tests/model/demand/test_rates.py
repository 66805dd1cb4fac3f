"""Demand: rates of what riders want, from counts that hide some of them."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from scipy.special import gammaln

from model import Forecaster
from model.demand.calendar import Calendar
from model.demand.rates import Demand, Events, count_riders, hidden_riders
from tests.support.model_world import MINUTE, MONDAY, riders, snapshot, stations


def test_demand_is_estimated_where_riders_find_no_bike() -> None:
    """Riders want six bikes an hour at a station that is mostly empty, and get two."""
    rng = np.random.default_rng(4)
    demand, count = Demand(1, Calendar("UTC", ""), slots=48, half_life_days=20), 0
    for minute in range(21 * 1440):
        before, at = count, MONDAY + minute * MINUTE
        count = int(np.clip(count + rng.poisson(2 / 60) - rng.poisson(6 / 60), 0, 20))
        free = np.array([[True], [before > 0]])
        seen = count_riders(np.array([count - before]), MINUTE) * free
        demand.learn(Events(at, at + MINUTE, seen.astype(np.float32), free))
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


@pytest.mark.parametrize("minutes", [20, 60, 120])
def test_what_is_usual_teaches_however_long_it_is(minutes: int) -> None:
    """Riders leave by day alone: a gap is dated where it was, part by part, also one of two hours."""
    forecaster, gap = Forecaster(stations()), timedelta(minutes=minutes)
    for poll in range(5 * 1440 // minutes):
        at = MONDAY + poll * gap
        taken = min(max(at.hour - 6, 0), 11)
        forecaster.learn(snapshot(at, [12 - taken] * 6))
    assert forecaster.gaps.usual == gap
    departures = forecaster._riders.short.rates[0, :, 1].mean(axis=1)
    by_day, by_night = departures[14:34].mean(), departures[2:10].mean()
    assert by_day == pytest.approx(1, rel=0.35)
    assert by_night < 0.35


def test_a_hole_of_a_feed_that_answers_rarely_teaches_nothing() -> None:
    forecaster = Forecaster(stations())
    at = MONDAY
    for _ in range(30):
        forecaster.learn(snapshot(at, [6] * 6))
        at += timedelta(minutes=20)
    before = forecaster._riders.long.hours.sum()
    forecaster.learn(snapshot(at + timedelta(minutes=40), [0] * 6))
    assert forecaster._riders.long.hours.sum() == before


@pytest.mark.parametrize("change", [0, 1, 3, 8])
@pytest.mark.parametrize(("arrivals", "departures"), [(0.01, 0.02), (0.5, 0.3), (3.0, 3.0), (8.0, 20.0)])
def test_hidden_riders_are_those_of_the_skellam_distribution(
    change: int, arrivals: float, departures: float
) -> None:
    """Bikes come and go; where a change is seen, its riders hide `k` pairs with the odds of both Poissons."""
    pairs = np.arange(200)
    log = pairs * np.log(arrivals * departures) - gammaln(pairs + 1) - gammaln(pairs + change + 1)
    odds = np.exp(log - log.max())
    expected = np.array([[arrivals], [departures]])
    hidden = hidden_riders(expected, np.array([float(change)]))[0]
    assert hidden == pytest.approx((pairs * odds).sum() / odds.sum(), rel=0.05)
