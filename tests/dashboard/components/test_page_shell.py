"""What all pages share: the city picker keeps what the viewer has chosen."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.state import address_bar
from tests.support.dashboard_world import World
from tests.support.paging import picked, picker, run_page, touch


def opened() -> AppTest:
    return run_page({"city": "dublin", "from": "s20", "to": "s50"}, "trip")


@pytest.fixture
def page(world: World) -> AppTest:
    return opened()


def test_a_label_that_changes_loses_no_trip(page: AppTest, world: World) -> None:
    world.fail("dublin", "silent", "the feed repeats itself")
    page.run()
    assert picker(page)[0] == "Dublin · dublinbikes · silent"
    assert picked(page) == "dublin"
    assert (page.session_state["screen"].start, page.session_state["screen"].goal) == ("s20", "s50")


def test_another_city_drops_the_trip(page: AppTest) -> None:
    touch(page, "feed", "boulder")
    assert page.session_state["screen"] == address_bar.Screen(city="boulder")
