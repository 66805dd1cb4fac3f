"""What blackouts cost: Boulder replayed with them believed, and with them unknown, on the same questions.

A blackout shows an open station with neither a bike nor a dock, and passes after a minute. A question whose
issue time or target time lies in one is left out for both, unless the row says "all questions".

    DOCKCAST_SHARED=… python benchmarks/accuracy/blackouts.py    # four minutes on one core
"""

from __future__ import annotations

import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import numpy as np
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from ingest.replay import backtest
from ingest.replay.recording import Recording
from ingest.replay.recording_files import read_changes
from model import Forecaster, Snapshot
from model.arrays import Bools, Ints
from model.demand.rates import count_riders
from model.gaps import SHORT
from model.records import UNKNOWN, contradicted
from model.scoring.issue import Pending
from model.scoring.measures import measures
from model.scoring.settle import Score, Settled, settle

HERE = Path(__file__).parent
MINUTES = (10, 30, 60, 120)

Row = dict[str, str | int | float]


def blank(recording: Recording, snapshot: Snapshot) -> Bools:
    """Tell which stations show a blackout, `(S,)`."""
    assert snapshot.renting is not None
    assert snapshot.returning is not None
    open_ = snapshot.renting & snapshot.returning
    return contradicted(snapshot.bikes, snapshot.docks, recording.stations.capacity, open_)


def replayed(recording: Recording, start: datetime) -> tuple[list[Score], list[Score]]:
    """Replay a recording: the pool's and naive's scores on all questions, and on those without a blackout."""
    blanks: dict[datetime, Bools] = {}
    of_all: list[Score] = []
    of_common: list[Score] = []

    class Watched(Forecaster):
        def learn(self, snapshot: Snapshot, after_hole: bool = False) -> list[Score]:
            self.dark = blanks[snapshot.at] = blank(recording, snapshot)
            with patch("model.issued.settle", self.settle_both):
                return super().learn(snapshot, after_hole)

        def settle_both(self, pending: Pending, bikes: Ints, docks: Ints) -> Settled:
            judged = settle(pending, bikes, docks)
            if pending.issued_at >= start and pending.minutes in MINUTES:
                of_all.extend(judged.scores)
                then = np.where(blanks[pending.issued_at], UNKNOWN, pending.bikes)
                now = np.where(self.dark, UNKNOWN, bikes)
                of_common.extend(settle(replace(pending, bikes=then), now, docks).scores)
            return judged

    with patch("ingest.replay.backtest.Forecaster", Watched):
        backtest.backtest(recording, MINUTES, 20, start, seed=False)
    return of_all, of_common


def rows(rule: str, questions: str, scores: Iterable[Score]) -> Iterator[Row]:
    """Give the pool's measures by horizon, and its errors relative to naive's in per cent."""
    sums: dict[tuple[int, str], dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for score in scores:
        for name, value in score.row().items():
            if name not in ("target_at", "model", "minutes"):
                sums[score.minutes, score.model][name] += value
    for minutes in MINUTES:
        pool, naive = (
            {name: float(value[0]) for name, value in measures({k: [v] for k, v in of.items()}).items()}
            for of in (sums[minutes, "pool"], sums[minutes, "naive"])
        )
        yield {
            "rule": rule,
            "questions": questions,
            "minutes": minutes,
            "n": int(sums[minutes, "pool"]["n"]),
            **{name: round(pool[name], 4) for name in ("mae", "crps", "cover80")},
            **{f"{name}_change": round(100 * (pool[name] / naive[name] - 1), 2) for name in ("mae", "crps")},
        }


def riders(recording: Recording, steady: bool) -> int:
    """Count the riders that are learnt; with `steady` none over a poll in which a station opens or closes."""
    total = 0.0
    then: Snapshot | None = None
    for now in recording.snapshots():
        if then is not None and now.at - then.at <= SHORT:
            assert then.renting is not None
            assert then.returning is not None
            known = (then.bikes >= 0) & (now.bikes >= 0)
            change = now.bikes - then.bikes
            if steady:
                change[(then.renting != now.renting) | (then.returning != now.returning)] = 0
            can_arrive = known & (then.docks != 0) & then.returning
            can_depart = known & (then.bikes > 0) & then.renting
            total += (count_riders(change, now.at - then.at) * [can_arrive, can_depart]).sum()
        then = now
    return int(total)


def main() -> None:
    """Replay under both rules, print and keep the figures."""
    folder = Path(os.environ["DOCKCAST_SHARED"]) / "recordings" / "boulder-2022-spring"
    unknown = Recording.read(folder)
    raw = read_changes(folder, unknown.stations.station_id, unknown.polls)
    believed = replace(unknown, _log=raw)
    first, last = unknown.polls[[0, -1]].tolist()
    start = datetime.fromtimestamp(first, UTC) + timedelta(seconds=(last - first) / 2)
    learnt = {
        "blackouts believed": riders(believed, steady=False),
        "blackouts unknown": riders(unknown, steady=False),
        "and none at opening or closing": riders(unknown, steady=True),
    }
    print(learnt, flush=True)
    table: list[Row] = []
    with threadpool_limits(1):
        for rule, recording in (("unknown", unknown), ("believed", believed)):
            of_all, of_common = replayed(recording, start)
            table += rows(rule, "without blackouts", of_common)
            if rule == "believed":
                table += rows(rule, "all questions", of_all)
            for row in table[-4:]:
                print(row, flush=True)
    asked = [[row["n"] for row in table[first : first + 4]] for first in (0, 4)]
    assert asked[0] == asked[1], "the two rules were not asked the same questions"
    text = json.dumps({"riders": learnt, "rows": table}, indent=1)
    (HERE / "blackouts.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
