"""Judge issued forecasts when their target time comes.

A forecast is judged with the weights and the guard of its issue time. A later state has seen the hours in
between and would flatter it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from model.arrays import Array32, Floats, Ints
from model.mixing import guard
from model.records import median
from model.scoring.issue import Pending

_CENTRE_WEIGHT = 4.0
"""How much more an expert's error counts to the pool where the pooled distribution is near a half.

People see the median first: in Boulder it gains 0.15 % at 30 minutes, for as much of the CRPS.
"""

BINS = 10
"""Bins of the probability integral transform, and of the stated odds."""


@dataclass(frozen=True)
class Score:
    """How right one model's forecast was at one horizon, once its truth was in: arrays over stations.

    `rows` `(n,)` are the judged stations. Each has the `abs_error` of the median, the `squared_error` of the
    mean, the CRPS [1]_ in bikes, and the Brier scores of "at least one bike" and "at least one dock"; the
    last is not a number where docks are unknown. `expired` counts the stations whose truth never arrived.
    `tenths` `(10,)` is the non-randomised probability integral transform [2]_. `asked`, `stated` and `came`
    `(2, 10)` are sums by tenth of the odds of a bike and of a dock: the forecasts, their odds, and how many
    came true.

    References
    ----------
    .. [1] T. Gneiting, A. E. Raftery, Strictly proper scoring rules, prediction, and estimation, JASA 2007.
    .. [2] C. Czado, T. Gneiting, L. Held, Predictive model assessment for count data, Biometrics 2009.
    """

    target_at: datetime
    model: str
    minutes: int
    expired: int
    rows: Ints
    abs_error: Floats
    squared_error: Floats
    crps: Floats
    brier_bike: Floats
    brier_dock: Floats
    tenths: Floats
    asked: Floats
    stated: Floats
    came: Floats

    @property
    def n(self) -> int:
        """How many stations were judged."""
        return len(self.rows)

    def row(self) -> dict[str, Any]:
        """Give the sums over the stations.

        `n_dock` of the `n` have known docks, too. `covered` is the mass of the transform between 0.1 and 0.9:
        80 % of `n` where the spread is right.
        """
        sums = {name: float(np.nansum(getattr(self, name))) for name in STATION_SCORES}
        return {
            "target_at": self.target_at,
            "model": self.model,
            "minutes": self.minutes,
            "n": self.n,
            "n_dock": int((~np.isnan(self.brier_dock)).sum()),
            "expired": self.expired,
            "covered": float(self.tenths[1:9].sum()),
        } | sums


STATION_SCORES = ("abs_error", "squared_error", "crps", "brier_bike", "brier_dock")
"""The fields of a `Score` that have a value for each station."""


def mix(odds: Array32, weight: Array32) -> Array32:
    """Pool distributions `(M, S, N)` by weights `(M, S)`, to `(S, N)`."""
    # Divided by the sum of the weights, or rounding would leave the distribution's end off 1.
    mixed = np.einsum("msn,ms->sn", odds, weight) / weight.sum(axis=0)[:, None]
    return np.asarray(np.minimum(mixed, np.float32(1)), dtype=np.float32)


@dataclass(frozen=True)
class Settled:
    """A judged forecast: what the pool and the guard learn from, and one score for each model.

    `rows` `(S,)` are the stations that could be judged. `errors` `(M, S, N)` are the experts', weighted, and
    `pooled` `(S, N)` are the pool's distributions before the guard. The pool's score is the last.
    """

    rows: Ints
    errors: Array32
    pooled: Array32
    scores: list[Score]


def settle(pending: Pending, bikes: Ints, docks: Ints) -> Settled:
    """Judge a forecast against the truth `(S,)`. Each bike beyond a distribution's end costs 1.

    The pool's median is the one that people saw. That of rounded odds may lie a bike beside it.
    """
    rows = np.flatnonzero((pending.bikes >= 0) & (bikes >= 0))
    truth = bikes[rows]
    odds = pending.odds(rows)
    came = (truth[:, None] <= np.arange(odds.shape[2])).astype(np.float32)
    pooled = mix(odds, pending.weights(rows))
    final = guard.apply(pooled, pending.curve, pending.held[rows], pending.bikes[rows])
    judged = dict(zip(pending.models, odds, strict=True))
    if pending.seed_bikes is not None:
        judged["seed"] = as_odds(pending.seed_bikes[rows], pending.places[rows], odds.shape[2])
    judged["pool"] = final
    weight = np.where(np.abs(pooled - 0.5) < 0.25, np.float32(_CENTRE_WEIGHT), np.float32(1))
    errors = (odds - came) * np.sqrt(weight)
    return Settled(rows, errors, pooled, _scores(pending, rows, judged, truth, docks[rows], bikes))


def as_odds(predicted: Floats, places: Ints, size: int) -> Array32:
    """Turn predicted numbers of bikes into distributions, `(S, N)`, over the whole numbers beside them.

    The mean of each is the prediction, clipped to the station's places.
    """
    mean = np.clip(np.nan_to_num(predicted), 0, places)[:, None]
    return np.clip(np.arange(size) + 1 - mean, 0, 1).astype(np.float32)


def _scores(
    pending: Pending, rows: Ints, judged: Mapping[str, Array32], truth: Ints, docks: Ints, bikes: Ints
) -> list[Score]:
    places = pending.places[rows]
    docked = (pending.docks[rows] >= 0) & (docks >= 0)
    expired = int(((pending.bikes >= 0) & (bikes < 0)).sum())
    size = next(iter(judged.values())).shape[1]
    came = truth[:, None] <= np.arange(size)
    beyond = np.maximum(truth - size + 1, 0)
    last = np.maximum(places - 1, 0)[:, None]  # P(a dock) = P(bikes < K) = P(bikes ≤ K − 1)
    some = np.stack([truth >= 1, docks >= 1])
    known = np.stack([np.ones(len(rows), dtype=np.bool_), docked])

    medians = {model: median(cdf) for model, cdf in judged.items()} | {"pool": pending.median[rows]}

    scores = []
    for model, cdf in judged.items():
        some_dock = np.where(places > 0, np.take_along_axis(cdf, last, axis=1)[:, 0], 0)
        odds = np.stack([1 - cdf[:, 0], some_dock]).astype(np.float64)
        mean = (1 - cdf).sum(axis=1, dtype=np.float64)
        brier = np.where(known, (odds - some) ** 2, np.nan)
        tenth = np.minimum((odds * BINS).astype(np.int64), BINS - 1)
        asked, stated, true = (
            np.array([np.bincount(tenth[side], each[side], BINS) for side in (0, 1)], dtype=np.float64)
            for each in (known.astype(np.float64), odds * known, (some & known).astype(np.float64))
        )
        scores.append(
            Score(
                target_at=pending.target_at,
                model=model,
                minutes=pending.minutes,
                expired=expired,
                rows=rows,
                abs_error=np.abs(medians[model] - truth).astype(np.float64),
                squared_error=(mean - truth) ** 2,
                crps=((cdf - came) ** 2).sum(axis=1, dtype=np.float64) + beyond,
                brier_bike=brier[0],
                brier_dock=brier[1],
                tenths=guard.transform(cdf, truth).sum(axis=0),
                asked=asked,
                stated=stated,
                came=true,
            )
        )
    return scores


def expire(pending: Pending) -> list[Score]:
    """Count a forecast whose truth never arrived: an older count in its place would flatter "no change"."""
    lost = int((pending.bikes >= 0).sum())
    none, tenths, sides = np.zeros(0), np.zeros(BINS), np.zeros((2, BINS))
    rows = np.zeros(0, dtype=np.int64)
    models = (*pending.models, *(["seed"] if pending.seed_bikes is not None else []), "pool")
    return [
        Score(pending.target_at, model, pending.minutes, lost, rows, none, none, none, none, none, tenths,
              sides, sides, sides)
        for model in models
    ]  # fmt: skip
