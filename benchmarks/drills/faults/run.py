"""Break everything several times, and measure what is lost and how long recovery takes: see README.md.

python benchmarks/drills/faults/run.py [feeds|killed|locked|…]…
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(ROOT)]

from starlette.applications import Starlette  # noqa: E402
from starlette.testclient import TestClient  # noqa: E402

from dashboard import store_reader  # noqa: E402
from dashboard.api import routes  # noqa: E402
from dashboard.words import shell as shell_words  # noqa: E402
from dashboard.words.feed_errors import feed_error  # noqa: E402
from ingest.store import Store, StoreFailedError  # noqa: E402
from ingest.store.holder import is_dead  # noqa: E402
from ingest.store.tables import checkpoints  # noqa: E402
from tests.faults.feeds import FAULTS, Fault  # noqa: E402
from tests.faults.test_checkpoints import SPOILT  # noqa: E402
from tests.faults.test_processes import FORECAST, app  # noqa: E402
from tests.faults.town import Town, is_whole  # noqa: E402
from tests.support import processes  # noqa: E402
from tests.support.misbehaving import Misbehaving, status  # noqa: E402
from tests.support.processes import answers  # noqa: E402
from tests.support.store_world import postgres, postgres_database  # noqa: E402

ASKED_TO_WAIT = Fault(
    lambda town: status(429, {"Retry-After": "30"}), "too_many_requests", everything=True
)  # the tests have two hours, which nobody waits for here
FEEDS = FAULTS | {"429 with Retry-After": ASKED_TO_WAIT}

wait_for = partial(processes.wait_for, seconds=900)

CLIENT = TestClient(Starlette(routes=routes.ROUTES), raise_server_exceptions=False)


@dataclass
class Try:
    """One try of a fault.

    `lost` counts polls that had been committed and are gone, or are there twice; `recovered` is how many
    seconds after its end the next poll was learnt; `gap` the longest time between two polls learnt; `same`
    whether the state afterwards is what the log gives when learnt once.
    """

    kind: str
    lost: int
    recovered: float
    gap: float
    same: bool
    seen: str


@contextmanager
def worker(url: str, folder: Path, *towns: Town) -> Iterator[subprocess.Popen[bytes]]:
    """Run a worker of its own process; kill it at the end."""
    clock = folder / "clock"
    clock.write_text("0")
    arguments = {"store": url, "systems": [asdict(town.system) for town in towns], "clock": str(clock)}
    with (folder / "worker.log").open("a") as log:
        running = subprocess.Popen(
            [sys.executable, str(HERE / "worker.py"), json.dumps(arguments)], stderr=log
        )
    try:
        yield running
    finally:
        running.kill()
        running.wait()


class PollWatch:
    """Looks at one town's store from outside, before and after something breaks."""

    def __init__(self, store: Store, name: str = "town") -> None:
        self.store, self.name = store, name
        self.before = store.observations.poll_times(name)

    def more(self, polls: int = 1) -> bool:
        """Tell whether so many more polls were learnt since the last look."""
        try:
            return len(self.store.observations.poll_times(self.name)) >= len(self.before) + polls
        except StoreFailedError:
            return False

    def look(self) -> None:
        """Look again."""
        self.before = self.store.observations.poll_times(self.name)

    def after(self, kind: str, recovered: float, seen: str) -> Try:
        """Compare the polls now with those before."""
        polls = self.store.observations.poll_times(self.name)
        lost = len(set(self.before) - set(polls)) + len(polls) - len(set(polls))
        first = max(len(self.before) - 1, 0)
        pairs = zip(polls[first:], polls[first + 1 :], strict=False)
        gap = max(((b - a).total_seconds() for a, b in pairs), default=0.0)
        return Try(kind, lost, round(recovered, 2), gap, is_whole(self.store, self.name), seen)


def seen(store: Store, name: str = "town") -> str:
    """Give what a rider reads: the map's notice, or that the forecast stands as usual, or the API's error."""
    store_reader.use(store)
    try:
        answer = CLIENT.get(f"/api/systems/{name}/forecast?minutes=30")
        if answer.status_code != 200:
            return f"API {answer.status_code}: {answer.json().get('error', answer.text)}"
        state = store.systems.state(name)
    except (StoreFailedError, ValueError) as error:
        return f"no answer: {type(error).__name__}"
    assert state is not None
    return (
        shell_words.trouble("Town", state.state, feed_error(state.reason), None)
        or "the forecast as usual, and the counts' age"
    )


