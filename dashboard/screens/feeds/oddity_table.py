"""The table of what is odd in one feed, as HTML. Like the table of all feeds, it is cards on a phone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

from markupsafe import Markup

from dashboard.components.html import tag
from dashboard.words import feeds as feeds_words
from dashboard.words import formats
from dashboard.words.findings import done_about, example, finding
from ingest.store import Oddity


def table(found: Sequence[Oddity], wall: datetime, zone: tzinfo) -> Markup:
    """Write a line for each oddity, in their order. Times are those of the city's clock."""
    heads = (tag("th", head, role="columnheader", scope="col") for head in feeds_words.ODD_COLUMNS.values())
    return tag(
        "table",
        tag("thead", tag("tr", *heads, role="row"), role="rowgroup"),
        tag("tbody", *(_row(each, wall, zone) for each in found), role="rowgroup"),
        role="table",
        cls="odd",
        aria_label=feeds_words.ODDITIES(),
    )


def _row(odd: Oddity, wall: datetime, zone: tzinfo) -> Markup:
    kind = odd.finding.kind
    values = {
        "done": formats.capital(done_about(kind)) or formats.UNKNOWN,
        "since": feeds_words.lasted(
            formats.moment(odd.since, wall, zone),
            formats.moment(odd.last_at, wall, zone) if odd.gone else "",
        ),
        "today": feeds_words.today(odd.polls, odd.cases),
        "example": example(odd.finding.example) or formats.UNKNOWN,
    }
    return tag(
        "tr",
        tag("th", formats.capital(finding(kind)), role="rowheader", scope="row"),
        *(
            tag("td", tag("span", values[key]), role="cell", data_head=head)
            for key, head in feeds_words.ODD_COLUMNS.items()
            if key in values
        ),
        role="row",
        cls="gone" if odd.gone else None,
    )
