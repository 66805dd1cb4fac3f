"""The feeds page: how every feed is doing, run by Streamlit's own test runner on a real store."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import store_reader
from dashboard.screens.feeds import feed_rows, feed_table
from dashboard.words import feeds as feeds_words
from dashboard.words import shell as shell_words
from ingest.gbfs.findings import Finding
from ingest.store import LeaseClaim, PollResult, PollRow, findings_json
from tests.support.dashboard_world import DUBLIN, LEASE, NASTY, NOON, World, frame
from tests.support.paging import html, run_page, text_of

MINUTE = timedelta(minutes=1)
STARED = (Finding("no_name", 2, NASTY),)


def opened(**query: str) -> AppTest:
    return run_page(query, "feeds")


def rows(page: AppTest) -> dict[str, dict[str, str]]:
    """Read the table as a person does: by the feed's name and the column's head."""
    found = {}
    for line in re.findall(r"<tr role=\"row\".*?</tr>", html(page)):
        name = re.search(r"<button[^>]*>(.*?)</button>", line)
        if name is not None:
            cells = re.findall(r'data-head="([^"]*)"><span>(.*?)</span></td>', line)
            found[unescape(name[1])] = {head: unescape(re.sub("<br>", " · ", value)) for head, value in cells}
    return found


def oddities(page: AppTest) -> dict[str, dict[str, str]]:
    """Read the table of oddities: by what is odd, then by the column's head."""
    found = {}
    for line in re.findall(r"<tr role=\"row\".*?</tr>", html(page)):
        what = re.search(r'<th role="rowheader" scope="row">([^<]*)</th>', line)
        if what is not None:
            cells = re.findall(r'data-head="([^"]*)"><span>(.*?)</span></td>', line)
            found[unescape(what[1])] = {head: unescape(value) for head, value in cells}
    return found


def poll(world: World, outcome: str, findings: tuple[Finding, ...] = (), system_id: str = "dublin") -> None:
    """Write a poll without news."""
    answered = outcome in ("unchanged", "late")
    row = PollRow(world.now, None, outcome, None, 0.25, findings_json(findings), 30.0 if answered else None,
                  waiting=77 if answered else None)  # fmt: skip
    assert world.store.leases.take(LeaseClaim(system_id, "test", world.now, LEASE))
    world.store.commit_poll(
        LeaseClaim(system_id, "test", world.now, LEASE), PollResult(row, world.now + MINUTE, None, 0)
    )


def test_without_systems_the_page_says_what_it_waits_for(tmp_path: Path) -> None:
    empty = World(tmp_path, ())
    store_reader.use(empty.store, empty.clock)
    assert shell_words.NOTHING_YET() in text_of(opened())
    empty.store.close()


def test_feeds_that_have_not_answered_are_waiting_and_nothing_is_made_up(world: World) -> None:
    page = opened()
    assert "0 of 2 feeds are up; Dublin waiting; Boulder waiting." in text_of(page)
    assert rows(page)["Dublin · dublinbikes"] | {"Last 24 hours": ""} == {
        "State": '<b class="waiting">waiting</b>', "Last answer": "never", "Age of counts": "–",
        "Answers in": "–", "Holds (ttl)": "–", "Next poll": "–", "Polls": "0", "Failed": "0",
        "Last 24 hours": "", "Oddities": "–", "Forecasts waiting": "–", "Settled": "0", "Expired": "0",
    }  # fmt: skip
    assert feeds_words.NO_POLLS() in text_of(page)
    assert feeds_words.LIST_FAULT() not in text_of(page)


def test_a_fault_in_the_list_of_cities_is_shown_until_it_is_mended(world: World) -> None:
    world.store.findings.note_list_fault(world.now)
    assert feeds_words.LIST_FAULT() in text_of(opened())
    world.store.findings.end_list_fault()
    assert feeds_words.LIST_FAULT() not in text_of(opened())


