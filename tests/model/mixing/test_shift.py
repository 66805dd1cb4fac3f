"""The shift: it moves distributions by what is known of today, as far as that has been right."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model import Forecaster
from model.arrays import Array32, Floats, Ints
from model.kernels.records import SHIFT_FEATURES, Judged, PoolArrays
from model.kernels.shift import learn_shift, shift_block, shift_direction
from model.mixing.pool import Cell
from model.mixing.shift import Shift
from model.scoring.issue import NEAR_SCORED
from tests.support import numpy_reference
from tests.support.model_world import MINUTE, riders, taught


def distributions(rng: np.random.Generator, size: int, width: int) -> Array32:
    """Make distributions `(S, N)`, some of them certain."""
    odds = rng.dirichlet(np.full(width, 0.3), size)
    odds[0] = np.eye(width)[rng.integers(width)]
    cdf = np.minimum(np.cumsum(odds, axis=1), 1).astype(np.float32)
    cdf[:, -1] = 1
    return cdf


def shifted(cdf: Array32, bikes: Ints, features: Array32, coefficients: Array32, gain: Array32) -> Array32:
    """Shift distributions `(S, N)` by the kernel, and see that NumPy does the same."""
    indices, none = np.zeros(0, dtype=np.int64), np.zeros((0, 0), dtype=np.float32)
    flags = np.zeros((0, 0), dtype=np.bool_)
    pool = PoolArrays(
        np.zeros((0, 0, 0), dtype=np.float32), indices, indices, np.zeros(0, dtype=np.float32), none, none,
        flags, flags.ravel(), features, coefficients[None], gain[None],
    )  # fmt: skip
    moved = np.ascontiguousarray(cdf.T)
    shift_block(moved, 0, 0, bikes, len(moved), pool)
    expected = numpy_reference.shifted(cdf, bikes, features, coefficients, gain)
    np.testing.assert_allclose(moved.T, expected, atol=1e-4)
    return np.ascontiguousarray(moved.T)


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10_000), width=st.sampled_from([1, 2, 13, 60]), scale=st.floats(0, 50))
def test_a_shifted_distribution_is_one_and_lies_where_the_shift_pushed_it(
    seed: int, width: int, scale: float
) -> None:
    rng = np.random.default_rng(seed)
    cdf, bikes = distributions(rng, 5, width), rng.integers(0, width, 5)
    features = rng.normal(0, scale, (SHIFT_FEATURES - 1, 5)).astype(np.float32)
    coefficients = rng.normal(0, 1, SHIFT_FEATURES).astype(np.float32)
    coefficients[0] = 0
    moved = shifted(cdf, bikes, features, coefficients, np.ones(5, dtype=np.float32))
    assert (np.diff(moved, axis=1) >= -1e-5).all()
    assert ((moved >= 0) & (moved <= 1)).all()
    np.testing.assert_allclose(moved[:, -1], 1, atol=1e-5)
    up = np.sign(
        np.clip(features / numpy_reference.shift_direction(cdf, bikes)[2], -3, 3).T @ coefficients[1:]
    )
    risen: Floats = (cdf - moved).sum(axis=1)
    assert (risen * up >= -1e-3).all()


@pytest.mark.parametrize(("coefficient", "gain"), [(0.0, 1.0), (0.4, 0.0)])
def test_without_coefficients_or_without_gain_no_float_changes(coefficient: float, gain: float) -> None:
    rng = np.random.default_rng(3)
    cdf = distributions(rng, 40, 20)
    features = rng.normal(0, 3, (SHIFT_FEATURES - 1, 40)).astype(np.float32)
    coefficients = np.full(SHIFT_FEATURES, coefficient, dtype=np.float32)
    moved = shifted(cdf, np.full(40, 4), features, coefficients, np.full(40, gain, dtype=np.float32))
    assert moved.tobytes() == cdf.tobytes()


NINE = 0, 9


def learnt(shift: Shift, rng: np.random.Generator, agrees: Ints, hour: Cell = NINE) -> None:
    """Let a feature say where the truth is: rightly where `agrees` `(S,)` is 1, wrongly where it is -1."""
    size, width = len(agrees), 21
    usual = np.minimum(np.cumsum(np.full(width, 1 / width)), 1).astype(np.float32)
    feature = rng.choice([-3.0, 3.0], size).astype(np.float32)
    truth = np.where(feature * agrees > 0, rng.integers(10, 21, size), rng.integers(0, 11, size))
    direction, room = np.empty((width, 1), dtype=np.float32), np.empty((2, 1), dtype=np.float32)
    shift_direction(direction, room[0], room[1], usual[:, None].copy(), np.array([10]), width)
    judged = Judged(
        *(np.zeros(0),) * 3, np.zeros(0, dtype=np.float32), np.zeros(0, dtype=np.int64), np.zeros(0),
        normal=np.zeros((SHIFT_FEATURES, SHIFT_FEATURES)), moment=np.zeros(SHIFT_FEATURES),
        agreed=np.zeros(size), moved=np.zeros(size),
    )  # fmt: skip
    coefficients = shift.coefficients([60], hour)[0]
    for row in range(size):
        measured = np.zeros(SHIFT_FEATURES, dtype=np.float32)
        measured[1] = feature[row] / room[1, 0]
        error = (truth[row] <= np.arange(width)) - usual
        judged.agreed[row], judged.moved[row] = learn_shift(
            measured, measured @ coefficients, direction[:, 0].copy(), error,
            np.ones(width, dtype=np.float32), judged.normal, judged.moment,
        )  # fmt: skip
    shift.learn(60, np.arange(size), judged, hour)


def test_what_helps_is_learnt_and_a_station_that_it_harms_is_left_alone() -> None:
    shift, rng = Shift(8, NEAR_SCORED), np.random.default_rng(1)
    agrees = np.array([1, 1, 1, 1, 1, 1, 1, -1])
    for _ in range(400):
        learnt(shift, rng, agrees)
    coefficients, gain = shift.coefficients([60], NINE)[0], shift.gain([60], np.arange(8))[0]
    assert coefficients[1] > 0.1
    assert np.abs(np.delete(coefficients, 1)).max() < 1e-6
    assert (gain[:7] == 1).all()
    assert gain[7] == 0
    shift.reorder(np.array([7, -1]))
    assert shift.gain([60], np.arange(2))[0].tolist() == [0, 1]


def test_each_hour_learns_for_itself_and_others_follow_the_city() -> None:
    """Before the tide a feature says that bikes will leave, after it that they will come: the city's is 0."""
    shift, rng = Shift(8, NEAR_SCORED), np.random.default_rng(4)
    for _ in range(200):
        learnt(shift, rng, np.ones(8, dtype=np.int64), (0, 8))
        learnt(shift, rng, -np.ones(8, dtype=np.int64), (0, 18))
    morning, evening, noon = (shift.coefficients([60], (0, hour))[0, 1] for hour in (8, 18, 12))
    assert morning > 0.1
    assert evening < -0.1
    assert abs(noon) < 0.03


