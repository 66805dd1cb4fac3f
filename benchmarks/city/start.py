"""Measures how soon an empty store has its first frame, and what a month costs, beside an earlier commit.

    python benchmarks/city/start.py [--before COMMIT] [--rounds N] [--python PATH]

Both commits take turns, first on the machine as it is, then with two busy processes beside them. `--python`
names an interpreter with the packages of requirements.txt alone, as a user has it: benchmarks need more, and
River imports scikit-learn where it is installed. All caches are warm unless the table says otherwise:
Python's compiled files are there for both commits, as after a user's first start.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(HERE.parent)]

from shared import code_of  # noqa: E402

from tests.support.processes import free_port  # noqa: E402

BEFORE = "a3fc383"
"""The commit to compare with: the last before the compiled kernels."""
CITY = "harbourton"
BUSY = (0, 2)
PATIENCE = 300.0
LOOK_EVERY = 0.05
SOURCES = ("app.py", "dashboard", "ingest", "model")
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

MONTH = """
import time
from datetime import UTC, datetime
from ingest.city.cities import CITIES
from ingest.replay.playable_source import MONTH, MadeUpCity
from ingest.worker.catch_up import catch_up
from model.forecaster import Forecaster

city, until = CITIES["harbourton"], datetime(2026, 10, 12, 12, 0, tzinfo=UTC)
def spent(): return time.process_time(), time.perf_counter()
begun = spent()
month = list(MadeUpCity(city).steps(until - MONTH, until))
class Generated(MadeUpCity):
    def steps(self, start, end):
        return iter(month)
generated = spent()
catch_up(Forecaster(city.stations), Generated(city), until - MONTH, until)
learnt = spent()
print(*(b - a for a, b in zip(begun, generated)), *(b - a for a, b in zip(generated, learnt)))
"""


def first_frame(python: str, code: Path, kernels: Path) -> dict[str, float]:
    """Start the app on an empty store; give the seconds until the city's first frame is in the store."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "empty.db"
        env = {"DOCKCAST_STORE": f"sqlite:///{store}", "NUMBA_CACHE_DIR": str(kernels)}
        begun = time.perf_counter()
        app = subprocess.Popen(
            [python, "-m", "streamlit", "run", "app.py", "--server.port", str(free_port())],
            cwd=code, env=ENVIRONMENT | env, process_group=0,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            while not has_frame(store):
                if app.poll() is not None or time.perf_counter() - begun > PATIENCE:
                    raise RuntimeError(f"no frame of {CITY} after {PATIENCE:.0f} s in {code}")
                time.sleep(LOOK_EVERY)
            return {"first frame": time.perf_counter() - begun}
        finally:
            os.killpg(app.pid, signal.SIGTERM)
            app.wait(60)


def has_frame(store: Path) -> bool:
    """Tell whether the city has a frame; a store that is being made has none."""
    if not store.exists():
        return False
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=5)) as db:
        try:
            found = db.execute("SELECT 1 FROM frames WHERE system_id = ?", (CITY,)).fetchone()
        except sqlite3.OperationalError:
            return False
    return found is not None


def month(python: str, code: Path, kernels: Path) -> dict[str, float]:
    """Generate and learn a month in a process of its own; give seconds of the processor and of the clock."""
    env = ENVIRONMENT | {
        "NUMBA_CACHE_DIR": str(kernels),
        "PYTHONPATH": str(code),
        "OPENBLAS_NUM_THREADS": "1",
    }
    out = subprocess.run([python, "-c", MONTH], cwd=code, env=env, check=True, capture_output=True, text=True)
    names = ("generated, processor", "generated, clock", "learnt, processor", "learnt, clock")
    return dict(zip(names, map(float, out.stdout.split()), strict=True))


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """Keep so many processes busy meanwhile."""
    beside = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in beside:
            process.kill()
            process.wait()


def measure(
    python: str, codes: dict[str, Path], kernels: Path, rounds: int
) -> dict[str, list[dict[str, float]]]:
    """Measure all codes in turn."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in codes}
    for _ in range(rounds):
        for name, code in codes.items():
            found[name].append(first_frame(python, code, kernels) | month(python, code, kernels))
            print(name, found[name][-1], flush=True)
    return found


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--before", default=BEFORE, help="the commit to compare with")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--python", default=sys.executable, help="an interpreter with the app's packages")
    chosen = parser.parse_args()
    results: dict[str, Any] = {"before": chosen.before, "cores": os.cpu_count()}
    with code_of(chosen.before) as before, tempfile.TemporaryDirectory() as folder:
        warm, cold = Path(folder) / "warm", Path(folder) / "cold"
        compiling = time.perf_counter()
        subprocess.run([chosen.python, "-m", "model"], cwd=ROOT, check=True,
                       env=ENVIRONMENT | {"NUMBA_CACHE_DIR": str(warm)})  # fmt: skip
        results["kernels compiled, clock"] = time.perf_counter() - compiling
        for code in (before, ROOT):
            subprocess.run([chosen.python, "-m", "compileall", "-q", *SOURCES], cwd=code, check=True)
        for processes in BUSY:
            results[f"load before, {processes} busy"] = os.getloadavg()[0]
            with busy(processes):
                results[f"{processes} busy"] = measure(
                    chosen.python, {"before": before, "now": ROOT}, warm, chosen.rounds
                )
                results[f"{processes} busy, cold"] = first_frame(chosen.python, ROOT, cold / str(processes))
    (HERE / "start.json").write_text(json.dumps(results, indent=1) + "\n")
    print(table(results))


def table(results: dict[str, Any]) -> str:
    """Write medians and the slowest, before → now."""
    lines = ["| seconds | median | slowest | ratio |", "|---|---:|---:|---:|"]
    for processes in BUSY:
        runs = results[f"{processes} busy"]
        for what in runs["now"][0]:
            old, new = ([run[what] for run in runs[name]] for name in ("before", "now"))
            middle = [statistics.median(values) for values in (old, new)]
            lines.append(
                f"| {what}, {processes} busy processes beside | {middle[0]:.1f} → {middle[1]:.1f} "
                f"| {max(old):.1f} → {max(new):.1f} | {middle[0] / middle[1]:.1f} |"
            )
        cold = results[f"{processes} busy, cold"]["first frame"]
        lines.append(f"| first frame with nothing compiled, {processes} busy | {cold:.1f} | {cold:.1f} | |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
