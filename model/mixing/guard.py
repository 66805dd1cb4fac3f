"""The guard: corrects the pool's spread, and holds its median at "as now" until it has earned to leave.

The pool minimises CRPS, a distance of whole distributions. That leaves two faults that people would notice.
The spread may be off. The share of truths in each tenth of the forecast distributions shows by how much. The
guard stretches the distribution by that, alike on both sides, so that its median stays. And the median may be
worse than "no change" while the odds are better, on quiet stations or in a city's first days. Where it has
not been better so far, the guard puts just enough mass on the count of now for the median to stay there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from model.arrays import Array32, Bools, Floats, Ints, take_rows
from model.component import Component
from model.records import median

_HALF_LIFE_FORECASTS = 72 * 15.0
_SPREAD_HALF_LIFE_FORECASTS = 72 * 3.0
_TENTHS = np.linspace(0, 1, 11)
_NARROWEST = 1e-9
_PRIOR_FORECASTS = 1000.0
"""Settled forecasts of stations that "the spread is right" is worth."""

_CITY_FORECASTS = 20.0
"""Settled forecasts that the city's gain is worth to a station."""

_HEAD_START = 3.0
"""The lead of "as now" at first, in forecasts as bad as naive's usual error."""


class Guard(Component):
    """How the pool's forecasts turned out, by horizon.

    `tenths` `(H, 10)` counts truths by tenth of the pooled distribution. `lost` `(H, S)` sums the absolute
    error of the pool's median less naive's, `naive` sums naive's error, and `settled` counts the truths.
    """

    ARRAYS = ("tenths", "lost", "naive", "settled")
    KEYS = ("minutes",)

    def __init__(self, size: int, minutes: Sequence[int]) -> None:
        self.minutes = np.array(minutes)
        self.tenths = np.full((len(self.minutes), 10), _PRIOR_FORECASTS / 10)
        self.lost = np.zeros((len(self.minutes), size))
        self.naive = np.zeros_like(self.lost)
        self.settled = np.zeros_like(self.lost)

    def reorder(self, rows: Ints) -> None:
        """Reorder the stations; -1 in `rows` stands for a new one."""
        for name in ("lost", "naive", "settled"):
            setattr(self, name, take_rows(getattr(self, name), rows, 0))

    def learn(self, minutes: int, rows: Ints, pooled: Array32, then: Ints, truth: Ints) -> None:
        """Learn from a settled forecast: the pooled distributions `(S, N)` as they were before the guard."""
        index = int(np.flatnonzero(self.minutes == minutes)[0])
        fade = 0.5 ** (1 / _HALF_LIFE_FORECASTS)
        for table in (self.lost, self.naive, self.settled):
            table[index] *= fade
        naive = np.abs(then - truth)
        self.lost[index, rows] += np.abs(median(pooled) - truth) - naive
        self.naive[index, rows] += naive
        self.settled[index, rows] += 1
        forget = 1 - 0.5 ** (1 / _SPREAD_HALF_LIFE_FORECASTS)
        self.tenths[index] += forget * (_PRIOR_FORECASTS / 10 - self.tenths[index])
        self.tenths[index] += transform(pooled, truth).sum(axis=0)

    def curves(self, minutes: Sequence[int]) -> Floats:
        """Give the curves that stretch the pooled probability, at each tenth of it, `(H, 11)` from 0 to 1."""
        share = self.tenths / self.tenths.sum(axis=1, keepdims=True)
        share = (share + share[:, ::-1]) / 2
        curves = np.zeros((len(share), 11))
        curves[:, 1:] = np.cumsum(share, axis=1)
        curves[:, -1] = 1
        return curves[self._nearest(minutes)]

    def held(self, minutes: Sequence[int], rows: Ints) -> Bools:
        """Tell where the median must stay at "as now", `(H, S)`."""
        truths = np.maximum(self.settled.sum(axis=1), 1)
        lost, naive = (table.sum(axis=1) / truths for table in (self.lost, self.naive))
        usual = naive[:, None] + 1e-3
        balance = self.lost + _CITY_FORECASTS * lost[:, None] + _HEAD_START * usual
        held: Bools = balance[self._nearest(minutes)][:, rows] >= 0
        return held

    def _nearest(self, minutes: Sequence[int]) -> Ints:
        nearest: Ints = np.abs(self.minutes - np.asarray(minutes)[:, None]).argmin(axis=1)
        return nearest


def transform(cdf: Array32, truth: Ints) -> Floats:
    """Spread each truth evenly over the tenths between F(truth − 1) and F(truth), `(S, 10)` [1]_.

    Where the two are equal, the truth counts in the tenth where they lie: odds that were rounded to 255ths
    say 0 of some counts that come.

    >>> transform(np.array([[0.0, 0.25, 0.25, 1.0]] * 2, dtype=np.float32), np.array([2, 0])).argmax(axis=1)
    array([2, 0])

    References
    ----------
    .. [1] C. Czado, T. Gneiting, L. Held, Predictive model assessment for count data, Biometrics 2009.
    """
    last = cdf.shape[1] - 1
    upper, lower = (
        np.take_along_axis(cdf, np.clip(truth - less, 0, last)[:, None], axis=1).astype(np.float64)
        for less in (0, 1)
    )
    lower[truth <= 0] = 0
    upper = np.maximum(upper, _NARROWEST)
    lower = np.minimum(lower, upper - _NARROWEST)
    inside = np.minimum(upper, _TENTHS[1:]) - np.maximum(lower, _TENTHS[:-1])
    return np.clip(inside / (upper - lower), 0, 1)


def apply(pooled: Array32, curve: Floats, held: Bools, bikes: Ints) -> Array32:
    """Stretch distributions `(…, S, N)` by curves `(…, 11)`, and hold the median at `bikes` where `held`."""
    cdf = _stretch(pooled.swapaxes(-1, -2), curve)
    count, station = np.arange(cdf.shape[-2])[:, None], np.arange(len(bikes))
    at, below = (cdf[..., np.maximum(bikes - less, 0), station] for less in (0, 1))
    below = np.where(bikes > 0, below, np.float32(0))
    # Mass `a` on "as now" turns P(≤ bikes) into at + a(1 − at) and P(< bikes) into (1 − a)·below.
    low = np.where(at < 0.5, (0.5 - at) / np.maximum(1 - at, 1e-6), 0)
    high = np.where(below >= 0.5 - 2e-5, 1 - (0.5 - 2e-5) / np.maximum(below, 0.1), 0)
    mass = np.where(held, np.clip(np.maximum(low, high), 0, 1), 0).astype(np.float32)[..., None, :]
    cdf *= 1 - mass
    cdf += mass * (bikes <= count)
    return cdf.swapaxes(-1, -2)


def _stretch(cdf: Array32, curve: Floats) -> Array32:
    """Map probabilities `(…, N, S)` by curves through eleven points `(…, 11)`, as `np.interp` would."""
    rise = np.diff(curve)
    begin = curve[..., :-1] - rise * np.arange(10)
    tenths: Array32 = cdf * np.float32(10)
    which = np.minimum(tenths, np.float32(9)).astype(np.intp)
    which += 10 * np.arange(curve.size // 11).reshape(*curve.shape[:-1], 1, 1)
    tenths *= np.take(rise.astype(np.float32), which)
    tenths += np.take(begin.astype(np.float32), which)
    np.minimum(tenths, np.float32(1), out=tenths)
    return tenths
