"""What an operator watches of a store: its size and log, who learns what, and how old checkpoints are."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from ingest.store.database import Database
from ingest.store.tables import checkpoints, leases, systems


@dataclass(frozen=True)
class StoreSize:
    """The bytes of a store.

    `free` are the bytes left on the disk of a SQLite file, None for a server: it has a disk of its own.
    `log` are the bytes of the write-ahead log: SQLite's as it is now, and for a server all that were ever
    written, by all its databases.
    """

    total: int
    log: int
    free: int | None


class OperationQueries:
    """Reads what belongs to a store as a whole."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def size(self) -> StoreSize | None:
        """Measure the store; None for a database of a kind that does not say it."""
        file = self._database.file
        if file is not None:
            log = Path(f"{file}-wal")
            return StoreSize(
                file.stat().st_size, log.stat().st_size if log.exists() else 0, shutil.disk_usage(file).free
            )
        if not self._database.is_postgresql:
            return None
        log_now = sa.cast(
            sa.func.pg_wal_lsn_diff(sa.func.pg_current_wal_insert_lsn(), sa.text("'0/0'")), sa.BigInteger
        )
        query = sa.select(sa.func.pg_database_size(sa.func.current_database()), log_now)
        with self._database.read() as db:
            total, log_written = db.execute(query).one()
        return StoreSize(total, log_written, None)

    def holders(self, now: datetime) -> dict[str, str]:
        """Name the worker that has the lease of each system, if any has; `now` is this machine's time."""
        with self._database.read() as db:
            now += self._database.clock_difference(db)
            query = sa.select(leases.c.system_id, leases.c.holder).where(leases.c.until > now)
            return {row.system_id: row.holder for row in db.execute(query)}

    def behind_checkpoints(self) -> dict[str, timedelta]:
        """Tell by system how much of its log, in event time, a restart would learn again."""
        newest = sa.func.max(checkpoints.c.at, type_=checkpoints.c.at.type)
        query = (
            sa.select(systems.c.system_id, systems.c.at, newest.label("learnt"))
            .join(checkpoints, checkpoints.c.system_id == systems.c.system_id)
            .where(systems.c.at.is_not(None))
            .group_by(systems.c.system_id, systems.c.at)
        )
        with self._database.read() as db:
            return {row.system_id: row.at - row.learnt for row in db.execute(query)}
