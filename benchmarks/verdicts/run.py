"""Measures false alarms and delays of the accuracy page's verdicts: see README.md beside this file."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from model.arrays import Floats  # noqa: E402
from model.scoring.confidence import LEVEL, Differences, streams  # noqa: E402
from model.scoring.verdict import bin_seconds  # noqa: E402

RUNS, PEEKS = 2000, 1000
EDGES = (0.1, 0.2, 0.5, 1.0)
MODELS = 9
"""Models that compete: a comparison with the best has an eighth of the level."""

Noise = Callable[[np.random.Generator, int, int], Floats]


def overlapping(lags: int) -> Noise:
    """Make noise in which each value shares its shocks with those of so many bins before."""

    def draw(random: np.random.Generator, runs: int, length: int) -> Floats:
        shocks = random.normal(size=(runs, length + lags))
        total = np.zeros((runs, length))
        for lag in range(lags + 1):
            total += shocks[:, lag : length + lag]
        shared: Floats = total / np.sqrt(lags + 1)
        return shared

    return draw


NOISES: dict[str, Noise] = {
    "normal": lambda random, runs, length: random.normal(size=(runs, length)),
    "differences of counts": lambda random, runs, length: (
        (random.poisson(0.4, (runs, length)) - random.poisson(0.4, (runs, length))) / np.sqrt(0.8)
    ),
    "heavy tails (t, 5)": lambda random, runs, length: random.standard_t(5, (runs, length)) / np.sqrt(5 / 3),
    "one-sided (gamma 1)": lambda random, runs, length: random.gamma(1, 1, (runs, length)) - 1,
    "busy by day alone": lambda random, runs, length: (
        random.normal(size=(runs, length)) * (0.1 + (np.arange(length) % 24 > 6))
    ),
}


def alarms(runs: Floats, count: int, level: float) -> tuple[float, float | None]:
    """Give the share of runs that are ever told apart, and the median number of bins until then.

    The second is None where no more than half are.
    """
    stream = np.arange(runs.shape[1]) % count
    first = []
    for run in runs:
        least, greatest = Differences.over_time(run, stream, count).bounds(level)
        found = np.flatnonzero((least > 0) | (greatest < 0))
        first.append(found[0] + 1 if len(found) else np.inf)
    delay = float(np.median(first))
    return float(np.mean(np.isfinite(first))), delay if np.isfinite(delay) else None


def main() -> None:
    """Simulate all runs and write the results."""
    random = np.random.default_rng(1)
    null = {
        name: [alarms(noise(random, RUNS, PEEKS), 2, level)[0] for level in (LEVEL, LEVEL / (MODELS - 1))]
        for name, noise in NOISES.items()
    }
    overlaps = {}
    for minutes in (30, 120, 360, 1440):
        seconds = bin_seconds(minutes)
        count = streams(minutes, seconds)
        runs = overlapping(count - 1)(random, RUNS, PEEKS)
        overlaps[minutes] = [alarms(runs, count, LEVEL)[0], alarms(runs, 1, LEVEL)[0]]
    delays: dict[str, tuple[float, float | None]] = {}
    for minutes in (30, 120, 1440):
        seconds = bin_seconds(minutes)
        count = streams(minutes, seconds)
        for edge in EDGES:
            runs = overlapping(count - 1)(random, 200, 4 * PEEKS) + edge
            found, bins = alarms(runs, count, LEVEL / (MODELS - 1))
            delays[f"{minutes} min, {edge}"] = (
                found,
                None if bins is None else round(bins * seconds / 86400, 1),
            )
    result = {"runs": RUNS, "peeks": PEEKS, "null": null, "overlaps": overlaps, "delays": delays}
    (HERE / "results.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    (HERE / "results.md").write_text(written(null, overlaps, delays), encoding="utf-8")


def written(
    null: dict[str, list[float]],
    overlaps: dict[int, list[float]],
    delays: dict[str, tuple[float, float | None]],
) -> str:
    """Write the tables."""
    lines = [
        "| no difference, two streams | ever told apart, level 5 % | level 5 % over 8 pairs |",
        "|---|---|---|",
    ]
    lines += [
        f"| {name} | {100 * one:.1f} % | {100 * all_of_them:.1f} % |"
        for name, (one, all_of_them) in null.items()
    ]
    lines += ["", "| no difference, forecasts overlap | in streams | all in one stream |", "|---|---|---|"]
    lines += [
        f"| {minutes} min ahead | {100 * ours:.1f} % | {100 * one:.1f} % |"
        for minutes, (ours, one) in overlaps.items()
    ]
    lines += [
        "",
        "| ahead, edge in standard deviations of a bin | told apart | days until then, median |",
        "|---|---|---|",
    ]
    lines += [
        f"| {name} | {100 * found:.0f} % | {days or f'more than the {4 * PEEKS} bins'} |"
        for name, (found, days) in delays.items()
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
