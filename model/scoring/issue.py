"""Score forecasts when their moment arrives.

A forecast for 18:15 made at 18:00 can only be judged at 18:15. This module holds it until then, exactly as
it was issued: recomputing it from a later state would let the model grade its own work.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.arrays import Array32, Bools, Floats, Ints, take_rows
from model.mixing import guard
from model.records import median

NEAR_SCORED: tuple[int, ...] = (5, 10, 15, 30, 45, 60, 90, 120)
FAR_SCORED: tuple[int, ...] = (180, 360, 720, 1440)
SCORED_MINUTES: tuple[int, ...] = NEAR_SCORED + FAR_SCORED

ISSUE_MINUTES = 20
"""A forecast is put on record at the first snapshot of every twenty minutes of Unix time."""

FAR_ISSUES = 6
"""Only every sixth time is one for the far horizons: each waits for up to a day and takes memory."""

_SCALE = 65535

_CENTRE_WEIGHT = 4.0
"""How much more an expert's error counts to the pool where the pooled distribution is near a half.

What people are told first is the median: in Boulder it gains 0.15 % at 30 minutes, for as much of the CRPS.
"""


BINS = 10
"""Of the probability integral transform, and of the odds that were stated."""


@dataclass(frozen=True)
class Score:
    """How right one model's forecast was at one horizon, once its truth was in: arrays over stations.

    `rows` `(n,)` are the stations judged; at each, `abs_error` of the median, `squared_error` of the mean and
    CRPS [1]_ in bikes, and the Brier scores of "at least one bike" and "at least one dock", the last not a
    number where docks are not told. `expired` counts the stations whose truth never came. `tenths` `(10,)` is
    the non-randomised probability integral transform [2]_. `stated` and `came` `(2, 10)` sum, by tenth of the
    odds of a bike and of a dock, what was said and what came true of `asked` `(2, 10)` forecasts.

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

        `n_dock` of the `n` also tell their docks. `covered` is the mass of the transform between 0.1 and 0.9:
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
"""The fields of a `Score` that are kept station by station."""


@dataclass
class Pending:
    """A forecast on record: the experts' distributions, their weights, and what stood there at its issue.

    `bikes`, `docks` and `places` are `(S,)` with -1 for unknown; a station of which nothing was known has -1
    bikes and is not judged. `odds` are P(bikes ≤ k) in 65535ths for k to each station's places, one station
    after the other, `(M, Σ places + 1)`: one station of 200 places must not make 2,000 others as wide.
    `weight` is `(M, S)`, and `curve` and `held` are the guard's. `said` `(S,)` are the counts that the seed
    pipeline predicted, not numbers where it did not run, and `weather` `(6,)` what it was told.
    """

    issued_at: datetime
    minutes: int
    models: tuple[str, ...]
    bikes: Ints
    docks: Ints
    places: Ints
    weight: Array32
    curve: Floats
    held: Bools
    said: Floats
    weather: Floats
    odds: NDArray[np.uint16]

    @property
    def target_at(self) -> datetime:
        """The moment that the forecast is about."""
        return self.issued_at + timedelta(minutes=self.minutes)

    @property
    def seeded(self) -> bool:
        """Tell whether the seed pipeline was asked as well."""
        return bool((~np.isnan(self.said)).any())

    def take(self, rows: Ints) -> None:
        """Reorder the stations; -1 in `rows` stands for a new one, of which nothing was known."""
        every = np.arange(len(self.places))
        dense = take_rows(self.spread(every).transpose(0, 2, 1), rows, _SCALE).transpose(0, 2, 1)
        for name, default in (("bikes", -1), ("docks", -1), ("places", -1), ("weight", 0), ("held", True),
                              ("said", np.nan)):  # fmt: skip
            setattr(self, name, take_rows(getattr(self, name), rows, default))
        self.odds = dense[:, np.arange(dense.shape[2]) <= np.maximum(self.places, 0)[:, None]]

    def spread(self, rows: Ints) -> NDArray[np.uint16]:
        """Lay the odds of some stations out side by side, `(M, S, N)`."""
        places = np.maximum(self.places[rows], 0)
        count = np.arange(int(places.max(initial=0)) + 1)
        where = np.minimum(starts(self.places)[rows][:, None] + count, self.odds.shape[1] - 1)
        laid: NDArray[np.uint16] = np.where(count <= places[:, None], self.odds[:, where], np.uint16(_SCALE))
        return laid


