"""`python -m deploy.backup save FILE` and `restore FILE`: the store that DOCKCAST_STORE names, as one file.

Workers and apps go on during a save: the file is the store at one moment. Stop them before a restore. For
PostgreSQL it calls pg_dump and pg_restore, which must be of the server's release or newer. Both say which
store it was, how many systems it has, and up to when.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url

from ingest import release
from ingest.logs import redact
from ingest.settings import ROOT, Settings, SettingsError
from ingest.store import Store, StoreError


class BackupError(Exception):
    """The save or restore was not done. The text says what to do."""


def save(url: URL, file: Path) -> None:
    """Save the store. An older file of that name stays until the new one is whole.

    Raises `BackupError`, also where there is nothing to save: the settings are then not those of the worker.
    """
    what = _contents(url)
    part = file.with_name(f"{file.name}.part")
    part.unlink(missing_ok=True)
    if url.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(f"{_path(url).as_uri()}?mode=ro", uri=True, timeout=60)) as store:
            store.execute("VACUUM INTO ?", [str(part)])
    else:
        # Tables alone: a superuser makes the roles and their rights, see postgres/roles.sql.
        _call("pg_dump", url, "--format=custom", "--table=public.*", f"--file={part}")
    os.replace(part, file)
    sys.stdout.write(f"saved {what} to {file}\n")


def restore(url: URL, file: Path) -> None:
    """Put the store back as it was saved, at once. What was there is lost, but a file is kept as `….before`.

    A file has owner and mode of the one before; where there is none, the owner of its folder. Raises
    `BackupError`, also where a worker is at work.
    """
    if not file.is_file():
        raise BackupError(f"there is no {file}: name a file that was saved")
    is_file = url.get_backend_name() == "sqlite"
    if not is_file or _path(url).exists():
        _refuse_if_at_work(url)
    if not is_file:
        _call("pg_restore", url, "--clean", "--if-exists", "--no-owner", "--exit-on-error",
              "--single-transaction", str(file))  # fmt: skip
        sys.stdout.write(f"restored {_contents(url)}\n")
        return
    _put_back(file, _path(url))
    sys.stdout.write(f"restored {_contents(url)}\n")


def _put_back(file: Path, path: Path) -> None:
    """Put a file of SQLite in the place of another, or where there is none, whole or not at all."""
    if not path.parent.is_dir():
        raise BackupError(f"there is no folder {path.parent}: make it, or check DOCKCAST_STORE")
    # The last connection that closes takes these away.
    for beside in (path.with_name(path.name + ending) for ending in ("-wal", "-shm")):
        if path.exists() and beside.exists():
            raise BackupError(f"somebody has {path} open: stop workers and apps")
        beside.unlink(missing_ok=True)
    like = (path if path.exists() else path.parent).stat()
    part = path.with_name(f"{path.name}.part")
    shutil.copyfile(file, part)
    if not _is_sound(part):
        part.unlink()
        raise BackupError(f"{file} is damaged: take another one")
    os.chown(part, like.st_uid, like.st_gid)
    if path.exists():
        part.chmod(like.st_mode & 0o777)
        before = path.with_name(f"{path.name}.before")
        before.unlink(missing_ok=True)
        os.link(path, before)
    with part.open("rb") as whole:
        os.fsync(whole.fileno())
    os.replace(part, path)


def _refuse_if_at_work(url: URL) -> None:
    with closing(Store(url.render_as_string(hide_password=False))) as store:
        holder = store.leases.holder(datetime.now(UTC))
    if holder is not None:
        raise BackupError(f"a worker is at work on it ({holder}): stop workers and apps, and wait 15 s")


def _contents(url: URL) -> str:
    """Say which store it is, how many systems it has, and up to when.

    Raises `BackupError` where it has none.
    """
    if is_file := url.get_backend_name() == "sqlite":
        url = url.set(database=str(_path(url)))
    name = url.render_as_string()
    if is_file and not _path(url).exists():
        raise BackupError(f"there is no store {name}: check DOCKCAST_STORE")
    engine = sa.create_engine(url)
    try:
        with engine.connect() as db:
            count, at = db.execute(sa.text("SELECT count(*), max(at) FROM systems")).one()
    except sa.exc.SQLAlchemyError as error:
        raise BackupError(f"{name} cannot be read as a store of Dockcast: {error.__cause__}") from error
    finally:
        engine.dispose()
    if not count:
        raise BackupError(f"{name} has no systems: check DOCKCAST_STORE")
    until = (
        "without counts yet" if at is None else f"up to {datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"
    )
    return f"{name} ({count} systems, {until})"


def _is_sound(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as saved:
        try:
            known = saved.execute("SELECT count(*) FROM alembic_version").fetchone()
            sound = saved.execute("PRAGMA integrity_check").fetchone()
        except sqlite3.DatabaseError:
            return False
    return bool(known == (1,) and sound == ("ok",))


def _path(url: URL) -> Path:
    if not url.database:
        raise BackupError("DOCKCAST_STORE names no file")
    return ROOT / url.database


def _call(program: str, url: URL, *options: str) -> None:
    # `url.set` takes no None, and a password would be written as ***.
    address = url._replace(drivername="postgresql", password=None).render_as_string()
    env = dict(os.environ)
    if url.password:
        env["PGPASSWORD"] = str(url.password)  # every user sees arguments
    try:
        subprocess.run([program, f"--dbname={address}", *options], env=env, check=True)
    except FileNotFoundError as error:
        raise BackupError(f"there is no {program}: install PostgreSQL's client programs") from error
    except subprocess.CalledProcessError as error:
        raise BackupError(f"{program} failed, see above") from error


def main() -> int:
    """Run the command line; give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy.backup", description=__doc__)
    parser.add_argument("--version", action="version", version=release.words())
    parser.add_argument("what", choices=["save", "restore"])
    parser.add_argument("file", type=Path)
    given = parser.parse_args()
    try:
        action = save if given.what == "save" else restore
        action(make_url(Settings.read().store), given.file.absolute())
    except (BackupError, SettingsError, StoreError, sqlite3.Error, OSError) as error:
        sys.stderr.write(f"Error: {redact(str(error))}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
