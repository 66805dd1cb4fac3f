"""Checkpoints: a forecaster's state as bytes, by name. Version, names and shapes are checked on the way back.

The same state always gives the same bytes. They name the format, and the kernel that made the numbers.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model import codec
from model.codec import Arrays
from model.component import Component
from model.demand.today import FEATURES
from model.kernels.records import CERTAIN, KERNEL, SHIFT_FEATURES
from model.mixing.pool import CELLS
from model.records import UNKNOWN, CountState, count_states, median
from model.scoring.drift import PARTS
from model.scoring.issue import (
    COUNTS,
    NEAR_SCORED,
    IssueCounts,
    Pending,
    short,
    starts,
    to_levels,
    to_weights,
    uncertain,
)

FORMAT = 12

ADAPTED: tuple[str, ...] = ("numpy-1", "numba-1", "numba-2", "numba-3")
"""Kernels whose numbers mean the same as ours: what they learnt is taken over, and ours learns on from it."""

_MAX_BYTES = 2**30

_LEVEL = 6
"""zstd's level for a state, which is packed every few hours: a seventh fewer bytes than the fastest has."""

_OWN = ("weight", "curve", "held", "median", "weather", "first", "length", "levels", "coefficients", "gain")
"""Arrays of an issued forecast."""

_SHARED = (*COUNTS, "features")
"""Those that all horizons of one issue time share: they are packed once."""


class StateError(ValueError):
    """The bytes are not a state that this release can read: learn the log again instead."""


