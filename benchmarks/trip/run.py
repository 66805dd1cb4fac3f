"""Looks up whether planned trips worked: see README.md beside this file.

DOCKCAST_SHARED=… python benchmarks/trip/run.py
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from ingest.replay.recording import Recording  # noqa: E402
from model.forecaster import Forecaster  # noqa: E402
from model.frame import Frame  # noqa: E402
from model.frame_builder import make_frame  # noqa: E402
from model.trip import (  # noqa: E402
    DETOUR,
    MISS_MINUTES,
    RIDING_KMH,
    WALKING_KMH,
    WALKING_LIMIT_MINUTES,
    Point,
    TripPlan,
    plan,
    walking_minutes,
    weigh,
)

RECORDINGS = ("dublin-2017-02", "chicago-2013-autumn")
EVERY_SECONDS = 20 * 60
TRIPS = 10
"""At each moment."""

LEAVING = (0, 30, 60)
PEOPLE = (1, 3)
KILOMETRES = (1.0, 5.0)
ASIDE_KM = (0.1, 0.4)
"""Distance of a trip's ends from a station."""

PLANNERS = ("recommended", "second", "third", "nearest that shows one", "nearest")
DEGREE_KM = 111.2


class Truth:
    """Counts at every station and poll: bikes and spaces `(P, S)`, none where closed or unknown."""

    def __init__(self, recording: Recording) -> None:
        self.polls = recording.polls
        self.patience = max(1.5 * recording.system.poll_seconds, 90.0)
        shape = len(recording.polls), len(recording.stations)
        self.bikes, self.spaces = (np.zeros(shape, dtype=np.int16) for _ in range(2))
        for index, snapshot in enumerate(recording.snapshots()):
            for held, counts, flags in (
                (self.bikes, snapshot.bikes, snapshot.renting),
                (self.spaces, snapshot.docks, snapshot.returning),
            ):
                open_now = True if flags is None else flags
                held[index] = np.where(open_now, counts, 0)  # -1, unknown, is not enough either

    def poll(self, at: float) -> int | None:
        """Give the first poll at or after a Unix time; None where it was too late."""
        index = int(np.searchsorted(self.polls, at))
        known = index < len(self.polls) and self.polls[index] - at <= self.patience
        return index if known else None


@dataclass(frozen=True)
class Trip:
    """A trip: start, goal, and minutes until it begins."""

    origin: Point
    destination: Point
    leaving: int


def trips(frame: Frame, random: np.random.Generator) -> Iterator[Trip]:
    """Make up trips between points near stations that are in service now."""
    lat, lon = frame.stations.lat, frame.stations.lon
    # Chicago lists some stations at 0, 0.
    known = np.flatnonzero(
        (frame.bikes >= 0) & (frame.docks >= 0) & (lat != 0) & frame.renting & frame.returning
    )
    made = 0
    while made < TRIPS:
        ends = []
        for row in random.choice(known, 2):
            away, towards = random.uniform(*ASIDE_KM), random.uniform(0, 2 * np.pi)
            north, east = away * np.cos(towards), away * np.sin(towards)
            ends.append((
                float(lat[row] + north / DEGREE_KM),
                float(lon[row] + east / DEGREE_KM / np.cos(np.radians(lat[row]))),
            ))  # fmt: skip
        crow = float(walking_minutes(ends[0], ends[1])) / 60 * WALKING_KMH / DETOUR
        if KILOMETRES[0] <= crow <= KILOMETRES[1]:
            made += 1
            yield Trip(ends[0], ends[1], int(random.choice(LEAVING)))


def nearest(frame: Frame, trip: Trip, people: int, look: bool) -> TripPlan:
    """Take the nearest open stations, with `look` those that show enough now, if any does."""
    lat, lon = frame.stations.lat, frame.stations.lon
    chosen: list[int] = []
    for point, counts, flags in (
        (trip.origin, frame.bikes, frame.renting),
        (trip.destination, frame.docks, frame.returning),
    ):
        minutes = walking_minutes(point, (lat, lon))
        fit = (counts >= 0) & flags
        if look and (fit & (counts >= people)).any():
            fit &= counts >= people
        if chosen:
            fit[chosen[0]] = False
        chosen.append(int(np.argmin(np.where(fit, minutes, np.inf))))
    pickup, dropoff = (np.array([row]) for row in chosen)
    pair = weigh(frame, trip.origin, trip.destination, pickup, dropoff, trip.leaving, people=people)
    return pair.plan(0, 0)


