"""The feeds: a row with the state of each, and the details of one."""

from __future__ import annotations

import numpy as np
import streamlit as st

from dashboard.charts import feeds as charts
from dashboard.components import charting, legend, page_shell
from dashboard.components.downloads import offer
from dashboard.components.html import show, stylesheet, tag
from dashboard.screens.feeds import feed_table, oddity_table
from dashboard.screens.feeds.feed_rows import (
    FeedRow,
    feeds,
    history,
    last_24_hours,
    oddities,
    summary,
    table,
)
from dashboard.store_reader import reader
from dashboard.words import feeds as feeds_words
from dashboard.words import formats
from dashboard.words import hours as hours_words
from dashboard.words.feed_errors import feed_error
from ingest.system import System
from model.hours import ALWAYS_OPEN

_MOST_HOURS = 5
"""Different opening hours that are written out, those of the most stations first."""


def page() -> None:
    system = page_shell.enter("feeds")
    if system is None:
        return
    stylesheet("feeds.css")
    often = page_shell.often(system)
    st.fragment(overview, run_every=often)(system)
    st.fragment(detail, run_every=often)(system)


def overview(system: System) -> None:
    """List all feeds. Runs again by itself."""
    source = reader()
    known = feeds(source)
    if absent := page_shell.no_worker(source):
        page_shell.notice(absent)
    if source.store.findings.list_fault_since() is not None:
        page_shell.notice(feeds_words.LIST_FAULT())
    show(tag("p", summary(known), cls="gist", role="status"))
    show(feed_table.table(known, system.system_id))
    show(tag("p", feeds_words.FEEDS_WINDOW(), cls="note"))
    offer(table(known), "dockcast-feeds", feeds_words.FEEDS_TABLE())
    odd = oddities(known)
    if len(odd):
        offer(odd, "dockcast-oddities", feeds_words.ODDITIES_TABLE())


def detail(system: System) -> None:
    """Show the details of one feed: its day, the last failure, findings. Runs again by itself."""
    source = reader()
    feed = next(iter(feeds(source, system.system_id)), None)
    if feed is None:
        return
    wall, zone = feed.wall, feed.zone
    with st.container(border=True, key="feed"):
        show(tag("h2", feed.name, cls="feed", id="feed"))
        st.text(feeds_words.feed_stands(feed.state.state, feed_error(feed.state.reason), feed.state.failures))
        polls(feed)
        failure = source.last_failure(system.system_id)
        opening_hours(system)
        show(tag("h3", feeds_words.LAST_FAILURE(), cls="chart"))
        at = "" if failure is None else formats.moment(failure.at, wall, zone)
        why = "" if failure is None else feed_error(failure.reason)
        st.text(feeds_words.NO_FAILURE() if failure is None else feeds_words.failed(at, why))
        show(tag("h3", feeds_words.ODDITIES(), cls="chart"))
        if feed.oddities:
            show(oddity_table.table(feed.oddities, wall, zone))
        else:
            st.text(feeds_words.NO_ODDITIES())


def opening_hours(system: System) -> None:
    """Write the hours that the feed publishes, by the number of stations, and when these open or close."""
    view = reader().view(system)
    if view.frame is None:
        return
    show(tag("h3", hours_words.HOURS(), cls="chart"))
    hours, lines = view.frame.hours, []
    if hours is not None:
        found, first, many = np.unique(hours.schedule, return_index=True, return_counts=True)
        for index, row, stations in sorted(zip(found.tolist(), first.tolist(), many.tolist(), strict=True),
                                           key=lambda each: -each[2])[:_MOST_HOURS]:  # fmt: skip
            if index != ALWAYS_OPEN:
                lines.append(hours_words.published(str(hours.text[index]), stations))
                lines.append(hours_words.now_and_next(hours.state(row, view.now), view.now, view.zone))
    st.text("\n".join(lines) or hours_words.ALWAYS_OPEN())


def polls(feed: FeedRow) -> None:
    """Draw a feed's day."""
    counts = reader().health([*reader().overview()]).counts
    day = history(counts[counts["system_id"] == feed.system.system_id], feed.wall, feed.zone)
    show(tag("h3", feeds_words.POLLS_CHART(), cls="chart"))
    if not len(day):
        st.text(feeds_words.NO_POLLS())
        return
    dark = st.context.theme.type == "dark"
    show(legend.chart_key(charts.outcome_colours(dark)))
    charting.draw(
        charts.polls(day, last_24_hours(feed.wall, feed.zone), dark),
        width="stretch",
        alt=feeds_words.POLLS_CHART_ALT(),
        times=True,
    )
    offer(
        day[["at", "outcome", "polls"]], f"dockcast-{feed.system.system_id}-polls", feeds_words.POLLS_TABLE()
    )


if __name__ == "__main__":
    page()
