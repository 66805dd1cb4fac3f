"""What competes: each expert turns what stands there now into a distribution for any later minute.

Experts share what they have learnt: the components `Demand`, `OccupancyEffect`, `Changes` and `Climatology`
learn once, and several experts read them. To add one, give it a name and `odds`, and list it in `experts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from model.arrays import ARRIVALS, Array32, Bools, Floats, Ints
from model.demand.changes import Changes
from model.demand.climatology import Climatology
from model.demand.occupancy_effect import OccupancyEffect
from model.demand.rates import Demand
from model.experts import solver

NEAR_MINUTES = 120
"""Experts that differ only in how the next two hours go do not answer beyond."""

DAY_MINUTES = 1440


@dataclass(frozen=True, eq=False)
class Now:
    """What stands at the stations `rows` at the moment of issue: arrays `(S,)`.

    `bikes` is at least 0 and at most `places`; where it is unknown the odds mean nothing.
    """

    at: datetime
    rows: Ints
    bikes: Ints
    places: Ints
    renting: Bools
    returning: Bools

    @property
    def counts(self) -> Ints:
        """The counts that the odds run over: 0 to the largest station's places, `(N,)`."""
        return np.arange(int(self.places.max(initial=0)) + 1)


class Expert(Protocol):
    """Answers for `reach` minutes with P(bikes ≤ k), `(H, S, N)`; the docks are what is left of the places.

    Odds never fall with `k`, lie between 0 and 1, and are 1 from a station's places on.
    """

    name: str
    reach: int

    def odds(self, now: Now, minutes: Sequence[int]) -> Array32:
        """Give the distributions `minutes` after `now.at`."""


class NaiveExpert:
    """No change: all mass on what stands there now."""

    name = "naive"
    reach = DAY_MINUTES

    def odds(self, now: Now, minutes: Sequence[int]) -> Array32:
        """Repeat what stands there."""
        certain = as_now(now)
        return np.broadcast_to(certain, (len(minutes), *certain.shape))


class SpreadExpert:
    """No change, give or take what has changed over such a time before, at this station and in its city."""

    name = "spread"
    reach = DAY_MINUTES

    def __init__(self, changes: Changes) -> None:
        self.changes = changes

    def odds(self, now: Now, minutes: Sequence[int]) -> Array32:
        """Lay the station's distribution of changes around what stands there."""
        learnt = self.changes.odds(now.rows, now.bikes, now.places)
        grid = np.array([0, *self.changes.minutes], dtype=np.float64)
        known = np.concatenate([as_now(now)[None].swapaxes(1, 2), learnt.swapaxes(1, 2)])
        return between(grid, known, minutes).swapaxes(1, 2)


class ClimatologyExpert:
    """How full the station usually is at that time of such a day, whatever stands there now."""

    name = "climatology"
    reach = DAY_MINUTES

    def __init__(self, climate: Climatology) -> None:
        self.climate = climate

    def odds(self, now: Now, minutes: Sequence[int]) -> Array32:
        """Look the target times up."""
        ats = [now.at + timedelta(minutes=minute) for minute in minutes]
        return self.climate.odds(ats, now.rows, now.places)


class ChainExpert:
    """The birth–death chain on learnt demand, and its variants.

    `tilt` multiplies arrivals and divides departures: a day is not its average, and the pool mixes days with
    more and fewer. `pull` makes rates depend on how full the station is. `calm` scales all rates: what comes
    and goes together at once, as vans and friends do, moves the count less than its rates say.
    """

    def __init__(
        self,
        name: str,
        reach: int,
        demand: Demand,
        tilt: float = 1.0,
        pull: OccupancyEffect | None = None,
        calm: float = 1.0,
    ) -> None:
        self.name = name
        self.reach = reach
        self.demand = demand
        self.tilt = tilt
        self.pull = pull
        self.calm = calm

    def odds(self, now: Now, minutes: Sequence[int]) -> Array32:
        """Solve the chain forward in time."""
        return solve([self], now, minutes)[0]


def answers(experts: Sequence[Expert], now: Now, minutes: Sequence[int]) -> list[Array32]:
    """Give each expert's odds for those of `minutes` that it reaches; the chains are solved together."""
    chains = [expert for expert in experts if isinstance(expert, ChainExpert)]
    solved = {each.name: odds for each, odds in zip(chains, solve(chains, now, minutes), strict=True)}
    return [
        solved[expert.name] if expert.name in solved else expert.odds(now, within(expert, minutes))
        for expert in experts
    ]


def within(expert: Expert, minutes: Sequence[int]) -> list[int]:
    """Pick the minutes that an expert reaches."""
    return [minute for minute in minutes if minute <= expert.reach]


