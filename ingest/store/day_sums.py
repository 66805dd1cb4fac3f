"""Sums of scores along named axes, such as model and station, as one blob of a row of the store.

A table with a row for each pair of model and station costs 3 to 6 ms to read, add to and write, mostly for
grouping by text. Arrays whose axes have the same names are added at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from model import codec
from model.arrays import Floats

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_PARQUET = b"PAR1"
"""What a blob of an older release begins with: a table with a row for each cell."""

_MAX_BYTES = 2**26
"""The most bytes of sums, unpacked: 10,000 stations under twelve models have 6 MB."""


@dataclass(frozen=True)
class DaySums:
    """Sums by name, each an array with an axis for each of `keys`, which holds the names along that axis.

    A cell without any score is zero everywhere.
    """

    keys: Mapping[str, NDArray[Any]]
    sums: Mapping[str, Floats]

    def plus(self, more: DaySums) -> DaySums:
        """Add others, which may have other names along their axes."""
        one, two = self, more
        if not all(np.array_equal(names, more.keys[key]) for key, names in self.keys.items()):
            keys = {key: np.union1d(names, more.keys[key]) for key, names in self.keys.items()}
            one, two = self._along(keys), more._along(keys)
        return DaySums(one.keys, {name: values + two.sums[name] for name, values in one.sums.items()})

    def _along(self, keys: Mapping[str, NDArray[Any]]) -> DaySums:
        places = np.ix_(*(np.searchsorted(names, self.keys[key]) for key, names in keys.items()))
        sums = {name: np.zeros([len(names) for names in keys.values()]) for name in self.sums}
        for name, values in self.sums.items():
            sums[name][places] = values
        return DaySums(keys, sums)

    def renumbered(self, renamed: Mapping[str, str], gone: Sequence[str]) -> DaySums:
        """Give the sums under new station ids, which are the last axis, without those that are `gone`."""
        ids = self.keys["station_id"]
        kept = np.flatnonzero(~np.isin(ids, gone))
        new = np.array([renamed.get(key, key) for key in ids[kept].tolist()], dtype=np.str_)
        sums = {name: values[:, kept] for name, values in self.sums.items()}
        return DaySums({**self.keys, "station_id": new}, sums)

    def to_bytes(self) -> bytes:
        """Pack them, in single precision: that is enough for a day, at half the bytes."""
        return codec.pack(
            {**self.keys, **{name: values.astype(np.float32) for name, values in self.sums.items()}}
        )

    @staticmethod
    def from_bytes(blob: bytes, keys: Sequence[str]) -> DaySums:
        """Read what `to_bytes` gave for axes of these names, or the Parquet table of an older release.

        Raises `DamagedError`, or an error of Arrow for such a table.
        """
        if blob.startswith(_PARQUET):
            import pyarrow as pa
            from pyarrow import parquet

            return _of_table(parquet.ParquetFile(pa.BufferReader(blob)).read(use_threads=False), keys)
        arrays = codec.unpack(blob, _MAX_BYTES)
        sums = {name: values.astype(np.float64) for name, values in arrays.items() if name not in keys}
        return DaySums({key: arrays[key] for key in keys}, sums)

    def table(self) -> pd.DataFrame:
        """Give a row for each cell: its names and its sums."""
        import pandas as pd

        names = np.meshgrid(*self.keys.values(), indexing="ij")
        columns = {key: values.ravel() for key, values in zip(self.keys, names, strict=True)}
        return pd.DataFrame(columns | {name: values.ravel() for name, values in self.sums.items()})


def _of_table(table: pa.Table, keys: Sequence[str]) -> DaySums:
    frame: pd.DataFrame = table.to_pandas()
    found = {key: np.unique(np.array(frame[key].tolist()), return_inverse=True) for key in keys}
    size, places = [len(names) for names, _ in found.values()], tuple(place for _, place in found.values())
    sums = {}
    for name in frame.columns.drop(list(keys)):
        sums[name] = np.zeros(size)
        sums[name][places] = frame[name].to_numpy()
    return DaySums({key: names for key, (names, _) in found.items()}, sums)
