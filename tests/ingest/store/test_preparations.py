"""The store knows which workers prepare, until they are done, dead, or silent."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest

from ingest.store import Store
from ingest.store.holder import new_holder
from tests.support.store_world import NOON

pytestmark = pytest.mark.both
WHILE = timedelta(seconds=15)


def test_a_worker_prepares_until_it_ends_or_falls_silent(store: Store) -> None:
    table = store.preparations
    assert table.holder(NOON) is None
    table.note("one", NOON, WHILE)
    table.note("one", NOON + WHILE / 2, WHILE)
    table.note("two", NOON, WHILE)
    table.end("two")
    assert table.holder(NOON + WHILE) == "one"
    assert table.holder(NOON + 2 * WHILE) is None
    table.note("three", NOON + 2 * WHILE, WHILE)
    assert table.holder(NOON) == "three", "what has run out is gone"


def test_a_dead_worker_prepares_nothing(store: Store) -> None:
    place, token = new_holder().rsplit(f"/{os.getpid()}/")
    store.preparations.note(f"{place}/{2**22 + 1}/{token}", NOON, WHILE)
    assert store.preparations.holder(NOON) is None
