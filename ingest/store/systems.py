"""The followed systems: what they are, how their feeds are doing, and their stations as last described."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ingest.gbfs.vehicles import VehicleTypes
from ingest.reason import Reason
from ingest.store.database import Database
from ingest.store.tables import EMPTIED_BY_BEGIN, feed_documents, playbacks, stations, systems
from ingest.system import System
from model.records import Stations


@dataclass(frozen=True)
class SystemState:
    """How a system's feed is doing. Times are aware UTC; `at` is event time, the others are the wall's.

    `state` is waiting, live, silent, unreachable or refused; `reason` is why, where there is one.
    """

    system_id: str
    state: str
    reason: Reason | None
    at: datetime | None
    received_at: datetime | None
    last_try_at: datetime | None
    next_poll_at: datetime | None
    failures: int
    frame_version: int | None
    learning_since: datetime | None


_SYSTEM = tuple(name for name in System.__dataclass_fields__ if name != "region")
"""Columns of a `System`. Its region is not stored: the feed gives it to the stations at each start."""
_COLUMNS = [systems.c[name] for name in _SYSTEM]
_ORDER = (systems.c.position.is_(None), systems.c.position, systems.c.system_id)
"""The followed systems first, in their order."""
_STATE = [systems.c[name] for name in SystemState.__dataclass_fields__]


_NOT_ASKED = {"state": "waiting", "reason": None, "failures": 0}
"""How the feed of a system is doing that nobody asks, or has not asked yet."""

_REST = systems.update().where(systems.c.position.is_(None)).values(_NOT_ASKED)
_UPDATE = systems.update().where(systems.c.system_id == sa.bindparam("of_system"))


def _system(row: sa.Row[Any]) -> System:
    return System(**{name: getattr(row, name) for name in _SYSTEM})


class SystemTables:
    """Reads and writes `systems`, `stations` and `feed_documents`."""

    def __init__(self, database: Database) -> None:
        self._read, self._write = database.read, database.write

    def follow(self, listed: Sequence[System]) -> list[System]:
        """Set the systems of a worker's list to be followed, and give all that are followed, in their order.

        What commands chose stands above the list: a system that `unfollow` took out stays out, and one that
        `follow_one` added comes after those of the list. Where both have one, the list says what it is. All
        others keep their data, but are not followed any more. A played system that is known already keeps its
        speed: the worker that plays it stores it. One whose label is another, so that its clock is another
        too, begins anew.
        """
        with self._write(alone=True) as db:
            rows = db.execute(sa.select(systems.c.chosen, *_COLUMNS).order_by(*_ORDER))
            known = {row.system_id: row for row in rows}
            out = {row.system_id for row in known.values() if row.chosen is False}
            followed = [row for row in listed if row.system_id not in out]
            ids = {row.system_id for row in followed}
            followed += [_system(row) for row in known.values() if row.chosen and row.system_id not in ids]
            db.execute(systems.update().values(position=None))
            for position, row in enumerate(followed):
                self._put(db, row, position)
            db.execute(_REST)
        return followed

    def follow_one(self, system: System) -> None:
        """Follow a system by command, from now on and whatever the list says, after all others."""
        with self._write(alone=True) as db:
            last = db.scalar(sa.select(sa.func.max(systems.c.position)))
            self._put(db, system, 0 if last is None else last + 1)
            self.update(db, system.system_id, chosen=True)

    def unfollow(self, system_id: str) -> bool:
        """Stop to follow a system by command, whatever the list says; False where nobody follows it.

        What was learnt of it stays.
        """
        with self._write(alone=True) as db:
            changed = db.execute(
                systems.update()
                .where(systems.c.system_id == system_id, systems.c.position.is_not(None))
                .values(position=None, chosen=False)
            )
            db.execute(_REST)
            return changed.rowcount == 1

    def rest(self) -> None:
        """Note that nobody asks feeds of systems that are not followed: their last tick said how they did."""
        with self._write() as db:
            db.execute(_REST)

    def _put(self, db: Connection, system: System, position: int) -> None:
        """Write what a system is, and its place among the followed ones."""
        values = {**{name: getattr(system, name) for name in _SYSTEM}, "position": position}
        label = db.scalar(sa.select(systems.c.label).where(systems.c.system_id == system.system_id))
        if label is None:
            db.execute(systems.insert().values({**values, **_NOT_ASKED}))
        elif label != system.label:
            self.empty(db, system.system_id)
            db.execute(playbacks.delete().where(playbacks.c.system_id == system.system_id))
            self.update(db, system.system_id, **values)
        else:
            if system.is_played:
                del values["speed"], values["poll_seconds"]
            self.update(db, system.system_id, **values)

    def known(self) -> list[System]:
        """List all systems that are or were ever followed, the followed ones first."""
        with self._read() as db:
            rows = db.execute(sa.select(*_COLUMNS).order_by(*_ORDER))
            return [_system(row) for row in rows]

    def unfollowed(self) -> frozenset[str]:
        """List the systems that a command has taken out."""
        with self._read() as db:
            query = sa.select(systems.c.system_id).where(systems.c.chosen.is_(False))
            return frozenset(db.scalars(query))

    def followed(self) -> list[System]:
        """List the followed systems in their order."""
        query = sa.select(*_COLUMNS).where(systems.c.position.is_not(None)).order_by(systems.c.position)
        with self._read() as db:
            return [_system(row) for row in db.execute(query)]

    def sizes(self) -> dict[str, int]:
        """Give the size of each followed system, by which workers share them; 0 before its first answer.

        It is the number of its stations, and changes once that has changed by a tenth: a few stations more
        or less shall move no system to another worker.
        """
        query = sa.select(systems.c.system_id, systems.c.size).where(systems.c.position.is_not(None))
        with self._read() as db:
            return {row.system_id: row.size for row in db.execute(query)}

    def states(self) -> dict[str, SystemState]:
        """Tell how the feed of every known system is doing, by its id."""
        with self._read() as db:
            rows = db.execute(sa.select(*_STATE))
            return {row.system_id: SystemState(**row._mapping) for row in rows}

    def state(self, system_id: str) -> SystemState | None:
        """Tell how one system's feed is doing; None for a system never followed."""
        with self._read() as db:
            row = db.execute(sa.select(*_STATE).where(systems.c.system_id == system_id)).one_or_none()
            return None if row is None else SystemState(**row._mapping)

    def timezones(self) -> dict[str, str]:
        """Give the time zone of every system that ever told its stations, by its id."""
        query = sa.select(systems.c.system_id, systems.c.timezone).where(systems.c.timezone.is_not(None))
        with self._read() as db:
            return {row.system_id: row.timezone for row in db.execute(query)}

    def stations(self, system_id: str) -> Stations | None:
        """Fetch the stations as last described; None before the first answer."""
        with self._read() as db:
            system = db.execute(sa.select(systems).where(systems.c.system_id == system_id)).one_or_none()
            if system is None or system.timezone is None:
                return None
            query = sa.select(stations).where(stations.c.system_id == system_id).order_by(stations.c.position)
            rows = db.execute(query).all()
        return Stations(
            system_id=system_id,
            timezone=system.timezone,
            country=system.country,
            station_id=np.array([row.station_id for row in rows], dtype=np.str_),
            name=np.array([row.name for row in rows], dtype=np.str_),
            lat=np.array([row.lat for row in rows], dtype=np.float64),
            lon=np.array([row.lon for row in rows], dtype=np.float64),
            capacity=np.array([row.capacity for row in rows], dtype=np.int64),
        )

    def documents(self, system_id: str) -> dict[str, str]:
        """Fetch what a system's feed has last read of its slow documents, by their names."""
        query = sa.select(feed_documents.c.name, feed_documents.c.content)
        with self._read() as db:
            rows = db.execute(query.where(feed_documents.c.system_id == system_id)).all()
        return {row.name: row.content for row in rows}

    def round_trips(self) -> frozenset[str]:
        """List the systems all of whose bikes must come back to the station where they were taken."""
        query = sa.select(feed_documents.c.system_id, feed_documents.c.content)
        with self._read() as db:
            rows = db.execute(query.where(feed_documents.c.name == "vehicle_types")).all()
        return frozenset(row.system_id for row in rows if VehicleTypes.from_json(row.content).is_round_trip)

    # ---------------------------------------------------------------- within a transaction

    @staticmethod
    def update(db: Connection, system_id: str, /, **values: Any) -> None:
        """Set columns of a system's row."""
        db.execute(_UPDATE, {"of_system": system_id, **values})

    def empty(self, db: Connection, system_id: str) -> None:
        """Drop all that was learnt of a system.

        The version of its newest frame stays, since browsers keep frames under it for ever.
        """
        for table in EMPTIED_BY_BEGIN:
            db.execute(table.delete().where(table.c.system_id == system_id))
        self.update(
            db, system_id, at=None, received_at=None, next_poll_at=None, learning_since=None, **_NOT_ASKED
        )

    def replace_stations(self, db: Connection, system_id: str, new: Stations) -> None:
        """Describe a system's stations anew."""
        db.execute(stations.delete().where(stations.c.system_id == system_id))
        self.update(db, system_id, timezone=new.timezone)
        differs = 10 * sa.func.abs(systems.c.size - len(new)) >= systems.c.size
        db.execute(systems.update().where(systems.c.system_id == system_id, differs).values(size=len(new)))
        if len(new):
            db.execute(
                stations.insert(),
                [
                    {"system_id": system_id, "station_id": station, "position": position, "name": name,
                     "lat": lat, "lon": lon, "capacity": capacity}
                    for position, (station, name, lat, lon, capacity) in enumerate(zip(
                        new.station_id.tolist(), new.name.tolist(), new.lat.tolist(), new.lon.tolist(),
                        new.capacity.tolist(), strict=True))
                ],
            )  # fmt: skip

    @staticmethod
    def replace_documents(db: Connection, system_id: str, new: Mapping[str, str]) -> None:
        """Write what a system's feed has read of its slow documents."""
        db.execute(feed_documents.delete().where(feed_documents.c.system_id == system_id))
        if new:
            db.execute(
                feed_documents.insert(),
                [{"system_id": system_id, "name": name, "content": text} for name, text in new.items()],
            )
