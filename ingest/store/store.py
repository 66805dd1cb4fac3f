"""Everything that is kept, on SQLAlchemy: SQLite in WAL mode by default, any other database by URL.

The observations are the log: a row each time a station's numbers changed, beside the polls that learnt
something. A forecaster's checkpoint is only a short cut through that log. All of a tick lands in one
transaction, together with the renewal of the lease that entitles the worker to write it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ingest.reason import Reason
from ingest.store import daily_scores as daily
from ingest.store import feed_health, playback
from ingest.store import scores as over_time
from ingest.store.daily_scores import CALIBRATION_KEYS, STATION_KEYS, Daily
from ingest.store.database import Database
from ingest.store.errors import (
    LeaseLostError,
    StoreError,
    StoreFailedError,
    StoreNotReadyError,
    StoreUnreachableError,
)
from ingest.store.feed_health import ANSWERED, Answer, Failure, Health, Oddity
from ingest.store.holder import is_dead
from ingest.store.issued_forecasts import KEPT_FOR, IssuedForecast, beside_truth
from ingest.store.playback import SPEEDS, Begin, Playback
from ingest.store.scores import DAY, FIVE_MINUTES, HOUR, SUMS, WEEK, measured, span_start
from ingest.store.tables import (
    checkpoints,
    daily_scores,
    drifts,
    frames,
    issued_forecasts,
    leases,
    observations,
    outages,
    polls,
    stations,
    status,
    systems,
    weathers,
)
from ingest.system import System
from model.demand.rates import MAX_GAP
from model.records import WEATHER, Drift, Snapshot, Stations, Weather

FRAMES_KEPT = timedelta(minutes=10)
"""How long a browser may still ask for an older frame."""

MOST_FRAMES = 60
"""How many at most: a recording at 60× makes a frame a second."""

LEARNT = "learnt"


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


@dataclass(frozen=True)
class Checkpoint:
    """A forecaster's state as of the poll at `at`, and the stations it knew."""

    at: datetime
    blob: bytes


@dataclass(frozen=True)
class Outage:
    """A feed brought nothing from `start` to `end`, in event time: what was due in between was not scored."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class PollRow:
    """What one poll came to. `outcome` is learnt, unchanged, late, or the kind of a failure.

    `reason` is why the poll failed or the feed is silent.

    `seconds` is how long the answer took, `learn_seconds` and `forecast_seconds` what was made of it: None
    where nothing was learnt. `ttl_seconds` and `waiting`, the forecasts that wait for their truth, are None
    where no answer came.
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


@dataclass(frozen=True)
class TickResult:
    """All that one learnt poll leaves behind, for one transaction.

    `changes` are the rows of the snapshot that differ from the one before. `checkpoint` is None between
    checkpoints, `stations` None where they did not change. `scores` are sums to add. `state` is "silent"
    where even the first counts of a feed are old. `issued` is the part of the frame that is kept until its
    truth arrives, None where this tick's is not. `before` is when the snapshot learnt before this one was,
    None where that is the last committed. `weather` is what was told of it before the snapshot.
    """

    poll: PollRow
    changes: Snapshot
    frame: bytes
    learning_since: datetime
    scores: Sequence[Mapping[str, Any]]
    stations: Stations | None
    checkpoint: bytes | None
    state: str = "live"
    issued: bytes | None = None
    before: datetime | None = None
    weather: Weather | None = None
    daily: Sequence[Daily] = ()
    drifts: Sequence[Drift] = ()


