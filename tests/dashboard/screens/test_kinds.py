"""Kinds of bikes on the map and on a trip: the choice where a feed tells them apart, and elsewhere."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
from streamlit.testing.v1 import AppTest

from dashboard.maps import deck
from dashboard.words import formats
from dashboard.words import shell as shell_words
from dashboard.words import trip as trip_words
from tests.support.dashboard_world import NOON, World, dark, frame, with_kinds
from tests.support.paging import html, offered, pressed, run_page, text_of, touch

ANY_KIND = ["a bike", "an e-bike", "a plain bike", "a space"]


def opened(**query: str) -> AppTest:
    return run_page({"city": "dublin", **query})


def rows_on_map(page: AppTest) -> str:
    return str(page.get("deck_gl_json_chart")[0].proto.json)


def test_a_kind_can_be_chosen_where_the_feed_tells_kinds_apart(world: World) -> None:
    made = with_kinds(frame())
    assert made.ebike is not None
    world.commit(made)
    page = opened(station="s4", **{"in": "20"})
    assert [*offered(page, "what").values()] == ANY_KIND
    touch(page, "what", "ebike")
    assert page.query_params["what"] == "ebike"
    assert "/ebike-1-near.json" in rows_on_map(page)
    assert "e-bikes expected\\nan e-bike: " in page.get("deck_gl_json_chart")[0].proto.tooltip
    text = text_of(page)
    assert "On Monday at 12:20, an e-bike is likely or almost sure at" in text
    median, low, high = (int(each[4, 4]) for each in (made.ebike.median, made.ebike.low, made.ebike.high))
    assert formats.expectation(median, low, high, "ebike") in text
    assert f"{made.ebike.chance[0, 4, 4]} %" in text
    assert "An e-bike: " in text
    assert "then no forecast until" in text, "the strip reaches further than the forecast"
    assert "E-bikes, last 3 hours and next 2" in text
    touch(page, "list")
    table = page.dataframe[0].value
    assert table["E-bikes at 12:20"].max() == made.ebike.median[4].max()
    assert "An e-bike, %" in table.columns


def test_an_address_with_a_kind_brings_the_same_screen_back(world: World) -> None:
    world.commit(with_kinds(frame()))
    page = opened(what="plain_bike", n="2")
    assert pressed(page, "what") == "plain_bike"
    assert "/plain_bike-2-near.json" in rows_on_map(page)
    assert "2 plain bikes are likely" in text_of(page)


def test_a_feed_that_tells_no_kinds_shows_bikes_of_any_kind_and_says_so(world: World) -> None:
    """The choice stays in the address: the feed, or another city, may tell kinds apart again."""
    world.commit(frame())
    page = opened(what="ebike")
    assert offered(page, "what") == {"bike": "a bike", "space": "a space"}
    assert pressed(page, "what") == "bike"
    assert shell_words.NO_KINDS() in text_of(page)
    assert "/bike-1-near.json" in rows_on_map(page)
    assert "a bike is likely or almost sure" in text_of(page)
    assert shell_words.NO_KINDS() not in text_of(opened())
    world.now += timedelta(minutes=1)
    world.commit(with_kinds(frame(at=world.now)))
    page.run()
    assert (pressed(page, "what"), page.query_params["what"]) == ("ebike", "ebike")
    assert "/ebike-1-near.json" in rows_on_map(page)


def test_later_than_two_hours_ahead_no_kind_is_forecast_and_the_page_says_so(world: World) -> None:
    world.commit(with_kinds(frame()))
    later = {"what": "ebike", "at": f"{NOON + timedelta(hours=5):%Y%m%dT%H%MZ}"}
    words = "E-bikes and plain bikes are forecast two hours ahead, until 14:00."
    assert words in text_of(opened(**later))
    assert "Nothing is forecast for this moment." in text_of(opened(**later))
    assert words not in text_of(opened(**(later | {"what": "bike"})))
    assert words not in text_of(opened(what="ebike", **{"in": "120"}))


def test_issued_forecasts_of_a_kind_stand_beside_the_counts_of_that_kind(world: World) -> None:
    made = with_kinds(frame())
    world.commit(made)
    world.now += timedelta(minutes=30)
    world.commit(replace(with_kinds(frame(at=world.now)), ebikes=made.ebikes + 1))
    rows = html(opened(station="s4", what="ebike")).partition("<tbody>")[2].partition("</tbody>")[0]
    assert f"<td>{made.ebikes[4] + 1} e-bike" in rows


def test_a_mark_shows_the_bikes_of_its_kind_and_none_that_are_not_known() -> None:
    made = dark(with_kinds(frame()))
    shown = deck.rows(made, "ebike", 1, deck.NEAR), deck.rows(made, "plain_bike", 1, deck.NEAR)
    for row in (0, 4, 7):
        electric, plain = (int(str(each[row][deck.BIKES])) for each in shown)
        assert (electric, electric + plain) == (made.ebikes[row], made.bikes[row])
    assert [each[2][deck.BIKES] for each in shown] == ["–", "–"]
    assert shown[0][2][deck.DOCKS] == "12 (11:48)"
    unknown = replace(made, ebikes=np.full_like(made.ebikes, -1))
    assert deck.rows(unknown, "plain_bike", 1, deck.NEAR)[4][deck.BIKES] == "–"


TRIP = {"from": "s4", "to": "s11"}


def planned(**query: str) -> AppTest:
    return run_page({"city": "dublin", **TRIP, **query}, "trip")


def test_a_trip_is_for_an_ebike_where_a_plain_one_will_do(world: World) -> None:
    world.commit(with_kinds(frame()))
    page = planned()
    assert [*offered(page, "ride").values()] == ["any bike", "e-bike", "e-bike first", "plain"]
    assert "ride" not in page.query_params
    touch(page, "ride", "ebike_first")
    assert page.query_params["ride"] == "ebike_first"
    text = " ".join(text_of(page).split())
    assert "Take an e-bike at Station" in text
    assert "; a plain one will do" in text
    assert text.index(" an e-bike: ") < text.index(" a bike: "), "both chances at the pick-up"
    assert "A plain bike in place of an e-bike counts as 5 min." in text


def test_a_trip_on_one_kind_has_its_marks_and_its_odds(world: World) -> None:
    world.commit(with_kinds(frame()))
    page = planned(ride="ebike", n="2")
    text = " ".join(text_of(page).split())
    assert "Take 2 e-bikes at Station" in text
    assert "Marks near the start: chance of 2 e-bikes when you get there." in text
    choosing = run_page({"city": "dublin", "ride": "plain_bike"}, "trip")
    assert "Marks: chance of a plain bike at 12:15." in text_of(choosing)
    assert "/plain_bike-1-near.json" in rows_on_map(choosing)


def test_a_trip_on_a_kind_says_where_none_is_forecast(world: World) -> None:
    world.commit(with_kinds(frame()))
    late = f"{NOON + timedelta(hours=5):%Y%m%dT%H%MZ}"
    text = text_of(planned(ride="ebike", at=late))
    assert "E-bikes and plain bikes are forecast two hours ahead, until 14:00." in text
    assert trip_words.no_pair(1, "ebike") in text
    assert "Take an e-bike at" in text_of(planned(ride="ebike_first", at=late)), "any bike will do"
    world.now += timedelta(minutes=1)
    world.commit(frame(at=world.now))
    page = planned(ride="ebike")
    assert shell_words.NO_KINDS() in text_of(page)
    assert "Take a bike at Station" in " ".join(text_of(page).split())
