"""Before its first tick a worker loads the kernels; while it compiles any, the store and the log say so."""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from ingest.store import Store
from ingest.worker import prepare
from ingest.worker.worker import wall_clock
from model.warm_up import warm_up
from tests.support.processes import wait_for

Compiling = Callable[[], None]


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    """Let later tests find garbage in what was loaded before these."""
    gc.unfreeze()
    yield
    gc.unfreeze()


def preparing(store: Store) -> str | None:
    return store.preparations.holder(datetime.now(UTC))


@pytest.fixture
def compiler(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> threading.Event:
    """A compiler that takes until the event is set: the real one takes about a minute."""
    caplog.set_level(logging.INFO)
    done = threading.Event()

    def compile_slowly(compiling: Compiling) -> None:
        compiling()
        done.wait(60)

    monkeypatch.setattr(prepare, "warm_up", compile_slowly)
    return done


def start(store: Store, stop: threading.Event) -> threading.Thread:
    thread = threading.Thread(target=prepare.prepare, args=[store, "me", wall_clock, stop])
    thread.start()
    return thread


def test_with_kernels_that_are_there_nothing_is_said(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    warm_up()
    prepare.prepare(store, "me", wall_clock, threading.Event())
    assert preparing(store) is None
    assert "compil" not in caplog.text


def test_garbage_is_looked_for_while_kernels_are_compiled_and_ever_after(
    store: Store, compiler: threading.Event
) -> None:
    thread = start(store, threading.Event())
    wait_for(lambda: preparing(store) == "me")
    assert gc.isenabled()
    assert not gc.get_freeze_count()
    compiler.set()
    thread.join(60)
    assert gc.isenabled()
    assert gc.get_freeze_count()


def test_store_and_log_say_when_it_begins_and_ends(
    store: Store, compiler: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    thread = start(store, threading.Event())
    wait_for(lambda: preparing(store) == "me")
    assert "compiling the forecaster" in caplog.text
    assert "compiled the forecaster" not in caplog.text
    compiler.set()
    thread.join(60)
    assert preparing(store) is None
    assert caplog.text.count("compiled the forecaster in 0 s") == 1


def test_a_worker_that_is_stopped_does_not_wait_for_the_compiler(
    store: Store, compiler: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    stop = threading.Event()
    thread = start(store, stop)
    wait_for(lambda: preparing(store) == "me")
    stop.set()
    thread.join(60)
    assert not thread.is_alive()
    assert preparing(store) is None
    assert "compiled the forecaster" not in caplog.text
    compiler.set()


def test_a_compiler_that_fails_is_logged_and_ticks_go_on(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(compiling: Compiling) -> None:
        raise RuntimeError("no room on the disk")

    monkeypatch.setattr(prepare, "warm_up", fail)
    prepare.prepare(store, "me", wall_clock, threading.Event())
    assert "each tick tries it again" in caplog.text
    assert "no room on the disk" in caplog.text