def pack(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Pack a state into bytes."""
    return codec.pack({"format": np.array(FORMAT), "kernel": np.array(KERNEL), **arrays}, _LEVEL)


def unpack(blob: bytes) -> Arrays:
    """Unpack a state that `pack` of this release, or of one of the eight formats before it, packed.

    Raises `StateError` when the bytes are damaged, too large, of another format, or of a kernel whose numbers
    mean something else, and `MemoryError` where memory is short: the state itself may be whole.
    """
    try:
        arrays = codec.unpack(blob, _MAX_BYTES) if blob.startswith(codec.MAGIC) else _unpack_npz(blob)
        version = int(arrays["format"])
        if version not in (*_NEWER, FORMAT):
            raise StateError(f"the state has format {version}, this release reads 4 to {FORMAT}")
        for older in range(version, FORMAT):
            arrays = _NEWER[older](arrays)
        kernel = str(arrays["kernel"])
        if kernel not in (KERNEL, *ADAPTED):
            raise StateError(f"the state is of kernel {kernel!r}, which {KERNEL!r} cannot take over")
        return arrays
    except (StateError, MemoryError):
        raise
    except Exception as error:  # the codec, zipfile, zlib and numpy may all object
        raise StateError(f"the state cannot be read: {error}") from error


def _unpack_npz(blob: bytes) -> Arrays:
    """Unpack what the formats before 7 were: an npz, compressed as a whole."""
    unpacker = zlib.decompressobj()
    packed = io.BytesIO(unpacker.decompress(blob, _MAX_BYTES))
    if unpacker.unconsumed_tail:
        raise StateError(f"the state is larger than {_MAX_BYTES} bytes, which we never write")
    if not unpacker.eof:
        raise StateError("the state breaks off")
    with np.load(packed, allow_pickle=False) as npz:
        return dict(npz)


def pack_components(components: Mapping[str, Component]) -> Arrays:
    """Give the state of components, each array under the name of its component."""
    return {
        f"{name}.{key}": value
        for name, component in components.items()
        for key, value in (component.keys() | component.arrays()).items()
    }


def restore_components(components: Mapping[str, Component], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Restore components from what `pack_components` gave.

    Raises what `Component.restore` raises.
    """
    for name, component in components.items():
        start = f"{name}."
        component.restore(
            {key.removeprefix(start): value for key, value in arrays.items() if key.startswith(start)}
        )


def pack_pending(pending: Sequence[Pending]) -> Arrays:
    """Give issued forecasts as arrays."""
    times = [(int(each.issued_at.timestamp()), each.minutes) for each in pending]
    arrays: Arrays = {"pending": np.array(times, dtype=np.int64).reshape(-1, 2)}
    for index, each in enumerate(pending):
        start = f"pending.{index}."
        arrays[f"{start}models"] = np.array(each.models)
        if index == 0 or each.counts is not pending[index - 1].counts:
            arrays |= {start + name: getattr(each.counts, name) for name in _SHARED}
        arrays |= {start + name: getattr(each, name) for name in _OWN}
        if each.seed_bikes is not None:
            arrays[f"{start}seed_bikes"] = each.seed_bikes
    return arrays


def unpack_pending(arrays: Mapping[str, NDArray[Any]], under: str = "") -> Iterator[Pending]:
    """Read what `pack_pending` gave, from under names that begin with `under`.

    Raises `KeyError` where a name is missing, and `ValueError` where shapes do not fit together.
    """
    counts = None
    for index, (issued, minutes) in enumerate(arrays[f"{under}pending"].tolist()):
        start = f"{under}pending.{index}."
        if counts is None or f"{start}bikes" in arrays:
            counts = IssueCounts(*(arrays[start + name] for name in _SHARED))
        models = tuple(arrays[f"{start}models"].tolist())
        own = {name: arrays[start + name] for name in _OWN}
        seed_bikes = arrays.get(f"{start}seed_bikes")
        yield Pending(
            datetime.fromtimestamp(issued, UTC), minutes, models, counts, **own, seed_bikes=seed_bikes
        )


_FORMAT_4_MINUTES = (5, 10, 15, 30, 45, 60, 90, 120, 180, 360, 720, 1440)
_FORMAT_4_EXPERTS = {"naive": 1440, "spread": 1440, "climatology": 1440, "chain": 1440, "more": 120,
                     "fewer": 120, "pull": 1440, "calm": 120}  # fmt: skip
_FORMAT_4_COMPONENTS = {"pull": "occupancy_effect", "climate": "climatology", "days": "calendar",
                        "watch": "drift_monitor"}  # fmt: skip
"""Format 4 had other names, and experts and horizons by position: these are what stood there."""


def _from_format_4(arrays: Arrays) -> Arrays:
    """Give a state of format 4 the names of format 5."""
    new: Arrays = {}
    for name, value in arrays.items():
        if name == "weather.told":
            name = "weather.feature_sums"
        first, _, rest = name.partition(".")
        if rest.isdigit():
            new[f"pending.{rest}.{'seed_bikes' if first == 'said' else first}"] = value
        elif rest:
            new[f"{_FORMAT_4_COMPONENTS.get(first, first)}.{rest}"] = value
        elif first in ("bikes", "docks", "ebikes", "most", "renting", "returning"):
            new[f"latest.{first}"] = value
        else:
            new["station_id" if first == "ids" else first] = value
    for component in ("changes", "pool", "guard", "drift_monitor"):
        new[f"{component}.minutes"] = np.array(_FORMAT_4_MINUTES)
    new["pool.experts"] = np.array(list(_FORMAT_4_EXPERTS))
    new["pool.reach"] = np.array(list(_FORMAT_4_EXPERTS.values()))
    return new


def _from_format_5(arrays: Arrays) -> Arrays:
    """Add what format 5 lacked: the states of counts, cargo bikes, the last known counts, and overflow."""
    bikes, docks, at = arrays["latest.bikes"], arrays["latest.docks"], int(arrays["times"][0])
    state = count_states(bikes, arrays["latest.renting"], arrays["latest.returning"])
    known, unknown = state == CountState.KNOWN, np.full(len(bikes), UNKNOWN)
    return arrays | {
        "latest.state": state,
        "latest.cargo": unknown,
        "latest.known_bikes": np.where(known, bikes, UNKNOWN),
        "latest.known_docks": np.where(known, docks, UNKNOWN),
        "latest.known_at": np.where(known, at, UNKNOWN),
        "overflow.arrivals": np.zeros(len(bikes)),
        "overflow.hours": np.zeros(len(bikes)),
    }


def _from_format_6(arrays: Arrays) -> Arrays:
    """Give a state of format 6 the types of format 7.

    Format 6 had all odds of issued forecasts in 65535ths and no median of the pool, every pair of experts
    twice, and floats where integers or smaller floats do.
    """
    experts = len(arrays["pool.experts"])
    one, other = np.triu_indices(experts)
    new = arrays | {
        "kernel": np.array("numpy-1"),
        "pool.gram": arrays["pool.gram"][:, one, other],
        "climatology.spent": np.rint(3600 * arrays["climatology.spent"]).clip(0, 65535).astype(np.uint16),
        "drift_monitor.losses": np.rint(PARTS * arrays["drift_monitor.losses"]).astype(np.int8),
        "long.bend": arrays["long.bend"].astype(np.float16),
        "short.bend": arrays["short.bend"].astype(np.float16),
    }
    counts: Arrays = {}
    for index in range(len(arrays["pending"])):
        start = f"pending.{index}."
        if f"{start}places" in arrays:
            counts = {name: arrays[start + name] for name in COUNTS}
        bikes, places = counts["bikes"], np.maximum(counts["places"], 0)
        old, weight = new.pop(f"{start}odds"), arrays[f"{start}weight"]
        ends = starts(places)[1:] - 1
        count = np.arange(int(places.max(initial=0)) + 1)
        where = np.minimum((ends - places)[:, None] + count, ends[:, None])
        odds = old[:, where].astype(np.float32) / np.float32(65535)
        # A held median is that of "as now", and the guard's curve leaves the others where they are.
        pooled = np.einsum("msn,ms->sn", odds, weight) / np.maximum(weight.sum(axis=0), 1e-9)[:, None]
        medians = np.where(arrays[f"{start}held"], bikes, median(pooled))
        levels = to_levels(odds.swapaxes(1, 2)).swapaxes(1, 2)
        levels[:, (bikes < 0)[:, None] | (count >= places[:, None])] = CERTAIN
        first, length, between = uncertain(levels[:, count <= places[:, None]], places)
        new |= {
            f"{start}first": first,
            f"{start}length": length,
            f"{start}levels": between,
            f"{start}weight": to_weights(weight),
            f"{start}median": np.where(bikes >= 0, medians, 0).astype(short(places)),
        }
        if np.isnan(arrays[f"{start}seed_bikes"]).all():
            del new[f"{start}seed_bikes"]
    return new


def _from_format_7(arrays: Arrays) -> Arrays:
    """Take the usual gap of format 7 for each of the newest gaps; its pool knew no hours."""
    hourly = (2, 24, *arrays["pool.gram"].shape[:2])
    return arrays | {
        "gaps.newest": np.full(9, float(arrays["usual_seconds"])),
        "pool.hourly": np.zeros(hourly, dtype=np.float32),
        "pool.hourly_settled": np.zeros(hourly[:3], dtype=np.float32),
    }


def _from_format_8(arrays: Arrays) -> Arrays:
    """Begin to count who takes the last bikes."""
    size = len(arrays["latest.bikes"])
    return arrays | {
        "last_bikes.missed": np.zeros(size),
        "last_bikes.since": np.full(size, -1),
        "last_bikes.seen": np.zeros((3, 6)),
        "last_bikes.expected": np.zeros((3, 6)),
    }


def _from_format_9(arrays: Arrays) -> Arrays:
    """Begin the shift anew: what was issued had none."""
    size, near = len(arrays["latest.bikes"]), np.array(NEAR_SCORED)
    new = arrays | {
        "today.net": np.zeros(size),
        "today.riders": np.zeros(2),
        "shift.minutes": near,
        "shift.features": np.array(["change", *FEATURES]),
        "shift.normal": np.zeros((len(near), SHIFT_FEATURES, SHIFT_FEATURES)),
        "shift.moment": np.zeros((len(near), SHIFT_FEATURES)),
        "shift.truths": np.zeros(len(near)),
        "shift.agreed": np.zeros((len(near), size), dtype=np.float32),
        "shift.moved": np.zeros((len(near), size), dtype=np.float32),
    }
    for index in range(len(arrays["pending"])):
        start = f"pending.{index}."
        if f"{start}bikes" in arrays:
            new[f"{start}features"] = np.zeros((SHIFT_FEATURES - 1, size), dtype=np.float32)
        new[f"{start}coefficients"] = np.zeros(SHIFT_FEATURES, dtype=np.float32)
        new[f"{start}gain"] = np.zeros(size, dtype=np.float32)
    return new


def _from_format_10(arrays: Arrays) -> Arrays:
    """Begin to learn each kind of bikes for itself: so far none was."""
    known = arrays["latest.state"] == CountState.KNOWN
    return arrays | {
        "times": np.append(arrays["times"][:4], -1),
        "latest.known_ebikes": np.where(known, arrays["latest.ebikes"], UNKNOWN),
    }


def _from_format_11(arrays: Arrays) -> Arrays:
    """Begin to learn the shift of each hour, so far one for all hours, and cargo bikes for themselves.

    Both kinds of format 11 were begun at once.
    """
    known, times = arrays["latest.state"] == CountState.KNOWN, arrays["times"]
    new = arrays | {
        "times": np.concatenate([times[:4], times[4:], times[4:], [-1]]),
        "latest.known_cargo": np.where(known, arrays["latest.cargo"], UNKNOWN),
    }
    for name, value in arrays.items():
        if name.endswith(("shift.normal", "shift.moment")):
            under, _, table = name.rpartition(".")
            new[f"{under}.hourly_{table}"] = np.zeros((*CELLS, *value.shape), dtype=np.float32)
    return new


_NEWER: dict[int, Callable[[Arrays], Arrays]] = {
    4: _from_format_4, 5: _from_format_5, 6: _from_format_6, 7: _from_format_7,
    8: _from_format_8, 9: _from_format_9, 10: _from_format_10, 11: _from_format_11,
}  # fmt: skip
"""What turns a state of an older format into one of the next."""
