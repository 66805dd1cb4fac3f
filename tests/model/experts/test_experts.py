"""The contract that every expert keeps, and the pool's and the guard's own promises."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model import Forecaster
from model.demand.changes import Changes
from model.experts import registry
from model.experts.expert import NEAR_MINUTES, Now, between
from model.mixing import guard
from model.mixing.pool import Pool, _minimise
from model.records import median
from model.scoring.issue import SCORED_MINUTES
from tests.support.model_world import MINUTE, riders, snapshot, stations

EXPERTS = [entry.name for entry in registry.EXPERTS]


@pytest.fixture(scope="module")
def learnt() -> Forecaster:
    forecaster = Forecaster(stations())
    for seen in riders(26 * 60):
        forecaster.learn(seen)
    return forecaster


def test_all_experts_are_held_to_the_contract(learnt: Forecaster) -> None:
    assert learnt.models == (*EXPERTS, "pool")


def expert_of(forecaster: Forecaster, name: str):  # type: ignore[no-untyped-def]
    return next(expert for expert in forecaster._experts if expert.name == name)


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
def test_asking_changes_nothing(learnt: Forecaster, name: str) -> None:
    before = learnt.to_bytes()
    rows = np.arange(6)
    expert = expert_of(learnt, name)
    first, again = (expert.odds(learnt._now(rows), [10, 60]) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert learnt.to_bytes() == before


@pytest.mark.parametrize("name", EXPERTS)
def test_some_stations_are_answered_as_all_are(learnt: Forecaster, name: str) -> None:
    expert = expert_of(learnt, name)
    every = expert.odds(learnt._now(np.arange(6)), [5, 45])
    some = expert.odds(learnt._now(np.array([4, 1])), [5, 45])
    np.testing.assert_allclose(some, every[:, [4, 1], : some.shape[2]], atol=5e-5)


def test_distributions_are_read_off_straight_in_between() -> None:
    cdf = np.array([[[0.0, 1.0]], [[0.5, 1.0]], [[1.0, 1.0]]], dtype=np.float32)
    grid = np.array([0.0, 10.0, 20.0])
    assert between(grid, cdf, [0, 5, 10, 15, 20, 99])[:, 0, 0].tolist() == [0, 0.25, 0.5, 0.75, 1, 1]


# ---------------------------------------------------------------------- the pool


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000), members=st.integers(2, 8))
def test_the_weights_lie_on_the_simplex_and_beat_every_single_expert(seed: int, members: int) -> None:
    random = np.random.default_rng(seed)
    errors = random.normal(size=(members, 40)) * random.uniform(0.1, 2, (members, 1))
    gram = (errors @ errors.T)[None]
    weight = np.full((1, members), 1 / members)
    for _ in range(30):
        weight = _minimise(gram, np.zeros((1, members)), weight)
    assert weight.sum() == pytest.approx(1)
    assert weight.min() > 0
    loss = float(weight[0] @ gram[0] @ weight[0])
    assert loss <= float(np.diag(gram[0]).min()) * 1.02


def test_the_pool_finds_the_better_expert_at_each_station() -> None:
    experts = ("one", "other")
    pool = Pool(2, (10,), experts, (1440, 1440), (1.0, 1.0))
    good, bad = np.full(5, 0.1, dtype=np.float32), np.full(5, 0.6, dtype=np.float32)
    for _ in range(300):
        pool.learn(10, np.arange(2), experts, np.array([[good, bad], [bad, good]]))
    weight = pool.weights([10], np.arange(2))[0]
    assert weight[0, 0] > 0.9
    assert weight[1, 1] > 0.9


def test_until_it_has_its_own_truths_a_horizon_weighs_as_the_next_shorter_one_does() -> None:
    experts = ("near", "one", "other")
    pool = Pool(2, (10, 60, 200), experts, (60, 1440, 1440), (1.0, 1.0, 2.0))
    errors = np.array([[0.5, 0.5], [0.1, 0.6], [0.6, 0.1]], dtype=np.float32)[..., None].repeat(5, axis=2)
    rows = np.arange(2)
    for _ in range(200):
        pool.learn(10, rows, experts, errors)
    ten, sixty, far = pool.weights([10, 60, 200], rows)
    assert ten[1, 0] > 0.8
    assert ten[2, 1] > 0.8
    np.testing.assert_allclose(sixty, ten, rtol=1e-5)
    assert (far[0] == 0).all()
    np.testing.assert_allclose(far, [[0, 0], *(ten[1:] / ten[1:].sum(axis=0))], rtol=1e-4)
    before = pool.weights([10], rows)
    for _ in range(200):
        pool.learn(60, rows, experts, errors[:, ::-1])
    ten, sixty, far = pool.weights([10, 60, 200], rows)
    np.testing.assert_array_equal(ten, before[0])
    assert sixty[1, 1] > 0.8
    assert far[1, 1] > 0.8
    for _ in range(10):
        pool.learn(10, rows, experts, errors)
    assert pool.weights([60], rows)[0, 1, 1] > 0.8


def test_an_expert_that_does_not_reach_has_no_weight(learnt: Forecaster) -> None:
    near, far = learnt._pool.weights([120, 121], np.arange(6))
    unable = [index for index, entry in enumerate(registry.EXPERTS) if entry.reach == NEAR_MINUTES]
    assert unable
    assert (near[unable] > 0).all()
    assert (far[unable] == 0).all()
    np.testing.assert_allclose(far.sum(axis=0), 1, atol=1e-5)


def test_what_a_city_does_not_know_of_two_hours_it_makes_up_from_one_hour_twice() -> None:
    changes = Changes(1, (20, 60, 120))
    rows, bikes, places = np.arange(1), np.array([30]), np.array([60])
    for step in range(3000):
        changes.learn(60, rows, np.array([2 if step % 2 else -2]))
    _, hour, hours = np.diff(changes.odds(rows, bikes, places)[:, 0], prepend=0.0)
    np.testing.assert_allclose(hour[28:33], [0.5, 0, 0, 0, 0.5], atol=0.03)
    np.testing.assert_allclose(hours[26:35], [0.25, 0, 0, 0, 0.5, 0, 0, 0, 0.25], atol=0.07)
    for _ in range(6000):
        changes.learn(120, rows, np.array([0]))
    hours = np.diff(changes.odds(rows, bikes, places)[2, 0], prepend=0.0)
    assert hours[30] > 0.95


def test_changes_as_large_as_can_be_are_not_lost_where_two_are_put_together() -> None:
    changes = Changes(1, (60, 120))
    for _ in range(3000):
        changes.learn(60, np.arange(1), np.array([30]))
    odds = changes.odds(np.arange(1), np.array([10]), np.array([100]))
    assert odds[1, 0, 39] < 0.05
    assert odds[1, 0, 40] == pytest.approx(1)


# ---------------------------------------------------------------------- the guard


def test_in_its_first_day_a_city_says_how_likely_and_not_that_it_changes() -> None:
    forecaster = Forecaster(stations())
    for seen in riders(20 * 60):
        forecaster.learn(seen)
    now = forecaster.snapshot()
    assert now is not None
    forecast = forecaster.forecast([5, 60, 120, 600])
    assert (forecast.bikes.median == now.bikes).all()
    assert (forecast.bikes.quantile(0.9) > now.bikes).any()


@settings(deadline=None, max_examples=100)
@given(seed=st.integers(0, 10_000), bikes=st.integers(0, 9))
def test_a_held_median_stays_where_it_is_and_the_rest_is_kept(seed: int, bikes: int) -> None:
    random = np.random.default_rng(seed)
    pooled = np.sort(random.random((1, 10)).astype(np.float32), axis=1)
    pooled[:, -1] = 1
    straight = np.linspace(0, 1, 11)
    where = np.array([bikes])
    tied = guard.apply(pooled, straight, np.array([True]), where)
    assert median(tied)[0] == bikes
    assert (np.diff(tied) >= -1e-6).all()
    assert tied[0, -1] == pytest.approx(1)
    free = guard.apply(pooled, straight, np.array([False]), where)
    np.testing.assert_allclose(free, pooled, atol=1e-6)


def test_a_spread_that_is_too_narrow_is_mended() -> None:
    random = np.random.default_rng(2)
    mender = guard.Guard(50, (10,))
    counts = np.arange(41)

    def narrow(centre: np.ndarray) -> np.ndarray:
        odds = 1 / (1 + np.exp(-(counts - centre[:, None] + 0.5) / 0.9))
        return np.asarray(odds, dtype=np.float32)

    before, after = [], []
    for step in range(600):
        centre = random.integers(15, 25, 50)
        truth = np.clip(np.rint(random.logistic(centre, 1.2)).astype(int), 0, 40)
        pooled = narrow(centre)
        curve = mender.curves([10])[0]
        mended = guard.apply(pooled, curve, np.zeros(50, dtype=bool), centre)
        if step > 300:
            before.append(guard.transform(pooled, truth)[:, 1:9].sum() / 50)
            after.append(guard.transform(mended, truth)[:, 1:9].sum() / 50)
            assert (median(mended) == median(pooled)).all()
        mender.learn(10, np.arange(50), pooled, centre, truth)
    assert np.mean(before) < 0.73
    assert 0.75 < np.mean(after) < 0.81


def test_where_the_median_was_worse_than_now_it_is_held() -> None:
    keeper = guard.Guard(2, (10,))
    counts = np.arange(11)
    then, truth = np.array([5, 5]), np.array([5, 8])
    wanders = np.repeat((counts >= 8).astype(np.float32)[None], 2, axis=0)
    for _ in range(400):
        keeper.learn(10, np.arange(2), wanders, then, truth)
    assert keeper.held([10], np.arange(2))[0].tolist() == [True, False]


def test_every_scored_horizon_has_an_expert_that_reaches_it(learnt: Forecaster) -> None:
    assert learnt._pool.able.shape == (len(SCORED_MINUTES), len(EXPERTS))
    assert learnt._pool.able.any(axis=1).all()


def test_a_hole_of_hours_teaches_no_riders() -> None:
    forecaster = Forecaster(stations())
    for seen in riders(30):
        forecaster.learn(seen)
    at = forecaster.at
    assert at is not None
    before = forecaster._long.events.sum()
    forecaster.learn(snapshot(at + timedelta(hours=3), [0, 0, 0, 12, 12, 12]))
    assert forecaster._long.events.sum() == before
