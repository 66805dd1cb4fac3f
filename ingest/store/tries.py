"""Which feeds somebody wants to be tried again now. A page writes it, and the worker of the system reads it.

A wish holds until the next poll. The worker decides when that is: not before the feed may be asked again.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from ingest.store.database import Database
from ingest.store.tables import tries


class TryTable:
    """Reads and writes `tries`: a row for each system that was ever asked for."""

    def __init__(self, database: Database) -> None:
        self._read, self._write = database.read, database.write

    def ask(self, system_id: str, at: datetime) -> None:
        """Write that somebody wanted a feed to be tried at the wall time `at`."""
        with self._write(alone=True) as db:
            update = tries.update().where(tries.c.system_id == system_id)
            if db.execute(update.values(at=at)).rowcount == 0:
                db.execute(tries.insert().values(system_id=system_id, at=at))

    def asked_at(self) -> dict[str, datetime]:
        """Tell when each system was last asked for, by its id."""
        with self._read() as db:
            return {row.system_id: row.at for row in db.execute(sa.select(tries))}
