"""The front door: `streamlit run app.py` serves the pages and keeps a worker beside them.

The worker is a process of its own: learning in a thread made other people's slider moves ten times as slow.
"""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware

from dashboard import store_reader
from dashboard.api import routes
from dashboard.components import page_shell
from dashboard.web.front_page import FrontPage
from dashboard.web.preloads import Preloads
from dashboard.web.request_guard import RequestGuard
from dashboard.web.static_files import CompressedStatics
from ingest import logs, open_files, release
from ingest.settings import Settings, SettingsError
from ingest.store import Store, StoreError, StoreFailedError, StoreNotReadyError

log = logging.getLogger("dockcast.app")

ROOT = Path(__file__).resolve().parent
LOOK_SECONDS = 2.0
LONG_SECONDS = 60.0
STOP_SECONDS = 10.0


def start_worker() -> subprocess.Popen[bytes]:
    """Start a worker that ends when this process does, even by `kill -9`: its standard input closes then."""
    command = [sys.executable, "-m", "ingest", "run", "--with-parent"]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE)


def stop_worker(worker: subprocess.Popen[bytes]) -> None:
    """Ask the worker to finish its tick; kill it after ten seconds."""
    worker.terminate()
    try:
        worker.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()
    if worker.stdin is not None:
        worker.stdin.close()


async def keep_worker(store: Store) -> None:
    """Keep a worker running: one that runs already, or a child of this process.

    One that ends by itself is started again, after 2 s, 4 s and so on to a minute.
    """
    worker: subprocess.Popen[bytes] | None = None
    failures, started = 0, 0.0
    try:
        while True:
            wait = LOOK_SECONDS
            if worker is not None and worker.poll() is not None:
                failures = 1 if time.monotonic() - started > LONG_SECONDS else failures + 1
                wait = min(LOOK_SECONDS * 2.0 ** (failures - 1), LONG_SECONDS)
                log.warning("worker ended with %s, next start in %.0f s", worker.returncode, wait)
                worker = None
            elif worker is None and (failures or not await at_work(store)):
                # After a failure the lease may still be that of the dead worker.
                worker, started = start_worker(), time.monotonic()
                log.info("worker %s started", worker.pid)
            await asyncio.sleep(wait)
    finally:
        if worker is not None:
            await asyncio.shield(asyncio.to_thread(stop_worker, worker))


async def at_work(store: Store) -> bool:
    """Tell whether a worker holds a lease or prepares; assume it while the store does not answer."""
    try:
        for table in (store.leases, store.preparations):
            if await asyncio.to_thread(table.holder, datetime.now(UTC)) is not None:
                return True
        return False
    except StoreFailedError:  # which the log says
        return True
    except Exception:
        log.exception("the store cannot be asked for a worker; it is asked again")
        return True


async def open_store(settings: Settings) -> Store:
    """Open the store; where workers run elsewhere, wait until one has made its tables."""
    logged = ""
    while True:
        try:
            return await asyncio.to_thread(Store, settings.store, migrate=settings.worker)
        except StoreNotReadyError as error:
            if logged != str(error):
                logged = str(error)
                log.warning("%s; waiting", logged)
            await asyncio.sleep(LOOK_SECONDS)


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[dict[str, Any]]:
    """Open the store, keep a worker while the app runs, and stop it at the end."""
    logs.set_up(settings.log_format, "streamlit", "uvicorn")
    try:
        store = await open_store(settings)
    except StoreError:
        sys.tracebacklimit = 0  # the error says what to do; a hundred lines of traceback would bury it
        raise
    log.info("%s; %s", release.words(), store.words)
    store.tell_outages()
    store_reader.use(store)
    keeper = asyncio.create_task(keep_worker(store)) if settings.worker else None
    try:
        yield {}
    finally:
        if keeper is not None:
            keeper.cancel()
            with suppress(asyncio.CancelledError):
                await keeper
        store.close()


def on_script_error(error: Exception) -> bool:
    """Log a bug with its traceback, an outage without one, and show the viewer a notice."""
    if not isinstance(error, StoreFailedError):  # the log says that the store is away
        log.error("a page failed", exc_info=error)
    page_shell.broken()
    return True


try:
    settings = Settings.read()
except SettingsError as error:
    sys.exit(f"Error: {error}")

open_files.raise_limit()
app = st.App(
    ROOT / "dashboard" / "start.py",
    lifespan=lifespan,
    routes=routes.ROUTES,
    middleware=[
        Middleware(RequestGuard, hosts=settings.hosts, map_style=settings.map_style),
        Middleware(CompressedStatics),
        Middleware(Preloads),
        Middleware(FrontPage),
    ],
    on_script_error=on_script_error,
)
