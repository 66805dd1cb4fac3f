"""Messages between a worker and the process of an own model: a length in bytes, then packed arrays.

There is no pickle in it. What the own model sends is read as carefully as a stranger's document.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model import codec
from model.codec import Arrays
from model.records import NOTHING_KNOWN, Snapshot

LENGTH_BYTES = 8

MOST_REQUEST_BYTES = 2**28
"""Far more than a snapshot of the largest system has."""


def packed(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Write a message."""
    blob = codec.pack(arrays)
    return len(blob).to_bytes(LENGTH_BYTES, "little") + blob


def snapshot_arrays(snapshot: Snapshot) -> Arrays:
    """Give a snapshot of a forecaster as arrays by name."""
    known = {name: getattr(snapshot, name) for name in NOTHING_KNOWN}
    return {
        "at": np.array(int(snapshot.at.timestamp())),
        "station_id": snapshot.station_id,
        **{name: values for name, values in known.items() if values is not None},
    }


def snapshot_of(arrays: Mapping[str, NDArray[Any]]) -> Snapshot:
    """Read what `snapshot_arrays` gave."""
    at = datetime.fromtimestamp(int(arrays["at"]), UTC)
    known = {name: arrays[name] for name in NOTHING_KNOWN if name in arrays}
    return Snapshot(at, arrays["station_id"], **known)
