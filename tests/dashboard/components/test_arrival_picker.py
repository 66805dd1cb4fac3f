"""A browser may report a widget late, or before it was told the widget's value. No choice is lost by that."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.words import accuracy as accuracy_words
from tests.support.dashboard_world import NOON, World, frame
from tests.support.paging import run_page


def report(query: dict[str, str], key: str, value: Any) -> str:
    """Let a browser report the slider or the clock, and give the moment in the address after it."""

    def script(key: str, value: object) -> None:
        from datetime import UTC

        import streamlit as st

        from dashboard.components import arrival_picker
        from dashboard.state import address_bar
        from tests.support.dashboard_world import NOON

        address_bar.adopt()
        st.session_state[key] = value
        arrival_picker.soon() if key == "choice-minutes" else arrival_picker.at_clock(NOON, UTC)
        st.text(repr({name: address_bar.screen().address().get(name) for name in ("at", "in")}))

    page = AppTest.from_function(script, args=(key, value), default_timeout=20)
    for name, written in query.items():
        page.query_params[name] = written
    page.run()
    assert not page.exception
    return page.text[0].value


LATER = f"{NOON + timedelta(hours=3):%Y%m%dT%H%MZ}"


def test_a_slider_that_left_the_page_undoes_no_later_moment() -> None:
    assert report({"at": LATER}, "choice-minutes", 0) == repr({"at": LATER, "in": None})
    assert report({"at": LATER}, "choice-minutes", 25) == repr({"at": None, "in": "25"})


def test_a_clock_that_left_the_page_asks_for_no_later_moment() -> None:
    soon = repr({"at": None, "in": "25"})
    assert report({"in": "25"}, "choice-clock", time(15)) == soon
    four = f"{NOON + timedelta(hours=4):%Y%m%dT%H%MZ}"
    clock = (NOON + timedelta(hours=4)).time()
    assert report({"at": LATER}, "choice-clock", clock) == repr({"at": four, "in": None})


@pytest.mark.parametrize(
    ("page", "query", "defaults"),
    [
        ("map", {"what": "space", "n": "3", "in": "45"}, [45, "a space", "3"]),
        ("trip", {"n": "3", "in": "45", "from": "s1", "to": "s2"}, [45, "3"]),
        (
            "accuracy",
            {"ahead": "60", "measure": "crps", "past": "week", "models": "pool,naive"},
            ["1 h", accuracy_words.MEASURES["crps"], accuracy_words.PASTS["week"], "naive", "pool"],
        ),
    ],
)
def test_the_default_of_each_widget_is_its_choice(
    world: World, page: str, query: dict[str, str], defaults: list[int | str]
) -> None:
    """A value that is on its way is dropped when the page renews itself, and the default is reported back."""
    world.commit(frame())
    shown = run_page({"city": "dublin", **query}, page)
    given = [value for slider in shown.slider for value in slider.proto.default]
    given += [box.options[box.proto.default] for box in shown.selectbox if str(box.key).startswith("choice-")]
    for group in shown.get("button_group"):
        given += sorted(group.proto.options[index].content for index in group.proto.default)
    assert given == defaults
