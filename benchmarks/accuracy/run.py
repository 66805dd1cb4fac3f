"""Every model on the same questions, in one run: see README.md beside this file.

    python benchmarks/accuracy/run.py [STRETCH…] [--keep-peers]

With `--keep-peers` only our own models run. The rows of their peers, which our code does not touch, are those
of the last run. It ends with an error unless "no change" has the same error on as many questions as then.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent))

import peers  # noqa: E402
from plots import plot  # noqa: E402
from questions import ask, covered, grid  # noqa: E402

from ingest.replay.backtest import BacktestRow, backtest  # noqa: E402
from ingest.replay.recording import Recording  # noqa: E402
from model.forecaster import Forecaster  # noqa: E402
from model.frame import MINUTES as FRAME_MINUTES  # noqa: E402
from model.frame_builder import make_frame  # noqa: E402
from model.scoring.issue import SCORED_MINUTES  # noqa: E402
from model.scoring.settle import Score  # noqa: E402
from model.seed_pipeline import SeedPipeline  # noqa: E402

STRETCHES: dict[str, tuple[str, str, str] | None] = {
    "dublin-2017-02": None,
    "chicago-2013-autumn": None,
    "boulder-2022-spring": None,
    "boulder-cut": ("boulder-2022-spring", "2022-03-12", "2022-04-23"),
}
"""The recordings to score, and a stretch of one that can be asked for by name."""

MINUTES = (10, 30, 60, 120)
EVERY = 20
DAY = timedelta(days=1)


def judge(
    recording: Recording, model: str, questions: Any, answers: peers.Answers, start: int
) -> list[BacktestRow]:
    """Score a peer's answers as `model.scoring` scores ours."""
    rows = []
    for minutes in questions.truth:
        judged = (questions.truth[minutes] >= 0) & (questions.issued >= start)[:, None]
        truth, then = questions.truth[minutes][judged], np.maximum(questions.bikes, 0)[judged]
        cdf, point = answers.cdf[minutes][judged], answers.median[minutes][judged]
        docks = questions.truth_docks[minutes][judged]
        some_bike, some_dock = answers.some_bike[minutes][judged], answers.some_dock[minutes][judged]
        beyond = np.maximum(truth - cdf.shape[1] + 1, 0)
        crps = ((cdf - (truth[:, None] <= np.arange(cdf.shape[1]))) ** 2).sum(axis=1) + beyond
        error, naive = np.abs(point - truth), np.abs(then - truth)
        station = np.nonzero(judged)[1]
        size = judged.shape[1]
        worse = np.bincount(station, error, size) > 1.01 * np.bincount(station, naive, size)
        rows.append(
            BacktestRow(
                recording=recording.system.system_id,
                model=model,
                minutes=minutes,
                n=len(truth),
                mae=float(error.mean()),
                rmse=float(np.sqrt(((point - truth) ** 2).mean())),
                crps=float(crps.mean()),
                brier_bike=float(((some_bike - (truth >= 1)) ** 2).mean()),
                brier_dock=float(((some_dock - (docks >= 1)) ** 2)[docks >= 0].mean()),
                cover80=covered(cdf, truth),
                stations_worse=float(worse.mean()),
            )
        )
    return rows


def stretch(name: str, folder: Path, scratch: Path) -> Recording:
    """Read a recording, or make one of a part of it."""
    cut = STRETCHES.get(name)
    if cut is None:
        return Recording.read(folder / name)
    source, start, end = cut
    whole = json.loads((folder / source / "system.json").read_text())
    first, last = (pd.Timestamp(day, tz=whole["timezone"]).timestamp() for day in (start, end))
    made = scratch / name
    made.mkdir()
    (made / "system.json").write_text(json.dumps(whole | {"system_id": name}))
    (made / "stations.csv").write_bytes((folder / source / "stations.csv").read_bytes())
    polls, changes = (pd.read_parquet(folder / source / f"{file}.parquet") for file in ("polls", "changes"))
    before = changes[changes["at"] < first].sort_values("at", kind="stable")
    polls, changes = (table[table["at"].between(first, last, "left")] for table in (polls, changes))
    initial = before.drop_duplicates("station_id", keep="last").assign(at=polls["at"].min())
    polls.to_parquet(made / "polls.parquet")
    pd.concat([initial, changes]).to_parquet(made / "changes.parquet")
    return Recording.read(made)


@dataclass
class DayOne:
    """The first day, cold: sums of absolute errors and CRPS by model and horizon."""

    until: datetime
    sums: dict[tuple[str, int], list[float]] = field(default_factory=dict)

    def add(self, score: Score) -> None:
        """Add the score of a forecast, if it was issued on the first day."""
        if score.minutes in MINUTES and score.target_at - timedelta(minutes=score.minutes) < self.until:
            sums = self.sums.setdefault((score.model, score.minutes), [0.0, 0.0])
            sums[0] += float(score.abs_error.sum())
            sums[1] += float(score.crps.sum())

    def against_naive(self) -> dict[str, dict[int, list[float]]]:
        """Give the change of error and CRPS against naive, by model and horizon."""
        found: dict[str, dict[int, list[float]]] = {}
        for (model, minutes), sums in self.sums.items():
            base = self.sums["naive", minutes]
            if base[0]:
                found.setdefault(model, {})[minutes] = [sums[0] / base[0] - 1, sums[1] / base[1] - 1]
        return found


