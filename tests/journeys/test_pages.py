"""The accuracy, feeds and model pages in real Chromium: found from the map, live without reload, for all."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from dashboard.state.pages import PAGES
from dashboard.words import feeds as feeds_words
from dashboard.words import model as model_words
from dashboard.words import shell as shell_words
from ingest.gbfs.findings import Finding
from ingest.store import LeaseClaim, PollRow, TickResult
from ingest.store.daily_scores import by_day
from model import Forecaster, Snapshot
from tests.support.browsing import DESK, PHONE, Site, Visit, barred, fits, small_targets
from tests.support.dashboard_world import NASTY
from tests.support.processes import wait_for

pytestmark = pytest.mark.browser

AT_A_DESK, ON_A_PHONE = (
    pytest.mark.parametrize(("device", "scheme"), [chosen], ids=[name])
    for chosen, name in (((DESK, "dark"), "desk"), ((PHONE, "light"), "phone"))
)
"""One device a page: opening one in Chromium is what takes time here."""

BOULDER = "Boulder · BCycle · replayed"
NO_NEWS = "the server did not answer within 10 s"


@pytest.fixture
def harmless() -> re.Pattern[str]:
    """On any page but the first, Streamlit's browser side looks for its server below the page, then above."""
    return re.compile(rf"/({'|'.join(PAGES)})/_stcore/")


def go_to(page: Page, name: str) -> None:
    page.get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("link", name=name, exact=True)).to_have_attribute("aria-current", "page")


def write_down(site: Site, minutes: int, by: int = 1) -> Forecaster:
    """Let Dublin's forecaster learn for some minutes, and write it down as a tick does.

    Counts differ from minute to minute by so many at most.
    """
    made = site.dublin
    forecaster = Forecaster(made.stations)
    rng, bikes = np.random.default_rng(1), made.bikes.astype(np.int64)
    scores = []
    for minute in range(minutes):
        at = site.world.now - timedelta(minutes=minutes - minute)
        counts = np.where(bikes < 0, -1, np.clip(bikes + rng.integers(-by, by + 1, len(bikes)), 0, 15))
        snapshot = Snapshot(at, made.stations.station_id, counts, np.where(counts < 0, -1, 15 - counts))
        scores += forecaster.learn(snapshot)
    now = site.world.now = site.world.now + timedelta(seconds=1)
    newest = forecaster.snapshot()
    assert newest is not None
    assert forecaster.learning_since is not None
    tick = TickResult(
        poll=PollRow(now, now, "learnt", None, 0.1, "[]", 60.0, 0.01, 0.2, 5),
        next_poll_at=now + timedelta(minutes=1),
        changes=replace(newest, at=now),
        frame=replace(made, at=now).to_bytes(),
        learning_since=forecaster.learning_since,
        scores=[score.row() for score in scores],
        daily=by_day(scores, newest.station_id, made.stations.timezone),
        stations=None,
        checkpoint=forecaster.to_bytes(),
    )
    site.world.store.commit_tick(LeaseClaim("dublin", "test", now, timedelta(hours=1)), tick)
    return forecaster


@ON_A_PHONE
def test_errors_move_by_themselves(visit: Visit, site: Site, device: dict[str, Any], scheme: str) -> None:
    write_down(site, 20)
    page = visit("?city=dublin&ahead=5&past=hours", device, scheme)
    go_to(page, "Accuracy")
    expect(page).to_have_url(re.compile("ahead=5&measure=mae&past=hours"))
    verdict, scored = page.locator("dl.verdict dd").first, page.get_by_text("Scored since")
    curve = page.locator(".st-key-curves").get_by_test_id("stVegaLiteChart").first
    expect(verdict).to_contain_text("bikes off")
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(8)
    assert not barred(page)
    assert fits(page)
    if device is PHONE:
        assert not small_targets(page)

    judged, drawn = scored.inner_text(), curve.screenshot()
    write_down(site, 45, by=4)  # or the error may round to what it was: the other device's are there too
    expect(scored).not_to_have_text(judged)
    wait_for(lambda: curve.screenshot() != drawn)


