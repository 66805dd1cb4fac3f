"""What only a database server does: it ends connections, keeps locks, has its own clock and refuses roles."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import ProgrammingError

import app
from dashboard import store_reader
from dashboard.state.pages import PAGES
from ingest.settings import Settings
from ingest.store import LeaseLostError, Store, StoreFailedError, StoreNotReadyError, database
from ingest.store.playback import Playback
from ingest.store.tables import systems
from model import Forecaster
from tests.support.dashboard_world import World, frame
from tests.support.model_world import riders, stations
from tests.support.paging import run_page
from tests.support.store_world import (
    DUBLIN,
    LEASE,
    MINUTE,
    NOON,
    claim,
    commit,
    counted,
    described,
    empty_url,
    learnt,
    migrate,
    store_url,
)
from tests.support.tick_world import Desk, fresh, state_of

pytestmark = pytest.mark.both("postgresql")

ROOT = Path(__file__).resolve().parents[3]
END_ME = "SELECT pg_terminate_backend(pg_backend_pid())"
END_OTHERS = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE pid <> pg_backend_pid() AND datname = current_database()"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(store_url(tmp_path))
    opened.systems.follow([DUBLIN])
    yield opened
    opened.close()


def end_connections(url: str) -> None:
    """End all other connections, as a restart of the server does."""
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        connection.exec_driver_sql(END_OTHERS)
    engine.dispose()


# ---------------------------------------------------------------- connections


def test_lost_connections_are_replaced_without_an_error(desk: Desk) -> None:
    ticker = desk.worker()
    seen = list(riders(4))
    for snapshot in seen:
        desk.tick(ticker, fresh(snapshot))
        end_connections(desk.url)
    assert desk.store.observations.poll_times("test") == [snapshot.at for snapshot in seen]


@pytest.mark.parametrize("committed", [False, True])
def test_a_connection_that_ends_in_the_middle_of_a_commit_costs_no_poll_and_doubles_none(
    desk: Desk, committed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer to COMMIT may be lost, too: then only the store knows that it came through."""
    ticker = desk.worker()
    seen = list(riders(5))
    commit_tick = Store.commit_tick
    ended: list[Any] = []

    def end_once(self: Store, *given: Any) -> int:
        if len(ended) == 0 and len(self.observations.poll_times("test")) == 2:
            ended.append(given)
            if committed:
                commit_tick(self, *given)
            with self._database.write() as db:
                db.exec_driver_sql(END_ME)
        return commit_tick(self, *given)

    monkeypatch.setattr(Store, "commit_tick", end_once)
    for snapshot in seen:
        desk.tick(ticker, fresh(snapshot))
    assert ended
    assert desk.store.observations.poll_times("test") == [snapshot.at for snapshot in seen]
    assert desk.outcomes() == ["learnt"] * 5
    expected = Forecaster(stations())
    for snapshot in seen:
        expected.learn(snapshot)
    assert state_of(desk.store) == expected.to_bytes()


def test_frames_are_not_logged_whether_tables_are_made_or_migrated(tmp_path: Path, store: Store) -> None:
    empty = empty_url(tmp_path)
    migrate(empty, "head")
    for url in (store_url(tmp_path), empty):
        engine = sa.create_engine(url)
        with engine.connect() as connection:
            kinds = connection.exec_driver_sql(
                "SELECT relname FROM pg_class WHERE relpersistence = 'u' AND relkind = 'r'"
            )
            assert [row.relname for row in kinds] == ["frames"]
        engine.dispose()


# ---------------------------------------------------------------- locks and leases


def test_a_worker_frozen_in_the_middle_of_a_commit_lets_go_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(database._POSTGRESQL, "options", "-c idle_in_transaction_session_timeout=300ms")
    frozen, other = Store(store_url(tmp_path)), Store(store_url(tmp_path))
    frozen.systems.follow([DUBLIN])
    commit(frozen, learnt(NOON, counted(NOON, a=1)), holder="frozen")
    later = NOON + 2 * LEASE

    def freeze_and_wake() -> None:
        with frozen._database.write() as db:
            frozen.leases.require(db, claim("frozen"))
            # Its lease has run out, and would be taken but for the lock on its row.
            commit(other, learnt(later, counted(later, a=2)), holder="other")
            db.execute(systems.update().values(state="written by the dead"))

    with pytest.raises(StoreFailedError) as caught:
        freeze_and_wake()
    assert caught.value.connection_lost
    with pytest.raises(LeaseLostError):
        frozen.leases.renew(claim("frozen", later))
    state = other.systems.state("dublin")
    assert state is not None
    assert (state.state, state.at) == ("live", later)
    for each in (frozen, other):
        each.close()