@dataclass
class Stopwatch:
    """Adds up the processor time inside two methods of the seed pipeline, and counts their stations."""

    seconds: float = 0.0
    questions: int = 0

    def watch(self, method: Callable[..., Any], place: int) -> Callable[..., Any]:
        """Wrap one, whose stations are the argument at `place`."""

        def watched(*arguments: Any) -> Any:
            begun = time.process_time()
            answer = method(*arguments)
            self.seconds += time.process_time() - begun
            self.questions += len(arguments[place])
            return answer

        return watched


def cost(recording: Recording) -> dict[str, float]:
    """Compare the cost of a station with all horizons at every update, in microseconds.

    Ours learns and forecasts the frame's horizons; the seed pipeline learns and predicts each of them.
    """
    forecaster = Forecaster(recording.stations)
    first = datetime.fromtimestamp(int(recording.polls[0]), UTC)
    snapshots = recording.snapshots(end=first + 3 * DAY)
    learning, ticks = 0.0, 0
    for snapshot in snapshots:
        begun = time.process_time()
        forecaster.learn(snapshot)
        learning, ticks = learning + time.process_time() - begun, ticks + 1
    size = len(recording.stations)
    seed, ids = SeedPipeline(recording.stations.timezone, (10,)), recording.stations.station_id.tolist()
    dry, truth = np.full(6, np.nan), np.maximum(snapshot.bikes, 0)
    seed.learn(10, snapshot.at, dry, ids, truth)
    frame, seed_seconds = [], []
    for _ in range(20):
        begun = time.process_time()
        make_frame(forecaster)
        frame.append(time.process_time() - begun)
        begun = time.process_time()
        seed.predict(10, snapshot.at, dry, ids)
        seed.learn(10, snapshot.at, dry, ids, truth)
        seed_seconds.append(time.process_time() - begun)
    ours = learning / ticks / size + float(np.median(frame)) / size
    seeds = float(np.median(seed_seconds)) / size * len(FRAME_MINUTES)
    return {
        "horizons": len(FRAME_MINUTES),
        "ours learn": 1e6 * learning / ticks / size,
        "ours forecast": 1e6 * float(np.median(frame)) / size,
        "ours": 1e6 * ours,
        "seed": 1e6 * seeds,
        "seed over ours": seeds / ours,
    }


