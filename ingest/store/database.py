"""Opens the database, brings its tables up to date, and gives connections in transactions.

The default is SQLite in WAL mode: the app reads while the worker writes. Several machines share a PostgreSQL.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, make_url

from ingest.settings import ROOT
from ingest.store.errors import StoreError, StoreFailedError, StoreNotReadyError, store_errors
from ingest.store.outage import StoreOutage, Use
from ingest.store.tables import metadata

if TYPE_CHECKING:
    from alembic.config import Config

_LOCK = 0x646F636B
"""The number of PostgreSQL's advisory lock: "dock"."""

DATA = ROOT / "data"
"""The folder of the default store, which is made where it does not exist."""

_MIGRATIONS = Path(__file__).parent / "migrations"
_VERSION = sa.Table(
    "alembic_version",
    sa.MetaData(),
    sa.Column("version_num", sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
"""Where Alembic notes the newest migration that a database has seen."""

_POSTGRESQL = {
    # A worker that freezes inside a transaction holds its locks: the server ends it, and others go on.
    "options": "-c idle_in_transaction_session_timeout=10s -c lock_timeout=30s",
    # A lost server is noticed in half a minute, not in a quarter of an hour.
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}


class Database:
    """An open database with all tables.

    Without `migrate` the tables are left as they are, for a role that may only read. Raises `StoreError` when
    the database cannot be opened, or belongs to something else or a newer release; `StoreNotReadyError` when
    its tables are of an older release and may not be migrated. `name` is its address without a password,
    `file` that of SQLite, and `is_new` tells that it had no tables before.
    """

    def __init__(self, url: str, migrate: bool = True) -> None:
        try:
            parsed = make_url(url)
            options: dict[str, Any] = {}
            self.is_sqlite = parsed.get_backend_name() == "sqlite"
            if self.is_sqlite:
                parsed = parsed.set(database=str(_file(parsed.database)))
                options["connect_args"] = {"timeout": 30}
            elif parsed.get_driver_name().startswith("psycopg"):
                options["connect_args"] = _POSTGRESQL | dict(parsed.query)
            self._engine = sa.create_engine(parsed, pool_pre_ping=not self.is_sqlite, **options)
        except (sa.exc.ArgumentError, ImportError) as error:
            raise StoreError(
                f"DOCKCAST_STORE names no database that can be used here ({error}): "
                "give it as sqlite:///path/to/file.db, or install the driver of the one you name"
            ) from error
        self.outage = StoreOutage()
        self.name, self.is_new = parsed.render_as_string(), False
        self.file = Path(str(parsed.database)) if self.is_sqlite else None
        self._reader, self.binary = self._engine, "BINARY"
        if self.is_sqlite:
            sa.event.listen(self._engine, "connect", _tune_sqlite)
            sa.event.listen(self._engine, "begin", _begin_sqlite)
        elif self.is_postgresql:
            one_state = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
            self._reader, self.binary = self._engine.execution_options(**one_state), "C"
        try:
            self._prepare(migrate)
        except StoreFailedError as error:
            self.close()
            raise StoreError(
                f"The store {self.name} cannot be opened ({error}): check DOCKCAST_STORE"
                + (", or move the file away to start a new one" if self.is_sqlite else "")
            ) from error
        except StoreError:
            self.close()
            raise

    @property
    def is_postgresql(self) -> bool:
        """Tell whether the database is a PostgreSQL."""
        return self._engine.dialect.name == "postgresql"

    def _prepare(self, migrate: bool) -> None:
        """Compare the tables with this release; make them where there are none, or bring them up to date."""
        with self.read() as connection:
            found = _revision(connection)
        if found == newest_revision():
            return
        if found is not None:
            self._check_older(found)
        if not migrate:
            raise StoreNotReadyError(
                f"The store {self.name} has not the tables of this release yet: "
                "start the worker (python -m ingest run), which makes them"
            )
        # Two processes may start at once: the first one with the lock migrates, the other finds it done.
        with self.write(alone=True) as connection:
            if _revision(connection) is None:
                # What the migrations would make, without Alembic, which takes a tenth of a second to load.
                metadata.create_all(connection, checkfirst=False)
                _VERSION.create(connection)
                connection.execute(_VERSION.insert().values(version_num=newest_revision()))
                self.is_new = True
                return
            from alembic import command

            config = _alembic()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def _check_older(self, found: str) -> None:
        """Raise `StoreError` where this release does not know the migration that the tables are of."""
        from alembic.script import ScriptDirectory
        from alembic.util import CommandError

        try:
            ScriptDirectory.from_config(_alembic()).get_revision(found)
        except CommandError as error:
            raise StoreError(
                f"The store {self.name} was made by a newer release ({error}): "
                "update Dockcast, or set DOCKCAST_STORE to another one"
            ) from error

    @contextmanager
    def _watched(self, use: Use) -> Iterator[None]:
        """Raise the errors of a use of the database as the store's own, and follow its outages."""
        try:
            with store_errors():
                yield
        except StoreFailedError as error:
            self.outage.failed(use, error)
            raise
        self.outage.answered(use)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the database.

        Raises `StoreFailedError`, or `StoreUnreachableError` among these.
        """
        with self._watched("read"), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def write(self, alone: bool = False) -> Iterator[Connection]:
        """Give a connection in a transaction: committed at the end of the block, undone by an exception.

        `alone` keeps other such writers out until the end; with SQLite there is only ever one. Raises
        `StoreFailedError`, or `StoreUnreachableError` among these.
        """
        with self._watched("write"), self._engine.connect() as connection:
            connection.execution_options(dockcast_write=True)
            with connection.begin():
                if alone and self.is_postgresql:
                    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
                yield connection

    def clock_difference(self, connection: Connection) -> timedelta:
        """Give the time by which the database's clock is ahead of this machine's; zero for SQLite.

        Machines that share a database may have different clocks. So leases are dated by the database's clock.
        """
        if not self.is_postgresql:
            return timedelta(0)
        epoch = sa.extract("epoch", sa.func.clock_timestamp())
        seconds = connection.execute(sa.select(sa.cast(epoch, sa.Double) - time.time())).scalar_one()
        return timedelta(seconds=seconds)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


def _alembic() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config


def newest_revision() -> str:
    """Give the number of the newest migration, which its file's name begins with."""
    return max(path.name for path in (_MIGRATIONS / "versions").glob("0*.py")).partition("_")[0]


def _revision(connection: Connection) -> str | None:
    """Give the number of the migration that the tables are of; None where there are none."""
    if not sa.inspect(connection).has_table(_VERSION.name):
        return None
    return connection.scalar(sa.select(_VERSION.c.version_num))


def between(query: sa.Select[Any], column: sa.Column[Any], start: Any, end: Any) -> sa.Select[Any]:
    """Take from a query the rows whose column lies in `(start, end]`; None leaves a side open.

    Recovery needs it so: what came after the checkpoint, up to and with a poll.
    """
    if start is not None:
        query = query.where(column > start)
    if end is not None:
        query = query.where(column <= end)
    return query


def _file(database: str | None) -> Path:
    if database in (None, "", ":memory:"):
        raise StoreError("DOCKCAST_STORE names no file: worker and app are two processes and need one")
    path = ROOT / Path(database).expanduser()
    if path.parent == DATA:
        DATA.mkdir(exist_ok=True)
    if not path.parent.is_dir():
        # A store there would be a new one: where somebody has mistyped a path, all would seem to be lost.
        raise StoreError(f"There is no folder {path.parent}: make it, or check DOCKCAST_STORE")
    return path


def _tune_sqlite(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # the driver's own BEGIN comes too late; see _begin_sqlite
    _write_ahead(connection)
    for pragma in ("synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _write_ahead(connection: Any) -> None:
    # SQLite does not wait when two processes switch a new file to WAL: it refuses one, which tries again.
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
    # A writer takes the lock at once: a writer that reads first may find that another one has taken it.
    write = connection.get_execution_options().get("dockcast_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
