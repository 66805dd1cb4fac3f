"""Fuzz every reader of strangers' input, and write how often and what broke: see README.md.

DOCKCAST_SHARED=… python benchmarks/drills/fuzz/run.py
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1]), str(HERE.parents[2])]

from shared import add_shared  # noqa: E402
from targets import TARGETS  # noqa: E402

RUNS = {"document": 1_000_000, "recording": 30_000, "state": 10_000, "address": 300_000, "api": 150_000}
LIMITS = ("-max_len=4096", "-timeout=60", "-rss_limit_mb=2048", "-print_final_stats=1", "-len_control=0")


def fuzz(name: str, runs: int, shared: Path, crashes: Path) -> dict[str, Any]:
    """Fuzz a target so many times, or until it breaks; `crashes` has the input that broke it."""
    before = set(crashes.iterdir())
    with tempfile.TemporaryDirectory() as folder:
        seeds = list(TARGETS[name][1](shared))
        for number, seed in enumerate(seeds):
            (Path(folder) / f"seed-{number}").write_bytes(seed)
        prefix = f"-artifact_prefix={crashes}/{name}-"
        command = [sys.executable, str(HERE / "fuzz.py"), name, folder, f"-runs={runs}", "-seed=1", prefix]
        begun = time.monotonic()
        ran = subprocess.run(
            [*command, *LIMITS],
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
        )
    output = ran.stderr + ran.stdout

    def told(pattern: str) -> int:
        found = re.findall(pattern, output)
        return int(found[-1]) if found else 0

    if ran.returncode:
        print(output[-3000:], file=sys.stderr)
    return {
        "inputs": told(r"stat::number_of_executed_units: (\d+)"),
        "seeds": len(seeds),
        "branches": told(r"cov: (\d+)"),
        "kept": told(r"corp: (\d+)/"),
        "most_megabytes": told(r"stat::peak_rss_mb:\s+(\d+)"),
        "slowest_seconds": told(r"stat::slowest_unit_time_sec:\s+(\d+)"),
        "minutes": round((time.monotonic() - begun) / 60, 1),
        "crashes": sorted(path.name for path in set(crashes.iterdir()) - before),
        "ended_well": ran.returncode == 0,
    }


def report(results: dict[str, Any]) -> str:
    """Write the table."""
    lines = [
        "| target | inputs | branches reached | inputs kept | most memory, MB | minutes | crashes |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, found in results["targets"].items():
        lines.append(
            f"| {name} | {found['inputs']:,} | {found['branches']} | {found['kept']} "
            f"| {found['most_megabytes']} | {found['minutes']} | {len(found['crashes'])} |"
        )
    total = sum(found["inputs"] for found in results["targets"].values())
    return "\n".join([*lines, f"| **all** | **{total:,}** | | | | | |", "", f"Run on {results['date']}.", ""])


def main() -> None:
    """Fuzz all targets, or those named, and write the results."""
    parser = argparse.ArgumentParser()
    parser.add_argument("targets", nargs="*", default=list(TARGETS))
    parser.add_argument("--runs", type=int, help="so many of each, and no results written")
    parser.add_argument("--crashes", type=Path, default=Path(tempfile.gettempdir()) / "dockcast-fuzz")
    add_shared(parser)
    chosen = parser.parse_args()
    chosen.crashes.mkdir(parents=True, exist_ok=True)
    path = HERE / "results.json"
    results = json.loads(path.read_text()) if path.exists() else {"targets": {}}
    for name in chosen.targets:
        found = fuzz(name, chosen.runs or RUNS[name], chosen.shared, chosen.crashes)
        print(name, found)
        results["targets"][name] = found
        results["date"] = f"{datetime.now(UTC):%-d %B %Y}"
        if chosen.runs is None:
            path.write_text(json.dumps(results, indent=1) + "\n")
            (HERE / "results.md").write_text(report(results))
    if not all(found["ended_well"] for found in results["targets"].values()):
        sys.exit(f"something broke: the inputs are in {chosen.crashes}")


if __name__ == "__main__":
    main()
