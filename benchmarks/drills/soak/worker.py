"""The worker of the soak: the real tickers, store and HTTP, under a clock that jumps to the next poll.

Started and killed by `run.py`; time is in a shared file, so that the next one goes on where this one was.
"""

from __future__ import annotations

import gc
import heapq
import json
import logging
import random
import sys
import time
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from world import CLOCK_STEP, HANGS, START, Plan, SharedTime, faults  # noqa: E402

from ingest.gbfs.feed import Feed  # noqa: E402
from ingest.http.client import Fetcher  # noqa: E402
from ingest.store import Store  # noqa: E402
from ingest.store.holder import new_holder  # noqa: E402
from ingest.worker.tick import Ticker  # noqa: E402
from ingest.worker.worker import give_memory_back  # noqa: E402

CHECKPOINT_SECONDS = 7200
"""Twelve polls of a busy city, as ten minutes are ten polls of a live one."""
SAMPLE_EVERY = timedelta(hours=6)


class OurClock:
    """This machine's clock: the world's time, apart from its planted steps."""

    def __init__(self, world: SharedTime, plan: Plan) -> None:
        self._world = world
        self._steps = [fault for fault in faults(plan) if not fault.system]
        self._reads = 0

    def offset(self, now: datetime) -> timedelta:
        """Give the error of the clock."""
        wrong = (CLOCK_STEP[step.kind] for step in self._steps if step.start <= now < step.end)
        return next(wrong, timedelta(0))

    def __call__(self) -> datetime:
        self._reads += 1  # no two readings are the same
        now = self._world.now()
        return now + self.offset(now) + timedelta(microseconds=self._reads % 1000)


def resident() -> float:
    """Give the megabytes that this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def main() -> None:
    """Tick until the days are over."""
    arguments: dict[str, Any] = json.loads(sys.argv[1])
    folder, plan = Path(arguments["folder"]), Plan(**arguments["plan"])
    logging.basicConfig(level=logging.INFO, filename=folder / "worker.log", format="%(message)s")
    give_memory_back()
    world = SharedTime(folder / "time")
    clock = OurClock(world, plan)
    store = Store(arguments["store"])
    followed = plan.systems(arguments["url"])
    store.systems.follow(followed)
    fetcher, holder = Fetcher(clock, seconds=HANGS), new_holder()
    tickers = [
        Ticker(
            system,
            store,
            holder,
            partial(Feed, system, fetcher, clock),
            clock,
            place=n / plan.count,
            checkpoint_seconds=CHECKPOINT_SECONDS,
            keep=timedelta(days=arguments["keep_days"]),
            jitter=random.Random(n),
        )
        for n, system in enumerate(followed)
    ]
    end = START + timedelta(days=plan.days)
    due = [(world.now() + timedelta(seconds=n), n) for n in range(plan.count)]
    sample_at = world.now()
    with (folder / "memory.jsonl").open("a") as memory:
        while due[0][0] < end:
            at, n = heapq.heappop(due)
            world.seconds = max(world.seconds, at.timestamp())
            before = world.now()
            if before >= sample_at:
                gc.collect()
                sample_at = before + SAMPLE_EVERY
                sample = {
                    "at": before.timestamp(),
                    "holder": holder,
                    "megabytes": resident(),
                    "wall": time.time(),
                }
                memory.write(json.dumps(sample) + "\n")
                memory.flush()
            # A job is booked so many seconds ahead, whatever a step of the clock does to its date.
            wait = tickers[n].tick() - clock()
            heapq.heappush(due, (world.now() + max(wait, timedelta(seconds=1)), n))
    world.seconds = end.timestamp()
    store.leases.drop_all(holder)
    store.close()


if __name__ == "__main__":
    main()
