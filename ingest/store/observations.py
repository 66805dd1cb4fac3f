"""The log of what feeds gave: every poll, and a row each time the counts of a station changed.

The log is the truth that recovery learns again and that forecasts are judged by. `status` repeats the newest
row of every station, so that reading all of them is one narrow query.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ingest.reason import Reason
from ingest.store.database import Database, between
from ingest.store.tables import checkpoints, observations, polls, status, systems
from model.records import NOTHING_KNOWN, Snapshot

if TYPE_CHECKING:
    import pandas as pd

OUTCOME_LEARNT = "learnt"
"""The outcome of a poll that brought a new snapshot."""

ANSWERED_OUTCOMES = (OUTCOME_LEARNT, "unchanged", "late")
"""The outcomes of a poll that was answered; every other one names a failure."""


@dataclass(frozen=True)
class PollRow:
    """One poll and its outcome: learnt, unchanged, late, or the kind of a failure.

    `reason` is why the poll failed or the feed is silent.
    `seconds` is how long the answer took, `learn_seconds` and `forecast_seconds` how long learning and
    forecasting took: None where nothing was learnt. `ttl_seconds` is how long the answer holds, and `waiting`
    counts the forecasts that wait for their truth; both are None where no answer came.
    """

    received_at: datetime
    at: datetime | None
    outcome: str
    reason: Reason | None
    seconds: float
    findings: str
    ttl_seconds: float | None = None
    learn_seconds: float | None = None
    forecast_seconds: float | None = None
    waiting: int | None = None


_ADD_POLL, _ADD_CHANGE, _ADD_STATUS = polls.insert(), observations.insert(), status.insert()
_SET_STATUS = status.update().where(
    status.c.system_id == sa.bindparam("of_system"), status.c.station_id == sa.bindparam("station")
)
_KNOWN_STATUS = sa.select(status.c.station_id).where(
    status.c.system_id == sa.bindparam("of_system"),
    status.c.station_id.in_(sa.bindparam("stations", expanding=True)),
)


class ObservationTables:
    """Reads and writes `observations`, `status` and `polls`."""

    def __init__(self, database: Database) -> None:
        self._read = database.read
        self._binary = database.binary

    def poll_times(
        self, system_id: str, start: datetime | None = None, end: datetime | None = None
    ) -> list[datetime]:
        """List the event times of the learnt polls in `(start, end]`, oldest first."""
        query = sa.select(polls.c.at).where(polls.c.system_id == system_id, polls.c.outcome == OUTCOME_LEARNT)
        query = between(query, polls.c.at, start, end).order_by(polls.c.at)
        with self._read() as db:
            return list(db.scalars(query))

    def last_change(self, system_id: str) -> datetime | None:
        """Fetch the event time of the newest change of any station; None before the first answer."""
        query = sa.select(sa.func.max(observations.c.at)).where(observations.c.system_id == system_id)
        with self._read() as db:
            newest: datetime | None = db.scalar(query)
        return newest

    def polls(self, system_id: str, start: datetime, end: datetime) -> pd.DataFrame:
        """Fetch every poll received in `(start, end]`, whatever its outcome; the columns are `PollRow`'s."""
        import pandas as pd

        names = list(PollRow.__dataclass_fields__)
        query = sa.select(*(polls.c[name] for name in names)).where(polls.c.system_id == system_id)
        query = between(query, polls.c.received_at, start, end).order_by(polls.c.received_at)
        with self._read() as db:
            return pd.DataFrame([tuple(row) for row in db.execute(query)], columns=names)

    def changes(
        self, system_id: str, start: datetime | None = None, end: datetime | None = None
    ) -> pd.DataFrame:
        """Fetch the changes in `(start, end]`, oldest first; `at` is in Unix seconds."""
        import pandas as pd

        names = ("at", "station_id", *NOTHING_KNOWN)
        query = sa.select(*(observations.c[name] for name in names)).where(
            observations.c.system_id == system_id
        )
        query = between(query, observations.c.at, start, end).order_by(
            observations.c.at, observations.c.station_id.collate(self._binary)
        )
        with self._read() as db:
            table = pd.DataFrame([tuple(row) for row in db.execute(query)], columns=list(names))
        table["at"] = [int(at.timestamp()) for at in table["at"]]
        return table.astype({"at": np.int64})

    def history(
        self, system_id: str, station_id: str, start: datetime, end: datetime
    ) -> list[tuple[datetime, int, int, int]]:
        """Fetch one station's changes up to `end` as `(at, bikes, docks, ebikes)`, oldest first.

        The first is the last one at or before `start`, where there is one: it still held at the start.
        """
        at = observations.c.at
        where = (observations.c.system_id == system_id, observations.c.station_id == station_id)
        before = sa.select(sa.func.max(at)).where(*where, at <= start).scalar_subquery()
        query = sa.select(at, observations.c.bikes, observations.c.docks, observations.c.ebikes)
        query = query.where(*where, at <= end, sa.or_(at > start, at == before)).order_by(at)
        with self._read() as db:
            return [(row.at, row.bikes, row.docks, row.ebikes) for row in db.execute(query)]

    def status(self, system_id: str) -> Snapshot | None:
        """Fetch the newest counts of every station ever seen; None before the first answer."""
        with self._read() as db:
            at = db.scalar(sa.select(systems.c.at).where(systems.c.system_id == system_id))
            query = sa.select(status).where(status.c.system_id == system_id)
            rows = db.execute(query.order_by(status.c.station_id.collate(self._binary))).all()
        return None if at is None else snapshot_of(at, rows)

    # ---------------------------------------------------------------- within a transaction

    @staticmethod
    def add_poll(db: Connection, system_id: str, poll: PollRow) -> None:
        """Add a poll to the log."""
        db.execute(_ADD_POLL, {"system_id": system_id, **poll.__dict__})

    @staticmethod
    def add_changes(db: Connection, system_id: str, at: datetime, changes: Snapshot) -> None:
        """Add the stations that changed to the log, and bring their status up to date."""
        if not len(changes):
            return
        columns = [
            _or(getattr(changes, name), len(changes), default) for name, default in NOTHING_KNOWN.items()
        ]
        rows = [
            {"system_id": system_id, "at": at, "station_id": station}
            | dict(zip(NOTHING_KNOWN, counts, strict=True))
            for station, *counts in zip(changes.station_id.tolist(), *columns, strict=True)
        ]
        db.execute(_ADD_CHANGE, rows)
        # An update leaves the index alone, so PostgreSQL logs less than for a delete and an insert.
        ids = [row["station_id"] for row in rows]
        known = set(db.scalars(_KNOWN_STATUS, {"of_system": system_id, "stations": ids}))
        old = [row | {"of_system": system_id, "station": row["station_id"]} for row in rows]
        old = [row for row in old if row["station"] in known]
        new = [row for row in rows if row["station_id"] not in known]
        for statement, some in ((_SET_STATUS, old), (_ADD_STATUS, new)):
            if some:
                db.execute(statement, some)

    @staticmethod
    def forget_other_polls(db: Connection, system_id: str, received_before: datetime) -> None:
        """Drop older polls that taught nothing; by receipt, since they may have no event time."""
        db.execute(
            polls.delete().where(
                polls.c.system_id == system_id,
                polls.c.outcome != OUTCOME_LEARNT,
                polls.c.received_at < received_before,
            )
        )

    @staticmethod
    def forget_log(db: Connection, system_id: str, before: datetime) -> None:
        """Drop the learnt polls and the changes before an event time that recovery does not need.

        Recovery needs what came after the oldest checkpoint, and without a checkpoint all. The last change of
        each station before the cut stays: it still holds there.
        """
        checkpoint = db.scalar(
            sa.select(sa.func.min(checkpoints.c.at)).where(checkpoints.c.system_id == system_id)
        )
        if checkpoint is None:
            return
        before = min(before, checkpoint)
        newer = observations.alias()
        superseded = (
            sa.exists()
            .where(newer.c.system_id == system_id, newer.c.station_id == observations.c.station_id)
            .where(newer.c.at > observations.c.at, newer.c.at <= before)
        )
        db.execute(
            observations.delete().where(
                observations.c.system_id == system_id, observations.c.at < before, superseded
            )
        )
        db.execute(
            polls.delete().where(
                polls.c.system_id == system_id, polls.c.outcome == OUTCOME_LEARNT, polls.c.at < before
            )
        )


def snapshot_of(at: datetime, rows: Sequence[Any]) -> Snapshot:
    """Make a snapshot of rows that have a station's id, counts and flags."""
    return Snapshot(
        at=at,
        station_id=np.array([row.station_id for row in rows], dtype=np.str_),
        **{
            name: np.array([getattr(row, name) for row in rows], dtype=type(default))
            for name, default in NOTHING_KNOWN.items()
        },
    )


def _or(values: Any, size: int, default: Any) -> list[Any]:
    return [default] * size if values is None else values.tolist()
