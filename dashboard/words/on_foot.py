"""What the map says to somebody who sets out on foot from where they are."""

from __future__ import annotations

from dashboard.words.catalogue import mark, mark_plural, tr
from dashboard.words.formats import number, things
from dashboard.words.rules import FAR_KM, What
from dashboard.words.station import minutes_walk

HEAD = mark("Best stations on foot from here")
STOP = mark("No longer from here")
STOP_SHORT = "×"
CHOSEN = mark("on foot from here")
ARRIVAL = mark("your arrival")
"""Stands where a clock time stands otherwise."""

_SUMMARY = {
    "bike": mark_plural(
        "If you set out {when}, a bike is likely or almost sure at {good} of {known} stations within "
        "half an hour on foot.",
        "If you set out {when}, {n} bikes are likely or almost sure at {good} of {known} stations within "
        "half an hour on foot.",
    ),
    "ebike": mark_plural(
        "If you set out {when}, an e-bike is likely or almost sure at {good} of {known} stations within "
        "half an hour on foot.",
        "If you set out {when}, {n} e-bikes are likely or almost sure at {good} of {known} stations within "
        "half an hour on foot.",
    ),
    "plain_bike": mark_plural(
        "If you set out {when}, a plain bike is likely or almost sure at {good} of {known} stations within "
        "half an hour on foot.",
        "If you set out {when}, {n} plain bikes are likely or almost sure at {good} of {known} stations "
        "within half an hour on foot.",
    ),
    "space": mark_plural(
        "If you set out {when}, a space is likely or almost sure at {good} of {known} stations within "
        "half an hour on foot.",
        "If you set out {when}, {n} spaces are likely or almost sure at {good} of {known} stations within "
        "half an hour on foot.",
    ),
}


def summary(what: What, wanted: int, at: str, good: int, known: int) -> str:
    """Sum up the stations around a viewer; `at` is when the viewer sets out, weekday and time, "" for now.

    >>> summary("bike", 1, "", 3, 8)
    'If you set out now, a bike is likely or almost sure at 3 of 8 stations within half an hour on foot.'
    """
    if not known:
        return tr("No station within half an hour on foot has a forecast.")
    when = tr("on {time}", time=at) if at else tr("now")
    return _SUMMARY[what](wanted, when=when, good=number(good), known=number(known))


def station(walk: float, at: str, median: int, what: What) -> str:
    """Describe a station to somebody who walks there: how long, when, and how many are expected then.

    >>> station(7.6, "18:33", 5, "bike")
    '8 min walk · 18:33 · 5 bikes'
    """
    return f"{minutes_walk(walk)} · {at} · {things(median, what)}"


def far(km: float) -> str:
    """Say that a viewer is far from every station of a city.

    >>> far(120.4)
    'You are about 120 km from the nearest station of this city.'
    """
    assert km > FAR_KM
    return tr("You are about {n} km from the nearest station of this city.", n=number(km))


def nearest(city: str, km: float) -> str:
    """Offer the nearest city.

    >>> nearest("Dublin · dublinbikes", 0.4)
    'Go to Dublin · dublinbikes, 1 km from you'
    """
    return tr("Go to {city}, {n} km from you", city=city, n=number(max(km, 1)))
