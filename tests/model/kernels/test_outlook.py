"""Whole forecasts by the kernels against the same in NumPy, for stations of every kind."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model import Forecaster, Snapshot, Stations, kernels
from model.experts.expert import Now
from model.frame import AT_LEAST, MINUTES, NO_FORECAST
from model.frame_builder import make_frame
from tests.support.model_world import MINUTE, MONDAY, riders, stations
from tests.support.numpy_reference import pooled_odds

SOME = (0, 1, 5, 25, 60, 120, 121, 300, 1440)


@pytest.fixture(scope="module")
def learnt() -> Forecaster:
    forecaster = Forecaster(stations())
    for seen in riders(27 * 60):
        forecaster.learn(seen)
    return forecaster


@settings(deadline=None, max_examples=15)
@given(
    places=st.lists(st.integers(0, 120), min_size=6, max_size=6),
    fill=st.lists(st.floats(0, 1), min_size=6, max_size=6),
    renting=st.lists(st.booleans(), min_size=6, max_size=6),
    returning=st.lists(st.booleans(), min_size=6, max_size=6),
    busy=st.floats(0, 300),
)
def test_pooled_odds_are_those_of_numpy(
    learnt: Forecaster,
    places: list[int],
    fill: list[float],
    renting: list[bool],
    returning: list[bool],
    busy: float,
) -> None:
    assert learnt.at is not None
    size = np.array(places)
    bikes, flags = np.rint(size * fill).astype(int), (np.array(renting), np.array(returning))
    now = Now(learnt.at, np.arange(6), bikes, size, *flags)
    demand = learnt._riders.short
    usual = demand.rates
    demand.rates = np.full_like(usual, busy)  # riders an hour, at each side
    try:
        expected = pooled_odds(learnt, now, SOME)
        present = learnt._present()
        inputs, pool = (
            learnt._ensemble._inputs.build(now, SOME),
            learnt._ensemble._pool(present, now, SOME, learnt._ensemble.features(present)),
        )
        cdf = np.full((len(SOME), int(size.max()) + 1, 6), np.nan, dtype=np.float32)
        kernels.pooled_odds(*inputs, pool, cdf)
    finally:
        demand.rates = usual
    # The shift follows from the mean, in which the experts' differences, up to 1e-4 a count, add up.
    np.testing.assert_allclose(cdf.swapaxes(1, 2), expected, atol=3e-4)


def test_the_columns_of_a_frame_are_those_of_the_distributions(learnt: Forecaster) -> None:
    frame, forecast = make_frame(learnt), learnt.forecast(MINUTES)
    for outlook, counts in ((frame.bike, forecast.bikes), (frame.space, forecast.docks)):
        np.testing.assert_array_equal(outlook.median, counts.median)
        np.testing.assert_array_equal(outlook.low, counts.quantile(0.1))
        np.testing.assert_array_equal(outlook.high, counts.quantile(0.9))
        for row, n in enumerate(AT_LEAST):
            odds = 100 * counts.at_least(n)
            expected = np.where(odds < 0.05, 0, np.where(odds > 99.95, 100, np.clip(np.rint(odds), 1, 99)))
            np.testing.assert_array_equal(
                outlook.chance[row], np.where(np.isnan(odds), NO_FORECAST, expected)
            )


def test_the_same_input_gives_the_same_bits(learnt: Forecaster) -> None:
    again = Forecaster.from_bytes(learnt.to_bytes())
    np.testing.assert_array_equal(learnt.forecast(MINUTES).bikes.cdf, again.forecast(MINUTES).bikes.cdf)
    assert make_frame(learnt).to_bytes() == make_frame(again).to_bytes()


@pytest.mark.parametrize(
    "places",
    [[0], [1], [2000], [0, 1, 2, 2000, 30], [12] * 40, [30, 7, 12] * 180],
    ids=lambda places: f"{len(places)} of {places[:5]}",
)
def test_systems_of_any_size_and_stations_of_any_size(places: list[int]) -> None:
    """One station, none with a dock, one of 2,000 docks, more stations than one block or one order has."""
    ids, capacity = np.array([f"s{index}" for index in range(len(places))]), np.array(places)
    beside = np.arange(len(places)) / 1000
    forecaster = Forecaster(
        Stations("made-up", "Europe/Dublin", "IE", ids, ids, 53 + beside, -6 - beside, capacity)
    )
    bikes = capacity // 2
    for minute in range(45):
        move = minute % 2
        now = np.clip(bikes + move, 0, capacity)
        scores = forecaster.learn(Snapshot(MONDAY + minute * MINUTE, ids, now, capacity - now))
    frame = make_frame(forecaster)
    assert frame.bike.median[0].tolist() == np.clip(bikes, 0, capacity).tolist()
    assert (frame.bike.high <= capacity).all()
    assert (frame.bike.chance <= 100).all()
    assert scores or forecaster.waiting


def test_a_system_without_stations_is_forecast() -> None:
    forecaster = Forecaster(stations().take(np.arange(0)))
    none = np.zeros(0, dtype=np.int64)
    for minute in range(30):
        forecaster.learn(Snapshot(MONDAY + minute * MINUTE, np.array([], dtype=np.str_), none, none))
    assert make_frame(forecaster).bike.median.shape == (len(MINUTES), 0)
    assert forecaster.forecast([]).bikes.cdf.shape[:2] == (0, 0)
