"""The trip page in each of its states, run by Streamlit's own test runner on a real store."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from html import escape, unescape
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from dashboard import itinerary, store_reader
from dashboard.itinerary import Itinerary
from dashboard.maps import deck
from dashboard.state.pages import PAGES
from dashboard.words import shell as shell_words
from dashboard.words import station as station_words
from dashboard.words import trip as trip_words
from ingest.gbfs.vehicles import VehicleTypes
from model import trip
from model.frame import Frame
from model.trip import TripPlan
from tests.support import paging
from tests.support.dashboard_world import NASTY, NOON, World, frame
from tests.support.paging import html, mended, picked, run_page, touch

MARKS = None
"""The layer of marks has no id of its own."""


def opened(query: dict[str, str] | None = None, **more: str) -> AppTest:
    """Open the trip page; `start` and `goal` are `from` and `to` in the address."""
    named = {"start": "from", "goal": "to", "minutes": "in"}
    choices = {**(query or {}), **more}
    return run_page({named.get(name, name): value for name, value in choices.items()}, "trip")


def text_of(page: AppTest) -> str:
    plain = [e.value for e in (*page.text, *page.caption, *page.error)]
    return "\n".join([*plain, *(words(e.proto.body) for e in page.get("html"))])


def words(body: str) -> str:
    return " ".join(unescape(re.sub("<[^>]*>", " ", body)).split())


def cards(page: AppTest) -> list[str]:
    return [words(body) for body in re.findall('<section class="plan.*?</section>', html(page))]


def drawn(page: AppTest) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(page.get("deck_gl_json_chart")[0].proto.json))


def layer(page: AppTest, name: str | None) -> dict[str, Any]:
    return next(each for each in drawn(page)["layers"] if each.get("id") == name)


def place(made: Frame, row: int) -> tuple[float, float]:
    return float(made.stations.lat[row]), float(made.stations.lon[row])


def uncertain(chance: int = 80, size: int = 12) -> Frame:
    """Make a city where everything is known and open, with the given chance."""
    made, everywhere = frame(stations=size), np.ones(size, bool)
    odds = np.full_like(made.bike.chance, chance)
    return replace(
        made, renting=everywhere, returning=everywhere,
        bike=replace(made.bike, chance=odds), space=replace(made.space, chance=odds),
    )  # fmt: skip


def test_without_systems_and_without_an_answer_the_page_says_what_it_waits_for(tmp_path: Path) -> None:
    empty = World(tmp_path, ())
    store_reader.use(empty.store, empty.clock)
    assert shell_words.NOTHING_YET() in text_of(opened())
    empty.store.close()


def test_a_city_without_a_frame_says_so_and_draws_nothing(world: World) -> None:
    page = opened(city="dublin", start="s3", goal="s9")
    assert "Waiting for the first answer of Dublin · dublinbikes." in text_of(page)
    assert not page.get("deck_gl_json_chart")
    assert page.query_params["from"] == "s3"


def test_the_first_answer_brings_the_plan(world: World) -> None:
    page = opened(city="dublin", start="s3", goal="s9")
    world.commit(frame())
    assert len(cards(page.run())) == 3


def test_the_start_is_chosen_on_a_map_of_bikes_and_the_goal_on_one_of_spaces(world: World) -> None:
    world.commit(frame())
    page = opened(city="dublin")
    assert trip_words.ASK["start"] in text_of(page)
    assert "/bike-1-near.json" in drawn(page)["layers"][0]["data"]
    page = opened(city="dublin", start="s4", n="2")
    assert trip_words.ASK["goal"] in text_of(page)
    assert "Marks: chance of 2 spaces at 12:15." in text_of(page)
    assert "/space-2-near.json" in drawn(page)["layers"][0]["data"]
    assert not cards(page)


def test_the_plans_are_those_of_the_model_in_their_order(world: World) -> None:
    made = uncertain()
    world.commit(made)
    page = opened(city="dublin", start="s4", goal="s11", n="2", minutes="10")
    plans = trip.plan(made, place(made, 4), place(made, 11), 10, people=2)
    shown = cards(page)
    assert [card.split(" ")[0] for card in shown] == ["Recommended", "Next", "Third"]
    for plan, card in zip(plans, shown, strict=True):
        assert f"Take 2 bikes at Station {plan.pickup} " in card
        assert f"Leave them at Station {plan.dropoff} " in card
        assert f"{round(plan.minutes)} min · there at 12:{10 + round(plan.minutes)}" in card
        assert card.count("likely · 80 %") == 2
        assert "That both work: even · 64 %" in card
    ride = layer(page, "ride")["data"]
    assert [point[::-1] for point in ride[0][0]] == [
        [round(degrees, 5) for degrees in place(made, row)] for row in (plans[0].pickup, plans[0].dropoff)
    ]
    assert len(layer(page, "others")["data"]) == 2


def test_a_walk_at_either_end_stands_between_its_times(world: World) -> None:
    made = uncertain()
    world.commit(made)
    lat, lon = place(made, 4)
    page = opened(city="dublin", start=f"{lat - 0.001},{lon}", goal="s11", minutes="0")
    best = trip.plan(made, (lat - 0.001, lon), place(made, 11))[0]
    assert best.pickup == 4
    card = cards(page)[0]
    assert (
        f"12:00 Set out from {lat - 0.001:.4f}, {lon:.4f} 2 min walk 12:02 Take a bike at Station 4" in card
    )
    assert card.endswith("Leave it at Station 11 likely · 80 %")
    assert layer(page, "on-foot")["data"]


def test_the_age_of_the_counts_is_added_to_the_minutes(world: World) -> None:
    """A frame's minutes begin at its counts: leaving in 20 min on counts of 9 min ago is minute 29."""
    made = frame()
    fading = np.linspace(100, 20, len(made.minutes)).astype(np.uint8)[None, :, None]
    chance = np.broadcast_to(fading, made.bike.chance.shape)
    made = replace(uncertain(), bike=replace(made.bike, chance=chance.copy()))
    world.commit(made)
    world.now = NOON + timedelta(minutes=9)
    page = opened(city="dublin", start="s4", goal="s11", minutes="20")
    plan = trip.plan(made, place(made, 4), place(made, 11), 29)[0]
    assert page.slider[0].label == "Leaving today at 12:29 · in 20 min"
    assert f"Take a bike at Station 4 {shell_words.chance(round(100 * plan.chance_bike))}" in cards(page)[0]
    assert round(100 * plan.chance_bike) != fading[0, 4, 0]


