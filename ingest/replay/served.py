"""What can be served as a feed: recordings, and made-up cities, each with where in its time it is."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from ingest.city.cities import CITIES, City
from ingest.replay.recording import ChangeReplay, Recording, RecordingError, find
from model.records import Snapshot, Stations

log = logging.getLogger(__name__)


class PlayableSource(Protocol):
    """What is served: a recording or a made-up city, and where in its time it is."""

    system_id: str
    name: str
    city: str
    country: str
    label: str
    poll_seconds: float
    """Seconds of its own time between two polls."""
    has_ebikes: bool
    since: datetime

    @property
    def stations(self) -> Stations:
        """The stations."""

    def moment(self, now: float) -> tuple[int, float]:
        """Number the newest poll at a Unix time of its own, and say when the next is due."""

    def snapshot(self, index: int) -> Snapshot:
        """Give the snapshot of a poll."""

    def begin(self, start: datetime | None) -> datetime:
        """Find where to begin, where nobody says, or from a time that somebody did."""


class Recorded:
    """A recording as something to serve."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.system_id, self.name, self.city = recording.system_id, recording.name, recording.city
        self.country, self.label = recording.country, recording.label
        self.poll_seconds, self.has_ebikes = recording.poll_seconds, recording.has_ebikes
        self.since = datetime.fromtimestamp(int(recording.polls[0]), UTC)
        self._player = ChangeReplay(recording)
        self._over = False

    @property
    def stations(self) -> Stations:
        """The stations."""
        return self.recording.stations

    def moment(self, now: float) -> tuple[int, float]:
        """Find the newest poll. In a hole the next is overdue: a feed cannot know when it will be mended."""
        polls = self.recording.polls
        index = self.recording.newest(now)
        due = float(polls[index]) + self.poll_seconds
        if index + 1 < len(polls):
            due = min(due, float(polls[index + 1]))
        elif now > due and not self._over:
            self._over = True
            log.info("%s: the recording is over, the feed stands still", self.system_id)
        return index, due

    def snapshot(self, index: int) -> Snapshot:
        """Play the recording to a poll."""
        return self._player.play(index)

    def begin(self, start: datetime | None) -> datetime:
        """Find where to begin: at the first poll, or at a time of the recording.

        Raises `RecordingError` when `start` is no time of it; without a zone it is the city's.
        """
        last = datetime.fromtimestamp(int(self.recording.polls[-1]), UTC)
        if start is None:
            return self.since
        if start.tzinfo is None:
            start = start.replace(tzinfo=ZoneInfo(self.stations.timezone))
        if not self.since <= start <= last:
            raise RecordingError(
                f"{self.system_id} was recorded from {self.since:%Y-%m-%d %H:%M} "
                f"to {last:%Y-%m-%d %H:%M} UTC: start it in between"
            )
        return start


class MadeUp:
    """A made-up city as something to serve; it is there at any time."""

    poll_seconds = 60.0

    def __init__(self, city: City) -> None:
        self._city = city
        self.system_id, self.name, self.city, self.country = (
            city.system_id,
            city.name,
            city.city,
            city.country,
        )
        self.label, self.has_ebikes = "simulated", bool(city.electric)
        self.since = datetime(2026, 1, 1, tzinfo=UTC)

    @property
    def stations(self) -> Stations:
        """The stations."""
        return self._city.stations

    def moment(self, now: float) -> tuple[int, float]:
        """Number the minute."""
        index = int(now // self.poll_seconds)
        return index, (index + 1) * self.poll_seconds

    def snapshot(self, index: int) -> Snapshot:
        """Give the snapshot of a minute."""
        return self._city.at(datetime.fromtimestamp(index * self.poll_seconds, UTC))

    def begin(self, start: datetime | None) -> datetime:
        """Begin now, or at another time; without a zone it is the city's."""
        if start is None:
            return datetime.now(UTC)
        return start if start.tzinfo is not None else start.replace(tzinfo=ZoneInfo(self.stations.timezone))


def load(paths: Iterable[Path]) -> list[Recording]:
    """Read the recordings that paths name, each a recording or a folder of them.

    Raises `RecordingError` when a path holds none, or two have the same system id.
    """
    folders = {folder.resolve(): folder for path in paths for folder in find(path)}
    recordings: dict[str, Recording] = {}
    for folder in folders.values():
        recording = Recording.read(folder)
        if recording.system_id in recordings:
            raise RecordingError(
                f"Two recordings are of {recording.system_id}, one of them {folder}: "
                "serve one, or change the system_id in its system.json"
            )
        recordings[recording.system_id] = recording
    return list(recordings.values())


def sources(paths: Iterable[Path]) -> list[Recorded | MadeUp]:
    """Open what is named: recordings, folders of recordings, and made-up cities by their ids.

    Raises `RecordingError` as `load` does.
    """
    named = list(paths)
    cities = [path for path in named if str(path) in CITIES and not path.exists()]
    recordings = load(path for path in named if path not in cities)
    return [*(MadeUp(CITIES[str(path)]) for path in cities), *(Recorded(each) for each in recordings)]
