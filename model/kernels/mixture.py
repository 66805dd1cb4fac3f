"""The pool, its shift and the guard for a block of stations at one horizon."""

from __future__ import annotations

import numpy as np

from model.arrays import Array32, Bools, Ints
from model.kernels.lanes import compiled
from model.kernels.members import as_now
from model.kernels.records import Knots, PoolArrays, StationArrays
from model.kernels.shift import shift_block


@compiled
def learnt_weights(pool: PoolArrays, rows: Ints) -> Array32:
    """Bring the learnt weights of a block's stations together, `(learnt horizons, E, L)`."""
    horizons, experts, _ = pool.weight.shape
    learnt = np.empty((horizons, experts, len(rows)), dtype=np.float32)
    for horizon in range(horizons):
        for expert in range(experts):
            weight = pool.weight[horizon, expert]
            for j in range(len(rows)):
                learnt[horizon, expert, j] = weight[rows[j]]
    return learnt


@compiled
def _weigh(weights: Array32, learnt: Array32, pool: PoolArrays, horizon: int) -> None:
    """Write the experts' weights at a horizon into `weights` `(E, L)`: they sum to 1."""
    share, one = pool.share[horizon], np.float32(1)
    before, after = learnt[pool.low[horizon]], learnt[pool.high[horizon]]
    experts, lanes = weights.shape
    total = np.zeros(lanes, dtype=np.float32)
    for expert in range(experts):
        for j in range(lanes):
            weights[expert, j] = (one - share) * before[expert, j] + share * after[expert, j]
        for j in range(lanes):
            total[j] += weights[expert, j]
    for expert in range(experts):
        for j in range(lanes):
            weights[expert, j] /= total[j]


@compiled
def _mix(pooled: Array32, odds: Array32, weights: Array32, knots: Knots, horizon: int, size: int) -> None:
    """Mix the odds of the experts that reach a horizon, in `pooled` `(N, L)`."""
    pooled[:size] = 0
    for expert in range(len(weights)):
        low, share = knots.low[expert, horizon], knots.share[expert, horizon]
        if low >= 0:
            _add(pooled, odds[low], (np.float32(1) - share) * weights[expert], size)
            if share > 0:
                _add(pooled, odds[low + 1], share * weights[expert], size)


@compiled
def _add(pooled: Array32, odds: Array32, weight: Array32, size: int) -> None:
    for k in range(size):
        for j in range(len(weight)):
            pooled[k, j] += weight[j] * odds[k, j]


@compiled
def holding_mass(at: np.float32, below: np.float32) -> np.float32:
    """Give the mass on "as now" that holds the median there, from P(≤ bikes) and P(< bikes).

    Mass `a` turns the first into at + a(1 − at) and the second into (1 − a)·below.
    """
    none, half, one = np.float32(0), np.float32(0.5), np.float32(1)
    low = (half - at) / max(one - at, np.float32(1e-6)) if at < half else none
    most = half - np.float32(2e-5)
    high = one - most / max(below, np.float32(0.1)) if below >= most else none
    return min(max(low, high, none), one)


@compiled
def stretched(below: np.float32, begin: Array32, rise: Array32) -> np.float32:
    """Map a probability by a curve that is straight in each tenth: see `PoolArrays`."""
    tenths = below * np.float32(10)
    which = min(np.uint32(tenths), np.uint32(9))  # unsigned: a negative index would need a check
    return min(tenths * rise[which] + begin[which], np.float32(1))


@compiled
def guard(
    cdf: Array32, begin: Array32, rise: Array32, held: Bools, bikes: Ints, places: Ints, size: int
) -> None:
    """Stretch the pooled distributions of a block by a curve, and hold medians at `bikes`, in place.

    `begin` and `rise` are `(10,)`, `held`, `bikes` and `places` `(L,)`.
    """
    one, lanes = np.float32(1), len(bikes)
    for k in range(size):
        for j in range(lanes):
            cdf[k, j] = stretched(cdf[k, j], begin, rise)
    mass = np.zeros(lanes, dtype=np.float32)
    for j in range(lanes):
        if held[j]:
            below = cdf[bikes[j] - 1, j] if bikes[j] > 0 else np.float32(0)
            mass[j] = holding_mass(cdf[bikes[j], j], below)
    for k in range(size):
        for j in range(lanes):
            certain = mass[j] if bikes[j] <= k else np.float32(0)
            mixed = cdf[k, j] * (one - mass[j]) + certain
            cdf[k, j] = mixed if k < places[j] else one


@compiled
def pool_block(
    pooled: Array32,
    weights: Array32,
    learnt: Array32,
    odds: Array32,
    block: Ints,
    horizon: int,
    size: int,
    stations: StationArrays,
    knots: Knots,
    pool: PoolArrays,
) -> None:
    """Write the pool's corrected odds of a block at one horizon into `pooled` `(N, L)`.

    `odds` are those of the experts, from `fill_knots`, and `learnt` the weights of the block, from
    `learnt_weights`; `weights` `(E, L)` is room to work in.
    """
    bikes, places = stations.bikes[block], stations.places[block]
    if pool.certain[horizon]:
        as_now(pooled, size, bikes)
        return
    _weigh(weights, learnt, pool, horizon)
    _mix(pooled, odds, weights, knots, horizon, size)
    shift_block(pooled, block, horizon, bikes, size, pool)
    held = pool.held[horizon][block]
    guard(pooled, pool.begin[horizon], pool.rise[horizon], held, bikes, places, size)
