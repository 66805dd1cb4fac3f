"""Reads single values of GBFS documents, any of which may be missing, odd or nonsense.

Nothing here raises an error about a feed's value: one that makes no sense is None or -1, and the caller
counts it as a finding.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import tzfpy

from ingest.text import clean, readable
from model.records import UNKNOWN

MOST = 1000
"""The largest count that we believe: no station of any system has more docks."""

_NO_COUNT = 999  # what some operators write for "not known"; longer rows of nines are too large anyway
_MAX_ID, _MAX_NAME = 100, 120
LONGEST_WORD = 64
"""Characters of a number, a flag, a time, the name of a zone, a language or a document, spaces included."""
_EARLIEST = datetime(2007, 1, 1, tzinfo=UTC)  # no shared bike had a feed before; 86400 is a day, not a date
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)
_MILLISECONDS, _MICROSECONDS = 10**11, 10**14


def station_id(value: Any) -> str | None:
    """Read an id, text or whole number: Vélib' numbers its stations beyond 2³¹."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    text = value if isinstance(value, str) else str(value) if abs(value) < 10**_MAX_ID else ""
    text = clean(text[: 4 * _MAX_ID], _MAX_ID + 1)
    return text if 0 < len(text) <= _MAX_ID else None


def name(value: Any) -> str:
    """Read a name: text, or from v3.0 on a list of {text, language}, English first."""
    if isinstance(value, list):
        texts = {
            str(entry.get("language", ""))[:LONGEST_WORD].lower()[:2]: entry["text"]
            for entry in reversed(value)
            if isinstance(entry, dict) and isinstance(entry.get("text"), str)
        }
        value = texts.get("en", next(reversed(texts.values()), None))
    return readable(value, _MAX_NAME) if isinstance(value, str) else ""


def number(value: Any) -> float | None:
    """Read a number, also from text; None for what is none or not finite."""
    if value is None:
        return None
    if isinstance(value, str):
        try:
            value = float(value) if len(value) <= LONGEST_WORD else None
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        result = float(value)
    except OverflowError:
        return None
    return result if math.isfinite(result) else None


def count(value: Any, capacity: int = UNKNOWN) -> int:
    """Read a count, -1 where it is nonsense: negative, a fraction, 999, or far more than `capacity`.

    A little more than capacity is no nonsense: bikes are left beside full stations, and valets stack them.
    """
    if value is None:
        return UNKNOWN
    if type(value) is int:
        whole = value
    else:
        read = number(value)
        if read is None or not read.is_integer():
            return UNKNOWN
        whole = int(read)
    if whole < 0 or whole > MOST or whole == _NO_COUNT or whole > 4 * capacity + 100 > 100:
        return UNKNOWN
    return whole


_FLAGS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def flag(value: Any) -> bool | None:
    """Read a flag: true, 1 or their text; None where it is missing or odd."""
    if value is True or value is False or value is None:
        return value
    if type(value) is int:
        return bool(value) if value in (0, 1) else None
    return _FLAGS.get(value[:LONGEST_WORD].strip().lower()) if isinstance(value, str) else None


def moment(value: Any) -> datetime | None:
    """Read a time, to the second: POSIX seconds, milli- or microseconds, as number or text, or RFC 3339.

    None where it is no time at which a feed can have been written. Text without a zone is UTC.
    """
    read = number(value)
    try:
        if read is not None:
            scale = 1e6 if read > _MICROSECONDS else 1e3 if read > _MILLISECONDS else 1
            at = datetime.fromtimestamp(math.floor(read / scale), UTC)
        elif isinstance(value, str):
            at = datetime.fromisoformat(value[:LONGEST_WORD].strip())
            at = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC).replace(microsecond=0)
        else:
            return None
    except (ValueError, OverflowError, OSError):
        return None
    return at if _EARLIEST <= at < _LATEST else None


def position(lat: Any, lon: Any) -> tuple[float, float] | None:
    """Read a position; None where it is missing, off the globe, or at 0, 0, where no station swims."""
    read_lat, read_lon = number(lat), number(lon)
    if read_lat is None or read_lon is None or abs(read_lat) > 90 or abs(read_lon) > 180:
        return None
    return None if abs(read_lat) < 0.01 and abs(read_lon) < 0.01 else (read_lat, read_lon)


def ttl(document: dict[str, Any], default: float) -> float:
    """Read the seconds that a document is good for; `default` where it does not say."""
    read = number(document.get("ttl"))
    return default if read is None or read < 0 else read


@lru_cache(maxsize=1000)
def is_zone(name: str) -> bool:
    """Tell whether a time zone of this name exists."""
    try:
        ZoneInfo(name)
    except (ValueError, LookupError, OSError):  # OSError: "America" is a folder
        return False
    return True


def zone_at(lat: float, lon: float) -> str:
    """Give the time zone at a position."""
    found = tzfpy.get_tz(lon, lat)
    return found if is_zone(found) else "UTC"


@lru_cache(maxsize=1000)
def offsets(zone: str, year: int) -> tuple[timedelta | None, ...]:
    """Give a zone's distances from UTC over a year, one a week: equal where two zones show the same clocks.

    >>> offsets("EST", 2026) == offsets("America/New_York", 2026)
    False
    >>> offsets("Europe/Andorra", 2026) == offsets("Europe/Paris", 2026)
    True
    """
    first = datetime(year, 1, 1, 12, tzinfo=UTC)
    return tuple((first + timedelta(weeks=week)).astimezone(ZoneInfo(zone)).utcoffset() for week in range(52))


def zone_of_place(zone: str, lats: Sequence[float], lons: Sequence[float], year: int) -> str:
    """Give the zone of stations: `zone`, or that of their position where it shows other clocks than `zone`.

    A tenth of the stations under the clocks of `zone` are enough to believe it: borders of zones are known to
    a kilometre only, and a system may reach over one. At sea no country has set a clock, so it is believed.
    """
    places = [tzfpy.get_tzs(lon, lat) for lat, lon in zip(lats, lons, strict=True)]
    clocks = offsets(zone, year)
    agreeing = [any(offsets(name, year) == clocks for name in names if is_zone(name)) for names in places]
    place = zone_at(float(np.median(lats)), float(np.median(lons)))
    if 10 * sum(agreeing) >= len(agreeing) or place == "UTC" or place.startswith("Etc/"):
        return zone
    return place if offsets(place, year) != clocks else zone
