"""One night of twelve made-up systems into PostgreSQL, by the code that WAL_CODE names: see README.md.

Started by `run.py`, which gives the URL of an empty database and the minutes to count; prints what each table
cost as JSON.
"""

from __future__ import annotations

import json
import os
import random
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import sqlalchemy as sa

sys.path.insert(0, os.environ["WAL_CODE"])

from ingest.gbfs.feed import Poll
from ingest.settings import Settings
from ingest.store import LeaseClaim, Store
from ingest.system import System
from ingest.worker.schedule import place
from ingest.worker.tick import LEASE, Ticker
from model import Snapshot, Stations, Weather

SYSTEMS, STATIONS, PLACES = 12, 160, 20
MIDNIGHT = datetime(2026, 3, 3, 0, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
CHANGE = 0.01
"""The chance that a count changes in a minute, as in 35 French systems from half past one to half past
four on a Tuesday morning in March."""
CHECKPOINT_MINUTES, VACUUM_MINUTES = 5, 10
"""How often PostgreSQL writes a checkpoint by default, and how often autovacuum would come by."""


@dataclass
class Town:
    """A system whose few riders of the night move a bike now and then; also its clock and its feed."""

    stations: Stations
    bikes: np.ndarray
    riders: np.random.Generator
    now: datetime = MIDNIGHT

    def clock(self) -> datetime:
        """Give the time of the simulation."""
        return self.now

    def resume(self, *known: Any) -> None:
        """Go on: there is nothing to remember."""

    def poll(self) -> Poll:
        """Answer with the counts of now."""
        moved = self.riders.random(len(self.bikes)) < CHANGE
        steps = self.riders.choice((-1, 1), len(self.bikes)) * moved
        self.bikes = np.clip(self.bikes + steps, 0, PLACES)
        seen = Snapshot(self.now, self.stations.station_id, self.bikes, PLACES - self.bikes)
        return Poll("fresh", self.now, 0.1, self.stations, seen, self.now, 60.0, 0.0, ())

    def weather(self) -> Sky:
        """Give the town's weather service."""
        return Sky(self)


@dataclass
class Sky:
    """A weather service that has a new report each hour, at the town's place in it."""

    town: Town
    hour: int = -1

    def poll(self, stations: Stations) -> Weather | None:
        """Give a new report, or None."""
        seconds = int(self.town.now.timestamp() + 3600 * place(stations.system_id))
        if seconds // 3600 == self.hour:
            return None
        self.hour = seconds // 3600
        values = np.tile([12.0, 80.0, 1010.0, 4.0, 60.0, 0.0], (26, 1))
        return Weather(seconds // 3600 * 3600 + 3600 * np.arange(26), values)


def town(number: int) -> Town:
    """Make up a system of stations some streets apart."""
    riders = np.random.default_rng(number)
    ids = np.array([f"{number:02}-{n:04}" for n in range(STATIONS)])
    lat, lon = 48.0 + number / 10 + riders.random(STATIONS) / 20, 2.3 + riders.random(STATIONS) / 20
    capacity = np.full(STATIONS, PLACES)
    made = Stations(f"town{number:02}", "Europe/Paris", "FR", ids, ids, lat, lon, capacity)
    return Town(made, riders.integers(0, PLACES + 1, STATIONS), riders)


class Log:
    """The server's write-ahead log, counted by table."""

    def __init__(self, url: str, compression: str) -> None:
        self._engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        self._db = self._engine.connect()
        self._do("CREATE EXTENSION IF NOT EXISTS pg_walinspect")
        self._do("ALTER SYSTEM SET autovacuum = off")
        self._do("ALTER SYSTEM SET checkpoint_timeout = '1h'")
        self._do(f"ALTER SYSTEM SET wal_compression = {compression}")
        self._do("SELECT pg_reload_conf()")
        self.bytes: Counter[str] = Counter()
        self.images: Counter[str] = Counter()
        self._names: dict[int, str] = {}
        self._since = self.place()

    def _do(self, statement: str, **values: Any) -> list[Any]:
        made = self._db.execute(sa.text(statement), values)
        return list(made) if made.returns_rows else []

    def place(self) -> str:
        """Tell how far the log is written."""
        return str(self._do("SELECT pg_current_wal_insert_lsn()")[0][0])

    def vacuum(self) -> None:
        """Do as autovacuum does."""
        self._do("VACUUM")

    def checkpoint(self) -> None:
        """Count what was written until now, then write a checkpoint: pages are logged whole after it."""
        self._count(self.place())
        self._do("CHECKPOINT")
        self._since = self.place()

    def skip(self) -> None:
        """Count from here on."""
        self._do("CHECKPOINT")
        self._since = self.place()
        self.bytes.clear()
        self.images.clear()

    def _count(self, until: str) -> None:
        self._learn_names()
        records = self._do(
            "SELECT r.record_length, r.fpi_length, b.relfilenode FROM pg_get_wal_records_info(:a, :b) r "
            "LEFT JOIN (SELECT DISTINCT ON (start_lsn) start_lsn, relfilenode "
            "FROM pg_get_wal_block_info(:a, :b, false)) b ON b.start_lsn = r.start_lsn",
            a=self._since, b=until,
        )  # fmt: skip
        for length, images, node in records:
            name = "transactions" if node is None else self._names.get(node, "PostgreSQL's own")
            self.bytes[name] += length
            self.images[name] += images

    def _learn_names(self) -> None:
        """Name the table of each file: its own, its indexes' and its TOAST table's."""
        rows = self._do(
            "SELECT pg_relation_filenode(c.oid), coalesce(o.relname, t.relname, c.relname) FROM pg_class c "
            "LEFT JOIN pg_index i ON i.indexrelid = c.oid "
            "LEFT JOIN pg_class o ON o.reltoastrelid = coalesce(i.indrelid, c.oid) "
            "LEFT JOIN pg_class t ON t.oid = i.indrelid "
            "WHERE c.relnamespace IN ('public'::regnamespace, 'pg_toast'::regnamespace)"
        )
        self._names |= {node: name for node, name in rows if node is not None and not name.startswith("pg_")}

    def close(self) -> None:
        """Close the connection."""
        self._db.close()
        self._engine.dispose()


def main() -> None:
    """Live through a day coarsely, so that all horizons are judged, then through the minutes that count."""
    url, minutes = sys.argv[1], int(sys.argv[2])
    store = Store(url)
    seconds = Settings.model_fields["checkpoint_seconds"].default
    towns = [town(number) for number in range(SYSTEMS)]
    followed = [
        System(t.stations.system_id, t.stations.system_id, t.stations.system_id, "FR", "http://127.0.0.1:1/")
        for t in towns
    ]
    store.systems.follow(followed)
    for each in followed:
        store.leases.take(LeaseClaim(each.system_id, "night", MIDNIGHT, 100 * DAY))
    tickers = [
        Ticker(system, store, "night", lambda t=each: t, each.clock, place=place(system.system_id),
               jitter=random.Random(1), checkpoint_seconds=seconds, weather=each.weather(),
               has_lease=lambda system_id: True)
        for each, system in zip(towns, followed, strict=True)
    ]  # fmt: skip
    log = Log(url, sys.argv[3])

    def tick(at: datetime) -> None:
        for each, ticker in zip(towns, tickers, strict=True):
            each.now = at + timedelta(seconds=int(place(ticker.system.system_id) * 60))
            ticker.tick()
            assert ticker.working_copy is not None

    def renew() -> None:
        for _ in range(int(MINUTE / (LEASE / 4))):  # as the worker does
            store.leases.renew_all("night", towns[0].now, LEASE)

    start = MIDNIGHT + timedelta(hours=1)
    far = [start - n * timedelta(hours=2) for n in range(12, 1, -1)]
    near = [start - n * 20 * MINUTE for n in range(9, 2, -1)]
    late = [start - n * MINUTE for n in range(45, 0, -1)]
    for at in sorted({*far, *near, *late}):
        tick(at)
    for number, ticker in enumerate(tickers):  # spread over their interval
        assert ticker.working_copy is not None
        ticker.working_copy.checkpoint_at = start - timedelta(seconds=seconds * number / SYSTEMS)
    log.vacuum()
    log.skip()
    for minute in range(minutes):
        tick(start + minute * MINUTE)
        renew()
        if (minute + 1) % VACUUM_MINUTES == 0:
            log.vacuum()
        if (minute + 1) % CHECKPOINT_MINUTES == 0:
            log.checkpoint()
    log.close()
    polls = [store.observations.poll_times(each.system_id, start - MINUTE) for each in followed]
    store.close()
    print(json.dumps({"polls": sum(map(len, polls)), "bytes": log.bytes, "images": log.images}))


if __name__ == "__main__":
    main()
