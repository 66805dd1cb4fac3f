"""Judged forecasts of all models with their truths, for science: kept only where the operator asks for it.

Scores are sums. Who wants to compute anything else needs the odds themselves. A row holds the forecasts of
one issue time and horizon: some 10 kB for a hundred stations, 9 MB a day.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ingest.store.database import Database
from ingest.store.tables import judged_forecasts
from model import codec
from model.arrays import Strings
from model.checkpoint import FORMAT, pack_pending, unpack_pending
from model.forecaster import Forecaster
from model.scoring.judged import JudgedForecast

_MAX_BYTES = 2**28


@dataclass(frozen=True)
class JudgedRow:
    """A judged forecast as the store keeps it."""

    target_at: datetime
    minutes: int
    blob: bytes


@dataclass(frozen=True, eq=False)
class NamedForecast:
    """A judged forecast, and the ids of the judged stations `(n,)`."""

    judged: JudgedForecast
    station_id: Strings


def packed_judged(forecaster: Forecaster, station_id: Strings) -> list[JudgedRow]:
    """Pack the forecasts that a forecaster's newest snapshot settled; `station_id` are its stations."""
    return [
        JudgedRow(
            each.pending.target_at,
            each.pending.minutes,
            codec.pack(
                {"format": np.array(FORMAT), "station_id": station_id[each.rows], **each.truth()}
                | pack_pending([each.pending, *([] if each.own is None else [each.own])])
            ),
        )
        for each in forecaster.judged
    ]


class JudgedForecastTable:
    """Reads and writes `judged_forecasts`."""

    def __init__(self, database: Database) -> None:
        self._read = database.read

    def target_times(self, system_id: str, since: datetime, until: datetime) -> list[tuple[datetime, int]]:
        """List target times and horizons of judged forecasts, from one time to before another."""
        table = judged_forecasts.c
        query = sa.select(table.at, table.minutes).where(
            table.system_id == system_id, table.at >= since, table.at < until
        )
        with self._read() as db:
            return [(row.at, row.minutes) for row in db.execute(query.order_by(table.minutes, table.at))]

    def get(self, system_id: str, target_at: datetime, minutes: int) -> NamedForecast | None:
        """Fetch a judged forecast; None where it is not kept, or another release wrote it."""
        table = judged_forecasts.c
        query = sa.select(table.blob).where(
            table.system_id == system_id, table.at == target_at, table.minutes == minutes
        )
        with self._read() as db:
            blob = db.scalar(query)
        if blob is None:
            return None
        arrays = codec.unpack(blob, _MAX_BYTES)
        if int(arrays["format"]) != FORMAT:
            return None
        pending, *own = unpack_pending(arrays)
        truth = (arrays[name] for name in ("rows", "truth.bikes", "truth.docks"))
        return NamedForecast(JudgedForecast(pending, own[0] if own else None, *truth), arrays["station_id"])

    # ---------------------------------------------------------------- within a transaction

    @staticmethod
    def add(db: Connection, system_id: str, since: datetime, rows: Sequence[JudgedRow]) -> None:
        """Add judged forecasts, and drop those that were for a time before `since`."""
        old = judged_forecasts.c.at < since
        db.execute(judged_forecasts.delete().where(judged_forecasts.c.system_id == system_id, old))
        values = [
            {"system_id": system_id, "at": row.target_at, "minutes": row.minutes, "blob": row.blob}
            for row in rows
        ]
        db.execute(judged_forecasts.insert(), values)


def named(forecaster: Forecaster, station_id: Strings) -> Iterator[NamedForecast]:
    """Give the forecasts that a forecaster's newest snapshot settled; `station_id` are its stations."""
    for each in forecaster.judged:
        yield NamedForecast(each, station_id[each.rows])
