"""The fan chart's numbers, and its axis in the city's time."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from dashboard.charts import fan_chart
from model.frame import MINUTES
from tests.support.dashboard_world import NOON, frame

DUBLIN = ZoneInfo("Europe/Dublin")
KATHMANDU = ZoneInfo("Asia/Kathmandu")


def test_the_past_begins_three_hours_back_and_ends_with_the_newest_counts() -> None:
    history = [(NOON - timedelta(hours=9), 4, 11, 1), (NOON - timedelta(hours=1), 6, -1, -1)]
    until = NOON - timedelta(minutes=2)
    bikes = fan_chart.past(history, "bike", NOON, until, DUBLIN)
    assert bikes["minutes"].tolist() == [-180, -60, -2]
    assert bikes["count"].tolist() == [4, 6, 6]
    spaces = fan_chart.past(history, "space", NOON, until, DUBLIN)
    assert np.isnan(spaces["count"]).tolist() == [False, True, True]
    assert spaces["tip"].tolist()[1] == "11:00 · – spaces"
    ebikes = fan_chart.past(history, "ebike", NOON, until, DUBLIN)
    assert ebikes["tip"].tolist()[:2] == ["09:00 · 1 e-bike", "11:00 · – e-bikes"]
    plain_bikes = fan_chart.past(history, "plain_bike", NOON, until, DUBLIN)
    assert plain_bikes["tip"].tolist()[:2] == ["09:00 · 3 plain bikes", "11:00 · – plain bikes"]
    assert fan_chart.past([], "bike", NOON, until, DUBLIN).empty


def ago(hours: float) -> datetime:
    return NOON - timedelta(hours=hours)


@pytest.mark.parametrize(
    ("unobserved", "minutes", "counts"),
    [
        ([(ago(2), ago(1.5))], [-180, -150, -120, -120, -90, -60, -2], [4, 6, 6, None, 6, 7, 7]),
        ([(ago(9), ago(2))], [-120, -60, -2], [6, 7, 7]),  # it began before the chart
        ([(ago(2), ago(1)), (ago(0.5), NOON)], [-180, -150, -120, -120, -60, -30], [4, 6, 6, None, 7, 7]),
        ([(ago(9), ago(8)), (ago(1.5), ago(1.2)), (ago(1.3), ago(1))],
         [-180, -150, -90, -90, -60, -2], [4, 6, 6, None, 7, 7]),
        ([(ago(9), NOON)], [], []),
    ],
)  # fmt: skip
def test_where_nothing_was_observed_the_past_has_a_gap(
    unobserved: list[tuple[datetime, datetime]], minutes: list[float], counts: list[float | None]
) -> None:
    """A played city that had jumped showed hours of a count that never stood there."""
    history = [(ago(9), 4, 11, -1), (ago(2.5), 6, 9, -1), (ago(1), 7, 8, -1)]
    was = fan_chart.past(history, "bike", NOON, NOON - timedelta(minutes=2), DUBLIN, unobserved)
    shown = [
        [minute, None if np.isnan(count) else count]
        for minute, count in zip(was["minutes"], was["count"], strict=True)
    ]
    steps = [each for place, each in enumerate(shown) if not place or each != shown[place - 1]]
    assert steps == [[minute, count] for minute, count in zip(minutes, counts, strict=True)]


def test_the_future_is_that_of_the_frame_as_far_as_two_hours_from_now() -> None:
    made = frame()
    now = NOON + timedelta(minutes=10)
    will = fan_chart.future(made, 4, "bike", now, DUBLIN)
    assert will["minutes"].tolist() == [float(minutes - 10) for minutes in MINUTES[:15]]
    assert MINUTES[14] == 120
    assert will["low"].tolist() == made.bike.low[:15, 4].tolist()
    assert will["high"].tolist() == made.bike.high[:15, 4].tolist()
    assert fan_chart.future(made, 2, "bike", now, DUBLIN).empty  # nothing is known of it


@pytest.mark.parametrize(
    ("now", "zone", "hours"),
    [
        (datetime(2026, 3, 2, 12, 20, tzinfo=UTC), DUBLIN, ["10:00", "11:00", "12:00", "13:00", "14:00"]),
        # Clocks go forward at 01:00 UTC: there is no 01:30 in Dublin that night.
        (datetime(2026, 3, 29, 1, 30, tzinfo=UTC), DUBLIN, ["23:00", "00:00", "02:00", "03:00", "04:00"]),
        # Clocks go back at 01:00 UTC: one o'clock comes twice.
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), DUBLIN, ["00:00", "01:00", "01:00", "02:00", "03:00"]),
        (datetime(2026, 3, 2, 12, 20, tzinfo=UTC), KATHMANDU, ["16:00", "17:00", "18:00", "19:00", "20:00"]),
    ],
)
def test_the_axis_names_full_hours_of_the_city(now: datetime, zone: ZoneInfo, hours: list[str]) -> None:
    assert list(fan_chart.ticks(now, zone).values()) == hours


def test_the_chart_holds_numbers_and_our_own_words_alone() -> None:
    made = frame()
    was = fan_chart.past([(NOON, 3, 12, -1)], "bike", NOON, NOON, DUBLIN)
    spec = fan_chart.fan(was, fan_chart.future(made, 0, "bike", NOON, DUBLIN), NOON, DUBLIN, False).to_dict()
    assert "evil.example" not in json.dumps(spec)
    assert spec["layer"][0]["encoding"]["x"]["scale"]["domain"] == [-180, 120]