def test_times_are_the_citys_and_later_names_its_day(world: World) -> None:
    world.commit(frame("boulder", timezone="America/Denver"))
    page = opened(city="boulder", start="s4", goal="s11", at="20260303T0855Z")
    assert "Leaving tomorrow at 01:55 · in 20 h 55 min" in text_of(page)
    assert "Tue 01:55 Take a bike at" in cards(page)[0]


def fading(until: int) -> Frame:
    """Let bikes be almost sure until a minute, and hardly to be had afterwards."""
    made = uncertain()
    sure = np.where(np.array(made.minutes) <= until, 99, 8).astype(np.uint8)
    chance = np.broadcast_to(sure[None, :, None], made.bike.chance.shape).copy()
    space = np.full_like(chance, 99)
    return replace(made, bike=replace(made.bike, chance=chance), space=replace(made.space, chance=space))


def test_until_when_a_rider_may_leave_and_when_it_is_best(world: World) -> None:
    world.commit(fading(60))
    page = opened(city="dublin", start="s4", goal="s11")
    assert "Leave by 13:00: until then both ends work with 90 % or more. Best is 12:15: 98 %." in text_of(
        page
    )
    assert 'data-do="leave:20260302T1300Z">Leave 13:00 · 98 %<' in html(page)
    assert trip_words.BY_LEAVING() in text_of(page)
    assert page.get("vega_lite_chart")[0].proto.alt == trip_words.DEPARTURES_ALT()
    page = opened(city="dublin", start="s4", goal="s11", at="20260302T1400Z")
    assert "Leaving between 14:00 and 17:00, the chance that both ends work stays below 90 %." in text_of(
        page
    )


def test_arrive_by_plans_backwards(world: World) -> None:
    world.commit(fading(60))
    page = opened(city="dublin", start="s4", goal="s11", at="20260302T1240Z", by="arrive")
    assert "There today at 12:40 at the latest · in 40 min" in text_of(page)
    assert cards(page)[0].endswith("12:39 Leave it at Station 11 almost sure · 99 %")
    assert "to be there by 12:40: both ends work with 98 %." in text_of(page)
    # Bikes are gone when the last departure would take one: an earlier one is recommended.
    page = opened(city="dublin", start="s4", goal="s11", at="20260302T1400Z", by="arrive")
    assert re.search(r"Leave by 1[23]:\d\d to be there by 14:00: both ends work with 9\d %", text_of(page))
    assert "13:0" in cards(page)[0]
    page = opened(city="dublin", start="s4", goal="s11", minutes="5", by="arrive")
    assert "No trip is there by 12:05: the quickest takes 7 min from door to door." in text_of(page)


