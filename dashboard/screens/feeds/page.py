"""The feeds: a row each with how it is doing, and one of them from close by."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

import streamlit as st

from dashboard.charts import inner_charts
from dashboard.components import browser, page_shell
from dashboard.components.downloads import offer
from dashboard.screens.feeds.feed_rows import (
    FeedRow,
    cells,
    feeds,
    history,
    oddities,
    summary,
    table,
    whole_day,
)
from dashboard.store_reader import reading
from dashboard.words import text
from ingest.system import System

STYLE = Path(__file__).parents[2] / "static" / "inner.css"


def page() -> None:
    system = page_shell.enter("feeds")
    if system is None:
        return
    st.html(STYLE)
    often = page_shell.often(system)
    st.fragment(overview, run_every=often)(system)
    st.fragment(detail, run_every=often)(system)


def overview(system: System) -> None:
    """List all feeds. Runs again by itself."""
    source = reading()
    known = feeds(source)
    if not source.working():
        page_shell.notice(text.NO_WORKER)
    st.html(f'<p class="gist" role="status">{escape(summary(known))}</p>')
    st.html(rows(known, system.system_id))
    st.html(f'<p class="note">{escape(text.FEEDS_WINDOW)}</p>')
    offer(table(known), "dockcast-feeds", text.FEEDS_HEADING.lower())
    odd = oddities(known)
    if len(odd):
        offer(odd, "dockcast-oddities", text.ODDITIES_NOW)


def rows(known: Sequence[FeedRow], chosen: str) -> str:
    """Write the table. Its roles are spelt out, because on a phone it is laid out as cards.

    Names and reasons come from outside: all is escaped, and nothing goes through Markdown.
    """
    heads = "".join(f'<th role="columnheader" scope="col">{escape(head)}</th>' for head in text.FEED_COLUMNS)
    lines = "".join(row(feed, feed.system.system_id == chosen) for feed in known)
    legend = "".join(f'<li class="{name}">{escape(words)}</li>' for name, words in text.STRIP_KEY.items())
    return (
        f'<section class="feeds"><h2>{text.FEEDS_HEADING}</h2>'
        f'<table role="table"><thead role="rowgroup"><tr role="row">{heads}</tr></thead>'
        f'<tbody role="rowgroup">{lines}</tbody></table>'
        f'<ul class="key" aria-label="{text.FEED_COLUMNS[9]}">{legend}</ul></section>'
    )


def row(feed: FeedRow, chosen: bool) -> str:
    """Write a feed's line: its name opens what is known of it."""
    state = feed.state.state
    name = browser.button("feed", feed.name, identity=feed.system.system_id, pressed=chosen)
    said = f'<b class="{escape(state)}">{escape(text.STATES.get(state, state))}</b>'
    values = [said, *map(_cell, cells(feed))]
    inside = "".join(
        f'<td role="cell" data-head="{escape(head)}"><span>{value}</span></td>'
        for head, value in zip(text.FEED_COLUMNS[1:], values, strict=True)
    )
    mark = ' class="chosen"' if chosen else ""
    more = f'<a href="#feed">{text.CLOSER}</a>' if chosen else ""
    return f'<tr role="row"{mark}><th role="rowheader" scope="row">{name}{more}</th>{inside}</tr>'


def _cell(said: str) -> str:
    """Write what a cell says, two things one below the other."""
    return said if said.startswith("<span") else "<br>".join(escape(part) for part in said.split(" · "))


def detail(system: System) -> None:
    """Show one feed from close by: its day, what failed last, what is odd. Runs again by itself."""
    source = reading()
    feed = next(iter(feeds(source, system.system_id)), None)
    if feed is None:
        return
    wall, zone = feed.wall, feed.zone
    with st.container(border=True, key="feed"):
        st.html(f'<h2 class="feed" id="feed">{escape(feed.name)}</h2>')
        st.text(text.feed_stands(feed.state.state, feed.state.text, feed.state.failures))
        polls(feed)
        failure = source.last_failure(system.system_id)
        st.html(f'<h3 class="chart">{text.LAST_FAILURE}</h3>')
        at = "" if failure is None else text.moment(failure.at, wall, zone)
        st.text(text.NO_FAILURE if failure is None else text.failed(at, failure.kind, failure.words))
        st.html(f'<h3 class="chart">{text.ODDITIES}</h3>')
        said = [
            text.oddity(
                o.finding.count, o.finding.words, o.polls, text.moment(o.last, wall, zone), o.finding.example
            )
            for o in source.oddities(system.system_id)
        ]
        st.text("\n".join(said) or text.NO_ODDITIES)


def polls(feed: FeedRow) -> None:
    """Draw a feed's day."""
    counts = reading().health([*reading().glance()]).counts
    day = history(counts[counts["system_id"] == feed.system.system_id], feed.wall, feed.zone)
    st.html(f'<h3 class="chart">{text.POLLS_CHART}</h3>')
    if not len(day):
        st.text(text.NO_POLLS)
        return
    dark = st.context.theme.type == "dark"
    st.html(inner_charts.key(inner_charts.outcome_colours(dark)))
    st.altair_chart(
        inner_charts.polls(day, whole_day(feed.wall, feed.zone), dark),
        width="stretch",
        alt=text.POLLS_CHART_ALT,
    )
    offer(day[["at", "outcome", "polls"]], f"dockcast-{feed.system.system_id}-polls", text.POLLS_TABLE)


if __name__ == "__main__":
    page()
