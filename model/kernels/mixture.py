"""The pool, its shift and the guard for a block of stations at one horizon."""

from __future__ import annotations

import numpy as np

from model.arrays import Array32, Bools, Ints
from model.kernels.lanes import compiled
from model.kernels.members import Members, as_now
from model.kernels.records import Knots, PoolArrays
from model.kernels.shift import shift_block


@compiled
def _weigh(weights: Array32, first: int, pool: PoolArrays, horizon: int) -> None:
    """Write the experts' weights at a horizon into `weights` `(E, L)`: they sum to 1."""
    share, one = pool.share[horizon], np.float32(1)
    experts, lanes = weights.shape
    before = pool.weight[pool.low[horizon], :, first : first + lanes]
    after = pool.weight[pool.high[horizon], :, first : first + lanes]
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
def _mix(pooled: Array32, odds: Array32, weights: Array32, knots: Knots, horizon: int) -> None:
    """Mix the odds of the experts that reach a horizon, in `pooled` `(N, L)`."""
    experts, lanes = weights.shape
    slot, count = np.zeros(2 * experts + 1, dtype=np.int64), 0
    weight = np.zeros((2 * experts + 1, lanes), dtype=np.float32)
    for expert in range(experts):
        low, share = knots.low[expert, horizon], knots.share[expert, horizon]
        if low >= 0:
            slot[count], weight[count] = low, (np.float32(1) - share) * weights[expert]
            count += 1
            if share > 0:
                slot[count], weight[count] = knots.high[expert, horizon], share * weights[expert]
                count += 1
    pooled[:] = 0
    # Two at a time; the last one of an odd number has one without weight beside it.
    for each in range(0, count, 2):
        _add(pooled, odds[slot[each]], weight[each], odds[slot[each + 1]], weight[each + 1])


@compiled
def _add(pooled: Array32, odds: Array32, weight: Array32, others: Array32, other_weight: Array32) -> None:
    for k in range(len(pooled)):
        for j in range(len(weight)):
            pooled[k, j] += weight[j] * odds[k, j] + other_weight[j] * others[k, j]


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
    _stretch(cdf, begin, rise)
    mass = np.zeros(lanes, dtype=np.float32)
    for j in range(lanes):
        if held[j]:
            below = cdf[bikes[j] - 1, j] if bikes[j] > 0 else np.float32(0)
            mass[j] = holding_mass(cdf[bikes[j], j], below)
    now, most = bikes.astype(np.float32), places.astype(np.float32)
    for k in range(size):
        count = np.float32(k)
        for j in range(lanes):
            certain = mass[j] if now[j] <= count else np.float32(0)
            mixed = cdf[k, j] * (one - mass[j]) + certain
            cdf[k, j] = mixed if count < most[j] else one


@compiled
def _stretch(cdf: Array32, begin: Array32, rise: Array32) -> None:
    """Map all probabilities as `stretched` does, by a choice among ten that vector instructions can make."""
    lines = (begin[0], begin[1], begin[2], begin[3], begin[4], begin[5], begin[6], begin[7], begin[8],
             begin[9])  # fmt: skip
    rises = (rise[0], rise[1], rise[2], rise[3], rise[4], rise[5], rise[6], rise[7], rise[8], rise[9])
    flat = cdf.ravel()
    for i in range(len(flat)):
        tenths = flat[i] * np.float32(10)
        line, slope = lines[0], rises[0]
        for edge in range(1, 10):
            beyond = tenths >= np.float32(edge)
            line = lines[edge] if beyond else line
            slope = rises[edge] if beyond else slope
        flat[i] = min(tenths * slope + line, np.float32(1))


@compiled
def pool_block(
    pooled: Array32,
    weights: Array32,
    members: Members,
    horizon: int,
    knots: Knots,
    pool: PoolArrays,
) -> None:
    """Write the pool's corrected odds of a block at one horizon into `pooled` `(N, L)`.

    The `members` have reached the horizon; `weights` `(E, L)` is room to work in.
    """
    bikes, places, size = members.bikes, members.places, members.size
    if pool.certain[horizon]:
        as_now(pooled, size, bikes)
        return
    _weigh(weights, members.first, pool, horizon)
    _mix(pooled, members.odds, weights, knots, horizon)
    shift_block(pooled, members.first, horizon, bikes, size, pool)
    held = pool.held[horizon, members.first : members.first + len(places)]
    guard(pooled, pool.begin[horizon], pool.rise[horizon], held, bikes, places, size)
