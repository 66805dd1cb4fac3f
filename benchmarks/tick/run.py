"""Measures a tick, part by part: see README.md beside this file.

    DOCKCAST_SHARED=… python benchmarks/tick/run.py [--before COMMIT] [--most STATIONS]

Each size runs in a process of its own, so that its peak memory is its own. Beside today's code, the code of
an earlier commit is measured in the same run, size by size.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

# All seconds are processor time: wall time says nothing on a machine that others use as well.
HERE = Path(__file__).resolve().parent
CODE = "TICK_CODE"
"""The variable of the environment that names the folder of the code to measure."""
sys.path[:0] = [os.environ.get(CODE, str(HERE.parents[1])), str(HERE.parent)]

from shared import code_of  # noqa: E402

from ingest.gbfs import stations, writer  # noqa: E402
from ingest.gbfs.feed import Feed  # noqa: E402
from ingest.http.client import Fetcher  # noqa: E402
from ingest.store import Store  # noqa: E402
from ingest.system import System  # noqa: E402
from ingest.worker import tick  # noqa: E402
from model import Forecaster, Snapshot, Stations  # noqa: E402
from model.frame import Frame  # noqa: E402

stations.MOST_STATIONS = 10**6  # to measure larger systems than a feed may have
SIZES = (100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)
START = datetime(2024, 5, 14, 15, 0, tzinfo=UTC)
BEFORE = "a3fc383"
"""The commit to compare with: the last before the kernels."""
PHASES = ("tick", "fetch", "parse", "learn", "forecast", "frame bytes", "checkpoint", "commit")
WARM_UP = 13
"""Ticks ten minutes apart before measuring: by then forecasts wait at every horizon."""
EVENTS_AN_HOUR = 4.0
"""Arrivals at a station, and departures: Citi Bike's on a weekday afternoon."""


class World:
    """Documents of a system whose riders come and go, served over HTTP on this machine."""

    def __init__(self, information: dict[str, Any], status: dict[str, Any]) -> None:
        self.random = np.random.default_rng(1)
        self.now = START
        self.status = status
        self.rows = status["data"]["stations"]
        self.field = (
            "num_bikes_available" if "num_bikes_available" in self.rows[0] else "num_vehicles_available"
        )
        self.bikes = np.array([row[self.field] for row in self.rows])
        self.places = self.bikes + np.array([row["num_docks_available"] for row in self.rows])
        self.documents = {"station_information": json.dumps(information).encode()}
        world = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = world.documents[self.path.strip("/").removesuffix(".json")]
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        feeds = [
            {"name": name, "url": f"{self.url}/{name}.json"}
            for name in ("station_information", "station_status")
        ]
        self.documents["gbfs"] = json.dumps(
            {"last_updated": 0, "ttl": 60, "data": {"en": {"feeds": feeds}}}
        ).encode()

    def step(self, minutes: int) -> None:
        """Let minutes go by."""
        self.now += timedelta(minutes=minutes)
        come, go = self.random.poisson(EVENTS_AN_HOUR * minutes / 60, (2, len(self.bikes)))
        self.bikes = np.clip(self.bikes + come - go, 0, self.places)
        for row, bikes, places in zip(self.rows, self.bikes.tolist(), self.places.tolist(), strict=True):
            row[self.field], row["num_docks_available"] = bikes, places - bikes
            # The official document may count less than these by type.
            row.pop("vehicle_types_available", None)
            if "num_ebikes_available" in row:
                row["num_ebikes_available"] = min(row["num_ebikes_available"], bikes)
        self.status["last_updated"] = int(self.now.timestamp())
        self.documents["station_status"] = json.dumps(self.status).encode()


