"""Odds of an own model are checked, and judged as those of all others are."""

from __future__ import annotations

import numpy as np
import pytest

from model import Forecaster
from model.scoring.own import OwnForecast, OwnOddsError
from tests.support.model_world import MONDAY, riders, snapshot, stations

IDS, PLACES = np.array(["a", "b"]), np.array([2, 5])
CERTAIN = np.array([[1.0, 0, 0, 0, 0, 0]] * 2)


@pytest.mark.parametrize(
    ("odds", "words"),
    [
        ([0.5, 0.4], "a in 30 min sum to 0.9"),
        ([1.5, -0.5], "a in 30 min are negative or no numbers"),
        ([1.0, np.nan], "a in 30 min are negative or no numbers"),
        ([0, 0, 0, 1.0], "a in 30 min are of more bikes than its 2 places"),
    ],
)
def test_what_are_no_odds_of_a_station_is_refused_with_its_name(odds: list[float], words: str) -> None:
    given = CERTAIN.copy()
    given[0] = [*odds, *[0] * (6 - len(odds))]
    with pytest.raises(OwnOddsError, match=words):
        OwnForecast.of(MONDAY, 30, IDS, np.array([True, True]), PLACES, given)
    made = OwnForecast.of(MONDAY, 30, IDS, np.array([False, True]), PLACES, given)
    assert made.first.tolist() == [[0, 0]], "nobody asked about that station"


def test_a_forecast_comes_back_from_its_bytes_and_goes_with_renumbered_stations() -> None:
    forecaster = Forecaster(stations(3))
    forecaster.learn(snapshot(MONDAY, [1, 2, 3]))
    odds = np.eye(13)[[4, 5, 6]]
    made = OwnForecast.of(MONDAY, 30, np.array(["s2", "s0", "s1"]), np.ones(3, dtype=bool),
                          np.full(3, 12), odds)  # fmt: skip
    assert forecaster.put_own(OwnForecast.from_bytes(made.to_bytes()))
    assert not forecaster.put_own(made), "it is there"
    (own,) = forecaster._issued.own.values()
    assert own.first.tolist() == [[5, 6, 4]]


def test_odds_of_all_models_are_those_that_their_scores_come_from() -> None:
    """The own one is naive by another name: so its scores are naive's."""
    forecaster, judged = Forecaster(stations(), seed=True), 0
    for seen in list(riders(8 * 60, per_hour=20))[::20]:
        scores = {
            (score.minutes, score.target_at, score.model): score
            for score in forecaster.learn(seen) if score.n
        }  # fmt: skip
        for forecast in forecaster.judged:
            for model, (cdf, median) in forecast.models().items():
                score = scores[forecast.pending.minutes, forecast.pending.target_at, model]
                happened = np.arange(cdf.shape[1]) >= forecast.bikes[:, None]
                crps = ((cdf.astype(np.float64) - happened) ** 2).sum(axis=1)
                np.testing.assert_allclose(crps, score.crps, rtol=1e-5, atol=1e-6)
                np.testing.assert_array_equal(abs(median - forecast.bikes), score.abs_error)
                dock = (cdf[:, 11] - (forecast.docks >= 1)) ** 2
                np.testing.assert_allclose(dock, score.brier_dock, atol=1e-6)
                judged += model == "own"
            naive, own = (
                scores[forecast.pending.minutes, forecast.pending.target_at, name]
                for name in ("naive", "own")
            )
            np.testing.assert_array_equal(naive.crps, own.crps)
        for question in forecaster.asked():
            odds = np.eye(13)[seen.bikes]
            places = question.places
            forecaster.put_own(
                OwnForecast.of(seen.at, question.minutes, seen.station_id, seen.bikes >= 0, places, odds)
            )
    assert judged > 150
