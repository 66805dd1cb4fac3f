"""Trips in real Chromium: planned by search and by touch, kept over reloads and refreshes, for everybody."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from dashboard.maps import trip_map
from dashboard.words import shell as shell_words
from dashboard.words import station as station_words
from dashboard.words import trip as trip_words
from model.frame import Frame
from tests.support.browsing import (
    DESK,
    PHONE,
    Site,
    Visit,
    barred,
    fall_silent_and_come_back,
    fits,
    map_box,
    picture,
    set_slider,
    small_targets,
)
from tests.support.processes import wait_for

pytestmark = pytest.mark.browser

ASKED_IN_VAIN = re.compile(r"/trip/_stcore/")
"""On any page but the first, Streamlit's browser side looks for its server below the page, then above."""


@pytest.fixture
def harmless() -> re.Pattern[str]:
    return ASKED_IN_VAIN


def parts(url: str) -> set[str]:
    return set(url.partition("?")[2].split("&"))


@pytest.mark.parametrize(("device", "scheme"), [(PHONE, "dark")], ids=["phone, dark"])
def test_plan_a_trip_by_search_and_find_it_again_after_a_reload(
    visit: Visit, site: Site, device: dict[str, Any], scheme: str
) -> None:
    page = visit("?city=dublin&station=s21", device, scheme)
    page.get_by_role("link", name="Trip").click()
    expect(page).to_have_url(re.compile(r"/trip\?city=dublin&from=s21"))
    expect(page.locator(".end", has_text="Station 21")).to_be_visible()
    page.get_by_role("button", name=trip_words.change_end("start", "Station 21")).click()
    expect(page.get_by_role("link", name="Trip")).to_have_attribute("aria-current", "page")
    for label, typed, name in (
        (trip_words.ENDS["start"], "staton 2O", "Station 20"),
        (trip_words.ENDS["goal"], "station 50", "Station 50"),
    ):
        page.get_by_role("combobox", name=label, exact=True).fill(typed)
        page.get_by_role("option", name=re.compile(f"^{name} ")).click()
        expect(page.locator(".end", has_text=name)).to_be_visible()
    page.get_by_role("button", name="2", exact=True).click()
    set_slider(page, 30)
    best = page.locator(".plan").first
    expect(best).to_contain_text("Take 2 bikes at Station 20")
    expect(page.locator(".plan")).to_have_count(3)
    assert {"city=dublin", "from=s20", "to=s50", "n=2", "in=30"} == parts(page.url)
    assert fits(page)

    address = page.url
    page.reload()
    expect(best).to_contain_text("Take 2 bikes at Station 20")
    expect(page.get_by_role("slider")).to_have_value("30")
    assert page.url == address

    page.wait_for_timeout(1500)  # until the script that listens to our buttons is there again
    page.get_by_role("button", name=shell_words.DIRECTIONS["arrive"]).click()
    expect(page).to_have_url(re.compile("by=arrive"))
    expect(page.locator(".leaving")).to_contain_text(re.compile("Leave by .* to be there by "))
    assert fits(page)
    page.get_by_role("button", name=shell_words.DIRECTIONS["leave"]).click()
    expect(page.locator(".leaving")).to_contain_text("both ends work with 90 % or more")
    page.get_by_role("button", name=trip_words.SWAP_NAME()).click()
    expect(best).to_contain_text("Take 2 bikes at Station 50")
    assert {"from=s50", "to=s20"} <= parts(page.url)

    page.get_by_role("link", name="Map").click()
    expect(page).to_have_url(re.compile(r"/\?city=dublin.*&in=30"))
    page.go_back()
    expect(best).to_contain_text("Take 2 bikes at Station 50")


def hover(page: Page, place: Callable[[], tuple[float, float]], name: str) -> tuple[float, float]:
    """Move the mouse around a place until the map tells which station is there, and give the place.

    It is looked up each time: what comes late on the page moves the map.
    """
    tooltip = page.locator(".deck-tooltip")

    def told() -> bool:
        x, y = place()
        page.mouse.move(x + 3, y)
        page.mouse.move(x, y)
        page.wait_for_timeout(100)
        return tooltip.is_visible() and name in tooltip.inner_text()

    wait_for(told)
    return place()


