"""Puts forecasts on record, and settles them: each is scored when its truth is in, and the pool learns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from model.arrays import Array32, Floats, Ints, Strings
from model.demand.changes import Changes
from model.demand.riders import LearntRiders
from model.ensemble import Ensemble
from model.gaps import SnapshotGaps
from model.kernels.records import CERTAIN
from model.latest import LatestCounts
from model.mixing.pool import CELLS
from model.present import Present
from model.records import ANY, OF_BIKES, UNKNOWN, Drift
from model.scoring.drift import DriftMonitor
from model.scoring.issue import (
    SCORED_MINUTES,
    IssueCounts,
    Pending,
    short,
    starts,
    to_weights,
    uncertain,
)
from model.scoring.judged import JudgedForecast
from model.scoring.own import OwnForecast
from model.scoring.settle import Score, expire, settle

if TYPE_CHECKING:
    from model.seed_pipeline import SeedPipeline


IssuedOdds = dict[tuple[datetime, int], Array32]
"""P(bikes ≤ k) `(R, N)` by issue time and minutes ahead, as people saw it."""


class IssuedForecasts:
    """The forecasts on record, and what learns from their truths.

    `pending` are those that wait, in the order of issue. `own` are the forecasts of the own model on the same
    questions, by issue time and minutes; nothing learns from them. `judged` are those that were settled last,
    with their truths. `gaps` tells how late a truth may come. `seed` is the seed pipeline if it runs.
    Forecasts of one `kind` of the bikes are bounded by those of all bikes, and nothing looks for drift in
    them, nor in those of cargo bikes.
    """

    def __init__(
        self,
        riders: LearntRiders,
        changes: Changes,
        ensemble: Ensemble,
        gaps: SnapshotGaps,
        kind: str = ANY,
    ) -> None:
        self._kind = kind
        self._riders = riders
        self._changes = changes
        self._ensemble = ensemble
        self.drift_monitor = DriftMonitor(SCORED_MINUTES)
        self.seed: SeedPipeline | None = None
        self.pending: list[Pending] = []
        self.own: dict[tuple[datetime, int], Pending] = {}
        self.judged: list[JudgedForecast] = []
        self._gaps = gaps

    def reorder(self, rows: Ints) -> None:
        """Reorder the stations; -1 in `rows` stands for a new one."""
        counts: dict[int, IssueCounts] = {}
        for pending in (*self.pending, *self.own.values()):
            before = pending.counts
            pending.reorder(rows, counts.setdefault(id(before), before.reordered(rows)))

    def waiting(self) -> dict[int, int]:
        """Count the pending forecasts by minutes ahead, one for each station."""
        waiting: dict[int, int] = {}
        for pending in self.pending:
            count = int((pending.bikes >= 0).sum())
            waiting[pending.minutes] = waiting.get(pending.minutes, 0) + count
        return dict(sorted(waiting.items()))

    def put_own(self, forecast: OwnForecast, station_id: Strings) -> bool:
        """Put a forecast of the own model beside its question; False where none such is pending."""
        key = forecast.issued_at, forecast.minutes
        for pending in self.pending:
            if (pending.issued_at, pending.minutes) == key and key not in self.own:
                self.own[key] = forecast.beside(pending, station_id)
                return True
        return False

    # ------------------------------------------------------------------ settling

    def settle(
        self, at: datetime, latest: LatestCounts, station_id: Strings, odds: IssuedOdds | None = None
    ) -> tuple[list[Score], list[Drift]]:
        """Take out the forecasts that are due at a newer snapshot, and learn from them.

        `latest` has the counts of the stations `station_id`. Gives the scores, and the drift that they show.
        Forecasts of all bikes write their odds into `odds` if given; those of a kind are bounded by these.
        """
        due: list[Pending] = []
        waiting: list[Pending] = []
        for pending in self.pending:
            (due if pending.target_at <= at else waiting).append(pending)
        self.pending, self.judged = waiting, []
        scores: list[Score] = []
        drifts: list[Drift] = []
        for pending in sorted(due, key=lambda p: (p.target_at, p.issued_at)):
            own = self.own.pop((pending.issued_at, pending.minutes), None)
            if at - pending.target_at > self._gaps.patience(pending.minutes):
                scores += expire(pending, self._kind)
                if own is not None:
                    scores += expire(own)[:1]
                continue
            issue = pending.issued_at, pending.minutes
            bound = odds.get(issue) if odds is not None and self._kind in OF_BIKES else None
            settled = settle(pending, latest.truth, latest.docks, self._kind, bound)
            if odds is not None and self._kind == ANY:
                odds[issue] = settled.odds
            rows = settled.rows
            if len(rows):
                then, truth = pending.bikes[rows], latest.bikes[rows]
                hours = [self._riders.calendar.cell(each, CELLS[1]) for each in (pending.issued_at, at)]
                gram = settled.judged.gram
                self._ensemble.pool.learn(pending.minutes, rows, pending.models, gram, *hours)
                self._ensemble.shift.learn(pending.minutes, rows, settled.judged, hours[0])
                self._ensemble.guard.learn(pending.minutes, rows, settled.judged, then, truth)
                self._changes.learn(pending.minutes, rows, truth - then)
                if self.seed is not None:
                    ids = station_id[rows].tolist()
                    self.seed.learn(pending.minutes, pending.issued_at, pending.weather, ids, truth)
                drift = self._look_for_drift(at, settled.scores)
                if drift is not None:
                    drifts.append(drift)
            scores += settled.scores
            if own is not None:
                scores += settle(own, latest.truth, latest.docks).scores[:1]
            if self._kind == ANY:
                self.judged.append(JudgedForecast.of(pending, own, rows, latest.bikes, latest.docks))
        return scores, drifts

    def _look_for_drift(self, at: datetime, scores: Sequence[Score]) -> Drift | None:
        if self._kind != ANY:
            return None
        mean = {score.model: float(score.crps.mean()) for score in scores}
        target_at, minutes = scores[0].target_at, scores[0].minutes
        hour = self._riders.calendar.cell(target_at, 24)
        return self.drift_monitor.learn(minutes, at, hour, mean["pool"], mean["naive"])

    # ------------------------------------------------------------------ issuing

    def issue(self, present: Present, minutes: Sequence[int], of_all: Sequence[Pending] = ()) -> None:
        """Put a forecast on record for each of `minutes`, which rise.

        Medians of a kind of the bikes are bounded by those of the forecasts `of_all` bikes of that time.
        """
        every, ensemble = np.arange(len(present.station_id)), self._ensemble
        places, bikes = present.places, present.latest.truth
        # At an overflow station 0 docks do not mean that nobody can return a bike.
        judged_docks = ~self._riders.overflow.takes if self._kind == ANY else False
        docks = np.where(judged_docks, present.latest.docks, UNKNOWN)
        counts = self._counts_at(present.at) or IssueCounts(bikes, docks, places, ensemble.features(present))
        coefficients, gain = ensemble.shift_of(present, minutes, every)
        experts, weights = ensemble.experts, ensemble.pool.weights(minutes, every)
        curves, held = ensemble.guard.curves(minutes), ensemble.held(present, minutes, every)
        levels, medians = ensemble.expert_levels(present, starts(places), minutes, counts.features)
        judged = bikes >= 0
        levels[..., np.repeat(~judged, np.maximum(places, 0) + 1)] = CERTAIN
        medians = np.where(judged, medians, 0).astype(short(places))
        for each in of_all:
            if each.minutes in minutes and self._kind in OF_BIKES:
                row = medians[minutes.index(each.minutes)]
                np.minimum(row, each.median, out=row)
        for index, horizon in enumerate(minutes):
            able = [place for place, expert in enumerate(experts) if expert.reach >= horizon]
            weather = self._riders.weather.known(present.at + timedelta(minutes=horizon))
            first, length, between = uncertain(levels[index][able], places)
            self.pending.append(
                Pending(
                    issued_at=present.at,
                    minutes=horizon,
                    models=tuple(experts[place].name for place in able),
                    counts=counts,
                    weight=to_weights(weights[index][able]),
                    curve=curves[index],
                    held=held[index],
                    median=medians[index],
                    weather=weather,
                    first=first,
                    length=length,
                    levels=between,
                    coefficients=coefficients[index],
                    gain=gain[index],
                    seed_bikes=self._predict_seed(present, horizon, weather),
                )
            )

    def _counts_at(self, issued_at: datetime) -> IssueCounts | None:
        """Give the counts of the newest forecasts on record, if they are of that issue time."""
        newest = self.pending[-1] if self.pending else None
        return newest.counts if newest is not None and newest.issued_at == issued_at else None

    def _predict_seed(self, present: Present, minutes: int, weather: Floats) -> Floats | None:
        """Let the seed pipeline predict, `(R,)`; not numbers where bikes are unknown, None without it."""
        if self.seed is None:
            return None
        predicted = np.full(len(present.station_id), np.nan)
        rows = np.flatnonzero(present.latest.known)
        ids = present.station_id[rows].tolist()
        predicted[rows] = self.seed.predict(minutes, present.at, weather, ids)
        return predicted
