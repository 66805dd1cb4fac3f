"""The contract of an own model, and what adapters share: features, waiting labels, odds from numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

import numpy as np

from model.arrays import Floats, Ints, Strings, rows_of, take_rows
from model.records import UNKNOWN, Snapshot

FEATURES = ("bikes", "docks", "hour", "weekday", "minutes")
"""The columns of `features`."""

PATIENCE = timedelta(minutes=5)
"""How long after a target time a snapshot may come and still be its truth."""


class OwnModel(Protocol):
    """A model of one system, made by a function of its `Stations`.

    Dockcast calls `learn` with each snapshot, oldest first, and now and then `forecast` after it. Stations
    come and go: the newest snapshot says which there are, and in which order.
    """

    def learn(self, snapshot: Snapshot) -> None:
        """Learn the counts of a moment; -1 stands for unknown."""

    def forecast(self, minutes: Sequence[int], places: Ints) -> Floats:
        """Give the odds of 0, 1, … bikes so many minutes after the newest snapshot, `(H, S, N)`.

        Stations are those of that snapshot, which hold `places` `(S,)` bikes at most, -1 where unknown. The
        odds of a station sum to 1. Those of stations without a count are not read. A horizon of which all
        are NaN is not answered.
        """


def features(snapshot: Snapshot, minutes: int, timezone: str) -> Floats:
    """Give simple features of a question at every station, `(S, F)` in the order of `FEATURES`.

    Hour and weekday are those of the target time, by the city's clock. Unknown docks are -1.
    """
    local = (snapshot.at + timedelta(minutes=minutes)).astimezone(ZoneInfo(timezone))
    same = local.hour + local.minute / 60, float(local.weekday()), float(minutes)
    columns = [snapshot.bikes, snapshot.docks, *(np.full(len(snapshot), value) for value in same)]
    return np.stack(columns, axis=1).astype(np.float64)


def odds_of_values(values: Floats, weights: Floats, places: Ints) -> Floats:
    """Make odds `(S, N)` of equally likely or weighted values `(J, S)`, such as quantiles or past errors.

    A value between two counts is shared by them; one beyond 0 or the `places` counts there.

    >>> odds_of_values(np.array([[1.5], [9.0]]), np.array([1.0, 1.0]), np.array([3])).tolist()
    [[0.0, 0.25, 0.25, 0.5]]
    """
    places = np.maximum(places, 0)
    odds, station = np.zeros((len(places), int(places.max(initial=0)) + 2)), np.arange(len(places))
    for value, weight in zip(values, weights / weights.sum(), strict=True):
        inside = np.clip(np.nan_to_num(value), 0, places)
        low = inside.astype(np.int64)
        odds[station, low] += weight * (1 - (inside - low))
        odds[station, low + 1] += weight * (inside - low)
    return odds[:, :-1]


@dataclass(frozen=True)
class _Question:
    at: datetime
    minutes: int
    station_id: Strings
    kept: Floats


@dataclass(frozen=True)
class Label:
    """A question whose truth has come: what was `kept` of it and the `bikes`, at stations that had both."""

    minutes: int
    station_id: Strings
    kept: Floats
    bikes: Ints


class WaitingLabels:
    """Keeps what was asked until its truth comes: a model of labels learns only then."""

    def __init__(self) -> None:
        self._waiting: list[_Question] = []

    def ask(self, snapshot: Snapshot, minutes: int, kept: Floats) -> None:
        """Keep an array `(S, …)` of a question about the stations of a snapshot."""
        self._waiting.append(_Question(snapshot.at, minutes, snapshot.station_id, kept))

    def due(self, snapshot: Snapshot) -> Iterator[Label]:
        """Take out the questions that a snapshot answers; those that it answers too late are dropped."""
        waiting, self._waiting = self._waiting, []
        for question in waiting:
            late = snapshot.at - question.at - timedelta(minutes=question.minutes)
            if late < timedelta(0):
                self._waiting.append(question)
            elif late <= PATIENCE:
                rows = rows_of(question.station_id, snapshot.station_id)
                bikes = take_rows(snapshot.bikes, rows, UNKNOWN)
                known = bikes >= 0
                if known.any():
                    kept = question.kept[known]
                    yield Label(question.minutes, question.station_id[known], kept, bikes[known])
