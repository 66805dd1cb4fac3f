"""Describes a city's counts in figures that do not depend on its place or operator.

All are taken on the same grid of two minutes, the widest time between polls of the recordings: a count is the
newest poll's, and unknown where that is older than one and a half times the usual time between polls.
"""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ingest.replay.recording import Recording
from model.arrays import Floats, Ints
from model.records import UNKNOWN

STEP = 120
HORIZONS = (10, 30, 60, 120)
LAGS = (1, 3, 6, 12, 24, 168)
RIDERS = 4
"""A larger change in one step is a van, not riders."""


@dataclass(frozen=True)
class Grid:
    """Bikes and docks `(T, S)` at Unix seconds `at` `(T,)`, -1 where unknown, in a time zone."""

    name: str
    timezone: str
    at: Ints
    bikes: NDArray[np.int16]
    docks: NDArray[np.int16]


def gridded(recording: Recording) -> Grid:
    """Lay a recording on the grid."""
    start, end = int(recording.polls[0]) // STEP * STEP + STEP, int(recording.polls[-1])
    at = np.arange(start, end, STEP)
    newest = np.searchsorted(recording.polls, at, side="right") - 1
    old = at - recording.polls[newest] > max(1.5 * recording.system.poll_seconds, STEP)
    shape = len(at), len(recording.stations)
    bikes, docks = (np.full(shape, UNKNOWN, dtype=np.int16) for _ in range(2))
    places = pd.Series(np.arange(len(at))[~old]).groupby(newest[~old]).apply(list).to_dict()
    for index, snapshot in enumerate(recording.snapshots()):
        for place in places.get(index, ()):
            bikes[place], docks[place] = snapshot.bikes, snapshot.docks
    return Grid(recording.system.system_id, recording.stations.timezone, at, bikes, docks)


def figures(grid: Grid) -> dict[str, float]:
    """Give every figure by its name; shares are per cent, errors bikes, correlations plain numbers."""
    bikes, docks = grid.bikes.astype(np.float32), grid.docks
    bikes[grid.bikes < 0] = np.nan
    known = grid.bikes >= 0
    found: dict[str, float] = {}
    ahead = bikes[5:] - bikes[:-5]
    found["unchanged in 10 min, %"] = 100 * float((ahead[~np.isnan(ahead)] == 0).mean())
    step = bikes[1:] - bikes[:-1]
    seen = ~np.isnan(step)
    changed = seen & (step != 0)
    found["changes per station-day"] = float(changed.sum() / seen.sum() * 86_400 / STEP)
    found["empty, % of time"] = 100 * float((grid.bikes[known] == 0).mean())
    both = known & (docks >= 0)
    found["full, % of time"] = 100 * float((docks[both] == 0).mean())
    for minutes in HORIZONS:
        shift = minutes * 60 // STEP
        error = np.abs(bikes[shift:] - bikes[:-shift])
        found[f"naive MAE at {minutes} min"] = float(np.nanmean(error, dtype=np.float64))
    centred = bikes - np.nanmean(bikes, axis=0, dtype=np.float64).astype(np.float32)
    power = float(np.nanmean(centred**2, dtype=np.float64))
    for hours in LAGS:
        shift = hours * 3600 // STEP
        product = centred[shift:] * centred[:-shift]
        found[f"autocorrelation at {hours} h"] = float(np.nanmean(product, dtype=np.float64)) / power
    found["jumps over 4, % of changes"] = 100 * float((np.abs(step[changed]) > RIDERS).mean())
    return found | profile_figures(profile(grid))


def profile(grid: Grid) -> Floats:
    """Give arrivals and departures per station and hour, by day of week and hour of day, `(7, 24)`."""
    bikes = grid.bikes.astype(np.float32)
    bikes[grid.bikes < 0] = np.nan
    step = np.abs(bikes[1:] - bikes[:-1])
    local = pd.to_datetime(grid.at[1:], unit="s", utc=True).tz_convert(ZoneInfo(grid.timezone))
    cell = local.weekday.to_numpy() * 24 + local.hour.to_numpy()
    seen = ~np.isnan(step)
    riders = np.where(seen, np.minimum(step, RIDERS), 0).sum(axis=1, dtype=np.float64)
    moved = np.bincount(cell, riders, minlength=168)
    hours = np.bincount(cell, seen.sum(axis=1), minlength=168) * STEP / 3600
    return (moved / np.maximum(hours, 1)).reshape(7, 24)


def profile_figures(week: Floats) -> dict[str, float]:
    """Sum a profile up: parts of the day and of the week."""
    workdays, weekend = week[:5].mean(axis=0), week[5:].mean(axis=0)

    def part(day: Floats, first: int, stop: int) -> float:
        return 100 * float(day[first:stop].sum() / day.sum())

    return {
        "workday 0–6 h, % of riders": part(workdays, 0, 6),
        "workday 7–10 h, % of riders": part(workdays, 7, 10),
        "workday 10–16 h, % of riders": part(workdays, 10, 16),
        "workday 16–19 h, % of riders": part(workdays, 16, 19),
        "workday 20–24 h, % of riders": part(workdays, 20, 24),
        "busiest workday hour over the mean": float(workdays.max() / workdays.mean()),
        "weekend 7–10 h, % of riders": part(weekend, 7, 10),
        "weekend 11–18 h, % of riders": part(weekend, 11, 18),
        "weekend day over workday": float(weekend.sum() / workdays.sum()),
        "Monday over mid-week day": float(week[0].sum() / week[1:4].sum() * 3),
        "Friday over mid-week day": float(week[4].sum() / week[1:4].sum() * 3),
        "Sunday over Saturday": float(week[6].sum() / week[5].sum()),
    }
