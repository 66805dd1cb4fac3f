"""What a day of 1,000 stations costs the worker and its store: see README.md beside this file.

    python benchmarks/drills/operator/cost.py sqlite|postgresql [--begin HOUR] [--hours HOURS] [--towns TOWNS]

Copies of a made-up city, each with riders of its own, are polled each minute of a day by event time: by the
real ticker, one after the other. PostgreSQL writes its own checkpoints each five minutes of event time, and
vacuums each ten, as it would in a real day.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(ROOT))

from ingest.city.cities import CITIES, City  # noqa: E402
from ingest.gbfs.feed import Poll  # noqa: E402
from ingest.settings import Settings  # noqa: E402
from ingest.store import LeaseClaim, Store  # noqa: E402
from ingest.system import System  # noqa: E402
from ingest.worker.schedule import place  # noqa: E402
from ingest.worker.tick import LEASE, Ticker  # noqa: E402
from model import Stations, Weather  # noqa: E402
from tests.support.store_world import postgres, postgres_database  # noqa: E402

TOWN = "harbourton"
START = datetime(2026, 9, 16, 0, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
WARM_UP = timedelta(hours=26)
"""Polled each ten minutes before the day that counts, so that forecasts of all horizons come due in it."""


@dataclass
class Town:
    """A live system with the stations and riders of a made-up city; also its clock."""

    city: City
    system: System
    stations: Stations
    now: datetime

    def clock(self) -> datetime:
        """Give the time of the simulation."""
        return self.now

    def resume(self, *known: Any) -> None:
        """Go on: there is nothing to remember."""

    def poll(self) -> Poll:
        """Answer with the counts of now."""
        seen = self.city.at(self.now)
        return Poll("fresh", self.now, 0.1, self.stations, seen, seen.at, 60.0, 0.0, ())


@dataclass
class Sky:
    """A weather service that has a new report each hour, at the town's place in it."""

    town: Town
    hour: int = -1

    def poll(self, stations: Stations) -> Weather | None:
        """Give a new report, or None."""
        hour = int(self.town.now.timestamp() + 3600 * place(stations.system_id)) // 3600
        if hour == self.hour:
            return None
        self.hour = hour
        return self.town.city.weather(self.town.now)


class Sqlite:
    """A store in a file."""

    def __init__(self, url: str) -> None:
        self._db = sa.create_engine(url).connect()

    def store(self) -> int:
        """Give the bytes of the store, without the pages that are free."""
        pages, free, size = (
            int(self._db.exec_driver_sql(f"PRAGMA {name}").scalar_one())
            for name in ("page_count", "freelist_count", "page_size")
        )
        return (pages - free) * size

    def log(self) -> int:
        """Give nothing: SQLite starts the log beside its file anew all the time."""
        return 0

    def each_minute(self, minute: int) -> None:
        """Do nothing: SQLite does its housekeeping within the commits."""

    def seconds(self) -> float:
        """Give the processor time of the server, which there is not."""
        return 0.0


class Postgresql:
    """A store on a server."""

    def __init__(self, url: str) -> None:
        self._db = sa.create_engine(url, isolation_level="AUTOCOMMIT").connect()
        self._do("ALTER SYSTEM SET autovacuum = off")
        self._do("ALTER SYSTEM SET checkpoint_timeout = '1h'")
        self._do("SELECT pg_reload_conf()")

    def _do(self, statement: str) -> Any:
        made = self._db.execute(sa.text(statement))
        return made.scalar() if made.returns_rows else None

    def store(self) -> int:
        """Give the bytes of the store, packed first: a server at work has some more."""
        self._do("VACUUM FULL")
        return int(self._do("SELECT pg_database_size(current_database())"))

    def log(self) -> int:
        """Give the bytes of all log that was ever written."""
        return int(self._do("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')"))

    def each_minute(self, minute: int) -> None:
        """Do as the server does in a real day."""
        if minute % 10 == 0:
            self._do("VACUUM")
        if minute % 5 == 0:
            self._do("CHECKPOINT")

    def seconds(self) -> float:
        """Give the processor time of the server's processes, also of those that have ended."""
        folder = self._do("SHOW data_directory")
        first = int(Path(folder, "postmaster.pid").read_text().split()[0])
        ticks = sum(_ticks(first, ended=True)) + sum(sum(_ticks(child)) for child in _children(first))
        return ticks / os.sysconf("SC_CLK_TCK")


