"""The forecast written out in NumPy, step by step: what the compiled kernels must agree with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np

from model import Forecaster
from model.arrays import ARRIVALS, Array32, Bools, Floats, Ints
from model.demand.changes import Changes
from model.demand.climatology import Climatology
from model.demand.occupancy_effect import OccupancyEffect
from model.demand.rates import Demand
from model.experts.chain import ChainExpert
from model.experts.expert import NEAR_MINUTES, Expert, Now
from model.experts.naive import NaiveExpert
from model.experts.spread import SpreadExpert
from model.kernels.members import begin_members, reach
from model.kernels.records import EDGES
from tests.support.numpy_learning import usual_fill

NEAR_ENDS = [5, 10, 15, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120]
GRID = np.array([0, *NEAR_ENDS, *range(150, 1441, 30)], dtype=np.float64)
_TRUNCATE = 1e-5

# ---------------------------------------------------------------------- the birth–death chain


def advance(p: Array32, rise: Array32, fall: Array32) -> Array32:
    """Move distributions forward exactly, by a stretch of time in which the rates do not change.

    `p` is `(N, S)`, bikes first. `rise` and `fall` are `(N − 1, S)`: the expected arrivals at `k` bikes, and
    departures at `k + 1`, in that stretch if the station stayed as it is.

    >>> import numpy as np
    >>> p = advance(np.array([[0.0], [1.0], [0.0]]), np.zeros((2, 1)), np.array([[0.5], [0.5]]))
    >>> p[:, 0].round(4)  # the one bike is still there with odds exp(-1/2)
    array([0.3935, 0.6065, 0.    ])
    """
    if len(p) == 1:
        return p
    pace = float((rise.max(axis=0, initial=0) + fall.max(axis=0, initial=0)).max(initial=0))
    if pace == 0:
        return p
    if pace > 50:  # halves of it are as exact, and float32 does not underflow
        two = p.dtype.type(2)
        half = advance(p, rise / two, fall / two)
        return advance(half, rise / two, fall / two)
    up, down = rise / p.dtype.type(pace), fall / p.dtype.type(pace)
    weight = math.exp(-pace)
    total, term, step = p.dtype.type(weight) * p, p.copy(), 0
    kept = weight
    flow, part = np.empty_like(up), np.empty_like(p)
    while kept < 1 - _TRUNCATE:
        step += 1
        np.multiply(up, term[:-1], out=flow)
        flow -= np.multiply(down, term[1:], out=part[1:])
        term[1:] += flow
        term[:-1] -= flow
        weight *= pace / step
        kept += weight
        total += np.multiply(term, p.dtype.type(weight), out=part)
    total /= p.dtype.type(kept)
    return total


def leaps(p: Array32, rise: Array32, fall: Array32) -> Array32:
    """Move distributions forward by implicit Euler steps, one after the other; gives each, `(T, N, S)`.

    `p` is as in `advance`; `rise` and `fall` are `(T, N − 1, S)`. A step is exact for an exponential waiting
    time of its length in place of a fixed one: a tridiagonal system a station, solved for all at once by the
    Thomas algorithm. The parts that do not depend on `p` are computed for all steps together, to save calls.
    """
    out = np.empty((len(rise), *p.shape), dtype=p.dtype)
    inverse, ratio = np.empty_like(out), np.empty_like(fall)
    excess = np.ones_like(out[:, 0])  # of the pivot over its `rise`: a sum, so nothing cancels
    for k in range(len(p) - 1):
        np.reciprocal(excess + rise[:, k], out=inverse[:, k])
        np.multiply(fall[:, k], inverse[:, k], out=ratio[:, k])
        excess = 1 + ratio[:, k] * excess
    np.reciprocal(excess, out=inverse[:, -1])
    carry = rise * inverse[:, 1:]
    moved = np.empty_like(p[0])
    for step, counts in enumerate(out):
        np.multiply(p, inverse[step], out=counts)
        for row, share, below in zip(counts[1:], carry[step], counts, strict=False):
            row += np.multiply(share, below, out=moved)
        for row, share, above in zip(counts[-2::-1], ratio[step, ::-1], counts[::-1], strict=False):
            row += np.multiply(share, above, out=moved)
        p = counts
    return out


def start(bikes: Ints, places: Ints) -> Array32:
    """Give the distributions of stations that hold `bikes` for certain, `(N, S)`, N = most `places` + 1."""
    p = np.zeros((int(places.max(initial=0)) + 1, len(bikes)), dtype=np.float32)
    p[np.minimum(bikes, places), np.arange(len(bikes))] = 1
    return p


def cumulate(p: Array32, places: Ints) -> Array32:
    """Turn distributions `(…, N, S)` into P(bikes ≤ k) in place, ending at 1 to the last bit."""
    for k in range(1, p.shape[-2]):
        p[..., k, :] += p[..., k - 1, :]
    np.minimum(p, np.float32(1), out=p)
    return np.maximum(p, np.arange(p.shape[-2])[:, None] >= places, out=p)


def chain_odds(forecaster: Forecaster, chain: ChainExpert, now: Now, minutes: Sequence[int]) -> Array32:
    """Solve one chain forward in time, `(H, S, N)`."""
    grid = GRID[: int(np.searchsorted(GRID, max(minutes))) + 1]
    size = int(now.places.max(initial=0)) + 1
    p = start(now.bikes, now.places)
    known = [p]
    for begin, end in pairwise(grid.tolist()):
        middle = now.at + timedelta(minutes=float(begin + end) / 2)
        rate = ahead(chain.demand, now.at, begin, end)[:, now.rows] * np.float32((end - begin) / 60)
        rate *= np.array([[chain.arrivals], [chain.departures]], dtype=np.float32)
        rate *= np.stack([now.returning, now.renting])
        shares = (
            None if now.by_hours is None else now.by_hours.shares(now.at, np.array([begin, end]), now.rows)
        )
        if shares is not None:
            rate *= shares[1].astype(np.float32)
        flows = np.repeat(rate[:, None], size - 1, axis=1)
        flows[ARRIVALS] *= np.arange(size - 1)[:, None] < now.places
        if chain.occupancy_effect is not None:
            flows *= factors(chain.occupancy_effect, middle, now, size)
        p = advance(p, *flows) if end <= NEAR_MINUTES else leaps(p, *flows[:, None])[0]
        known.append(p)
    cdf = cumulate(np.stack(known), now.places)
    return between(grid, cdf, minutes).swapaxes(1, 2)


def ahead(demand: Demand, at: datetime, begin: float, end: float) -> Array32:
    """Give the rates per hour from `begin` to `end` minutes after `at`, `(2, R)`."""
    middle = (begin + end) / 2
    fading = 1 + (demand.factor - 1) * 0.5 ** (middle / 60)
    rates: Array32 = demand.at(at + timedelta(minutes=middle)) * fading[:, None].astype(np.float32)
    return rates


def factors(effect: OccupancyEffect, at: datetime, now: Now, size: int) -> Array32:
    """Give the occupancy effect on arrivals at `k` bikes, and departures at `k + 1`, `(2, size − 1, S)`."""
    fill = (np.arange(size, dtype=np.float32)[:, None] / np.maximum(now.places, 1)).astype(np.float32)
    tenth = np.minimum((fill * 10).astype(np.int64), 9)
    off = np.searchsorted(EDGES, fill - usual_fill(effect.filled, effect.hours, *effect.cell(at))[now.rows])
    by_fill, by_distance = (table.astype(np.float32) for table in effect.tables())
    return np.stack([
        by_fill[0][tenth[:-1]] * by_distance[0][off[:-1]], by_fill[1][tenth[1:]] * by_distance[1][off[1:]]
    ])  # fmt: skip


# ---------------------------------------------------------------------- the other experts


def as_now(now: Now) -> Array32:
    """Give the distribution for "nothing changes", `(S, N)`."""
    count = np.arange(int(now.places.max(initial=0)) + 1)
    return (now.bikes[:, None] <= count).astype(np.float32)


def between(grid: Floats, cdf: Array32, minutes: Sequence[int]) -> Array32:
    """Interpolate distributions, known at the minutes `grid`, linearly in time."""
    place = np.interp(minutes, grid, np.arange(len(grid)))
    low = np.floor(place).astype(np.int64)
    share = (place - low).astype(np.float32)[:, None, None]
    after: Array32 = cdf[np.minimum(low + 1, len(grid) - 1)]
    return cdf[low] + share * (after - cdf[low])


def spread_odds(changes: Changes, now: Now, minutes: Sequence[int]) -> Array32:
    """Lay the usual changes around the counts of now, `(H, S, N)`."""
    below = np.cumsum(changes.counts[..., now.rows] + changes.of_city()[..., None], axis=1)
    below /= below[:, -1:].copy()
    most = (below.shape[1] - 1) // 2
    count = np.arange(int(now.places.max(initial=0)) + 1)[:, None]
    index = np.clip(count - now.bikes + most, -1, 2 * most)
    cdf = below[:, np.maximum(index, 0), np.arange(len(now.rows))]
    cdf[:, index < 0] = 0
    cdf[:, count >= now.places] = 1
    known = np.concatenate([as_now(now).T[None], cdf]).astype(np.float32)
    return between(np.array([0.0, *changes.minutes]), known, minutes).swapaxes(1, 2)


def climatology_odds(climatology: Climatology, now: Now, minutes: Sequence[int]) -> Array32:
    """Interpolate how full the stations usually are, `(H, S, N)`."""
    cells = [climatology.cell(now.at + timedelta(minutes=minute)) for minute in minutes]
    spent = np.stack([climatology.spent[cell] for cell in cells])[..., now.rows].astype(np.float64)
    below = np.cumsum(spent + climatology.always()[:, now.rows], axis=1)
    below /= below[:, -1:].copy()
    last = below.shape[1] - 2
    count = np.arange(int(now.places.max(initial=0)) + 1)[:, None]
    level = np.clip(count / np.maximum(now.places - 1, 1), 0, 1) * last
    low = np.minimum(level.astype(np.int64), last)
    station = np.arange(len(now.rows))
    lower, upper = (below[:, which, station] for which in (low, np.minimum(low + 1, last)))
    cdf = lower + (level - low) * (upper - lower)
    cdf[:, count >= now.places] = 1
    odds: Array32 = cdf.astype(np.float32).swapaxes(1, 2)
    return odds


def expert_odds(forecaster: Forecaster, expert: Expert, now: Now, minutes: Sequence[int]) -> Array32:
    """Give an expert's P(bikes ≤ k), `(H, S, N)`."""
    model = expert.model
    if isinstance(model, ChainExpert):
        return chain_odds(forecaster, model, now, minutes)
    if isinstance(model, NaiveExpert):
        return np.repeat(as_now(now)[None], len(minutes), axis=0)
    if isinstance(model, SpreadExpert):
        return spread_odds(forecaster.components["changes"], now, minutes)
    return climatology_odds(forecaster._riders.climatology, now, minutes)


