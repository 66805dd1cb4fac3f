"""The weather that forecasters learnt with, so that recovery and a recording of a run have it too."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ingest.store.database import Database, between
from ingest.store.tables import weathers
from model.records import WEATHER, Weather


class WeatherTable:
    """Reads and writes `weathers`."""

    def __init__(self, database: Database) -> None:
        self._read = database.read

    def reports(self, system_id: str, end: datetime | None = None) -> list[tuple[datetime, Weather]]:
        """Fetch the weather reports up to `end`, each with the event time of the snapshot learnt after it."""
        query = sa.select(weathers.c.at, weathers.c.blob).where(weathers.c.system_id == system_id)
        query = between(query, weathers.c.at, None, end).order_by(weathers.c.at)
        with self._read() as db:
            rows = db.execute(query).all()
        tables = [np.frombuffer(row.blob).reshape(-1, 1 + len(WEATHER)) for row in rows]
        return [
            (row.at, Weather(table[:, 0].astype(np.int64), table[:, 1:]))
            for row, table in zip(rows, tables, strict=True)
        ]

    # ---------------------------------------------------------------- within a transaction

    @staticmethod
    def add(db: Connection, system_id: str, at: datetime, weather: Weather) -> None:
        """Add the report that is learnt with the snapshot of an event time."""
        blob = np.column_stack([weather.hours, weather.values]).tobytes()
        db.execute(weathers.insert().values(system_id=system_id, at=at, blob=blob))

    @staticmethod
    def forget(db: Connection, system_id: str, before: datetime) -> None:
        """Drop the reports before an event time."""
        db.execute(weathers.delete().where(weathers.c.system_id == system_id, weathers.c.at < before))
