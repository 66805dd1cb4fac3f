"""Measures the memory of a forecaster per 1,000 stations.

    DOCKCAST_SHARED=… python benchmarks/accuracy/memory.py

It learns three days of Chicago, so that every part has state and forecasts wait for their truth up to a day
ahead. It does so with Chicago once, and with five of it side by side, each in a process of its own. What the
larger process grew by more is the stations': libraries and the recording are in both. Three times: alone,
with the seed pipeline, and with kinds of bikes, a share of each station's being electric.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import psutil

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent))

from ingest.replay.recording import Recording  # noqa: E402
from ingest.worker.worker import give_memory_back  # noqa: E402
from model import Snapshot, Stations  # noqa: E402
from model.arrays import Strings  # noqa: E402
from model.forecaster import Forecaster  # noqa: E402
from model.warm_up import warm_up  # noqa: E402

CITIES = (1, 5)


def named(ids: Strings, cities: int) -> Strings:
    """Give the ids of several cities side by side."""
    return np.concatenate([np.char.add(ids, f"-{city}") for city in range(cities)])


def side_by_side(stations: Stations, cities: int) -> Stations:
    """Describe several cities as one; each lies a degree north of the one before."""
    return replace(
        stations,
        station_id=named(stations.station_id, cities),
        name=named(stations.name, cities),
        lat=np.concatenate([stations.lat + city for city in range(cities)]),
        lon=np.tile(stations.lon, cities),
        capacity=np.tile(stations.capacity, cities),
    )


def measure(seed: bool, kinds: bool, cities: int) -> dict[str, float]:
    """Learn three days in this process; megabytes that it grew by, megabytes packed, and stations."""
    give_memory_back()
    recording = Recording.read(Path(os.environ["DOCKCAST_SHARED"]) / "recordings" / "chicago-2013-autumn")
    warm_up()  # with kernels to compile it takes memory that no worker has twice
    process = psutil.Process()
    before = process.memory_info().rss
    stations = side_by_side(recording.stations, cities)
    forecaster = Forecaster(stations, seed=seed)
    share = np.random.default_rng(1).random(len(stations)) * 0.6
    first = datetime.fromtimestamp(int(recording.polls[0]), UTC)
    for one in recording.snapshots(end=first + timedelta(days=3)):
        ids, bikes, docks = (
            named(one.station_id, cities),
            np.tile(one.bikes, cities),
            np.tile(one.docks, cities),
        )
        electric = np.minimum(np.rint(share * np.maximum(bikes, 0)).astype(np.int64), bikes)
        forecaster.learn(Snapshot(one.at, ids, bikes, docks, electric if kinds else None))
    grown = process.memory_info().rss - before
    return {"grown": grown / 1e6, "packed": len(forecaster.to_bytes()) / 1e6, "stations": len(stations)}


def main() -> None:
    """Measure alone, with the seed pipeline and with kinds of bikes, and write memory.json."""
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1] == "seed", sys.argv[1] == "kinds", int(sys.argv[2]))))
        return
    results = {}
    for kind in ("alone", "seed", "kinds"):
        small, large = (
            json.loads(
                subprocess.run(
                    [sys.executable, __file__, kind, str(cities)], stdout=subprocess.PIPE, check=True
                ).stdout
            )
            for cities in CITIES
        )
        more = (large["stations"] - small["stations"]) / 1000
        results[kind] = {
            "memory": (large["grown"] - small["grown"]) / more,
            "packed": 1000 * small["packed"] / small["stations"],  # the codec finds that five are alike
            "one Chicago": small,
            "five Chicagos": large,
        }
    print(results)
    (HERE / "memory.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
