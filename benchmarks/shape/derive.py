"""Derive the weekly profile that a new city starts from: see README.md beside this file."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from ingest.replay.recording import Recording
from model.demand.calendar import DAY_TYPES, Calendar
from model.demand.rates import Demand, Events, count_riders
from model.demand.weekly_profile import WEEKLY_PROFILE
from model.gaps import SHORT

CITIES = ("dublin-2017-02", "chicago-2013-autumn", "boulder-2022-spring", "toulouse-2016")
SLOTS = WEEKLY_PROFILE.shape[1]


def shape_of(path: Path) -> np.ndarray:
    """Learn a recording from end to end; give its events per hour of exposure by slot, over their mean."""
    recording = Recording.read(path)
    demand = Demand(
        len(recording.stations), Calendar(recording.stations.timezone, ""), SLOTS, half_life_days=20
    )
    last = None
    for snapshot in recording.snapshots():
        if last is not None and snapshot.at - last.at < timedelta(minutes=1):
            continue
        if last is not None and snapshot.at - last.at <= SHORT:
            known = (last.bikes >= 0) & (snapshot.bikes >= 0)
            free = np.array([known & (last.docks != 0), known & (last.bikes > 0)])
            riders = count_riders(snapshot.bikes - last.bikes, snapshot.at - last.at) * free
            demand.learn(Events(last.at, snapshot.at, riders.astype(np.float32), free))
        last = snapshot
    seen, hours = (table.sum(axis=(2, 3)) for table in (demand.events, demand.hours))
    rate = (seen + 1) / (hours + 1)
    rate = np.stack([np.convolve(np.r_[day[-1], day, day[0]], [0.25, 0.5, 0.25], "valid") for day in rate])
    return rate / rate.mean()


def main() -> None:
    """Print the table for `model/demand/weekly_profile.py`, of all cities but those left out."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--without", nargs="*", default=[])
    without = parser.parse_args().without
    recordings = Path(os.environ["DOCKCAST_SHARED"]) / "recordings"
    shapes = [shape_of(recordings / city) for city in CITIES if city not in without]
    mean = np.exp(np.mean(np.log(shapes), axis=0))
    mean /= mean.mean()
    for day_type in range(DAY_TYPES):
        print("    (")
        for start in range(0, SLOTS, 12):
            print(
                "        " + ", ".join(f"{value:.2f}" for value in mean[day_type, start : start + 12]) + ","
            )
        print("    ),")


if __name__ == "__main__":
    main()
