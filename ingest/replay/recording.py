"""A recording: a folder that holds what a system's feed said, poll by poll.

    system.json      system_id, name, timezone; city, country, poll_seconds, label where known
    stations.csv     station_id, name, lat, lon, capacity
    changes.parquet  a row each time a station's numbers changed: at (Unix seconds), station_id, bikes,
                     docks; ebikes and renting, returning (or one `open` for both) where known
    polls.parquet    at of every successful poll; between two polls nothing changed
    told.parquet     where known, what the app was told of the weather: when (at), hour, and the values below
    weather.csv      where known, what was observed: at, and of temperature (°C), humidity (%), pressure
                     (hPa), wind (m/s), clouds (%) and rain (mm/h) or a description in words what there is

A station's value at a poll is its last change at or before it, and unknown before its first. Where no poll
is, nothing is known: the operator or the recorder was down, for up to 66 h in Boulder.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyarrow.lib import ArrowException

from model.arrays import Ints
from model.records import UNKNOWN, WEATHER, Snapshot, Stations, Weather

if TYPE_CHECKING:
    from ingest.store import Store

WEATHER_FILE, TOLD_FILE = "weather.csv", "told.parquet"
FILES = ("system.json", "stations.csv", "changes.parquet", "polls.parquet")
_COUNTS = ("bikes", "docks", "ebikes")
_FLAGS = ("renting", "returning")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")  # what a list of systems takes
_COUNTRY = re.compile(r"[A-Z]{2}")
_LATEST = 2**33  # the year 2242: milliseconds lie beyond

log = logging.getLogger(__name__)


class RecordingError(Exception):
    """A folder is no recording, or must not be written to. The text says what to do."""


@dataclass(frozen=True, eq=False)
class Recording:
    """What a system's feed said, poll by poll.

    `polls` are Unix seconds, rising, `(P,)`. `poll_seconds` is the usual time between them, measured where
    the recording does not tell. `label` is "replayed", or "simulated" where the world recorded was made up.
    """

    system_id: str
    name: str
    city: str
    country: str
    label: str
    poll_seconds: float
    stations: Stations
    polls: Ints
    _changes: _Changes = field(repr=False)
    _told: tuple[tuple[datetime, Weather], ...] = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> Recording:
        """Read the recording in a folder.

        Raises `RecordingError` when it is none, or a damaged one.
        """
        path = Path(path)
        missing = [name for name in FILES if not (path / name).is_file()]
        if missing:
            raise RecordingError(
                f"{path} is no recording, it lacks {', '.join(missing)}: "
                "name a folder that `python -m ingest record` wrote"
            )
        try:
            return cls._read(path)
        except (ValueError, TypeError, KeyError, OSError, OverflowError, ArrowException) as error:
            raise RecordingError(
                f"The recording {path} is damaged ({error}): copy it or record it again"
            ) from error

    @classmethod
    def _read(cls, path: Path) -> Recording:
        system = json.loads((path / "system.json").read_text(encoding="utf-8"))
        if not isinstance(system, dict) or not all(system.get(key) for key in ("system_id", "timezone")):
            raise ValueError("system.json names no system_id or no timezone")
        system_id = str(system["system_id"])
        if not _ID.fullmatch(system_id):
            raise ValueError(f"system_id {system_id!r} has more in it than letters, digits, dots and dashes")
        timezone = str(ZoneInfo(system["timezone"]))
        name = _line(system.get("name")) or system_id
        country = str(system.get("country"))
        if not _COUNTRY.fullmatch(country):
            country = _country_of(timezone)
        polls = np.unique(_whole(_columns(path / "polls.parquet", ["at"])["at"]))
        if not len(polls):
            raise ValueError("polls.parquet is empty")
        if not 0 <= polls[0] <= polls[-1] < _LATEST:
            raise ValueError("polls.parquet does not hold Unix seconds")
        stations = _read_stations(path / "stations.csv", system_id, timezone, country)
        seconds = float(system.get("poll_seconds") or _usual_seconds(polls))
        if not 0 < seconds < float("inf"):
            raise ValueError(f"poll_seconds of {seconds:g} is no time between polls")
        return cls(
            system_id=system_id,
            name=name,
            city=_line(system.get("city")) or _city_of(name),
            country=country,
            label="simulated" if system.get("label") == "simulated" else "replayed",
            poll_seconds=seconds,
            stations=stations,
            polls=polls,
            _changes=_read_changes(path / "changes.parquet", stations, polls),
            _told=tuple(_read_told(path / TOLD_FILE) or _read_weather(path / WEATHER_FILE)),
        )

    @property
    def has_ebikes(self) -> bool:
        """Tell whether e-bikes were counted apart from other bikes."""
        return "ebikes" in self._changes.columns

    def newest(self, at: float) -> int:
        """Give the position in `polls` of the newest poll at or before a Unix time, -1 before the first."""
        return int(np.searchsorted(self.polls, at, side="right")) - 1

    def at(self, at: datetime) -> Snapshot | None:
        """Give the newest snapshot at or before a time; None before the first poll.

        Its own `at` is the poll's time, which in a hole of the recording is long before the time asked for.
        """
        index = self.newest(at.timestamp())
        return None if index < 0 else ChangeReplay(self).play(index)

    def told(self) -> Iterator[tuple[datetime, Weather]]:
        """Go through what was known of the weather, oldest first, and when: told to the app, or observed."""
        return iter(self._told)

    def snapshots(self, start: datetime | None = None, end: datetime | None = None) -> Iterator[Snapshot]:
        """Go through the polls from `start` on and before `end`, oldest first."""
        first, stop = (
            default if bound is None else int(np.searchsorted(self.polls, bound.timestamp()))
            for bound, default in ((start, 0), (end, len(self.polls)))
        )
        player = ChangeReplay(self)
        for index in range(first, stop):
            yield player.play(index)


class ChangeReplay:
    """Plays a recording: forward at the cost of what changed, backward from the beginning again."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._index = -1
        self._now: dict[str, Any] = {}

    def play(self, index: int) -> Snapshot:
        """Give the snapshot of the poll at a position in `polls`."""
        recording, changes = self._recording, self._recording._changes
        if index < self._index or not self._now:
            self._index = -1
            size = len(recording.stations)
            self._now = {name: np.full(size, True if name in _FLAGS else UNKNOWN) for name in changes.columns}
        rows = slice(changes.until[self._index], changes.until[index])
        stations = changes.station[rows]
        for name, values in changes.columns.items():
            # Where a station is named twice, the later row wins: numpy assigns in order.
            self._now[name][stations] = values[rows]
        self._index = index
        return Snapshot(
            at=datetime.fromtimestamp(int(recording.polls[index]), UTC),
            station_id=recording.stations.station_id,
            **self._now,
        )