# ---------------------------------------------------------------------- pool, shift and guard


def mix(odds: Array32, weight: Array32) -> Array32:
    """Pool distributions `(M, S, N)` by weights `(M, S)`, to `(S, N)`."""
    mixed = np.einsum("msn,ms->sn", odds, weight) / weight.sum(axis=0)[:, None]
    return np.asarray(np.minimum(mixed, np.float32(1)), dtype=np.float32)


def shift_direction(pooled: Array32, bikes: Ints) -> tuple[Floats, Floats, Floats]:
    """Give what a shift of 1 adds to distributions `(S, N)`, their mean less `bikes`, and their spread."""
    odds = np.diff(pooled.astype(np.float64), axis=1, prepend=0)
    count = np.arange(pooled.shape[1])
    mean = odds @ count
    spread = np.sqrt((odds * (count - mean[:, None]) ** 2).sum(axis=1)) + 0.5
    off = (count - mean[:, None]) / spread[:, None]
    pull = off / np.sqrt(1 + off**2)
    pull -= (odds * pull).sum(axis=1, keepdims=True)
    return np.cumsum(odds * pull, axis=1), mean - bikes, spread


def shifted(pooled: Array32, bikes: Ints, features: Array32, coefficients: Array32, gain: Array32) -> Array32:
    """Shift distributions `(S, N)` by features in bikes `(F − 1, S)`."""
    direction, change, spread = shift_direction(pooled, bikes)
    measured = np.clip(np.stack([change, *features]) / spread, -3, 3)
    size = gain * np.clip(coefficients @ measured, -0.45, 0.45)
    moved: Array32 = np.clip(pooled + size[:, None] * direction, 0, 1).astype(np.float32)
    return moved