def _ticks(process: int, ended: bool = False) -> tuple[int, ...]:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return tuple(int(field) for field in fields[11 : 15 if ended else 13])


def _children(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


@contextmanager
def database(kind: str) -> Iterator[tuple[str, Sqlite | Postgresql]]:
    """Make an empty store; give its URL, and what measures it."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            url = f"sqlite:///{folder}/dockcast.db"
            yield url, Sqlite(url)
    else:
        with postgres() as server, postgres_database(server, "cost") as url:
            yield url, Postgresql(url)


def towns(count: int, now: datetime) -> list[Town]:
    """Make copies of the city, each with riders of its own and an id of its own."""
    made = []
    for number in range(count):
        city = replace(CITIES[TOWN], seed=number + 1)
        name = f"town{number:02}"
        system = System(name, name, name, "IE", "http://127.0.0.1:1/")
        made.append(Town(city, system, replace(city.stations, system_id=name), now))
    return made


def memory() -> float:
    """Give the megabytes that this process has in memory."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) / 1e3 if found else 0.0


def measure(kind: str, begin: datetime, hours: float, count: int) -> dict[str, Any]:
    """Live through the day, and give what it cost."""
    all_towns = towns(count, begin - WARM_UP)
    stations = sum(len(town.stations) for town in all_towns)
    with database(kind) as (url, measured):
        store, settings = Store(url), Settings(store=url)
        store.systems.follow([town.system for town in all_towns])
        for town in all_towns:
            store.leases.take(LeaseClaim(town.system.system_id, "cost", town.now, 100 * WARM_UP))
        tickers = [
            Ticker(town.system, store, "cost", lambda town=town: town, town.clock,
                   place=place(town.system.system_id), jitter=random.Random(1), weather=Sky(town),
                   checkpoint_seconds=settings.checkpoint_seconds, has_lease=lambda system_id: True)
            for town in all_towns
        ]  # fmt: skip

        def tick(at: datetime) -> None:
            for town, ticker in zip(all_towns, tickers, strict=True):
                town.now = at + timedelta(seconds=int(60 * place(town.system.system_id)))
                ticker.tick()
                assert ticker.working_copy is not None, "a bug ended a tick"

        for step in range(int(WARM_UP / MINUTE / 10)):
            tick(begin - WARM_UP + 10 * step * MINUTE)
        store_before = measured.store()
        measured.each_minute(0)
        log_before, worker, server = measured.log(), time.process_time(), measured.seconds()
        for minute in range(int(60 * hours)):
            at = begin + minute * MINUTE
            tick(at)
            for _ in range(int(MINUTE / (LEASE / 4))):  # as the worker does
                store.leases.renew_all("cost", at, LEASE)
            measured.each_minute(minute)
            if minute % 60 == 59:
                print(f"{kind}: {minute // 60 + 1} h", flush=True, file=sys.stderr)
        worker, server = time.process_time() - worker, measured.seconds() - server
        log, scale = measured.log() - log_before, 24 / hours * 1000 / stations
        return {
            "database": kind,
            "stations": stations,
            "begin": begin.isoformat(),
            "hours": hours,
            "store_megabytes": round((measured.store() - store_before) * scale / 1e6),
            "log_megabytes": round(log * scale / 1e6),
            "worker_minutes": round(worker * scale / 60, 1),
            "server_minutes": round(server * scale / 60, 1),
            "process_megabytes": round(memory()),
        }


def main() -> None:
    """Measure one database, and write its part of cost.json."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=("sqlite", "postgresql"))
    parser.add_argument("--begin", type=float, default=0, help="Hour of the day, in UTC.")
    parser.add_argument("--hours", type=float, default=24)
    # A process keeps three made-up weeks: with more towns it would make one anew at each poll.
    parser.add_argument("--towns", type=int, default=2, choices=(1, 2, 3))
    chosen = parser.parse_args()
    begin = START + timedelta(hours=chosen.begin)
    found = measure(chosen.kind, begin, chosen.hours, chosen.towns)
    print(json.dumps(found, indent=1))
    path = HERE / "cost.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(known | {chosen.kind: found}, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
