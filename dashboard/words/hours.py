"""What pages say of opening hours, by the city's clocks."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo

from dashboard.words.catalogue import mark, plural, tr
from dashboard.words.formats import clock, count, moment
from dashboard.words.rules import What
from model.hours import OpenState

HOURS = mark("Opening hours")
CLOSED_THEN = mark("closed at that time")
ALWAYS_OPEN = mark("No hours are published here, or the system never closes.")


def span(state: OpenState, now: datetime, zone: tzinfo) -> str:
    """Write from when until when a station is open; of a span of more than a day the days as well."""
    if state.opens_at is None or state.closes_at is None:
        return ""
    if state.closes_at - state.opens_at > timedelta(days=1):
        return f"{moment(state.opens_at, now, zone)}–{moment(state.closes_at, now, zone)}"
    return f"{clock(state.opens_at, zone)}–{clock(state.closes_at, zone)}"


def now_and_next(state: OpenState, now: datetime, zone: tzinfo) -> str:
    """Write a station's hours, and when it opens or closes next.

    >>> from datetime import UTC
    >>> day = datetime(2026, 3, 2, tzinfo=UTC)
    >>> state = OpenState(False, day.replace(hour=6), day.replace(hour=22))
    >>> now_and_next(state, day.replace(hour=3), UTC)
    'open 06:00–22:00; closed now, opens at 06:00'
    """
    hours = span(state, now, zone)
    if not state.is_open:
        if state.opens_at is None:
            return tr("closed now")
        opens = moment(state.opens_at, now, zone)
        if not hours:
            return tr("closed now, opens at {time}", time=opens)
        return tr("open {hours}; closed now, opens at {time}", hours=hours, time=opens)
    if state.closes_at is None:
        return tr("open now")
    return tr("open {hours}; closes at {time}", hours=hours, time=moment(state.closes_at, now, zone))


def closed_then(state: OpenState, now: datetime, zone: tzinfo) -> str:
    """Say that a station is closed when the rider comes, and when it opens."""
    if state.opens_at is None:
        return CLOSED_THEN()
    return tr("closed then, opens at {time}", time=moment(state.opens_at, now, zone))


def all_closed(at: str, opens: str) -> str:
    """Say that every station is closed at the chosen moment.

    >>> all_closed("03:00", "06:00")
    'At 03:00 all stations are closed by their opening hours. They open at 06:00.'
    """
    closed = tr("At {time} all stations are closed by their opening hours.", time=at)
    return _and_open(closed, opens)


def _and_open(closed: str, opens: str) -> str:
    """Add to a sentence when stations open, where that is known."""
    if not opens:
        return closed
    again = tr("They open at {time}.", time=opens)
    return f"{closed} {again}"


def some_closed(at: str, closed: int) -> str:
    """Say how many stations are closed at the chosen moment.

    >>> some_closed("03:00", 2)
    'At 03:00 2 stations are closed by their opening hours.'
    """
    return plural(
        "At {time} {n} station is closed by its opening hours.",
        "At {time} {n} stations are closed by their opening hours.",
        closed,
        n=count(closed),
        time=at,
    )


def no_trip(what: What, closed_at: str, opens: str) -> str:
    """Say that a trip comes to closed stations, since when and until when. Empty times are not known.

    >>> no_trip("bike", "00:00", "06:00")
    'No plan: the stations near where you start close at 00:00, before you get there. They open at 06:00.'
    """
    if what == "bike":
        why = (
            tr(
                "No plan: the stations near where you start close at {time}, before you get there.",
                time=closed_at,
            )
            if closed_at
            else tr("No plan: the stations near where you start are closed when you get there.")
        )
    else:
        why = (
            tr(
                "No plan: the stations near where you go close at {time}, before you get there.",
                time=closed_at,
            )
            if closed_at
            else tr("No plan: the stations near where you go are closed when you get there.")
        )
    return _and_open(why, opens)


def published(text: str, stations: int) -> str:
    """Write hours as the feed has them, and how many stations keep them. Plain text: the feed wrote it.

    >>> published("Mo-Su 06:00-24:00", 90)
    'Mo-Su 06:00-24:00 (90 stations)'
    """
    return plural("{hours} ({n} station)", "{hours} ({n} stations)", stations, hours=text, n=count(stations))


def end_closed(name: str, closed: str) -> str:
    """Say that a chosen station is closed then, so that the plan is by way of another. Plain text."""
    return tr("{station}: {closed}. The plan goes by another station.", station=name, closed=closed)