def happened(truth: Truth, frame: Frame, trip: Trip, people: int, made: TripPlan) -> dict[str, Any] | None:
    """Look up whether a plan worked, and the cost of walking on; None where the truth is unknown."""
    start = frame.at.timestamp()
    first, last = (truth.poll(start + 60 * m) for m in (made.at_pickup_minutes, made.at_dropoff_minutes))
    if first is None or last is None:
        return None
    bikes, spaces = truth.bikes[first], truth.spaces[last]
    if bikes[made.pickup] < 0 or spaces[made.dropoff] < 0:
        return None
    lat, lon = frame.stations.lat, frame.stations.lon
    pickup, dropoff = ((float(lat[row]), float(lon[row])) for row in (made.pickup, made.dropoff))
    bike, space = bool(bikes[made.pickup] >= people), bool(spaces[made.dropoff] >= people)
    ride = WALKING_KMH / RIDING_KMH
    more = 0.0
    if not bike:  # on foot to another station that has one, and on by bike from there
        way = walking_minutes(pickup, (lat, lon)) + ride * walking_minutes(dropoff, (lat, lon))
        more += float(way[bikes >= people].min()) - made.riding_minutes
    if not space:  # by bike to another station that has one, and back on foot from there
        way = ride * walking_minutes(dropoff, (lat, lon)) + walking_minutes(trip.destination, (lat, lon))
        more += float(way[spaces >= people].min()) - made.from_minutes
    return {"bike": bike, "space": space, "more": more}


def rows_of(truth: Truth, frame: Frame, trip: Trip, people: int) -> list[dict[str, Any]]:
    """Compare every planner's plan for one trip with the truth; nothing where any truth is unknown."""
    plans = plan(frame, trip.origin, trip.destination, trip.leaving, people=people)
    if not plans:
        return []
    made = dict(zip(PLANNERS, plans, strict=False))
    made["nearest that shows one"] = nearest(frame, trip, people, look=True)
    made["nearest"] = nearest(frame, trip, people, look=False)
    rows = []
    for planner, its in made.items():
        found = happened(truth, frame, trip, people, its)
        if found is None or np.isnan(its.chance):
            return []
        rows.append({
            "planner": planner, "people": people, "leaving": trip.leaving, "minutes": its.minutes,
            "chance_bike": its.chance_bike, "chance_space": its.chance_space, "chance": its.chance,
            "as_now": bool(frame.bikes[its.pickup] >= people and frame.docks[its.dropoff] >= people), **found,
        })  # fmt: skip
    return rows


def replay(recording: Recording, seed: int) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Learn a recording from its beginning and plan trips in its second half: a row a trip and planner."""
    random = np.random.default_rng(seed)
    truth = Truth(recording)
    half = (int(recording.polls[0]) + int(recording.polls[-1])) // 2
    forecaster = Forecaster(recording.stations)
    table: list[dict[str, Any]] = []
    planned, slot, learning, planning = 0, -1, 0.0, 0.0
    for snapshot in recording.snapshots():
        begun = time.process_time()
        forecaster.learn(snapshot)
        learning += time.process_time() - begun
        at = int(snapshot.at.timestamp())
        before, slot = slot, at // EVERY_SECONDS
        if at < half or slot == before:
            continue
        frame = make_frame(forecaster)
        for trip in trips(frame, random):
            begun = time.process_time()
            plan(frame, trip.origin, trip.destination, trip.leaving)
            planning += time.process_time() - begun
            for people in PEOPLE:
                table += [{"trip": planned, "at": at, **row} for row in rows_of(truth, frame, trip, people)]
            planned += 1
    cost = {"asked": planned, "learning_seconds": learning, "plan_milliseconds": 1000 * planning / planned}
    rows = pd.DataFrame(table)
    rows["worked"] = rows["bike"] & rows["space"]
    return rows, cost


def summary(rows: pd.DataFrame) -> dict[str, Any]:
    """Sum up the planners on the same trips, for one recording and one number of riders."""
    planners = {}
    for planner in PLANNERS:
        its = rows[rows["planner"] == planner]
        missed = ~its["worked"]
        planners[planner] = {
            "n": len(its),
            "worked": its["worked"].mean(),
            "bike": its["bike"].mean(),
            "space": its["space"].mean(),
            "stated": its["chance"].mean(),
            "brier": ((its["chance"] - its["worked"]) ** 2).mean(),
            "brier_as_now": (its["as_now"] != its["worked"]).mean(),
            "minutes": its["minutes"].mean(),
            "minutes_with_walking_on": (its["minutes"] + its["more"]).mean(),
            "walking_on_minutes_a_miss": its["more"][missed].mean(),
            "worked_by_leaving": {str(m): part.mean() for m, part in its.groupby("leaving")["worked"]},
            "reliability": reliability(its),
            "independence": independence(its),
        }
    wide = rows.pivot(index=["at", "trip"], columns="planner", values="worked").astype(float)
    day = wide.index.get_level_values("at") // 86400
    more = {}
    for planner in PLANNERS[3:]:
        ahead = (wide["recommended"] - wide[planner]).groupby(day).mean()
        more[planner] = {"ahead": ahead.mean(), "standard_error": ahead.std() / np.sqrt(len(ahead))}
    return {"trips": len(wide), "planners": planners, "recommended_ahead_of": more}


def reliability(its: pd.DataFrame) -> list[dict[str, float]]:
    """Compare the stated chance with the share that worked, in ten bins."""
    tenth = np.minimum((its["chance"] * 10).astype(int), 9)
    return [
        {
            "bin": int(bin_),
            "stated": part["chance"].mean(),
            "came_true": part["worked"].mean(),
            "n": len(part),
        }
        for bin_, part in its.groupby(tenth)
    ]


def independence(its: pd.DataFrame) -> dict[str, float]:
    """Measure whether misses at the two ends go together more often than the product of their chances.

    `together` is the mean product of what was missing at either end, outcome less chance: what the chance
    that both work would have to be corrected by, 0 where the two are independent.
    """
    bike, space = its["bike"] - its["chance_bike"], its["space"] - its["chance_space"]
    both = bike * space
    return {
        "together": both.mean(),
        "standard_error": both.std() / np.sqrt(len(both)),
        "correlation": float(np.corrcoef(bike, space)[0, 1]),
    }


def tables(results: dict[str, Any]) -> str:
    """Write the figures as tables."""
    out: list[str] = []
    for name, found in results.items():
        for people, result in found["people"].items():
            bikes = "one bike" if people == "1" else f"{people} bikes"
            out += [f"## {name}, {bikes}, {result['trips']:,} trips", ""]
            out += outcome(result["planners"]) + calibration(result["planners"])
    return "\n".join(out).rstrip() + "\n"


def outcome(planners: dict[str, Any]) -> list[str]:
    """Write the share of each planner's trips that worked, and their minutes."""
    head = ["plan", "n", "worked", *(f"leaving in {minutes}" for minutes in LEAVING), "stated", "Brier",
            "Brier as now", "minutes", "over nearest", "with walking on", "walking on, a miss"]  # fmt: skip
    rows = []
    for planner, its in planners.items():
        by_leaving = [per_cent(its["worked_by_leaving"][str(minutes)]) for minutes in LEAVING]
        scores = [f"{its[key]:.4f}" for key in ("brier", "brier_as_now")]
        extra = its["minutes"] - planners["nearest"]["minutes"]
        minutes = [f"{its['minutes']:.2f}", f"{extra:+.2f}", f"{its['minutes_with_walking_on']:.2f}"]
        rows.append([planner, f"{its['n']:,}", per_cent(its["worked"]), *by_leaving, per_cent(its["stated"]),
                     *scores, *minutes, f"{its['walking_on_minutes_a_miss']:.1f}"])  # fmt: skip
    return lines(head, rows)


