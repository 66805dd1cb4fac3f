"""The front door: a worker beside the app, options that Streamlit knows, wrong settings."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from streamlit import config
from uvicorn import Config

import app
from ingest.settings import Settings
from ingest.store import LeaseClaim, Store
from tests.support.dashboard_world import World
from tests.support.processes import wait_for

ROOT = Path(app.__file__).parent
IDLE = "import sys; sys.stdin.read()"
"""Ends with its standard input, as a worker with `--with-parent` does."""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Make the app start workers that do nothing, and check on them more often."""
    workers: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        workers.append(subprocess.Popen([sys.executable, "-c", IDLE], stdin=subprocess.PIPE))
        return workers[-1]

    monkeypatch.setattr(app, "start_worker", start)
    monkeypatch.setattr(app, "LOOK_SECONDS", 0.02)
    yield workers
    for worker in workers:
        worker.kill()
        worker.wait()
        if worker.stdin is not None:
            worker.stdin.close()


Until = Callable[[Callable[[], bool]], Coroutine[Any, Any, None]]


def keep(store: Store, journey: Callable[[Until], Coroutine[Any, Any, None]]) -> None:
    """Run a journey while a worker is kept."""

    async def until(what: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not what():
                await asyncio.sleep(0.02)

    async def both() -> None:
        keeper = asyncio.create_task(app.keep_worker(store))
        try:
            await journey(until)
            assert not keeper.done()
        finally:
            keeper.cancel()
            with suppress(asyncio.CancelledError):
                await keeper

    asyncio.run(both())


def test_a_worker_is_started_and_stopped_with_the_app(
    world: World, started: list[subprocess.Popen[bytes]]
) -> None:
    async def journey(until: Until) -> None:
        await until(lambda: bool(started))
        assert started[0].poll() is None

    keep(world.store, journey)
    assert len(started) == 1
    assert started[0].poll() is not None


def test_the_app_starts_no_worker_if_the_setting_says_so(
    world: World, started: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def opened(worker: bool) -> None:
        monkeypatch.setattr(app, "settings", Settings(store=world.url, worker=worker))
        async with app.lifespan(app.app):
            for _ in range(200):
                await asyncio.sleep(0.01)
                if started:
                    return

    asyncio.run(opened(False))
    assert not started
    asyncio.run(opened(True))
    assert len(started) == 1


def test_a_worker_that_dies_is_started_again_though_its_lease_lives_on(
    world: World, started: list[subprocess.Popen[bytes]]
) -> None:
    async def journey(until: Until) -> None:
        await until(lambda: len(started) == 1)
        assert world.store.leases.take(LeaseClaim("dublin", "dead", datetime.now(UTC), timedelta(hours=1)))
        started[0].kill()
        await until(lambda: len(started) == 2)
        started[1].kill()
        await until(lambda: len(started) == 3)

    keep(world.store, journey)


def test_the_app_starts_no_worker_while_another_one_works(
    world: World, started: list[subprocess.Popen[bytes]], caplog: pytest.LogCaptureFixture
) -> None:
    assert world.store.leases.take(LeaseClaim("dublin", "elsewhere", datetime.now(UTC), timedelta(hours=1)))
    checks: list[int] = []
    ask = world.store.leases.holder

    def count(now: datetime) -> str | None:
        checks.append(1)
        if len(checks) == 2:
            raise OSError("the disk is away for a moment")
        return ask(now)

    async def journey(until: Until) -> None:
        world.store.leases.holder = count  # type: ignore[method-assign]
        await until(lambda: len(checks) > 4)
        assert not started
        world.store.leases.drop_all("elsewhere")
        await until(lambda: bool(started))

    keep(world.store, journey)
    assert "the store cannot be asked" in caplog.text


def test_the_app_starts_no_worker_while_another_one_prepares(
    world: World, started: list[subprocess.Popen[bytes]]
) -> None:
    world.store.preparations.note("elsewhere", datetime.now(UTC), timedelta(hours=1))

    async def journey(until: Until) -> None:
        await asyncio.sleep(0.2)
        assert not started
        world.store.preparations.end("elsewhere")
        await until(lambda: bool(started))

    keep(world.store, journey)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks for the process in /proc")
def test_a_worker_ends_even_when_the_app_is_killed(tmp_path: Path) -> None:
    """Its standard input closes then, whatever ended the app."""
    systems = tmp_path / "systems.toml"
    systems.write_text(
        '[[systems]]\nid = "nowhere"\nname = "Nowhere"\ncity = "Nowhere"\ncountry = "IE"\n'
        'url = "http://127.0.0.1:1/gbfs.json"\n'
    )
    script = "import app, os, sys; print(app.start_worker().pid); sys.stdin.read(1); os.kill(os.getpid(), 9)"
    env = {"DOCKCAST_STORE": f"sqlite:///{tmp_path / 'dockcast.db'}", "DOCKCAST_SYSTEMS": str(systems)}
    command = [sys.executable, "-uc", script]
    with subprocess.Popen(
        command, cwd=ROOT, env=os.environ | env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as front:  # fmt: skip
        assert front.stdout is not None
        assert front.stdin is not None
        worker = int(front.stdout.readline())
        store = Store(env["DOCKCAST_STORE"])
        try:
            wait_for(lambda: store.leases.holder(datetime.now(UTC)) is not None)
            front.stdin.write(b".")
            front.stdin.close()
            assert front.wait(30) == -9
            wait_for(lambda: not alive(worker))
        finally:
            with suppress(ProcessLookupError):
                os.kill(worker, 9)
            store.close()


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_every_option_in_our_config_is_one_that_streamlit_knows() -> None:
    """`postScriptGC` is a hidden option: it may go with any release, and 50 ms a move would be back."""
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    options = config.get_config_options()
    for section, values in settings.items():
        for name, value in values.items():
            keys = [f"{section}.{name}.{inner}" for inner in value] if isinstance(value, dict) else []
            for key in keys or [f"{section}.{name}"]:
                assert key in options, f"streamlit has no option {key} any more"
    assert settings["runner"]["postScriptGC"] is False
    assert options["runner.postScriptGC"].default_val is True


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop is not made for Windows")
def test_the_server_runs_on_a_loop_that_sends_at_once() -> None:
    """Streamlit binds its socket so that asyncio leaves Nagle's algorithm on: 40 ms at each slider move."""
    loop = Config(app.app, loop="auto").get_loop_factory()
    assert loop is not None
    assert "uvloop" in loop.__module__


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STORE", "sqlite:////proc/nowhere/dockcast.db"),
        ("KEEP_DAYS", "a week"),
    ],
)
def test_a_setting_that_is_wrong_ends_the_app_with_words(name: str, value: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", "0"],
        cwd=ROOT, env=os.environ | {f"DOCKCAST_{name}": value}, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    output = ran.stdout + ran.stderr
    assert ran.returncode != 0
    assert f"DOCKCAST_{name}" in output
    assert "site-packages" not in output


def test_the_app_does_not_import_river() -> None:
    """River costs 70 MB, and only the worker learns."""
    code = "import sys, app; sys.exit('river' in sys.modules or 'sklearn' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, stderr=subprocess.DEVNULL)
