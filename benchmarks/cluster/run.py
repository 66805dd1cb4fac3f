"""One worker and two on one PostgreSQL: what they get done, what a change of them costs: see README.md.

python benchmarks/cluster/run.py
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import sqlalchemy as sa

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks" / "planet")]

from run import Process, safe_postgres  # noqa: E402

from ingest.store import Store  # noqa: E402
from tests.support.processes import free_port, wait_for  # noqa: E402
from tests.support.store_world import postgres_database  # noqa: E402

SETTLE = 20.0
"""Seconds after a worker has its share until ticks count: it has loaded what was learnt by then."""

RESULT = "**Result.**"
"""Begins the end of the README, which a run writes anew."""

HELD = sa.text(
    "SELECT l.holder, l.system_id, s.size FROM leases l JOIN systems s USING (system_id) "
    "WHERE l.until > extract(epoch FROM clock_timestamp())"
)
POLLS = sa.text(
    "SELECT system_id, received_at, outcome, learn_seconds + forecast_seconds AS seconds FROM polls "
    "WHERE received_at > :since AND received_at <= :until ORDER BY received_at"
)


class Cluster:
    """A server of feeds, a database, and workers that come and go."""

    def __init__(self, folder: Path, url: str, port: int) -> None:
        self._folder, self._url = folder, url
        self._engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        self._started = 0
        self.env = os.environ | {
            "DOCKCAST_STORE": url,
            "DOCKCAST_SYSTEMS": str(folder / "systems.toml"),
            "DOCKCAST_WEATHER": f"https://127.0.0.1:{port}/weather",
            "REQUESTS_CA_BUNDLE": str(folder / "certificate.pem"),
            "DOCKCAST_SEED": "false",
            "OPENBLAS_NUM_THREADS": "1",
        }

    def start(self, apart: bool = False) -> subprocess.Popen[bytes]:
        """Start a worker; where `apart`, on a machine of its own, as far as others can tell."""
        self._started += 1
        command = [sys.executable, "-m", "ingest", "run"]
        if apart:
            name = f"machine-{self._started}"
            command = ["unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', name, *command]
        with (self._folder / f"worker-{self._started}.log").open("wb") as log:
            return subprocess.Popen(command, cwd=ROOT, env=self.env, stdout=log, stderr=log)

    def held(self) -> dict[int, Counter[str]]:
        """Give the systems of each process that holds any, and their sizes."""
        found: dict[int, Counter[str]] = {}
        with self._engine.connect() as db:
            for holder, system_id, size in db.execute(HELD):
                found.setdefault(int(holder.split("/")[1]), Counter())[system_id] = size
        return found

    def wait_for_shares(self, systems: int, *workers: subprocess.Popen[bytes]) -> float:
        """Wait until these workers hold all systems, and none much more than another; give the seconds."""

        def shared() -> bool:
            held = self.held()
            loads = [each.total() for each in held.values()]
            return (
                held.keys() == {worker.pid for worker in workers}
                and sum(map(len, held.values())) == systems
                and max(loads) < 1.3 * sum(loads) / len(loads)
            )

        return wait_for(shared, 300)

    def polls(self, since: float, until: float) -> list[Any]:
        """Fetch the polls that were received in a stretch of time."""
        with self._engine.connect() as db:
            return list(db.execute(POLLS, {"since": since, "until": until}))

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()


@contextmanager
def cluster(chosen: argparse.Namespace, poll_seconds: float, server: str) -> Iterator[Cluster]:
    """Serve systems that are polled each `poll_seconds`, and make an empty database for their workers."""
    with tempfile.TemporaryDirectory() as name, postgres_database(server, f"cluster{time.time_ns()}") as url:
        folder, port = Path(name), free_port()
        command = [sys.executable, str(ROOT / "benchmarks/planet/server.py"), name, "--port", str(port)]
        command += ["--systems", str(chosen.systems), "--stations", str(chosen.stations)]
        command += ["--hanging", "0", "--ttl", "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as feeds:
            assert feeds.stdout is not None
            feeds.stdout.readline()
            # A live system is polled once a minute at most; a replay as often as its list says.
            path, each = (
                folder / "systems.toml",
                f'[[systems]]\nlabel = "replayed"\npoll_seconds = {poll_seconds}',
            )
            path.write_text(path.read_text().replace("[[systems]]", each))
            Store(url).close()  # makes the tables
            made = Cluster(folder, url, port)
            try:
                yield made
            finally:
                made.close()
                feeds.terminate()


def ended(worker: subprocess.Popen[bytes]) -> None:
    """Stop a worker by a signal, and wait for its end."""
    worker.terminate()
    worker.wait(60)


def throughput(made: Cluster, chosen: argparse.Namespace) -> list[dict[str, Any]]:
    """Have one worker and two poll as often as they can, in turns; give each turn's figures."""
    found = []
    workers = [made.start()]
    try:
        for turn in range(2 * chosen.rounds):
            count = 1 + turn % 2
            if count == 2:
                workers.append(made.start())
            elif len(workers) == 2:
                ended(workers.pop())
            made.wait_for_shares(chosen.systems, *workers)
            time.sleep(SETTLE)
            processes = [Process(worker.pid) for worker in workers]
            begun, spent = time.time(), [process.seconds() for process in processes]
            time.sleep(chosen.seconds)
            until = time.time()
            used = sum(process.seconds() for process in processes) - sum(spent)
            learnt = [row for row in made.polls(begun, until) if row.outcome == "learnt"]
            loads = [each.total() for each in made.held().values()]
            found.append({
                "workers": count, "polls_a_minute": 60 * len(learnt) / (until - begun),
                "compute_ms": 1000 * statistics.median(row.seconds for row in learnt),
                "cpu_ms": 1000 * used / len(learnt),
                "imbalance": max(loads) / statistics.fmean(loads),
                "largest_by_smallest": max(loads) / min(loads),
                "mb": sum(process.megabytes()["VmRSS"] for process in processes),
                "load": os.getloadavg()[0],
            })  # fmt: skip
            print({name: round(value, 2) for name, value in found[-1].items()}, flush=True)
    finally:
        for worker in workers:
            ended(worker)
    return found


