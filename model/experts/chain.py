"""The chain experts: the station as a queue, whose riders come and go at the learnt rates."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from model.arrays import ARRIVALS, Array32, Floats
from model.experts import solver
from model.experts.expert import NEAR_MINUTES, Now, between

if TYPE_CHECKING:
    from model.demand.occupancy_effect import OccupancyEffect
    from model.demand.rates import Demand


class ChainExpert:
    """The birth–death chain on learnt demand, and its variants.

    `tilt` multiplies arrivals and divides departures: a day is not its average, and the pool mixes days with
    more and with fewer bikes. `occupancy_effect` makes rates depend on how full the station is. `calm` scales
    all rates: bikes that come and go together, by van or with friends, move the count less than their rates
    say.
    """

    def __init__(
        self,
        demand: Demand,
        tilt: float = 1.0,
        occupancy_effect: OccupancyEffect | None = None,
        calm: float = 1.0,
    ) -> None:
        self.demand = demand
        self.tilt = tilt
        self.occupancy_effect = occupancy_effect
        self.calm = calm

    def odds(self, now: Now, minutes: Sequence[int]) -> Array32:
        """Solve the chain forward in time."""
        return solve([self], now, [minutes])[0]


def solve(chains: Sequence[ChainExpert], now: Now, minutes: Sequence[Sequence[int]]) -> list[Array32]:
    """Solve chains forward in time side by side, each for its own minutes.

    Calling NumPy costs more than the sums of a hundred stations, so all chains take a step in one call. The
    largest and the busiest station decide the cost: `solver.blocks` tells which to solve together.
    """
    if not chains:
        return []
    last = [max(wanted, default=0) for wanted in minutes]
    grid = np.concatenate([[0.0], solver.NEAR_ENDS, solver.FAR_ENDS])
    grid = grid[: int(np.searchsorted(grid, max(last))) + 1]
    near = int((grid <= NEAR_MINUTES).sum())
    far = [index for index, end in enumerate(last) if end > NEAR_MINUTES]
    rates = _rates(chains, now, grid)
    odds = np.empty((len(chains), len(grid), len(now.counts), len(now.rows)), dtype=np.float32)
    odds[:, 0] = solver.start(now.bikes, now.places)
    p = odds[:, 0].swapaxes(0, 1).copy()
    flows = _flows(chains, now, grid[:near], rates[: near - 1])
    for step, (rise, fall) in enumerate(flows, start=1):
        p = solver.advance(p, rise, fall)
        odds[:, step] = p.swapaxes(0, 1)
    if far:
        reaching = [chains[index] for index in far]
        flows = _flows(reaching, now, grid[near - 1 :], rates[near - 1 :, :, far])
        odds[far, near:] = solver.leaps(p[:, far], flows[:, 0], flows[:, 1]).transpose(2, 0, 1, 3)
    known = [len(grid) if index in far else near for index in range(len(chains))]
    return [
        between(grid[:end], solver.cumulate(p[:end], now.places), wanted).swapaxes(1, 2)
        for p, end, wanted in zip(odds, known, minutes, strict=True)
    ]


def _rates(chains: Sequence[ChainExpert], now: Now, grid: Floats) -> Array32:
    """Give expected arrivals and departures, where possible, in the steps of a grid, `(T, 2, M, S)`."""
    demands = {chain.demand for chain in chains}
    ahead = {demand: demand.ahead(now.at, grid[1:], now.rows) for demand in demands}
    scale = np.array(
        [(chain.tilt * chain.calm, chain.calm / chain.tilt) for chain in chains], dtype=np.float32
    ).T
    hours = (np.diff(grid) / 60).astype(np.float32)[:, None, None, None]
    possible = np.stack([now.returning, now.renting])[:, None]
    rates: Array32 = np.stack([ahead[chain.demand] for chain in chains], axis=2)
    rates *= hours * (scale[..., None] * possible)
    shares = None if now.by_hours is None else now.by_hours.shares(now.at, grid[1:], now.rows)
    if shares is not None:
        rates *= shares[:, None, None].astype(np.float32)
    return rates


def _flows(chains: Sequence[ChainExpert], now: Now, grid: Floats, rates: Array32) -> Array32:
    """Lay rates out by count, `(T, 2, N − 1, M, S)`: arrivals at `k` bikes, departures at `k + 1`."""
    size = len(now.counts)
    flows = np.repeat(rates[:, :, None], size - 1, axis=2)
    flows[:, ARRIVALS] *= (np.arange(size - 1)[:, None] < now.places)[:, None]
    for effect in {chain.occupancy_effect for chain in chains if chain.occupancy_effect is not None}:
        affected = [index for index, chain in enumerate(chains) if chain.occupancy_effect is effect]
        middles = ((grid[:-1] + grid[1:]) / 2).tolist()
        cells = [effect.cell(now.at + timedelta(minutes=middle)) for middle in middles]
        distinct = list(dict.fromkeys(cells))
        factors = effect.factors(distinct, now.rows, now.places, size)
        for flow, cell in zip(flows, cells, strict=True):
            for index in affected:
                flow[:, :, index] *= factors[distinct.index(cell)]
    return flows
