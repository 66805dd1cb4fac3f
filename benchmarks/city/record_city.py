"""Write a stretch of a made-up city as a recording, to treat it as the real ones are treated."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from ingest.city.cities import City
from ingest.replay.recording import Recording
from model.records import WEATHER


def record_city(
    city: City, start: datetime, days: int, seconds: int, path: Path, weather: bool = False
) -> Recording:
    """Write `days` of a city, polled every `seconds`, into a new folder, and read it back.

    With `weather`, writes the observed weather of each hour too.
    """
    path.mkdir(parents=True)
    stations = city.stations
    about = {"system_id": stations.system_id, "name": city.system.name, "timezone": stations.timezone,
             "country": stations.country, "poll_seconds": seconds, "label": "simulated"}  # fmt: skip
    (path / "system.json").write_text(json.dumps(about))
    table = {name: getattr(stations, name) for name in ("station_id", "name", "lat", "lon", "capacity")}
    pd.DataFrame(table).to_csv(path / "stations.csv", index=False)
    polls, rows = [], []
    last = None
    for snapshot in city.snapshots(start, start + timedelta(days=days), seconds):
        assert snapshot.ebikes is not None
        assert snapshot.renting is not None
        now = np.stack([snapshot.bikes, snapshot.docks, snapshot.ebikes, snapshot.renting])
        new = np.arange(len(stations)) if last is None else np.flatnonzero((now != last).any(axis=0))
        at = int(snapshot.at.timestamp())
        polls.append(at)
        rows.append(np.vstack([np.full(len(new), at), new, now[:, new]]))
        last = now
    at, station, bikes, docks, ebikes, open_now = np.concatenate(rows, axis=1)
    pd.DataFrame(
        {"at": at, "station_id": stations.station_id[station], "bikes": bikes, "docks": docks,
         "ebikes": ebikes, "open": open_now.astype(bool)}
    ).to_parquet(path / "changes.parquet")  # fmt: skip
    pd.DataFrame({"at": polls}).to_parquet(path / "polls.parquet")
    if weather:
        hours = np.arange(polls[0] // 3600 * 3600, polls[-1], 3600)
        observed = pd.DataFrame(city.sky.values(hours), columns=list(WEATHER))
        observed.insert(0, "at", hours)
        observed.to_csv(path / "weather.csv", index=False)
    return Recording.read(path)
