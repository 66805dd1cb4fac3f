"""The calendar: the day type and slot of the local day for any moment, public holidays included.

A holiday counts as weekend until its own riders show otherwise: some holidays are days off for everyone,
others for banks alone. During a holiday the calendar compares the riders seen city-wide with those of
weekdays and of weekends at that hour. The next holiday begins from half of that evidence.
"""

from __future__ import annotations

import math
from bisect import bisect
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import holidays
import numpy as np

from model.arrays import Floats, Ints
from model.component import Component

DAY_TYPES = 2
"""Weekdays, and Saturdays with Sundays and holidays."""

WEEKDAY, WEEKEND = 0, 1

_FIRST_EVIDENCE = 3.0
_MOST_EVIDENCE = 10.0
_NOISE = 10.0
"""Variance of a city's riders in a few minutes, relative to that of independent riders."""


class Calendar(Component):
    """The local calendar of one city: IANA `timezone`, ISO 3166 `country` and `region`, empty where unknown.

    `evidence` is the log odds that a holiday is like a weekend, `day` the ordinal of the last holiday learnt.
    """

    ARRAYS = ("evidence", "day")

    def __init__(self, timezone: str, country: str, region: str = "") -> None:
        self.evidence = _FIRST_EVIDENCE
        self.day = 0
        self.move(timezone, country, region)

    def move(self, timezone: str, country: str, region: str = "") -> None:
        """Take another time zone, country or region.

        A country that the library does not know has no holidays. A region that it does not know has its
        country's.
        """
        self.zone = ZoneInfo(timezone)
        self._holidays = _holidays(country, region)
        self._types: dict[date, bool] = {}

    def is_holiday(self, at: datetime) -> bool:
        """Tell whether an aware moment falls on a public holiday that is no Saturday or Sunday."""
        return self._is_holiday(at.astimezone(self.zone).date())

    def _is_holiday(self, day: date) -> bool:
        if day not in self._types:
            self._types[day] = day.weekday() < 5 and self._holidays is not None and day in self._holidays
        return self._types[day]

    def cell(self, at: datetime, slots: int) -> tuple[int, int]:
        """Give the day type and the slot, of `slots` in a day, of an aware moment.

        >>> from datetime import UTC
        >>> Calendar("Europe/Dublin", "IE").cell(datetime(2026, 11, 28, 13, 29, tzinfo=UTC), 48)  # a Saturday
        (1, 26)
        >>> Calendar("Europe/Dublin", "IE").cell(datetime(2026, 3, 17, 9, 0, tzinfo=UTC), 24)  # St Patrick's
        (1, 9)
        """
        local = at.astimezone(self.zone)
        return self._day_type(local.date()), (local.hour * 60 + local.minute) * slots // 1440

    def cells(self, at: datetime, minutes: Floats, slots: int) -> Ints:
        """Give day types and slots, `(T, 2)`, of the moments `minutes` `(T,)`, none negative, after another.

        The clocks change at most once within these minutes.

        >>> at = datetime(2026, 11, 28, 22, 30, tzinfo=ZoneInfo("UTC"))
        >>> Calendar("Europe/Dublin", "IE").cells(at, np.array([0.0, 89.0, 90.0, 1440 + 90.0]), 24).tolist()
        [[1, 22], [1, 23], [1, 0], [0, 0]]
        """
        if not len(minutes):
            return np.zeros((0, 2), dtype=np.int64)
        local, last = (self._local(at, after) for after in (0, float(minutes.max()) * 60))
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
        since = minutes * 60 + (local.replace(tzinfo=None) - midnight).total_seconds()
        before, after = local.utcoffset(), last.utcoffset()
        assert before is not None
        assert after is not None
        if before != after:  # the clocks change within
            seconds = range(math.ceil(minutes.max() * 60))
            change = bisect(seconds, False, key=lambda second: self._local(at, second).utcoffset() != before)
            since[minutes * 60 >= change] += (after - before).total_seconds()
        days, minute = np.divmod(since // 60, 1440)
        types = [
            self._day_type((midnight + timedelta(days=day)).date()) for day in range(int(days.max()) + 1)
        ]
        return np.stack(
            [np.array(types)[days.astype(np.int64)], minute.astype(np.int64) * slots // 1440], axis=1
        )

    def _local(self, at: datetime, seconds: float) -> datetime:
        return (at + timedelta(seconds=seconds)).astimezone(self.zone)

    def _day_type(self, day: date) -> int:
        return int(day.weekday() >= 5 or (self.evidence >= 0 and self._is_holiday(day)))

    def learn(self, at: datetime, seen: float, weekday: float, weekend: float) -> None:
        """Learn from a few minutes of a holiday: riders seen, and expected of either day type."""
        day = at.astimezone(self.zone).date()
        if weekday <= 0 or weekend <= 0:
            return
        if day.toordinal() != self.day:
            self.day = day.toordinal()
            self.evidence = (_FIRST_EVIDENCE + self.evidence) / 2
        self.evidence += (seen * math.log(weekend / weekday) - (weekend - weekday)) / _NOISE
        self.evidence = min(max(self.evidence, -_MOST_EVIDENCE), _MOST_EVIDENCE)


def _holidays(country: str, region: str) -> holidays.HolidayBase | None:
    try:
        return holidays.country_holidays(country, subdiv=region or None) if country else None
    except NotImplementedError:
        return _holidays(country, "") if region else None
