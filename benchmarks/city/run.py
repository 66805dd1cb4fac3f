"""Compare the made-up cities with real ones: see README.md beside this file."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent))

from figures import STEP, Grid, figures, gridded, profile  # noqa: E402

from ingest.city.cities import CITIES, City  # noqa: E402
from ingest.replay.recording import Recording  # noqa: E402
from model.arrays import Floats  # noqa: E402

REAL = ("dublin-2017-02", "chicago-2013-autumn", "boulder-2022-spring")
START, DAYS = datetime(2026, 9, 14, 3, 0, tzinfo=UTC), 42
HORIZONS = (10, 30, 60, 120)
RANKED = ("pool", "chain", "naive", "seed", "climatology")
COLOURS = {"dublin-2017-02": "#888888", "chicago-2013-autumn": "#bbbbbb", "boulder-2022-spring": "#555555",
           "harbourton": "#1667c0", "fellgate": "#b0440c", "sandmouth": "#f29a3c"}  # fmt: skip


def simulated(city: City) -> Grid:
    """Lay six weeks of a made-up city on the grid."""
    snapshots = list(city.snapshots(START, START + timedelta(days=DAYS), STEP))
    at = np.array([int(snapshot.at.timestamp()) for snapshot in snapshots])
    bikes, docks = (
        np.array([getattr(snapshot, name) for snapshot in snapshots], dtype=np.int16)
        for name in ("bikes", "docks")
    )
    return Grid(city.system.system_id, city.timezone, at, bikes, docks)


def table(found: dict[str, dict[str, float]]) -> list[str]:
    """Write the figures, those outside the real cities' range in bold, and count these."""
    names = list(found)
    lines = [f"| | {' | '.join(names)} |", f"|---|{'---:|' * len(names)}"]
    outside = 0
    for figure in found[REAL[0]]:
        real = [found[name][figure] for name in REAL]
        cells = []
        for name in names:
            value = found[name][figure]
            out = not min(real) <= value <= max(real)
            outside += out
            cells.append(f"**{value:.3g}**" if out else f"{value:.3g}")
        lines.append(f"| {figure} | {' | '.join(cells)} |")
    return [*lines, "", f"Outside the range of the real cities: {outside}."]


def ranking() -> list[str]:
    """Compare the order of models by MAE with that on the real cities, from `rank-*.json`."""
    real = json.loads((HERE.parent / "accuracy" / "results.json").read_text())
    rows = [row for row in _rows(real) if row["recording"] in REAL]
    results = {
        path.stem.removeprefix("rank-"): json.loads(path.read_text()) for path in HERE.glob("rank-*.json")
    }
    for name, run in sorted(results.items()):
        rows += [row | {"recording": name} for row in run["rows"]]
    others = " | ".join(model for model in RANKED if model != "naive")
    lines = [f"| city | min | naive MAE | {others} | best first |",
             "|---|---:|---:|" + "---:|" * (len(RANKED) - 1) + "---|"]  # fmt: skip
    for name in (*REAL, *sorted(results)):
        for minutes in HORIZONS:
            mae = {
                row["model"]: row["mae"]
                for row in rows
                if row["recording"] == name and row["minutes"] == minutes and row["model"] in RANKED
            }
            cells = [f"{100 * (mae[m] / mae['naive'] - 1):+.2f} %" for m in RANKED if m != "naive"]
            order = " < ".join(sorted(mae, key=lambda model: mae[model]))
            lines.append(f"| {name} | {minutes} | {mae['naive']:.3f} | {' | '.join(cells)} | {order} |")
    return lines


def _rows(value: Any) -> list[dict[str, Any]]:
    """Find the rows of scores anywhere in the accuracy benchmark's results."""
    if isinstance(value, dict):
        return [value] if {"recording", "model", "minutes", "mae"} <= set(value) else _rows([*value.values()])
    return [row for each in value for row in _rows(each)] if isinstance(value, list) else []


def plot(weeks: dict[str, Floats]) -> str:
    """Draw the profiles through workdays and weekends as SVG: riders of an hour over the mean hour's."""
    width, height, out = 420, 220, []
    for panel, (title, days) in enumerate((("workdays", slice(0, 5)), ("weekends", slice(5, 7)))):
        left = 40 + panel * (width + 40)
        out.append(f'<text x="{left}" y="16">{title}</text>')
        out += [
            f'<text x="{left + hour * width / 24:.0f}" y="{height + 32}">{hour}</text>'
            for hour in range(0, 25, 6)
        ]
        for name, week in weeks.items():
            day = week[days].mean(axis=0) / week.mean()
            points = " ".join(
                f"{left + (hour + 0.5) * width / 24:.1f},{height + 14 - value * 64:.1f}"
                for hour, value in enumerate(day.tolist())
            )
            stroke = f'stroke="{COLOURS[name]}" stroke-width="{1.4 if name in REAL else 2.4}"'
            out.append(f'<polyline fill="none" {stroke} points="{points}"/>')
    for index, name in enumerate(weeks):
        x = 40 + index * 152
        out.append(f'<rect x="{x}" y="{height + 44}" width="14" height="4" fill="{COLOURS[name]}"/>')
        out.append(f'<text x="{x + 18}" y="{height + 50}">{name}</text>')
    size = f'viewBox="0 0 {2 * width + 120} {height + 64}"'
    body = "\n".join(out)
    style = 'font-family="sans-serif" font-size="11"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>\n{body}\n</svg>\n'


def main() -> None:
    """Measure all and write results.json, results.md and profile.svg."""
    folder = Path(os.environ["DOCKCAST_SHARED"]) / "recordings"
    found, weeks = {}, {}
    for name in (*REAL, *CITIES):
        grid = simulated(CITIES[name]) if name in CITIES else gridded(Recording.read(folder / name))
        found[name], weeks[name] = figures(grid), profile(grid)
        print(name, flush=True)
    lines = [
        "# Made-up cities beside real ones, as last run",
        "",
        *table(found),
        "",
        "![profile](profile.svg)",
        "",
    ]
    lines += ["## Ranking by MAE", "", *ranking(), ""]
    speed = HERE / "speed.json"
    if speed.is_file():
        lines += ["## A month generated and learnt", ""]
        lines += [f"- {name}: {value}" for name, value in json.loads(speed.read_text()).items()]
    (HERE / "results.json").write_text(json.dumps(found, indent=1) + "\n")
    (HERE / "results.md").write_text("\n".join(lines) + "\n")
    (HERE / "profile.svg").write_text(plot(weeks))


if __name__ == "__main__":
    main()
