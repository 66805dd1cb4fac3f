"""A worker for live systems that are polled more often than a list may say, and whose clock can be set.

python benchmarks/drills/faults/worker.py '{"store": …, "systems": […], "clock": "file of seconds"}'
"""

from __future__ import annotations

import json
import logging
import signal
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import time_machine
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from ingest.http.client import Fetcher
from ingest.settings import Settings
from ingest.store import Store
from ingest.system import System
from ingest.worker.worker import Worker, give_memory_back


def main() -> None:
    """Follow the systems until told to stop."""
    arguments = json.loads(sys.argv[1])
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    give_memory_back()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    systems = [System(**system) for system in arguments["systems"]]
    settings = Settings(store=arguments["store"], checkpoint_seconds=10, seed=False, weather="")
    with time_machine.travel(datetime.now(UTC), tick=True) as clock, threadpool_limits(1):

        def set_clock() -> None:
            wrong = 0.0
            while True:
                time.sleep(0.1)
                new = float(Path(arguments["clock"]).read_text() or wrong)
                if new != wrong:
                    clock.shift(new - wrong)
                    wrong = new

        if arguments.get("clock"):
            threading.Thread(target=set_clock, daemon=True).start()
        Worker(Store(arguments["store"]), systems, Fetcher(seconds=3), settings).run(stop)


if __name__ == "__main__":
    main()