class Store:
    """The one door to the database. Thread-safe; cheap to ask, since every query is narrow.

    Without `migrate` the tables are taken as they are: enough for one who may only read. Raises `StoreError`
    when the database cannot be opened, `StoreNotReadyError` when a worker has to make its tables first.
    """

    def __init__(self, url: str, migrate: bool = True) -> None:
        self._database = Database(url, migrate)
        self._read, self._write = self._database.read, self._database.write

    def close(self) -> None:
        """Let go of all connections."""
        self._database.close()

    # ---------------------------------------------------------------- what the worker writes

    def follow(self, rows: Sequence[System]) -> None:
        """Set the systems to follow, in this order. Others keep their data but are not listed any more.

        How fast a played one runs that is known already, the worker says that plays it.
        """
        with self._write(alone=True) as db:
            known = set(db.scalars(sa.select(systems.c.system_id)))
            db.execute(systems.update().values(position=None))
            for position, row in enumerate(rows):
                values = {**row.__dict__, "position": position}
                if row.system_id in known:
                    if row.is_played:
                        del values["speed"], values["poll_seconds"]
                    db.execute(systems.update().where(systems.c.system_id == row.system_id).values(values))
                else:
                    db.execute(
                        systems.insert().values({**values, "state": "waiting", "reason": None, "failures": 0})
                    )

    def commit_tick(
        self,
        system_id: str,
        holder: str,
        now: datetime,
        lease: timedelta,
        next_poll_at: datetime,
        tick: TickResult,
    ) -> int:
        """Write all of a learnt poll, or nothing; give back the new frame's version.

        Raises `LeaseLostError` when `holder` no longer has the system's lease.
        """
        at = tick.poll.at
        if at is None:
            raise ValueError("a learnt poll has a time: give TickResult.poll.at")
        with self._write() as db:
            self._renew(db, system_id, holder, now, lease)
            row = db.execute(
                sa.select(systems.c.frame_version, systems.c.at).where(systems.c.system_id == system_id)
            ).one()
            version = (row.frame_version or 0) + 1
            self._insert_poll(db, system_id, tick.poll)
            self._insert_changes(db, system_id, at, tick.changes)
            if tick.stations is not None:
                self._replace_stations(db, system_id, tick.stations)
            old = sa.or_(frames.c.made_at < now - FRAMES_KEPT, frames.c.version <= version - MOST_FRAMES)
            db.execute(frames.delete().where(frames.c.system_id == system_id, old))
            db.execute(
                frames.insert().values(
                    system_id=system_id, version=version, made_at=now, at=at, blob=tick.frame
                )
            )
            if tick.issued is not None:
                old = issued_forecasts.c.at < at - KEPT_FOR
                db.execute(issued_forecasts.delete().where(issued_forecasts.c.system_id == system_id, old))
                db.execute(issued_forecasts.insert().values(system_id=system_id, at=at, blob=tick.issued))
            before = tick.before or row.at
            if before is not None and at - before > MAX_GAP:
                db.execute(outages.insert().values(system_id=system_id, start=before, end=at))
            over_time.add(db, system_id, tick.scores)
            if tick.weather is not None:
                blob = np.column_stack([tick.weather.hours, tick.weather.values]).tobytes()
                db.execute(weathers.insert().values(system_id=system_id, at=at, blob=blob))
            for day in tick.daily:
                self._add_daily(db, system_id, day)
            for drift in tick.drifts:
                db.execute(drifts.insert().values(system_id=system_id, **drift.__dict__))
            if tick.checkpoint is not None:
                # The one before stays, for when this one cannot be read.
                newest = _newest_checkpoint(db, system_id)
                db.execute(
                    checkpoints.delete().where(
                        checkpoints.c.system_id == system_id, checkpoints.c.at != newest
                    )
                )
                db.execute(checkpoints.insert().values(system_id=system_id, at=at, blob=tick.checkpoint))
            db.execute(
                systems.update()
                .where(systems.c.system_id == system_id)
                .values(
                    state=tick.state,
                    reason=None,
                    failures=0,
                    at=at,
                    received_at=tick.poll.received_at,
                    last_try_at=tick.poll.received_at,
                    next_poll_at=next_poll_at,
                    frame_version=version,
                    learning_since=tick.learning_since,
                )
            )
        return version

    def commit_poll(
        self,
        system_id: str,
        holder: str,
        now: datetime,
        lease: timedelta,
        next_poll_at: datetime,
        poll: PollRow,
        state: str | None,
        failures: int,
    ) -> None:
        """Write down a poll that taught nothing: it failed, was late, or brought nothing new.

        `state` is None where the feed's state stays as it was. Raises `LeaseLostError`.
        """
        values: dict[str, Any] = {
            "last_try_at": poll.received_at,
            "next_poll_at": next_poll_at,
            "failures": failures,
        }
        if state is not None:
            values |= {"state": state, "reason": poll.reason}
        with self._write() as db:
            self._renew(db, system_id, holder, now, lease)
            self._insert_poll(db, system_id, poll)
            db.execute(systems.update().where(systems.c.system_id == system_id).values(values))

    def forget(self, system_id: str, holder: str, before: datetime, received_before: datetime) -> None:
        """Drop observations, learnt polls and station scores of before an event time; other polls by receipt.

        Scores over time are kept as long as `ingest.scores` says.

        Nothing that recovery needs is dropped: no learnt poll after the older checkpoint, and of each
        station the last change before the cut, which is still its value there. Raises `LeaseLostError`.
        """
        with self._write() as db:
            self._hold(db, system_id, holder)
            mine = polls.c.system_id == system_id
            day = (before - timedelta(days=1)).date().isoformat()
            db.execute(
                daily_scores.delete().where(daily_scores.c.system_id == system_id, daily_scores.c.day < day)
            )
            newest = db.scalar(sa.select(systems.c.at).where(systems.c.system_id == system_id))
            if newest is not None:
                over_time.forget(db, system_id, newest)
            # Polls that taught nothing may have no event time at all.
            db.execute(
                polls.delete().where(mine, polls.c.outcome != LEARNT, polls.c.received_at < received_before)
            )
            db.execute(weathers.delete().where(weathers.c.system_id == system_id, weathers.c.at < before))
            oldest = sa.select(sa.func.min(checkpoints.c.at)).where(checkpoints.c.system_id == system_id)
            checkpoint = db.scalar(oldest)
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
            db.execute(polls.delete().where(mine, polls.c.outcome == LEARNT, polls.c.at < before))

    @staticmethod
    def _insert_poll(db: Connection, system_id: str, poll: PollRow) -> None:
        db.execute(polls.insert().values(system_id=system_id, **poll.__dict__))

    @staticmethod
    def _insert_changes(db: Connection, system_id: str, at: datetime, changes: Snapshot) -> None:
        if not len(changes):
            return
        rows = [
            {"system_id": system_id, "at": at, "station_id": station, "bikes": bikes, "docks": docks,
             "ebikes": ebikes, "renting": renting, "returning": returning}
            for station, bikes, docks, ebikes, renting, returning in zip(
                changes.station_id.tolist(), changes.bikes.tolist(), changes.docks.tolist(),
                _or(changes.ebikes, len(changes), -1), _or(changes.renting, len(changes), True),
                _or(changes.returning, len(changes), True), strict=True)
        ]  # fmt: skip
        db.execute(observations.insert(), rows)
        # Delete and insert is the upsert that every database understands.
        db.execute(
            status.delete().where(
                status.c.system_id == system_id, status.c.station_id == sa.bindparam("station")
            ),
            [{"station": row["station_id"]} for row in rows],
        )
        db.execute(status.insert(), rows)

    @staticmethod
    def _replace_stations(db: Connection, system_id: str, new: Stations) -> None:
        db.execute(stations.delete().where(stations.c.system_id == system_id))
        db.execute(systems.update().where(systems.c.system_id == system_id).values(timezone=new.timezone))
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
    def _add_daily(db: Connection, system_id: str, new: Daily) -> None:
        key = [
            daily_scores.c.system_id == system_id,
            daily_scores.c.day == new.day,
            daily_scores.c.minutes == new.minutes,
        ]
        old = db.execute(sa.select(daily_scores).where(*key)).one_or_none()
        values: dict[str, Any] = {
            "stations": daily.add(None if old is None else old.stations, new.stations, STATION_KEYS),
            "calibration": daily.add(
                None if old is None else old.calibration, new.calibration, CALIBRATION_KEYS
            ),
        }
        if old is None:
            values |= {"system_id": system_id, "day": new.day, "minutes": new.minutes}
            db.execute(daily_scores.insert().values(values))
        else:
            db.execute(daily_scores.update().where(*key).values(values))

    # ---------------------------------------------------------------- what is played

    def playback(self, system_id: str) -> Playback | None:
        """Tell what is wanted of a played system; None where nobody has said anything yet."""
        with self._read() as db:
            return playback.read(db, system_id)

    def play(self, system_id: str, wanted: Playback) -> None:
        """Say what is wanted of a played system: the one thing that an app's process writes."""
        with self._write(alone=True) as db:
            playback.write(db, system_id, wanted)

    def begin(self, system_id: str, holder: str, now: datetime, lease: timedelta, wanted: Playback) -> None:
        """Drop all that is known of a system, so that it begins anew as it is wanted.

        Raises `LeaseLostError` when `holder` no longer has the system's lease.
        """
        with self._write() as db:
            self._renew(db, system_id, holder, now, lease)
            playback.begin(db, system_id, wanted)

    def set_pace(self, system_id: str, holder: str, speed: float, poll_seconds: float) -> bool:
        """Set how fast a played system runs, 0 where it stands still, and how often it is looked at.

        Gives False, and does nothing, where `holder` has not the system's lease.
        """
        try:
            with self._write() as db:
                self._hold(db, system_id, holder)
                mine = systems.update().where(systems.c.system_id == system_id)
                db.execute(mine.values(speed=speed, poll_seconds=poll_seconds))
        except LeaseLostError:
            return False
        return True

    # ---------------------------------------------------------------- leases

    def take_lease(self, system_id: str, holder: str, now: datetime, lease: timedelta) -> bool:
        """Take a system's lease, or renew it: True when `holder` has it now.

        A lease that ran out, or whose holder is known to be dead, is anyone's; so is one that would run for
        much longer than any, from before a clock was set back. One who keeps state from an earlier lease must
        `renew_lease` instead: in between somebody else may have learnt.
        """
        with self._write() as db:
            now += self._database.ahead(db)
            row = db.execute(sa.select(leases).where(leases.c.system_id == system_id)).one_or_none()
            if row is None:
                first = leases.insert().values(system_id=system_id, holder=holder, until=now + lease)
                try:
                    with db.begin_nested():
                        db.execute(first)
                except sa.exc.IntegrityError:  # another worker inserted one after we looked
                    return False
                return True
            runs = now < row.until <= now + 2 * lease
            if row.holder != holder and runs and not is_dead(row.holder):
                return False
            changed = db.execute(
                leases.update()
                .where(
                    leases.c.system_id == system_id,
                    leases.c.holder == row.holder,
                    leases.c.until == row.until,
                )
                .values(holder=holder, until=now + lease)
            )
            return changed.rowcount == 1

    def renew_lease(self, system_id: str, holder: str, now: datetime, lease: timedelta) -> None:
        """Renew the lease of one system.

        Raises `LeaseLostError` when `holder` no longer has it.
        """
        with self._write() as db:
            self._renew(db, system_id, holder, now, lease)

    def renew_leases(self, holder: str, now: datetime, lease: timedelta) -> None:
        """Renew whatever leases a holder still has, between ticks that may be far apart."""
        with self._write() as db:
            until = now + lease + self._database.ahead(db)
            db.execute(leases.update().where(leases.c.holder == holder).values(until=until))

    def drop_leases(self, holder: str) -> None:
        """Give up all leases of a holder, so that the next one need not wait."""
        with self._write() as db:
            db.execute(leases.delete().where(leases.c.holder == holder))

    def lease_holder(self, now: datetime) -> str | None:
        """Name a worker at work: its lease has not run out, and it is not known to be dead."""
        with self._read() as db:
            now += self._database.ahead(db)
            query = sa.select(leases.c.holder).where(leases.c.until > now).distinct()
            return next((holder for holder in db.scalars(query) if not is_dead(holder)), None)

    def _renew(self, db: Connection, system_id: str, holder: str, now: datetime, lease: timedelta) -> None:
        """Renew a lease, first of all: its row stays locked up to the commit, and nobody takes it before."""
        renewed = db.execute(
            leases.update()
            .where(leases.c.system_id == system_id, leases.c.holder == holder)
            .values(until=now + lease + self._database.ahead(db))
        )
        if renewed.rowcount == 0:
            raise LeaseLostError(f"{system_id}: another worker has taken over")

    @staticmethod
    def _hold(db: Connection, system_id: str, holder: str) -> None:
        """Hold on to a lease to the end of the transaction, without renewing it."""
        mine = sa.select(leases.c.holder).where(leases.c.system_id == system_id, leases.c.holder == holder)
        if db.execute(mine.with_for_update()).first() is None:
            raise LeaseLostError(f"{system_id}: another worker has taken over")

    # ---------------------------------------------------------------- what everybody reads

    def systems(self) -> list[System]:
        """List the followed systems in their order."""
        names = System.__dataclass_fields__
        with self._read() as db:
            query = sa.select(systems).where(systems.c.position.is_not(None)).order_by(systems.c.position)
            return [System(**{name: getattr(row, name) for name in names}) for row in db.execute(query)]

    def states(self) -> dict[str, SystemState]:
        """Tell how every known system's feed is doing."""
        names = SystemState.__dataclass_fields__
        with self._read() as db:
            rows = db.execute(sa.select(*(systems.c[name] for name in names)))
            return {row.system_id: SystemState(**row._mapping) for row in rows}

    def state(self, system_id: str) -> SystemState | None:
        """Tell how one system's feed is doing; None for a system never followed."""
        names = SystemState.__dataclass_fields__
        with self._read() as db:
            query = sa.select(*(systems.c[name] for name in names)).where(systems.c.system_id == system_id)
            row = db.execute(query).one_or_none()
            return None if row is None else SystemState(**row._mapping)

    def frame(self, system_id: str, version: int | None = None) -> tuple[int, bytes] | None:
        """Fetch a frame's version and bytes: the newest, or one of the last ten minutes; None if gone."""
        query = sa.select(frames.c.version, frames.c.blob).where(frames.c.system_id == system_id)
        query = (
            query.order_by(frames.c.version.desc()).limit(1)
            if version is None
            else query.where(frames.c.version == version)
        )
        with self._read() as db:
            row = db.execute(query).one_or_none()
            return None if row is None else (row.version, row.blob)

    def issued_at(self, system_id: str) -> list[datetime]:
        """List the issue times of the forecasts that are kept, oldest first."""
        query = sa.select(issued_forecasts.c.at).where(issued_forecasts.c.system_id == system_id)
        query = query.order_by(issued_forecasts.c.at)
        with self._read() as db:
            return list(db.scalars(query))

    def issued_forecast(self, system_id: str, at: datetime) -> bytes | None:
        """Fetch the forecast issued at a time; None where it is not kept."""
        table = issued_forecasts.c
        query = sa.select(table.blob).where(table.system_id == system_id, table.at == at)
        with self._read() as db:
            return db.scalar(query)

    def beside_truth(self, system_id: str, forecasts: Iterable[IssuedForecast]) -> pd.DataFrame:
        """Lay forecasts out beside what came: see `issued_forecasts.beside_truth`."""
        return beside_truth(self, system_id, forecasts)

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

    def polls(
        self, system_id: str, start: datetime | None = None, end: datetime | None = None
    ) -> list[datetime]:
        """List the event times of the learnt polls in `(start, end]`, oldest first."""
        query = sa.select(polls.c.at).where(polls.c.system_id == system_id, polls.c.outcome == LEARNT)
        query = _between(query, polls.c.at, start, end).order_by(polls.c.at)
        with self._read() as db:
            return list(db.scalars(query))

    def poll_log(self, system_id: str, start: datetime, end: datetime) -> pd.DataFrame:
        """Fetch every poll received in `(start, end]` with its outcome, whatever it came to."""
        names = list(PollRow.__dataclass_fields__)
        query = sa.select(*(polls.c[name] for name in names)).where(polls.c.system_id == system_id)
        query = _between(query, polls.c.received_at, start, end).order_by(polls.c.received_at)
        with self._read() as db:
            return pd.DataFrame([tuple(row) for row in db.execute(query)], columns=names)

    def health(self, ids: Sequence[str], since: datetime) -> Health:
        """Tell how feeds have been doing since a time of the wall clock."""
        with self._read() as db:
            return feed_health.read(db, ids, since)

    def oddities(self, system_id: str, since: datetime) -> list[Oddity]:
        """List what was odd in a feed's answers since a time, by kind, the newest first."""
        with self._read() as db:
            return feed_health.oddities(db, system_id, since)

    def last_failure(self, system_id: str, since: datetime) -> Failure | None:
        """Fetch a feed's last poll that failed since a time; None where none did."""
        with self._read() as db:
            return feed_health.last_failure(db, system_id, since)

    def observations(
        self, system_id: str, start: datetime | None = None, end: datetime | None = None
    ) -> pd.DataFrame:
        """Fetch the changes in `(start, end]`, oldest first; `at` is in Unix seconds."""
        names = ("at", "station_id", "bikes", "docks", "ebikes", "renting", "returning")
        query = sa.select(*(observations.c[name] for name in names)).where(
            observations.c.system_id == system_id
        )
        query = _between(query, observations.c.at, start, end).order_by(
            observations.c.at, observations.c.station_id.collate(self._database.binary)
        )
        with self._read() as db:
            frame = pd.DataFrame([tuple(row) for row in db.execute(query)], columns=list(names))
        frame["at"] = [int(at.timestamp()) for at in frame["at"]]
        return frame.astype({"at": np.int64})

    def weathers(self, system_id: str, end: datetime | None = None) -> list[tuple[datetime, Weather]]:
        """Fetch what was told of the weather, up to `end`, each with the time of the next snapshot."""
        query = sa.select(weathers.c.at, weathers.c.blob).where(weathers.c.system_id == system_id)
        query = _between(query, weathers.c.at, None, end).order_by(weathers.c.at)
        with self._read() as db:
            rows = db.execute(query).all()
        tables = [np.frombuffer(row.blob).reshape(-1, 1 + len(WEATHER)) for row in rows]
        return [
            (row.at, Weather(table[:, 0].astype(np.int64), table[:, 1:]))
            for row, table in zip(rows, tables, strict=True)
        ]

    def history(
        self, system_id: str, station_id: str, start: datetime, end: datetime
    ) -> list[tuple[datetime, int, int]]:
        """Fetch one station's changes up to `end` as `(at, bikes, docks)`, oldest first.

        The first is the last one at or before `start`, where there is one: what stood there at the start.
        """
        at = observations.c.at
        where = (observations.c.system_id == system_id, observations.c.station_id == station_id)
        before = sa.select(sa.func.max(at)).where(*where, at <= start).scalar_subquery()
        query = sa.select(at, observations.c.bikes, observations.c.docks)
        query = query.where(*where, at <= end, sa.or_(at > start, at == before)).order_by(at)
        with self._read() as db:
            return [(row.at, row.bikes, row.docks) for row in db.execute(query)]

    def status(self, system_id: str) -> Snapshot | None:
        """Fetch the newest numbers of every station ever seen; None before the first answer."""
        with self._read() as db:
            at = db.scalar(sa.select(systems.c.at).where(systems.c.system_id == system_id))
            query = sa.select(status).where(status.c.system_id == system_id)
            by_id = status.c.station_id.collate(self._database.binary)
            rows = db.execute(query.order_by(by_id)).all()
        if at is None:
            return None
        return snapshot_of(at, rows)

    def checkpoint_at(self, system_id: str) -> datetime | None:
        """Tell when the last checkpoint was made, in event time, without fetching it."""
        with self._read() as db:
            return _newest_checkpoint(db, system_id)

    def checkpoint(self, system_id: str, before: datetime | None = None) -> Checkpoint | None:
        """Fetch the newest checkpoint of a system's forecaster, or the newest from before a time."""
        at = checkpoints.c.at
        query = sa.select(at, checkpoints.c.blob).where(checkpoints.c.system_id == system_id)
        if before is not None:
            query = query.where(at < before)
        with self._read() as db:
            row = db.execute(query.order_by(at.desc()).limit(1)).one_or_none()
            return None if row is None else Checkpoint(row.at, row.blob)

    def scores(
        self,
        system_id: str | None = None,
        span: int = HOUR,
        *,
        minutes: Sequence[int] | None = None,
        models: Sequence[str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> pd.DataFrame:
        """Fetch the sums of scores by span of the target time, model and horizon, oldest first.

        `span` is `FIVE_MINUTES`, `HOUR` or `DAY`, and `at` its beginning, from `since` to before `until`.
        Where no system is named, the sums are those of all live ones together, or of all followed if none is.
        """
        with self._read() as db:
            return over_time.read(db, system_id, span, minutes, models, since, until)

    def score_totals(
        self,
        system_id: str | None = None,
        span: int = DAY,
        *,
        minutes: Sequence[int] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> pd.DataFrame:
        """Fetch the sums of scores by model and horizon over the spans from `since` to before `until`."""
        with self._read() as db:
            return over_time.read(db, system_id, span, minutes, None, since, until, by_time=False)

    def outages(self, system_id: str, since: datetime | None = None) -> list[Outage]:
        """List when a feed was down: learnt snapshots too far apart to learn from, oldest first."""
        query = sa.select(outages.c.start, outages.c.end).where(outages.c.system_id == system_id)
        query = _between(query, outages.c.end, since, None).order_by(outages.c.start)
        with self._read() as db:
            return [Outage(row.start, row.end) for row in db.execute(query)]

    def station_scores(
        self, system_id: str, since: date | None = None, minutes: int | None = None
    ) -> pd.DataFrame:
        """Fetch the sums of scores by local day, horizon, model and station: see `ingest.daily`."""
        return self._daily(system_id, since, minutes, "stations")

    def calibration(
        self, system_id: str, since: date | None = None, minutes: int | None = None
    ) -> pd.DataFrame:
        """Fetch the calibration counts by local day, horizon and model: see `ingest.daily`."""
        return self._daily(system_id, since, minutes, "calibration")

    def _daily(self, system_id: str, since: date | None, minutes: int | None, column: str) -> pd.DataFrame:
        table = daily_scores.c
        query = sa.select(table.day, table.minutes, table[column]).where(table.system_id == system_id)
        if since is not None:
            query = query.where(table.day >= since.isoformat())
        if minutes is not None:
            query = query.where(table.minutes == minutes)
        with self._read() as db:
            rows = db.execute(query.order_by(table.day, table.minutes)).all()
        tables = [daily.read(row[2]).assign(day=row.day, minutes=row.minutes) for row in rows]
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()

    def drifts(self, system_id: str, since: datetime | None = None) -> list[Drift]:
        """List the drifts noticed after a time, oldest first."""
        query = sa.select(drifts.c.at, drifts.c.minutes, drifts.c.before, drifts.c.after)
        query = _between(query.where(drifts.c.system_id == system_id), drifts.c.at, since, None)
        with self._read() as db:
            return [
                Drift(**row._mapping) for row in db.execute(query.order_by(drifts.c.at, drifts.c.minutes))
            ]


def _newest_checkpoint(db: Connection, system_id: str) -> datetime | None:
    query = sa.select(checkpoints.c.at).where(checkpoints.c.system_id == system_id)
    return db.scalar(query.order_by(checkpoints.c.at.desc()).limit(1))


def snapshot_of(at: datetime, rows: Sequence[Any]) -> Snapshot:
    """Make a snapshot of rows that have a station's id, counts and flags."""
    return Snapshot(
        at=at,
        station_id=np.array([row.station_id for row in rows], dtype=np.str_),
        bikes=np.array([row.bikes for row in rows], dtype=np.int64),
        docks=np.array([row.docks for row in rows], dtype=np.int64),
        ebikes=np.array([row.ebikes for row in rows], dtype=np.int64),
        renting=np.array([row.renting for row in rows], dtype=np.bool_),
        returning=np.array([row.returning for row in rows], dtype=np.bool_),
    )


def findings_json(findings: Sequence[Any]) -> str:
    """Write findings as the JSON that `polls.findings` holds."""
    return json.dumps([finding.__dict__ for finding in findings], ensure_ascii=False)


def _or(values: Any, size: int, default: Any) -> list[Any]:
    return [default] * size if values is None else values.tolist()


def _between(query: Any, column: Any, start: datetime | None, end: datetime | None) -> Any:
    if start is not None:
        query = query.where(column > start)
    if end is not None:
        query = query.where(column <= end)
    return query


__all__ = [
    "ANSWERED",
    "DAY",
    "FIVE_MINUTES",
    "HOUR",
    "LEARNT",
    "SPEEDS",
    "SUMS",
    "WEEK",
    "Answer",
    "Begin",
    "Checkpoint",
    "Failure",
    "Health",
    "IssuedForecast",
    "LeaseLostError",
    "Oddity",
    "Outage",
    "Playback",
    "PollRow",
    "Store",
    "StoreError",
    "StoreFailedError",
    "StoreNotReadyError",
    "StoreUnreachableError",
    "SystemState",
    "TickResult",
    "findings_json",
    "measured",
    "snapshot_of",
    "span_start",
]
