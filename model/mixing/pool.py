"""The pool: mixes the experts' distributions, so that each is trusted only as far as it has earned.

The CRPS of a mixture `Σ w_m F_m` is a quadratic form in the weights, `w' G w`, where `G` sums the products of
the experts' errors `F_m − [truth ≤ k]` over truths and counts. So nothing has to be searched or tuned to a
learning rate: `G` is kept by station and horizon as truths come in, and the weights minimise it over the
simplex. A station's own `G` is drawn to its city's, and both to first weights that favour "as now": on quiet
stations, or when habits break, the chain alone is worse than "no change", and the pool is not.

A pooled forecast is pooled when it is issued. Weights as they stand when the truth arrives have already seen
the hours in between, and would make the forecast look better than it was.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from model.arrays import Array32, Bools, Floats, Ints, take_rows
from model.component import Component

_HALF_LIFE_FORECASTS = 72 * 15.0
_CITY_FORECASTS = 150.0
"""Forecasts that the city's evidence is worth to a station."""

_FIRST = 100.0
"""What the first weights are worth to a city, in squared distance of the weights."""

_TIE = 2.0
"""What the city's weights are worth to a station, likewise: it decides between experts that agree."""

_STEPS = 20
_LEAST = 1e-5


class Pool(Component):
    """Weights by horizon, station and expert.

    `first` are the weights `(M,)` to begin with and `able` `(H, M)` tells which experts answer a horizon.
    `gram` is `(H, M, M, S)`, `settled` counts the truths behind it `(H, S)`, `weight` is `(H, M, S)`, and
    `city` the city's weights `(H, M)`.
    """

    ARRAYS = ("gram", "settled", "weight", "city")

    def __init__(self, size: int, minutes: Sequence[int], first: Sequence[float], able: Bools) -> None:
        self.minutes = tuple(minutes)
        self.able = able
        self.first = np.where(able, first, 0.0)
        self.first /= self.first.sum(axis=1, keepdims=True)
        horizons, members = able.shape
        self.gram = np.zeros((horizons, members, members, size), dtype=np.float32)
        self.settled = np.zeros((horizons, size), dtype=np.float32)
        self.weight = np.repeat(self.first[..., None], size, axis=2).astype(np.float32)
        self.city = self.first.copy()

    def take(self, rows: Ints) -> None:
        """Reorder the stations; -1 in `rows` stands for a new one, which starts from the city's weights."""
        new = rows < 0
        for name in ("gram", "settled", "weight"):
            setattr(self, name, take_rows(getattr(self, name), rows, 0))
        self.weight[..., new] = self.city[..., None]

    def learn(self, minutes: int, rows: Ints, error: Array32) -> None:
        """Learn from a settled forecast of the stations `rows`: errors `(M, S, N)` of the able experts."""
        index = self.minutes.index(minutes)
        able = np.flatnonzero(self.able[index])
        fade = np.float32(0.5 ** (1 / _HALF_LIFE_FORECASTS))
        self.gram[index] *= fade
        self.settled[index] *= fade
        by_station = error.transpose(1, 0, 2)
        products = by_station @ by_station.transpose(0, 2, 1)
        here = np.ix_(able, able, rows)
        self.gram[index][here] += products.transpose(1, 2, 0)
        self.settled[index, rows] += 1
        self._solve(index, able)
        # Of longer horizons nothing may be known yet: until then, what holds for this one is the best guess.
        for later in range(index + 1, len(self.minutes)):
            if self.settled[later].any():
                break
            able = self.able[later]
            for mine in (self.city, self.weight):
                mine[later] = 0
                mine[later, able] = mine[index, able] / mine[index, able].sum(axis=0)

    def _solve(self, index: int, able: Ints) -> None:
        gram = self.gram[index][np.ix_(able, able)].astype(np.float64)
        truths = float(self.settled[index].sum(dtype=np.float64))
        total = gram.sum(axis=2)
        eye = np.eye(len(able))
        pull = _FIRST * self.first[index, able]
        city = _minimise((total + _FIRST * eye)[None], pull[None], self.city[None, index, able])[0]
        city_share = _CITY_FORECASTS * min(1.0, truths / 200) / max(truths, 1.0)
        own = gram.transpose(2, 0, 1) + city_share * total + _TIE * eye
        weight = _minimise(own, np.broadcast_to(_TIE * city, own.shape[:2]), self.weight[index, able].T)
        self.city[index, able] = city
        self.weight[index, able] = weight.T

    def weights(self, minutes: Sequence[int], rows: Ints) -> Array32:
        """Give the weights `(H, M, S)`; between the learnt horizons they run straight.

        Beyond the reach of the near experts they are those of the first horizon that does without them.
        """
        learnt = np.array(self.minutes)
        whole = self.able.all(axis=1)
        near = int(learnt[whole].max())
        place = np.interp(minutes, learnt, np.arange(len(learnt)))
        beyond = np.asarray(minutes) > near
        place = np.where(beyond, np.maximum(place, int(whole.sum())), place)
        low = np.floor(place).astype(np.int64)
        high = np.minimum(low + 1, len(learnt) - 1)
        share = (place - low).astype(np.float32)[:, None, None]
        weight = self.weight[..., rows]
        mixed: Array32 = (1 - share) * weight[low] + share * weight[high]
        return mixed


def _minimise(gram: Floats, pull: Floats, start: Floats) -> Floats:
    """Minimise `w' G w − 2 pull' w` over the simplex, for many problems at once, from `start`.

    Exponentiated gradient steps, scaled by the largest entry of `G`; each solve goes on where the last ended.
    """
    scale = np.maximum(np.abs(gram).max(axis=(1, 2)), 1e-9)[:, None]
    weight = start.astype(np.float64)
    for _ in range(_STEPS):
        slope = (gram @ weight[..., None])[..., 0] - pull
        slope -= (slope * weight).sum(axis=1, keepdims=True)
        weight = np.maximum(weight * np.exp(-np.clip(2 * slope / scale, -3, 3)), _LEAST)
        weight /= weight.sum(axis=1, keepdims=True)
    return weight
