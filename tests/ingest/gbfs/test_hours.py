"""Opening hours of every version, seasons, midnight, clocks that change: named for what happened."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ingest.gbfs import hours
from ingest.gbfs.findings import Findings
from ingest.gbfs.hours import REMEMBERED, PublishedHours, covering
from model import Forecaster, Stations
from model.frame import Frame
from model.frame_builder import make_frame
from model.hours import FOREVER, OpeningHours
from tests.support.gbfs_world import (
    NOW,
    STATION_FEEDS,
    Json,
    Operator,
    feed_list,
    holding,
    information,
    kinds,
    place,
    status,
    wrap,
)

ALL_WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def known(zone: str = "Europe/Dublin", size: int = 2, country: str = "IE") -> Stations:
    ids = np.array([str(row + 1) for row in range(size)])
    return Stations("x", zone, country, ids, ids, np.full(size, 53.3), np.full(size, -6.2), np.full(size, 20))


def opened(hours: PublishedHours, zone: str = "Europe/Dublin") -> Callable[[str], bool]:
    """Tell whether the first station is open at a moment, by spans made for that very moment."""

    def is_open(moment: str) -> bool:
        at = datetime.fromisoformat(moment)
        spans = covering(hours.to_json(), known(zone), at)
        assert spans is not None
        return bool(spans.is_open(np.array([0]), np.array([int(at.timestamp())]))[0])

    return is_open


def rental(*entries: Json) -> tuple[PublishedHours, dict[str, int]]:
    findings = Findings()
    rules = hours.rental_hours(wrap({"rental_hours": list(entries)}), findings)
    return PublishedHours(rules=rules), {each.kind: each.count for each in findings.all()}


def entry(days: Any = ..., start: Any = "06:00:00", end: Any = "22:00:00", users: Any = ...) -> Json:
    every = ALL_WEEK if days is ... else days
    return {
        "user_types": ["member", "nonmember"] if users is ... else users,
        "days": every, "start_time": start, "end_time": end,
    }  # fmt: skip


def calendar(*entries: Json) -> tuple[tuple[str, ...], dict[str, int]]:
    findings = Findings()
    found = hours.seasons(wrap({"calendars": list(entries)}), NOW, findings)
    return found, {each.kind: each.count for each in findings.all()}


def season(start: tuple[int, int], end: tuple[int, int], years: tuple[int, int] | None = None) -> Json:
    named = {"start_month": start[0], "start_day": start[1], "end_month": end[0], "end_day": end[1]}
    return named | ({} if years is None else {"start_year": years[0], "end_year": years[1]})


# ---------------------------------------------------------------- version 3


def test_hours_past_midnight_close_in_the_citys_time() -> None:
    open_at = opened(PublishedHours(system="Mo-Su 05:00-00:30"), "America/New_York")
    assert open_at("2026-03-03T00:29-05:00")
    assert not open_at("2026-03-03T00:30-05:00")
    assert not open_at("2026-03-03T04:59-05:00")
    assert open_at("2026-03-03T05:00-05:00")


def test_a_summers_night_is_closed_by_summer_time() -> None:
    open_at = opened(PublishedHours(system="Mo-Su 05:00-00:30"))
    assert not open_at("2026-07-01T03:59Z")
    assert open_at("2026-07-01T04:00Z")


def test_a_time_that_clocks_leave_out_in_spring_is_the_moment_of_the_change() -> None:
    """On 29 March 2026 Dublin goes from 1:00 to 2:00, at 01:00 UTC."""
    opens = opened(PublishedHours(system="01:30-05:00"))
    assert not opens("2026-03-29T00:59Z")
    assert opens("2026-03-29T01:00Z")
    closes = opened(PublishedHours(system="06:00-25:30"))
    assert closes("2026-03-29T00:59Z")
    assert not closes("2026-03-29T01:00Z")


def test_a_time_that_comes_twice_in_autumn_is_the_later_one() -> None:
    """On 25 October 2026 Dublin goes from 2:00 back to 1:00, at 01:00 UTC: 1:30 is at 00:30 and 01:30 UTC."""
    closes = opened(PublishedHours(system="06:00-25:30"))
    assert closes("2026-10-25T00:45Z")
    assert closes("2026-10-25T01:29Z")
    assert not closes("2026-10-25T01:30Z")


def test_days_of_spring_and_autumn_keep_their_hours_by_the_clock() -> None:
    open_at = opened(PublishedHours(system="Mo-Su 06:00-22:00"))
    for day, utc in (("2026-03-28", 6), ("2026-03-29", 5), ("2026-10-24", 5), ("2026-10-25", 6)):
        assert not open_at(f"{day}T{utc - 1:02}:59Z"), day
        assert open_at(f"{day}T{utc:02}:00Z"), day


def test_a_public_holiday_is_that_of_the_country() -> None:
    open_at = opened(PublishedHours(system="Mo-Su 06:00-22:00; PH off"))
    assert not open_at("2026-03-17T12:00Z"), "Saint Patrick's Day"
    assert open_at("2026-03-18T12:00Z")
    elsewhere = covering(PublishedHours(system="06:00-22:00; PH off").to_json(), known(country="XX"), NOW)
    assert elsewhere is not None, "a country that is none has no holidays"


def test_hours_by_the_sun_are_those_of_the_place() -> None:
    """The sun rises at 4:56 in Dublin in June: without a place the library says 7:00."""
    open_at = opened(PublishedHours(system="sunrise-sunset"))
    assert not open_at("2026-06-20T03:45Z")
    assert open_at("2026-06-20T04:10Z")


@pytest.mark.parametrize("text", ["24/7", "Mo-Su 00:00-24:00", "06:00-30:00", "00:00-48:00", ""])
def test_what_never_closes_has_no_hours(text: str) -> None:
    assert covering(PublishedHours(system=text).to_json(), known(), NOW) is None
    assert covering("", known(), NOW) is None


def test_the_next_opening_is_known_however_far_it_is() -> None:
    spans = covering(PublishedHours(system="Jun 01-Jul 31 06:00-22:00").to_json(), known(), NOW)
    assert spans is not None
    state = spans.state(0, NOW)
    assert (state.is_open, state.opens_at) == (False, datetime(2026, 6, 1, 5, tzinfo=UTC))


def test_hours_without_an_end_ahead_are_open_for_ever() -> None:
    spans = covering(PublishedHours(system="2026 Mar 03-2099 Dec 31").to_json(), known(), NOW)
    assert spans is not None
    assert spans.spans[-1, 2] == FOREVER
    assert spans.state(0, NOW + timedelta(days=3)).closes_at is None


def test_a_station_with_hours_of_its_own_keeps_them() -> None:
    findings = Findings()
    document = information(
        place("1"), place("2", station_opening_hours="Mo-Su 10:00-16:00"),
        place("3", station_opening_hours="when the shop is open"), place("4", station_opening_hours=None),
    )  # fmt: skip
    own = hours.station_hours(document, NOW, findings)
    assert own == {"2": "Mo-Su 10:00-16:00"}
    assert [(each.kind, each.example) for each in findings.all()] == [
        ("bad_hours", "3: when the shop is open")
    ]
    spans = covering(PublishedHours(system="06:00-22:00", stations=own).to_json(), known(), NOW)
    assert spans is not None
    nine = int(datetime(2026, 3, 2, 9, tzinfo=UTC).timestamp())
    assert spans.is_open(np.array([0, 1]), np.array([nine, nine])).tolist() == [True, False]


def test_only_a_kiosk_closes_in_a_city_that_does_not() -> None:
    spans = covering(PublishedHours(stations={"2": "10:00-16:00"}).to_json(), known(), NOW)
    assert spans is not None
    assert spans.schedule.tolist() == [-1, 0]


@pytest.mark.parametrize(
    "text", ["daily", "Mo-Su 25:00-26:00", "6am to 10pm", "\x00", 7, ["Mo-Su 06:00-22:00"], "Mo" * 9000]
)
def test_hours_that_cannot_be_read_are_a_finding_and_always_open(text: Any) -> None:
    findings = Findings()
    assert hours.system_hours(wrap({"opening_hours": text}), NOW, findings) == ""
    assert [each.kind for each in findings.all()] == ["bad_hours"]


@pytest.mark.parametrize("text", ["off", "2019 Apr 01-2019 Oct 31 06:00-22:00"])
def test_hours_that_never_open_again_are_a_finding_and_always_open(text: str) -> None:
    findings = Findings()
    assert hours.system_hours(wrap({"opening_hours": text}), NOW, findings) == ""
    assert [each.kind for each in findings.all()] == ["never_open"]


def test_a_dash_for_people_is_read() -> None:
    assert hours.system_hours(wrap({"opening_hours": "Mo–Su 05:00–00:30"}), NOW, Findings()) == (
        "Mo-Su 05:00-00:30"
    )


# ---------------------------------------------------------------- versions 1 and 2


def test_rental_hours_by_weekday() -> None:
    published, odd = rental(entry(ALL_WEEK[:5]), entry(["sat", "sun"], "08:00:00", "20:00:00"))
    open_at = opened(published)
    assert odd == {}
    assert (open_at("2026-03-06T21:59Z"), open_at("2026-03-07T20:00Z")) == (True, False)
    assert (open_at("2026-03-06T06:30Z"), open_at("2026-03-07T06:30Z")) == (True, False)


@pytest.mark.parametrize("end", ["24:30:00", "00:30:00"])
def test_rental_hours_that_end_after_midnight(end: str) -> None:
    """The end of Friday's hours is on Saturday, whose own hours begin later and do not undo it."""
    published, odd = rental(entry(["fri"], "05:00:00", end), entry(["sat"], "09:00:00", "20:00:00"))
    open_at = opened(published)
    assert odd == {}
    assert (open_at("2026-03-07T00:29Z"), open_at("2026-03-07T00:30Z")) == (True, False)


