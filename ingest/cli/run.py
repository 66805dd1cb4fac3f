"""`run`: the worker."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from typing import Annotated

import typer
from threadpoolctl import threadpool_limits

from ingest import logs, open_files, release
from ingest.cli.explained import explained
from ingest.cli.signals import stop_on_signals
from ingest.http.client import Fetcher
from ingest.settings import Settings
from ingest.store import Store
from ingest.worker import counters
from ingest.worker.system_list import SystemList
from ingest.worker.worker import Worker, give_memory_back

log = logging.getLogger(__name__)


def run(
    with_parent: Annotated[
        bool,
        typer.Option("--with-parent", help="End when standard input closes: the parent process has ended."),
    ] = False,
) -> None:
    """Poll, learn and forecast all followed systems, until a signal ends it.

    Several workers on one PostgreSQL share the systems. On SQLite a second one stands by, and takes over
    when the first has stopped. A hang-up (SIGHUP) has the list of systems read again, and so has a change of
    its file.
    """
    give_memory_back()
    stop, hang_up = stop_on_signals(), threading.Event()
    signal.signal(signal.SIGHUP, lambda *_: hang_up.set())
    if with_parent:
        threading.Thread(target=_watch_parent, args=[stop], daemon=True).start()
    # BLAS threads fight over the cores: small matrices took 15 times longer with its default than with one.
    with explained(), threadpool_limits(1):
        settings = Settings.read()
        logs.set_up(settings.log_format)
        open_files.raise_limit()
        store = Store(settings.store)
        fetcher = Fetcher()
        system_list = SystemList(settings.systems, fetcher, hang_up)
        systems = system_list.load(store, stop)
        log.info("%s; %s", release.words(), store.words)
        counters.serve(settings.worker_metrics)
        if systems:
            Worker(store, systems, fetcher, settings, system_list=system_list).run(stop)
        store.close()
    # Without this, Python would wait for a thread that is still reading a slow feed. It has nothing to save.
    logging.shutdown()
    os._exit(0)


def _watch_parent(stop: threading.Event) -> None:
    # Read without a buffer: Python aborts where one is still being read as an error ends the process.
    while os.read(sys.stdin.fileno(), 1024):
        pass
    stop.set()