def made_up(size: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Make up a system with as many stations, of sizes like Citi Bike's, in GBFS 2.3."""
    random = np.random.default_rng(size)
    capacity = np.clip(random.normal(30, 12, size).astype(int), 6, 100)
    ids = np.array([f"{index:08d}-station" for index in range(size)])
    lat, lon = 40.7 + random.normal(0, 0.05, size), -73.9 + random.normal(0, 0.05, size)
    stations = Stations("made-up", "America/New_York", "US", ids, ids, lat, lon, capacity)
    bikes = random.integers(0, capacity + 1)
    snapshot = Snapshot(START, ids, bikes, capacity - bikes)
    return (
        writer.station_information("2.3", START, 60, stations),
        writer.station_status("2.3", 60, snapshot),
    )


def citibike(shared: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read the real documents of Citi Bike, 2,226 stations."""
    samples = shared / "gbfs" / "samples"
    return tuple(
        json.loads((samples / f"citibike-station_{name}-2024.json").read_bytes())
        for name in ("information", "status")
    )


class Blank:
    """A frame for ticks that are not measured: making one changes no state."""

    def to_bytes(self) -> bytes:
        """Give nothing."""
        return b""

    def only(self, minutes: object) -> Blank:
        """Keep some horizons of none."""
        return self


class Stopwatch:
    """Adds up the seconds spent in functions, by phase, for the tick that runs."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)

    def watch(self, phase: str, owner: Any, name: str) -> None:
        """Time a function from here on."""
        inner: Callable[..., Any] = getattr(owner, name)

        @wraps(inner)
        def timed(*args: Any, **kwargs: Any) -> Any:
            begun = time.process_time()
            try:
                return inner(*args, **kwargs)
            finally:
                self.spent[phase] += time.process_time() - begun

        setattr(owner, name, timed)


def measure(information: dict[str, Any], status: dict[str, Any]) -> dict[str, Any]:
    """Tick through two hours, then minute by minute; give the seconds of these by phase.

    Twenty minutes are measured, ten for large systems: each ten hold one tick that puts forecasts on record.
    """
    world = World(information, status)
    measured = 20 if len(world.rows) < 5000 else 10
    system = System("bench", "Bench", "Bench", "US", f"{world.url}/gbfs.json")
    watch = Stopwatch()
    for phase, owner, name in (
        ("fetch", Fetcher, "get"),
        ("poll", Feed, "poll"),
        ("learn", Forecaster, "learn"),
        ("forecast", tick, "make_frame"),
        ("frame bytes", Frame, "to_bytes"),
        ("checkpoint", Forecaster, "to_bytes"),
        ("commit", Store, "commit_tick"),
    ):
        watch.watch(phase, owner, name)
    floors: dict[str, list[float]] = defaultdict(list)
    ticks: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{folder}/bench.db")
        store.systems.follow([System("bench", "Bench", "Bench", "US", system.url, 60, 1, "")])

        def clock() -> datetime:
            return world.now

        fetcher = Fetcher(clock)
        ticker = tick.Ticker(system, store, "bench", lambda: Feed(system, fetcher, clock), clock)
        draw = vars(tick)["make_frame"]
        for number in range(WARM_UP + measured):
            vars(tick)["make_frame"] = draw if number >= WARM_UP else lambda _: Blank()
            world.step(10 if number < WARM_UP else 1)
            watch.spent.clear()
            begun = time.process_time()
            ticker.tick()
            spent = {"tick": time.process_time() - begun, **watch.spent}
            assert "commit" in spent, f"tick {number} learnt nothing"
            spent["parse"] = spent.pop("poll") - spent["fetch"]
            if number >= WARM_UP:
                ticks.append(spent)
                floors["json.loads"].append(timed(lambda: json.loads(world.documents["station_status"])))
        log = store.observations.changes("bench", world.now - timedelta(minutes=1), world.now)
        floors["sqlite3"] = [
            bare_insert(Path(folder) / f"{n}.db", log.to_records(index=False).tolist()) for n in range(5)
        ]
        state = store.checkpoints.newest("bench")
        frame = store.frames.newest("bench")
        assert state is not None
        assert frame is not None
        store.close()
    world.server.shutdown()
    phases = PHASES
    return {
        "stations": len(world.rows),
        "status_bytes": len(world.documents["station_status"]),
        "changes": len(log),
        "median": {name: statistics.median(t.get(name, 0.0) for t in ticks) for name in phases},
        "worst": {name: max(t.get(name, 0.0) for t in ticks) for name in phases},
        "mean": {name: statistics.fmean(t.get(name, 0.0) for t in ticks) for name in phases},
        "ticks": [round(t["tick"], 4) for t in ticks],
        "floor": {name: statistics.median(values) for name, values in floors.items()},
        "state_bytes": len(state.blob),
        "frame_bytes": len(frame[1]),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def timed(work: Callable[[], object]) -> float:
    """Give the seconds that some work takes."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def bare_insert(path: Path, rows: list[tuple[Any, ...]]) -> float:
    """Give the seconds that plain sqlite3 takes to commit a minute's changes to one table."""
    db = sqlite3.connect(path)
    db.execute("PRAGMA journal_mode=WAL")
    columns = ", ".join(f"c{number}" for number in range(2, len(rows[0])))
    db.execute(f"CREATE TABLE log (at, station_id, {columns}, PRIMARY KEY (station_id, at)) WITHOUT ROWID")
    begun = time.process_time()
    with db:
        db.executemany(f"INSERT INTO log VALUES ({','.join('?' * len(rows[0]))})", rows)
    seconds = time.process_time() - begun
    db.close()
    return seconds


def exponent(results: list[dict[str, Any]], phase: str) -> float:
    """Fit seconds = a · stations^b by least squares in logarithms; give b."""
    points = np.log([(r["stations"], r["mean"][phase]) for r in results if r["mean"][phase] > 0])
    return float(np.polyfit(points[:, 0], points[:, 1], 1)[0])


def run_size(size: int, shared: Path | None, code: Path) -> dict[str, Any]:
    """Measure one size of some code in a process of its own."""
    command = [sys.executable, __file__, "--size", str(size), *(["--shared", str(shared)] if shared else [])]
    env = os.environ | {CODE: str(code)}
    out = subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=3 * 3600, env=env
    ).stdout
    result: dict[str, Any] = json.loads(out)
    return result


def main() -> None:
    """Run all sizes, or with `--size` one, and write results.json and print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, help="one size, 0 for Citi Bike's documents; prints JSON")
    parser.add_argument("--shared", type=Path, default=os.environ.get("DOCKCAST_SHARED"))
    parser.add_argument("--before", default=BEFORE, help="the commit to compare with")
    parser.add_argument("--most", type=int, default=max(SIZES), help="the largest system")
    chosen = parser.parse_args()
    if chosen.size is not None:
        with threadpool_limits(1):
            documents = made_up(chosen.size) if chosen.size else citibike(chosen.shared)
            print(json.dumps(measure(*documents)))
        return
    sizes = (*([0] if chosen.shared else []), *(size for size in SIZES if size <= chosen.most))
    results: dict[str, list[dict[str, Any]]] = {"before": [], "now": []}
    with code_of(chosen.before) as before:
        # The largest first: a machine that is short of memory shows it at once.
        for count, size in enumerate(sorted(sizes, reverse=True), start=1):
            for name, code in (("before", before), ("now", HERE.parents[1])):
                results[name].insert(0, run_size(size, chosen.shared, code))
                print(size, name, results[name][0]["mean"], results[name][0]["peak_mb"], flush=True)
            keep(results, sorted(sizes)[-count:], chosen.before)


def keep(results: dict[str, list[dict[str, Any]]], sizes: list[int], before: str) -> None:
    """Write what is measured so far, so that a run that is ended keeps its smaller sizes, and print it."""
    report: dict[str, Any] = {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "load": os.getloadavg()[0],
        "before": before,
        "exponents": {},
        "results": results,
    }
    for name, found in results.items():
        grown = [result for result, size in zip(found, sizes, strict=True) if size]
        if len(grown) > 1:
            report["exponents"][name] = {phase: exponent(grown, phase) for phase in PHASES}
    (HERE / "results.json").write_text(json.dumps(report, indent=1) + "\n")
    if report["exponents"]:
        print(by_station(results), *(f"{name}\n\n{table(found, report['exponents'][name])}"
                                     for name, found in results.items()), sep="\n")  # fmt: skip


BYTES = ("frame bytes", "checkpoint")


def per_station(result: dict[str, Any]) -> list[float]:
    """Give microseconds of processor time a station in an average tick, and kilobytes a station."""
    mean, size = result["mean"], result["stations"]
    spent = [mean[phase] for phase in ("tick", "learn", "forecast", *BYTES)]
    spent.append(sum(mean[phase] for phase in BYTES))
    return [1e6 * seconds / size for seconds in spent] + [
        result[name] / size / 1000 for name in ("frame_bytes", "state_bytes")
    ]


def by_station(results: dict[str, list[dict[str, Any]]]) -> str:
    """Write what a station costs, before → now."""
    head = ["stations", "tick", "learn", "forecast", *BYTES, "both", "packed frame, kB", "packed state, kB"]
    lines = [head, ["---:"] * len(head)]
    for before, now in zip(results["before"], results["now"], strict=True):
        pairs = zip(per_station(before), per_station(now), strict=True)
        lines.append([f"{now['stations']:,}", *(f"{old:,.1f} → {new:,.1f}" for old, new in pairs)])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def table(results: list[dict[str, Any]], exponents: dict[str, float]) -> str:
    """Write the results as a table, milliseconds a tick on average."""
    phases = list(exponents)
    head = ["stations", *phases, "worst tick", "json.loads", "sqlite3", "state", "frame", "peak"]
    lines = [head, ["---:"] * len(head)]
    for result in results:
        milliseconds = [f"{1000 * result['mean'][phase]:.1f}" for phase in phases]
        floor = result["floor"]
        lines.append([
            f"{result['stations']:,}", *milliseconds, f"{1000 * result['worst']['tick']:.0f}",
            f"{1000 * floor['json.loads']:.1f}", f"{1000 * floor['sqlite3']:.1f}",
            *(f"{result[name] / 1e6:.2f} MB" for name in ("state_bytes", "frame_bytes")),
            f"{result['peak_mb']:.0f} MB",
        ])  # fmt: skip
    lines.append(["growth", *(f"n^{exponents[phase]:.2f}" for phase in phases), *[""] * 6])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


if __name__ == "__main__":
    main()
