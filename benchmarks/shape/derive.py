"""Derive the week's shape that a new city starts from: see README.md beside this file."""

import argparse
import os
from datetime import timedelta
from pathlib import Path

import numpy as np
from ingest.recording import Recording

from model import Forecaster
from model.demand import DAY_TYPES, SLOTS

CITIES = ("dublin-2017-02", "chicago-2013-autumn", "boulder-2022-spring", "toulouse-2016")


def shape_of(path: Path) -> np.ndarray:
    """Learn a recording from end to end; give its events per hour of exposure by slot, over their mean."""
    recording = Recording.read(path)
    forecaster = Forecaster(recording.stations)
    snapshots = recording.snapshots()
    last = None
    for snapshot in snapshots:
        if last is None or snapshot.at - last >= timedelta(minutes=1):
            forecaster.learn(snapshot)
            last = snapshot.at
    events = forecaster._demand.events.sum(axis=(2, 3))
    hours = forecaster._demand.hours.sum(axis=(2, 3))
    rate = (events + 1) / (hours + 1)
    rate = np.stack([np.convolve(np.r_[day[-1], day, day[0]], [0.25, 0.5, 0.25], "valid") for day in rate])
    return rate / rate.mean()


def main() -> None:
    """Print the table for `model/shape.py`, of all cities but those left out."""
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
