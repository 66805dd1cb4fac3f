"""Read the files of a recording, and refuse values that make no sense. See `ingest.replay.recording`.

Every function takes the recording's folder. It raises `ValueError`, or another error of the parser, where the
file is damaged.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from ingest.gbfs.hours import PublishedHours
from ingest.replay.change_log import ChangeLog
from ingest.replay.countries import country_of
from ingest.system import System
from ingest.text import clean
from model.arrays import Ints, Strings
from model.records import UNKNOWN, WEATHER, CountState, Stations, Weather, unbelieved

if TYPE_CHECKING:
    import pandas as pd

REQUIRED = ("system.json", "stations.csv", "changes.parquet", "polls.parquet")
OBSERVED_WEATHER, KNOWN_WEATHER = "weather.csv", "told.parquet"
"""The optional files: weather as observed, and as the app knew it."""

_COUNTS = ("bikes", "docks", "ebikes", "cargo")
_FLAGS = ("renting", "returning")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")  # as in a list of systems
_COUNTRY = re.compile(r"[A-Z]{2}")
_LATEST = 2**33  # the year 2242: milliseconds lie beyond

_RAIN = {
    "drizzle": 0.3, "light rain": 0.5, "light intensity": 0.3, "moderate rain": 2.0, "heavy": 6.0,
    "thunderstorm": 4.0, "rain": 1.0, "snow": 1.0,
}  # fmt: skip
"""Millimetres an hour by a word of the description; the first word that occurs counts."""

log = logging.getLogger(__name__)


def read_polls(path: Path) -> Ints:
    """Read the times of the polls: rising Unix seconds `(P,)`."""
    polls = np.unique(_whole(_read_parquet(path / "polls.parquet", ["at"])["at"]))
    if not len(polls):
        raise ValueError("polls.parquet is empty")
    if not 0 <= polls[0] <= polls[-1] < _LATEST:
        raise ValueError("polls.parquet does not hold Unix seconds")
    return polls


def read_system(path: Path, polls: Ints) -> tuple[System, str, str]:
    """Read what the system is, its time zone, and its opening hours as JSON, empty where there are none."""
    found = json.loads((path / "system.json").read_text(encoding="utf-8"))
    if not isinstance(found, dict) or not all(found.get(key) for key in ("system_id", "timezone")):
        raise ValueError("system.json names no system_id or no timezone")
    system_id = str(found["system_id"])
    if not _ID.fullmatch(system_id):
        raise ValueError(f"system_id {system_id!r} has more in it than letters, digits, dots and dashes")
    timezone = str(ZoneInfo(found["timezone"]))
    name = _line(found.get("name")) or system_id
    country = str(found.get("country"))
    poll_seconds = float(found.get("poll_seconds") or usual_seconds(polls))
    if not 0 < poll_seconds < float("inf"):
        raise ValueError(f"poll_seconds of {poll_seconds:g} is no time between polls")
    system = System(
        system_id=system_id,
        name=name,
        city=_line(found.get("city")) or _city_of(name),
        country=country if _COUNTRY.fullmatch(country) else country_of(timezone),
        url="",
        poll_seconds=poll_seconds,
        label="simulated" if found.get("label") == "simulated" else "replayed",
    )
    return system, timezone, _hours(found.get("hours"))


def _hours(found: Any) -> str:
    """Read opening hours; those of a stranger's file are read as those of a feed."""
    if not isinstance(found, dict):
        return ""
    return PublishedHours.from_json(json.dumps(found)).to_json()


def read_stations(path: Path, system: System, timezone: str) -> Stations:
    """Read the stations."""
    import pandas as pd

    file = path / "stations.csv"
    table = pd.read_csv(file, dtype={"station_id": str, "name": str}, keep_default_na=False)
    _require(file, table, ["station_id", "name", "lat", "lon", "capacity"])
    lat, lon = (pd.to_numeric(table[name]).to_numpy(np.float64) for name in ("lat", "lon"))
    if not (np.isfinite(lat) & np.isfinite(lon)).all():
        raise ValueError("stations.csv has a station without a position")
    capacity = pd.to_numeric(table["capacity"]).fillna(UNKNOWN).to_numpy(np.int64)
    return Stations(
        system_id=system.system_id,
        timezone=timezone,
        country=system.country,
        station_id=table["station_id"].to_numpy(np.str_),
        name=np.array([_line(name) for name in table["name"]], dtype=np.str_),
        lat=lat,
        lon=lon,
        capacity=np.maximum(capacity, UNKNOWN),
    )


