"""Leave the kiosk on for half an hour at 600 times the speed, in real Chromium, and measure it.

python benchmarks/kiosk/run.py               half an hour
python benchmarks/kiosk/run.py --minutes 3   a look; writes nothing down

App and worker are the real ones with a made-up city; the browser's own figures come by its protocol.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import psutil

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks" / "map")]

import cdp  # noqa: E402
import report  # noqa: E402
from memory import SETTLED_MINUTES, growth, heap  # noqa: E402

from ingest.store import Store  # noqa: E402
from tests.support.processes import answers, free_port, wait_for  # noqa: E402

SPEED = 600.0
SYSTEMS = """
[[systems]]
id = "harbourton"
name = "Harbourton Bikes"
city = "Harbourton"
country = "IE"
url = "simulated:harbourton"
label = "simulated"
"""
LIMIT_MB = 600

WATCH = """
window.steps = []; window.frames = 0; window.beat = "";
const count = () => { window.frames += 1; requestAnimationFrame(count); };
requestAnimationFrame(count);
new MutationObserver(() => {
  const beat = document.querySelector("[data-beat]")?.dataset.beat;
  if (beat && beat !== window.beat) { window.beat = beat; window.steps.push(performance.now()); }
}).observe(document, {subtree: true, childList: true});
"""
"""Notes when the screen showed another step, and how often the browser drew."""


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Run the app as its user does, with a made-up city at 600 times the speed."""
    (folder / "systems.toml").write_text(SYSTEMS, encoding="utf-8")
    store = f"sqlite:///{folder / 'kiosk.db'}"
    env = {"DOCKCAST_STORE": store, "DOCKCAST_SYSTEMS": str(folder / "systems.toml"), "DOCKCAST_WEATHER": ""}
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    with (folder / "app.log").open("wb") as log:
        app = subprocess.Popen(command, cwd=ROOT, env=os.environ | env, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: answers(url + "/healthz/ready"), 600)
        play(store)
        yield url, psutil.Process(app.pid)
    finally:
        app.terminate()
        app.wait(30)
        print((folder / "app.log").read_text(encoding="utf-8"), file=sys.stderr)


def play(url: str) -> None:
    """Set the speed, as the playback control does."""
    store = Store(url)
    playback = store.playback.get("harbourton")
    assert playback is not None
    store.playback.set("harbourton", playback.faster(SPEED, datetime.now(UTC)))
    store.close()


def server(worker: psutil.Process, app: psutil.Process) -> dict[str, float]:
    """Give the resident memory of both in MB; together, shared memory counts once."""
    both = [process.memory_full_info() for process in (worker, app)]
    return {
        "worker MB": both[0].rss / 1e6,
        "app MB": both[1].rss / 1e6,
        "worker and app, shared once, MB": sum(process.pss for process in both) / 1e6,
    }


def measure(minutes: float) -> dict[str, Any]:
    """Leave the kiosk on, and read all meters once a minute."""
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as (url, app):
        (worker,) = app.children()
        with cdp.chromium() as browser:
            page = cdp.Tab(browser, 1280, 720)
            page.call("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
            page.call("Runtime.enable")
            page.call("Log.enable")
            page.call("Performance.enable")
            page.call("Page.navigate", url=f"{url}/?city=harbourton&kiosk=1")
            page.wait_for("!!document.querySelector('#deckgl-overlay')", 300)
            own = page.process()
            (gpu,) = (psutil.Process(pid) for pid in browser.processes("GPU"))
            readings, errors, steps = watch(browser, page, minutes, lambda: {
                **heap(page, own, gpu), **server(worker, app),
            })  # fmt: skip
    gaps = np.diff(np.array(steps)) / 1000
    return {
        "speed": SPEED,
        "minutes": minutes,
        "errors in the console": errors,
        "steps": len(steps),
        "seconds from step to step: median, 95 %, 99 %, most": np.percentile(
            gaps, [50, 95, 99, 100]
        ).tolist(),
        "growth an hour, standard error": growth(readings),
        "most: worker and app, MB": max(r["worker and app, shared once, MB"] for r in readings),
        "most: worker and page, MB": max(r["worker MB"] + r["page's process MB"] for r in readings),
        "readings": readings,
        "machine": report.machine(),
    }


def watch(
    browser: cdp.Chromium, page: cdp.Tab, minutes: float, meters: Callable[[], dict[str, float]]
) -> tuple[list[dict[str, float]], list[str], list[float]]:
    """Read the meters once a minute; give them, the console's errors, and the times of steps."""
    started = time.monotonic()
    readings: list[dict[str, float]] = []
    errors: list[str] = []
    steps: list[float] = []
    frames, at = 0.0, started
    while (elapsed := time.monotonic() - started) < 60 * minutes:
        browser.listen(1)
        errors += [words for event in page.taken() if (words := wrong(event))]
        if elapsed < 60 * (len(readings) + 1):
            continue
        drawn, shown = page.evaluate("[window.frames, window.steps.splice(0)]")
        now = time.monotonic()
        rate = {
            "browser's frames a second": (drawn - frames) / (now - at),
            "steps a second": len(shown) / (now - at),
        }
        frames, at = drawn, now
        steps += shown
        readings.append({"minute": elapsed / 60, **rate, **meters()})
        print(json.dumps({**readings[-1], "errors": errors}), file=sys.stderr, flush=True)
    return readings, errors, steps


def wrong(event: dict[str, Any]) -> str:
    """Give the text of an event that the console shows in red; "" for all others."""
    params = event["params"]
    if event["method"] == "Runtime.exceptionThrown":
        thrown = params["exceptionDetails"]
        return f"{thrown['text']} {thrown.get('exception', {}).get('description', '')}"
    if event["method"] == "Log.entryAdded" and params["entry"]["level"] == "error":
        return f"{params['entry']['text']} {params['entry'].get('url', '')}"
    if event["method"] == "Runtime.consoleAPICalled" and params["type"] in ("error", "assert"):
        return " ".join(str(one.get("value", one.get("description", ""))) for one in params["args"])
    return ""


def table(results: dict[str, Any]) -> str:
    """Write `results.md`."""
    first, last = (
        min(results["readings"], key=lambda r: abs(r["minute"] - at)) for at in (SETTLED_MINUTES, 1e9)
    )
    lines = [
        f"# {results['minutes']:g} minutes of the kiosk at {results['speed']:g} times the speed",
        "",
        f"{results['machine']}. 180 stations, 1280 × 720, graphics drawn by the processor.",
        "",
        f"- errors in the console: {len(results['errors in the console'])}",
        "- seconds from step to step: median {:.2f}, 95 % {:.2f}, 99 % {:.2f}, most {:.2f}".format(
            *results["seconds from step to step: median, 95 %, 99 %, most"]
        ),
        f"- worker and the browser's page together, at most: {results['most: worker and page, MB']:.0f} MB",
        f"- worker and app together, at most: {results['most: worker and app, MB']:.0f} MB "
        f"(limit {LIMIT_MB})",
        "",
        f"| | after {first['minute']:.0f} min | at the end | growth an hour, ± standard error |",
        "|---|---:|---:|---:|",
    ]
    for name, (rise, error) in results["growth an hour, standard error"].items():
        lines.append(f"| {name} | {first[name]:,.1f} | {last[name]:,.1f} | {rise:+,.1f} ± {error:,.1f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    minutes = parser.parse_args().minutes
    results = measure(minutes)
    print(json.dumps(results | {"readings": []}, indent=2))
    if minutes >= 30:
        (HERE / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        (HERE / "results.md").write_text(table(results), encoding="utf-8")


if __name__ == "__main__":
    main()
