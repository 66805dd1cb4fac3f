"""The map page in each of its states, run by Streamlit's own test runner on a real store."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from html import escape, unescape
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import sqlalchemy as sa
from streamlit.testing.v1 import AppTest

from dashboard import nearby, store_reader
from dashboard.components import which_city
from dashboard.maps import deck
from dashboard.words import shell as shell_words
from dashboard.words import station as station_words
from ingest.city.cities import CITIES
from ingest.store import LeaseClaim
from ingest.store.tables import frames
from model import codec
from model.moments import frame_at
from model.records import CountState
from tests.support.dashboard_world import BOULDER, DUBLIN, NASTY, NOON, World, dark, frame
from tests.support.paging import html, picked, picker, run_page, touch


def opened(**query: str) -> AppTest:
    return run_page(query)


def text_of(page: AppTest) -> str:
    plain = [e.value for e in (*page.text, *page.caption, *page.error)]
    written = [unescape(re.sub("<[^>]*>", "", e.proto.body)) for e in page.get("html")]
    return "\n".join([*plain, *written])


def maps(page: AppTest) -> list[str]:
    return [e.proto.json for e in page.get("deck_gl_json_chart")]


def metrics(page: AppTest) -> dict[str, str]:
    pairs = re.findall("<dt>([^<]*)</dt><dd>(.*?)</dd>", html(page))
    return {unescape(name): unescape(re.sub("<[^>]*>", "", value)) for name, value in pairs}


def test_without_worker_and_systems_the_page_waits_for_a_worker(tmp_path: Path) -> None:
    """A worker with an empty list ends at once, so that the page cannot tell it from none."""
    empty = World(tmp_path, ())
    store_reader.use(empty.store, empty.clock)
    assert "the worker is starting, is not running, or its list is empty" in text_of(opened())
    empty.store.close()


def test_an_empty_list_of_systems_shows_a_notice(tmp_path: Path) -> None:
    empty = World(tmp_path, ())
    store_reader.use(empty.store, empty.clock)
    assert empty.store.leases.take(LeaseClaim("elsewhere", "test", NOON, timedelta(minutes=1)))
    assert "No system is followed" in text_of(opened())
    empty.store.close()


def test_a_city_that_has_not_answered_says_so(world: World) -> None:
    page = opened()
    assert "Waiting for the first answer of Dublin · dublinbikes." in text_of(page)
    assert "the worker is starting, or not running" in text_of(page)
    assert not maps(page)


def test_a_made_up_city_says_that_its_month_is_being_learnt(tmp_path: Path) -> None:
    made_up = World(tmp_path, (CITIES["harbourton"].system,))
    store_reader.use(made_up.store, made_up.clock)
    assert made_up.store.leases.take(LeaseClaim("harbourton", "test", NOON, timedelta(minutes=1)))
    assert "Its last four weeks are being learnt." in text_of(opened(city="harbourton"))
    made_up.store.close()


def test_while_a_worker_compiles_the_page_says_so_and_goes_on(world: World) -> None:
    world.store.preparations.note("elsewhere", world.now, timedelta(seconds=15))
    page = opened()
    assert "Dockcast prepares its forecaster. That takes about a minute" in text_of(page)
    assert "Waiting for" not in text_of(page)
    assert not maps(page)
    world.store.preparations.end("elsewhere")
    world.commit(frame())
    page = opened()
    assert "prepares its forecaster" not in text_of(page)
    assert maps(page)


def test_a_city_out_of_reach_shows_the_reason_and_the_next_try(world: World) -> None:
    world.fail("dublin", "unreachable", "the name gbfs.example cannot be found")
    page = opened(city="dublin")
    assert "cannot be reached: the name gbfs.example cannot be found. Next try in 40 s." in text_of(page)
    assert "not running" not in text_of(page)
    assert picker(page)[0] == "Dublin · dublinbikes · not reached"


def test_a_city_out_of_reach_offers_to_try_now_once_and_cities_that_have_answered(world: World) -> None:
    world.commit(frame("boulder"))
    world.fail("dublin", "unreachable", "no answer")
    page = opened(city="dublin")
    html = "".join(each.proto.body for each in page.get("html"))
    assert 'data-do="try:dublin"' in html
    assert 'data-do="feed:boulder"' in html
    world.now += timedelta(seconds=1)
    store_reader.reader().ask_for_try("dublin")
    page.run()
    assert shell_words.TRIED_SOON() in text_of(page)
    assert not any("try:" in each.proto.body for each in page.get("html"))
    world.now += timedelta(seconds=10)
    store_reader.reader().ask_for_try("dublin")
    assert world.store.tries.asked_at()["dublin"] == NOON + timedelta(seconds=1), "one is enough"
    world.fail("dublin", "unreachable", "no answer")
    assert shell_words.TRY_NOW() in text_of(page.run())
    for asked in ("boulder", "atlantis", "'; drop table"):
        store_reader.reader().ask_for_try(asked)
    assert set(world.store.tries.asked_at()) == {"dublin", "boulder"}


def test_a_refused_feed_shows_the_reason(world: World) -> None:
    world.fail("dublin", "refused", "the system has no stations, only free-floating bikes")
    assert "its feed cannot be used: the system has no stations" in text_of(opened(city="dublin"))


def test_the_first_city_with_an_answer_opens_and_stays(world: World) -> None:
    world.commit(frame("boulder"))
    page = opened()
    assert "Waiting for the first answer of Dublin" in text_of(page)
    world.now += which_city.PATIENCE
    assert picked(page.run()) == "boulder"
    world.commit(frame("dublin"))
    assert picked(page.run()) == "boulder"
    assert picked(opened()) == "dublin"


def test_a_live_city_shows_map_age_and_summary(world: World) -> None:
    version = world.commit(frame())
    world.now = NOON + timedelta(seconds=40)
    page = opened(city="dublin")
    assert f"/api/frames/dublin/{version}/bike-1-near.json" in maps(page)[0]
    assert "counts from 12:00, 40 s ago · learning for 14 min" in text_of(page)
    assert "On Monday at 12:15, a bike is likely or almost sure at" in text_of(page)
    assert "Choose a station on the map" in text_of(page)
    assert page.slider[0].label == "Arriving today at 12:15 · in 15 min"


def test_the_slider_moves_columns_and_clock_but_neither_rows_nor_view(world: World) -> None:
    world.commit(frame())
    page = opened(city="dublin")
    before = maps(page)[0]
    page.slider[0].set_value(25).run()
    after = maps(page)[0]
    assert page.slider[0].label == "Arriving today at 12:25 · in 25 min"
    assert before != after
    (was, now) = (json.loads(each) for each in (before, after))
    assert was["initialViewState"] == now["initialViewState"]
    assert was["layers"][0]["data"] == now["layers"][0]["data"]
    assert page.query_params["in"] == "25"


def test_a_space_and_how_many_change_the_rows(world: World) -> None:
    world.commit(frame())
    page = opened(city="dublin")
    touch(page, "what", "space")
    touch(page, "n", "3")
    assert "/space-3-near.json" in maps(page)[0]
    assert "3 spaces are likely or almost sure" in text_of(page)


def test_an_address_brings_the_same_screen_back(world: World) -> None:
    made = frame("boulder", timezone="America/Denver")
    world.commit(made)
    page = opened(city="boulder", station="s4", what="space", n="2", **{"in": "30"})
    assert picked(page) == "boulder"
    assert page.slider[0].value == 30
    assert "/space-2-near.json" in maps(page)[0]
    assert "Station 4" in text_of(page)
    assert metrics(page)["Now"] == f"{made.bikes[4]} bikes · {made.docks[4]} spaces"
    assert "Chance of 2 spaces" in metrics(page)
    assert metrics(page)["Expected at 05:30"].startswith(
        str(made.space.median[list(made.minutes).index(30), 4])
    )
    assert "replayed" in text_of(page)
    assert any('href="trip?city=boulder&amp;from=s4&amp;' in e.proto.body for e in page.get("html"))


@pytest.mark.parametrize(
    "query",
    [
        {"city": "atlantis"},
        {"city": "dublin", "station": "none", "what": "car", "n": "-7", "in": "soon"},
        {"city": "dublin", "n": "9" * 5000, "in": "1e9"},
        {"city": "<script>", "what": "", "n": "", "in": "", "station": "'; drop table"},
    ],
)
def test_bad_values_in_the_address_fall_back(world: World, query: dict[str, str]) -> None:
    world.commit(frame())
    page = opened(**query)
    assert picked(page) == "dublin"
    assert maps(page)
    assert not page.error


def test_a_station_that_is_not_there_says_so(world: World) -> None:
    world.commit(frame())
    assert station_words.GONE() in text_of(opened(city="dublin", station="s99"))
    assert station_words.GONE() not in text_of(opened(city="dublin", station="s3"))


def test_the_numbers_of_a_selected_station_follow_new_frames(world: World) -> None:
    made = frame()
    world.commit(made)
    page = opened(city="dublin", station="s4")
    bikes = made.bikes.copy()
    bikes[4] = 29
    world.now += timedelta(minutes=1)
    world.commit(replace(made, at=world.now, bikes=bikes))
    page.run()
    assert metrics(page)["Now"].startswith("29 bikes")


def test_electric_bikes_are_shown_where_the_feed_counts_them(world: World) -> None:
    made = frame()
    world.commit(made)
    assert station_words.EBIKES_NOW() not in metrics(opened(city="dublin", station="s4"))
    world.now += timedelta(minutes=1)
    world.commit(replace(made, at=world.now, ebikes=np.full_like(made.ebikes, 3)))
    assert metrics(opened(city="dublin", station="s4"))[station_words.EBIKES_NOW()] == "3"


@pytest.mark.parametrize("state", [CountState.OLD, CountState.CONTRADICTED, CountState.MISSING])
def test_where_no_count_is_known_the_panel_has_the_last_one_its_age_and_why(
    world: World, state: CountState
) -> None:
    world.commit(dark(frame(), state))
    shown = metrics(opened(city="dublin", station="s2"))
    assert shown["Now"] == "3 bikes · 12 spaces, 12 min ago"
    assert shown[station_words.COUNT_STATE()] == station_words.COUNT_STATES[state]
    known = metrics(opened(city="dublin", station="s4"))
    assert station_words.COUNT_STATE() not in known


def test_the_panel_of_a_closed_station_says_that_its_count_is_that_of_a_closed_one(world: World) -> None:
    world.commit(frame())
    shown = metrics(opened(city="dublin", station="s1"))
    assert shown[station_words.COUNT_STATE()].startswith("is that of a closed station")
    assert "ago" not in shown["Now"]


def test_cargo_bikes_and_what_takes_bikes_at_full_docks_are_in_the_panel(world: World) -> None:
    made = frame()
    assert station_words.CARGO_NOW() not in metrics(opened(city="dublin", station="s4"))
    fourth = np.arange(12) == 4
    world.commit(replace(made, cargo=np.where(fourth, 3, 0).astype(np.int16), overflow=fourth))
    shown = metrics(opened(city="dublin", station="s4"))
    assert shown["Cargo bikes, not counted as bikes"] == "3"
    assert shown["When its docks are full"] == "bikes are taken back all the same"
    assert station_words.CARGO_NOW() not in metrics(opened(city="dublin", station="s5"))


def test_the_panel_says_that_last_bikes_may_be_out_of_order(world: World) -> None:
    made, fourth = frame(), np.arange(12) == 4
    since = int(made.at.timestamp()) - 3 * 3600
    left_by = np.where(fourth, 5, -1).astype(np.int16)
    world.commit(replace(made, left_by=left_by, left_since=np.where(fourth, since, -1)))
    said = metrics(opened(city="dublin", station="s4"))["The last bikes"]
    assert said == "nobody has taken one for 3 h, usually 5 riders would have: they may be out of order"
    assert "The last bikes" not in metrics(opened(city="dublin", station="s5"))


def test_the_rows_of_the_map_have_the_last_known_count_with_its_time_and_fade_its_mark() -> None:
    made = dark(frame())
    row = deck.rows(made, "bike", 1, deck.NEAR)[2]
    assert (row[deck.BIKES], row[deck.DOCKS]) == ("3 (11:48)", "12 (11:48)")
    assert row[deck.FADE] == 1
    assert {other[deck.FADE] for other in deck.rows(made, "bike", 1, deck.NEAR)} == {
        0,
        row[deck.FADE],
    }


def test_the_panel_names_the_nearest_good_alternatives_with_their_walk(world: World) -> None:
    made = frame()
    chance = made.bike.chance.copy()
    chance[0, 0] = 10
    chance[0, 0, [5, 8, 11]] = 90
    chance[0, 0, 1] = 100  # the nearest, but closed
    world.commit(replace(made, bike=replace(made.bike, chance=chance)))
    page = opened(city="dublin", station="s0", **{"in": "0"})
    listed = next(e.proto.body for e in page.get("html") if station_words.ALTERNATIVES() in e.proto.body)
    assert re.findall('data-do="station:(\\w+)"', listed) == ["s5", "s8", "s11"]
    assert re.findall(r"almost sure · (\d+) min walk", listed) == ["10", "14", "24"]

    world.now += timedelta(minutes=1)
    world.commit(replace(made, at=world.now, bike=replace(made.bike, chance=np.minimum(chance, 50))))
    assert station_words.NO_ALTERNATIVES() in text_of(opened(city="dublin", station="s0", **{"in": "0"}))


def test_a_space_at_the_office_tomorrow_morning(world: World) -> None:
    made = frame()
    world.commit(made)
    page = opened(city="dublin", station="s4", what="space", at="20260303T0855Z")
    assert "Arriving tomorrow at 08:55 · in 20 h 55 min" in text_of(page)
    assert "On Tuesday at 08:55, a space is likely or almost sure at" in text_of(page)
    assert "space-1-1255.json" in maps(page)[0]
    then = frame_at(made, [1255])
    assert metrics(page)["Expected at Tue 08:55"].startswith(f"{then.space.median[0, 4]} space")

    page = opened(city="dublin", at="20260302T2330Z")
    assert "Arriving today at 23:30 · in 11 h 30 min" in text_of(page)
    world.now += timedelta(hours=11, minutes=25)
    world.commit(replace(made, at=world.now))
    assert "Arriving today at 23:30 · in 5 min" in text_of(page.run())


def test_a_moment_that_has_passed_gives_way_to_the_first_one_and_says_so(world: World) -> None:
    world.commit(frame())
    for at in ("20260302T1159Z", "20260303T1201Z", "19990101T0000Z"):
        page = opened(city="dublin", at=at)
        assert page.slider[0].label == "Arriving today at 12:15 · in 15 min"
        assert "has passed, or is more than a day ahead: this is 12:15" in text_of(page)


def test_beyond_the_reach_of_the_forecast_no_number_is_shown(world: World) -> None:
    world.commit(frame())
    world.now = NOON + timedelta(minutes=60)
    page = opened(city="dublin", station="s4", at="20260303T1259Z")
    assert "The forecast reaches until Tue 12:30." in text_of(page)
    assert not maps(page)
    assert metrics(page)["Chance of a bike"] == "no forecast"


def test_tomorrow_at_five_to_nine_in_two_touches_and_back(world: World) -> None:
    world.commit(frame())
    world.now += timedelta(minutes=7)
    page = opened(city="dublin")
    page.session_state["asked-when"] = "day", "2026-03-03"
    page.run()
    assert page.query_params["at"] == "20260303T0800Z"
    assert not page.slider
    assert 'data-do="day:2026-03-03" aria-pressed="true">Tomorrow<' in html(page)
    page.session_state["asked-when"] = "clock", "08:55"
    page.run()
    assert page.query_params["at"] == "20260303T0855Z"
    assert 'value="08:55"' in html(page)
    world.now += timedelta(hours=12)
    world.commit(frame(at=world.now))
    assert 'data-do="day:2026-03-03" aria-pressed="true">Today<' in html(page.run())
    page.session_state["asked-when"] = "soon", ""
    assert page.run().slider[0].value == 15
    assert "at" not in page.query_params


def test_the_fan_chart_shows_past_counts_and_the_forecast(world: World) -> None:
    made = frame()
    world.commit(replace(made, at=NOON - timedelta(minutes=40)))
    bikes = made.bikes.copy()
    bikes[4] = 29
    world.commit(replace(made, bikes=bikes), received_at=NOON + timedelta(seconds=1))
    page = opened(city="dublin", station="s4")
    chart = page.get("vega_lite_chart")[0].proto
    assert chart.alt == station_words.chart_alt("Station 4", "bike")
    assert "29 bikes" in b"".join(d.data.data for d in chart.datasets).decode(errors="replace")
    assert not opened(city="dublin").get("vega_lite_chart")


def test_a_favourite_is_marked_and_belongs_to_its_city(world: World) -> None:
    world.commit(frame())
    page = opened(city="dublin", station="s4")
    assert station_words.STARRED() not in text_of(page)
    page.session_state["favourites"] = {"system": "dublin", "stations": ["s4"]}
    assert station_words.STARRED() in text_of(page.run())
    page.session_state["favourites"] = {"system": "boulder", "stations": ["s4"]}
    assert station_words.STARRED() not in text_of(page.run())


def test_a_closed_station_and_an_unknown_one_show_no_chance(world: World) -> None:
    world.commit(frame())
    assert metrics(opened(city="dublin", station="s1"))["Chance of a bike"] == "closed: no bikes handed out"
    unknown = metrics(opened(city="dublin", station="s2"))
    assert unknown["Now"] == "– bikes · – spaces"
    assert unknown["Chance of a bike"] == "no forecast"


def test_a_silent_feed_widens_its_intervals_and_at_last_shows_no_forecast(world: World) -> None:
    made = frame()
    world.commit(made)
    world.now += timedelta(seconds=30)
    world.fail("dublin", "silent", "the feed repeats itself since 12:00")
    page = opened(city="dublin")
    assert "has fallen silent: the feed repeats itself since 12:00." in text_of(page)

    world.now = NOON + timedelta(minutes=55)
    hour_later = opened(city="dublin", station="s4", **{"in": "5"})
    then = frame_at(made, [60]).bike
    low, high = then.low[0, 4], then.high[0, 4]
    assert metrics(hour_later)["Expected at 13:00"].endswith(f"({low}–{high})")

    world.now = NOON + timedelta(hours=5)
    assert "bike-1-315.json" in maps(opened(city="dublin"))[0]

    world.now = NOON + timedelta(hours=24, minutes=40)
    page = opened(city="dublin", station="s4")
    assert not maps(page)
    assert "the newest counts are from Mon 12:00, 24 h ago. That is too old" in text_of(page)
    assert metrics(page)["Chance of a bike"] == "no forecast"
    assert not page.error


def test_time_runs_as_fast_as_the_replay(tmp_path: Path) -> None:
    """At 60 times the speed a poll that is a second old is a minute old in the city."""
    world = World(tmp_path, (replace(DUBLIN, speed=60.0, poll_seconds=1, label="replayed"),))
    store_reader.use(world.store, world.clock)
    world.commit(frame(at=NOON - timedelta(days=3000)))
    world.now += timedelta(seconds=1)
    page = opened(city="dublin")
    assert "12:00, 1 min ago" in text_of(page)
    assert page.slider[0].label == "Arriving today at 12:16 · in 15 min"
    world.store.close()


def test_old_counts_fade_the_map_whatever_the_feed_says(world: World) -> None:
    world.commit(frame())
    assert "opacity" not in json.loads(maps(opened(city="dublin"))[0])["layers"][1]
    world.now = NOON + timedelta(minutes=11)
    assert json.loads(maps(opened(city="dublin"))[0])["layers"][1]["opacity"] == deck.FADED
    assert shell_words.LEGEND_FADED() in text_of(opened(city="dublin"))
    assert "The newest counts are 11 min old. Marks are faded" in text_of(opened(city="dublin"))


def test_a_silent_feed_fades_the_map_at_once(world: World) -> None:
    world.commit(frame())
    world.now += timedelta(seconds=30)
    world.fail("dublin", "silent", "the feed repeats itself since 12:00")
    assert json.loads(maps(opened(city="dublin"))[0])["layers"][1]["opacity"] == deck.FADED


def test_a_dead_worker_shows_a_notice_while_the_map_stays(world: World) -> None:
    world.commit(frame())
    world.now = NOON + timedelta(minutes=10)
    page = opened(city="dublin")
    assert maps(page)
    assert "No worker is at work" in text_of(page)
    world.store.preparations.note("new", world.now, timedelta(seconds=15))
    page = opened(city="dublin")
    assert maps(page)
    assert "No worker is at work" not in text_of(page)
    assert "Dockcast prepares its forecaster" in text_of(page)


def test_a_worker_that_comes_back_finds_the_page_as_it_was(world: World) -> None:
    made = frame()
    world.commit(made)
    page = opened(city="dublin", station="s4", what="space", n="2", **{"in": "30"})
    world.store.leases.drop_all("test")
    world.now += timedelta(minutes=10)
    page.run()
    assert "No worker is at work" in text_of(page)
    assert metrics(page)["Chance of 2 spaces"]

    world.commit(replace(made, at=world.now))
    page.run()
    assert "No worker is at work" not in text_of(page)
    assert page.slider[0].value == 30
    assert metrics(page)["Chance of 2 spaces"]
    assert "counts from 12:10, 0 s ago" in text_of(page)


def test_a_city_out_of_reach_points_to_cities_that_are_not(world: World) -> None:
    world.commit(frame("boulder"))
    world.fail("dublin", "unreachable", "no answer")
    assert shell_words.OTHERS() in text_of(opened(city="dublin"))


def test_no_city_in_reach_shows_a_notice(world: World) -> None:
    for system in ("dublin", "boulder"):
        world.fail(system, "unreachable", "no network")
    assert shell_words.NONE_YET() in text_of(opened())


def test_a_feed_without_docks_says_that_spaces_are_not_forecast(world: World) -> None:
    made = frame()
    world.commit(replace(made, docks=np.full_like(made.docks, -1)))
    assert "does not tell how many docks are free" in text_of(opened(city="dublin", what="space"))
    assert "does not tell how many docks" not in text_of(opened(city="dublin", what="bike"))


def test_the_table_shows_the_same_as_the_map(world: World) -> None:
    made = frame()
    world.commit(made)
    page = opened(city="dublin", **{"in": "10"})
    touch(page, "list")
    rows = page.dataframe[0].value
    assert "Walk, min" not in rows
    assert rows["A bike, %"].tolist()[:-2] == sorted(made.bike.chance[0, 2, [0, *range(3, 12)]], reverse=True)
    rows = rows.sort_index()
    assert list(rows["Station"]) == list(made.stations.name)
    assert rows["Bikes at 12:10"].tolist()[3:] == made.bike.median[2, 3:].tolist()
    assert rows["A bike, %"].tolist()[3:] == made.bike.chance[0, 2, 3:].tolist()
    assert rows["In words"].tolist()[1:3] == ["closed: no bikes handed out", "no forecast"]
    assert rows["A bike, %"].isna().tolist()[:3] == [False, True, True]


def best(page: AppTest) -> list[str]:
    html = next(e.proto.body for e in page.get("html") if 'class="best"' in e.proto.body)
    return re.findall('data-do="station:(\\w+)"', html)


def test_the_list_has_favourites_first_and_the_near_before_the_far(world: World) -> None:
    made = frame()
    chance = np.full_like(made.bike.chance, 80)
    world.commit(replace(made, bike=replace(made.bike, chance=chance)))
    page = opened(city="dublin")
    page.session_state["here"] = (float(made.stations.lat[6]), float(made.stations.lon[6]))
    page.session_state["favourites"] = {"system": "dublin", "stations": ["s3", "gone"]}
    touch(page, "list")
    assert best(page)[:2] == ["s3", "s6"]
    assert "s1" not in best(page)  # closed
    assert "★ likely · 80 % · " in text_of(page)
    rows = page.dataframe[0].value
    assert rows["Station"].tolist()[:2] == ["Station 3", "Station 6"]
    assert rows["Favourite"].tolist() == ["★"] + 11 * [""]
    walk = rows["Walk, min"].tolist()[1:-2]  # the last two are closed and unknown
    assert walk == sorted(walk)
    assert station_words.BEST["place"] in text_of(page)
    assert "here" in maps(page)[0]
    assert "here" not in str(page.query_params)


def test_on_foot_each_station_is_judged_at_my_own_arrival(world: World) -> None:
    """A bike is sure at all for five minutes, at none after ten, and on the way between: 81 % after six."""
    made = frame()
    chance = np.where(made.minutes[None, :, None] < 10, 100, 5) * np.ones_like(made.bike.chance)
    made = replace(made, bike=replace(made.bike, chance=chance.astype(np.uint8)))
    world.commit(made)
    page = opened(**{"city": "dublin", "station": "s9", "in": "0"})
    before = json.loads(maps(page)[0])
    place = (float(made.stations.lat[6]), float(made.stations.lon[6]))
    page.session_state["here"] = place
    page.run()
    walk = nearby.whole_minutes(nearby.walks(place, made.stations.lat, made.stations.lon))
    assert walk[9] >= 10
    three = next(e.proto.body for e in page.get("html") if 'class="foot"' in e.proto.body)
    assert re.findall('data-do="station:(\\w+)"', three)[0] == "s6"
    assert len(re.findall("<li>", three)) == 3
    assert re.search(r"1 min walk · 12:01 · \d+ bikes?", unescape(three))
    text = text_of(page)
    good, known = re.findall(r"If you set out now, a bike is .* at (\d+) of (\d+) stations within", text)[0]
    open_near = (walk <= 30) & (np.arange(12) != 1)
    assert (int(good), int(known)) == (int((open_near & (walk <= 6)).sum()), int(open_near.sum()))
    # One number: the panel has the moment of the list, and the map its rows.
    assert f"Expected at 12:{walk[9]:02d}" in text
    assert metrics(page)["Chance of a bike"] == "hardly · 5 %"
    after = json.loads(maps(page)[0])
    assert re.search(r"/bike-1-foot\.[0-9a-f]{24}\.0\.json", after["layers"][1]["data"])
    assert after["initialViewState"] != before["initialViewState"]
    assert str(round(place[0], 3)) not in after["layers"][1]["data"] + str(page.query_params)


def test_a_viewer_far_away_is_offered_the_nearest_city(world: World) -> None:
    world.commit(frame())
    world.commit(frame("boulder", centre=(40.015, -105.27), timezone="America/Denver"))
    page = opened(city="dublin")
    page.session_state["here"] = (40.02, -105.3)
    page.run()
    text = text_of(page)
    assert re.search(r"You are about \d,\d{3} km from the nearest station of this city\.", text)
    assert re.search(r"Go to Boulder · BCycle · replayed, \d km from you", text)
    assert 'data-do="feed:boulder"' in html(page)
    assert "-near.json" in maps(page)[0]


def test_the_search_reads_the_maps_own_rows_where_the_chosen_chance_stands(world: World) -> None:
    made = frame()
    version = world.commit(made)
    for query, minutes in (({"in": "30"}, 30), ({"at": "20260303T0855Z"}, 1255)):
        page = opened(city="dublin", station="s4", **query)
        html = "".join(e.proto.body for e in page.get("html"))
        rows, column = re.findall('data-for="find" data-rows="([^"]*)" data-column="([0-9]*)"', html)[0]
        assert json.loads(maps(page)[0])["layers"][0]["data"] == rows
        of = deck.part(minutes)
        assert rows == deck.frame_url("dublin", version, "bike", 1, of)
        row = deck.rows(made, "bike", 1, of)[4]
        assert row[deck.STATION] == "s4"
        assert row[int(column)] == metrics(page)["Chance of a bike"]


def test_the_map_goes_to_a_station_that_was_found_each_time(world: World) -> None:
    made = frame()
    world.commit(made)
    page = opened(city="dublin")

    def view() -> dict[str, float]:
        return cast("dict[str, float]", json.loads(maps(page)[0])["initialViewState"])

    before = view()
    page.session_state["found-station"] = "s4"
    there = (page.run(), view())[1]
    assert there["latitude"] == pytest.approx(made.stations.lat[4])
    assert there["longitude"] == pytest.approx(made.stations.lon[4])
    assert there["zoom"] >= before["zoom"]
    assert (page.run(), view())[1] == there, "a refresh moves nothing"
    page.session_state["found-station"] = "s4"
    again = (page.run(), view())[1]
    assert again == pytest.approx(there, abs=1e-5)
    assert all(again[key] != there[key] for key in ("latitude", "longitude", "zoom"))
    page.session_state["found-station"] = "nowhere"
    assert (page.run(), view())[1] == again


def test_a_browser_without_a_place_still_shows_the_list(world: World) -> None:
    world.commit(frame())
    page = opened(city="dublin")
    page.session_state["lost"] = 1
    assert station_words.lost(1) in text_of(page.run())


def test_a_station_name_never_goes_through_markdown(world: World) -> None:
    """An image link in a name would call a stranger's server from the rider's browser."""
    world.commit(frame())
    world.store.systems.follow((replace(DUBLIN, city="<img src=//evil.example>"), BOULDER))
    page = opened(city="dublin", station="s0")
    rendered = [*page.markdown, *page.caption, *page.title, *page.header, *page.subheader, *page.button]
    for element in rendered:
        assert "evil.example" not in str(getattr(element, "value", None) or element.proto)
    written = html(page)
    assert f"<h2>{escape(NASTY)}</h2>" in written
    assert NASTY not in written
    assert "<img" not in written


def test_choosing_another_city_drops_the_station(world: World) -> None:
    world.commit(frame())
    world.commit(frame("boulder"))
    page = opened(city="dublin", station="s4")
    touch(page, "feed", "boulder")
    assert picked(page) == "boulder"
    assert page.query_params["city"] == "boulder"
    assert "station" not in page.query_params
    assert "/api/frames/boulder/" in maps(page)[0]


def test_a_city_of_replayed_data_says_so_wherever_it_is_named(world: World) -> None:
    page = opened(city=BOULDER.system_id)
    assert picker(page)[1] == "Boulder · BCycle · replayed · waiting"
    assert "first answer of Boulder · BCycle · replayed" in text_of(page)


def test_a_feed_without_stations_says_so(world: World) -> None:
    made = frame(stations=3)
    empty = {name: getattr(made, name)[:0] for name in ("bikes", "docks", "ebikes", "renting", "returning")}
    stations = replace(
        made.stations,
        **{n: getattr(made.stations, n)[:0] for n in ("station_id", "name", "lat", "lon", "capacity")},
    )
    sides = {
        side: replace(
            getattr(made, side),
            **{n: getattr(getattr(made, side), n)[..., :0] for n in ("median", "low", "high", "chance")},
        )
        for side in ("bike", "space")
    }
    world.commit(replace(made, stations=stations, **empty, **sides))
    page = opened(city="dublin")
    assert "lists no station at all" in text_of(page)
    assert not page.error


def test_a_frame_of_another_release_is_waited_out(world: World) -> None:
    made = frame()
    version = world.commit(made)
    blob = codec.pack({"format": np.array(99)})
    engine = sa.create_engine(world.url)
    with engine.begin() as db:
        db.execute(frames.update().where(frames.c.version == version).values(blob=blob))
    engine.dispose()
    assert "Waiting for the first answer" in text_of(opened(city="dublin"))
    world.now += timedelta(minutes=1)
    world.commit(replace(made, at=world.now))
    assert maps(opened(city="dublin"))


def test_forecasts_of_half_an_hour_before_stand_beside_their_truths(world: World) -> None:
    first = frame(at=NOON)
    world.commit(first)
    for minutes in (10, 25, 40, 55):
        at = NOON + timedelta(minutes=minutes)
        world.now = at
        world.commit(frame(at=at, bikes=np.full(12, minutes, np.int16)))
    rows = issued_rows(opened(city="dublin", station="s5", n="2"))
    # Frames of noon, 12:25 and 12:40 are kept; half an hour after the last is still to come.
    assert [row[0] for row in rows] == ["12:55", "12:30"]
    half_hour = int(np.flatnonzero(first.minutes == 30)[0])
    assert rows[1][1].startswith(f"{first.bike.median[half_hour, 5]} bike")
    assert rows[1][2] == shell_words.chance(int(first.bike.chance[1, half_hour, 5]))
    assert [row[3] for row in rows] == ["55 bikes", "25 bikes"]


def test_a_station_without_issued_forecasts_has_no_table_of_them(world: World) -> None:
    for minutes in (0, 14, 28, 40):
        world.now = NOON + timedelta(minutes=minutes)
        world.commit(frame(at=world.now))
    assert issued_rows(opened(city="dublin", station="s2")) == []
    assert len(issued_rows(opened(city="dublin", station="s3"))) == 1


def test_what_was_due_while_nothing_was_observed_has_no_truth(world: World) -> None:
    world.commit(frame(at=NOON))
    world.now = NOON + timedelta(minutes=40)
    world.commit(frame(at=world.now))
    assert issued_rows(opened(city="dublin", station="s3")) == []


def issued_rows(page: AppTest) -> list[list[str]]:
    rows = re.findall("<tr>(<td>.*?)</tr>", html(page))
    return [[unescape(cell) for cell in re.findall("<td>(.*?)</td>", row)] for row in rows]
