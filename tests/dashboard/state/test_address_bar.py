"""Arrival times: across midnight, on the days when clocks change, and in the address."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.state import address_bar, clocks
from dashboard.state.address_bar import Screen
from dashboard.words import formats

DUBLIN, DENVER, LORD_HOWE = (ZoneInfo(n) for n in ("Europe/Dublin", "America/Denver", "Australia/Lord_Howe"))


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("clock", "now", "zone", "found"),
    [
        (time(8, 55), utc(2026, 3, 2, 7, 0), DUBLIN, utc(2026, 3, 2, 8, 55)),
        (time(8, 55), utc(2026, 3, 2, 8, 55), DUBLIN, utc(2026, 3, 3, 8, 55)),
        (time(0, 15), utc(2026, 3, 2, 23, 50), DUBLIN, utc(2026, 3, 3, 0, 15)),
        (time(8, 55), utc(2026, 3, 3, 2, 0), DENVER, utc(2026, 3, 3, 15, 55)),
        # Dublin's clocks go forward at 01:00 on 29 March: 08:55 comes an hour sooner, 01:30 means 02:30.
        (time(8, 55), utc(2026, 3, 28, 20, 0), DUBLIN, utc(2026, 3, 29, 7, 55)),
        (time(1, 30), utc(2026, 3, 28, 20, 0), DUBLIN, utc(2026, 3, 29, 1, 30)),
        # They go back at 02:00 on 25 October: 08:55 comes an hour later, 01:30 comes twice.
        (time(8, 55), utc(2026, 10, 24, 20, 0), DUBLIN, utc(2026, 10, 25, 8, 55)),
        (time(1, 30), utc(2026, 10, 24, 20, 0), DUBLIN, utc(2026, 10, 25, 0, 30)),
        (time(1, 30), utc(2026, 10, 25, 0, 40), DUBLIN, utc(2026, 10, 25, 1, 30)),
        (time(1, 30), utc(2026, 10, 25, 1, 40), DUBLIN, utc(2026, 10, 26, 1, 30)),
    ],
)
def test_a_clock_time_is_the_next_moment_when_the_citys_clocks_show_it(
    clock: time, now: datetime, zone: ZoneInfo, found: datetime
) -> None:
    assert clocks.next_at(clock, now, zone) == found


@given(
    clock=st.times().map(lambda t: t.replace(second=0, microsecond=0)),
    minutes=st.integers(0, 366 * 24 * 60),
    zone=st.sampled_from([DUBLIN, DENVER, LORD_HOWE]),
)
def test_the_next_time_is_ahead_and_shown_by_the_clocks_unless_they_skip_it(
    clock: time, minutes: int, zone: ZoneInfo
) -> None:
    now = utc(2026, 1, 1) + timedelta(minutes=minutes)
    found = clocks.next_at(clock, now, zone)
    assert now < found <= now + timedelta(hours=25)
    local = found.astimezone(zone)
    if local.time() != clock:
        # Skipped: the clocks show nothing between what came just before and this.
        before = (found - timedelta(hours=1)).astimezone(zone)
        assert local.utcoffset() != before.utcoffset()


@pytest.mark.parametrize(
    ("day", "clock", "now", "found"),
    [
        # Dublin, at noon: tomorrow at eight, five to nine, and no later than noon.
        (3, None, utc(2026, 3, 2, 12, 1), utc(2026, 3, 3, 8, 0)),
        (3, time(8, 55), utc(2026, 3, 2, 12, 1), utc(2026, 3, 3, 8, 55)),
        (3, time(20, 0), utc(2026, 3, 2, 12, 1), utc(2026, 3, 3, 12, 0)),
        (2, time(8, 55), utc(2026, 3, 2, 12, 1), utc(2026, 3, 2, 12, 5)),
        (2, None, utc(2026, 3, 2, 12, 1), utc(2026, 3, 2, 14, 0)),
        (2, None, utc(2026, 3, 2, 23, 1), utc(2026, 3, 2, 23, 45)),
        (2, None, utc(2026, 3, 2, 23, 58), utc(2026, 3, 3, 0, 0)),
        # Clocks go forward: 01:30 is 02:30. They go back: 01:30 is the first, unless that is past.
        (29, time(1, 30), utc(2026, 3, 28, 20, 0), utc(2026, 3, 29, 1, 30)),
        (25, time(1, 30), utc(2026, 10, 24, 20, 0), utc(2026, 10, 25, 0, 30)),
        (25, time(1, 30), utc(2026, 10, 25, 0, 40), utc(2026, 10, 25, 1, 30)),
    ],
)
def test_a_time_on_a_day_is_the_nearest_that_can_be_forecast(
    day: int, clock: time | None, now: datetime, found: datetime
) -> None:
    date_ = now.astimezone(DUBLIN).date().replace(day=day)
    assert clocks.on_day(date_, clock, now, DUBLIN) == found


@given(
    clock=st.times().map(lambda t: t.replace(second=0, microsecond=0)),
    minutes=st.integers(0, 366 * 24 * 60),
    off=st.integers(-1, 3),
    zone=st.sampled_from([DUBLIN, DENVER, LORD_HOWE]),
)
def test_whatever_day_and_time_are_chosen_the_moment_can_be_forecast(
    clock: time, minutes: int, off: int, zone: ZoneInfo
) -> None:
    now = utc(2026, 1, 1) + timedelta(minutes=minutes)
    day = now.astimezone(zone).date() + timedelta(days=off)
    for found in (clocks.on_day(day, clock, now, zone), clocks.at_clock(clock, day, now, zone)):
        assert address_bar.is_later(Screen(at=found), now)
        assert found > now


def test_a_named_moment_comes_nearer_and_passes() -> None:
    at = utc(2026, 3, 3, 8, 55)
    screen = Screen(at=at, minutes=30)
    assert address_bar.ahead(screen, at - timedelta(hours=12)) == 720
    assert address_bar.ahead(screen, at - timedelta(minutes=1)) == 1
    assert address_bar.is_later(screen, at)
    for now in (at + timedelta(seconds=1), at - timedelta(hours=25)):
        assert not address_bar.is_later(screen, now)
        assert address_bar.ahead(screen, now) == 30
    assert address_bar.ahead(Screen(minutes=30), at) == 30


@given(at=st.integers(946684800 // 60, 4102444800 // 60).map(lambda m: datetime.fromtimestamp(60 * m, UTC)))
def test_a_named_moment_survives_the_address(at: datetime) -> None:
    screen = Screen(city="dublin", station="s1", what="space", n=2, at=at)
    assert Screen.from_address(screen.address()) == screen


@pytest.mark.parametrize(
    "value", ["", "tomorrow", "20261340T0000Z", "2026-03-03", "9" * 5000, "20260303T0855"]
)
def test_a_senseless_moment_is_none(value: str) -> None:
    assert Screen.from_address({"at": value, "in": "10"}) == Screen(minutes=10)


def test_both_clocks_are_shown_where_they_differ_at_that_moment() -> None:
    """Phoenix and Denver agree in winter; after Denver's change they do not."""
    now, phoenix = utc(2026, 3, 7, 20, 0), ZoneInfo("America/Phoenix")
    before, after = utc(2026, 3, 8, 8, 0), utc(2026, 3, 8, 15, 0)
    assert formats.both_clocks(before, now, DENVER, phoenix) == "tomorrow at 01:00"
    assert formats.both_clocks(after, now, DENVER, phoenix) == "tomorrow at 09:00 (Sun 08:00 on your clock)"
    assert formats.both_clocks(after, now, DENVER, None) == "tomorrow at 09:00"


def test_a_moment_of_another_day_names_it() -> None:
    now = utc(2026, 3, 2, 23, 50)
    assert formats.moment(now + timedelta(minutes=5), now, DUBLIN) == "23:55"
    assert formats.moment(now + timedelta(minutes=25), now, DUBLIN) == "Tue 00:15"
    assert formats.moment(now - timedelta(days=30), now, DUBLIN) == "31 Jan 2026, 23:50"
