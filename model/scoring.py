"""Score forecasts when their moment arrives.

A forecast for 18:15 made at 18:00 can only be judged at 18:15. This module holds it until then, exactly as
it was issued: recomputing it from a later state would let the model grade its own work.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from model.pool import Pool
from model.records import Floats, Ints

SCORED_MINUTES: tuple[int, ...] = (5, 10, 15, 30, 45, 60, 90, 120)
ISSUE_MINUTES = 10
"""A forecast is put on record at the first snapshot of every ten minutes."""

_SCALE = 65535


@dataclass(frozen=True)
class Score:
    """Sums over the stations of one forecast that was settled: the hour of its target, model and horizon.

    `n_dock` of the `n` stations also tell their docks; `expired` counts those whose truth never came. Errors
    and CRPS [1]_ are in bikes, Brier scores are of "at least one bike" and "at least one dock".

    References
    ----------
    .. [1] T. Gneiting, A. E. Raftery, Strictly proper scoring rules, prediction, and estimation, JASA 2007.
    """

    hour: datetime
    model: str
    minutes: int
    n: int
    n_dock: int
    expired: int
    abs_error: float
    squared_error: float
    crps: float
    brier_bike: float
    brier_dock: float


@dataclass
class Pending:
    """A forecast on record: the chain's distribution, its weight, and what stood there when it was issued.

    `bikes` and `docks` are `(S,)` with -1 for unknown; `places` and the chain's `weight` in the pool are
    `(S,)`; `cdf` is the chain's P(bikes ≤ k) in 65535ths, `(S, N)`. Stations of which nothing was known have
    -1 bikes and are not judged.
    """

    issued_at: datetime
    minutes: int
    bikes: Ints
    docks: Ints
    places: Ints
    weight: NDArray[np.float32]
    cdf: NDArray[np.uint16]

    @property
    def target_at(self) -> datetime:
        """The moment that the forecast is about."""
        return self.issued_at + timedelta(minutes=self.minutes)

    def take(self, rows: Ints) -> None:
        """Reorder the stations; -1 in `rows` stands for a new one, of which nothing was known."""
        for name, default in (("bikes", -1), ("docks", -1), ("places", -1), ("weight", 0), ("cdf", _SCALE)):
            old = getattr(self, name)
            new = np.full((len(rows), *old.shape[1:]), default, dtype=old.dtype)
            new[rows >= 0] = old[rows[rows >= 0]]
            setattr(self, name, new)


def pack(cdf: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Round probabilities to 65535ths, a quarter of a float64's memory."""
    packed: NDArray[np.uint16] = np.rint(cdf * np.float32(_SCALE)).astype(np.uint16)
    return packed


def pooled(cdf: NDArray[np.float32], bikes: Ints, weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mix the chain's distributions `(…, S, N)` with "as now", by weights `(…, S)`."""
    now = (bikes[:, None] <= np.arange(cdf.shape[-1])).astype(np.float32)
    return weight[..., None] * cdf + (1 - weight[..., None]) * now


def settle(pending: Pending, bikes: Ints, docks: Ints, pool: Pool) -> list[Score]:
    """Judge a forecast against the truth `(S,)`, one score a model, and let the pool learn from it."""
    known = (pending.bikes >= 0) & (bikes >= 0)
    truth, then = bikes[known], pending.bikes[known]
    chain = pending.cdf[known].astype(np.float64) / _SCALE
    count = np.arange(chain.shape[1])
    now, came = (then[:, None] <= count).astype(np.float64), (truth[:, None] <= count).astype(np.float64)
    weight = pending.weight[known].astype(np.float64)[:, None]
    pool.learn(pending.minutes, np.flatnonzero(known), chain, now, came)

    docked = (pending.docks[known] >= 0) & (docks[known] >= 0)
    last = np.maximum(pending.places[known] - 1, 0)[:, None]  # P(a dock) = P(bikes < K) = P(bikes ≤ K − 1)
    no_place = pending.places[known] <= 0
    beyond = np.maximum(
        truth - chain.shape[1] + 1, 0
    )  # a count beyond the distribution's end costs one a bike

    def score(model: str, cdf: Floats) -> Score:
        any_dock = np.where(no_place, 0.0, np.take_along_axis(cdf, last, axis=1)[:, 0])
        return Score(
            hour=_hour(pending.target_at),
            model=model,
            minutes=pending.minutes,
            n=int(known.sum()),
            n_dock=int(docked.sum()),
            expired=int(((pending.bikes >= 0) & ~known).sum()),
            abs_error=float(np.abs((cdf < 0.5 - 1e-6).sum(axis=1) - truth).sum()),
            squared_error=float((((1 - cdf).sum(axis=1) - truth) ** 2).sum()),
            crps=float(((cdf - came) ** 2).sum() + beyond.sum()),
            brier_bike=float(((1 - cdf[:, 0] - (truth >= 1)) ** 2).sum()),
            brier_dock=float(((any_dock - (docks[known] >= 1)) ** 2)[docked].sum()),
        )

    return [score("naive", now), score("chain", chain), score("pool", weight * chain + (1 - weight) * now)]


def expire(pending: Pending) -> list[Score]:
    """Count a forecast whose truth never came: an older value in its place would flatter "no change"."""
    lost = int((pending.bikes >= 0).sum())
    return [
        Score(_hour(pending.target_at), model, pending.minutes, 0, 0, lost, 0.0, 0.0, 0.0, 0.0, 0.0)
        for model in ("naive", "chain", "pool")
    ]


def _hour(at: datetime) -> datetime:
    return datetime.fromtimestamp(int(at.timestamp()) // 3600 * 3600, UTC)
