"""Where stations lie: a test station far from its city is left out, and a town of its own never is."""

from __future__ import annotations

from ingest.gbfs.findings import Findings
from ingest.gbfs.stations import FEW
from tests.support.gbfs_world import Json, Operator, described, holding, information, kinds, place, status

NEW_YORK = {"lat": 40.7, "lon": -74.0}


def town(size: int, lat: float = 43.6, lon: float = 1.44, first: int = 0) -> list[Json]:
    return [place(str(first + row), lat=lat + 0.005 * row, lon=lon) for row in range(size)]


def left_out(*places: Json) -> dict[str, str]:
    findings = Findings()
    read = described(*places, findings=findings)
    example = {each.kind: each.example for each in findings.all()}.get("far_away", "")
    return dict.fromkeys(sorted(read.passed_over), str(example))


def test_a_test_station_on_another_continent_is_left_out(operator: Operator) -> None:
    places = [*town(5), place("test", **NEW_YORK)]
    operator.information = information(*places)
    operator.status = status(*(holding(each["station_id"]) for each in places))
    poll = operator.poll()
    assert poll.stations.station_id.tolist() == ["0", "1", "2", "3", "4"]
    assert kinds(poll) == {"far_away": 1}
    assert next(each.example for each in poll.findings) == "test: 6,004 km"
    known, documents = poll.stations, poll.documents
    operator.feed = operator.follow()
    operator.feed.resume(known, poll.at, documents)
    operator.information = None
    assert "status_only" not in kinds(operator.poll(60)), "nor is it waited for after a restart"


def test_a_system_of_several_towns_loses_none() -> None:
    """National systems have towns of one station; nobody can tell them from tests."""
    paris, lille = place("paris", lat=48.85, lon=2.35), place("lille", lat=50.63, lon=3.06)
    assert not left_out(*town(5), paris, lille)
    assert not left_out(*town(30), *town(30, lat=48.85, lon=2.35, first=30), place("test", **NEW_YORK))
    assert not left_out(*town(20), paris, place("beside", lat=48.9, lon=2.35))


def test_a_station_within_a_hundred_kilometres_stays() -> None:
    assert not left_out(*town(5), place("far", lat=44.45, lon=1.44))
    assert left_out(*town(5), place("far", lat=44.6, lon=1.44)) == {"far": "far: 110 km"}


def test_so_few_stations_are_no_city() -> None:
    assert not left_out(*town(2), place("test", **NEW_YORK))
    assert left_out(*town(3), place("test", **NEW_YORK))
    assert not left_out(place("only", **NEW_YORK))


def test_two_lone_stations_are_left_out_of_a_large_city_alone() -> None:
    lone = place("a", **NEW_YORK), place("b", lat=-33.9, lon=151.2)
    assert not left_out(*town(2 * FEW - 3), *lone)
    assert [*left_out(*town(2 * FEW), *lone)] == ["a", "b"]


def test_a_city_across_the_date_line_is_one_city() -> None:
    fiji = [place(str(row), lat=-16.8, lon=lon) for row, lon in enumerate((179.95, 179.99, -179.99, -179.95))]
    assert not left_out(*fiji)
    assert [*left_out(*fiji, place("test", **NEW_YORK))] == ["test"]