@pytest.mark.both
def test_a_row_shows_the_whole_state_of_a_feed(world: World) -> None:
    world.commit(frame())
    world.now += 5 * MINUTE
    poll(world, "unchanged", STARED)
    world.now += timedelta(seconds=20)
    row = rows(opened(city="dublin"))["Dublin · dublinbikes"]
    assert row.pop("Last 24 hours").startswith(
        '<span class="strip" role="img" aria-label="Of 96 quarter-hours'
    )
    assert row == {
        "State": '<b class="live">live</b>', "Last answer": "12:05 · 20 s ago", "Age of counts": "5 min",
        "Answers in": "100 ms · 95 %: 250 ms", "Holds (ttl)": "30 s", "Next poll": "in 40 s", "Polls": "2",
        "Failed": "0", "Oddities": "1 kind", "Forecasts waiting": "77", "Settled": "0", "Expired": "0",
    }  # fmt: skip


def test_the_age_of_a_replay_runs_as_fast_as_the_replay(tmp_path: Path) -> None:
    fast = World(tmp_path, (replace(DUBLIN, speed=60.0, label="replayed"),))
    store_reader.use(fast.store, fast.clock)
    fast.commit(frame())
    fast.now += timedelta(seconds=10)
    assert rows(opened())["Dublin · dublinbikes · replayed"]["Age of counts"] == "10 min"
    fast.store.close()


def test_the_first_line_names_feeds_that_are_not_live_and_since_when(world: World) -> None:
    world.commit(frame())
    world.commit(frame("boulder", timezone="America/Denver"))
    world.now += 7 * MINUTE
    world.fail("boulder", "unreachable", "the name gbfs.example cannot be found")
    page = opened(city="boulder")
    assert "1 of 2 feeds is up; Boulder not reached since 05:00." in text_of(page)
    assert "not reached: the name gbfs.example cannot be found. Failed 3 times in a row." in text_of(page)
    assert "05:07: the name gbfs.example cannot be found." in text_of(page)
    row = rows(page)["Boulder · BCycle · replayed"]
    assert (row["Last answer"], row["Polls"], row["Failed"]) == ("05:00 · 7 min ago", "2", "1")


def test_a_feed_without_failures_and_oddities_says_so(world: World) -> None:
    world.commit(frame())
    world.now += MINUTE
    page = opened(city="dublin")
    assert feeds_words.NO_FAILURE() in text_of(page)
    assert feeds_words.NO_ODDITIES() in text_of(page)


@pytest.mark.both
def test_findings_are_listed_by_kind_with_an_example_as_plain_text(world: World) -> None:
    """A stranger wrote the example: as Markdown or HTML it would load an image from their server."""
    world.commit(frame())
    for _ in range(3):
        world.now += MINUTE
        poll(world, "unchanged", STARED)
    found = oddities(opened(city="dublin"))
    assert found == {
        "Stations without a name": {
            "What is done about it": "Shown by their id", "Since": "12:01", "Today": "6 × in 3 polls",
            "For example": NASTY,
        }
    }  # fmt: skip


def test_oddities_are_shown_by_their_harm_and_those_that_are_gone_with_both_times(world: World) -> None:
    world.commit(frame())
    for found in (
        (Finding("no_name", 1), Finding("bad_count", 4, "bikes at 7: -1")),
        (Finding("no_name", 1),),
    ):
        world.now += MINUTE
        poll(world, "unchanged", (*found, Finding("of_tomorrow", 1), Finding("bad_hours", 1)))
    world.now += timedelta(hours=12)
    page = opened(city="dublin")
    assert [*oddities(page)] == [
        "Opening hours that cannot be read", "Stations without a name", "Of_tomorrow",
        "Counts that are missing or make no sense",
    ]  # fmt: skip
    *_, newer, gone = oddities(page).values()
    assert (newer["What is done about it"], newer["Today"]) == ("–", "not yet")
    assert gone["Since"] == "Mon 12:01 to Mon 12:01"
    assert rows(page)["Dublin · dublinbikes"]["Oddities"] == "3 kinds"


def test_feeds_that_harm_riders_come_first(world: World) -> None:
    """By state, then by the worst finding; in their own order else."""

    def order() -> list[str]:
        return [feed.system.system_id for feed in feed_rows.feeds(store_reader.reader())]

    world.commit(frame())
    world.commit(frame("boulder"))
    assert order() == ["dublin", "boulder"]
    world.now += MINUTE
    poll(world, "unchanged", STARED)
    poll(world, "unchanged", (Finding("bad_count", 1),), "boulder")
    assert order() == ["boulder", "dublin"]
    world.now += MINUTE
    poll(world, "unchanged", STARED)
    poll(world, "unchanged", (), "boulder")
    assert order() == ["dublin", "boulder"]
    world.now += MINUTE
    world.fail("boulder", "unreachable", "no network")
    assert order() == ["boulder", "dublin"]


