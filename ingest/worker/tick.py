"""One system, one minute: fetch, settle, learn, forecast, commit.

What is in memory is only ever a copy of what the store holds. It is thrown away whenever the two may have
parted, by a commit that failed, a lost lease or a bug, and brought back from the store at the next tick.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from ingest.gbfs.feed import FeedError, Poll
from ingest.registry import System
from ingest.store import LEARNT, LeaseLostError, PollRow, Store, SystemState, TickResult, findings_json
from ingest.store.daily_scores import daily
from ingest.store.issued_forecasts import is_due
from ingest.worker import schedule
from ingest.worker.recovery import relearn
from model.forecaster import Forecaster
from model.frame_builder import make_frame
from model.records import Snapshot, Stations, Weather
from model.scoring.issue import SCORED_MINUTES, Score

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=15)
"""How long a worker may be out of touch with the store before another one takes its systems."""

STAND_BY = timedelta(seconds=5)
"""How often a worker that stands by asks whether a system is free, or whether the store is back."""

_FORGET_EVERY = timedelta(hours=1)
_FORGET_AT_MOST_EVERY = timedelta(minutes=1)


class SnapshotSource(Protocol):
    """What a tick needs of a feed: see `ingest.gbfs.Feed`."""

    def poll(self) -> Poll:
        """Read the feed."""

    def resume(self, stations: Stations | None, at: datetime | None) -> None:
        """Take up where somebody left off."""


class WeatherSource(Protocol):
    """What a tick needs of the weather: see `ingest.weather.WeatherFeed`."""

    def poll(self, stations: Stations) -> Weather | None:
        """Give the weather where the stations are, if it is due and can be had."""


Through = Callable[[Forecaster], list[Score]]
"""Learns what lies between a forecaster's newest snapshot and the one that is about to be learnt."""


@dataclass
class Memory:
    """What is in memory of one system, from the store."""

    feed: SnapshotSource
    forecaster: Forecaster | None
    checkpoint_at: datetime | None
    live_at: datetime
    due_at: datetime
    failures: int
    weather: Weather | None = None
    """What has come since the last commit."""


