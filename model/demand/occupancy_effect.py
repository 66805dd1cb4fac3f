"""The occupancy effect: demand depends on how full a station is, and on how full it usually is at that time.

Vans and incentives pull towards the middle, riders avoid the nearly empty station, and a station that holds
more than usual loses more than usual. Two factors on the rates express this: one by tenth of fill, one by
distance from the station's usual fill. Both are learnt city-wide as riders seen over riders expected.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np

from model import kernels
from model.arrays import Array32, Bools, Floats, Ints, runs, take_rows
from model.component import Component
from model.demand.calendar import DAY_TYPES, Calendar
from model.demand.rates import Demand, Events
from model.kernels.records import EDGES

_SLOTS = 48
_TENTHS = 10
_PSEUDO_EVENTS = 100.0
_HALF_LIFE_DAYS = 20.0
_USUAL_HALF_LIFE_DAYS = 7.0


class OccupancyEffect(Component):
    """Factors on arrivals and departures by fill and by distance from the usual fill.

    `seen` and `expected` are riders by tenth of fill `(2, 10)`, `seen_off` and `expected_off` by distance
    `(2, 11)`. `filled` over `hours`, both `(day types, slots, S)`, is the usual fill.
    """

    ARRAYS = ("seen", "expected", "seen_off", "expected_off", "filled", "hours", "slot_start")

    def __init__(self, size: int, calendar: Calendar) -> None:
        self._calendar = calendar
        self.seen, self.expected = np.zeros((2, _TENTHS)), np.zeros((2, _TENTHS))
        self.seen_off, self.expected_off = (np.zeros((2, len(EDGES) + 1)) for _ in range(2))
        self.filled = np.zeros((DAY_TYPES, _SLOTS, size), dtype=np.float32)
        self.hours = np.zeros_like(self.filled)
        self.slot_start = 0

    def reorder(self, rows: Ints) -> None:
        """Reorder the stations; -1 in `rows` stands for a new one."""
        for name in ("filled", "hours"):
            setattr(self, name, take_rows(getattr(self, name), rows, 0))

    def cell(self, at: datetime) -> tuple[int, int]:
        """Give the day type and half-hour of a moment."""
        return self._calendar.cell(at, _SLOTS)

    def learn(self, events: Events, bikes: Ints, places: Ints, known: Bools, demand: Demand) -> None:
        """Learn from the events while `bikes` of `places` stood there, against the expected demand."""
        cell = self.cell(events.middle)
        fill = np.where(known, bikes, 0) / np.maximum(places, 1)
        hours = events.hours
        of_fill, of_distance = kernels.count_by_fill(
            fill,
            self.usual(np.array([cell]))[0],
            events.riders,
            events.free,
            demand.at(events.middle),
            demand.factor * hours,
            *self.tables(),
        )
        fade = 0.5 ** (hours / 24 / _HALF_LIFE_DAYS)
        tables = (self.seen, self.expected, self.seen_off, self.expected_off)
        for table, new in zip(tables, (*of_fill, *of_distance), strict=True):
            table *= fade
            table += new
        slot_start = int(events.middle.timestamp()) * _SLOTS // 86400
        if slot_start != self.slot_start:
            self.slot_start = slot_start
            forget = np.float32(0.5 ** (1 / _USUAL_HALF_LIFE_DAYS))
            self.filled[cell] *= forget
            self.hours[cell] *= forget
        self.filled[cell] += (fill * hours).astype(np.float32)
        self.hours[cell] += known * np.float32(hours)

    def usual(self, cells: Ints) -> Array32:
        """Give all stations' usual fill in half-hours, `(C, S)`, drawn to their mean by an hour's worth.

        `cells` `(C, 2)` are the day types and half-hours.
        """
        return kernels.usual_fill(self.filled, self.hours, cells)

    def usual_ahead(self, at: datetime, minutes: Floats) -> tuple[Array32, Ints]:
        """Give the usual fill `(C, S)` at the moments `minutes` `(T,)` after `at`, and the row of each."""
        cells, rows = runs(self._calendar.cells(at, minutes, _SLOTS))
        return self.usual(cells), rows

    def tables(self) -> tuple[Floats, Floats]:
        """Give the factors by tenth of fill, `(2, 10)`, and by distance from the usual fill, `(2, 11)`."""
        return (
            (self.seen + _PSEUDO_EVENTS) / (self.expected + _PSEUDO_EVENTS),
            (self.seen_off + _PSEUDO_EVENTS) / (self.expected_off + _PSEUDO_EVENTS),
        )
