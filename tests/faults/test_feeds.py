"""Whatever a feed does, its last forecast stands, riders learn why, and polls go on when it is mended."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import pytest

from dashboard.words import shell as shell_words
from dashboard.words.feed_errors import feed_error
from ingest.gbfs.feed import Feed
from ingest.http.client import Fetcher
from ingest.store import Store
from ingest.worker.tick import Ticker
from model.frame import Frame
from tests.faults.feeds import FAULTS
from tests.faults.town import Town
from tests.support.gbfs_world import NOW, STATION_FEEDS, Operator, feed_list, holding, status, wrap
from tests.support.misbehaving import Misbehaving
from tests.support.store_world import store_url

LONG, SHORT = timedelta(minutes=20), timedelta(minutes=7)


DOCUMENTS = [name for name, each in FAULTS.items() if not each.everything and each.outcome != "too_large"]
"""Faults of a document that is read: of any other nothing can get as far as the store."""


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, store_kind: str) -> Iterator[Store]:
    made = Store(store_url(tmp_path_factory.mktemp("faults")))
    yield made
    made.close()


@pytest.mark.parametrize("name", FAULTS)
def test_a_feed_that_breaks_loses_nothing_and_comes_back(
    store: Store, server: Misbehaving, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    break_and_mend(store, server, name)
    assert "a bug ended" not in caplog.text


@pytest.mark.both("postgresql")
@pytest.mark.parametrize("name", DOCUMENTS)
def test_an_odd_or_spoilt_document_does_no_harm_on_postgresql_either(
    store: Store, server: Misbehaving, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    break_and_mend(store, server, name)
    assert "a bug ended" not in caplog.text


def break_and_mend(store: Store, server: Misbehaving, name: str) -> None:
    """Let a feed break and be mended, and look at what the store has at each time."""
    fault, clock = FAULTS[name], Clock()
    system_id = f"town{list(FAULTS).index(name)}"
    town = Town(server, system_id, clock=lambda: clock.now.timestamp())
    system = replace(town.system, poll_seconds=60)
    store.systems.follow([system])
    fetcher = Fetcher(clock, seconds=1 if fault.outcome == "too_slow" else 20)
    feed = partial(Feed, system, fetcher, clock)
    ticker = Ticker(system, store, "me", feed, clock, jitter=random.Random(1))
    for _ in range(2):
        clock.now = ticker.tick()
    before, frame = store.observations.poll_times(system_id), store.frames.newest(system_id)
    assert len(before) == 2
    assert frame is not None

    # Every try that is due in twenty minutes of it; in seven where each poll is learnt like the one before.
    span = SHORT if fault.outcome == "learnt" else LONG
    town.fault, town.everything = fault.behave(town), fault.everything
    started = clock.now
    tries = 0
    while clock.now < started + span:
        clock.now = ticker.tick()
        tries += 1
    log = store.observations.polls(system_id, started - timedelta(seconds=1), clock.now)
    state = store.systems.state(system_id)
    assert state is not None
    assert log["outcome"].iloc[-1] == fault.outcome
    assert state.state == fault.state
    words = shell_words.trouble("Town", state.state, feed_error(state.reason), timedelta(minutes=1))
    if fault.outcome == "learnt":
        assert len(store.observations.poll_times(system_id)) == 2 + tries
    else:
        # The first answer of a feed that freezes is still news.
        assert len(store.observations.poll_times(system_id)) - len(before) <= 1
        now = store.frames.newest(system_id)
        assert now is not None
        assert now[0] <= frame[0] + 1
        assert (words is None) == (state.state == "live")
    if fault.state in ("unreachable", "refused"):
        assert tries <= 5, "it is left in peace"
        assert state.failures == tries

    town.fault = None
    clock.now = ticker.tick()
    state = store.systems.state(system_id)
    assert state is not None
    assert (state.state, state.failures) == ("live", 0)
    polls = store.observations.poll_times(system_id)
    assert polls[:2] == before
    assert polls == sorted(set(polls))
    assert polls[-1] > started + span - timedelta(minutes=2)


@pytest.mark.both
def test_a_worker_that_restarts_while_the_types_are_away_learns_no_riders(
    store: Store, server: Misbehaving
) -> None:
    """One bike became seven and then one again, as if riders came and went: six scooters stood beside it."""
    operator = Operator(server)
    names = (*STATION_FEEDS, "system_information", "vehicle_types")
    operator.discovery = wrap({"feeds": feed_list(*names, at=server.url(""))})
    operator.types = types = wrap({"vehicle_types": [
        {"vehicle_type_id": "bike", "form_factor": "bicycle", "propulsion_type": "human"},
        {"vehicle_type_id": "kick", "form_factor": "scooter_standing", "propulsion_type": "electric"},
    ]})  # fmt: skip
    listed = [{"vehicle_type_id": "bike", "count": 1}, {"vehicle_type_id": "kick", "count": 6}]
    store.systems.follow([operator.followed])

    def clock() -> datetime:
        return operator.now

    def worker() -> Ticker:
        return Ticker(operator.followed, store, "me", operator.follow, clock, jitter=random.Random(1))

    def tick(ticker: Ticker) -> None:
        operator.now += timedelta(minutes=6)
        operator.status = status(
            *(holding(key, 7, 13, vehicle_types_available=listed) for key in ("1", "2")),
            last_updated=int(operator.now.timestamp()),
        )
        ticker.tick()
        found = store.frames.newest("toulouse")
        assert found is not None
        assert Frame.from_bytes(found[1]).bikes.tolist() == [1, 1]

    before = worker()
    tick(before)
    tick(before)
    operator.types = None
    after = worker()
    tick(after)
    tick(after)
    operator.types = types
    for _ in range(3):
        tick(after)
    assert len(store.observations.poll_times("toulouse")) == 7
    assert len(store.observations.changes("toulouse")) == 2, "the two stations of the first poll"
    operator.fetcher.close()
