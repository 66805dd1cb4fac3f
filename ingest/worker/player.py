"""Tick a playable source: at the speed that people set, with pauses, jumps and new beginnings.

The player learns the time between two ticks on the way, in steps of ten minutes. So it treats three things
alike: a jump to the next morning, a night with the machine switched off, and the month that a made-up city
has learnt when it first appears.

A made-up city that begins from nothing has an *elder* beside it: a forecaster that has learnt the month
before. It answers the same questions, and its scores come under `LEARNT`. So learning is seen at any hour,
against one that knows the town. The elder is in memory alone: a worker that starts again has none.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from ingest.gbfs.feed import Poll
from ingest.gbfs.hours import REMEMBERED, covering
from ingest.replay.playable_source import PlayableSource
from ingest.store import Store
from ingest.store.playback import Playback
from ingest.system import System
from ingest.worker.catch_up import WEATHER_EVERY, catch_up
from ingest.worker.tick import STANDBY_INTERVAL, LearnGap, Ticker, WorkingCopy
from model.forecaster import Forecaster
from model.records import Snapshot, Stations
from model.scoring.settle import Score

LOOK = timedelta(seconds=1)
"""How often a player reads the playback, and the least time between two ticks."""

LEARNT = "learnt"
"""The name that the scores of an elder's pool come under."""

GAP = timedelta(minutes=11)
"""A longer time between two snapshots is caught up on."""

QUICK, REPORT_EVERY = 0.7, 0.5
"""Seconds from which on pages are told how much is caught up on, and between two such reports."""

# One at a time: two would halve each other's speed, and people wait for the first city.
_catching_up = threading.RLock()


@dataclass
class _PlayedFeed:
    """A playable source as a feed, at the moment that its playback has reached."""

    source: PlayableSource
    clock: Callable[[], datetime]
    playback: Playback

    def resume(
        self, stations: Stations | None, at: datetime | None, documents: Mapping[str, str] | None = None
    ) -> None:
        """Do nothing: a playable source keeps no state between two polls."""

    def poll(self) -> Poll:
        """Give the newest snapshot."""
        wall = self.clock()
        snapshot = self.source.snapshot(self.playback.now(wall))
        documents = {REMEMBERED: self.source.hours} if self.source.hours else {}
        return Poll("fresh", wall, 0.0, self.source.stations, snapshot, snapshot.at, 0.0, 0.0, (), documents)


