"""The guide's five minutes on a stage, walked with real clicks. The test plays the worker."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from dashboard.state.pages import PAGES
from dashboard.words import accuracy as accuracy_words
from dashboard.words import map as map_words
from dashboard.words import shell as shell_words
from dashboard.words import station as station_words
from dashboard.words import trip as trip_words
from ingest.store import SUMS, LeaseClaim, Playback
from model.frame import Frame
from tests.support.browsing import Site, Visit, expect_colours, pixel, set_slider, steps_of
from tests.support.dashboard_world import DUBLIN, frame
from tests.support.processes import PATIENCE, wait_for

pytestmark = pytest.mark.browser

TOWN = replace(
    DUBLIN, system_id="harbourton", name="Harbourton Bikes", city="Harbourton", url="simulated:harbourton",
    label="simulated",
)  # fmt: skip
HOUR = timedelta(hours=1)


@pytest.fixture
def harmless() -> re.Pattern[str]:
    """On any page but the first, Streamlit's browser side looks for its server below the page, then above."""
    return re.compile(rf"/({'|'.join(PAGES)})/_stcore/")


@pytest.fixture
def town(site: Site) -> Iterator[Frame]:
    """A made-up city beside the two others, as its player has left it."""
    store, followed = site.world.store, site.world.store.systems.followed()
    store.systems.follow([*followed, TOWN])
    site.go_on()
    made = frame(TOWN.system_id, 40, at=site.world.now, timezone="Europe/Dublin")
    site.world.commit(made)
    store.playback.set(TOWN.system_id, Playback(made.at, site.world.now, begun=1))
    yield made
    store.systems.follow(followed)


def played(site: Site) -> Playback:
    found = site.world.store.playback.get(TOWN.system_id)
    assert found is not None
    return found


def goes_on(site: Site, made: Frame, at: datetime, **more: Any) -> Frame:
    """Let the worker arrive at a time in the city, and play it at the wall clock's speed from there."""
    site.go_on()
    there = replace(made, at=at, learning_since=at - 3 * HOUR)
    site.world.commit(there, **more)
    site.world.store.playback.set(
        TOWN.system_id, replace(played(site), at=at, wall=site.world.now, speed=1.0)
    )
    return there


def scores(at: datetime) -> list[dict[str, Any]]:
    """Make up the scores of three hours, of a pool that learns and one that knows the town."""
    return [
        dict.fromkeys(SUMS, 40.0)
        | {"target_at": at - hours * HOUR, "kind": "any", "model": model, "minutes": 60}
        | {"crps": 40 * error, "abs_error": 50 * error}
        for hours in range(3)
        for model, error in (("naive", 1.0), ("pool", 0.8 + 0.05 * hours), ("learnt", 0.75))
    ]


def play(page: Page, label: str) -> None:
    """Touch a button of the playback control, and close it."""
    page.locator(".st-key-playback-control").get_by_role("button").click()
    page.get_by_role("button", name=label).click()
    page.keyboard.press("Escape")


def go_to(page: Page, name: str) -> None:
    page.get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("link", name=name, exact=True)).to_have_attribute("aria-current", "page")


def test_the_five_minutes_of_the_guide(visit: Visit, site: Site, town: Frame) -> None:
    page = visit("?city=harbourton")
    page.set_default_timeout(PATIENCE * 1000)

    # A map of what will be.
    expect_colours(page, town, steps_of(town, 15))
    set_slider(page, 60)
    page.get_by_role("button", name=map_words.WHAT_OPTION["space"], exact=True).click()
    page.get_by_role("button", name="3", exact=True).click()
    expect_colours(page, town, steps_of(town, 60, "space", 3))
    expect(page.locator(".ages")).to_contain_text("simulated")

    # Rush hour in seconds.
    play(page, shell_words.STAGE())
    expect(page).to_have_url(re.compile("what=bike&n=1&in=15$"))
    expect(page.get_by_text(re.compile("Goes on to Monday at 07:3"))).to_be_visible()
    staged = played(site)
    assert (staged.at.weekday(), f"{staged.at:%H:%M}", staged.speed) == (0, "07:30", 60.0)
    monday = goes_on(site, town, staged.at, scores=scores(staged.at))
    expect(page.get_by_text(shell_words.staged("Monday at 07:30"))).to_be_visible()
    steps = steps_of(monday, 15)
    expect_colours(page, monday, steps)
    row = 3 + steps.index(max(steps))

    def opens() -> bool:
        page.mouse.click(*pixel(page, monday, row))
        page.wait_for_timeout(1000)
        return bool(page.get_by_role("heading", name=f"Station {row}", exact=True).count())

    wait_for(opens)
    expect(page.get_by_test_id("stVegaLiteChart").first).to_be_visible()
    expect(page.get_by_text(station_words.ALTERNATIVES())).to_be_visible()

    # A trip.
    go_to(page, "Trip")
    page.get_by_role("combobox", name=trip_words.ENDS["goal"], exact=True).fill("station 39")
    page.get_by_role("option", name=re.compile("^Station 39 ")).click()
    set_slider(page, 20)
    expect(page.locator(".plan").first).to_contain_text(f"Station {row}")

    # Is it any good?
    go_to(page, "Accuracy")
    page.get_by_role("combobox", name=accuracy_words.HORIZON()).click()
    page.get_by_role("option", name="1 h", exact=True).click()
    verdict = page.locator("dl.verdict dd").first
    expect(verdict).to_contain_text("cannot be told apart yet")

    # It learns while you watch.
    play(page, shell_words.BEGIN_MADE_UP["nothing"])
    expect(page.get_by_text(re.compile("^Begins anew from nothing"))).to_be_visible()
    anew = played(site)
    assert (anew.begin, anew.run) == ("nothing", 2)
    site.go_on()
    claim = LeaseClaim(TOWN.system_id, "test", site.world.now, HOUR)
    site.world.store.begin(claim, replace(anew, at=datetime.now(UTC), begun=2))
    noon = goes_on(site, town, site.world.now.replace(microsecond=0), scores=scores(site.world.now))
    page.get_by_role("combobox", name=accuracy_words.MEASURE()).click()
    page.get_by_role("option", name=accuracy_words.MEASURES["crps"]).click()
    expect(verdict).to_contain_text("learnt")
    expect(page.get_by_text(accuracy_words.LEARNT_KEY())).to_be_visible()
    expect(page.locator(".st-key-curves").get_by_test_id("stVegaLiteChart")).to_have_count(2)
    assert noon.at > town.at
    go_to(page, "Model")
