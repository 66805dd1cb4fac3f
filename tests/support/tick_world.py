"""Gives a test a scripted feed, scripted weather, a real store and real tickers."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from ingest.gbfs.feed import Poll
from ingest.store import Reason, Store
from ingest.system import System
from ingest.worker.recovery import recover
from ingest.worker.tick import Ticker
from model import Snapshot, Stations, Weather
from tests.support.model_world import riders, stations
from tests.support.store_world import MINUTE, NOON, store_url

CITY = System("test", "Test", "Test", "IE", "http://127.0.0.1:1/gbfs.json")


@dataclass
class Script:
    """A feed that answers what the test has set, with the clock that dates it."""

    now: datetime = NOON
    next: Any = None
    known: Stations | None = None
    at: datetime | None = None
    documents: Mapping[str, str] | None = None
    opened: int = 0
    polled: int = 0

    def open(self) -> Script:
        self.opened += 1
        return self

    def resume(
        self, known: Stations | None, at: datetime | None, documents: Mapping[str, str] | None = None
    ) -> None:
        self.known, self.at, self.documents = known, at, documents

    def poll(self) -> Poll:
        self.polled += 1
        if isinstance(self.next, Exception):
            raise self.next
        assert isinstance(self.next, Poll)
        return replace(self.next, received_at=self.now)

    def clock(self) -> datetime:
        return self.now


def fresh(seen: Snapshot, described: Stations | None = None, **more: Any) -> Poll:
    """Make a poll that brought something new."""
    poll = Poll(
        outcome="fresh",
        received_at=NOON,
        seconds=0.1,
        stations=described or stations(len(seen)),
        snapshot=seen,
        at=seen.at,
        ttl_seconds=0.0,
        still_seconds=0.0,
        findings=(),
    )
    return replace(poll, **more)


def nothing(outcome: Any = "unchanged", **more: Any) -> Poll:
    """Make a poll that brought nothing new."""
    return replace(fresh(next(riders(1)), snapshot=None), outcome=outcome, **more)


class Desk:
    """A store, a scripted feed, and as many workers as a test wants."""

    def __init__(self, path: Path) -> None:
        self.url = store_url(path)
        self.store = Store(self.url)
        self.store.systems.follow([CITY])
        self.feed = Script()

    def worker(self, holder: str = "me", system: System = CITY, **more: Any) -> Ticker:
        return Ticker(
            system, self.store, holder, self.feed.open, self.feed.clock, jitter=random.Random(1), **more
        )

    def tick(self, ticker: Ticker, answer: Any, after: timedelta = MINUTE) -> datetime:
        """Let time pass, set the answer of the feed, and tick."""
        self.feed.now += after
        self.feed.next = answer
        return ticker.tick()

    def state(self) -> tuple[str, Reason | None, int]:
        state = self.store.systems.state("test")
        assert state is not None
        return state.state, state.reason, state.failures

    def outcomes(self) -> list[str]:
        log = self.store.observations.polls("test", NOON - MINUTE, NOON + timedelta(days=30))
        return list(log["outcome"])


def state_of(store: Store) -> bytes:
    found = recover(store, "test")
    assert found is not None
    return found.forecaster.to_bytes()


class ScriptedWeather:
    """Weather that the test has set, once."""

    def __init__(self) -> None:
        self.next: Weather | None = None

    def poll(self, stations: Stations) -> Weather | None:
        weather, self.next = self.next, None
        return weather


def rain(at: datetime) -> Weather:
    values = np.tile([12.0, 80.0, 1010.0, 4.0, 60.0, 2.0], (26, 1))
    return Weather(int(at.timestamp()) + 3600 * np.arange(26), values)
