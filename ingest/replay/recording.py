"""A recording: a folder that holds a system's stations, polls and changes.

    system.json      system_id, name, timezone; city, country, poll_seconds, label where known, and hours as
                     `ingest.gbfs.hours` writes what a feed has published
    stations.csv     station_id, name, lat, lon, capacity
    changes.parquet  a row each time a station's numbers changed: at (Unix seconds), station_id, bikes,
                     docks; ebikes, cargo, renting and returning (or one `open` for both), and state (a
                     number of `CountState`) where known
    polls.parquet    at of every successful poll; between two polls nothing changed
    told.parquet     where known, the weather as the app knew it: when (at), hour, and the values below
    weather.csv      where known, the weather as observed: at, and any of temperature (°C), humidity (%),
                     pressure (hPa), wind (m/s), clouds (%), and rain (mm/h) or a description in words

A station's value at a poll is its last change at or before it, and unknown before its first. Where no poll
is, nothing is known: the operator or the recorder was down, for up to 66 h in Boulder. The counts of an open
station that has a capacity, yet neither a bike nor a dock, are unknown, as in a live feed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import numpy as np

from ingest.replay import recording_files as files
from ingest.replay.change_log import ChangeLog, ChangeReplay
from ingest.system import System
from model.arrays import Ints
from model.records import Snapshot, Stations, Weather


class RecordingError(Exception):
    """A folder is no recording, or must not be written to. The text says what to do."""


@dataclass(frozen=True, eq=False)
class Recording:
    """What a system's feed held, poll by poll.

    `hours` are its opening hours as JSON, empty where they were not recorded. `system` has no address. Its
    `poll_seconds` is the usual time between two polls, measured where the recording does not state it. Its
    `label` is "replayed", or "simulated" for a recorded made-up city.
    """

    system: System
    stations: Stations
    _log: ChangeLog = field(repr=False)
    _weathers: tuple[tuple[datetime, Weather], ...] = field(repr=False)
    hours: str = field(default="", repr=False)

    @classmethod
    def read(cls, path: Path) -> Recording:
        """Read the recording in a folder.

        Raises `RecordingError` when it is none, or a damaged one.
        """
        path = Path(path)
        missing = [name for name in files.REQUIRED if not (path / name).is_file()]
        if missing:
            raise RecordingError(
                f"{path} is no recording, it lacks {', '.join(missing)}: "
                "name a folder that `python -m ingest record` wrote"
            )
        from pyarrow.lib import ArrowException

        try:
            polls = files.read_polls(path)
            system, timezone, hours = files.read_system(path, polls)
            stations = files.read_stations(path, system, timezone)
            log = files.read_changes(path, stations.station_id, polls)
            believable = log.believable(stations.capacity)
            return cls(system, stations, believable, files.read_weathers(path), hours)
        except (ValueError, TypeError, KeyError, OSError, OverflowError, ArrowException) as error:
            raise RecordingError(
                f"The recording {path} is damaged ({error}): copy it or record it again"
            ) from error

    @property
    def polls(self) -> Ints:
        """When each poll was, as rising Unix seconds `(P,)`."""
        return self._log.polls

    @property
    def has_ebikes(self) -> bool:
        """Tell whether e-bikes were counted apart from other bikes."""
        return "ebikes" in self._log.columns

    def newest(self, at: float) -> int:
        """Give the position in `polls` of the newest poll at or before a Unix time, -1 before the first."""
        return int(np.searchsorted(self.polls, at, side="right")) - 1

    def at(self, at: datetime) -> Snapshot | None:
        """Give the newest snapshot at or before a time; None before the first poll.

        Its own `at` is the poll's time, which in a hole of the recording is long before the given time.
        """
        index = self.newest(at.timestamp())
        return None if index < 0 else self.replay().snapshot(index)

    def head(self, polls: int) -> Recording:
        """Give the recording of the first `polls` polls."""
        return replace(self, _log=replace(self._log, polls=self.polls[:polls]))

    def thinned(self, minutes: int) -> Recording:
        """Give the recording with the first poll of every so many minutes alone."""
        first = np.flatnonzero(np.diff(self.polls // (60 * minutes), prepend=-1))
        return replace(self, _log=replace(self._log, polls=self.polls[first], ends=self._log.ends[first]))

    def weathers(self) -> Iterator[tuple[datetime, Weather]]:
        """Go through the weather with the time from which each was known, oldest first."""
        return iter(self._weathers)

    def replay(self) -> ChangeReplay:
        """Begin to replay the changes; positions are those in `polls`."""
        return ChangeReplay(self._log)

    def snapshots(self, start: datetime | None = None, end: datetime | None = None) -> Iterator[Snapshot]:
        """Go through the polls from `start` on and before `end`, oldest first."""
        first, stop = (
            default if bound is None else int(np.searchsorted(self.polls, bound.timestamp()))
            for bound, default in ((start, 0), (end, len(self.polls)))
        )
        return self.replay().snapshots(first, stop)


def find(path: Path) -> list[Path]:
    """List the folders of the recordings at a path: itself, or those in its folders, two deep.

    Raises `RecordingError` when there is none.
    """
    path = Path(path)
    if (path / "system.json").is_file():
        return [path]
    found = sorted(child.parent for depth in ("*", "*/*") for child in path.glob(f"{depth}/system.json"))
    if not found:
        raise RecordingError(
            f"There is no recording at {path}: name a folder that holds system.json, or a folder of such"
        )
    return found


def read_all(paths: Iterable[Path]) -> list[Recording]:
    """Read the recordings at some paths, each path a recording or a folder of them.

    Raises `RecordingError` when a path holds none, or two have the same system id.
    """
    folders = {folder.resolve(): folder for path in paths for folder in find(path)}
    recordings: dict[str, Recording] = {}
    for folder in folders.values():
        recording = Recording.read(folder)
        system_id = recording.system.system_id
        if system_id in recordings:
            raise RecordingError(
                f"Two recordings are of {system_id}, one of them {folder}: "
                "serve one, or change the system_id in its system.json"
            )
        recordings[system_id] = recording
    return list(recordings.values())
