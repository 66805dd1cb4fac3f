"""Measures half an hour of refreshes: whether the page grows, and what an idle page fetches.

python benchmarks/map/memory.py               half an hour of the map
python benchmarks/map/memory.py --station     half an hour of the map with a station and its chart open
python benchmarks/map/memory.py --minutes 3   a look; writes nothing down
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psutil

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT), str(HERE)]

import cdp  # noqa: E402
import report  # noqa: E402
import run  # noqa: E402

from model.frame import Frame  # noqa: E402
from tests.support import dashboard_world  # noqa: E402

OFTEN, LIVE = 2.0, 60.0
"""Seconds between the answers of the feed of one city, and of the other."""

STATIONS = 300
"""Stations of the city with news every other second; the other city is as large as in `run.py`."""

SETTLED_MINUTES = 5.0


@dataclass
class Feed:
    """A city whose counts change with every answer."""

    world: dashboard_world.World
    frame: Frame
    every: float
    due: float = 0.0

    def renew(self) -> None:
        """Answer, if it is time, every count a step up or down, so that all of the page is drawn anew."""
        if time.monotonic() < self.due:
            return
        self.due = time.monotonic() + self.every
        self.world.now = datetime.now(UTC)
        rng = np.random.default_rng(int(self.world.now.timestamp()))
        step = rng.integers(-1, 2, len(self.frame.bikes)).astype(np.int16)
        bikes = np.clip(self.frame.bikes + step, 0, 15)
        self.frame = replace(
            self.frame,
            at=self.world.now,
            bikes=bikes,
            docks=15 - bikes,
            bike=dashboard_world.outlook(bikes, 1),
            space=dashboard_world.outlook(15 - bikes, 2),
        )
        self.world.commit(self.frame)


def heap(tab: cdp.Tab, process: psutil.Process, gpu: psutil.Process) -> dict[str, float]:
    """Measure a page after a garbage collection: MB, and counts of nodes and listeners."""
    for _ in range(2):
        tab.call("HeapProfiler.collectGarbage")
    metrics = {metric["name"]: metric["value"] for metric in tab.call("Performance.getMetrics")["metrics"]}
    return {
        "heap MB": metrics["JSHeapUsedSize"] / 1e6,
        "nodes": metrics["Nodes"],
        "listeners": metrics["JSEventListeners"],
        "page's process MB": process.memory_full_info().uss / 1e6,
        "graphics process MB": gpu.memory_full_info().uss / 1e6,
    }


def slope(hours: Sequence[float], values: Sequence[float]) -> tuple[float, float]:
    """Fit a line; give its rise in an hour, and the standard error.

    Successive readings are alike, so a plain standard error would be too small. It is widened by the
    correlation of successive residuals.
    """
    x, y = np.asarray(hours), np.asarray(values)
    centred = x - x.mean()
    rise = float(centred @ y / (centred @ centred))
    rest = y - y.mean() - rise * centred
    error = float(np.sqrt(rest @ rest / (len(x) - 2) / (centred @ centred)))
    alike = float(np.clip(rest[1:] @ rest[:-1] / max(rest @ rest, 1e-12), 0, 0.9))
    return rise, error * float(np.sqrt((1 + alike) / (1 - alike)))


def growth(readings: list[dict[str, float]]) -> dict[str, tuple[float, float]]:
    """Fit the rise of each figure in an hour once the page has settled."""
    settled = [reading for reading in readings if reading["minute"] >= SETTLED_MINUTES]
    hours = [reading["minute"] / 60 for reading in settled]
    return {
        name: slope(hours, [reading[name] for reading in settled])
        for name in readings[0]
        if name != "minute" and len(settled) > 2
    }


def measure(minutes: float, station: bool) -> dict[str, Any]:
    """Open a page on each city and look at them every minute."""
    dashboard_world.LEASE = timedelta(hours=2)
    fast = replace(dashboard_world.DUBLIN, system_id="fast", poll_seconds=int(OFTEN))
    live = replace(dashboard_world.DUBLIN, system_id="live", poll_seconds=int(LIVE))
    with tempfile.TemporaryDirectory() as folder:
        world = dashboard_world.World(Path(folder), (fast, live))
        now = datetime.now(UTC)
        small = dashboard_world.frame("fast", STATIONS, at=now)
        large = run.city(now)
        large = replace(large, stations=replace(large.stations, system_id="live"))
        feeds = [Feed(world, small, OFTEN), Feed(world, large, LIVE)]
        for feed in feeds:
            feed.renew()
        env = {"DOCKCAST_STORE": world.url, "DOCKCAST_MAP_STYLE": "plain"}
        with run.serve("ours", ROOT / "app.py", "", env) as server, cdp.chromium() as browser:
            results = watch(browser, server.url, feeds, minutes, "&station=s20" if station else "")
        world.store.close()
    return results


def watch(browser: cdp.Chromium, url: str, feeds: list[Feed], minutes: float, more: str) -> dict[str, Any]:
    """Open both pages, keep the feeds going, and read the meters once a minute."""
    ready = "!!document.querySelector('#deckgl-overlay')"
    page, idle = cdp.Tab(browser), cdp.Tab(browser)
    page.call("Page.navigate", url=f"{url}/?city=fast&in=30{more}")
    page.wait_for(ready)
    process = page.process()
    idle.call("Network.enable", maxTotalBufferSize=1, maxResourceBufferSize=1)
    idle.call("Page.navigate", url=f"{url}/?city=live")
    idle.wait_for(ready)
    (gpu,) = (psutil.Process(pid) for pid in browser.processes("GPU"))
    page.call("Performance.enable")
    started = time.monotonic()
    readings: list[dict[str, float]] = []
    idle_minutes: list[dict[str, float]] = []
    while (elapsed := time.monotonic() - started) < 60 * minutes:
        for feed in feeds:
            feed.renew()
        browser.listen(0.5)
        if elapsed >= 60 * (len(readings) + 1):
            readings.append({"minute": elapsed / 60, **heap(page, process, gpu)})
            idle_minutes.append(cdp.traffic(idle.taken()))
            print(json.dumps({**readings[-1], **idle_minutes[-1]}), file=sys.stderr, flush=True)
    # The first minute has the opening in it.
    quiet = {name: float(np.mean([minute[name] for minute in idle_minutes[1:]])) for name in idle_minutes[0]}
    return {
        "readings": readings,
        "growth an hour, standard error": growth(readings),
        "an idle minute, bytes": quiet,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--station", action="store_true")
    given = parser.parse_args()
    minutes, station = given.minutes, given.station
    results = {
        "minutes": minutes,
        "an answer every, seconds": OFTEN,
        "settled after, minutes": SETTLED_MINUTES,
        "stations": run.STATIONS,
        "a station open": station,
        **measure(minutes, station),
        "machine": report.machine(),
    }
    print(json.dumps(results | {"readings": []}, indent=2))
    if minutes >= 30:
        name = "memory-station.json" if station else "memory.json"
        (HERE / name).write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        report.write()


if __name__ == "__main__":
    main()
