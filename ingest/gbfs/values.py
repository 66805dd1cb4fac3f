"""Reads single values of GBFS documents, any of which may be missing, odd or nonsense.

Nothing here raises an error about a feed's value: one that makes no sense is None or -1, and the caller
counts it as a finding.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_plus
from zoneinfo import ZoneInfo

import tzfpy

from model.records import UNKNOWN

MOST = 1000
"""The largest count that we believe: no station of any system has more docks."""

_NO_COUNT = 999  # what some operators write for "not known"; longer rows of nines are too large anyway
_MAX_ID, _MAX_NAME = 100, 120
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
    text = clean(text, _MAX_ID + 1)
    return text if 0 < len(text) <= _MAX_ID else None


def name(value: Any) -> str:
    """Read a name: text, or from v3.0 on a list of {text, language}, English first."""
    if isinstance(value, list):
        texts = {
            str(entry.get("language", "")).lower()[:2]: entry["text"]
            for entry in reversed(value)
            if isinstance(entry, dict) and isinstance(entry.get("text"), str)
        }
        value = texts.get("en", next(reversed(texts.values()), None))
    if not isinstance(value, str):
        return ""
    if " " not in value and _ESCAPED.search(value):  # Calais: 10+%3a+Camping+de+Bl%c3%a9riot
        value = unquote_plus(value)
    return clean(value, _MAX_NAME)


_ESCAPED = re.compile("%[0-9a-fA-F]{2}")
_UNSEEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\uffff\ud800-\udfff]"
)


def clean(text: str, most: int) -> str:
    """Take out characters that nobody sees but that may do harm: control characters, marks of direction."""
    if not text.isascii() or not text.isprintable():
        text = _UNSEEN.sub(" ", text[: 4 * most])
    text = text.strip()
    if "  " in text:
        text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"


def number(value: Any) -> float | None:
    """Read a number, also from text; None for what is none or not finite."""
    if isinstance(value, str):
        try:
            value = float(value)
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
    if type(value) is not int:
        read = number(value)
        if read is None or not read.is_integer():
            return UNKNOWN
        value = int(read)
    most = 4 * capacity + 100 if capacity > 0 else MOST
    return UNKNOWN if value < 0 or value > min(most, MOST) or value == _NO_COUNT else value


_FLAGS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def flag(value: Any) -> bool | None:
    """Read a flag: true, 1 or their text; None where it is missing or odd."""
    if value is True or value is False or value is None:
        return value
    return _FLAGS.get(str(value).strip().lower()[:8])


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
            at = datetime.fromisoformat(value.strip()[:64])
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
