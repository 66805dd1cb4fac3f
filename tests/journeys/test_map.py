"""Journeys in real Chromium: what a rider does, on a server as `streamlit run app.py` starts it."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from playwright.sync_api import Browser, Route, WebSocket, expect
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from dashboard import palette
from dashboard.state import clocks
from dashboard.words import on_foot as on_foot_words
from dashboard.words import shell as shell_words
from dashboard.words import station as station_words
from model.moments import frame_at
from tests.support.browsing import (
    DESK,
    EVERYBODY,
    PHONE,
    STRANGERS,
    Site,
    Visit,
    barred,
    box_of,
    drag,
    expect_colours,
    fall_silent_and_come_back,
    fits,
    map_box,
    marks,
    picture,
    pixel,
    serve,
    set_slider,
    small_targets,
    steps_of,
    unfold,
    wait_for_refresh,
)
from tests.support.processes import wait_for

pytestmark = pytest.mark.browser

WHOLE = """list => {
    const alone = list.cloneNode();
    alone.append(list.selectedOptions[0].cloneNode(true));
    alone.style = "position: absolute; width: max-content";
    list.after(alone);
    const width = alone.offsetWidth;
    alone.remove();
    return width <= list.offsetWidth;
}"""
"""Tells whether the chosen entry of a list is to be read to its end."""


def test_the_colours_on_screen_are_those_of_the_frame(visit: Visit, site: Site) -> None:
    assert len(set(steps_of(site.dublin, 15))) > 1
    expect_colours(visit("?city=dublin"), site.dublin, steps_of(site.dublin, 15))


def test_choose_a_city(visit: Visit, site: Site) -> None:
    page = visit()
    picker = page.get_by_role("combobox", name=shell_words.CITY())
    chosen = picker.locator("option:checked")
    expect(chosen).to_have_text("Dublin · dublinbikes · live")
    picker.select_option("boulder")
    expect(page).to_have_url(re.compile("city=boulder"))
    expect(page.locator(".ages")).to_contain_text("replayed")
    expect_colours(page, site.boulder, steps_of(site.boulder, 15))
    page.go_back()
    expect(chosen).to_have_text("Dublin · dublinbikes · live")
    expect_colours(page, site.dublin, steps_of(site.dublin, 15))


def test_choose_a_city_by_keyboard(visit: Visit, site: Site) -> None:
    """A closed list changes with each arrow key: what a viewer only passes is not gone to."""
    page = visit("?city=dublin")
    picker = page.get_by_role("combobox", name=shell_words.CITY())
    expect(picker).to_have_css("pointer-events", "auto")
    picker.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.wait_for_timeout(1500)
    expect(page).to_have_url(re.compile("city=dublin"))
    page.keyboard.press("b")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("city=boulder"))


def test_moving_the_slider_recolours_and_the_map_stays(visit: Visit, site: Site) -> None:
    page = visit("?city=dublin")
    before, after = steps_of(site.dublin, 15), steps_of(site.dublin, 90)
    assert before != after
    expect_colours(page, site.dublin, before)
    shift = drag(page, site.dublin, (45, 25), before)
    set_slider(page, 90)
    expect(page.get_by_text(re.compile(r"Arriving .*\d\d:\d\d · in 1 h 30 min"))).to_be_visible()
    expect_colours(page, site.dublin, after, shift)
    wait_for_refresh(page, site)
    wait_for_refresh(page, site)
    expect_colours(page, site.dublin, after, shift)


def test_the_numbers_on_the_marks_move_with_the_slider(visit: Visit, site: Site) -> None:
    """They are letters in a layer within a layer, which deck.gl once left as they were."""
    slid, opened = visit("?city=dublin"), visit("?city=dublin&in=90")
    expect_colours(slid, site.dublin, steps_of(site.dublin, 15))
    set_slider(slid, 90)
    for page in (slid, opened):
        page.mouse.move(5, 5)
        expect_colours(page, site.dublin, steps_of(site.dublin, 90))

    def alike() -> bool:
        one, other = (marks(page, site.dublin) for page in (slid, opened))
        return bool(np.abs(one - other).max() < 40)

    wait_for(alike)


@pytest.mark.parametrize("renew", ["replaceWith(node.cloneNode(true))", "style.translate = '0 9em'"])
def test_a_press_counts_once_while_the_page_renews_itself_under_it(visit: Visit, renew: str) -> None:
    page = visit("?city=dublin")
    later = page.get_by_role("button", name=shell_words.TOMORROW())
    expect(later).to_have_css("pointer-events", "auto")
    map_box(page)  # what comes in later moves the button no more
    box = box_of(later)
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    later.evaluate(f"node => {{ node.{renew} }}")
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"at=\d{8}T\d{4}Z"))
    expect(page.get_by_role("slider")).to_have_count(0)


def test_tomorrow_and_back_to_soon(visit: Visit, site: Site) -> None:
    page = visit("?city=dublin&station=s20&what=space")
    page.get_by_role("button", name=shell_words.TOMORROW()).click()
    expect(page).to_have_url(re.compile(r"at=\d{8}T\d{4}Z"))
    at = datetime.strptime(page.url[-14:], "%Y%m%dT%H%MZ").replace(tzinfo=UTC)
    expect(page.get_by_text(re.compile(f"Arriving tomorrow at {at:%H:%M} · in "))).to_be_visible()
    ahead = 5 * round((at - datetime.now(UTC)) / timedelta(minutes=5))
    expect_colours(page, site.dublin, steps_of(site.dublin, ahead, "space"))
    page.get_by_role("button", name=shell_words.SOON()).click()
    expect(page).to_have_url(re.compile("in=15"))
    expect_colours(page, site.dublin, steps_of(site.dublin, 15, "space"))


@EVERYBODY
def test_a_space_at_the_office_at_five_to_nine(
    visit: Visit, site: Site, device: dict[str, Any], scheme: str
) -> None:
    """Asked from Tokyo, where the same clock time is another moment; tomorrow, unless it is early."""
    page = visit("?city=dublin", {**device, "timezone_id": "Asia/Tokyo"}, scheme)
    page.get_by_role("combobox", name=station_words.SEARCH()).fill("staton 3l")
    page.get_by_role("option", name=re.compile("^Station 31 ")).click()
    panel = page.locator(".station")
    expect(panel).to_contain_text("Station 31")
    unfold(page)
    page.get_by_role("button", name="a space", exact=True).click()
    expect(panel).to_contain_text("Chance of a space")
    page.get_by_label(shell_words.CLOCK()).fill("08:55")
    now = datetime.now(UTC)
    at = clocks.at_clock(time(8, 55), None, now, ZoneInfo("Europe/Dublin"))
    expect(page).to_have_url(re.compile(f"[?&]station=s31&what=space&n=1&at={at:%Y%m%dT%H%MZ}$"))
    tokyo = f"{at.astimezone(ZoneInfo('Asia/Tokyo')):%H:%M}"
    expect(page.get_by_text(re.compile(rf"Arriving .*08:55 \(.*{tokyo} on your clock\)"))).to_be_visible()
    ahead = (at - now) / timedelta(minutes=1)
    # The frame is seconds older by the time that the page is read: halfway between steps it may be either.
    horizons = sorted({5 * round(minutes / 5) for minutes in (ahead - 1, ahead + 1)})
    space = frame_at(site.dublin, horizons).space
    chances = "|".join(re.escape(shell_words.chance(odds)) for odds in space.chance[0, :, 31].tolist())
    expect(panel.get_by_text(re.compile(f"^({chances})$"))).to_be_visible()
    expect(panel).to_contain_text(re.compile("Expected at .*08:55"))
    assert fits(page)


@pytest.mark.parametrize(("chosen", "most"), [("", 5500), ("&station=s20", 6700)], ids=["map", "station"])
def test_a_slider_move_costs_a_few_kB(visit: Visit, site: Site, chosen: str, most: int) -> None:
    """At any number of stations: the rows came once, by HTTP, and a move only tells where in them to look.

    Streamlit lists all pages of the app at each run, 100 bytes a page.
    """
    down: list[bytes] = []
    up: list[bytes] = []

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", lambda data: down.append(data if isinstance(data, bytes) else b""))
        socket.on("framesent", lambda data: up.append(data if isinstance(data, bytes) else b""))

    page = visit(f"?city=dublin{chosen}", listen=listen)
    expect_colours(page, site.dublin, steps_of(site.dublin, 15))
    answer: list[bytes] = []
    for minutes in (20, 25, 30, 35, 40):  # a move that a refresh interrupts is no measurement
        down.clear()
        up.clear()
        set_slider(page, minutes)
        expect_colours(page, site.dublin, steps_of(site.dublin, minutes))
        page.wait_for_timeout(300)  # for messages that arrive late
        answer = answer or _move(down)
    assert answer
    assert 2000 < sum(len(raw) for raw in answer) < most
    moved = [raw for raw in up if BackMsg.FromString(raw).WhichOneof("type") == "rerun_script"]
    assert max(len(raw) for raw in moved) < 1000


def _move(down: list[bytes]) -> list[bytes]:
    """Cut the answer to a move out of what the server sent; empty before it is there.

    The page also refreshes itself: only an answer to a move puts something new into the address bar. One that
    was broken off has no map in it.
    """
    run: list[bytes] = []
    for raw in down:
        run.append(raw)
        if ForwardMsg.FromString(raw).WhichOneof("type") == "script_finished":
            messages = [ForwardMsg.FromString(part) for part in run]
            moved = any(part.WhichOneof("type") == "page_info_changed" for part in messages)
            if moved and any(part.delta.new_element.HasField("deck_gl_json_chart") for part in messages):
                return run
            run = []
    return []


def test_select_a_station_and_see_it_follow_the_feed(visit: Visit, site: Site) -> None:
    page = visit("?city=boulder")
    expect_colours(page, site.boulder, steps_of(site.boulder, 15))
    # Where the browser is busy when a finger comes down, deck.gl takes a short touch for a long one.
    busy = "{ const from = performance.now(); while (performance.now() - from < 400); }"
    page.evaluate(f"addEventListener('pointerdown', (event) => {{ if (event.isTrusted) {busy} }})")
    page.mouse.click(*pixel(page, site.boulder, 7))
    expect(page).to_have_url(re.compile("station=s7"))
    panel = page.locator(".station")
    expect(panel).to_contain_text("Station 7")
    expect(panel).to_contain_text(f"{site.boulder.bikes[7]} bikes")
    page.mouse.move(5, 5)
    # The others keep their colours.
    expect_colours(page, site.boulder, steps_of(site.boulder, 15))

    bikes = site.boulder.bikes.copy()
    bikes[7] = 27
    site.boulder = replace(site.boulder, bikes=bikes)
    site.renew()
    expect(panel).to_contain_text("27 bikes")
    expect(page).to_have_url(re.compile("station=s7"))

    # A thumb that misses the mark by 18 px still means this station.
    x, y = pixel(page, site.boulder, 9)
    page.mouse.click(x + 18, y)
    expect(panel).to_contain_text("Station 9")
    page.get_by_role("button", name=station_words.CLOSE()).click()
    expect(panel).to_have_count(0)


def test_an_alternative_opens_at_a_touch_and_the_map_stays(visit: Visit, site: Site) -> None:
    page = visit("?city=dublin&station=s20")
    expect_colours(page, site.dublin, steps_of(site.dublin, 15))
    other = page.locator(".choices button").first
    name = other.inner_text()
    other.click()
    expect(page.locator(".station h2")).to_have_text(name)
    expect(page).to_have_url(re.compile("station=s(?!20)"))
    page.mouse.move(5, 5)
    expect_colours(page, site.dublin, steps_of(site.dublin, 15))
    expect(page.locator("[data-testid=stVegaLiteChart]")).to_be_visible()


def test_a_favourite_outlives_a_reload(visit: Visit, site: Site) -> None:
    page = visit("?city=dublin&station=s20", PHONE, "light")
    star = page.get_by_role("button", name=station_words.STAR_NAME())
    expect(star).to_have_attribute("aria-pressed", "false")
    star.click()
    expect(star).to_have_attribute("aria-pressed", "true")
    page.reload()
    expect(star).to_have_attribute("aria-pressed", "true")
    page.goto(site.url + "?city=dublin&station=s21")
    expect(star).to_have_attribute("aria-pressed", "false")


def test_a_press_counts_once_after_the_page_has_new_data(visit: Visit, site: Site) -> None:
    page = visit("?city=dublin&station=s20", PHONE, "light")
    star = page.get_by_role("button", name=station_words.STAR_NAME())
    for pressed in ("true", "false", "true"):
        star.click()
        expect(star).to_have_attribute("aria-pressed", pressed)
    page.locator('[data-do="n:2"]').click()
    expect(page).to_have_url(re.compile("n=2"))
    shown = page.get_by_role("button", name=station_words.LIST())
    shown.click()
    expect(shown).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize(("device", "scheme"), [(PHONE, "light")], ids=["phone, light"])
def test_a_shared_link_opens_the_same_screen(
    visit: Visit, site: Site, device: dict[str, Any], scheme: str
) -> None:
    page = visit("?city=dublin&station=s20&what=space&n=2&in=30", device, scheme)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name=station_words.SHARE()).click()
    expect(page.get_by_role("button", name=shell_words.BUTTON_WORDS["copied"])).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == page.url
    other = visit(link.removeprefix(site.url), device, scheme)
    panel = other.locator(".station")
    expect(panel.locator("h2")).to_have_text("Station 20")
    expect(panel).to_contain_text("Chance of 2 spaces")
    unfold(other)
    expect(other.get_by_role("slider")).to_have_value("30")
    expect_colours(other, site.dublin, steps_of(site.dublin, 30, "space", 2))


@EVERYBODY
def test_a_bike_near_me(visit: Visit, site: Site, device: dict[str, Any], scheme: str) -> None:
    page = visit("?city=dublin", device, scheme)
    lat, lon = (float(degrees[20]) for degrees in (site.dublin.stations.lat, site.dublin.stations.lon))
    page.context.grant_permissions(["geolocation"])
    page.context.set_geolocation({"latitude": lat, "longitude": lon})
    page.get_by_role("button", name=station_words.NEAR()).click()
    # From a cold start to two bikes on foot in two touches, with the map and no scrolling.
    page.get_by_role("button", name="2", exact=True).click()
    first = page.locator(".foot li").first
    expect(first).to_contain_text(re.compile(r"\d min walk · \d\d:\d\d · \d+ bikes"))
    expect(page.locator(".foot li").nth(2)).to_be_in_viewport(ratio=1)
    expect(page.locator(".summary")).to_contain_text("If you set out now, 2 bikes are likely or almost sure")
    assert str(round(lat, 2)) not in page.url
    # The map has gone there: the place lies where its middle was not.
    box, shown = map_box(page), np.array(palette.rgb(palette.HERE))

    def is_there() -> bool:
        image = picture(page).astype(int)
        y, x = np.nonzero(np.abs(image - shown).max(axis=2) < 12)
        inside = (x > box["x"]) & (x < box["x"] + box["width"]) & (y > box["y"])
        return bool(inside.sum() > 40)

    wait_for(is_there)
    assert fits(page)
    first.get_by_role("button").click()
    expect(page.locator(".station h2")).to_be_visible()
    page.get_by_role("button", name=on_foot_words.STOP()).click()
    expect(page.locator(".foot")).to_have_count(0)


def test_a_refused_place_shows_how_to_go_on(visit: Visit) -> None:
    page = visit("?city=dublin", PHONE)
    page.get_by_role("button", name=station_words.NEAR()).click()
    expect(page.get_by_role("status")).to_contain_text("Search for a station instead.")
    page.get_by_role("combobox", name=station_words.SEARCH()).fill("staton 20")
    page.get_by_role("option", name=re.compile("^Station 20 ")).click()
    expect(page.locator(".station h2")).to_have_text("Station 20")


def test_the_same_address_is_the_same_screen(visit: Visit, site: Site) -> None:
    page = visit("?city=dublin")
    page.get_by_role("button", name="a space", exact=True).click()
    page.get_by_role("button", name="2", exact=True).click()
    set_slider(page, 30)
    expected = steps_of(site.dublin, 30, "space", 2)
    expect_colours(page, site.dublin, expected)
    page.mouse.click(*pixel(page, site.dublin, 20))
    panel = page.locator(".station")
    expect(panel).to_contain_text("Station 20")
    expect(page).to_have_url(re.compile("(?=.*in=30)(?=.*station=s20)"))
    address = page.url
    assert {"city=dublin", "station=s20", "what=space", "n=2", "in=30"} <= set(
        address.split("?")[1].split("&")
    )

    page.mouse.move(5, 5)
    page.reload()
    expect_colours(page, site.dublin, expected)
    assert page.url == address
    expect(panel).to_contain_text("Station 20")
    expect(panel).to_contain_text("Chance of 2 spaces")
    expect(page.get_by_role("slider")).to_have_value("30")


def test_a_tooltip_quotes_an_unpleasant_name_as_it_is_and_goes_when_its_numbers_are_old(
    visit: Visit, site: Site
) -> None:
    page = visit("?city=dublin")
    expect_colours(page, site.dublin, steps_of(site.dublin, 15))
    x, y = pixel(page, site.dublin, 0)
    page.mouse.move(x + 3, y)
    page.mouse.move(x, y)
    tooltip = page.locator(".deck-tooltip")
    expect(tooltip).to_contain_text("![x](http://evil.example/x.png) <b>Quay</b>")
    expect(tooltip).to_contain_text(f"now: {site.dublin.bikes[0]} bikes")
    assert tooltip.locator("b").count() == 0
    # It contradicted the panel when the numbers had changed and nobody had moved the mouse.
    wait_for_refresh(page, site)
    expect(tooltip).to_be_hidden()
    page.mouse.move(x + 3, y)
    expect(tooltip).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_size_shows_map_legend_station_and_city(visit: Visit, site: Site, scheme: str) -> None:
    """A phone either way up, a tablet either way up, a projector; a map that has most of a phone's height."""
    page = visit("?city=dublin&station=s5&in=20", {**PHONE, "is_mobile": False}, scheme)
    panel, canvas = page.locator(".station"), page.locator("#deckgl-overlay")
    picker = page.get_by_role("combobox", name=shell_words.CITY())
    odds = panel.get_by_text(re.compile(rf"^({'|'.join(shell_words.STEPS.values())}) · \d+ %$"))
    for width, height in ((360, 740), (740, 360), (768, 1024), (1024, 768), (1280, 720)):
        page.set_viewport_size({"width": width, "height": height})

        def stands(width: int = width, height: int = height) -> bool:
            shown, numbers = box_of(canvas), box_of(panel)
            beside = shown["x"] + shown["width"] <= numbers["x"]
            below = shown["y"] + shown["height"] <= numbers["y"]
            tall = shown["height"] >= (0.55 if width < 640 or height < 500 else 0.45) * height
            wide = shown["width"] >= width / 2 and shown["x"] + shown["width"] <= width
            return (beside or below) and tall and wide and numbers["width"] >= 250

        wait_for(stands)
        expect(odds).to_be_in_viewport(ratio=0.9)
        for words in shell_words.STEPS.values():
            expect(page.locator(".legend li").get_by_text(words).first).to_be_in_viewport()
        wait_for(lambda: picker.evaluate(WHOLE))
        assert fits(page)
        expect(page.locator(".fold")).to_be_visible(visible=width < 640 or height < 500)


