"""What the map page says."""

from __future__ import annotations

from collections.abc import Sequence

from dashboard.words.catalogue import Words, mark, mark_plural, tr
from dashboard.words.formats import number, things
from dashboard.words.rules import What

WHAT = mark("I want")
WHAT_OPTION: Words[What] = Words(
    {
        "bike": mark("a bike"),
        "ebike": mark("an e-bike"),
        "plain_bike": mark("a plain bike"),
        "space": mark("a space"),
    }
)

MAP_ALT = mark("Map of the stations by chance and expected number; the list says the same.")
PICK_HINT = mark("Choose a station on the map to see its numbers.")

CHOOSE = mark("Choose what, and when")

_SUMMARY = {
    "bike": mark_plural(
        "On {moment}, a bike is likely or almost sure at {good} of {known} stations.",
        "On {moment}, {n} bikes are likely or almost sure at {good} of {known} stations.",
    ),
    "ebike": mark_plural(
        "On {moment}, an e-bike is likely or almost sure at {good} of {known} stations.",
        "On {moment}, {n} e-bikes are likely or almost sure at {good} of {known} stations.",
    ),
    "plain_bike": mark_plural(
        "On {moment}, a plain bike is likely or almost sure at {good} of {known} stations.",
        "On {moment}, {n} plain bikes are likely or almost sure at {good} of {known} stations.",
    ),
    "space": mark_plural(
        "On {moment}, a space is likely or almost sure at {good} of {known} stations.",
        "On {moment}, {n} spaces are likely or almost sure at {good} of {known} stations.",
    ),
}
_TOOLTIP = {
    "bike": mark_plural(
        "{name}\nnow: {bikes} bikes · {spaces} spaces\nat {time}: {expected} bikes expected\n"
        "a bike: {chance}",
        "{name}\nnow: {bikes} bikes · {spaces} spaces\nat {time}: {expected} bikes expected\n"
        "{n} bikes: {chance}",
    ),
    "ebike": mark_plural(
        "{name}\nnow: {bikes} e-bikes · {spaces} spaces\nat {time}: {expected} e-bikes expected\n"
        "an e-bike: {chance}",
        "{name}\nnow: {bikes} e-bikes · {spaces} spaces\nat {time}: {expected} e-bikes expected\n"
        "{n} e-bikes: {chance}",
    ),
    "plain_bike": mark_plural(
        "{name}\nnow: {bikes} plain bikes · {spaces} spaces\nat {time}: {expected} plain bikes expected\n"
        "a plain bike: {chance}",
        "{name}\nnow: {bikes} plain bikes · {spaces} spaces\nat {time}: {expected} plain bikes expected\n"
        "{n} plain bikes: {chance}",
    ),
    "space": mark_plural(
        "{name}\nnow: {bikes} bikes · {spaces} spaces\nat {time}: {expected} spaces expected\n"
        "a space: {chance}",
        "{name}\nnow: {bikes} bikes · {spaces} spaces\nat {time}: {expected} spaces expected\n"
        "{n} spaces: {chance}",
    ),
}


def summary(what: What, wanted: int, at: str, good: int, known: int) -> str:
    """Sum the map up in one sentence; `at` is a time with its weekday."""
    if not known:
        return tr("Nothing is forecast for this moment.")
    return _SUMMARY[what](wanted, moment=at, good=number(good), known=number(known))


def chosen(what: What, wanted: int, at: str) -> str:
    """Write what is chosen, in short.

    >>> chosen("bike", 1, "18:05"), chosen("space", 2, "Sun 08:55")
    ('a bike · 18:05', '2 spaces · Sun 08:55')
    """
    return f"{wish(what, wanted)} · {at}"


def wish(what: What, wanted: int) -> str:
    """Write what is wanted.

    >>> wish("bike", 1), wish("ebike", 2)
    ('a bike', '2 e-bikes')
    """
    return WHAT_OPTION[what] if wanted == 1 else things(wanted, what)


def tooltip(at: str, what: What, wanted: int, columns: Sequence[int]) -> str:
    """Make a mark's tooltip. `columns` are the places of name, bikes, docks, expected and chance in a row.

    The bikes are those of the kind that is wanted.
    """
    name, bikes, spaces, expected, chance = (f"{{{column}}}" for column in columns)
    return _TOOLTIP[what](
        wanted, name=name, bikes=bikes, spaces=spaces, expected=expected, chance=chance, time=at
    )
