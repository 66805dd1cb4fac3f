"""The first map on a slow line: bytes over the wire and time, with an empty cache.

python benchmarks/map/first.py            three openings of each page on each line, 8 minutes
python benchmarks/map/first.py --times 1  a look; writes nothing down
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import browse  # noqa: E402
import cdp  # noqa: E402
import report  # noqa: E402
import run  # noqa: E402

LINES: dict[str, dict[str, float]] = {
    "this machine": {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1},
    "slow 3G": {"latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000},
}
"""Milliseconds before an answer begins, bytes a second: slow 3G is 400 kbit/s with 400 ms."""

LARGEST = 6


def watch(browser: cdp.Chromium, server: run.Server, line: dict[str, float]) -> dict[str, Any]:
    """Open a page with an empty cache, as a phone, and wait until all its points are drawn."""
    tab = cdp.Tab(browser, 360, 740)
    tab.call("Network.enable")
    tab.call("Network.emulateNetworkConditions", offline=False, **line)
    tab.call("Page.addScriptToEvaluateOnNewDocument", source=browse.HOOK)
    tab.taken()
    tab.call("Page.navigate", url=f"{server.url}/?{server.query}")
    drawn = f"(window.draws ?? []).filter(([n]) => n >= {run.STATIONS})"
    tab.wait_for(f"{drawn}.length > 0", 300)
    seconds = float(tab.evaluate(f"{drawn}[0][1]")) / 1000
    events = tab.taken()
    names = {
        event["params"]["requestId"]: event["params"]["response"]["url"]
        for event in events
        if event["method"] == "Network.responseReceived"
    }
    sizes = {
        names.get(event["params"]["requestId"], "").removeprefix(server.url).partition("?")[0]: float(
            event["params"]["encodedDataLength"]
        )
        for event in events
        if event["method"] == "Network.loadingFinished"
    }
    traffic = cdp.traffic(events)
    tab.close()
    largest = sorted(sizes.items(), key=lambda one: -one[1])[:LARGEST]
    return {
        "seconds": seconds,
        "bytes": traffic["http"] + traffic["websocket down"],
        "requests": traffic["requests"],
        "largest": [[name.rpartition("/")[2] or "/", size] for name, size in largest],
    }


def measure(times: int) -> dict[str, Any]:
    """Take turns between the pages and the lines; the middle of each."""
    seen: dict[str, list[dict[str, Any]]] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        run.serve_all(Path(folder)) as servers,
        cdp.chromium() as browser,
    ):
        for server in servers[:2]:
            watch(browser, server, LINES["this machine"])  # what the server does but once
        for _ in range(times):
            for line, its in LINES.items():
                for server in servers[:2]:
                    runs = seen.setdefault(f"{server.name}, {line}", [])
                    runs.append(watch(browser, server, its))
                    print(line, server.name, runs[-1], file=sys.stderr)
    return {
        name: {
            **{key: float(np.median([one[key] for one in runs])) for key in ("seconds", "bytes", "requests")},
            "largest": runs[-1]["largest"],
        }
        for name, runs in seen.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=3)
    times = parser.parse_args().times
    results = {"pages": measure(times), "machine": report.machine()}
    print(json.dumps(results, indent=2))
    if times >= 3:
        (HERE / "first.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        report.write()


if __name__ == "__main__":
    main()
