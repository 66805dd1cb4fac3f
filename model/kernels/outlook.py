"""Forecasts of all stations, block by block: as distributions, as columns of a frame, or for the record."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.arrays import Array32, Bools, Floats, Ints
from model.kernels.lanes import LANES, block_lanes, compiled
from model.kernels.members import fill_knots
from model.kernels.mixture import learnt_weights, pool_block
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
    """A block of L stations, their `places`, and how many counts, `size`, the largest of them has.

    `odds` `(total, N, L)` are those of the experts, and `learnt` the weights of the pool. `pooled` `(N, L)`
    and `weights` `(E, L)` are room to work in.
    """

    stations: Ints
    places: Ints
    size: int
    odds: Array32
    learnt: Array32
    pooled: Array32
    weights: Array32


@compiled
def _room(order: Ints, stations: StationArrays, knots: Knots) -> Array32:
    """Take room for the odds of the largest block."""
    most = stations.places.max() + 1
    return np.empty(knots.total * most * block_lanes(len(order)), dtype=np.float32)


@compiled
def _begin(
    room: Array32,
    order: Ints,
    first: int,
    stations: StationArrays,
    chains: ChainArrays,
    spread: SpreadArrays,
    climatology: ClimatologyArrays,
    knots: Knots,
    pool: PoolArrays,
) -> _Block:
    """Take the next block of stations and write the odds of their experts into `room`.

    The last block has as many lanes as its stations need, and repeats its last station.
    """
    lanes = block_lanes(len(order) - first)
    block = np.empty(lanes, dtype=np.int64)
    for j in range(lanes):
        block[j] = order[min(first + j, len(order) - 1)]
    places = stations.places[block]
    size = places.max() + 1
    odds = room[: knots.total * size * lanes].reshape((knots.total, size, lanes))
    fill_knots(block, stations, chains, spread, climatology, knots, size, odds)
    return _Block(
        block,
        places,
        size,
        odds,
        learnt_weights(pool, stations.rows[block]),
        np.empty((size, lanes), dtype=np.float32),
        np.empty((len(knots.low), lanes), dtype=np.float32),
    )


@compiled
def _pool(block: _Block, horizon: int, stations: StationArrays, knots: Knots, pool: PoolArrays) -> None:
    """Write the pool's corrected odds of a block at one horizon into its `pooled`."""
    pool_block(
        block.pooled, block.weights, block.learnt, block.odds, block.stations, horizon, block.size,
        stations, knots, pool,
    )  # fmt: skip


@compiled
def pooled_odds(
    order: Ints,
    stations: StationArrays,
    chains: ChainArrays,
    spread: SpreadArrays,
    climatology: ClimatologyArrays,
    knots: Knots,
    pool: PoolArrays,
    cdf: Array32,
) -> None:
    """Write P(bikes ≤ k) of all stations at all horizons into `cdf` `(H, N, S)`.

    `order` `(S,)` puts stations that are alike side by side.
    """
    room = _room(order, stations, knots)
    for first in range(0, len(order), LANES):
        block = _begin(room, order, first, stations, chains, spread, climatology, knots, pool)
        for horizon in range(knots.low.shape[1]):
            _pool(block, horizon, stations, knots, pool)
            for j in range(min(LANES, len(order) - first)):
                for k in range(cdf.shape[1]):
                    below = block.pooled[k, j] if k < block.size else np.float32(1)
                    cdf[horizon, k, block.stations[j]] = below


