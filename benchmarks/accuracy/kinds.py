"""Kinds of bikes: the forecast of each kind against what else could say how many will stand there.

    DOCKCAST_SHARED=… python benchmarks/accuracy/kinds.py [RECORDING] [--rows 100000] [--parts ours weekly]
                                             [--kinds electric plain any] [--minutes 15 30 60 120]

The recording must tell e-bikes apart. All models answer the questions of its second half, of all bikes, of
the plain ones and of the electric ones. *share* is the forecast of all bikes times the kind's share of the
bikes now. *lightgbm weekly* is trained on the kind's own counts, each time on so many rows drawn from all
before: on all of them it takes hours.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import peers
from questions import Array, Questions, ask, covered, grid
from run import DAY, EVERY, HERE, judge

from ingest.replay.recording import Recording
from model.arrays import Array32, Ints
from model.forecaster import Forecaster
from model.records import ANY, ELECTRIC, OF_BIKES, PLAIN, Counts
from model.scoring.issue import KIND_SCORED
from model.scoring.measures import WORSE
from model.scoring.settle import Score

MEASURES = ("mae", "crps", "brier_bike")


class OfKind:
    """A recording with the counts of one kind in place of those of all bikes, as the peers read it."""

    def __init__(self, recording: Recording, kind: str) -> None:
        self.system, self.stations, self.polls = recording.system, recording.stations, recording.polls
        self._recording, self._kind = recording, kind

    def snapshots(self) -> Any:
        """Go through the polls; a snapshot has no more than `bikes`, `docks` and `state`."""
        for each in self._recording.snapshots():
            if self._kind == ANY:
                yield each
                continue
            electric = np.minimum(each.ebikes, each.bikes)
            count = electric if self._kind == ELECTRIC else each.bikes - electric
            unknown = (each.bikes < 0) | (each.ebikes < 0)
            yield SimpleNamespace(
                bikes=np.where(unknown, -1, count), docks=each.docks, state=np.where(unknown, 4, each.state)
            )


@dataclass
class Sums:
    """Sums of one model's scores at one horizon, and its errors by station."""

    errors: Array
    n: int = 0
    sums: Array = field(default_factory=lambda: np.zeros(3))
    covered: float = 0.0

    def add(self, rows: Ints, errors: Array, crps: Array, brier: Array, inside: float) -> None:
        """Add what was judged at some stations."""
        self.n += len(rows)
        self.sums += [errors.sum(), crps.sum(), brier.sum()]
        self.covered += inside
        self.errors[rows] += errors

    def row(self, naive: Sums) -> dict[str, float]:
        """Give the means over all that was judged."""
        means = dict(zip(MEASURES, (self.sums / self.n).tolist(), strict=True))
        worse = float((self.errors > WORSE * naive.errors).mean())
        return {"n": self.n, **means, "cover80": self.covered / self.n, "stations_worse": worse}


def ours(recording: Recording, start: int, asked: dict[str, Questions]) -> dict[str, Any]:
    """Replay the recording once: every model of ours, the share of now, and the first day."""
    size, first = len(recording.stations), int(recording.polls[0])
    totals: dict[tuple[str, str, int], Sums] = {}
    day_one: dict[tuple[str, str, int], Sums] = {}

    def add(into: dict[tuple[str, str, int], Sums], key: tuple[str, str, int], *judged: Any) -> None:
        into.setdefault(key, Sums(np.zeros(size))).add(*judged)

    def note(score: Score) -> None:
        issued, key = (
            score.target_at.timestamp() - 60 * score.minutes,
            (score.kind, score.model, score.minutes),
        )
        judged = (
            score.rows, score.abs_error, score.crps, score.brier_bike, float(score.tenths[1:9].sum()),
        )  # fmt: skip
        if score.n and score.minutes in KIND_SCORED and issued >= start:
            add(totals, key, *judged)
        if score.n and score.minutes in KIND_SCORED and issued < first + DAY.total_seconds():
            add(day_one, key, *judged)

    forecaster = Forecaster(recording.stations, EVERY)
    place = {at: index for index, at in enumerate(asked[ANY].issued.tolist())}
    for snapshot in recording.snapshots():
        for score in forecaster.learn(snapshot):
            note(score)
        index = place.get(int(snapshot.at.timestamp()))
        if index is None or asked[ANY].issued[index] < start or forecaster.learnt_since(ELECTRIC) is None:
            continue
        every = forecaster.forecast(KIND_SCORED).bikes
        now = asked[ANY].bikes[index]
        for kind in OF_BIKES:
            share = np.maximum(asked[kind].bikes[index], 0) / np.maximum(now, 1)
            for row, minutes in enumerate(KIND_SCORED):
                truth = asked[kind].truth[minutes][index]
                rows = np.flatnonzero(truth >= 0)
                if len(rows):
                    judged = _share(every, row, rows, share[rows], truth[rows])
                    add(totals, (kind, "share", minutes), *judged)
    return {
        name: {
            f"{kind} {model} {minutes}": sums.row(found[kind, "naive", minutes])
            for (kind, model, minutes), sums in found.items()
        }
        for name, found in (("second half", totals), ("day one", day_one))
    }


