"""The API under wrk, beside a bare Starlette route in the same server that returns the same bytes.

python benchmarks/api/run.py            the whole, about 5 minutes
python benchmarks/api/run.py --quick    a look, 1 minute; writes nothing down
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from urllib.parse import quote

import numpy as np
import psutil
import requests

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT)]

from model.experts.registry import EXPERTS  # noqa: E402
from tests.support import dashboard_world  # noqa: E402
from tests.support.api_world import SUMS, score  # noqa: E402
from tests.support.processes import free_port  # noqa: E402

STATIONS = 2226
"""As many as Citi Bike had in 2024."""

CONNECTIONS = 16
ACCEPT = {"Accept-Encoding": "gzip"}
MODELS = (*(entry.name for entry in EXPERTS), "seed", "pool")


@dataclass(frozen=True)
class Case:
    """Requests of a case: addresses in turn. Where `held`, the client already has the answer."""

    name: str
    addresses: Sequence[str]
    held: bool = False


CASES = (
    Case(
        "frame: what the map draws, 8 in turn",
        [f"/api/frames/dublin/1/{what}-{n}-near.json" for what in ("bike", "space") for n in (1, 2, 3, 4)],
    ),
    Case("forecast, all stations", ["/api/systems/dublin/forecast?minutes=30"]),
    Case(
        "forecast, all stations, 25 times in turn",
        [f"/api/systems/dublin/forecast?minutes={minutes}" for minutes in range(0, 121, 5)],
    ),
    Case("forecast, all stations, not modified", ["/api/systems/dublin/forecast?minutes=30"], held=True),
    Case(
        "forecast, one station, 100 in turn",
        [f"/api/systems/dublin/stations/s{row}/forecast" for row in range(100)],
    ),
    Case("systems", ["/api/systems"]),
    Case("scores of a week by the hour, 30 minutes", ["/api/scores?system=dublin&minutes=30"]),
)


def world(folder: Path) -> dashboard_world.World:
    """Make up a city as large as New York's that has answered once, with scores of its forecasts."""
    made = dashboard_world.World(folder)
    # Counts dated an hour ahead stay at age 0: a growing age would change the answer every minute.
    made.now = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    frame = dashboard_world.frame("dublin", STATIONS, at=made.now)
    rng = np.random.default_rng(7)
    names = np.array([f"{a} St & {b} Ave" for a, b in rng.integers(1, 200, (STATIONS, 2))])
    settled = [
        score(made.now - timedelta(hours=hours), model, 30, **SUMS)
        for hours in range(168)
        for model in MODELS
    ]
    made.commit(replace(frame, stations=replace(frame.stations, name=names)), scores=settled)
    return made


