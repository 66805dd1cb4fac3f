"""Forecasts of the own model until their truths come: the forecaster's state does not hold them."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ingest.store.database import Database
from ingest.store.tables import own_forecasts
from model.codec import DamagedError
from model.scoring.own import OwnForecast

KEPT_FOR = timedelta(hours=26)
"""The farthest horizon is a day, and a truth may come late."""


class OwnForecastTable:
    """Reads and writes `own_forecasts`."""

    def __init__(self, database: Database) -> None:
        self._read = database.read

    def waiting(self, system_id: str) -> list[OwnForecast]:
        """List what the own model gave in the last day. What another release wrote is left out."""
        query = sa.select(own_forecasts.c.blob).where(own_forecasts.c.system_id == system_id)
        with self._read() as db:
            blobs = list(db.scalars(query))
        found = []
        for blob in blobs:
            try:
                found.append(OwnForecast.from_bytes(blob))
            except (DamagedError, KeyError, TypeError):
                continue
        return found

    # ---------------------------------------------------------------- within a transaction

    @staticmethod
    def add(db: Connection, system_id: str, at: datetime, forecast: OwnForecast) -> None:
        """Add a forecast, and drop those that were issued too long before an event time."""
        old = own_forecasts.c.at < at - KEPT_FOR
        db.execute(own_forecasts.delete().where(own_forecasts.c.system_id == system_id, old))
        row = {"at": forecast.issued_at, "minutes": forecast.minutes, "blob": forecast.to_bytes()}
        db.execute(own_forecasts.insert().values(system_id=system_id, **row))
