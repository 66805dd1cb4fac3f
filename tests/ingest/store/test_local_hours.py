"""Scores of chosen hours: by the clocks of each city, also where these change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ingest.store import DAY, HOUR, SUMS, LocalHours, hours_of, span_start
from tests.support.dashboard_world import BOULDER, DUBLIN, NOON, World, frame

ZONES = {"dublin": ZoneInfo("Europe/Dublin"), "boulder": ZoneInfo("America/Denver")}
ONE = timedelta(hours=1)
MARCH = [NOON + hour * ONE for hour in range(-12, 29 * 24)]
"""Clocks change on the 8th in Denver, on the 29th in Dublin."""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Two live cities with a forecast judged each hour: of one station, and of a thousand."""
    made = World(tmp_path, (DUBLIN, replace(BOULDER, label="")))
    for city, n in (("dublin", 1), ("boulder", 1000)):
        scores = [
            {"target_at": at, "kind": "any", "model": "pool", "minutes": 30} | dict.fromkeys(SUMS, n)
            for at in MARCH
        ]
        made.commit(frame(city, at=MARCH[-1], timezone=ZONES[city].key), scores=scores)
    yield made
    made.store.close()


@pytest.mark.both
def test_the_hours_that_count_are_those_on_each_citys_clocks(world: World) -> None:
    for chosen in (
        LocalHours("weekdays", hours_of("7-10,16-19")),
        LocalHours("weekend", hours_of("22-2")),
        LocalHours("all", hours_of("1-3")),
    ):
        expect_those_alone(world, chosen)


def expect_those_alone(world: World, chosen: LocalHours) -> None:
    expected: dict[datetime, float] = {}
    for city, n in (("dublin", 1), ("boulder", 1000)):
        for at in MARCH:
            if chosen.has(at, ZONES[city]):
                expected[at] = expected.get(at, 0.0) + n
    scores = world.store.scores
    found = scores.over_time(span=HOUR, since=MARCH[0], chosen=chosen)
    assert dict(zip(found["at"].dt.to_pydatetime(), found["n"], strict=True)) == expected
    by_day: dict[datetime, float] = {}
    for at, judged in expected.items():
        start = span_start(at, DAY)
        by_day[start] = by_day.get(start, 0.0) + judged
    found = scores.over_time(span=DAY, until=MARCH[-1] + ONE, chosen=chosen)
    assert dict(zip(found["at"].dt.to_pydatetime(), found["n"], strict=True)) == by_day
    lone = scores.over_time("dublin", DAY, since=MARCH[0], chosen=chosen)
    assert lone["n"].sum() == sum(chosen.has(at, ZONES["dublin"]) for at in MARCH)


def test_horizons_are_compared_by_issue_times_in_the_chosen_hours(world: World) -> None:
    chosen = LocalHours("weekdays", (8,))
    found = world.store.scores.same_issues("dublin", MARCH[-1], timedelta(days=7), chosen=chosen)
    assert found.issued
    assert all(chosen.has(at, ZONES["dublin"]) for at in found.issued)
    assert found.sums["n"].sum() == len(found.issued)


def test_cities_that_are_made_up_are_summed_up_until_a_live_one_has_a_score(tmp_path: Path) -> None:
    made = World(tmp_path, (DUBLIN, BOULDER))
    made.commit(frame("dublin"))
    made.commit(frame("boulder"))
    assert made.store.scores.summed_up() == ["dublin"]
    score = {"target_at": NOON, "kind": "any", "model": "pool", "minutes": 30} | dict.fromkeys(SUMS, 1)
    made.now += ONE
    made.commit(frame("boulder", at=made.now), scores=[score])
    assert made.store.scores.summed_up() == ["boulder"]
    made.now += ONE
    made.commit(frame("dublin", at=made.now), scores=[score])
    assert made.store.scores.summed_up() == ["dublin"]
    made.store.close()


def test_days_of_the_week_and_hours_of_the_day_are_both_asked_for() -> None:
    chosen = LocalHours("weekend", hours_of("23-1"))
    dublin = ZONES["dublin"]
    assert chosen.has(datetime(2026, 3, 29, 0, 30, tzinfo=dublin), dublin)
    assert not chosen.has(datetime(2026, 3, 29, 1, 30, tzinfo=dublin), dublin)
    assert not chosen.has(datetime(2026, 3, 30, 0, 30, tzinfo=dublin), dublin)
    assert [chosen.has_day(date(2026, 3, day)) for day in (27, 28, 29, 30)] == [False, True, True, False]
    with pytest.raises(ValueError, match="no range of hours"):
        hours_of("7")
