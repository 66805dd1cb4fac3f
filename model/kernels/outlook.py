"""Forecasts of all stations, block by block: as distributions, as columns of a frame, or for the record."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.arrays import Array32, Bools, Floats, Ints
from model.kernels.lanes import LANES, block_lanes, compiled
from model.kernels.members import Members, begin_members, reach
from model.kernels.mixture import pool_block
from model.kernels.records import (
    CERTAIN,
    NO_FORECAST,
    ChainArrays,
    ClimatologyArrays,
    Columns,
    Knots,
    PoolArrays,
    SpreadArrays,
    StationArrays,
)


class _Block(NamedTuple):
    """The `members` of a block; `pooled` `(N, L)` and `weights` `(E, L)` are room to work in."""

    members: Members
    pooled: Array32
    weights: Array32


@compiled
def _room(stations: StationArrays, knots: Knots) -> Array32:
    """Take room for the odds of the largest block."""
    most, lanes = stations.places.max() + 1, block_lanes(len(stations.places))
    return np.empty(knots.slots * most * lanes, dtype=np.float32)


@compiled
def _begin(
    room: Array32,
    first: int,
    stations: StationArrays,
    chains: ChainArrays,
    spread: SpreadArrays,
    climatology: ClimatologyArrays,
    knots: Knots,
) -> _Block:
    """Take the next block of stations, from `first` on, with the odds of their experts in `room`."""
    lanes = block_lanes(len(stations.places) - first)
    size = stations.places[first : first + lanes].max() + 1
    odds = room[: knots.slots * size * lanes].reshape((knots.slots, size, lanes))
    return _Block(
        begin_members(first, stations, chains, spread, climatology, knots, odds),
        np.empty((size, lanes), dtype=np.float32),
        np.empty((len(knots.low), lanes), dtype=np.float32),
    )


@compiled
def _pool(
    block: _Block,
    horizon: int,
    chains: ChainArrays,
    climatology: ClimatologyArrays,
    knots: Knots,
    pool: PoolArrays,
) -> None:
    """Write the pool's corrected odds of a block at the next horizon into its `pooled`."""
    reach(block.members, horizon, chains, climatology, knots)
    pool_block(block.pooled, block.weights, block.members, horizon, knots, pool)


@compiled
def pooled_odds(
    stations: StationArrays,
    chains: ChainArrays,
    spread: SpreadArrays,
    climatology: ClimatologyArrays,
    knots: Knots,
    pool: PoolArrays,
    cdf: Array32,
) -> None:
    """Write P(bikes ≤ k) of all stations at all horizons into `cdf` `(H, N, S)`."""
    room = _room(stations, knots)
    for first in range(0, len(stations.places), LANES):
        block = _begin(room, first, stations, chains, spread, climatology, knots)
        for horizon in range(knots.low.shape[1]):
            _pool(block, horizon, chains, climatology, knots, pool)
            for k in range(cdf.shape[1]):
                for j in range(len(block.members.places)):
                    below = block.pooled[k, j] if k < block.members.size else np.float32(1)
                    cdf[horizon, k, first + j] = below


@compiled
def frame_columns(
    at_least: Ints,
    known: Bools,
    known_docks: Bools,
    stations: StationArrays,
    chains: ChainArrays,
    spread: SpreadArrays,
    climatology: ClimatologyArrays,
    knots: Knots,
    pool: PoolArrays,
    bike: Columns,
    space: Columns,
) -> None:
    """Write the summaries of all stations at all horizons into columns of S stations.

    `at_least` `(4,)` are the numbers of `chance`. `known` and `known_docks` `(S,)` tell where there is a
    forecast.
    """
    room, numbers = _room(stations, knots), len(at_least)
    for first in range(0, len(stations.places), LANES):
        block = _begin(room, first, stations, chains, spread, climatology, knots)
        members, pooled = block.members, block.pooled
        places, lanes = members.places, len(members.places)
        end = first + lanes
        sure, sure_docks = known[first:end], known_docks[first:end]
        count = np.empty((6, lanes), dtype=np.int32)
        odds, percent = np.empty((2 * numbers, lanes)), np.empty((2 * numbers, lanes), dtype=np.uint8)
        for horizon in range(knots.low.shape[1]):
            _pool(block, horizon, chains, climatology, knots, pool)
            _quantiles(count, pooled, places, members.size)
            for index in range(numbers):
                _odds_of_bikes(odds[index], pooled, places, at_least[index])
                _odds_of_docks(odds[numbers + index], pooled, places, at_least[index])
            _in_percent(percent, odds)
            _write(bike, horizon, first, count[:3], percent[:numbers], sure)
            _write(space, horizon, first, count[3:], percent[numbers:], sure_docks)


