"""Packed arrays come back as they were, or not at all."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from numpy.typing import NDArray

from model import codec
from model.codec import DamagedError

KINDS = ("?", "i1", "u2", "i4", "i8", "f2", "f4", "f8", "U7")

Arrays = dict[str, NDArray[Any]]

SOME: Arrays = {
    "counts": np.arange(500),
    "names": np.array(["Ås", "b"]),
    "none": np.zeros((0, 3)),
    "one": np.array(7),
}


def content(names: Any, body: bytes) -> bytes:
    """Pack a list of arrays, and bytes that may be others than it says."""
    listed = names if isinstance(names, bytes) else json.dumps(names).encode()
    inside = len(listed).to_bytes(4, "little") + listed + body
    return codec.MAGIC + zstandard.ZstdCompressor(write_checksum=True).compress(inside)


@given(st.dictionaries(st.text(max_size=8), st.sampled_from(KINDS).flatmap(
    lambda kind: arrays_of.arrays(kind, arrays_of.array_shapes(min_dims=0, min_side=0, max_side=4))
), max_size=5))  # fmt: skip
def test_arrays_come_back_as_they_were(arrays: Arrays) -> None:
    blob = codec.pack(arrays)
    back = codec.unpack(blob, 10**6)
    assert [*back] == [*arrays]
    for name, value in arrays.items():
        assert (back[name].dtype, back[name].shape) == (value.dtype, value.shape)
        np.testing.assert_array_equal(back[name], value)
        assert back[name].flags.writeable
        assert back[name].flags.aligned
    assert codec.pack(back) == blob


def test_a_column_of_a_table_comes_back_in_its_order() -> None:
    table = np.arange(12).reshape(3, 4)
    np.testing.assert_array_equal(codec.unpack(codec.pack({"t": table.T}), 1000)["t"], table.T)


@given(st.data())
def test_damage_is_noticed_or_changes_nothing(chosen: st.DataObject) -> None:
    """zstd leaves some bits unused; the checksum is of the content."""
    blob = codec.pack(SOME)
    where = chosen.draw(st.integers(0, len(blob) - 1))
    turned = blob[:where] + bytes([blob[where] ^ (1 << chosen.draw(st.integers(0, 7)))]) + blob[where + 1 :]
    try:
        back = codec.unpack(turned, 10**6)
    except DamagedError:
        pass
    else:
        assert codec.pack(back) == blob
    for cut in (blob[:where], blob + b"\0"):
        with pytest.raises(DamagedError):
            codec.unpack(cut, 10**6)


@pytest.mark.parametrize(
    ("names", "body"),
    [
        ([["a", "<i8", [2]]], bytes(15)),
        ([["a", "<i8", [2]]], bytes(17)),
        ([["a", "<i8", [-1]]], bytes(8)),
        ([["a", "<i8", [-1, -1]]], bytes(8)),
        ([["a", "<i8", [2**62, 4]]], bytes(8)),
        ([["a", "<i8", 2]], bytes(16)),
        ([["a", "|O", [1]]], bytes(8)),
        ([["a", "|V8", [1]]], bytes(8)),
        ([["a", "no such", [1]]], bytes(8)),
        ([["a", "<i8"]], bytes(8)),
        ([["a", "<i8", [1]], ["a", "<i8", [1]]], bytes(16)),
        ([[["a"], "<i8", [1]]], bytes(8)),
        ({"a": 1}, bytes(8)),
        (7, b""),
        (b"\xff\xff", b""),
        (b"[" * 100_000, b""),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_list_that_does_not_fit_is_refused(names: Any, body: bytes) -> None:
    with pytest.raises(DamagedError):
        codec.unpack(content(names, body), 10**6)


def test_bytes_that_unpack_to_too_much_are_refused_before_they_do() -> None:
    bomb = codec.pack({"zeros": np.zeros(10**7, dtype=np.uint8)})
    assert len(bomb) < 2000
    with pytest.raises(DamagedError, match="never write more than 1000000"):
        codec.unpack(bomb, 10**6)
    unsized = codec.MAGIC + zstandard.ZstdCompressor(write_content_size=False).compress(bytes(10**7))
    with pytest.raises(DamagedError, match="unpack to -1"):
        codec.unpack(unsized, 10**6)


@pytest.mark.parametrize(
    "blob", [b"", b"dockcast", codec.MAGIC, codec.MAGIC + b"x", b"PK\3\4", content([], b"")[:-1]]
)
def test_other_bytes_are_refused(blob: bytes) -> None:
    with pytest.raises(DamagedError):
        codec.unpack(blob, 10**6)
