"""The calendar: local days, and holidays that count as weekend until their riders show otherwise."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model import Forecaster
from model.demand.calendar import WEEKDAY, WEEKEND, Calendar
from model.records import pack_stations
from tests.support.model_world import snapshot, stations

PATRICK = datetime(2026, 3, 17, 0, 0, tzinfo=UTC)  # a Tuesday


def test_a_public_holiday_is_like_a_weekend() -> None:
    assert Calendar("Europe/Dublin", "IE").cell(PATRICK, 24)[0] == WEEKEND
    assert Calendar("Europe/Dublin", "").cell(PATRICK, 24)[0] == WEEKDAY
    assert Calendar("Europe/Dublin", "IE").cell(PATRICK + timedelta(days=1), 24)[0] == WEEKDAY


ZONES = ("Europe/Dublin", "America/Denver", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "UTC")


@given(
    st.sampled_from(ZONES),
    st.integers(1_325_000_000, 1_807_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    st.lists(st.integers(0, 2880), max_size=30),
    st.sampled_from((24, 48, 96)),
)
def test_the_cells_of_many_moments_are_those_of_each(
    zone: str, at: datetime, halves: list[int], slots: int
) -> None:
    days, minutes = Calendar(zone, "IE"), np.array(halves) / 2
    each = [days.cell(at + timedelta(minutes=after), slots) for after in minutes.tolist()]
    cells = days.cells(at, minutes, slots)
    assert cells.dtype == np.int64
    assert cells.shape == (len(halves), 2)
    assert cells.flags.c_contiguous
    assert [tuple(cell) for cell in cells.tolist()] == each


def test_a_country_that_the_library_lacks_has_no_holidays() -> None:
    days = Calendar("UTC", "ZZ")
    assert days.cell(datetime(2026, 12, 25, tzinfo=UTC), 24)[0] == WEEKDAY


REGIONAL = [
    pytest.param(
        "Europe/London", "GB", "ENG", datetime(2026, 8, 31, 12, tzinfo=UTC), id="bank_holiday_in_england"
    ),
    pytest.param(
        "Europe/Berlin", "DE", "BY", datetime(2026, 6, 4, 12, tzinfo=UTC), id="corpus_christi_in_munich"
    ),
    pytest.param(
        "Europe/Madrid", "ES", "CT", datetime(2026, 6, 24, 12, tzinfo=UTC), id="24_june_in_barcelona"
    ),
]


@pytest.mark.parametrize(("zone", "country", "region", "at"), REGIONAL)
def test_a_region_has_holidays_of_its_own(zone: str, country: str, region: str, at: datetime) -> None:
    assert Calendar(zone, country, region).is_holiday(at)
    assert not Calendar(zone, country).is_holiday(at)
    assert not Calendar(zone, country, "XX").is_holiday(at), "an unknown region has the country's"
    assert Calendar(zone, country, "XX").is_holiday(datetime(2026, 12, 25, 12, tzinfo=UTC))


@pytest.mark.parametrize(("zone", "country", "region", "at"), REGIONAL)
def test_a_checkpoint_keeps_the_region(zone: str, country: str, region: str, at: datetime) -> None:
    described = replace(stations(3), timezone=zone, country=country)
    plain, regional = Forecaster(described), Forecaster(replace(described, region=region))
    assert not Forecaster.from_bytes(plain.to_bytes()).components["calendar"].is_holiday(at)
    back = Forecaster.from_bytes(regional.to_bytes())
    assert back.stations.region == region
    assert back.components["calendar"].is_holiday(at)
    plain.update_stations(regional.stations)
    assert plain.components["calendar"].is_holiday(at)


def test_a_state_without_a_region_is_that_of_a_release_before_regions() -> None:
    assert "stations.region" not in pack_stations(stations(3))


def test_the_day_is_the_citys_own() -> None:
    late = datetime(2026, 3, 17, 2, 0, tzinfo=UTC)
    assert Calendar("America/Chicago", "IE").cell(late, 24) == (WEEKDAY, 21)  # still the 16th there
    assert Calendar("Europe/Dublin", "IE").cell(late, 24) == (WEEKEND, 2)


def test_a_holiday_on_a_sunday_is_a_sunday() -> None:
    assert not Calendar("Europe/Dublin", "IE").is_holiday(datetime(2024, 3, 17, tzinfo=UTC))


def test_a_holiday_that_looks_like_a_weekday_becomes_one_within_the_morning() -> None:
    days = Calendar("UTC", "IE")
    for minute in range(0, 120, 2):
        days.learn(PATRICK + timedelta(hours=7, minutes=minute), seen=20, weekday=20, weekend=8)
    assert days.cell(PATRICK + timedelta(hours=9), 24)[0] == WEEKDAY
    # The next holiday begins in doubt, and not as a certain weekday.
    first = days.evidence
    days.learn(PATRICK + timedelta(days=20), seen=8, weekday=20, weekend=8)
    assert first < days.evidence


def test_a_holiday_that_looks_like_a_weekend_stays_one() -> None:
    days = Calendar("UTC", "IE")
    for minute in range(0, 120, 2):
        days.learn(PATRICK + timedelta(hours=7, minutes=minute), seen=8, weekday=20, weekend=8)
    assert days.cell(PATRICK + timedelta(hours=9), 24)[0] == WEEKEND
    assert days.evidence == pytest.approx(10)


@pytest.mark.parametrize(("rides", "kind"), [("as on weekdays", WEEKDAY), ("as at weekends", WEEKEND)])
def test_the_forecaster_learns_what_a_holiday_is(rides: str, kind: int) -> None:
    """Weekdays have a rush hour; then Saint Patrick's Day comes, with one and without."""
    rng = np.random.default_rng(3)
    forecaster, counts = Forecaster(stations(12, 20), every=10**6), np.full(12, 10)
    start = datetime(2026, 3, 9, 0, 0, tzinfo=UTC)
    for minute in range(0, 8 * 1440 + 11 * 60, 4):
        at = start + timedelta(minutes=minute)
        off = at.weekday() >= 5 or (at >= PATRICK and kind == WEEKEND)
        busy = (0.5 if off else 8.0) if 6 <= at.hour < 10 else 1.0
        moves = rng.poisson(busy / 15, 12) - rng.poisson(busy / 15, 12)
        counts = np.clip(counts + moves, 0, 20)
        if at.hour == 2:
            counts = np.full(12, 10)
        forecaster.learn(snapshot(at, counts.tolist(), 20))
    assert forecaster._riders.calendar.cell(PATRICK + timedelta(hours=12), 24)[0] == kind
