"""Thirty-five systems at once for a quarter of an hour: see README.md beside this file.

DOCKCAST_SHARED=… python benchmarks/france/run.py
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT))

from ingest.cli.app import app  # noqa: E402
from ingest.replay.recording import Recording  # noqa: E402
from ingest.store import OUTCOME_LEARNT, Store  # noqa: E402
from ingest.worker import tick  # noqa: E402
from tests.support.processes import free_port  # noqa: E402

NIGHT = "france-2026-03-night"


def watched_worker(notes: Path) -> None:
    """Run `python -m ingest run`, and note how long each tick took."""
    inner = tick.Ticker.tick
    with notes.open("a", buffering=1) as file:

        def timed(self: tick.Ticker) -> datetime:
            polled = self.working_copy is not None
            begun, cpu = time.perf_counter(), time.process_time()
            try:
                return inner(self)
            finally:
                note = {
                    "system": self.system.system_id,
                    "seconds": time.perf_counter() - begun,
                    "first": not polled,
                }
                file.write(json.dumps(note | {"cpu": cpu}) + "\n")

        tick.Ticker.tick = timed  # type: ignore[method-assign]
        app(["run"])


def serve(paths: Path, port: int) -> subprocess.Popen[bytes]:
    """Serve the night at its own pace."""
    command = [sys.executable, "-m", "ingest", "serve", str(paths), "--port", str(port), "--speed", "1"]
    server = subprocess.Popen(command, cwd=ROOT)
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/systems.toml", timeout=5):
                return server
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    server.terminate()
    raise TimeoutError("the server did not answer")


def memory(process: int) -> dict[str, float]:
    """Read a process's memory now and at its peak, in MB."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    values = dict(line.split(":", 1) for line in lines)
    return {name: int(values[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM")}


def polls_of(store: Store, recording: Recording, begun: datetime, minutes: float) -> dict[str, Any]:
    """Count a system's polls in the minutes since a time."""
    log = store.observations.polls(recording.system.system_id, begun, begun + timedelta(minutes=minutes))
    received = np.array([at.timestamp() for at in log["received_at"]])
    learnt = [int(at.timestamp()) for at in log["at"][log["outcome"] == OUTCOME_LEARNT]]
    offered = recording.polls[(recording.polls >= learnt[0]) & (recording.polls <= learnt[-1])]
    return {
        "system": recording.system.system_id,
        "stations": len(recording.stations),
        "polls": len(log),
        "longest_wait": float(np.diff(received).max()),
        "outcomes": log["outcome"].value_counts().to_dict(),
        "passed_over": len(offered) - len(learnt),
    }


def main() -> None:
    """Run for a quarter of an hour and write results.json."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--shared", type=Path, default=os.environ.get("DOCKCAST_SHARED"))
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.worker is not None:
        watched_worker(chosen.worker)
        return
    if chosen.shared is None:
        parser.error("name the folder of the recordings by DOCKCAST_SHARED or --shared")
    paths = (chosen.shared / "recordings" / NIGHT).resolve()
    recordings = [Recording.read(path) for path in sorted(paths.iterdir())]
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        url, notes = f"sqlite:///{folder}/france.db", Path(folder) / "ticks.jsonl"
        env = os.environ | {
            "DOCKCAST_STORE": url,
            "DOCKCAST_SYSTEMS": f"http://127.0.0.1:{port}/systems.toml",
        }
        server = serve(paths, port)
        begun = datetime.now(UTC)
        worker = subprocess.Popen([sys.executable, __file__, "--worker", str(notes)], cwd=ROOT, env=env)
        loads = []
        try:
            while datetime.now(UTC) < begun + timedelta(minutes=chosen.minutes):
                time.sleep(5)
                loads.append(os.getloadavg()[0])
                used = memory(worker.pid)
        finally:
            worker.terminate()
            code = worker.wait(30)
            server.terminate()
            server.wait(30)
        store = Store(url)
        systems = [polls_of(store, recording, begun, chosen.minutes) for recording in recordings]
        store.close()
        ticks = [json.loads(line) for line in notes.read_text().splitlines()]
        database = sum(path.stat().st_size for path in Path(folder).glob("france.db*"))
    first, later = (
        sorted(note["seconds"] for note in ticks if note["first"] is which) for which in (True, False)
    )
    results = {
        "minutes": chosen.minutes,
        "systems": len(systems),
        "stations": sum(system["stations"] for system in systems),
        "polls": sum(system["polls"] for system in systems),
        "fewest_polls": min(system["polls"] for system in systems),
        "longest_wait_seconds": max(system["longest_wait"] for system in systems),
        "failed": sum(
            n
            for s in systems
            for name, n in s["outcomes"].items()
            if name not in (OUTCOME_LEARNT, "unchanged", "late")
        ),
        "passed_over": sum(system["passed_over"] for system in systems),
        "first_tick_seconds": {"median": statistics.median(first), "max": first[-1]},
        "tick_seconds": {
            "median": statistics.median(later),
            "p95": later[int(0.95 * len(later))],
            "max": later[-1],
        },
        "cpu_share": ticks[-1]["cpu"] / (60 * chosen.minutes),
        "peak_mb": used["VmHWM"],
        "database_mb": database / 1e6,
        "exit_code": code,
        "load_average": statistics.fmean(loads),
        "each": systems,
    }
    (HERE / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    print(json.dumps({key: value for key, value in results.items() if key != "each"}, indent=1))


if __name__ == "__main__":
    main()
