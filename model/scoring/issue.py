"""Issued forecasts: each is kept when it is made, and judged at its target time.

A forecast for 18:15 made at 18:00 can only be judged at 18:15. Until then it is kept exactly as issued:
recomputing it from a later state would let the model grade its own work.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.arrays import Array32, Bools, Floats, Ints, frozen, take_rows
from model.kernels.records import CERTAIN, SHIFT_FEATURES
from model.records import WEATHER

NEAR_SCORED: tuple[int, ...] = (5, 10, 15, 30, 45, 60, 90, 120)
FAR_SCORED: tuple[int, ...] = (180, 360, 720, 1440)
SCORED_MINUTES: tuple[int, ...] = NEAR_SCORED + FAR_SCORED

KIND_SCORED: tuple[int, ...] = (15, 30, 60, 120)
"""The horizons at which the forecasts of one kind of bikes are put on record."""

COUNTS = ("bikes", "docks", "places")

Whole = NDArray[np.signedinteger[Any]]

ISSUE_MINUTES = 20
"""A forecast is put on record at the first snapshot of every twenty minutes of Unix time."""

FAR_ISSUES = 6
"""Only every sixth issue has the far horizons: each of these waits for up to a day and takes memory."""

WHOLE = 65535
"""What stands for a weight of 1 in `Pending.weight`."""

CURVE_POINTS = 11

Levels = NDArray[np.uint8]
Weights = NDArray[np.uint16]
Short = NDArray[np.unsignedinteger[Any]]


@dataclass(frozen=True, eq=False)
class IssueCounts:
    """The counts at an issue time, which the forecasts of all horizons share: `(S,)`, -1 for unknown.

    A station whose bikes were unknown is not judged. `bikes` never exceed `places`: they are positions in a
    distribution. `features` `(F − 1, S)` are those of the shift, in bikes.

    Raises `ValueError` where this does not hold, where shapes differ, or counts are no whole numbers.
    """

    bikes: Whole
    docks: Whole
    places: Whole
    features: Array32

    def __post_init__(self) -> None:
        shape = SHIFT_FEATURES - 1, len(self.bikes)
        if self.features.shape != shape or self.features.dtype.char != "f":
            raise ValueError(f"features of an issue are {self.features.dtype} {self.features.shape}")
        object.__setattr__(self, "features", frozen(self.features, np.float32))
        for name in COUNTS:
            given = getattr(self, name)
            if given.dtype.kind != "i" or given.shape != self.bikes.shape or given.ndim != 1:
                raise ValueError(f"{name} of an issue are {given.dtype} {given.shape}, not whole numbers")
            object.__setattr__(self, name, frozen(given, np.int32))
        if (self.bikes > np.maximum(self.places, 0)).any():
            raise ValueError("a station had more bikes than places at the issue time")

    def reordered(self, rows: Ints) -> IssueCounts:
        """Reorder the stations; -1 in `rows` stands for a new one without counts."""
        bikes, docks, places = (take_rows(getattr(self, name), rows, -1) for name in COUNTS)
        return IssueCounts(bikes, docks, places, take_rows(self.features, rows, 0))


@dataclass
class Pending:
    """An issued forecast: the experts' distributions, their weights, and the counts at its issue time.

    `models` names the M experts. `weight` is `(M, S)` in 65535ths; `curve` `(11,)` and `held` `(S,)` are the
    guard's, `coefficients` `(F,)` and `gain` `(S,)` the shift's. `median` `(S,)` is the pool's, after both,
    as people saw it. `weather` `(6,)` is the input of the seed pipeline, and `seed_bikes` `(S,)` are the
    counts that it predicted: not numbers where bikes were unknown, None where it did not run.

    **How odds are stored.** P(bikes ≤ k) is rounded to a whole number of 255ths, its *level*. A level never
    falls with `k`: it is 0, then something between, then 255. Only what lies between is stored. For member
    `m` and station `s`, `first[m, s]` counts the levels of 0, and `length[m, s]` those from 1 to 254. Both
    are `(M, S)`, in C order. They and `median` are uint8, or uint16 where a station has more than 255 places.
    `levels` holds those from 1 to 254, of one station after the other for the first member, then for the
    second, and so on. So those of `m` and `s` begin at the sum of all lengths that lie before `length[m, s]`
    in memory, and

        level of k = 0 where k < first, levels[begin + k − first] where k < first + length, else 255.

    `first + length` is at most the station's places. "As now" takes no levels, and a station that is not
    judged has none either.

    Raises `ValueError` where shapes do not fit together, or a distribution does not end at its places.
    """

    issued_at: datetime
    minutes: int
    models: tuple[str, ...]
    counts: IssueCounts
    weight: Weights
    curve: Floats
    held: Bools
    median: Short
    weather: Floats
    first: Short
    length: Short
    levels: Levels
    coefficients: Array32
    gain: Array32
    seed_bikes: Floats | None = None

    def __post_init__(self) -> None:
        size, members = len(self.counts.bikes), len(self.models)
        by_member = dict.fromkeys(("weight", "first", "length"), (members, size))
        shapes = by_member | {
            "held": (size,),
            "median": (size,),
            "curve": (CURVE_POINTS,),
            "coefficients": (SHIFT_FEATURES,),
            "gain": (size,),
            "weather": (len(WEATHER),),
            "levels": (int(self.length.sum(dtype=np.int64)),),
        }
        if self.seed_bikes is not None:
            shapes["seed_bikes"] = (size,)
        for name, shape in shapes.items():
            found = getattr(self, name).shape
            if found != shape:
                raise ValueError(f"Pending.{name} has shape {found} instead of {shape}")
        types = dict.fromkeys(("median", "first", "length"), "BHI")
        types |= {"weight": "H", "held": "?", "levels": "B", "coefficients": "f", "gain": "f"}
        for name, chars in types.items():
            if getattr(self, name).dtype.char not in chars:
                raise ValueError(f"Pending.{name} is {getattr(self, name).dtype}")
        if (self.first.astype(np.int64) + self.length > np.maximum(self.places, 0)).any():
            raise ValueError("a distribution of Pending goes beyond the station's places")

    @property
    def bikes(self) -> Ints:
        """The bikes at the issue time, `(S,)`."""
        return self.counts.bikes.astype(np.int64)

    @property
    def docks(self) -> Ints:
        """The docks at the issue time, `(S,)`."""
        return self.counts.docks.astype(np.int64)

    @property
    def places(self) -> Ints:
        """The places at the issue time, `(S,)`."""
        return self.counts.places.astype(np.int64)

    @cached_property
    def target_at(self) -> datetime:
        """The target time."""
        return self.issued_at + timedelta(minutes=self.minutes)

    def reorder(self, rows: Ints, counts: IssueCounts) -> None:
        """Reorder the stations; -1 in `rows` stands for a new one. `counts` are those of the new order."""
        before = take_rows(self.begin(), rows, 0)
        for name, default in (("weight", 0), ("held", True), ("median", 0), ("first", 0), ("length", 0),
                              ("gain", 0)):  # fmt: skip
            setattr(self, name, take_rows(getattr(self, name), rows, default))
        if self.seed_bikes is not None:
            self.seed_bikes = take_rows(self.seed_bikes, rows, np.nan)
        moved = np.repeat((before - self.begin()).ravel(), self.length.ravel())
        self.levels = self.levels[moved + np.arange(len(moved))]
        self.counts = counts

    def begin(self) -> Ints:
        """Give where the levels of each member and station begin, `(M, S)`."""
        ends: Ints = np.cumsum(self.length, dtype=np.int64).reshape(self.length.shape)
        return ends - self.length

    def odds(self, rows: Ints) -> Array32:
        """Give P(bikes ≤ k) of some stations by member, `(M, S, N)`."""
        count = np.arange(int(self.places[rows].max(initial=0)) + 1)
        first, length, begin = (each[:, rows, None] for each in (self.first, self.length, self.begin()))
        inside = count - first.astype(np.int64)
        between = (inside >= 0) & (inside < length)
        odds: Array32 = (inside >= 0).astype(np.float32)
        odds[between] = self.levels[(begin + inside)[between]] / np.float32(CERTAIN)
        return odds

    def weights(self, rows: Ints) -> Array32:
        """Give the weights of some stations, `(M, S)`."""
        return self.weight[:, rows].astype(np.float32) / np.float32(WHOLE)


def starts(places: Ints) -> Ints:
    """Give where each station's odds start, one after the other, and where the last's end, `(S + 1,)`.

    A station of 200 places must not make 2,000 others as wide.
    """
    return np.concatenate([[0], np.cumsum(np.maximum(places, 0) + 1)])


def short(places: Ints) -> np.dtype[Any]:
    """Give the smallest type that counts up to the most places."""
    return np.min_scalar_type(max(int(places.max(initial=0)), 0))


def to_levels(odds: Array32) -> Levels:
    """Round P(bikes ≤ k), `(…, N, S)`, to 255ths that never fall with `k`.

    >>> to_levels(np.float32([[0.0001], [0.4999], [0.5001], [1.0]])).ravel().tolist()
    [0, 127, 128, 255]
    """
    rounded: Levels = np.rint(odds * np.float32(CERTAIN)).astype(np.uint8)
    return np.maximum.accumulate(rounded, axis=-2, out=rounded)


def to_weights(weight: Array32) -> Weights:
    """Round weights to 65535ths."""
    rounded: Weights = np.rint(weight * np.float32(WHOLE)).astype(np.uint16)
    return rounded


def uncertain(levels: Levels, places: Ints) -> tuple[Short, Short, Levels]:
    """Keep of levels `(M, Σ places + 1)` what `Pending` stores: `first`, `length` and its `levels`.

    They lie one station after the other, as `starts` says. Each station's last level must be 255.

    >>> kept = uncertain(np.uint8([[0, 128, 255, 255, 7, 255]]), np.array([3, 1]))
    >>> [each.tolist() for each in kept]
    [[[1, 0]], [[1, 1]], [128, 7]]
    """
    begin = starts(places)[:-1]
    kind = short(places)
    between = (levels > 0) & (levels < CERTAIN)
    first, length = (
        np.add.reduceat(each, begin, axis=1, dtype=kind) if len(begin) else np.zeros((len(levels), 0), kind)
        for each in (levels == 0, between)
    )
    return first, length, levels[between]
