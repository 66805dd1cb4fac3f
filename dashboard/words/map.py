"""What the map page says."""

from __future__ import annotations

from collections.abc import Sequence

from dashboard.words.catalogue import Words, mark, mark_plural, tr
from dashboard.words.formats import number
from dashboard.words.rules import What

WHAT = mark("I want")
WHAT_OPTION: Words[What] = Words({"bike": mark("a bike"), "space": mark("a space")})

MAP_ALT = mark("Map of the stations by chance and expected number; the list says the same.")
PICK_HINT = mark("Choose a station on the map to see its numbers.")

_SUMMARY = {
    "bike": mark_plural(
        "At {time}, a bike is likely or almost sure at {good} of {known} stations.",
        "At {time}, {n} bikes are likely or almost sure at {good} of {known} stations.",
    ),
    "space": mark_plural(
        "At {time}, a space is likely or almost sure at {good} of {known} stations.",
        "At {time}, {n} spaces are likely or almost sure at {good} of {known} stations.",
    ),
}
_TOOLTIP = {
    "bike": mark_plural(
        "{name}\nnow: {bikes} bikes · {spaces} spaces\nat {time}: {expected} bikes expected\n"
        "a bike: {chance}",
        "{name}\nnow: {bikes} bikes · {spaces} spaces\nat {time}: {expected} bikes expected\n"
        "{n} bikes: {chance}",
    ),
    "space": mark_plural(
        "{name}\nnow: {bikes} bikes · {spaces} spaces\nat {time}: {expected} spaces expected\n"
        "a space: {chance}",
        "{name}\nnow: {bikes} bikes · {spaces} spaces\nat {time}: {expected} spaces expected\n"
        "{n} spaces: {chance}",
    ),
}


def summary(what: What, wanted: int, at: str, good: int, known: int) -> str:
    """Sum the map up in one sentence."""
    if not known:
        return tr("Nothing is forecast for this moment.")
    return _SUMMARY[what](wanted, time=at, good=number(good), known=number(known))


def tooltip(at: str, what: What, wanted: int, columns: Sequence[int]) -> str:
    """Make a mark's tooltip. `columns` are the places of name, bikes, docks, expected and chance in a row."""
    name, bikes, spaces, expected, chance = (f"{{{column}}}" for column in columns)
    return _TOOLTIP[what](
        wanted, name=name, bikes=bikes, spaces=spaces, expected=expected, chance=chance, time=at
    )
