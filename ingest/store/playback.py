"""How the worker plays a made-up or recorded city: how fast, from when, paused or not.

A page or the command line writes a row of the store, which the worker reads at each tick. An app's process
writes nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ingest.store.database import Database
from ingest.store.tables import playbacks

Begin = Literal["learnt", "nothing"]

SPEEDS = (1.0, 10.0, 60.0, 600.0)
"""The speeds that pages offer, in event seconds per wall second."""

FASTEST = 600.0


@dataclass(frozen=True)
class Playback:
    """How a system is to be played.

    At the wall time `wall` it was `at` in the city. Since then event time runs `speed` times as fast, unless
    it is `paused`. `run` counts the beginnings, and `begin` tells what the city knows at the last one. The
    worker plays the run `begun`. Times are aware UTC.
    """

    at: datetime
    wall: datetime
    speed: float = 1.0
    paused: bool = False
    begin: Begin = "learnt"
    run: int = 1
    begun: int = 0

    def now(self, wall: datetime) -> datetime:
        """Tell the city's time at a moment of the wall clock."""
        return self.at if self.paused else self.at + max(wall - self.wall, timedelta(0)) * self.speed

    def faster(self, speed: float, wall: datetime) -> Playback:
        """Run at another speed from now on.

        Raises `ValueError` for one that is not above 0 and at most 600.
        """
        if not 0 < speed <= FASTEST:
            raise ValueError(f"a speed of {speed:g} cannot be played: choose one above 0, up to {FASTEST:g}")
        return replace(self, at=self.now(wall), wall=wall, speed=speed)

    def pause(self, paused: bool, wall: datetime) -> Playback:
        """Stand still, or go on."""
        return replace(self, at=self.now(wall), wall=wall, paused=paused)

    def jump(self, clock: time, zone: ZoneInfo, wall: datetime, weekday: int | None = None) -> Playback:
        """Go forward to when the city's clocks next show a time; the worker learns the time between.

        With a `weekday`, 0 for Monday, it is the next such day.

        >>> noon, dublin = datetime(2026, 3, 2, 12, tzinfo=UTC), ZoneInfo("Europe/Dublin")  # a Monday
        >>> for weekday in (None, 0, 2):
        ...     Playback(noon, noon).jump(time(8, 30), dublin, noon, weekday).at.isoformat()
        '2026-03-03T08:30:00+00:00'
        '2026-03-09T08:30:00+00:00'
        '2026-03-04T08:30:00+00:00'
        """
        local = self.now(wall).astimezone(zone)
        days = 0 if weekday is None else (weekday - local.weekday()) % 7
        there = datetime.combine(local.date() + timedelta(days=days), clock, zone)
        if there.astimezone(UTC) <= local.astimezone(UTC):
            further = timedelta(days=1 if weekday is None else 7)
            there = datetime.combine(local.date() + timedelta(days=days) + further, clock, zone)
        return replace(self, at=there.astimezone(UTC), wall=wall)

    def anew(self, begin: Begin) -> Playback:
        """Begin once more, with a month learnt or with nothing. The worker chooses the time in the city."""
        return replace(self, begin=begin, run=self.run + 1, paused=False)


_NAMES = tuple(Playback.__dataclass_fields__)


class PlaybackTable:
    """Reads and writes `playbacks`."""

    def __init__(self, database: Database) -> None:
        self._read, self._write = database.read, database.write

    def get(self, system_id: str) -> Playback | None:
        """Fetch how a system is to be played; None before its worker or a person has set it."""
        query = sa.select(*(playbacks.c[name] for name in _NAMES)).where(playbacks.c.system_id == system_id)
        with self._read() as db:
            row = db.execute(query).one_or_none()
        return None if row is None else Playback(**row._mapping)

    def progress(self, system_id: str) -> float | None:
        """Tell how much of a jump or a beginning is learnt, from 0 to 1; None while there is none."""
        query = sa.select(playbacks.c.progress).where(playbacks.c.system_id == system_id)
        with self._read() as db:
            found: float | None = db.scalar(query)
        return found

    def set(self, system_id: str, playback: Playback) -> None:
        """Set how a system is to be played, but for the run `begun`, which only its worker sets."""
        with self._write(alone=True) as db:
            self._set(db, system_id, playback)

    # ---------------------------------------------------------------- within a transaction

    def begin(self, db: Connection, system_id: str, playback: Playback) -> None:
        """Set how a system is to be played, and that its worker plays this run."""
        self._set(db, system_id, playback)
        db.execute(playbacks.update().where(playbacks.c.system_id == system_id).values(begun=playback.run))

    @staticmethod
    def set_progress(db: Connection, system_id: str, progress: float | None) -> None:
        """Set how much is learnt."""
        db.execute(playbacks.update().where(playbacks.c.system_id == system_id).values(progress=progress))

    @staticmethod
    def _set(db: Connection, system_id: str, playback: Playback) -> None:
        values = {name: value for name, value in playback.__dict__.items() if name != "begun"}
        update = playbacks.update().where(playbacks.c.system_id == system_id)
        if db.execute(update.values(values)).rowcount == 0:
            db.execute(playbacks.insert().values(system_id=system_id, begun=playback.begun, **values))
