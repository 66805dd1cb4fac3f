"""Measures the memory of a forecaster per 1,000 stations.

    DOCKCAST_SHARED=… python benchmarks/accuracy/memory.py

It learns three days of Chicago, so that every part has state and forecasts wait for their truth up to a day
ahead; what the process grew by, each kind in a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent))

from ingest.replay.recording import Recording  # noqa: E402
from ingest.worker.worker import give_memory_back  # noqa: E402
from model.forecaster import Forecaster  # noqa: E402


def measure(seed: bool) -> dict[str, float]:
    """Learn three days in this process; megabytes per 1,000 stations, in memory and packed."""
    give_memory_back()
    recording = Recording.read(Path(os.environ["DOCKCAST_SHARED"]) / "recordings" / "chicago-2013-autumn")
    size = len(recording.stations)
    warm = Forecaster(recording.stations, seed=seed)
    warm.to_bytes()
    process = psutil.Process()
    before = process.memory_info().rss
    forecaster = Forecaster(recording.stations, seed=seed)
    first = datetime.fromtimestamp(int(recording.polls[0]), UTC)
    for snapshot in recording.snapshots(end=first + timedelta(days=3)):
        forecaster.learn(snapshot)
    grown = process.memory_info().rss - before
    return {"memory": grown / size / 1000, "packed": len(forecaster.to_bytes()) / size / 1000}


def main() -> None:
    """Measure with and without the seed pipeline, and write memory.json."""
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1] == "seed")))
        return
    results = {
        kind: json.loads(
            subprocess.run([sys.executable, __file__, kind], capture_output=True, check=True).stdout
        )
        for kind in ("alone", "seed")
    }
    print(results)
    (HERE / "memory.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
