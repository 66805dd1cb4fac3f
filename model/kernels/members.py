"""The odds of all experts for a block of stations, at the moments that each of them knows.

An expert's odds are known at its own moments, here called knots, and interpolated linearly between them:
`Knots.low` and `share` tell, for each expert and horizon, where.
"""

from __future__ import annotations

import numpy as np

from model.arrays import Array32, Ints
from model.kernels.chain import advance, leap
from model.kernels.lanes import compiled
from model.kernels.records import EDGES, ChainArrays, ClimatologyArrays, Knots, SpreadArrays, StationArrays


@compiled
def fill_knots(
    block: Ints,
    stations: StationArrays,
    chains: ChainArrays,
    spread: SpreadArrays,
    climatology: ClimatologyArrays,
    knots: Knots,
    size: int,
    odds: Array32,
) -> None:
    """Write the odds P(bikes ≤ k) of a `block` `(L,)` of stations at all knots: `odds` `(total, N, L)`.

    `size` counts, from 0 to the places of the block's largest station, are written.
    """
    rows, places, bikes = stations.rows[block], stations.places[block], stations.bikes[block]
    lanes = len(block)
    inside = np.empty((size, lanes), dtype=np.float32)
    for k in range(size):
        for j in range(lanes):
            inside[k, j] = np.float32(1) if k < places[j] else np.float32(0)
    as_now(odds[0], size, bikes)
    _spread(odds[knots.spread :], size, bikes, places, rows, spread)
    _climatology(odds[knots.climatology :], size, places, rows, climatology)
    if len(knots.chains):
        _chains(odds, size, inside, block, stations, chains, knots.chains)
    dense = knots.dense
    first = knots.total - len(dense)
    for knot in range(len(dense)):
        for j in range(lanes):
            for k in range(size):
                below = dense[knot, block[j], k] if k < dense.shape[2] else np.float32(1)
                odds[first + knot, k, j] = below if k < places[j] else np.float32(1)


@compiled
def as_now(odds: Array32, size: int, bikes: Ints) -> None:
    """Write the odds for "nothing changes"."""
    for k in range(size):
        for j in range(len(bikes)):
            odds[k, j] = np.float32(1) if bikes[j] <= k else np.float32(0)


@compiled
def _spread(odds: Array32, size: int, bikes: Ints, places: Ints, rows: Ints, spread: SpreadArrays) -> None:
    """Lay the usual changes around the counts of now: the knots are now and the learnt horizons."""
    as_now(odds[0], size, bikes)
    horizons, changes = spread.city.shape
    lanes, most = len(rows), (changes - 1) // 2
    below = np.empty((changes, lanes), dtype=np.float32)
    total = np.empty(lanes, dtype=np.float32)
    for horizon in range(horizons):
        total[:] = 0
        for change in range(changes):
            city, counts = spread.city[horizon, change], spread.counts[horizon, change]
            for j in range(lanes):
                total[j] += counts[rows[j]] + city
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
def _climatology(odds: Array32, size: int, places: Ints, rows: Ints, climatology: ClimatologyArrays) -> None:
    """Interpolate how full the stations usually are: the knots are the cells of the week."""
    bins, lanes, one = len(climatology.always), len(rows), np.float32(1)
    last = bins - 2
    low = np.empty((size, lanes), dtype=np.int32)
    high = np.empty((size, lanes), dtype=np.int32)
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
    always = np.empty((bins, lanes), dtype=np.float32)
    for level in range(bins):
        for j in range(lanes):
            always[level, j] = climatology.always[level, rows[j]]
    below = np.empty((bins, lanes), dtype=np.float32)
    flat = below.ravel()
    total = np.empty(lanes, dtype=np.float32)
    for cell in range(len(climatology.cells)):
        day_type, hour = climatology.cells[cell]
        total[:] = 0
        for level in range(bins):
            spent = climatology.spent[day_type, hour, level]
            for j in range(lanes):
                total[j] += np.float32(spent[rows[j]]) + always[level, j]
                below[level, j] = total[j]
        for j in range(lanes):
            total[j] = one / total[j]
        for level in range(bins):
            for j in range(lanes):
                below[level, j] *= total[j]
        for j in range(lanes):
            below[bins - 1, j] = one
        out = odds[cell]
        for k in range(size):
            for j in range(lanes):
                lower = flat[low[k, j]]
                out[k, j] = lower + share[k, j] * (flat[high[k, j]] - lower)


