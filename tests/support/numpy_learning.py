"""What is learnt from a poll written out in NumPy: what the compiled kernels must agree with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.arrays import Array32, Bools, Floats, Ints
from model.demand.rates import _smooth
from model.kernels.records import EDGES


def count_riders(
    events: Array32,
    exposure: Array32,
    rates: Array32,
    factors: Array32,
    riders: Array32,
    free: Bools,
    hours: float,
) -> Floats:
    """Add riders and hours to a slot; give the riders seen and expected of all stations by side."""
    events += riders
    exposure += free * np.float32(hours) * factors[:, None]
    expected = (rates * factors[:, None] * free).sum(axis=1, dtype=np.float64) * hours
    return np.stack([riders.sum(axis=1, dtype=np.float64), expected], axis=1)


def usual_fill(filled: Array32, time: Array32, day_type: int, slot: int) -> Array32:
    """Give the usual fill of all stations in a half-hour."""
    before, after = (slot - 1) % filled.shape[1], (slot + 1) % filled.shape[1]
    here, hours = (
        table[day_type, slot] + (table[day_type, before] + table[day_type, after]) / 2
        for table in (filled, time)
    )
    mean = (filled.sum(axis=(0, 1)) + np.float32(0.5)) / (time.sum(axis=(0, 1)) + 1)
    usual: Array32 = (here + mean) / (hours + 1)
    return usual


def count_by_fill(
    fill: Floats,
    usual: Array32,
    riders: Array32,
    free: Bools,
    rates: Array32,
    hours: Floats,
    by_fill: Floats,
    by_distance: Floats,
) -> tuple[Floats, Floats]:
    """Count riders seen and expected by tenth of fill, and by distance from the usual fill."""
    tenths, distances = by_fill.shape[1], len(EDGES) + 1
    tenth = np.minimum((fill * tenths).astype(np.int64), tenths - 1)
    off = np.searchsorted(EDGES, fill - usual)
    expected = np.where(free, rates * hours[:, None], 0)
    sides = range(2)
    return (
        np.array(
            [
                [np.bincount(tenth, riders[side], tenths) for side in sides],
                [np.bincount(tenth, expected[side] * by_distance[side][off], tenths) for side in sides],
            ]
        ),
        np.array(
            [
                [np.bincount(off, riders[side], distances) for side in sides],
                [np.bincount(off, expected[side] * by_fill[side][tenth], distances) for side in sides],
            ]
        ),
    )


def spend(spent: NDArray[np.uint16], bikes: Ints, places: Ints, known: Bools, seconds: int) -> None:
    """Add seconds to the time at each level of fill."""
    levels = len(spent)
    rows = np.flatnonzero(known & (places > 0))
    inside = (bikes[rows] - 1) * (levels - 2) // np.maximum(places[rows] - 1, 1) + 1
    level = np.where(bikes[rows] >= places[rows], levels - 1, np.where(bikes[rows] <= 0, 0, inside))
    spent[level, rows] = np.minimum(spent[level, rows] + np.int64(seconds), 65535)


def smoothed_rates(
    events: Array32,
    hours: Array32,
    profile: Array32,
    level: Array32,
    bend: NDArray[np.uint16],
    weight: float,
) -> Array32:
    """Give smoothed events over smoothed hours, drawn to a prior."""
    worth = np.float32(weight)
    prior = profile[:, :, None, None] * level * bend.view(np.float16).astype(np.float32)
    rates: Array32 = (_smooth(events) + worth) / (_smooth(hours) + worth / prior)
    return rates
