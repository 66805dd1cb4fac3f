"""The guard: it corrects the spread and holds the median."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model import Forecaster
from model.kernels.judging import transform
from model.kernels.mixture import guard as kernel
from model.kernels.records import Judged
from model.mixing import guard
from model.records import median
from tests.support import numpy_reference
from tests.support.model_world import riders, stations


def guarded(pooled: np.ndarray, curve: np.ndarray, held: np.ndarray, bikes: np.ndarray) -> np.ndarray:
    """Apply the guard to distributions `(S, N)` by the kernel, and see that NumPy does the same."""
    cdf, size = np.ascontiguousarray(pooled.T), pooled.shape[1]
    kernel(cdf, *guard.tenth_lines(curve), held, bikes, np.full(len(bikes), size - 1), size)
    np.testing.assert_allclose(cdf.T, numpy_reference.guarded(pooled, curve, held, bikes), atol=1e-5)
    return cdf.T


def tenths(cdf: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Give the probability integral transform of distributions `(S, N)`, `(10,)`."""
    total = np.zeros(10)
    for each, came in zip(cdf, truth.tolist(), strict=True):
        transform(total, each, len(each) - 1, came)
    return total


def judged(pooled: np.ndarray, truth: np.ndarray) -> Judged:
    """Give what the guard learns from distributions `(S, N)`."""
    none = np.zeros(0)
    some = (median(pooled), tenths(pooled, truth))
    return Judged(none, none, none, none.astype(np.float32), *some, none, none, none, none)


def test_in_the_first_day_the_median_stays_while_the_odds_widen() -> None:
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
def test_a_held_median_stays_and_a_free_one_is_left_alone(seed: int, bikes: int) -> None:
    rng = np.random.default_rng(seed)
    pooled = np.sort(rng.random((1, 10)).astype(np.float32), axis=1)
    pooled[:, -1] = 1
    straight = np.linspace(0, 1, 11)
    where = np.array([bikes])
    tied = guarded(pooled, straight, np.array([True]), where)
    assert median(tied)[0] == bikes
    assert (np.diff(tied) >= -1e-6).all()
    assert tied[0, -1] == pytest.approx(1)
    free = guarded(pooled, straight, np.array([False]), where)
    np.testing.assert_allclose(free, pooled, atol=1e-6)


def test_a_spread_that_is_too_narrow_is_widened() -> None:
    rng = np.random.default_rng(2)
    mender = guard.Guard(50, (10,))
    counts = np.arange(41)

    def narrow(centre: np.ndarray) -> np.ndarray:
        odds = 1 / (1 + np.exp(-(counts - centre[:, None] + 0.5) / 0.9))
        return np.asarray(odds, dtype=np.float32)

    before, after = [], []
    for step in range(600):
        centre = rng.integers(15, 25, 50)
        truth = np.clip(np.rint(rng.logistic(centre, 1.2)).astype(int), 0, 40)
        pooled = narrow(centre)
        curve = mender.curves([10])[0]
        mended = guarded(pooled, curve, np.zeros(50, dtype=bool), centre)
        if step > 300:
            before.append(tenths(pooled, truth)[1:9].sum() / 50)
            after.append(tenths(mended, truth)[1:9].sum() / 50)
            assert (median(mended) == median(pooled)).all()
        mender.learn(10, np.arange(50), judged(pooled, truth), centre, truth)
    assert np.mean(before) < 0.73
    assert 0.75 < np.mean(after) < 0.81


def test_the_median_is_held_where_it_was_worse_than_naive() -> None:
    keeper = guard.Guard(2, (10,))
    counts = np.arange(11)
    then, truth = np.array([5, 5]), np.array([5, 8])
    wanders = np.repeat((counts >= 8).astype(np.float32)[None], 2, axis=0)
    for _ in range(400):
        keeper.learn(10, np.arange(2), judged(wanders, truth), then, truth)
    assert keeper.held([10], np.arange(2))[0].tolist() == [True, False]
