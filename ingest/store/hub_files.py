"""Judged forecasts as tidy Parquet files, in the manner of hubverse [1]_: a row for each number.

    FOLDER/system_id=dublin/day=2026-03-02/forecasts.parquet

| column | what it has |
|---|---|
| `model_id` | the model |
| `issued_at`, `horizon` | the issue time, and the minutes from it to the target time |
| `station_id` | the station |
| `target` | `bikes`, or `dock`: whether there is a free dock |
| `output_type` | `median`; `pmf`, the probability of a number of bikes; `mean`, of `dock` its probability |
| `output_type_id` | the number of bikes of a `pmf`; those without a row have probability 0. Else null |
| `value` | what the model gave |
| `observed` | what came: bikes, or 0 or 1 for `dock`. Docks that were unknown have no rows |

The day is that of the target time, by the city's calendar, as in all scores.

References
----------
.. [1] Consortium of Infectious Disease Modeling Hubs, hubverse, model output, https://hubverse.io
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from ingest.store.judged_forecasts import NamedForecast
from model.arrays import Ints

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow import parquet

FILE = "forecasts.parquet"

_ROWS_AT_ONCE = 500_000

_TARGETS = ("bikes", "dock")
_TYPES = ("median", "pmf", "mean")

Columns = dict[str, NDArray[Any]]


class HubFiles:
    """Writes the judged forecasts of one system, oldest target time first; a context manager.

    A day's file is replaced when the day is over, or the block: readers never see half of one. `written` has
    the rows of each file.
    """

    def __init__(self, folder: Path, system_id: str, timezone: str) -> None:
        self._folder = folder / f"system_id={quote(system_id, safe='')}"
        self._zone = ZoneInfo(timezone)
        self._day: date | None = None
        self._writer: parquet.ParquetWriter | None = None
        self._waiting: list[Columns] = []
        self._names: dict[str, dict[str, int]] = {
            "model_id": {}, "station_id": {}, "target": _numbered(_TARGETS), "output_type": _numbered(_TYPES)
        }  # fmt: skip
        self.written: dict[Path, int] = {}

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the last day's file; after an error leave it as it was."""
        if kind is None:
            self._finish()
        elif self._writer is not None:
            self._writer.close()
            self._part.unlink()

    def add(self, forecast: NamedForecast) -> None:
        """Add a judged forecast."""
        day = forecast.judged.pending.target_at.astimezone(self._zone).date()
        if day != self._day:
            self._finish()
            self._day = day
        self._waiting += self._rows(forecast)
        if sum(len(each["value"]) for each in self._waiting) >= _ROWS_AT_ONCE:
            self._flush()

    @property
    def _path(self) -> Path:
        return self._folder / f"day={self._day}" / FILE

    @property
    def _part(self) -> Path:
        return self._path.with_name(f"{FILE}.part")

    def _flush(self) -> None:
        if not self._waiting:
            return
        from pyarrow import parquet

        table = _table(self._waiting, self._names)
        self._waiting = []
        if self._writer is None:
            self._part.parent.mkdir(parents=True, exist_ok=True)
            self._writer = parquet.ParquetWriter(self._part, table.schema, compression="zstd")
        self._writer.write_table(table)
        self.written[self._path] = self.written.get(self._path, 0) + len(table)

    def _finish(self) -> None:
        self._flush()
        if self._writer is not None:
            self._writer.close()
            self._writer = None
            self._part.replace(self._path)

    def _rows(self, forecast: NamedForecast) -> Iterator[Columns]:
        """Give the columns of a forecast, model by model; texts are numbers in `_names`, no id is -1."""
        judged = forecast.judged
        station = np.array([self._number("station_id", each) for each in forecast.station_id.tolist()])
        docked = np.flatnonzero(judged.docks >= 0)
        last = np.maximum(judged.places - 1, 0)
        for model, (cdf, median) in judged.models().items():
            exact = np.diff(cdf.astype(np.float64), axis=1, prepend=0)
            row, bikes = np.nonzero(exact)
            dock = np.where(judged.places > 0, cdf[np.arange(len(last)), last], 0)
            parts = [
                _part(station, "bikes", "median", median, judged.bikes),
                _part(station[row], "bikes", "pmf", exact[row, bikes], judged.bikes[row], bikes),
                _part(station[docked], "dock", "mean", dock[docked], judged.docks[docked] >= 1),
            ]
            rows = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
            same = {
                "model_id": self._number("model_id", model),
                "issued_at": int(judged.pending.issued_at.timestamp()),
                "horizon": judged.pending.minutes,
            }
            yield rows | {name: np.full(len(rows["value"]), value) for name, value in same.items()}

    def _number(self, column: str, name: str) -> int:
        names = self._names[column]
        return names.setdefault(name, len(names))


def _numbered(names: tuple[str, ...]) -> dict[str, int]:
    return {name: number for number, name in enumerate(names)}


def _part(
    station: Ints,
    target: str,
    output_type: str,
    value: NDArray[Any],
    observed: NDArray[Any],
    number: Ints | None = None,
) -> Columns:
    size = len(station)
    return {
        "station_id": station,
        "target": np.full(size, _TARGETS.index(target)),
        "output_type": np.full(size, _TYPES.index(output_type)),
        "output_type_id": np.full(size, -1) if number is None else number,
        "value": value.astype(np.float64),
        "observed": observed.astype(np.int64),
    }


def _table(parts: list[Columns], names: Mapping[str, Mapping[str, int]]) -> pa.Table:
    import pyarrow as pa

    found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    number = found["output_type_id"]

    def named(column: str) -> pa.DictionaryArray:
        numbers = pa.array(found[column].astype(np.int32))
        return pa.DictionaryArray.from_arrays(numbers, pa.array(list(names[column]), pa.string()))

    return pa.table(
        {
            "model_id": named("model_id"),
            "issued_at": pa.array(found["issued_at"], pa.int64()).cast(pa.timestamp("s", "UTC")),
            "horizon": pa.array(found["horizon"], pa.int32()),
            "station_id": named("station_id"),
            "target": named("target"),
            "output_type": named("output_type"),
            "output_type_id": pa.array(number, pa.int32(), mask=number < 0),
            "value": pa.array(found["value"]),
            "observed": pa.array(found["observed"], pa.int32()),
        }
    )
