"""An own model of a plain function that gives the bikes to expect."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np

from model.arrays import Floats, Ints
from model.own.own_model import WaitingLabels, odds_of_values
from model.records import Snapshot

_LARGEST = 15
"""Errors beyond so many bikes count as so many."""

_HALF_LIFE = 50.0
"""Questions after which a past error counts half."""

_PRIOR = 20.0
"""Labels that "no error" is worth before there are any."""


class PastErrors:
    """Makes odds of expected counts: each past error at that horizon, at any station, may come again.

    Its drawback: all stations are taken for equally hard.
    """

    def __init__(self) -> None:
        self._errors = np.arange(-_LARGEST, _LARGEST + 1)
        self._labels = WaitingLabels()
        none = np.where(self._errors == 0, _PRIOR, 0.0)
        self._counts: dict[int, Floats] = defaultdict(none.copy)

    def learn(self, snapshot: Snapshot) -> None:
        """Count the errors of the forecasts whose truth a snapshot has."""
        for label in self._labels.due(snapshot):
            error = label.bikes - label.kept
            off = np.rint(error[np.isfinite(error)]).astype(np.int64).clip(-_LARGEST, _LARGEST)
            counts = self._counts[label.minutes]
            counts *= 0.5 ** (1 / _HALF_LIFE)
            counts += np.bincount(off + _LARGEST, minlength=len(counts))

    def odds(self, snapshot: Snapshot, minutes: int, expected: Floats, places: Ints) -> Floats:
        """Give odds `(S, N)` around the `expected` bikes `(S,)`, whose errors are then counted."""
        self._labels.ask(snapshot, minutes, np.where(snapshot.bikes >= 0, expected, np.nan))
        counts = self._counts[minutes]
        likely = counts > 0
        return odds_of_values(expected + self._errors[likely][:, None], counts[likely], places)


class FromFunction:
    """An own model of `function(snapshot, minutes)`, which gives the bikes to expect, `(S,)`."""

    def __init__(self, function: Callable[[Snapshot, int], Floats]) -> None:
        self._function = function
        self._past = PastErrors()

    def learn(self, snapshot: Snapshot) -> None:
        """Keep the snapshot, and count the errors that it shows."""
        self._snapshot = snapshot
        self._past.learn(snapshot)

    def forecast(self, minutes: Sequence[int], places: Ints) -> Floats:
        """Give odds `(H, S, N)` around what the function expects."""
        now = self._snapshot
        return np.stack(
            [self._past.odds(now, each, np.asarray(self._function(now, each)), places) for each in minutes]
        )
