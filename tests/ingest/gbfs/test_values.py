"""Single values of GBFS documents, as operators really write them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.gbfs import discovery, hours, vehicles
from ingest.gbfs import values as values
from ingest.gbfs.findings import Findings
from ingest.text import clean

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
POSIX = int(NOON.timestamp())

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        pytest.param(POSIX, NOON, id="posix_seconds"),
        pytest.param(POSIX + 0.9, NOON, id="posix_seconds_with_a_fraction"),
        pytest.param(POSIX * 1000 + 5, NOON, id="milliseconds"),
        pytest.param(POSIX * 1_000_000, NOON, id="microseconds"),
        pytest.param(str(POSIX), NOON, id="posix_seconds_as_text"),
        pytest.param("2026-03-01T12:00:00Z", NOON, id="rfc_3339"),
        pytest.param("2026-03-01T13:00:00+01:00", NOON, id="rfc_3339_with_a_zone"),
        pytest.param("2026-03-01T13:00:00.8913316+01:00", NOON, id="rfc_3339_with_seven_decimals"),
        pytest.param("2026-03-01T12:00:00", NOON, id="rfc_3339_without_a_zone"),
        pytest.param(86400, None, id="86400_is_a_day_and_no_date"),
        pytest.param(0, None, id="zero"),
        pytest.param(-1, None, id="negative"),
        pytest.param(-(10**18), None, id="very_negative"),
        pytest.param(10**18, None, id="far_future"),
        pytest.param(10**400, None, id="larger_than_any_float"),
        pytest.param(float("nan"), None, id="not_a_number"),
        pytest.param(float("inf"), None, id="infinity"),
        pytest.param(None, None, id="null"),
        pytest.param("", None, id="empty_text"),
        pytest.param("yesterday", None, id="text"),
        pytest.param("0001-01-01T00:00:00+14:00", None, id="before_the_first_year"),
        pytest.param(True, None, id="flag"),
        pytest.param([POSIX], None, id="list"),
    ],
)
def test_times(written: Any, meant: datetime | None) -> None:
    assert values.moment(written) == meant


@pytest.mark.parametrize(
    ("local", "utc_hour"),
    [
        pytest.param("2026-03-29T01:59:59+01:00", 0, id="last_second_of_winter"),
        pytest.param("2026-03-29T03:00:00+02:00", 1, id="first_second_of_summer"),
        pytest.param("2026-10-25T02:30:00+02:00", 0, id="half_past_two_for_the_first_time"),
        pytest.param("2026-10-25T02:30:00+01:00", 1, id="half_past_two_for_the_second_time"),
    ],
)
def test_daylight_saving_changes_leave_no_hole_and_no_overlap(local: str, utc_hour: int) -> None:
    at = values.moment(local)
    assert at is not None
    assert (at.hour, at.tzinfo) == (utc_hour, UTC)


@pytest.mark.parametrize(
    ("written", "capacity", "meant"),
    [
        (0, 20, 0),
        (5, 20, 5),
        ("5", 20, 5),
        (5.0, 20, 5),
        pytest.param(-1, 20, -1, id="minus_1_for_unknown"),
        pytest.param(-7, 20, -1, id="negative_docks"),
        pytest.param(999, 20, -1, id="999_docks_at_a_station_of_20"),
        pytest.param(999, -1, -1, id="999_docks_where_capacity_is_unknown"),
        pytest.param(999_999, -1, -1, id="999999"),
        pytest.param(10**30, -1, -1, id="larger_than_any_integer_of_numpy"),
        pytest.param(1e999, -1, -1, id="infinity"),
        pytest.param(2.5, 20, -1, id="half_a_bike"),
        pytest.param(None, 20, -1, id="null"),
        pytest.param(True, 20, -1, id="flag"),
        pytest.param("many", 20, -1, id="text"),
        pytest.param({}, 20, -1, id="object"),
        pytest.param(28, 20, 28, id="bikes_left_beside_a_full_station"),
        pytest.param(118, 60, 118, id="bikes_stacked_by_a_valet"),
        pytest.param(118, 0, 118, id="capacity_0_says_nothing"),
        pytest.param(118, -1, 118, id="capacity_unknown"),
        pytest.param(300, 999_999, 300, id="capacity_wrong"),
    ],
)
def test_counts(written: Any, capacity: int, meant: int) -> None:
    assert values.count(written, capacity) == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("12", "12"),
        (12, "12"),
        pytest.param(19179944124, "19179944124", id="integer_above_2_to_31"),
        pytest.param(12.0, "12", id="whole_float"),
        pytest.param(" a\x00b\n", "a b", id="control_characters"),
        pytest.param("00010001", "00010001", id="zeros_ahead_stay"),
        pytest.param("", None, id="empty"),
        pytest.param(None, None, id="null"),
        pytest.param(True, None, id="flag"),
        pytest.param(1.5, None, id="fraction"),
        pytest.param(float("nan"), None, id="not_a_number"),
        pytest.param("x" * 101, None, id="too_long"),
        pytest.param(10**5000, None, id="integer_of_thousands_of_digits"),
        pytest.param({"id": 1}, None, id="object"),
    ],
)
def test_station_ids(written: Any, meant: str | None) -> None:
    assert values.station_id(written) == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (True, True),
        (False, False),
        (1, True),
        (0, False),
        ("true", True),
        ("False", False),
        ("0", False),
        (1.0, None),
        (None, None),
        ("maybe", None),
        (2, None),
        ([], None),
    ],
)
def test_flags(written: Any, meant: bool | None) -> None:
    assert values.flag(written) is meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Place du Capitole", "Place du Capitole"),
        pytest.param([{"text": "Gare", "language": "fr"}], "Gare", id="v3"),
        pytest.param(
            [{"text": "Gare", "language": "fr"}, {"text": "Station", "language": "en"}],
            "Station",
            id="english",
        ),
        pytest.param(
            [{"text": "Bahnhof", "language": "de"}, {"text": "Gare", "language": "fr"}], "Bahnhof", id="first"
        ),
        pytest.param([{"text": 5}, "x", {"language": "en"}], "", id="v3_without_text"),
        pytest.param([], "", id="v3_empty"),
        pytest.param(None, "", id="null"),
        pytest.param(7, "", id="number"),
        pytest.param("10+%3a+Camping+de+Bl%c3%a9riot", "10 : Camping de Blériot", id="escaped_as_in_calais"),
        pytest.param("100%25 vélo", "100%25 vélo", id="percent_that_is_meant"),
        pytest.param("A\x1b[31m\u202eevil\x00", "A [31m evil", id="control_characters"),
        pytest.param("half a \ud83d character", "half a character", id="lone_surrogate"),
        pytest.param("千代田区役所", "千代田区役所", id="japanese"),
        pytest.param("x" * 5000, "x" * 119 + "…", id="very_long"),
        pytest.param("  two   spaces ", "two spaces", id="spaces"),
    ],
)
def test_names(written: Any, meant: str) -> None:
    assert values.name(written) == meant
    values.name(written).encode()


@pytest.mark.parametrize(
    ("lat", "lon", "meant"),
    [
        (43.6, 1.44, (43.6, 1.44)),
        ("43.6", "1.44", (43.6, 1.44)),
        (51, 0, (51.0, 0.0)),
        pytest.param(0, 0, None, id="at_0_0"),
        pytest.param(0.0001, -0.0, None, id="as_good_as_0_0"),
        pytest.param(None, None, None, id="null"),
        pytest.param(91, 0, None, id="off_the_globe"),
        pytest.param(43.6, 181, None, id="past_the_date_line"),
        pytest.param(float("nan"), 1, None, id="not_a_number"),
    ],
)
def test_positions(lat: Any, lon: Any, meant: tuple[float, float] | None) -> None:
    assert values.position(lat, lon) == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ({"ttl": 0}, 0),
        ({"ttl": 3600}, 3600),
        ({"ttl": 86400}, 86400),
        ({"ttl": "60"}, 60),
        pytest.param({}, 7, id="absent"),
        pytest.param({"ttl": None}, 7, id="null"),
        pytest.param({"ttl": -5}, 7, id="negative"),
        pytest.param({"ttl": "soon"}, 7, id="text"),
        pytest.param({"ttl": float("inf")}, 7, id="infinity"),
    ],
)
def test_ttl(written: dict[str, Any], meant: float) -> None:
    assert values.ttl(written, 7) == meant


@pytest.mark.parametrize(
    ("name", "exists"),
    [
        ("Europe/Paris", True),
        ("America/Argentina/Buenos_Aires", True),
        ("Europe/Atlantis", False),
        ("", False),
        ("America", False),
        ("../../etc/passwd", False),
        ("/etc/passwd", False),
        ("Europe/Paris\x00", False),
        ("x" * 10_000, False),
    ],
)
def test_zones(name: str, exists: bool) -> None:
    assert values.is_zone(name) is exists


@pytest.mark.parametrize(
    ("lat", "lon", "zone"),
    [(43.6, 1.44, "Europe/Paris"), (40.7, -74.0, "America/New_York"), (35.7, 139.8, "Asia/Tokyo")],
)
def test_the_zone_of_a_place(lat: float, lon: float, zone: str) -> None:
    assert values.zone_at(lat, lon) == zone


class Uncut(str):
    """A text that must be cut before anything works on it."""

    def _refuse(self, *_: object) -> Any:
        raise AssertionError(f"work on {len(self)} characters")

    strip = lower = upper = split = replace = encode = isascii = isprintable = removesuffix = _refuse  # type: ignore[assignment]
    __float__ = __iter__ = __contains__ = _refuse


@pytest.mark.parametrize(
    ("read", "meant"),
    [
        (values.station_id, None),
        (values.name, "1" * 119 + "…"),
        (values.number, None),
        (values.count, -1),
        (values.flag, None),
        (values.moment, None),
        (lambda text: values.ttl({"ttl": text}, 60.0), 60.0),
        (lambda text: values.name([{"text": text, "language": text}]), "1" * 119 + "…"),
        (lambda text: discovery.time_zone({"data": {"timezone": text}}), None),
        (
            lambda text: discovery._named([{"name": text, "url": "/a"}, {"name": "a", "url": text}], ""),
            ({}, []),
        ),
        (vehicles._word, "1" * 64),
        (hours._minutes, None),
        (lambda text: clean(text, 10), "1" * 9 + "…"),
        (lambda text: Findings().add("odd", text), None),
    ],
)
def test_no_field_is_worked_on_before_it_is_cut(read: Callable[[str], Any], meant: Any) -> None:
    """A name of 20 MB took 1.5 GB; so would have many another field."""
    assert read(Uncut("1" * 1_000_000)) == meant


@given(anything, anything)
def test_no_value_whatever_breaks_a_reader(value: Any, other: Any) -> None:
    assert values.count(value) >= -1
    at = values.moment(value)
    assert at is None or at.tzinfo is UTC
    key = values.station_id(value)
    assert key is None or (0 < len(key) <= 100 and key.encode())
    assert len(values.name(value)) <= 120
    assert values.flag(value) in (True, False, None)
    assert values.ttl({"ttl": value}, 1) >= 0
    values.position(value, other)


@given(st.text(), st.integers(1, 50))
def test_clean_text_is_short_printable_and_stays_clean(text: str, most: int) -> None:
    cleaned = clean(text, most)
    assert len(cleaned) <= most
    assert not any(c < " " or c == "\x7f" for c in cleaned)
    cleaned.encode()
    assert clean(cleaned, most) == cleaned
