"""What a link says of itself before somebody opens it: its title, and a line below.

A messenger fetches both once and keeps them. So they say what the page is about and never what it forecasts.
"""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.words.catalogue import mark
from dashboard.words.formats import capital
from dashboard.words.shell import SUBTITLE, TITLE

NO_SCRIPT = mark("This page needs JavaScript. Programs read the same numbers under /api.")


@dataclass(frozen=True)
class Preview:
    """The title of a link, and what it says below. Plain text: names of stations are a stranger's."""

    title: str
    line: str


def preview(about: str, city: str, asked: str) -> Preview:
    """Write a preview of a page, of a city if that is known, and of what was asked for there.

    >>> shown = preview("Quay", "Dublin", "a bike · in 25 min")
    >>> shown.title, shown.line
    ('Quay · Dublin · Dockcast', 'A bike · in 25 min · Bikes and spaces at the moment you arrive')
    """
    title = " · ".join(part for part in (about, city, TITLE) if part)
    return Preview(title, " · ".join(part for part in (capital(asked), SUBTITLE()) if part))
