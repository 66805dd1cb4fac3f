"""Asks whether bikes that nobody takes are out of order: see README.md beside this file.

DOCKCAST_SHARED=… python benchmarks/last_bikes/run.py
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from shared import add_shared

from ingest.replay.recording import Recording
from model import Forecaster

HERE = Path(__file__).resolve().parent
RECORDINGS = ("dublin-2017-02", "boulder-2022-spring", "chicago-2013-autumn", "sf-2022-autumn")
WAITED = (0.0, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, np.inf)
"""Riders who would usually have taken a bike since the count last changed: the bins' edges."""
BIKES = (1, 2, 3, 5, 9, 1000)
"""Bikes that stand there: the bins' edges."""


def count(recording: Recording) -> dict[str, Any]:
    """Sum departures, seen and expected, by bikes and by the riders expected since the last change.

    Both are of the second half: `(5, 7)`, stations' bikes before riders.
    """
    forecaster = Forecaster(recording.stations)
    half = datetime.fromtimestamp((int(recording.polls[0]) + int(recording.polls[-1])) // 2, UTC)
    seen, expected = (np.zeros((len(BIKES) - 1, len(WAITED) - 1)) for _ in range(2))
    before, waited = None, np.zeros(len(recording.stations))
    for snapshot in recording.snapshots():
        demand = forecaster._riders.long
        if before is not None:
            hours = (snapshot.at - before.at).total_seconds() / 3600
            change = snapshot.bikes - before.bikes
            free = (snapshot.bikes >= 0) & (before.bikes > 0)
            if before.renting is not None and snapshot.renting is not None:
                free &= before.renting & snapshot.renting
            usual = demand.at(before.at)[1] * demand.factor[1] * hours * free
            if before.at >= half and hours < 0.25:
                place = (
                    np.searchsorted(BIKES, before.bikes[free], "right") - 1,
                    np.searchsorted(WAITED, waited[free], "right") - 1,
                )
                np.add.at(seen, place, np.clip(-change[free], 0, 4))
                np.add.at(expected, place, usual[free])
            waited = np.where(free & (change == 0) & (hours < 0.25), waited + usual, 0)
        forecaster.learn(snapshot)
        before = snapshot
    return {"seen": seen.tolist(), "expected": expected.tolist()}


def main() -> None:
    """Replay the recordings and write `results.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_shared(parser)
    parser.add_argument("--out", type=Path, default=HERE)
    parser.add_argument("names", nargs="*", default=RECORDINGS)
    options = parser.parse_args()
    results: dict[str, Any] = {}
    with threadpool_limits(1):
        for name in options.names:
            results[name] = count(Recording.read(options.shared / "recordings" / name))
            seen, expected = (np.array(results[name][key]) for key in ("seen", "expected"))
            print(name, np.round(seen / np.maximum(expected, 1e-9), 2).tolist(), flush=True)
    (options.out / "results.json").write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
