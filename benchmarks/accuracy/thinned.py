"""Recordings read rarely: what a feed that answers every 10 to 60 minutes lets the forecaster learn.

    DOCKCAST_SHARED=… python benchmarks/accuracy/thinned.py [RECORDING…] [--minutes 0 20] [--keep-peers]

A thinned recording has the first poll of every so many minutes, and nothing of the others. 0 stands for the
whole one. All models, weekly LightGBM among them, learn and are judged on the polls that are left. With
`--keep-peers` LightGBM is not trained: its rows are those of the last run, if there are any and they were
judged on as many forecasts.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import peers
from questions import ask, grid
from run import EVERY, HERE, MINUTES, DayOne, judge

from ingest.replay.backtest import backtest
from ingest.replay.recording import Recording

RECORDINGS = ("dublin-2017-02", "boulder-2022-spring")
OURS = ("naive", "pool")
SHOWN = (*OURS, "lightgbm weekly")


def read_rarely(whole: Recording, minutes: int, kept: list[dict[str, Any]] | None) -> dict[str, Any]:
    """Judge the second half of one thinned recording; changes against naive are in per cent.

    `kept` are the rows of the last run to take weekly LightGBM's from; it is trained where this is None.
    """
    recording = whole.thinned(minutes) if minutes else whole
    first, start = int(whole.polls[0]), (int(whole.polls[0]) + int(whole.polls[-1])) // 2
    day_one = DayOne(datetime.fromtimestamp(first + 86400, UTC))
    half = datetime.fromtimestamp(start, UTC)
    rows = backtest(recording, MINUTES, EVERY, half, seed=False, on_score=day_one.add).rows
    # Where polls are too rare for a horizon, the forecaster settles next to none, and no peer is asked.
    settled = tuple(
        minutes for minutes in MINUTES if any(row.minutes == minutes and row.n > 1000 for row in rows)
    )
    if kept is None:
        questions = ask(recording, settled, EVERY)
        known = peers.features(recording, questions, *grid(recording), 600)
        days = peers.retrain_days(recording, None)
        answers = peers.answer(peers.lightgbm, days, known, questions, start, settled)
        rows += judge(recording, "lightgbm weekly", questions, answers, start)
    naive = {row.minutes: row for row in rows if row.model == "naive"}
    judged = [
        asdict(row)
        | {
            f"{name}_change": round(100 * (getattr(row, name) / getattr(naive[row.minutes], name) - 1), 2)
            for name in ("mae", "crps")
        }
        for row in rows
        if row.minutes in settled and row.model in SHOWN
    ]
    asked = {(row.minutes, row.n) for row in naive.values()}
    judged += [row for row in kept or () if row["model"] not in OURS and (row["minutes"], row["n"]) in asked]
    return {"minutes": minutes, "rows": judged, "day one": day_one.against_naive()}


def main() -> None:
    """Judge, print and keep the figures beside this file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("recordings", nargs="*", default=RECORDINGS)
    parser.add_argument("--minutes", nargs="*", type=int, default=[0, 10, 20, 30, 60])
    parser.add_argument("--keep-peers", action="store_true")
    options = parser.parse_args()
    kept = HERE / "thinned.json"
    found = json.loads(kept.read_text()) if kept.exists() else {}
    folder = Path(os.environ["DOCKCAST_SHARED"]) / "recordings"
    with threadpool_limits(1):
        for name in options.recordings:
            whole = Recording.read(folder / name)
            before = {each["minutes"]: each for each in found.get(name, [])}
            for minutes in options.minutes:
                rows = before.get(minutes, {}).get("rows", []) if options.keep_peers else None
                before[minutes] = each = read_rarely(whole, minutes, rows)
                found[name] = [before[every] for every in sorted(before)]
                kept.write_text(json.dumps(found, indent=1) + "\n")
                for row in each["rows"]:
                    print(
                        f"{name} every {each['minutes']:2} min, {row['minutes']:3} ahead: {row['model']:16} "
                        f"MAE {row['mae_change']:+7.2f} %  CRPS {row['crps_change']:+7.2f} %  "
                        f"cover {100 * row['cover80']:.1f}  worse {100 * row['stations_worse']:.1f} %  "
                        f"n {row['n']}"
                    )


if __name__ == "__main__":
    main()
