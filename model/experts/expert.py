"""What an expert is: a model that turns the counts of now into a distribution for any later minute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from model.arrays import Array32, Bools, Ints
from model.experts.chain import ChainExpert
from model.experts.climatology import ClimatologyExpert
from model.experts.naive import NaiveExpert
from model.experts.spread import SpreadExpert

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


@runtime_checkable
class OddsModel(Protocol):
    """An expert in NumPy: it forecasts P(bikes ≤ k), `(H, S, N)`, for 0 to the largest station's places.

    The docks are what the bikes leave of the places. Odds never fall with `k` and lie between 0 and 1.
    """

    def odds(self, now: Now, minutes: Sequence[int]) -> Array32:
        """Give the distributions `minutes` after `now.at`."""


ExpertModel = ChainExpert | ClimatologyExpert | NaiveExpert | SpreadExpert | OddsModel
"""The first four are computed by `model.kernels`."""


@dataclass(frozen=True, eq=False)
class Expert:
    """A model that competes in the pool under its `name`, up to `reach` minutes ahead.

    `first_weight` is its share in the pool before anything is settled, relative to the other experts'.
    """

    name: str
    reach: int
    first_weight: float
    model: ExpertModel

    def within(self, minutes: Sequence[int]) -> list[int]:
        """Pick the minutes that the expert reaches."""
        return [minute for minute in minutes if minute <= self.reach]
