"""The kiosk sweeps, alternates map and curves, names its city, and offers nothing to touch."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from html import unescape
from itertools import pairwise

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.components import which_city
from dashboard.components.kiosk import screen_size
from dashboard.screens import kiosk
from dashboard.state.address_bar import MINUTES
from dashboard.words import accuracy as accuracy_words
from dashboard.words import kiosk as kiosk_words
from dashboard.words import map as map_words
from tests.support.dashboard_world import BOULDER, NASTY, NOON, World, frame
from tests.support.paging import run_page


def opened(**query: str) -> AppTest:
    return run_page(query)


def panel(page: AppTest) -> str:
    """Read the panel, tag by tag."""
    (html,) = (e.proto.body for e in page.get("html") if 'class="kiosk"' in e.proto.body)
    return unescape(re.sub("(<[^>]*>)+", " ", html))


def test_the_arrival_time_sweeps_there_and_back_without_a_gap(world: World) -> None:
    assert kiosk.SWEEP[0] == 0
    assert set(kiosk.SWEEP) == set(MINUTES)
    assert {abs(b - a) for a, b in pairwise((*kiosk.SWEEP, kiosk.SWEEP[0]))} == {5}

    world.commit(frame())
    page = opened(kiosk="1", city="dublin")
    maps = []
    for minutes in (0, 5, 10):
        at = NOON + timedelta(minutes=minutes)
        assert f"{kiosk_words.if_you_arrive(minutes)} {at:%H:%M}" in panel(page)
        maps.append(json.loads(page.get("deck_gl_json_chart")[0].proto.json))
        page.run()
    assert len({m["layers"][1]["getFillColor"] for m in maps}) == 3
    assert len({json.dumps(m["initialViewState"]) for m in maps}) == 1, "the map would jump"


def test_map_and_curves_take_turns_and_the_map_stays_where_it_is(world: World) -> None:
    world.commit(frame())
    page = opened(kiosk="1", city="dublin")
    turns = []
    for _ in range(2 * sum(kiosk.TURNS.values())):
        (body,) = (e.proto.body for e in page.get("html") if 'class="kiosk"' in e.proto.body)
        turns.append(re.findall('data-turn="(.*?)"', body)[0])
        assert ("How right it is" in body) == (turns[-1] == "accuracy")
        assert page.get("deck_gl_json_chart")
        if turns[-1] == "accuracy" and kiosk.curves_due():
            assert accuracy_words.not_scored(30) in [e.value for e in page.text]
        page.run()
    assert turns == 2 * [turn for turn, steps in kiosk.TURNS.items() for _ in range(steps)]
    assert page.query_params["city"] == "dublin"
    assert page.query_params["kiosk"] == "1"


def test_there_is_nothing_to_touch(world: World) -> None:
    world.commit(frame())
    page = opened(kiosk="1", city="dublin", station="s5")
    for kind in ("slider", "selectbox", "button", "toggle", "text_input", "button_group"):
        assert not page.get(kind)
    html = "".join(e.proto.body for e in page.get("html"))
    assert "data-do=" not in html
    assert "<a " not in html
    assert map_words.PICK_HINT() not in html


def test_city_label_speed_time_and_age_are_in_sight(world: World) -> None:
    made_up = replace(BOULDER, name=NASTY, city=NASTY, label="simulated", speed=60.0)
    world.store.systems.follow((made_up,))
    world.commit(frame("boulder"), received_at=NOON)
    world.now = NOON + timedelta(seconds=4)
    page = opened(kiosk="1")
    shown = panel(page)
    for words in (NASTY, "simulated", "60×", "12:04", "Monday", "counted 4 min ago"):
        assert words in shown
    html = "".join(e.proto.body for e in page.get("html"))
    assert "<b>Quay" not in html


def test_without_counts_it_says_why_and_goes_on(world: World) -> None:
    world.fail("dublin", "unreachable", "no route to host")
    page = opened(kiosk="1", city="dublin")
    assert kiosk_words.KIOSK_NO_COUNTS() in panel(page)
    assert any("no route to host" in e.value for e in page.text)
    world.now += timedelta(minutes=1)
    world.commit(frame())
    page.run()
    assert "counted" in panel(page)
    assert page.get("deck_gl_json_chart")


def test_a_city_that_nobody_named_gives_way_to_one_that_has_answered(world: World) -> None:
    page = opened(kiosk="1")
    assert kiosk_words.KIOSK_NO_COUNTS() in panel(page)
    world.commit(frame("boulder"))
    world.now += which_city.PATIENCE
    page.run()
    page.run()
    assert "Boulder" in panel(page)


@pytest.mark.parametrize("value", ["0", "2", "yes", "", "1 "])
def test_another_value_than_1_is_none(world: World, value: str) -> None:
    world.commit(frame())
    page = opened(kiosk=value, city="dublin")
    assert page.get("slider")
    assert not any('class="kiosk"' in e.proto.body for e in page.get("html"))


def test_the_browsers_size_is_taken_only_if_it_is_one() -> None:
    for size in (None, [1, 2, 3], [1920], ["1920", "1080"], [1920.5, 1080], [1e9, 5], [-5, 800], {"a": 1}):
        assert screen_size(size) is None
    assert screen_size([1920, 1080]) == (1920, 1080)
