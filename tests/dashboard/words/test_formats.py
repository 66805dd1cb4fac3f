"""Numbers, dates and durations as pages write them, in English and in a language with other rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from gettext import NullTranslations
from zoneinfo import ZoneInfo

import pytest
from babel.core import Locale
from hypothesis import given
from hypothesis import strategies as st

from dashboard.words import formats
from dashboard.words.catalogue import Language, speaking

FRENCH = Language(Locale("fr"), NullTranslations())
"""How French writes numbers and dates, with messages in English."""

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
WHOLE_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@pytest.mark.parametrize("month", range(1, 13))
def test_a_day_of_another_month_has_its_date(month: int) -> None:
    at = datetime(2025, month, 7, 8, 5, tzinfo=UTC)
    assert formats.moment(at, NOW, UTC) == f"07 {MONTHS[month - 1]} 2025, 08:05"


@pytest.mark.parametrize("days", [-5, -1, 1, 5])
def test_a_day_of_the_same_week_has_its_weekday(days: int) -> None:
    at = NOW + timedelta(days=days, minutes=7)
    assert formats.moment(at, NOW, UTC) == f"{WEEKDAYS[days % 7]} 12:07"


@pytest.mark.parametrize("day", range(7))
def test_a_weekday_has_its_whole_name(day: int) -> None:
    assert formats.weekday(NOW + timedelta(days=day), UTC) == WHOLE_WEEKDAYS[day]


def test_a_day_six_days_off_has_its_date() -> None:
    assert formats.moment(NOW + timedelta(days=6), NOW, UTC) == "08 Mar 2026, 12:00"


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ("Europe/Dublin", "12:00"),
        ("Asia/Kathmandu", "17:45"),
        ("America/Denver", "05:00"),
        ("Asia/Tokyo", "21:00"),
    ],
)
def test_a_clock_shows_the_citys_time(zone: str, words: str) -> None:
    assert formats.clock(NOW, ZoneInfo(zone)) == words


def test_midnight_is_the_beginning_of_a_day() -> None:
    assert formats.clock(NOW.replace(hour=0), UTC) == "00:00"


@given(st.floats(-1e9, 1e9), st.integers(0, 4))
def test_a_number_in_english_is_what_python_writes(value: float, decimals: int) -> None:
    assert formats.number(value, decimals) == f"{value:,.{decimals}f}"


@pytest.mark.parametrize("value", [0.125, 2.675, 1.005, 0.5, 1.5, 2.5, -0.0, -0.4, 999.5, 999999.5])
def test_a_number_is_rounded_as_python_rounds_it(value: float) -> None:
    assert formats.number(value, 2) == f"{value:,.2f}"
    assert formats.number(value) == f"{value:,.0f}"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_infinity_and_not_a_number_are_written(value: float) -> None:
    assert formats.number(value, 2) == f"{value:.2f}"


@given(st.floats(0, 1), st.integers(0, 2))
def test_a_share_is_written_in_per_cent(share: float, decimals: int) -> None:
    assert f"{formats.per_cent(share, decimals)}%" == f"{share:.{decimals}%}"


@given(st.integers(-5, 10**6))
def test_a_count_has_no_thousands_apart(count: int) -> None:
    assert formats.count(count) == (str(count) if count >= 0 else "–")


def test_another_language_has_its_own_signs_and_names() -> None:
    with speaking(FRENCH):
        assert formats.number(1234.5, 1) == "1\u202f234,5"
        assert formats.weekday(NOW, UTC) == "lundi"
        assert formats.moment(NOW + timedelta(days=60), NOW, UTC) == "01 mai 2026, 12:00"
        assert formats.count(1234) == "1234"
    assert formats.number(1234.5, 1) == "1,234.5"
