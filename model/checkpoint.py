"""Checkpoints: a forecaster's state as bytes, by name. Version, names and shapes are checked on the way back.

The bytes are a compressed npz without pickle: the same state always gives the same bytes.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.component import Component
from model.records import UNKNOWN, CountState, count_states
from model.scoring.issue import Pending

Arrays = dict[str, NDArray[Any]]

_FORMAT = 6
_MAX_BYTES = 2**30

_SHARED = ("bikes", "docks", "places")
"""Arrays of an issued forecast that all horizons of one issue time have in common: packed once."""

_OWN = ("weight", "curve", "held", "seed_bikes", "weather", "odds")


class StateError(ValueError):
    """The bytes are not a state that this release can read: learn the log again instead."""


def pack(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Pack a state into bytes."""
    buffer = io.BytesIO()
    named: dict[str, Any] = {"format": np.array(_FORMAT), **arrays}
    np.savez(buffer, **named)
    # The fastest level: it takes a quarter of the time of numpy's own, for a tenth more bytes.
    return zlib.compress(buffer.getbuffer(), 1)


def unpack(blob: bytes) -> Arrays:
    """Unpack a state that `pack` of this release, or of one of the two formats before it, packed.

    Raises `StateError` when the bytes are damaged, too large, or of another format, and `MemoryError` where
    memory is short: the state itself may be whole.
    """
    try:
        unpacker = zlib.decompressobj()
        packed = io.BytesIO(unpacker.decompress(blob, _MAX_BYTES))
        if unpacker.unconsumed_tail:
            raise StateError(f"the state is larger than {_MAX_BYTES} bytes, which we never write")
        if not unpacker.eof:
            raise StateError("the state breaks off")
        with np.load(packed, allow_pickle=False) as npz:
            version = int(npz["format"])
            if version not in (4, 5, _FORMAT):
                raise StateError(f"the state has format {version}, this release reads 4, 5 and {_FORMAT}")
            arrays = dict(npz)
        if version == 4:
            arrays = _from_format_4(arrays)
        return arrays if version == _FORMAT else _from_format_5(arrays)
    except (StateError, MemoryError):
        raise
    except Exception as error:  # zipfile, zlib and numpy may all object
        raise StateError(f"the state cannot be read: {error}") from error


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
        arrays[f"pending.{index}.models"] = np.array(each.models)
        first = index == 0 or each.issued_at != pending[index - 1].issued_at
        for name in (*_OWN, *(_SHARED if first else ())):
            arrays[f"pending.{index}.{name}"] = getattr(each, name)
    return arrays


def unpack_pending(arrays: Mapping[str, NDArray[Any]]) -> Iterator[Pending]:
    """Read what `pack_pending` gave.

    Raises `KeyError` where a name is missing, and `ValueError` where shapes do not fit together.
    """
    shared: Arrays = {}
    for index, (issued, minutes) in enumerate(arrays["pending"].tolist()):
        start = f"pending.{index}."
        if f"{start}bikes" in arrays:
            shared = {name: arrays[start + name] for name in _SHARED}
        models = tuple(arrays[f"{start}models"].tolist())
        own = {name: arrays[start + name] for name in _OWN}
        yield Pending(datetime.fromtimestamp(issued, UTC), minutes, models, **shared, **own)


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