@compiled
def frame_columns(
    order: Ints,
    column: Ints,
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
    """Write the summaries of all stations at all horizons into the columns of a frame.

    `order` `(S,)` puts stations that are alike side by side; `column` `(S,)` is each one's place in the
    columns; `at_least` `(4,)` are the numbers of `chance`. `known` and `known_docks` `(S,)` tell where there
    is a forecast.
    """
    room = _room(order, stations, knots)
    for first in range(0, len(order), LANES):
        block = _begin(room, order, first, stations, chains, spread, climatology, knots, pool)
        places, pooled, lanes = block.places, block.pooled, len(block.places)
        count = np.empty((6, lanes), dtype=np.int32)
        odds_of, odds_free = np.empty(lanes), np.empty(lanes)
        columns, sure = column[block.stations], known[block.stations]
        sure_docks = known_docks[block.stations]
        for horizon in range(knots.low.shape[1]):
            _pool(block, horizon, stations, knots, pool)
            _quantiles(count, pooled, places, block.size)
            _write(bike, 0, horizon, columns, count, sure)
            _write(space, 3, horizon, columns, count, sure_docks)
            for index in range(len(at_least)):
                n = at_least[index]
                for j in range(lanes):
                    enough = n <= places[j]
                    odds_of[j] = np.float64(1) - pooled[n - 1, j] if enough else 0.0
                    free = np.float32(1) - pooled[max(places[j] - n, 0), j]
                    odds_free[j] = np.float64(1) - free if enough else 0.0
                _write_chance(bike.chance[index, horizon], columns, odds_of, sure)
                _write_chance(space.chance[index, horizon], columns, odds_free, sure_docks)


@compiled
def _quantiles(count: NDArray[np.int32], cdf: Array32, places: Ints, size: int) -> None:
    """Count below the median and the 10 % and 90 % quantiles, of bikes and of docks, `(6, L)`."""
    # The tolerance of float32 keeps a quantile from moving by one for rounding alone.
    less = np.float32(1e-6)
    marks = (np.float32(0.5 - 1e-6), np.float32(0.1) - less, np.float32(0.9) - less)
    lanes = len(places)
    below, above = np.empty(lanes, dtype=np.float32), np.empty(lanes, dtype=np.float32)
    count[:] = 0
    for k in range(size):
        for j in range(lanes):
            below[j] = cdf[k, j]
            above[j] = np.float32(1) - below[j] if k < places[j] else np.float32(1)
        for quantile in range(3):
            mark = marks[quantile]
            for j in range(lanes):
                count[quantile, j] += np.int32(1) if below[j] < mark else np.int32(0)
            for j in range(lanes):
                count[quantile + 3, j] += np.int32(1) if above[j] < mark else np.int32(0)


@compiled
def _write(
    side: Columns, first: int, horizon: int, columns: Ints, count: NDArray[np.int32], known: Bools
) -> None:
    """Write a block's quantiles, those of `count` from `first` on, where there is a forecast."""
    for j in range(len(columns)):
        side.median[horizon, columns[j]] = count[first, j] if known[j] else -1
    for j in range(len(columns)):
        side.low[horizon, columns[j]] = count[first + 1, j] if known[j] else -1
    for j in range(len(columns)):
        side.high[horizon, columns[j]] = count[first + 2, j] if known[j] else -1


@compiled
def _write_chance(chance: NDArray[np.uint8], columns: Ints, odds: Floats, known: Bools) -> None:
    """Write odds `(L,)` in per cent: only what is certain to within 0.05 % becomes 0 or 100."""
    for j in range(len(columns)):
        exact = 100 * odds[j]
        rounded = min(max(np.rint(exact), 1.0), 99.0)
        rounded = 0.0 if exact < 0.05 else rounded
        rounded = 100.0 if exact > 99.95 else rounded
        odds[j] = rounded if known[j] else float(NO_FORECAST)
    for j in range(len(columns)):
        chance[columns[j]] = np.uint8(odds[j])


@compiled
def expert_levels(
    order: Ints,
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
    `k`. Those of an expert that does not reach a horizon stay as they are. `medians` is `(H, S)`.
    """
    room = _room(order, stations, knots)
    for first in range(0, len(order), LANES):
        block = _begin(room, order, first, stations, chains, spread, climatology, knots, pool)
        places, odds = block.places, block.odds
        count = np.empty((6, len(places)), dtype=np.int32)
        for horizon in range(knots.low.shape[1]):
            _pool(block, horizon, stations, knots, pool)
            _quantiles(count, block.pooled, places, block.size)
            for j in range(min(LANES, len(order) - first)):
                medians[horizon, block.stations[j]] = count[0, j]
            for expert in range(len(knots.low)):
                low, share = knots.low[expert, horizon], knots.share[expert, horizon]
                if low < 0:
                    continue
                for j in range(min(LANES, len(order) - first)):
                    at, level = begin[block.stations[j]], np.uint8(0)
                    for k in range(places[j] + 1):
                        below = odds[low, k, j]
                        if share > 0:
                            below += share * (odds[low + 1, k, j] - below)
                        level = max(level, np.uint8(np.rint(below * np.float32(CERTAIN))))
                        levels[horizon, expert, at + k] = level
