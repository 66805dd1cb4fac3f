"""Judges recordings for silence as a worker does: false silences by night and day, and how long one takes.

DOCKCAST_SHARED=… python benchmarks/silence/run.py    # ten minutes on one core
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from shared import add_shared

from ingest.replay.recording import Recording
from ingest.worker import schedule
from ingest.worker.tick import IMPROBABLE, JUDGED_AFTER, LONGEST_STILLNESS
from model import Forecaster, Snapshot

HERE = Path(__file__).resolve().parent
RECORDINGS = ("chicago-2013-autumn", "boulder-2022-spring", "dublin-2017-02", "tokyo-2022-06-29",
              "france-2026-03-night/paris", "france-2026-03-night/amiens")  # fmt: skip
NIGHT = (23, 6)
"""The hours that count as night, in the city's time."""
LONGEST = timedelta(hours=12)
MINUTE = timedelta(minutes=1)

Row = dict[str, str | int | float | None]


def hour_of(recording: Recording, at: datetime) -> int:
    """Give the hour of a moment in the city's time."""
    return at.astimezone(ZoneInfo(recording.stations.timezone)).hour


@dataclass
class Silences:
    """Stretches of silence by one rule, each with its beginning and its end."""

    stretches: list[tuple[datetime, datetime]] = field(default_factory=list)
    silent: bool = False

    def note(self, at: datetime, silent: bool) -> None:
        """Note whether the feed is silent at a poll."""
        if silent and not self.silent:
            self.stretches.append((at, at))
        elif silent:
            self.stretches[-1] = (self.stretches[-1][0], at)
        self.silent = silent

    def row(self, recording: Recording) -> Row:
        """Count them by the hour at which they begin."""
        begun = Counter(
            "night"
            if hour_of(recording, start) >= NIGHT[0] or hour_of(recording, start) < NIGHT[1]
            else "day"
            for start, _ in self.stretches
        )
        hours = sum(((end - start) / timedelta(hours=1) for start, end in self.stretches), 0.0)
        return {"night": begun["night"], "day": begun["day"], "hours": round(hours, 1)}


def replay(recording: Recording) -> tuple[Forecaster, dict[str, Silences]]:
    """Replay as a feed whose clock runs, and as one that repeats its document until a count changes.

    A poll after a hole of the recording begins anew: nobody knows what was there.
    """
    forecaster = Forecaster(recording.stations, every=360)
    after = schedule.silent_after(recording.system, 60)
    found = {name: Silences() for name in ("clock runs", "repeats", "repeats, rule before")}
    since = before = None
    for snapshot in recording.snapshots():
        hole = before is not None and snapshot.at - before > timedelta(minutes=15)
        before = snapshot.at
        if since is None or hole or not forecaster.shows(snapshot):
            since = snapshot.at
        still = snapshot.at - since
        odds = forecaster.odds_of_stillness(since, snapshot.at) if forecaster.at and still > after else 1.0
        usual = odds is not None and odds >= IMPROBABLE
        learnt = snapshot.at - (forecaster.learning_since or snapshot.at)
        frozen = odds is not None and not usual and learnt >= JUDGED_AFTER
        found["clock runs"].note(snapshot.at, frozen)
        found["repeats"].note(snapshot.at, still > after and not (usual and still <= LONGEST_STILLNESS))
        found["repeats, rule before"].note(snapshot.at, still > after)
        if not frozen:
            forecaster.learn(snapshot)
    return forecaster, found


def until_silent(forecaster: Forecaster, recording: Recording, since: datetime) -> timedelta | None:
    """Give the time after which counts that stand still since a moment are silence; None beyond 12 hours."""
    wait = schedule.silent_after(recording.system, 60)
    while wait <= LONGEST:
        odds = forecaster.odds_of_stillness(since, since + wait)
        if odds is None:
            return None
        if odds < IMPROBABLE:
            return wait
        wait += MINUTE
    return None


def waits(forecaster: Forecaster, recording: Recording) -> Iterator[Row]:
    """Give the wait by the hour of the last change, over the week after the recording's end."""
    assert forecaster.at is not None
    zone = ZoneInfo(recording.stations.timezone)
    midnight = forecaster.at.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    for hour in (3, 6, 8, 12, 17, 21, 0):
        of = [
            until_silent(forecaster, recording, (midnight + timedelta(days=day, hours=hour)).astimezone(UTC))
            for day in range(7)
        ]
        minutes = [LONGEST / MINUTE if each is None else each / MINUTE for each in of]
        yield {"hour": hour, "median": float(np.median(minutes)), "longest": max(minutes)}


