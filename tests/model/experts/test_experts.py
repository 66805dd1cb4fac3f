"""The contract that every expert keeps."""

from __future__ import annotations

import numpy as np
import pytest

from model import Forecaster
from model.experts import registry
from model.experts.expert import Now, between
from tests.support.model_world import MINUTE, riders, snapshot, stations

EXPERTS = [entry.name for entry in registry.EXPERTS]


@pytest.fixture(scope="module")
def learnt() -> Forecaster:
    forecaster = Forecaster(stations())
    for seen in riders(26 * 60):
        forecaster.learn(seen)
    return forecaster


def test_the_contract_covers_every_expert(learnt: Forecaster) -> None:
    assert learnt.models == (*EXPERTS, "pool")


def expert_of(forecaster: Forecaster, name: str):  # type: ignore[no-untyped-def]
    return next(expert for expert in forecaster.experts if expert.name == name)


@pytest.mark.parametrize("name", EXPERTS)
@pytest.mark.parametrize("cold", [False, True])
def test_odds_are_a_distribution_over_the_places(learnt: Forecaster, name: str, cold: bool) -> None:
    forecaster = learnt
    if cold:
        forecaster = Forecaster(stations())
        forecaster.learn(snapshot(learnt.at or MINUTE, [0, 12, 3, -1, 5, 6]))  # type: ignore[arg-type]
    expert = expert_of(forecaster, name)
    minutes = [m for m in (0, 1, 5, 7, 30, 120, 121, 185, 1440) if m <= expert.reach]
    at = forecaster.at
    assert at is not None
    places = np.array([12, 12, 5, 0, 30, 1])
    for bikes in (np.zeros(6, dtype=int), places, np.minimum(3, places)):
        now = Now(at, np.arange(6), bikes, places, np.ones(6, dtype=bool), np.ones(6, dtype=bool))
        odds = expert.odds(now, minutes)
        assert odds.shape == (len(minutes), 6, 31)
        assert odds.dtype == np.float32
        assert np.isfinite(odds).all()
        assert odds.min() >= -1e-6
        assert odds.max() <= 1
        assert (np.diff(odds, axis=2) >= -1e-5).all()
        for station, most in enumerate(places):
            assert (odds[:, station, most:] == 1).all(), "nothing beyond its places"


@pytest.mark.parametrize("name", EXPERTS)
def test_forecasting_changes_no_state(learnt: Forecaster, name: str) -> None:
    before = learnt.to_bytes()
    rows = np.arange(6)
    expert = expert_of(learnt, name)
    first, again = (expert.odds(learnt._present().now(rows), [10, 60]) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert learnt.to_bytes() == before


@pytest.mark.parametrize("name", EXPERTS)
def test_a_few_stations_get_the_same_odds_as_all_together(learnt: Forecaster, name: str) -> None:
    expert = expert_of(learnt, name)
    every = expert.odds(learnt._present().now(np.arange(6)), [5, 45])
    some = expert.odds(learnt._present().now(np.array([4, 1])), [5, 45])
    np.testing.assert_allclose(some, every[:, [4, 1], : some.shape[2]], atol=5e-5)


def test_distributions_are_interpolated_linearly_in_time() -> None:
    cdf = np.array([[[0.0, 1.0]], [[0.5, 1.0]], [[1.0, 1.0]]], dtype=np.float32)
    grid = np.array([0.0, 10.0, 20.0])
    assert between(grid, cdf, [0, 5, 10, 15, 20, 99])[:, 0, 0].tolist() == [0, 0.25, 0.5, 0.75, 1, 1]
