"""Compiles the forecaster's kernels, so that the first forecast need not wait: `make install` runs it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from model import Forecaster, Snapshot, Stations
from model.frame_builder import make_frame


def warm_up() -> None:
    """Learn, settle and forecast three made-up stations: this calls every kernel as a worker does."""
    ids, places = np.array(["a", "b", "c"]), np.array([5, 10, 20])
    beside = np.array([0.0, 0.01, 0.02])
    forecaster = Forecaster(Stations("warm-up", "UTC", "", ids, ids, beside, beside, places))
    for minute in range(0, 60, 5):
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
        bikes = np.array([2, 5, 9]) + minute // 5 % 2
        forecaster.learn(Snapshot(at, ids, bikes, places - bikes))
    make_frame(forecaster)


if __name__ == "__main__":
    warm_up()
