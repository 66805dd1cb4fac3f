"""A running app with a made-up world, and functions that read its screen from the pixels."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Error,
    FloatRect,
    Locator,
    Page,
    WebSocket,
    expect,
    sync_playwright,
)

from dashboard import palette
from dashboard.maps import deck
from dashboard.words import rules
from model.frame import Frame
from model.moments import frame_at
from tests.support import dashboard_world
from tests.support.dashboard_world import BOULDER, DUBLIN, World, frame
from tests.support.processes import PATIENCE, answers, free_port, wait_for

ROOT = Path(__file__).resolve().parents[2]
FLAGS = ["--no-sandbox", "--enable-unsafe-swiftshader", "--disable-background-networking"]
DESK = {"viewport": {"width": 1280, "height": 800}}
PHONE = {
    "viewport": {"width": 360, "height": 740},
    "is_mobile": True,
    "has_touch": True,
    "user_agent": "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36",
}
EVERYBODY = pytest.mark.parametrize(
    ("device", "scheme"),
    [(DESK, "dark"), (PHONE, "light")],
    ids=["desk, dark", "phone, light"],
)
"""The devices of a journey: 1280 and 360 px, dark and light. `benchmarks/screens` shows all four."""

STRANGERS = re.compile(r"^(?!(?:https?|wss?)://127\.0\.0\.1[:/]|data:|blob:).+")

_WITH_LOCALES = """
import sys
from pathlib import Path
from dashboard.words import catalogue
catalogue.FOLDER = Path(sys.argv.pop(1))
from streamlit.web.cli import main
main(prog_name="streamlit")
"""

Visit = Callable[..., Page]
Shift = tuple[float, float]


@dataclass
class Site:
    """A running app, the world it shows, and the frames on screen."""

    port: int
    world: World
    dublin: Frame
    boulder: Frame
    version: int = 0
    map_style: str = "plain"
    locales: Path | None = None
    _app: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def process(self) -> int | None:
        """The number of the app's process; None while it does not run."""
        return None if self._app is None else self._app.pid

    def start(self) -> None:
        """Start the app as its unit does, and wait until it answers."""
        env = {"DOCKCAST_STORE": self.world.url, "DOCKCAST_MAP_STYLE": self.map_style}
        run = ("-m", "streamlit") if self.locales is None else ("-c", _WITH_LOCALES, str(self.locales))
        self._app = subprocess.Popen(
            [
                *(sys.executable, *run, "run", "app.py"),
                *("--server.address", "127.0.0.1", "--server.port", str(self.port)),
            ],
            cwd=ROOT, env=os.environ | env,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait_for(lambda: answers(self.url + "_stcore/health"))

    def go_on(self) -> None:
        """Set the world's clock to now, in whole seconds, or a second on: no two polls are of one time."""
        self.world.now = max(datetime.now(UTC), self.world.now + timedelta(seconds=1)).replace(microsecond=0)

    def renew(self) -> None:
        """Let both feeds answer again with the same counts: old counts would need other horizons."""
        self.go_on()
        self.world.commit(replace(self.boulder, at=self.world.now))
        self.version = self.world.commit(replace(self.dublin, at=self.world.now))

    def stop(self) -> None:
        """End the app."""
        assert self._app is not None
        self._app.terminate()
        try:
            self._app.wait(20)
        except subprocess.TimeoutExpired:
            self._app.kill()
            self._app.wait()


@contextmanager
def serve(folder: Path, map_style: str = "plain", locales: Path | None = None) -> Iterator[Site]:
    """Serve two cities. The test holds their leases, so the app starts no worker.

    The languages are those of the folder `locales`, or else those that the app comes with.
    """
    dashboard_world.LEASE, lease = timedelta(hours=1), dashboard_world.LEASE
    world = World(folder, (replace(DUBLIN, poll_seconds=2), replace(BOULDER, poll_seconds=2)))
    world.now = datetime.now(UTC).replace(microsecond=0)
    dublin = frame("dublin", 60, at=world.now)
    boulder = frame("boulder", 20, at=world.now, centre=(40.015, -105.27), timezone="America/Denver")
    site = Site(free_port(), world, dublin, boulder, map_style=map_style, locales=locales)
    site.renew()
    try:
        site.start()
        yield site
    finally:
        site.stop()
        world.store.close()
        dashboard_world.LEASE = lease


def map_box(page: Page) -> FloatRect:
    """Find the map's box on the page; wait while another city's map takes its place."""
    return box_of(page.locator("#deckgl-overlay"))


def box_of(shown: Locator) -> FloatRect:
    """Find an element's box on the page; wait while the page renews the element."""
    boxes: list[FloatRect] = []

    def there() -> bool:
        box = shown.bounding_box() if shown.count() == 1 else None
        boxes.extend([box] if box is not None else [])
        return bool(boxes)

    wait_for(there)
    return boxes[0]


def pixels(page: Page, made: Frame, shift: Shift = (0, 0)) -> NDArray[np.int64]:
    """Find where on the page each station's mark is, in a map that was dragged by `shift`: (S, 2)."""
    box = map_box(page)
    phone = page.viewport_size is not None and page.viewport_size["width"] < 640
    lat, lon = made.stations.lat, made.stations.lon
    view = deck.viewport(lat, lon, *(deck.PHONE if phone else deck.DESK))
    scale = 512 * 2**view.zoom / 360
    north, middle = (np.degrees(np.arctanh(np.sin(np.radians(where)))) for where in (lat, view.latitude))
    x = box["x"] + box["width"] / 2 + (lon - view.longitude) * scale + shift[0]
    y = box["y"] + box["height"] / 2 + (middle - north) * scale + shift[1]
    return np.rint(np.stack([x, y], axis=1)).astype(np.int64)


def pixel(page: Page, made: Frame, station: int) -> tuple[int, int]:
    """Find where on the page one station's mark is."""
    x, y = pixels(page, made)[station]
    return int(x), int(y)


def picture(page: Page) -> NDArray[np.uint8]:
    """Take a picture of the screen: (height, width, 3)."""
    taken: list[bytes] = []

    def take() -> bool:
        try:
            taken.append(page.screenshot())
        except Error as error:  # now and then Chromium has no frame to give on a busy machine
            if "Unable to capture screenshot" not in error.message:
                raise
        return bool(taken)

    wait_for(take)
    return np.asarray(Image.open(io.BytesIO(taken[0])).convert("RGB"))


def steps_at(image: NDArray[np.uint8], where: NDArray[np.int64]) -> list[int]:
    """Find the step whose colour dominates around each place, beside a number on it; -1 for none."""
    height, width = image.shape[:2]
    across, up = np.meshgrid(np.arange(-5, 6), np.arange(-5, 6))
    near = np.hypot(across, up) <= 5
    y = (where[:, 1, None] + up[near]).clip(0, height - 1)
    x = (where[:, 0, None] + across[near]).clip(0, width - 1)
    steps = np.array([[*bytes.fromhex(colour[1:])] for colour in palette.STEPS])
    distance = np.abs(image[y, x].astype(int)[:, :, None] - steps).max(axis=3)
    seen = (distance < 25).sum(axis=1)
    return [int(step) for step in np.where(seen.max(axis=1) >= 6, seen.argmax(axis=1), -1)]


def marks(page: Page, made: Frame) -> NDArray[np.int64]:
    """Cut out the picture of every mark with its number: (S, 15, 15, 3)."""
    image = picture(page).astype(np.int64)
    return np.stack([image[y - 7 : y + 8, x - 7 : x + 8] for x, y in pixels(page, made)])


def steps_of(made: Frame, minutes: int, what: rules.What = "bike", number: int = 1) -> list[int]:
    """Read the steps from the frame that the screen has to show, of open and known stations."""
    then = frame_at(made, [minutes])
    outlook = then.bike if what == "bike" else then.space
    return [rules.step(int(chance)) for chance in outlook.chance[number - 1, 0, 3:]]


def expect_colours(page: Page, made: Frame, steps: list[int], shift: Shift = (0, 0)) -> None:
    """Wait until the screen shows these steps."""
    end = time.monotonic() + PATIENCE
    while (seen := steps_at(picture(page), pixels(page, made, shift)[3:])) != steps:
        assert time.monotonic() < end, f"on screen {seen}, wanted {steps}"
        page.wait_for_timeout(100)


def drag(page: Page, made: Frame, by: tuple[int, int], steps: list[int]) -> Shift:
    """Drag the map and give the distance that it moved: the first pixels of a drag only start it.

    Marks are large, so that several distances fit what is seen; it is the middle one.
    """
    box = map_box(page)
    x, y = box["x"] + 60, box["y"] + 60
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + by[0], y + by[1], steps=5)
    page.wait_for_timeout(400)  # or deck.gl lets the map glide on
    page.mouse.up()
    page.mouse.move(5, 5)
    shifts = [(dx, dy) for dx in range(by[0] // 2, by[0] + 5) for dy in range(by[1] // 2, by[1] + 5)]
    end = time.monotonic() + PATIENCE
    while True:
        image = picture(page)
        fitting = [shift for shift in shifts if steps_at(image, pixels(page, made, shift)[3:]) == steps]
        if fitting:
            across, down = np.median(fitting, axis=0)
            return float(across), float(down)
        assert time.monotonic() < end, "the map did not move"


def set_slider(page: Page, minutes: int) -> None:
    """Move the slider by keys, as people do who cannot see it or hold a mouse."""
    thumb = page.get_by_role("slider")
    thumb.focus()
    way = minutes - int(thumb.input_value())
    for _ in range(abs(way) // 5):
        page.keyboard.press("ArrowRight" if way > 0 else "ArrowLeft")
    expect(page).to_have_url(re.compile(rf"[?&]in={minutes}(&|$)"))


def unfold(page: Page) -> None:
    """Open the controls where a small screen folds them."""
    fold = page.locator(".fold")
    fold.wait_for(state="attached")
    if fold.is_visible() and fold.get_attribute("open") is None:
        fold.locator("summary").click()


def wait_for_refresh(page: Page, site: Site) -> None:
    """Give Dublin's page a new frame, and wait until it has fetched its rows."""
    rows = re.compile(rf"/api/frames/dublin/{site.version + 1}/")
    with page.expect_response(rows, timeout=PATIENCE * 1000):
        site.renew()


def fall_silent_and_come_back(page: Page, site: Site) -> None:
    """Let Dublin's feed fall silent until the page says so, and answer again until it no longer does."""
    site.go_on()
    site.world.fail("dublin", "silent", "the feed repeats itself")
    notice = page.get_by_text("has fallen silent: the feed repeats itself.")
    expect(notice).to_be_visible()
    wait_for_refresh(page, site)
    expect(notice).to_have_count(0)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the machine's Chromium, or Playwright's own where there is none.

    The one without a window opens a page for a third less work: no window, no tab, no address bar is drawn.
    """
    expect.set_options(timeout=PATIENCE * 1000)
    with sync_playwright() as playwright:
        names = ("chromium-headless-shell", "chromium", "chromium-browser")
        installed = next(filter(None, map(shutil.which, names)), None)
        started = playwright.chromium.launch(executable_path=installed, args=FLAGS)
        yield started
        started.close()


@contextmanager
def visiting(browser: Browser, site: Site, harmless: re.Pattern[str] | None) -> Iterator[Visit]:
    """Open addresses. At the end no request may have gone to a stranger, and none may have failed.

    `harmless` are the addresses whose errors do not count.
    """
    site.renew()
    contexts = []
    strangers: list[str] = []
    errors: list[str] = []

    def on_message(message: ConsoleMessage) -> None:
        if message.type == "error" and not (harmless and harmless.search(message.location["url"])):
            errors.append(message.text)

    def opened(
        query: str = "",
        device: dict[str, Any] = DESK,
        scheme: str = "light",
        listen: Callable[[WebSocket], None] | None = None,
    ) -> Page:
        context = browser.new_context(**device, color_scheme=scheme)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: strangers.extend(STRANGERS.findall(request.url)))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", on_message)
        if listen is not None:
            page.on("websocket", listen)
        page.goto(site.url + query)
        page.locator("#deckgl-overlay").wait_for(timeout=PATIENCE * 1000)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not strangers
    assert not errors


def fits(page: Page) -> bool:
    """Tell whether nothing sticks out at the side."""
    return bool(page.get_by_test_id("stMain").evaluate("e => e.scrollWidth <= e.clientWidth"))


def small_targets(page: Page) -> list[str]:
    """List the controls that are too small for a thumb, which needs 44 px."""
    found: list[str] = page.evaluate(
        """[...document.querySelectorAll("button, input, select, a, [role=combobox]")].flatMap(e => {
            const target = e.closest("label, [role=group], [data-orientation]") ?? e;
            const box = target.getBoundingClientRect();
            const seen = box.width > 1 && e.checkVisibility({visibilityProperty: true});
            return seen && Math.min(box.width, box.height) < 43.9 ? [e.outerHTML.slice(0, 150)] : [];
        })"""
    )
    return found


def barred(page: Page) -> list[tuple[str, str]]:
    """List the barriers that axe-core finds: names, roles, contrast (AA), order."""
    found = Axe().run(page).response
    assert "color-contrast" in {check["id"] for check in found["passes"]}
    return [
        (check["id"], node["html"]) for check in found["violations"] for node in check["nodes"]
        if check["impact"] in ("serious", "critical")
    ]  # fmt: skip
