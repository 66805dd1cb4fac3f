"""Looks up whether the latest good departures worked, and whether stations did on arrival on foot.

See README.md beside this file.

DOCKCAST_SHARED=… python benchmarks/trip/departures.py
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from run import Trip, Truth, happened, lines, nearest, per_cent, trips  # noqa: E402

from dashboard.nearby import order  # noqa: E402
from ingest.replay.recording import Recording  # noqa: E402
from ingest.replay.recording_files import read_changes  # noqa: E402
from model.departures import PROMISE, arrive_by  # noqa: E402
from model.forecaster import Forecaster  # noqa: E402
from model.frame import NO_FORECAST, Frame  # noqa: E402
from model.frame_builder import make_frame  # noqa: E402
from model.moments import chances_at, outlook_at  # noqa: E402
from model.trip import WALKING_LIMIT_MINUTES, TripPlan, walking_minutes  # noqa: E402

RECORDINGS = ("dublin-2017-02", "chicago-2013-autumn", "boulder-2022-spring")
EVERY_SECONDS = 20 * 60
TRIPS = 10
"""At each moment."""

THERE_BY = (60, 120, 240)
"""Minutes until the rider must be there."""

BEFORE = (30, 45, 60)
"""Minutes before that at which riders of fixed habits leave."""

RULES = ("new", "old")
"""New: a blackout, an open station with neither bike nor space, is not known. Old: it is believed."""

PROMISED = (0.9, 0.92, 0.94, 0.96, 0.98, 1.0)
"""Where the bins of a calibration table begin, of what was promised; the last is certainty."""

TENTHS = np.arange(0, 1.01, 0.1)


def one(truth: Truth, frame: Frame, trip: Trip, made: TripPlan, there_by: int) -> dict[str, Any] | None:
    """Look up one rider's trip: whether it worked, and whether they were there in time."""
    found = happened(truth, frame, trip, 1, made)
    if found is None:
        return None
    minutes = made.minutes + found["more"]
    return {
        "worked": found["bike"] and found["space"],
        "in_time": made.leaving + minutes <= there_by + 1e-6,
        "before": there_by - made.leaving,
    }


def riders(truth: Truth, frame: Frame, trip: Trip, there_by: int) -> dict[str, tuple[TripPlan, float]]:
    """Plan one trip as each of the riders would: the plan, and the chance promised for it.

    A rider of fixed habits looks at the counts now, when the trip is planned, or at those on leaving.
    """
    found = arrive_by(frame, trip.origin, trip.destination, there_by)
    if found is None:
        return {}
    chosen = found.latest or found.best
    plans = {"latest good" if found.latest else "best, none good": (chosen, chosen.chance)}
    for before in BEFORE:
        leaves = Trip(trip.origin, trip.destination, there_by - before)
        poll = truth.poll(frame.at.timestamp() + 60 * leaves.leaving)
        if poll is None:
            return {}
        then = replace(frame, bikes=truth.bikes[poll], docks=truth.spaces[poll])
        for looks, seen in (("now", frame), ("on leaving", then)):
            made = nearest(seen, leaves, 1, look=True)
            plans[f"{before} min before, looks {looks}"] = (made, made.chance)
    return plans


def departures(
    truths: dict[str, Truth], frame: Frame, random: np.random.Generator, at: int
) -> list[dict[str, Any]]:
    """Make up trips with a time to be there, and look up what became of every rider: a row each and rule."""
    rows: list[dict[str, Any]] = []
    for number, trip in enumerate(trips(frame, random)):
        there_by = int(random.choice(THERE_BY))
        planned = riders(truths["new"], frame, trip, there_by)
        for rule, truth in truths.items():
            mine: list[dict[str, Any]] = []
            for rider, (made, promised) in planned.items():
                looked = one(truth, frame, trip, made, there_by)
                if looked is None or math.isnan(promised):
                    mine.clear()
                    break
                mine.append({"rule": rule, "at": at, "trip": number, "there_by": there_by,
                             "rider": rider, "promised": promised, **looked})  # fmt: skip
            rows += mine
    return rows