@pytest.mark.parametrize("end", ["23:59:59", "23:59", "24:00:00", "00:00:00", "47:59:59"])
def test_a_whole_day_is_written_in_many_ways(end: str) -> None:
    published, odd = rental(entry(start="00:00:00", end=end))
    assert odd == {}
    assert covering(published.to_json(), known(), NOW) is None


def test_members_and_others_have_hours_of_their_own_and_either_may_ride() -> None:
    published, _ = rental(
        entry(start="05:00:00", end="23:00:00", users=["member"]),
        entry(start="09:00:00", end="23:30:00", users=["nonmember"]),
    )
    open_at = opened(published)
    assert [open_at(f"2026-03-03T{clock}Z") for clock in ("04:59", "05:00", "23:15", "23:30")] == [
        False, True, True, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "spoilt",
    [
        entry("mon"), entry([]), entry(["lundi"]), entry(start="six"), entry(end=None), entry(end="61:00:00"),
        entry(start="26:00:00"), entry(end="10:99:00"), None, 3,
    ],
)  # fmt: skip
def test_rental_hours_with_an_entry_that_cannot_be_read_are_a_finding_and_always_open(spoilt: Any) -> None:
    published, odd = rental(entry(ALL_WEEK[:5]), spoilt)
    assert (published.text, odd) == ("", {"bad_hours": 1})


