"""What is odd in each feed: since when, how often today, and an example.

A row for each kind of finding is brought up to date with each answered poll. Polls keep their findings too,
but a page that counted those would read a day's polls. It costs each poll one query by key, and an update
where anything is odd.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ingest.gbfs.findings import Finding
from ingest.reason import Reason
from ingest.store.database import Database
from ingest.store.observations import ANSWERED_OUTCOMES, PollRow
from ingest.store.tables import findings, systems
from ingest.system import zone_of

KEPT = timedelta(days=1)
"""How long a kind of finding is kept that is gone."""


@dataclass(frozen=True)
class Oddity:
    """A kind of finding in a feed's answers, over time.

    `finding` is as it was in the newest answer that had it, at `last_at`. Each answer from `since` on had it,
    until then. It is `gone` where the newest answer has it no more. `polls` and `cases` count the answers
    that had it today, by the city's clock, and how often it occurred in them. Times are the wall clock's.
    """

    finding: Finding
    since: datetime
    last_at: datetime
    gone: bool
    polls: int
    cases: int


_OF_SYSTEM = findings.c.system_id == sa.bindparam("of_system")
_ONE = (_OF_SYSTEM, findings.c.kind == sa.bindparam("of_kind"))
_KNOWN = sa.select(findings).where(_OF_SYSTEM)
_ADD, _REPLACE, _DROP = findings.insert(), findings.update().where(*_ONE), findings.delete().where(*_ONE)
_LIST_FAULT = {"system_id": "", "kind": "list"}
"""The key of the finding about the list of systems, which no system has as its id."""
_LIST_FAULT_SINCE = sa.select(findings.c.since).filter_by(**_LIST_FAULT)
_ZONE = sa.select(systems.c.timezone).where(systems.c.system_id == sa.bindparam("of_system"))


class FindingTable:
    """Reads and writes `findings`."""

    def __init__(self, database: Database) -> None:
        self._read, self._write = database.read, database.write

    def note_list_fault(self, now: datetime) -> None:
        """Note that a worker's list of systems is wrong, so that the one before stays in use."""
        values = {"last_at": now, "gone": False, "day": "", "polls": 0, "cases": 0, "last_count": 1}
        with self._write(alone=True) as db:
            if db.scalar(_LIST_FAULT_SINCE) is None:
                db.execute(_ADD, {**_LIST_FAULT, **values, "since": now, "example": '""'})

    def end_list_fault(self) -> None:
        """Note that a worker's list of systems is right."""
        with self._write() as db:
            db.execute(_DROP, {"of_system": _LIST_FAULT["system_id"], "of_kind": _LIST_FAULT["kind"]})

    def list_fault_since(self) -> datetime | None:
        """Tell since when the list of systems is wrong; None where it is not."""
        with self._read() as db:
            return db.scalar(_LIST_FAULT_SINCE)

    def oddities(self, ids: Sequence[str], now: datetime) -> dict[str, list[Oddity]]:
        """List what is odd in feeds, by system and ordered by kind; `now` says which day is today."""
        query = (
            sa.select(findings, systems.c.timezone)
            .join(systems, systems.c.system_id == findings.c.system_id)
            .where(findings.c.system_id.in_(ids))
            .where(sa.or_(sa.not_(findings.c.gone), findings.c.last_at > now - KEPT))
            .order_by(findings.c.system_id, findings.c.kind)
        )
        with self._read() as db:
            rows = db.execute(query).all()
        days = {zone: _day(now, zone) for zone in {row.timezone for row in rows}}
        found: dict[str, list[Oddity]] = {system_id: [] for system_id in ids}
        for row in rows:
            polls, cases = (row.polls, row.cases) if row.day == days[row.timezone] else (0, 0)
            found[row.system_id].append(Oddity(_finding(row), row.since, row.last_at, row.gone, polls, cases))
        return found

    # ---------------------------------------------------------------- within a transaction

    @staticmethod
    def add(db: Connection, system_id: str, poll: PollRow) -> None:
        """Count the findings of a poll. One that was not answered tells nothing: what was odd still is."""
        if poll.outcome not in ANSWERED_OUTCOMES:
            return
        of_system = {"of_system": system_id}
        known = {row.kind: row for row in db.execute(_KNOWN, of_system)}
        found = {each["kind"]: each for each in json.loads(poll.findings)}
        if not known and not found:
            return
        day, at = _day(poll.received_at, db.scalar(_ZONE, of_system)), poll.received_at
        counted = {kind: _counted(known.get(kind), each, at, day) for kind, each in found.items()}
        new = [{"system_id": system_id, **row} for kind, row in counted.items() if kind not in known]
        again = [of_system | {"of_kind": kind} | row for kind, row in counted.items() if kind in known]
        over = [row for kind, row in known.items() if kind not in found]
        old = [of_system | {"of_kind": row.kind} for row in over if row.last_at <= at - KEPT]
        ended = [of_system | {"of_kind": row.kind, "gone": True} for row in over if not row.gone]
        for statement, rows in ((_ADD, new), (_REPLACE, again), (_REPLACE, ended), (_DROP, old)):
            if rows:
                db.execute(statement, rows)


def findings_json(found: Sequence[Finding]) -> str:
    """Write findings as the JSON that `polls.findings` holds."""
    return json.dumps([asdict(each) for each in found], ensure_ascii=False)


def _counted(known: Any, found: dict[str, Any], at: datetime, day: str) -> dict[str, Any]:
    """Make the row of a kind that a poll has, out of its row until then."""
    unbroken, today = known is not None and not known.gone, known is not None and known.day == day
    return {
        "kind": found["kind"],
        "since": known.since if unbroken else at,
        "last_at": at,
        "gone": False,
        "day": day,
        "polls": 1 + (known.polls if today else 0),
        "cases": found["count"] + (known.cases if today else 0),
        "last_count": found["count"],
        "example": json.dumps(found["example"], ensure_ascii=False),
    }


def _finding(row: Any) -> Finding:
    example = json.loads(row.example)
    return Finding(row.kind, row.last_count, Reason(**example) if isinstance(example, dict) else example)


def _day(at: datetime, zone: str | None) -> str:
    """Write the day of a time as a city's calendar has it; UTC's where the city's zone is not known."""
    return at.astimezone(zone_of(zone or "UTC")).date().isoformat()
