"""The compiled chain against the matrix exponential and the NumPy chain, and its bounds at any rate."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from model.kernels import chain
from tests.support import numpy_reference

Move = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def padded(values: np.ndarray) -> np.ndarray:
    """Put a row of zeros before and after."""
    return np.pad(values, ((1, 1), (0, 0))).astype(np.float32)


def exact(p: np.ndarray, rise: np.ndarray, fall: np.ndarray) -> np.ndarray:
    """Advance by the kernel, as the NumPy chain is called."""
    moved, (up, down) = padded(p), (padded(np.pad(each, ((0, 1), (0, 0)))) for each in (rise, fall))
    leave = up + np.roll(down, 1, axis=0)
    chain.advance(moved, up, down, leave, leave.max(), *(np.full_like(moved, np.nan) for _ in range(2)))
    assert (moved.sum(axis=0) > 0.99).all(), "what the series leaves out is little"
    inside = moved[1:-1]
    return np.asarray(inside / inside.sum(axis=0))


def leap(p: np.ndarray, rise: np.ndarray, fall: np.ndarray) -> np.ndarray:
    """Take an implicit step by the kernel, as the NumPy chain is called."""
    moved, (up, down) = padded(p), (padded(np.pad(each, ((0, 1), (0, 0)))) for each in (rise, fall))
    chain.leap(moved, up, down, *(np.full_like(moved, np.nan) for _ in range(2)))
    return moved[1:-1]


def generator(rise: np.ndarray, fall: np.ndarray) -> np.ndarray:
    """Write the master equation of one station as a matrix."""
    size = len(rise) + 1
    flow = np.zeros((size, size))
    for k in range(size - 1):
        flow[k + 1, k] += rise[k]
        flow[k, k] -= rise[k]
        flow[k, k + 1] += fall[k]
        flow[k + 1, k + 1] -= fall[k]
    return flow


def rates(values: list[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    """Give arrivals and departures by count, of one station."""
    rise, fall = np.array(values, dtype=np.float32).reshape(-1, 2).T
    return rise[:, None], fall[:, None]


by_count = st.lists(st.tuples(st.floats(0, 40), st.floats(0, 40)), min_size=0, max_size=25)


@settings(deadline=None, max_examples=60)
@given(values=by_count, share=st.floats(0, 1))
def test_advance_is_the_matrix_exponential(values: list[tuple[float, float]], share: float) -> None:
    rise, fall = rates(values)
    places = len(values)
    p = numpy_reference.start(np.array([round(share * places)]), np.array([places]))
    expected = expm(generator(rise[:, 0], fall[:, 0]).astype(np.float64)) @ p[:, 0]
    np.testing.assert_allclose(exact(p, rise, fall)[:, 0], expected, atol=2e-5)


@settings(deadline=None, max_examples=60)
@given(values=by_count, share=st.floats(0, 1))
def test_a_leap_is_one_implicit_euler_step(values: list[tuple[float, float]], share: float) -> None:
    rise, fall = rates(values)
    places = len(values)
    p = numpy_reference.start(np.array([round(share * places)]), np.array([places]))
    matrix = np.eye(places + 1) - generator(rise[:, 0], fall[:, 0])
    expected = np.linalg.solve(matrix.astype(np.float64), p[:, 0])
    np.testing.assert_allclose(leap(p, rise, fall)[:, 0], expected, atol=5e-5)


@settings(deadline=None, max_examples=40)
@given(
    places=st.lists(st.integers(0, 120), min_size=1, max_size=20),
    riders=st.tuples(st.floats(0, 300), st.floats(0, 300)),
    closed=st.sampled_from(["no side", "arrivals", "departures", "both"]),
    seed=st.integers(0, 1000),
)
def test_both_steps_agree_with_the_chain_in_numpy(
    places: list[int], riders: tuple[float, float], closed: str, seed: int
) -> None:
    """Stations of all sizes side by side, up to 300 riders an hour for ten minutes, a side shut or open."""
    rng, size, most = np.random.default_rng(seed), len(places), max(places)
    bikes = np.array([rng.integers(0, each + 1) for each in places])
    inside = np.arange(most)[:, None] < np.array(places)
    rise, fall = ((rate / 6 * rng.uniform(0, 1, (most, size)) * inside).astype(np.float32) for rate in riders)
    rise, fall = rise * (closed in ("no side", "departures")), fall * (closed in ("no side", "arrivals"))
    p = numpy_reference.start(bikes, np.array(places))
    np.testing.assert_allclose(exact(p, rise, fall), numpy_reference.advance(p, rise, fall), atol=1e-4)
    expected = numpy_reference.leaps(p, rise[None], fall[None])[0]
    np.testing.assert_allclose(leap(p, rise, fall), expected, atol=1e-4)


@settings(deadline=None, max_examples=15)
@given(
    values=st.lists(st.tuples(st.floats(0, 5000), st.floats(0, 5000)), min_size=1, max_size=60),
    share=st.floats(0, 1),
    move=st.sampled_from([exact, leap]),
)
def test_probabilities_keep_their_bounds_at_any_rate(
    values: list[tuple[float, float]], share: float, move: Move
) -> None:
    """A plain Euler step blew up at high rates: it once gave a CRPS of ten million."""
    rise, fall = rates(values)
    p = numpy_reference.start(np.array([round(share * len(values))]), np.array([len(values)]))
    for _ in range(3):
        p = move(p, rise, fall)
    assert p.min() >= 0
    assert p.sum() == pytest.approx(1, abs=1e-3)


def test_stations_of_different_size_do_not_touch_each_other() -> None:
    places, bikes = np.array([3, 20]), np.array([2, 9])
    inside = np.arange(20)[:, None] < places
    rise, fall = (np.where(inside, np.array(rate, np.float32), np.float32(0)) for rate in ([2, 5], [1, 7]))
    for move in (exact, leap):
        together = move(numpy_reference.start(bikes, places), rise, fall)
        alone = move(numpy_reference.start(bikes[:1], places[:1]), rise[:3, :1], fall[:3, :1])
        np.testing.assert_allclose(together[:4, 0], alone[:, 0], atol=2e-5)
        assert (together[4:, 0] == 0).all()


def test_without_riders_nothing_changes() -> None:
    p, none = np.eye(5, dtype=np.float32), np.zeros((4, 5), dtype=np.float32)
    assert exact(p, none, none) == pytest.approx(p)
    assert leap(p, none, none) == pytest.approx(p)
