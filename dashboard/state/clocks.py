"""Finds the moment that a rider means by a day and the time on a city's clocks, also when these change."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo

from dashboard.state.address_bar import LATEST

_STEP = timedelta(minutes=5)
_MORNING = time(8, 0)
"""What a touch on tomorrow begins with, as long as the rider has not chosen a time."""

_LATER = timedelta(hours=2)
"""How far off a touch on today begins, likewise."""


def next_at(clock: time, now: datetime, zone: tzinfo) -> datetime:
    """Find the next moment when the clocks of a zone show a time; the running minute is past.

    When clocks go forward, a skipped time means the one that they show instead: 01:30 is 02:30. When they go
    back, a time that occurs twice means the first, unless that is past.

    >>> from zoneinfo import ZoneInfo
    >>> dublin = ZoneInfo("Europe/Dublin")
    >>> next_at(time(8, 55), datetime(2026, 3, 2, 12, 0, tzinfo=UTC), dublin).isoformat()
    '2026-03-03T08:55:00+00:00'
    """
    today = now.astimezone(zone).date()
    moments = (
        datetime.combine(today + timedelta(days=days), clock, zone).replace(fold=fold).astimezone(UTC)
        for days in range(3)
        for fold in (0, 1)
    )
    return next(moment for moment in moments if moment > now)


def on_day(day: date, clock: time | None, now: datetime, zone: tzinfo) -> datetime:
    """Give the moment of a time on a day, or the nearest to it that can be forecast.

    Without a time it is two hours from now, for today, or else eight in the morning.

    >>> from zoneinfo import ZoneInfo
    >>> dublin, noon = ZoneInfo("Europe/Dublin"), datetime(2026, 3, 2, 12, 1, tzinfo=UTC)
    >>> [f"{on_day(date(2026, 3, 3), clock, noon, dublin):%d %H:%M}" for clock in (time(8, 55), time(20))]
    ['03 08:55', '03 12:00']
    >>> [f"{on_day(date(2026, 3, 2), clock, noon, dublin):%d %H:%M}" for clock in (None, time(8, 55))]
    ['02 14:00', '02 12:05']
    """
    if clock is None:
        local = (now + _LATER).astimezone(zone)
        today = now.astimezone(zone).date()
        later = time(local.hour, local.minute // 15 * 15) if local.date() == today else time(23, 45)
        clock = later if day == today else _MORNING
    first = datetime.fromtimestamp(_STEP.seconds * (now.timestamp() // _STEP.seconds + 1), UTC)
    last = first + LATEST - _STEP
    return min(max(_shown(day, clock, now, zone), first), last)


def at_clock(clock: time, day: date | None, now: datetime, zone: tzinfo) -> datetime:
    """Give the moment of a time on a day where that can be forecast, else the next one with that time.

    >>> from zoneinfo import ZoneInfo
    >>> dublin, noon = ZoneInfo("Europe/Dublin"), datetime(2026, 3, 2, 12, 1, tzinfo=UTC)
    >>> f"{at_clock(time(8, 55), date(2026, 3, 2), noon, dublin):%d %H:%M}"
    '03 08:55'
    """
    if day is not None:
        at = _shown(day, clock, now, zone)
        if now < at <= now + LATEST:
            return at
    # A time that clocks going back have shown already is next shown after 25 hours.
    return min(next_at(clock, now, zone), now.replace(second=0, microsecond=0) + LATEST)


def _shown(day: date, clock: time, now: datetime, zone: tzinfo) -> datetime:
    """Give the moment when the clocks show a time on a day: of two the first, unless that is past."""
    first, second = (datetime.combine(day, clock, zone).replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    return second if first <= now < second else first