@contextmanager
def serve(store: str) -> Iterator[tuple[str, psutil.Process]]:
    """Start the server as its user would, and stop it at the end."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(HERE / "served.py"), "--server.port", str(port)]
    process = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | {"DOCKCAST_STORE": store},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + 60
        while True:
            try:
                requests.get(url + "/healthz/live", timeout=2).raise_for_status()
                break
            except requests.RequestException as error:
                if time.monotonic() > end or process.poll() is not None:
                    raise RuntimeError("the server did not start") from error
                time.sleep(0.2)
        yield url, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(20)


def first_of(url: str, server: psutil.Process, case: Case) -> float:
    """Request each address for the first time; give the milliseconds of processor time that each took."""
    before = busy(server)
    for address in case.addresses:
        requests.get(url + address, headers=ACCEPT, timeout=60).raise_for_status()
    return 1000 * (busy(server) - before) / len(case.addresses)


def busy(server: psutil.Process) -> float:
    """Give the seconds of processor time that the server took so far, to 0.01 s."""
    times = server.cpu_times()
    return float(times.user + times.system)


def lay_beside(url: str, case: Case) -> tuple[list[str], dict[str, str], int]:
    """Give our answers to the bare route; return its addresses, request headers and status."""
    headers, status = dict(ACCEPT), 0
    for address in case.addresses:
        ours = requests.get(url + address, headers=ACCEPT, timeout=60, stream=True)
        ours.raise_for_status()
        body = ours.raw.read(decode_content=False)
        if case.held:
            headers["If-None-Match"] = ours.headers["ETag"]
            ours = requests.get(url + address, headers=headers, timeout=60)
            body = ours.content
        status = ours.status_code
        sent = {f"X-{k}": value for k, value in ours.headers.items() if k.lower() not in ("date", "server")}
        sent["X-Status"] = str(status)
        beside = f"{url}/keep?{quote(address, safe='')}"
        kept = requests.post(beside, data=body, headers=sent, timeout=60)
        kept.raise_for_status()
    return [f"/bare?{quote(address, safe='')}" for address in case.addresses], headers, status


def wrk(
    url: str, server: psutil.Process, addresses: Sequence[str], headers: dict[str, str], seconds: int
) -> dict[str, float]:
    """Send requests as fast as the server answers, over 16 connections; measure its processor time."""
    header_options = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    command = [
        "wrk", "--timeout", "30s", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s",
        "-s", str(HERE / "report.lua"), *header_options, url, "--", *addresses,
    ]  # fmt: skip
    before = busy(server)
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(r"^JSON (.*)$", output, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"wrk said nothing that can be read: {output}")
    measured: dict[str, float] = json.loads(found[1])
    if measured["failed"] or measured["late"]:
        raise RuntimeError(f"{found[1]}: {addresses[0]}")
    return measured | {"cpu": 1000 * (busy(server) - before) / measured["requests"]}


def measure(quick: bool) -> dict[str, dict[str, dict[str, float]]]:
    """Take turns between ours and the bare one, so that a busy minute of the machine strikes both."""
    rounds, seconds = (1, 3) if quick else (5, 4)
    results: dict[str, dict[str, dict[str, float]]] = {}
    dashboard_world.LEASE = timedelta(hours=2)
    with tempfile.TemporaryDirectory() as folder:
        made = world(Path(folder))
        with serve(made.url) as (url, server):
            for case in CASES:
                print(case.name, file=sys.stderr)
                first = first_of(url, server, case)
                bare, headers, status = lay_beside(url, case)
                turns: dict[str, list[dict[str, float]]] = {"ours": [], "bare": []}
                for _ in range(rounds):
                    turns["ours"].append(wrk(url, server, case.addresses, headers, seconds))
                    turns["bare"].append(wrk(url, server, bare, headers, seconds))
                results[case.name] = {
                    name: {key: median(turn[key] for turn in each) for key in each[0]}
                    for name, each in turns.items()
                }
                results[case.name]["bare ÷ ours"] = {"status": status, "first": first} | {
                    f"{key}, {how.__name__}": how(
                        b[key] / a[key] for a, b in zip(turns["ours"], turns["bare"], strict=True)
                    )
                    for key in ("rate", "cpu", "p95")
                    for how in (median, min, max)
                }
        made.store.close()
    return results


def table(results: dict[str, dict[str, dict[str, float]]]) -> str:
    """Write the results as Markdown."""
    lines = [
        f"| {STATIONS:,} stations | bytes | requests a second | bare | bare ÷ ours (range) | p95 ms | bare "
        "| processor ms | bare | ours ÷ bare (range) | the first |",
        "|---|" + "---:|" * 10,
    ]
    for name, found in results.items():
        many = len(next(case for case in CASES if case.name == name).addresses) > 1
        first = f"{found['bare ÷ ours']['first']:.1f}" if many else ""
        ours, bare, ratio = found["ours"], found["bare"], found["bare ÷ ours"]
        lines.append(
            f"| {name} | {ours['bytes']:,.0f} | {ours['rate']:,.0f} | {bare['rate']:,.0f} "
            f"| {ratio['rate, median']:.2f} ({ratio['rate, min']:.2f}–{ratio['rate, max']:.2f}) "
            f"| {ours['p95']:.1f} | {bare['p95']:.1f} | {ours['cpu']:.2f} | {bare['cpu']:.2f} "
            f"| {1 / ratio['cpu, median']:.2f} ({1 / ratio['cpu, max']:.2f}–{1 / ratio['cpu, min']:.2f}) "
            f"| {first} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    if not shutil.which("wrk"):
        sys.exit("wrk is not installed: apt-get install wrk, or brew install wrk")
    results = measure(quick)
    written = table(results)
    print(written)
    if not quick:
        versions = (
            f"Python {platform.python_version()}, {os.cpu_count()} cores shared with wrk, "
            f"{CONNECTIONS} connections, load average at the end {os.getloadavg()[0]:.1f}, "
            f"{datetime.now(UTC):%d %b %Y}"
        )
        (HERE / "results.md").write_text(f"{written}\n\n{versions}\n")
        (HERE / "results.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
