"""Demand: how many bikes riders want to return to and take from each station, by day type and time of day.

Rates are events over exposure. Exposure is *censored*: an empty station shows no departures and a full one
no arrivals, though riders come. So a minute counts for departures only while there is a bike, and for
arrivals only while there is a free dock. This estimates what riders want, not what they got.

A station's own counts are few. Each rate is therefore drawn to a prior: the city's profile through the day,
at the station's own level, bent as the profiles of similar stations are bent. The bends are a low-rank
approximation of all stations' residuals. The residuals are counts, so their noise is known: it tells which
singular values are more than noise, and by how much to shrink them [1]_.

References
----------
.. [1] M. Gavish, D. L. Donoho, Optimal shrinkage of singular values, IEEE Trans. Information Theory, 2017.
.. [2] J. G. Skellam, The frequency distribution of the difference between two Poisson variates, J. Royal
   Statistical Society, 1946.
.. [3] D. E. Amos, Computation of modified Bessel functions and their ratios, Math. of Computation, 1974.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model import kernels
from model.arrays import Array32, Floats, Ints, take_rows
from model.component import Component
from model.demand.calendar import DAY_TYPES, Calendar
from model.demand.weather_effect import WeatherEffect
from model.demand.weekly_profile import WEEKLY_PROFILE

_PRIOR_EVENTS = 4.0
"""Events that the prior of one station's slot is worth."""

_CITY_PRIOR_HOURS = 2.0
"""Station-hours that the weekly profile of all cities is worth in a slot of a city's own profile."""

_FIRST_RATE = 0.3
"""Arrivals an hour, and departures, where nothing is known: low, so that first odds stay near "as now"."""

_FIRST_HOURS = 5.0
"""Station-hours that `_FIRST_RATE` is worth."""

_LEVEL_EVENTS = 2.0
"""Events that "this station is as busy as the city's average" is worth."""

_SIDE_EVENTS = 200.0
"""Events that "as many arrive as depart" is worth: only a station that is often empty or full differs."""

NOISE = 2.0
"""Variance of the residuals, relative to independent riders: real ones come in pairs and by the van."""

_BEND = (0.1, 8.0)
"""The least and the most that a station's rate may be, as a multiple of the city's profile at its level."""

_RIDERS_AT_ONCE = 4
"""A larger jump between polls a minute or two apart is a van: so many of its bikes count as riders."""

_FACTOR_MINUTES = 60.0
_FACTOR_EVENTS = 20.0


@dataclass(frozen=True)
class Events:
    """What happened between two snapshots: `riders` `(2, S)`, and where some were possible, `free`, alike."""

    before: datetime
    at: datetime
    riders: Array32
    free: NDArray[np.bool_]

    @cached_property
    def hours(self) -> float:
        """The hours between the two snapshots."""
        return (self.at - self.before).total_seconds() / 3600

    @cached_property
    def middle(self) -> datetime:
        """The moment halfway, by which the events are dated."""
        return self.before + (self.at - self.before) / 2


