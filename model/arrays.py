"""The types of all arrays, and how arrays are lined up by station."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Array32 = NDArray[np.float32]
Bools = NDArray[np.bool_]
Strings = NDArray[np.str_]

ARRIVALS, DEPARTURES = 0, 1
"""Positions on every axis of two that holds arrivals and departures."""


def frozen(values: ArrayLike, dtype: Any) -> NDArray[Any]:
    """Copy values into a read-only array, in C order: the same numbers are the same bytes.

    What is such an array already is given as it is: each snapshot of a system has its station ids.
    """
    if isinstance(values, np.ndarray) and _is_frozen(values.flags) and np.issubdtype(values.dtype, dtype):
        return values
    array = np.array(values, dtype=dtype, order="C")
    array.setflags(write=False)
    return array


def _is_frozen(flags: Any) -> bool:
    return flags.owndata and flags.c_contiguous and not flags.writeable


def rows_of(wanted: Strings, ids: Strings) -> Ints:
    """Give the position of each of `wanted` in `ids`, -1 where it is missing.

    >>> rows_of(np.array(["b", "c"]), np.array(["a", "b"])).tolist()
    [1, -1]
    """
    if np.array_equal(wanted, ids):
        return np.arange(len(ids))
    if not len(ids):
        return np.full(len(wanted), -1)
    order = np.argsort(ids)
    place = np.minimum(np.searchsorted(ids, wanted, sorter=order), len(ids) - 1)
    return np.where(ids[order[place]] == wanted, order[place], -1)


def take_rows(values: NDArray[Any], rows: Ints, default: Any) -> NDArray[Any]:
    """Reorder the last axis, the stations; a new station, -1 in `rows`, gets the default.

    >>> take_rows(np.array([5, 7]), np.array([1, -1, 0]), 0).tolist()
    [7, 0, 5]
    """
    known = rows >= 0
    if known.all():
        return values.take(rows, axis=-1)
    out: NDArray[Any] = np.full((*values.shape[:-1], len(rows)), default, dtype=values.dtype)
    out[..., known] = values[..., rows[known]]
    return out


def runs(cells: Ints) -> tuple[Ints, Ints]:
    """Give the `cells` of `(T, 2)` without those that repeat the one before, and the row of each, `(T,)`.

    >>> [each.tolist() for each in runs(np.array([[1, 23], [0, 0], [0, 0], [1, 23]]))]
    [[[1, 23], [0, 0], [1, 23]], [0, 1, 1, 2]]
    """
    begins = np.ones(len(cells), dtype=np.bool_)
    begins[1:] = (cells[1:] != cells[:-1]).any(axis=1)
    return cells[begins], np.cumsum(begins) - 1
