"""Climatology: how full each station usually is, as a distribution by day type and hour."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from model.arrays import Array32, Bools, Ints, take_rows
from model.component import Component
from model.demand.calendar import DAY_TYPES, Calendar
from model.demand.rates import Events

_HOURS = 24
_BINS = 21
"""Empty, full, and nineteen steps between."""

_HALF_LIFE_DAYS = 10.0
_STATION_HOURS = 1.0
"""Hours that the station's distribution over all times is worth in one hour of the day."""

_MOST_SECONDS = 65535
"""What 16 bits count to: forgetting keeps the time in one hour of the day below 54,000 seconds."""


class Climatology(Component):
    """Time spent at each level of fill: `spent` is `(day types, 24, 21, S)` in seconds."""

    ARRAYS = ("spent", "hour_start")

    def __init__(self, size: int, calendar: Calendar) -> None:
        self._calendar = calendar
        self.spent = np.zeros((DAY_TYPES, _HOURS, _BINS, size), dtype=np.uint16)
        self.hour_start = 0

    def reorder(self, rows: Ints) -> None:
        """Reorder the stations; -1 in `rows` stands for a new one."""
        self.spent = take_rows(self.spent, rows, 0)

    def learn(self, events: Events, bikes: Ints, places: Ints, known: Bools) -> None:
        """Learn that `bikes` of `places` stood at the stations for the time of `events`."""
        cell = self._calendar.cell(events.middle, _HOURS)
        hour_start = int(events.middle.timestamp()) // 3600
        if hour_start != self.hour_start:
            self.hour_start = hour_start
            self.spent[cell] = np.rint(self.spent[cell] * np.float32(0.5 ** (1 / _HALF_LIFE_DAYS)))
        rows = np.flatnonzero(known & (places > 0))
        inside = (bikes[rows] - 1) * (_BINS - 2) // np.maximum(places[rows] - 1, 1) + 1
        level = np.where(bikes[rows] >= places[rows], _BINS - 1, np.where(bikes[rows] <= 0, 0, inside))
        grown = self.spent[cell][level, rows] + np.int64(round(events.hours * 3600))
        self.spent[cell][level, rows] = np.minimum(grown, _MOST_SECONDS)

    def odds(self, ats: Sequence[datetime], rows: Ints, places: Ints) -> Array32:
        """Give P(bikes ≤ k) at the moments `ats`, `(H, S, N)`."""
        cells = [self._calendar.cell(at, _HOURS) for at in ats]
        hours = {cell: index for index, cell in enumerate(dict.fromkeys(cells))}
        spent = self.spent[..., rows] * np.float32(1 / 3600)
        always = spent.sum(axis=(0, 1)) + np.float32(1 / _BINS)
        always /= always.sum(axis=0)
        day_type, hour = np.array(list(hours), dtype=np.int64).reshape(-1, 2).T
        below = spent[day_type, hour]
        below += np.float32(_STATION_HOURS) * always
        for index in range(1, _BINS):
            below[:, index] += below[:, index - 1]
        below /= below[:, -1:].copy()
        # Where each count lies between the bins: 0 is the first bin alone, all places are all bins.
        count = np.arange(int(places.max(initial=0)) + 1)[:, None]
        level = np.clip(count / np.maximum(places - 1, 1), 0, 1) * (_BINS - 2)
        low = np.minimum(level.astype(np.int64), _BINS - 2)
        share = (level - low).astype(np.float32)
        lower, upper = (
            np.take(below.reshape(len(below), -1), which * len(rows) + np.arange(len(rows)), axis=1)
            for which in (low, np.minimum(low + 1, _BINS - 2))
        )
        upper -= lower
        lower += share * upper
        lower[:, count >= places] = 1
        odds: Array32 = lower[[hours[cell] for cell in cells]].swapaxes(1, 2)
        return odds
