"""Riders: every component that learns from the changes between two snapshots, taught in one place."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from model.arrays import DEPARTURES, Bools, Floats, Ints
from model.demand.calendar import Calendar
from model.demand.climatology import Climatology
from model.demand.last_bikes import LastBikes
from model.demand.occupancy_effect import OccupancyEffect
from model.demand.overflow import Overflow
from model.demand.rates import NOISE, Demand, Events, count_riders, hidden_riders
from model.demand.today import Today
from model.demand.weather_effect import WeatherEffect
from model.hours import ByHours
from model.latest import LatestCounts

_PART = timedelta(minutes=15)
"""A longer time is gone through in such parts, since rates have slots of a quarter-hour."""

_SURELY = 1000.0
"""Expected changes that need no more adding up."""


class LearntRiders:
    """What is learnt of a system's riders.

    `long` and `short` are demand; `calendar` and `weather` move all stations together; the others are by
    station. Stations are in the order of the latest counts that are passed.

    With `of_all`, these are the riders of one kind of bikes. They are fewer, so they have one demand for
    `long` and `short`. What moves all riders, and what a station is, is learnt of all riders alone.
    """

    def __init__(self, size: int, calendar: Calendar, of_all: LearntRiders | None = None) -> None:
        self._of_all = of_all
        self.calendar = calendar
        self.weather: WeatherEffect = of_all.weather if of_all else WeatherEffect(calendar)
        self.overflow: Overflow = of_all.overflow if of_all else Overflow(size)
        self.last_bikes: LastBikes = of_all.last_bikes if of_all else LastBikes(size)
        self.short = Demand(size, calendar, slots=48, half_life_days=10, weather=self.weather)
        self.long = self.short
        if of_all is None:
            self.long = Demand(size, calendar, slots=96, half_life_days=20, weather=self.weather)
        self.occupancy = OccupancyEffect(size, calendar)
        self.climatology = Climatology(size, calendar)
        self.today = Today(size, self.long, self.occupancy)

    @property
    def demands(self) -> tuple[Demand, ...]:
        """Give the demand that is learnt here, each once."""
        return (self.short,) if self.long is self.short else (self.long, self.short)

    def places(self, latest: LatestCounts, capacity: Ints) -> Ints:
        """Give the places of forecasts, `(S,)`.

        `capacity` may be shorter: the stations beyond its end have none stated.
        """
        largest = latest.largest(capacity)
        return self.overflow.places(latest.places(largest), largest)

    def free(self, then: LatestCounts, known: Bools) -> tuple[Bools, Bools]:
        """Tell where a bike could come and where one could go, each `(S,)`."""
        return (
            known & ((then.docks != 0) | self.overflow.takes) & then.returning,
            known & (then.bikes > 0) & then.renting,
        )

    def renew_rates_rarely(self, on: bool) -> None:
        """Renew the rates every three hours instead of each slot."""
        for demand in self.demands:
            demand.stride = demand.slots // 8 if on else 1

    def learn(
        self,
        before: datetime,
        then: LatestCounts,
        at: datetime,
        latest: LatestCounts,
        places: Ints,
        open_: Bools,
    ) -> None:
        """Learn from the changes between two snapshots: `then` of the time `before`, and `latest` of `at`.

        `places` `(S,)` are those of `then`; `open_` `(S,)` tells which stations were open all the time. A
        long gap is learnt in parts, as if the counts had moved evenly.
        """
        # Where a station opens or closes, the operator sets the count: 48 bikes gone then are no riders.
        steady = (latest.renting == then.renting) & (latest.returning == then.returning)
        known = then.known & latest.known
        change = (latest.bikes - then.bikes) * steady
        riders, parts = count_riders(change, at - before), math.ceil((at - before) / _PART)
        for part in range(parts):
            begin, end = (before + (at - before) * (moment / parts) for moment in (part, part + 1))
            stood = then.towards(latest, part / parts) if part else then
            shown = Events(
                begin, end, (riders / parts).astype(np.float32), np.array(self.free(stood, known & open_))
            )
            expected = self.short.at(shown.middle) * self.short.factor[:, None] * shown.hours
            seen = _with_hidden(shown, expected)
            if self._of_all is None:
                self._learn_city(seen)
                self.last_bikes.learn(
                    stood.bikes,
                    shown.free[DEPARTURES],
                    shown.riders[DEPARTURES],
                    expected[DEPARTURES],
                    shown.hours,
                )
            self.today.learn(seen, expected)
            self.occupancy.learn(seen, stood.bikes, places, known, self.short)
            self.climatology.learn(seen, stood.bikes, places, known)
            for demand in self.demands:
                demand.learn(seen)
        if self._of_all is None:
            self.last_bikes.begin_anew(~known | (latest.bikes != then.bikes), int(at.timestamp()))
            full = known & then.returning & (then.docks == 0) & (latest.docks == 0)
            self.overflow.learn(change, full, (at - before) / timedelta(hours=1))

    def _learn_city(self, seen: Events) -> None:
        """Learn what moves all stations together: the kind of day, and the weather."""
        holiday = self.calendar.is_holiday(seen.middle)
        if not holiday and self.weather.weather is None:
            return
        riders: Floats = seen.riders.sum(axis=1, dtype=np.float64)
        expected = self.long.expected(seen)
        if holiday:
            weekday, weekend = expected.sum(axis=1).tolist()
            self.calendar.learn(seen.middle, float(riders.sum()), weekday, weekend)
        self.weather.learn(seen.middle, riders, expected[self.long.cell(seen.middle)[0]])

    def odds_of_stillness(
        self, latest: LatestCounts, by_hours: ByHours, since: datetime, until: datetime
    ) -> float:
        """Give the probability that no count changes from `since` to `until`.

        All changes that the learnt rates expect at stations with a free dock or a bike are added up. They
        come in clumps, with twice the variance of independent riders: so half of them count.
        """
        free = np.stack(self.free(latest, latest.known))
        expected, begin = 0.0, since
        while begin < until and expected < _SURELY:
            end = min(begin + _PART, until)
            hours = (end - begin) / timedelta(hours=1)
            open_ = free & by_hours.is_open_from(begin, end)
            expected += float((self.long.at(begin + (end - begin) / 2) * open_).sum(dtype=np.float64)) * hours
            begin = end
        return math.exp(-expected / NOISE)


def _with_hidden(shown: Events, expected: Floats) -> Events:
    """Add to the riders that the counts show those that they hide, where `expected` `(2, S)` come."""
    hidden = hidden_riders(expected, shown.riders.max(axis=0)) * shown.free.all(axis=0)
    return replace(shown, riders=((shown.riders + hidden) * shown.free).astype(np.float32))
