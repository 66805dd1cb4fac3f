"""How pages write numbers, counts, times and durations, in the viewer's language.

Weekdays, months and the signs in numbers come from Babel. A format that a language orders otherwise, such as
a date, is a message too: its translation is a pattern of the Unicode locale data.

Babel writes a number as exactly as Python gives it. So a number is rounded by Python first, which rounds its
binary value: 2.675 to two places is 2.67.
"""

from __future__ import annotations

import math
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache

from babel.core import Locale
from babel.dates import format_datetime
from babel.numbers import format_decimal

from dashboard.words.catalogue import (
    PluralMessage,
    Words,
    current,
    mark,
    mark_plural,
    plural,
    thousands_apart,
    tr,
)
from dashboard.words.rules import SEVERAL_DAYS, What

UNKNOWN = "–"
"""A number that is not known."""

_CLOCK = mark("HH:mm", "pattern of a time")
_DAY = mark("EEE", "pattern of a weekday before a time")
_DATE = mark("dd MMM yyyy", "pattern of a date before a time")


_THINGS: dict[What, PluralMessage] = {
    "bike": mark_plural("{n} bike", "{n} bikes"),
    "ebike": mark_plural("{n} e-bike", "{n} e-bikes"),
    "plain_bike": mark_plural("{n} plain bike", "{n} plain bikes"),
    "space": mark_plural("{n} space", "{n} spaces"),
}
_UNKNOWN_THINGS: Words[What] = Words(
    {
        "bike": mark("– bikes"),
        "ebike": mark("– e-bikes"),
        "plain_bike": mark("– plain bikes"),
        "space": mark("– spaces"),
    }
)


def number(value: float, decimals: int = 0) -> str:
    """Write a number with so many decimals, and with its thousands apart.

    >>> number(1234.5, 1), number(-0.126, 2), number(8)
    ('1,234.5', '-0.13', '8')
    """
    if not math.isfinite(value):
        return f"{value}"
    return _written(f"{value:.{decimals}f}", decimals, current().locale)


@lru_cache(maxsize=4096)
def _written(rounded: str, decimals: int, locale: Locale) -> str:
    pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
    value = Decimal(rounded)
    return format_decimal(
        value, format=pattern, locale=locale, group_separator=thousands_apart(value, locale)
    )


def count(number: int) -> str:
    """Write a count; below 0 is unknown.

    >>> count(3), count(-1)
    ('3', '–')
    """
    return str(number) if number >= 0 else UNKNOWN


def things(number: int, what: What) -> str:
    """Write a number of bikes or spaces.

    >>> things(1, "bike"), things(0, "space"), things(-1, "bike"), things(2, "ebike")
    ('1 bike', '0 spaces', '– bikes', '2 e-bikes')
    """
    return _UNKNOWN_THINGS[what] if number < 0 else _THINGS[what](number, n=count(number))


def count_at(number: int, time: str) -> str:
    """Write a count that was known last at a time of day.

    >>> count_at(3, "12:04")
    '3 (12:04)'
    """
    return tr("{count} ({time})", count=count(number), time=time)


def span(low: int, high: int) -> str:
    """Write an 80 % interval.

    >>> span(2, 9), span(0, 0), span(-1, -1)
    ('2–9', '0', '–')
    """
    return count(low) if low == high else f"{count(low)}–{count(high)}"


def expectation(median: int, low: int, high: int, what: What) -> str:
    """Write an expected number with its 80 % interval.

    >>> expectation(5, 2, 9, "bike"), expectation(3, 3, 3, "space")
    ('5 bikes (2–9)', '3 spaces')
    """
    return things(median, what) if low == high else f"{things(median, what)} ({span(low, high)})"


def _date(local: datetime, pattern: str) -> str:
    return format_datetime(local, pattern, locale=current().locale)


def clock(at: datetime, zone: tzinfo | None = None) -> str:
    """Write a time of day as the city's clocks show it. Without a zone, the time stays as it is."""
    return _date(at if zone is None else at.astimezone(zone).replace(tzinfo=None), _CLOCK())


def clock_pattern() -> str:
    """Give the pattern of a time of day, as the Unicode locale data writes it."""
    return _CLOCK()


def weekday(at: datetime, zone: tzinfo) -> str:
    """Write the whole name of the city's weekday."""
    return _date(at.astimezone(zone).replace(tzinfo=None), "cccc")


