"""An own model of River regressors, which learn one label at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from model.arrays import Floats, Ints
from model.own.functions import PastErrors
from model.own.own_model import FEATURES, WaitingLabels, features
from model.records import Snapshot


class FromRiver:
    """An own model of a River regressor for each horizon; `make` makes one.

    A regressor gets `FEATURES` and the `station`, and learns the change of the bikes. It learns a station at
    a time, in Python: that is its cost.
    """

    def __init__(self, make: Callable[[], Any], timezone: str) -> None:
        self._make = make
        self._timezone = timezone
        self._regressors: dict[int, Any] = {}
        self._labels = WaitingLabels()
        self._past = PastErrors()

    def learn(self, snapshot: Snapshot) -> None:
        """Learn the labels that have come."""
        self._snapshot = snapshot
        self._past.learn(snapshot)
        for label in self._labels.due(snapshot):
            regressor = self._regressors[label.minutes]
            for station, row, bikes in zip(
                label.station_id.tolist(), label.kept.tolist(), label.bikes.tolist(), strict=True
            ):
                if row[0] >= 0:
                    regressor.learn_one(_named(station, row), bikes - row[0])

    def forecast(self, minutes: Sequence[int], places: Ints) -> Floats:
        """Give odds `(H, S, N)` around what the regressors expect."""
        now, odds = self._snapshot, []
        for each in minutes:
            regressor = self._regressors.setdefault(each, self._make())
            rows = features(now, each, self._timezone)
            self._labels.ask(now, each, rows)
            change = [
                regressor.predict_one(_named(station, row))
                for station, row in zip(now.station_id.tolist(), rows.tolist(), strict=True)
            ]
            odds.append(self._past.odds(now, each, now.bikes + np.array(change), places))
        return np.stack(odds)


def _named(station: str, row: list[float]) -> dict[str, Any]:
    return {"station": station, **dict(zip(FEATURES, row, strict=True))}
