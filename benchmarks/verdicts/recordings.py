"""Measures after how many days of recordings the page tells models apart: see README.md beside this file."""

from __future__ import annotations

import json
import os
import sys
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent / "accuracy")]

import peers  # noqa: E402
from questions import ask, grid  # noqa: E402

from dashboard.score_reader import FixedBins  # noqa: E402
from dashboard.screens.accuracy.verdicts import answer  # noqa: E402
from ingest.replay.backtest import backtest  # noqa: E402
from ingest.replay.recording import Recording  # noqa: E402
from ingest.store.scores import HOUR, SUMS, span_start  # noqa: E402
from model.scoring.issue import SCORED_MINUTES  # noqa: E402
from model.scoring.settle import Score  # noqa: E402
from model.scoring.verdict import bin_seconds  # noqa: E402

RECORDINGS = "dublin-2017-02", "boulder-2022-spring"
PEER, ASKED = "lightgbm weekly", (10, 30, 60, 120)


def hourly(recording: Recording) -> pd.DataFrame:
    """Replay a recording as a worker would, and add its scores up by the hour as the store does."""
    sums: dict[tuple[datetime, str, int], np.ndarray] = defaultdict(lambda: np.zeros(len(SUMS)))

    def collect(score: Score) -> None:
        row = score.row()
        key = span_start(score.target_at, HOUR), score.model, score.minutes
        sums[key] += [row[name] for name in SUMS]

    backtest(recording, SCORED_MINUTES, 20, seed=False, on_score=collect)
    rows = [(*key, *values) for key, values in sums.items()]
    table = pd.DataFrame(rows, columns=["at", "model", "minutes", *SUMS])
    return table.astype({"at": "datetime64[s, UTC]"})


def of_peer(recording: Recording) -> pd.DataFrame:
    """Let weekly LightGBM of `benchmarks/accuracy` answer from its second week on; its errors by the hour."""
    questions = ask(recording, ASKED, 20)
    known = peers.features(recording, questions, *grid(recording), 600)
    moments = peers.retrain_days(recording, None)
    start = moments[0]
    answers = peers.answer(peers.lightgbm, moments, known, questions, start, ASKED)
    rows = []
    for minutes in ASKED:
        judged = (questions.truth[minutes] >= 0) & (questions.issued >= start)[:, None]
        error = np.where(judged, np.abs(answers.median[minutes] - questions.truth[minutes]), 0).sum(axis=1)
        hour = (questions.issued + 60 * minutes) // 3600 * 3600
        each = pd.DataFrame({"at": hour, "n": judged.sum(axis=1), "abs_error": error})
        each = each[each["n"] > 0].groupby("at", as_index=False).sum()
        rows.append(
            each.assign(model=PEER, minutes=minutes, at=pd.to_datetime(each["at"], unit="s", utc=True))
        )
    table = pd.concat(rows).reindex(columns=["at", "model", "minutes", *SUMS]).fillna(0)
    return table.astype({"at": "datetime64[s, UTC]"})


def days_until(sums: pd.DataFrame, minutes: int) -> dict[str, object]:
    """Ask the page's question of a pair or of all models; days count from the first score."""
    every = sums[sums["minutes"] == minutes]
    mine = every[every["model"] != PEER]

    def days(models: list[str] | None) -> tuple[str, float | None, int]:
        chosen = mine if models is None else every[every["model"].isin(models)]
        begun = chosen.groupby("model")["at"].min().max().to_pydatetime()
        found = answer(FixedBins(minutes, bin_seconds(minutes), chosen), "mae", UTC)
        assert found is not None
        after = None if found.since is None else round((found.since - begun).total_seconds() / 86400, 1)
        return found.best, after, len(found.alike)

    return {
        "days": round((mine["at"].max() - mine["at"].min()).total_seconds() / 86400, 1),
        "pool and naive": days(["pool", "naive"]),
        "pool and chain": days(["pool", "chain"]),
        "pool and LightGBM": days(["pool", PEER]) if minutes in ASKED else None,
        "all": days(None),
    }


def main() -> None:
    """Replay both recordings and write the results."""
    folder = Path(os.environ["DOCKCAST_SHARED"]) / "recordings"
    found = {}
    for name in RECORDINGS:
        recording = Recording.read(folder / name)
        with threadpool_limits(1):
            sums = pd.concat([hourly(recording), of_peer(recording)])
        found[name] = {minutes: days_until(sums, minutes) for minutes in SCORED_MINUTES}
        print(json.dumps({name: found[name]}, indent=1), flush=True)
    (HERE / "recordings.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    lines = [
        "| recording, ahead | days | pool or naive | pool or chain | pool or weekly LightGBM | best of all |",
        "|---|---|---|---|---|---|",
    ]
    for name, horizons in found.items():
        for minutes, each in horizons.items():
            lines.append(
                f"| {name}, {minutes} min | {each['days']} | "
                + " | ".join(words(each[f"pool and {peer}"]) for peer in ("naive", "chain", "LightGBM"))
                + f" | {words(each['all'])} |"
            )
    (HERE / "recordings.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def words(found: object) -> str:
    """Write an answer: the best model, and after how many days it was told apart, or from how many not."""
    if found is None:
        return "not asked"
    assert isinstance(found, tuple)
    best, after, alike = found
    return f"{best} after {after} days" if after is not None else f"{best}, not yet ({alike} alike)"


if __name__ == "__main__":
    main()
