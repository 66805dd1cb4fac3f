"""The pages of the app in one table, in the order of the navigation. A new screen has a line here."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.words.catalogue import Message, mark


@dataclass(frozen=True)
class PageEntry:
    """A page: its script as a path from `dashboard/`, its title, and what its address holds.

    `choices` are fields of `Screen` beside city and kiosk. Those of other pages stay as they are meanwhile.
    """

    script: str
    title: Message
    choices: tuple[str, ...] = ()


PAGES = {
    "map": PageEntry("screens/map.py", mark("Map"), ("station", "what", "n", "minutes", "at")),
    "trip": PageEntry(
        "screens/trip/page.py", mark("Trip"), ("start", "goal", "ride", "n", "minutes", "at", "direction")
    ),
    "accuracy": PageEntry(
        "screens/accuracy/page.py",
        mark("Accuracy"),
        ("horizon", "measure", "past", "models", "everywhere", "days", "hours", "third", "beside", "kind"),
    ),
    "feeds": PageEntry("screens/feeds/page.py", mark("Feeds")),
    "model": PageEntry("screens/model/page.py", mark("Model", "page"), ("station",)),
}

HOME = "map"
"""The page that an address without a page opens."""


def path(page: str) -> str:
    """Give the address of a page, relative to any other page.

    >>> path("trip"), path("map")
    ('trip', './')
    """
    return "./" if page == HOME else page
