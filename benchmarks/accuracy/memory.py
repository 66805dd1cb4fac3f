"""Measures the memory of a forecaster per 1,000 stations, and what a station update costs.

    DOCKCAST_SHARED=… python benchmarks/accuracy/memory.py [--before COMMIT] [--only before alone seed kinds]

It learns two days of Chicago, so that every part has state and forecasts wait for their truth up to a day
ahead. It does so with Chicago once, and with three of it side by side, each in a process of its own. What the
larger process grew by more is the stations': libraries and the recording are in both. Four times, one after
the other: with the code of an earlier commit, with today's, with the seed pipeline, and with kinds of bikes,
a share of each station's being electric. Processor time is that of three: learning an update, and a frame.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
CODE = Path(os.environ.get("DOCKCAST_CODE", HERE.parent.parent))
sys.path[:0] = [str(CODE), str(HERE.parent)]

import numpy as np  # noqa: E402
import psutil  # noqa: E402
from shared import code_of  # noqa: E402

from ingest.replay.recording import Recording  # noqa: E402
from ingest.worker.worker import give_memory_back  # noqa: E402
from model import Snapshot, Stations  # noqa: E402
from model.arrays import Strings  # noqa: E402
from model.forecaster import Forecaster  # noqa: E402
from model.frame_builder import make_frame  # noqa: E402
from model.warm_up import warm_up  # noqa: E402

BEFORE = "a93be86"
"""The commit before feeds of every pace, weights by hour, the shift and kinds of bikes."""

CITIES = (1, 3)
DAYS = 2
FRAMES = 20


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
    """Learn in this process; megabytes that it grew by, megabytes packed, stations, microseconds of each."""
    give_memory_back()
    recording = Recording.read(Path(os.environ["DOCKCAST_SHARED"]) / "recordings" / "chicago-2013-autumn")
    warm_up()  # with kernels to compile it takes memory that no worker has twice
    process = psutil.Process()
    before = process.memory_info().rss
    stations = side_by_side(recording.stations, cities)
    forecaster = Forecaster(stations, seed=seed)
    share = np.random.default_rng(1).random(len(stations)) * 0.6
    first = datetime.fromtimestamp(int(recording.polls[0]), UTC)
    learning, polls = 0.0, 0
    for one in recording.snapshots(end=first + timedelta(days=DAYS)):
        ids, bikes, docks = (
            named(one.station_id, cities),
            np.tile(one.bikes, cities),
            np.tile(one.docks, cities),
        )
        electric = np.minimum(np.rint(share * np.maximum(bikes, 0)).astype(np.int64), bikes)
        snapshot = Snapshot(one.at, ids, bikes, docks, electric if kinds else None)
        begun = time.process_time()
        forecaster.learn(snapshot)
        learning, polls = learning + time.process_time() - begun, polls + 1
    grown = process.memory_info().rss - before
    frames = []
    for _ in range(FRAMES):
        begun = time.process_time()
        make_frame(forecaster)
        frames.append(time.process_time() - begun)
    size = len(stations)
    return {
        "grown": grown / 1e6,
        "packed": len(forecaster.to_bytes()) / 1e6,
        "stations": size,
        "learn": 1e6 * learning / polls / size,
        "frame": 1e6 * min(frames) / size,  # others on the machine only add
    }


def compare(name: str, code: Path) -> dict[str, Any]:
    """Measure one of the four in processes of their own, with the code in a folder."""
    small, large = (
        json.loads(
            subprocess.run(
                [sys.executable, __file__, "--measure", name, str(cities)],
                stdout=subprocess.PIPE,
                check=True,
                env=os.environ | {"DOCKCAST_CODE": str(code)},
            ).stdout
        )
        for cities in CITIES
    )
    more = (large["stations"] - small["stations"]) / 1000
    return {
        "memory": (large["grown"] - small["grown"]) / more,
        "packed": 1000 * small["packed"] / small["stations"],  # the codec finds that three are alike
        "learn": large["learn"],
        "frame": large["frame"],
        "one Chicago": small,
        "three Chicagos": large,
    }


def main() -> None:
    """Measure all four, and write memory.json; those that are not asked for stay as they were."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--before", default=BEFORE)
    parser.add_argument("--only", nargs="*", default=["before", "alone", "seed", "kinds"])
    parser.add_argument("--measure", nargs=2)
    chosen = parser.parse_args()
    if chosen.measure:
        name, cities = chosen.measure
        print(json.dumps(measure(name == "seed", name == "kinds", int(cities))))
        return
    kept = HERE / "memory.json"
    results = json.loads(kept.read_text()) if kept.exists() else {}
    with code_of(chosen.before) as before:
        for name in chosen.only:
            results[name] = compare(name, before if name == "before" else CODE)
            print(name, {key: round(results[name][key], 2) for key in ("memory", "packed", "learn", "frame")})
            kept.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
