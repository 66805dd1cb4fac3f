"""The birth–death chain against the matrix exponential, and its bounds at any rate."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from model.experts import solver


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
    rise, fall = np.array(values, dtype=np.float32).T
    return rise[:, None], fall[:, None]


def leap(p: np.ndarray, rise: np.ndarray, fall: np.ndarray) -> np.ndarray:
    """Take a single step."""
    return np.asarray(solver.leaps(p, rise[None], fall[None])[0])


by_count = st.lists(st.tuples(st.floats(0, 40), st.floats(0, 40)), min_size=1, max_size=25)


@settings(deadline=None, max_examples=60)
@given(values=by_count, share=st.floats(0, 1))
def test_advance_is_the_matrix_exponential(values: list[tuple[float, float]], share: float) -> None:
    rise, fall = rates(values)
    places = len(values)
    p = solver.start(np.array([round(share * places)]), np.array([places]))
    expected = expm(generator(rise[:, 0], fall[:, 0]).astype(np.float64)) @ p[:, 0]
    np.testing.assert_allclose(solver.advance(p, rise, fall)[:, 0], expected, atol=5e-5)


@settings(deadline=None, max_examples=60)
@given(values=by_count, share=st.floats(0, 1))
def test_a_leap_is_one_implicit_euler_step(values: list[tuple[float, float]], share: float) -> None:
    rise, fall = rates(values)
    places = len(values)
    p = solver.start(np.array([round(share * places)]), np.array([places]))
    matrix = np.eye(places + 1) - generator(rise[:, 0], fall[:, 0])
    expected = np.linalg.solve(matrix.astype(np.float64), p[:, 0])
    np.testing.assert_allclose(leap(p, rise, fall)[:, 0], expected, atol=5e-5)


@settings(deadline=None, max_examples=15)
@given(
    values=st.lists(st.tuples(st.floats(0, 5000), st.floats(0, 5000)), min_size=1, max_size=60),
    share=st.floats(0, 1),
    move=st.sampled_from([solver.advance, leap]),
)
def test_probabilities_keep_their_bounds_at_any_rate(
    values: list[tuple[float, float]], share: float, move: Callable[..., np.ndarray]
) -> None:
    """A plain Euler step blew up at high rates: it once gave a CRPS of ten million."""
    rise, fall = rates(values)
    places = np.array([len(values)])
    p = solver.start(np.round(share * places).astype(int), places)
    for _ in range(3):
        p = move(p, rise, fall)
    assert p.min() >= -1e-6
    assert p.sum() == pytest.approx(1, abs=1e-3)
    cdf = solver.cumulate(p, places)
    assert (np.diff(cdf, axis=0) >= -1e-6).all()
    assert cdf[-1, 0] == 1


def test_stations_of_different_size_do_not_touch_each_other() -> None:
    places, bikes = np.array([3, 20]), np.array([2, 9])
    rise = np.where(np.arange(20)[:, None] < places, np.array([2, 5], np.float32), np.float32(0))
    fall = np.broadcast_to(np.array([1, 7], np.float32), (20, 2))
    for move in (solver.advance, leap):
        together = solver.cumulate(move(solver.start(bikes, places), rise, fall), places)
        alone = solver.cumulate(
            move(solver.start(bikes[:1], places[:1]), rise[:3, :1], fall[:3, :1]), places[:1]
        )
        np.testing.assert_allclose(together[:4, 0], alone[:, 0], atol=5e-5)
        assert (together[3:, 0] == 1).all()


def test_steps_taken_together_are_steps_taken_one_by_one() -> None:
    rng = np.random.default_rng(0)
    rise, fall = rng.uniform(0, 9, (2, 4, 12, 3)).astype(np.float32)
    p = solver.start(np.array([0, 5, 12]), np.array([12, 12, 12]))
    for together, *flows in zip(solver.leaps(p, rise, fall), rise, fall, strict=True):
        p = leap(p, *flows)
        np.testing.assert_allclose(together, p, atol=1e-6)


def test_blocks_hold_every_station_once() -> None:
    rng = np.random.default_rng(0)
    places, pace = rng.integers(0, 200, 1000), rng.random(1000)
    rows = np.concatenate(list(solver.blocks(places, pace)))
    assert sorted(rows.tolist()) == list(range(1000))
    assert max(len(block) for block in solver.blocks(places, pace)) < 1000


def test_a_few_stations_join_larger_ones_but_many_or_small_ones_do_not_join_a_huge_one() -> None:
    places = np.array([15] * 200 + [30] * 5 + [33] * 90 + [900])
    groups = [sorted(set(places[rows].tolist())) for rows in solver.blocks(places, np.ones(len(places)))]
    assert groups == [[15], [30, 33], [900]]


def test_without_riders_nothing_changes() -> None:
    p, none = np.eye(5, dtype=np.float32), np.zeros((4, 5), dtype=np.float32)
    assert solver.advance(p, none, none) == pytest.approx(p)
    assert leap(p, none, none) == pytest.approx(p)
