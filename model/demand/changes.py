"""Changes: how much a station's count changes within a horizon, learnt from settled forecasts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from model.arrays import Array32, Floats, Ints, take_rows
from model.component import Component

_MOST = 30
"""A larger change counts as this large."""

_HALF_LIFE_FORECASTS = 72 * 20.0
_CITY_FORECASTS = 100.0
"""Settled forecasts that the city's distribution is worth to a station."""

_SHORTER_FORECASTS = 100.0
"""Settled forecasts that the evidence of shorter horizons is worth to a city's longer one."""


class Changes(Component):
    """Histograms of changes: `counts` is `(H, 61, S)` for the horizons `minutes`, from −30 to 30 bikes."""

    ARRAYS = ("counts",)
    KEYS = ("minutes",)

    def __init__(self, size: int, minutes: Sequence[int]) -> None:
        self.minutes = tuple(minutes)
        self.counts = np.zeros((len(self.minutes), 2 * _MOST + 1, size), dtype=np.float32)
        self._city: Array32 | None = None

    def reorder(self, rows: Ints) -> None:
        """Reorder the stations; -1 in `rows` stands for a new one."""
        self.counts, self._city = take_rows(self.counts, rows, 0), None

    def learn(self, minutes: int, rows: Ints, change: Ints) -> None:
        """Count by how much the stations `rows` of a settled forecast changed, `(S,)`."""
        self._city = None
        counts = self.counts[self.minutes.index(minutes)]
        counts[:, rows] *= np.float32(0.5 ** (1 / _HALF_LIFE_FORECASTS))
        counts[np.clip(change, -_MOST, _MOST) + _MOST, rows] += 1

    def of_city(self) -> Array32:
        """Give the city's distribution of changes, `(H, 61)`, as the settled forecasts that it is worth."""
        if self._city is None:
            self._city = (_CITY_FORECASTS * self._of_city()).astype(np.float32)
        return self._city

    def _of_city(self) -> Floats:
        """Give the city's odds of each change, `(H, 61)`.

        A horizon without evidence is made up of two shorter ones, one after the other: in its first hours a
        city would otherwise seem surer of two hours than of one.
        """
        city: Floats = self.counts.sum(axis=2, dtype=np.float64)
        for index, minutes in enumerate(self.minutes):
            expected = np.eye(1, 2 * _MOST + 1, _MOST)[0]
            if index:
                before = self.minutes[index - 1]
                rest = int(np.abs(np.array(self.minutes[:index]) - (minutes - before)).argmin())
                both = np.convolve(city[index - 1], city[rest])
                expected = both[_MOST:-_MOST]
                expected[[0, -1]] += both[:_MOST].sum(), both[-_MOST:].sum()
            city[index] += (_SHORTER_FORECASTS if index else 0.01) * expected
            city[index] /= city[index].sum()
        return city
