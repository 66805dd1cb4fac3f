"""A browser may report a widget late, or before it was told the widget's value. No choice is lost by that."""

from __future__ import annotations

from datetime import timedelta

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.words import accuracy as accuracy_words
from tests.support.dashboard_world import NOON, World, frame
from tests.support.paging import run_page


def after(query: dict[str, str], sent: dict[str, str], slider: int | None = None) -> str:
    """Let a browser report a touch, or the slider, at noon; give the moment in the address after it."""

    def script(sent: dict[str, str], slider: int | None) -> None:
        from datetime import UTC

        import streamlit as st

        from dashboard.components import arrival_picker, browser
        from dashboard.state import address_bar
        from tests.support.dashboard_world import NOON

        address_bar.adopt()
        if slider is not None:
            st.session_state["choice-minutes"] = slider
            arrival_picker.soon()
        browser.act(sent)
        browser.choose_when(NOON, UTC)
        st.text(repr({name: address_bar.screen().address().get(name) for name in ("at", "in")}))

    page = AppTest.from_function(script, args=(sent, slider), default_timeout=20)
    for name, written in query.items():
        page.query_params[name] = written
    page.run()
    assert not page.exception
    return page.text[0].value


def at(hours: float) -> str:
    return f"{NOON + timedelta(hours=hours):%Y%m%dT%H%MZ}"


def test_a_slider_that_left_the_page_undoes_no_later_moment() -> None:
    assert after({"at": at(3)}, {}, slider=15) == repr({"at": at(3), "in": None})
    assert after({"at": at(3)}, {}, slider=25) == repr({"at": None, "in": "25"})


@pytest.mark.parametrize(
    ("query", "do", "identity", "expected"),
    [
        # Tomorrow five to nine in two touches, and in one.
        ({"in": "15"}, "day", "2026-03-03", at(20)),
        ({"at": at(20)}, "clock", "08:55", at(20 + 55 / 60)),
        ({"in": "15"}, "clock", "08:55", at(20 + 55 / 60)),
        ({"in": "15"}, "clock", "14:20", at(2 + 20 / 60)),
        # The day keeps the time that was chosen, as far as it can.
        ({"at": at(20)}, "day", "2026-03-02", at(5 / 60)),
        ({"at": at(6)}, "day", "2026-03-03", at(24)),
        ({"at": at(6)}, "soon", "", None),
        # A button of the trip's departures.
        ({"in": "15"}, "leave", at(1), at(1)),
        ({"at": at(6)}, "leave", "soon", at(6)),
        # Nonsense that no browser of ours sends changes nothing.
        ({"at": at(6)}, "clock", "99:99", at(6)),
        ({"at": at(6)}, "day", "x" * 300, at(6)),
        ({"at": at(6)}, "day", "9999-12-31", at(24)),
        ({"at": at(6)}, "day", "0001-01-01", at(5 / 60)),
        ({"at": at(6)}, "direction", "sideways", at(6)),
    ],
)
def test_a_touch_on_a_day_or_a_time_is_the_moment_in_the_address(
    query: dict[str, str], do: str, identity: str, expected: str | None
) -> None:
    shown = after(query, {"do": do, "id": identity})
    assert shown == repr({"at": expected, "in": "15" if expected is None else None})


@pytest.mark.parametrize(
    ("page", "query", "defaults"),
    [
        ("map", {"what": "space", "n": "3", "in": "45"}, [45]),
        ("trip", {"n": "3", "in": "45", "from": "s1", "to": "s2"}, [45]),
        (
            "accuracy",
            {"ahead": "60", "measure": "crps", "past": "week", "models": "pool,naive"}
            | {"days": "weekdays", "hours": "7-10"},
            [
                "1 h",
                accuracy_words.MEASURES["crps"],
                accuracy_words.PASTS["week"],
                accuracy_words.DAYS["weekdays"],
                accuracy_words.hours("7-10"),
                accuracy_words.THIRDS["all"],
                accuracy_words.NO_OTHER(),
                "naive",
                "pool",
            ],
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
