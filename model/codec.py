"""Arrays by name to bytes and back, without pickle: what frames and checkpoints are made of.

An npz has a header, a checksum and a Python call or two dozen for each array, and zlib is slow: it took four
fifths of the time of packing a frame. Here all arrays follow each other behind one list of their names, and
zstd [1]_ compresses them at once. Its checksum tells damaged bytes.

References
----------
.. [1] Y. Collet, M. Kucherawy, Zstandard compression and the application/zstd media type, RFC 8878.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import zstandard
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]

MAGIC = b"dockcast\x01"
"""What packed arrays begin with."""

_LEVEL = 1
"""zstd's fast level: the next ones take twice the time for a tenth fewer bytes."""

_LENGTH_BYTES = 4
_KINDS = "biufU"


class DamagedError(ValueError):
    """The bytes are not what `pack` gave, or more than a caller takes."""


def pack(arrays: Mapping[str, NDArray[Any]], level: int = _LEVEL) -> bytes:
    """Pack booleans, numbers and texts: the same arrays in the same order are the same bytes.

    `level` is zstd's: a higher one takes longer and gives fewer bytes.

    >>> unpack(pack({"bikes": np.array([3, 4])}), 1000)
    {'bikes': array([3, 4])}
    """
    names = json.dumps([(name, value.dtype.str, value.shape) for name, value in arrays.items()]).encode()
    parts = [
        len(names).to_bytes(_LENGTH_BYTES, "little"),
        names,
        *(each.tobytes() for each in arrays.values()),
    ]
    return MAGIC + zstandard.ZstdCompressor(level, write_checksum=True).compress(b"".join(parts))


def unpack(blob: bytes, most_bytes: int) -> Arrays:
    """Unpack what `pack` packed; the arrays may be written to.

    Raises `DamagedError` where the bytes are damaged, or say that they unpack to more than `most_bytes`, and
    `MemoryError` where memory is short.
    """
    if not blob.startswith(MAGIC):
        raise DamagedError("these are no packed arrays")
    packed = memoryview(blob)[len(MAGIC) :]
    try:
        size = zstandard.frame_content_size(packed)
        if not 0 <= size <= most_bytes:
            raise DamagedError(f"they unpack to {size} bytes, and we never write more than {most_bytes}")
        content = zstandard.ZstdDecompressor().decompress(
            packed, max_output_size=size, allow_extra_data=False
        )
    except zstandard.ZstdError as error:
        raise DamagedError(f"the bytes are damaged: {error}") from error
    start = _LENGTH_BYTES + int.from_bytes(content[:_LENGTH_BYTES], "little")
    arrays: Arrays = {}
    try:
        for name, kind, shape in json.loads(content[_LENGTH_BYTES:start]):
            dtype, count = np.dtype(kind), math.prod(shape)
            if name in arrays or dtype.kind not in _KINDS or count < 0:
                raise DamagedError(f"{name} is {kind} {shape}")
            # A copy: it is aligned, can be written to, and does not keep all the others in memory.
            arrays[name] = np.frombuffer(content, dtype, count, start).reshape(shape).copy()
            start += count * dtype.itemsize
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise DamagedError(f"the arrays cannot be read: {error}") from error
    if start != len(content):
        raise DamagedError(f"{len(content)} bytes where the arrays take {start}")
    return arrays