@pytest.mark.parametrize(("device", "scheme"), [(DESK, "dark")], ids=["desk, dark"])
def test_a_feed_falls_silent_and_comes_back_and_the_view_stays(
    visit: Visit, site: Site, device: dict[str, Any], scheme: str
) -> None:
    page = visit("?city=dublin", device, scheme)
    steps = steps_of(site.dublin, 15)
    expect_colours(page, site.dublin, steps)
    shift = drag(page, site.dublin, (45, 25) if device is DESK else (20, 12), steps)
    fall_silent_and_come_back(page, site)
    expect_colours(page, site.dublin, steps, shift)


def test_choices_stay_when_a_notice_comes_and_goes(visit: Visit, site: Site) -> None:
    """A notice above the controls once replaced them by new ones, which sent their defaults as a choice."""
    page = visit("?city=dublin&what=space&n=2&in=30")
    for _ in range(2):
        fall_silent_and_come_back(page, site)
    expect(page.get_by_test_id("stSlider")).to_contain_text("in 30 min")
    assert "what=space&n=2&in=30" in page.url


@pytest.mark.parametrize(
    ("query", "device", "scheme"),
    [
        ("&station=s20&in=20", PHONE, "light"),
        ("&station=s1&what=space", DESK, "dark"),
        ("&at={tomorrow}", PHONE, "light"),
    ],
    ids=["station, phone", "closed, desk", "tomorrow, phone"],
)
def test_no_serious_barrier_is_found(
    visit: Visit, site: Site, query: str, device: dict[str, Any], scheme: str
) -> None:
    """axe-core looks for what keeps people out: names, roles, contrast (AA), order. A thumb needs 44 px."""
    tomorrow = f"{site.world.now + timedelta(hours=20):%Y%m%dT%H%MZ}"
    page = visit("?city=dublin" + query.format(tomorrow=tomorrow), device, scheme)
    page.get_by_role("button", name=station_words.LIST(), exact=True).click()
    unfold(page)
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()
    if "station" in query:
        expect(page.get_by_test_id("stVegaLiteChart")).to_be_attached()
        expect(page.locator(".best li").first).to_be_visible()
    assert not barred(page)
    assert fits(page)
    if device is PHONE:
        assert not small_targets(page)


