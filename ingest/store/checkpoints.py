"""Checkpoints: a forecaster's state as bytes, so that recovery does not learn the whole log again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ingest.store.database import Database
from ingest.store.tables import checkpoints


@dataclass(frozen=True)
class Checkpoint:
    """A forecaster's state as of the poll at `at`, with the stations that it knew."""

    at: datetime
    blob: bytes


class CheckpointTable:
    """Reads and writes `checkpoints`: the newest of each system, and the one before it."""

    def __init__(self, database: Database) -> None:
        self._read = database.read

    def newest(self, system_id: str, before: datetime | None = None) -> Checkpoint | None:
        """Fetch a system's newest checkpoint, or the newest from before an event time."""
        at = checkpoints.c.at
        query = sa.select(at, checkpoints.c.blob).where(checkpoints.c.system_id == system_id)
        if before is not None:
            query = query.where(at < before)
        with self._read() as db:
            row = db.execute(query.order_by(at.desc()).limit(1)).one_or_none()
            return None if row is None else Checkpoint(row.at, row.blob)

    def newest_at(self, system_id: str) -> datetime | None:
        """Tell the event time of a system's newest checkpoint, without fetching it."""
        with self._read() as db:
            return self._newest_at(db, system_id)

    # ---------------------------------------------------------------- within a transaction

    def add(self, db: Connection, system_id: str, at: datetime, blob: bytes) -> None:
        """Add a checkpoint and keep the one before it, for when the new one cannot be read."""
        newest = self._newest_at(db, system_id)
        db.execute(
            checkpoints.delete().where(checkpoints.c.system_id == system_id, checkpoints.c.at != newest)
        )
        db.execute(checkpoints.insert().values(system_id=system_id, at=at, blob=blob))

    @staticmethod
    def _newest_at(db: Connection, system_id: str) -> datetime | None:
        query = sa.select(checkpoints.c.at).where(checkpoints.c.system_id == system_id)
        return db.scalar(query.order_by(checkpoints.c.at.desc()).limit(1))
