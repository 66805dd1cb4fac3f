"""What can be played: a made-up city, which has no end, or a recording.

A tape answers for any moment of its city's time at once, so that what plays it can run at any speed, stand
still, and go through what lies between two moments.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from ingest.city.cities import CITIES, City
from ingest.replay.recording import ChangeReplay, Recording, RecordingError
from ingest.settings import ROOT
from ingest.store.playback import Begin, Playback
from ingest.system import RECORDED, SIMULATED, System
from model.records import Snapshot, Stations, Weather

RECORDINGS = ROOT / "data" / "recordings"
"""Where recordings lie that pages offer to play."""

MONTH = timedelta(days=28)
STEP_SECONDS = 600
"""How far apart snapshots are that are learnt on the way: a forecaster still learns across that."""


class Tape(Protocol):
    """Something to play."""

    @property
    def stations(self) -> Stations:
        """The stations."""

    def snapshot(self, at: datetime) -> Snapshot:
        """Give the newest snapshot at a moment."""

    def steps(self, start: datetime, end: datetime) -> Iterator[Snapshot]:
        """Go through snapshots after `start` and before `end`, some ten minutes apart."""

    def weather(self, at: datetime) -> Weather | None:
        """Give what is known of the weather at a moment."""

    def first(self, wall: datetime) -> Playback:
        """Say how it is played before anybody has asked for anything."""

    def opening(self, begin: Begin, wall: datetime) -> datetime:
        """Say at which moment of the city's time it begins anew."""

    def learnt_from(self, at: datetime) -> datetime:
        """Say where learning begins for a start that has learnt."""


class CityTape:
    """A made-up city. Its time is that of the wall until somebody runs it faster."""

    def __init__(self, city: City) -> None:
        self._city = city

    @property
    def stations(self) -> Stations:
        """The stations."""
        return self._city.stations

    def snapshot(self, at: datetime) -> Snapshot:
        """Give the snapshot of the minute."""
        return self._city.at(at)

    def steps(self, start: datetime, end: datetime) -> Iterator[Snapshot]:
        """Go through what lies between, every ten minutes."""
        return self._city.snapshots(start + timedelta(seconds=1), end, STEP_SECONDS)

    def weather(self, at: datetime) -> Weather | None:
        """Give what is known of the weather."""
        return self._city.weather(at)

    def first(self, wall: datetime) -> Playback:
        """Run with the wall clock, a month learnt."""
        return Playback(wall, wall)

    def opening(self, begin: Begin, wall: datetime) -> datetime:
        """Begin anew at the wall's time."""
        return wall

    def learnt_from(self, at: datetime) -> datetime:
        """Begin to learn a month before."""
        return at - MONTH


class RecordingTape:
    """A recording. It stands still until it is played, and again at its end."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._player = ChangeReplay(recording)
        self._first, self._last = (datetime.fromtimestamp(int(recording.polls[end]), UTC) for end in (0, -1))

    @property
    def stations(self) -> Stations:
        """The stations."""
        return self._recording.stations

    def snapshot(self, at: datetime) -> Snapshot:
        """Give the newest snapshot."""
        return self._player.play(max(self._recording.newest(at.timestamp()), 0))

    def steps(self, start: datetime, end: datetime) -> Iterator[Snapshot]:
        """Go through what was recorded in between, leaving out what is closer than some ten minutes."""
        last = start
        for snapshot in self._recording.snapshots(start, end):
            if (snapshot.at - last).total_seconds() >= STEP_SECONDS - 30:
                last = snapshot.at
                yield snapshot

    def weather(self, at: datetime) -> Weather | None:
        """Give what had last been told."""
        told = [weather for when, weather in self._recording.told() if when <= at]
        return told[-1] if told else None

    def first(self, wall: datetime) -> Playback:
        """Stand at the beginning, with nothing learnt."""
        return Playback(self._first, wall, speed=60.0, paused=True, begin="nothing")

    def opening(self, begin: Begin, wall: datetime) -> datetime:
        """Begin at the beginning, or in the middle with the first half learnt."""
        return self._first if begin == "nothing" else self._first + (self._last - self._first) / 2

    def learnt_from(self, at: datetime) -> datetime:
        """Begin to learn at the beginning."""
        return self._first


def open_tape(system: System) -> Tape:
    """Open what a system's address names.

    Raises `LookupError` for a made-up city that there is not, and `RecordingError` for a recording that
    cannot be read.
    """
    kind, _, name = system.url.partition(":")
    if f"{kind}:" == SIMULATED:
        return CityTape(CITIES[name])
    return RecordingTape(Recording.read(RECORDINGS / name))


def recorded(folder: Path = RECORDINGS, known: Container[str] = ()) -> list[System]:
    """List the recordings to play, as systems; those whose ids are `known` are not read again.

    What cannot be read is left out.
    """
    found = []
    for path in sorted(folder.glob("*/system.json")):
        system_id = f"recorded-{path.parent.name}"
        if system_id in known:
            continue
        try:
            recording = Recording.read(path.parent)
        except RecordingError:
            continue
        found.append(
            System(
                system_id, recording.name, recording.city, recording.country,
                f"{RECORDED}{path.parent.name}", label="replayed",
            )
        )  # fmt: skip
    return found
