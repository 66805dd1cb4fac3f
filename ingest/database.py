"""Opens the database, brings its tables up to date, and hands out transactions.

SQLite in WAL mode by default: the app reads while the worker writes. Any other by URL; PostgreSQL is tested.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy.engine import Connection, make_url

from ingest.settings import ROOT

_LOCK = 0x646F636B
"""The number of PostgreSQL's advisory lock: "dock"."""


class StoreError(Exception):
    """The store cannot be opened or is not ours. The text says what to do."""


class Database:
    """An open database with all tables.

    Raises `StoreError` when it cannot be opened, or belongs to something else or a newer release.
    """

    def __init__(self, url: str) -> None:
        try:
            parsed = make_url(url)
            options: dict[str, Any] = {}
            self.is_sqlite = parsed.get_backend_name() == "sqlite"
            if self.is_sqlite:
                parsed = parsed.set(database=str(_file(parsed.database)))
                options["connect_args"] = {"timeout": 30}
            self._engine = sa.create_engine(parsed, pool_pre_ping=not self.is_sqlite, **options)
        except (sa.exc.ArgumentError, ImportError) as error:
            raise StoreError(
                f"DOCKCAST_STORE names no database that can be used here ({error}): "
                "give it as sqlite:///path/to/file.db, or install the driver of the one you name"
            ) from error
        self._name = parsed.render_as_string()
        if self.is_sqlite:
            sa.event.listen(self._engine, "connect", _tune_sqlite)
            sa.event.listen(self._engine, "begin", _begin_sqlite)
        try:
            self._migrate()
        except sa.exc.DatabaseError as error:
            self.close()
            raise StoreError(
                f"The store {self._name} cannot be opened ({str(error.orig).strip()}): "
                "check DOCKCAST_STORE, or move the file away to start a new one"
            ) from error
        except CommandError as error:
            self.close()
            raise StoreError(
                f"The store {self._name} was made by a newer release ({error}): "
                "update Dockcast, or set DOCKCAST_STORE to another one"
            ) from error

    def _migrate(self) -> None:
        config = Config()
        config.set_main_option(
            "script_location", str(Path(__file__).parent / "migrations").replace("%", "%%")
        )
        # Two processes may start at once: the first to hold the lock migrates, the other finds it done.
        with self.write(alone=True) as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the database."""
        with self._engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self, alone: bool = False) -> Iterator[Connection]:
        """Give a connection in a transaction: committed at the end of the block, undone by an exception.

        `alone` keeps other such writers out until the end; with SQLite there is only ever one.
        """
        with self._engine.connect() as connection:
            connection.execution_options(dockcast_write=True)
            with connection.begin():
                if alone and self._engine.dialect.name == "postgresql":
                    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
                yield connection

    def close(self) -> None:
        """Let go of all connections."""
        self._engine.dispose()


def _file(database: str | None) -> Path:
    if database in (None, "", ":memory:"):
        raise StoreError("DOCKCAST_STORE names no file: worker and app are two processes and need one")
    path = ROOT / Path(database).expanduser()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"The folder {path.parent} cannot be made ({error.strerror}): check DOCKCAST_STORE"
        ) from error
    return path


def _tune_sqlite(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # the driver's own BEGIN comes too late; see _begin_sqlite
    _write_ahead(connection)
    for pragma in ("synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _write_ahead(connection: Any) -> None:
    # SQLite does not wait when two processes switch a new file over at once: one is refused, and tries again.
    for _ in range(200):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            time.sleep(0.05)
        else:
            return
    connection.execute("PRAGMA journal_mode=WAL")


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes the lock at once: one that reads first and then writes may find the lock gone.
    write = connection.get_execution_options().get("dockcast_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
