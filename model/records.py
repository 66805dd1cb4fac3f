"""The records that go into the forecaster and come out of it: stations, snapshots, weather, forecasts.

All are frozen. Their arrays are aligned by station and read-only, so that no reader can change what
another one still reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from enum import IntEnum
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.arrays import Array32, Bools, Floats, Ints, Strings, frozen

UNKNOWN = -1
"""Stands for a count that the feed left out, or gave as nonsense."""


class CountState(IntEnum):
    """Whether a station's count can be believed, and why not where it cannot.

    Only a known count is learnt from, and is a truth. Both counts are -1 where the state is old, contradicted
    or missing. A closed station keeps the counts that its feed gives, often zeros.
    """

    KNOWN = 0
    OLD = 1
    """The station has stopped reporting, while others of its feed go on."""
    CONTRADICTED = 2
    """Open, with a capacity, yet neither a bike nor a dock."""
    CLOSED = 3
    """The station neither rents nor takes back."""
    MISSING = 4
    """The feed gave no number of bikes, or did not name the station."""


NOTHING_KNOWN: Mapping[str, int | bool] = MappingProxyType(
    {"bikes": UNKNOWN, "docks": UNKNOWN, "ebikes": UNKNOWN, "cargo": UNKNOWN, "renting": True,
     "returning": True, "state": int(CountState.MISSING)}
)  # fmt: skip
"""The columns of a snapshot, each with its value at a station of which nothing is known."""

COUNTS = ("bikes", "docks", "ebikes", "cargo")
"""Those of its columns that are unknown at once where a count cannot be believed."""

ANY, PLAIN, ELECTRIC, CARGO = "any", "plain", "electric", "cargo"
"""What is forecast of a station's bikes: any bike, or those of one kind alone."""

OF_BIKES = (PLAIN, ELECTRIC)
"""The kinds that together are the `bikes` of a snapshot."""

KINDS = (*OF_BIKES, CARGO)
"""The kinds that are forecast apart, where a feed tells them apart. Cargo bikes are not among the `bikes`."""

_WEATHER_HOLDS = 3 * 3600


def contradicted(bikes: Ints, docks: Ints, capacity: Ints, open_: Bools) -> Bools:
    """Tell where a station contradicts itself: open, with a capacity, yet with neither a bike nor a dock.

    Boulder's stations do so for 70 s in the middle, 1,163 times in eight weeks, and 852 times show the very
    count of before again. Both counts are unknown then. A closed station may well show zeros, and so may one
    whose places are all out of order: leave those out of `capacity`.

    >>> contradicted(np.array([0, 0, 7]), np.array([0, 0, 8]), np.array([15, -1, 15]), np.array([True] * 3))
    array([ True, False, False])
    """
    found: Bools = (bikes == 0) & (docks == 0) & (capacity > 0) & open_
    return found


def count_states(bikes: Ints, renting: Bools | None = None, returning: Bools | None = None) -> Ints:
    """Give the state of counts that were not found to be old or contradicted, `(S,)`.

    >>> count_states(np.array([3, -1, 0]), np.array([True, True, False]), np.array([True, True, False]))
    array([0, 4, 3])
    """
    state = np.where(bikes < 0, int(CountState.MISSING), int(CountState.KNOWN))
    if renting is not None and returning is not None:
        state[(bikes >= 0) & ~(renting | returning)] = int(CountState.CLOSED)
    return state


def unbelieved(state: NDArray[Any]) -> Bools:
    """Tell where the count of now is not known at all: old, contradicted or missing."""
    # np.isin takes twenty times as long for a small system, and each tick makes some records.
    found: Bools = (state == int(CountState.OLD)) | (state == int(CountState.CONTRADICTED))
    found |= state == int(CountState.MISSING)
    return found


def _check_aligned(record: Any, names: Sequence[str]) -> None:
    size = len(record.station_id)
    for name in names:
        value = getattr(record, name)
        if value is not None and value.shape != (size,):
            raise ValueError(
                f"{type(record).__name__}.{name} has shape {value.shape}, "
                f"but station_id names {size} stations: give one value a station"
            )
    if len(set(record.station_id.tolist())) != size:
        raise ValueError(f"{type(record).__name__}.station_id holds a station twice: name each once")


