"""Issued forecasts: each is kept when it is made, and judged at its target time.

A forecast for 18:15 made at 18:00 can only be judged at 18:15. Until then it is kept exactly as issued:
recomputing it from a later state would let the model grade its own work.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from model.arrays import Array32, Bools, Floats, Ints, take_rows
from model.records import WEATHER

NEAR_SCORED: tuple[int, ...] = (5, 10, 15, 30, 45, 60, 90, 120)
FAR_SCORED: tuple[int, ...] = (180, 360, 720, 1440)
SCORED_MINUTES: tuple[int, ...] = NEAR_SCORED + FAR_SCORED

ISSUE_MINUTES = 20
"""A forecast is put on record at the first snapshot of every twenty minutes of Unix time."""

FAR_ISSUES = 6
"""Only every sixth issue has the far horizons: each of these waits for up to a day and takes memory."""

SCALE = 65535
"""What stands for certainty in `Pending.odds`."""

CURVE_POINTS = 11


@dataclass
class Pending:
    """An issued forecast: the experts' distributions, their weights, and the counts at its issue time.

    `models` names the M experts. `bikes`, `docks` and `places` are `(S,)` with -1 for unknown: a station
    whose bikes were unknown is not judged. `odds` are P(bikes ≤ k) in 65535ths for k up to each station's
    places, one station after the other, `(M, Σ places + 1)`: one station of 200 places must not make 2,000
    others as wide. `weight` is `(M, S)`; `curve` `(11,)` and `held` `(S,)` are the guard's. `seed_bikes`
    `(S,)` are the counts that the seed pipeline predicted, not numbers where it did not run. `weather` `(6,)`
    is its input.

    Raises `ValueError` where shapes do not fit together or counts are no whole numbers.
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
    seed_bikes: Floats
    weather: Floats
    odds: NDArray[np.uint16]

    def __post_init__(self) -> None:
        size, members = len(self.bikes), len(self.models)
        shapes = dict.fromkeys(("docks", "places", "held", "seed_bikes"), (size,)) | {
            "weight": (members, size),
            "curve": (CURVE_POINTS,),
            "weather": (len(WEATHER),),
            "odds": (members, int(starts(self.places)[-1])),
        }
        for name, shape in shapes.items():
            found = getattr(self, name).shape
            if found != shape:
                raise ValueError(f"Pending.{name} has shape {found} instead of {shape}")
        for name in ("bikes", "docks", "places"):
            if getattr(self, name).dtype != np.int64:
                raise ValueError(f"Pending.{name} are {getattr(self, name).dtype}, not whole numbers")

    @property
    def target_at(self) -> datetime:
        """The target time."""
        return self.issued_at + timedelta(minutes=self.minutes)

    @property
    def seeded(self) -> bool:
        """Tell whether the seed pipeline predicted as well."""
        return bool((~np.isnan(self.seed_bikes)).any())

    def reorder(self, rows: Ints) -> None:
        """Reorder the stations; -1 in `rows` stands for a new one without counts."""
        every = np.arange(len(self.places))
        dense = take_rows(self.spread(every).transpose(0, 2, 1), rows, SCALE).transpose(0, 2, 1)
        for name, default in (("bikes", -1), ("docks", -1), ("places", -1), ("weight", 0), ("held", True),
                              ("seed_bikes", np.nan)):  # fmt: skip
            setattr(self, name, take_rows(getattr(self, name), rows, default))
        self.odds = dense[:, np.arange(dense.shape[2]) <= np.maximum(self.places, 0)[:, None]]

    def spread(self, rows: Ints) -> NDArray[np.uint16]:
        """Lay the odds of some stations out side by side, `(M, S, N)`."""
        places = np.maximum(self.places[rows], 0)
        count = np.arange(int(places.max(initial=0)) + 1)
        where = np.minimum(starts(self.places)[rows][:, None] + count, self.odds.shape[1] - 1)
        laid: NDArray[np.uint16] = np.where(count <= places[:, None], self.odds[:, where], np.uint16(SCALE))
        return laid


def starts(places: Ints) -> Ints:
    """Give where each station's odds start in `Pending.odds`, and where the last's end, `(S + 1,)`."""
    return np.concatenate([[0], np.cumsum(np.maximum(places, 0) + 1)])


def pack(odds: Array32) -> NDArray[np.uint16]:
    """Round probabilities to 65535ths, a quarter of a float64's memory."""
    packed: NDArray[np.uint16] = np.rint(odds * np.float32(SCALE)).astype(np.uint16)
    return packed