def test_a_document_without_rental_hours_is_a_finding() -> None:
    documents: tuple[Any, ...] = ({"rental_hours": []}, {"rental_hours": {}}, {}, None)
    for data in documents:
        findings = Findings()
        assert hours.rental_hours(wrap(data), findings) == ()
        assert [each.kind for each in findings.all()] == ["bad_hours"]


# ---------------------------------------------------------------- seasons


def test_a_season_closes_the_winter() -> None:
    found, odd = calendar(season((4, 1), (10, 31)))
    assert (found, odd) == (("Apr 01-Oct 31",), {})
    open_at = opened(PublishedHours(rules=("Mo,Tu,We,Th,Fr,Sa,Su 06:00-24:00",), seasons=found))
    assert not open_at("2026-03-31T12:00Z")
    assert open_at("2026-04-01T05:00Z")
    assert opened(PublishedHours(seasons=found))("2026-04-01T01:00Z"), "without hours a season's day is whole"


def test_a_season_over_new_year_and_another_one() -> None:
    found, _ = calendar(season((11, 1), (3, 31)), season((7, 1), (7, 31)))
    open_at = opened(PublishedHours(seasons=found))
    days = ("2026-03-31", "2026-04-01", "2026-07-15", "2026-08-01", "2026-11-01", "2027-01-01")
    assert [open_at(f"{day}T12:00Z") for day in days] == [True, False, True, False, True, True]


def test_a_season_of_one_year() -> None:
    found, _ = calendar(season((4, 1), (10, 31), (2026, 2026)))
    assert found == ("2026 Apr 01-2026 Oct 31",)


def test_seasons_that_are_all_over_are_a_finding_and_all_year() -> None:
    assert calendar(season((4, 1), (10, 31), (2019, 2019))) == ((), {"never_open": 1})


def test_a_season_of_the_whole_year_is_none() -> None:
    assert calendar(season((1, 1), (12, 31))) == ((), {})


@pytest.mark.parametrize("spoilt", [season((13, 1), (3, 31)), season((2, 30), (3, 31)), {}, None, []])
def test_a_season_that_cannot_be_read_is_a_finding_and_all_year(spoilt: Any) -> None:
    assert calendar(season((4, 1), (10, 31)), spoilt) == ((), {"bad_seasons": 1})


# ---------------------------------------------------------------- in a feed


def published(operator: Operator, **seconds: float) -> PublishedHours:
    return PublishedHours.from_json(operator.poll(**seconds).documents[REMEMBERED])


def test_a_feed_gives_its_hours_and_seasons(operator: Operator) -> None:
    names = (*STATION_FEEDS, "system_information", "system_hours", "system_calendar")
    operator.discovery = wrap({"en": {"feeds": feed_list(*names, at=operator.server.url(""))}})
    operator.hours = wrap({"rental_hours": [entry()]})
    operator.calendar = wrap({"calendars": [season((4, 1), (10, 31))]})
    assert published(operator).text == "Apr 01-Oct 31 Mo,Tu,We,Th,Fr,Sa,Su 06:00-22:00"


