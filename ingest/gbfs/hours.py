"""Reads opening hours of any version, and lays them out as spans of time.

Up to v2.3, system_hours.json lists hours by weekday and system_calendar.json the seasons. From v3.0 on,
system information has `opening_hours` in OpenStreetMap's syntax [1]_, and so may any station. Here all of
them become that syntax, which a library reads. Several kinds of users may have hours of their own: a system
is open when any of them may ride, since we do not know who asks. Hours that cannot be read are a finding, and
the system is taken for always open: the price is odds at night, but none are lost by day.

References
----------
.. [1] https://wiki.openstreetmap.org/wiki/Key:opening_hours/specification
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from ingest.gbfs import values
from ingest.gbfs.documents import Document, datum, listed
from ingest.gbfs.findings import Findings
from ingest.text import readable
from model.hours import ALWAYS_OPEN, FOREVER, OpeningHours
from model.records import Stations

REMEMBERED = "opening_hours"
"""The name under which a poll's documents, and so the store, have published hours as JSON."""

BACK, AHEAD = timedelta(days=1), timedelta(days=2)
"""What spans cover: a forecast reaches a day ahead, and its frame may be some hours old."""
STRETCH = timedelta(hours=6)
"""How long one set of spans is used."""

_LONGEST_TEXT = 2000
_MOST_RULES = 100
_MOST_SPANS = 1000
_YEAR_AHEAD = 400
_DAYS = {"mon": "Mo", "tue": "Tu", "wed": "We", "thu": "Th", "fri": "Fr", "sat": "Sa", "sun": "Su"}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_CLOCK = re.compile(r"\s*(\d{1,2}):(\d{2})(?::(\d{2}))?\s*")
_DAY_MINUTES = 1440