# ---------------------------------------------------------------- feeds


def feeds(folder: Path, times: int, lasts: float = 40) -> Iterator[Try]:
    """Break a town in each way, all at once, and mend them."""
    url = f"sqlite:///{folder / 'feeds.db'}"
    store = Store(url)
    with Misbehaving() as server:
        towns = {kind: Town(server, f"town{n}", poll_seconds=5) for n, kind in enumerate(FEEDS)}
        with worker(url, folder, *towns.values()):
            wait_for(
                lambda: all(len(store.observations.poll_times(town.name)) >= 2 for town in towns.values())
            )
            for _ in range(times):
                watches = {kind: PollWatch(store, town.name) for kind, town in towns.items()}
                for kind, town in towns.items():
                    town.fault, town.everything = FEEDS[kind].behave(town), FEEDS[kind].everything
                time.sleep(lasts)
                notices = {kind: seen(store, town.name) for kind, town in towns.items()}
                mended = time.time()
                for kind, town in towns.items():
                    town.fault = None
                    watches[kind].look()
                waiting, recovered = set(towns), {}
                until = time.monotonic() + 300
                while waiting and time.monotonic() < until:
                    time.sleep(0.2)
                    states = store.systems.states()
                    for kind in list(waiting):
                        received = states[towns[kind].name].received_at
                        if received is not None and received.timestamp() > mended:
                            recovered[kind] = received.timestamp() - mended
                            waiting.remove(kind)
                for kind, watch in watches.items():
                    yield watch.after(kind, recovered.get(kind, float("nan")), notices[kind])
    store.close()


# ---------------------------------------------------------------- ourselves


def killed(folder: Path, times: int) -> Iterator[Try]:
    """Kill the worker at a random moment, and start another."""
    for _ in _own(folder, times, "worker killed"):
        _.process.kill()
        _.process.wait()
        yield from _.restart()


def spoilt(folder: Path, times: int) -> Iterator[Try]:
    """Kill the worker, spoil its newest checkpoint or both, and start another."""
    for newest in (1, 2):
        for how in ("truncated", "garbage", "of another version"):
            which = "newest checkpoint" if newest == 1 else "both checkpoints"
            for run in _own(folder, times, f"{which} {how}"):
                run.process.kill()
                run.process.wait()
                engine = sa.create_engine(run.url)
                with engine.begin() as db:
                    rows = db.execute(sa.select(checkpoints).order_by(checkpoints.c.at.desc())).all()
                    for row in rows[:newest]:
                        blob = SPOILT[how](rows[0].blob)  # the older one may be spoilt from the last time
                        db.execute(checkpoints.update().where(checkpoints.c.at == row.at).values(blob=blob))
                engine.dispose()
                yield from run.restart()


def locked(folder: Path, times: int) -> Iterator[Try]:
    """Hold SQLite's write lock for longer than a writer waits, and for a moment."""
    for seconds in (5, 35):
        for run in _own(folder, times, f"store locked for {seconds} s", restarts=False):
            db = sqlite3.connect(run.path, timeout=60, isolation_level=None)
            db.execute("BEGIN IMMEDIATE")
            time.sleep(seconds)
            run.watch.look()
            notice = seen(run.store)
            db.execute("ROLLBACK")
            db.close()
            yield run.watch.after(run.kind, wait_for(run.watch.more), notice)


