"""The newest frames, and those that a browser may still ask for.

PostgreSQL does not log them: after a crash of its own there are none, and a worker puts the newest back.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ingest.store.database import Database
from ingest.store.tables import frames

FRAMES_KEPT = timedelta(minutes=10)
"""How long a browser may still ask for an older frame."""

MOST_FRAMES = 60
"""How many frames of a system are kept at most: a recording at 60× makes a frame a second."""


_ADD = frames.insert()
_DROP_OLD = frames.delete().where(
    frames.c.system_id == sa.bindparam("of_system"),
    sa.or_(frames.c.made_at < sa.bindparam("before"), frames.c.version <= sa.bindparam("up_to")),
)


class FrameTable:
    """Reads and writes `frames`."""

    def __init__(self, database: Database) -> None:
        self._read = database.read

    def newest(self, system_id: str) -> tuple[int, bytes] | None:
        """Fetch the version and the bytes of the newest frame; None where there is none."""
        query = sa.select(frames.c.version, frames.c.blob).where(frames.c.system_id == system_id)
        with self._read() as db:
            row = db.execute(query.order_by(frames.c.version.desc()).limit(1)).one_or_none()
            return None if row is None else (row.version, row.blob)

    def get(self, system_id: str, version: int) -> bytes | None:
        """Fetch the bytes of one frame; None where it is not kept any more."""
        query = sa.select(frames.c.blob).where(frames.c.system_id == system_id, frames.c.version == version)
        with self._read() as db:
            return db.scalar(query)

    def has(self, system_id: str, version: int) -> bool:
        """Tell whether a frame is kept, without fetching it."""
        query = sa.select(frames.c.version).where(
            frames.c.system_id == system_id, frames.c.version == version
        )
        with self._read() as db:
            return db.scalar(query) is not None

    # ---------------------------------------------------------------- within a transaction

    @staticmethod
    def add(
        db: Connection, system_id: str, version: int, made_at: datetime, at: datetime, blob: bytes
    ) -> None:
        """Add a system's newest frame, and drop those that are too old or too many."""
        old = {"before": made_at - FRAMES_KEPT, "up_to": version - MOST_FRAMES}
        db.execute(_DROP_OLD, {"of_system": system_id, **old})
        db.execute(
            _ADD,
            {"system_id": system_id, "version": version, "made_at": made_at, "at": at, "blob": blob},
        )
