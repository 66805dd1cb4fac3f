"""Measure how soon a planted break is noticed as drift, and how often drift is noticed without one.

From one day on half of all bikes that arrive are dropped. Departures stay. `play` runs the forecaster up to
that day, then with the break and without, and keeps the monitor's inputs in a folder outside the repository.
Nothing depends on the monitor, so `report` runs `DriftMonitor` over these inputs again, in seconds.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from ingest.city.cities import CITIES
from ingest.replay.playable_source import MONTH, MadeUpCity
from ingest.replay.recording import Recording
from ingest.worker.catch_up import catch_up
from model import Forecaster, Snapshot
from model.scoring.drift import DriftMonitor
from model.scoring.issue import ISSUE_MINUTES, SCORED_MINUTES

HERE = Path(__file__).parent
DAY = timedelta(days=1)
WARM_DAYS = 7
"""Days before anything counts: the monitor must first learn what is usual at each hour."""

CITY_START = datetime(2026, 4, 13, tzinfo=UTC)
CITY_SECONDS = 300


@dataclass(frozen=True)
class Case:
    """A city, the day from which on arrivals are halved, and the day at which it ends."""

    name: str
    day: int
    until: int


CASES = {
    case.name: case
    for case in (
        Case("dublin-2017-02", 21, 28), Case("boulder-2022-spring", 40, 54), Case("harbourton", 14, 19),
    )
}  # fmt: skip


def halved(snapshots: Iterable[Snapshot], last: Snapshot, random: np.random.Generator) -> Iterator[Snapshot]:
    """Drop half of the bikes that arrive after the snapshot `last`, and correct the counts."""
    prev = new = last.bikes.astype(np.int64)
    for snapshot in snapshots:
        bikes = snapshot.bikes.astype(np.int64)
        known = bikes >= 0
        change = np.where(known & (prev >= 0), bikes - prev, 0)
        change = np.where(change > 0, random.binomial(np.maximum(change, 0), 0.5), change)
        most = np.where(known & (snapshot.docks >= 0), bikes + snapshot.docks, np.maximum(bikes, new))
        new, prev = np.clip(new + change, 0, most), bikes
        yield replace(
            snapshot,
            bikes=np.where(known, new, -1),
            docks=np.where(snapshot.docks >= 0, most - new, -1),
        )


def follow(forecaster: Forecaster, snapshots: Iterable[Snapshot], city: Any = None) -> list[list[float]]:
    """Learn snapshots and list the monitor's inputs: minutes, time, day type, hour, CRPS, naive's CRPS."""
    inputs, hour = [], None
    for snapshot in snapshots:
        if city is not None and (now := snapshot.at.replace(minute=0)) != hour:
            hour = now
            forecaster.update_weather(city.weather(snapshot.at))
        mean: dict[tuple[datetime, int], dict[str, float]] = {}
        for score in forecaster.learn(snapshot):
            if len(score.rows) and score.model in ("pool", "naive"):
                mean.setdefault((score.target_at, score.minutes), {})[score.model] = float(score.crps.mean())
        for (target_at, minutes), crps in mean.items():
            cell = forecaster.components["calendar"].cell(target_at, 24)
            inputs.append([minutes, snapshot.at.timestamp(), *cell, crps["pool"], crps["naive"]])
    return inputs


def play(case: Case, recordings: Path, folder: Path) -> None:
    """Run one case and keep the monitor's inputs, once with the break and once without."""
    city = CITIES.get(case.name)
    if city is not None:
        # As in the app: a month is known before the first poll.
        start = CITY_START
        forecaster = Forecaster(city.stations)
        catch_up(forecaster, MadeUpCity(city), start - MONTH, start)

        def snapshots(since: datetime, end: datetime) -> Iterator[Snapshot]:
            return city.snapshots(since, end, CITY_SECONDS)
    else:
        recording = Recording.read(recordings / case.name)
        start = datetime.fromtimestamp(int(recording.polls[0]), UTC)
        forecaster = Forecaster(recording.stations, ISSUE_MINUTES)
        snapshots = recording.snapshots
    broken = start + case.day * DAY
    before = follow(forecaster, snapshots(start, broken), city)
    last = forecaster.snapshot()
    assert last is not None
    again = Forecaster.from_bytes(forecaster.to_bytes())
    rest = (start + case.until * DAY, np.random.default_rng(1))
    after = {
        "broken": follow(again, halved(snapshots(broken, rest[0]), last, rest[1]), city),
        "whole": follow(forecaster, snapshots(broken, rest[0]), city),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, inputs in after.items():
        times = {"start": np.array(start.timestamp())}
        np.savez(folder / f"{case.name}-{name}.npz", told=np.array(before + inputs), **times)


def watch(path: Path) -> tuple[datetime, datetime, list[tuple[datetime, int, bool]]]:
    """Run a monitor over kept inputs: when they begin and end, and the drifts: time, minutes, worse."""
    with np.load(path) as kept:
        inputs, start = kept["told"], datetime.fromtimestamp(float(kept["start"]), UTC)
    watching, found = DriftMonitor(SCORED_MINUTES), []
    for minutes, seconds, kind, hour, crps, naive in inputs.tolist():
        at = datetime.fromtimestamp(seconds, UTC)
        drift = watching.learn(int(minutes), at, (int(kind), int(hour)), crps, naive)
        if drift is not None:
            found.append((drift.at, drift.minutes, drift.after > drift.before))
    return start, datetime.fromtimestamp(float(inputs[-1, 1]), UTC), found


def judge(case: Case, folder: Path) -> dict[str, Any]:
    """Tell when a break was first noticed, and how many drifts there are without one."""
    start, _, found = watch(folder / f"{case.name}-broken.npz")
    broken = start + case.day * DAY
    first: dict[int, float] = {}
    for at, minutes, _ in found:
        if at >= broken:
            first.setdefault(minutes, round((at - broken) / timedelta(hours=1), 1))
    start, end, found = watch(folder / f"{case.name}-whole.npz")
    quiet = [each for each in found if each[0] >= start + WARM_DAYS * DAY]
    weeks = (end - start - WARM_DAYS * DAY) / timedelta(days=7)
    # Neighbouring horizons notice the same thing.
    days = len({at.date() for at, _, _ in quiet})
    same = len({minutes for at, minutes, _ in found if broken <= at < broken + DAY})
    return asdict(case) | {
        "first_hours": min(first.values(), default=None),
        "first_by_minutes": {str(minutes): first.get(minutes) for minutes in SCORED_MINUTES},
        "weeks": round(weeks, 2),
        "drifts_a_week": round(len(quiet) / weeks, 2),
        "days_with_drift_a_week": round(days / weeks, 2),
        "horizons_in_a_day": sum(hours <= 24 for hours in first.values()),
        "horizons_in_that_day_without": same,
    }


def table(rows: list[dict[str, Any]]) -> str:
    """Write the results as Markdown."""
    head = ["city", "first notice, hours", *(f"{minutes}" for minutes in SCORED_MINUTES),
            "horizons within a day", "on that day without", "drifts a week without", "days with one a week",
            "of weeks"]  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
    for row in rows:
        hours = [row["first_hours"], *row["first_by_minutes"].values()]
        cells = ["–" if each is None else f"{each:.1f}" for each in hours]
        rates = [f"{row[name]}" for name in ("horizons_in_a_day", "horizons_in_that_day_without")]
        rates += [f"{row[name]:.1f}" for name in ("drifts_a_week", "days_with_drift_a_week", "weeks")]
        lines.append(f"| {row['name']} | " + " | ".join([*cells, *rates]) + " |")
    return "\n".join(lines)


def main() -> None:
    """Play the named cases, or report on all that have been played."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("play", "report"))
    parser.add_argument("cases", nargs="*", metavar="CITY", help=", ".join(CASES))
    parser.add_argument("--recordings", type=Path, help="the folder of recordings")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "dockcast-drift")
    arguments = parser.parse_args()
    cases = [CASES[name] for name in arguments.cases or CASES]
    if arguments.what == "play":
        for case in cases:
            if arguments.recordings is None and case.name not in CITIES:
                sys.exit(f"{case.name} is a recording: say where with --recordings")
            play(case, arguments.recordings, arguments.folder)
        return
    rows = [judge(case, arguments.folder) for case in cases]
    made = {"python": platform.python_version(), "cases": rows}
    (HERE / "results.json").write_text(json.dumps(made, indent=1) + "\n")
    (HERE / "results.md").write_text(table(rows) + "\n")


if __name__ == "__main__":
    main()
