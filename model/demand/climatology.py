"""Climatology: how full each station usually is, as a distribution by day type and hour."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from model import kernels
from model.arrays import Array32, Bools, Floats, Ints, runs, take_rows
from model.component import Component
from model.demand.calendar import DAY_TYPES, Calendar
from model.demand.rates import Events

_HOURS = 24
_BINS = 21
"""Empty, full, and nineteen steps between."""

_HALF_LIFE_DAYS = 10.0
_STATION_SECONDS = 3600.0
"""Time that the station's distribution over all times is worth in one hour of the day."""


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
        cell = self.cell(events.middle)
        hour_start = int(events.middle.timestamp()) // 3600
        if hour_start != self.hour_start:
            self.hour_start = hour_start
            self.spent[cell] = np.rint(self.spent[cell] * np.float32(0.5 ** (1 / _HALF_LIFE_DAYS)))
        # Forgetting keeps the time in one hour of the day below 54,000 seconds, which 16 bits count to.
        kernels.spend(self.spent[cell], bikes, places, known, round(events.hours * 3600))

    def cell(self, at: datetime) -> tuple[int, int]:
        """Give the day type and hour of a moment."""
        return self._calendar.cell(at, _HOURS)

    def cells_ahead(self, at: datetime, minutes: Floats) -> tuple[Ints, Ints]:
        """Give the cells `(C, 2)` of the moments `minutes` `(T,)` after `at`, and the row of each."""
        return runs(self._calendar.cells(at, minutes, _HOURS))

    def always(self) -> Array32:
        """Give each station's distribution over all times, `(21, S)`, as the seconds that it is worth."""
        always = self.spent.sum(axis=(0, 1), dtype=np.float32) + np.float32(3600 / _BINS)
        worth: Array32 = always * (np.float32(_STATION_SECONDS) / always.sum(axis=0))
        return worth
