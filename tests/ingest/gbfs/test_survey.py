"""A survey tells what is in a feed's documents, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

import tests.support.misbehaving as server_that
from ingest.gbfs.errors import FeedError
from ingest.gbfs.survey import Survey, survey
from tests.support.gbfs_world import (
    STATION_FEEDS,
    Operator,
    feed_list,
    holding,
    information,
    place,
    status,
    wrap,
)


def asked(operator: Operator) -> Survey:
    return survey(operator.followed, operator.fetcher, lambda: operator.now)


def name_feeds(operator: Operator, *names: str) -> None:
    """Name more feeds in the discovery document."""
    all_names = (*STATION_FEEDS, "system_information", *names)
    operator.discovery = wrap({"en": {"feeds": feed_list(*all_names, at=operator.server.url(""))}})


def types(*kinds: tuple[str, str, str]) -> dict[str, Any]:
    names = ("vehicle_type_id", "form_factor", "propulsion_type")
    return wrap({"vehicle_types": [dict(zip(names, kind, strict=True)) for kind in kinds]})


def test_a_survey_tells_what_the_documents_say(operator: Operator) -> None:
    operator.types = types(
        ("b", "bicycle", "human"), ("e", "bicycle", "electric_assist"), ("c", "cargo_bicycle", "human")
    )
    name_feeds(operator, "vehicle_types")
    by_type = [{"vehicle_type_id": key, "count": count} for key, count in (("b", 3), ("e", 2), ("c", 1))]
    operator.status = status(holding("1", 6, 14, vehicle_types_available=by_type), holding("2", 7, 13))
    assert operator.system is not None
    operator.system["data"]["license_url"] = " https://licence.example/by "
    found = asked(operator)
    assert (found.system_id, found.name, found.timezone) == ("toulouse", "VélôToulouse", "Europe/Paris")
    assert (found.version, found.licence) == ("2.3", "https://licence.example/by")
    assert (found.stations, found.docked, found.virtual) == (2, 2, 0)
    assert found.vehicle_kinds == ("plain", "electric", "cargo")
    assert (found.bikes, found.ebikes) == (12, 2)
    assert found.findings == ()


def test_a_standard_licence_is_named_by_its_identifier(operator: Operator) -> None:
    assert asked(operator).licence == ""
    assert operator.system is not None
    operator.system["data"] |= {"license_id": "CC-BY-4.0", "license_url": 5}
    assert asked(operator).licence == "CC-BY-4.0"


def test_virtual_stations_have_docks_where_they_tell_them(operator: Operator) -> None:
    """All 131 stations of Rouen are called virtual, and have racks; Ajaccio's are parking zones."""
    rouen, ajaccio = place("1", is_virtual_station=True), place("2", is_virtual_station=1, capacity=...)
    operator.information = information(rouen, ajaccio, place("3"))
    operator.status = status(holding("1"), holding("2", 4, 0), holding("3"))
    found = asked(operator)
    assert (found.stations, found.docked, found.virtual) == (3, 2, 2)
    assert {finding.kind for finding in found.findings} == {"no_docks"}


def test_versions_that_the_operator_offers_are_told(operator: Operator) -> None:
    """Lyft writes v2.3; what is no entry of a version is passed over."""
    offered = [
        {"version": "v1.1", "url": "https://b.example/1"}, {"version": 3.0, "url": "https://b.example/3"},
        {"version": "2.3"}, "2.2", {"url": "https://b.example/2"},
    ]  # fmt: skip
    operator.server.at("/gbfs_versions.json", server_that.document(wrap({"versions": offered})))
    name_feeds(operator, "gbfs_versions")
    assert asked(operator).versions == {"1.1": "https://b.example/1", "3.0": "https://b.example/3"}


@pytest.mark.parametrize(
    "answer", [server_that.status(500), server_that.body(b"<html>"), server_that.body(b"[]")]
)
def test_a_survey_does_without_a_list_of_versions(operator: Operator, answer: server_that.Behaviour) -> None:
    operator.server.at("/gbfs_versions.json", answer)
    name_feeds(operator, "gbfs_versions")
    assert asked(operator).versions == {}


def test_a_survey_makes_up_nothing_that_is_not_stated(operator: Operator) -> None:
    """A feed of version 1.0 without anything but its stations."""
    operator.system = None
    operator.discovery = wrap(
        {"en": {"feeds": feed_list(*STATION_FEEDS, at=operator.server.url(""))}}, version=...
    )
    operator.status = status(holding("1"), holding("2"), version=...)
    found = asked(operator)
    assert (found.system_id, found.name, found.version, found.licence) == ("", "", "", "")
    assert (found.vehicle_kinds, found.ebikes, found.timezone) == ((), -1, "Europe/Paris")
    assert [finding.kind for finding in found.findings] == ["no_zone"]


def test_a_survey_asks_for_each_document_once(operator: Operator) -> None:
    asked(operator)
    paths = [path for path, _ in operator.server.asked]
    assert len(paths) == len(set(paths)) == 4


def test_a_feed_that_cannot_be_polled_cannot_be_surveyed(operator: Operator) -> None:
    operator.status = None
    with pytest.raises(FeedError, match="HTTP 404"):
        asked(operator)
