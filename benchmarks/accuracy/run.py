"""Every model on the same questions, in one run: see README.md beside this file."""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import peers
from questions import ask, grid
from threadpoolctl import threadpool_limits

from ingest.backtest import Row, backtest
from ingest.recording import Recording
from model.guard import transform

HERE = Path(__file__).resolve().parent
RECORDINGS = ("dublin-2017-02", "chicago-2013-autumn", "boulder-2022-spring")
MINUTES = (10, 30, 60, 120)
EVERY = 20


def judge(recording: Recording, model: str, asked: Any, given: peers.Answers, start: int) -> list[Row]:
    """Score a peer's answers as `model.scoring` scores ours."""
    rows = []
    for minutes in MINUTES:
        judged = (asked.truth[minutes] >= 0) & (asked.issued >= start)[:, None]
        truth, then = asked.truth[minutes][judged], np.maximum(asked.bikes, 0)[judged]
        cdf, point = given.cdf[minutes][judged], given.median[minutes][judged]
        docks = asked.truth_docks[minutes][judged]
        some_bike, some_dock = given.some_bike[minutes][judged], given.some_dock[minutes][judged]
        beyond = np.maximum(truth - cdf.shape[1] + 1, 0)
        crps = ((cdf - (truth[:, None] <= np.arange(cdf.shape[1]))) ** 2).sum(axis=1) + beyond
        error, naive = np.abs(point - truth), np.abs(then - truth)
        station = np.nonzero(judged)[1]
        size = judged.shape[1]
        worse = np.bincount(station, error, size) > 1.01 * np.bincount(station, naive, size)
        rows.append(
            Row(
                recording=recording.system_id,
                model=model,
                minutes=minutes,
                n=len(truth),
                mae=float(error.mean()),
                rmse=float(np.sqrt(((point - truth) ** 2).mean())),
                crps=float(crps.mean()),
                brier_bike=float(((some_bike - (truth >= 1)) ** 2).mean()),
                brier_dock=float(((some_dock - (docks >= 1)) ** 2)[docks >= 0].mean()),
                cover80=float(transform(cdf, truth)[:, 1:9].sum(axis=1).mean()),
                stations_worse=float(worse.mean()),
            )
        )
    return rows


def run(name: str, folder: Path) -> dict[str, Any]:
    """Put all peers to the questions of one recording's second half."""
    recording = Recording.read(folder / name)
    first, last = int(recording.polls[0]), int(recording.polls[-1])
    start = (first + last) // 2
    half = datetime.fromtimestamp(start, UTC)
    with threadpool_limits(1):
        report = backtest(recording, MINUTES, EVERY, half)
    rows = list(report.rows)
    seconds: dict[str, Any] = {"ours, all models": {"total": report.seconds}}
    asked = ask(recording, MINUTES, EVERY)
    begun = time.perf_counter()
    times, values = grid(recording)
    known = peers.features(recording, asked, times, values, 600)
    features = time.perf_counter() - begun
    for model, fit, weekday in (
        ("lightgbm weekly", peers.lightgbm, None),
        ("forest on Tuesdays", peers.forest, 1),
    ):
        given = peers.answer(fit, peers.retrain_days(recording, weekday), known, asked, start, MINUTES)
        seconds[model] = given.seconds | {"features": features}
        rows += judge(recording, model, asked, given, start)
    return {"rows": [asdict(row) for row in rows], "seconds": seconds}


def table(rows: list[dict[str, Any]]) -> str:
    """Write the figures as change against naive, in per cent."""
    lines = [
        "| recording | min | model | n | MAE | CRPS | Brier bike ≥ 1 | Brier dock ≥ 1 | cover | worse |",
        "|---|---:|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    naive = {(row["recording"], row["minutes"]): row for row in rows if row["model"] == "naive"}
    for row in rows:
        base = naive[row["recording"], row["minutes"]]
        if row is base:
            cells = [f"{row[key]:.4g}" for key in ("mae", "crps", "brier_bike", "brier_dock")]
        else:
            keys = ("mae", "crps", "brier_bike", "brier_dock")
            cells = [f"{100 * (row[key] / base[key] - 1):+.1f} %" for key in keys]
        model = f"**{row['model']}**" if row["model"] == "pool" else row["model"]
        tail = f"{100 * row['cover80']:.1f} % | {100 * row['stations_worse']:.0f} %"
        lines.append(
            f"| {row['recording']} | {row['minutes']} | {model} | {row['n']} | {' | '.join(cells)} | {tail} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run the recordings named, and write results.json and results.md."""
    parser = argparse.ArgumentParser()
    parser.add_argument("recordings", nargs="*", default=RECORDINGS)
    parser.add_argument("--out", type=Path, default=HERE)
    arguments = parser.parse_args()
    folder = Path(os.environ["DOCKCAST_SHARED"]) / "recordings"
    rows, seconds = [], {}
    for name in arguments.recordings:
        result = run(name, folder)
        rows += result["rows"]
        seconds[name] = result["seconds"]
        print(table(result["rows"]), json.dumps(result["seconds"], indent=1), flush=True)
        made = {"python": platform.python_version(), "on": datetime.now(UTC).date().isoformat()}
        text = json.dumps({"rows": rows, "seconds": seconds, "made": made}, indent=1)
        (arguments.out / "results.json").write_text(text + "\n", encoding="utf-8")
        (arguments.out / "results.md").write_text(table(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
