"""Toulouse with its real weather, by the protocol of River's own documentation: see README.md beside this."""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from river import evaluate, metrics
from threadpoolctl import threadpool_limits

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent))

from ingest.replay.recording import Recording  # noqa: E402
from model import seed_pipeline  # noqa: E402
from model.forecaster import Forecaster  # noqa: E402
from model.records import Snapshot  # noqa: E402
from model.seed_pipeline import WEATHER_COLUMNS, TargetMeans, pipeline  # noqa: E402

DELAY = timedelta(minutes=30)
STEP = 120
"""Seconds between the snapshots that the forecaster gets."""

HOLE = 3 * 3600
"""A longer time without any change is a gap in the recording."""


def events(folder: Path) -> pd.DataFrame:
    """Read the rows of the data set: at, station_id, bikes, and the newest weather of each."""
    changes = pd.read_parquet(folder / "changes.parquet")
    weather = pd.read_csv(folder / "weather.csv").drop_duplicates("at", keep="last").sort_values("at")
    return pd.merge_asof(changes.sort_values("at", kind="stable"), weather, on="at")


def naive(table: pd.DataFrame) -> float:
    """Answer with the station's newest count of half an hour ago, nothing where there is none."""
    known: dict[str, int] = {}
    waiting: deque[tuple[int, str, int]] = deque()
    total = 0.0
    for at, station, bikes in table[["at", "station_id", "bikes"]].itertuples(index=False):
        while waiting and waiting[0][0] <= at - DELAY.total_seconds():
            _, name, count = waiting.popleft()
            known[name] = count
        total += abs(bikes - known.get(station, 0))
        waiting.append((at, station, bikes))
    return total / len(table)


def seed(table: pd.DataFrame, weather: bool, rates: tuple[float, float]) -> float:
    """Run the seed pipeline as River's documentation does, with other learning rates if need be."""
    zone = ZoneInfo("Europe/Paris")

    def stream() -> Iterator[tuple[dict[str, Any], int]]:
        columns = ["at", "station_id", "bikes", *WEATHER_COLUMNS]
        for at, station, bikes, *weather_values in table[columns].itertuples(index=False):
            moment = datetime.fromtimestamp(at, UTC)
            features = {"station": station, "hour": moment.astimezone(zone).hour, "moment": moment}
            yield (
                features | (dict(zip(WEATHER_COLUMNS, weather_values, strict=True)) if weather else {}),
                bikes,
            )

    kept = seed_pipeline._RATE, seed_pipeline._INTERCEPT_RATE
    seed_pipeline._RATE, seed_pipeline._INTERCEPT_RATE = rates
    try:
        model = pipeline(TargetMeans())
    finally:
        seed_pipeline._RATE, seed_pipeline._INTERCEPT_RATE = kept
    score = evaluate.progressive_val_score(stream(), model, metrics.MAE(), moment="moment", delay=DELAY)
    return float(score.get())


def ours(folder: Path, table: pd.DataFrame, weather: bool) -> tuple[float, dict[str, float]]:
    """Answer each event from a forecaster that knows nothing of the last half hour.

    It learns a snapshot every two minutes, as a poller would, and forecasts the minute of each event.
    """
    recording = Recording.read(folder)
    forecaster = Forecaster(recording.stations)
    weathers = iter([observed for _, observed in recording.weathers()] if weather else [])
    observed = next(weathers, None)
    place = {name: row for row, name in enumerate(recording.stations.station_id.tolist())}
    shown = _polls(recording)
    following = next(shown, None)
    medians: dict[int, Any] = {}
    total, by_month = 0.0, {}
    for at, station, bikes in table[["at", "station_id", "bikes"]].itertuples(index=False):
        while following is not None and following.at.timestamp() <= at - DELAY.total_seconds():
            while observed is not None and observed.hours[-1] <= following.at.timestamp():
                forecaster.update_weather(observed)
                observed = next(weathers, None)
            forecaster.learn(following)
            medians = {}
            following = next(shown, None)
        guess = 0
        if forecaster.at is not None:
            minute = min(round((at - forecaster.at.timestamp()) / 60), 1440)
            if minute not in medians:
                medians[minute] = forecaster.forecast([minute]).bikes.median[0]
            guess = max(int(medians[minute][place[station]]), 0)
        error = abs(bikes - guess)
        total += error
        month = by_month.setdefault(datetime.fromtimestamp(at, UTC).strftime("%Y-%m"), [0.0, 0])
        month[0] += error
        month[1] += 1
    return total / len(table), {month: sums[0] / sums[1] for month, sums in by_month.items()}


def _polls(recording: Recording) -> Iterator[Snapshot]:
    """Give a snapshot every two minutes while counts change, except in gaps."""
    polls = recording.polls
    grid = np.arange(polls[0], polls[-1], STEP)
    last = np.searchsorted(polls, grid, side="right") - 1
    ahead = polls[np.minimum(last + 1, len(polls) - 1)]
    shown, player = ahead - polls[last] <= HOLE, recording.replay()
    for moment, index in zip(grid[shown].tolist(), last[shown].tolist(), strict=True):
        snapshot = player.snapshot(index)
        yield Snapshot(
            datetime.fromtimestamp(moment, UTC), snapshot.station_id, snapshot.bikes, snapshot.docks
        )


def main() -> None:
    """Run everything and write results.json."""
    folder = Path(os.environ["DOCKCAST_SHARED"]) / "recordings" / "toulouse-2016"
    table = events(folder)
    results: dict[str, Any] = {"events": len(table), "naive": naive(table)}
    documented = (0.001, 0.01)
    issue = (seed_pipeline._RATE, seed_pipeline._INTERCEPT_RATE)
    for name, weather, rates in (
        ("seed, with weather", True, issue),
        ("seed, without weather", False, issue),
        ("seed at the documentation's rates, with weather", True, documented),
        ("seed at the documentation's rates, without weather", False, documented),
        ("seed at River's default rate, with weather", True, (0.01, 0.5)),
    ):
        results[name] = seed(table, weather, rates)
        print(name, results[name], flush=True)
    for name, weather in (("ours, with weather", True), ("ours, without weather", False)):
        begun = time.process_time()
        with threadpool_limits(1):
            results[name], months = ours(folder, table, weather)
        results[f"{name}, by month"] = months
        results[f"{name}, seconds"] = time.process_time() - begun
        print(name, results[name], months, flush=True)
    results["made"] = {"python": platform.python_version(), "on": datetime.now(UTC).date().isoformat()}
    (HERE / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
