"""When to leave for a trip: the latest good departure, the best one, and the chance by time of leaving."""

from __future__ import annotations

from datetime import datetime, timedelta

import streamlit as st
from markupsafe import Markup

from dashboard.charts import departures as chart
from dashboard.components import browser, charting
from dashboard.components.html import show, tag
from dashboard.itinerary import per_cent
from dashboard.store_reader import View
from dashboard.words import formats
from dashboard.words import trip as trip_words
from model.departures import Departures
from model.trip import TripPlan


def advice(view: View, found: Departures, shown: TripPlan, there: datetime | None) -> Markup:
    """Write when to leave. `shown` is the plan on the page, `there` the moment to be there by.

    Buttons lead to the plans of the latest good and of the best departure.
    """
    offered = {
        round(plan.leaving): plan
        for plan in (found.latest, found.best)
        if plan is not None and round(plan.leaving) != round(shown.leaving)
    }
    buttons = [_button(view, plan) for _, plan in sorted(offered.items())]
    return tag(
        "section",
        tag("h2", trip_words.WHEN_TO_LEAVE()),
        tag("p", sentence(view, found, there)),
        tag("p", *buttons, cls="actions") if buttons else "",
        cls="leaving",
    )


def draw_chart(view: View, found: Departures) -> None:
    """Draw the chance that both ends work, by the time of leaving."""
    assert view.frame is not None
    at, zone, dark = view.frame.at, view.zone, st.context.theme.type == "dark"
    show(tag("h3", trip_words.BY_LEAVING(), cls="chart"))
    charting.draw(
        chart.chart(chart.rows(found, at, zone), at, zone, dark),
        key="departures", alt=trip_words.DEPARTURES_ALT(),
    )  # fmt: skip


def sentence(view: View, found: Departures, there: datetime | None) -> str:
    """Say until when a rider may leave, and when it is best."""
    latest, best = found.latest, found.best
    best_of = trip_words.best(_time(view, best), per_cent(best.chance))
    if latest is None:
        none = trip_words.none_good(_time(view, found.plans[0]), _time(view, found.plans[-1]))
        return f"{none} {best_of}"
    if there is not None:
        by = formats.moment(there, view.now, view.zone)
        said = trip_words.leave_by(_time(view, latest), by, per_cent(latest.chance))
    elif latest is found.plans[-1] and found.first_good is found.plans[0]:
        said = trip_words.always_good(_time(view, latest))
    elif found.first_good is found.plans[0]:
        said = trip_words.good_until(_time(view, latest))
    else:
        assert found.first_good is not None
        said = trip_words.good_between(_time(view, found.first_good), _time(view, latest))
    return said if best is latest else f"{said} {best_of}"


def _moment(view: View, plan: TripPlan) -> datetime:
    assert view.frame is not None
    return view.frame.at + timedelta(minutes=plan.leaving)


def _time(view: View, plan: TripPlan) -> str:
    return formats.moment(_moment(view, plan), view.now, view.zone)


def _button(view: View, plan: TripPlan) -> Markup:
    """Offer the plans of another departure."""
    label = trip_words.leave_then(_time(view, plan), per_cent(plan.chance))
    # The address has whole minutes; a departure a little later is not the one that was meant.
    return browser.button("leave", label, identity=f"{_moment(view, plan):%Y%m%dT%H%MZ}")