@compiled
def _chains(
    odds: Array32,
    size: int,
    inside: Array32,
    block: Ints,
    stations: StationArrays,
    chains: ChainArrays,
    first: Ints,
) -> None:
    """Solve all chains step by step: the knots are now and the ends of the steps that are asked for."""
    rows, bikes, places = stations.rows[block], stations.bikes[block], stations.places[block]
    count, lanes, padded = len(first), len(block), (size + 2, len(block))
    p = np.zeros((count, size + 2, lanes), dtype=np.float32)
    up, down = np.zeros(padded, dtype=np.float32), np.zeros(padded, dtype=np.float32)
    stay, term, spare = np.zeros_like(up), np.zeros_like(up), np.zeros_like(up)
    pace, rate = np.empty(lanes, dtype=np.float32), np.zeros((2, lanes), dtype=np.float32)
    possible = np.empty((2, lanes), dtype=np.float32)
    for j in range(lanes):
        possible[0, j], possible[1, j] = stations.returning[block[j]], stations.renting[block[j]]
    by_fill = np.empty((2, size, lanes), dtype=np.float32)
    # The factors on the rates at each count: without and with the pull.
    plain, pull = np.empty_like(by_fill), np.empty_like(by_fill)
    plain[0], plain[1] = inside, inside
    for chain in range(count):
        for j in range(lanes):
            p[chain, 1 + bikes[j], j] = 1
        as_now(odds[first[chain]], size, bikes)
    pulled = chains.pulled.any()
    if pulled:
        _by_fill(by_fill, size, places, chains.by_fill)
    for step in range(len(chains.cell)):
        if pulled and (step == 0 or chains.cell[step] != chains.cell[step - 1]):
            _pull(pull, by_fill, inside, places, chains.usual[chains.cell[step]][rows], chains)
        for chain in range(count):
            if step >= chains.near and not chains.far[chain]:
                continue
            for side in range(2):
                flows = chains.flows[chains.demand[chain], step, side]
                scale = chains.scale[chain, side]
                for j in range(lanes):
                    rate[side, j] = flows[rows[j]] * scale * possible[side, j]
            if len(chains.shares):
                for j in range(lanes):
                    rate[0, j] *= chains.shares[step, block[j]]
                    rate[1, j] *= chains.shares[step, block[j]]
            _flows(up, down, rate, pull if chains.pulled[chain] else plain)
            if step < chains.near:
                _pace(pace, up, down)
                advance(p[chain], up, down, pace, stay, term, spare)
            else:
                leap(p[chain], up, down, stay, term)
            if chains.knot[step] >= 0:
                _cumulate(odds[first[chain] + chains.knot[step]], p[chain], inside)


@compiled
def _flows(up: Array32, down: Array32, rate: Array32, factors: Array32) -> None:
    """Lay the rates `(2, L)` out by count, as `advance` takes them."""
    lanes = rate.shape[1]
    for k in range(factors.shape[1]):
        for j in range(lanes):
            up[k + 1, j] = rate[0, j] * factors[0, k, j]
        for j in range(lanes):
            down[k + 1, j] = rate[1, j] * factors[1, k, j]


@compiled
def _pace(pace: Array32, up: Array32, down: Array32) -> None:
    """Write the most events that are expected at any count into `pace` `(L,)`."""
    pace[:] = 0
    for k in range(1, len(up) - 1):
        for j in range(len(pace)):
            pace[j] = max(pace[j], up[k, j] + down[k - 1, j])


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
