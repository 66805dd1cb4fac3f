"""The weather effect: how many more or fewer people ride than usual, learnt from the city as a whole.

The effect is log-linear: the rates of arrivals and of departures are each multiplied by exp(β · x). Here `x`
is the distance of the weather from the usual at that hour of the day, and rain. β is learnt online as a
Poisson regression of the riders seen in each hour on those expected, by Newton steps (Laplace's
approximation; [1]_ for the generalised linear model). Its prior draws it to "no effect". Without weather
nothing is multiplied.

References
----------
.. [1] P. McCullagh, J. A. Nelder, Generalized linear models, 1989.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.arrays import Floats
from model.component import Component
from model.demand.calendar import Calendar
from model.records import WEATHER, Weather

_SCALES = np.array([10.0, 25.0, 10.0, 5.0, 50.0, 1.0])
"""What one unit of each feature is: ten degrees, 25 % of humidity, …, and 1 of log(1 + mm of rain)."""

_RAIN = WEATHER.index("rain")
_PRIOR_SPREAD = 0.2
"""Standard deviation of β before anything is seen: a unit changes demand by a fifth."""

_PRIOR = np.eye(1 + len(WEATHER)) / _PRIOR_SPREAD**2

_DAY_NOISE = 0.5
"""How much a city's hour departs from expectation, for other reasons than weather and chance.

It is more than one hour's measure, because the hours of a day depart together, and so does their weather.
"""

_HALF_LIFE_HOURS = 24 * 60.0
_USUAL_HALF_LIFE_DAYS = 10.0
_LEAST, _MOST = 0.25, 2.0
_STEP = 300


class WeatherEffect(Component):
    """Factors on arrivals and departures by weather.

    `beta` is `(2, 7)`, `precision` `(2, 7, 7)`. The first of each is an intercept. It takes up how far the
    rates lag behind the city and is never applied: rates learnt in a rainy week are too low for a dry one
    until the rain's effect is known. `usual` `(24, 6)` is the weather usual at each hour of the local day,
    and `days` `(24, 6)` counts the days behind it. `hour` is the present hour: `seen` and `expected` `(2,)`
    sum its riders, and `feature_sums` `(7,)` its weather.
    """

    ARRAYS = ("beta", "precision", "usual", "days", "hour", "seen", "expected", "feature_sums")

    def __init__(self, calendar: Calendar) -> None:
        size = len(WEATHER)
        self._calendar = calendar
        self.beta = np.zeros((2, 1 + size))
        self.precision = np.repeat(_PRIOR[None], 2, axis=0)
        self.usual, self.days = np.zeros((24, size)), np.zeros((24, size))
        self.hour = 0
        self.seen, self.expected, self.feature_sums = np.zeros(2), np.zeros(2), np.zeros(1 + size)
        self._take(None)

    def _take(self, weather: Weather | None) -> None:
        self.weather = weather
        self._forget()

    def _forget(self) -> None:
        """Forget what was computed from the weather and the effect of before."""
        self._known: dict[int, Floats | None] = {}
        self._features: dict[float, Floats | None] = {}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give the state, which includes the known weather."""
        known = self.weather
        hours, values = ([], np.zeros((0, len(WEATHER)))) if known is None else (known.hours, known.values)
        return super().arrays() | {"hours": np.asarray(hours, dtype=np.int64), "values": values}

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `arrays` gave.

        Raises what `Component.restore` and `Weather` raise.
        """
        super().restore(arrays)
        hours, values = arrays["hours"], arrays["values"]
        self._take(Weather(hours, values) if len(hours) else None)

    def update_weather(self, weather: Weather) -> None:
        """Use this weather from now on."""
        self._take(weather)

    def factors(self, at: datetime) -> Floats | None:
        """Give the factors on arrivals and departures at a moment, `(2,)`; None where there is no weather."""
        if self.weather is None:
            return None
        key = int(at.timestamp()) // _STEP  # all chains need the same few moments
        if key not in self._known:
            features = self._features_at(datetime.fromtimestamp(key * _STEP, UTC))
            self._known[key] = None if features is None else _factors(self.beta[:, 1:], features)
        return self._known[key]

    def known(self, at: datetime) -> Floats:
        """Give the weather at a moment as known now, `(6,)`, not a number where unknown."""
        return np.full(len(WEATHER), np.nan) if self.weather is None else self.weather.at(at)

    def _features_at(self, at: datetime) -> Floats | None:
        key = at.timestamp()
        if key not in self._features:
            self._features[key] = self._make_features(at)
        return self._features[key]

    def _make_features(self, at: datetime) -> Floats | None:
        assert self.weather is not None
        values = self.weather.at(at)
        unknown = np.isnan(values)
        if unknown.all():
            return None
        hour = self._calendar.cell(at, 24)[1]
        seen = self.days[hour] > 0
        features: Floats = np.where(seen, values - self.usual[hour], 0)
        features[_RAIN] = np.log1p(max(values[_RAIN], 0))
        features = np.minimum(np.maximum(features / _SCALES, -3), 3)
        features[unknown] = 0
        return features

    def learn(self, at: datetime, seen: Floats, expected: Floats) -> None:
        """Learn from a few minutes: riders seen city-wide, and expected in usual weather, `(2,)`."""
        if self.weather is None:
            return
        hour = int(at.timestamp()) // 3600
        if hour != self.hour:
            self._close()
            self._note(at)
            self.hour = hour
            self.seen, self.expected, self.feature_sums = np.zeros(2), np.zeros(2), np.zeros(1 + len(WEATHER))
            self._forget()
        features = self._features_at(at)
        if features is not None:
            self.seen += seen
            self.expected += expected
            self.feature_sums[0] += 1
            self.feature_sums[1:] += features

    def _close(self) -> None:
        """Learn from the hour that has ended."""
        if not self.feature_sums[0]:
            return
        features = self.feature_sums / self.feature_sums[0]
        self.precision += (1 - 0.5 ** (1 / _HALF_LIFE_HOURS)) * (_PRIOR - self.precision)
        mean = self.expected * _factors(self.beta, features)
        trust = 1 / (1 + _DAY_NOISE**2 * mean)
        for side in (0, 1):
            self.precision[side] += trust[side] * mean[side] * np.outer(features, features)
            slope = trust[side] * (self.seen[side] - mean[side]) * features
            self.beta[side] += np.linalg.solve(self.precision[side], slope)

    def _note(self, at: datetime) -> None:
        assert self.weather is not None
        values = self.weather.at(at)
        hour = self._calendar.cell(at, 24)[1]
        known = ~np.isnan(values)
        share = np.maximum(1 / (self.days[hour] + 1), 1 - 0.5 ** (1 / _USUAL_HALF_LIFE_DAYS))
        self.usual[hour] += np.where(known, share * (np.nan_to_num(values) - self.usual[hour]), 0)
        self.days[hour] += known


def _factors(beta: Floats, features: Floats) -> Floats:
    """Give the factors on arrivals and departures, `(2,)`."""
    # np.clip takes three times as long for two numbers.
    return np.minimum(np.maximum(np.exp(beta @ features), _LEAST), _MOST)