def arrivals(
    truths: dict[str, Truth], frame: Frame, random: np.random.Generator, at: int
) -> list[dict[str, Any]]:
    """Walk from made-up places to every station within reach: a row a station, side and rule."""
    rows: list[dict[str, Any]] = []
    lat, lon = frame.stations.lat, frame.stations.lon
    for number, trip in enumerate(trips(frame, random)):
        if number >= TRIPS // 2:
            break
        walk = walking_minutes(trip.origin, (lat, lon))
        near = np.flatnonzero((walk <= WALKING_LIMIT_MINUTES) & frame.renting & frame.returning)
        for what, outlook, counts in (
            ("bike", frame.bike, frame.bikes), ("space", frame.space, frame.docks),
        ):  # fmt: skip
            then = chances_at(frame, outlook.chance[0], near, walk[near])
            near_known = near[~np.isnan(then) & (counts[near] >= 0)]
            if not len(near_known):
                continue
            chance = outlook_at(frame, outlook, near_known, walk[near_known]).chance[0].astype(np.int64)
            now = np.where(counts[near_known] > 0, 100, 0)
            no_star = np.zeros(len(near_known), dtype=np.bool_)
            firsts = {
                "on arrival": int(order(chance, walk[near_known], no_star)[0]),
                "as now": int(order(now, walk[near_known], no_star)[0]),
            }
            for rule, truth in truths.items():
                held = truth.bikes if what == "bike" else truth.spaces
                for place, row in enumerate(near_known.tolist()):
                    poll = truth.poll(frame.at.timestamp() + 60 * walk[row])
                    if poll is None or held[poll, row] < 0 or chance[place] == NO_FORECAST:
                        continue
                    rows.append({
                        "rule": rule, "at": at, "what": what, "walk": walk[row], "there": held[poll, row] > 0,
                        "chance": chance[place] / 100, "now": now[place] / 100,
                        **{f"first {name}": first == place for name, first in firsts.items()},
                    })  # fmt: skip
    return rows


def replay(folder: Path, seed: int, days: float | None) -> dict[str, pd.DataFrame]:
    """Learn a recording from its beginning, and ask in its second half: the tables of both questions."""
    recording = Recording.read(folder)
    if days:
        recording = recording.head(recording.newest(int(recording.polls[0]) + 86400 * days))
    truths = {"new": Truth(recording)}
    raw = read_changes(folder, recording.stations.station_id, recording.polls)
    truths["old"] = Truth(replace(recording, _log=raw))
    random = np.random.default_rng(seed)
    half = (int(recording.polls[0]) + int(recording.polls[-1])) // 2
    forecaster = Forecaster(recording.stations)
    tables: dict[str, list[dict[str, Any]]] = {"departures": [], "arrivals": []}
    slot = -1
    for snapshot in recording.snapshots():
        forecaster.learn(snapshot)
        at = int(snapshot.at.timestamp())
        before, slot = slot, at // EVERY_SECONDS
        if at < half or slot == before:
            continue
        frame = make_frame(forecaster)
        tables["departures"] += departures(truths, frame, random, at)
        tables["arrivals"] += arrivals(truths, frame, random, at)
    return {name: pd.DataFrame(rows) for name, rows in tables.items()}


def of_departures(rows: pd.DataFrame) -> dict[str, Any]:
    """Sum up the riders of one rule, and compare what was promised with what worked."""
    ours = rows["rider"].isin(["latest good", "best, none good"])
    good = rows[rows["rider"] == "latest good"]
    trip = [rows["at"], rows["trip"]]
    has_good = (rows["rider"] == "latest good").groupby(trip).transform("any")
    table = {}
    for rider, its in rows[has_good].groupby("rider", sort=False):
        day = its["at"] // 86400
        table[rider] = {
            "n": len(its),
            **{name: its[name].mean() for name in ("worked", "in_time", "before")},
            **{
                f"{name}_error": its[name].groupby(day).mean().std() / math.sqrt(day.nunique())
                for name in ("worked", "in_time")
            },
        }
    bins = np.digitize(good["promised"] + 1e-9, PROMISED) - 1
    return {
        "trips": int(ours.sum()),
        "with_good": len(good),
        "riders": table,
        "worked_by_there_by": {str(at): part.mean() for at, part in good.groupby("there_by")["worked"]},
        "calibration": calibrated(good["promised"], good["worked"], bins),
        "none_good": {
            "promised": rows[ours & ~has_good]["promised"].mean(),
            "worked": rows[ours & ~has_good]["worked"].mean(),
        },
    }


