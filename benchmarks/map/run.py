"""Our map beside a bare page with the same points as rows: bytes, server time, time to map, 40 viewers.

python benchmarks/map/run.py            the whole, about 8 minutes
python benchmarks/map/run.py --browser  what a browser sees, alone: 7 minutes
python benchmarks/map/run.py --quick    a look, 1 minute; writes nothing down
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psutil

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT), str(HERE)]

import browse  # noqa: E402
import report  # noqa: E402
from session import Session  # noqa: E402

from model.frame import Frame  # noqa: E402
from tests.support import dashboard_world  # noqa: E402
from tests.support.processes import free_port  # noqa: E402

STATIONS = 2226
"""As many as Citi Bike had in 2024."""

EVERY_SECONDS = 2.0
VIEWERS = 40
LOOKS = 15
"""How often a browser opens each page."""

QUARTILES = (0.25, 0.5, 0.75)


@dataclass(frozen=True)
class Server:
    """A page being served."""

    name: str
    url: str
    query: str
    process: psutil.Process

    def cpu(self) -> float:
        """Give the seconds of processor time used so far."""
        times = self.process.cpu_times()
        return float(times.user + times.system)


@contextmanager
def serve(name: str, script: Path, query: str, env: dict[str, str], *flags: str) -> Iterator[Server]:
    """Start a page as its user would, and stop it at the end."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port), *flags]
    process = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | env, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
    )
    try:
        url = f"http://127.0.0.1:{port}"
        end = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(url + "/_stcore/health", timeout=2).close()
                break
            except OSError as error:
                if time.monotonic() > end or process.poll() is not None:
                    raise RuntimeError(f"{name} did not start") from error
                time.sleep(0.1)
        yield Server(name, url, query, psutil.Process(process.pid))
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def serve_all(folder: Path) -> Iterator[list[Server]]:
    """Serve ours from a store whose leases are taken, so that no worker starts, and the bare page twice."""
    dashboard_world.LEASE = timedelta(hours=2)
    # A poll an hour: with one a minute the page would ask at each move whether the worker is dead.
    world = dashboard_world.World(folder, (replace(dashboard_world.DUBLIN, poll_seconds=3600),))
    world.now = datetime.now(UTC).replace(microsecond=0)
    made = city(world.now)
    world.commit(made)
    blob = folder / "frame.npz"
    blob.write_bytes(made.to_bytes())
    env = {"DOCKCAST_STORE": world.url, "BENCHMARK_FRAME": str(blob), "PYTHONPATH": str(ROOT)}
    env["DOCKCAST_MAP_STYLE"] = "plain"  # as the bare page has it
    stock = ("--runner.postScriptGC", "true")
    with ExitStack() as stack:
        yield [
            stack.enter_context(serve("ours", ROOT / "app.py", "city=dublin", env)),
            stack.enter_context(serve("bare", HERE / "bare.py", "", env)),
            stack.enter_context(serve("bare, stock settings", HERE / "bare.py", "", env, *stock)),
        ]
    world.store.close()


def city(at: datetime) -> Frame:
    """Make up a frame of a city as large as New York's: stations scattered about a long island."""
    made = dashboard_world.frame("dublin", STATIONS, at=at)
    rng = np.random.default_rng(7)
    stations = replace(
        made.stations,
        lat=40.74 + rng.normal(0, 0.05, STATIONS),
        lon=-73.96 + rng.normal(0, 0.03, STATIONS),
        name=np.array([f"{a} St & {b} Ave" for a, b in rng.integers(1, 200, (STATIONS, 2))]),
    )
    return replace(made, stations=stations)


async def moves(server: Server, count: int) -> dict[str, float]:
    """Let one viewer move the slider, one move after the other."""
    async with Session(server.url, server.query) as session:
        await session.open()
        for minutes in (5, 10, 15):
            await session.move(minutes)
        before = server.cpu()
        answers = [await session.move(5 * (index % 24 + 1)) for index in range(count)]
        used = server.cpu() - before
    async with Session(server.url, f"{server.query}&station=s7") as session:
        await session.open()
        chosen = [await session.move(minutes) for minutes in (5, 10, 15)]
    return {
        "bytes down": float(np.median([a.received for a in answers])),
        "bytes down, most": float(max(a.received for a in answers)),
        "bytes down, a station chosen": float(np.median([a.received for a in chosen])),
        "bytes up": float(np.median([a.sent for a in answers])),
        "server ms": 1000 * used / count,
        "wall ms": 1000 * float(np.median([a.seconds for a in answers])),
    }


