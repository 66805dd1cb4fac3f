"""Two workers on one PostgreSQL share the systems: one joins, leaves, is killed, and no poll is lost."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from subprocess import Popen

import pytest

from ingest.store import Store
from tests.faults.town import Town, is_whole, learnt, process
from tests.support.misbehaving import Misbehaving
from tests.support.processes import wait_for
from tests.support.store_world import store_url

pytestmark = pytest.mark.both("postgresql")

POLL_SECONDS = 8.0
NAMES = ("one", "two", "three", "four")


def holders(store: Store) -> dict[str, int]:
    """Give the process that learns each town."""
    holding = store.operation.holders(datetime.now(UTC))
    return {system_id: int(holder.split("/")[1]) for system_id, holder in holding.items()}


def shared_by(store: Store, *workers: Popen[bytes]) -> bool:
    """Tell whether these workers hold equal shares of all towns."""
    each = len(NAMES) // len(workers)
    return Counter(holders(store).values()) == {worker.pid: each for worker in workers}


def wait_for_polls(store: Store) -> None:
    """Wait until every town has been learnt twice more."""
    before = {name: learnt(store, name) for name in NAMES}
    wait_for(lambda: all(learnt(store, name) >= before[name] + 2 for name in NAMES))


def longest_wait(store: Store) -> float:
    """Give the longest time between two polls of a town, in seconds."""
    ever = datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC)
    received = [store.observations.polls(name, *ever)["received_at"] for name in NAMES]
    return max(float((b - a).total_seconds()) for times in received for a, b in pairwise(times))


def test_workers_share_towns_as_they_join_leave_and_die(
    server: Misbehaving, store: Store, tmp_path: Path
) -> None:
    towns = [Town(server, name, POLL_SECONDS) for name in NAMES]
    url = store_url(tmp_path)
    for name in ("first", "second", "third"):
        (tmp_path / name).mkdir()
    with process(tmp_path / "first", url, *towns) as first:
        wait_for(lambda: shared_by(store, first))
        with process(tmp_path / "second", url, *towns) as second:
            wait_for(lambda: shared_by(store, first, second))
            kept = {name for name, worker in holders(store).items() if worker == first.pid}
            wait_for_polls(store)
            second.terminate()
            assert second.wait(30) == 0
            assert set(holders(store).values()) == {first.pid}, "its leases are free at once"
            assert {name for name, worker in holders(store).items() if worker == first.pid} >= kept
            wait_for(lambda: shared_by(store, first))
        wait_for_polls(store)
        assert longest_wait(store) < 2 * POLL_SECONDS, "a poll was missed"
        with process(tmp_path / "third", url, *towns) as third:
            wait_for(lambda: shared_by(store, first, third))
            first.kill()
            first.wait()
            wait_for(lambda: shared_by(store, third))
            wait_for_polls(store)
    assert all(is_whole(store, name) for name in NAMES)
    for name in ("first", "second", "third"):
        assert "Traceback" not in (tmp_path / name / "worker.log").read_text()
