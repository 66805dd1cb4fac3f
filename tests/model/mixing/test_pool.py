"""The pool: weights on the simplex, learnt by station and horizon."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model import Forecaster
from model.experts import registry
from model.experts.expert import NEAR_MINUTES
from model.kernels.simplex import minimise
from model.mixing.pool import Pool
from model.scoring.issue import SCORED_MINUTES
from tests.support.model_world import riders, stations

NOON, NIGHT = (0, 12), (0, 3)


def products(errors: np.ndarray) -> np.ndarray:
    """Give what a pool learns from errors `(M, S, N)`."""
    gram: np.ndarray = np.einsum("msn,osn->smo", errors, errors).astype(np.float32)
    return gram


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000), members=st.integers(2, 8))
def test_the_weights_lie_on_the_simplex_and_beat_every_single_expert(seed: int, members: int) -> None:
    rng = np.random.default_rng(seed)
    errors = rng.normal(size=(members, 40)) * rng.uniform(0.1, 2, (members, 1))
    gram = (errors @ errors.T)[None]
    weight = np.full((1, members), 1 / members)
    for _ in range(30):
        minimise(gram, np.zeros((1, members)), weight, 20, 1e-5)
    assert weight.sum() == pytest.approx(1)
    assert weight.min() > 0
    loss = float(weight[0] @ gram[0] @ weight[0])
    assert loss <= float(np.diag(gram[0]).min()) * 1.02


def test_the_pool_finds_the_better_expert_at_each_station() -> None:
    experts = ("one", "other")
    pool = Pool(2, (10,), experts, (1440, 1440), (1.0, 1.0))
    good, bad = np.full(5, 0.1, dtype=np.float32), np.full(5, 0.6, dtype=np.float32)
    for _ in range(1500):
        pool.learn(10, np.arange(2), experts, products(np.array([[good, bad], [bad, good]])), NOON, NOON)
    weight = pool.weights([10], np.arange(2))[0]
    assert weight[0, 0] > 0.85
    assert weight[1, 1] > 0.85


def test_each_hour_of_the_day_has_the_weights_of_what_was_issued_in_it() -> None:
    experts = ("by day", "by night")
    pool = Pool(30, (10,), experts, (1440, 1440), (1.0, 1.0))
    good, bad = np.full((30, 5), 0.3, dtype=np.float32), np.full((30, 5), 0.4, dtype=np.float32)
    for _ in range(60):
        pool.learn(10, np.arange(30), experts, products(np.array([good, bad])), NOON, NOON)
        pool.learn(10, np.arange(30), experts, products(np.array([bad, good])), NIGHT, NOON)
    noon = pool.weights([10], np.arange(30))[0, 0]
    for _ in range(10):  # a solve goes a part of the way
        pool.learn(10, np.arange(30), experts, products(np.array([good, bad])), NOON, NIGHT)
    night = pool.weights([10], np.arange(30))[0, 0]
    assert (noon > 0.6).all()
    assert (night < 0.4).all()


def test_a_horizon_without_truths_has_the_weights_of_the_next_shorter_one() -> None:
    experts = ("near", "one", "other")
    pool = Pool(2, (10, 60, 200), experts, (60, 1440, 1440), (1.0, 1.0, 2.0))
    errors = np.array([[0.5, 0.5], [0.1, 0.6], [0.6, 0.1]], dtype=np.float32)[..., None].repeat(5, axis=2)
    rows = np.arange(2)
    for _ in range(1000):
        pool.learn(10, rows, experts, products(errors), NOON, NOON)
    ten, sixty, far = pool.weights([10, 60, 200], rows)
    assert ten[1, 0] > 0.8
    assert ten[2, 1] > 0.8
    np.testing.assert_allclose(sixty, ten, rtol=1e-5)
    assert (far[0] == 0).all()
    np.testing.assert_allclose(far, [[0, 0], *(ten[1:] / ten[1:].sum(axis=0))], rtol=1e-4)
    before = pool.weights([10], rows)
    for _ in range(1000):
        pool.learn(60, rows, experts, products(errors[:, ::-1]), NOON, NOON)
    ten, sixty, far = pool.weights([10, 60, 200], rows)
    np.testing.assert_array_equal(ten, before[0])
    assert sixty[1, 1] > 0.8
    assert far[1, 1] > 0.8
    for _ in range(10):
        pool.learn(10, rows, experts, products(errors), NOON, NOON)
    assert pool.weights([60], rows)[0, 1, 1] > 0.8


def test_an_expert_that_does_not_reach_has_no_weight() -> None:
    forecaster = Forecaster(stations())
    for seen in riders(300):
        forecaster.learn(seen)
    pool = forecaster._ensemble.pool
    near, far = pool.weights([120, 121], np.arange(6))
    unable = [index for index, entry in enumerate(registry.EXPERTS) if entry.reach == NEAR_MINUTES]
    assert unable
    assert (near[unable] > 0).all()
    assert (far[unable] == 0).all()
    np.testing.assert_allclose(far.sum(axis=0), 1, atol=1e-5)


def test_every_scored_horizon_has_an_expert_that_reaches_it() -> None:
    pool = Forecaster(stations())._ensemble.pool
    assert pool.able.shape == (len(SCORED_MINUTES), len(registry.EXPERTS))
    assert pool.able.any(axis=1).all()
