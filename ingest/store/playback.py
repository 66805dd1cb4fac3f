"""How a made-up or recorded city is played: how fast, from when, paused or not.

What people ask for on a page or the command line is a row of the store, which the worker reads at each tick.
It is the only thing that an app's process ever writes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ingest.store.tables import LEARNT_TABLES, playbacks, systems

Begin = Literal["learnt", "nothing"]

SPEEDS = (1.0, 10.0, 60.0, 600.0)
"""The speeds that pages offer, in event seconds per wall second."""

FASTEST = 600.0


@dataclass(frozen=True)
class Playback:
    """What is wanted of a played system.

    At the wall's `wall` it was `at` in the city, and event time has run `speed` times as fast since, unless
    it is `paused`. `run` counts how often it was begun anew, with what `begin` says; `begun` is the run that
    the worker is at. Times are aware UTC.
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

    def jump(self, clock: time, zone: ZoneInfo, wall: datetime) -> Playback:
        """Go forward to when the city's clocks next show a time; what lies between is learnt on the way.

        >>> noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
        >>> Playback(noon, noon).jump(time(8, 30), ZoneInfo("Europe/Dublin"), noon).at.isoformat()
        '2026-03-03T08:30:00+00:00'
        """
        local = self.now(wall).astimezone(zone)
        there = datetime.combine(local.date(), clock, zone)
        if there.astimezone(UTC) <= local.astimezone(UTC):
            there = datetime.combine(local.date() + timedelta(days=1), clock, zone)
        return replace(self, at=there.astimezone(UTC), wall=wall)

    def anew(self, begin: Begin) -> Playback:
        """Begin once more, having learnt or knowing nothing. When that is in the city, the worker says."""
        return replace(self, begin=begin, run=self.run + 1, paused=False)


_NAMES = tuple(Playback.__dataclass_fields__)


def read(db: Connection, system_id: str) -> Playback | None:
    """Fetch what is wanted of a system; None where nobody has said anything yet."""
    query = sa.select(*(playbacks.c[name] for name in _NAMES)).where(playbacks.c.system_id == system_id)
    row = db.execute(query).one_or_none()
    return None if row is None else Playback(**row._mapping)


def write(db: Connection, system_id: str, wanted: Playback) -> None:
    """Set what is wanted of a system. Which run has begun, only the worker knows."""
    values = {name: value for name, value in wanted.__dict__.items() if name != "begun"}
    mine = playbacks.update().where(playbacks.c.system_id == system_id)
    if db.execute(mine.values(values)).rowcount == 0:
        db.execute(playbacks.insert().values(system_id=system_id, begun=wanted.begun, **values))


def begin(db: Connection, system_id: str, wanted: Playback) -> None:
    """Drop all that is known of a system, so that it begins anew as it is wanted.

    The number of its newest frame stays: browsers keep frames under it for ever.
    """
    for table in LEARNT_TABLES:
        db.execute(table.delete().where(table.c.system_id == system_id))
    db.execute(
        systems.update()
        .where(systems.c.system_id == system_id)
        .values(
            at=None, received_at=None, next_poll_at=None, learning_since=None,
            state="waiting", reason=None, failures=0,
        )
    )  # fmt: skip
    write(db, system_id, wanted)
    db.execute(playbacks.update().where(playbacks.c.system_id == system_id).values(begun=wanted.run))
