"""Journeys in real Chromium: the address from the first moment on, and the way back."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from dashboard.words import shell as shell_words
from dashboard.words import station as station_words
from tests.support.browsing import DESK, Site, Visit, pixel, set_slider
from tests.support.processes import wait_for

pytestmark = pytest.mark.browser


def entries(page: Page) -> int:
    return int(page.evaluate("history.length"))


def touch(page: Page, site: Site, row: int) -> None:
    """Touch a station's mark; again where the map was not drawn yet."""

    def opens() -> bool:
        page.mouse.click(*pixel(page, site.dublin, row))
        page.wait_for_timeout(1500)
        return bool(page.get_by_role("heading", name=f"Station {row}", exact=True).count())

    wait_for(opens)


def test_the_address_has_the_city_at_once_and_back_is_one_step(visit: Visit, site: Site) -> None:
    """Streamlit alone made an entry of every move of the slider, and two of a change of page."""
    page = visit("", {**DESK, "timezone_id": "America/Denver", "locale": "en-US"})
    picker = page.get_by_role("combobox", name=shell_words.CITY())
    expect(page).to_have_url(re.compile(r"\?city=dublin&what=bike"))  # Boulder is only replayed
    first = entries(page)
    set_slider(page, 30)
    page.get_by_role("button", name="2", exact=True).click()
    expect(page).to_have_url(re.compile("n=2&in=30"))
    assert entries(page) == first

    panel = page.locator(".station")
    touch(page, site, 20)
    set_slider(page, 40)
    page.go_back()
    expect(panel).to_have_count(0)
    expect(page).to_have_url(re.compile("city=dublin&what=bike&n=2&in=30$"))

    touch(page, site, 21)
    set_slider(page, 45)
    page.get_by_role("button", name=station_words.CLOSE()).click()
    expect(panel).to_have_count(0)
    expect(page).to_have_url(re.compile("city=dublin&what=bike&n=2&in=45$"))

    page.get_by_role("link", name="Trip").click()
    expect(page).to_have_url(re.compile(r"/trip\?city=dublin"))
    page.go_back()
    expect(page).to_have_url(re.compile(r"/\?city=dublin&what=bike&n=2&in=45$"))
    expect(page.get_by_role("slider")).to_have_value("45")

    picker.select_option("boulder")
    expect(page).to_have_url(re.compile("city=boulder"))
    page.go_back()
    expect(page).to_have_url(re.compile("city=dublin"))
    expect(picker.last).to_have_value("dublin")
    expect(picker).to_have_count(1)  # while the page is drawn anew the old one is there as well
    page.go_back()  # past the map of before the station was opened and closed
    expect(page).to_have_url("about:blank")


def test_an_address_of_nonsense_is_put_right_without_a_step(visit: Visit) -> None:
    page = visit("?city=dubln&station=s3&what=car&n=-7&in=soon&at=x&kiosk=yes")
    expect(page.get_by_text("No city here is called “dubln”.")).to_be_visible()
    expect(page).to_have_url(re.compile(r"\?city=dublin&what=bike&n=1&in=\d+$"))
    assert entries(page) == 2  # about:blank is the first
    page.get_by_role("button", name="Dublin").click()
    expect(page.get_by_text("No city here is called")).to_have_count(0)
