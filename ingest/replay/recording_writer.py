"""Write what the store holds of a system as a recording."""

from __future__ import annotations

import json
import os
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from ingest.gbfs.hours import REMEMBERED
from ingest.replay.recording import Recording, RecordingError
from ingest.replay.recording_files import KNOWN_WEATHER, REQUIRED, usual_seconds
from ingest.store import Store
from model.arrays import Ints
from model.records import WEATHER, Stations

_SECOND = timedelta(seconds=1)


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
    system = next((each for each in store.systems.followed() if each.system_id == system_id), None)
    stations = store.systems.stations(system_id)
    # The store's ranges are open at their start and closed at their end.
    after, until = (None if bound is None else bound - _SECOND for bound in (start, end))
    polls = store.observations.poll_times(system_id, after, until)
    if system is None or stations is None or not polls:
        known = ", ".join(each.system_id for each in store.systems.followed()) or "none yet"
        raise RecordingError(
            f"The store holds no polls of {system_id} in that time. Systems followed: {known}"
        )
    times = np.array([int(poll.timestamp()) for poll in polls])
    described = {
        "system_id": system_id,
        "name": system.name,
        "city": system.city,
        "country": system.country,
        "timezone": stations.timezone,
        "poll_seconds": usual_seconds(times),
        **({"label": system.label} if system.label == "simulated" else {}),
    }
    hours = store.systems.documents(system_id).get(REMEMBERED)
    if hours:
        described["hours"] = json.loads(hours)
    changes = _changes(store, stations, polls[-1], times)
    weather = _weather(store, system_id, polls[0], polls[-1])
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        scratch.mkdir(parents=True)
        (scratch / "system.json").write_text(json.dumps(described, ensure_ascii=False, indent=1) + "\n")
        pd.DataFrame(
            {name: getattr(stations, name) for name in ("station_id", "name", "lat", "lon", "capacity")}
        ).to_csv(scratch / "stations.csv", index=False)
        changes.to_parquet(scratch / "changes.parquet", index=False)
        pd.DataFrame({"at": times}).to_parquet(scratch / "polls.parquet", index=False)
        if weather is not None:
            weather.to_parquet(scratch / KNOWN_WEATHER, index=False)
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


def _changes(store: Store, stations: Stations, last: datetime, polls: Ints) -> pd.DataFrame:
    """Fetch the changes up to the last poll; of those up to the first, the newest of each station."""
    changes: pd.DataFrame = store.observations.changes(stations.system_id, None, last)
    old = changes["at"] <= polls[0]
    first = changes[old].drop_duplicates("station_id", keep="last")
    changes = pd.concat([first, changes[~old]], ignore_index=True)
    described = changes["station_id"].isin(stations.station_id)
    changes = changes[described].reset_index(drop=True)
    for name in ("ebikes", "cargo"):
        if not (changes[name] >= 0).any():
            changes = changes.drop(columns=name)
    return changes


def _weather(store: Store, system_id: str, first: datetime, last: datetime) -> pd.DataFrame | None:
    """Fetch the weather that became known between two polls; None where none did."""
    tables = [
        pd.DataFrame(weather.values, columns=list(WEATHER)).assign(at=int(at.timestamp()), hour=weather.hours)
        for at, weather in store.weather.reports(system_id, last)
        if at >= first
    ]
    return pd.concat(tables, ignore_index=True) if tables else None


def _check_free(path: Path, system_id: str) -> None:
    """Raise `RecordingError` unless a path is free, or holds a recording of the system."""
    if not path.exists():
        return
    elsewhere = "name a folder that does not exist yet"
    if not path.is_dir():
        raise RecordingError(f"{path} is a file: {elsewhere}")
    names = {child.name for child in path.iterdir()}
    others = sorted(names - {*REQUIRED, KNOWN_WEATHER})
    if others:
        raise RecordingError(f"{path} holds other things ({others[0]}): {elsewhere}")
    if names and (not names >= set(REQUIRED) or Recording.read(path).system.system_id != system_id):
        raise RecordingError(f"{path} is no recording of {system_id}: {elsewhere}")
