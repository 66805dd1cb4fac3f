"""The store knows of each kind of finding since when it is there, how often it came today, and an example."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from ingest.gbfs.findings import Finding
from ingest.store import Oddity, PollResult, PollRow, Reason, Store, findings_json
from ingest.store.playback import Playback
from tests.support.store_world import (
    DUBLIN,
    MINUTE,
    NOON,
    claim,
    commit,
    counted,
    described,
    learnt,
    store_url,
)

pytestmark = pytest.mark.both

HOUR = timedelta(hours=1)
NO_DOCKS = Finding("no_docks", 2, "s1")
NO_ZONE = Finding("no_zone", 1)


@pytest.fixture
def store(tmp_path: Path, store_kind: str) -> Iterator[Store]:
    made = Store(store_url(tmp_path))
    made.systems.follow([DUBLIN, replace(DUBLIN, system_id="boulder")])
    yield made
    made.close()


def answer(
    store: Store, at: datetime, *found: Finding, outcome: str = "unchanged", holder: str = "me"
) -> None:
    """Write a poll that taught nothing."""
    assert store.leases.take(claim(holder, at))
    poll = PollRow(at, None, outcome, None, 0.1, findings_json(found))
    store.commit_poll(claim(holder, at), PollResult(poll, at + MINUTE, None, 0))


def odd(store: Store, now: datetime, system_id: str = "dublin") -> dict[str, Oddity]:
    found = store.findings.oddities([system_id], now)[system_id]
    return {each.finding.kind: each for each in found}


def test_a_feed_without_oddities_has_none(store: Store) -> None:
    answer(store, NOON)
    assert store.findings.oddities(["dublin", "nowhere"], NOON) == {"dublin": [], "nowhere": []}
    assert store.findings.oddities([], NOON) == {}


def test_a_finding_is_dated_from_its_first_answer_and_has_the_newest_example(store: Store) -> None:
    answer(store, NOON, NO_DOCKS)
    answer(store, NOON + MINUTE, replace(NO_DOCKS, count=3, example="s2"), NO_ZONE)
    assert odd(store, NOON + MINUTE) == {
        "no_docks": Oddity(Finding("no_docks", 3, "s2"), NOON, NOON + MINUTE, False, polls=2, cases=5),
        "no_zone": Oddity(NO_ZONE, NOON + MINUTE, NOON + MINUTE, False, polls=1, cases=1),
    }
    assert odd(store, NOON, "boulder") == {}


def test_learnt_polls_and_polls_without_news_count_alike(store: Store) -> None:
    for minute in range(2):
        at = NOON + minute * MINUTE
        poll = PollRow(at, at, "learnt", None, 0.1, findings_json([NO_DOCKS]))
        commit(store, learnt(at, counted(at, a=minute), poll=poll, stations=described("a")))
    answer(store, NOON + 2 * MINUTE, NO_DOCKS, outcome="late")
    (found,) = odd(store, NOON + 2 * MINUTE).values()
    assert (found.since, found.polls, found.cases) == (NOON, 3, 6)


def test_a_poll_that_is_not_answered_is_no_break(store: Store) -> None:
    answer(store, NOON, NO_DOCKS)
    answer(store, NOON + MINUTE, outcome="timeout")
    assert not odd(store, NOON + MINUTE)["no_docks"].gone
    answer(store, NOON + 5 * HOUR, NO_DOCKS)
    found = odd(store, NOON + 5 * HOUR)["no_docks"]
    assert (found.since, found.polls) == (NOON, 2)


def test_another_worker_goes_on_where_the_first_one_stopped(store: Store) -> None:
    answer(store, NOON, NO_DOCKS)
    answer(store, NOON + HOUR, NO_DOCKS, holder="another")
    found = odd(store, NOON + HOUR)["no_docks"]
    assert (found.since, found.polls) == (NOON, 2)


def test_what_is_gone_is_kept_for_a_day_and_begins_anew_when_it_is_back(store: Store) -> None:
    answer(store, NOON, NO_DOCKS, NO_ZONE)
    answer(store, NOON + MINUTE, NO_ZONE)
    assert odd(store, NOON + MINUTE)["no_docks"] == Oddity(NO_DOCKS, NOON, NOON, True, polls=1, cases=2)
    answer(store, NOON + HOUR, NO_DOCKS, NO_ZONE)
    found = odd(store, NOON + HOUR)
    assert found["no_docks"] == Oddity(NO_DOCKS, NOON + HOUR, NOON + HOUR, False, polls=2, cases=4)
    assert found["no_zone"].since == NOON
    answer(store, NOON + 2 * HOUR, NO_ZONE)
    assert "no_docks" in odd(store, NOON + 24 * HOUR)
    assert "no_docks" not in odd(store, NOON + 25 * HOUR), "though no poll has dropped it yet"
    answer(store, NOON + 25 * HOUR, NO_ZONE)
    assert list(odd(store, NOON + 2 * HOUR)) == ["no_zone"]
    answer(store, NOON + 26 * HOUR)
    answer(store, NOON + 51 * HOUR)
    assert odd(store, NOON) == {}


def test_today_is_a_day_of_the_citys_calendar(store: Store) -> None:
    """In Dublin, Monday ends at 23:00 UTC in summer: its clocks are an hour ahead."""
    evening = datetime.fromisoformat("2026-07-06T22:58:00+00:00")
    poll = PollRow(evening, evening, "learnt", None, 0.1, findings_json([NO_DOCKS]))
    commit(store, learnt(evening, counted(evening, a=1), poll=poll, stations=described("a")))
    answer(store, evening + MINUTE, NO_DOCKS)
    assert odd(store, evening + MINUTE)["no_docks"].polls == 2
    assert odd(store, evening + 2 * MINUTE)["no_docks"].polls == 0, "today, no poll has had it yet"
    answer(store, evening + 2 * MINUTE, NO_DOCKS)
    found = odd(store, evening + 2 * MINUTE)["no_docks"]
    assert (found.since, found.polls, found.cases) == (evening, 1, 2)


def test_a_city_whose_zone_is_not_known_has_the_days_of_utc(store: Store) -> None:
    at = NOON.replace(hour=23, minute=59)
    wrong = replace(described("a"), timezone="Nowhere/Atlantis")
    poll = PollRow(at, at, "learnt", None, 0.1, findings_json([NO_DOCKS]))
    commit(store, learnt(at, counted(at, a=1), poll=poll, stations=wrong))
    assert odd(store, at)["no_docks"].polls == 1
    assert odd(store, at + MINUTE)["no_docks"].polls == 0


def test_a_reason_as_example_stays_one(store: Store) -> None:
    bad = Finding("bad_document", 1, Reason("web_page", {"document": "system_information"}))
    answer(store, NOON, bad)
    assert odd(store, NOON)["bad_document"].finding == bad


def test_a_played_system_that_begins_anew_has_no_oddities(store: Store) -> None:
    answer(store, NOON, NO_DOCKS)
    store.begin(claim(), Playback(NOON, NOON))
    assert odd(store, NOON) == {}