class Ticker:
    """Ticks one system; for one thread at a time.

    `feed` opens the system's feed anew. `place`, from 0 to 1, is when in its minute to poll. `turn` is held
    while a tick computes and commits, but not while it waits for a feed: with many systems it bounds the
    memory that all take together. `seed` lets the seed pipeline compete, and `sky` tells the weather.
    """

    def __init__(
        self,
        system: System,
        store: Store,
        holder: str,
        feed: Callable[[], SnapshotSource],
        clock: Callable[[], datetime],
        *,
        place: float = 0.0,
        checkpoint_seconds: float = 600,
        keep: timedelta = timedelta(days=8),
        chance: random.Random | None = None,
        turn: AbstractContextManager[object] | None = None,
        seed: bool = False,
        sky: WeatherSource | None = None,
    ) -> None:
        self.system = system
        self._id = system.system_id
        self._store = store
        self._holder = holder
        self._open_feed = feed
        self._clock = clock
        self._place = place
        self._checkpoint_seconds = checkpoint_seconds
        self._keep = keep
        self._chance = chance or random.Random()
        self._turn = turn or nullcontext()
        self._seed = seed
        self._sky = sky
        self._memory: Memory | None = None
        self._forget_at: datetime | None = None
        self._breakdowns = 0
        self._ask_at = clock()
        self._said = "waiting"

    def tick(self) -> datetime:
        """Poll, learn, forecast and commit, and say when to come again. Raises nothing."""
        try:
            due = self._tick()
        except LeaseLostError:
            self._memory = None
            self._say("standing by", "another worker has taken over")
            return self._clock() + STAND_BY
        except Exception as error:
            self._memory = None
            if isinstance(error, SQLAlchemyError):
                # The feed has its peace meanwhile; the store may be asked as often as one likes.
                due = max(self._clock() + STAND_BY, self._ask_at)
                why = str(getattr(error, "orig", None) or error).strip()
                self._say("without a store", f"{why}; what was learnt since the last commit is read again")
            else:
                self._breakdowns += 1
                due = schedule.after_failure(self.system, self._clock(), self._breakdowns, self._chance)
                log.exception("system=%s: a bug ended this tick, the next is at %s", self._id, _hm(due))
            return due
        self._breakdowns = 0
        return due

    def _tick(self) -> datetime:
        now = self._clock()
        if self._memory is not None:
            self._store.renew_lease(self._id, self._holder, now, LEASE)
        elif not self._store.take_lease(self._id, self._holder, now, LEASE):
            self._say("standing by", "another worker is at work")
            return now + STAND_BY
        memory = self._memory
        if memory is None:
            memory = self._memory = self._recall(now)
            if now < memory.due_at:
                return memory.due_at
        asked_at, begun = self._clock(), time.perf_counter()
        try:
            poll = memory.feed.poll()
        except FeedError as error:
            return self._failed(memory, error, time.perf_counter() - begun)
        due = self._ask_at = schedule.after_answer(
            self.system, asked_at, poll.received_at, poll.ttl_seconds, self._place
        )
        try:
            self._take_in(memory, poll, due)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            # Whether that commit came through, only the store knows. The pool has a new connection for it.
            told, memory = memory.weather, self._recall(now)
            memory.weather, self._memory = told, memory
            if self._news(memory, poll) is not None:
                self._take_in(memory, poll, due)
        if self._sky is not None and memory.forecaster is not None:
            memory.weather = self._sky.poll(memory.forecaster.stations) or memory.weather
        return due

    def _recall(self, now: datetime) -> Memory:
        """Bring back from the store all that a tick builds on."""
        state = self._store.state(self._id)
        with self._turn:
            found = relearn(self._store, self._id)
        forecaster = None if found is None else found.forecaster
        # What is in memory differs from what the log gives again, until there is a new checkpoint.
        changed = forecaster is not None and forecaster.run_seed_pipeline(self._seed)
        feed = self._open_feed()
        if forecaster is not None:
            feed.resume(forecaster.stations, forecaster.at)
        return Memory(
            feed=feed,
            forecaster=forecaster,
            checkpoint_at=None if found is None or changed else found.checkpoint_at,
            live_at=now if state is None or state.received_at is None else state.received_at,
            due_at=self._owed(state, now),
            failures=0 if state is None else state.failures,
        )

    def _owed(self, state: SystemState | None, now: datetime) -> datetime:
        """Keep what the last worker promised a feed that answered; one that did not is tried at once."""
        if state is None or state.failures or state.next_poll_at is None:
            return now
        longest = timedelta(seconds=max(2 * self.system.poll_seconds, 300))
        return min(state.next_poll_at, now + longest)

    # ------------------------------------------------------------------ what a poll may come to

    def _take_in(self, memory: Memory, poll: Poll, due: datetime) -> None:
        """Commit what a feed's answer comes to."""
        with self._turn:
            snapshot = self._news(memory, poll)
            if snapshot is None:
                self._nothing_new(memory, poll, due)
            else:
                self._learn(memory, poll, snapshot, due, self._between(memory, snapshot))
            self._forget(memory)

    def _news(self, memory: Memory, poll: Poll) -> Snapshot | None:
        """Give the snapshot as the log will hold it, in whole seconds; None where that is nothing new."""
        if poll.snapshot is None:
            return None
        snapshot = replace(poll.snapshot, at=poll.snapshot.at.replace(microsecond=0))
        newest = None if memory.forecaster is None else memory.forecaster.at
        return snapshot if newest is None or snapshot.at > newest else None

    def _learn(
        self, memory: Memory, poll: Poll, snapshot: Snapshot, due: datetime, through: Through | None = None
    ) -> None:
        """Learn a snapshot and commit the tick; first what lies between, where `through` knows more of it."""
        stations = None
        forecaster = memory.forecaster
        if forecaster is None:
            forecaster = memory.forecaster = Forecaster(poll.stations, seed=self._seed)
            stations = poll.stations
        elif poll.stations is not forecaster.stations and not poll.stations.same_as(forecaster.stations):
            forecaster.update_stations(poll.stations)
            stations = poll.stations
        told = memory.weather
        if told is not None:
            forecaster.update_weather(told)
        before = forecaster.snapshot()
        scores = [] if through is None else through(forecaster)
        since = forecaster.at
        begun = time.perf_counter()
        scores += forecaster.learn(snapshot)
        learnt = time.perf_counter()
        frame = make_frame(forecaster)
        keep = is_due(None if before is None else before.at, snapshot.at)
        said = frame.only(SCORED_MINUTES).to_bytes() if keep else None
        packed = frame.to_bytes()
        forecast = time.perf_counter()
        after = forecaster.snapshot()
        assert after is not None
        assert forecaster.learning_since is not None
        last = memory.checkpoint_at
        every = timedelta(seconds=self._checkpoint_seconds * self.system.speed)
        old = last is None or snapshot.at - last >= every
        # Neither the description nor the weather is in the log, nor what was learnt on the way.
        more = stations is not None or told is not None or through is not None
        checkpoint = forecaster.to_bytes() if old or more else None
        silent = timedelta(seconds=poll.still_seconds) > self._patience(poll)
        state = "silent" if silent else "live"
        self._store.commit_tick(
            self._id,
            self._holder,
            self._clock(),
            LEASE,
            due,
            TickResult(
                poll=replace(
                    _row(poll, LEARNT, snapshot.at, memory),
                    learn_seconds=learnt - begun,
                    forecast_seconds=forecast - learnt,
                ),
                changes=changes(before, after),
                frame=packed,
                said=said,
                before=since,
                weather=told,
                learning_since=forecaster.learning_since,
                scores=[score.row() for score in scores],
                stations=stations,
                checkpoint=checkpoint,
                state=state,
                daily=daily(scores, after.station_id, forecaster.stations.timezone),
                drifts=forecaster.drifts,
            ),
        )
        memory.weather = None
        if checkpoint is not None:
            memory.checkpoint_at = snapshot.at
        memory.live_at, memory.failures = poll.received_at, 0
        self._say(state, f"{len(poll.stations)} stations")

    def _between(self, memory: Memory, snapshot: Snapshot) -> Through | None:
        """Say how to learn what lies before a snapshot; None where nobody knows: a feed tells only now."""
        return None

    def _nothing_new(self, memory: Memory, poll: Poll, due: datetime) -> None:
        """Write down a poll that brought nothing, and tell whether that has gone on for too long."""
        still = max(timedelta(seconds=poll.still_seconds), poll.received_at - memory.live_at)
        state, text = "live", ""
        if still > self._patience(poll):
            state = "silent"
            if poll.outcome == "late":
                text = "what it sends is older than what it sent before"
        outcome = "unchanged" if poll.outcome == "fresh" else poll.outcome
        memory.failures = 0
        self._commit_poll(_row(poll, outcome, None, memory, text), due, state, 0)
        self._say(state, f"nothing new since {_hm(poll.received_at - still)}")

    def _failed(self, memory: Memory, error: FeedError, seconds: float) -> datetime:
        memory.failures += 1
        now = self._clock()
        due = self._ask_at = schedule.after_failure(
            self.system, now, memory.failures, self._chance, error.retry_after
        )
        row = PollRow(now, None, error.kind, error.words, seconds, "[]")
        self._commit_poll(row, due, error.state, memory.failures)
        self._say(error.state, f"{error.words}; next try at {_hm(due)}")
        return due

    def _commit_poll(self, row: PollRow, due: datetime, state: str, failures: int) -> None:
        self._store.commit_poll(self._id, self._holder, self._clock(), LEASE, due, row, state, failures)

    def _patience(self, poll: Poll) -> timedelta:
        return schedule.silent_after(self.system, poll.ttl_seconds)

    def _forget(self, memory: Memory) -> None:
        now = self._clock()
        if self._forget_at is not None and now < self._forget_at:
            return
        self._forget_at = now + max(_FORGET_EVERY / max(self.system.speed, 1), _FORGET_AT_MOST_EVERY)
        newest = None if memory.forecaster is None else memory.forecaster.at
        self._store.forget(self._id, self._holder, (newest or now) - self._keep, now - self._keep)

    def _say(self, state: str, words: str) -> None:
        """Log what has changed, not each minute."""
        if state != self._said:
            self._said = state
            log.info("%s: %s, %s", self._id, state, words)


def changes(before: Snapshot | None, after: Snapshot) -> Snapshot:
    """Give the rows of `after` that differ from `before`, both as the forecaster holds them."""
    names = ("bikes", "docks", "ebikes", "renting", "returning")
    rows = np.ones(len(after), dtype=np.bool_)
    if before is not None:
        rows = np.any([getattr(before, name) != getattr(after, name) for name in names], axis=0)
    return Snapshot(after.at, after.station_id[rows], **{name: getattr(after, name)[rows] for name in names})


def _row(poll: Poll, outcome: str, at: datetime | None, memory: Memory, text: str = "") -> PollRow:
    waiting = 0 if memory.forecaster is None else sum(memory.forecaster.waiting.values())
    return PollRow(
        poll.received_at, at, outcome, text, poll.seconds, findings_json(poll.findings),
        poll.ttl_seconds, waiting=waiting,
    )  # fmt: skip


def _hm(at: datetime) -> str:
    return f"{at:%H:%M:%S} UTC"
