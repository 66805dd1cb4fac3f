"""What map, panel, list, trip, feeds and API say of a city that closes at night by its hours."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from dashboard.maps import deck
from dashboard.words import shell as shell_words
from model import trip
from model.frame import Frame
from model.hours import OpeningHours
from tests.support.api_world import client
from tests.support.dashboard_world import World, frame
from tests.support.paging import html, run_page, text_of, touch

MIDNIGHT = datetime(2026, 3, 3, 0, 0, tzinfo=UTC)
ELEVEN = MIDNIGHT - timedelta(hours=1)


def night(at: datetime = ELEVEN, size: int = 12, only: int | None = None, **changes: Any) -> Frame:
    """Make a frame of a city that is open from 6:00 to 24:00, or one station of which is."""
    start = int(MIDNIGHT.timestamp())
    spans = [(0, start + day * 86400 - 18 * 3600, start + day * 86400) for day in range(-1, 4)]
    schedule = np.where(np.isin(np.arange(size), range(size) if only is None else [only]), 0, -1)
    hours = OpeningHours(schedule, np.array(spans), np.array(["Mo-Su 06:00-24:00"]))
    open_now = np.arange(size) != 1
    made = frame(stations=size, at=at, hours=hours, rents=open_now, returns=open_now, **changes)
    assert made.closed is not None
    for side in (made.bike, made.space):
        side.chance[:, made.closed] = 0
    return made


def shown(world: World, made: Frame) -> World:
    world.now = made.at
    world.commit(made)
    return world


def test_a_map_of_three_in_the_morning_says_that_all_is_closed_and_when_it_opens(world: World) -> None:
    shown(world, night())
    page = run_page({"city": "dublin", "at": "20260303T0300Z"})
    assert "At Tue 03:00 all stations are closed by their opening hours. They open at Tue 06:00." in text_of(
        page
    )
    assert "Nothing is forecast for this moment." not in text_of(page)


def test_a_map_of_open_hours_says_nothing_of_them(world: World) -> None:
    shown(world, night())
    assert "opening hours" not in text_of(run_page({"city": "dublin", "in": "30"})).casefold()


def test_marks_of_a_closed_target_time_are_closed_and_those_of_the_morning_have_odds() -> None:
    made = night()
    rows = deck.rows(made, "bike", 1, deck.NEAR)
    at = {"open": 55, "closed": 60}
    columns = {name: deck.NEAR.column(horizon, deck.CHANCE) for name, horizon in at.items()}
    assert "%" in str(rows[5][columns["open"]])
    assert rows[5][columns["closed"]] == "closed at that time"
    steps = deck.NEAR.column(at["closed"], deck.STEP)
    assert rows[5][steps] == deck.CLOSED_STEP


def test_a_panel_at_night_says_when_the_station_opens(world: World) -> None:
    shown(world, night(MIDNIGHT + timedelta(hours=3)))
    text = text_of(run_page({"city": "dublin", "station": "s5", "in": "30"}))
    assert "open 06:00–00:00; closed now, opens at 06:00" in text
    assert "closed then, opens at 06:00" in text


def test_a_panel_by_day_says_when_the_station_closes(world: World) -> None:
    shown(world, night(ELEVEN - timedelta(hours=9)))
    text = text_of(run_page({"city": "dublin", "station": "s5", "in": "30"}))
    assert "open 06:00–00:00; closes at Tue 00:00" in text


def test_closed_flags_that_the_hours_explain_leave_odds_in_the_morning(world: World) -> None:
    none = np.zeros(12, dtype=np.bool_)
    shown(world, night(MIDNIGHT + timedelta(hours=3), renting=none, returning=none))
    page = run_page({"city": "dublin", "station": "s5", "at": "20260303T0700Z"})
    assert "no bikes handed out" not in text_of(page)
    assert "%" in html(page)
    closed = run_page({"city": "dublin", "station": "s1", "at": "20260303T0700Z"})
    assert "closed: no bikes handed out" in text_of(closed), "s1 was closed before the night"


def test_the_list_says_closed_at_that_time(world: World) -> None:
    shown(world, night())
    page = run_page({"city": "dublin", "at": "20260303T0300Z"})
    touch(page, "list")
    assert not page.exception
    words = page.dataframe[0].value["In words"].tolist()
    assert words == ["closed at that time"] * 12


def test_feeds_show_the_hours_as_published(world: World) -> None:
    shown(world, night())
    text = text_of(run_page({"city": "dublin"}, "feeds"))
    assert "Mo-Su 06:00-24:00 (12 stations)" in text
    assert "open 06:00–00:00; closes at Tue 00:00" in text


def test_feeds_say_that_there_are_no_hours(world: World) -> None:
    shown(world, frame())
    assert "No hours are published here, or the system never closes." in text_of(
        run_page({"city": "dublin"}, "feeds")
    )


# ---------------------------------------------------------------- trips


def ends(made: Frame) -> tuple[tuple[float, float], tuple[float, float]]:
    lat, lon = made.stations.lat, made.stations.lon
    return (float(lat[0]), float(lon[0])), (float(lat[11]), float(lon[11]))


def test_no_trip_is_planned_through_the_night() -> None:
    made = night()
    assert trip.plan(made, *ends(made), leaving=5)
    assert not trip.plan(made, *ends(made), leaving=180)
    assert trip.plan(made, *ends(made), leaving=8 * 60)


def test_a_trip_ends_before_the_stations_close() -> None:
    """The last chance of a space before midnight holds to the minute, and is not blended with the night's."""
    made = night(ELEVEN - timedelta(hours=9))
    plans = trip.plan(made, *ends(made), leaving=9 * 60 + 30)
    assert plans
    assert all(made.at + timedelta(minutes=plan.at_dropoff_minutes) < MIDNIGHT for plan in plans)
    assert min(plan.chance for plan in plans) > 0.3
    assert not trip.plan(made, *ends(made), leaving=9 * 60 + 58)


