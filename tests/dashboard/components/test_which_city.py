"""Which city opens where the address names none, and what an unknown one is answered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from dashboard import store_reader
from dashboard.components import which_city
from dashboard.state import address_bar
from dashboard.state.visitor import Visitor
from ingest.city.cities import CITIES
from ingest.store import LeaseClaim
from ingest.system import System
from tests.support.dashboard_world import BOULDER, DUBLIN, NOON, World, frame
from tests.support.paging import html, mended, picked, run_page, text_of, touch

MADE_UP = CITIES["harbourton"].system
PARIS = replace(DUBLIN, system_id="paris", name="Vélib'", city="Paris", country="FR")
LYON = replace(DUBLIN, system_id="lyon", name="Vélo'v", city="Lyon", country="FR")
DENVER = replace(BOULDER, system_id="denver", city="Denver", label="")
ALL = (MADE_UP, BOULDER, PARIS, LYON, DUBLIN, DENVER)
ZONES = {
    "paris": "Europe/Paris", "lyon": "Europe/Paris", "dublin": "Europe/Dublin", "denver": "America/Denver",
    "boulder": "America/Denver", "harbourton": "Europe/Dublin",
}  # fmt: skip


@pytest.fixture
def cities(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, ALL)
    store_reader.use(made.store, made.clock)
    yield made
    made.store.close()


def answer(world: World, *ids: str) -> None:
    for each in ids:
        world.commit(frame(each, timezone=ZONES[each]))


def first(world: World, zone: str | None, locale: str | None, *, waits: bool = False) -> str:
    source, systems = store_reader.reader(), world.store.systems
    viewer = Visitor.of(zone, locale)
    return which_city.first(systems.followed(), systems.states(), source, viewer, waits=waits).system_id


@pytest.mark.parametrize(
    ("zone", "locale", "city"),
    [
        ("Europe/Dublin", "en-US", "dublin"),
        ("Europe/Paris", "de-DE", "paris"),  # the first of two in this zone
        ("America/Boise", "en-US", "denver"),  # no city in this zone, one in the country
        ("Europe/Berlin", "de-DE", "paris"),  # none in the country either, but the clocks are alike
        ("Asia/Tokyo", "ja-JP", "paris"),  # the first that has answered
        (None, "en-IE", "dublin"),
        (None, None, "paris"),
        ("Mars/Base", "x", "paris"),
    ],
)
def test_the_city_of_the_visitors_zone_and_country_opens(
    cities: World, zone: str | None, locale: str | None, city: str
) -> None:
    answer(cities, *(system.system_id for system in ALL))
    assert first(cities, zone, locale) == city


def test_a_real_city_opens_before_a_replayed_one_and_a_made_up_one_last(cities: World) -> None:
    answer(cities, "harbourton")
    assert first(cities, "Europe/Dublin", "en-IE") == "harbourton"
    answer(cities, "boulder")
    assert first(cities, "Europe/Dublin", "en-IE") == "boulder"
    answer(cities, "denver")
    assert first(cities, "Europe/Dublin", "en-IE") == "denver"
    assert first(cities, "Europe/Dublin", "en-IE", waits=True) == "dublin"
    cities.fail("dublin", "unreachable", "no answer")
    assert first(cities, "Europe/Dublin", "en-IE", waits=True) == "denver"
    cities.now += address_bar.LATEST + timedelta(minutes=1)
    assert first(cities, "Europe/Dublin", "en-IE") == "boulder", "Denver's counts are too old for a forecast"


def test_a_made_up_city_that_nobody_chose_says_so_and_offers_the_first_real_one(cities: World) -> None:
    answer(cities, "harbourton")
    page = run_page({})
    cities.now += which_city.PATIENCE
    page.run()
    assert "Harbourton is a made-up city: no real one has answered yet." in text_of(page)
    answer(cities, "lyon")
    cities.now += timedelta(seconds=1)
    page.run()
    assert 'data-do="feed:lyon"' in html(page)
    assert picked(page) == "harbourton"
    assert "made-up city" not in text_of(run_page({"city": "harbourton"}))


def test_the_city_gets_into_the_address_as_soon_as_there_is_a_map(cities: World) -> None:
    assert cities.store.leases.take(LeaseClaim("dublin", "test", NOON, timedelta(hours=1)))
    page = run_page({})
    assert mended(page) == {}
    answer(cities, "dublin")
    page.run()
    assert (mended(page)["opened"], mended(page)["right"]["city"]) == ({}, "dublin")
    assert page.session_state["screen"].city == "dublin"
    assert not page.query_params, "it would be one step more for the browser to go back"


@pytest.mark.parametrize(
    ("wanted", "offered"),
    [("dubln", ["dublin"]), ("velib", ["paris"]), ("Lyons", ["lyon"]), ("atlantis", []), ("<script>x", [])],
)
def test_an_unknown_city_says_so_and_offers_the_nearest_names(
    cities: World, wanted: str, offered: list[str]
) -> None:
    answer(cities, *(system.system_id for system in ALL))
    page = run_page({"city": wanted, "station": "s3", "n": "2"})
    assert f"No city here is called “{wanted}”." in text_of(page)
    buttons = [system.system_id for system in ALL if f'data-do="feed:{system.system_id}"' in html(page)]
    assert buttons[:1] == offered
    screen = page.session_state["screen"]
    assert (screen.city, screen.station, screen.n) == ("paris", "", 2)
    assert mended(page)["right"]["city"] == "paris"
    touch(page, "feed", "lyon")
    assert "No city here is called" not in text_of(page)
    assert page.query_params["city"] == "lyon"


def test_names_are_alike_by_id_name_or_city_and_at_any_length() -> None:
    def like(name: str) -> list[System]:
        return which_city.like(name, ALL)

    assert like("vélib")[0] == PARIS
    assert like("Boulder, Colorado")[0] == BOULDER
    assert like("x" * 100_000) == []
