"""Made-up weather: seasons, days, and rain that comes in fronts.

The seed and the time alone determine the weather, so nothing has to be stored. What is *known* of it ahead is
a forecast. Its fronts come early or late, and the error grows with the hours ahead.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

import numpy as np

from model.arrays import Floats, Ints
from model.records import Weather

_DAY = 86_400
_KIND = 7
"""Part of the seed: keeps these random numbers apart from those of riders."""

_PAST_HOURS, _FORECAST_HOURS = 2, 27
_LATE_MINUTES = 12.0
"""Standard deviation of the time of a front, an hour ahead; it grows with the root of the hours."""


@dataclass(frozen=True)
class WeatherClimate:
    """A town's usual weather: mean `temperature`, half the `swing` between summer and winter and between
    day and night, `fronts` of rain a day, and the day of the year that is warmest."""

    temperature: float
    swing: float
    daily: float
    fronts: float
    warmest: int


@dataclass(frozen=True)
class SkyState:
    """The weather of one town. `solar_hours` is how far its noon is ahead of Greenwich's."""

    climate: WeatherClimate
    seed: int
    solar_hours: float

    def values(self, hours: Ints) -> Floats:
        """Give the weather at Unix seconds `(T,)` as rows in the order of `WEATHER`, `(T, 6)`."""
        days = np.asarray(hours) // _DAY
        out = np.empty((len(hours), 6))
        for day in sorted(set(days.tolist())):
            rows = days == day
            out[rows] = self._day(day, np.asarray(hours)[rows])
        return out

    def _day(self, day: int, seconds: Ints) -> Floats:
        climate = self.climate
        fronts = [front for d in (day - 1, day, day + 1) for front in _fronts(self.seed, d, climate.fronts)]
        start, length, peak = np.array(fronts).reshape(-1, 3).T[:, :, None]
        into = (seconds - start) / length
        wet = (peak * np.sin(np.pi * _between(into, 0, 1)) ** 2).sum(axis=0)
        cloud = np.exp(-(((into - 0.4) / 1.1) ** 2)).sum(axis=0)
        # A slow departure from the usual, interpolated between the noons of the days.
        here = seconds / _DAY - 0.5
        low = np.floor(here).astype(np.int64)
        first, last = int(low.min()), int(low.max())
        noons = np.array([_unrest(self.seed, d) for d in range(first, last + 2)])
        share = (here - low)[:, None]
        unrest = noons[low - first] * (1 - share) + noons[low - first + 1] * share
        year = 2 * np.pi * (day - climate.warmest) / 365.25
        sun = np.cos(2 * np.pi * (seconds / 3600 + self.solar_hours - 15) / 24)
        clouds = _between(35 + 22 * unrest[:, 1] + 65 * cloud, 0, 100)
        temperature = climate.temperature + climate.swing * np.cos(year) + 2.6 * unrest[:, 0]
        temperature += climate.daily * sun * (1 - 0.006 * clouds) - 0.7 * np.minimum(wet, 3)
        humidity = _between(72 - 9 * sun + 5 * unrest[:, 1] + 8 * np.minimum(wet, 2), 30, 100)
        pressure = 1014 + 6 * unrest[:, 2] - 7 * np.minimum(cloud, 1.5)
        wind = np.maximum(4 + 1.6 * unrest[:, 3] + 2.2 * cloud, 0.2)
        columns = (temperature, humidity, pressure, wind, clouds, np.where(wet < 0.05, 0, wet))
        return np.round(np.stack(columns, axis=1), 1)

    def known(self, at: datetime) -> Weather:
        """Give the weather as known at an aware moment: hourly, from two hours back to 27 ahead."""
        now = int(at.timestamp()) // 3600 * 3600
        hours = now + 3600 * np.arange(-_PAST_HOURS, _FORECAST_HOURS + 1)
        rng = np.random.default_rng([self.seed, _KIND, now // 3600])
        late = _LATE_MINUTES * 60 * np.sqrt(np.maximum(np.arange(len(hours)) - _PAST_HOURS, 0))
        return Weather(hours, self.values((hours + late * rng.normal()).astype(np.int64)))

    def observed(self, at: datetime) -> Weather:
        """Give the true weather at an aware moment, as a single hour."""
        seconds = np.array([int(at.astimezone(UTC).timestamp())])
        return Weather(seconds, self.values(seconds))


def _between(values: Floats, least: float, most: float) -> Floats:
    # np.clip takes three times as long for a few hours.
    return np.minimum(np.maximum(values, least), most)


@lru_cache(maxsize=4096)
def _fronts(seed: int, day: int, usual: float) -> tuple[tuple[float, float, float], ...]:
    """List a day's fronts: when the rain begins, how many seconds it lasts, and its most mm an hour."""
    rng = np.random.default_rng([seed, _KIND, 1, day])
    count = int(rng.poisson(usual))
    return tuple(
        (
            day * _DAY + rng.uniform(0, _DAY),
            3600 * (1.2 + rng.exponential(2.6)),
            0.3 + rng.exponential(1.1),
        )
        for _ in range(count)
    )


@lru_cache(maxsize=4096)
def _unrest(seed: int, day: int) -> tuple[float, ...]:
    """Give a day's departure from the usual, four numbers of variance one: a fading sum over past days."""
    fade = 0.72 ** np.arange(12)
    past = [np.random.default_rng([seed, _KIND, 2, d]).normal(size=4) for d in range(day - 11, day + 1)]
    return tuple((np.array(past[::-1]).T @ fade / np.sqrt((fade**2).sum())).tolist())
