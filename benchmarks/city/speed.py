"""Measures a month of a made-up city: to generate, to learn by catch-up, and to learn as a worker does."""

from __future__ import annotations

import json
import os
import sys
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent))

from threadpoolctl import threadpool_limits  # noqa: E402

from ingest.city.cities import CITIES  # noqa: E402
from ingest.replay.playable_source import MONTH, STEP_SECONDS, MadeUpCity  # noqa: E402
from ingest.worker.catch_up import catch_up  # noqa: E402
from model.forecaster import Forecaster  # noqa: E402

UNTIL = datetime(2026, 10, 12, 12, 0, tzinfo=UTC)
WORKER_SECONDS = 60
NEXT = timedelta(days=1)
HORIZONS = (10, 30, 60, 120)


def day_after(forecaster: Forecaster) -> str:
    """Score the pool on the day after, against naive, in MAE and CRPS."""
    sums: dict[tuple[int, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
    city = CITIES[forecaster.stations.system_id]
    for snapshot in city.snapshots(UNTIL, UNTIL + NEXT, 300):
        if snapshot.at.minute == 0:
            forecaster.update_weather(city.weather(snapshot.at))
        for score in forecaster.learn(snapshot):
            issued_at = score.target_at - timedelta(minutes=score.minutes)
            if score.n and score.minutes in HORIZONS and issued_at >= UNTIL:
                total = sums[score.minutes, score.model]
                total[0] += float(score.abs_error.sum())
                total[1] += float(score.crps.sum())
    changes = []
    for minutes in HORIZONS:
        naive, pool = sums[minutes, "naive"], sums[minutes, "pool"]
        mae, crps = (100 * (pool[index] / naive[index] - 1) for index in (0, 1))
        changes.append(f"{minutes} min {mae:+.1f} % and {crps:+.1f} %")
    return ", ".join(changes)


def main(full: bool) -> None:
    """Measure, print and keep."""
    city = CITIES["harbourton"]
    results: dict[str, str] = {}
    load = os.getloadavg()[0]
    begun, wall = time.process_time(), time.perf_counter()
    for week in range(MONTH.days // 7 + 1):
        city.week(UNTIL - timedelta(days=MONTH.days - 7 * week))
    generated = time.process_time() - begun
    begun = time.process_time()
    forecaster = Forecaster(city.stations)
    catch_up(forecaster, MadeUpCity(city), UNTIL - MONTH, UNTIL)
    learning = time.process_time() - begun
    results["generated, five weeks of 180 stations by the minute"] = f"{generated:.2f} s of processor time"
    results[f"learnt, {MONTH.days} days every {STEP_SECONDS} s"] = f"{learning:.2f} s of processor time"
    results["both, by the wall clock"] = (
        f"{time.perf_counter() - wall:.2f} s (load {load:.1f} on {os.cpu_count()})"
    )
    results["pool against naive the day after, MAE and CRPS"] = day_after(forecaster)
    if full:
        forecaster = Forecaster(city.stations)
        begun = time.process_time()
        for snapshot in city.snapshots(UNTIL - timedelta(days=MONTH.days), UNTIL, WORKER_SECONDS):
            if snapshot.at.minute == 0:
                forecaster.update_weather(city.weather(snapshot.at))
            forecaster.learn(snapshot)
        spent = time.process_time() - begun
        results["for comparison, learnt as a worker does, every minute"] = f"{spent:.1f} s of processor time"
        results["pool against naive the day after that, MAE and CRPS"] = day_after(forecaster)
    for name, value in results.items():
        print(f"{name}: {value}")
    kept = HERE / "speed.json"
    results = (
        json.loads(kept.read_text()) if kept.is_file() else {}
    ) | results  # a full run is kept by a short one
    kept.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    with threadpool_limits(1):
        main("--full" in sys.argv)
