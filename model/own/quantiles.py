"""An own model of scikit-learn regressors for quantiles, which are fitted anew now and then."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from model.arrays import Floats, Ints
from model.own.own_model import WaitingLabels, features, odds_of_values
from model.records import Snapshot

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)

_VALUES = (np.arange(40) + 0.5) / 40
"""The equally likely values that odds are made of, as levels."""


class FromQuantiles:
    """An own model of a regressor for each of `levels`; `make(level)` makes one with `fit` and `predict`.

    It gets `FEATURES` and learns the change of the bikes, for all stations and horizons together. It is
    fitted anew `every` so long, to the newest `most` labels: an answer may not take longer than a worker
    waits, fitting included. Until it is fitted it answers "as now". Beyond the outer levels it knows nothing.
    """

    def __init__(
        self,
        make: Callable[[float], Any],
        timezone: str,
        levels: Sequence[float] = LEVELS,
        every: timedelta = timedelta(hours=6),
        most: int = 20_000,
    ) -> None:
        self._make = make
        self._timezone = timezone
        self._levels = tuple(levels)
        self._every = every
        self._most = most
        self._labels = WaitingLabels()
        self._rows: deque[tuple[Floats, Floats]] = deque()
        self._fitted: list[Any] = []
        self._fit_at: datetime | None = None

    def learn(self, snapshot: Snapshot) -> None:
        """Keep the labels that have come; fit the regressors where it is time."""
        self._snapshot = snapshot
        for label in self._labels.due(snapshot):
            known = label.kept[:, 0] >= 0
            rows = label.kept[known]
            self._rows.append((rows, label.bikes[known] - rows[:, 0]))
        while sum(len(change) for _, change in self._rows) > self._most:
            self._rows.popleft()
        if self._fit_at is None:
            self._fit_at = snapshot.at + self._every
        if snapshot.at >= self._fit_at and self._rows:
            self._fit_at = snapshot.at + self._every
            x, y = (np.concatenate(each) for each in zip(*self._rows, strict=True))
            self._fitted = [self._make(level).fit(x, y) for level in self._levels]

    def forecast(self, minutes: Sequence[int], places: Ints) -> Floats:
        """Give odds `(H, S, N)` of the quantiles, linear between them."""
        now, odds = self._snapshot, []
        for each in minutes:
            rows = features(now, each, self._timezone)
            self._labels.ask(now, each, rows)
            change = np.zeros((len(_VALUES), len(rows)))
            if self._fitted:
                quantiles = np.sort([one.predict(rows) for one in self._fitted], axis=0)
                change = np.stack(
                    [np.interp(_VALUES, self._levels, quantiles[:, station]) for station in range(len(rows))],
                    axis=1,
                )
            odds.append(odds_of_values(now.bikes + change, np.ones(len(_VALUES)), places))
        return np.stack(odds)
