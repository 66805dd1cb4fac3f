"""What all pages share: the city picker keeps what the viewer has chosen."""

from __future__ import annotations

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.testing.v1 import AppTest

from dashboard.state import address_bar
from tests.support.dashboard_world import World
from tests.support.paging import run_page


def opened() -> AppTest:
    return run_page({"city": "dublin", "from": "s20", "to": "s50"}, "trip")


@pytest.fixture
def page(world: World) -> AppTest:
    return opened()


def test_a_label_that_changes_as_the_browser_reports_loses_no_trip(page: AppTest, world: World) -> None:
    """The report names the widget of the label before, which Streamlit takes for a new choice."""
    before = page.selectbox[0]._widget_state
    world.fail("dublin", "silent", "the feed repeats itself")
    page.run()
    assert page.selectbox[0].options[0] == "Dublin · dublinbikes · silent"
    page._run(WidgetStates(widgets=[before]))
    assert not page.exception
    assert page.session_state["screen"].start == "s20"
    assert page.session_state["screen"].goal == "s50"
    assert page.query_params["from"] == "s20"


def test_another_city_drops_the_trip(page: AppTest) -> None:
    page.selectbox[0].set_value("boulder").run()
    assert page.session_state["screen"] == address_bar.Screen(city="boulder")
