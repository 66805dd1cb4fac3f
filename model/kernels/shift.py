"""The shift of the pooled distributions of a block of stations, by what is known of today."""

from __future__ import annotations

import math

import numpy as np

from model.arrays import Array32, Floats, Ints
from model.kernels.lanes import compiled
from model.kernels.records import LARGEST_SHIFT, SHIFT_FEATURES, PoolArrays

_MOST = 3.0
"""No feature counts for more than so many spreads."""

_LEAST_SPREAD = 0.5
"""In bikes, and added to the spread: even of a distribution that is certain."""


@compiled
def shift_direction(
    direction: Array32, change: Array32, spread: Array32, cdf: Array32, bikes: Ints, size: int
) -> None:
    """Write what a shift of 1 would add to P(bikes ≤ k) into `direction` `(N, L)`.

    Each count gains or loses odds by its distance from the mean, measured in spreads, `u / √(1 + u²)`, less
    what all counts gain on average: so the odds still sum to 1. `change` `(L,)` becomes the mean less
    `bikes`, and `spread` `(L,)` the standard deviation and half a bike.
    """
    lanes, none, one, two = len(bikes), np.float32(0), np.float32(1), np.float32(2)
    now = bikes.astype(np.float32)
    change[:] = 0
    spread[:] = 0
    for k in range(size):
        count = np.float32(k)
        for j in range(lanes):
            off = count - now[j]
            tail = (one if off >= none else none) - cdf[k, j]
            change[j] += tail
            spread[j] += tail * (two * off + one)
    for j in range(lanes):
        variance = max(spread[j] - change[j] * change[j], none)
        spread[j] = np.float32(math.sqrt(variance)) + np.float32(_LEAST_SPREAD)
    total, below = np.zeros(lanes, dtype=np.float32), np.zeros(lanes, dtype=np.float32)
    for k in range(size):
        count = np.float32(k)
        for j in range(lanes):
            off = (count - now[j] - change[j]) / spread[j]
            total[j] += (cdf[k, j] - below[j]) * off / np.float32(math.sqrt(one + off * off))
            below[j] = cdf[k, j]
            direction[k, j] = total[j]
    for k in range(size):
        for j in range(lanes):
            direction[k, j] -= total[j] * cdf[k, j]


@compiled
def in_spreads(value: np.float32, spread: np.float32) -> np.float32:
    """Measure a feature in spreads."""
    most = np.float32(_MOST)
    return min(max(value / spread, -most), most)


@compiled
def shift_size(measured: Array32, coefficients: Array32) -> np.float32:
    """Give the shift that features in spreads `(F,)` and their coefficients make, before the gain."""
    size = np.float32(0)
    for feature in range(len(measured)):
        size += measured[feature] * coefficients[feature]
    most = np.float32(LARGEST_SHIFT)
    return min(max(size, -most), most)


@compiled
def shifted(below: np.float32, direction: np.float32, size: np.float32) -> np.float32:
    """Shift one P(bikes ≤ k)."""
    return min(max(below + size * direction, np.float32(0)), np.float32(1))


@compiled
def shift_block(cdf: Array32, first: int, horizon: int, bikes: Ints, size: int, pool: PoolArrays) -> None:
    """Shift the pooled distributions `(N, L)` of the block from `first` on at one horizon, in place."""
    coefficients, lanes = pool.coefficients[horizon], len(bikes)
    if not coefficients.any():
        return
    direction = np.empty((size, lanes), dtype=np.float32)
    change, spread = np.empty(lanes, dtype=np.float32), np.empty(lanes, dtype=np.float32)
    shift_direction(direction, change, spread, cdf, bikes, size)
    measured = np.empty(SHIFT_FEATURES, dtype=np.float32)
    strength = np.empty(lanes, dtype=np.float32)
    for j in range(lanes):
        measured[0] = in_spreads(change[j], spread[j])
        for feature in range(1, SHIFT_FEATURES):
            measured[feature] = in_spreads(pool.features[feature - 1, first + j], spread[j])
        strength[j] = pool.gain[horizon, first + j] * shift_size(measured, coefficients)
    for k in range(size):
        for j in range(lanes):
            cdf[k, j] = shifted(cdf[k, j], direction[k, j], strength[j])


@compiled
def learn_shift(
    measured: Array32,
    size: np.float32,
    direction: Array32,
    error: Array32,
    weight: Array32,
    normal: Floats,
    moment: Floats,
) -> tuple[float, float]:
    """Add one truth to the normal equations: `normal` `(F, F)` and `moment` `(F,)`.

    `error` is `[truth ≤ k] − F` before the shift; `direction` and `weight` are `(N,)` alike. Gives how far
    the shift of this `size` agreed with the error, and its own square.
    """
    square = along = 0.0
    for k in range(len(error)):
        square += weight[k] * direction[k] * direction[k]
        along += weight[k] * direction[k] * error[k]
    for feature in range(len(measured)):
        moment[feature] += along * measured[feature]
        for other in range(len(measured)):
            normal[feature, other] += square * measured[feature] * measured[other]
    return float(size * along), float(size * size * square)
