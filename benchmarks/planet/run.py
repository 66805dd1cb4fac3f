"""Follows 1,500 made-up systems with a real worker: see README.md beside this file.

    python benchmarks/planet/run.py                                        # half an hour on SQLite
    python benchmarks/planet/run.py --store postgresql --minutes 10

`--systems` and `--stations` make a smaller planet.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import sqlalchemy as sa

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT))

from ingest.store.observations import ANSWERED_OUTCOMES  # noqa: E402
from tests.support.processes import free_port  # noqa: E402
from tests.support.store_world import postgres, postgres_database  # noqa: E402

WARM_UP = 3
"""Minutes before those that count: all systems begin within the first."""

RESULT = "**Result.**"
"""Begins the end of the README, which a run writes anew."""

AIMS = {"missed": 0, "latest": 10.0, "worker_seconds_a_minute": 60.0, "peak_mb": 4096.0}
"""The most that each may be: polls missed, seconds that a tick is late, processor time, memory."""


@dataclass
class Process:
    """A process as /proc tells of it."""

    number: int
    threads: int = 0
    files: int = 0

    def seconds(self) -> float:
        """Give the processor time that it has taken."""
        after_name = Path(f"/proc/{self.number}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, after_name[11:13])) / os.sysconf("SC_CLK_TCK")

    def megabytes(self) -> dict[str, float]:
        """Give its memory now and at its peak; note the most threads and open files seen."""
        lines = Path(f"/proc/{self.number}/status").read_text().splitlines()
        values = dict(line.split(":", 1) for line in lines)
        self.threads = max(self.threads, int(values["Threads"]))
        self.files = max(self.files, len(os.listdir(f"/proc/{self.number}/fd")))
        return {name: int(values[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM")}


@dataclass
class Watch:
    """Reads the plan of all systems from the store each second, and notes how late each tick is to be seen.

    A tick is late from the time for which its poll was planned to the time at which a reader of the store
    sees its frame. So this includes the feed's answer, and up to a second until the next look.
    """

    engine: sa.Engine
    planned: dict[str, tuple[int | None, float | None]] = field(default_factory=dict)
    late: list[float] = field(default_factory=list)

    def look(self, count: bool) -> None:
        """Look once; `count` the ticks that are seen."""
        query = sa.text("SELECT system_id, frame_version, next_poll_at FROM systems")
        with self.engine.connect() as db:
            rows = db.execute(query).all()
        now = time.time()
        for system_id, version, due in rows:
            before, planned = self.planned.get(system_id, (None, None))
            if count and version != before and planned is not None:
                self.late.append(now - planned)
            self.planned[system_id] = version, due

    def bytes(self) -> int:
        """Give how many bytes the store holds, without what SQLite has free in its file."""
        with self.engine.connect() as db:
            if self.engine.dialect.name == "sqlite":
                pages, free, size = (
                    int(db.exec_driver_sql(f"PRAGMA {name}").scalar_one())
                    for name in ("page_count", "freelist_count", "page_size")
                )
                return (pages - free) * size
            return int(db.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())

    def polls(self, since: float, until: float) -> dict[str, list[tuple[float, str]]]:
        """Give each system's polls, as times and outcomes."""
        query = sa.text(
            "SELECT system_id, received_at, outcome FROM polls "
            "WHERE received_at > :since AND received_at <= :until ORDER BY received_at"
        )
        found: dict[str, list[tuple[float, str]]] = {}
        with self.engine.connect() as db:
            for system_id, at, outcome in db.execute(query, {"since": since, "until": until}):
                found.setdefault(system_id, []).append((at, outcome))
        return found


