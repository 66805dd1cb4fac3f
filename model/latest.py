"""The newest counts of every station, and how many bikes each can hold."""

from __future__ import annotations

import numpy as np

from model.arrays import Ints, aligned, take_rows
from model.component import Component
from model.records import NOTHING_KNOWN, UNKNOWN, Snapshot


class LatestCounts(Component):
    """The newest counts and flags `(S,)`, -1 for unknown; `most` is the most bikes ever counted."""

    ARRAYS = ("bikes", "docks", "ebikes", "most", "renting", "returning")

    def __init__(self, size: int) -> None:
        self.bikes, self.docks, self.ebikes = (np.full(size, UNKNOWN) for _ in range(3))
        self.most = np.zeros(size, dtype=np.int64)
        self.renting, self.returning = (np.ones(size, dtype=np.bool_) for _ in range(2))

    def reorder(self, rows: Ints) -> None:
        """Reorder the stations; -1 in `rows` stands for a new one."""
        for name, default in {**NOTHING_KNOWN, "most": 0}.items():
            setattr(self, name, take_rows(getattr(self, name), rows, default))

    def after(self, snapshot: Snapshot, rows: Ints) -> LatestCounts:
        """Give the counts of a newer snapshot; `rows` `(S,)` are its positions, -1 for a station it lacks."""
        latest = LatestCounts(len(rows))
        for name, default in NOTHING_KNOWN.items():
            setattr(latest, name, aligned(getattr(snapshot, name), rows, default))
        latest.most = np.maximum(self.most, latest.bikes)
        return latest

    def same_as(self, other: LatestCounts) -> bool:
        """Tell whether all counts and flags are those of `other`, which has the same stations."""
        return all(np.array_equal(getattr(self, name), getattr(other, name)) for name in NOTHING_KNOWN)

    def places(self, capacity: Ints) -> Ints:
        """Give each station's places, `(S,)`: bikes and docks now, else capacity or the most bikes counted.

        `capacity` may be shorter: the stations beyond its end have none stated.
        """
        stated = np.zeros(len(self.bikes), dtype=np.int64)
        stated[: len(capacity)] = np.maximum(capacity, 0)
        fallback = np.maximum(np.maximum(stated, self.most), self.bikes)
        places: Ints = np.where((self.bikes >= 0) & (self.docks >= 0), self.bikes + self.docks, fallback)
        return places
