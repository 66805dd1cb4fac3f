"""The birth–death chain against the matrix exponential, and its bounds at any rate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from model import chain


def exact(bikes: int, places: int, arrivals: float, departures: float) -> np.ndarray:
    """Solve the master equation of one station by the matrix exponential."""
    flow = np.zeros((places + 1, places + 1))
    for k in range(places + 1):
        if k < places:
            flow[k + 1, k] += arrivals
            flow[k, k] -= arrivals
        if k > 0:
            flow[k - 1, k] += departures
            flow[k, k] -= departures
    return np.asarray(expm(flow))[:, bikes]


@settings(deadline=None, max_examples=60)
@given(
    places=st.integers(1, 25),
    share=st.floats(0, 1),
    arrivals=st.floats(0, 40),
    departures=st.floats(0, 40),
)
def test_the_chain_is_the_matrix_exponential(
    places: int, share: float, arrivals: float, departures: float
) -> None:
    bikes = round(share * places)
    cdf = chain.solve(
        np.array([bikes]), np.array([places]), [60], np.array([[arrivals]]), np.array([[departures]]),
        np.array([60.0]),
    )  # fmt: skip
    expected = np.cumsum(exact(bikes, places, arrivals, departures))
    np.testing.assert_allclose(cdf[0, 0], expected, atol=3e-5)


@settings(deadline=None, max_examples=30)
@given(
    rates=st.lists(st.tuples(st.floats(0, 5000), st.floats(0, 5000)), min_size=1, max_size=4),
    places=st.integers(0, 60),
)
def test_no_rate_makes_it_leave_its_bounds(rates: list[tuple[float, float]], places: int) -> None:
    """A plain Euler step blew up where rates are high: CRPS of ten million was seen."""
    size = len(rates)
    up, down = np.array(rates).T
    cdf = chain.solve(
        np.full(size, places), np.full(size, places), [0, 30, 60],
        np.tile(up, (2, 1)), np.tile(down, (2, 1)), np.array([30.0, 60.0]),
    )  # fmt: skip
    assert cdf.min() >= 0
    assert cdf.max() <= 1
    assert (np.diff(cdf, axis=-1) >= -1e-6).all()
    assert (cdf[:, :, places] == 1).all()


def test_stations_of_different_size_do_not_touch_each_other() -> None:
    together = chain.solve(
        np.array([2, 9]),
        np.array([3, 20]),
        [60],
        np.array([[2.0, 5.0]]),
        np.array([[1.0, 7.0]]),
        np.array([60.0]),
    )
    alone = chain.solve(
        np.array([2]), np.array([3]), [60], np.array([[2.0]]), np.array([[1.0]]), np.array([60.0])
    )
    np.testing.assert_allclose(together[0, 0, :4], alone[0, 0], atol=3e-5)
    assert (together[0, 0, 3:] == 1).all()


def test_blocks_hold_every_station_once() -> None:
    random = np.random.default_rng(0)
    places, pace = random.integers(0, 200, 1000), random.random(1000)
    rows = np.concatenate(list(chain.blocks(places, pace)))
    assert sorted(rows.tolist()) == list(range(1000))
    assert max(len(block) for block in chain.blocks(places, pace)) < 1000


def test_nobody_comes_and_nothing_changes() -> None:
    p = np.eye(5)
    assert chain.advance(p, np.zeros(5), np.zeros(5), np.full(5, 4)) == pytest.approx(p)