def solve(chains: Sequence[ChainExpert], now: Now, minutes: Sequence[int]) -> list[Array32]:
    """Solve chains forward in time side by side; each answers those of `minutes` that it reaches.

    Calling NumPy costs more than the sums of a hundred stations, so all chains take a step in one call. The
    largest and the busiest station decide what it costs: `chain.blocks` tells which to solve together.
    """
    grid = np.concatenate([[0.0], solver.NEAR_ENDS, solver.FAR_ENDS])
    grid = grid[: int(np.searchsorted(grid, max(minutes, default=0))) + 1]
    near = int((grid <= NEAR_MINUTES).sum())
    far = [index for index, each in enumerate(chains) if each.reach > NEAR_MINUTES]
    rates = _rates(chains, now, grid)
    odds = np.empty((len(chains), len(grid), len(now.counts), len(now.rows)), dtype=np.float32)
    odds[:, 0] = solver.start(now.bikes, now.places)
    p = odds[:, 0].swapaxes(0, 1).copy()
    flows = _flows(chains, now, grid[:near], rates[: near - 1])
    for step, (rise, fall) in enumerate(flows, start=1):
        p = solver.advance(p, rise, fall)
        odds[:, step] = p.swapaxes(0, 1)
    if near < len(grid) and far:
        reaching = [chains[index] for index in far]
        flows = _flows(reaching, now, grid[near - 1 :], rates[near - 1 :, :, far])
        odds[far, near:] = solver.leaps(p[:, far], flows[:, 0], flows[:, 1]).transpose(2, 0, 1, 3)
    known = [len(grid) if index in far else near for index in range(len(chains))]
    return [
        between(grid[:end], solver.cumulate(p[:end], now.places), within(each, minutes)).swapaxes(1, 2)
        for each, p, end in zip(chains, odds, known, strict=True)
    ]


def _rates(chains: Sequence[ChainExpert], now: Now, grid: Floats) -> Array32:
    """Give expected arrivals and departures in the steps of a grid, where they can be, `(T, 2, M, S)`."""
    learnt = {each.demand for each in chains}
    ahead = {demand: demand.ahead(now.at, grid[1:], now.rows) for demand in learnt}
    scale = np.array([(each.tilt * each.calm, each.calm / each.tilt) for each in chains], dtype=np.float32).T
    hours = (np.diff(grid) / 60).astype(np.float32)[:, None, None, None]
    possible = np.stack([now.returning, now.renting])[:, None]
    rates: Array32 = np.stack([ahead[each.demand] for each in chains], axis=2)
    rates *= hours * (scale[..., None] * possible)
    return rates


def _flows(chains: Sequence[ChainExpert], now: Now, grid: Floats, rates: Array32) -> Array32:
    """Lay rates out by count, `(T, 2, N − 1, M, S)`: arrivals at `k` bikes, departures at `k + 1`."""
    size = len(now.counts)
    flows = np.repeat(rates[:, :, None], size - 1, axis=2)
    flows[:, ARRIVALS] *= (np.arange(size - 1)[:, None] < now.places)[:, None]
    for pull in {each.pull for each in chains if each.pull is not None}:
        pulled = [index for index, each in enumerate(chains) if each.pull is pull]
        middles = ((grid[:-1] + grid[1:]) / 2).tolist()
        cells = [pull.cell(now.at + timedelta(minutes=middle)) for middle in middles]
        distinct = list(dict.fromkeys(cells))
        factors = pull.factors(distinct, now.rows, now.places, size)
        for flow, cell in zip(flows, cells, strict=True):
            for index in pulled:
                flow[:, :, index] *= factors[distinct.index(cell)]
    return flows


def experts(
    long: Demand, short: Demand, pull: OccupancyEffect, changes: Changes, climate: Climatology
) -> tuple[Expert, ...]:
    """List all that compete, naive first. `long` and `short` remember for about twenty and ten days."""
    return (
        NaiveExpert(),
        SpreadExpert(changes),
        ClimatologyExpert(climate),
        ChainExpert("chain", DAY_MINUTES, long),
        ChainExpert("more", NEAR_MINUTES, long, tilt=1.45),
        ChainExpert("fewer", NEAR_MINUTES, long, tilt=1 / 1.45),
        ChainExpert("pull", DAY_MINUTES, short, pull=pull),
        ChainExpert("calm", NEAR_MINUTES, short, pull=pull, calm=0.65),
    )


def as_now(now: Now) -> Array32:
    """Give the distribution that nothing changes, `(S, N)`."""
    return (np.minimum(now.bikes, now.places) <= now.counts[:, None]).astype(np.float32).T


def between(grid: Floats, cdf: Array32, minutes: Sequence[int]) -> Array32:
    """Read distributions off between the minutes `grid` that they are known at, straight in time."""
    place = np.interp(minutes, grid, np.arange(len(grid)))
    low = np.floor(place).astype(np.int64)
    share = (place - low).astype(np.float32)[:, None, None]
    read: NDArray[np.float32] = cdf[low]
    inside = np.flatnonzero(share)
    read[inside] += share[inside] * (cdf[low[inside] + 1] - read[inside])
    return read
