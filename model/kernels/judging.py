"""Judges forecasts on record against their truths, station by station."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from model.arrays import Array32, Floats, Ints
from model.kernels.lanes import compiled
from model.kernels.mixture import holding_mass, stretched
from model.kernels.records import BINS, CERTAIN, SHIFT_FEATURES, IssuedArrays, Judged
from model.kernels.shift import in_spreads, learn_shift, shift_direction, shift_size, shifted

_NARROWEST = 1e-9


class _ShiftRoom(NamedTuple):
    """Room to work in, for one station: see `model.kernels.shift`.

    `direction` is `(N, 1)`, `change` and `spread` `(1,)`, `measured` `(F,)`. `truth` `(2, N)` has the error
    of the pool before the shift, and its weight.
    """

    direction: Array32
    change: Array32
    spread: Array32
    measured: Array32
    truth: Array32


@compiled
def judge(
    rows: Ints,
    issued: IssuedArrays,
    truth: Ints,
    docks: Ints,
    seeded: bool,
    centre: float,
    odds: Array32,
    judged: Judged,
) -> None:
    """Judge the stations `rows` `(n,)` by the counts `truth` and `docks` `(R,)`, into `judged`.

    An expert's error counts `centre` times where the pooled distribution is near a half. No P(bikes ≤ k) of
    the pool is less than that of `odds` `(R, N)`, which is then the pool's.
    """
    experts = len(issued.first)
    most = 0
    for row in rows:
        most = max(most, issued.places[row])
    cdf = np.empty((experts + 2, most + 1), dtype=np.float32)
    pooled = np.empty(most + 1, dtype=np.float32)
    error = np.empty((experts, most + 1), dtype=np.float32)
    room = _shift_room(most)
    pool = experts + 1 if seeded else experts
    one = np.float32(1)
    for index in range(len(rows)):
        row = rows[index]
        places, came = issued.places[row], truth[row]
        size = places + 1
        _mix(cdf, pooled[:size], issued, row)
        for k in range(size):
            root = np.float32(math.sqrt(centre)) if abs(pooled[k] - np.float32(0.5)) < 0.25 else one
            happened = one if came <= k else np.float32(0)
            for expert in range(experts):
                error[expert, k] = (cdf[expert, k] - happened) * root
            room.truth[0, k], room.truth[1, k] = happened - pooled[k], root * root
        strength = _measure_shift(pooled[:size], row, issued, room)
        judged.agreed[index], judged.moved[index] = learn_shift(
            room.measured,
            strength,
            room.direction[:size].reshape(size),
            room.truth[0, :size],
            room.truth[1, :size],
            judged.normal,
            judged.moment,
        )
        _correct(cdf, pooled[:size], issued, row, strength, room, seeded)
        for k in range(size):
            odds[row, k] = max(odds[row, k], cdf[pool, k])
            cdf[pool, k] = odds[row, k]
        for expert in range(experts):
            for other in range(expert + 1):
                product = np.float32(0)
                for k in range(size):
                    product += error[expert, k] * error[other, k]
                judged.gram[index, expert, other] = product
                judged.gram[index, other, expert] = product
        judged.median[index] = _median(pooled, size)
        transform(judged.pooled_tenths, pooled, places, came)
        docked = issued.docks[row] >= 0 and docks[row] >= 0
        for model in range(pool + 1):
            median = issued.median[row] if model == pool else _median(cdf[model], size)
            judged.errors[0, model, index] = abs(np.int64(median) - came)
            _score(judged, model, index, cdf[model], places, came, docks[row], docked)


@compiled
def issued_odds(rows: Ints, issued: IssuedArrays, seeded: bool, odds: Array32) -> None:
    """Write P(bikes ≤ k) of each model at the stations `rows` `(n,)` as `judge` reads it, into `(M, n, N)`.

    Beyond a station's places it is 1.
    """
    most = odds.shape[2] - 1
    cdf = np.empty((len(issued.first) + 2, most + 1), dtype=np.float32)
    pooled = np.empty(most + 1, dtype=np.float32)
    room = _shift_room(most)
    for index in range(len(rows)):
        row = rows[index]
        size = issued.places[row] + 1
        _mix(cdf, pooled[:size], issued, row)
        strength = _measure_shift(pooled[:size], row, issued, room)
        _correct(cdf, pooled[:size], issued, row, strength, room, seeded)
        for model in range(len(odds)):
            for k in range(size):
                odds[model, index, k] = cdf[model, k]
            odds[model, index, size:] = np.float32(1)


@compiled
def _shift_room(most: int) -> _ShiftRoom:
    return _ShiftRoom(
        np.empty((most + 1, 1), dtype=np.float32),
        np.empty(1, dtype=np.float32),
        np.empty(1, dtype=np.float32),
        np.empty(SHIFT_FEATURES, dtype=np.float32),
        np.empty((2, most + 1), dtype=np.float32),
    )


@compiled
def _mix(cdf: Array32, pooled: Array32, issued: IssuedArrays, row: int) -> None:
    """Write P(bikes ≤ k) of each expert at one station into `cdf`, and of their mixture into `pooled`."""
    size, total, one = len(pooled), np.float32(0), np.float32(1)
    pooled[:] = 0
    for expert in range(len(issued.first)):
        _read(cdf[expert], size, issued, expert, row)
        weight = np.float32(issued.weight[expert, row])
        total += weight
        for k in range(size):
            pooled[k] += cdf[expert, k] * weight
    for k in range(size):
        pooled[k] = min(pooled[k] / total, one)


@compiled
def _measure_shift(pooled: Array32, row: int, issued: IssuedArrays, room: _ShiftRoom) -> np.float32:
    """Measure a station's pooled distribution in `room`, and give its shift before the gain."""
    size, measured = len(pooled), room.measured
    bikes = issued.bikes[row : row + 1]
    direction = room.direction[:size]
    shift_direction(direction, room.change, room.spread, pooled.reshape((size, 1)), bikes, size)
    measured[0] = in_spreads(room.change[0], room.spread[0])
    for feature in range(1, SHIFT_FEATURES):
        measured[feature] = in_spreads(issued.features[feature - 1, row], room.spread[0])
    return shift_size(measured, issued.coefficients)


