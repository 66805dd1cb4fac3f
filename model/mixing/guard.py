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
from model.kernels.records import Judged

_HALF_LIFE_FORECASTS = 72 * 15.0
_SPREAD_HALF_LIFE_FORECASTS = 72 * 2.0
_PRIOR_FORECASTS = 1000.0
"""Settled forecasts of stations that "the spread is right" is worth."""

_CITY_FORECASTS = 20.0
"""Settled forecasts that the city's gain is worth to a station."""

_HEAD_START = 10.0
"""The lead of "as now", in forecasts as bad as naive's usual error.

With three, 4 % of Chicago's stations were worse than naive at two hours, with ten 2 %, at 0.03 points of MAE.
"""


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

    def learn(self, minutes: int, rows: Ints, judged: Judged, then: Ints, truth: Ints) -> None:
        """Learn from a settled forecast: the pooled distributions as they were before the guard."""
        index = int(np.flatnonzero(self.minutes == minutes)[0])
        fade = 0.5 ** (1 / _HALF_LIFE_FORECASTS)
        for table in (self.lost, self.naive, self.settled):
            table[index] *= fade
        naive = np.abs(then - truth)
        self.lost[index, rows] += np.abs(judged.median - truth) - naive
        self.naive[index, rows] += naive
        self.settled[index, rows] += 1
        forget = 1 - 0.5 ** (1 / _SPREAD_HALF_LIFE_FORECASTS)
        self.tenths[index] += forget * (_PRIOR_FORECASTS / 10 - self.tenths[index])
        self.tenths[index] += judged.pooled_tenths

    def curves(self, minutes: Sequence[int]) -> Floats:
        """Give the curves that stretch the pooled probability, at each tenth of it, `(H, 11)` from 0 to 1."""
        share = self.tenths / self.tenths.sum(axis=1, keepdims=True)
        share = (share + share[:, ::-1]) / 2
        curves = np.zeros((len(share), 11))
        curves[:, 1:] = np.cumsum(share, axis=1)
        curves[:, -1] = 1
        return curves[self._nearest(minutes)]

    def tenth_lines(self, minutes: Sequence[int]) -> tuple[Array32, Array32]:
        """Give the curves as lines, straight in each tenth: where they begin and how they rise, `(H, 10)`."""
        return tenth_lines(self.curves(minutes))

    def held(self, minutes: Sequence[int], rows: Ints) -> Bools:
        """Tell where the median must stay at "as now", `(H, S)`."""
        truths = np.maximum(self.settled.sum(axis=1), 1)
        lost, naive = (table.sum(axis=1) / truths for table in (self.lost, self.naive))
        usual = naive[:, None] + 1e-3
        balance = self.lost + _CITY_FORECASTS * lost[:, None] + _HEAD_START * usual
        held: Bools = balance[self._nearest(minutes)].take(rows, axis=1) >= 0
        return held

    def _nearest(self, minutes: Sequence[int]) -> Ints:
        nearest: Ints = np.abs(self.minutes - np.asarray(minutes)[:, None]).argmin(axis=1)
        return nearest


def tenth_lines(curves: Floats) -> tuple[Array32, Array32]:
    """Give curves `(…, 11)` as lines, straight in each tenth: where they begin and how they rise, `(…, 10)`.

    The line at a probability `F` is `begin + rise × 10 F`.
    """
    rise = np.diff(curves)
    begin = curves[..., :-1] - rise * np.arange(10)
    return begin.astype(np.float32), rise.astype(np.float32)
