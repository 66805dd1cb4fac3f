"""Which workers are live: a row for each, which runs out like a lease. The database's clock dates it.

The rows say who takes which systems. They give no right to learn: only a lease does.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from ingest.store.database import Database
from ingest.store.holder import is_held
from ingest.store.tables import workers


class WorkerTable:
    """Reads and writes `workers`, on PostgreSQL alone: workers on one SQLite file share nothing."""

    def __init__(self, database: Database) -> None:
        self._read, self._write = database.read, database.write
        self._clock_difference = database.clock_difference
        self.are_shared = database.is_postgresql

    def announce(self, holder: str, now: datetime, duration: timedelta) -> tuple[str, ...]:
        """Write that a worker lives, for `duration` from `now` on its own clock; name all live workers.

        The rows of those that have run out or are known to be dead go. Only the worker's own machine may
        know the latter, and all have to agree. On SQLite it names this worker alone, and writes nothing.
        """
        if not self.are_shared:
            return (holder,)
        with self._write() as db:
            now += self._clock_difference(db)
            rows = db.execute(sa.select(workers).where(workers.c.holder != holder)).all()
            live = [row for row in rows if is_held(row.holder, row.until, now, duration)]
            for row in rows:
                if row not in live:  # unless it has come back meanwhile
                    same = workers.c.holder == row.holder, workers.c.until == row.until
                    db.execute(workers.delete().where(*same))
            own = workers.c.holder == holder
            if not db.execute(workers.update().where(own).values(until=now + duration)).rowcount:
                db.execute(workers.insert().values(holder=holder, until=now + duration))
        return tuple(sorted([holder, *(row.holder for row in live)]))

    def leave(self, holder: str) -> None:
        """Write that a worker takes no more systems."""
        if self.are_shared:
            with self._write() as db:
                db.execute(workers.delete().where(workers.c.holder == holder))

    def live(self, now: datetime) -> list[str]:
        """Name the live workers; `now` is this machine's time."""
        with self._read() as db:
            now += self._clock_difference(db)
            return list(db.scalars(sa.select(workers.c.holder).where(workers.c.until > now)))
