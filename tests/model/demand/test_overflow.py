"""Stations that take bikes although their feed says 0 docks are learnt by clear evidence alone."""

from __future__ import annotations

import numpy as np
import pytest

from model import Forecaster, Snapshot
from model.arrays import Ints
from tests.support.model_world import MINUTE, MONDAY, stations


def learnt(bikes: Ints, docks: Ints) -> Forecaster:
    """Learn the bikes `(T,)` of station s0, with so many docks, beside a quiet one."""
    forecaster = Forecaster(stations(2))
    ids = forecaster.stations.station_id
    for minute, (count, free) in enumerate(zip(bikes.tolist(), docks.tolist(), strict=True)):
        at = MONDAY + minute * MINUTE
        forecaster.learn(Snapshot(at, ids, np.array([count, 6]), np.array([free, 6])))
    return forecaster


def arrivals(forecaster: Forecaster, row: int) -> float:
    return float(forecaster.components["long"].events[:, :, 0, row].sum())


def coming_and_going(minutes: int) -> Ints:
    """Let a bike come every six minutes and one go three minutes later."""
    return 12 + np.where(np.arange(minutes) % 6 < 3, 1, 0)


def test_bikes_that_come_back_all_day_at_0_docks_are_learnt_and_the_places_are_no_wall() -> None:
    """Without them the station would seem to drain: only departures were learnt."""
    bikes = coming_and_going(600)
    forecaster = learnt(bikes, np.zeros_like(bikes))
    assert forecaster.components["overflow"].takes.tolist() == [True, False]
    assert arrivals(forecaster, 0) > 80
    forecast = forecaster.forecast([0, 60])
    assert (forecast.docks.at_least(1)[:, 0] > 0.9).all(), "a rider can return a bike here"
    assert forecast.bikes.at_least(14)[1, 0] > 0.001, "there may be more bikes than ever"


def test_a_bike_put_right_now_and_then_makes_no_overflow_station() -> None:
    """In Lyon bikes that are out of order for a minute come back at 0 docks, three in seven hours."""
    bikes = np.full(1440, 12)
    bikes[100::240] = 11
    forecaster = learnt(bikes, np.zeros_like(bikes))
    assert forecaster.components["overflow"].arrivals[0] > 4
    assert not forecaster.components["overflow"].takes.any()
    assert arrivals(forecaster, 0) == 0
    assert forecaster.forecast([0, 5]).docks.at_least(1)[0, 0] == 0


def test_a_station_that_fills_and_empties_makes_no_overflow_station() -> None:
    bikes = 12 - np.where(np.arange(1440) % 10 < 5, 1, 0)
    forecaster = learnt(bikes, 12 - bikes)
    assert forecaster.components["overflow"].arrivals.tolist() == [0, 0]
    assert arrivals(forecaster, 0) > 100


def test_one_van_at_0_docks_is_no_evidence() -> None:
    bikes = np.repeat([12, 20], 60)
    forecaster = learnt(bikes, np.zeros_like(bikes))
    assert forecaster.components["overflow"].arrivals[0] == pytest.approx(1, abs=0.01)
    assert not forecaster.components["overflow"].takes.any()


def test_docks_of_an_overflow_station_are_no_truth() -> None:
    bikes = coming_and_going(1000)
    forecaster = learnt(bikes, np.zeros_like(bikes))
    at = forecaster.at
    assert at is not None
    scores = []
    for minute in range(1, 60):
        now = Snapshot(
            at + minute * MINUTE, forecaster.stations.station_id, np.array([12, 6]), np.array([0, 6])
        )
        scores += forecaster.learn(now)
    short = [score for score in scores if score.minutes == 10]
    assert short
    for score in short:
        assert score.rows.tolist() == [0, 1]
        assert np.isnan(score.brier_dock).tolist() == [True, False]


def test_what_was_seen_of_overflow_is_forgotten_when_the_docks_turn_out_a_wall() -> None:
    bikes = np.concatenate([coming_and_going(120), np.full(6000, 12)])
    forecaster = learnt(bikes[:120], np.zeros(120, dtype=np.int64))
    assert forecaster.components["overflow"].takes[0]
    overflow = forecaster.components["overflow"]
    for _ in range(60):
        overflow.learn(np.array([0, 0]), np.array([True, False]), 1.0)
    assert not overflow.takes[0]
