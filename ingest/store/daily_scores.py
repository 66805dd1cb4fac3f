"""Scores by local day and horizon: station by station, and how well calibrated each model was.

A row of the store holds a day of one horizon as two small Parquet tables, to which each tick adds the scores
that it settled. A row a station would be too many: 35 systems would make two million a day.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import sqlalchemy as sa
from pyarrow import parquet
from sqlalchemy.engine import Connection

from ingest.store.database import Database
from ingest.store.tables import daily_scores
from model.arrays import Strings
from model.kernels.records import BINS
from model.scoring.settle import STATION_SCORES, Score

STATION_KEYS = ["model", "station_id"]
"""The keys of the first table's rows; the others are `n`, `n_dock` and the sums of `STATION_SCORES`."""

CALIBRATION_KEYS = ["model", "of", "tenth"]
"""The keys of the second table's rows.

Where `of` is "pit", `came` is the mass of the probability integral transform in that tenth. Where it is
"bike" or "dock", `n` forecasts stated odds of one in that tenth, `stated` is the sum of these odds, and
`came` counts the forecasts that came true.
"""


_KEY = (
    daily_scores.c.system_id == sa.bindparam("of_system"),
    daily_scores.c.day == sa.bindparam("of_day"),
    daily_scores.c.minutes == sa.bindparam("of_minutes"),
)
_STORED, _REPLACE = sa.select(daily_scores).where(*_KEY), daily_scores.update().where(*_KEY)


@dataclass(frozen=True)
class DailyScore:
    """The scores settled at one tick for a local `day` (ISO) and horizon, to be added to the stored ones."""

    day: str
    minutes: int
    stations: pa.Table
    calibration: pa.Table


def by_day(scores: Sequence[Score], station_id: Strings, timezone: str) -> list[DailyScore]:
    """Group scores by local day and horizon. Their `rows` are places in `station_id` `(R,)`."""
    zone = ZoneInfo(timezone)
    groups: dict[tuple[str, int], dict[str, list[Score]]] = {}
    for score in scores:
        if score.n:
            day = score.target_at.astimezone(zone).date().isoformat()
            groups.setdefault((day, score.minutes), {}).setdefault(score.model, []).append(score)
    return [
        DailyScore(day, minutes, _by_station(group, station_id), _calibration(group))
        for (day, minutes), group in groups.items()
    ]


def _by_station(group: Mapping[str, Sequence[Score]], station_id: Strings) -> pa.Table:
    """Add each model's scores up by station; leave out stations without a score."""
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
    """Add up the calibration counts of each model."""
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


class DailyScoreTable:
    """Reads and writes `daily_scores`."""

    def __init__(self, database: Database) -> None:
        self._read = database.read

    def by_station(
        self, system_id: str, *, since: date | None = None, minutes: int | None = None
    ) -> pd.DataFrame:
        """Fetch the sums of scores by local day, horizon, model and station: see `STATION_KEYS`."""
        return self._fetch(system_id, since, minutes, "stations")

    def calibration(
        self, system_id: str, *, since: date | None = None, minutes: int | None = None
    ) -> pd.DataFrame:
        """Fetch the calibration counts by local day, horizon and model: see `CALIBRATION_KEYS`."""
        return self._fetch(system_id, since, minutes, "calibration")

    def _fetch(self, system_id: str, since: date | None, minutes: int | None, column: str) -> pd.DataFrame:
        table = daily_scores.c
        query = sa.select(table.day, table.minutes, table[column]).where(table.system_id == system_id)
        if since is not None:
            query = query.where(table.day >= since.isoformat())
        if minutes is not None:
            query = query.where(table.minutes == minutes)
        with self._read() as db:
            rows = db.execute(query.order_by(table.day, table.minutes)).all()
        tables = [unpack(row[2]).assign(day=row.day, minutes=row.minutes) for row in rows]
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()

    # ---------------------------------------------------------------- within a transaction

    @staticmethod
    def add(db: Connection, system_id: str, new: DailyScore) -> None:
        """Add what was settled to the sums of its day and horizon."""
        key = {"of_system": system_id, "of_day": new.day, "of_minutes": new.minutes}
        old = db.execute(_STORED, key).one_or_none()
        values: dict[str, Any] = {
            "stations": merge(None if old is None else old.stations, new.stations, STATION_KEYS),
            "calibration": merge(None if old is None else old.calibration, new.calibration, CALIBRATION_KEYS),
        }
        if old is None:
            values |= {"system_id": system_id, "day": new.day, "minutes": new.minutes}
            db.execute(daily_scores.insert(), values)
        else:
            db.execute(_REPLACE, key | values)

    @staticmethod
    def forget(db: Connection, system_id: str, before: datetime) -> None:
        """Drop the days that ended before an event time, in any time zone."""
        day = (before - timedelta(days=1)).date().isoformat()
        db.execute(
            daily_scores.delete().where(daily_scores.c.system_id == system_id, daily_scores.c.day < day)
        )


def merge(blob: bytes | None, table: pa.Table, keys: Sequence[str]) -> bytes:
    """Add a table to a stored one, None where there is none yet; give the bytes to store."""
    if blob is not None:
        # One thread: these are some hundred rows, and sums come out the same each time.
        stored = parquet.ParquetFile(pa.BufferReader(blob)).read(use_threads=False)
        sums = [name for name in table.column_names if name not in keys]
        table = _as(table, pa.float64(), pa.float32())
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


def unpack(blob: bytes) -> pd.DataFrame:
    """Read the table that `merge` packed."""
    stored = parquet.ParquetFile(pa.BufferReader(blob)).read(use_threads=False)
    table: pd.DataFrame = _as(stored, pa.float32(), pa.float64()).to_pandas()
    return table


def _as(table: pa.Table, old: pa.DataType, new: pa.DataType) -> pa.Table:
    """Change a table's precision: a day's sums are stored in single, which is enough, at half the bytes."""
    fields = [field.with_type(new) if field.type == old else field for field in table.schema]
    return table.cast(pa.schema(fields))