def freeze(recording: Recording, begin: datetime) -> Row:
    """Freeze a day from `begin` on: minutes until silence, and what is left of the demand of that hour."""

    def demand(forecaster: Forecaster) -> float:
        return float(forecaster.components["long"].at(begin).sum(dtype=np.float64))

    learnt = Forecaster(recording.stations, every=360)
    last: Snapshot | None = None
    for snapshot in recording.snapshots(end=begin):
        learnt.learn(snapshot)
        last = snapshot
    assert last is not None
    usual, silent_at = demand(learnt), None
    believed = Forecaster.from_bytes(learnt.to_bytes())
    after = schedule.silent_after(recording.system, 60)
    for minute in range(1, 24 * 60):
        at = begin + minute * MINUTE
        still = Snapshot(at, last.station_id, last.bikes, last.docks, None, last.renting, last.returning)
        believed.learn(still)
        if silent_at is None:
            odds = learnt.odds_of_stillness(begin, at) if at - begin > after else 1.0
            if odds is not None and odds < IMPROBABLE:
                silent_at = at
            else:
                learnt.learn(still)
    return {
        "minutes until silent": None if silent_at is None else (silent_at - begin) / MINUTE,
        "demand left, %": round(100 * demand(learnt) / usual, 1),
        "demand left if believed, %": round(100 * demand(believed) / usual, 1),
    }


def report(results: dict[str, Any]) -> Iterator[str]:
    """Write the tables."""
    yield "| recording | polls | rule | silences begun by night | by day | hours in all |"
    yield "|---|---:|---|---:|---:|---:|"
    for name, found in results.items():
        for rule, row in found["silences"].items():
            numbers = f"{row['night']} | {row['day']} | {row['hours']}"
            yield f"| {name} | {found['polls']:,} | {rule} | {numbers} |"
    yield ""
    yield "Minutes from the last change to silence, by its hour: median and longest of the week after."
    yield ""
    waited = {name: found["waits"] for name, found in results.items() if "waits" in found}
    yield "| recording | " + " | ".join(f"{row['hour']}:00" for row in next(iter(waited.values()))) + " |"
    yield "|---" + "|---:" * len(next(iter(waited.values()))) + "|"
    for name, rows in waited.items():
        yield f"| {name} | " + " | ".join(f"{r['median']:.0f}, {r['longest']:.0f}" for r in rows) + " |"
    yield ""
    yield "A day frozen from noon of the fifteenth day on:"
    yield ""
    yield "| recording | minutes until silent | demand left, % | demand left if it were believed, % |"
    yield "|---|---:|---:|---:|"
    for name, found in results.items():
        if "frozen" in found:
            yield f"| {name} | " + " | ".join(str(value) for value in found["frozen"].values()) + " |"


def noon(recording: Recording) -> datetime:
    """Give the noon of the fifteenth day of a recording."""
    zone = ZoneInfo(recording.stations.timezone)
    first = datetime.fromtimestamp(int(recording.polls[0]), UTC).astimezone(zone)
    return (first + timedelta(days=14)).replace(hour=12, minute=0, second=0, microsecond=0).astimezone(UTC)


def main() -> None:
    """Judge all recordings, and write the results."""
    parser = argparse.ArgumentParser()
    add_shared(parser)
    shared = parser.parse_args().shared
    results: dict[str, Any] = {}
    for name in RECORDINGS:
        recording = Recording.read(shared / "recordings" / name)
        forecaster, found = replay(recording)
        results[name] = {
            "polls": len(recording.polls),
            "silences": {rule: silences.row(recording) for rule, silences in found.items()},
            "stretches": {
                rule: [f"{start:%Y-%m-%d %H:%M} UTC, {(end - start) / MINUTE:.0f} min"
                       for start, end in silences.stretches]
                for rule, silences in found.items() if "before" not in rule
            },
        }  # fmt: skip
        if noon(recording).timestamp() < recording.polls[-1]:
            results[name]["waits"] = [*waits(forecaster, recording)]
            results[name]["frozen"] = freeze(recording, noon(recording))
    (HERE / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (HERE / "results.md").write_text("\n".join(report(results)) + "\n")


if __name__ == "__main__":
    with threadpool_limits(limits=1):
        main()