def calibration(planners: dict[str, Any]) -> list[str]:
    """Compare the stated chance of the recommended plan and of the nearest stations with the outcome."""
    shown = ("recommended", "nearest")
    head = ["chance", *(f"{planner}: {what}" for planner in shown for what in ("stated", "came true", "n"))]
    rows = []
    for tenth in range(10):
        cells = [f"{10 * tenth}–{10 * tenth + 10} %"]
        for planner in shown:
            row = next((row for row in planners[planner]["reliability"] if row["bin"] == tenth), None)
            cells += (
                [per_cent(row["stated"]), per_cent(row["came_true"]), f"{row['n']:,}"]
                if row
                else ["", "", "0"]
            )
        rows.append(cells)
    return lines(head, rows)


def lines(head: list[str], rows: list[list[str]]) -> list[str]:
    """Give the lines of a table, its first column to the left."""
    table = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return [*(f"| {' | '.join(cells)} |" for cells in table), ""]


def per_cent(share: float) -> str:
    """Write a share with one decimal."""
    return f"{100 * share:.1f} %"


def main() -> None:
    """Run the recordings named, and write results.json and results.md."""
    parser = argparse.ArgumentParser()
    parser.add_argument("recordings", nargs="*", default=RECORDINGS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--days", type=float, help="the first so many days of each recording alone")
    parser.add_argument("--out", type=Path, default=HERE)
    chosen = parser.parse_args()
    folder = Path(os.environ["DOCKCAST_SHARED"]) / "recordings"
    results: dict[str, Any] = {}
    for name in chosen.recordings:
        recording = Recording.read(folder / name)
        if chosen.days:
            end = recording.newest(int(recording.polls[0]) + 86400 * chosen.days)
            recording = recording.head(end)
        with threadpool_limits(1):
            rows, cost = replay(recording, chosen.seed)
        people = {str(number): summary(part) for number, part in rows.groupby("people")}
        results[name] = {**cost, "people": people}
        print(name, cost, flush=True)
    report = {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "seed": chosen.seed,
        "settings": {"walking_kmh": WALKING_KMH, "riding_kmh": RIDING_KMH, "detour": DETOUR,
                     "walking_limit_minutes": WALKING_LIMIT_MINUTES, "miss_minutes": MISS_MINUTES},
        "recordings": results,
    }  # fmt: skip
    (chosen.out / "results.json").write_text(json.dumps(report, indent=1) + "\n")
    (chosen.out / "results.md").write_text(tables(results))
    print(tables(results))


if __name__ == "__main__":
    main()
