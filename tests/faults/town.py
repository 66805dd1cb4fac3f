"""A small town whose live feed misbehaves on command, and workers to follow it: in a thread or a process."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from ingest.http.client import Fetcher
from ingest.store import Store
from ingest.system import System
from ingest.worker.recovery import logged_snapshots, recover
from ingest.worker.worker import Worker
from model import Forecaster
from tests.support import worker_world
from tests.support.gbfs_world import feed_list, holding, information, place, status, wrap
from tests.support.misbehaving import Behaviour, Handler, Misbehaving, document

ROOT = Path(__file__).resolve().parents[2]
_WALL = time.time() - time.monotonic()


def true_time() -> float:
    """Give the feeds' time, which does not change when this machine's clock is set."""
    return _WALL + time.monotonic()


class Town:
    """Serves a feed of four stations at which bikes come and go all the time.

    Set `fault` to a behaviour, and the status behaves so, or all documents where `everything` is set. Set it
    to None, and all is well again. `polls` counts the requests for the status.
    """

    def __init__(
        self,
        server: Misbehaving,
        name: str = "town",
        poll_seconds: float = 0.2,
        clock: Callable[[], float] = true_time,
        size: int = 4,
    ) -> None:
        self.server, self.name, self.poll_seconds, self._clock = server, name, poll_seconds, clock
        self._size = size
        self.fault: Behaviour | None = None
        self.everything = False
        self.polls = 0
        at = server.url(f"/{name}")
        feeds = feed_list("station_information", "station_status", "vehicle_types", at=at)
        self._documents: dict[str, Callable[[], Any]] = {
            "gbfs": lambda: wrap({"en": {"feeds": feeds}}),
            "station_information": lambda: information(*(place(str(n)) for n in range(size))),
            "station_status": self._status,
            "vehicle_types": lambda: wrap({"vehicle_types": [
                {"vehicle_type_id": "bike", "form_factor": "bicycle", "propulsion_type": "human"},
                {"vehicle_type_id": "kick", "form_factor": "scooter_standing", "propulsion_type": "electric"},
            ]}),
        }  # fmt: skip
        for each in self._documents:
            server.at(f"/{name}/{each}.json", self._serve(each))

    @property
    def system(self) -> System:
        """The system of this town, as a worker follows it."""
        url = self.server.url(f"/{self.name}/gbfs.json")
        return System(self.name, self.name, self.name, "FR", url, poll_seconds=self.poll_seconds)

    def document(self, name: str) -> Any:
        """Give one of its documents as it is when all is well."""
        return self._documents[name]()

    def _status(self) -> Any:
        second = int(self._clock())  # one document a second, as real feeds have one a minute
        rng = random.Random(second)
        held = [(str(n), rng.randint(0, 20)) for n in range(self._size)]
        return status(*(holding(each, n, 20 - n) for each, n in held), last_updated=second, ttl=0)

    def _serve(self, name: str) -> Behaviour:
        def behave(handler: Handler) -> None:
            self.polls += name == "station_status"
            if self.fault is not None and (self.everything or name == "station_status"):
                self.fault(handler)
            else:
                document(self.document(name))(handler)

        return behave


def learnt(store: Store, system_id: str = "town") -> int:
    """Count the polls that were learnt."""
    return len(store.observations.poll_times(system_id))


def is_whole(store: Store, system_id: str = "town") -> bool:
    """Tell whether the recovered state is that of a forecaster that learns each poll of the log once.

    No poll may be in the log twice, and the recovered state has to reach the newest one.
    """
    polls = store.observations.poll_times(system_id)
    found, stations = recover(store, system_id), store.systems.stations(system_id)
    if found is None or found.forecaster.at is None or stations is None or found.forecaster.at < polls[-1]:
        return False
    alone = Forecaster(stations)
    for snapshot in logged_snapshots(store, alone):
        if snapshot.at > found.forecaster.at:  # a worker that still runs has learnt on
            break
        alone.learn(snapshot)
    return polls == sorted(set(polls)) and found.forecaster.to_bytes() == alone.to_bytes()


def working(store: Store, *towns: Town) -> AbstractContextManager[Worker]:
    """Run a worker in a thread until the block ends. It follows these towns alone, without weather."""
    systems = [town.system for town in towns]
    return worker_world.working(store, systems, Fetcher(seconds=2), 60, seed=False, weather="")


def listed(folder: Path, url: str, *towns: Town) -> dict[str, str]:
    """Write a list of towns to follow; give the settings of a process that follows them.

    The list labels the towns as replays, since a live system is polled at most once a minute.
    """
    path = folder / "systems.toml"
    path.write_text(
        "".join(
            f"[[systems]]\nid = {json.dumps(town.name)}\nname = {json.dumps(town.name)}\n"
            f'url = {json.dumps(town.system.url)}\npoll_seconds = {town.poll_seconds}\nlabel = "replayed"\n'
            for town in towns
        )
    )
    return {
        "DOCKCAST_STORE": url, "DOCKCAST_SYSTEMS": str(path), "DOCKCAST_CHECKPOINT_SECONDS": "1",
    }  # fmt: skip


@contextmanager
def process(folder: Path, url: str, *towns: Town, **env: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a worker as a process, and kill it at the end of the block. Its log is `worker.log`."""
    given = listed(folder, url, *towns) | env
    with (folder / "worker.log").open("a") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "ingest", "run"], cwd=ROOT, env=os.environ | given, stderr=log
        )
    try:
        yield worker
    finally:
        worker.kill()
        worker.wait()
