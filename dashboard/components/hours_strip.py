"""The strip of the coming hours at a station: five colours, hours below, and the same in a sentence."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo

from markupsafe import Markup

from dashboard import palette
from dashboard.coming_hours import STEP, ChanceStretch
from dashboard.components.html import tag, together
from dashboard.words import coming_hours as words
from dashboard.words import formats, rules
from dashboard.words.rules import What

_HOURS = timedelta(hours=3)
"""The distance between two hours that are named below the strip."""


def strip(found: list[ChanceStretch], what: What, number: int, now: datetime, zone: tzinfo) -> Markup:
    """Write the strip with its sentence. People who do not see it have the sentence alone."""
    colours = {rules.CLOSED_STEP: "none", **dict(enumerate(palette.STEPS))}
    parts = [
        tag(
            "i",
            style=f"flex:{(each.ends - each.begins) // STEP};"
            f"background:{colours.get(each.step, palette.UNKNOWN)}",
        )
        for each in found
    ]
    said = words.sentence(what, number, [(each.step, formats.moment(each.ends, now, zone)) for each in found])
    return together(
        tag("h3", words.COMING(), cls="chart"),
        tag("p", said, cls="coming"),
        tag("div", *parts, cls="strip", aria_hidden="true"),
        tag("div", *_hours(found[0].begins, found[-1].ends, zone), cls="hours", aria_hidden="true"),
    )


def _hours(begins: datetime, ends: datetime, zone: tzinfo) -> list[Markup]:
    """Name full hours of the city's clocks at their places below the strip, not too close to its ends."""
    quarter = timedelta(minutes=15)  # some zones are a quarter of an hour off
    first = begins.replace(minute=begins.minute // 15 * 15, second=0, microsecond=0) + quarter
    named = []
    last = begins - _HOURS
    for step in range(int((ends - begins) / quarter) + 1):
        at = first + step * quarter
        share = 100 * ((at - begins) / (ends - begins))
        if at.astimezone(zone).minute == 0 and at - last >= _HOURS and 4 <= share <= 96:
            named.append(tag("span", formats.clock(at, zone), style=f"left:{share:.1f}%"))
            last = at
    return named