@compiled
def _odds_of_bikes(odds: Floats, pooled: Array32, places: Ints, n: int) -> None:
    """Write the odds of at least `n` bikes; there are none where there are fewer places."""
    if n > len(pooled):
        odds[:] = 0
        return
    fewer = pooled[n - 1]
    for j in range(len(odds)):
        odds[j] = np.float64(1) - fewer[j]
    for j in range(len(odds)):
        odds[j] = odds[j] if places[j] >= n else 0.0


@compiled
def _odds_of_docks(odds: Floats, pooled: Array32, places: Ints, n: int) -> None:
    """Write the odds of at least `n` free docks: at most `places` less `n` bikes."""
    for j in range(len(odds)):
        odds[j] = pooled[np.uint64(max(places[j] - n, 0)), j]
    for j in range(len(odds)):
        odds[j] = np.float64(1) - (np.float32(1) - np.float32(odds[j])) if places[j] >= n else 0.0


@compiled
def _in_percent(percent: NDArray[np.uint8], odds: Floats) -> None:
    """Write odds in per cent: only what is certain to within 0.05 % becomes 0 or 100."""
    all_percent, all_odds = percent.ravel(), odds.ravel()
    for i in range(len(all_odds)):
        exact = 100 * all_odds[i]
        rounded = min(max(np.rint(exact), 1.0), 99.0)
        rounded = 0.0 if exact < 0.05 else rounded
        rounded = 100.0 if exact > 99.95 else rounded
        all_percent[i] = np.uint8(rounded)


@compiled
def _write(
    side: Columns,
    horizon: int,
    first: int,
    count: NDArray[np.int32],
    percent: NDArray[np.uint8],
    known: Bools,
) -> None:
    """Write the median, the quantiles and the chances of the block from `first` on."""
    end = first + len(known)
    for place, column in enumerate((side.median, side.low, side.high)):
        quantile = column[horizon, first:end]
        for j in range(len(known)):
            quantile[j] = count[place, j] if known[j] else -1
    for index in range(len(percent)):
        chance = side.chance[index, horizon, first:end]
        for j in range(len(known)):
            chance[j] = percent[index, j] if known[j] else NO_FORECAST


@compiled
def _quantiles(count: NDArray[np.int32], cdf: Array32, places: Ints, size: int) -> None:
    """Count below the median and the 10 % and 90 % quantiles, of bikes and of docks, `(6, L)`."""
    # The tolerance of float32 keeps a quantile from moving by one for rounding alone.
    less = np.float32(1e-6)
    marks = (np.float32(0.5 - 1e-6), np.float32(0.1) - less, np.float32(0.9) - less)
    lanes = len(places)
    below, above = np.empty(lanes, dtype=np.float32), np.empty(lanes, dtype=np.float32)
    most = places.astype(np.float32)
    count[:] = 0
    for k in range(size):
        bikes = np.float32(k)
        for j in range(lanes):
            below[j] = cdf[k, j]
            above[j] = np.float32(1) - below[j] if bikes < most[j] else np.float32(1)
        for quantile in range(3):
            mark = marks[quantile]
            for j in range(lanes):
                count[quantile, j] += np.int32(1) if below[j] < mark else np.int32(0)
            for j in range(lanes):
                count[quantile + 3, j] += np.int32(1) if above[j] < mark else np.int32(0)


@compiled
def expert_levels(
    column: Ints,
    begin: Ints,
    stations: StationArrays,
    chains: ChainArrays,
    spread: SpreadArrays,
    climatology: ClimatologyArrays,
    knots: Knots,
    pool: PoolArrays,
    levels: NDArray[np.uint8],
    medians: Ints,
) -> None:
    """Write every expert's P(bikes ≤ k) in 255ths, and the median of the pool, as they go on record.

    `levels` is `(H, E, Σ places + 1)`, and those of a station begin at `begin` `(S,)`: they never fall with
    `k`. Those of an expert that does not reach a horizon stay as they are. `medians` is `(H, R)`, and
    `column` `(S,)` is each station's place in them.
    """
    room = _room(stations, knots)
    for first in range(0, len(stations.places), LANES):
        block = _begin(room, first, stations, chains, spread, climatology, knots)
        members = block.members
        places, odds = members.places, members.odds
        count = np.empty((6, len(places)), dtype=np.int32)
        for horizon in range(knots.low.shape[1]):
            _pool(block, horizon, chains, climatology, knots, pool)
            _quantiles(count, block.pooled, places, members.size)
            for j in range(len(places)):
                medians[horizon, column[first + j]] = count[0, j]
            for expert in range(len(knots.low)):
                low, high = knots.low[expert, horizon], knots.high[expert, horizon]
                share = knots.share[expert, horizon]
                if low < 0:
                    continue
                for j in range(len(places)):
                    at, level = begin[first + j], np.uint8(0)
                    for k in range(places[j] + 1):
                        below = odds[low, k, j]
                        if share > 0:
                            below += share * (odds[high, k, j] - below)
                        level = max(level, np.uint8(np.rint(below * np.float32(CERTAIN))))
                        levels[horizon, expert, at + k] = level
