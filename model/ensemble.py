"""The ensemble: the experts, the pool that mixes their odds, and the guard that corrects the mixture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from model.arrays import Array32, Bools, Ints
from model.experts.expert import DAY_MINUTES, Now, as_now
from model.experts.registry import ExpertInputs, answers, build_experts
from model.mixing import guard
from model.mixing.guard import Guard
from model.mixing.pool import Pool
from model.present import Present


class Ensemble:
    """The experts with their `pool` and `guard`, which learn at the scored `minutes`."""

    def __init__(self, size: int, minutes: tuple[int, ...], inputs: ExpertInputs) -> None:
        self.experts = build_experts(inputs)
        self.pool = Pool(
            size,
            minutes,
            [expert.name for expert in self.experts],
            [expert.reach for expert in self.experts],
            [expert.first_weight for expert in self.experts],
        )
        self.guard = Guard(size, minutes)

    def odds(self, present: Present, rows: Ints, age: Ints, minutes: Ints) -> Array32:
        """Forecast stations whose counts are `age` `(S,)` minutes old, for rising minutes, `(H, S, N)`."""
        ages = np.unique(age).tolist()
        if len(ages) <= 1:
            minutes_old = ages[0] if ages else 0
            now = present.now(rows, minutes_old)
            wanted = np.minimum(minutes + minutes_old, DAY_MINUTES).tolist()
            held = self.held(present, wanted, rows)
            cdf = self.pooled(now, wanted, answers(self.experts, now, wanted), held)
            if not minutes_old:
                cdf[minutes == 0] = as_now(now)
            return cdf
        size = int(present.places[rows].max(initial=0)) + 1
        mixed = np.ones((len(minutes), size, len(rows)), dtype=np.float32).swapaxes(1, 2)
        for minutes_old in ages:
            group = np.flatnonzero(age == minutes_old)
            cdf = self.odds(present, rows[group], age[group], minutes)
            mixed[:, group, : cdf.shape[2]] = cdf
        return mixed

    def held(self, present: Present, minutes: Sequence[int], rows: Ints) -> Bools:
        """Tell where the median is held at "as now", `(H, S)`: everywhere in a city's first day."""
        if present.first_day:
            return np.ones((len(minutes), len(rows)), dtype=np.bool_)
        return self.guard.held(minutes, rows)

    def pooled(self, now: Now, minutes: Sequence[int], odds: Sequence[Array32], held: Bools) -> Array32:
        """Mix the experts' odds for rising minutes and let the guard correct them, `(H, S, N)`.

        `odds` has an array for each of the first experts that answer; those that do not reach `minutes` end
        before.
        """
        weights = self.pool.weights(minutes, now.rows)
        weights /= weights.sum(axis=1, keepdims=True)
        pooled = np.zeros((len(minutes), len(now.counts), len(now.rows)), dtype=np.float32).swapaxes(1, 2)
        for index, each in enumerate(odds):
            pooled[: len(each)] += each * weights[: len(each), index, :, None]
        pooled = guard.apply(pooled, self.guard.curves(minutes), held, now.bikes)
        pooled[:, now.counts >= now.places[:, None]] = 1
        return pooled


def mirror(cdf: Array32, places: Ints) -> Array32:
    """Turn P(bikes ≤ k) into P(docks ≤ k): k docks or fewer are `places` − k bikes or more."""
    below = places - 1 - np.arange(cdf.shape[-1])[:, None]
    at = np.maximum(below, 0) * len(places) + np.arange(len(places))
    docks = np.take(cdf.swapaxes(1, 2).reshape(len(cdf), -1), at, axis=1)
    np.subtract(1, docks, out=docks)
    docks[:, below < 0] = 1
    mirrored: Array32 = docks.swapaxes(1, 2)
    return mirrored
