"""A frame: everything that a page needs of one system's forecast, as arrays.

A tick makes one and never changes it again, so readers may cache it for ever under its version. It holds
summaries of the distributions: 24 times smaller than the distributions, and enough for the map.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model import codec
from model.arrays import Bools, Ints
from model.codec import Arrays
from model.hours import OpeningHours
from model.identity import pack_renamed, unpack_renamed
from model.kernels.records import NO_FORECAST as NO_FORECAST
from model.records import (
    ANY,
    CARGO,
    ELECTRIC,
    PLAIN,
    UNKNOWN,
    Stations,
    count_states,
    pack_stations,
    unpack_stations,
)

MINUTES: tuple[int, ...] = (*range(0, 20, 5), *range(20, 121, 10), *range(150, 1441, 30))
"""The horizons of every new frame: the steps in which the chains are solved, to a day.

`model.moments` reads a frame between them. A frame of an older release has five-minute steps to two hours,
then hours.
"""

AT_LEAST: tuple[int, ...] = (1, 2, 3, 4)
"""How many bikes or spaces a rider may need: `Outlook.chance` has a row for each."""

OUTLOOKS: tuple[str, ...] = ("bike", "space", "plain_bike", "ebike", "cargo_bike")
"""The forecasts that a frame has of each station; those of a kind of bikes only where it is told apart."""

OF_KIND: Mapping[str, str] = MappingProxyType(
    {ANY: "bike", PLAIN: "plain_bike", ELECTRIC: "ebike", CARGO: "cargo_bike"}
)
"""The name in `OUTLOOKS` of the forecast of each kind of bikes."""

_FORMAT = 2

_MAX_BYTES = 2**30

_COLUMNS = ("minutes", "bikes", "docks", "ebikes", "renting", "returning")
_LATER_COLUMNS = (
    "state",
    "cargo",
    "last_bikes",
    "last_docks",
    "last_at",
    "overflow",
    "left_by",
    "left_since",
)
"""Columns that older frames lack."""


def _not_given() -> NDArray[Any]:
    return np.zeros(0)


@dataclass(frozen=True, eq=False)
class Outlook:
    """The forecast of the bikes, of the docks, or of one kind of bikes, of each station.

    `median`, `low` and `high` (the 10 % and 90 % quantiles) are counts of shape `(H, S)`, -1 where there is
    no forecast. `chance` is per cent of shape `(4, H, S)` for at least 1, 2, 3, 4, and 255 where there is
    none; it is rounded, except that 0 and 100 are kept for what is certain to within 0.05 %.
    """

    median: NDArray[np.int16]
    low: NDArray[np.int16]
    high: NDArray[np.int16]
    chance: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Frame:
    """One system's stations, newest counts and forecasts, as of `at` (aware UTC).

    `minutes` is `(H,)` from `at`, or `(1, S)` where each station has a horizon of its own; `bikes`, `docks`
    and `ebikes` are the newest counts `(S,)`, -1 unknown;
    `renting` and `returning` booleans `(S,)`; `learning_since` is the first snapshot ever learnt.
    `hours` are the opening hours, None where no station has any. `rents` and `returns` `(S,)` are the flags
    that a station has while its hours have it open; None where they are those of now.
    `renamed` has the present id of stations by each id that they had before.

    `state` is a `CountState` for each station. Where it says that the count of now is not known, `last_bikes`
    and `last_docks` are the last known counts and `last_at` their time in Unix seconds; elsewhere, and where
    none ever was known, these are -1. `cargo` bikes are not among the `bikes`. `overflow` stations take bikes
    also at 0 docks. Where the last bikes may be broken, `left_by` are the riders who would usually have taken
    one since `left_since`, in Unix seconds; elsewhere both are -1. Frames of older releases lack these
    columns, and have what counts and flags tell.

    `plain_bike` and `ebike` are the forecasts by kind of bike, up to two hours ahead: later horizons have no
    forecast. Both are None where the feed does not tell kinds apart, and in frames of older releases. They
    are never surer of a bike of a kind than `bike` is of a bike. `cargo_bike` is the like of cargo bikes,
    which are not among the `bikes`; None where the feed has shown none.
    """

    at: datetime
    learning_since: datetime
    stations: Stations
    minutes: Ints
    bikes: NDArray[np.int16]
    docks: NDArray[np.int16]
    ebikes: NDArray[np.int16]
    renting: NDArray[np.bool_]
    returning: NDArray[np.bool_]
    bike: Outlook
    space: Outlook
    hours: OpeningHours | None = None
    rents: NDArray[np.bool_] | None = None
    returns: NDArray[np.bool_] | None = None
    renamed: Mapping[str, str] = field(default_factory=dict)
    state: NDArray[np.uint8] = field(default_factory=_not_given)
    cargo: NDArray[np.int16] = field(default_factory=_not_given)
    last_bikes: NDArray[np.int16] = field(default_factory=_not_given)
    last_docks: NDArray[np.int16] = field(default_factory=_not_given)
    last_at: Ints = field(default_factory=_not_given)
    overflow: NDArray[np.bool_] = field(default_factory=_not_given)
    left_by: NDArray[np.int16] = field(default_factory=_not_given)
    left_since: Ints = field(default_factory=_not_given)
    plain_bike: Outlook | None = None
    ebike: Outlook | None = None
    cargo_bike: Outlook | None = None

    def __post_init__(self) -> None:
        unknown, none = np.full(len(self.bikes), UNKNOWN), np.zeros(len(self.bikes), dtype=np.bool_)
        told = count_states(self.bikes.astype(np.int64), self.renting, self.returning)
        defaults = {
            "state": told.astype(np.uint8),
            **dict.fromkeys(("cargo", "last_bikes", "last_docks", "left_by"), unknown.astype(np.int16)),
            **dict.fromkeys(("last_at", "left_since"), unknown),
            "overflow": none,
        }
        for name, default in defaults.items():
            if not len(getattr(self, name)):
                object.__setattr__(self, name, default)

    @cached_property
    def outlooks(self) -> Mapping[str, Outlook]:
        """Give the forecasts that the frame has, by their name in `OUTLOOKS`."""
        every = {name: getattr(self, name) for name in OUTLOOKS}
        return {name: outlook for name, outlook in every.items() if outlook is not None}

    @property
    def rents_when_open(self) -> NDArray[np.bool_]:
        """Tell which stations rent bikes out while their hours have them open, `(S,)`.

        A closed flag counts only where the hours do not explain it.
        """
        return self.renting if self.rents is None else self.rents

    @property
    def returns_when_open(self) -> NDArray[np.bool_]:
        """Tell which stations take bikes back while their hours have them open, `(S,)`."""
        return self.returning if self.returns is None else self.returns

    @cached_property
    def closed(self) -> Bools | None:
        """Tell which stations are closed by their hours at each horizon, `(H, S)`; None without hours."""
        if self.hours is None:
            return None
        minutes = self.minutes if self.minutes.ndim == 2 else self.minutes[:, None]
        seconds = int(self.at.timestamp()) + 60 * minutes
        return ~self.hours.is_open(np.arange(len(self.stations)), seconds)

    def only(self, minutes: Sequence[int]) -> Frame:
        """Keep only the horizons of `minutes`; skip those that the frame lacks."""
        rows = np.flatnonzero(np.isin(self.minutes, minutes))
        kept: dict[str, Any] = {
            name: Outlook(each.median[rows], each.low[rows], each.high[rows], each.chance[:, rows])
            for name, each in self.outlooks.items()
        }
        return replace(self, minutes=self.minutes[rows], **kept)

    def take(self, rows: Ints) -> Frame:
        """Keep some of the stations, by position."""
        by_station: dict[str, Any] = {
            each.name: value[..., rows]
            for each in fields(self)
            if isinstance(value := getattr(self, each.name), np.ndarray) and each.name != "minutes"
        }
        by_station |= {
            name: replace(side, **{each.name: getattr(side, each.name)[..., rows] for each in fields(side)})
            for name, side in self.outlooks.items()
        }
        if self.hours is not None:
            by_station["hours"] = replace(self.hours, schedule=self.hours.schedule[rows])
        return replace(self, stations=self.stations.take(rows), **by_station)

    def to_bytes(self) -> bytes:
        """Pack into bytes: the same frame always gives the same."""
        arrays: dict[str, Any] = {
            "format": np.array(_FORMAT),
            "at": np.array(int(self.at.timestamp())),
            "learning_since": np.array(int(self.learning_since.timestamp())),
        }
        for name in (*_COLUMNS, *_LATER_COLUMNS):
            arrays[name] = getattr(self, name)
        for name in ("rents", "returns"):
            if getattr(self, name) is not None:
                arrays[name] = getattr(self, name)
        if self.hours is not None:
            arrays |= {f"hours.{each.name}": getattr(self.hours, each.name) for each in fields(self.hours)}
        arrays |= pack_stations(self.stations) | pack_renamed(self.renamed)
        for name, outlook in self.outlooks.items():
            for each in fields(Outlook):
                arrays[f"{name}.{each.name}"] = _steps(getattr(outlook, each.name))
        return codec.pack(arrays)

    @classmethod
    def from_bytes(cls, blob: bytes) -> Frame:
        """Unpack what `to_bytes` of this release, or of the format before it, packed.

        Raises `ValueError` when the blob is of another format version, or damaged.
        """
        arrays = codec.unpack(blob, _MAX_BYTES) if blob.startswith(codec.MAGIC) else _unpack_npz(blob)
        version = int(arrays["format"])
        if version not in (1, _FORMAT):
            raise ValueError(f"frame has format {version}, this release reads 1 and {_FORMAT}")
        outlooks: dict[str, Any] = {
            name: Outlook(**{
                each.name: arrays[f"{name}.{each.name}"] if version == 1
                else _sums(arrays[f"{name}.{each.name}"], np.uint8 if each.name == "chance" else np.int16)
                for each in fields(Outlook)
            })
            for name in OUTLOOKS if f"{name}.median" in arrays
        }  # fmt: skip
        columns: dict[str, Any] = {name: arrays[name] for name in _COLUMNS} | {
            name: arrays[name] for name in ("rents", "returns", *_LATER_COLUMNS) if name in arrays
        }
        return cls(
            at=datetime.fromtimestamp(int(arrays["at"]), UTC),
            learning_since=datetime.fromtimestamp(int(arrays["learning_since"]), UTC),
            stations=unpack_stations(arrays),
            renamed=unpack_renamed(arrays),
            **outlooks,
            hours=OpeningHours(**{f.name: arrays[f"hours.{f.name}"] for f in fields(OpeningHours)})
            if "hours.schedule" in arrays
            else None,
            **columns,
        )


def _steps(values: NDArray[Any]) -> NDArray[Any]:
    """Lay values `(…, H, S)` out by station, as steps from one horizon to the next, `(S, …, H)`.

    Neighbouring horizons are alike: that halves the compressed size. Where counts fit into a byte, a step
    takes one. Steps wrap around like the sums in `_sums`.
    """
    if values.dtype == np.int16 and values.size and values.min() >= -128 and values.max() <= 127:
        values = values.astype(np.int8)
    steps = np.moveaxis(values, -1, 0).copy()
    steps[..., 1:] -= np.moveaxis(values, -1, 0)[..., :-1]
    return steps


def _sums(steps: NDArray[Any], dtype: type[np.generic]) -> NDArray[Any]:
    """Give back the values `(…, H, S)` of `_steps`."""
    values = np.moveaxis(np.cumsum(steps, axis=-1, dtype=steps.dtype), 0, -1)
    return np.ascontiguousarray(values, dtype=dtype)


def _unpack_npz(blob: bytes) -> Arrays:
    """Unpack format 1."""
    with np.load(io.BytesIO(blob), allow_pickle=False) as npz:
        return dict(npz)