@dataclass(frozen=True, eq=False)
class Stations:
    """The stations of one system, as its station information describes them.

    `station_id` and `name` are strings, `lat` and `lon` WGS 84 degrees, `capacity` docks with -1 for
    unknown; all of shape `(S,)`. `timezone` is an IANA name and decides the local day. `region` is the part
    of the `country` that has its own holidays, as in ISO 3166-2 without the country; empty where unknown.
    """

    system_id: str
    timezone: str
    country: str
    station_id: Strings
    name: Strings
    lat: Floats
    lon: Floats
    capacity: Ints
    region: str = ""

    def __post_init__(self) -> None:
        for name, dtype in (("station_id", np.str_), ("name", np.str_), ("lat", np.float64),
                            ("lon", np.float64), ("capacity", np.int64)):  # fmt: skip
            object.__setattr__(self, name, frozen(getattr(self, name), dtype))
        _check_aligned(self, ("name", "lat", "lon", "capacity"))

    def __len__(self) -> int:
        return len(self.station_id)

    def take(self, rows: Ints) -> Stations:
        """Keep some of the stations, by position."""
        kept = {name: getattr(self, name)[rows] for name in ("station_id", "name", "lat", "lon", "capacity")}
        return replace(self, **kept)

    def same_as(self, other: Stations) -> bool:
        """Tell whether every field of `other` equals this one's, arrays by value."""
        return all(np.array_equal(getattr(self, f.name), getattr(other, f.name)) for f in fields(self))


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The counts of every station of a system at one moment.

    `at` is aware UTC. `bikes`, `docks` and, where known, `ebikes` and `cargo` are counts of shape `(S,)`, -1
    for unknown; `renting` and `returning` are booleans of shape `(S,)`, None where the feed has no such
    flags. `cargo` bikes are not among the `bikes`. `state` is a `CountState` for each station; without it,
    counts and flags tell.
    """

    at: datetime
    station_id: Strings
    bikes: Ints
    docks: Ints
    ebikes: Ints | None = None
    renting: Bools | None = None
    returning: Bools | None = None
    cargo: Ints | None = None
    state: Ints | None = None

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ValueError("Snapshot.at must be an aware datetime: give it a time zone, best UTC")
        object.__setattr__(self, "at", self.at.astimezone(UTC))
        object.__setattr__(self, "station_id", frozen(self.station_id, np.str_))
        for name in COUNTS:
            if getattr(self, name) is not None:
                counts = frozen(getattr(self, name), np.int64)
                if (counts < UNKNOWN).any():
                    raise ValueError(f"Snapshot.{name} has counts below -1: use -1 for unknown")
                object.__setattr__(self, name, counts)
        for name in ("renting", "returning"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, frozen(getattr(self, name), np.bool_))
        if self.state is not None:
            object.__setattr__(self, "state", frozen(self.state, np.int64))
        _check_aligned(self, (*COUNTS, "renting", "returning", "state"))
        state = self.state
        if state is None:
            state = frozen(count_states(self.bikes, self.renting, self.returning), np.int64)
            object.__setattr__(self, "state", state)
            return
        if state.min(initial=0) < 0 or state.max(initial=0) >= len(CountState):
            raise ValueError("Snapshot.state has a value that CountState does not")
        if (unbelieved(state) != (self.bikes < 0)).any():
            raise ValueError("Snapshot.state and bikes differ: bikes are -1 where, and only where, unknown")

    def __len__(self) -> int:
        return len(self.station_id)


WEATHER = ("temperature", "humidity", "pressure", "wind", "clouds", "rain")
"""The columns of a `Weather`, in degrees Celsius, per cent, hectopascal, metres a second, per cent, mm/h."""


@dataclass(frozen=True, eq=False)
class Weather:
    """The weather at a system's centre, now and forecast, as it was known when it was fetched.

    `hours` are rising Unix seconds `(T,)`, `values` is `(T, 6)` in the order of `WEATHER`, not a number where
    unknown. A single hour is an observation, which holds until there is another.
    """

    hours: Ints
    values: Floats

    def __post_init__(self) -> None:
        object.__setattr__(self, "hours", frozen(self.hours, np.int64))
        object.__setattr__(self, "values", frozen(self.values, np.float64))
        if not len(self.hours) or self.values.shape != (len(self.hours), len(WEATHER)):
            raise ValueError(
                f"Weather.values has shape {self.values.shape} for {len(self.hours)} hours: "
                f"give a row an hour, at least one, of {', '.join(WEATHER)}"
            )
        if (np.diff(self.hours) <= 0).any():
            raise ValueError("Weather.hours do not rise: sort them, each hour once")

    def at(self, moment: datetime) -> Floats:
        """Give the values at an aware moment `(6,)`, interpolated linearly between the hours.

        The first and the last hour hold for three hours before and after. Beyond, nothing is known.
        """
        hours, seconds = self.hours, moment.timestamp()
        if not hours[0] - _WEATHER_HOLDS <= seconds <= hours[-1] + _WEATHER_HOLDS:
            return np.full(len(WEATHER), np.nan)
        before = max(int(hours.searchsorted(seconds, side="right")) - 1, 0)
        begin: Floats = self.values[before].copy()
        if before == len(hours) - 1 or seconds <= hours[before]:
            return begin
        slope = (self.values[before + 1] - begin) / (hours[before + 1] - hours[before])
        begin += slope * (seconds - float(hours[before]))
        return begin


def median(cdf: Array32) -> Ints:
    """Give the median count, over the last axis: the smallest `k` with P(count ≤ k) ≥ 0.5."""
    return np.asarray((cdf < np.float32(0.5 - 1e-6)).sum(axis=-1, dtype=np.int16), dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Counts:
    """The distribution of a count at each horizon and station: P(count ≤ k) in `cdf`, `(H, S, N)`.

    `known` `(S,)` tells where there is a forecast. Elsewhere counts are -1 and odds are not a number.
    """

    cdf: Array32
    known: Bools

    @property
    def median(self) -> Ints:
        """The median count, `(H, S)`: best in absolute error."""
        return np.where(self.known, median(self.cdf), UNKNOWN)

    @property
    def mean(self) -> Floats:
        """The expected count, `(H, S)`: best in squared error."""
        mean = (1.0 - self.cdf).sum(axis=-1, dtype=np.float64)
        return np.where(self.known, mean, np.nan)

    def quantile(self, q: float) -> Ints:
        """Give the smallest count `k` with P(count ≤ k) ≥ q, `(H, S)`.

        Raises `ValueError` unless 0 < q < 1.
        """
        if not 0 < q < 1:
            raise ValueError(f"a quantile lies between 0 and 1, not at {q}")
        # The tolerance of float32 keeps a quantile from moving by one for rounding alone.
        below = self.cdf < np.float32(q) - np.float32(1e-6)
        return np.where(self.known, below.sum(axis=-1, dtype=np.int16).astype(np.int64), UNKNOWN)

    def at_least(self, n: int) -> Floats:
        """Give the odds of `n` or more, `(H, S)`.

        Raises `ValueError` when n is negative.
        """
        if n < 0:
            raise ValueError(f"nobody wants {n} bikes: ask for 0 or more")
        if n == 0 or n > self.cdf.shape[-1]:
            odds = np.full(self.cdf.shape[:2], float(n == 0))
        else:
            odds = 1.0 - self.cdf[:, :, n - 1].astype(np.float64)
        return np.where(self.known, odds, np.nan)


@dataclass(frozen=True, eq=False)
class Forecast:
    """The distributions `minutes` `(H,)` after `at`, for the stations `station_id` `(S,)`.

    `plain` and `ebikes` are those of one kind of the `bikes`, None where the feed has not told kinds apart;
    `cargo` are bikes beside these, None where the feed has shown none.
    """

    at: datetime
    minutes: Ints
    station_id: Strings
    bikes: Counts
    docks: Counts
    plain: Counts | None = None
    ebikes: Counts | None = None
    cargo: Counts | None = None


def pack_stations(stations: Stations) -> dict[str, NDArray[Any]]:
    """Give the fields of a description as arrays for an npz; no region where there is none."""
    named = {
        f"stations.{field.name}": np.asarray(getattr(stations, field.name)) for field in fields(Stations)
    }
    if not stations.region:
        del named["stations.region"]
    return named


def unpack_stations(arrays: Mapping[str, NDArray[Any]]) -> Stations:
    """Read what `pack_stations` gave, or that of a release before regions."""
    described: dict[str, Any] = {}
    for field in fields(Stations):
        if f"stations.{field.name}" not in arrays and field.name == "region":
            continue
        value = arrays[f"stations.{field.name}"]
        described[field.name] = value if value.ndim else str(value)
    return Stations(**described)


@dataclass(frozen=True)
class Drift:
    """A change of the forecaster's loss relative to naive, `minutes` ahead, noticed `at` (aware UTC).

    `before` and `after` are the mean distance of the loss from the usual, as a share of naive's usual error.
    Where `after` is larger, the forecasts have become worse.
    """

    at: datetime
    minutes: int
    before: float
    after: float
