"""How right a city is in its first hours, by the hour of the day at which it is first met.

DOCKCAST_SHARED=… python benchmarks/accuracy/first_hours.py
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from datetime import timedelta
from pathlib import Path

from threadpoolctl import threadpool_limits

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from ingest.replay.recording import Recording  # noqa: E402
from model import Forecaster  # noqa: E402

RECORDINGS = ("dublin-2017-02", "chicago-2013-autumn", "boulder-2022-spring")
STARTS = (0, 8, 17)
"""Hours after the beginning of the recording, which is midnight or shortly after it."""

WITHIN = (3, 6, 24)
MINUTES = (10, 30, 60, 120, 180, 360)


def crps(recording: Recording, start: int) -> dict[tuple[int, int, str], float]:
    """Sum the CRPS of forecasts settled within so many hours of a cold start, by horizon and model."""
    found: dict[tuple[int, int, str], float] = defaultdict(float)
    forecaster, begun = Forecaster(recording.stations), None
    for snapshot in recording.snapshots():
        if begun is None:
            begun = snapshot.at + timedelta(hours=start)
        hours = (snapshot.at - begun) / timedelta(hours=1)
        if hours < 0:
            continue
        if hours > max(WITHIN):
            break
        for score in forecaster.learn(snapshot):
            for within in WITHIN:
                if hours <= within:
                    found[within, score.minutes, score.model] += float(score.crps.sum())
    return found


def main() -> None:
    """Print the pool's CRPS over naive's."""
    folder = Path(os.environ["DOCKCAST_SHARED"]) / "recordings"
    print("| recording | met at | within | " + " | ".join(f"{minutes} min" for minutes in MINUTES) + " |")
    print("|---|---:|---:|" + "---:|" * len(MINUTES))
    for name in RECORDINGS:
        recording = Recording.read(folder / name)
        for start in STARTS:
            found = crps(recording, start)
            for within in WITHIN:
                cells = []
                for minutes in MINUTES:
                    pool, naive = (found[within, minutes, model] for model in ("pool", "naive"))
                    cells.append(f"{100 * (pool / naive - 1):+.1f} %" if naive else "")
                print(f"| {name} | {start} h | {within} h | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