@AT_A_DESK
def test_see_how_every_feed_is_doing(visit: Visit, site: Site, device: dict[str, Any], scheme: str) -> None:
    site.world.now += timedelta(seconds=1)
    long = Finding("bad_document", 1, "x" * 80)
    site.world.find("dublin", long, Finding("bad_count", 3, f"bikes at {NASTY}: -1"))
    page = visit("?city=dublin", device, scheme)
    go_to(page, "Feeds")
    rows = page.get_by_role("table").first.get_by_role("row")
    dublin, boulder = rows.filter(has_text="dublinbikes"), rows.filter(has_text="BCycle")
    odd = page.get_by_role("table", name=feeds_words.ODDITIES()).get_by_role("row")
    expect(odd.nth(1)).to_contain_text("Counts that are missing or make no sense")
    expect(odd.nth(1)).to_contain_text("× in")
    expect(dublin).to_contain_text("live")
    expect(page.locator("h2.feed")).to_have_text("Dublin · dublinbikes")
    expect(page.get_by_test_id("stVegaLiteChart")).to_be_visible()
    assert not barred(page)
    assert fits(page)
    if device is PHONE:
        assert not small_targets(page)

    boulder.get_by_role("button").click()
    expect(page.locator("h2.feed")).to_have_text(BOULDER)
    expect(page).to_have_url(re.compile("city=boulder"))
    site.world.now += timedelta(seconds=1)
    site.world.fail("boulder", "unreachable", NO_NEWS)
    expect(boulder).to_contain_text("not reached")
    expect(page.get_by_role("status").filter(has_text="Boulder not reached since")).to_be_visible()
    expect(page.locator(".st-key-feed").get_by_text(NO_NEWS).first).to_be_visible()
    boulder.get_by_role("link", name=feeds_words.CLOSER()).click()
    expect(page.locator("h2.feed")).to_be_in_viewport()


@ON_A_PHONE
def test_look_into_the_model(visit: Visit, site: Site, device: dict[str, Any], scheme: str) -> None:
    forecaster = write_down(site, 30)
    page = visit("?city=dublin&station=s20", device, scheme)
    go_to(page, "Model")
    expect(page).to_have_url(re.compile("station=s20"))
    parts = page.locator(".pipeline .part")
    expect(parts.filter(has_text="SpreadExpert")).to_contain_text("reads: Changes")
    waiting = f"{sum(n for minutes, n in forecaster.waiting.items() if minutes <= 120):,} wait for up to 2 h"
    expect(parts.filter(has_text=waiting)).to_be_visible()
    expect(page.get_by_role("heading", name="Riders an hour through the week: Station 20")).to_be_visible()
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(3)
    assert not barred(page)
    assert fits(page)
    if device is PHONE:
        assert not small_targets(page)

    write_down(site, 60)
    expect(parts.filter(has_text=waiting)).to_have_count(0)


def test_the_numbers_behind_a_chart_are_shown_and_downloaded(visit: Visit, site: Site) -> None:
    forecaster = write_down(site, 30)
    page = visit("?city=dublin&station=s20")
    go_to(page, "Model")
    # A chart that comes in moves what is below it.
    expect(page.get_by_test_id("stVegaLiteChart").locator("canvas, svg")).to_have_count(3)
    page.get_by_text(shell_words.numbers_of(model_words.WEIGHTS_TABLE())).click()
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()
    tables = []
    for label, read in ((shell_words.AS_CSV(), pd.read_csv), (shell_words.AS_PARQUET(), pd.read_parquet)):
        with page.expect_download() as downloaded:
            page.get_by_role("button", name=label).click()
        assert downloaded.value.suggested_filename.startswith("dockcast-dublin-s20-weights.")
        tables.append(read(io.BytesIO(downloaded.value.path().read_bytes())))
    assert tables[0]["expert"].unique().tolist() == [expert.name for expert in forecaster.experts]
    pd.testing.assert_frame_equal(tables[0], tables[1], check_dtype=False)