def guarded(pooled: Array32, curve: Floats, held: Bools, bikes: Ints) -> Array32:
    """Stretch distributions `(S, N)` by a curve `(11,)`, and hold the median at `bikes` where `held`."""
    cdf = np.interp(pooled, np.linspace(0, 1, 11), curve)
    station, count = np.arange(len(bikes)), np.arange(cdf.shape[1])
    at, below = (cdf[station, np.maximum(bikes - less, 0)] for less in (0, 1))
    below = np.where(bikes > 0, below, 0)
    low = np.where(at < 0.5, (0.5 - at) / np.maximum(1 - at, 1e-6), 0)
    high = np.where(below >= 0.5 - 2e-5, 1 - (0.5 - 2e-5) / np.maximum(below, 0.1), 0)
    mass = np.where(held, np.clip(np.maximum(low, high), 0, 1), 0)[:, None]
    mended: Array32 = (cdf * (1 - mass) + mass * (bikes[:, None] <= count)).astype(np.float32)
    return mended


def pooled_odds(forecaster: Forecaster, now: Now, minutes: Sequence[int]) -> Array32:
    """Give the pool's P(bikes ≤ k) after shift and guard, `(H, S, N)`."""
    ensemble, present = forecaster._ensemble, forecaster._present()
    features = ensemble.features(present)[:, now.rows]
    coefficients, gain = ensemble.shift_of(present, minutes, now.rows)
    weights, curves = ensemble.pool.weights(minutes, now.rows), ensemble.guard.curves(minutes)
    held = ensemble.held(present, minutes, now.rows)
    out = []
    for index, minute in enumerate(minutes):
        able = [place for place, expert in enumerate(ensemble.experts) if expert.reach >= minute]
        odds = np.concatenate(
            [expert_odds(forecaster, ensemble.experts[place], now, [minute]) for place in able]
        )
        mixed = mix(odds, weights[index][able])
        mixed = shifted(mixed, now.bikes, features, coefficients[index], gain[index])
        out.append(guarded(mixed, curves[index], held[index], now.bikes))
    cdf = np.stack(out)
    cdf[:, np.arange(cdf.shape[2]) >= now.places[:, None]] = 1
    return cdf


# ---------------------------------------------------------------------- the kernels, seen from outside


def kernel_odds(forecaster: Forecaster, now: Now, minutes: Sequence[int]) -> dict[str, Array32]:
    """Give each expert's P(bikes ≤ k) by the kernels, `(H, S, N)`, for those of `minutes` that it reaches."""
    inputs = forecaster._ensemble._inputs.build(now, minutes)
    knots, size = inputs.knots, int(now.places.max()) + 1
    odds = np.full((knots.slots, size, len(now.rows)), np.nan, dtype=np.float32)
    members = begin_members(0, *inputs, odds)
    answers: dict[str, list[Array32]] = {expert.name: [] for expert in forecaster.experts}
    for horizon in range(len(minutes)):
        reach(members, horizon, inputs.chains, inputs.climatology, knots)
        for index, expert in enumerate(forecaster.experts):
            low, share = knots.low[index, horizon], knots.share[index, horizon]
            if low >= 0:
                after = odds[knots.high[index, horizon]] if share > 0 else odds[low]
                answers[expert.name].append((odds[low] + share * (after - odds[low])).T)
    return {name: np.stack(each) for name, each in answers.items()}
