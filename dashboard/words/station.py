"""What the station panel and the station list say.

Functions that take a station's name return plain text: show it with `st.text`, a table cell or a `text`
tooltip, never through `st.markdown`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from dashboard.words.catalogue import Message, Words, mark, mark_plural, tr
from dashboard.words.formats import ago, duration, things
from dashboard.words.rules import What
from model.records import CountState

NOW = mark("Now")
EBIKES_NOW = mark("Of them electric")
CARGO_NOW = mark("Cargo bikes, not counted as bikes")
COUNT_STATE = mark("This count")
COUNT_STATES: Words[CountState] = Words(
    {
        CountState.OLD: mark("is old: the station has stopped reporting, while others go on"),
        CountState.CONTRADICTED: mark("contradicts itself: neither a bike nor a space"),
        CountState.CLOSED: mark("is that of a closed station, and may be set to 0"),
        CountState.MISSING: mark("is missing: the feed gives no number of bikes"),
    }
)
"""Why a count is not known, by its state."""

FULL_DOCKS = mark("When its docks are full")
OVERFLOW = mark("bikes are taken back all the same")
LAST_BIKES = mark("The last bikes")
_LEFT = mark_plural(
    "nobody has taken one for {time}, usually {n} rider would have: they may be out of order",
    "nobody has taken one for {time}, usually {n} riders would have: they may be out of order",
)
STAR, STARRED = mark("☆ Favourite"), mark("★ Favourite")
STAR_NAME = mark("Favourite, kept in this browser")
STAR_MARK = "★"
SHARE = mark("Share a link")
CLOSE = mark("Close this station")
ALTERNATIVES = mark("Nearest good alternatives")
NO_ALTERNATIVES = mark("None within half an hour on foot is likely or better.")
ISSUED = mark("We said, half an hour before · it was")
CHART_KEY = mark("Line: what stood there. Dashes: expected. Band: 8 times in 10 it will lie within.")
CHART_TITLE: Words[What] = Words(
    {
        "bike": mark("Bikes, last 3 hours and next 2"),
        "ebike": mark("E-bikes, last 3 hours and next 2"),
        "plain_bike": mark("Plain bikes, last 3 hours and next 2"),
        "space": mark("Spaces, last 3 hours and next 2"),
    }
)

SEARCH = mark("Find a station")
MATCHES = mark("Stations found")
GONE = mark("The station in this address is not here, or not any more. Search for it, or touch another.")
LOADING = mark("Looking…")
NO_ROWS = mark("Nothing can be found right now.")
NO_MATCH = mark("No station here has a name like that.")
NEAR = mark("Near me")
LIST = mark("List")
LIST_ALT = mark("All stations: what the map says of each, in rows.")

By = Literal["place", "station", "chance"]
BEST: Words[By] = Words(
    {
        "place": mark("Best stations near you"),
        "station": mark("Best stations near this station"),
        "chance": mark("Best stations by chance alone"),
    }
)
"""Heads of the best stations in the list, by what orders them."""

_WANTED = {
    "bike": mark_plural("A bike", "{n} bikes"),
    "ebike": mark_plural("An e-bike", "{n} e-bikes"),
    "plain_bike": mark_plural("A plain bike", "{n} plain bikes"),
    "space": mark_plural("A space", "{n} spaces"),
}
_WANTED_SHARE = {
    "bike": mark_plural("A bike, %", "{n} bikes, %"),
    "ebike": mark_plural("An e-bike, %", "{n} e-bikes, %"),
    "plain_bike": mark_plural("A plain bike, %", "{n} plain bikes, %"),
    "space": mark_plural("A space, %", "{n} spaces, %"),
}
_EXPECTED: dict[What, Message] = {
    "bike": mark("Bikes at {time}"),
    "ebike": mark("E-bikes at {time}"),
    "plain_bike": mark("Plain bikes at {time}"),
    "space": mark("Spaces at {time}"),
}
_CHART_ALT: dict[What, Message] = {
    "bike": mark(
        "{station}: bikes of the last 3 hours and expected in the next 2; the numbers above say the same."
    ),
    "ebike": mark(
        "{station}: e-bikes of the last 3 hours and expected in the next 2; the numbers above say the same."
    ),
    "plain_bike": mark(
        "{station}: plain bikes of the last 3 hours and expected in the next 2; the numbers above say the "
        "same."
    ),
    "space": mark(
        "{station}: spaces of the last 3 hours and expected in the next 2; the numbers above say the same."
    ),
}


def columns(what: What, wanted: int, at: str) -> dict[str, str]:
    """Give the titles of the station list, by column."""
    return {
        "favourite": tr("Favourite"),
        "station": tr("Station"),
        "chance": _WANTED_SHARE[what](wanted),
        "words": tr("In words"),
        "expected": _EXPECTED[what](time=at),
        "interval": tr("80 % interval"),
        "bikes": tr("Bikes now"),
        "ebikes": tr("Electric now"),
        "cargo": tr("Cargo bikes now"),
        "spaces": tr("Spaces now"),
        "walk": tr("Walk, min"),
    }


def issued_columns(what: What, wanted: int) -> dict[str, str]:
    """Give the titles of the table of issued forecasts and their truths, by column."""
    return {
        "at": mark("At", "column of times")(),
        "issued": tr("We said"),
        "chance": _WANTED[what](wanted),
        "truth": tr("It was"),
    }


def expected_at(at: str) -> str:
    """Head the expected number in a station's panel."""
    return tr("Expected at {time}", time=at)


