"""Kill the worker at random moments, and check that nothing is lost or learnt twice: see README.md.

DOCKCAST_SHARED=… python benchmarks/drills/kill/run.py --store postgresql
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import sqlalchemy as sa
from threadpoolctl import threadpool_limits

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from shared import add_shared  # noqa: E402

from ingest.replay.recording import Recording  # noqa: E402
from ingest.store import Store  # noqa: E402
from ingest.worker.recovery import logged_snapshots, recover  # noqa: E402
from model import Forecaster, Snapshot  # noqa: E402
from model.arrays import rows_of  # noqa: E402
from tests.support.processes import answers, free_port, wait_for  # noqa: E402
from tests.support.store_world import postgres  # noqa: E402

RECORDINGS = ("dublin-2017-02", "boulder-2022-spring")

LIVES = 1.0
"""The most seconds that a worker lives on after its first commit."""


class Difference(Exception):  # noqa: N818
    """A poll was lost or learnt twice, or a state differs."""


@dataclass
class Kill:
    """The result of one `kill -9`: the seconds that the worker had lived, and polls in the log."""

    lived: float
    polls: int
    new: int
    learnt_again: int


class Witness:
    """A forecaster that nothing interrupts: it learns the logged polls from the recording itself."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.forecaster: Forecaster | None = None
        self.polls = 0
        self.checkpoint: tuple[datetime, bytes] | None = None

    def check(self, store: Store) -> tuple[int, int]:
        """Learn the polls logged since the last check, and compare the store with the result.

        Gives how many polls were new, and how many a restarted worker has to learn again.
        """
        system_id = self.recording.system.system_id
        checkpoint, found = store.checkpoints.newest(system_id), recover(store, system_id)
        if checkpoint is None or found is None:
            if store.observations.poll_times(system_id):
                raise Difference(f"{system_id}: polls were logged without a checkpoint")
            return 0, 0
        new = self.learn(store)
        if len(store.observations.poll_times(system_id)) != self.polls:
            raise Difference(f"{system_id}: polls went missing or came twice")
        # The checkpoint was written by a worker that had itself recovered from the kills before.
        if self.checkpoint != (checkpoint.at, checkpoint.blob):
            raise Difference(f"{system_id}: the checkpoint of {checkpoint.at} is another state")
        assert self.forecaster is not None
        if found.forecaster.to_bytes() != self.forecaster.to_bytes():
            raise Difference(f"{system_id}: the state recovered is another one")
        return new, len(store.observations.poll_times(system_id, checkpoint.at))

    def learn(self, store: Store) -> int:
        """Learn from the recording the polls logged since the last time; count them."""
        system_id = self.recording.system.system_id
        stations, checkpoint_at = store.systems.stations(system_id), store.checkpoints.newest_at(system_id)
        if stations is None:
            return 0
        if self.forecaster is None:
            self.forecaster = Forecaster(stations, seed=True)
        before = self.polls
        for snapshot in logged_snapshots(store, self.forecaster):
            recorded = self.recording.at(snapshot.at)
            if recorded is None or recorded.at != snapshot.at or not same_counts(snapshot, recorded):
                raise Difference(f"{system_id}: the log of {snapshot.at} is not what was recorded")
            # A feed has no counts where a recording says that they contradict each other: they are missing.
            rows = rows_of(recorded.station_id, snapshot.station_id)
            state = np.where(rows >= 0, snapshot.state[rows], recorded.state)
            self.forecaster.learn(replace(recorded, state=state))
            self.polls += 1
            if snapshot.at == checkpoint_at:
                self.checkpoint = snapshot.at, self.forecaster.to_bytes()
        return self.polls - before


def same_counts(logged: Snapshot, recorded: Snapshot) -> bool:
    """Tell whether log and recording agree. Chicago's recording has a station at 0, 0, which no feed has."""
    order = {station: row for row, station in enumerate(recorded.station_id.tolist())}
    rows = np.array([order[station] for station in logged.station_id.tolist()])
    return all(np.array_equal(getattr(logged, n), getattr(recorded, n)[rows]) for n in ("bikes", "docks"))


@contextmanager
def served(paths: Sequence[Path], speed: float) -> Iterator[str]:
    """Serve recordings in a process of its own; give the address of their list."""
    port = free_port()
    options = ["--port", str(port), "--speed", str(speed)]
    command = [sys.executable, "-m", "ingest", "serve", *map(str, paths), *options]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as server:
        try:
            url = f"http://127.0.0.1:{port}/systems.toml"
            wait_for(lambda: answers(url))
            yield url
        finally:
            server.terminate()