def _share(every: Counts, row: int, rows: Ints, share: Array, truth: Array) -> tuple[Any, ...]:
    """Judge the forecast of all bikes times a share: each count becomes the nearest to its share."""
    cdf: Array32 = every.cdf[row, rows]
    counts = np.arange(cdf.shape[1])
    scaled = np.rint(share[:, None] * counts)
    # The most bikes whose share is no more than k.
    last = np.array([np.searchsorted(line, counts, side="right") - 1 for line in scaled])
    of_kind = np.take_along_axis(cdf, np.clip(last, 0, cdf.shape[1] - 1), axis=1)
    median = (of_kind < 0.5 - 1e-6).sum(axis=1)
    crps = ((of_kind - (truth[:, None] <= counts)) ** 2).sum(axis=1)
    brier = ((1 - of_kind[:, 0]) - (truth >= 1)) ** 2
    return rows, np.abs(median - truth), crps, brier, covered(of_kind, truth) * len(rows)


def weekly(
    recording: Recording, start: int, asked: dict[str, Questions], options: argparse.Namespace
) -> Iterator[dict[str, Any]]:
    """Train LightGBM each week on the counts of each kind, and judge it, one horizon after the other."""
    rng = np.random.default_rng(1)

    def fit(x: Array, change: Array, docks: Array) -> peers.Model:
        some = rng.permutation(len(x))[: options.rows]
        # Docks belong to no kind: with all of them unknown no model is trained for them.
        return peers.lightgbm(x[some], change[some], np.full(len(some), -1))

    for kind in options.kinds:
        own: Any = OfKind(recording, kind)
        known = peers.features(own, asked[kind], *grid(own), 600)
        days = peers.retrain_days(own, None)
        for minutes in options.minutes:
            one = Questions(
                asked[kind].issued,
                asked[kind].bikes,
                asked[kind].docks,
                {minutes: asked[kind].truth[minutes]},
                {minutes: asked[kind].truth_docks[minutes]},
            )
            answers = peers.answer(fit, days, known, one, start, (minutes,))
            (row,) = judge(own, "lightgbm weekly", one, answers, start)
            scores = {name: getattr(row, name) for name in ("n", *MEASURES, "cover80", "stations_worse")}
            yield {"second half": {f"{kind} lightgbm weekly {minutes}": scores}}
            print(kind, minutes, "trained", flush=True)


def table(results: dict[str, Any]) -> str:
    """Write the figures as change against naive."""
    lines = [
        "| bikes | min | model | n | MAE | CRPS | Brier ≥ 1 | cover | worse | day one MAE | CRPS |",
        "|---|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    half, first = results["second half"], results["day one"]
    order = ("naive", "pool", "share", "climatology", "lightgbm weekly")
    for kind in (ANY, *OF_BIKES):
        for minutes in KIND_SCORED:
            naive = half[f"{kind} naive {minutes}"]
            for model in order:
                row = half.get(f"{kind} {model} {minutes}")
                if row is None:
                    continue
                if model == "naive":
                    cells = [f"{row[name]:.4f}" for name in MEASURES]
                else:
                    cells = [f"{100 * (row[name] / naive[name] - 1):+.1f} %" for name in MEASURES]
                day = first.get(f"{kind} {model} {minutes}")
                base = first[f"{kind} naive {minutes}"]
                cold = ["", ""]
                if day is not None and model != "naive":
                    cold = [f"{100 * (day[name] / base[name] - 1):+.1f} %" for name in ("mae", "crps")]
                name = f"**{model}**" if model == "pool" else model
                tail = f"{100 * row['cover80']:.1f} % | {100 * row['stations_worse']:.1f} %"
                lines.append(
                    f"| {kind} | {minutes} | {name} | {row['n']} | {' | '.join(cells)} | {tail} | "
                    f"{' | '.join(cold)} |"
                )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Judge, print and keep the figures beside this file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("recording", nargs="?", default="sf-2022-autumn")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--parts", nargs="*", default=["ours", "weekly"])
    parser.add_argument("--kinds", nargs="*", default=[ELECTRIC, PLAIN, ANY])
    parser.add_argument("--minutes", nargs="*", type=int, default=KIND_SCORED)
    parser.add_argument("--out", type=Path, default=HERE)
    options = parser.parse_args()
    recording = Recording.read(Path(os.environ["DOCKCAST_SHARED"]) / "recordings" / options.recording)
    if not recording.has_ebikes:
        raise SystemExit(f"{options.recording} tells no e-bikes apart: name a recording that does")
    start = (int(recording.polls[0]) + int(recording.polls[-1])) // 2
    kept = options.out / "kinds.json"
    results: dict[str, Any] = {"second half": {}, "day one": {}}
    if kept.exists():
        results = json.loads(kept.read_text())
    with threadpool_limits(1):
        asked = {kind: ask(OfKind(recording, kind), KIND_SCORED, EVERY) for kind in (ANY, *OF_BIKES)}  # type: ignore[arg-type]
        for part in options.parts:
            if part == "ours":
                steps: Iterable[dict[str, Any]] = [ours(recording, start, asked)]
            else:
                steps = weekly(recording, start, asked, options)
                results["rows"] = options.rows
            for step in steps:
                for name, rows in step.items():
                    results[name] |= rows
                results["on"] = datetime.now(UTC).date().isoformat()
                kept.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    (options.out / "kinds.md").write_text(table(results), encoding="utf-8")
    print(table(results))


if __name__ == "__main__":
    main()