def test_every_control_is_reached_by_keyboard(visit: Visit, site: Site) -> None:
    page = visit("?city=dublin&station=s20")
    expect(page.locator(".choices button").first).to_be_visible()
    page.get_by_role("button", name=station_words.LIST(), exact=True).click()
    expect(page.locator(".best")).to_be_visible()
    page.get_by_role("combobox", name=shell_words.CITY()).focus()
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        told = page.evaluate("document.activeElement.dataset.do ?? document.activeElement.tagName")
        reached.add(re.sub(r"^day:.*", "day:", told))
    assert {"near", "day:", "clock", "share", "star:s20", "station", "INPUT", "CANVAS"} <= reached
    # The best of the list, the one we stand at: chosen without a pointer.
    choice = page.locator(".best button").nth(1)
    name = choice.inner_text()
    choice.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".station h2")).to_have_text(name)


@pytest.mark.parametrize("tiles", ["there", "gone"])
def test_streets_lie_under_the_marks_or_plain_ground_does(
    browser: Browser, tmp_path: Path, tiles: str
) -> None:
    """Only the browser knows whether streets can be had; the marks are there all the same."""
    style = {
        "version": 8,
        "sources": {},
        "layers": [{"id": "ground", "type": "background", "paint": {"background-color": "#00ffee"}}],
    }

    def answer(route: Route) -> None:
        if tiles == "gone":
            route.abort()
        else:
            route.fulfill(json=style, headers={"Access-Control-Allow-Origin": "*"})

    with serve(tmp_path, "streets") as site, closing(browser.new_context(**DESK)) as context:  # type: ignore[arg-type]
        requested: list[str] = []
        page = context.new_page()
        page.on("request", lambda request: requested.extend(STRANGERS.findall(request.url)))
        page.route(re.compile("cartocdn"), answer)
        page.goto(site.url + "?city=dublin")
        expect_colours(page, site.dublin, steps_of(site.dublin, 15))
        expect(page.get_by_text(shell_words.STREETS_BY())).to_be_attached()
        box = map_box(page)

        def as_wanted() -> bool:
            ground = picture(page)[int(box["y"]) + 40, int(box["x"]) + 40].tolist()
            return bool(ground == [0, 255, 238]) == (tiles == "there")

        wait_for(as_wanted)
        assert {url.split("/")[2] for url in requested} == {"basemaps.cartocdn.com"}
        set_slider(page, 90)
        expect_colours(page, site.dublin, steps_of(site.dublin, 90))