async def viewer(server: Server, until: float, seed: int, waits: list[float]) -> None:
    """Move every 2 s, or as soon as the last move is answered; refresh as often as the page asks for."""
    rng = random.Random(seed)
    async with Session(server.url, server.query) as session:
        await session.open()
        now = time.monotonic()
        due = {"": now + rng.uniform(0, EVERY_SECONDS)}
        due |= {f: now + rng.uniform(0, every) for f, every in session.refreshes.items()}
        while min(due.values()) < until:
            what = min(due, key=due.__getitem__)
            await asyncio.sleep(max(due[what] - time.monotonic(), 0))
            if what == "":
                waits.append((await session.move(5 * rng.randrange(1, 25))).seconds)
                due[what] = max(due[what] + EVERY_SECONDS, time.monotonic())
            else:
                await session.refresh(what)
                due[what] = max(due[what] + session.refreshes[what], time.monotonic())


async def crowd(server: Server, seconds: float) -> dict[str, float]:
    """Let 40 viewers use a page; all have opened it before the time runs."""
    waits: list[float] = []
    start = time.monotonic()
    before = server.cpu()
    until = start + seconds
    async with asyncio.timeout(seconds + 120):
        await asyncio.gather(*(viewer(server, until, seed, waits) for seed in range(VIEWERS)))
    ran = time.monotonic() - start
    return {
        "p50 ms": 1000 * float(np.percentile(waits, 50)),
        "p95 ms": 1000 * float(np.percentile(waits, 95)),
        "moves a second": len(waits) / ran,
        "server busy": (server.cpu() - before) / ran,
    }


def middle(runs: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: float(np.median([run[name] for run in runs])) for name in runs[0]}


def measure(quick: bool) -> dict[str, dict[str, float]]:
    """Take turns between the pages, so that a busy minute of the machine strikes all of them."""
    rounds, count, seconds = (1, 20, 10.0) if quick else (3, 72, 24.0)
    with tempfile.TemporaryDirectory() as folder, serve_all(Path(folder)) as servers:
        one: dict[str, list[dict[str, float]]] = {server.name: [] for server in servers}
        many: dict[str, list[dict[str, float]]] = {server.name: [] for server in servers}
        for turn in range(rounds):
            for server in servers:
                print(f"round {turn + 1} of {rounds}: {server.name}", file=sys.stderr)
                one[server.name].append(asyncio.run(moves(server, count)))
                many[server.name].append(asyncio.run(crowd(server, seconds)))
    return {
        server.name: {
            **middle(one[server.name]),
            **{f"40 viewers: {name}": value for name, value in middle(many[server.name]).items()},
        }
        for server in servers
    }


def look(quick: bool) -> tuple[dict[str, dict[str, float]], list[float]]:
    """Open the pages by turns in a browser; give also the quartiles of ours ÷ bare in new colours."""
    seen: dict[str, list[dict[str, float]]] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        serve_all(Path(folder)) as servers,
        browse.chromium() as browser,
    ):
        for turn in range(2 if quick else LOOKS):
            print(f"look {turn + 1}", file=sys.stderr)
            for server in servers:
                address = f"{server.url}/?{server.query}"
                seen.setdefault(server.name, []).append(browse.watch(browser, address, STATIONS))
    ours, bare = (np.array([run["ms to new colours"] for run in seen[name]]) for name in ("ours", "bare"))
    return {name: middle(runs) for name, runs in seen.items()}, np.quantile(ours / bare, QUARTILES).tolist()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--browser", action="store_true", help="what a browser sees, alone")
    chosen = parser.parse_args()
    if not any(map(shutil.which, ("chromium", "chromium-browser", "chromium-headless-shell"))):
        print("Chromium is not installed: Playwright's own is used", file=sys.stderr)
    reports: dict[str, dict[str, Any]] = {}
    if not chosen.browser:
        reports["results.json"] = {"pages": measure(chosen.quick)}
    pages, turns = look(chosen.quick)
    reports["browser.json"] = {"pages": pages, "new colours, ours ÷ bare, by turns": turns}
    for name, results in reports.items():
        results |= {"stations": STATIONS, "machine": report.machine()}
        print("\n".join(report.moves(results)))
        if not chosen.quick:
            (HERE / name).write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    if not chosen.quick:
        report.write()


if __name__ == "__main__":
    main()