def full(folder: Path, times: int) -> Iterator[Try]:
    """Let no file of the worker grow, as on a full disk, for twenty seconds."""
    for run in _own(folder, times, "disk full", restarts=False):
        size = max(each.stat().st_size for each in run.path.parent.glob(f"{run.path.name}*"))
        resource.prlimit(run.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        wait_for(lambda run=run: "without a store" in run.log.read_text()[run.logged :])
        time.sleep(10)
        run.watch.look()
        notice = seen(run.store)
        resource.prlimit(run.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        yield run.watch.after(run.kind, wait_for(run.watch.more), notice)


def clock(folder: Path, times: int) -> Iterator[Try]:
    """Set the clock an hour back or ahead, and right again after twenty seconds."""
    for hours in (-1, 1):
        for run in _own(
            folder, times, f"clock set {'back' if hours < 0 else 'ahead'} an hour", restarts=False
        ):
            (run.folder / "clock").write_text(str(3600 * hours))
            recovered = wait_for(lambda run=run: run.watch.more(2))
            notice = seen(run.store)
            time.sleep(10)
            (run.folder / "clock").write_text("0")
            run.watch.look()
            wait_for(lambda run=run: run.watch.more(2))
            yield run.watch.after(run.kind, recovered, notice)


def memory(folder: Path, times: int) -> Iterator[Try]:
    """Give the worker 30 MB more than it has, and a city too large for that beside the town."""
    for run in _own(folder, times, "memory limit reached by another city", restarts=False, large=True):
        pages = int(Path(f"/proc/{run.process.pid}/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + 30_000_000
        resource.prlimit(run.process.pid, resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
        assert run.large is not None
        run.large.fault = None
        wait_for(lambda run=run: "MemoryError" in run.log.read_text()[run.logged :])
        run.watch.look()
        recovered = wait_for(run.watch.more)
        yield run.watch.after(run.kind, recovered, seen(run.store))
        run.large.fault = status(503)
        resource.prlimit(run.process.pid, resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)


def frozen(folder: Path, times: int) -> Iterator[Try]:
    """Freeze the worker that holds the lease while another stands by; wake it when that has taken over."""
    beside = folder / "beside"
    beside.mkdir(exist_ok=True)
    for run in _own(folder, times, "worker frozen, another stands by", restarts=False):
        with worker(run.url, beside, run.town):
            wait_for(lambda: "standing by" in (beside / "worker.log").read_text()[-3000:])
            time.sleep(2)
            run.watch.look()
            run.process.send_signal(signal.SIGSTOP)
            recovered = wait_for(run.watch.more)
            notice = seen(run.store)
            run.process.send_signal(signal.SIGCONT)
            wait_for(lambda run=run: "another worker has taken over" in run.log.read_text()[run.logged :])
            wait_for(lambda run=run: run.watch.more(4))
            yield run.watch.after(run.kind, recovered, notice)


class Run:
    """A town, its store and its worker, ready for a fault."""

    def __init__(self, folder: Path, kind: str, large: bool) -> None:
        self.folder, self.kind, self.path = folder, kind, folder / "own.db"
        self.url, self.log = f"sqlite:///{self.path}", folder / "worker.log"
        self.store = Store(self.url)
        self.logged = 0
        self.town: Town
        self.large: Town | None = None
        self.has_large = large
        self.process: subprocess.Popen[bytes]
        self.watch: PollWatch

    def restart(self) -> Iterator[Try]:
        """Start a worker again and see."""
        self.watch.look()
        notice = seen(self.store)
        begun = time.monotonic()
        with worker(self.url, self.folder, self.town):
            wait_for(self.watch.more)
            recovered = time.monotonic() - begun
            yield self.watch.after(self.kind, recovered, notice)


def _own(folder: Path, times: int, kind: str, restarts: bool = True, large: bool = False) -> Iterator[Run]:
    """Run a worker that has learnt for a few seconds; a new one each time where it `restarts`."""
    rng = random.Random(kind)
    run = Run(folder, kind, large)
    with Misbehaving() as server:
        run.town = Town(server, poll_seconds=1)
        towns = [run.town]
        if large:
            run.large = Town(server, "large", poll_seconds=1, size=3000)
            run.large.fault, run.large.everything = status(503), True
            towns.append(run.large)
        done = 0
        while done < times:
            with worker(run.url, folder, *towns) as run.process:
                while done < times:
                    run.watch = PollWatch(run.store)
                    wait_for(lambda: run.watch.more(3))
                    time.sleep(rng.uniform(0, 2))
                    run.watch.look()
                    run.logged = len(run.log.read_text())
                    yield run
                    done += 1
                    if restarts:
                        break
    run.store.close()


# ---------------------------------------------------------------- PostgreSQL and apps


def database(folder: Path, times: int, seconds: tuple[float, ...] = (20, 600)) -> Iterator[Try]:
    """Block all connections to the database: `times` for a short while, once for ten minutes."""
    with Misbehaving() as server, postgres() as address, postgres_database(address, "faults") as url:
        admin = sa.create_engine(address, isolation_level="AUTOCOMMIT")
        store, town = Store(url), Town(server, poll_seconds=1)

        def say(words: str) -> None:
            with admin.connect() as db:
                db.exec_driver_sql(words)

        with worker(url, folder, town):
            for lasts in [seconds[0]] * times + [seconds[1]]:
                watch = PollWatch(store)
                wait_for(lambda watch=watch: watch.more(3))
                watch.look()
                say("ALTER DATABASE faults ALLOW_CONNECTIONS false")
                say("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'faults'")
                time.sleep(lasts / 2)
                notice = seen(store)
                time.sleep(lasts / 2)
                say("ALTER DATABASE faults ALLOW_CONNECTIONS true")
                recovered = wait_for(watch.more)
                yield watch.after(f"PostgreSQL gone for {lasts:g} s", recovered, notice)
        store.close()
        admin.dispose()


def apps(folder: Path, times: int) -> Iterator[Try]:
    """Kill one of two apps, the one whose worker is at work; stop the other, and start it again."""
    store = Store(f"sqlite:///{folder / 'dockcast.db'}")
    with Misbehaving() as server:
        town = Town(server, poll_seconds=1)
        for _ in range(times):
            with app(folder, town) as (running, one):
                wait_for(lambda one=one: answers(one + FORECAST) and store.leases.holder(datetime.now(UTC)))
                holder = store.leases.holder(datetime.now(UTC))
                assert holder is not None
                watch = PollWatch(store)
                wait_for(lambda watch=watch: watch.more(3))
                with app(folder, town) as (_, two):
                    wait_for(lambda two=two: answers(two + FORECAST))
                    running.kill()
                    running.wait()
                    notice = f"from the other app: {seen(store)}"
                    wait_for(lambda holder=holder: is_dead(holder))
                    watch.look()
                    recovered = wait_for(watch.more)
                    yield watch.after("app and its worker killed, another app beside it", recovered, notice)
            watch = PollWatch(store)
            begun = time.monotonic()
            with app(folder, town):
                wait_for(watch.more)
                recovered = time.monotonic() - begun
                yield watch.after(
                    "the only app stopped, and started again", recovered, "nothing: there is no app"
                )
    store.close()


PARTS = {
    part.__name__: part
    for part in (feeds, killed, spoilt, locked, full, clock, memory, frozen, database, apps)
}
TIMES = {"killed": 20, "spoilt": 3, "locked": 3, "frozen": 5, "memory": 5, "database": 5, "apps": 3}
"""How often each is tried; the others five times."""


def report(results: dict[str, Any]) -> str:
    """Write the table."""
    lines = [
        "| fault | times | lost | state as the log gives | s to recover, median | most | what a rider read |",
        "|---|---:|---:|---:|---:|---:|---|",
    ]
    for part in PARTS:
        kinds: dict[str, list[dict[str, Any]]] = {}
        for found in results["tries"].get(part, []):
            kinds.setdefault(found["kind"], []).append(found)
        for kind, found in kinds.items():
            took = [each["recovered"] for each in found]
            notice = statistics.mode(each["seen"] for each in found).replace("|", "¦")
            lines.append(
                f"| {kind} | {len(found)} | {sum(each['lost'] for each in found)} "
                f"| {sum(each['same'] for each in found)} of {len(found)} | {statistics.median(took):.1f} "
                f"| {max(took):.1f} | {notice} |"
            )
    return "\n".join([*lines, "", f"Run on {results['date']}.", ""])


def main() -> None:
    """Try all, or the parts named, and write the results."""
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", default=list(PARTS))
    parser.add_argument("--times", type=int, help="so often each")
    chosen = parser.parse_args()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    path = HERE / "results.json"
    for part in chosen.parts:
        tries: list[dict[str, Any]] = []
        with tempfile.TemporaryDirectory() as folder:
            for found in PARTS[part](Path(folder), chosen.times or TIMES.get(part, 5)):
                print(found, flush=True)
                tries.append(asdict(found))
        results = json.loads(path.read_text()) if path.exists() else {"tries": {}}
        results["tries"][part] = tries
        results["date"] = f"{datetime.now(UTC):%-d %B %Y}"
        path.write_text(json.dumps(results, indent=1) + "\n")
        (HERE / "results.md").write_text(report(results))


if __name__ == "__main__":
    main()
