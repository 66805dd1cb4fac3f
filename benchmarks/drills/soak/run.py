"""Run thirty days with faults at random, and measure what is lost and what grows: see README.md.

python benchmarks/drills/soak/run.py
python benchmarks/drills/soak/run.py --store postgresql --count 30 --busy 30 --out month-postgresql.json
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from world import START, Fault, Plan, SharedTime, faults, served  # noqa: E402

from tests.support.store_world import postgres, postgres_database  # noqa: E402

KILLS, LOCKS = 6, 12
LOCK_SECONDS = (*(1.0,) * (LOCKS - 1), 33.0)
"""A writer waits 30 seconds for the lock: the last one makes a commit fail."""
WARM_DAYS = 3.0
"""Days after the last kill that count as warming up."""


class Diary:
    """Reads the growing store from outside: every poll, its size, and the kept rows."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self.learnt: dict[str, set[int]] = {}
        self.outcomes: Counter[str] = Counter()
        self.sizes: list[dict[str, float]] = []
        self._seen: set[tuple[str, float]] = set()

    def read(self, now: datetime) -> None:
        """Note what is new since the last look."""
        if not sa.inspect(self._engine).has_table("polls"):
            return
        with self._engine.connect() as db:
            self._read(db, now)

    def _read(self, db: sa.Connection, now: datetime) -> None:
        since = now - timedelta(hours=12)
        query = sa.text("SELECT system_id, received_at, at, outcome FROM polls WHERE received_at > :since")
        rows = db.execute(query, {"since": since.timestamp()}).all()
        new = [row for row in rows if row[:2] not in self._seen]
        self._seen = {row[:2] for row in rows}
        for system_id, _, at, outcome in new:
            self.outcomes[outcome] += 1
            if outcome == "learnt":
                self.learnt.setdefault(system_id, set()).add(at)
        day = (now - START).total_seconds() / 86400
        if not self.sizes or day - self.sizes[-1]["day"] >= 0.25:
            oldest = db.exec_driver_sql(
                "SELECT max(s.at - p.at) FROM systems s JOIN (SELECT system_id, min(at) AS at FROM polls "
                "WHERE outcome = 'learnt' GROUP BY system_id) p USING (system_id)"
            ).scalar_one()
            counts = {
                table: db.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one() for table in TABLES
            }
            self.sizes.append(
                {"day": day, "megabytes": size(db) / 1e6, "oldest_days": (oldest or 0) / 86400, **counts}
            )


def size(db: sa.Connection) -> int:
    """Give the bytes of the store, with SQLite's log."""
    if db.dialect.name == "postgresql":
        return int(db.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())
    path = Path(db.engine.url.database or "")
    return sum(each.stat().st_size for each in path.parent.glob(f"{path.name}*") if each.exists())


TABLES = ("observations", "polls", "frames", "issued_forecasts", "scores", "daily_scores", "checkpoints",
          "outages")  # fmt: skip


def lost(diary: Diary, planted: list[Fault], plan: Plan) -> dict[str, Any]:
    """Find polls that were due and not learnt, outside of planted faults and the wait after them."""
    found: list[dict[str, Any]] = []
    due, longest = 0, 0.0
    for number in range(plan.count):
        name, every = f"city{number:02}", plan.poll_seconds(number)
        # A retry comes within a quarter of an hour or one poll, and a fifth more. Then comes one poll.
        after = timedelta(seconds=1.2 * max(every, 900) + every + 1200)
        broken = [(f.start, f.end + after) for f in planted if f.system in (name, "")]
        times = sorted(diary.learnt.get(name, ()))
        edges = [START.timestamp(), *times, (START + timedelta(days=plan.days)).timestamp()]
        for before, at in pairwise(edges):
            start, end = (datetime.fromtimestamp(t, UTC) for t in (before, at))
            if any(start < stop and begin < end for begin, stop in broken):
                continue
            due += 1
            longest = max(longest, (at - before) / every)
            if at - before > 1.5 * every:
                found.append({"system": name, "from": start.isoformat(), "hours": (at - before) / 3600})
    return {"due": due, "lost": found, "oldest_forecast_in_ticks": round(longest, 3)}


def slope(samples: list[dict[str, Any]]) -> dict[str, float]:
    """Fit a line to the memory of the last worker, once warm: megabytes a day, with its 95 % interval."""
    last = [sample for sample in samples if sample["holder"] == samples[-1]["holder"]]
    x = np.array([(sample["at"] - START.timestamp()) / 86400 for sample in last])
    y = np.array([sample["megabytes"] for sample in last])
    warm = x >= x[0] + WARM_DAYS
    x, y = x[warm], y[warm]
    if len(x) < 5:
        return {}
    (rise, _), cov = np.polyfit(x, y, 1, cov=True)
    half = 1.96 * float(np.sqrt(cov[0, 0]))
    return {
        "from_day": round(float(x[0]), 2), "to_day": round(float(x[-1]), 2), "samples": len(x),
        "megabytes_a_day": round(float(rise), 3), "low": round(float(rise) - half, 3),
        "high": round(float(rise) + half, 3), "mean": round(float(y.mean()), 1),
        "most": round(float(y.max()), 1),
        "first_day_mean": round(float(y[x < x[0] + 1].mean()), 1),
        "last_day_mean": round(float(y[x > x[-1] - 1].mean()), 1),
    }  # fmt: skip


def spoil(engine: sa.Engine, name: str) -> str:
    """Turn the newest checkpoint of a system to garbage, while no worker is there."""
    query = sa.text(
        "UPDATE checkpoints SET blob = :blob WHERE system_id = :name AND at = "
        "(SELECT max(at) FROM checkpoints WHERE system_id = :name)"
    )
    with engine.begin() as db:
        db.execute(query, {"blob": bytes(1000), "name": name})
    return name


