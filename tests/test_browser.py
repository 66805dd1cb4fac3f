"""Journeys in real Chromium: what a rider does, on a server as `streamlit run app.py` starts it."""

from __future__ import annotations

import io
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dashboard_world
import numpy as np
import pytest
from dashboard_world import BOULDER, DUBLIN, World, frame
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from dashboard import deck, text
from model.frame import Frame

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parent.parent
FLAGS = ["--no-sandbox", "--enable-unsafe-swiftshader", "--disable-background-networking"]
SETTLE_MS = 2000
"""The map is drawn some time after its canvas appears."""

DESK = {"viewport": {"width": 1280, "height": 800}}
PHONE = {
    "viewport": {"width": 360, "height": 740},
    "is_mobile": True,
    "has_touch": True,
    "user_agent": "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36",
}
TILES = re.compile(r"^(?!(https?|wss?)://127\.0\.0\.1[:/]|data:|blob:)")


@dataclass
class Site:
    """A running app, the world it shows, and the frames on screen."""

    url: str
    world: World
    dublin: Frame
    boulder: Frame


def free_port() -> int:
    with closing(socket.socket()) as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


def wait_for(what: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Serve two cities. The leases are held here, so the app starts no worker of its own."""
    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dashboard_world, "LEASE", timedelta(hours=1))
        world = World(folder, (replace(DUBLIN, poll_seconds=2), replace(BOULDER, poll_seconds=2)))
        world.now = datetime.now(UTC).replace(microsecond=0)
        dublin = frame("dublin", 60, at=world.now)
        boulder = frame("boulder", 20, at=world.now, centre=(40.015, -105.27), timezone="America/Denver")
        world.commit(dublin)
        world.commit(boulder)
        port = free_port()
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
        with (folder / "app.log").open("wb") as log:
            app = subprocess.Popen(
                command, cwd=ROOT, env=os.environ | {"DOCKCAST_STORE": world.url}, stdout=log, stderr=log
            )
        try:
            url = f"http://127.0.0.1:{port}/"
            wait_for(lambda: answers(url + "_stcore/health"))
            yield Site(url, world, dublin, boulder)
        finally:
            app.terminate()
            app.wait(20)
            world.store.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        installed = shutil.which("chromium") or shutil.which("chromium-browser")
        chromium = playwright.chromium.launch(executable_path=installed, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Browser, site: Site) -> Iterator[Callable[..., Page]]:
    """Open an address; at the end nothing may have gone to a stranger, and nothing may have failed."""
    contexts = []
    strangers: list[str] = []
    errors: list[str] = []

    def opened(query: str = "", device: dict[str, Any] = DESK, scheme: str = "light") -> Page:
        context = browser.new_context(**device, color_scheme=scheme)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: TILES.match(request.url) and strangers.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: said.type == "error" and errors.append(said.text))
        page.goto(site.url + query)
        page.locator("canvas").wait_for()
        page.wait_for_timeout(SETTLE_MS)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not strangers
    assert not errors


def pixel(page: Page, made: Frame, station: int, shift: tuple[float, float] = (0, 0)) -> tuple[int, int]:
    """Find where on the page a station's mark is, in a map that was dragged by `shift` since it opened."""
    box = page.locator("canvas").bounding_box()
    assert box is not None
    phone = page.viewport_size is not None and page.viewport_size["width"] < 640
    stations = made.stations
    view = deck.viewport(stations.lat, stations.lon, *((340, 400) if phone else (1000, 460)))
    scale = 512 * 2**view.zoom / 360

    def north(lat: float) -> float:
        return float(np.degrees(np.arctanh(np.sin(np.radians(lat)))))

    x = (stations.lon[station] - view.longitude) * scale
    y = (north(view.latitude) - north(stations.lat[station])) * scale
    return (
        round(box["x"] + box["width"] / 2 + x + shift[0]),
        round(box["y"] + box["height"] / 2 + y + shift[1]),
    )


def picture(page: Page) -> Image.Image:
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def step_at(image: Image.Image, where: tuple[int, int]) -> int | None:
    """Tell which step's colour is at a pixel; None for another colour."""
    seen = np.array(image.getpixel(where), dtype=float)
    steps = np.array([[*bytes.fromhex(colour[1:])] for colour in deck.STEPS], dtype=float)
    distance = np.abs(steps - seen).max(axis=1)
    return int(distance.argmin()) if distance.min() < 25 else None


def expected_step(made: Frame, station: int, horizon: int, at_least: int = 1) -> int:
    return text.step(int(made.bike.chance[at_least - 1, horizon, station]))


def colours(page: Page, made: Frame, shift: tuple[float, float] = (0, 0)) -> list[int | None]:
    """Read the step of every open and known station off the screen."""
    image = picture(page)
    return [step_at(image, pixel(page, made, station, shift)) for station in range(3, len(made.stations))]


def said_by(made: Frame, horizon: int) -> list[int | None]:
    return [expected_step(made, station, horizon) for station in range(3, len(made.stations))]


def set_slider(page: Page, minutes: int) -> None:
    thumb = page.get_by_role("slider")
    thumb.focus()
    way = minutes - int(thumb.input_value())
    for _ in range(abs(way) // 5):
        page.keyboard.press("ArrowRight" if way > 0 else "ArrowLeft")
    expect(page).to_have_url(re.compile(rf"[?&]in={minutes}(&|$)"))
    page.wait_for_timeout(SETTLE_MS)


def test_the_colours_on_screen_are_those_of_the_frame(visit: Callable[..., Page], site: Site) -> None:
    page = visit("?city=dublin")
    assert colours(page, site.dublin) == said_by(site.dublin, 0)
    assert len(set(said_by(site.dublin, 0))) > 1


def test_choose_a_city(visit: Callable[..., Page], site: Site) -> None:
    page = visit()
    page.get_by_role("combobox").click()
    page.get_by_role("option", name=re.compile("Boulder")).click()
    expect(page).to_have_url(re.compile("city=boulder"))
    expect(page.get_by_text(re.compile(r"counts from .* replayed"))).to_be_visible()
    page.wait_for_timeout(SETTLE_MS)
    assert colours(page, site.boulder) == said_by(site.boulder, 0)
    page.go_back()
    expect(page.get_by_text("Dublin · dublinbikes · live")).to_be_visible()


def test_moving_the_slider_recolours_and_the_map_stays(visit: Callable[..., Page], site: Site) -> None:
    page = visit("?city=dublin")
    before = colours(page, site.dublin)
    box = page.locator("canvas").bounding_box()
    assert box is not None
    # Drag the map away from where it opened: it has to stay there over moves and refreshes.
    corner = (box["x"] + 60, box["y"] + 60)
    page.mouse.move(*corner)
    page.mouse.down()
    page.mouse.move(corner[0] + 45, corner[1] + 25, steps=5)
    page.wait_for_timeout(400)  # or deck.gl lets the map glide on
    page.mouse.up()
    page.mouse.move(5, 5)
    page.wait_for_timeout(500)
    # The first pixels of a drag only start it.
    shifts = [(x, y) for x in range(30, 47) for y in range(15, 27)]
    image = picture(page)
    shift = next(
        shift
        for shift in sorted(shifts, key=sum, reverse=True)
        if [step_at(image, pixel(page, site.dublin, s, shift)) for s in range(3, 60)] == before
    )

    set_slider(page, 90)
    after = colours(page, site.dublin, shift)
    assert after == said_by(site.dublin, 18)
    assert after != before
    expect(page.get_by_text(re.compile(r"Arriving at \d\d:\d\d · in 1 h 30 min"))).to_be_visible()

    page.wait_for_timeout(5000)
    assert colours(page, site.dublin, shift) == after


def test_select_a_station_and_see_it_follow_the_feed(visit: Callable[..., Page], site: Site) -> None:
    page = visit("?city=boulder")
    page.mouse.click(*pixel(page, site.boulder, 7))
    expect(page).to_have_url(re.compile("station=s7"))
    panel = page.locator(".st-key-station")
    expect(panel).to_contain_text("Station 7")
    expect(panel).to_contain_text(f"{site.boulder.bikes[7]} bikes")
    page.mouse.move(5, 5)
    page.wait_for_timeout(SETTLE_MS)
    assert colours(page, site.boulder) == said_by(site.boulder, 0), "the others keep their colours"

    bikes = site.boulder.bikes.copy()
    bikes[7] = 27
    site.world.now = max(datetime.now(UTC), site.world.now + timedelta(seconds=1)).replace(microsecond=0)
    site.world.commit(replace(site.boulder, at=site.world.now, bikes=bikes))
    expect(panel).to_contain_text("27 bikes", timeout=10_000)
    expect(page).to_have_url(re.compile("station=s7"))

    page.mouse.click(*pixel(page, site.boulder, 9))
    expect(panel).to_contain_text("Station 9")
    page.get_by_role("button", name="Close").click()
    expect(panel).to_have_count(0)


def test_the_same_address_is_the_same_screen(visit: Callable[..., Page], site: Site) -> None:
    page = visit("?city=dublin")
    page.get_by_text("a space", exact=True).click()
    page.get_by_role("radio", name="2").or_(page.get_by_text("2", exact=True)).first.click()
    set_slider(page, 30)
    page.mouse.click(*pixel(page, site.dublin, 20))
    expect(page.locator(".st-key-station")).to_contain_text("Station 20")
    page.mouse.move(5, 5)
    page.wait_for_timeout(SETTLE_MS)
    address, before = page.url, colours(page, site.dublin)
    assert {"city=dublin", "station=s20", "what=space", "n=2", "in=30"} <= set(
        address.split("?")[1].split("&")
    )

    page.reload()
    page.locator("canvas").wait_for()
    page.wait_for_timeout(SETTLE_MS)
    assert page.url == address
    assert colours(page, site.dublin) == before
    expect(page.locator(".st-key-station")).to_contain_text("Station 20")
    expect(page.locator(".st-key-station")).to_contain_text("Chance of 2 spaces")
    expect(page.get_by_role("slider")).to_have_value("30")


def test_a_tooltip_quotes_an_unpleasant_name_as_it_is(visit: Callable[..., Page], site: Site) -> None:
    page = visit("?city=dublin")
    page.mouse.move(*pixel(page, site.dublin, 0))
    tooltip = page.locator(".deck-tooltip")
    expect(tooltip).to_contain_text("![x](http://evil.example/x.png) <b>Quay</b>")
    expect(tooltip).to_contain_text(f"now: {site.dublin.bikes[0]} bikes")
    assert tooltip.locator("b").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", [DESK, PHONE], ids=["desk", "phone"])
def test_every_screen_fits(
    visit: Callable[..., Page], site: Site, device: dict[str, Any], scheme: str
) -> None:
    page = visit("?city=dublin&station=s5&in=20", device, scheme)
    width = device["viewport"]["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    panel = page.locator(".st-key-station").bounding_box()
    canvas = page.locator("canvas").bounding_box()
    assert panel is not None
    assert canvas is not None
    assert 0 <= canvas["x"] < canvas["x"] + canvas["width"] <= width
    assert 0 <= panel["y"] - canvas["y"] - canvas["height"] < 30, "the panel is right below the map"
    for words in text.STEPS:
        expect(page.locator(".legend")).to_contain_text(words)


def test_a_failure_is_told_without_a_traceback_and_heals_by_itself(
    visit: Callable[..., Page], site: Site
) -> None:
    page = visit("?city=dublin")
    path = site.world.url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as db:
        db.execute("alter table systems rename to gone")
        db.commit()
        try:
            expect(page.get_by_text(text.BROKEN).first).to_be_visible(timeout=15_000)
            body = page.locator("body").inner_text()
        finally:
            db.execute("alter table gone rename to systems")
            db.commit()
    assert "Traceback" not in body
    assert "sqlalchemy" not in body.lower()
    assert "no such table" not in body
    expect(page.get_by_text(text.BROKEN)).to_have_count(0, timeout=30_000)
    expect(page.locator("canvas")).to_be_visible()
