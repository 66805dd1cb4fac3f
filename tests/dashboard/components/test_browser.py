"""Nothing that a browser sends is trusted: ids, places and favourites."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.words import station as station_words


def send(verb: str, what: dict[str, Any]) -> AppTest:
    """Send a page something from its browser."""

    def script(verb: str, what: dict) -> None:  # type: ignore[type-arg]
        import streamlit as st

        from dashboard.components import browser
        from dashboard.state import address_bar

        address_bar.adopt()
        browser.act(what) if verb == "act" else browser.remember(what)
        st.text(address_bar.screen().station)
        st.text(repr(browser.here()))
        st.text(browser.lost())
        st.text(repr(browser.favourites("dublin")))

    page = AppTest.from_function(script, args=(verb, what), default_timeout=20).run()
    assert not page.exception
    return page


@pytest.mark.parametrize(
    ("what", "station"),
    [
        ({"do": "station", "id": "s7"}, "s7"),
        ({"do": "station", "id": 7}, ""),
        ({"do": "dance"}, ""),
        ({}, ""),
    ],
)
def test_a_button_chooses_a_station(what: dict[str, Any], station: str) -> None:
    assert send("act", what).text[0].value == station


def test_a_place_is_kept_for_the_page_and_nowhere_in_its_address() -> None:
    page = send("act", {"do": "here", "lat": 53.3412, "lon": -6.26})
    assert page.text[1].value == "(53.3412, -6.26)"
    assert page.text[2].value == ""
    assert "53" not in str(page.query_params)


@pytest.mark.parametrize(
    "what",
    [
        {"do": "here"},
        {"do": "here", "lat": "53", "lon": -6},
        {"do": "here", "lat": 1e999, "lon": 0},
        {"do": "here", "lat": 0, "lon": 181},
        {"do": "lost", "code": 2},
        {"do": "lost", "code": "x"},
    ],
)
def test_a_bad_place_counts_as_unknown(what: dict[str, Any]) -> None:
    page = send("act", what)
    assert page.text[1].value == "None"
    assert page.text[2].value == station_words.lost(0)


def test_a_refused_place_shows_how_to_go_on() -> None:
    assert send("act", {"do": "lost", "code": 1}).text[2].value == station_words.lost(1)


@pytest.mark.parametrize(
    ("what", "kept"),
    [
        ({"system": "dublin", "stations": ["s1", "s2"]}, ["s1", "s2"]),
        ({"system": "boulder", "stations": ["s1"]}, []),
        ({"system": "dublin", "stations": ["s1", 2, None, {}]}, ["s1"]),
        ({"system": "dublin", "stations": [f"s{i}" for i in range(500)]}, [f"s{i}" for i in range(100)]),
        ({"system": "dublin", "stations": "s1"}, []),
        ({"system": 1, "stations": ["s1"]}, []),
        ({}, []),
    ],
)
def test_favourites_are_ids_of_one_city_and_nothing_else(what: dict[str, Any], kept: list[str]) -> None:
    assert send("remember", what).text[3].value == repr(kept)


@pytest.mark.parametrize(
    ("touched", "start"),
    [
        (["station:s7", "page:trip"], "s7"),
        (["station:s7", "page:trip", "station:s8", "page:trip"], "s8"),
        (["start:s1", "station:s7", "page:trip"], "s1"),
        (["station:s7", "page:trip", "start:s1", "station:s8", "page:trip"], "s1"),
        (["station:s7", "page:trip", "start:", "page:trip"], "s7"),
        (["goal:s7", "station:s7", "page:trip"], ""),
        (["station:s7", "page:accuracy"], ""),
        (["page:trip"], ""),
    ],
)
def test_a_trip_starts_at_the_station_of_the_map_unless_it_has_a_start(
    touched: list[str], start: str
) -> None:
    def script(touched: list[str]) -> None:
        import streamlit as st

        from dashboard.components import browser
        from dashboard.state import address_bar

        address_bar.adopt()
        for each in touched:
            verb, identity = each.split(":")
            browser.act({"do": verb, "id": identity})
        st.text(address_bar.screen().start)

    page = AppTest.from_function(script, args=(touched,), default_timeout=20).run()
    assert not page.exception
    assert page.text[0].value == start
