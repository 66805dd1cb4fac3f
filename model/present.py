"""What forecasts begin with: every station's counts, places, flags and hours at the issue time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from model.arrays import Ints, Strings
from model.experts.expert import Now
from model.hours import ByHours
from model.latest import LatestCounts


@dataclass(frozen=True, eq=False)
class Present:
    """All stations at the issue time `at`, in arrays `(R,)`.

    In the `first_day` a city has shown too little to say that a count will rise or fall.
    """

    at: datetime
    first_day: bool
    station_id: Strings
    latest: LatestCounts
    places: Ints
    by_hours: ByHours

    def age(self) -> Ints:
        """Give how old the counts are that a forecast begins with, in minutes; -1 where none is known."""
        return self.latest.age(self.at)

    def now(self, rows: Ints, age: int = 0) -> Now:
        """Give the counts to begin with; with an `age` in minutes the last known ones, as of then."""
        places, latest = self.places[rows], self.latest
        counts = latest.known_bikes if age else latest.bikes
        bikes, at = np.clip(counts[rows], 0, places), self.at - timedelta(minutes=age)
        renting, returning = self.by_hours.flags(self.at, latest.renting, latest.returning)
        return Now(at, rows, bikes, places, renting[rows], returning[rows], self.by_hours)