def test_a_failure_shows_no_traceback_and_heals_by_itself(visit: Visit, site: Site) -> None:
    """Also a page that is opened meanwhile heals: it has no fragments that would run again."""
    page = visit("?city=dublin")
    path = site.world.url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as db:
        db.execute("alter table systems rename to gone")
        db.commit()
        try:
            expect(page.get_by_text(shell_words.BROKEN()).first).to_be_visible()
            body = page.locator("body").inner_text()
            opened = page.context.new_page()
            opened.goto(page.url)
            expect(opened.get_by_text(shell_words.BROKEN()).first).to_be_visible()
        finally:
            db.execute("alter table gone rename to systems")
            db.commit()
    assert "Traceback" not in body
    assert "sqlalchemy" not in body.lower()
    assert "no such table" not in body
    for each in (page, opened):
        expect(each.get_by_text(shell_words.BROKEN())).to_have_count(0)
        expect(each.locator("#deckgl-overlay")).to_be_visible()


def test_a_restart_of_the_app_brings_the_same_screen_back(browser: Browser, site: Site) -> None:
    site.renew()
    page = browser.new_page(viewport=DESK["viewport"])  # type: ignore[arg-type]
    page.goto(site.url + "?city=dublin&station=s20&in=30")
    expect_colours(page, site.dublin, steps_of(site.dublin, 30))
    set_slider(page, 35)
    expect_colours(page, site.dublin, steps_of(site.dublin, 35))
    address = page.url
    site.stop()
    expect(page.get_by_text("not responding")).to_be_visible()
    site.start()
    expect(page.get_by_text("not responding")).to_have_count(0)
    wait_for_refresh(page, site)
    assert page.url == address
    expect(page.locator(".station")).to_contain_text("Station 20")
    expect(page.locator(".pages")).to_have_css("display", "flex")
    expect_colours(page, site.dublin, steps_of(site.dublin, 35))
    page.close()


def test_the_first_page_after_a_restart_has_its_style_whatever_its_address(
    browser: Browser, site: Site
) -> None:
    """Streamlit may take a folder of pages for its older kind of pages, and run their scripts alone."""
    for path in ("feeds?city=dublin", "?city=dublin"):
        site.stop()
        site.start()
        page = browser.new_page(viewport=DESK["viewport"])  # type: ignore[arg-type]
        page.goto(site.url + path)
        expect(page.locator(".pages")).to_have_css("display", "flex")
        expect(page.locator(".pages [aria-current=page]")).to_have_text("Feeds" if "feeds" in path else "Map")
        page.close()