def count_riders(change: Ints, gap: timedelta) -> Ints:
    """Count riders between two snapshots, arrivals before departures, `(2, S)`.

    `change` is bikes now less bikes before `(S,)`.
    """
    most = max(_RIDERS_AT_ONCE, round(gap / timedelta(minutes=1)) * _RIDERS_AT_ONCE // 2)
    riders: Ints = np.minimum(np.maximum([change, -change], 0), most)
    return riders


def hidden_riders(expected: Floats, change: Floats) -> Floats:
    """Give the riders on either side that a change does not show, `(S,)`: a bike came, and another left.

    Of independent arrivals and departures, `expected` `(2, S)` in a gap, the difference is Skellam
    distributed [2]_. Given the difference, `change` up or down `(S,)`, so many arrivals are left on average
    beside those that it shows. The ratio of two Bessel functions in it is within 5 % of Amos' bound [3]_.
    """
    squared = 4 * expected[0] * expected[1]
    hidden: Floats = squared / (2 * change + 1 + 2 * np.sqrt((change + 1.5) ** 2 + squared))
    return hidden


class Demand(Component):
    """Arrival and departure rates of `size` stations, learnt online.

    `events` and `hours` are of shape `(day types, slots, 2, S)`, arrivals before departures. `recent`
    `(2, 2)` holds for each side the riders seen and expected city-wide in about the last hour. `bend` is the
    low-rank factor on the prior, renewed each night, in 16 bits: it is coarse by nature. The rates are
    renewed every `stride` slots, as a slot begins.
    """

    ARRAYS = ("events", "hours", "bend", "recent", "rates", "slot_start")

    def __init__(
        self,
        size: int,
        calendar: Calendar,
        slots: int,
        half_life_days: float,
        weather: WeatherEffect | None = None,
    ) -> None:
        self._calendar = calendar
        self._weather = weather or WeatherEffect(calendar)
        self.slots = slots
        self.half_life_days = half_life_days
        self.stride = 1
        self.events = np.zeros((DAY_TYPES, slots, 2, size), dtype=np.float32)
        self.hours = np.zeros_like(self.events)
        self.bend = np.ones(self.events.shape, dtype=np.float16)
        self.recent = np.zeros((2, 2))
        self.slot_start = 0
        self.rates = self._rates()

    def reorder(self, rows: Ints) -> None:
        """Reorder the stations; -1 in `rows` stands for a new one."""
        kept = take_rows(self.rates, rows, 0)
        for name, default in (("events", 0), ("hours", 0), ("bend", 1)):
            setattr(self, name, take_rows(getattr(self, name), rows, default))
        self.rates = np.where(rows < 0, self._rates(), kept)

    def cell(self, at: datetime) -> tuple[int, int]:
        """Give the day type and slot of a moment."""
        return self._calendar.cell(at, self.slots)

    def at(self, moment: datetime) -> Array32:
        """Give the rates per hour of a moment in its weather, `(2, S)`, without the city factor."""
        rates: Array32 = self.rates[self.cell(moment)] * self._in_weather(moment)[:, None]
        return rates

    def _in_weather(self, moment: datetime) -> Array32:
        """Give the weather's factors on both sides, `(2,)`: 1 where no weather is known."""
        factors = self._weather.factors(moment)
        return np.ones(2, dtype=np.float32) if factors is None else factors.astype(np.float32)

    def expected(self, events: Events) -> Floats:
        """Give the riders expected city-wide on a weekday and on a weekend of usual weather, `(2, 2)`.

        Day types before arrivals and departures, for the time and the free stations of `events`.
        """
        slot = self.cell(events.middle)[1]
        totals: Floats = (self.rates[:, slot] * events.free).sum(axis=2, dtype=np.float64) * events.hours
        return totals

    def learn(self, events: Events) -> None:
        """Learn from what happened between two snapshots."""
        cell = self.cell(events.middle)
        slot_start = int(events.middle.timestamp()) * self.slots // 86400
        if slot_start != self.slot_start:
            new_day, due = (
                slot_start // stride != self.slot_start // stride for stride in (self.slots, self.stride)
            )
            self.slot_start = slot_start
            forget = np.float32(0.5 ** (1 / self.half_life_days))
            self.events[cell] *= forget
            self.hours[cell] *= forget
            if new_day:
                self.bend = self._bend().astype(np.float16)
            if due:
                self.rates = self._rates()
        self.recent *= 0.5 ** (events.hours * 60 / _FACTOR_MINUTES)
        self.recent += kernels.count_riders(
            self.events[cell],
            self.hours[cell],
            self.rates[cell],
            self._in_weather(events.middle),
            events.riders,
            events.free,
            events.hours,
        )

    def _level(self) -> tuple[Array32, Array32]:
        """Give the city's profile, `(day types, slots)`, and each station's own level of demand, `(2, S)`.

        Their product is the prior without the bends. The profile is drawn to the weekly profile that all
        cities share, a station's level to the city's average, and its arrivals to its departures.
        """
        city_events, city_hours = (
            _smooth(table.sum(axis=(2, 3)).astype(np.float64)) for table in (self.events, self.hours)
        )
        all_cities = np.repeat(WEEKLY_PROFILE, self.slots // WEEKLY_PROFILE.shape[1], axis=1)
        mean = city_events.sum() + _FIRST_RATE * _FIRST_HOURS
        mean /= (city_hours * all_cities).sum() + _FIRST_HOURS
        city = (city_events + mean * all_cities * _CITY_PRIOR_HOURS) / (city_hours + _CITY_PRIOR_HOURS)
        profile = city.astype(np.float32)
        seen, served = self.events.sum(axis=(0, 1)), np.einsum("dtas,dt->as", self.hours, profile)
        level = (seen.sum(axis=0) + np.float32(_LEVEL_EVENTS)) / (
            served.sum(axis=0) + np.float32(_LEVEL_EVENTS)
        )
        level = (seen + np.float32(_SIDE_EVENTS)) / (served + np.float32(_SIDE_EVENTS) / level)
        return profile, level

    def _bend(self) -> Array32:
        """Learn how similar stations depart from the profile: a low-rank approximation of the residuals.

        The residual of a count, over the root of what was expected, has variance 1 (or `NOISE`) if there is
        nothing but noise; singular values that noise would reach are dropped and the others shrunk.
        """
        profile, level = self._level()
        expected = profile[:, :, None, None] * level * self.hours
        root = np.sqrt(np.maximum(expected, np.float32(1e-3)))
        residual = np.where(expected > 1e-3, (self.events - expected) / root, np.float32(0))
        table = residual.reshape(DAY_TYPES * self.slots * 2, -1).astype(np.float64) / np.sqrt(NOISE)
        columns, rows = table.shape
        # The eigenvectors of the small square are the singular vectors of the long table, far cheaper.
        square = table @ table.T if columns <= rows else table.T @ table
        values, vectors = np.linalg.eigh(square)
        kept = values > (np.sqrt(columns) + np.sqrt(rows)) ** 2
        shrunk = (
            np.sqrt(np.maximum((values[kept] - columns - rows) ** 2 - 4 * columns * rows, 0)) / values[kept]
        )
        projection = (vectors[:, kept] * shrunk) @ vectors[:, kept].T
        table = (projection @ table if columns <= rows else table @ projection) * np.sqrt(NOISE)
        residual = table.reshape(residual.shape).astype(np.float32)
        bend: Array32 = 1 + _smooth(residual * root) / np.maximum(_smooth(expected), np.float32(1e-3))
        return np.clip(bend, np.float32(_BEND[0]), np.float32(_BEND[1]))

    def _rates(self) -> Array32:
        """Give the rates per hour, `(day types, slots, 2, S)`, without the city factor."""
        return kernels.smoothed_rates(
            self.events, self.hours, *self._level(), self.bend.view(np.uint16), _PRIOR_EVENTS
        )

    @property
    def pace(self) -> Floats:
        """The riders in the busiest hour of each station's week, `(S,)`."""
        pace: Floats = self.rates.sum(axis=2).max(axis=(0, 1), initial=0)
        return pace

    @property
    def factor(self) -> Floats:
        """Riders seen city-wide in the last hour over riders expected, `(2,)`: arrivals, departures."""
        factor: Floats = (self.recent[:, 0] + _FACTOR_EVENTS) / (self.recent[:, 1] + _FACTOR_EVENTS)
        return factor

    def flows_ahead(self, at: datetime, grid: Floats, rows: Ints, flows: Array32) -> None:
        """Write the expected arrivals and departures at the stations `rows` `(S,)` into `flows` `(T, 2, S)`.

        The T steps begin and end at the minutes `grid` `(T + 1,)` after `at`. The city's factor fades with
        the half-life of its measurement.
        """
        middles = (grid[:-1] + grid[1:]) / 2
        fade = 0.5 ** (middles / _FACTOR_MINUTES)
        factors = 1 + (self.factor - 1) * fade[:, None]
        cells = self._calendar.cells(at, middles, self.slots)
        if self._weather.weather is not None:
            for index, middle in enumerate(middles.tolist()):
                weather = self._weather.factors(at + timedelta(minutes=middle))
                if weather is not None:
                    factors[index] *= weather
        hours = (np.diff(grid) / 60).astype(np.float32)
        kernels.flows_in_steps(self.rates, rows, cells, factors.astype(np.float32), hours, flows)


def _smooth(table: NDArray[Any]) -> NDArray[Any]:
    """Smooth over about an hour of slots: each with its neighbours, twice where slots are quarter-hours."""
    smooth = table
    for _ in range(max(table.shape[1] // 48, 1)):
        beside = np.empty_like(smooth)
        np.add(smooth[:, :-2], smooth[:, 2:], out=beside[:, 1:-1])
        np.add(smooth[:, -1], smooth[:, 1], out=beside[:, 0])
        np.add(smooth[:, -2], smooth[:, 0], out=beside[:, -1])
        beside *= 0.25
        beside += smooth * np.asarray(0.5, dtype=table.dtype)
        smooth = beside
    return smooth
