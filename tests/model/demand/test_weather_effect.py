"""The weather effect: learnt from the city, and absent where there is no weather."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np
import pytest

from model import Forecaster, Snapshot, Weather
from model.records import WEATHER
from tests.support.model_world import MINUTE, MONDAY, riders, snapshot, stations

RAIN = WEATHER.index("rain")


def observed(at: datetime, rain: float, hours: int = 1) -> Weather:
    values = np.tile([12.0, 80.0, 1010.0, 4.0, 60.0, rain], (hours, 1))
    return Weather(int(at.timestamp()) + 3600 * np.arange(hours), values)


def rainy(days: int, size: int = 30) -> Iterator[tuple[Weather, Snapshot]]:
    """Give three hours of rain in every nine, in which only a third of the riders comes and goes.

    An arrival and a departure within the same five minutes are not seen: rain leaves 37 % of those seen.
    """
    rng = np.random.default_rng(7)
    counts = np.full(size, 10)
    for minute in range(0, days * 1440, 5):
        at = MONDAY + minute * MINUTE
        wet = at.timestamp() // 3600 % 9 < 3
        busy = (0.7 if wet else 2.1) / 12
        counts = np.clip(counts + rng.poisson(busy, size) - rng.poisson(busy, size), 0, 20)
        yield observed(at, 2.0 if wet else 0.0), snapshot(at, counts.tolist(), 20)


@pytest.fixture(scope="module")
def wet() -> Forecaster:
    forecaster = Forecaster(stations(30, 20), every=10**6)  # only demand matters here
    for weather, seen in rainy(12):
        forecaster.update_weather(weather)
        forecaster.learn(seen)
    return forecaster


def test_rain_is_learnt_as_the_share_of_riders_that_it_leaves(wet: Forecaster) -> None:
    at = wet.at
    assert at is not None
    wet.update_weather(observed(at, 2.0))
    in_rain = wet._riders.weather.factors(at)
    wet.update_weather(observed(at, 0.0))
    dry = wet._riders.weather.factors(at)
    assert in_rain is not None
    assert dry is not None
    assert ((in_rain / dry > 0.33) & (in_rain / dry < 0.5)).all()


def test_rates_are_those_of_usual_weather_even_after_rainy_days(wet: Forecaster) -> None:
    """Two riders an hour when dry: rain does not lower both the rates and the factor."""
    at = wet.at
    assert at is not None
    wet.update_weather(observed(at, 0.0))
    assert wet._riders.short.at(at).mean() == pytest.approx(1.8, rel=0.15)


def test_a_forecast_takes_the_weather_of_the_hour_it_is_for(wet: Forecaster) -> None:
    at = wet.at
    assert at is not None
    values = np.tile([12.0, 80.0, 1010.0, 4.0, 60.0, 0.0], (4, 1))
    values[2:, RAIN] = 3.0
    wet.update_weather(Weather(int(at.timestamp()) + 3600 * np.arange(4), values))
    long = wet._riders.long
    flows = np.empty((3, 2, long.rates.shape[-1]), dtype=np.float32)
    long.flows_ahead(at, np.array([0.0, 30.0, 180.0, 210.0]), np.arange(flows.shape[2]), flows)
    assert flows[2].mean() < 0.6 * flows[0].mean()


def test_without_weather_not_a_bit_is_different() -> None:
    plain, unknown = Forecaster(stations()), Forecaster(stations())
    nothing = Weather(np.array([0]), np.full((1, len(WEATHER)), np.nan))
    for seen in riders(400):
        unknown.update_weather(nothing)
        plain.learn(seen)
        unknown.learn(seen)
    np.testing.assert_array_equal(plain.forecast([30, 600]).bikes.cdf, unknown.forecast([30, 600]).bikes.cdf)
    np.testing.assert_array_equal(plain._riders.long.rates, unknown._riders.long.rates)


def test_weather_that_ends_is_no_weather() -> None:
    weather = observed(MONDAY, 1.0)
    assert weather.at(MONDAY + timedelta(hours=2))[RAIN] == 1.0
    assert np.isnan(weather.at(MONDAY + timedelta(hours=4))).all()
    assert np.isnan(weather.at(MONDAY - timedelta(hours=4))).all()


def test_weather_is_interpolated_linearly_between_the_hours() -> None:
    values = np.tile([12.0, 80.0, 1010.0, 4.0, 60.0, 0.0], (2, 1))
    values[1, 0] = 16.0
    weather = Weather(np.array([0, 3600]) + int(MONDAY.timestamp()), values)
    assert weather.at(MONDAY + timedelta(minutes=15))[0] == pytest.approx(13)


@pytest.mark.parametrize(
    ("hours", "values", "words"),
    [([], np.zeros((0, 6)), "a row an hour"), ([0], np.zeros((1, 5)), "a row an hour"),
     ([3600, 0], np.zeros((2, 6)), "do not rise"), ([0, 0], np.zeros((2, 6)), "do not rise")],
)  # fmt: skip
def test_weather_that_makes_no_sense_is_refused(hours: list[int], values: np.ndarray, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Weather(np.array(hours, dtype=np.int64), values)


def test_wild_values_have_a_bounded_effect(wet: Forecaster) -> None:
    at = wet.at
    assert at is not None
    wild = Weather(np.array([int(at.timestamp())]), np.full((1, len(WEATHER)), 1e9))
    wet.update_weather(wild)
    factors = wet._riders.weather.factors(at)
    assert factors is not None
    assert ((factors >= 0.25) & (factors <= 2)).all()


def test_the_state_survives_as_bytes_with_its_weather(wet: Forecaster) -> None:
    at = wet.at
    assert at is not None
    wet.update_weather(observed(at, 1.5, hours=3))
    again = Forecaster.from_bytes(wet.to_bytes())
    assert again.to_bytes() == wet.to_bytes()
    for weather, seen in list(rainy(13))[12 * 288 :][:40]:
        for each in (wet, again):
            each.update_weather(weather)
            each.learn(seen)
    assert again.to_bytes() == wet.to_bytes()


def test_a_full_hour_is_known_even_where_the_next_is_not() -> None:
    known = observed(MONDAY, 2.0, hours=2)
    values = known.values.copy()
    values[1] = np.nan
    weather = Weather(known.hours, values)
    assert weather.at(MONDAY).tolist() == values[0].tolist()
    assert np.isnan(weather.at(MONDAY + MINUTE)).all()
