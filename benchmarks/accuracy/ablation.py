"""Measures each part of the forecaster: runs the same recordings with one part taken out at a time.

    DOCKCAST_SHARED=… python benchmarks/accuracy/ablation.py

The same table has the pool beside its best expert. Weather has real values in Toulouse alone,
see benchmarks/toulouse.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import numpy as np
from run import DAY, EVERY, HERE, MINUTES, DayOne
from threadpoolctl import threadpool_limits

from ingest.replay.backtest import backtest
from ingest.replay.recording import Recording
from model.demand import rates
from model.demand.weekly_profile import WEEKLY_PROFILE
from model.experts import registry
from model.mixing import pool, shift

RECORDINGS = ("dublin-2017-02", "boulder-2022-spring", "chicago-2013-autumn")
PARTS = (
    "nothing", "city factor", "holidays", "prior of all cities", "low-rank prior",
    "weights by hour", "shift", "shift by hour", "gain of the shift", "more and fewer",
)  # fmt: skip
EXPERTS = ("climatology", "chain", "pull", "pool")
NEVER, NOT_AT_ALL = 1e12, 0.0
TAKEN_OUT: dict[str, tuple[ModuleType, str, Any]] = {
    "city factor": (rates, "_FACTOR_EVENTS", NEVER),
    "prior of all cities": (rates, "WEEKLY_PROFILE", np.ones_like(WEEKLY_PROFILE)),
    "low-rank prior": (rates, "_BEND", (1.0, 1.0)),
    "weights by hour": (pool, "_HOUR_FORECASTS", NOT_AT_ALL),
    "shift": (shift, "_RIDGE", NEVER),
    "shift by hour": (shift, "_CITY_ISSUES", NEVER),
    "gain of the shift": (shift, "_STATION_FORECASTS", NEVER),
    "more and fewer": (
        registry, "EXPERTS",
        tuple(entry for entry in registry.EXPERTS if entry.name not in ("more", "fewer")),
    ),
}  # fmt: skip
"""The constant of the code that a part hangs on, and the value that takes the part out."""


@contextmanager
def without(part: str, recording: Recording) -> Iterator[Recording]:
    """Take a part out."""
    if part == "holidays":
        yield replace(recording, stations=replace(recording.stations, country=""))
    elif part in TAKEN_OUT:
        module, name, value = TAKEN_OUT[part]
        with patch.object(module, name, value):
            yield recording
    else:
        yield recording


def measure(part: str, recording: Recording) -> dict[str, Any]:
    """Score the second half and the first day, as change against naive."""
    first, last = int(recording.polls[0]), int(recording.polls[-1])
    day_one = DayOne(datetime.fromtimestamp(first, UTC) + DAY)
    half = datetime.fromtimestamp((first + last) // 2, UTC)
    with without(part, recording) as less, threadpool_limits(1):
        begun = time.process_time()
        report = backtest(less, MINUTES, EVERY, half, on_score=day_one.add, seed=False)
        seconds = time.process_time() - begun
    naive = {row.minutes: row for row in report.rows if row.model == "naive"}
    changes = {
        model: {
            row.minutes: [row.mae / naive[row.minutes].mae - 1, row.crps / naive[row.minutes].crps - 1]
            for row in report.rows
            if row.model == model
        }
        for model in EXPERTS
    }
    return {"second half": changes, "day one": day_one.against_naive()["pool"], "seconds": seconds}


def table(results: dict[str, dict[str, Any]]) -> str:
    """Write the figures in per cent against naive: MAE and CRPS."""

    def cells(changes: dict[str, list[float]]) -> str:
        return " | ".join(
            " / ".join(f"{100 * change:+.1f}" for change in changes[str(minutes)]) for minutes in MINUTES
        )

    head = " | ".join(f"{minutes} min" for minutes in MINUTES)
    lines = [
        "Change against naive in per cent, MAE / CRPS.",
        "",
        f"| recording | without | model | {head} | day one, 120 min |",
        "|---|---|---|" + "---:|" * (len(MINUTES) + 1),
    ]
    for name, parts in results.items():
        for part, result in parts.items():
            for model in EXPERTS if part == "nothing" else ("pool",):
                day_one = result["day one"]["120"] if model == "pool" else None
                last = "" if day_one is None else " / ".join(f"{100 * change:+.1f}" for change in day_one)
                half = cells(result["second half"][model])
                lines.append(f"| {name} | {part} | {model} | {half} | {last} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run every recording without each part, and write ablation.json and ablation.md.

    Runs that `ablation.json` has already are skipped: delete the file to run them again.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--parts", nargs="*", default=PARTS, choices=PARTS)
    parts = parser.parse_args().parts
    folder = Path(os.environ["DOCKCAST_SHARED"]) / "recordings"
    kept = HERE / "ablation.json"
    results: dict[str, dict[str, Any]] = json.loads(kept.read_text())["results"] if kept.exists() else {}
    for name in RECORDINGS:
        recording = Recording.read(folder / name)
        for part in parts:
            if part in results.setdefault(name, {}):
                continue
            results[name][part] = json.loads(json.dumps(measure(part, recording)))
            results[name] = {part: results[name][part] for part in PARTS if part in results[name]}
            print(name, part, "done", flush=True)
            made = {"python": platform.python_version(), "on": datetime.now(UTC).date().isoformat()}
            text = json.dumps({"results": results, "made": made}, indent=1)
            (HERE / "ablation.json").write_text(text + "\n", encoding="utf-8")
            (HERE / "ablation.md").write_text(table(results), encoding="utf-8")


if __name__ == "__main__":
    main()
