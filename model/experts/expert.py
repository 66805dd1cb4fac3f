"""What an expert is: a model that turns the counts of now into a distribution for any later minute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

import numpy as np

from model.arrays import Array32, Bools, Floats, Ints

if TYPE_CHECKING:
    from model.hours import ByHours

NEAR_MINUTES = 120
"""Experts that differ only in the next two hours do not answer beyond."""

DAY_MINUTES = 1440


@dataclass(frozen=True, eq=False)
class Now:
    """The counts of the stations `rows` at the issue time: arrays `(S,)`.

    `bikes` is at least 0 and at most `places`. Where it is unknown the odds mean nothing. `renting` and
    `returning` are the flags while a station is open; `by_hours` knows when that is, None where all always
    are.
    """

    at: datetime
    rows: Ints
    bikes: Ints
    places: Ints
    renting: Bools
    returning: Bools
    by_hours: ByHours | None = None

    @property
    def counts(self) -> Ints:
        """The counts that the odds run over: 0 to the largest station's places, `(N,)`."""
        return np.arange(int(self.places.max(initial=0)) + 1)


class OddsModel(Protocol):
    """Forecasts P(bikes ≤ k), `(H, S, N)`. The docks are what the bikes leave of the places.

    Odds never fall with `k`, lie between 0 and 1, and are 1 from a station's places on.
    """

    def odds(self, now: Now, minutes: Sequence[int]) -> Array32:
        """Give the distributions `minutes` after `now.at`."""


@dataclass(frozen=True, eq=False)
class Expert:
    """A model that competes in the pool under its `name`, up to `reach` minutes ahead.

    `first_weight` is its share in the pool before anything is settled, relative to the other experts'.
    """

    name: str
    reach: int
    first_weight: float
    model: OddsModel

    def odds(self, now: Now, minutes: Sequence[int]) -> Array32:
        """Give the distributions `minutes` after `now.at`."""
        return self.model.odds(now, minutes)

    def within(self, minutes: Sequence[int]) -> list[int]:
        """Pick the minutes that the expert reaches."""
        return [minute for minute in minutes if minute <= self.reach]


def as_now(now: Now) -> Array32:
    """Give the distribution for "nothing changes", `(S, N)`."""
    return (np.minimum(now.bikes, now.places) <= now.counts[:, None]).astype(np.float32).T


def between(grid: Floats, cdf: Array32, minutes: Sequence[int]) -> Array32:
    """Interpolate distributions, known at the minutes `grid`, linearly in time."""
    place = np.interp(minutes, grid, np.arange(len(grid)))
    low = np.floor(place).astype(np.int64)
    share = (place - low).astype(np.float32)[:, None, None]
    read: Array32 = cdf[low]
    inside = np.flatnonzero(share)
    read[inside] += share[inside] * (cdf[low[inside] + 1] - read[inside])
    return read
