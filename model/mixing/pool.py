"""The pool: mixes the experts' distributions, and trusts each expert only as far as it has earned.

The CRPS of a mixture `Σ w_m F_m` is a quadratic form in the weights, `w' G w`. `G` sums the products of the
experts' errors `F_m − [truth ≤ k]` over truths and counts. So there is no search and no learning rate: the
pool keeps `G` by station and horizon as truths arrive, and the weights minimise it over the simplex. A
station's own `G` is drawn to its city's, and both to first weights that favour "as now": on quiet stations,
or when habits break, the chain alone is worse than "no change", and the pool is not. Which expert is right
also depends on the hour: the city's `G` of the present hour and kind of day counts too.

A forecast is pooled when it is issued. The weights of its target time have already seen the hours in between
and would make the forecast look better than it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model import kernels
from model.arrays import Array32, Bools, Floats, Ints, take_rows
from model.component import Component

Cell = tuple[int, int]
"""A day type and an hour of the day."""

_HALF_LIFE_FORECASTS = 72 * 15.0
_CITY_FORECASTS = 150.0
"""Settled forecasts that the city's evidence is worth to a station."""

_HOUR_FORECASTS = 600.0
"""Settled forecasts that the city's evidence of one hour of the day is worth."""

CELLS = (2, 24)
"""Day types, and hours of the day."""

HOUR_HALF_LIFE_FORECASTS = 3 * 15.0
"""An hour has three issues a day."""

_FEW_ISSUES, _ENOUGH_ISSUES = 3.0, 12.0
"""An hour's evidence counts from more than so many issues on, since one day may be odd, and fully later."""

_FIRST = 100.0
"""How strongly the first weights draw a city's weights, by their squared distance."""

_TIE = 2.0
"""How strongly the city's weights draw a station's, likewise: this decides between experts that agree."""

_STEPS = 20
_LEAST = 1e-5