def test_the_walk_is_advised_where_it_is_quicker_and_given_for_comparison_where_not(world: World) -> None:
    world.commit(uncertain())
    page = opened(city="dublin", start="53.3470,-6.2650", goal="53.3470,-6.2620")
    assert "Walk: on foot it is 3 min all the way, and no bike is quicker." in text_of(page)
    assert cards(page)
    page = opened(city="dublin", start="s3", goal="s8")
    assert "no bike is quicker" not in text_of(page)
    assert (
        f"On foot all the way: {round(trip.walk(*(place(frame(), row) for row in (3, 8))))} min."
        in text_of(page)
    )


def test_the_settings_are_stated(world: World) -> None:
    world.commit(frame())
    for query in ({}, {"from": "s3", "to": "s9"}):
        stated = text_of(opened({"city": "dublin", **query}))
        for setting in ("4.8 km/h on foot", "14 km/h by bike", "1.3 times", "at most 15 min on foot"):
            assert setting in stated


def test_the_same_place_at_both_ends_is_no_trip(world: World) -> None:
    world.commit(frame())
    page = opened(city="dublin", start="s3", goal="s3")
    assert trip_words.SAME_PLACE() in text_of(page)
    assert not cards(page)


def test_an_end_far_from_every_station_has_no_plan(world: World) -> None:
    world.commit(frame())
    page = opened(city="dublin", start="53.2,-6.2", goal="s9")
    assert trip_words.none_near("bike") in text_of(page)
    assert "On foot all the way: 4 h" in text_of(page)
    assert page.get("deck_gl_json_chart")
    assert trip_words.none_near("space") in text_of(opened(city="dublin", start="s9", goal="53.2,-6.2"))


def test_closed_stations_are_in_no_plan_and_one_that_was_chosen_says_so(world: World) -> None:
    made = frame()
    world.commit(made)
    page = opened(city="dublin", start="s1", goal="s11")
    assert trip_words.end_closed("Station 1", "bike") in text_of(page)
    assert "Take a bike at Station 1 " not in text_of(page)
    world.now += timedelta(minutes=1)
    world.commit(replace(made, at=world.now, returning=np.zeros(12, bool)))
    assert trip_words.none_open("space") in text_of(opened(city="dublin", start="s4", goal="s11"))


def test_without_counts_of_docks_there_is_no_plan(world: World) -> None:
    made = frame()
    unknown = np.full_like(made.space.chance, 255)
    world.commit(replace(made, docks=np.full_like(made.docks, -1), space=replace(made.space, chance=unknown)))
    page = opened(city="dublin", start="s3", goal="s9")
    assert shell_words.NO_DOCKS() in text_of(page)
    assert trip_words.none_known("space") in text_of(page)
    assert not cards(page)


def test_one_station_for_both_ends_is_no_ride(world: World) -> None:
    world.commit(uncertain(size=3))
    made = uncertain(size=3)
    alone = np.array([True, False, False])
    world.now += timedelta(minutes=1)
    world.commit(replace(made, at=world.now, renting=alone, returning=alone))
    assert trip_words.ONE_STATION() in text_of(opened(city="dublin", start="s1", goal="s2"))


def test_without_bikes_there_is_no_pair(world: World) -> None:
    world.commit(uncertain(0))
    assert trip_words.no_pair(3, "bike") in text_of(opened(city="dublin", start="s3", goal="s9", n="3"))


def test_a_silent_feed_shows_a_notice_and_counts_too_old_give_no_plan(world: World) -> None:
    world.commit(frame())
    world.now += timedelta(seconds=30)
    world.fail("dublin", "silent", "the feed repeats itself")
    page = opened(city="dublin", start="s3", goal="s9")
    assert "has fallen silent: the feed repeats itself." in text_of(page)
    assert cards(page)
    assert layer(page, MARKS)["opacity"] == deck.FADED
    world.now = NOON + timedelta(hours=24, minutes=40)
    page = opened(city="dublin", start="s3", goal="s9")
    assert "That is too old to forecast from." in text_of(page)
    assert not cards(page)
    assert not page.get("deck_gl_json_chart")


def test_a_start_beyond_the_forecast_shows_a_notice(world: World) -> None:
    world.commit(frame())
    world.now = NOON + timedelta(minutes=60)
    page = opened(city="dublin", start="s3", goal="s9", at="20260303T1259Z")
    assert "The forecast reaches until Tue 12:30." in text_of(page)
    assert not cards(page)