def pixel_of(page: Page, made: Frame, row: int) -> tuple[float, float]:
    """Give where the map of a trip without ends has a station."""
    lat, lon = made.stations.lat, made.stations.lon
    view, box = trip_map.wide(made, *trip_map.WIDE), map_box(page)
    scale = 512 * 2**view.zoom / 360
    north, middle = (np.degrees(np.arctanh(np.sin(np.radians(at)))) for at in (lat[row], view.latitude))
    x = box["x"] + box["width"] / 2 + (lon[row] - view.longitude) * scale
    y = box["y"] + box["height"] / 2 + (middle - north) * scale
    return float(x), float(y)


def test_both_ends_are_chosen_by_touching_stations(visit: Visit, site: Site) -> None:
    page = visit("trip?city=dublin")
    for side, row in (("from", 18), ("to", 45)):
        expect(page.get_by_text(trip_words.ASK["start" if side == "from" else "goal"])).to_be_visible()
        page.mouse.click(*hover(page, partial(pixel_of, page, site.dublin, row), f"Station {row}"))
        expect(page).to_have_url(re.compile(rf"{side}=s{row}(&|$)"))
    expect(page.locator(".plan")).to_have_count(3)
    page.get_by_role("button", name=trip_words.change_end("goal", "Station 45")).click()
    expect(page.get_by_text(trip_words.ASK["goal"])).to_be_visible()


def test_near_me_starts_the_trip_and_is_sent_to_nobody(visit: Visit, site: Site) -> None:
    page = visit("trip?city=dublin&to=s50", PHONE)
    lat, lon = (float(degrees[20]) for degrees in (site.dublin.stations.lat, site.dublin.stations.lon))
    page.context.grant_permissions(["geolocation"])
    page.context.set_geolocation({"latitude": lat + 0.001, "longitude": lon})
    page.get_by_role("button", name=station_words.NEAR()).click()
    expect(page.locator(".plan").first).to_contain_text(trip_words.SET_OUT(place=trip_words.WHERE_YOU_ARE()))
    assert "from=here" in parts(page.url)
    assert str(round(lat, 2)) not in page.url


def test_the_view_of_a_trip_stays_while_a_feed_falls_silent_and_comes_back(visit: Visit, site: Site) -> None:
    page = visit("trip?city=dublin&from=s20&to=s50")
    expect(page.locator(".plan")).to_have_count(3)
    page.wait_for_timeout(1500)

    def ground() -> np.ndarray:
        box = map_box(page)
        x, y, w, h = (round(box[side]) for side in ("x", "y", "width", "height"))
        return picture(page)[y : y + min(h, 400), x : x + w].astype(np.int64)

    opened = ground()
    box = map_box(page)
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 140, box["y"] + 110, steps=5)
    page.wait_for_timeout(400)
    page.mouse.up()
    page.mouse.move(5, 5)

    def alike(one: np.ndarray, other: np.ndarray) -> bool:
        return one.shape == other.shape and float((np.abs(one - other).max(axis=2) > 40).mean()) < 0.002

    wait_for(lambda: not alike(ground(), opened))
    pictures = [opened]

    def still() -> bool:
        page.wait_for_timeout(500)
        pictures.append(ground())
        return bool((pictures[-1] == pictures[-2]).all())

    wait_for(still)  # on a busy machine the map glides on
    dragged = pictures[-1]
    fall_silent_and_come_back(page, site)
    wait_for(lambda: alike(ground(), dragged))


@pytest.mark.parametrize(
    ("query", "device", "scheme"),
    [
        ("", PHONE, "light"),
        ("&from=s20&to=s50&in=60&n=4", PHONE, "light"),
        ("&from=s1&to=53.2,-6.2", DESK, "dark"),
    ],
    ids=["no ends, phone", "trip, phone", "no trip, desk"],
)
def test_no_serious_barrier_is_found(visit: Visit, query: str, device: dict[str, Any], scheme: str) -> None:
    """axe-core looks for what keeps people out; a thumb needs 44 px; nothing sticks out at the side."""
    page = visit("trip?city=dublin" + query, device, scheme)
    expect(page.locator(".settings")).to_be_attached()
    assert not barred(page)
    assert fits(page)
    if device is PHONE:
        assert not small_targets(page)
