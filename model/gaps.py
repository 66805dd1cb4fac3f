"""The gaps between a feed's snapshots: which of them are usual, and so may teach."""

from __future__ import annotations

from datetime import timedelta
from math import isnan
from statistics import median

import numpy as np

from model.arrays import Floats
from model.component import Component

SHORT = timedelta(minutes=15)
"""A gap that teaches whatever the usual one is."""

_LONGEST = timedelta(hours=3)
"""No longer gap ever teaches."""

_KEPT = 9
_FIRST_GUESS = 60.0
_LATE = 1.5
"""A snapshot comes when it is usual up to so many usual gaps after the one before."""

_LEAST_PATIENCE = timedelta(seconds=90)


class SnapshotGaps(Component):
    """The `newest` gaps between two snapshots that follow each other, in seconds `(9,)`, nan for none yet.

    The usual gap is their median. So a feed that answers every 20 minutes teaches from its second gap on,
    and a hole of a feed that answers each minute teaches nothing: too much may have happened in it.
    """

    ARRAYS = ("newest",)

    def __init__(self) -> None:
        self.newest: Floats = np.full(_KEPT, np.nan)
        self.newest[-1] = _FIRST_GUESS

    def note(self, gap: timedelta) -> None:
        """Take a gap into account."""
        self.newest = np.append(self.newest[1:], gap.total_seconds())

    @property
    def usual(self) -> timedelta:
        """The usual gap."""
        return timedelta(seconds=median(gap for gap in self.newest.tolist() if not isnan(gap)))

    @property
    def longest(self) -> timedelta:
        """The longest gap that teaches: a longer one is a hole.

        >>> gaps, twenty = SnapshotGaps(), timedelta(minutes=20)
        >>> gaps.note(twenty), str(gaps.longest), gaps.note(twenty), str(gaps.longest)
        (None, '0:15:45', None, '0:30:00')
        """
        return max(SHORT, min(_LATE * self.usual, _LONGEST))

    def patience(self, minutes: int) -> timedelta:
        """Give how long after its target time a forecast `minutes` ahead may be settled.

        A forecast for 10 minutes ahead is no forecast for an hour: where a feed answers rarely, only those
        that reach far enough are settled.
        """
        late = min(_LATE * self.usual, max(SHORT, timedelta(minutes=minutes / 2)))
        return max(late, _LEAST_PATIENCE)