def read_changes(path: Path, station_id: Strings, polls: Ints) -> ChangeLog:
    """Read the changes of the stations `station_id`; those of other stations are left out."""
    file = path / "changes.parquet"
    # Boulder's first changes are older than its first poll, which holds them.
    table = _read_parquet(file, ["at", "station_id", "bikes", "docks"])
    columns: dict[str, NDArray[Any]] = {}
    for name in _COUNTS:
        if name in table:
            # Chicago published docks of -7: nonsense, so unknown.
            columns[name] = np.maximum(_whole(table[name], UNKNOWN), UNKNOWN)
    for name in _FLAGS:
        source = name if name in table else "open"
        if source in table:
            columns[name] = table[source].astype("boolean").fillna(True).to_numpy(np.bool_)
    if "state" in table:
        columns["state"] = _whole(table["state"], CountState.MISSING)
        if not np.isin(columns["state"], list(CountState)).all():
            raise ValueError("changes.parquet has a state that is none")
        if (unbelieved(columns["state"]) != (columns["bikes"] < 0)).any():
            raise ValueError("changes.parquet has states that do not fit its bikes")
    changed = table["station_id"].astype(str).to_numpy()
    changes = ChangeLog.build(station_id, polls, _whole(table["at"]), changed, columns)
    unknown = len(table) - len(changes.station)
    if unknown:
        # Tokyo's status names 27 stations once each that its information never describes.
        log.info("%s: %d changes of stations that stations.csv does not name", file, unknown)
    return changes


def read_weathers(path: Path) -> tuple[tuple[datetime, Weather], ...]:
    """Read the weather as the app knew it, or else as it was observed, with the time of each."""
    return tuple(_read_known(path / KNOWN_WEATHER)) or tuple(_read_observed(path / OBSERVED_WEATHER))


def _read_known(file: Path) -> Iterator[tuple[datetime, Weather]]:
    if not file.is_file():
        return
    table = _read_parquet(file, ["at", "hour", *WEATHER])
    for at, rows in table.groupby("at"):
        values = rows[list(WEATHER)].to_numpy(np.float64)
        yield datetime.fromtimestamp(int(str(at)), UTC), Weather(_whole(rows["hour"]), values)


def _read_observed(file: Path) -> Iterator[tuple[datetime, Weather]]:
    import pandas as pd

    if not file.is_file():
        return
    table = pd.read_csv(file)
    _require(file, table, ["at"])
    if "rain" not in table and "description" in table:
        descriptions = table["description"].fillna("")
        table["rain"] = [
            next((rain for word, rain in _RAIN.items() if word in description), 0.0)
            for description in descriptions
        ]
    table = table.drop_duplicates("at", keep="last").sort_values("at").reindex(columns=["at", *WEATHER])
    values = table[list(WEATHER)].to_numpy(np.float64)
    for at, row in zip(_whole(table["at"]).tolist(), values, strict=True):
        yield datetime.fromtimestamp(at, UTC), Weather(np.array([at]), row[None])


def usual_seconds(polls: Ints) -> float:
    """Give the usual time between two polls in seconds; 60 where there is one poll only."""
    return float(np.median(np.diff(polls))) if len(polls) > 1 else 60.0


def _read_parquet(file: Path, names: list[str]) -> pd.DataFrame:
    import pandas as pd

    table = pd.read_parquet(file)
    _require(file, table, names)
    return table


def _require(file: Path, table: pd.DataFrame, names: list[str]) -> None:
    missing = [name for name in names if name not in table]
    if missing:
        raise ValueError(f"{file.name} lacks the column {', '.join(missing)}")


def _whole(values: pd.Series[Any], unknown: int | None = None) -> Ints:
    """Give a column as whole numbers, with `unknown` for those that are missing."""
    import pandas as pd

    if not pd.api.types.is_numeric_dtype(values):
        raise ValueError(f"the column {values.name} holds no numbers")
    filled = values if unknown is None else values.fillna(unknown)
    return np.asarray(filled.astype(np.int64), dtype=np.int64)


def _line(value: Any) -> str:
    """Give a text as one line of at most 200 characters, without those that nobody sees."""
    return clean(str(value or ""), 200)


def _city_of(name: str) -> str:
    """Guess the city of a system's name, as in "Divvy, Chicago" but not "VélôToulouse, five stations"."""
    head, _, tail = name.rpartition(", ")
    return tail if tail[:1].isupper() or not head else head