def run(name: str, folder: Path, scratch: Path, before: dict[str, Any] | None) -> dict[str, Any]:
    """Let all peers answer the questions of one recording's second half; take those of `before` if given."""
    recording = stretch(name, folder, scratch)
    first, last = int(recording.polls[0]), int(recording.polls[-1])
    start = (first + last) // 2
    half = datetime.fromtimestamp(start, UTC)
    day_one = DayOne(datetime.fromtimestamp(first, UTC) + DAY)
    clock = Stopwatch()
    SeedPipeline.predict = clock.watch(PREDICT, 4)  # type: ignore[method-assign]
    SeedPipeline.learn = clock.watch(LEARN, 4)  # type: ignore[method-assign]
    with threadpool_limits(1):
        begun = time.process_time()
        report = backtest(recording, MINUTES, EVERY, half, seed=before is None, on_score=day_one.add)
        total = time.process_time() - begun
        SeedPipeline.predict, SeedPipeline.learn = PREDICT, LEARN  # type: ignore[method-assign]
        each = cost(recording)
    rows = list(report.rows)
    seconds: dict[str, Any] = {"ours, all models": {"total": total - clock.seconds}}
    made = {"rows": rows, "seconds": seconds, "day one": day_one.against_naive(), "a station update": each}
    if before is not None:
        return _with_peers_of(before, made)
    seconds["seed"] = {"total": clock.seconds, "questions": clock.questions // 2}
    questions = ask(recording, MINUTES, EVERY)
    begun = time.process_time()
    times, values = grid(recording)
    known = peers.features(recording, questions, times, values, 600)
    features = time.process_time() - begun
    for model, fit, weekday in (
        ("lightgbm weekly", peers.lightgbm, None),
        ("forest on Tuesdays", peers.forest, 1),
    ):
        answers = peers.answer(fit, peers.retrain_days(recording, weekday), known, questions, start, MINUTES)
        spent = answers.seconds | {"features": features}
        seconds[model] = spent | {"total": sum(spent.values())}
        rows += judge(recording, model, questions, answers, start)
    same = {(row.minutes, row.n) for row in rows}
    if len(same) != len(MINUTES):
        raise SystemExit(f"{name}: the models were not judged on the same forecasts: {sorted(same)}")
    made["rows"] = [asdict(row) for row in rows]
    made["peers of"] = datetime.now(UTC).date().isoformat()
    return made


def _with_peers_of(before: dict[str, Any], made: dict[str, Any]) -> dict[str, Any]:
    """Put the peers of an earlier run beside our own models, if both answered the same questions."""
    ours = [asdict(row) for row in made["rows"]]

    def questions(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
        naive = (row for row in rows if row["model"] == "naive")
        return sorted((row["minutes"], row["n"], round(row["mae"], 12)) for row in naive)

    if questions(ours) != questions(before["rows"]):
        raise SystemExit("the peers of the last run answered other questions: run without --keep-peers")
    day_one = {model: changes for model, changes in before["day one"].items() if model in PEERS}
    return made | {
        "rows": ours + [row for row in before["rows"] if row["model"] in PEERS],
        "seconds": before["seconds"] | made["seconds"],
        "day one": day_one | made["day one"],
        "peers of": before["peers of"],
    }


PEERS = ("seed", "lightgbm weekly", "forest on Tuesdays")
PREDICT, LEARN = SeedPipeline.predict, SeedPipeline.learn


def table(results: dict[str, Any]) -> str:
    """Write the figures as change against naive in per cent, and their cost."""
    lines = [
        "| recording | min | model | n | MAE | RMSE | CRPS | Brier bike ≥ 1 | dock ≥ 1 | cover | worse |",
        "|---|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    keys = ("mae", "rmse", "crps", "brier_bike", "brier_dock")
    for result in results.values():
        naive = {row["minutes"]: row for row in result["rows"] if row["model"] == "naive"}
        for row in sorted(result["rows"], key=lambda row: row["minutes"]):
            base = naive[row["minutes"]]
            if row is base:
                cells = [f"{row[key]:.4g}" for key in keys]
            else:
                cells = [f"{100 * (row[key] / base[key] - 1):+.1f} %" for key in keys]
            model = f"**{row['model']}**" if row["model"] == "pool" else row["model"]
            tail = f"{100 * row['cover80']:.1f} % | {100 * row['stations_worse']:.1f} %"
            start = f"| {row['recording']} | {row['minutes']} | {model} | {row['n']}"
            lines.append(f"{start} | {' | '.join(cells)} | {tail} |")
    lines += [
        "",
        "The first day, cold: the pool's change against naive, MAE and CRPS.",
        "",
        "| recording | " + " | ".join(f"{minutes} min" for minutes in MINUTES) + " |",
        "|---|" + "---:|" * len(MINUTES),
    ]
    for name, result in results.items():
        first = result["day one"]["pool"]
        cells = [" and ".join(f"{100 * change:+.1f} %" for change in first[minutes]) for minutes in MINUTES]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    lines += [
        "",
        "The peers ran on "
        + ", ".join(f"{each['peers of']} ({name})" for name, each in results.items())
        + ".",
    ]
    lines += [
        "",
        f"Processor seconds for the whole recording: ours and the seed pipeline at {len(SCORED_MINUTES)} "
        f"horizons, the batch models at {len(MINUTES)}.",
        "",
        "| recording | ours, all models | seed | lightgbm weekly | forest on Tuesdays |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, result in results.items():
        cells = [f"{spent['total']:.0f}" for spent in result["seconds"].values()]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    lines += [
        "",
        f"A station update with everything asked each time, {len(FRAME_MINUTES)} horizons, in microseconds.",
        "",
        "| recording | ours: learn | ours: forecast | ours | seed: learn and predict | seed over ours |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, result in results.items():
        spent = result["a station update"]
        cells = [f"{spent[key]:.0f}" for key in ("ours learn", "ours forecast", "ours", "seed")]
        lines.append(f"| {name} | {' | '.join(cells)} | {spent['seed over ours']:.1f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run the stretches named, and write results.json, results.md and the plots."""
    parser = argparse.ArgumentParser()
    parser.add_argument("recordings", nargs="*", default=list(STRETCHES))
    parser.add_argument("--out", type=Path, default=HERE)
    parser.add_argument("--keep-peers", action="store_true")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)  # now, not after an hour of work
    folder = Path(os.environ["DOCKCAST_SHARED"]) / "recordings"
    results: dict[str, Any] = {}
    before: dict[str, Any] = {}
    if arguments.keep_peers:
        results = before = json.loads((HERE / "results.json").read_text(), object_hook=_whole)["results"]
    with tempfile.TemporaryDirectory() as scratch:
        for name in arguments.recordings:
            made = run(name, folder, Path(scratch), before.get(name))
            results[name] = json.loads(json.dumps(made), object_hook=_whole)
            about = {"python": platform.python_version(), "on": datetime.now(UTC).date().isoformat()}
            text = json.dumps({"results": results, "made": about}, indent=1)
            (arguments.out / "results.json").write_text(text + "\n", encoding="utf-8")
            (arguments.out / "results.md").write_text(table(results), encoding="utf-8")
            print(name, "done", flush=True)
    plot(results, arguments.out)


def _whole(pairs: dict[str, Any]) -> dict[Any, Any]:
    return {int(key) if key.isdigit() else key: value for key, value in pairs.items()}


if __name__ == "__main__":
    main()
