"""What a page shows, and the same in the address bar.

The widgets' own binding to query parameters would write their labels there ("Dublin · dublinbikes · live")
and take `in=7` as it is, so the values go through here instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta, timezone, tzinfo
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

import streamlit as st

from dashboard.text import What
from model.frame import AT_LEAST

MINUTES = tuple(range(0, 121, 5))
"""The arrival times to choose from."""

LATEST = timedelta(hours=24)
"""How far ahead one may ask."""

CLOCK = "choice-clock"
"""The widget that sets the clock time of a later arrival."""

Page = Literal["map", "trip"]

PATHS: dict[Page, str] = {"map": "./", "trip": "trip"}
"""Where each page is, seen from any other."""

HERE = "here"
"""A trip's start where the viewer is. The place itself never goes into the address."""

_OWN: dict[Page, tuple[str, ...]] = {"map": ("station", "what"), "trip": ("start", "goal")}
"""The choices that no other page has: not in the others' addresses, and kept while these are on screen."""

_AT = "%Y%m%dT%H%MZ"
_KEY = "screen"
_SEEN = "screen-address"
_PAGE = "screen-page"
_GO = "screen-next-page"
_WIDGETS = ("what", "n", "minutes")


@dataclass(frozen=True)
class Screen:
    """The choices that make a screen. `city` and `station` are ids, "" for none chosen.

    A trip's `start` and `goal` are "" or what `dashboard.journey.end` reads. One arrives, or leaves for a
    trip, `minutes` from now, or else `at` a moment that stays the same while time goes on.
    """

    city: str = ""
    station: str = ""
    what: What = "bike"
    n: int = 1
    minutes: int = 0
    at: datetime | None = None
    start: str = ""
    goal: str = ""

    @classmethod
    def from_address(cls, query: Mapping[str, str]) -> Screen:
        """Read an address; what is missing or makes no sense falls back.

        >>> Screen.from_address({"city": "dublin", "n": "3", "in": "26", "to": "s1"})
        Screen(city='dublin', station='', what='bike', n=3, minutes=25, at=None, start='', goal='s1')
        """
        what = query.get("what", "bike")
        return cls(
            city=query.get("city", ""),
            station=query.get("station", ""),
            what=cast(What, what if what in ("bike", "space") else "bike"),
            n=min(max(_whole(query.get("n"), 1), AT_LEAST[0]), AT_LEAST[-1]),
            minutes=min(max(5 * round(_whole(query.get("in"), 0) / 5), MINUTES[0]), MINUTES[-1]),
            at=_moment(query.get("at", "")),
            start=query.get("from", ""),
            goal=query.get("to", ""),
        )

    def address(self, page: Page = "map") -> dict[str, str]:
        """Write a page's query parameters; what is not chosen is left out.

        >>> Screen(city="dublin", n=2, minutes=25).address()
        {'city': 'dublin', 'what': 'bike', 'n': '2', 'in': '25'}
        >>> Screen(city="dublin", start="s1", goal="s2").address("trip")
        {'city': 'dublin', 'from': 's1', 'to': 's2', 'n': '1', 'in': '0'}
        """
        when = {"in": str(self.minutes)} if self.at is None else {"at": f"{self.at:{_AT}}"}
        ends = {"from": self.start, "to": self.goal}
        own = {"station": self.station, "what": self.what} if page == "map" else ends
        query = {"city": self.city, **own, "n": str(self.n), **when}
        return {name: value for name, value in query.items() if value}


def ahead(screen: Screen, now: datetime) -> float:
    """Tell in how many minutes the rider arrives, or leaves. What has passed, or is too far off, is now."""
    if screen.at is None:
        return screen.minutes
    return (screen.at - now) / timedelta(minutes=1) if is_later(screen, now) else 0


def is_later(screen: Screen, now: datetime) -> bool:
    """Tell whether the screen is for a moment that has been named, and that can be forecast."""
    return screen.at is not None and now <= screen.at <= now + LATEST