def test_shifts_lie_straight_between_learnt_horizons_and_end_with_them() -> None:
    shift, rng = Shift(4, NEAR_SCORED), np.random.default_rng(2)
    for _ in range(50):
        learnt(shift, rng, np.ones(4, dtype=np.int64))
    forty, half, sixty, past, last, far = shift.coefficients([45, 52, 60, 75, 90, 121], NINE)[:, 1]
    assert forty == last == far == 0
    assert half == pytest.approx(sixty * 7 / 15, rel=1e-5)
    assert past == pytest.approx(sixty / 2, rel=1e-5)
    other = Shift(4, NEAR_SCORED)
    learnt(other, rng, np.ones(4, dtype=np.int64))
    other.learn(1440, np.arange(4), None, NINE)  # type: ignore[arg-type]
    assert other.truths.sum() == 4


def test_what_is_learnt_after_the_issue_does_not_shift_the_forecast() -> None:
    """The planted trap: a forecast shifted by what came later would look better than it was."""
    forecaster = taught(6 * 60)
    planted = Forecaster.from_bytes(forecaster.to_bytes())
    at = forecaster.at
    assert at is not None
    planted.components["shift"].moment[:] = 1e6
    planted.components["shift"].hourly_moment[:] = 1e6
    planted.components["today"].net[:] = 50
    here, there = (each.forecast([30, 60, 120]).bikes.cdf for each in (forecaster, planted))
    assert (here != there).any(axis=(1, 2)).all()
    judged = 0
    for seen in riders(120, start=at + MINUTE, seed=3):
        for one, other in zip(forecaster.learn(seen), planted.learn(seen), strict=True):
            if one.model == "pool" and one.target_at - one.minutes * MINUTE <= at:
                np.testing.assert_array_equal(one.crps, other.crps)
                judged += one.n
    assert judged > 50


def test_nothing_is_shifted_before_the_first_truths() -> None:
    forecaster, seen = Forecaster(taught(1).stations), riders(30)
    for _ in range(5):
        forecaster.learn(next(seen))
    assert not forecaster.components["shift"].coefficients(NEAR_SCORED, (0, 0)).any()
    for each in seen:
        forecaster.learn(each)
    assert forecaster.components["shift"].coefficients(NEAR_SCORED, (0, 0))[0].any()
