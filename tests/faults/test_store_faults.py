"""The store is locked, full or gone: no commit is lost, and the worker goes on when it can."""

from __future__ import annotations

import resource
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from dashboard import store_reader
from ingest.store import Store
from ingest.worker import tick
from tests.faults.town import Town, is_whole, learnt, process, working
from tests.support.api_world import client
from tests.support.processes import wait_for
from tests.support.store_world import postgres_database

HOLD = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
db.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""
"""A process that keeps SQLite's write lock until its standard input closes."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(f"sqlite:///{tmp_path / 'dockcast.db'}")
    yield opened
    opened.close()


@pytest.mark.parametrize("wait", [0.3, 30.0], ids=["longer than it is waited for", "shorter"])
def test_a_store_that_another_process_has_locked(
    town: Town, store: Store, tmp_path: Path, wait: float, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """Riders can read meanwhile. After the lock the worker learns the poll, or polls again."""
    monkeypatch.setattr(tick, "STANDBY_INTERVAL", timedelta(seconds=0.2))
    sa.event.listen(
        store._database._engine, "checkout",
        lambda connection, *_: connection.execute(f"PRAGMA busy_timeout = {int(1000 * wait)}"),
    )  # fmt: skip
    with caplog.at_level("INFO"), working(store, town):
        wait_for(lambda: learnt(store) >= 2)
        command = [sys.executable, "-c", HOLD, str(tmp_path / "dockcast.db")]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
            assert other.stdout is not None
            assert other.stdin is not None
            assert other.stdout.readline() == b"held\n"
            before = learnt(store)
            if wait < 1:
                wait_for(lambda: "without a store" in caplog.text)
            else:
                threading.Event().wait(1)  # a process that waits for a lock shows no sign of it
            frame = store.frames.newest("town")
            assert frame is not None, "it is read while nobody can write"
            assert learnt(store) == before
            other.stdin.close()
        wait_for(lambda: learnt(store) >= before + 2)
    assert ("without a store" in caplog.text) == (wait < 1)
    assert "Traceback" not in caplog.text
    assert is_whole(store)


def test_a_disk_that_is_full(town: Town, store: Store, tmp_path: Path) -> None:
    """The worker's files cannot grow, as on a full disk; then there is room again."""
    path = tmp_path / "dockcast.db"
    log = tmp_path / "worker.log"
    with process(tmp_path, f"sqlite:///{path}", town) as worker:
        wait_for(lambda: learnt(store) >= 2)
        size = max(each.stat().st_size for each in tmp_path.glob("dockcast.db*"))
        resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        wait_for(lambda: "without a store" in log.read_text())
        before = learnt(store)
        assert store.frames.newest("town") is not None, "riders have the last forecast"
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, unlimited)
        wait_for(lambda: learnt(store) >= before + 2)
        assert worker.poll() is None, "it went on by itself"
    assert "Traceback" not in log.read_text()
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()
    assert is_whole(store)


def test_a_database_that_is_gone_and_comes_back(
    town: Town, postgresql: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The server ends all connections and accepts none, as when it restarts."""
    monkeypatch.setattr(tick, "STANDBY_INTERVAL", timedelta(seconds=0.2))
    with postgres_database(postgresql, "gone", "dockcast_template") as url:
        store = Store(url)
        store_reader.use(store)
        admin = sa.create_engine(postgresql, isolation_level="AUTOCOMMIT")

        def say(*words: str) -> None:
            with admin.connect() as db:
                for each in words:
                    db.exec_driver_sql(each)

        with caplog.at_level("INFO"), working(store, town):
            wait_for(lambda: learnt(store) >= 2)
            before = learnt(store)
            say(
                "ALTER DATABASE gone ALLOW_CONNECTIONS false",
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'gone'",
            )
            wait_for(lambda: "without a store" in caplog.text)
            answer = client().get("/api/systems/town/stations")
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
            assert answer.json()["error"] == "The store does not answer just now."
            say("ALTER DATABASE gone ALLOW_CONNECTIONS true")
            wait_for(lambda: learnt(store) >= before + 2)
        assert "a bug ended" not in caplog.text
        assert is_whole(store)
        store.close()
        admin.dispose()