@dataclass(frozen=True, eq=False)
class _Changes:
    """The changes in the order of their polls: poll `i` ends before row `until[i]`, and `until[-1]` is 0."""

    station: Ints
    columns: dict[str, NDArray[Any]]
    until: Ints


def find(path: Path) -> list[Path]:
    """List the recordings that a path names: itself, or those in its folders, two deep.

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


def write(
    store: Store, system_id: str, path: Path, start: datetime | None = None, end: datetime | None = None
) -> Recording:
    """Write what the store still has of a system, from `start` on and before `end`, and read it back.

    The folder appears whole or not at all. An older recording of the same system is replaced; any other
    folder is left alone. A station that the feed no longer describes has no position, and is left out.

    Raises `RecordingError` when the store has nothing, or the path is taken.
    """
    path = Path(path).absolute()
    _check_free(path, system_id)
    system = next((row for row in store.systems() if row.system_id == system_id), None)
    stations = store.stations(system_id)
    second = timedelta(seconds=1)  # the store's ranges are open at their start and closed at their end
    before = None if end is None else end - second
    polls = store.polls(system_id, None if start is None else start - second, before)
    if system is None or stations is None or not polls:
        known = ", ".join(row.system_id for row in store.systems()) or "none yet"
        raise RecordingError(
            f"The store holds no polls of {system_id} in that time. Systems followed: {known}"
        )
    times = np.array([int(poll.timestamp()) for poll in polls])
    changes = store.observations(system_id, None, polls[-1])
    old = changes["at"] <= times[0]
    changes = pd.concat([changes[old].drop_duplicates("station_id", keep="last"), changes[~old]])
    changes = changes[changes["station_id"].isin(stations.station_id)].reset_index(drop=True)
    if not (changes["ebikes"] >= 0).any():
        changes = changes.drop(columns="ebikes")

    told = [
        pd.DataFrame(weather.values, columns=list(WEATHER)).assign(at=int(at.timestamp()), hour=weather.hours)
        for at, weather in store.weathers(system_id, polls[-1])
        if at >= polls[0]
    ]

    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        scratch.mkdir(parents=True)
        described = {
            "system_id": system_id,
            "name": system.name,
            "city": system.city,
            "country": system.country,
            "timezone": stations.timezone,
            "poll_seconds": _usual_seconds(times),
            **({"label": system.label} if system.label == "simulated" else {}),
        }
        (scratch / "system.json").write_text(json.dumps(described, ensure_ascii=False, indent=1) + "\n")
        pd.DataFrame(
            {name: getattr(stations, name) for name in ("station_id", "name", "lat", "lon")}
            | {"capacity": stations.capacity}
        ).to_csv(scratch / "stations.csv", index=False)
        changes.to_parquet(scratch / "changes.parquet", index=False)
        pd.DataFrame({"at": times}).to_parquet(scratch / "polls.parquet", index=False)
        if told:
            pd.concat(told, ignore_index=True).to_parquet(scratch / TOLD_FILE, index=False)
        recording = Recording.read(scratch)
        _check_free(path, system_id)
        if path.exists():
            shutil.rmtree(path)
        scratch.rename(path)
    except OSError as error:
        raise RecordingError(f"{path} cannot be written ({error})") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return recording


def _check_free(path: Path, system_id: str) -> None:
    if not path.exists():
        return
    elsewhere = "name a folder that does not exist yet"
    if not path.is_dir():
        raise RecordingError(f"{path} is a file: {elsewhere}")
    names = {child.name for child in path.iterdir()}
    others = sorted(names - {*FILES, TOLD_FILE})
    if others:
        raise RecordingError(f"{path} holds other things ({others[0]}): {elsewhere}")
    if names and (not names >= set(FILES) or Recording.read(path).system_id != system_id):
        raise RecordingError(f"{path} is no recording of {system_id}: {elsewhere}")


_RAIN = {
    "drizzle": 0.3, "light rain": 0.5, "light intensity": 0.3, "moderate rain": 2.0, "heavy": 6.0,
    "thunderstorm": 4.0, "rain": 1.0, "snow": 1.0,
}  # fmt: skip
"""Millimetres an hour by what a description has in it; the first that it has counts."""


def _read_told(path: Path) -> list[tuple[datetime, Weather]]:
    if not path.is_file():
        return []
    table = _columns(path, ["at", "hour", *WEATHER])
    return [
        (
            datetime.fromtimestamp(int(str(at)), UTC),
            Weather(_whole(rows["hour"]), rows[list(WEATHER)].to_numpy(np.float64)),
        )
        for at, rows in table.groupby("at")
    ]


def _read_weather(path: Path) -> Iterator[tuple[datetime, Weather]]:
    if not path.is_file():
        return
    table = pd.read_csv(path)
    _require(path, table, ["at"])
    if "rain" not in table and "description" in table:
        words = table["description"].fillna("")
        table["rain"] = [next((rain for word, rain in _RAIN.items() if word in said), 0.0) for said in words]
    table = table.drop_duplicates("at", keep="last").sort_values("at").reindex(columns=["at", *WEATHER])
    values = table[list(WEATHER)].to_numpy(np.float64)
    for at, row in zip(_whole(table["at"]).tolist(), values, strict=True):
        yield datetime.fromtimestamp(at, UTC), Weather(np.array([at]), row[None])


def _read_stations(path: Path, system_id: str, timezone: str, country: str) -> Stations:
    table = pd.read_csv(path, dtype={"station_id": str, "name": str}, keep_default_na=False)
    _require(path, table, ["station_id", "name", "lat", "lon", "capacity"])
    lat, lon = (pd.to_numeric(table[name]).to_numpy(np.float64) for name in ("lat", "lon"))
    if not (np.isfinite(lat) & np.isfinite(lon)).all():
        raise ValueError("stations.csv has a station without a position")
    capacity = pd.to_numeric(table["capacity"]).fillna(UNKNOWN).to_numpy(np.int64)
    return Stations(
        system_id=system_id,
        timezone=timezone,
        country=country,
        station_id=table["station_id"].to_numpy(np.str_),
        name=table["name"].to_numpy(np.str_),
        lat=lat,
        lon=lon,
        capacity=np.maximum(capacity, UNKNOWN),
    )


def _read_changes(path: Path, stations: Stations, polls: Ints) -> _Changes:
    table = _columns(path, ["at", "station_id", "bikes", "docks"])
    station = pd.Index(stations.station_id.astype(object)).get_indexer(table["station_id"].astype(str))
    # A change between two polls is seen by the later one; Boulder's first are older than its first poll.
    poll = np.searchsorted(polls, _whole(table["at"]), side="left")
    known = station >= 0
    if not known.all():
        # Tokyo's status names 27 stations once each that its information never describes.
        log.info("%s: %d changes of stations that stations.csv does not name", path, (~known).sum())
    order = np.flatnonzero(known & (poll < len(polls)))
    order = order[np.argsort(_whole(table["at"])[order], kind="stable")]
    columns: dict[str, NDArray[Any]] = {}
    for name in _COUNTS:
        if name in table:
            # Chicago published docks of -7: nonsense, so unknown.
            columns[name] = np.maximum(_whole(table[name], UNKNOWN), UNKNOWN)[order]
    for name in _FLAGS:
        source = name if name in table else "open"
        if source in table:
            columns[name] = table[source].astype("boolean").fillna(True).to_numpy(np.bool_)[order]
    until = np.searchsorted(poll[order], np.arange(len(polls)), side="right")
    return _Changes(station[order], columns, np.append(until, 0))


def _columns(path: Path, names: list[str]) -> pd.DataFrame:
    table = pd.read_parquet(path)
    _require(path, table, names)
    return table


def _require(path: Path, table: pd.DataFrame, names: list[str]) -> None:
    missing = [name for name in names if name not in table]
    if missing:
        raise ValueError(f"{path.name} lacks the column {', '.join(missing)}")


def _whole(values: pd.Series[Any], unknown: int | None = None) -> Ints:
    if not pd.api.types.is_numeric_dtype(values):
        raise ValueError(f"the column {values.name} holds no numbers")
    filled = values if unknown is None else values.fillna(unknown)
    return np.asarray(filled.astype(np.int64), dtype=np.int64)


def _usual_seconds(polls: Ints) -> float:
    return float(np.median(np.diff(polls))) if len(polls) > 1 else 60.0


def _line(value: Any) -> str:
    return " ".join(str(value or "").split())[:200]


def _city_of(name: str) -> str:
    """Guess the city of a system's name, as in "Divvy, Chicago" but not "VélôToulouse, five stations"."""
    head, _, tail = name.rpartition(", ")
    return tail if tail[:1].isupper() or not head else head


@cache
def _countries() -> dict[str, str]:
    table = (resources.files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in table.splitlines() if not line.startswith("#"))
    return {row[2]: row[0] for row in rows}


def _country_of(timezone: str) -> str:
    return _countries().get(timezone, "")
