"""Drops all rows of a system that nobody follows any more, some thousands at a time.

What stays is its row in `systems`: its id, name and address, so that `follow` knows it and a list cannot
bring back what was unfollowed; and the version of its newest frame, since browsers keep frames for ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from ingest.store.database import Database
from ingest.store.leases import LeaseClaim, LeaseTable
from ingest.store.systems import SystemTables
from ingest.store.tables import EMPTIED_BY_BEGIN, frames, playbacks, tries

AT_ONCE = 5000
"""Rows that one transaction drops: a worker that wants to write waits a moment only."""

_TABLES = (*EMPTIED_BY_BEGIN, frames, playbacks, tries)


class Forgetting:
    """Counts and drops what the store has of a system."""

    def __init__(self, database: Database, systems: SystemTables, leases: LeaseTable) -> None:
        self._read, self._write = database.read, database.write
        self._systems, self._leases = systems, leases

    def rows(self, system_id: str) -> dict[str, int]:
        """Count the rows that a system has, by table; tables without any are left out."""
        with self._read() as db:
            counts = {table.name: db.scalar(_count(table, system_id)) for table in _TABLES}
        return {name: count for name, count in counts.items() if count}

    def drop(self, claim: LeaseClaim) -> Iterator[int]:
        """Drop all rows of a system, and give the number of rows after each transaction.

        The claim's holder must have the system's lease, which keeps workers out; each transaction renews it.
        It may be interrupted and called again. Raises `LeaseLostError`.
        """
        for table in _TABLES:
            key = sa.tuple_(*table.primary_key.columns)
            first = sa.select(*table.primary_key.columns).where(table.c.system_id == claim.system_id)
            dropped = AT_ONCE
            while dropped == AT_ONCE:
                with self._write() as db:
                    self._leases.require(db, replace(claim, now=datetime.now(UTC)))
                    dropped = db.execute(table.delete().where(key.in_(first.limit(AT_ONCE)))).rowcount
                yield dropped
        with self._write() as db:
            self._leases.require(db, replace(claim, now=datetime.now(UTC)))
            self._systems.empty(db, claim.system_id)
            self._systems.update(db, claim.system_id, timezone=None, last_try_at=None)


def _count(table: sa.Table, system_id: str) -> sa.Select[Any]:
    return sa.select(sa.func.count()).select_from(table).where(table.c.system_id == system_id)
