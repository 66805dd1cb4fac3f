"""Leases: each system has at most one worker that learns it. The database's clock dates them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ingest.store.database import Database
from ingest.store.errors import LeaseLostError
from ingest.store.holder import is_dead, is_held
from ingest.store.tables import leases


@dataclass(frozen=True)
class LeaseClaim:
    """A worker's claim to be the only one that learns a system.

    `holder` names the worker. `now` is the time on its own clock, aware UTC. A lease that is taken or renewed
    by this claim runs out after `duration`.
    """

    system_id: str
    holder: str
    now: datetime
    duration: timedelta


_RENEW = leases.update().where(
    leases.c.system_id == sa.bindparam("of_system"), leases.c.holder == sa.bindparam("by_holder")
)
# Statements of every tick are made once: to make one takes as long as to run it.


class LeaseTable:
    """Reads and writes `leases`."""

    def __init__(self, database: Database) -> None:
        self._read, self._write = database.read, database.write
        self._clock_difference = database.clock_difference

    def take(self, claim: LeaseClaim) -> bool:
        """Take a system's lease, or renew it: True when the claim's holder has it now.

        Any worker may take a lease that has run out, or that a dead worker holds. It may also take a lease
        that runs far too long, since a clock was set back. A worker that keeps state from an earlier lease
        must `renew` instead, since another worker may have learnt in between.
        """
        system_id, holder = claim.system_id, claim.holder
        with self._write() as db:
            now = claim.now + self._clock_difference(db)
            until = now + claim.duration
            row = db.execute(sa.select(leases).where(leases.c.system_id == system_id)).one_or_none()
            if row is None:
                try:
                    with db.begin_nested():
                        db.execute(leases.insert().values(system_id=system_id, holder=holder, until=until))
                except sa.exc.IntegrityError:  # another worker inserted one after we looked
                    return False
                return True
            if row.holder != holder and is_held(row.holder, row.until, now, claim.duration):
                return False
            changed = db.execute(
                leases.update()
                .where(
                    leases.c.system_id == system_id,
                    leases.c.holder == row.holder,
                    leases.c.until == row.until,
                )
                .values(holder=holder, until=until)
            )
            return changed.rowcount == 1

    def renew(self, claim: LeaseClaim) -> None:
        """Renew the lease of one system.

        Raises `LeaseLostError` when the claim's holder no longer has it.
        """
        with self._write() as db:
            self.require(db, claim)

    def renew_all(self, holder: str, now: datetime, duration: timedelta) -> frozenset[str]:
        """Renew every lease that a holder still has, between ticks that may be far apart.

        Gives the systems of these leases.
        """
        mine = leases.c.holder == holder
        with self._write() as db:
            until = now + duration + self._clock_difference(db)
            db.execute(leases.update().where(mine).values(until=until))
            return frozenset(db.scalars(sa.select(leases.c.system_id).where(mine)))

    def drop(self, holder: str, *system_ids: str) -> None:
        """Give up a holder's leases of these systems."""
        with self._write() as db:
            db.execute(leases.delete().where(leases.c.holder == holder, leases.c.system_id.in_(system_ids)))

    def drop_all(self, holder: str) -> None:
        """Give up every lease of a holder, so that the next worker need not wait."""
        with self._write() as db:
            db.execute(leases.delete().where(leases.c.holder == holder))

    def holder(self, now: datetime) -> str | None:
        """Name a worker at work: its lease has not run out, and it is not known to be dead."""
        with self._read() as db:
            now += self._clock_difference(db)
            query = sa.select(leases.c.holder).where(leases.c.until > now).distinct()
            return next((holder for holder in db.scalars(query) if not is_dead(holder)), None)

    # ---------------------------------------------------------------- within a transaction

    def require(self, db: Connection, claim: LeaseClaim) -> None:
        """Renew a lease and lock its row up to the commit, so that nobody takes it before.

        It must be the first thing in the transaction. Raises `LeaseLostError`.
        """
        until = claim.now + claim.duration + self._clock_difference(db)
        renewed = db.execute(
            _RENEW, {"of_system": claim.system_id, "by_holder": claim.holder, "until": until}
        )
        if renewed.rowcount == 0:
            raise LeaseLostError(f"{claim.system_id}: another worker has taken over")

    @staticmethod
    def lock(db: Connection, claim: LeaseClaim) -> None:
        """Lock a lease's row up to the commit without renewing it.

        Raises `LeaseLostError`.
        """
        query = sa.select(leases.c.holder).where(
            leases.c.system_id == claim.system_id, leases.c.holder == claim.holder
        )
        if db.execute(query.with_for_update()).first() is None:
            raise LeaseLostError(f"{claim.system_id}: another worker has taken over")
