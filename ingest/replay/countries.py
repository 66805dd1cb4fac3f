"""The country of a time zone, for recordings that do not name theirs."""

from __future__ import annotations

from functools import cache
from importlib import resources


def country_of(timezone: str) -> str:
    """Give the two letters of the country that a time zone belongs to; nothing where none is known.

    >>> country_of("Europe/Dublin"), country_of("UTC")
    ('IE', '')
    """
    return _countries().get(timezone, "")


@cache
def _countries() -> dict[str, str]:
    table = (resources.files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in table.splitlines() if not line.startswith("#"))
    return {row[2]: row[0] for row in rows}
