"""The kiosk in real Chromium: it sweeps, turns its pages, and comes back to life by itself."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from dashboard.screens import kiosk
from dashboard.words import accuracy as accuracy_words
from dashboard.words import kiosk as kiosk_words
from tests.support.browsing import Site, Visit, fits, picture
from tests.support.processes import wait_for

pytestmark = pytest.mark.browser

SCREEN = {"viewport": {"width": 1280, "height": 720}}
SMALL = {"viewport": {"width": 640, "height": 360}}
"""A quarter of the points, for what is not about the drawing: software draws it in less time."""

LONG = 35_000
"""Milliseconds that a browser's clock leaps over: longer than a page may be silent, or a timer late."""


ACCURACY = pytest.mark.parametrize("harmless", [re.compile(r"/accuracy/_stcore/")], ids=[""])
"""On any page but the first, Streamlit's browser side looks for its server below the page, then above."""

OUTAGE = pytest.mark.parametrize(
    "harmless", [re.compile(r"/_stcore/|/healthz/live|/static/js/index\.")], ids=[""]
)
"""Whoever has lost the app asks for it in vain, and Streamlit complains."""


def beat(page: Page) -> int:
    return int(page.locator("[data-beat]").get_attribute("data-beat") or 0)


def opened(visit: Visit, site: Site, where: str = "") -> Page:
    """Open a page whose clock can be put forward."""
    page = visit("?kiosk=1&city=dublin", SMALL)
    page.clock.install()
    page.goto(f"{site.url}{where}?kiosk=1&city=dublin")
    page.locator("[data-beat]").wait_for()
    page.evaluate("document.documentElement.classList.add('before')")
    return page


def test_it_sweeps_and_offers_nothing_to_touch(visit: Visit) -> None:
    page = visit("?kiosk=1&city=dublin", SCREEN, "dark")

    def minutes() -> int:
        parts = re.findall(r"(\d+) (h|min)\b", page.locator(".kiosk .asked").inner_text())
        return sum(int(number) * (60 if unit == "h" else 1) for number, unit in parts)

    first, before = minutes(), picture(page)[:, 400:].astype(int)
    wait_for(lambda: abs(minutes() - first) >= 15)  # a busy machine leaves steps out
    assert (np.abs(picture(page)[:, 400:] - before).max(axis=2) > 40).mean() > 0.002, "the map stands still"
    expect(page.locator(".kiosk h1")).to_have_text("Dublin")
    expect(page.locator(".kiosk .age")).to_contain_text("counted")
    expect(page.locator("button:visible, input:visible, a:visible")).to_have_count(0)
    assert page.evaluate("document.elementFromPoint(800, 360) === document.documentElement")
    assert fits(page)


def test_curves_have_their_turn_and_the_map_is_never_made_anew(visit: Visit, site: Site) -> None:
    page = opened(visit, site)
    canvas = page.locator("#deckgl-overlay")
    expect(canvas).to_be_visible()
    canvas.evaluate("canvas => (window.canvas = canvas)")
    where = page.url
    turns = ""
    for _ in range(2 * sum(kiosk.TURNS.values())):
        seen = beat(page)
        page.clock.fast_forward(1000)
        wait_for(lambda seen=seen: beat(page) > seen)  # type: ignore[misc]
        turn = page.locator("[data-beat]").get_attribute("data-turn") or ""
        if not turns.endswith(turn):
            turns += f" {turn}"
        if turns.endswith("accuracy"):
            expect(page.locator(".st-key-kiosk-curves")).to_contain_text(accuracy_words.not_scored(30))
        if turns.endswith("accuracy map"):
            break
    assert turns.split() == ["map", "accuracy", "map"]
    assert canvas.evaluate("canvas => canvas === window.canvas")
    assert page.url == where


@ACCURACY
def test_another_page_gives_way_and_after_a_sleep_it_is_loaded_anew(visit: Visit, site: Site) -> None:
    page = opened(visit, site, "accuracy")
    expect(page).to_have_url(re.compile(r"/\?city=dublin&.*kiosk=1"))
    seen = beat(page)  # the map runs by itself: what would notice a sleep is there
    page.clock.fast_forward(1000)
    wait_for(lambda: beat(page) > seen)
    page.clock.fast_forward(LONG)
    expect(page.locator("html.before")).to_have_count(0)
    expect(page.locator("#deckgl-overlay")).to_be_visible()
    assert "kiosk=1" in page.url


@OUTAGE
def test_it_comes_back_when_the_app_does(visit: Visit, site: Site) -> None:
    page = opened(visit, site)
    lost = page.get_by_text(kiosk_words.KIOSK_LOST())
    expect(lost).to_be_hidden()
    site.stop()
    page.clock.fast_forward(LONG)
    expect(lost).to_be_visible()
    expect(page.locator("html.before")).to_have_count(1)  # a page that is loaded from nowhere is none
    site.start()
    expect(page.locator("html.before")).to_have_count(0)
    expect(page.locator("#deckgl-overlay")).to_be_visible()
    expect(lost).to_be_hidden()
    expect(page.locator(".kiosk h1")).to_have_text("Dublin")
