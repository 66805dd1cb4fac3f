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
from dashboard.words import feeds as feeds_words
from dashboard.words import formats
from dashboard.words import shell as shell_words


def table(known: Sequence[FeedRow], chosen: str) -> Markup:
    """Write the table with its key; the feed of the system `chosen` is marked."""
    heads = (tag("th", head, role="columnheader", scope="col") for head in feeds_words.FEED_COLUMNS.values())
    lines = (row(feed, feed.system.system_id == chosen) for feed in known)
    key = (tag("li", words, cls=name) for name, words in feeds_words.STRIP_KEY.items())
    return tag(
        "section",
        tag("h2", feeds_words.FEEDS_HEADING()),
        tag(
            "table",
            tag("thead", tag("tr", *heads, role="row"), role="rowgroup"),
            tag("tbody", *lines, role="rowgroup"),
            role="table",
        ),
        tag("ul", *key, cls="key", aria_label=feeds_words.FEED_COLUMNS["day"]),
        cls="feeds",
    )


def row(feed: FeedRow, chosen: bool) -> Markup:
    """Write a feed's line. Its name is a button that shows the details of the feed."""
    state = feed.state.state
    name = browser.button("feed", feed.name, identity=feed.system.system_id, pressed=chosen)
    more = tag("a", feeds_words.CLOSER(), href="#feed") if chosen else ""
    values = {"state": tag("b", shell_words.STATES.get(state, state), cls=state)}
    values |= {key: _cell(value) for key, value in cells(feed).items()}
    return tag(
        "tr",
        tag("th", name, more, role="rowheader", scope="row"),
        *(
            tag("td", tag("span", values[key]), role="cell", data_head=head)
            for key, head in feeds_words.FEED_COLUMNS.items()
            if key in values
        ),
        role="row",
        cls="chosen" if chosen else None,
    )


def _cell(value: str) -> Markup:
    """Write the two parts of a value one below the other."""
    return value if isinstance(value, Markup) else BREAK.join(value.split(" · "))


def cells(feed: FeedRow) -> dict[str, str]:
    """Write the values of a feed's row by column, without name and state: text, and the day's bars."""
    wall, zone = feed.wall, feed.zone
    at, age, answer = feed.answered_at, feed.age, feed.answer
    ttl = None if answer is None else answer.ttl_seconds
    answered = "" if at is None else f"{formats.moment(at, wall, zone)} · {formats.ago(wall - at)}"
    waiting = None if answer is None else answer.waiting
    return {
        "answered": answered or feeds_words.NEVER(),
        "age": formats.UNKNOWN if age is None else formats.duration(age),
        "took": formats.both_times(feed.took.get("seconds")),
        "ttl": formats.UNKNOWN if ttl is None else formats.duration(timedelta(seconds=ttl)),
        "next": formats.due(feed.next_in),
        "polls": formats.number(feed.polls),
        "failed": formats.number(feed.failed),
        "day": strip(feed.quarters),
        "oddities": formats.UNKNOWN if answer is None else feeds_words.kinds(len(feed.odd_now)),
        "waiting": formats.UNKNOWN if waiting is None else formats.number(waiting),
        "settled": formats.number(feed.settled),
        "expired": formats.number(feed.expired),
    }


def strip(quarters: Sequence[str]) -> Markup:
    """Draw a day as bars, in CSS alone, with a layer for each height. Streamlit removes SVG from HTML.

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
    words = feeds_words.strip_alt(Counter(quarters))
    return tag("span", cls="strip", role="img", aria_label=words, style=style)
