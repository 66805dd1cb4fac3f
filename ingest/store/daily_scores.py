"""Scores by local day and horizon: station by station, and how well calibrated each model was.

One row of the store holds a day of one horizon as two small Parquet tables, to which each tick adds what was
settled. Station by station they are too many for rows of their own: 35 systems would make two million a day.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from model.arrays import Strings
from model.scoring.settle import BINS, STATION_SCORES, Score

STATION_KEYS = ["model", "station_id"]
"""What a row of the first table is of; its columns are `n`, `n_dock` and the sums of `STATION_SCORES`."""

CALIBRATION_KEYS = ["model", "of", "tenth"]
"""What a row of the second is of.

`of` is "pit", where `came` is the mass of the probability integral transform in that tenth; or "bike" or
"dock", where `n` forecasts stated odds of one in that tenth, `stated` is their sum and `came` how many came
true.
"""


@dataclass(frozen=True)
class Daily:
    """What was settled of one local `day` (ISO) and horizon, to be added to what the store has."""

    day: str
    minutes: int
    stations: pa.Table
    calibration: pa.Table


def daily(scores: Sequence[Score], station_id: Strings, timezone: str) -> list[Daily]:
    """Sort scores by day and horizon. `station_id` `(R,)` is what their `rows` point into."""
    zone = ZoneInfo(timezone)
    groups: dict[tuple[str, int], dict[str, list[Score]]] = {}
    for score in scores:
        if score.n:
            day = score.target_at.astimezone(zone).date().isoformat()
            groups.setdefault((day, score.minutes), {}).setdefault(score.model, []).append(score)
    return [
        Daily(day, minutes, _by_station(group, station_id), _calibration(group))
        for (day, minutes), group in groups.items()
    ]


def _by_station(group: Mapping[str, Sequence[Score]], station_id: Strings) -> pa.Table:
    """Add each model's scores up by station; those never judged are left out."""
    names = ("n", "n_dock", *STATION_SCORES)
    columns: dict[str, list[Any]] = {name: [] for name in (*STATION_KEYS, *names)}
    for model, scores in group.items():
        rows = np.concatenate([score.rows for score in scores])
        n = np.bincount(rows, minlength=len(station_id))
        judged = n > 0
        columns["model"].append(np.full(int(judged.sum()), model, dtype=object))
        columns["station_id"].append(station_id[judged].astype(object))
        columns["n"].append(n[judged].astype(np.float64))
        docks = ~np.isnan(np.concatenate([score.brier_dock for score in scores]))
        columns["n_dock"].append(np.bincount(rows, docks, len(station_id))[judged])
        for name in STATION_SCORES:
            values = np.nan_to_num(np.concatenate([getattr(score, name) for score in scores]))
            columns[name].append(np.bincount(rows, values, len(station_id))[judged])
    return pa.table({name: np.concatenate(parts) for name, parts in columns.items()})


def _calibration(group: Mapping[str, Sequence[Score]]) -> pa.Table:
    """Add up how each model was calibrated."""
    size, models = 3 * BINS, len(group)
    n, stated, came = [], [], []
    for scores in group.values():
        judged = float(sum(score.n for score in scores))
        n += [np.full(BINS, judged), *np.sum([score.asked for score in scores], axis=0)]
        stated += [np.full(BINS, judged / BINS), *np.sum([score.stated for score in scores], axis=0)]
        came += [sum(score.tenths for score in scores), *np.sum([score.came for score in scores], axis=0)]
    return pa.table(
        {
            "model": np.repeat(np.array(list(group), dtype=object), size),
            "of": np.tile(np.repeat(np.array(["pit", "bike", "dock"], dtype=object), BINS), models),
            "tenth": np.tile(np.arange(BINS), 3 * models),
            "n": np.concatenate(n),
            "stated": np.concatenate(stated),
            "came": np.concatenate(came),
        }
    )


def add(blob: bytes | None, table: pa.Table, keys: Sequence[str]) -> bytes:
    """Add a table to a stored one, None for nothing yet, and give the bytes to store."""
    if blob is not None:
        # One thread: these are some hundred rows, and sums come out the same each time.
        stored = parquet.ParquetFile(pa.BufferReader(blob)).read(use_threads=False)
        sums = [name for name in table.column_names if name not in keys]
        both = pa.concat_tables([stored.select(table.column_names).cast(table.schema), table])
        added = both.group_by(keys, use_threads=False).aggregate([(name, "sum") for name in sums])
        table = pa.table(
            {name: added[name if name in keys else f"{name}_sum"] for name in table.column_names}
        )
    buffer = io.BytesIO()
    parquet.write_table(
        _as(table, pa.float64(), pa.float32()), buffer, compression="zstd", use_dictionary=list(keys),
        write_statistics=False,
    )  # fmt: skip
    return buffer.getvalue()


def read(blob: bytes) -> pd.DataFrame:
    """Read what `add` gave."""
    stored = parquet.ParquetFile(pa.BufferReader(blob)).read(use_threads=False)
    table: pd.DataFrame = _as(stored, pa.float32(), pa.float64()).to_pandas()
    return table


def _as(table: pa.Table, old: pa.DataType, new: pa.DataType) -> pa.Table:
    """Sums of a day are stored in single precision, which is enough, at half the bytes."""
    fields = [field.with_type(new) if field.type == old else field for field in table.schema]
    return table.cast(pa.schema(fields))