def moment(at: datetime, now: datetime, zone: tzinfo) -> str:
    """Write a time of day, with its day where that is not today.

    An hour that comes twice, because clocks go back, has the abbreviation of its zone.

    >>> from zoneinfo import ZoneInfo
    >>> dublin, at = ZoneInfo("Europe/Dublin"), datetime.fromisoformat("2026-10-25T00:30+00:00")
    >>> moment(at, at, dublin), moment(at + timedelta(hours=1), at, dublin)
    ('01:30 IST', '01:30 GMT')
    """
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    plain, time = local.replace(tzinfo=None), _time(local)
    if local.date() == today:
        return time
    if abs((local.date() - today).days) < SEVERAL_DAYS:
        return tr("{weekday} {time}", weekday=_date(plain, _DAY()), time=time)
    return dated(local, zone)


def dated(at: datetime, zone: tzinfo) -> str:
    """Write a moment with its date, whatever day it is read on.

    >>> from datetime import UTC
    >>> dated(datetime(2026, 3, 2, 8, 5, tzinfo=UTC), UTC)
    '02 Mar 2026, 08:05'
    """
    local = at.astimezone(zone)
    return tr("{date}, {time}", date=_date(local.replace(tzinfo=None), _DATE()), time=_time(local))


def day(date: date) -> str:
    """Write a day.

    >>> day(datetime(2026, 11, 14).date())
    '14 Nov 2026'
    """
    return _date(datetime.combine(date, time()), _DATE())


def named(at: datetime, now: datetime, zone: tzinfo) -> str:
    """Write a time of day with its day, which is named where it is today or tomorrow.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    >>> [named(noon + timedelta(hours=hours), noon, UTC) for hours in (1, 21, 45)]
    ['today at 13:00', 'tomorrow at 09:00', 'Wed 09:00']
    """
    local = at.astimezone(zone)
    away = (local.date() - now.astimezone(zone).date()).days
    if away == 0:
        return tr("today at {time}", time=_time(local))
    return tr("tomorrow at {time}", time=_time(local)) if away == 1 else moment(at, now, zone)


def on_weekday(at: datetime, zone: tzinfo) -> str:
    """Write a time of day with its weekday.

    >>> from datetime import UTC
    >>> on_weekday(datetime(2026, 3, 2, 12, tzinfo=UTC), UTC)
    'Monday at 12:00'
    """
    return tr("{weekday} at {time}", weekday=weekday(at, zone), time=_time(at.astimezone(zone)))


def _time(local: datetime) -> str:
    """Write a time of day; an hour that comes twice has the abbreviation of its zone."""
    time = clock(local.replace(tzinfo=None))
    return f"{time} {local:%Z}" if _comes_twice(local) else time


def _comes_twice(local: datetime) -> bool:
    first, second = local.replace(fold=0).utcoffset(), local.replace(fold=1).utcoffset()
    return first is not None and second is not None and first > second


def both_clocks(at: datetime, now: datetime, zone: tzinfo, viewer: tzinfo | None) -> str:
    """Write a moment by the city's clocks, and by the viewer's where these show another time.

    >>> from zoneinfo import ZoneInfo
    >>> at = datetime.fromisoformat("2026-03-02T12:00+00:00")
    >>> both_clocks(at, at, ZoneInfo("Europe/Dublin"), ZoneInfo("Asia/Tokyo"))
    'today at 12:00 (21:00 on your clock)'
    >>> both_clocks(at, at, ZoneInfo("Europe/Dublin"), ZoneInfo("Europe/London"))
    'today at 12:00'
    """
    theirs = named(at, now, zone)
    if viewer is None or at.astimezone(viewer).utcoffset() == at.astimezone(zone).utcoffset():
        return theirs
    return tr("{city_time} ({time} on your clock)", city_time=theirs, time=moment(at, now, viewer))