@contextmanager
def database(kind: str) -> Iterator[str]:
    """Give the address of a new SQLite file, or of a PostgreSQL of our own."""
    if kind == "postgresql":
        with postgres() as address:
            yield address
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite:///{folder}/kill.db"


class Workers:
    """Starts workers by fork, see `forked.py`, and kills them."""

    def __init__(self, env: dict[str, str]) -> None:
        self._source = subprocess.Popen(
            [sys.executable, str(HERE / "forked.py")], cwd=ROOT, env=env, text=True, bufsize=1,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def start(self) -> int:
        """Start one; give its process number."""
        return int(self._say("\n"))

    def kill(self, worker: int) -> None:
        """Kill it, and wait until it is gone."""
        os.kill(worker, signal.SIGKILL)
        self._say("")

    def _say(self, words: str) -> str:
        assert self._source.stdin is not None
        assert self._source.stdout is not None
        self._source.stdin.write(words)
        return self._source.stdout.readline()

    def close(self) -> None:
        """Let the source of workers end."""
        self._source.communicate()


def wait_until_gone(url: str, name: str) -> None:
    """Wait until PostgreSQL has ended a killed worker's connection, and with it a requested commit."""
    engine = sa.create_engine(url)
    left = sa.text("SELECT count(*) FROM pg_stat_activity WHERE application_name = :name")
    with engine.connect() as connection:
        while connection.execute(left, {"name": name}).scalar_one():
            connection.rollback()
            time.sleep(0.005)
    engine.dispose()


def run(paths: Sequence[Path], url: str, kills: int, seed: int = 1, speed: float = 240) -> list[Kill]:
    """Start a worker and kill it, again and again.

    Raises `Difference` when the store or a state differs from that of a worker that was never killed.
    """
    rng = random.Random(seed)
    witnesses = [Witness(Recording.read(path)) for path in paths]
    found = []
    with ExitStack() as stack:
        store = stack.enter_context(closing(Store(url)))
        systems = stack.enter_context(served(paths, speed))
        stack.enter_context(threadpool_limits(1))
        env = os.environ | {
            "DOCKCAST_STORE": url, "DOCKCAST_SYSTEMS": systems, "DOCKCAST_CHECKPOINT_SECONDS": "2",
            "PGAPPNAME": "worker",
        }  # fmt: skip
        workers = stack.enter_context(closing(Workers(env)))
        for _ in range(kills):
            before = sum(witness.polls for witness in witnesses)
            begun = time.monotonic()
            worker = workers.start()
            try:
                wait_for_work(store, witnesses)
                time.sleep(rng.uniform(0, LIVES))
            finally:
                workers.kill(worker)
            if url.startswith("postgresql"):
                wait_until_gone(url, "worker")
            lived = time.monotonic() - begun
            checked = [witness.check(store) for witness in witnesses]
            new = sum(witness.polls for witness in witnesses) - before
            found.append(Kill(round(lived, 2), before + new, new, sum(again for _, again in checked)))
    return found


def wait_for_work(store: Store, witnesses: Sequence[Witness]) -> None:
    """Wait until a worker has committed its first tick, so that no kill only hits an import.

    Looks every 5 ms, so that the kill comes at a random moment of a tick.
    """
    until = time.monotonic() + 60
    while not any(
        len(store.observations.poll_times(w.recording.system.system_id)) > w.polls for w in witnesses
    ):
        if time.monotonic() > until:
            raise TimeoutError("the worker learnt nothing for a minute")
        time.sleep(0.005)


def main() -> None:
    """Kill, and write the result into results.json beside that of the other database."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--store", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--kills", type=int, default=250)
    parser.add_argument("--seed", type=int, default=1)
    add_shared(parser)
    chosen = parser.parse_args()
    paths = [chosen.shared / "recordings" / name for name in RECORDINGS]
    begun = time.monotonic()
    with database(chosen.store) as url:
        found = run(paths, url, chosen.kills, chosen.seed)
    results = {
        "kills": len(found),
        "seed": chosen.seed,
        "minutes": round((time.monotonic() - begun) / 60, 1),
        "polls": found[-1].polls,
        "learnt_again": sum(kill.learnt_again for kill in found),
        "differences": 0,
        "each": [asdict(kill) for kill in found],
    }
    path = HERE / "results.json"
    both = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(both | {chosen.store: results}, indent=1) + "\n")
    print({key: value for key, value in results.items() if key != "each"})


if __name__ == "__main__":
    main()
