"""The shift: moves the pooled distributions by what is known of today.

A shift by `η` turns the odds `p` of `k` bikes into `p (1 + η (ψ − E ψ))`, where `ψ` grows with `k` from −1 to
1. That is a distribution for each |η| below a half, and P(bikes ≤ k) becomes `F + η G`. With `η = x·θ`, the
CRPS is quadratic in the coefficients `θ` of the features `x`: ridge regression of the error `[truth ≤ k] − F`
on `x G` minimises it, without a search.

The coefficients are the city's, and those of the present hour and kind of day: bikes that a station has
beyond the usual mean one thing before the morning's tide and another one after it. What helps most stations
may harm one, so each has a gain between 0 and 1: how far its shifts agreed with its errors, over what they
would have if they had been right.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from model.arrays import Array32, Floats, Ints, take_rows
from model.component import Component
from model.demand.today import FEATURES
from model.kernels.records import SHIFT_FEATURES, Judged
from model.mixing.pool import CELLS, HOUR_HALF_LIFE_FORECASTS, Cell

_HALF_LIFE_FORECASTS = 72 * 15.0
_RIDGE = 30.0
_CITY_ISSUES = 12.0
"""Issues of an hour that the city's evidence of all hours is worth to it: those of four days."""

_STATION_FORECASTS = 100.0
"""Settled forecasts that "the shift is right" is worth at a station."""


class Shift(Component):
    """What the shift has learnt, by horizon.

    `normal` `(H, F, F)` and `moment` `(H, F)` are the city's normal equations, and `truths` `(H,)` counts
    what went into them. `hourly_normal` and `hourly_moment` `(day types, 24, H, …)` are the same of each hour
    of issue. `agreed` `(H, S)` sums how far the shifts agreed with the errors, `moved` their squares.
    """

    ARRAYS = ("normal", "moment", "truths", "hourly_normal", "hourly_moment", "agreed", "moved")
    KEYS = ("minutes", "features")

    def __init__(self, size: int, minutes: Sequence[int]) -> None:
        self.minutes = tuple(minutes)
        self.features = ("change", *FEATURES)
        self.normal = np.zeros((len(self.minutes), SHIFT_FEATURES, SHIFT_FEATURES))
        self.moment = np.zeros(self.normal.shape[:2])
        self.truths = np.zeros(len(self.minutes))
        self.hourly_normal = np.zeros((*CELLS, *self.normal.shape), dtype=np.float32)
        self.hourly_moment = np.zeros((*CELLS, *self.moment.shape), dtype=np.float32)
        self.agreed = np.zeros((len(self.minutes), size), dtype=np.float32)
        self.moved = np.zeros_like(self.agreed)

    def reorder(self, rows: Ints) -> None:
        """Reorder the stations; -1 in `rows` stands for a new one."""
        for name in ("agreed", "moved"):
            setattr(self, name, take_rows(getattr(self, name), rows, 0))

    def learn(self, minutes: int, rows: Ints, judged: Judged, issued_in: Cell) -> None:
        """Learn from a settled forecast of the stations `rows`; one beyond `minutes` teaches nothing.

        `issued_in` are the day type and the hour of its issue.
        """
        if minutes not in self.minutes:
            return
        index = self.minutes.index(minutes)
        fade = 0.5 ** (1 / _HALF_LIFE_FORECASTS)
        for table in (self.normal, self.moment, self.agreed, self.moved, self.truths):
            table[index] *= table.dtype.type(fade)
        self.normal[index] += judged.normal
        self.moment[index] += judged.moment
        hourly_normal, hourly_moment = self.hourly_normal[issued_in], self.hourly_moment[issued_in]
        for table, learnt in ((hourly_normal, judged.normal), (hourly_moment, judged.moment)):
            table[index] = table[index] * 0.5 ** (1 / HOUR_HALF_LIFE_FORECASTS) + learnt
        self.truths[index] += len(rows)
        self.agreed[index, rows] += judged.agreed.astype(np.float32)
        self.moved[index, rows] += judged.moved.astype(np.float32)

    def coefficients(self, minutes: Sequence[int], hour: Cell) -> Array32:
        """Give the coefficients `(H, F)` of a day type and hour, linear between the learnt horizons.

        There is no shift beyond the last of these.
        """
        ridge = _RIDGE * np.eye(SHIFT_FEATURES)
        city = np.linalg.solve(self.normal + ridge, self.moment[..., None])
        # The hour's coefficients are drawn to the city's, as firmly as so many issues of all hours would.
        worth = _CITY_ISSUES * self.agreed.shape[1] / np.maximum(self.truths, 1)
        toward = worth[:, None, None] * self.normal + ridge
        moment = self.hourly_moment[hour][..., None] + toward @ city
        learnt: Floats = np.linalg.solve(self.hourly_normal[hour] + toward, moment)[..., 0]
        within = np.asarray(minutes)[:, None] <= self.minutes[-1]
        return np.where(within, self._between(learnt, minutes), 0).astype(np.float32)

    def gain(self, minutes: Sequence[int], rows: Ints) -> Array32:
        """Give how much of the shift a station gets, from 0 to 1, `(H, S)`: none where there is no shift."""
        worth = _STATION_FORECASTS * self.moved.sum(axis=1, dtype=np.float64) / np.maximum(self.truths, 1)
        worth = worth[:, None] + 1e-9  # all is right where nothing was shifted
        agreed, moved = (table[:, rows].astype(np.float64) for table in (self.agreed, self.moved))
        gain: Floats = (agreed + worth) / (moved + worth)
        near = np.asarray(minutes) <= self.minutes[-1]
        found = np.zeros((len(minutes), len(rows)), dtype=np.float32)
        found[near] = self._between(gain.clip(0, 1), np.asarray(minutes)[near])
        return found

    def _between(self, learnt: Floats, minutes: Sequence[int] | Ints) -> Floats:
        place = np.interp(minutes, self.minutes, np.arange(len(self.minutes)))
        low = np.floor(place).astype(np.int64)
        after = (place - low)[:, None]
        between: Floats = learnt[low] + after * (learnt[np.minimum(low + 1, len(learnt) - 1)] - learnt[low])
        return between