def starts(places: Ints) -> Ints:
    """Give where each station's odds begin in `Pending.odds`, and where the last's end, `(S + 1,)`."""
    return np.concatenate([[0], np.cumsum(np.maximum(places, 0) + 1)])


def pack(odds: Array32) -> NDArray[np.uint16]:
    """Round probabilities to 65535ths, a quarter of a float64's memory."""
    packed: NDArray[np.uint16] = np.rint(odds * np.float32(_SCALE)).astype(np.uint16)
    return packed


def mix(odds: Array32, weight: Array32) -> Array32:
    """Pool distributions `(M, S, N)` by weights `(M, S)`, to `(S, N)`."""
    # Divided by the sum of the weights, or rounding would leave the distribution's end off 1.
    mixed = np.einsum("msn,ms->sn", odds, weight) / weight.sum(axis=0)[:, None]
    return np.asarray(np.minimum(mixed, np.float32(1)), dtype=np.float32)


@dataclass(frozen=True)
class Settled:
    """A forecast that was judged: what the pool and the guard learn from, and a score a model.

    `rows` are the stations that could be judged; there, `errors` are the experts' `(M, S, N)`, weighted, and
    `pooled` the pool's distributions before the guard. The pool's score is the last.
    """

    rows: Ints
    errors: Array32
    pooled: Array32
    scores: list[Score]


def settle(pending: Pending, bikes: Ints, docks: Ints) -> Settled:
    """Judge a forecast against the truth `(S,)`. A count beyond a distribution's end costs one a bike."""
    rows = np.flatnonzero((pending.bikes >= 0) & (bikes >= 0))
    truth = bikes[rows]
    odds = pending.spread(rows).astype(np.float32) / np.float32(_SCALE)
    came = (truth[:, None] <= np.arange(odds.shape[2])).astype(np.float32)
    pooled = mix(odds, pending.weight[:, rows])
    final = guard.apply(pooled, pending.curve, pending.held[rows], pending.bikes[rows])
    judged = dict(zip(pending.models, odds, strict=True))
    if pending.seeded:
        judged["seed"] = as_odds(pending.said[rows], pending.places[rows], odds.shape[2])
    judged["pool"] = final
    weight = np.where(np.abs(pooled - 0.5) < 0.25, np.float32(_CENTRE_WEIGHT), np.float32(1))
    errors = (odds - came) * np.sqrt(weight)
    return Settled(rows, errors, pooled, _scores(pending, rows, judged, truth, docks[rows], bikes))


def as_odds(said: Floats, places: Ints, size: int) -> Array32:
    """Turn a predicted number of bikes into a distribution, `(S, N)`, of the whole numbers beside it.

    Its mean is what was said, held between none and all of the places.
    """
    held = np.clip(np.nan_to_num(said), 0, places)[:, None]
    return np.clip(np.arange(size) + 1 - held, 0, 1).astype(np.float32)


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
    happened = np.stack([truth >= 1, docks >= 1])
    known = np.stack([np.ones(len(rows), dtype=np.bool_), docked])

    scores = []
    for model, cdf in judged.items():
        some_dock = np.where(places > 0, np.take_along_axis(cdf, last, axis=1)[:, 0], 0)
        odds = np.stack([1 - cdf[:, 0], some_dock]).astype(np.float64)
        mean = (1 - cdf).sum(axis=1, dtype=np.float64)
        brier = np.where(known, (odds - happened) ** 2, np.nan)
        tenth = np.minimum((odds * BINS).astype(np.int64), BINS - 1)
        asked, stated, true = (
            np.array([np.bincount(tenth[side], each[side], BINS) for side in (0, 1)], dtype=np.float64)
            for each in (known.astype(np.float64), odds * known, (happened & known).astype(np.float64))
        )
        scores.append(
            Score(
                target_at=pending.target_at,
                model=model,
                minutes=pending.minutes,
                expired=expired,
                rows=rows,
                abs_error=np.abs(median(cdf) - truth).astype(np.float64),
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
    """Count a forecast whose truth never came: an older value in its place would flatter "no change"."""
    lost = int((pending.bikes >= 0).sum())
    none, tenths, sides = np.zeros(0), np.zeros(BINS), np.zeros((2, BINS))
    rows = np.zeros(0, dtype=np.int64)
    models = (*pending.models, *(["seed"] if pending.seeded else []), "pool")
    return [
        Score(pending.target_at, model, pending.minutes, lost, rows, none, none, none, none, none, tenths,
              sides, sides, sides)
        for model in models
    ]  # fmt: skip