@dataclass(frozen=True)
class PublishedHours:
    """The hours that a feed has published, in OpenStreetMap's syntax; empty where it has not.

    `system` is that of the system information. `rules` are from system_hours.json and `seasons` from
    system_calendar.json. `stations` have hours of their own by their ids.
    """

    system: str = ""
    rules: tuple[str, ...] = ()
    seasons: tuple[str, ...] = ()
    stations: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The hours of a station that has none of its own.

        >>> PublishedHours(rules=("Mo,Tu 06:00-24:00", "Su 08:00-20:00"), seasons=("Apr 01-Oct 31",)).text
        'Apr 01-Oct 31 Mo,Tu 06:00-24:00, Apr 01-Oct 31 Su 08:00-20:00'
        """
        if self.system or not (self.rules or self.seasons):
            return self.system
        rules = self.rules or ("00:00-24:00",)
        return ", ".join(f"{season} {rule}".strip() for season in self.seasons or ("",) for rule in rules)

    def to_json(self) -> str:
        """Write them as JSON, for the store."""
        parts = {"system": self.system, "rules": self.rules, "seasons": self.seasons,
                 "stations": dict(self.stations)}  # fmt: skip
        return json.dumps(parts, sort_keys=True, ensure_ascii=False)

    @staticmethod
    def from_json(text: str) -> PublishedHours:
        """Read what `to_json` has written, of this release or another; what is no text is left out.

        >>> PublishedHours.from_json('{"system": "24/7", "rules": ["Mo 06:00-22:00", 3], "of_tomorrow": 1}')
        PublishedHours(system='24/7', rules=('Mo 06:00-22:00',), seasons=(), stations={})
        """
        parts = json.loads(text)
        system, stations = parts.get("system"), parts.get("stations")
        rules, seasons = (
            tuple(each for each in found if isinstance(each, str)) if isinstance(found, list) else ()
            for found in (parts.get("rules"), parts.get("seasons"))
        )
        own = stations.items() if isinstance(stations, dict) else ()
        return PublishedHours(
            system if isinstance(system, str) else "",
            rules,
            seasons,
            {key: each for key, each in own if isinstance(each, str)},
        )


# ---------------------------------------------------------------- documents


def system_hours(document: Document, now: datetime, findings: Findings) -> str:
    """Read the hours in a system information."""
    return _read(datum(document, "opening_hours"), "", now, findings)


def station_hours(document: Document, now: datetime, findings: Findings) -> dict[str, str]:
    """Read the hours that stations have of their own in a station information; most have none."""
    found: dict[str, str] = {}
    for entry in listed(document, "stations") or ():
        if not isinstance(entry, dict) or entry.get("station_opening_hours") in (None, ""):
            continue
        key = values.station_id(entry.get("station_id"))
        text = _read(entry["station_opening_hours"], f"{key}: ", now, findings)
        if key is not None and text:
            found.setdefault(key, text)
    return found


def _read(value: Any, of: str, now: datetime, findings: Findings) -> str:
    if value is None or value == "":
        return ""
    text = value[: _LONGEST_TEXT + 1] if isinstance(value, str) else ""
    for dash in "\u2010\u2011\u2012\u2013\u2014":  # people who write for people write "Mo–Su"
        text = text.replace(dash, "-")
    text = readable(text, _LONGEST_TEXT)
    opens = _opens_again(text, now)
    if opens is None:
        findings.add("bad_hours", f"{of}{value}")
    elif not opens:
        findings.add("never_open", f"{of}{value}")
    return text if opens else ""


def rental_hours(document: Document, findings: Findings) -> tuple[str, ...]:
    """Read system_hours.json: a rule for each of its entries, whoever the users are.

    All of it is unreadable where one entry is: to leave that out would close the system for its hours.
    """
    rules, wrong = _each(listed(document, "rental_hours"), _rule)
    if not rules:
        findings.add("bad_hours", wrong)
    return rules


def _each(entries: list[Any] | None, read: Callable[[Any], str | None]) -> tuple[tuple[str, ...], Any]:
    """Read the entries of a list, sorted and each once. Where one cannot be read, give none, and that one."""
    found = {read(entry) for entry in (entries or ())[:_MOST_RULES]}
    if None in found or not found or len(entries or ()) > _MOST_RULES:
        return (), next((entry for entry in entries or () if read(entry) is None), entries)
    return tuple(sorted(each for each in found if each is not None)), None


def _rule(entry: Any) -> str | None:
    """Turn an entry of rental hours into a rule; None where it cannot be read.

    An end at or before the start is one of the next day, also where it is written as 24:30.

    >>> _rule({"days": ["mon", "sun"], "start_time": "06:00:00", "end_time": "23:59:59"})
    'Mo,Su 06:00-24:00'
    >>> _rule({"days": ["fri"], "start_time": "05:00:00", "end_time": "00:30:00"})
    'Fr 05:00-24:30'
    """
    if not isinstance(entry, dict) or not isinstance(entry.get("days"), list):
        return None
    named = {str(day)[: values.LONGEST_WORD].strip().lower()[:3] for day in entry["days"]}
    start, end = _minutes(entry.get("start_time")), _minutes(entry.get("end_time"), up=True)
    if not named or not named <= _DAYS.keys() or start is None or end is None or start >= _DAY_MINUTES:
        return None
    if end % _DAY_MINUTES == _DAY_MINUTES - 1:
        end += 1  # 23:59 is how many write the end of the day
    if end <= start:
        end += _DAY_MINUTES
    if end > 2 * _DAY_MINUTES:
        return None
    days = ",".join(_DAYS[day] for day in _DAYS if day in named)
    return f"{days} {_clock(start)}-{_clock(end)}"


def _minutes(value: Any, up: bool = False) -> int | None:
    is_word = isinstance(value, str) and len(value) <= values.LONGEST_WORD
    found = _CLOCK.fullmatch(value) if is_word else None
    if found is None:
        return None
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    if minutes > 59 or seconds > 59:
        return None
    return 60 * hours + minutes + (up and seconds > 0)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def seasons(document: Document, now: datetime, findings: Findings) -> tuple[str, ...]:
    """Read system_calendar.json: a range of days for each of its entries; none where it covers the year.

    All of it is unreadable where one entry is, as with hours, and so are seasons that are all over.
    """
    found, wrong = _each(listed(document, "calendars"), _season)
    if not found:
        findings.add("bad_seasons", wrong)
    if not found or "Jan 01-Dec 31" in found:
        return ()
    if not _opens_again(PublishedHours(seasons=found).text, now):
        findings.add("never_open", ", ".join(found))
        return ()
    return found


def _season(entry: Any) -> str | None:
    """Turn a season into a range of days, of one year only where both of its ends name a year.

    >>> _season({"start_month": 4, "start_day": 1, "end_month": 10, "end_day": 31})
    'Apr 01-Oct 31'
    """
    if not isinstance(entry, dict):
        return None
    days, years = [], []
    for end in ("start", "end"):
        month, day, year = (values.number(entry.get(f"{end}_{part}")) for part in ("month", "day", "year"))
        try:
            date(2024, int(month or 0), int(day or 0))  # a leap year: it has all days
        except (ValueError, OverflowError):
            return None
        days.append(f"{_MONTHS[int(month or 0) - 1]} {int(day or 0):02}")
        years.append(int(year) if year is not None and 1900 < year < 9999 else None)
    if None not in years:
        days = [f"{year} {day}" for year, day in zip(years, days, strict=True)]
    return "-".join(days)


# ---------------------------------------------------------------- spans


def _opens_again(text: str, now: datetime) -> bool | None:
    """Tell whether hours are open at some time from now on; None where they cannot be read."""
    try:
        return bool(_spans(text, "UTC", "", (0.0, 0.0), int(now.timestamp())))
    except ValueError:
        return None


def covering(published: str, stations: Stations, at: datetime) -> OpeningHours | None:
    """Lay published hours, as JSON, out as spans around an aware moment; None where no station ever closes.

    The spans depend on nothing else, so recovery finds those that were learnt with.
    """
    return (
        _covering(published, stations, int(at.timestamp() // STRETCH.total_seconds())) if published else None
    )


@lru_cache(maxsize=64)
def _covering(published: str, stations: Stations, stretch: int) -> OpeningHours | None:
    hours = PublishedHours.from_json(published)
    texts = [hours.stations.get(key, hours.text) for key in stations.station_id.tolist()]
    if not any(texts):
        return None
    place = (round(float(np.median(stations.lat)), 1), round(float(np.median(stations.lon)), 1))
    start = int(stretch * STRETCH.total_seconds() - BACK.total_seconds())
    of: dict[str, int] = {}
    rows: list[tuple[int, int, int]] = []
    named: list[str] = []
    for text in sorted(set(texts)):
        try:
            spans = _spans(text, stations.timezone, stations.country, place, start) if text else []
        except ValueError:  # what another release could read
            spans = []
        if not spans or (spans[0][0] <= start and spans[0][1] >= FOREVER):
            of[text] = ALWAYS_OPEN
            continue
        of[text] = len(named)
        rows += [(len(named), *span) for span in spans]
        named.append(text)
    found = OpeningHours(
        np.array([of[text] for text in texts]),
        np.array(rows, dtype=np.int64).reshape(-1, 3),
        np.array(named, str),
    )
    return found if found.closes_for_some() else None


def _spans(
    text: str, zone: str, country: str, place: tuple[float, float], start: int
) -> list[tuple[int, int]]:
    """Give when hours are open, as rising Unix seconds, from `start` on and some days ahead.

    A span that is open at the end of these days is followed to its own end, and where none is ahead the next
    one is added, up to a year ahead. The library takes a time that comes twice, when clocks go back, for the
    later one, and one that clocks leave out for the moment at which they go forward.

    Raises `ValueError` for a text that cannot be read.
    """
    enough = start + int((BACK + AHEAD + STRETCH).total_seconds())
    last = start + 86400 * _YEAR_AHEAD
    found: list[tuple[int, int]] = []
    for opens, closes in _open_intervals(text, zone, country, place, start, last):
        if found and opens <= found[-1][1]:
            opens = found.pop()[0]
        elif found and found[-1][1] >= enough:
            break
        found.append((opens, FOREVER if closes >= last else closes))
        if len(found) > _MOST_SPANS:
            raise ValueError(f"more than {_MOST_SPANS} spans in some days")
    return found


def _open_intervals(
    text: str, zone: str, country: str, place: tuple[float, float], start: int, end: int
) -> Iterator[tuple[int, int]]:
    # Loading the library takes 13 MB, which systems without hours can spare.
    from opening_hours import OpeningHours as Parsed
    from opening_hours import ParserError, State, UnknownCountryError  # type: ignore[attr-defined]

    about: dict[str, Any] = {"timezone": ZoneInfo(zone), "coords": place}
    try:
        try:
            parsed = Parsed(text, country=country or None, auto_country=False, **about)
        except UnknownCountryError:
            parsed = Parsed(text, auto_country=False, **about)
    except ParserError as error:
        raise ValueError(f"these are no opening hours: {text}") from error
    first, last = (datetime.fromtimestamp(at, about["timezone"]) for at in (start, end))
    for begin, stop, state, _ in parsed.intervals(first, last):
        if state != State.CLOSED:  # what is "unknown" may well be open
            yield int(begin.timestamp()), end if stop is None else int(stop.timestamp())
