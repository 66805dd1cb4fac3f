"""The last bikes: where one or two stand and nobody takes one for far longer than usual, they may be broken.

A broken bike looks like any other in a feed. But riders see it, so it stays. Where one or two bikes have been
left although riders usually come, fewer leave afterwards than the rates expect. In Dublin and Boulder that is
so twice as much as where many bikes stand; in Chicago it is not more. It is learnt city-wide.
"""

from __future__ import annotations

import numpy as np

from model.arrays import Bools, Floats, Ints, take_rows
from model.component import Component

_MOST, _MANY = 2, 5
"""Two bikes may both be broken. Five hardly ever are: what riders do there is usual for a quiet time."""

_EDGES = np.array([1.0, 2.0, 3.0, 5.0, 8.0])
"""What parts the tables: riders who would usually have taken a bike."""

_PRIOR_RIDERS = 30.0
"""Expected riders that "as many take one as usual" is worth."""

_HALF_LIFE_DAYS = 20.0
_LEAST_MISSED = 3.0
_LEFT = 0.6
"""Bikes may be broken where so many riders did not take one, and where this share is left of those who still
would take one of many after such a time."""


class LastBikes(Component):
    """What each station's riders have left, and how many riders take what was left so long.

    `missed` `(S,)` are the riders who would usually have taken a bike since the count last changed, and
    `since` `(S,)` is when that was, in Unix seconds, -1 for unknown. `seen` and `expected` `(3, 6)` are
    departures of one bike, of two, and of many, by `missed`.
    """

    ARRAYS = ("missed", "since", "seen", "expected")

    def __init__(self, size: int) -> None:
        self.missed: Floats = np.zeros(size)
        self.since: Ints = np.full(size, -1)
        self.seen: Floats = np.zeros((_MOST + 1, len(_EDGES) + 1))
        self.expected: Floats = np.zeros_like(self.seen)

    def reorder(self, rows: Ints) -> None:
        """Reorder the stations; -1 in `rows` stands for a new one."""
        self.missed, self.since = take_rows(self.missed, rows, 0), take_rows(self.since, rows, -1)

    def learn(self, bikes: Ints, free: Bools, departures: Floats, expected: Floats, hours: float) -> None:
        """Learn from a time in which `bikes` `(S,)` stood and one could be taken where `free`.

        `departures` and `expected` `(S,)` are the riders who took one, and those who usually would.
        """
        fade = 0.5 ** (hours / 24 / _HALF_LIFE_DAYS)
        told = np.flatnonzero(free & (bikes > 0) & ((bikes <= _MOST) | (bikes >= _MANY)))
        place = np.minimum(bikes[told], _MOST + 1) - 1, self._bin(told)
        for table, new in ((self.seen, departures), (self.expected, expected)):
            table *= fade
            np.add.at(table, place, new[told])
        self.missed[free] += expected[free]

    def begin_anew(self, rows: Bools, at: int) -> None:
        """Note that the counts of some stations, `(S,)`, changed or were not known until `at`."""
        self.missed[rows], self.since[rows] = 0, at

    def left(self, bikes: Ints) -> tuple[Ints, Ints]:
        """Give the riders who would usually have taken one of the `bikes` `(S,)`, and since when, `(S,)`.

        Both are -1 where nothing says that the bikes may be broken.
        """
        shares, which = self._shares(), self._bin(np.arange(len(bikes)))
        fewer = shares[np.clip(bikes, 1, _MOST) - 1, which] <= _LEFT * np.minimum(shares[_MOST, which], 1)
        broken = fewer & (bikes > 0) & (bikes <= _MOST) & (self.missed >= _LEAST_MISSED)
        return np.where(broken, np.rint(self.missed), -1).astype(np.int64), np.where(broken, self.since, -1)

    def _bin(self, rows: Ints) -> Ints:
        return np.searchsorted(_EDGES, self.missed[rows], "right")

    def _shares(self) -> Floats:
        """Give the riders who take a bike over those who did when the count had just changed, `(3, 6)`."""
        share: Floats = (self.seen + _PRIOR_RIDERS) / (self.expected + _PRIOR_RIDERS)
        return share / share[:, :1]
