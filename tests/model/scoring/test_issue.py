"""Issued forecasts: what is stored of their odds gives the odds back, for any stations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from model.kernels.records import CERTAIN, SHIFT_FEATURES
from model.scoring.issue import (
    CURVE_POINTS,
    IssueCounts,
    Pending,
    starts,
    to_levels,
    to_weights,
    uncertain,
)
from tests.support.model_world import MONDAY

Cities = tuple[NDArray[np.int64], NDArray[np.float32]]


@st.composite
def cities(draw: st.DrawFn) -> Cities:
    """Draw the places of stations, and odds `(M, S, N)`: rising, often certain, 1 at the places."""
    places = np.array(draw(st.lists(st.integers(-1, 12) | st.just(300), max_size=6)), dtype=np.int64)
    members, width = draw(st.integers(1, 4)), int(places.max(initial=0)) + 1
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    odds = np.sort(random.uniform(-0.5, 1.5, (members, len(places), width)), axis=2).clip(0, 1)
    odds[:, np.arange(width) >= places[:, None]] = 1
    return places, odds.astype(np.float32)


def no_features(size: int) -> NDArray[np.float32]:
    return np.zeros((SHIFT_FEATURES - 1, size), dtype=np.float32)


def issued(places: NDArray[np.int64], odds: NDArray[np.float32], **other: Any) -> Pending:
    """Put odds on record as the forecaster does."""
    members, size, width = odds.shape
    levels = to_levels(odds.swapaxes(1, 2)).swapaxes(1, 2)
    inside = np.arange(width) <= np.maximum(places, 0)[:, None]
    first, length, between = uncertain(levels[:, inside], places)
    bikes = np.maximum(places, 0) // 2
    given: dict[str, Any] = {
        "issued_at": MONDAY, "minutes": 30, "models": tuple("abcd"[:members]),
        "counts": IssueCounts(bikes, bikes, places, no_features(size)),
        "weight": to_weights(np.ones((members, size), dtype=np.float32)),
        "curve": np.linspace(0, 1, CURVE_POINTS), "held": np.zeros(size, dtype=np.bool_),
        "weather": np.zeros(6), "median": bikes.astype(first.dtype),
        "first": first, "length": length, "levels": between,
        "coefficients": np.zeros(SHIFT_FEATURES, np.float32), "gain": np.zeros(size, np.float32),
    }  # fmt: skip
    return Pending(**given | other)


@given(cities())
def test_odds_come_back_to_within_half_a_level(city: Cities) -> None:
    places, odds = city
    pending = issued(places, odds)
    back = pending.odds(np.arange(len(places)))
    np.testing.assert_allclose(back, odds, atol=0.5 / CERTAIN + 1e-6)
    assert ((back < 0.5) == (odds < 0.5)).all(), "a median has moved"
    assert ((pending.levels > 0) & (pending.levels < CERTAIN)).all(), "what is certain takes no memory"
    for row in range(len(places)):
        width = max(int(places[row]), 0) + 1
        np.testing.assert_array_equal(pending.odds(np.array([row]))[:, 0], back[:, row, :width])


@given(cities(), st.data())
def test_stations_in_another_order_have_the_same_odds(city: Cities, chosen: st.DataObject) -> None:
    places, odds = city
    pending = issued(places, odds)
    before = pending.odds(np.arange(len(places)))
    rows = np.array(chosen.draw(st.permutations([*range(len(places)), -1, -1])))[1:]
    pending.reorder(rows, pending.counts.reordered(rows))
    after = pending.odds(np.arange(len(rows)))
    for row, old in enumerate(rows.tolist()):
        if old >= 0:
            width = max(int(places[old]), 0) + 1
            np.testing.assert_array_equal(after[:, row, :width], before[:, old, :width])
        else:
            assert pending.bikes[row] == -1
            assert (after[:, row] == 1).all()


def test_as_now_takes_no_levels() -> None:
    pending = issued(np.array([4]), np.array([[[0, 0, 1, 1, 1]]], np.float32))
    assert (pending.first.tolist(), pending.length.tolist(), len(pending.levels)) == ([[2]], [[0]], 0)


def test_odds_that_fall_by_a_rounding_error_are_stored_all_the_same() -> None:
    """A gap in the levels would shift every station behind it."""
    falling = np.array([[0.0], [0.00197], [0.00195], [0.9981], [0.9980], [1.0]], np.float32)
    levels = to_levels(falling)
    assert (np.diff(levels.astype(np.int64), axis=0) >= 0).all()
    first, length, between = uncertain(levels.T, np.array([5]))
    assert len(between) == length.sum() == 5 - first.sum() - (levels == CERTAIN).sum() + 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"first": np.array([[5, 0]], np.uint8)},
        {"length": np.array([[1, 0]], np.uint8)},
        {"levels": np.array([], np.uint16)},
        {"levels": np.array([7], np.uint8)},
        {"weight": np.array([[1, 1]], np.float32)},
        {"median": np.array([1], np.uint8)},
        {"held": np.array([0, 0], np.uint8)},
        {"seed_bikes": np.zeros(3)},
        {"coefficients": np.zeros(2, np.float32)},
        {"gain": np.zeros(2)},
    ],
    ids=lambda wrong: f"{next(iter(wrong))} {next(iter(wrong.values())).tolist()}",
)
def test_what_does_not_fit_is_refused(wrong: dict[str, Any]) -> None:
    """Compiled code reads these arrays without checks of its own."""
    places, odds = np.array([4, 2]), np.array([[[0, 0, 1, 1, 1], [0, 1, 1, 1, 1]]], np.float32)
    issued(places, odds)
    with pytest.raises(ValueError, match=r"Pending|distribution"):
        issued(places, odds, **wrong)


def test_more_bikes_than_places_are_refused() -> None:
    with pytest.raises(ValueError, match="more bikes than places"):
        IssueCounts(np.array([3]), np.array([0]), np.array([2]), no_features(1))
    with pytest.raises(ValueError, match="not whole numbers"):
        IssueCounts(np.array([3.0]), np.array([0.0]), np.array([4.0]), no_features(1))


def test_stations_lie_one_after_the_other() -> None:
    assert starts(np.array([3, -1, 0])).tolist() == [0, 4, 5, 6]