def lock(engine: sa.Engine, seconds: float) -> None:
    """Keep all writers out, as a backup gone wrong does."""
    held = "BEGIN IMMEDIATE" if engine.dialect.name == "sqlite" else "LOCK TABLE leases IN EXCLUSIVE MODE"
    with engine.connect() as db:
        db.exec_driver_sql(held)
        time.sleep(seconds)
        db.rollback()


def _patient(url: str) -> dict[str, Any]:
    return {"timeout": 60} if url.startswith("sqlite") else {}


def growth(sizes: list[dict[str, float]], keep_days: float) -> float | None:
    """Give the megabytes a day by which the store grows once its retention is full."""
    warm = [(size["day"], size["megabytes"]) for size in sizes if size["day"] > keep_days + 1]
    return round(float(np.polyfit(*zip(*warm, strict=True), 1)[0]), 2) if len(warm) >= 8 else None


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """Give the URL of a new store."""
    with ExitStack() as opened:
        if kind == "sqlite":
            yield f"sqlite:///{folder}/soak.db"
        else:
            yield opened.enter_context(postgres_database(opened.enter_context(postgres()), "soak"))


def run(plan: Plan, folder: Path, url: str) -> dict[str, Any]:
    """Run it all; the worker is killed and the store locked at moments drawn from the seed."""
    rng, days = random.Random(plan.seed), plan.days
    engine, world = sa.create_engine(url, connect_args=_patient(url)), SharedTime(folder / "time")
    planted = faults(plan)
    kills = sorted(rng.uniform(0.5, days / 3) for _ in range(KILLS if days > 2 else 1))
    locks = sorted(rng.uniform(0.5, days - 1) for _ in range(LOCKS if days > 2 else 1))
    diary, spoilt, own = Diary(engine), [], []
    begun = time.time()
    with served(world, plan, planted) as server:
        arguments = {"folder": str(folder), "plan": asdict(plan), "url": server.url(""),
                "store": url, "keep_days": plan.keep_days}  # fmt: skip

        def start() -> subprocess.Popen[bytes]:
            return subprocess.Popen([sys.executable, str(HERE / "worker.py"), json.dumps(arguments)])

        worker = start()
        try:
            while worker.poll() is None:
                time.sleep(0.5)
                now = world.now()
                day = (now - START).total_seconds() / 86400
                if day > 0:
                    diary.read(now)
                if kills and day >= kills[0]:
                    kills.pop(0)
                    worker.kill()
                    worker.wait()
                    if len(kills) % 2:
                        spoilt.append(spoil(engine, f"city{rng.randrange(3):02}"))
                    own.append(Fault("killed", world.now(), world.now()))
                    worker = start()
                elif locks and day >= locks[0]:
                    locks.pop(0)
                    before = world.now()
                    lock(engine, LOCK_SECONDS[-1 - len(locks)] if days > 2 else 1.0)
                    own.append(Fault("store locked", before, world.now()))
        finally:
            worker.kill()
            worker.wait()
        if worker.returncode:
            raise RuntimeError(f"the worker ended with {worker.returncode}: see {folder}/worker.log")
        diary.read(world.now())
    engine.dispose()
    log = (folder / "worker.log").read_text()
    samples = [json.loads(line) for line in (folder / "memory.jsonl").read_text().splitlines()]
    warm = [size for size in diary.sizes if size["day"] > plan.keep_days + 1] or diary.sizes[-1:]
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    kinds = Counter(fault.kind for fault in [*planted, *own])
    broken = sum((f.end - f.start).total_seconds() for f in planted if f.system) / (plan.count * days * 86400)
    return {
        "date": f"{datetime.now(UTC):%-d %B %Y}", "plan": asdict(plan),
        "minutes": round((time.time() - begun) / 60, 1),
        "worker_cpu_minutes": round((used.ru_utime + used.ru_stime) / 60, 1),
        "outcomes": dict(diary.outcomes), "faults": dict(kinds), "share_of_time_broken": round(broken, 4),
        "checkpoints_spoilt": len(spoilt), "bugs": log.count("a bug ended"),
        "checkpoints_refused": log.count("cannot be used"),
        **lost(diary, [*planted, *own], plan),
        "memory": slope(samples),
        "store": {"megabytes": [round(f(size["megabytes"] for size in warm), 1) for f in (min, max)],
                  "oldest_days": round(max(size["oldest_days"] for size in warm), 2),
                  "keep_days": plan.keep_days,
                  "growth_megabytes_a_day": growth(diary.sizes, plan.keep_days)},
        "sizes": [{k: round(v, 2) for k, v in size.items()} for size in diary.sizes],
        "samples": [
            [round((s["at"] - START.timestamp()) / 86400, 2), round(s["megabytes"], 1)] for s in samples],
    }  # fmt: skip


def main() -> None:
    """Run the soak and write results.json."""
    parser = argparse.ArgumentParser()
    for name, value in asdict(Plan()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    parser.add_argument("--store", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--out", default="results.json", help="name of a file beside this one")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, database(chosen.store, Path(folder)) as url:
        plan = Plan(**{name: getattr(chosen, name) for name in asdict(Plan())})
        results = {"kind": chosen.store, **run(plan, Path(folder), url)}
    (HERE / chosen.out).write_text(json.dumps(results, indent=1) + "\n")
    print({key: value for key, value in results.items() if key not in ("sizes", "samples")})


if __name__ == "__main__":
    main()
