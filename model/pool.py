"""The guard: pools the chain with "as now", so that it is trusted only as far as it has earned.

On quiet stations, or when habits break, the chain alone is worse than "no change". The pooled distribution
is `w · chain + (1 − w) · now`. Its CRPS is a parabola in `w`, so the best weight in hindsight is a ratio of
two sums that are kept as truths come in, a station's own drawn to its city's: least squares, no search.

A pooled forecast is pooled when it is issued. Weights as they stand when the truth arrives have already seen
the hours in between, and would make the forecast look better than it was.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from model.records import Floats, Ints

_HALF_LIFE_FORECASTS = 6 * 24 * 10.0
"""Forecasts a station after which an old truth counts half: ten days of one every ten minutes."""

_FIRST_WEIGHT = 0.5
_CITY_PRIOR = 5.0
_STATION_PRIOR = 20.0
"""What the city's weight is worth to a station, in squared distance of chain and now."""


class Pool:
    """Weights of the chain by horizon and station, learnt from delayed truth.

    `agree` and `apart` are of shape `(H, S)` for the horizons `minutes`: the sums over settled forecasts of
    `(chain − now)(truth − now)` and `(chain − now)²`, all as cumulative distributions.
    """

    def __init__(self, minutes: Sequence[int], size: int) -> None:
        self.minutes = tuple(minutes)
        self.agree = np.zeros((len(self.minutes), size))
        self.apart = np.zeros((len(self.minutes), size))

    def take(self, rows: Ints) -> None:
        """Reorder the stations; -1 in `rows` stands for a new one."""
        for name in ("agree", "apart"):
            old = getattr(self, name)
            new = np.zeros((len(self.minutes), len(rows)))
            new[:, rows >= 0] = old[:, rows[rows >= 0]]
            setattr(self, name, new)

    def learn(self, minutes: int, rows: Ints, chain: Floats, now: Floats, truth: Floats) -> None:
        """Learn from a settled forecast of the stations `rows`: three cumulative distributions `(S, N)`."""
        index = self.minutes.index(minutes)
        keep = 0.5 ** (1 / _HALF_LIFE_FORECASTS)
        apart = chain - now
        self.agree[index, rows] = keep * self.agree[index, rows] + (apart * (truth - now)).sum(axis=1)
        self.apart[index, rows] = keep * self.apart[index, rows] + (apart**2).sum(axis=1)

    def weights(self, minutes: Sequence[int]) -> Floats:
        """Give the chain's weights, `(H, S)` between 0 and 1, straight between the learnt horizons."""
        city_agree, city_apart = self.agree.sum(axis=1), self.apart.sum(axis=1)
        city = np.clip((city_agree + _CITY_PRIOR * _FIRST_WEIGHT) / (city_apart + _CITY_PRIOR), 0, 1)
        learnt = (self.agree + _STATION_PRIOR * city[:, None]) / (self.apart + _STATION_PRIOR)
        learnt = np.clip(learnt, 0, 1)
        place = np.interp(minutes, self.minutes, np.arange(len(self.minutes)))
        low = np.floor(place).astype(np.int64)
        high = np.minimum(low + 1, len(self.minutes) - 1)
        share = (place - low)[:, None]
        weights: Floats = (1 - share) * learnt[low] + share * learnt[high]
        return weights