@compiled
def _correct(
    cdf: Array32,
    pooled: Array32,
    issued: IssuedArrays,
    row: int,
    strength: np.float32,
    room: _ShiftRoom,
    seeded: bool,
) -> None:
    """Shift the pooled distribution as it was issued; write it, guarded, behind those of its rivals."""
    experts, size, places = len(issued.first), len(pooled), issued.places[row]
    pool = experts + 1 if seeded else experts
    for k in range(size):
        pooled[k] = shifted(pooled[k], room.direction[k, 0], issued.gain[row] * strength)
        cdf[pool, k] = stretched(pooled[k], issued.line, issued.rise)
    if issued.held[row]:
        _hold(cdf[pool], size, min(issued.bikes[row], places))
    if seeded:
        mean = min(max(issued.seed_bikes[row], 0.0), float(places))
        if math.isnan(issued.seed_bikes[row]):
            mean = 0.0
        for k in range(size):
            cdf[experts, k] = min(max(k + 1 - mean, 0.0), 1.0)


@compiled
def _read(cdf: Array32, size: int, issued: IssuedArrays, expert: int, row: int) -> None:
    """Write out P(bikes ≤ k) of one expert at one station."""
    first, length = np.int64(issued.first[expert, row]), np.int64(issued.length[expert, row])
    begin = issued.begin[expert, row]
    for k in range(size):
        if k < first:
            cdf[k] = np.float32(0)
        elif k < first + length:
            cdf[k] = np.float32(issued.levels[begin + k - first]) / np.float32(CERTAIN)
        else:
            cdf[k] = np.float32(1)


@compiled
def _score(
    judged: Judged, model: int, index: int, cdf: Array32, places: int, truth: int, docks: int, docked: bool
) -> None:
    size = places + 1
    mean, crps = 0.0, float(max(truth - size, 0))  # each bike beyond a distribution's end costs 1
    for k in range(size):
        mean += np.float32(1) - cdf[k]
        off = cdf[k] - np.float32(1) if truth <= k else cdf[k]
        crps += off * off
    judged.errors[1, model, index] = (mean - truth) ** 2
    judged.errors[2, model, index] = crps
    transform(judged.tenths[model], cdf, places, truth)
    for side in range(2):
        if side == 0:
            stated, true = float(np.float32(1) - cdf[0]), truth >= 1
        else:  # P(a dock) = P(bikes < K) = P(bikes ≤ K − 1)
            stated, true = float(cdf[places - 1]) if places > 0 else 0.0, docks >= 1
            if not docked:
                judged.errors[4, model, index] = np.nan
                continue
        judged.errors[3 + side, model, index] = (stated - true) ** 2
        tenth = min(int(stated * BINS), BINS - 1)
        judged.odds[0, model, side, tenth] += 1
        judged.odds[1, model, side, tenth] += stated
        judged.odds[2, model, side, tenth] += true


@compiled
def _median(cdf: Array32, size: int) -> int:
    count = 0
    for k in range(size):
        count += cdf[k] < np.float32(0.5 - 1e-6)
    return count


@compiled
def transform(tenths: Floats, cdf: Array32, places: int, truth: int) -> None:
    """Spread the truth evenly over the tenths between F(truth − 1) and F(truth) [1]_.

    Where the two are equal, the truth counts in the tenth where they lie: odds that were rounded to 255ths
    say 0 of some counts that come.

    References
    ----------
    .. [1] C. Czado, T. Gneiting, L. Held, Predictive model assessment for count data, Biometrics 2009.
    """
    upper = max(float(cdf[min(max(truth, 0), places)]), _NARROWEST)
    lower = float(cdf[min(truth - 1, places)]) if truth > 0 else 0.0
    lower = min(lower, upper - _NARROWEST)
    for tenth in range(BINS):
        inside = min(upper, (tenth + 1) / BINS) - max(lower, tenth / BINS)
        tenths[tenth] += min(max(inside / (upper - lower), 0.0), 1.0)


@compiled
def _hold(cdf: Array32, size: int, bikes: int) -> None:
    """Put just enough mass on the count `bikes` for the median to stay there."""
    none, one = np.float32(0), np.float32(1)
    mass = holding_mass(cdf[bikes], cdf[bikes - 1] if bikes > 0 else none)
    for k in range(size):
        cdf[k] = cdf[k] * (one - mass) + (mass if bikes <= k else none)
