"""Draw the trips that people request on a day: when, from where and to where.

The number of riders is Poisson, at a rate that follows the hour, the kind of day, the weather, and a hidden
mood of the town. Origins and destinations follow the uses of the places and their distances.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ingest.city.plan import USES
from model.arrays import Floats, Ints

Bump = tuple[float, float, float]
"""A busy time of day: its hour, its spread in hours, and trips a day and station."""


@dataclass(frozen=True)
class TripPurpose:
    """Why people ride: from some uses to others, at some times of workdays and of days off.

    Each unit of log(1 + mm/h) lowers the logarithm of the rate by `rain`, and ten degrees more raise it by
    `warmth`. `friday` multiplies the rate of Fridays and Saturdays, and `longer` the time of a ride.
    """

    name: str
    origin: dict[str, float]
    destination: dict[str, float]
    workday: tuple[Bump, ...]
    off: tuple[Bump, ...]
    rain: float
    warmth: float
    friday: float = 1.0
    longer: float = 1.0


TRIP_PURPOSES = (
    TripPurpose("to work", {"homes": 1.0, "station": 1.6}, {"offices": 1.0, "station": 0.7},
            ((8.2, 0.75, 3.7), (9.6, 0.9, 1.2)), ((8.8, 1.4, 1.0),), 0.40, 0.12),
    TripPurpose("from work", {"offices": 1.0, "station": 0.6},
            {"homes": 1.0, "station": 1.5, "nightlife": 0.15},
            ((17.4, 0.9, 3.4), (15.8, 1.3, 1.2)), ((17.8, 1.8, 0.9),), 0.40, 0.12),
    TripPurpose("to lectures", {"homes": 1.0, "station": 0.8}, {"campus": 1.0},
            ((9.0, 0.8, 1.6), (11.5, 1.7, 1.2)), ((12.0, 2.0, 0.5),), 0.35, 0.10),
    TripPurpose("from lectures", {"campus": 1.0},
            {"homes": 1.0, "shops": 0.3, "nightlife": 0.3, "station": 0.4},
            ((13.2, 1.3, 0.9), (16.8, 1.7, 1.9)), ((16.0, 2.5, 0.5),), 0.35, 0.10),
    TripPurpose("errands", {"homes": 0.8, "shops": 1.0, "offices": 0.8, "campus": 0.4},
            {"shops": 1.0, "homes": 0.7, "offices": 0.7, "station": 0.3},
            ((8.4, 0.7, 1.5), (12.8, 0.9, 2.2), (14.5, 3.6, 7.2), (17.5, 0.9, 2.0)), ((13.7, 3.35, 9.2),),
            0.60, 0.15),
    TripPurpose("out", {"homes": 1.0, "shops": 0.4}, {"leisure": 1.0},
            ((12.5, 2.5, 0.9), (18.2, 1.6, 1.4)), ((12.9, 2.6, 4.3),), 0.90, 0.35, 1.0, 1.7),
    TripPurpose("back", {"leisure": 1.0}, {"homes": 1.0, "shops": 0.35, "nightlife": 0.15},
            ((14.5, 2.5, 0.8), (20.2, 1.4, 1.4)), ((16.6, 2.7, 4.2),), 0.90, 0.35, 1.0, 1.7),
    TripPurpose("evening", {"homes": 1.0, "offices": 0.4, "campus": 0.4, "station": 0.2},
            {"nightlife": 1.0, "shops": 0.15}, ((19.9, 1.3, 2.3),), ((19.8, 1.7, 3.3),), 0.55, 0.18, 1.35),
    TripPurpose("night", {"nightlife": 1.0}, {"homes": 1.0, "station": 0.2},
            ((22.3, 1.3, 2.3),), ((22.9, 2.0, 3.2),), 0.40, 0.15, 1.5),
)  # fmt: skip

_REACH = 1500.0
"""Metres over which the number of trips falls to a third."""
_WALKED = 380.0
"""Metres below which people mostly walk."""
_CLIMB = 90.0
"""Metres of climbing that put off two thirds of the riders."""

_DAY_MOOD, _HOUR_MOOD, _HOUR_HOLD = 0.10, 0.16, 0.80
_PLACE_MOOD, _PLACE_SPREAD = (0.30, 0.18), (0.40, 0.18)
"""How much places differ in arrivals and departures together, and in each alone: by the day, and always."""
_WEEKDAYS = (0.93, 1.0, 1.0, 1.0, 1.0, 1.0, 0.9)
"""How busy the days of the week are, Monday first; a holiday counts as a Sunday."""
_GROUPS = (0.86, 0.10, 0.025, 0.015)
"""Shares of requests by one rider, and by groups of two, three and four."""

_PACE, _OVERHEAD = 13.5 / 3.6 / 1.35, 2.0
"""Metres a second as the crow flies, and minutes to take a bike and to leave it."""


@dataclass(frozen=True, eq=False)
class TripRequests:
    """The trips that people request on a day, in order: minute of the day, from, to, minutes under way."""

    minute: Ints
    origin: Ints
    destination: Ints
    minutes: Ints


class Riders:
    """The riders of one town.

    Its stations have `uses` `(U, S)`, places `where` `(S, 2)` and `height` `(S,)` in metres, and a `size`
    `(S,)` that multiplies the riders there. `busyness` multiplies all riders, and `taste` those of a
    purpose, by its name.
    """

    def __init__(
        self,
        uses: Floats,
        where: Floats,
        height: Floats,
        size: Floats,
        busyness: float,
        taste: dict[str, float],
    ) -> None:
        self._count = where.shape[0]
        self._busyness, self._taste = busyness, taste
        east, north = (where[:, None, axis] - where[None, :, axis] for axis in (0, 1))
        self.away = np.hypot(east, north)
        self.climb = climb = np.maximum(height[None, :] - height[:, None], 0)
        gravity = np.exp(-self.away / _REACH - climb / _CLIMB) * (1 - np.exp(-((self.away / _WALKED) ** 2)))
        rng = np.random.default_rng([self._count, 11])
        drawn = _place_factors(rng, self._count, _PLACE_SPREAD) * size[:, None]
        self._joint = []
        for purpose in TRIP_PURPOSES:
            sides = [
                sum(weight * uses[USES.index(use)] for use, weight in side.items()) * drawn[:, index]
                for index, side in enumerate((purpose.origin, purpose.destination))
            ]
            joint = sides[0][:, None] * sides[1] * gravity
            self._joint.append((joint / joint.sum()).astype(np.float32))
        self._ride = self.away / _PACE / 60 * (1 + climb / np.maximum(self.away, 1) * 6)

    def day(
        self, rng: np.random.Generator, hour: Floats, weather: Floats, weekday: int, holiday: bool
    ) -> TripRequests:
        """Draw the requests of a day whose minutes have these local hours `(M,)` and weather `(M, 6)`.

        `weekday` counts from 0 for Mondays.
        """
        off, late = holiday or weekday >= 5, weekday in (4, 5)
        mood = _mood(rng, len(hour))
        place = np.clip(_place_factors(rng, self._count, _PLACE_MOOD), 0.3, 3.0)
        rain, warmth = np.log1p(weather[:, 5]), (weather[:, 0] - 14) / 10
        drawn = []
        for purpose, joint in zip(TRIP_PURPOSES, self._joint, strict=True):
            rate = _hourly_rate(purpose.off if off else purpose.workday, hour)
            rate *= self._busyness * self._taste.get(purpose.name, 1.0) * self._count / 60
            rate *= np.exp(np.clip(purpose.warmth * warmth, -0.8, 0.5) - purpose.rain * rain)
            rate *= (
                mood
                * _WEEKDAYS[6 if holiday else weekday]
                * (purpose.friday if late else 1.0)
                * rng.lognormal(0, _DAY_MOOD)
            )
            minute = np.repeat(np.arange(len(hour)), rng.poisson(rate))
            odds = (joint * (place[:, :1] * place[:, 1]).astype(np.float32)).ravel().cumsum(dtype=np.float64)
            pair = np.searchsorted(odds, rng.random(len(minute)) * odds[-1], side="right")
            origin, destination = np.divmod(np.minimum(pair, len(odds) - 1), self._count)
            ride = self._ride[origin, destination] * rng.lognormal(0, 0.22, len(minute))
            drawn.append((minute, origin, destination, _OVERHEAD + ride * purpose.longer))
        minute, origin, destination, ride = (np.concatenate(column) for column in zip(*drawn, strict=True))
        order = np.argsort(minute, kind="stable")
        party = 1 + rng.choice(len(_GROUPS), len(order), p=_GROUPS)
        order = np.repeat(order, party)
        minutes = np.maximum(np.round(ride[order]), 2).astype(np.int64)
        return TripRequests(minute[order], origin[order], destination[order], minutes)


def _place_factors(rng: np.random.Generator, count: int, spread: tuple[float, float]) -> Floats:
    """Draw factors around 1 for the departures and arrivals of each place, `(S, 2)`."""
    both, either = spread
    drawn: Floats = np.exp(rng.normal(0, both, (count, 1)) + rng.normal(0, either, (count, 2)))
    return drawn


def _hourly_rate(bumps: tuple[Bump, ...], hour: Floats) -> Floats:
    """Give trips an hour and station at local hours; midnight makes no step."""
    rate = np.zeros(len(hour))
    for middle, spread, trips in bumps:
        off = (hour - middle + 12) % 24 - 12
        rate += trips / (spread * np.sqrt(2 * np.pi)) * np.exp(-0.5 * (off / spread) ** 2)
    return rate


def _mood(rng: np.random.Generator, minutes: int) -> Floats:
    """Draw a factor that drifts by the half-hour, `(minutes,)`: news, a strike, a match on television."""
    steps = minutes // 30 + 2
    shock = rng.normal(0, _HOUR_MOOD * np.sqrt(1 - _HOUR_HOLD**2), steps)
    drift = np.zeros(steps)
    for index in range(1, steps):
        drift[index] = _HOUR_HOLD * drift[index - 1] + shock[index]
    factor: Floats = np.exp(np.interp(np.arange(minutes) / 30, np.arange(steps), drift))
    return factor