@contextmanager
def planet(folder: Path, port: int, chosen: argparse.Namespace) -> Iterator[subprocess.Popen[str]]:
    """Serve the systems from another process; the folder has their list afterwards."""
    command = [sys.executable, str(HERE / "server.py"), str(folder), "--port", str(port)]
    for name in ("systems", "stations", "hanging"):
        command += [f"--{name}", str(getattr(chosen, name))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        print("serving", server.stdout.readline().strip(), flush=True)
        try:
            yield server
        finally:
            server.terminate()


@contextmanager
def working(folder: Path, port: int, store: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run `python -m ingest run` with default settings; its log goes into the folder."""
    env = os.environ | {
        "DOCKCAST_STORE": store,
        "DOCKCAST_SYSTEMS": str(folder / "systems.toml"),
        "DOCKCAST_WEATHER": f"https://127.0.0.1:{port}/weather",
        "REQUESTS_CA_BUNDLE": str(folder / "certificate.pem"),
    }
    with (folder / "worker.log").open("wb") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "ingest", "run"], cwd=ROOT, env=env, stdout=log, stderr=log
        )
        try:
            yield worker
        finally:
            worker.terminate()
            worker.wait(60)


@contextmanager
def safe_postgres() -> Iterator[str]:
    """Start a PostgreSQL server that writes each commit to the disk, as by default; give its address."""
    with postgres() as address:
        engine = sa.create_engine(address, isolation_level="AUTOCOMMIT")
        with engine.connect() as db:
            for words in ("RESET fsync", "RESET synchronous_commit"):
                db.exec_driver_sql(f"ALTER SYSTEM {words}")
            db.exec_driver_sql("SELECT pg_reload_conf()")
        engine.dispose()
        yield address


def follow(chosen: argparse.Namespace, folder: Path, store: str) -> dict[str, Any]:
    """Run server and worker; give what was seen."""
    port = free_port()
    with planet(folder, port, chosen) as server, working(folder, port, store) as worker:
        minutes: list[dict[str, float]] = []
        processes = Process(worker.pid), Process(server.pid)
        url = (
            store if store.startswith("postgresql") else f"sqlite:///file:{folder}/planet.db?mode=ro&uri=true"
        )
        begun = time.time()
        while not _has_tables(watch := Watch(sa.create_engine(url))):
            time.sleep(0.5)
        counted = begun + 60 * WARM_UP
        spent = [process.seconds() for process in processes]
        for minute in range(WARM_UP + chosen.minutes):
            while time.time() < begun + 60 * (minute + 1):
                watch.look(count=time.time() >= counted)
                time.sleep(1)
            before, spent = spent, [process.seconds() for process in processes]
            memory = processes[0].megabytes()
            minutes.append({
                "worker_seconds": spent[0] - before[0], "server_seconds": spent[1] - before[1],
                "mb": memory["VmRSS"], "store_mb": watch.bytes() / 1e6, "load": os.getloadavg()[0],
            })  # fmt: skip
            print({name: round(value, 1) for name, value in minutes[-1].items()}, flush=True)
        until = time.time()
        stopping = time.monotonic()
        worker.terminate()
        code = worker.wait(60)
        stopped = time.monotonic() - stopping
        polls = watch.polls(counted, until)
        watch.engine.dispose()
    return summary(chosen, minutes, watch, polls, counted) | {
        "peak_mb": memory["VmHWM"], "most_threads": processes[0].threads, "most_files": processes[0].files,
        "exit_code": code, "stop_seconds": stopped,
        "log": [line for line in (folder / "worker.log").read_text().splitlines() if "ticks are" in line],
    }  # fmt: skip


def summary(
    chosen: argparse.Namespace,
    minutes: list[dict[str, float]],
    watch: Watch,
    polls: dict[str, list[tuple[float, str]]],
    counted: float,
) -> dict[str, Any]:
    """Sum up the minutes that count."""
    outcomes: Counter[str] = Counter()
    missed, longest = 0, 0.0
    names = [f"made-up-{n:04d}" for n in range(chosen.systems)]
    end = counted + 60 * chosen.minutes
    for name in names:
        own = polls.get(name, [])
        outcomes.update(outcome for _, outcome in own)
        times = [counted, *(at for at, _ in own), end]
        waits = [later - earlier for earlier, later in pairwise(times)]
        longest = max([longest, *waits])
        missed += sum(max(int(wait // 60) - 1, 0) for wait in waits)
    late = sorted(watch.late)
    assert late, "nothing was learnt: see worker.log with --keep"
    steady = minutes[WARM_UP:]
    half = steady[len(steady) // 2 :]
    growth = (half[-1]["store_mb"] - half[0]["store_mb"]) / max(len(half) - 1, 1)
    hanging = [outcome for name, own in polls.items() if name.startswith("hanging") for _, outcome in own]
    return {
        "at": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "systems": chosen.systems,
        "stations": chosen.stations,
        "hanging": chosen.hanging,
        "minutes": chosen.minutes,
        "polls": sum(outcomes.values()),
        "missed": missed,
        "failed": sum(n for outcome, n in outcomes.items() if outcome not in ANSWERED_OUTCOMES),
        "outcomes": dict(outcomes),
        "longest_wait": longest,
        "hanging_polls": len(hanging),
        "ticks": len(late),
        "late": {
            name: late[int(share * (len(late) - 1))] for name, share in (("median", 0.5), ("p99", 0.99))
        },
        "latest": late[-1],
        "worker_seconds_a_minute": statistics.fmean(minute["worker_seconds"] for minute in steady),
        "dearest_minute": max(minute["worker_seconds"] for minute in steady),
        "server_seconds_a_minute": statistics.fmean(minute["server_seconds"] for minute in steady),
        "store_mb": steady[-1]["store_mb"],
        "growth_mb_a_day": growth * 1440,
        "load": statistics.fmean(minute["load"] for minute in steady),
        "each_minute": minutes,
    }


def _has_tables(watch: Watch) -> bool:
    try:
        watch.look(count=False)
    except sa.exc.DatabaseError:
        return False
    return True


def table(results: dict[str, dict[str, Any]]) -> str:
    """Write the results as a table, a column a store."""
    stores = [name for name in ("sqlite", "postgresql") if name in results]
    rows: list[tuple[str, str, str]] = [
        ("systems · stations · minutes", "", "{systems:,} · {stations:,} · {minutes}"),
        ("polls · failed", "", "{polls:,} · {failed}"),
        ("minutes without a poll", "0", "{missed}"),
        ("a tick late by, median · 99 % · most, seconds", "10",
         "{late[median]:.1f} · {late[p99]:.1f} · {latest:.1f}"),
        ("worker's processor time a minute, mean · dearest, seconds", "60",
         "{worker_seconds_a_minute:.1f} · {dearest_minute:.1f}"),
        ("worker's memory at the peak, MB", "4,096", "{peak_mb:,.0f}"),
        ("most threads · open files", "", "{most_threads} · {most_files}"),
        ("store, MB · growth a day, MB", "", "{store_mb:,.0f} · {growth_mb_a_day:,.0f}"),
        ("systems that hang · polls of them", "", "{hanging} · {hanging_polls}"),
        ("server's processor time a minute, seconds", "", "{server_seconds_a_minute:.1f}"),
        ("load of the machine", "", "{load:.1f}"),
        ("seconds to stop", "", "{stop_seconds:.1f}"),
        ("run at", "", "{at}"),
        ("machine", "", "{machine}"),
    ]  # fmt: skip
    lines = ["| | at most | " + " | ".join(stores) + " |", "|---|---:|" + "---:|" * len(stores)]
    for words, most, form in rows:
        lines.append(
            f"| {words} | {most} | " + " | ".join(form.format(**results[name]) for name in stores) + " |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run, write results.json and the README's table, and say whether the aims are met."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--systems", type=int, default=1500)
    parser.add_argument("--stations", type=int, default=100_000)
    parser.add_argument("--hanging", type=int, default=15, help="more systems, on hosts that never answer")
    parser.add_argument(
        "--minutes", type=int, default=30, help=f"minutes that count, after {WARM_UP} of warming up"
    )
    parser.add_argument(
        "--store",
        default="sqlite",
        help="sqlite for a new file, postgresql for a server of its own, or a store's URL",
    )
    parser.add_argument(
        "--keep", type=Path, help="a new folder for list, log and SQLite's file, to look at afterwards"
    )
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended before its time"))  # and worker and server too
    with ExitStack() as stack:
        folder = chosen.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(exist_ok=True)
        store = {"sqlite": f"sqlite:///{folder.resolve()}/planet.db"}.get(chosen.store, chosen.store)
        if store == "postgresql":
            store = stack.enter_context(postgres_database(stack.enter_context(safe_postgres()), "planet"))
        found = follow(chosen, folder.resolve(), store)
    path = HERE / "results.json"
    results = json.loads(path.read_text()) if path.exists() else {}
    results[store.partition(":")[0].partition("+")[0]] = found
    path.write_text(json.dumps(results, indent=1) + "\n")
    readme = HERE / "README.md"
    readme.write_text(readme.read_text().partition(RESULT)[0] + f"{RESULT} As last run:\n\n{table(results)}")
    print(table(results))
    above = [f"{name} is {found[name]:g}, not {most:g}" for name, most in AIMS.items() if found[name] > most]
    print("all aims are met" if not above else "; ".join(above))


if __name__ == "__main__":
    main()
