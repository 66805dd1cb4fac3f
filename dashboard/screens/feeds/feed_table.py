"""The table of all feeds, as HTML. Its roles are spelt out, because on a phone it is laid out as cards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby

from markupsafe import Markup

from dashboard.components import browser
from dashboard.components.html import BREAK, tag
from dashboard.screens.feeds.feed_rows import FeedRow
from dashboard.words import text


def table(known: Sequence[FeedRow], chosen: str) -> Markup:
    """Write the table with its key; the feed of the system `chosen` is marked."""
    heads = (tag("th", head, role="columnheader", scope="col") for head in text.FEED_COLUMNS)
    lines = (row(feed, feed.system.system_id == chosen) for feed in known)
    key = (tag("li", words, cls=name) for name, words in text.STRIP_KEY.items())
    return tag(
        "section",
        tag("h2", text.FEEDS_HEADING),
        tag(
            "table",
            tag("thead", tag("tr", *heads, role="row"), role="rowgroup"),
            tag("tbody", *lines, role="rowgroup"),
            role="table",
        ),
        tag("ul", *key, cls="key", aria_label=text.FEED_COLUMNS[9]),
        cls="feeds",
    )


def row(feed: FeedRow, chosen: bool) -> Markup:
    """Write a feed's line. Its name is a button that shows the feed from close by."""
    state = feed.state.state
    name = browser.button("feed", feed.name, identity=feed.system.system_id, pressed=chosen)
    more = tag("a", text.CLOSER, href="#feed") if chosen else ""
    values = [tag("b", text.STATES.get(state, state), cls=state), *map(_cell, cells(feed))]
    return tag(
        "tr",
        tag("th", name, more, role="rowheader", scope="row"),
        *(
            tag("td", tag("span", value), role="cell", data_head=head)
            for head, value in zip(text.FEED_COLUMNS[1:], values, strict=True)
        ),
        role="row",
        cls="chosen" if chosen else None,
    )


def _cell(value: str) -> Markup:
    """Write the two parts of a value one below the other."""
    return value if isinstance(value, Markup) else BREAK.join(value.split(" · "))


def cells(feed: FeedRow) -> list[str]:
    """Write the values of a feed's row after name and state: text, and the day's bars as markup."""
    wall, zone = feed.wall, feed.zone
    at, age, answer = feed.answered_at, feed.age, feed.answer
    ttl = None if answer is None else answer.ttl_seconds
    return [
        text.NEVER if at is None else f"{text.moment(at, wall, zone)} · {text.ago(wall - at)}",
        text.NOTHING if age is None else text.duration(age),
        text.both_times(feed.took.get("seconds")),
        text.NOTHING if ttl is None else text.duration(timedelta(seconds=ttl)),
        text.due(feed.next_in),
        f"{feed.polls:,}",
        f"{feed.failed:,}",
        strip(feed.quarters),
        text.NOTHING if answer is None else text.kinds(len(answer.findings)),
        text.NOTHING if answer is None or answer.waiting is None else f"{answer.waiting:,}",
        f"{feed.settled:,}",
        f"{feed.expired:,}",
    ]


def strip(quarters: Sequence[str]) -> Markup:
    """Draw a day as bars, in CSS alone: a layer a height, since Streamlit lets no SVG through.

    >>> strip(["news", "none", "failed", "failed"]).count("linear-gradient")
    2
    """
    layers = []
    for head, height in (("news", 100), ("still", 50), ("failed", 30)):
        stops, place = [], 0
        for is_head, run in groupby(quarter == head for quarter in quarters):
            end = place + len(list(run))
            colour = f"var(--{head})" if is_head else "transparent"
            stops.append(f"{colour} {place / len(quarters):.2%} {end / len(quarters):.2%}")
            place = end
        if head in quarters:
            layers.append(f"linear-gradient(90deg, {', '.join(stops)}) 0 100% / 100% {height}% no-repeat")
    style = f"background: {', '.join(layers)}" if layers else None
    words = text.strip_alt(Counter(quarters))
    return tag("span", cls="strip", role="img", aria_label=words, style=style)