class Pool(Component):
    """Weights by horizon, station and expert.

    `experts` are names `(M,)`, `reach` how many minutes each of them answers, and `first` the weights `(M,)`
    to begin with. `able` `(H, M)` tells which experts answer a horizon. `gram` `(H, P, S)` has `G` once for
    each of the P pairs of experts: `pair` `(M, M)` gives the position of a pair, in either order. `settled`
    counts the truths behind it `(H, S)`, `weight` is `(H, M, S)`, and `city` the city's weights `(H, M)`.
    `hourly` `(day types, 24, H, P)` is the city's `G` by hour of issue, `hourly_settled` counts its truths.

    The state is keyed by the experts' names. An expert without evidence stands as the mix of the others:
    as right as the pool has been, so that its weight stays near its first weight until it has evidence.
    """

    ARRAYS = ("gram", "settled", "weight", "city", "hourly", "hourly_settled")
    KEYS = ("minutes", "experts", "reach")

    def __init__(
        self,
        size: int,
        minutes: Sequence[int],
        experts: Sequence[str],
        reach: Sequence[int],
        first: Sequence[float],
    ) -> None:
        self.minutes = tuple(minutes)
        self.experts = tuple(experts)
        self.reach = tuple(reach)
        self.able: Bools = np.array(self.reach) >= np.array(self.minutes)[:, None]
        self.first = np.where(self.able, first, 0.0)
        self.first /= self.first.sum(axis=1, keepdims=True)
        horizons, members = self.able.shape
        self.pair = pairs(members)
        self.gram = np.zeros((horizons, int(self.pair.max()) + 1, size), dtype=np.float32)
        self.settled = np.zeros((horizons, size), dtype=np.float32)
        self.weight = np.repeat(self.first[..., None], size, axis=2).astype(np.float32)
        self.city = self.first.copy()
        self.hourly = np.zeros((*CELLS, *self.gram.shape[:2]), dtype=np.float32)
        self.hourly_settled = np.zeros(self.hourly.shape[:3], dtype=np.float32)

    def reorder(self, rows: Ints) -> None:
        """Reorder the stations; -1 in `rows` stands for a new one, which starts from the city's weights."""
        new = rows < 0
        for name in ("gram", "settled", "weight"):
            setattr(self, name, take_rows(getattr(self, name), rows, 0))
        self.weight[..., new] = self.city[..., None]

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `arrays` and `keys` gave, or adapt the state of a pool of other experts by name.

        An expert that the state lacks starts from its first weight; one that has left gives its weight to the
        others. Raises what `Component.restore` raises.
        """
        experts, reach = arrays["experts"].tolist(), arrays["reach"].tolist()
        if (experts, reach) == (list(self.experts), list(self.reach)):
            super().restore(arrays)
            return
        if len(set(experts)) != len(experts) or len(experts) != len(reach):
            raise ValueError(f"Pool.experts are {experts} with the reaches {reach}: name each once")
        other = Pool(self.settled.shape[1], self.minutes, experts, reach, np.ones(len(experts)).tolist())
        other.restore(arrays)
        self._adapt(other)

    def _adapt(self, other: Pool) -> None:
        place = {name: index for index, name in enumerate(other.experts)}
        places = np.array([place.get(name, -1) for name in self.experts])
        self.settled = other.settled
        for index in range(len(self.minutes)):
            able = np.flatnonzero(self.able[index])
            known = (places[able] >= 0) & other.able[index, places[able]]
            if not known.any():
                self.settled[index] = 0
                continue
            kept, first = places[able[known]], self.first[index, able[~known]]
            for weights, before in (
                (self.city[index], other.city[index]),
                (self.weight[index], other.weight[index]),
            ):
                share = before[kept] / before[kept].sum(axis=0)
                weights[able[known]] = share * (1 - first.sum())
                weights[able[~known]] = first.reshape(-1, *(1,) * (weights.ndim - 1))
            matrix = _stand_in(self.weight[index, able], known)
            gram = other.products(index, kept).transpose(2, 0, 1)
            self._add(index, able, np.arange(len(matrix)), matrix @ gram @ matrix.transpose(0, 2, 1))

    def learn(
        self, minutes: int, rows: Ints, experts: Sequence[str], gram: Array32, issued_in: Cell, now: Cell
    ) -> None:
        """Learn from a settled forecast of the stations `rows`; the weights become those for `now`.

        `gram` `(S, M, M)` are the products of the errors of the named experts, summed over counts. A forecast
        that other experts issued teaches what it can: it may be as old as its horizon is long. `issued_in`
        and `now` are day types and hours, of the issue and of the present.
        """
        index = self.minutes.index(minutes)
        able = np.flatnonzero(self.able[index])
        products = self._of_the_able(index, rows, experts, gram)
        if products is None:
            return
        fade = np.float32(0.5 ** (1 / _HALF_LIFE_FORECASTS))
        self.gram[index] *= fade
        self.settled[index] *= fade
        self._add(index, able, rows, products)
        self.settled[index, rows] += 1
        self._add_to_hour(index, able, issued_in, products)
        self._solve(index, able, now)
        # A longer horizon may have no truth yet: until it has, this one's weights are the best guess.
        for later in range(index + 1, len(self.minutes)):
            if self.settled[later].any():
                break
            able = self.able[later]
            for weights in (self.city, self.weight):
                weights[later] = 0
                weights[later, able] = weights[index, able] / weights[index, able].sum(axis=0)

    def _add(self, index: int, able: Ints, rows: Ints, products: NDArray[Any]) -> None:
        """Add products `(S, A, A)` of the able experts' errors at some stations, each pair once."""
        one, other = _each_pair(len(able))
        here = np.ix_(self.pair[able[one], able[other]], rows)
        self.gram[index][here] += products[:, one, other].T

    def _add_to_hour(self, index: int, able: Ints, hour: Cell, products: Array32) -> None:
        fade = np.float32(0.5 ** (1 / HOUR_HALF_LIFE_FORECASTS))
        gram, settled = self.hourly[hour][index], self.hourly_settled[hour]
        gram *= fade
        settled[index] *= fade
        one, other = _each_pair(len(able))
        gram[self.pair[able[one], able[other]]] += products.sum(axis=0, dtype=np.float64)[one, other]
        settled[index] += len(products)

    def products(self, index: int, experts: Ints) -> Array32:
        """Give `G` of some experts, by position, at one horizon: `(A, A, S)`."""
        products: Array32 = self.gram[index, self.pair[np.ix_(experts, experts)]]
        return products

    def _of_the_able(self, index: int, rows: Ints, experts: Sequence[str], gram: Array32) -> Array32 | None:
        """Give the products of this pool's able experts, `(S, M, M)`; None where it has none of `experts`."""
        able = np.flatnonzero(self.able[index])
        names = [self.experts[place] for place in able]
        if names == list(experts):
            return gram
        known = np.array([name in experts for name in names])
        if not known.any():
            return None
        kept = [list(experts).index(name) for name in names if name in experts]
        matrix = _stand_in(self.weight[index][np.ix_(able, rows)], known)
        completed: Floats = matrix @ gram[:, kept][:, :, kept] @ matrix.transpose(0, 2, 1)
        return completed.astype(np.float32)

    def _solve(self, index: int, able: Ints, hour: Cell) -> None:
        gram = self.products(index, able).astype(np.float64)
        truths = float(self.settled[index].sum(dtype=np.float64))
        total = gram.sum(axis=2)
        eye = np.eye(len(able))
        toward = _FIRST * self.first[index, able]
        city = self.city[index, able]
        kernels.minimise((total + _FIRST * eye)[None], toward[None], city[None], _STEPS, _LEAST)
        city_share = _CITY_FORECASTS * min(1.0, truths / 200) / max(truths, 1.0)
        of_hour = self.hourly[hour][index, self.pair[np.ix_(able, able)]].astype(np.float64)
        in_hour = float(self.hourly_settled[hour][index])
        faded_in = (in_hour / gram.shape[2] - _FEW_ISSUES) / (_ENOUGH_ISSUES - _FEW_ISSUES)
        of_hour *= _HOUR_FORECASTS * min(max(faded_in, 0.0), 1.0) / max(in_hour, 1.0)
        own = gram.transpose(2, 0, 1) + city_share * total + of_hour + _TIE * eye
        weight: Floats = self.weight[index, able].T.astype(np.float64, order="C")
        kernels.minimise(own, np.broadcast_to(_TIE * city, weight.shape).copy(), weight, _STEPS, _LEAST)
        self.city[index, able] = city
        self.weight[index, able] = weight.T

    def weights(self, minutes: Sequence[int], rows: Ints) -> Array32:
        """Give the weights `(H, M, S)`, interpolated linearly between the learnt horizons."""
        low, high, share = self.between(minutes)
        weight, after = self.weight[..., rows], share[:, None, None]
        mixed: Array32 = (1 - after) * weight[low] + after * weight[high]
        return mixed

    def between(self, minutes: Sequence[int]) -> tuple[Ints, Ints, Array32]:
        """Give the learnt horizons before and after each of `minutes`, and the share of the later, `(H,)`.

        Where experts end between two horizons, the weights are those of the longer one, which does without.
        """
        learnt = np.array(self.minutes)
        place = np.interp(minutes, learnt, np.arange(len(learnt)))
        low = np.floor(place).astype(np.int64)
        high = np.minimum(low + 1, len(learnt) - 1)
        ends = (self.able[low] != self.able[high]).any(axis=1)
        share = np.where(ends, np.ceil(place - low), place - low).astype(np.float32)
        return low, high, share


def pairs(members: int) -> Ints:
    """Give each pair of members a position, the same in either order, `(M, M)`.

    >>> pairs(3).tolist()
    [[0, 1, 2], [1, 3, 4], [2, 4, 5]]
    """
    pair = np.zeros((members, members), dtype=np.int64)
    one, other = _each_pair(members)
    pair[one, other] = pair[other, one] = np.arange(len(one))
    return pair


@cache
def _each_pair(members: int) -> tuple[Ints, Ints]:
    """Give the members of each pair, those with itself included, `(P,)` each."""
    return np.triu_indices(members)


def _stand_in(weight: Array32, known: Bools) -> Floats:
    """Give matrices `(S, M, K)` that express M experts of weights `(M, S)` by the K of them that are known.

    The others stand as the mix of the known.
    """
    share = weight[known].T.astype(np.float64)
    share /= share.sum(axis=1, keepdims=True)
    matrix = np.zeros((weight.shape[1], len(known), share.shape[1]))
    matrix[:, known] = np.eye(share.shape[1])
    matrix[:, ~known] = share[:, None]
    return matrix
