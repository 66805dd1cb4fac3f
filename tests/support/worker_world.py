"""Runs a worker in a thread."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ingest.http.client import Fetcher
from ingest.settings import Settings
from ingest.store import Store
from ingest.system import System
from ingest.worker.worker import Worker


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
        gc.unfreeze()  # a worker's own process keeps what it has loaded; the tests go on in theirs
        stop.set()
        thread.join(patience)
        assert not thread.is_alive(), "the worker did not stop"