def next_at(clock: time, now: datetime, zone: tzinfo) -> datetime:
    """Find when the clocks of a zone show a time next; the running minute is past.

    A time that is skipped when clocks go forward means what they show instead: 01:30 is 02:30. One that comes
    twice when they go back means the first, unless that is past.

    >>> dublin = ZoneInfo("Europe/Dublin")
    >>> next_at(time(8, 55), datetime(2026, 3, 2, 12, 0, tzinfo=UTC), dublin).isoformat()
    '2026-03-03T08:55:00+00:00'
    """
    today = now.astimezone(zone).date()
    moments = (
        datetime.combine(today + timedelta(days=days), clock, zone).replace(fold=fold).astimezone(UTC)
        for days in range(3)
        for fold in (0, 1)
    )
    return next(moment for moment in moments if moment > now)


def viewer_zone() -> tzinfo | None:
    """Give the viewer's own time zone, as far as the browser tells."""
    try:
        return ZoneInfo(st.context.timezone or "")
    except (LookupError, ValueError, OSError):
        offset = st.context.timezone_offset
        return None if offset is None else timezone(-timedelta(minutes=offset))


def _moment(value: str) -> datetime | None:
    try:
        return datetime.strptime(value, _AT).replace(tzinfo=UTC)
    except ValueError:
        return None


def _whole(value: str | None, default: int) -> int:
    try:
        # A number of a million digits is refused by int() itself.
        return int(value) if value is not None else default
    except ValueError:
        return default


def adopt(page: Page = "map") -> None:
    """Take over an address that was changed from outside: opened, edited, or gone back to.

    For the whole script's runs alone. A fragment that refreshes itself may come with the address as it was
    before the viewer's last move, which would undo that move. Of
    what other pages show the address says nothing, so that stays while the city does. Streamlit changes page
    and address one after the other, and who goes back finds what is between: an address that says nothing of
    the page's own either. That means what was there before.
    """
    query, before = st.query_params.to_dict(), st.session_state.get(_KEY)
    if before is None or query != st.session_state[_SEEN] or page != shown():
        told = Screen.from_address(query)
        arrived, blank = page != shown(), Screen()
        if before is not None and before.city == told.city:
            kept = [
                name
                for other, names in _OWN.items()
                for name in names
                if other != page or (arrived and all(getattr(told, n) == getattr(blank, n) for n in names))
            ]
            told = replace(told, **{name: getattr(before, name) for name in kept})
        st.session_state[_KEY] = told
        st.session_state[_SEEN] = query
        st.session_state[_PAGE] = page
        if told.address(page) != Screen.from_address(query).address(page):
            _write(told)
        for name in _WIDGETS:
            st.session_state[_widget(name)] = getattr(st.session_state[_KEY], name)
        st.session_state.pop(CLOCK, None)


def screen() -> Screen:
    """Give back what is on this viewer's screen."""
    return cast(Screen, st.session_state[_KEY])


def shown() -> Page:
    """Tell which page is on this viewer's screen."""
    return cast(Page, st.session_state.get(_PAGE, "map"))


def go(page: str) -> None:
    """Ask for another page: the next run of the whole script goes there."""
    if page in PATHS:
        st.session_state[_GO] = page


def asked() -> Page | None:
    """Take the page that was asked for; None where it is on screen already, or none was."""
    page = cast("Page | None", st.session_state.pop(_GO, None))
    return page if page != shown() else None


def move(city: str) -> None:
    """Go to another city, where none of this one's stations are."""
    change(city=city, station="", start="", goal="")


def change(**choices: Any) -> None:
    """Change some of the choices, and the address with them."""
    changed = replace(screen(), **choices)
    if changed != screen():
        st.session_state[_KEY] = changed
        _write(changed)


def _write(screen: Screen) -> None:
    st.session_state[_SEEN] = screen.address(shown())
    st.query_params.from_dict(screen.address(shown()))


def take(name: str) -> None:
    """Take over what a widget was just set to; one that was emptied keeps what it had."""
    chosen = st.session_state[_widget(name)]
    if chosen is None:
        st.session_state[_widget(name)] = getattr(screen(), name)
    else:
        change(**{name: chosen})


def key(name: str) -> str:
    """Name the widget that sets a choice, and remind it of its value: Streamlit forgets undrawn widgets."""
    if _widget(name) not in st.session_state:
        st.session_state[_widget(name)] = getattr(screen(), name)
    return _widget(name)


def _widget(name: str) -> str:
    return f"choice-{name}"