def minutes_walk(minutes: float) -> str:
    """Write minutes on foot, at least one.

    >>> minutes_walk(0.2), minutes_walk(7.6)
    ('1 min walk', '8 min walk')
    """
    return tr("{minutes} min walk", minutes=max(round(minutes), 1))


def chart_alt(name: str, what: What) -> str:
    """Describe the fan chart to people who do not see it. Plain text: it names a station."""
    return _CHART_ALT[what](station=name)


_LOST = {
    1: mark("Your browser was not allowed to tell where you are. Search for a station instead."),
    2: mark("Your browser cannot tell where you are. Search for a station instead."),
    3: mark("Your browser did not find out in time where you are. Search for a station instead."),
}


def lost(code: int) -> str:
    """Say why a browser did not tell where it is: `code` is that of the geolocation API.

    >>> lost(1)
    'Your browser was not allowed to tell where you are. Search for a station instead.'
    """
    return _LOST.get(code, _LOST[2])()


def counted(bikes: int, docks: int, age: timedelta | None) -> str:
    """Say what stands at a station, or what stood there so long ago.

    >>> counted(3, 12, None), counted(3, 12, timedelta(minutes=12))
    ('3 bikes · 12 spaces', '3 bikes · 12 spaces, 12 min ago')
    """
    both = f"{things(bikes, 'bike')} · {things(docks, 'space')}"
    return both if age is None else tr("{counts}, {ago}", counts=both, ago=ago(age))


def left(riders: int, length: timedelta) -> str:
    """Say that the last bikes may be broken: so many riders have left them for so long.

    >>> left(5, timedelta(hours=3))
    'nobody has taken one for 3 h, usually 5 riders would have: they may be out of order'
    """
    return _LEFT(riders, time=duration(length))


def counted_now(bikes: int, docks: int, age: timedelta | None = None) -> str:
    """Say what stands at a station now, in short; with an age, what stood there so long ago.

    >>> counted_now(3, -1), counted_now(3, 12, timedelta(minutes=12))
    ('now 3 bikes, – spaces', '3 bikes · 12 spaces, 12 min ago')
    """
    if age is not None:
        return counted(bikes, docks, age)
    return tr("now {bikes}, {spaces}", bikes=things(bikes, "bike"), spaces=things(docks, "space"))