def test_a_feed_without_hours_remembers_none(operator: Operator) -> None:
    poll = operator.poll()
    assert REMEMBERED not in poll.documents
    assert kinds(poll) == {}


def test_hours_that_are_away_at_a_restart_stay_in_use(operator: Operator) -> None:
    operator.discovery = wrap(
        {"en": {"feeds": feed_list(*STATION_FEEDS, "system_hours", at=operator.server.url(""))}}
    )
    operator.hours = wrap({"rental_hours": [entry()]})
    first = operator.poll()
    operator.hours = None
    operator.feed = operator.follow()
    operator.feed.resume(first.stations, first.at, first.documents)
    again = operator.poll(60, int((NOW + timedelta(seconds=60)).timestamp()))
    assert again.documents[REMEMBERED] == first.documents[REMEMBERED]
    assert kinds(again)["bad_document"] == 1
    operator.hours = wrap({"rental_hours": [entry(end="23:00:00")]})
    later = published(operator, after=700)
    assert later.rules == ("Mo,Tu,We,Th,Fr,Sa,Su 06:00-23:00",)


def test_hours_that_the_operator_takes_down_are_forgotten(operator: Operator) -> None:
    both = feed_list(*STATION_FEEDS, "system_hours", at=operator.server.url(""))
    operator.discovery = wrap({"en": {"feeds": both}})
    operator.hours = wrap({"rental_hours": [entry()]})
    assert published(operator).text
    operator.discovery = wrap({"en": {"feeds": both[:2]}})
    assert published(operator, after=86400).text == ""


def test_hours_of_another_release_are_read_as_far_as_they_go() -> None:
    assert PublishedHours.from_json('{"system": "24/7", "of_tomorrow": 1}') == PublishedHours("24/7")
    assert PublishedHours.from_json("{}") == PublishedHours()


# ---------------------------------------------------------------- from the document to the frame


def framed(operator: Operator) -> tuple[OpeningHours, Frame]:
    poll = operator.poll()
    assert poll.snapshot is not None
    spans = covering(poll.documents[REMEMBERED], poll.stations, poll.snapshot.at)
    assert spans is not None
    forecaster = Forecaster(poll.stations)
    forecaster.update_hours(spans)
    forecaster.learn(poll.snapshot)
    return spans, make_frame(forecaster)


def chances(frame: Frame, *clocks: str) -> list[int]:
    """Give the chance of a bike at the first station, at the horizons of these hours UTC."""
    names = [f"{frame.at + timedelta(minutes=int(minute)):%H:%M}" for minute in frame.minutes]
    return [int(frame.bike.chance[0, names.index(clock), 0]) for clock in clocks]


def test_closed_at_night_by_hours(operator: Operator) -> None:
    """Nine bikes at ten past midnight, and a city that closes from 0:30 to 5:00: it said 99 % at 3 a.m."""
    operator.now = datetime(2026, 3, 3, 0, 10, 5, tzinfo=UTC)
    operator.information = information(*(place(key, lat=53.34, lon=-6.26) for key in "12"))
    operator.status = status(holding("1", 9, 11), holding("2", 9, 11), last_updated=1772496600)
    assert operator.system is not None
    operator.system["data"] |= {"timezone": "Europe/Dublin", "opening_hours": "Mo-Su 05:00-00:30"}
    operator.feed = operator.follow()
    _, frame = framed(operator)
    assert chances(frame, "00:30", "02:10", "03:10", "04:10") == [0, 0, 0, 0]
    assert min(chances(frame, "00:10", "00:25", "05:10", "08:10")) >= 99
    assert (frame.bike.median == 9).all(), "counts are forecast all the same"
    assert frame.closed is not None
    assert frame.closed[:, 0].tolist() == [20 <= minute < 290 for minute in frame.minutes.tolist()]


@pytest.mark.usefixtures("shared")
def test_the_incident_of_a_night_that_was_99_per_cent(operator: Operator, shared: Path) -> None:
    folder = shared / "gbfs" / "incidents" / "closed-at-night-hours"
    operator.status = json.loads((folder / "station_status.json").read_bytes())
    operator.system = json.loads((folder / "system_information.json").read_bytes())
    operator.information = information(*(place(key, lat=53.34, lon=-6.26) for key in "12"))
    operator.now = datetime(2026, 3, 3, 0, 10, 5, tzinfo=UTC)
    operator.feed = operator.follow()
    _, frame = framed(operator)
    assert chances(frame, "03:10") == [0]
    assert min(chances(frame, "05:10", "08:10")) >= 99
