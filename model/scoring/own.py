"""Forecasts of the own model: checked, rounded as all others are, and put beside the question they answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from model import codec
from model.arrays import Bools, Floats, Ints, Strings, rows_of
from model.kernels.records import CERTAIN, SHIFT_FEATURES
from model.scoring.issue import CURVE_POINTS, Levels, Pending, Short, short, to_levels, uncertain

OWN = "own"
"""The name that the own model is scored under."""

TOLERANCE = 1e-3
"""By how much odds may miss a sum of 1: single precision and rounded quantiles do."""

_MAX_BYTES = 2**26


class OwnOddsError(ValueError):
    """The own model gave no odds. The text says at which station, and what is wrong with them."""


@dataclass(frozen=True, eq=False)
class OwnForecast:
    """What the own model gave `minutes` after `issued_at` at the stations `station_id` `(S,)`.

    `first`, `length` `(1, S)` and `levels` hold the odds as `Pending` does.
    """

    issued_at: datetime
    minutes: int
    station_id: Strings
    first: Short
    length: Short
    levels: Levels

    @classmethod
    def of(
        cls,
        issued_at: datetime,
        minutes: int,
        station_id: Strings,
        asked: Bools,
        places: Ints,
        odds: NDArray[np.floating],
    ) -> OwnForecast:
        """Round odds `(S, N)` of 0, 1, … bikes, at the stations that were `asked` `(S,)`.

        Raises `OwnOddsError` where they are no numbers from 0 to 1, do not sum to 1, or are of more bikes
        than a station's `places` `(S,)`.
        """
        places = np.maximum(places, 0)
        wide = np.zeros((len(places), max(int(places.max(initial=0)) + 1, odds.shape[1])))
        wide[:, : odds.shape[1]] = odds
        _check(wide, minutes, station_id, asked, places)
        below = np.cumsum(np.where(asked[:, None], wide, 0), axis=1)
        levels = to_levels(np.clip(below, 0, 1).T.astype(np.float32)).T
        count = np.arange(wide.shape[1])
        levels[~asked[:, None] | (count >= places[:, None])] = CERTAIN
        first, length, between = uncertain(levels[count <= places[:, None]][None], places)
        return cls(issued_at, minutes, station_id, first, length, between)

    def beside(self, question: Pending, station_id: Strings) -> Pending:
        """Make the forecast on record that is judged beside the `question` of the stations `station_id`."""
        size, counts = len(self.station_id), question.counts
        then = counts.reordered(rows_of(self.station_id, station_id))
        made = Pending(
            issued_at=self.issued_at,
            minutes=self.minutes,
            models=(OWN,),
            counts=then,
            weight=np.ones((1, size), dtype=np.uint16),
            curve=np.linspace(0, 1, CURVE_POINTS),
            held=np.zeros(size, dtype=np.bool_),
            median=np.zeros(size, dtype=short(question.places)),
            weather=question.weather,
            first=self.first,
            length=self.length,
            levels=self.levels,
            coefficients=np.zeros(SHIFT_FEATURES, dtype=np.float32),
            gain=np.zeros(size, dtype=np.float32),
        )
        made.reorder(rows_of(station_id, self.station_id), counts)
        return made

    def to_bytes(self) -> bytes:
        """Pack it."""
        return codec.pack(
            {"at": np.array([int(self.issued_at.timestamp()), self.minutes]), "station_id": self.station_id,
             "first": self.first, "length": self.length, "levels": self.levels}
        )  # fmt: skip

    @classmethod
    def from_bytes(cls, blob: bytes) -> OwnForecast:
        """Read what `to_bytes` gave. Raises `DamagedError`, or `KeyError` for another release's."""
        arrays = codec.unpack(blob, _MAX_BYTES)
        issued, minutes = arrays.pop("at").tolist()
        return cls(datetime.fromtimestamp(issued, UTC), minutes, **arrays)


def _check(odds: Floats, minutes: int, station_id: Strings, asked: Bools, places: Ints) -> None:
    """Raise `OwnOddsError` for the first station whose odds `(S, N)` are none."""
    with np.errstate(all="ignore"):
        numbers = np.isfinite(odds).all(axis=1) & (odds >= -TOLERANCE).all(axis=1)
        total = odds.sum(axis=1)
        beyond = np.where(np.arange(odds.shape[1]) > places[:, None], odds, 0).sum(axis=1)
        faults = {
            "odds of {station} in {minutes} min are negative or no numbers": ~numbers,
            "odds of {station} in {minutes} min sum to {total:.3g}": ~(np.abs(total - 1) <= TOLERANCE),
            "odds of {station} in {minutes} min are of more bikes than its {places} places":
                ~(beyond <= TOLERANCE),
        }  # fmt: skip
    for words, wrong in faults.items():
        rows = np.flatnonzero(asked & wrong)
        if len(rows):
            row = int(rows[0])
            raise OwnOddsError(
                words.format(station=station_id[row], minutes=minutes, total=total[row], places=places[row])
            )
