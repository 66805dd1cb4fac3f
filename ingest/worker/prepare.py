"""What a worker does before its first tick: it loads the kernels, and compiles those that nobody has yet."""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from ingest.store import Store, StoreFailedError
from model.warm_up import warm_up

log = logging.getLogger(__name__)

NOTED_FOR = timedelta(seconds=15)
"""How long the store's note holds that a worker prepares: it is renewed three times as often."""

_LOOK_SECONDS = 0.05


def prepare(store: Store, holder: str, clock: Callable[[], datetime], stop: threading.Event) -> None:
    """Load the kernels; while any is compiled, say so in the log and, for pages, in the store.

    It ends at once when `stop` is set: nobody can interrupt the compiler, so that goes on in its own thread.
    """
    compiling = threading.Event()
    # What is loaded stays. Looking for garbage in it, now and ever after, is a tenth of a start's work.
    gc.disable()
    thread = threading.Thread(target=_warm_up, args=[compiling], name="prepare", daemon=True)
    thread.start()
    began = noted = 0.0
    while thread.is_alive() and not stop.is_set():
        now = time.monotonic()
        if compiling.is_set() and not began:
            began = now
            gc.enable()  # the compiler makes much garbage
            log.info("compiling the forecaster: it takes about a minute, once on this machine")
        if began and now - noted > NOTED_FOR.total_seconds() / 3:
            noted = now
            _write("noted", lambda: store.preparations.note(holder, clock(), NOTED_FOR))
        thread.join(_LOOK_SECONDS)
    if began:
        if not thread.is_alive():
            log.info("compiled the forecaster in %.0f s", time.monotonic() - began)
        _write("ended", lambda: store.preparations.end(holder))
        gc.collect()
    gc.freeze()
    gc.enable()


def _warm_up(compiling: threading.Event) -> None:
    try:
        warm_up(compiling.set)
    except Exception:
        log.exception("the forecaster cannot be compiled; each tick tries it again")


def _write(what: str, write: Callable[[], None]) -> None:
    """Write to the store. It matters to pages alone: ticks go on without it."""
    try:
        write()
    except StoreFailedError as error:
        log.warning("that this worker prepares could not be %s: %s", what, error)