def test_a_trip_goes_by_way_of_a_station_that_is_open() -> None:
    made = night(MIDNIGHT + timedelta(hours=3), only=11)
    plans = trip.plan(made, *ends(made), leaving=5)
    assert plans
    assert 11 not in {plan.dropoff for plan in plans}


def test_a_trip_that_comes_to_closed_stations_says_so(world: World) -> None:
    shown(world, night())
    text = text_of(run_page({"city": "dublin", "from": "s0", "to": "s11", "at": "20260303T0300Z"}, "trip"))
    assert (
        "No plan: the stations near where you start close at Tue 00:00, before you get there. "
        "They open at Tue 06:00."
    ) in text


def test_a_trip_that_arrives_after_closing_says_so(world: World) -> None:
    shown(world, night())
    text = text_of(run_page({"city": "dublin", "from": "s0", "to": "s11", "at": "20260302T2359Z"}, "trip"))
    assert "No plan: the stations near where you go close at Tue 00:00, before you get there." in text


def test_a_chosen_end_that_is_closed_then_is_named(world: World) -> None:
    shown(world, night(MIDNIGHT + timedelta(hours=3), only=11))
    text = text_of(run_page({"city": "dublin", "from": "s0", "to": "s11", "in": "5"}, "trip"))
    assert "Station 11: closed then, opens at 06:00. The plan goes by another station." in text


# ---------------------------------------------------------------- API


@pytest.fixture
def api(world: World) -> TestClient:
    shown(world, night())
    return client()


def test_the_api_gives_hours_and_no_chance_when_closed(api: TestClient) -> None:
    answer = api.get("/api/systems/dublin/stations/s5/forecast").json()
    assert answer["station"]["hours"] == {
        "text": "Mo-Su 06:00-24:00",
        "is_open": True,
        "opens_at": "2026-03-02T06:00:00Z",
        "closes_at": "2026-03-03T00:00:00Z",
    }
    by_minute = {each["minutes"]: each for each in answer["forecast"]}
    assert (by_minute[50]["closed"], by_minute[60]["closed"], by_minute[480]["closed"]) == (
        False,
        True,
        False,
    )
    assert by_minute[60]["bikes"]["chance"] == by_minute[60]["docks"]["chance"] == [0, 0, 0, 0]
    assert by_minute[60]["bikes"]["median"] is not None


def test_the_api_says_closed_for_all_stations_at_a_time(api: TestClient) -> None:
    answer = api.get("/api/systems/dublin/forecast", params={"minutes": 120}).json()
    assert {each["closed"] for each in answer["stations"]} == {True}
    assert {each["hours"]["closes_at"] for each in answer["stations"]} == {"2026-03-03T00:00:00Z"}


def test_the_api_has_no_hours_where_there_are_none(world: World) -> None:
    shown(world, frame())
    answer = client().get("/api/systems/dublin/forecast").json()
    assert {json.dumps(each["hours"]) for each in answer["stations"]} == {"null"}
    assert {each["closed"] for each in answer["stations"]} == {False}


def test_a_frame_of_before_opening_hours_is_read() -> None:
    old = replace(frame(), hours=None, rents=None, returns=None)
    again = Frame.from_bytes(old.to_bytes())
    assert again.closed is None
    assert again.hours is None
    assert shell_words.CLOSED["bike"] == "closed: no bikes handed out"
