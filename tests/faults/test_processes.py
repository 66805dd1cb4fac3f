"""Workers and apps are frozen, killed, short of memory, or two at a time: one learns, nothing is lost."""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from apscheduler.executors.pool import ThreadPoolExecutor

from ingest.store import Store
from ingest.store.holder import is_dead
from ingest.worker import worker
from tests.faults.town import ROOT, Town, is_whole, learnt, listed, process, working
from tests.support.misbehaving import Misbehaving, status
from tests.support.processes import answers, free_port, wait_for
from tests.support.store_world import store_url


def holder(store: Store) -> str | None:
    return store.leases.holder(datetime.now(UTC))


@pytest.mark.both
def test_a_worker_that_is_frozen_loses_its_lease_and_waking_writes_nothing(
    town: Town, store: Store, tmp_path: Path
) -> None:
    (tmp_path / "two").mkdir()
    logs = [tmp_path / "worker.log", tmp_path / "two" / "worker.log"]
    with process(tmp_path, store_url(tmp_path), town) as first:
        wait_for(lambda: learnt(store) >= 2)
        with process(tmp_path / "two", store_url(tmp_path), town) as other:
            both_live = "share the systems: 2" if store.workers.are_shared else "standing by"
            wait_for(lambda: both_live in logs[1].read_text())
            wait_for(lambda: holder(store))
            held, seen = str(holder(store)), learnt(store)
            frozen, log = (first, logs[0]) if f"/{first.pid}/" in held else (other, logs[1])
            frozen.send_signal(signal.SIGSTOP)
            asleep = len(log.read_text())
            wait_for(lambda: holder(store) not in (None, held))
            wait_for(lambda: learnt(store) >= seen + 2)
            second = holder(store)
            frozen.send_signal(signal.SIGCONT)
            # It was frozen in a tick, or between two; or the town is the other's share by now.
            knows = re.compile("another worker (has taken over|is at work)|handed over")
            wait_for(lambda: knows.search(log.read_text()[asleep:]))
            before = learnt(store)
            wait_for(lambda: learnt(store) >= before + 2)
            assert store.workers.are_shared or holder(store) == second
    assert "Traceback" not in logs[0].read_text() + logs[1].read_text()
    assert is_whole(store)


def test_a_worker_short_of_memory_skips_what_is_too_large_and_goes_on_with_the_rest(
    town: Town, server: Misbehaving, store: Store, tmp_path: Path
) -> None:
    large = Town(server, "large", poll_seconds=0.5, size=3000)
    large.fault, large.everything = status(503), True
    log = tmp_path / "worker.log"
    with process(tmp_path, store_url(tmp_path), town, large) as running:
        wait_for(lambda: learnt(store) >= 2)
        pages = int(Path(f"/proc/{running.pid}/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + 30_000_000
        resource.prlimit(running.pid, resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
        large.fault = None
        wait_for(lambda: "MemoryError" in log.read_text())
        before = learnt(store)
        wait_for(lambda: learnt(store) >= before + 2)
        assert learnt(store, "large") == 0
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(running.pid, resource.RLIMIT_AS, unlimited)
        wait_for(lambda: learnt(store, "large") >= 1)
        assert running.poll() is None
    assert is_whole(store)


def test_a_poll_whose_job_is_lost_for_lack_of_a_thread_is_made_up_for(
    town: Town, store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """APScheduler drops a job that it cannot start. Without a remedy the system is never polled again."""
    monkeypatch.setattr(worker, "CLOCK_EVERY", 0.1)
    monkeypatch.setattr(worker, "LOST_AFTER", 2.0)
    submit = ThreadPoolExecutor.submit_job
    dropped: list[Any] = []

    def none_left(self: ThreadPoolExecutor, job: Any, run_times: Any) -> None:
        if job.name == "town" and learnt(store) == 2 and not dropped:
            dropped.append(job)
            raise RuntimeError("can't start new thread")
        submit(self, job, run_times)

    monkeypatch.setattr(ThreadPoolExecutor, "submit_job", none_left)
    with working(store, town):
        wait_for(lambda: learnt(store) >= 4)
    assert len(dropped) == 1
    assert caplog.text.count("its next poll was lost") == 1
    assert is_whole(store)


# ---------------------------------------------------------------- apps


@contextmanager
def app(folder: Path, *towns: Town) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Run the whole app, with a worker beside it unless there is one; give its process and address."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port),
               "--server.address", "127.0.0.1", "--server.headless", "true"]  # fmt: skip
    env = os.environ | listed(folder, store_url(folder), *towns)
    with (folder / f"app-{port}.log").open("a") as log:
        running = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log)
    try:
        yield running, f"http://127.0.0.1:{port}"
    finally:
        running.terminate()
        try:
            running.wait(30)
        finally:
            running.kill()


FORECAST = "/api/systems/town/forecast?minutes=30"


def test_two_apps_have_one_worker_and_the_second_has_one_when_the_first_is_killed(
    town: Town, store: Store, tmp_path: Path
) -> None:
    """The first app, started again, keeps the worker that runs. Forecasts are there all the while."""
    with app(tmp_path, town) as (first, one):
        wait_for(lambda: learnt(store) >= 2 and answers(one + FORECAST))
        worker_one = holder(store)
        assert worker_one is not None
        with app(tmp_path, town) as (_, two):
            wait_for(lambda: answers(two + FORECAST))
            assert holder(store) == worker_one, "who is at work stays at work"
            first.kill()
            first.wait()
            assert answers(two + FORECAST), "the last forecast stands"
            wait_for(lambda: is_dead(worker_one))
            before = learnt(store)
            wait_for(lambda: learnt(store) >= before + 2)
            worker_two = holder(store)
            with app(tmp_path, town) as (_, again):
                wait_for(lambda: answers(again + FORECAST))
                before = learnt(store)
                wait_for(lambda: learnt(store) >= before + 2)
                assert holder(store) == worker_two
    wait_for(lambda: holder(store) is None)
    logs = "".join(path.read_text() for path in tmp_path.glob("app-*.log"))
    assert len(re.findall(r"Traceback", logs)) == 0, logs
    assert is_whole(store)
