"""What is odd in a feed is dated from its first answer, whichever worker reads it: from HTTP to the store."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

import pytest

from dashboard.words.findings import by_harm
from ingest.store import Store
from ingest.worker.tick import Ticker
from tests.support.gbfs_world import NOW, Operator, holding, status
from tests.support.store_world import store_url

MINUTE = timedelta(minutes=1)


def worker(store: Store, operator: Operator, holder: str) -> Ticker:
    return Ticker(
        operator.followed, store, holder, operator.follow, lambda: operator.now, jitter=random.Random(1)
    )


@pytest.mark.both
def test_another_worker_takes_over_and_findings_keep_their_time(
    tmp_path: Path, store_kind: str, operator: Operator
) -> None:
    store = Store(store_url(tmp_path))
    store.systems.follow([operator.followed])
    assert operator.system is not None
    operator.system["data"]["opening_hours"] = "daily, but not at night"
    operator.status = status(holding("1", 5, 15), holding("2", -7, 13), holding("3", 1, 2))
    for poll in range(6):
        if poll in (0, 3):
            ticker = worker(store, operator, f"worker {poll}")
        operator.now += MINUTE
        operator.status["last_updated"] = int(operator.now.timestamp())
        if poll == 4:
            operator.hold("2", 7)
        ticker.tick()
        if poll == 2:
            operator.now += 5 * MINUTE  # its lease runs out
    first, second, third = by_harm(store.findings.oddities(["toulouse"], operator.now)["toulouse"])
    assert (first.finding.kind, first.gone, first.since) == ("bad_hours", False, NOW + MINUTE)
    assert (first.polls, first.cases, first.finding.example) == (6, 6, "daily, but not at night")
    assert (second.finding.kind, second.polls, second.since) == ("status_only", 6, NOW + MINUTE)
    assert (third.finding.kind, third.gone, third.polls) == ("bad_count", True, 4)
    assert third.last_at < operator.now
    store.close()
