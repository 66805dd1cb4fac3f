"""Demand: how many bikes want to arrive at and leave each station, by day type and half-hour of the day.

Rates are events over exposure. Exposure is *censored*: an empty station shows no departures and a full one
no arrivals, though people come; so a minute counts for departures only while there is a bike, and for
arrivals only while there is a free dock. This estimates what people want, not what they got.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from model.records import Bools, Floats, Ints
from model.shape import SHAPE

SLOT_MINUTES = 30
SLOTS = 24 * 60 // SLOT_MINUTES
DAY_TYPES = 2
"""Weekdays, and Saturdays with Sundays."""

ARRIVALS, DEPARTURES = 0, 1

MAX_GAP = timedelta(minutes=15)
"""Longer holes than this teach nothing: what happened in between is anyone's guess."""

_HALF_LIFE_DAYS = 20
_PRIOR_EVENTS = 2.0
"""Events that the prior of one station's slot is worth."""

_CITY_PRIOR_HOURS = 2.0
"""Station-hours that the shape of all cities is worth in a slot of a city's profile."""

_FIRST_RATE = 0.3
"""Arrivals an hour, and departures, where nothing is known: low, so that cold odds stay near "as now"."""

_FIRST_HOURS = 5.0
"""Station-hours that `_FIRST_RATE` is worth."""

_LEVEL_EVENTS = 2.0
"""Events that "this station is as busy as the city's average" is worth."""

_SIDE_EVENTS = 20.0
"""Events that "as many come as go" is worth: it is untrue only where a station is often empty or full."""

_RIDERS_AT_ONCE = 4
"""A larger jump between polls a minute or two apart is a van, of which this many are counted as riders."""

_FACTOR_MINUTES = 60.0
_FACTOR_EVENTS = 20.0


def slot_of(local: datetime) -> tuple[int, int]:
    """Give the day type and slot of a local time.

    >>> slot_of(datetime(2026, 11, 28, 13, 29))  # a Saturday
    (1, 26)
    """
    return int(local.weekday() >= 5), (local.hour * 60 + local.minute) // SLOT_MINUTES


class Demand:
    """Arrival and departure rates of `size` stations, learnt online.

    `events` and `hours` are of shape `(day types, slots, 2, S)`, arrivals before departures. `recent` holds
    what was `(seen, expected)` city-wide of each in about the last hour, and `expected` the rates `(2, S)`
    that the expectation is made with, renewed at each slot.
    """

    def __init__(self, size: int, timezone: str) -> None:
        self.zone = ZoneInfo(timezone)
        self.events = np.zeros((DAY_TYPES, SLOTS, 2, size), dtype=np.float32)
        self.hours = np.zeros_like(self.events)
        self.expected = np.zeros((2, size))
        self.recent = np.zeros((2, 2))
        self.slot_start = 0

    def take(self, rows: Ints) -> None:
        """Reorder the stations; -1 in `rows` stands for a new one."""
        for name in ("events", "hours", "expected"):
            old = getattr(self, name)
            new = np.zeros((*old.shape[:-1], len(rows)), dtype=old.dtype)
            new[..., rows >= 0] = old[..., rows[rows >= 0]]
            setattr(self, name, new)

    def learn(
        self, before: datetime, at: datetime, change: Ints, can_arrive: Bools, can_depart: Bools
    ) -> None:
        """Learn from what changed at each station between two snapshots no more than `MAX_GAP` apart.

        `change` is bikes now less bikes before `(S,)`; `can_arrive` and `can_depart` tell where a dock and a
        bike were free, and the count is known at both times.
        """
        middle = before + (at - before) / 2
        day_type, slot = slot_of(middle.astimezone(self.zone))
        slot_start = int(middle.timestamp()) // (SLOT_MINUTES * 60)
        if slot_start != self.slot_start:
            self.slot_start = slot_start
            forget = np.float32(0.5 ** (1 / _HALF_LIFE_DAYS))
            self.events[day_type, slot] *= forget
            self.hours[day_type, slot] *= forget
            self.expected = self.rates()[day_type, slot].astype(np.float64)
        hours = (at - before).total_seconds() / 3600
        most = max(_RIDERS_AT_ONCE, round(hours * 60) * _RIDERS_AT_ONCE // 2)
        free = np.stack([can_arrive, can_depart])
        events = np.where(free, np.clip(np.stack([change, -change]), 0, most), 0)
        self.events[day_type, slot] += events
        self.hours[day_type, slot] += np.where(free, np.float32(hours), np.float32(0))
        self.recent *= 0.5 ** (hours * 60 / _FACTOR_MINUTES)
        self.recent[:, 0] += events.sum(axis=1)
        self.recent[:, 1] += (self.expected * free).sum(axis=1) * hours

    def rates(self) -> NDArray[np.float32]:
        """Give the rates per hour, `(day types, slots, 2, S)`, without the city factor.

        Each slot is smoothed with its neighbours and drawn to a prior: the city's profile at this station's
        own level of demand; the profile is drawn to the shape that all cities share.
        """
        events, hours = _smooth(self.events), _smooth(self.hours)
        city_events, city_hours = (
            events.sum(axis=(2, 3), dtype=np.float64),
            hours.sum(axis=(2, 3), dtype=np.float64),
        )
        mean = (city_events.sum() + _FIRST_RATE * _FIRST_HOURS) / ((city_hours * SHAPE).sum() + _FIRST_HOURS)
        city = (city_events + mean * SHAPE * _CITY_PRIOR_HOURS) / (city_hours + _CITY_PRIOR_HOURS)
        profile = city[:, :, None, None].astype(np.float32)
        seen, served = self.events.sum(axis=(0, 1)), (self.hours * profile).sum(axis=(0, 1))
        level = (seen.sum(axis=0) + np.float32(_LEVEL_EVENTS)) / (
            served.sum(axis=0) + np.float32(_LEVEL_EVENTS)
        )
        level = (seen + np.float32(_SIDE_EVENTS)) / (served + np.float32(_SIDE_EVENTS) / level)
        prior, weight = profile * level, np.float32(_PRIOR_EVENTS)
        rates: NDArray[np.float32] = (events + weight) / (hours + weight / prior)
        return rates

    def ahead(self, at: datetime, ends: Floats, rates: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give the rates in steps of time that end at the minutes `ends` after `at`, `(T, 2, S)` per hour.

        The city's factor, seen over expected in the last hour, fades with the same half-life.
        """
        factor = (self.recent[:, 0] + _FACTOR_EVENTS) / (self.recent[:, 1] + _FACTOR_EVENTS)
        starts = np.concatenate([[0.0], ends[:-1]])
        out = np.empty((len(ends), *rates.shape[2:]), dtype=np.float32)
        for index, middle in enumerate((starts + ends) / 2):
            day_type, slot = slot_of((at + timedelta(minutes=float(middle))).astimezone(self.zone))
            now = 1 + (factor - 1) * 0.5 ** (middle / _FACTOR_MINUTES)
            out[index] = rates[day_type, slot] * now[:, None].astype(np.float32)
        return out


def _smooth(table: NDArray[np.float32]) -> NDArray[np.float32]:
    beside = np.roll(table, 1, axis=1) + np.roll(table, -1, axis=1)
    smooth: NDArray[np.float32] = (beside / 4 + table / 2).astype(np.float32)
    return smooth