def test_the_address_chooses_the_feed_and_a_bad_one_falls_back(world: World) -> None:
    world.commit(frame())
    world.commit(frame("boulder"))
    world.now += MINUTE
    page = opened(city="boulder")
    assert re.search(r'<tr role="row" class="chosen"><th[^>]*><button data-do="feed:boulder"', html(page))
    assert re.search(r'<h2 class="feed" id="feed">Boulder · BCycle · replayed</h2>', html(page))
    assert '<h2 class="feed" id="feed">Dublin' in html(opened(city="nowhere"))


def test_the_page_goes_on_by_itself(world: World) -> None:
    world.commit(frame())
    world.now += MINUTE
    page = opened(city="dublin")
    assert "All 2 feeds" not in text_of(page)
    world.commit(frame("boulder"))
    world.now += MINUTE
    assert "All 2 feeds are up." in text_of(page.run())


@pytest.mark.both
def test_a_day_is_drawn_by_the_quarter_hour_and_a_failure_outweighs_news(world: World) -> None:
    world.commit(frame())
    for minutes, outcome in ((15, "unchanged"), (30, "timeout"), (32, "unchanged")):
        world.now = NOON + minutes * MINUTE
        poll(world, outcome)
    world.now = NOON + 61 * MINUTE
    known = {feed.system.system_id: feed for feed in feed_rows.feeds(store_reader.reader())}
    assert known["dublin"].quarters == (*("none",) * 91, "news", "still", "failed", "none", "none")
    assert (known["dublin"].polls, known["dublin"].failed) == (4, 1)
    day = feed_rows.history(
        world.store.feed_health.health(["dublin"], NOON - MINUTE).counts, world.now, ZoneInfo("Asia/Kolkata")
    )
    assert day["outcome"].tolist() == ["something new", "nothing new", "failed", "nothing new"]
    assert [f"{at:%H:%M}" for at in day["begin"]] == ["17:30", "17:45", "18:00", "18:00"]
    assert day[["low", "high"]].values.tolist() == [[0, 1], [0, 1], [0, 1], [1, 2]]


def test_the_bars_have_a_description_in_words() -> None:
    drawn = feed_table.strip(["news"] * 94 + ["failed", "none"])
    assert (
        'aria-label="Of 96 quarter-hours: something new 94, nothing new 0, failed 1, not polled 1"' in drawn
    )
    assert "var(--still)" not in drawn
    assert "var(--failed) 97.92% 98.96%" in drawn


def test_the_download_has_the_same_numbers(world: World) -> None:
    world.commit(frame())
    world.now += MINUTE
    poll(world, "unchanged", STARED)
    known = feed_rows.feeds(store_reader.reader())
    dublin = feed_rows.table(known).set_index("system_id").to_dict("index")["dublin"]
    expected = {"state": "live", "polls": 2, "failed": 0, "ttl_seconds": 30.0, "forecasts_waiting": 77}
    assert {name: dublin[name] for name in expected} == expected
    assert dublin["answered_at"] == NOON + MINUTE
    odd = feed_rows.oddities(known)
    assert odd.to_dict("records") == [
        {"system_id": "dublin", "name": "Dublin · dublinbikes", "kind": "no_name",
         "what": "stations without a name", "done": "shown by their id", "since": NOON + MINUTE,
         "last_at": NOON + MINUTE, "now": True, "polls_today": 1, "cases_today": 2, "cases_in_last_poll": 2,
         "example": NASTY}
    ]  # fmt: skip


@pytest.mark.parametrize("zone", ["Nowhere/Atlantis", "", "Europe/Dublin"])
def test_a_page_survives_an_unknown_time_zone(world: World, zone: str) -> None:
    made = frame()
    world.commit(replace(made, stations=replace(made.stations, timezone=zone)))
    world.now += MINUTE
    assert rows(opened(city="dublin"))["Dublin · dublinbikes"]["Last answer"] == "12:00 · 1 min ago"
