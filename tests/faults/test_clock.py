"""The clock of our machine is set back and ahead: no update is lost, and no feed waits."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
import time_machine

from ingest.store import Store
from ingest.worker import worker
from tests.faults.town import Town, learnt, working
from tests.support.processes import wait_for
from tests.support.store_world import store_url


@pytest.mark.both
@pytest.mark.parametrize("step", [-3600.0, 3600.0])
def test_a_clock_that_is_set_keeps_no_feed_waiting_and_loses_no_update(
    town: Town, tmp_path: Path, step: float, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(worker, "CLOCK_EVERY", 0.1)
    store = Store(store_url(tmp_path))

    with time_machine.travel(datetime.now(UTC), tick=True) as clock, working(store, town):
        wait_for(lambda: learnt(store) >= 2)
        before = learnt(store)
        clock.shift(step)
        wait_for(lambda: learnt(store) >= before + 2, seconds=30)
        clock.shift(-step)
        before = learnt(store)
        wait_for(lambda: learnt(store) >= before + 2, seconds=30)
    times = store.observations.poll_times("town")
    assert max(b - a for a, b in pairwise(times)).total_seconds() < 30
    assert "set back by 3600 s" in caplog.text
    assert "Traceback" not in caplog.text
    store.close()