def of_arrivals(rows: pd.DataFrame) -> dict[str, Any]:
    """Sum up walking arrivals of one rule and side."""
    there = rows["there"].astype(float)
    firsts = {
        name: rows[rows[f"first {name}"]]["there"].mean() for name in ("on arrival", "as now")
    }  # fmt: skip
    return {
        "n": len(rows),
        "brier": ((rows["chance"] - there) ** 2).mean(),
        "brier_as_now": ((rows["now"] - there) ** 2).mean(),
        "first_works": firsts,
        "calibration": calibrated(
            rows["chance"], rows["there"], np.minimum(np.digitize(rows["chance"], TENTHS) - 1, 9)
        ),
    }


def calibrated(stated: pd.Series[float], happened: pd.Series[bool], bins: Any) -> list[dict[str, float]]:
    """Compare what was stated with what happened, bin by bin."""
    frame = pd.DataFrame({"stated": stated, "came_true": happened.astype(float), "bin": bins})
    return [
        {"bin": int(bin_), "n": len(part), **part[["stated", "came_true"]].mean().to_dict()}
        for bin_, part in frame.groupby("bin")
    ]


def tables(results: dict[str, Any]) -> str:
    """Write the figures as tables."""
    out: list[str] = []
    for name, found in results.items():
        for rule, its in found["departures"].items():
            if rule == "old" and its == found["departures"]["new"]:
                out += [f"{name}, old rule: the same departures to the last digit.", ""]
                continue
            out += [
                f"## {name}, {rule} rule: {its['trips']:,} trips, {its['with_good']:,} with a good departure",
                "",
            ]
            rows = [
                [
                    rider, f"{its['n']:,}", per_cent(its["worked"]), per_cent(its["worked_error"]),
                    per_cent(its["in_time"]), per_cent(its["in_time_error"]), f"{its['before']:.1f}",
                ]
                for rider, its in its["riders"].items()
            ]  # fmt: skip
            head = ["rider", "n", "worked", "standard error", "there in time", "standard error",
                    "left so many min before"]  # fmt: skip
            out += lines(head, rows)
            out += bins(its["calibration"], "promised", PROMISED)
        for key, its in found["arrivals"].items():
            if its == found["arrivals"][key.replace("old", "new")] and "old" in key:
                continue
            out += [f"## {name}, on foot, {key}: {its['n']:,} arrivals", ""]
            firsts = its["first_works"]
            out += lines(
                ["judged", "Brier", "the first station works"],
                [
                    ["on arrival", f"{its['brier']:.4f}", per_cent(firsts["on arrival"])],
                    ["all as now", f"{its['brier_as_now']:.4f}", per_cent(firsts["as now"])],
                ],
            )
            out += bins(its["calibration"], "stated", TENTHS)
    return "\n".join(out).rstrip() + "\n"


def bins(calibration: list[dict[str, float]], word: str, edges: Any) -> list[str]:
    """Write a calibration table."""
    rows = []
    for row in calibration:
        low = edges[int(row["bin"])]
        high = edges[min(int(row["bin"]) + 1, len(edges) - 1)]
        rows.append([f"{100 * low:.0f}–{100 * high:.0f} %", per_cent(row["stated"]),
                     per_cent(row["came_true"]), f"{int(row['n']):,}"])  # fmt: skip
    return lines(["chance", word, "came true", "n"], rows)


def main() -> None:
    """Run the recordings named, and write departures.json and departures.md."""
    parser = argparse.ArgumentParser()
    parser.add_argument("recordings", nargs="*", default=RECORDINGS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--days", type=float, help="the first so many days of each recording alone")
    parser.add_argument("--out", type=Path, default=HERE)
    chosen = parser.parse_args()
    folder = Path(os.environ["DOCKCAST_SHARED"]) / "recordings"
    results: dict[str, Any] = {}
    for name in chosen.recordings:
        with threadpool_limits(1):
            found = replay(folder / name, chosen.seed, chosen.days)
        left, walked = found["departures"], found["arrivals"]
        results[name] = {
            "departures": {rule: of_departures(left[left["rule"] == rule]) for rule in RULES},
            "arrivals": {
                f"{what}, {rule} rule": of_arrivals(part)
                for (what, rule), part in walked.groupby(["what", "rule"], sort=False)
            },
        }
        print(tables({name: results[name]}), flush=True)
    report = {
        "seed": chosen.seed,
        "promise": PROMISE,
        "there_by": THERE_BY,
        "before": BEFORE,
        "recordings": results,
    }
    (chosen.out / "departures.json").write_text(json.dumps(report, indent=1) + "\n")
    (chosen.out / "departures.md").write_text(tables(results))


if __name__ == "__main__":
    main()