def gaps(made: Cluster, since: float, until: float) -> list[float]:
    """Give the seconds between each two polls of a system in a stretch of time."""
    times: dict[str, list[float]] = {}
    for row in made.polls(since, until):
        times.setdefault(row.system_id, []).append(row.received_at)
    return [b - a for each in times.values() for a, b in pairwise(each)]


def changes(made: Cluster, chosen: argparse.Namespace) -> list[dict[str, Any]]:
    """Have a second worker join, leave and die; give what that cost the polls."""
    apart = os.geteuid() == 0 and shutil.which("unshare") is not None
    every, found = chosen.poll_seconds, []
    first = second = made.start()
    made.wait_for_shares(chosen.systems, first)
    time.sleep(2 * every + SETTLE)

    def note(name: str, since: float, shared: float, moved: set[str]) -> None:
        """Wait for the polls after a change, and note what it cost."""
        time.sleep(2.5 * every)
        between = gaps(made, since - 2 * every, time.time())
        again: dict[str, float] = {}
        for row in made.polls(since, time.time()):
            if row.system_id in moved:
                again.setdefault(row.system_id, row.received_at - since)
        found.append({
            "change": name, "systems": len(moved), "seconds_until_shared": shared,
            "longest_gap": max(between), "polls": len(between),
            "polls_missed": sum(max(int(gap // every) - 1, 0) for gap in between),
            "to_next_poll": {"median": statistics.median(again.values()), "most": max(again.values())},
        })  # fmt: skip
        print(json.dumps(found[-1]), flush=True)

    try:
        since = time.time()
        note("nothing happens", since, 0.0, set(made.held()[first.pid]))
        for how in ("stops", "is killed, seen from its own machine", "is killed, seen from another"):
            far = how.endswith("another")
            if far and not apart:
                continue
            second = made.start(apart=far)
            announced = time.time()
            before = set(made.held()[first.pid])
            shared = made.wait_for_shares(chosen.systems, first, second)
            note("joins", announced, shared, before - set(made.held()[first.pid]))
            since, theirs = time.time(), set(made.held()[second.pid])
            if how == "stops":
                second.terminate()
            else:
                second.kill()
            second.wait(60)
            note(how, since, made.wait_for_shares(chosen.systems, first), theirs)
    finally:
        for worker in {first, second}:
            ended(worker)
    return found


def median(turns: list[dict[str, Any]], workers: int, name: str) -> float:
    """Give the median of a figure over the turns with so many workers."""
    return statistics.median(turn[name] for turn in turns if turn["workers"] == workers)


def table(found: dict[str, Any]) -> str:
    """Write the results as two tables."""
    lines = ["| | one worker | two | two : one |", "|---|---:|---:|---:|"]
    for words, name, digits in (
        ("polls learnt a minute", "polls_a_minute", 0),
        ("learning and forecasting, ms a tick, median", "compute_ms", 1),
        ("processor time of the workers, ms a tick", "cpu_ms", 1),
        ("memory of the workers, MB", "mb", 0),
        ("largest share : mean share, stations", "imbalance", 2),
        ("load of the machine", "load", 1),
    ):
        one, two = (median(found["throughput"], count, name) for count in (1, 2))
        lines.append(f"| {words} | {one:,.{digits}f} | {two:,.{digits}f} | {two / one:.2f} |")
    lines += [
        "",
        "| a second worker | its systems | seconds until shared | longest gap, seconds | polls | missed "
        "| to the next poll, median · most |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    form = "| {change} | {systems} | {seconds_until_shared:.1f} | {longest_gap:.1f} | {polls:,} "
    form += "| {polls_missed} | "
    for row in found["changes"]:
        lines.append(form.format(**row) + "{median:.1f} · {most:.1f} |".format(**row["to_next_poll"]))
    words = (
        "{systems} systems, {stations:,} stations; {rounds} turns of {seconds} s; run at {at} on {machine}."
    )
    return "\n".join([*lines, "", words.format(**found)]) + "\n"


def main() -> None:
    """Run both parts, and write results.json and the README's tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--systems", type=int, default=200)
    parser.add_argument("--stations", type=int, default=12000)
    parser.add_argument("--seconds", type=int, default=40, help="how long a turn counts")
    parser.add_argument("--rounds", type=int, default=3, help="turns with one worker, and with two")
    parser.add_argument("--poll-seconds", type=float, default=20.0, help="where workers come and go")
    chosen = parser.parse_args()
    with ExitStack() as stack:
        server = stack.enter_context(safe_postgres())
        with cluster(chosen, 1.0, server) as made:
            turns = throughput(made, chosen)
        with cluster(chosen, chosen.poll_seconds, server) as made:
            changed = changes(made, chosen)
    found = vars(chosen) | {
        "throughput": turns, "changes": changed, "at": f"{datetime.now(UTC):%Y-%m-%d %H:%M UTC}",
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
    }  # fmt: skip
    (HERE / "results.json").write_text(json.dumps(found, indent=1) + "\n")
    readme = HERE / "README.md"
    readme.write_text(f"{readme.read_text().partition(RESULT)[0]}{RESULT} As last run:\n\n{table(found)}")
    print(table(found))


if __name__ == "__main__":
    main()