@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(hours=-1)])
def test_machines_with_different_clocks_agree_on_a_lease(
    store: Store, ahead: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database's clock decides: a fast machine takes no lease early, a slow one keeps none too long."""

    def there() -> None:
        wrong = SimpleNamespace(time=lambda: time.time() + ahead.total_seconds())
        monkeypatch.setattr(database, "time", wrong)

    assert store.leases.take(claim("here"))
    there()
    assert not store.leases.take(claim("there", NOON + ahead + LEASE / 2))
    assert store.leases.holder(NOON + ahead + LEASE / 2) == "here"
    assert store.leases.take(claim("there", NOON + ahead + LEASE * 1.5))
    monkeypatch.undo()
    assert not store.leases.take(claim("here", NOON + LEASE * 2))
    assert store.leases.take(claim("here", NOON + LEASE * 3))


# ---------------------------------------------------------------- roles


@pytest.fixture
def roles(tmp_path: Path) -> dict[str, str]:
    """Make the two roles in an empty database, as an operator does; give the URL of each, by name."""
    url = empty_url(tmp_path)
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    script = (ROOT / "deploy" / "postgres" / "roles.sql").read_text(encoding="utf-8")
    with engine.connect() as connection:
        for _ in range(2):
            cursor = connection.connection.cursor()
            cursor.execute(script)
    engine.dispose()
    return {
        name: sa.make_url(url).set(username=f"dockcast_{name}", password=None).render_as_string()
        for name in ("worker", "app")
    }


def test_an_app_may_read_everything_and_write_only_playbacks_and_tries(roles: dict[str, str]) -> None:
    with pytest.raises(StoreNotReadyError, match="start the worker"):
        Store(roles["app"], migrate=False)
    worker = Store(roles["worker"])
    worker.systems.follow([DUBLIN])
    commit(worker, learnt(NOON, counted(NOON, a=1), stations=described("a")))
    reader = Store(roles["app"], migrate=False)
    assert reader.systems.followed() == [DUBLIN]
    assert reader.frames.newest("dublin") == (1, b"frame")
    for paused in (False, True):
        playback = Playback(NOON, NOON, paused=paused)
        reader.playback.set("dublin", playback)
        assert worker.playback.get("dublin") == playback
    for seconds in (0, 1):
        reader.tries.ask("dublin", NOON + timedelta(seconds=seconds))
    assert worker.tries.asked_at() == {"dublin": NOON + timedelta(seconds=1)}
    engine = sa.create_engine(roles["app"])
    for forbidden in (
        "UPDATE systems SET name = 'x'",
        "UPDATE playbacks SET begun = 9",
        "DELETE FROM playbacks",
        "DELETE FROM tries",
        "DELETE FROM polls",
        "INSERT INTO leases VALUES ('dublin', 'app', 9e9)",
        "UPDATE alembic_version SET version_num = '9999'",
        "CREATE TABLE mine (n int)",
        "DROP TABLE polls",
        "TRUNCATE polls",
    ):
        with engine.connect() as connection, pytest.raises(ProgrammingError, match=r"denied|owner"):
            connection.exec_driver_sql(forbidden)
    engine.dispose()
    with pytest.raises(StoreFailedError, match="denied"):
        reader.leases.take(claim("app", NOON + 2 * LEASE))
    for each in (worker, reader):
        each.close()


def test_an_app_may_read_a_table_that_a_worker_has_renamed(roles: dict[str, str]) -> None:
    migrate(roles["worker"], "0008")
    engine = sa.create_engine(roles["worker"])
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO said VALUES ('dublin', 60, '\\x07')")
    engine.dispose()
    Store(roles["worker"]).close()
    reader = Store(roles["app"], migrate=False)
    at = reader.issued_forecasts.issue_times("dublin")
    assert [time.timestamp() for time in at] == [60]
    assert reader.issued_forecasts.get("dublin", at[0]) == b"\x07"
    reader.close()


def test_the_app_waits_for_the_worker_to_make_the_tables(
    roles: dict[str, str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(app, "LOOK_SECONDS", 0.05)
    settings = Settings(store=roles["app"], worker=False)

    async def both() -> Store:
        waiting = asyncio.create_task(app.open_store(settings))
        while "start the worker" not in caplog.text:
            assert not waiting.done()
            await asyncio.sleep(0.02)
        (await asyncio.to_thread(Store, roles["worker"])).close()
        return await waiting

    opened = asyncio.run(asyncio.wait_for(both(), 60))
    assert caplog.text.count("start the worker") == 1
    assert opened.systems.followed() == []
    opened.close()


def test_an_app_with_read_rights_shows_every_page(
    roles: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.support.dashboard_world.store_url", lambda _: roles["worker"])
    world = World(tmp_path)
    for system_id in ("dublin", "boulder"):
        world.commit(frame(system_id))
        world.now += MINUTE
        world.commit(frame(system_id, at=world.now))
    reader = Store(roles["app"], migrate=False)
    store_reader.use(reader, world.clock)
    for page in PAGES:
        assert not run_page({"city": "dublin"}, page).error, page
    reader.close()
    world.store.close()
