"""What can be played: a made-up city, which has no end, or a recording.

A playable source has snapshots of its own time, from any moment on. So a player can run it at any speed, let
it stand still and go through the time between two moments; and the GBFS server can serve it as a feed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from ingest.city.cities import City
from ingest.gbfs.hours import PublishedHours
from ingest.replay.recording import Recording, RecordingError
from ingest.store.playback import Begin, Playback
from ingest.system import System
from model.records import Snapshot, Stations, Weather

MONTH = timedelta(days=28)
STEP_SECONDS = 600
"""How far apart the snapshots are that a forecaster catches up on: it still learns across that."""

log = logging.getLogger(__name__)


class PlayableSource(Protocol):
    """A made-up city or a recording. Moments are aware datetimes of the source's own time."""

    @property
    def system(self) -> System:
        """What is played; its `poll_seconds` are seconds of its own time."""

    @property
    def stations(self) -> Stations:
        """The stations."""

    @property
    def has_ebikes(self) -> bool:
        """Tell whether its counts tell e-bikes apart."""

    @property
    def static_at(self) -> datetime:
        """The date of the documents that never change."""

    @property
    def hours(self) -> str:
        """Its published opening hours as `PublishedHours` writes them; empty where it has none."""

    @property
    def daily_hours(self) -> tuple[int, int] | None:
        """The hours of the local day at which it opens and closes; None where they are not the same daily."""

    def snapshot(self, at: datetime) -> Snapshot:
        """Give the newest snapshot at a moment."""

    def newest_poll(self, now: float) -> tuple[int, float]:
        """Give the Unix time of the newest poll at a Unix time, and that at which the next poll is due."""

    def steps(self, start: datetime, end: datetime) -> Iterator[Snapshot]:
        """Go through snapshots after `start` and before `end`, some ten minutes apart."""

    def weather(self, at: datetime) -> Weather | None:
        """Give the weather as known at a moment."""

    def first_playback(self, wall: datetime) -> Playback:
        """Give the playback before anybody changes it; `wall` is the wall clock's time."""

    def begin_at(self, begin: Begin, wall: datetime) -> datetime:
        """Give the moment at which the source begins anew, with something learnt or with nothing."""

    def learn_from(self, at: datetime) -> datetime:
        """Give the moment from which a forecaster learns when the source begins anew at a moment."""

    def aware(self, start: datetime) -> datetime:
        """Give a moment of the source; one without a zone is the city's local time.

        Raises `RecordingError` where the source has nothing at that moment.
        """


class MadeUpCity:
    """A made-up city. Its time is the wall clock's until somebody runs it faster."""

    static_at = datetime(2026, 1, 1, tzinfo=UTC)

    def __init__(self, city: City) -> None:
        self._city = city
        self.system = city.system
        self.has_ebikes = bool(city.electric)
        self.daily_hours = city.daily_hours
        self.hours = ""
        if city.daily_hours is not None:
            opens, closes = city.daily_hours
            self.hours = PublishedHours(system=f"Mo-Su {opens:02}:00-{closes:02}:00").to_json()

    @property
    def stations(self) -> Stations:
        """The stations."""
        return self._city.stations

    def snapshot(self, at: datetime) -> Snapshot:
        """Give the snapshot of the minute."""
        return self._city.at(at)

    def newest_poll(self, now: float) -> tuple[int, float]:
        """Give the minute and the next one."""
        seconds = self.system.poll_seconds
        index = int(now // seconds)
        return int(index * seconds), (index + 1) * seconds

    def steps(self, start: datetime, end: datetime) -> Iterator[Snapshot]:
        """Go through the snapshots in between, every ten minutes."""
        return self._city.snapshots(start + timedelta(seconds=1), end, STEP_SECONDS)

    def weather(self, at: datetime) -> Weather | None:
        """Give the weather observed and forecast."""
        return self._city.weather(at)

    def first_playback(self, wall: datetime) -> Playback:
        """Run with the wall clock, with a month learnt."""
        return Playback(wall, wall)

    def begin_at(self, begin: Begin, wall: datetime) -> datetime:
        """Begin anew at the wall clock's time."""
        return wall

    def learn_from(self, at: datetime) -> datetime:
        """Learn from a month before."""
        return at - MONTH

    def aware(self, start: datetime) -> datetime:
        """Give any moment: a made-up city has snapshots at all times."""
        return _in_zone(start, self.stations)


class RecordedCity:
    """A recording. It stands still until somebody plays it, and again at its end."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.system = recording.system
        self.has_ebikes = recording.has_ebikes
        self.hours = recording.hours
        self.daily_hours: tuple[int, int] | None = None
        self.static_at, self._last_at = (
            datetime.fromtimestamp(int(recording.polls[end]), UTC) for end in (0, -1)
        )
        self._replay = recording.replay()
        self._over = False

    @property
    def stations(self) -> Stations:
        """The stations."""
        return self.recording.stations

    def snapshot(self, at: datetime) -> Snapshot:
        """Give the newest snapshot, and before the first poll the first."""
        return self._replay.snapshot(max(self.recording.newest(at.timestamp()), 0))

    def newest_poll(self, now: float) -> tuple[int, float]:
        """Find the newest poll. In a hole the next is overdue: a feed cannot know when it will be mended."""
        polls = self.recording.polls
        index = self.recording.newest(now)
        due = float(polls[index]) + self.system.poll_seconds
        if index + 1 < len(polls):
            due = min(due, float(polls[index + 1]))
        elif now > due and not self._over:
            self._over = True
            log.info("%s: the recording is over, the feed stands still", self.system.system_id)
        return int(polls[index]), due

    def steps(self, start: datetime, end: datetime) -> Iterator[Snapshot]:
        """Go through the polls in between, without those that are closer than some ten minutes."""
        last = start
        for snapshot in self.recording.snapshots(start, end):
            if (snapshot.at - last).total_seconds() >= STEP_SECONDS - 30:
                last = snapshot.at
                yield snapshot

    def weather(self, at: datetime) -> Weather | None:
        """Give the weather that became known last."""
        known = [weather for known_at, weather in self.recording.weathers() if known_at <= at]
        return known[-1] if known else None

    def first_playback(self, wall: datetime) -> Playback:
        """Stand at the first poll, with nothing learnt."""
        return Playback(self.static_at, wall, speed=60.0, paused=True, begin="nothing")

    def begin_at(self, begin: Begin, wall: datetime) -> datetime:
        """Begin at the first poll, or in the middle with the first half learnt."""
        first = self.static_at
        return first if begin == "nothing" else first + (self._last_at - first) / 2

    def learn_from(self, at: datetime) -> datetime:
        """Learn from the first poll."""
        return self.static_at

    def aware(self, start: datetime) -> datetime:
        """Give a moment between the first poll and the last.

        Raises `RecordingError` for any other.
        """
        start = _in_zone(start, self.stations)
        if not self.static_at <= start <= self._last_at:
            raise RecordingError(
                f"{self.system.system_id} was recorded from {self.static_at:%Y-%m-%d %H:%M} "
                f"to {self._last_at:%Y-%m-%d %H:%M} UTC: start it in between"
            )
        return start


def _in_zone(moment: datetime, stations: Stations) -> datetime:
    """Give an aware moment; one without a zone is the stations' local time."""
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=ZoneInfo(stations.timezone))
