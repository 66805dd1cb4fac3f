"""Kill the worker at random moments and look whether anything is lost or learnt twice: see README.md.

DOCKCAST_SHARED=../shared python benchmarks/kill/run.py
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT))

from ingest.recording import Recording  # noqa: E402
from ingest.relearn import logged, relearn  # noqa: E402
from ingest.store import Store  # noqa: E402
from model import Forecaster, Snapshot  # noqa: E402

RECORDINGS = ("dublin-2017-02", "chicago-2013-autumn", "boulder-2022-spring")


class Difference(Exception):  # noqa: N818
    """Something was lost, learnt twice, or came out differently."""


@dataclass
class Kill:
    """What was found after one `kill -9`: the seconds that the worker had lived, and polls in the log."""

    lived: float
    polls: int
    new: int
    learnt_again: int


class Witness:
    """A forecaster that nobody interrupts: it learns, from the recording itself, what was logged."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.forecaster: Forecaster | None = None
        self.polls = 0

    def check(self, store: Store) -> tuple[int, int]:
        """Learn what was logged since the last check, and hold the store against it.

        Gives how many polls were new, and how many a restarted worker has to learn again.
        """
        system_id = self.recording.system_id
        checkpoint, found = store.checkpoint(system_id), relearn(store, system_id)
        if checkpoint is None or found is None:
            if store.polls(system_id):
                raise Difference(f"{system_id}: polls were logged without a checkpoint")
            return 0, 0
        if self.forecaster is None:
            self.forecaster = Forecaster(found.forecaster.stations, seed=True)
        new = store.polls(system_id, self.forecaster.at)
        states = {}
        for snapshot in logged(store, self.forecaster):
            told = self.recording.at(snapshot.at)
            if told is None or told.at != snapshot.at or not same_counts(snapshot, told):
                raise Difference(f"{system_id}: the log of {snapshot.at} is not what was recorded")
            self.forecaster.learn(told)
            states[snapshot.at] = self.forecaster.to_bytes() if snapshot.at == checkpoint.at else b""
        self.polls += len(new)
        if len(states) != len(new) or len(store.polls(system_id)) != self.polls:
            raise Difference(f"{system_id}: polls went missing or came twice")
        # The checkpoint was written by a worker that had itself recovered from the kills before.
        if states.get(checkpoint.at, checkpoint.blob) != checkpoint.blob:
            raise Difference(f"{system_id}: the checkpoint of {checkpoint.at} is another state")
        if found.forecaster.to_bytes() != self.forecaster.to_bytes():
            raise Difference(f"{system_id}: the state recovered is another one")
        return len(new), len(store.polls(system_id, checkpoint.at))


def same_counts(logged: Snapshot, told: Snapshot) -> bool:
    """Tell whether the log holds what the recording told. Chicago has a station at 0, 0: no feed has it."""
    order = {station: row for row, station in enumerate(told.station_id.tolist())}
    rows = np.array([order[station] for station in logged.station_id.tolist()])
    return all(np.array_equal(getattr(logged, n), getattr(told, n)[rows]) for n in ("bikes", "docks"))


@contextmanager
def served(paths: Sequence[Path], speed: float) -> Iterator[str]:
    """Serve recordings in a process of its own; give the address of their list."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--port", str(port), "--speed", str(speed)]
    command = [sys.executable, "-m", "ingest", "serve", *map(str, paths), *options]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as server:
        try:
            url = f"http://127.0.0.1:{port}/systems.toml"
            wait_until_up(url)
            yield url
        finally:
            server.terminate()


def wait_until_up(url: str) -> None:
    """Wait for a server that has just been started, for a minute at most."""
    for _ in range(600):
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise TimeoutError(f"{url} did not answer")


def run(paths: Sequence[Path], folder: Path, kills: int, seed: int = 1, speed: float = 240) -> list[Kill]:
    """Start a worker and kill it, again and again.

    Raises `Difference` at the first thing that is not as if it had never been killed.
    """
    chance = random.Random(seed)
    witnesses = [Witness(Recording.read(path)) for path in paths]
    url = f"sqlite:///{folder / 'kill.db'}"
    store = Store(url)
    found = []
    with served(paths, speed) as systems, threadpool_limits(1):
        env = os.environ | {
            "DOCKCAST_STORE": url, "DOCKCAST_SYSTEMS": systems, "DOCKCAST_CHECKPOINT_SECONDS": "2",
        }  # fmt: skip
        for _ in range(kills):
            before = sum(witness.polls for witness in witnesses)
            worker = subprocess.Popen(
                [sys.executable, "-m", "ingest", "run"], cwd=ROOT, env=env, stderr=subprocess.DEVNULL
            )
            begun = time.monotonic()
            try:
                wait_for_work(store, witnesses, worker)
                time.sleep(chance.uniform(0, 3))
            finally:
                worker.kill()
                worker.wait()
            lived = time.monotonic() - begun
            checked = [witness.check(store) for witness in witnesses]
            new = sum(witness.polls for witness in witnesses) - before
            found.append(Kill(round(lived, 2), before + new, new, sum(again for _, again in checked)))
    store.close()
    return found


def wait_for_work(store: Store, witnesses: Sequence[Witness], worker: subprocess.Popen[bytes]) -> None:
    """Wait until a worker has committed its first tick, so that no kill only hits an import."""
    until = time.monotonic() + 60
    while not any(len(store.polls(w.recording.system_id)) > w.polls for w in witnesses):
        if worker.poll() is not None:
            raise RuntimeError(f"the worker ended by itself with {worker.returncode}")
        if time.monotonic() > until:
            raise TimeoutError("the worker learnt nothing for a minute")
        time.sleep(0.005)


def main() -> None:
    """Kill fifty times and write results.json."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--shared",
        type=Path,
        default=os.environ.get("DOCKCAST_SHARED"),
        required="DOCKCAST_SHARED" not in os.environ,
    )
    chosen = parser.parse_args()
    paths = [chosen.shared / "recordings" / name for name in RECORDINGS]
    with tempfile.TemporaryDirectory() as folder:
        found = run(paths, Path(folder), chosen.kills, chosen.seed)
    told = {
        "kills": len(found),
        "seed": chosen.seed,
        "polls": found[-1].polls,
        "learnt_again": sum(kill.learnt_again for kill in found),
        "differences": 0,
        "each": [asdict(kill) for kill in found],
    }
    (HERE / "results.json").write_text(json.dumps(told, indent=1) + "\n")
    print({key: value for key, value in told.items() if key != "each"})


if __name__ == "__main__":
    main()
