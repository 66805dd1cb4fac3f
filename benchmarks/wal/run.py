"""How much write-ahead log PostgreSQL writes for a night of 1,920 stations, by table: see README.md.

    python benchmarks/wal/run.py [--before COMMIT] [--minutes MINUTES]

Today's code and that of an earlier commit run in one call, each into a new server of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(HERE.parent)]

from shared import code_of  # noqa: E402

from tests.support.store_world import postgres, postgres_database  # noqa: E402

BEFORE = "5b08e00"
"""The commit to compare with: the last before this was looked at."""

RESULT = "**Result.**"
"""Begins the end of the README, which a run writes anew."""


def measure(code: Path, minutes: int, compression: str) -> dict[str, Any]:
    """Run the night by the code in a folder; give kilobytes a minute by table."""
    with postgres() as server, postgres_database(server, "wal") as url:
        command = [sys.executable, str(HERE / "night.py"), url, str(minutes), compression]
        ran = subprocess.run(
            command, env=os.environ | {"WAL_CODE": str(code)}, stdout=subprocess.PIPE, check=True
        )
    found: dict[str, Any] = json.loads(ran.stdout)
    tables = {name: round(size / minutes / 1e3, 1) for name, size in found["bytes"].items()}
    total = sum(found["bytes"].values())
    return {
        "polls": found["polls"],
        "kilobytes_a_minute": dict(sorted(tables.items(), key=lambda each: -each[1])),
        "gigabytes_a_day": round(total / minutes * 1440 / 1e9, 2),
        "share_of_whole_pages": round(sum(found["images"].values()) / total, 2),
    }


def report(results: dict[str, Any]) -> str:
    """Write the results as a table."""
    runs = results["runs"]
    names = list(runs)
    lines = [f"{RESULT} As last run ({results['run_at']}, {results['minutes']} minutes):", ""]
    lines.append("| kB a minute | " + " | ".join(names) + " |\n|---|" + "---:|" * len(names))
    for table in runs["before"]["kilobytes_a_minute"]:
        cells = [f"{runs[name]['kilobytes_a_minute'].get(table, 0):,.1f}" for name in names]
        lines.append(f"| {table} | " + " | ".join(cells) + " |")
    for label, key in (("GB a day", "gigabytes_a_day"), ("share of whole pages", "share_of_whole_pages")):
        lines.append(f"| {label} | " + " | ".join(f"{runs[name][key]:.2f}" for name in names) + " |")
    before = runs["before"]["gigabytes_a_day"]
    lines.append(
        "| times less | " + " | ".join(f"{before / runs[n]['gigabytes_a_day']:.1f}" for n in names) + " |"
    )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure both, and write results.json and the end of the README."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--before", default=BEFORE)
    parser.add_argument("--minutes", type=int, default=60)
    chosen = parser.parse_args()
    with code_of(chosen.before) as old:
        runs = {
            "before": measure(old, chosen.minutes, "off"),
            "after": measure(ROOT, chosen.minutes, "off"),
            "after, wal_compression": measure(ROOT, chosen.minutes, "on"),
        }
    run_at = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    results = {"run_at": run_at, "minutes": chosen.minutes, "commit": chosen.before, "runs": runs}
    (HERE / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    readme = HERE / "README.md"
    kept = readme.read_text(encoding="utf-8").partition(RESULT)[0] if readme.exists() else ""
    readme.write_text(kept + report(results), encoding="utf-8")
    print(report(results))


if __name__ == "__main__":
    main()
