"""Take a picture of every state of the map, trip and accuracy screens, for people to look at.

python benchmarks/screens/take.py FOLDER [STATE…]     all of them take 6 minutes

At 1280 and 360 px, light and dark, of a made-up town, in real Chromium.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT), str(HERE), str(ROOT / "benchmarks" / "map")]

import run  # noqa: E402
import town  # noqa: E402
from playwright.sync_api import Browser, Page  # noqa: E402

from dashboard.words import shell as shell_words  # noqa: E402
from dashboard.words import station as station_words  # noqa: E402
from ingest.store import LeaseClaim  # noqa: E402
from model.frame import Frame  # noqa: E402
from tests.support import dashboard_world  # noqa: E402
from tests.support.browsing import DESK, PHONE, chromium  # noqa: E402

SYSTEM = replace(
    dashboard_world.DUBLIN, system_id="lanthorn", name="Lanthorn Bikes", city="Lanthorn", country="IE",
    poll_seconds=60, label="simulated",
)  # fmt: skip
OTHERS = {
    "waiting": "Fallowmere", "unreachable": "Corriebay", "refused": "Vennby", "silent": "Ostermouth",
    "stale": "Tarnwick", "old": "Halloway", "nodocks": "Pellham", "nostations": "Emberley",
}  # fmt: skip


@dataclass(frozen=True)
class Shot:
    """A state: its app, its address, and the touches before the picture."""

    app: str
    address: str
    touch: Callable[[Page], None] | None = None
    all_of_it: bool = False
    drawn: bool = True


def later(page: Page) -> None:
    """Choose five to nine. On a phone the controls are folded."""
    if (fold := page.locator("details.fold > summary")).is_visible():
        fold.click()
    page.locator("[data-listens]").first.wait_for(state="attached")
    page.get_by_label(shell_words.CLOCK()).fill("08:55")
    page.locator(".moment").wait_for()


def listed(page: Page) -> None:
    """Open the list."""
    page.get_by_role("button", name=station_words.LIST(), exact=True).click()
    page.get_by_test_id("stDataFrame").wait_for()


def found(page: Page) -> None:
    """Search for a station with a typo."""
    page.get_by_role("combobox", name=station_words.SEARCH()).fill("lantrn brige")
    page.get_by_role("option").first.wait_for()


def lost(page: Page) -> None:
    """Use *Near me* in a browser that may not give its place."""
    page.get_by_role("button", name=station_words.NEAR()).click()
    page.get_by_role("status").wait_for()


CITY = "?city=lanthorn"
SHOTS = {
    "first-start": Shot("nothing", "", drawn=False),
    "empty-list": Shot("empty", "", drawn=False),
    "worker-down": Shot("dead", CITY),
    "waiting": Shot("towns", "?city=waiting", drawn=False),
    "unreachable": Shot("towns", "?city=unreachable", drawn=False),
    "refused": Shot("towns", "?city=refused", drawn=False),
    "silent": Shot("towns", "?city=silent&station=t20"),
    "stale": Shot("towns", "?city=stale"),
    "too-old": Shot("towns", "?city=old", drawn=False),
    "no-docks": Shot("towns", "?city=nodocks&what=space"),
    "no-stations": Shot("towns", "?city=nostations"),
    "map": Shot("towns", CITY + "&in=20"),
    "map-space": Shot("towns", CITY + "&what=space&n=2&in=45"),
    "panel": Shot("towns", CITY + "&station=t20&in=20"),
    "panel-whole": Shot("towns", CITY + "&station=t20&in=20", all_of_it=True),
    "closed": Shot("towns", CITY + "&station=t7&in=20"),
    "list": Shot("towns", CITY + "&station=t20&in=20", listed, all_of_it=True),
    "search": Shot("towns", CITY, found),
    "not-located": Shot("towns", CITY, lost),
    "later": Shot("towns", CITY + "&station=t20&what=space", later),
    "trip": Shot("towns", "trip" + CITY + "&from=t20&to=t61&in=20"),
    "trip-whole": Shot("towns", "trip" + CITY + "&from=t20&to=t61&in=20", all_of_it=True),
    "trip-choose": Shot("towns", "trip" + CITY),
    "trip-none": Shot("towns", "trip" + CITY + "&from=t20&to=46.5,6.6"),
    "trip-silent": Shot("towns", "trip?city=silent&from=t20&to=t61"),
    "accuracy": Shot("towns", "accuracy" + CITY + "&past=day", all_of_it=True, drawn=False),
    "accuracy-month": Shot("towns", "accuracy" + CITY + "&past=month", all_of_it=True, drawn=False),
}


@contextmanager
def apps(folder: Path, names: set[str]) -> Iterator[dict[str, run.Server]]:
    """Serve the apps of all states: towns in all conditions, one with a dead worker, and empty stores."""
    dashboard_world.LEASE = timedelta(hours=1)
    (folder / "empty.toml").write_text("systems = []\n", encoding="utf-8")
    plain = {"DOCKCAST_MAP_STYLE": "plain", "DOCKCAST_WEATHER": ""}
    none = {"DOCKCAST_SYSTEMS": str(folder / "missing.toml")}  # a worker that cannot start
    made = {
        "nothing": lambda: plain | none | {"DOCKCAST_STORE": f"sqlite:///{folder / 'nothing.db'}"},
        "empty": lambda: (
            plain
            | {"DOCKCAST_SYSTEMS": str(folder / "empty.toml")}
            | {"DOCKCAST_STORE": f"sqlite:///{folder / 'empty.db'}"}
        ),
        "dead": lambda: plain | none | {"DOCKCAST_STORE": dead(folder / "dead")},
        "towns": lambda: plain | {"DOCKCAST_STORE": towns(folder / "towns")},
    }
    running: dict[str, run.Server] = {}
    with ExitStack() as stack:
        for name in names:
            (folder / name).mkdir(exist_ok=True)
            running[name] = stack.enter_context(run.serve(name, ROOT / "app.py", "", made[name]()))
        yield running


def dead(folder: Path) -> str:
    """Fill a store whose worker stopped three minutes ago."""
    world = dashboard_world.World(folder, (SYSTEM,))
    dashboard_world.LEASE, lease = timedelta(seconds=1), dashboard_world.LEASE
    town.history(world, SYSTEM.system_id, datetime.now(UTC) - timedelta(minutes=3))
    dashboard_world.LEASE = lease
    world.store.close()
    return world.url


def towns(folder: Path) -> str:
    """Fill a store with a town without a fault, and towns with every fault."""
    others = [
        replace(SYSTEM, system_id=system_id, name=f"{city} Cycles", city=city, label="")
        for system_id, city in OTHERS.items()
    ]
    world = dashboard_world.World(folder, (SYSTEM, *others))
    now = datetime.now(UTC).replace(microsecond=0)
    made = town.history(world, SYSTEM.system_id, now, scores=town.judged(now))
    town.history(world, "silent", now - timedelta(minutes=18))
    bikes = made.bikes.astype(np.int64)
    for system_id, minutes in (("stale", 26), ("old", 26 * 60)):
        world.now = now - timedelta(minutes=minutes)
        world.commit(town.town(system_id, world.now, bikes))
    world.now = now
    none = np.full(town.STATIONS, -1, np.int16)
    unknown = replace(made.space, median=made.space.median * 0 - 1, low=made.space.low * 0 - 1,
                      high=made.space.high * 0 - 1, chance=made.space.chance * 0 + 255)  # fmt: skip
    world.commit(replace(town.town("nodocks", now, bikes), docks=none, space=unknown))
    world.commit(emptied(town.town("nostations", now, bikes)))
    world.fail("unreachable", "unreachable", "the name bikes.corriebay.example cannot be found")
    world.fail("refused", "refused", "the system has no stations, only free-floating bikes")
    world.fail("silent", "silent", "the feed has repeated itself for 18 minutes.")
    assert world.store.leases.take(LeaseClaim("waiting", "test", now, dashboard_world.LEASE))
    world.store.close()
    return world.url


def emptied(made: Frame) -> Frame:
    """Take all stations out of a frame."""
    return made.take(np.arange(0))


def take(
    browser: Browser, server: run.Server, shot: Shot, device: dict[str, Any], scheme: str, file: Path
) -> None:
    """Open a state, wait until it stands still, and take its picture."""
    context = browser.new_context(**device, color_scheme=scheme, timezone_id=town.ZONE)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{server.url}/{shot.address}")
    page.get_by_text(shell_words.TITLE).first.wait_for(state="attached", timeout=40_000)
    if shot.app == "towns" and shot.touch is not None:
        page.locator("#deckgl-overlay").wait_for(timeout=40_000)
        shot.touch(page)
    if shot.address.startswith("accuracy"):
        page.get_by_test_id("stVegaLiteChart").nth(4).wait_for(timeout=60_000)
    if shot.drawn:
        page.locator("#deckgl-overlay").wait_for(timeout=60_000)
    page.wait_for_timeout(3000)
    if shot.all_of_it:
        height = page.get_by_test_id("stMain").evaluate("e => e.scrollHeight")
        page.set_viewport_size({"width": device["viewport"]["width"], "height": height + 10})
        page.wait_for_timeout(1200)
    page.screenshot(path=file)
    context.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("states", nargs="*", default=list(SHOTS))
    parser.add_argument("--only", choices=["desk", "phone"])
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    shots = {name: SHOTS[name] for name in chosen.states}
    devices = {"desk": DESK, "phone": {**PHONE, "device_scale_factor": 2}}
    with (
        tempfile.TemporaryDirectory() as folder,
        apps(Path(folder), {shot.app for shot in shots.values()}) as running,
        chromium() as browser,
    ):
        for name, shot in shots.items():
            for device, its in devices.items():
                for scheme in ("light", "dark"):
                    if chosen.only in (None, device):
                        file = chosen.folder / f"{name}-{device}-{scheme}.png"
                        take(browser, running[shot.app], shot, its, scheme, file)
            print(name, file=sys.stderr)


if __name__ == "__main__":
    main()
