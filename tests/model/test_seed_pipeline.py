"""The seed pipeline: River's, one station at a time, with its labels delayed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from river import feature_extraction, stats

from model import Forecaster
from model.records import WEATHER
from model.seed_means import HourlyMeans
from model.seed_pipeline import WEATHER_COLUMNS, SeedPipeline, TargetMeans, pipeline
from tests.support.model_world import MONDAY, riders, stations

DRY = np.full(len(WEATHER), np.nan)
IDS = ["a", "b", "c"]


def taught(steps: int = 30, weather: np.ndarray = DRY) -> SeedPipeline:
    rng = np.random.default_rng(5)
    seed = SeedPipeline("Europe/Dublin", (10, 60))
    for step in range(steps):
        at = MONDAY + timedelta(minutes=20 * step)
        for minutes in (10, 60):
            seed.predict(minutes, at, weather, IDS)
            seed.learn(minutes, at, weather + step % 3, IDS[: 2 + step % 2], rng.integers(3, 9, 2 + step % 2))
    return seed


def test_it_is_the_articles_pipeline() -> None:
    means = TargetMeans()
    model = pipeline(means)
    assert list(model.steps) == ["TransformerUnion", "StandardScaler", "LinearRegression"]
    assert list(model["TransformerUnion"].transformers) == ["weather", "by_hour", "latest"]
    x = {"station": "a", "hour": 8} | dict.fromkeys(WEATHER_COLUMNS, 1.0)
    for bikes in (4, 8):
        model.learn_one(x, bikes)
    features = model["TransformerUnion"].transform_one(x)
    assert features["y_mean_by_station_and_hour"] == 6.0
    assert features["y_ewm_0.5_by_station"] == 6.0
    assert list(means.by_hour.learnt()) == [("a", 8, 2, 6)]


def test_means_by_hour_are_those_of_river() -> None:
    rng = np.random.default_rng(3)
    ours: Any = HourlyMeans()
    peer: Any = feature_extraction.TargetAgg(by=["station", "hour"], how=stats.Mean())
    for _ in range(300):
        x = {"station": str(rng.integers(3)), "hour": int(rng.integers(24))}
        assert ours.transform_one(x) == peer.transform_one(x)
        bikes = int(rng.integers(20))
        ours.learn_one(x, bikes)
        peer.learn_one(x, bikes)


def test_it_learns_the_mean_count_of_each_station() -> None:
    seed = SeedPipeline("UTC", (30,))
    for step in range(400):
        seed.learn(30, MONDAY + timedelta(minutes=20 * step), DRY, IDS, np.array([2, 9, 15]))
    predicted = seed.predict(30, MONDAY + timedelta(days=6), DRY, IDS)
    assert predicted == pytest.approx([2, 9, 15], abs=1.5)


def test_before_its_first_question_it_is_not_made_and_has_no_state() -> None:
    """River takes a second to load: a city's first frame does not wait for it."""
    seed, again = (SeedPipeline("UTC", (30,)) for _ in range(2))
    seed.rename({"a": "b"}, [])
    again.restore(seed.arrays())
    assert not seed.is_made
    assert not again.is_made
    seed.predict(30, MONDAY, DRY, IDS)
    again.restore(seed.arrays())
    assert again.is_made


@pytest.mark.parametrize("weather", [DRY, np.array([5.0, 80, 1010, 3, 40, 0])], ids=["dry", "weather"])
def test_the_state_survives_as_arrays_bit_for_bit(weather: np.ndarray) -> None:
    """Also for a station without a label: the empty mean that a prediction makes has not learnt a 0."""
    seed, again = taught(weather=weather), SeedPipeline("Europe/Dublin", (10, 60))
    seed.predict(10, MONDAY, weather, ["never seen"])
    again.restore(seed.arrays())
    for step in range(6):
        at = MONDAY + timedelta(days=2, minutes=20 * step)
        for each in (seed, again):
            each.learn(60, at, weather, [*IDS, "never seen"], np.array([1, 2, 3, 4]))
        first, second = (each.predict(60, at, weather, [*IDS, "another"]) for each in (seed, again))
        np.testing.assert_array_equal(first, second)
    restored = again.arrays()
    for name, values in seed.arrays().items():
        assert values.tobytes() == restored[name].tobytes(), name


def test_a_city_without_weather_is_predicted_as_well() -> None:
    predicted = taught().predict(10, MONDAY, DRY, IDS)
    assert np.isfinite(predicted).all()


def test_a_number_becomes_the_whole_numbers_beside_it() -> None:
    """Its scores are those of the distribution, not of the rounded number."""
    forecaster = Forecaster(stations(), seed=True)
    for seen in riders(300):
        waiting = {each.target_at: each for each in forecaster._issued.pending if each.minutes == 10}
        for score in forecaster.learn(seen):
            if score.model != "seed" or score.minutes != 10 or not score.n:
                continue
            pending = waiting[score.target_at]
            assert pending.seed_bikes is not None
            mean = np.clip(pending.seed_bikes[score.rows], 0, pending.places[score.rows])
            truth = seen.bikes[score.rows]
            odds = np.clip(np.arange(40) + 1 - mean[:, None], 0, 1)
            came = truth[:, None] <= np.arange(40)
            np.testing.assert_allclose(score.squared_error, (mean - truth) ** 2, atol=1e-4)
            np.testing.assert_allclose(score.crps, ((odds - came) ** 2).sum(axis=1), atol=1e-5)
            np.testing.assert_allclose(score.brier_bike, (1 - odds[:, 0] - (truth >= 1)) ** 2, atol=1e-6)
            judged = score.n
    assert judged


def test_it_is_scored_on_the_same_forecasts_and_can_be_switched_off() -> None:
    forecaster, counted = Forecaster(stations(), seed=True), dict.fromkeys(("naive", "seed", "pool"), 0)
    for seen in riders(300):
        for score in forecaster.learn(seen):
            if score.model in counted:
                counted[score.model] += score.n
    assert counted["seed"] == counted["naive"] == counted["pool"] > 0
    assert forecaster.run_seed_pipeline(seed=False)
    assert not forecaster.run_seed_pipeline(seed=False)
    assert "seed" not in forecaster.models
    later = riders(500)
    named = {score.model for seen in later for score in forecaster.learn(seen)}
    assert "pool" in named
    assert Forecaster.from_bytes(forecaster.to_bytes()).models == forecaster.models


def test_it_changes_nothing_for_the_other_models() -> None:
    alone, rivalled = Forecaster(stations()), Forecaster(stations(), seed=True)
    for seen in riders(200):
        without_seed, with_seed = alone.learn(seen), rivalled.learn(seen)
        assert [s.row() for s in without_seed] == [s.row() for s in with_seed if s.model != "seed"]
