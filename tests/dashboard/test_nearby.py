"""Which stations are near and good."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dashboard import nearby
from model.frame import NO_FORECAST


def test_walking_is_at_4_8_km_an_hour_on_a_way_a_third_longer_than_the_crows() -> None:
    north = nearby.walks((53.0, -6.0), np.array([53.0, 53.01]), np.array([-6.0, -6.0]))
    assert north[0] == 0
    assert north[1] == pytest.approx(1.11195 * 1.3 / 4.8 * 60, rel=0.001)


def test_alternatives_are_the_nearest_that_are_good() -> None:
    chance = np.array([100, 95, 64, 65, NO_FORECAST, 99, 90])
    walk = np.array([0.0, 9.0, 1.0, 4.0, 2.0, 31.0, 5.0])
    assert nearby.alternatives(chance, walk, without=0) == [3, 6, 1]
    assert nearby.alternatives(chance, walk, without=0, at_most=1) == [3]
    assert nearby.alternatives(np.full(7, NO_FORECAST), walk) == []


def test_a_chance_is_worth_half_ten_minutes_away() -> None:
    chance, walk = np.array([90, 50, 100]), np.array([10.0, 0.0, 20.0])
    nobody = np.zeros(3, dtype=bool)
    assert nearby.order(chance, walk, nobody).tolist() == [1, 0, 2]
    assert nearby.order(chance, None, nobody).tolist() == [2, 0, 1]
    assert nearby.order(chance, walk, np.array([False, False, True])).tolist() == [2, 1, 0]


@given(
    chance=arrays(np.int64, 12, elements=st.sampled_from([0, 1, 50, 99, 100, NO_FORECAST])),
    walk=arrays(np.float64, 12, elements=st.floats(0, 1e5)),
    favourite=arrays(np.bool_, 12),
)
def test_every_station_is_listed_once_favourites_first_and_unknown_last(
    chance: np.ndarray, walk: np.ndarray, favourite: np.ndarray
) -> None:
    found = nearby.order(chance, walk, favourite)
    assert sorted(found) == list(range(12))
    assert favourite[found].tolist() == sorted(favourite.tolist(), reverse=True)
    for group in (found[favourite[found]], found[~favourite[found]]):
        unknown = (chance[group] > 100).tolist()
        assert unknown == sorted(unknown)
