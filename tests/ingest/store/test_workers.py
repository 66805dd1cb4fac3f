"""The store knows which workers live, and the sizes of systems that they share."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from types import SimpleNamespace

import pytest

from ingest.store import Store, database
from ingest.store.holder import new_holder
from tests.support.store_world import (
    DUBLIN,
    MINUTE,
    NOON,
    commit,
    counted,
    described,
    learnt,
)

WHILE = timedelta(seconds=15)


@pytest.mark.both("postgresql")
def test_workers_live_until_they_leave_or_fall_silent(store: Store) -> None:
    table = store.workers
    assert table.announce("one", NOON, WHILE) == ("one",)
    assert table.announce("two", NOON + WHILE / 2, WHILE) == ("one", "two")
    assert table.announce("one", NOON + WHILE / 2, WHILE) == ("one", "two")
    assert sorted(table.live(NOON + WHILE)) == ["one", "two"]
    table.leave("two")
    assert table.announce("one", NOON + WHILE, WHILE) == ("one",)
    assert table.announce("three", NOON + 3 * WHILE, WHILE) == ("three",), "one is silent"
    assert table.live(NOON) == ["three"], "what has run out is gone"
    assert table.announce("one", NOON + 3 * WHILE, WHILE) == ("one", "three"), "it was only frozen"


@pytest.mark.both("postgresql")
def test_a_worker_known_to_be_dead_is_dead_for_all(store: Store) -> None:
    place, token = new_holder().rsplit(f"/{os.getpid()}/")
    dead = f"{place}/{2**22 + 1}/{token}"
    store.workers.announce(dead, NOON, WHILE)
    assert store.workers.announce("one", NOON, WHILE) == ("one",)
    assert store.workers.live(NOON) == ["one"], "another machine could not tell"


@pytest.mark.both("postgresql")
def test_a_worker_that_runs_far_too_long_is_not_waited_for(store: Store) -> None:
    """The database's clock was set back while it was dead."""
    store.workers.announce("one", NOON + timedelta(hours=1), WHILE)
    assert store.workers.announce("two", NOON, WHILE) == ("two",)


@pytest.mark.both("postgresql")
@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(hours=-1)])
def test_machines_with_different_clocks_agree_on_who_lives(
    store: Store, ahead: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.workers.announce("here", NOON, WHILE)
    wrong = SimpleNamespace(time=lambda: time.time() + ahead.total_seconds())
    monkeypatch.setattr(database, "time", wrong)
    assert store.workers.announce("there", NOON + ahead, WHILE) == ("here", "there")


@pytest.mark.both("sqlite")
def test_on_sqlite_a_worker_shares_with_nobody(store: Store) -> None:
    for holder in ("one", "two"):
        assert store.workers.announce(holder, NOON, WHILE) == (holder,)
    store.workers.leave("one")
    assert store.workers.live(NOON) == []


@pytest.mark.both
def test_the_size_of_a_system_is_the_number_of_its_stations_give_or_take_a_tenth(store: Store) -> None:
    store.systems.follow([DUBLIN])
    assert store.systems.sizes() == {"dublin": 0}
    for number, (stations, size) in enumerate([(20, 20), (21, 20), (19, 20), (22, 22), (20, 22), (9, 9)]):
        at, ids = NOON + number * MINUTE, [f"s{n}" for n in range(stations)]
        commit(store, learnt(at, counted(at, s0=1), stations=described(*ids)))
        assert store.systems.sizes() == {"dublin": size}, stations
    store.systems.unfollow("dublin")
    assert store.systems.sizes() == {}
