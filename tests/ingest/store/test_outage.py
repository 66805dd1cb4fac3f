"""An outage of the database in the log: a line a minute, whoever asks it, and its end."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import sqlalchemy as sa

from ingest.store import Store, StoreFailedError
from ingest.store.outage import StoreOutage
from tests.support.store_world import DUBLIN, store_url


def test_an_outage_is_a_line_a_minute_and_its_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    now = [0.0]
    outage = StoreOutage(lambda: now[0])
    outage.failed("read", OSError("away"))
    assert caplog.messages == [], "a command says it by itself"
    outage.is_told = True
    for second in range(150):
        now[0] = float(second)
        for _ in range(12):
            outage.failed("write", OSError("away,\nand how"))
            outage.failed("read", OSError("away"))
    outage.answered("read")
    assert len(caplog.messages) == 3
    assert caplog.messages[0].startswith("without a store: away, and how; what was learnt")
    assert caplog.messages[-1].startswith("without a store for 2 min: away")
    outage.answered("write")
    outage.answered("write")
    assert caplog.messages[3:] == ["the store answers again, after 149 s"]


@pytest.mark.both
def test_a_store_that_is_told_to_tells_of_what_fails_in_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "ingest.store.outage")
    store = Store(store_url(tmp_path))
    store.tell_outages()
    with pytest.raises(StoreFailedError), store._database.write() as db:
        db.execute(sa.text("SELECT * FROM nothing"))
    store.systems.follow([DUBLIN])
    store.close()
    assert len(caplog.messages) == 2
    assert caplog.messages[0].startswith("without a store: ")
    assert caplog.messages[1].startswith("the store answers again")