def test_a_feed_without_stations_says_so(world: World) -> None:
    made = frame(stations=3)
    none = {name: getattr(made, name)[:0] for name in ("bikes", "docks", "ebikes", "renting", "returning")}
    fields = ("station_id", "name", "lat", "lon", "capacity")
    stations = replace(made.stations, **{n: getattr(made.stations, n)[:0] for n in fields})
    sides = {
        side: replace(
            getattr(made, side),
            **{n: getattr(getattr(made, side), n)[..., :0] for n in ("median", "low", "high", "chance")},
        )
        for side in ("bike", "space")
    }
    world.commit(replace(made, stations=stations, **none, **sides))
    page = opened(city="dublin", start="s1", goal="53.345,-6.265")
    assert shell_words.NO_STATIONS() in text_of(page)
    assert not page.error


def test_the_address_holds_the_trip_and_brings_it_back(world: World) -> None:
    world.commit(uncertain())
    page = opened(city="dublin", start="s4", goal="s11")
    touch(page, "n", "3")
    page.slider[0].set_value(25).run()
    address = {name: page.query_params[name] for name in page.query_params}
    assert address == {"city": "dublin", "from": "s4", "to": "s11", "n": "3", "in": "25"}
    again = opened(address)
    assert again.slider[0].value == 25
    assert cards(again) == cards(page)
    assert "Take 3 bikes at" in cards(again)[0]


@pytest.mark.parametrize(
    "query",
    [
        {"city": "atlantis", "from": "s4", "to": "s11"},
        {
            "city": "dublin",
            "from": "none",
            "to": "'; drop table",
            "n": "-7",
            "in": "soon",
            "at": "x",
            "by": "late",
        },
        {"city": "dublin", "from": "91,0", "to": "nan,nan", "n": "9" * 5000},
        {"city": "dublin", "from": "1,2,3", "to": "here", "by": "late"},
        {"city": "dublin", "from": "<script>", "to": ""},
    ],
)
def test_bad_values_in_the_address_fall_back(world: World, query: dict[str, str]) -> None:
    world.commit(frame())
    page = opened(query)
    assert not page.error
    assert picked(page) == "dublin"
    assert drawn(page)
    assert "<script>" not in html(page)
    assert trip_words.ASK["start"] in text_of(page), "no city may take another's station for its own"


def test_a_trip_from_here_waits_for_the_browser_and_keeps_the_place_out_of_the_address(
    world: World,
) -> None:
    made = uncertain()
    world.commit(made)
    page = opened(city="dublin", start="here", goal="s11", minutes="0")
    assert trip_words.HERE_UNKNOWN() in text_of(page)
    page.session_state["here"] = place(made, 4)
    page.run()
    assert f"12:00 Set out from {trip_words.WHERE_YOU_ARE()}" in cards(page)[0]
    assert page.query_params["from"] == "here"
    page = opened(city="dublin")
    page.session_state["lost"] = 1
    assert station_words.lost(1) in text_of(page.run())


def test_each_end_is_searched_where_its_own_chance_stands(world: World) -> None:
    version = world.commit(frame())
    page = opened(city="dublin")
    for side, what in (("start", "bike"), ("goal", "space")):
        rows = f"/api/frames/dublin/{version}/{what}-1-near.json"
        assert f'data-for="{side}" data-rows="{rows}" data-column="' in html(page)
    world.now += timedelta(days=2)
    assert 'data-for="goal" data-rows="' in html(page.run())
    assert "data-column" not in html(page)


def test_a_new_frame_changes_the_plan_but_not_the_view(world: World) -> None:
    made = uncertain()
    world.commit(made)
    page = opened(city="dublin", start="s4", goal="s11")
    view, identity = drawn(page)["initialViewState"], page.get("deck_gl_json_chart")[0].proto.id
    assert "Take a bike at Station 4 " in cards(page)[0]
    closed = made.renting.copy()
    closed[4] = False
    world.now += timedelta(minutes=1)
    world.commit(replace(made, at=world.now, renting=closed))
    page.run()
    assert "Take a bike at Station 4 " not in cards(page)[0]
    assert drawn(page)["initialViewState"] == view
    assert page.get("deck_gl_json_chart")[0].proto.id == identity
    assert opened(city="dublin", start="s4", goal="s10").get("deck_gl_json_chart")[0].proto.id != identity


def test_marks_say_bikes_near_the_start_and_spaces_near_the_end(world: World) -> None:
    made = uncertain(80)
    made = replace(made, space=replace(made.space, chance=np.full_like(made.space.chance, 5)))
    world.commit(made)
    rows = layer(opened(city="dublin", start="s0", goal="s11"), MARKS)["data"]
    at = {row[2]: row[10] for row in rows}
    assert at[NASTY] == "a bike: likely · 80 %"
    assert at["Station 11"] == "a space: hardly · 5 %"


