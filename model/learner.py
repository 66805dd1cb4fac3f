"""A learner: all that learns one count of every station and forecasts it, of all bikes or of one kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from model.arrays import Array32, Ints
from model.demand.calendar import Calendar
from model.demand.changes import Changes
from model.demand.riders import LearntRiders
from model.ensemble import Ensemble
from model.experts.registry import ExpertInputs
from model.gaps import SnapshotGaps
from model.issued import IssuedForecasts
from model.kernels.records import Columns
from model.latest import LatestCounts
from model.present import Present
from model.records import ANY, CARGO, OF_BIKES, Counts
from model.scoring.issue import KIND_SCORED, SCORED_MINUTES

FIRST_DAY = timedelta(days=1)
"""In it too little was shown to say that a count will rise or fall: it may only be said how likely."""


class Learner:
    """Riders, experts, pool, shift and guard of one count: that of all bikes, or of one `kind` of them.

    With `of_all`, the learner of all bikes, it learns a kind, from `since` on, at fewer horizons. Calendar,
    weather and overflow stations are those of all bikes. Cargo bikes are none of these bikes: their forecasts
    are not bounded by those of all bikes, and at each station they have as many places more as stand there.
    """

    def __init__(
        self,
        size: int,
        calendar: Calendar,
        gaps: SnapshotGaps,
        kind: str = ANY,
        of_all: Learner | None = None,
        since: datetime | None = None,
    ) -> None:
        self.kind = kind
        self.since = since
        minutes = SCORED_MINUTES if of_all is None else KIND_SCORED
        self.riders: LearntRiders = LearntRiders(size, calendar, of_all.riders if of_all else None)
        riders = self.riders
        self.changes = Changes(size, minutes)
        inputs = ExpertInputs(riders.long, riders.short, riders.occupancy, self.changes, riders.climatology)
        self.ensemble = Ensemble(size, minutes, inputs, riders.today, calendar)
        self.issued = IssuedForecasts(riders, self.changes, self.ensemble, gaps, kind)

    @property
    def components(self) -> Mapping[str, Any]:
        """Give what learns by station, by name: those of a kind begin with its name."""
        riders, ensemble = self.riders, self.ensemble
        every = {"short": riders.short, "occupancy_effect": riders.occupancy, "changes": self.changes,
                 "climatology": riders.climatology, "today": riders.today,
                 "pool": ensemble.pool, "shift": ensemble.shift, "guard": ensemble.guard}  # fmt: skip
        if self.kind != ANY:
            return {f"{self.kind}.{name}": component for name, component in every.items()}
        return {"long": riders.long, "overflow": riders.overflow, "last_bikes": riders.last_bikes, **every}

    def reorder(self, rows: Ints) -> None:
        """Reorder the stations; -1 in `rows` stands for a new one."""
        for component in self.components.values():
            component.reorder(rows)
        self.issued.reorder(rows)

    def counts(self, latest: LatestCounts) -> LatestCounts:
        """Give the counts of the bikes that are learnt here."""
        return latest if self.kind == ANY else latest.of_kind(self.kind)

    def places(self, places: Ints, counts: LatestCounts) -> Ints:
        """Give the places of these bikes, where stations have `places` for all bikes, `(S,)`."""
        return places + np.maximum(counts.begin()[0], 0) if self.kind == CARGO else places

    def present(self, present: Present) -> Present:
        """Give what forecasts of these bikes begin with: a kind has a first day of its own."""
        if self.since is None:
            return present
        first_day = present.at - self.since < FIRST_DAY
        counts = self.counts(present.latest)
        places = self.places(present.places, counts)
        return replace(present, latest=counts, places=places, first_day=first_day)

    def forecast(self, present: Present, rows: Ints, minutes: Ints, of_all: Array32) -> Counts:
        """Forecast a kind at some stations; `of_all` `(H, S, N)` are the odds of all bikes there.

        Beyond the scored horizons the weights are those of the last of these.
        """
        own, order = self.present(present), np.argsort(minutes, kind="stable")
        age = own.age()[rows]
        odds = self.ensemble.odds(own, rows, np.maximum(age, 0), minutes[order])
        cdf = np.empty_like(odds)
        cdf[order] = odds
        if self.kind in OF_BIKES:
            cdf = no_surer(cdf, of_all)
        return Counts(cdf, (own.latest.begin()[0][rows] >= 0) & (age >= 0))

    def summarise(
        self, present: Present, size: int, minutes: Sequence[int], at_least: Sequence[int], of_all: Columns
    ) -> Columns:
        """Summarise the forecasts of a kind at the first `size` stations; `of_all` are those of all bikes."""
        columns, _ = self.ensemble.summarise(self.present(present), size, minutes, at_least)
        if self.kind in OF_BIKES:
            no_more(columns, of_all)
        return columns


def no_surer(cdf: Array32, of_all: Array32) -> Array32:
    """Bound P(bikes of a kind ≤ k) from below by P(all bikes ≤ k): n of a kind are n bikes.

    >>> no_surer(np.float32([0.5, 0.8, 1.0]), np.float32([0.6, 0.7, 1.0])).tolist()
    [0.6000000238418579, 0.800000011920929, 1.0]
    """
    bounded: Array32 = np.maximum(cdf, of_all)
    return bounded


def no_more(columns: Columns, of_all: Columns) -> None:
    """Bound the columns of a kind by those of all bikes, which `no_surer` does to their distributions.

    A quantile of the greater of two distribution functions is the lesser of their quantiles. Changes
    `columns`.
    """
    known = columns.median >= 0
    for name in Columns._fields:
        column = getattr(columns, name)
        np.minimum(column, getattr(of_all, name), out=column, where=known)
