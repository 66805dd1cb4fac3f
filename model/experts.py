"""What competes: each expert turns what stands there now into a distribution for any later minute.

Experts share what they have learnt: the parts, `Demand`, `Pull`, `Changes` and `Climate`, learn once and
several experts read them. To add one, give it a name and `odds`, and list it in `experts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from model import chain
from model.changes import Changes
from model.climate import Climate
from model.demand import ARRIVALS, DEPARTURES, Array32, Demand
from model.pull import Pull
from model.records import Bools, Floats, Ints

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


class Naive:
    """No change: all mass on what stands there now."""

    name = "naive"
    reach = DAY_MINUTES

    def odds(self, now: Now, minutes: Sequence[int]) -> Array32:
        """Repeat what stands there."""
        certain = as_now(now)
        return np.broadcast_to(certain, (len(minutes), *certain.shape))


class SpreadNaive:
    """No change, give or take what has changed over such a time before, at this station and in its city."""

    name = "spread"
    reach = DAY_MINUTES

    def __init__(self, changes: Changes) -> None:
        self.changes = changes

    def odds(self, now: Now, minutes: Sequence[int]) -> Array32:
        """Lay the station's distribution of changes around what stands there."""
        learnt = self.changes.odds(now.rows, now.bikes, now.places)
        grid = np.array([0, *self.changes.minutes], dtype=np.float64)
        return between(grid, np.concatenate([as_now(now)[None], learnt]), minutes)


class Climatology:
    """How full the station usually is at that time of such a day, whatever stands there now."""

    name = "climatology"
    reach = DAY_MINUTES

    def __init__(self, climate: Climate) -> None:
        self.climate = climate

    def odds(self, now: Now, minutes: Sequence[int]) -> Array32:
        """Look the target times up."""
        ats = [now.at + timedelta(minutes=minute) for minute in minutes]
        return self.climate.odds(ats, now.rows, now.places)


class Chain:
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
        pull: Pull | None = None,
        calm: float = 1.0,
    ) -> None:
        self.name = name
        self.reach = reach
        self.demand = demand
        self.tilt = tilt
        self.pull = pull
        self.calm = calm

    def odds(self, now: Now, minutes: Sequence[int]) -> Array32:
        """Solve the chain forward in time, all stations in blocks of their like."""
        last = max(minutes, default=0)
        ends = np.concatenate([chain.NEAR_ENDS, chain.FAR_ENDS])
        ends = ends[: int(np.searchsorted(ends, last)) + 1] if last else ends[:0]
        rates = self.demand.ahead(now.at, ends, now.rows)
        rates[:, ARRIVALS] *= np.float32(self.tilt * self.calm)
        rates[:, DEPARTURES] *= np.float32(self.calm / self.tilt)
        rates[:, ARRIVALS, ~now.returning] = 0
        rates[:, DEPARTURES, ~now.renting] = 0
        cdf = np.ones((len(ends) + 1, len(now.rows), len(now.counts)), dtype=np.float32)
        for block in chain.blocks(now.places, rates.sum(axis=1).max(axis=0, initial=0)):
            self._solve(now, block, ends, rates[..., block], cdf)
        return between(np.concatenate([[0.0], ends]), cdf, minutes)

    def _solve(self, now: Now, block: Ints, ends: Floats, rates: Array32, cdf: Array32) -> None:
        places, rows = now.places[block], now.rows[block]
        p = chain.start(now.bikes[block], places)
        size = len(p)
        cdf[0, block, :size] = chain.cumulate(p, places)
        open_below = (np.arange(size - 1)[:, None] < places).astype(np.float32)
        rise, fall = open_below, np.ones_like(open_below)
        before, cell = 0.0, (-1, -1)
        for index, end in enumerate(ends):
            hours = np.float32((end - before) / 60)
            if self.pull is not None:
                target = now.at + timedelta(minutes=(before + end) / 2)
                if self.pull.cell(target) != cell:
                    cell = self.pull.cell(target)
                    rise, fall = self.pull.factors(cell, rows, places, size)
                    rise *= open_below
            move = chain.advance if end <= NEAR_MINUTES else chain.leap
            p = move(p, rise * (rates[index, ARRIVALS] * hours), fall * (rates[index, DEPARTURES] * hours))
            cdf[index + 1, block, :size] = chain.cumulate(p, places)
            before = end


def experts(
    long: Demand, short: Demand, pull: Pull, changes: Changes, climate: Climate
) -> tuple[Expert, ...]:
    """List all that compete, naive first. `long` and `short` remember for about twenty and ten days."""
    return (
        Naive(),
        SpreadNaive(changes),
        Climatology(climate),
        Chain("chain", DAY_MINUTES, long),
        Chain("more", NEAR_MINUTES, long, tilt=1.45),
        Chain("fewer", NEAR_MINUTES, long, tilt=1 / 1.45),
        Chain("pull", DAY_MINUTES, short, pull=pull),
        Chain("calm", NEAR_MINUTES, short, pull=pull, calm=0.65),
    )


def as_now(now: Now) -> Array32:
    """Give the distribution that nothing changes, `(S, N)`."""
    return (np.minimum(now.bikes, now.places)[:, None] <= now.counts).astype(np.float32)


def between(grid: Floats, cdf: Array32, minutes: Sequence[int]) -> Array32:
    """Read distributions off between the minutes `grid` that they are known at, straight in time."""
    place = np.interp(minutes, grid, np.arange(len(grid)))
    low = np.floor(place).astype(np.int64)
    high = np.minimum(low + 1, len(grid) - 1)
    share = (place - low).astype(np.float32)[:, None, None]
    if not share.any():
        return cdf[low]
    mixed: NDArray[np.float32] = (1 - share) * cdf[low] + share * cdf[high]
    return mixed