def test_a_station_name_is_never_markup(world: World) -> None:
    world.commit(uncertain())
    page = opened(city="dublin", start="s0", goal="s11")
    assert f"<b>{escape(NASTY)}</b>" in html(page)
    assert "<b>Quay" not in html(page)
    assert "<img" not in html(page)
    for element in (*page.markdown, *page.caption):
        assert "evil.example" not in element.value


def test_the_pages_lead_to_each_other_with_all_that_is_chosen(world: World) -> None:
    world.commit(frame())
    page = AppTest.from_file(paging.START, default_timeout=20)
    page.query_params.update({"city": "dublin", "station": "s5", "what": "space", "n": "2"})
    page.run()
    assert 'href="trip?city=dublin&amp;from=s5&amp;n=2&amp;in=15" data-do="page:trip">' in html(page)
    assert re.search('data-do="page:map" aria-current="page">', html(page))
    page.switch_page(PAGES["trip"].script)
    page.query_params.clear()
    page.query_params.update({"city": "dublin", "from": "s4", "n": "2"})
    page.run()
    assert trip_words.ASK["goal"] in text_of(page)
    assert (
        'href="./?city=dublin&amp;station=s5&amp;what=space&amp;n=2&amp;in=15" data-do="page:map">'
        in html(page)
    )
    assert re.search('data-do="page:trip" aria-current="page">', html(page))
    page.switch_page(PAGES["map"].script)
    page.query_params.clear()
    page.query_params.update({"city": "dublin", "station": "s5", "what": "space", "n": "2"})
    page.run()
    assert "Chance of 2 spaces" in text_of(page)
    assert 'href="trip?city=dublin&amp;from=s4&amp;n=2&amp;in=15"' in html(page)


def test_going_back_to_an_address_without_a_pages_choices_keeps_them(world: World) -> None:
    """Streamlit leaves such an address in the browser's history between two pages."""
    world.commit(uncertain())
    page = opened(city="dublin", start="s4", goal="s11")
    for path, query in (("map", {"what": "space"}), ("trip", {"what": "space"})):
        page.switch_page(PAGES[path].script)
        page.query_params.clear()
        page.query_params.update({"city": "dublin", **query})
        page.run()
    assert "Take a bike at Station 4 " in cards(page)[0]
    assert mended(page)["right"]["from"] == "s4"
    assert "what" not in mended(page)["right"]


def test_another_city_drops_both_ends(world: World) -> None:
    world.commit(frame())
    world.commit(frame("boulder"))
    page = opened(city="dublin", start="s4", goal="s11")
    touch(page, "feed", "boulder")
    assert page.query_params["city"] == "boulder"
    assert "from" not in page.query_params
    assert trip_words.ASK["start"] in text_of(page)


def plan_of(to: float, riding: float, back: float) -> TripPlan:
    return TripPlan(0, 1, to, riding, back, to + riding + back, to, to + riding, 1.0, 1.0, 1.0, 0.0)


@given(minutes=st.tuples(*(st.floats(0, 90) for _ in range(3))))
def test_an_itinerary_adds_up_to_the_rounded_whole(minutes: tuple[float, float, float]) -> None:
    way = Itinerary.of(plan_of(*minutes), NOON)
    assert way.to + way.riding + way.back == way.minutes == round(sum(minutes))
    for rounded, exact in zip((way.to, way.riding, way.back), minutes, strict=True):
        assert rounded >= 0
        assert abs(rounded - exact) <= 1


def test_a_station_comes_before_a_place_of_the_same_name() -> None:
    made = frame()
    ids = made.stations.station_id.copy().astype("<U20")
    ids[3], ids[4] = "53.1,-6.1", "here"
    made = replace(made, stations=replace(made.stations, station_id=ids))
    for told, row in (("53.1,-6.1", 3), ("here", 4)):
        found = itinerary.end(made, told, None)
        assert found is not None
        assert found.row == row
    assert itinerary.end(made, "53.2,-6.2", None) == itinerary.End((53.2, -6.2), "53.2000, -6.2000")


def test_a_system_whose_bikes_must_come_back_has_no_trip_and_says_why(world: World) -> None:
    types = VehicleTypes({"b": "plain"}, frozenset("b"))
    world.commit(frame(), documents={"vehicle_types": types.to_json()})
    page = opened(start="s3", goal="s10")
    assert "bikes here must come back to the station" in text_of(page)
    assert not cards(page)
    assert not page.get("deck_gl_json_chart")
    assert not page.exception
