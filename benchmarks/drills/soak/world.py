"""Thirty-five small cities whose feeds break at random, and the time that all of them live by.

Everything is drawn from a seed before the run: what breaks, when, and for how long. Times are event time.
"""

from __future__ import annotations

import json
import mmap
import random
import struct
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT)]

from ingest.system import System  # noqa: E402
from tests.support import misbehaving  # noqa: E402
from tests.support.misbehaving import Behaviour, Handler, Misbehaving  # noqa: E402

START = datetime(2026, 3, 2, tzinfo=UTC)
HANGS = 2.0
"""Seconds of real time that a worker waits for an answer."""


class SharedTime:
    """The event time that worker and feeds share, in a file that outlives them both."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(struct.pack("d", START.timestamp()))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 8)

    @property
    def seconds(self) -> float:
        """Unix seconds."""
        return float(struct.unpack("d", self._map[:8])[0])

    @seconds.setter
    def seconds(self, value: float) -> None:
        self._map[:8] = struct.pack("d", value)

    def now(self) -> datetime:
        """Give the time as aware UTC."""
        return datetime.fromtimestamp(self.seconds, UTC)


@dataclass(frozen=True)
class Fault:
    """What is broken from `start` to `end`; `system` is "" for our own clock or store."""

    kind: str
    start: datetime
    end: datetime
    system: str = ""


@dataclass(frozen=True)
class Plan:
    """So many cities for so many days.

    The first `busy` of them are polled every `poll_minutes`, so that all is learnt and scored; any others
    every `rest_hours`. The store keeps `keep_days`.
    """

    count: int = 35
    days: float = 30.0
    seed: int = 1
    busy: int = 35
    rest_hours: float = 4.0
    keep_days: float = 8.0
    poll_minutes: float = 10.0

    def poll_seconds(self, number: int) -> float:
        """Tell how often a city is polled."""
        return 60.0 * self.poll_minutes if number < self.busy else 3600.0 * self.rest_hours

    def systems(self, url: str) -> list[System]:
        """Name the systems to follow."""
        return [
            System(name, name, name, "FR", f"{url}/{name}/gbfs.json", self.poll_seconds(n))
            for n, name in enumerate(f"city{n:02}" for n in range(self.count))
        ]


def faults(plan: Plan) -> list[Fault]:
    """Draw the faults: busy feeds every other day, others every fourth for longer, our clock every third."""
    rng, found = random.Random(plan.seed), []
    end = START + timedelta(days=plan.days) - timedelta(hours=4)
    for number in range(plan.count):
        every, longest = (48, 360) if number < plan.busy else (96, 2160)
        for kind, start, stop in _drawn(rng, end, every, longest, kinds=tuple(FEED_FAULTS)):
            found.append(Fault(kind, start, stop, f"city{number:02}"))
    for kind, start, stop in _drawn(rng, end, every=72, longest=60, kinds=("clock ahead", "clock back")):
        found.append(Fault(kind, start, stop))
    return found


def _drawn(
    rng: random.Random, end: datetime, every: float, longest: float, kinds: Sequence[str]
) -> Iterator[tuple[str, datetime, datetime]]:
    at = START + timedelta(hours=6 + rng.expovariate(1 / every))
    while True:
        stop = at + timedelta(minutes=10 * (longest / 10) ** rng.random())
        if stop > end:
            return
        yield rng.choice(kinds), at, stop
        at = stop + timedelta(hours=6 + rng.expovariate(1 / every))


CLOCK_STEP = {"clock ahead": timedelta(minutes=20), "clock back": -timedelta(minutes=20)}


# ---------------------------------------------------------------- feeds


class City:
    """A city of a few stations whose riders come and go by the hour."""

    def __init__(self, number: int, url: str, seed: int) -> None:
        self.rng = random.Random(seed * 1000 + number)
        self.url = f"{url}/city{number:02}"
        self.bikes = [6] * self.rng.randint(5, 8)
        self.at = START.timestamp()

    def document(self, name: str, now: float) -> dict[str, Any]:
        """Make a document as of now."""
        if name == "gbfs":
            feeds = [{"name": each, "url": f"{self.url}/{each}.json"}
                     for each in ("station_information", "station_status", "system_information")]  # fmt: skip
            data: dict[str, Any] = {"en": {"feeds": feeds}}
        elif name == "system_information":
            data = {"system_id": "x", "timezone": "Europe/Paris"}
        elif name == "station_information":
            data = {"stations": [
                {"station_id": str(n), "name": f"Station {n}", "lat": 48.8 + n / 100, "lon": 2.3,
                 "capacity": 12}
                for n in range(len(self.bikes))]}  # fmt: skip
        else:
            self._ride(now)
            data = {"stations": [
                {"station_id": str(n), "num_bikes_available": bikes, "num_docks_available": 12 - bikes,
                 "is_installed": True, "is_renting": True, "is_returning": True}
                for n, bikes in enumerate(self.bikes)]}  # fmt: skip
        return {"last_updated": int(now), "ttl": 60, "version": "2.3", "data": data}

    def _ride(self, now: float) -> None:
        hours, self.at = min((now - self.at) / 3600, 3), max(now, self.at)
        busy = 0.2 if int(now / 3600) % 24 < 6 else 1.0
        for n in range(len(self.bikes)):
            for _ in range(int(self.rng.random() * 8 * hours * busy + 0.5)):
                self.bikes[n] = min(max(self.bikes[n] + self.rng.choice((-1, 1)), 0), 12)


def served(world: SharedTime, plan: Plan, broken: Sequence[Fault]) -> Misbehaving:
    """Make a server of all cities, each with its fault of the moment."""
    server = Misbehaving()
    lock = threading.Lock()
    for number in range(plan.count):
        city = City(number, server.url(""), plan.seed)
        own = [fault for fault in broken if fault.system == f"city{number:02}"]
        for name in ("gbfs", "station_information", "station_status", "system_information"):
            server.at(f"/city{number:02}/{name}.json", _behaviour(world, city, name, own, lock))
    return server


def _behaviour(
    world: SharedTime, city: City, name: str, broken: Sequence[Fault], lock: threading.Lock
) -> Behaviour:
    def behave(handler: Handler) -> None:
        handler.server.asked.clear()
        now = world.now()
        fault = next((fault for fault in broken if fault.start <= now < fault.end), None)
        with lock:
            body = city.document(name, now.timestamp())
        behaviour: Behaviour = misbehaving.document(body)
        if fault is not None:
            behaviour = FEED_FAULTS[fault.kind](name, body, fault)
        behaviour(handler)

    return behave


def _status(
    change: Callable[[dict[str, Any], Fault], None],
) -> Callable[[str, dict[str, Any], Fault], Behaviour]:
    """Change the status alone."""

    def made(name: str, body: dict[str, Any], fault: Fault) -> Behaviour:
        if name == "station_status":
            change(body, fault)
        return misbehaving.document(body)

    return made


def _all(behaviour: Callable[[bytes], Behaviour]) -> Callable[[str, dict[str, Any], Fault], Behaviour]:
    """Behave so for every document."""
    return lambda name, body, fault: behaviour(json.dumps(body).encode())


def _freeze(body: dict[str, Any], fault: Fault) -> None:
    body["last_updated"] = int(fault.start.timestamp())
    for station in body["data"]["stations"]:
        station |= {"num_bikes_available": 3, "num_docks_available": 9}


def _go_back(body: dict[str, Any], fault: Fault) -> None:
    body["last_updated"] = int(fault.start.timestamp()) - 40


def _empty(body: dict[str, Any], fault: Fault) -> None:
    body["data"]["stations"] = []


def _unknown(body: dict[str, Any], fault: Fault) -> None:
    for station in body["data"]["stations"]:
        station["num_bikes_available"] = None


FEED_FAULTS: dict[str, Callable[[str, dict[str, Any], Fault], Behaviour]] = {
    "500": _all(lambda body: misbehaving.status(500)),
    "503 with Retry-After": _all(lambda body: misbehaving.status(503, {"Retry-After": "600"})),
    "429": _all(lambda body: misbehaving.status(429, {"Retry-After": "900"})),
    "403": _all(lambda body: misbehaving.status(403)),
    "404": _all(lambda body: misbehaving.status(404)),
    "web page": _all(lambda body: misbehaving.body(b"<html>Be right back</html>")),
    "empty body": _all(lambda body: misbehaving.body(b"")),
    "truncated": _all(lambda body: misbehaving.body(body[: len(body) // 2])),
    "nested": _all(lambda body: misbehaving.body(b"[" * 10_000)),
    "not gzip": _all(lambda body: misbehaving.falsely_gzipped()),
    "gzip bomb": _all(lambda body: misbehaving.gzip_bomb(30_000_000)),
    "breaks off": _all(misbehaving.breaks_off),
    "hangs up": _all(lambda body: misbehaving.hangs_up()),
    "silent": _all(lambda body: misbehaving.silent()),
    "redirects in a circle": lambda name, body, fault: misbehaving.redirect(f"{name}.json"),
    "frozen": _status(_freeze),
    "time goes back": _status(_go_back),
    "no stations": _status(_empty),
    "unknown counts": _status(_unknown),
}
"""What a feed does while it is broken, by name."""
