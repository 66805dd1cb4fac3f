"""A worker in a thread, and patience."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ingest.http.client import Fetcher
from ingest.settings import Settings
from ingest.store import Store
from ingest.system import System
from ingest.worker.worker import Worker


def wait_for(what: Callable[[], object], seconds: float = 60) -> None:
    """Wait until something is so; a slow machine may take its time."""
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it never came to be"
        time.sleep(0.02)


@contextmanager
def working(
    store: Store,
    systems: Sequence[System],
    fetcher: Fetcher | None = None,
    patience: float = 30,
    **more: Any,
) -> Iterator[Worker]:
    """Run a worker in a thread until the block ends; it then has `patience` seconds. `more` are settings."""
    stop = threading.Event()
    settings = Settings(store="", keep_days=8, checkpoint_seconds=1, **more)
    made = Worker(store, systems, fetcher or Fetcher(), settings)
    thread = threading.Thread(target=made.run, args=[stop], daemon=True)
    thread.start()
    try:
        yield made
    finally:
        stop.set()
        thread.join(patience)
        assert not thread.is_alive(), "the worker did not stop"
