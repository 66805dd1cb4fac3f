"""What is learnt from a poll by the kernels against the same in NumPy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from model import kernels
from model.arrays import Array32
from tests.support import numpy_learning

sizes = st.integers(2, 70)
seeds = st.integers(0, 2**32 - 1)
many = settings(deadline=None, max_examples=40)


def numbers(rng: np.random.Generator, most: float = 9.0) -> Callable[..., Array32]:
    """Give what makes arrays of a shape, of numbers from 0 to `most`, a third of them 0."""

    def make(*shape: int) -> Array32:
        drawn = rng.uniform(0, most, shape) * (rng.random(shape) > 1 / 3)
        return np.asarray(drawn, dtype=np.float32)

    return make


@many
@given(size=sizes, seed=seeds, minutes=st.floats(0, 15))
def test_riders_and_hours_are_added_as_in_numpy(size: int, seed: int, minutes: float) -> None:
    rng = np.random.default_rng(seed)
    make = numbers(rng)
    tables = make(2, size), make(2, size)
    again = tables[0].copy(), tables[1].copy()
    free = rng.random((2, size)) > 0.3
    riders = rng.integers(0, 9, (2, size)).astype(np.float32) * free
    rates, factors = make(2, size), rng.uniform(0.25, 2, 2).astype(np.float32)
    totals, expected_totals = (
        count(*slot, rates, factors, riders, free, minutes / 60)
        for count, slot in ((kernels.count_riders, tables), (numpy_learning.count_riders, again))
    )
    np.testing.assert_allclose(totals, expected_totals, rtol=1e-12)
    for table, expected in zip(tables, again, strict=True):
        np.testing.assert_array_equal(table, expected)


@many
@given(size=sizes, seed=seeds, day_type=st.integers(0, 1), slot=st.integers(0, 47))
def test_usual_fill_is_that_of_numpy(size: int, seed: int, day_type: int, slot: int) -> None:
    make = numbers(np.random.default_rng(seed))
    filled, time = make(2, 48, size), make(2, 48, size)
    cells = [(day_type, slot), (1 - day_type, 0)]
    np.testing.assert_array_equal(
        kernels.usual_fill(filled, time, np.array(cells)),
        [numpy_learning.usual_fill(filled, time, *cell) for cell in cells],
    )


@many
@given(size=sizes, seed=seeds)
def test_riders_are_counted_by_fill_as_in_numpy(size: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    make = numbers(rng)
    places = rng.integers(1, 30, size)
    fill = rng.integers(0, 40, size) / places  # tenths exactly, too, and more bikes than places
    usual = rng.choice([0.0, 0.25, 0.5, 1.0], size).astype(np.float32)
    arguments = (fill, usual, make(2, size), rng.random((2, size)) > 0.3, make(2, size), rng.random(2))
    factors = rng.uniform(0.5, 2, (2, 10)), rng.uniform(0.5, 2, (2, 11))
    found = kernels.count_by_fill(*arguments, *factors)
    for table, expected in zip(found, numpy_learning.count_by_fill(*arguments, *factors), strict=True):
        np.testing.assert_array_equal(table, expected)


@many
@given(size=sizes, seed=seeds, seconds=st.integers(0, 900))
def test_time_is_spent_at_the_levels_of_numpy(size: int, seed: int, seconds: int) -> None:
    rng = np.random.default_rng(seed)
    spent = rng.integers(0, 65536, (21, size)).astype(np.uint16)
    spent[rng.random(spent.shape) < 0.3] = 65535
    expected = spent.copy()
    places = rng.integers(0, 25, size)
    bikes = rng.integers(-1, 30, size)
    known = (bikes >= 0) & (rng.random(size) > 0.2)
    kernels.spend(spent, bikes, places, known, seconds)
    numpy_learning.spend(expected, bikes, places, known, seconds)
    np.testing.assert_array_equal(spent, expected)


@many
@given(size=sizes, seed=seeds, slots=st.sampled_from([48, 96]))
def test_rates_are_smoothed_as_in_numpy(size: int, seed: int, slots: int) -> None:
    rng = np.random.default_rng(seed)
    make = numbers(rng)
    events, hours = make(2, slots, 2, size), make(2, slots, 2, size)
    profile, level = make(2, slots) + np.float32(0.1), make(2, size) + np.float32(0.1)
    bend = rng.uniform(0.1, 8, events.shape).astype(np.float16).view(np.uint16)
    np.testing.assert_array_equal(
        kernels.smoothed_rates(events, hours, profile, level, bend, 4.0),
        numpy_learning.smoothed_rates(events, hours, profile, level, bend, 4.0),
    )
