"""The odds of all experts for a block of stations, horizon after horizon.

An expert's odds are known at its own moments, here called knots, and interpolated linearly between them:
`Knots.low`, `high` and `share` tell, for each expert and horizon, where. Only the knots that the next horizon
needs are kept, so that all that is known of a block fits into the processor's cache.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from model.arrays import Array32, Ints
from model.kernels.chain import advance, lay_out, leap
from model.kernels.lanes import compiled
from model.kernels.records import EDGES, ChainArrays, ClimatologyArrays, Knots, SpreadArrays, StationArrays


class _Chains(NamedTuple):
    """Where the C chains of a block have come to: their distributions `p` `(C, N + 2, L)`.

    `possible` `(2, L)` is 1 where a station takes bikes back, and where it rents them. The factors on the
    rates at each count are `(2, N, L)`: `plain` without the pull, and `pull` with it; `by_fill` are those by
    fill alone. The others are room to work in: see `model.kernels.chain`.
    """

    p: Array32
    possible: Array32
    plain: Array32
    by_fill: Array32
    pull: Array32
    rate: Array32
    up: Array32
    down: Array32
    leave: Array32
    begin: Array32
    spare: Array32


class _Fill(NamedTuple):
    """How full the stations of a block usually are: the bins `low` and `high` of each count, `(N, L)`.

    `share` is how far the count is from one to the other. `always` `(bins, L)` is what the time over all
    hours is worth, and `below` alike is room to work in.
    """

    low: Ints
    high: Ints
    share: Array32
    always: Array32
    below: Array32


class Members(NamedTuple):
    """A block of L stations from the position `first` on, and the odds of their experts.

    `size` is how many counts, from 0, the largest station has. `odds` `(slots, N, L)` are the knots that are
    kept. `inside` `(N, L)` is 1 for the counts below the places. `done` holds the steps that the chains have
    made, and the hour and the dense knots that were laid out last.
    """

    first: int
    bikes: Ints
    places: Ints
    size: int
    odds: Array32
    inside: Array32
    chains: _Chains
    fill: _Fill
    done: Ints


@compiled
def begin_members(
    first: int,
    stations: StationArrays,
    chains: ChainArrays,
    spread: SpreadArrays,
    climatology: ClimatologyArrays,
    knots: Knots,
    odds: Array32,
) -> Members:
    """Begin with the block of stations from `first` on, for which `odds` `(slots, N, L)` has room.

    The knots of now and of the usual changes are laid out at once.
    """
    size, lanes = odds.shape[1:]
    places, bikes = stations.places[first : first + lanes], stations.bikes[first : first + lanes]
    inside = np.empty((size, lanes), dtype=np.float32)
    for k in range(size):
        for j in range(lanes):
            inside[k, j] = np.float32(1) if k < places[j] else np.float32(0)
    as_now(odds[0], size, bikes)
    _spread(odds[knots.spread :], size, bikes, places, first, spread)
    return Members(
        first,
        bikes,
        places,
        size,
        odds,
        inside,
        _begin_chains(odds, size, inside, first, bikes, places, stations, chains, knots.chains),
        _begin_fill(size, places, first, climatology),
        np.array([0, -1, -1]),
    )


@compiled
def reach(
    members: Members, horizon: int, chains: ChainArrays, climatology: ClimatologyArrays, knots: Knots
) -> None:
    """Lay out the knots that a horizon needs; horizons come in their order."""
    done = members.done
    for step in range(done[0], knots.steps[horizon]):
        _step(members, step, chains, knots.chains)
        done[0] = step + 1
    if knots.hour[horizon] != done[1]:
        done[1] = knots.hour[horizon]
        _climatology(members.odds[knots.climatology], members, climatology, done[1])
    for place in range(len(knots.dense_at)):
        knot = knots.dense_at[place, horizon]
        if knot >= 0:
            _lay_out_dense(members.odds[knots.dense_slot + place], members, knots.dense[knot])


@compiled
def _lay_out_dense(odds: Array32, members: Members, dense: Array32) -> None:
    for j in range(len(members.places)):
        for k in range(members.size):
            below = dense[members.first + j, k] if k < dense.shape[1] else np.float32(1)
            odds[k, j] = below if k < members.places[j] else np.float32(1)


@compiled
def as_now(odds: Array32, size: int, bikes: Ints) -> None:
    """Write the odds for "nothing changes"."""
    for k in range(size):
        for j in range(len(bikes)):
            odds[k, j] = np.float32(1) if bikes[j] <= k else np.float32(0)


@compiled
def _spread(odds: Array32, size: int, bikes: Ints, places: Ints, first: int, spread: SpreadArrays) -> None:
    """Lay the usual changes around the counts of now: the knots are now and the learnt horizons."""
    as_now(odds[0], size, bikes)
    horizons, changes = spread.city.shape
    lanes, most = len(places), (changes - 1) // 2
    below = np.empty((changes, lanes), dtype=np.float32)
    total = np.empty(lanes, dtype=np.float32)
    for horizon in range(horizons):
        total[:] = 0
        for change in range(changes):
            city, counts = spread.city[horizon, change], spread.counts[horizon, change, first : first + lanes]
            for j in range(lanes):
                total[j] += counts[j] + city
                below[change, j] = total[j]
        out = odds[horizon + 1]
        for j in range(lanes):
            scale = np.float32(1) / total[j]
            for k in range(size):
                change = k - bikes[j] + most
                if k >= places[j]:
                    out[k, j] = np.float32(1)
                elif change < 0:
                    out[k, j] = np.float32(0)
                else:
                    out[k, j] = below[min(change, changes - 1), j] * scale


@compiled
def _begin_fill(size: int, places: Ints, first: int, climatology: ClimatologyArrays) -> _Fill:
    """Tell between which bins of fill each count of each station lies."""
    bins, lanes = len(climatology.always), len(places)
    last = bins - 2
    low, high = np.empty((size, lanes), dtype=np.int64), np.empty((size, lanes), dtype=np.int64)
    share = np.empty((size, lanes), dtype=np.float32)
    for j in range(lanes):
        for k in range(size):
            level = min(k / max(places[j] - 1, 1), 1.0) * last
            at = min(int(level), last)
            share[k, j] = np.float32(level - at)
            low[k, j] = at * lanes + j
            high[k, j] = min(at + 1, last) * lanes + j
            if k >= places[j]:
                low[k, j] = high[k, j] = (bins - 1) * lanes + j
    always = climatology.always[:, first : first + lanes].copy()
    return _Fill(low, high, share, always, np.empty_like(always))


@compiled
def _climatology(odds: Array32, members: Members, climatology: ClimatologyArrays, cell: int) -> None:
    """Interpolate how full the stations usually are in an hour of the week."""
    low, high, share = members.fill.low, members.fill.high, members.fill.share
    always, below, first = members.fill.always, members.fill.below, members.first
    (bins, lanes), one = always.shape, np.float32(1)
    flat = below.ravel()
    total = np.zeros(lanes, dtype=np.float32)
    for level in range(bins):
        spent = climatology.spent[cell, level, first : first + lanes]
        for j in range(lanes):
            total[j] += np.float32(spent[j]) + always[level, j]
            below[level, j] = total[j]
    for j in range(lanes):
        total[j] = one / total[j]
    for level in range(bins):
        for j in range(lanes):
            below[level, j] *= total[j]
    for j in range(lanes):
        below[bins - 1, j] = one
    for k in range(members.size):
        for j in range(lanes):
            lower = flat[low[k, j]]
            odds[k, j] = lower + share[k, j] * (flat[high[k, j]] - lower)


@compiled
def _begin_chains(
    odds: Array32,
    size: int,
    inside: Array32,
    first: int,
    bikes: Ints,
    places: Ints,
    stations: StationArrays,
    chains: ChainArrays,
    slots: Ints,
) -> _Chains:
    """Begin the chains with the counts of now, the first knot of each."""
    lanes, padded = len(places), (size + 2, len(places))
    p = np.zeros((len(slots), size + 2, lanes), dtype=np.float32)
    possible = np.empty((2, lanes), dtype=np.float32)
    possible[0] = stations.returning[first : first + lanes]
    possible[1] = stations.renting[first : first + lanes]
    by_fill = np.empty((2, size, lanes), dtype=np.float32)
    plain, pull = np.empty_like(by_fill), np.empty_like(by_fill)
    plain[0], plain[1] = inside, inside
    for chain in range(len(slots)):
        for j in range(lanes):
            p[chain, 1 + bikes[j], j] = 1
        as_now(odds[slots[chain]], size, bikes)
    if chains.pulled.any():
        _by_fill(by_fill, size, places, chains.by_fill)
    up, down, leave = (
        np.zeros(padded, dtype=np.float32),
        np.zeros(padded, dtype=np.float32),
        np.zeros(padded, dtype=np.float32),
    )
    return _Chains(
        p,
        possible,
        plain,
        by_fill,
        pull,
        np.empty((2, lanes), dtype=np.float32),
        up,
        down,
        leave,
        np.empty(padded, dtype=np.float32),
        np.empty(padded, dtype=np.float32),
    )


@compiled
def _step(members: Members, step: int, chains: ChainArrays, slots: Ints) -> None:
    """Move all chains that go so far on by a step, and lay out their odds if somebody asks for them."""
    of, lanes = members.chains, len(members.places)
    first, end = members.first, members.first + lanes
    if chains.pulled.any() and (step == 0 or chains.cell[step] != chains.cell[step - 1]):
        _pull(
            of.pull,
            of.by_fill,
            members.inside,
            members.places,
            chains.usual[chains.cell[step], first:end],
            chains,
        )
    for chain in range(len(slots)):
        if step >= chains.near and not chains.far[chain]:
            continue
        for side in range(2):
            flows = chains.flows[chains.demand[chain], step, side, first:end]
            scale = chains.scale[chain, side]
            for j in range(lanes):
                of.rate[side, j] = flows[j] * scale * of.possible[side, j]
            if len(chains.shares):
                for j in range(lanes):
                    of.rate[side, j] *= chains.shares[step, first + j]
        p, factors = of.p[chain], of.pull if chains.pulled[chain] else of.plain
        most = lay_out(of.up, of.down, of.leave, of.rate, factors)
        if step < chains.near:
            advance(p, of.up, of.down, of.leave, most, of.begin, of.spare)
        else:
            leap(p, of.up, of.down, of.begin, of.spare)
        if chains.knot[step] >= 0:
            _cumulate(members.odds[slots[chain] + chains.knot[step]], p, members.inside)


@compiled
def _by_fill(factors: Array32, size: int, places: Ints, table: Array32) -> None:
    """Look the factors on arrivals at `k` bikes, and on departures at `k + 1`, up by fill."""
    tenths = table.shape[1]
    for side in range(2):
        for k in range(size):
            for j in range(len(places)):
                fill = np.float32(k + side) / np.float32(max(places[j], 1))
                factors[side, k, j] = table[side, min(int(fill * np.float32(tenths)), tenths - 1)]


@compiled
def _pull(
    pull: Array32,
    by_fill: Array32,
    inside: Array32,
    places: Ints,
    usual: Array32,
    chains: ChainArrays,
) -> None:
    """Multiply the factors by fill with those by distance from the usual fill."""
    size, lanes = inside.shape
    whole = np.maximum(places, 1).astype(np.float32)
    for side in range(2):
        table = chains.by_distance[side]
        factors = (table[0], table[1], table[2], table[3], table[4], table[5], table[6], table[7], table[8],
                   table[9], table[10])  # fmt: skip
        for k in range(size):
            count = np.float32(k + side)
            for j in range(lanes):
                distance = count / whole[j] - usual[j]
                factor = factors[0]
                for edge in range(10):
                    factor = factors[edge + 1] if distance > EDGES[edge] else factor
                pull[side, k, j] = by_fill[side, k, j] * factor * inside[k, j]


@compiled
def _cumulate(odds: Array32, p: Array32, inside: Array32) -> None:
    """Turn probabilities into P(bikes ≤ k), ending at 1 to the last bit."""
    size, lanes = inside.shape
    one = np.float32(1)
    total = np.zeros(lanes, dtype=np.float32)
    for k in range(size):
        for j in range(lanes):
            total[j] += p[k + 1, j]
            odds[k, j] = total[j]
    for j in range(lanes):
        total[j] = one / total[j]
    for k in range(size):
        for j in range(lanes):
            below = min(odds[k, j] * total[j], one)
            odds[k, j] = one - inside[k, j] * (one - below)
