"""Judge issued forecasts when their target time comes.

A forecast is judged with the weights and the guard of its issue time. A later state has seen the hours in
between and would flatter it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from model import kernels
from model.arrays import Array32, Floats, Ints
from model.kernels.records import BINS, SHIFT_FEATURES, IssuedArrays, Judged
from model.mixing.guard import tenth_lines
from model.records import ANY
from model.scoring.issue import Pending

_CENTRE_WEIGHT = 4.0
"""How much more an expert's error counts to the pool where the pooled distribution is near a half.

People see the median first: in Boulder it gains 0.15 % at 30 minutes, for as much of the CRPS.
"""


@dataclass(frozen=True)
class Score:
    """How right one model's forecast was at one horizon, once its truth was in: arrays over stations.

    `rows` `(n,)` are the judged stations. Each has the `abs_error` of the median, the `squared_error` of the
    mean, the CRPS [1]_ in bikes, and the Brier scores of "at least one bike" and "at least one dock"; the
    last is not a number where docks are unknown. `expired` counts the stations whose truth never arrived.
    `tenths` `(10,)` is the non-randomised probability integral transform [2]_. `asked`, `stated` and `came`
    `(2, 10)` are sums by tenth of the odds of a bike and of a dock: the forecasts, their odds, and how many
    came true. `kind` tells which bikes were forecast: of one kind alone, docks are not judged.

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
    kind: str = ANY

    @property
    def n(self) -> int:
        """How many stations were judged."""
        return len(self.rows)

    def row(self) -> dict[str, Any]:
        """Give the sums over the stations.

        `n_dock` of the `n` have known docks, too. `covered` is the mass of the transform between 0.1 and 0.9:
        80 % of `n` where the spread is right.
        """
        sums = {name: _total(getattr(self, name)) for name in STATION_SCORES}
        return {
            "target_at": self.target_at,
            "kind": self.kind,
            "model": self.model,
            "minutes": self.minutes,
            "n": self.n,
            "n_dock": int((~np.isnan(self.brier_dock)).sum()),
            "expired": self.expired,
            "covered": float(self.tenths[1:9].sum()),
        } | sums


STATION_SCORES = ("abs_error", "squared_error", "crps", "brier_bike", "brier_dock")
"""The fields of a `Score` that have a value for each station."""


def _total(values: Floats) -> float:
    """Add up what is a number; where all are, as mostly, `np.nansum` takes three times as long."""
    total = float(values.sum())
    return float(np.nansum(values)) if math.isnan(total) else total


@dataclass(frozen=True)
class Settled:
    """A judged forecast: the stations `rows` `(S,)` that could be judged, and one score for each model.

    Pool, shift and guard learn from `judged`. The pool's score is the last. `odds` `(R, N)` are the pool's
    P(bikes ≤ k), as people saw them; 0 at a station that was not judged.
    """

    rows: Ints
    judged: Judged
    scores: list[Score]
    odds: Array32


def settle(
    pending: Pending, bikes: Ints, docks: Ints, kind: str = ANY, bound: Array32 | None = None
) -> Settled:
    """Judge a forecast against the truth `(S,)`. Each bike beyond a distribution's end costs 1.

    The pool's median is the one that people saw. That of rounded odds may lie a bike beside it. The pool's
    odds of a `kind` of bikes are bounded by `bound` `(R, N)`, the odds of all bikes.
    """
    rows = np.flatnonzero((pending.bikes >= 0) & (bikes >= 0))
    models = models_of(pending)
    experts = len(pending.models)
    judged = Judged(
        errors=np.zeros((5, len(models), len(rows))),
        tenths=np.zeros((len(models), BINS)),
        odds=np.zeros((3, len(models), 2, BINS)),
        gram=np.zeros((len(rows), experts, experts), dtype=np.float32),
        median=np.zeros(len(rows), dtype=np.int64),
        pooled_tenths=np.zeros(BINS),
        normal=np.zeros((SHIFT_FEATURES, SHIFT_FEATURES)),
        moment=np.zeros(SHIFT_FEATURES),
        agreed=np.zeros(len(rows)),
        moved=np.zeros(len(rows)),
    )
    most = int(pending.places.max(initial=0)) + 1
    odds = np.zeros((len(pending.bikes), most), dtype=np.float32) if bound is None else bound.copy()
    seeded = pending.seed_bikes is not None
    kernels.judge(rows, issued_arrays(pending), bikes, docks, seeded, _CENTRE_WEIGHT, odds, judged)
    expired = int(((pending.bikes >= 0) & (bikes < 0)).sum())
    scores = [
        Score(
            target_at=pending.target_at,
            model=model,
            minutes=pending.minutes,
            expired=expired,
            rows=rows,
            **dict(zip(STATION_SCORES, judged.errors[:, index], strict=True)),
            tenths=judged.tenths[index],
            **dict(zip(("asked", "stated", "came"), judged.odds[:, index], strict=True)),
            kind=kind,
        )
        for index, model in enumerate(models)
    ]
    return Settled(rows, judged, scores, odds)


def issued_arrays(pending: Pending) -> IssuedArrays:
    """Give a forecast on record as the kernels read it."""
    line, rise = tenth_lines(pending.curve)
    return IssuedArrays(
        pending.first,
        pending.length,
        pending.begin(),
        pending.levels,
        pending.weight,
        line,
        rise,
        pending.held,
        pending.median,
        pending.bikes,
        pending.docks,
        pending.places,
        np.zeros(0) if pending.seed_bikes is None else pending.seed_bikes,
        pending.counts.features,
        pending.coefficients,
        pending.gain,
    )


def models_of(pending: Pending) -> tuple[str, ...]:
    """Name the models that a forecast on record is judged under, the pool last."""
    return (*pending.models, *(["seed"] if pending.seed_bikes is not None else []), "pool")


def expire(pending: Pending, kind: str = ANY) -> list[Score]:
    """Count a forecast whose truth never arrived: an older count in its place would flatter "no change"."""
    lost = int((pending.bikes >= 0).sum())
    none, tenths, sides = np.zeros(0), np.zeros(BINS), np.zeros((2, BINS))
    rows = np.zeros(0, dtype=np.int64)
    return [
        Score(pending.target_at, model, pending.minutes, lost, rows, none, none, none, none, none, tenths,
              sides, sides, sides, kind)
        for model in models_of(pending)
    ]  # fmt: skip