def duration(length: timedelta) -> str:
    """Write a length of time in its largest unit.

    >>> [duration(timedelta(seconds=s)) for s in (-3, 40, 119, 7300, 3 * 86400)]
    ['0 s', '40 s', '1 min', '2 h', '3 days']
    """
    seconds = max(int(length.total_seconds()), 0)
    if seconds < 60:
        return tr("{seconds} s", seconds=seconds)
    if seconds < 3600:
        return tr("{minutes} min", minutes=seconds // 60)
    if seconds < 2 * 86400:
        return tr("{hours} h", hours=seconds // 3600)
    days = seconds // 86400
    return plural("{n} day", "{n} days", days, n=count(days))


def ago(length: timedelta) -> str:
    """Write how long ago something was.

    >>> ago(timedelta(seconds=40))
    '40 s ago'
    """
    return tr("{duration} ago", duration=duration(length))


def due(next_in: timedelta | None) -> str:
    """Write when a feed is polled next.

    >>> due(timedelta(seconds=20)), due(timedelta(seconds=-1)), due(None)
    ('in 20 s', 'now', '–')
    """
    if next_in is None:
        return UNKNOWN
    if next_in < timedelta(seconds=1):
        return tr("now")
    return tr("in {duration}", duration=duration(next_in))


def minutes(number: int) -> str:
    """Write whole minutes, with hours where there are any.

    >>> minutes(4), minutes(60), minutes(135)
    ('4 min', '1 h', '2 h 15 min')
    """
    hours, rest = divmod(number, 60)
    if not hours:
        return tr("{minutes} min", minutes=rest)
    if not rest:
        return tr("{hours} h", hours=hours)
    return tr("{hours} h {minutes} min", hours=hours, minutes=rest)


def arrival(minutes_ahead: float) -> str:
    """Write when the rider arrives, counted from now.

    >>> arrival(0), arrival(25), arrival(120), arrival(734.6)
    ('now', 'in 25 min', 'in 2 h', 'in 12 h 15 min')
    """
    whole = round(minutes_ahead)
    return tr("in {duration}", duration=minutes(whole)) if whole else tr("now")


def seconds(value: float) -> str:
    """Write a short time as precisely as it is worth.

    >>> [seconds(value) for value in (0.0042, 0.25, 1.24, 31.4)]
    ['4 ms', '250 ms', '1.2 s', '31 s']
    """
    if value < 0.9995:
        return tr("{milliseconds} ms", milliseconds=number(value * 1000))
    return tr("{seconds} s", seconds=number(value, 1 if value < 9.95 else 0))


def both_times(times: tuple[float, float] | None) -> str:
    """Write a median and a 95th percentile.

    >>> both_times((0.2, 1.5)), both_times(None)
    ('200 ms · 95 %: 1.5 s', '–')
    """
    if times is None:
        return UNKNOWN
    return tr("{median} · 95 %: {high}", median=seconds(times[0]), high=seconds(times[1]))


def exactly(value: float) -> str:
    """Write a number with no more decimals than it has.

    >>> exactly(14.0), exactly(4.8), exactly(0.25)
    ('14', '4.8', '0.25')
    """
    _, _, decimals = f"{value:g}".partition(".")
    return number(value, len(decimals) if decimals.isdecimal() else 0)


def per_cent(share: float, decimals: int = 0) -> str:
    """Write a share in per cent, without a sign.

    >>> per_cent(0.194, 1), per_cent(0.5)
    ('19.4', '50')
    """
    return number(100 * share, decimals)


def share(of_one: float, decimals: int = 0) -> str:
    """Write a share in per cent, with its sign.

    >>> share(0.5), share(0.194, 1)
    ('50 %', '19.4 %')
    """
    return tr("{per_cent} %", per_cent=per_cent(of_one, decimals))


def tenth(number: int) -> str:
    """Write which tenth of all it is.

    >>> tenth(0), tenth(9)
    ('0–10 %', '90–100 %')
    """
    return tr("{low}–{high} %", low=10 * number, high=10 * number + 10)


def place(lat: float, lon: float) -> str:
    """Name a place that has no name.

    >>> place(53.345, -6.26512)
    '53.3450, -6.2651'
    """
    return f"{lat:.4f}, {lon:.4f}"


def times(speed: float) -> str:
    """Write a speed.

    >>> times(60.0)
    '60×'
    """
    return f"{exactly(speed)}×"


def sentence(words: str) -> str:
    """Close a sentence that came from elsewhere.

    >>> sentence("the server did not answer"), sentence("Gone."), sentence("")
    ('the server did not answer.', 'Gone.', '')
    """
    words = words.strip()
    return words if not words or words[-1] in ".!?。！？" else tr("{words}.", words=words)


def capital(words: str) -> str:
    """Begin a sentence with a capital letter and leave the rest as it is.

    >>> capital("as in Dublin."), capital("")
    ('As in Dublin.', '')
    """
    return words[:1].upper() + words[1:]