class Player(Ticker):
    """Plays one system; for one thread at a time. See `Ticker` for its other arguments."""

    def __init__(
        self,
        system: System,
        source: PlayableSource,
        store: Store,
        holder: str,
        clock: Callable[[], datetime],
        **more: Any,
    ) -> None:
        super().__init__(system, store, holder, self._open, clock, **more)
        self._source = source
        self._feed = _PlayedFeed(source, clock, source.first_playback(clock()))
        self._weather_at: datetime | None = None
        self._stored_pace: tuple[float, float] | None = None
        self._due = clock()
        self._is_reported = True  # by a worker of before, perhaps

    def _open(self) -> _PlayedFeed:
        return self._feed

    def run_tick(self) -> datetime:
        """Follow the playback, then tick; give the time of the next look at the playback."""
        now = self.clock()
        playback = self.store.playback.get(self.system.system_id)
        if playback is None:
            playback = self._source.first_playback(now)
            self.store.playback.set(self.system.system_id, playback)
        if playback == self._feed.playback and now < self._due:
            return min(self._due, now + LOOK)
        self._feed.playback = playback
        self._set_pace(playback)
        if playback.paused or playback.begun != playback.run:
            if not self.take_lease(now):
                return now + STANDBY_INTERVAL
            if playback.paused:
                self._store_pace()
                self._end_report()
                self.log_state("paused", "until somebody plays it")
                return now + LOOK
            self._begin_anew(playback, now)
        if self.working_copy is not None:
            self._due = super().run_tick()
        elif _catching_up.acquire(blocking=False):  # to wait here would keep live feeds from their turn
            try:
                self._due = super().run_tick()
            finally:
                _catching_up.release()
        else:
            return now + LOOK
        self._store_pace()
        self._end_report()
        return min(self._due, now + LOOK)

    def _begin_anew(self, playback: Playback, now: datetime) -> None:
        """Drop what was learnt, and begin as the playback says."""
        self.working_copy = self._weather_at = None
        at = self._source.begin_at(playback.begin, now)
        begun = replace(playback, at=at, wall=now, begun=playback.run)
        self.store.begin(self.claim(now), begun)
        self._feed.playback = begun

    def _set_pace(self, playback: Playback) -> None:
        """Run at the playback's speed."""
        speed = 0.0 if playback.paused else playback.speed
        seconds = max(60 / playback.speed, LOOK.total_seconds())
        self.system = replace(self.system, speed=speed, poll_seconds=seconds)

    def _store_pace(self) -> None:
        """Store the speed where it has changed: pages need it to tell the city's time."""
        pace = self.system.speed, self.system.poll_seconds
        if pace != self._stored_pace and self.store.set_pace(self.claim(self.clock()), *pace):
            self._stored_pace = pace

    def _end_report(self) -> None:
        """Tell pages that nothing is caught up on, where they may believe it."""
        if self._is_reported:
            self._is_reported = not self.store.set_progress(self.claim(self.clock()), None)

    def before_learning(self, copy: WorkingCopy, snapshot: Snapshot) -> LearnGap | None:
        """Take in the weather; give a way to catch up on the time before a snapshot, where it is long."""
        self._update_weather(copy, snapshot.at)
        newest = None if copy.forecaster is None else copy.forecaster.at
        if newest is None and self._feed.playback.begin == "nothing":
            return None
        start = newest or self._source.learn_from(snapshot.at)
        if snapshot.at - start <= GAP:
            return None
        return lambda forecaster: self._catch_up(forecaster, start, snapshot.at)

    def runs_seed(self) -> bool:
        """Tell whether the seed pipeline competes: not where a month is learnt, which takes it too long.

        Beside models that know the town it would be judged unfairly.
        """
        return super().runs_seed() and self._feed.playback.begin == "nothing"

    def scores_beside(self, copy: WorkingCopy, snapshot: Snapshot) -> list[Score]:
        """Let the elder learn a snapshot, and give its scores on the forecasts of the working copy."""
        newborn = copy.forecaster
        assert newborn is not None
        begins = newborn.at is None and self._feed.playback.begin == "nothing"
        start = self._source.learn_from(snapshot.at) if begins else snapshot.at
        if start < snapshot.at:
            copy.elder = Forecaster(newborn.stations)
            self._catch_up(copy.elder, start, snapshot.at)
            copy.elder.begin_record()
        elder, scores = copy.elder, list[Score]()
        if elder is None:
            return scores
        if copy.weather is not None:
            elder.update_weather(copy.weather)
        if newborn.at is not None:
            elder.gaps.newest = newborn.gaps.newest  # or it would wait for a truth that came for the other
            if snapshot.at - newborn.at > GAP:
                scores += self._catch_up(elder, newborn.at, snapshot.at)
        elder.update_hours(covering(self._source.hours, elder.stations, snapshot.at))
        scores += elder.learn(snapshot)
        return [replace(score, model=LEARNT) for score in scores if score.model == "pool"]

    def _update_weather(self, copy: WorkingCopy, at: datetime) -> None:
        """Take in the weather once an hour, as a live system does."""
        if self._weather_at is None or at - self._weather_at >= WEATHER_EVERY:
            self._weather_at = at
            copy.weather = self._source.weather(at)

    def _catch_up(self, forecaster: Forecaster, start: datetime, end: datetime) -> list[Score]:
        with _catching_up:
            begun = self._reported_at = time.monotonic()

            def report(progress: float) -> None:
                now = time.monotonic()
                if now - begun >= QUICK and now - self._reported_at >= REPORT_EVERY:
                    self._reported_at = now
                    self._is_reported |= self.store.set_progress(self.claim(self.clock()), progress)

            return catch_up(forecaster, self._source, start, end, report)
