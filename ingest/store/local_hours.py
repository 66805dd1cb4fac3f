"""Chooses hours of the week by the clocks of each city: weekdays or weekends, hours of the day."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache
from itertools import pairwise
from typing import Literal

import sqlalchemy as sa

from ingest.system import zone_of

Days = Literal["all", "weekdays", "weekend"]

_RANGE = re.compile(r"\s*([0-9]{1,2})(?::00)?\s*[-–]\s*([0-9]{1,2})(?::00)?\s*")
_HOUR, _DAY, _EPOCH_WEEKDAY = 3600, 86400, 3
_SATURDAY = 5
_PROBE, _STEP = 12 * _HOUR, _HOUR // 4
"""Clocks change at most once in so many seconds, at a quarter of an hour of UTC."""


def hours_of(text: str) -> tuple[int, ...]:
    """Read ranges of hours; one may go over midnight. None chosen means all of them.

    >>> hours_of("7-10, 16–18"), hours_of("23-2"), hours_of("0-24"), hours_of("")
    ((7, 8, 9, 16, 17), (0, 1, 23), (), ())

    Raises `ValueError` for anything else.
    """
    found: set[int] = set()
    for part in filter(str.strip, text.split(",")):
        ends = _RANGE.fullmatch(part)
        if ends is None:
            raise ValueError(f"{part!r} is no range of hours such as 7-10")
        first, last = int(ends[1]), int(ends[2])
        if first > 24 or last > 24 or first == last:
            raise ValueError(f"{part!r} is no range of hours such as 7-10")
        found |= {hour % 24 for hour in range(first, last if last > first else last + 24)}
    return () if len(found) == 24 else tuple(sorted(found))


def ranges(hours: Sequence[int]) -> list[tuple[int, int]]:
    """Give the ranges that rising hours make: the first hour of each, and the one after its last.

    >>> ranges((7, 8, 9, 16, 17)), ranges((0, 1, 23)), ranges(())
    ([(7, 10), (16, 18)], [(23, 2)], [])
    """
    found: list[tuple[int, int]] = []
    for hour in hours:
        if found and found[-1][1] == hour:
            found[-1] = found[-1][0], hour + 1
        else:
            found.append((hour, hour + 1))
    if len(found) > 1 and found[0][0] == 0 and found[-1][1] == 24:
        found[-1] = found[-1][0], found.pop(0)[1]
    return found


@dataclass(frozen=True)
class LocalHours:
    """The hours that count: of `days`, and of the hours of the day `hours`, all where that is empty.

    An hour of UTC that begins at half past by a city's clocks belongs to the hour in which it begins.
    """

    days: Days = "all"
    hours: tuple[int, ...] = ()

    @property
    def is_all(self) -> bool:
        """Whether every hour counts."""
        return self == LocalHours()

    def has_day(self, day: date) -> bool:
        """Tell whether a day counts."""
        return self.days == "all" or (day.weekday() >= _SATURDAY) == (self.days == "weekend")

    def has(self, at: datetime, zone: tzinfo) -> bool:
        """Tell whether a moment counts, by the clocks of a city."""
        local = at.astimezone(zone)
        return self.has_day(local.date()) and (not self.hours or local.hour in self.hours)

    def among(
        self,
        times: sa.ColumnElement[datetime],
        ids: sa.ColumnElement[str],
        zones: Mapping[str, str],
        since: datetime,
        until: datetime,
    ) -> sa.ColumnElement[bool]:
        """Give the condition that times between two moments count for the systems of their rows.

        `times` are stored as Unix seconds, `ids` are those of the systems, and `zones` has each one's time
        zone.
        """
        seconds = sa.type_coerce(times, sa.BigInteger)
        by_zone: dict[str, list[str]] = {}
        for system_id, zone in zones.items():
            by_zone.setdefault(zone, []).append(system_id)
        return sa.or_(
            sa.false(),
            *(
                sa.and_(ids.in_(systems), seconds >= begin, seconds < end, self._counts(seconds + offset))
                for zone, systems in by_zone.items()
                for begin, end, offset in offsets(zone, since, until)
            ),
        )

    def _counts(self, local: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
        weekday: sa.ColumnElement[int] = (local // _DAY + _EPOCH_WEEKDAY) % 7
        of_days = {
            "all": sa.true(), "weekdays": weekday < _SATURDAY, "weekend": weekday >= _SATURDAY
        }[self.days]  # fmt: skip
        return sa.and_(of_days, (local // _HOUR % 24).in_(self.hours) if self.hours else sa.true())


@lru_cache(maxsize=256)
def offsets(zone: str, since: datetime, until: datetime) -> tuple[tuple[int, int, int], ...]:
    """Give stretches of Unix time and how many seconds a zone is ahead of UTC in each, from one to the next.

    >>> from datetime import UTC
    >>> spring = datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 3, 30, tzinfo=UTC)
    >>> [(end - begin, offset) for begin, end, offset in offsets("Europe/Dublin", *spring)]
    [(90000, 0), (82800, 3600)]
    """
    clocks = zone_of(zone)

    def ahead(seconds: int) -> int:
        offset = datetime.fromtimestamp(seconds, clocks).utcoffset() or timedelta(0)
        return round(offset.total_seconds())

    first, last = int(since.timestamp()), int(until.timestamp())
    begins = [first]
    for at, after in pairwise([*range(first, last, _PROBE), last]):
        before = ahead(at)
        if ahead(after) != before:
            changed = [ahead(second) != before for second in range(at, after, _STEP)]
            begins.append(at + _STEP * bisect_left(changed, True))
    return tuple((begin, end, ahead(begin)) for begin, end in pairwise([*begins, last]))
