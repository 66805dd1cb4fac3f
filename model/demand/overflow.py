"""Overflow: stations that take bikes although their feed says that no dock is free.

At some stations bikes are locked beside the docks, or the docks are virtual. Their feed says 0 docks all day
while bikes come back. If 0 docks meant "full" there, no arrival would ever be learnt, and the station would
seem to drain.

A station is learnt as one by clear evidence alone. At a station that is really full a bike can hardly come
between two polls that both say 0 docks: Dublin shows none in 4,700 such hours. Bikes that are out of order
for a minute do look so, up to 0.4 times an hour at three stations of Lyon; so single ones are not enough.
"""

from __future__ import annotations

import numpy as np

from model.arrays import Bools, Floats, Ints, take_rows
from model.component import Component

_HALF_LIFE_HOURS = 240.0
_FEWEST = 6.0
"""Arrivals at 0 docks that a station must show."""

_RATE = 0.5
_PRIOR_HOURS = 4.0
"""They must come at this rate per hour at 0 docks, with so many hours without any added."""


class Overflow(Component):
    """Evidence by station: `arrivals` at 0 docks, polls in which bikes came, over `hours` at 0 docks, `(S,)`.

    Both fade with a half-life of ten days of time at 0 docks.
    """

    ARRAYS = ("arrivals", "hours")

    def __init__(self, size: int) -> None:
        self.arrivals: Floats = np.zeros(size)
        self.hours: Floats = np.zeros(size)

    def reorder(self, rows: Ints) -> None:
        """Reorder the stations; -1 in `rows` stands for a new one."""
        for name in self.ARRAYS:
            setattr(self, name, take_rows(getattr(self, name), rows, 0))

    def learn(self, change: Ints, full: Bools, hours: float) -> None:
        """Learn the change of bikes `(S,)` between two polls; `full` where both said 0 docks."""
        if not full.any():
            return
        fade = 0.5 ** (hours / _HALF_LIFE_HOURS)
        self.arrivals[full] = self.arrivals[full] * fade + (change[full] > 0)
        self.hours[full] = self.hours[full] * fade + hours

    @property
    def takes(self) -> Bools:
        """Tell which stations take bikes at 0 docks, `(S,)`."""
        takes: Bools = (self.arrivals >= _FEWEST) & (self.arrivals >= _RATE * (self.hours + _PRIOR_HOURS))
        return takes

    def places(self, places: Ints, largest: Ints) -> Ints:
        """Give the places of forecasts, `(S,)`: those of an overflow station are no wall.

        `largest` is the most that each station may hold as far as known; an overflow station has room for a
        quarter more, and two.
        """
        takes = self.takes
        if not takes.any():
            return places
        full = np.maximum(places, largest)
        return np.where(takes, full + full // 4 + 2, places)
