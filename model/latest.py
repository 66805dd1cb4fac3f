"""The newest counts of every station, the last ones that were known, and how many bikes each can hold."""

from __future__ import annotations

from copy import copy
from datetime import datetime

import numpy as np

from model.arrays import Bools, Ints, Strings, rows_of, take_rows
from model.component import Component
from model.records import CARGO, COUNTS, ELECTRIC, NOTHING_KNOWN, PLAIN, UNKNOWN, CountState, Snapshot

AGES = np.array([1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 360, 480, 720, 960, 1440])
"""The ages in minutes that forecasts tell apart: each age that occurs is a group that is solved by itself."""


_KNOWN = int(CountState.KNOWN)  # NumPy takes long to compare with a member of an enumeration


class LatestCounts(Component):
    """The newest counts, flags and states `(S,)`, -1 for unknown; `most` is the most bikes ever counted.

    `known_bikes`, `known_docks`, `known_ebikes` and `known_cargo` are the last counts that were known, and
    `known_at` the time of their snapshot in Unix seconds; all are -1 where none ever was.
    """

    ARRAYS = ("bikes", "docks", "ebikes", "cargo", "most", "renting", "returning", "state", "known_bikes",
              "known_docks", "known_ebikes", "known_cargo", "known_at")  # fmt: skip

    def __init__(self, size: int) -> None:
        self.bikes, self.docks, self.ebikes, self.cargo = (np.full(size, UNKNOWN) for _ in range(4))
        self.known_bikes, self.known_docks, self.known_ebikes, self.known_cargo, self.known_at = (
            np.full(size, UNKNOWN) for _ in range(5)
        )
        self.most = np.zeros(size, dtype=np.int64)
        self.renting, self.returning = (np.ones(size, dtype=np.bool_) for _ in range(2))
        self.state = np.full(size, int(CountState.MISSING))

    @property
    def known(self) -> Bools:
        """Tell where the count is known, so that it teaches and is a truth, `(S,)`."""
        known: Bools = self.state == _KNOWN
        return known

    @property
    def truth(self) -> Ints:
        """The bikes where they are known, else -1, `(S,)`."""
        return np.where(self.known, self.bikes, UNKNOWN)

    def reorder(self, rows: Ints) -> None:
        """Reorder the stations; -1 in `rows` stands for a new one."""
        never = {f"known_{name}": UNKNOWN for name in (*COUNTS, "at")}
        for name, default in {**NOTHING_KNOWN, **never, "most": 0}.items():
            setattr(self, name, take_rows(getattr(self, name), rows, default))

    def after(self, snapshot: Snapshot, station_id: Strings) -> LatestCounts:
        """Give the counts of a newer snapshot at the stations `station_id` `(S,)`: those of these counts."""
        latest = copy(self)
        same = snapshot.station_id is station_id or np.array_equal(snapshot.station_id, station_id)
        rows = None if same else rows_of(station_id, snapshot.station_id)
        for name, default in NOTHING_KNOWN.items():
            values = getattr(snapshot, name)
            if values is None:
                values = np.full(len(station_id), default)
            else:
                values = values.copy() if rows is None else take_rows(values, rows, default)
            setattr(latest, name, values)
        latest.most = np.maximum(self.most, latest.bikes)
        known = latest.known
        for name in COUNTS:
            last = np.where(known, getattr(latest, name), getattr(self, f"known_{name}"))
            setattr(latest, f"known_{name}", last)
        latest.known_at = np.where(known, int(snapshot.at.timestamp()), self.known_at)
        return latest

    def towards(self, later: LatestCounts, share: float) -> LatestCounts:
        """Give these counts moved by a `share` of the way to `later` ones, where both are known."""
        between, both = copy(self), self.known & later.known
        for name in ("bikes", "docks"):
            now, then = getattr(self, name), getattr(later, name)
            moved = np.rint(now + share * (then - now)).astype(now.dtype)
            setattr(between, name, np.where(both & (now >= 0) & (then >= 0), moved, now))
        return between

    def tells(self, kind: str) -> bool:
        """Tell whether bikes of one of `KINDS` are counted here, apart from others.

        Of e-bikes and plain bikes there must be both: a feed of e-bikes alone tells no kinds apart.
        """
        if kind == CARGO:
            return bool((self.cargo > 0).any())
        return bool((self.ebikes > 0).any() and (self.of_kind(PLAIN).bikes > 0).any())

    def of_kind(self, kind: str) -> LatestCounts:
        """Give these counts with the bikes of one of `KINDS` in place of all bikes.

        Where a station does not tell kinds apart, the count is missing.
        """
        one = copy(self)
        one.bikes = _of_kind(kind, self.bikes, self.ebikes, self.cargo)
        one.known_bikes = _of_kind(kind, self.known_bikes, self.known_ebikes, self.known_cargo)
        untold = (one.bikes < 0) & (self.bikes >= 0)
        one.state = np.where(untold, int(CountState.MISSING), self.state)
        return one

    def without_zeros(self, closed: Bools) -> LatestCounts:
        """Give these counts, unknown where a `closed` `(S,)` station shows neither a bike nor a dock.

        An operator writes such zeros at night; the bikes are there again in the morning.
        """
        zeros = closed & (self.state == CountState.CLOSED) & (self.bikes == 0) & (self.docks == 0)
        latest = copy(self)
        latest.bikes, latest.docks = (np.where(zeros, UNKNOWN, each) for each in (self.bikes, self.docks))
        return latest

    def same_as(self, other: LatestCounts) -> bool:
        """Tell whether all counts, flags and states are those of `other`, which has the same stations."""
        return all(np.array_equal(getattr(self, name), getattr(other, name)) for name in NOTHING_KNOWN)

    def age(self, at: datetime) -> Ints:
        """Give how old the counts are that a forecast at a time begins with, in minutes, `(S,)`.

        0 where the feed gives counts, else one of `AGES`, rounded up; -1 where none of a day is known.
        """
        minutes = np.ceil((int(at.timestamp()) - self.known_at) / 60)
        which = np.searchsorted(AGES, minutes)
        lasts = (self.known_at >= 0) & (which < len(AGES))
        age: Ints = np.where(lasts, AGES[np.minimum(which, len(AGES) - 1)], -1)
        age[self.bikes >= 0] = 0
        return age

    def begin(self) -> tuple[Ints, Ints]:
        """Give the bikes and docks that a forecast begins with, `(S,)`: of now, else the last known ones."""
        given = self.bikes >= 0
        return (
            np.where(given, self.bikes, self.known_bikes),
            np.where(given, self.docks, self.known_docks),
        )

    def largest(self, capacity: Ints) -> Ints:
        """Give the most that each station may hold as far as known, `(S,)`.

        `capacity` may be shorter: the stations beyond its end have none stated.
        """
        stated = np.zeros(len(self.bikes), dtype=np.int64)
        stated[: len(capacity)] = np.maximum(capacity, 0)
        largest: Ints = np.maximum(np.maximum(stated, self.most), self.bikes)
        return largest

    def places(self, largest: Ints) -> Ints:
        """Give each station's places, `(S,)`: bikes and docks, else the `largest` that it may hold."""
        bikes, docks = self.begin()
        places: Ints = np.where((bikes >= 0) & (docks >= 0), bikes + docks, largest)
        return places


def _of_kind(kind: str, bikes: Ints, ebikes: Ints, cargo: Ints) -> Ints:
    if kind == CARGO:
        return np.where(bikes >= 0, cargo, UNKNOWN)
    electric = np.minimum(ebikes, bikes)
    count = electric if kind == ELECTRIC else bikes - electric
    return np.where((bikes >= 0) & (ebikes >= 0), count, UNKNOWN)
