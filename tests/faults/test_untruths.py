"""What a feed says that is not so is not believed: from documents over HTTP to the store and the frame."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from ingest.store import Store
from ingest.worker import tick
from ingest.worker.recovery import recover
from ingest.worker.tick import Ticker
from model.forecaster import Forecaster
from model.frame import Frame
from tests.faults.untruths import BEGINS, UNTRUTHS
from tests.support.gbfs_world import Operator, holding, information, place, status
from tests.support.store_world import store_url

STEP = timedelta(minutes=1)


@pytest.fixture
def store(tmp_path_factory: pytest.TempPathFactory, store_kind: str, operator: Operator) -> Iterator[Store]:
    made = Store(store_url(tmp_path_factory.mktemp("untruths")))
    made.systems.follow([operator.followed])
    yield made
    made.close()


def worker(store: Store, operator: Operator) -> Ticker:
    """Start a worker that knows only what the store has."""
    jitter = random.Random(1)
    return Ticker(operator.followed, store, "me", operator.follow, lambda: operator.now, jitter=jitter)


def forecaster(store: Store) -> Forecaster:
    """Recover the forecaster as the worker after this one would."""
    found = recover(store, "toulouse")
    assert found is not None
    return found.forecaster


def riders(of: Forecaster) -> float:
    """Count the riders that were learnt."""
    return float(of.components["long"].events.sum())


def findings(store: Store, operator: Operator) -> dict[str, Any]:
    """Give an example of each kind of finding of all polls."""
    log = store.observations.polls("toulouse", operator.now - timedelta(days=9), operator.now)
    every = [each for text in log["findings"] for each in json.loads(text)]
    return {each["kind"]: each["example"] for each in every}


@pytest.mark.parametrize("name", UNTRUTHS)
def test_what_a_feed_says_that_is_not_so_is_not_believed(store: Store, operator: Operator, name: str) -> None:
    untruth = UNTRUTHS[name]
    about = dict(untruth.about)
    for poll in range(untruth.polls):
        if poll in (0, BEGINS, untruth.polls - 1):  # a worker starts anew as it begins, and once more
            ticker = worker(store, operator)
        operator.now += STEP
        untruth.tell(operator, poll)
        if untruth.dated and operator.status is not None:
            operator.status["last_updated"] = int(operator.now.timestamp())
        ticker.tick()

    state = store.systems.state("toulouse")
    assert state is not None
    assert state.state == about.get("state", "live")
    assert (state.reason and state.reason.kind) == about.get("reason")
    found = findings(store, operator)
    assert set(found) == {untruth.finding} - {""}
    if "example" in about:
        assert found[untruth.finding]["arguments"] == about["example"]
    newest = store.frames.newest("toulouse")
    if state.state == "refused":
        assert newest is None
        return

    assert newest is not None
    frame, learnt = Frame.from_bytes(newest[1]), forecaster(store)
    seen = learnt.snapshot()
    assert seen is not None
    size = len(frame.stations)
    assert (tuple(seen.bikes[:size].tolist()), tuple(seen.docks[:size].tolist())) == (
        untruth.bikes,
        untruth.docks,
    )
    known = [(count, row) for row, count in enumerate(untruth.bikes) if count >= 0]
    assert [frame.bikes[row] for _, row in known] == [count for count, _ in known]
    assert frame.at == operator.now.replace(microsecond=0), "dated by receipt, or by a clock that is right"
    # Next to none are learnt that were hidden behind counts.
    assert riders(learnt) == pytest.approx(about.get("riders", 0), abs=0.05)
    assert frame.stations.timezone == "Europe/Paris"
    assert ("toulouse" in store.systems.round_trips()) == about.get("round_trip", False)
    if "names" in about:
        assert frame.stations.name.tolist() == about["names"]
    columns = {"states": "state", "last_bikes": "last_bikes", "cargo": "cargo", "overflow": "overflow"}
    for fact in columns.keys() & about.keys():
        assert getattr(frame, columns[fact]).tolist() == about[fact]
    closed = None if frame.closed is None else frame.closed[0].tolist()
    assert closed == about.get("closed")
    if closed is not None:
        assert not frame.bike.chance[0, 0, closed].any(), "nobody rents a bike there"


def test_a_day_of_frozen_counts_under_a_clock_that_runs_is_silence(
    store: Store, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forty stations change every ten minutes for 26 hours; then their counts stand still for three."""
    monkeypatch.setattr(tick, "JUDGED_AFTER", timedelta(days=1))
    keys = [str(n) for n in range(40)]
    operator.information = information(*(place(key, lat=43.6 + int(key) / 1000) for key in keys))
    rng, ticker = random.Random(1), worker(store, operator)
    held = dict.fromkeys(keys, 10)
    states: list[str] = []
    for poll in range(6 * 29):
        operator.now += timedelta(minutes=10)
        if poll < 6 * 26:
            held = {key: min(max(count + rng.choice((-1, 0, 1)), 0), 20) for key, count in held.items()}
        operator.status = status(
            *(holding(key, count, 20 - count) for key, count in held.items()),
            last_updated=int(operator.now.timestamp()),
        )
        ticker.tick()
        state = store.systems.state("toulouse")
        assert state is not None
        states.append(state.state)
    first = states.index("silent")
    assert 6 * 26 < first < 6 * 28
    assert set(states[first:]) == {"silent"}
    assert len(store.observations.poll_times("toulouse")) == first, "nothing is learnt of a frozen feed"
    assert state is not None
    assert state.reason is not None
    assert state.reason.kind == "unchanged_since"
    since = datetime.fromtimestamp(float(state.reason.arguments["at"]), operator.now.tzinfo)
    assert operator.now - since == timedelta(hours=3)
