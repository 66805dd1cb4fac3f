"""Which workers prepare: they compile kernels before their first tick. The database's clock dates it."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from ingest.store.database import Database
from ingest.store.holder import is_dead
from ingest.store.tables import preparations


class PreparationTable:
    """Reads and writes `preparations`: a row for each worker that prepares, which runs out like a lease."""

    def __init__(self, database: Database) -> None:
        self._read, self._write = database.read, database.write
        self._clock_difference = database.clock_difference

    def note(self, holder: str, now: datetime, duration: timedelta) -> None:
        """Write that a worker prepares, for `duration` from `now` on its own clock."""
        with self._write() as db:
            now += self._clock_difference(db)
            old = sa.or_(preparations.c.holder == holder, preparations.c.until <= now)
            db.execute(preparations.delete().where(old))
            db.execute(preparations.insert().values(holder=holder, until=now + duration))

    def end(self, holder: str) -> None:
        """Write that a worker no longer prepares."""
        with self._write() as db:
            db.execute(preparations.delete().where(preparations.c.holder == holder))

    def holder(self, now: datetime) -> str | None:
        """Name a worker that prepares and is not known to be dead."""
        with self._read() as db:
            now += self._clock_difference(db)
            query = sa.select(preparations.c.holder).where(preparations.c.until > now)
            return next((holder for holder in db.scalars(query) if not is_dead(holder)), None)
