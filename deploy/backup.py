"""`python -m deploy.backup save FILE` and `restore FILE`: the store that DOCKCAST_STORE names, as one file.

Workers and apps go on during a save: the file is the store at one moment. Stop them before a restore. For
PostgreSQL it calls pg_dump and pg_restore, which must be of the server's release or newer.
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

from sqlalchemy.engine import URL, make_url

from ingest.logs import redact
from ingest.settings import ROOT, Settings, SettingsError
from ingest.store import Store, StoreError


class BackupError(Exception):
    """The save or restore was not done. The text says what to do."""


def save(url: URL, file: Path) -> None:
    """Save the store. An older file of that name stays until the new one is whole.

    Raises `BackupError`.
    """
    part = file.with_name(f"{file.name}.part")
    part.unlink(missing_ok=True)
    if url.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(f"{_path(url).as_uri()}?mode=ro", uri=True, timeout=60)) as store:
            store.execute("VACUUM INTO ?", [str(part)])
    else:
        # Tables alone: a superuser makes the roles and their rights, see postgres/roles.sql.
        _call("pg_dump", url, "--format=custom", "--table=public.*", f"--file={part}")
    os.replace(part, file)


def restore(url: URL, file: Path) -> None:
    """Put the store back as it was saved. What was there is lost, but a file is kept as `….before`.

    Raises `BackupError`, also where a worker is at work.
    """
    if not file.is_file():
        raise BackupError(f"there is no {file}: name a file that was saved")
    is_file = url.get_backend_name() == "sqlite"
    if not is_file or _path(url).exists():
        _refuse_if_at_work(url)
    if not is_file:
        _call("pg_restore", url, "--clean", "--if-exists", "--no-owner", "--exit-on-error",
              "--single-transaction", str(file))  # fmt: skip
        return
    path = _path(url)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    shutil.copyfile(file, part)
    if not _is_sound(part):
        part.unlink()
        raise BackupError(f"{file} is damaged: take another one")
    if path.exists():
        # The last connection to close has written SQLite's log into the file.
        os.replace(path, path.with_name(f"{path.name}.before"))
        for ending in ("-wal", "-shm"):
            path.with_name(path.name + ending).unlink(missing_ok=True)
    os.replace(part, path)


def _refuse_if_at_work(url: URL) -> None:
    with closing(Store(url.render_as_string(hide_password=False))) as store:
        holder = store.leases.holder(datetime.now(UTC))
    if holder is not None:
        raise BackupError(f"a worker is at work on it ({holder}): stop workers and apps, and wait 15 s")


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
    address = url.set(drivername="postgresql", password=None).render_as_string()
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
