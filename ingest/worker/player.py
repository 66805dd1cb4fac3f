"""Ticks a played system: at the speed that is asked for, with pauses, jumps and new beginnings.

Whatever lies between two ticks is learnt on the way, ten minutes at a time. So a jump to the next morning, a
night with the machine switched off, and the month that a made-up city has learnt when it first appears are
one and the same thing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from ingest.gbfs.feed import Poll
from ingest.replay.tape import Tape
from ingest.store import Store
from ingest.store.playback import Playback
from ingest.system import System
from ingest.worker.catch_up import WEATHER_EVERY, catch_up
from ingest.worker.tick import LEASE, STANDBY_INTERVAL, LearnGap, Ticker, WorkingCopy
from model.forecaster import Forecaster
from model.records import Snapshot, Stations
from model.scoring.issue import Score

LOOK = timedelta(seconds=1)
"""How often one that stands still is looked at, and the least time between two ticks."""

GAP = timedelta(minutes=11)
"""A longer time between two snapshots is gone through."""

# One at a time: two would halve each other's speed, and the first city is the one that people wait for.
_warming = threading.RLock()


@dataclass
class _Feed:
    """A tape as a feed. `wanted` says what time it is."""

    tape: Tape
    clock: Callable[[], datetime]
    wanted: Playback

    def resume(self, stations: Stations | None, at: datetime | None) -> None:
        """Nothing is kept here to be taken up."""

    def poll(self) -> Poll:
        """Give the newest snapshot."""
        wall = self.clock()
        snapshot = self.tape.snapshot(self.wanted.now(wall))
        return Poll("fresh", wall, 0.0, self.tape.stations, snapshot, snapshot.at, 0.0, 0.0, ())


class Player(Ticker):
    """Plays one system; for one thread at a time. See `Ticker` for what else it takes."""

    def __init__(
        self,
        system: System,
        tape: Tape,
        store: Store,
        holder: str,
        clock: Callable[[], datetime],
        **more: Any,
    ) -> None:
        super().__init__(system, store, holder, self._open, clock, **more)
        self._tape = tape
        self._feed = _Feed(tape, clock, tape.first(clock()))
        self._told_at: datetime | None = None
        self._told_pace: tuple[float, float] | None = None
        self._due = clock()

    def _open(self) -> _Feed:
        return self._feed

    def run_tick(self) -> datetime:
        now = self.clock()
        wanted = self.store.playback(self.system.system_id)
        if wanted is None:
            wanted = self._tape.first(now)
            self.store.play(self.system.system_id, wanted)
        if wanted == self._feed.wanted and now < self._due:
            return min(self._due, now + LOOK)
        self._feed.wanted = wanted
        self._pace(wanted)
        if wanted.paused or wanted.begun != wanted.run:
            if not self.take_lease(now):
                return now + STANDBY_INTERVAL
            if wanted.paused:
                self._tell_pace()
                self.log_state("paused", "until somebody plays it")
                return now + LOOK
            self.working_copy = self._told_at = None
            wanted = replace(wanted, at=self._tape.opening(wanted.begin, now), wall=now, begun=wanted.run)
            self.store.begin(self.system.system_id, self.holder, now, LEASE, wanted)
            self._feed.wanted = wanted
        if self.working_copy is not None:
            self._due = super().run_tick()
        elif _warming.acquire(blocking=False):  # waiting inside would keep live feeds from their turn
            try:
                self._due = super().run_tick()
            finally:
                _warming.release()
        else:
            return now + LOOK
        self._tell_pace()
        return min(self._due, now + LOOK)

    def _pace(self, wanted: Playback) -> None:
        """Run at the speed that is wanted."""
        speed = 0.0 if wanted.paused else wanted.speed
        seconds = max(60 / wanted.speed, LOOK.total_seconds())
        self.system = replace(self.system, speed=speed, poll_seconds=seconds)

    def _tell_pace(self) -> None:
        """Write down the speed, by which pages reckon the city's time."""
        pace = self.system.speed, self.system.poll_seconds
        if pace != self._told_pace and self.store.set_pace(self.system.system_id, self.holder, *pace):
            self._told_pace = pace

    def before_learning(self, copy: WorkingCopy, snapshot: Snapshot) -> LearnGap | None:
        self._hear(copy, snapshot.at)
        known = None if copy.forecaster is None else copy.forecaster.at
        if known is None and self._feed.wanted.begin == "nothing":
            return None
        start = known or self._tape.learnt_from(snapshot.at)
        if snapshot.at - start <= GAP:
            return None
        return lambda forecaster: self._go_through(forecaster, start, snapshot.at)

    def _hear(self, copy: WorkingCopy, at: datetime) -> None:
        """Tell the weather an hour apart, as a live city is told."""
        if self._told_at is None or at - self._told_at >= WEATHER_EVERY:
            self._told_at = at
            copy.weather = self._tape.weather(at)

    def _go_through(self, forecaster: Forecaster, start: datetime, end: datetime) -> list[Score]:
        with _warming:
            return catch_up(forecaster, self._tape, start, end)
