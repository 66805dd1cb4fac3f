"""The contract that every expert keeps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from model import Forecaster
from model.arrays import Array32
from model.experts import registry
from model.experts.expert import Now
from tests.support.model_world import MINUTE, riders, snapshot, stations
from tests.support.numpy_reference import expert_odds, kernel_odds

EXPERTS = [entry.name for entry in registry.EXPERTS]


@pytest.fixture(scope="module")
def learnt() -> Forecaster:
    forecaster = Forecaster(stations())
    for seen in riders(26 * 60):
        forecaster.learn(seen)
    return forecaster


def test_the_contract_covers_every_expert(learnt: Forecaster) -> None:
    assert learnt.models == (*EXPERTS, "pool")


@pytest.mark.parametrize("name", EXPERTS)
@pytest.mark.parametrize("cold", [False, True])
def test_odds_are_a_distribution_over_the_places(learnt: Forecaster, name: str, cold: bool) -> None:
    forecaster = learnt
    if cold:
        forecaster = Forecaster(stations())
        forecaster.learn(snapshot(learnt.at or MINUTE, [0, 12, 3, -1, 5, 6]))  # type: ignore[arg-type]
    expert = next(expert for expert in forecaster.experts if expert.name == name)
    asked = (0, 1, 5, 7, 30, 120, 121, 185, 1440)
    minutes = expert.within(asked)
    at = forecaster.at
    assert at is not None
    places = np.array([12, 12, 5, 0, 30, 1])
    for bikes in (np.zeros(6, dtype=int), places, np.minimum(3, places)):
        now = Now(at, np.arange(6), bikes, places, np.ones(6, dtype=bool), np.ones(6, dtype=bool))
        odds = kernel_odds(forecaster, now, asked)[name]
        np.testing.assert_allclose(odds, expert_odds(forecaster, expert, now, minutes), atol=1e-4)
        assert odds.shape == (len(minutes), 6, 31)
        assert odds.dtype == np.float32
        assert np.isfinite(odds).all()
        assert odds.min() >= -1e-6
        assert odds.max() <= 1
        assert (np.diff(odds, axis=2) >= -1e-5).all()
        for station, most in enumerate(places):
            assert (odds[:, station, most:] == 1).all(), "nothing beyond its places"


def test_forecasting_changes_no_state(learnt: Forecaster) -> None:
    before = learnt.to_bytes()
    first, again = (learnt.forecast([10, 60]).bikes.cdf for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert learnt.to_bytes() == before


@pytest.mark.parametrize("name", EXPERTS)
def test_a_few_stations_get_the_same_odds_as_all_together(learnt: Forecaster, name: str) -> None:
    every = kernel_odds(learnt, learnt._present().now(np.arange(6)), [5, 45])[name]
    some = kernel_odds(learnt, learnt._present().now(np.array([4, 1])), [5, 45])[name]
    np.testing.assert_allclose(some, every[:, [4, 1], : some.shape[2]], atol=5e-5)


def test_distributions_are_interpolated_linearly_in_time(learnt: Forecaster) -> None:
    now = learnt._present().now(np.arange(6))
    for name, odds in kernel_odds(learnt, now, [20, 25, 30]).items():
        if name != "climatology":  # it knows every minute
            np.testing.assert_allclose(odds[1], (odds[0] + odds[2]) / 2, atol=1e-6)


class Halves:
    """An expert in NumPy, as a newcomer would write it."""

    def odds(self, now: Now, minutes: Sequence[int]) -> Array32:
        """Give every count up to the places the same odds, after an hour twice as many as before."""
        count = np.arange(int(now.places.max()) + 1)
        even = np.minimum((count + 1) / (now.places[:, None] + 1), 1)
        return np.stack([even**2 if minute < 60 else even for minute in minutes]).astype(np.float32)


def test_an_expert_in_numpy_joins_those_that_are_compiled(
    learnt: Forecaster, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = registry.ExpertEntry("halves", 120, 1.0, "half of it", lambda inputs: Halves())
    monkeypatch.setattr(registry, "EXPERTS", (*registry.EXPERTS, entry))
    forecaster = Forecaster.from_bytes(learnt.to_bytes())
    assert learnt.at is not None
    for seen in riders(40, start=learnt.at + MINUTE):
        scores = forecaster.learn(seen)
    assert forecaster.models == (*EXPERTS, "halves", "pool")
    now, minutes = forecaster._present().now(np.arange(6)), [30, 61, 120, 180]
    mine = kernel_odds(forecaster, now, minutes)["halves"]
    np.testing.assert_array_equal(mine[:, 3, :12], Halves().odds(now, minutes[:3])[:, 3, :12])
    weights = forecaster._ensemble.pool.weights(minutes, np.arange(6))[:, -1]
    assert (weights[:3] > 0).all()
    assert (weights[3] == 0).all()
    assert "halves" in {score.model for score in scores} | {
        name for pending in forecaster._issued.pending for name in pending.models
    }
