"""GBFS documents with one defect each, read without a network: named for what happened."""

from __future__ import annotations

import json
import threading
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import ftfy
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.gbfs import discovery, documents, stations, values
from ingest.gbfs.discovery import feeds
from ingest.gbfs.documents import parse
from ingest.gbfs.errors import FeedError
from ingest.gbfs.findings import Finding, Findings
from ingest.gbfs.stations import DescribedStations, counts, describe
from ingest.gbfs.vehicles import VehicleTypes
from ingest.http.client import MAX_BYTES
from model.records import UNKNOWN
from tests.support.gbfs_world import (
    SECONDS,
    STATION_FEEDS,
    Json,
    counted,
    described,
    feed_list,
    holding,
    information,
    place,
    status,
    wrap,
)

BASE = "https://bikes.example/gbfs.json"


def found(findings: Findings) -> dict[str, int]:
    return {finding.kind: finding.count for finding in findings.all()}


# ---------------------------------------------------------------- bytes that should be JSON


def test_a_document_is_read() -> None:
    findings = Findings()
    assert parse(b'{"data": {"caf\xc3\xa9": 1}}', "station_status", findings) == {"data": {"café": 1}}
    assert findings.all() == ()


@pytest.mark.parametrize(
    ("body", "state", "words"),
    [
        pytest.param(b"", "unreachable", "the station status came without a single byte", id="0_bytes"),
        pytest.param(b" \n ", "unreachable", "the station status came without a single byte", id="blank"),
        pytest.param(
            b'{"data": {"stations": [{"sta', "unreachable", "breaks off in the middle", id="truncated"
        ),
        pytest.param(b'{"data": ', "unreachable", "breaks off in the middle", id="truncated_between_values"),
        pytest.param(b"<!DOCTYPE html><html>", "unreachable", "a web page came instead", id="html_with_200"),
        pytest.param(b"\xef\xbb\xbf<html>", "unreachable", "a web page came instead", id="html_behind_a_bom"),
        pytest.param(b"Service down", "unreachable", "is not valid JSON", id="text"),
        pytest.param(b'{"a": 1,}', "unreachable", "", id="comma_too_many"),
        pytest.param(b"[" * 10_000, "unreachable", "nested too deeply", id="nested_10000_deep"),
        pytest.param(b'{"a":' * 10_000, "unreachable", "nested too deeply", id="nested_objects"),
        pytest.param(b"[]", "unreachable", "is not a GBFS document", id="list"),
        pytest.param(b"null", "unreachable", "is not a GBFS document", id="null"),
        pytest.param(b"9" * 5000, "unreachable", "is not valid JSON", id="number_of_thousands_of_digits"),
        pytest.param(b"\x00\x01\x02\x03\x80", "unreachable", "is not valid JSON", id="bytes"),
    ],
)
def test_bytes_that_are_no_document_are_refused_by_kind(body: bytes, state: str, words: str) -> None:
    with pytest.raises(FeedError) as caught:
        parse(body, "station_status", Findings())
    assert words in str(caught.value)
    assert caught.value.state == state
    assert len(str(caught.value)) < 100


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'\xef\xbb\xbf{"name": "Caf\xc3\xa9"}', id="bom"),
        pytest.param('{"name": "Café"}'.encode("utf-16"), id="utf_16"),
        pytest.param('{"name": "Café"}'.encode("latin-1"), id="latin_1"),
    ],
)
def test_text_in_another_charset_is_read(body: bytes) -> None:
    assert parse(body, "station_status", Findings())["name"] == "Café"


def test_text_in_the_wrong_charset_is_counted() -> None:
    findings = Findings()
    parse('{"name": "Café"}'.encode("latin-1"), "station_status", findings)
    assert found(findings) == {"charset": 1}


def test_of_duplicate_keys_the_last_is_taken_and_counted() -> None:
    findings = Findings()
    assert parse(b'{"ttl": 1, "ttl": 2, "data": {"a": 1, "a": 2}}', "station_status", findings) == {
        "ttl": 2,
        "data": {"a": 2},
    }
    assert found(findings) == {"duplicate_key": 2}


def test_a_duplicate_among_many_keys_takes_no_longer_than_reading_them() -> None:
    """The search for it went through all keys once for each: hours for a document that came in a second."""
    body = "{" + ",".join(f'"{key}":0' for key in (*range(200_000), 199_999)) + "}"
    findings = Findings()
    assert len(parse(body.encode(), "station_status", findings)) == 200_000
    assert [(each.count, each.example) for each in findings.all()] == [(1, "199999")]


def test_of_large_documents_one_is_read_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A document of `[],` takes 27 times its size while it is read, and many cities may send one at once."""
    at_once, most, small = threading.Semaphore(0), [0], threading.Event()

    def reading(body: bytes, *_: object) -> Json:
        if len(body) < documents.LARGE:
            small.set()
            return {}
        at_once.release()
        most[0] = max(most[0], at_once._value)
        assert small.wait(10), "a small document waits for a large one"
        at_once.acquire()
        return {}

    monkeypatch.setattr(documents, "_parse", reading)
    monkeypatch.setattr(documents, "LARGE", 100)
    with ThreadPoolExecutor(4) as threads:
        for size in (100, 100, 200, 10):
            threads.submit(parse, bytes(size), "station_status", Findings())
    assert most == [1]


def test_the_largest_document_that_is_read_takes_no_more_memory_than_a_worker_has() -> None:
    """A byte of empty lists costs 27 bytes, of empty objects 28: some 220 MB for the largest document."""
    body = b"[" + b"[]," * 100_000 + b"[]]"
    tracemalloc.start()
    try:
        with pytest.raises(FeedError):
            parse(body, "station_status", Findings())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak / len(body) * MAX_BYTES < 300e6


def test_a_feed_of_more_stations_than_any_city_has_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight megabytes name 80,000: the worker would hold them all in memory, and end for every city."""
    monkeypatch.setattr(stations, "MOST_STATIONS", 3)
    assert len(described(*(place(key) for key in range(3))).stations) == 3
    with pytest.raises(FeedError, match="are 4 stations, more than the 3") as caught:
        described(*(place(key) for key in range(4)))
    assert caught.value.state == "refused"


def test_nan_and_infinity_are_unknown_counts() -> None:
    findings = Findings()
    body = b'{"data": {"stations": [{"station_id": "1", "num_bikes_available": NaN,'
    body += b'"num_docks_available": -Infinity}, {"station_id": "2", "num_bikes_available": 3}]}}'
    read = counts(
        parse(body, "station_status", findings), described(place("1"), place("2")), VehicleTypes(), findings
    )
    assert (read.bikes.tolist(), read.docks.tolist()) == ([-1, 3], [-1, -1])
    assert found(findings)["not_a_number"] == 2


@given(st.binary(max_size=200))
def test_no_bytes_whatever_break_the_reading(body: bytes) -> None:
    try:
        assert isinstance(parse(body, "station_status", Findings()), dict)
    except FeedError as error:
        assert str(error)  # noqa: PT017 - either is right


# ---------------------------------------------------------------- discovery


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({"en": {"feeds": feed_list(*STATION_FEEDS)}}, id="english"),
        pytest.param({"nb": {"feeds": feed_list(*STATION_FEEDS)}}, id="norwegian_only"),
        pytest.param(
            {
                "fr": {"feeds": feed_list(*STATION_FEEDS, at="https://fr.example")},
                "en": {"feeds": feed_list(*STATION_FEEDS)},
            },
            id="english_preferred",
        ),
        pytest.param(
            {
                "fr": {"feeds": feed_list(*STATION_FEEDS)},
                "de": {"feeds": feed_list(*STATION_FEEDS, at="https://de.example")},
            },
            id="else_the_first",
        ),
        pytest.param(
            {"en": {"feeds": feed_list("station_status")}, "fr": {"feeds": feed_list(*STATION_FEEDS)}},
            id="the_one_that_is_complete",
        ),
        pytest.param({"feeds": feed_list(*STATION_FEEDS)}, id="v3_without_language"),
        pytest.param(
            {"en": None, "fr": {"feeds": [None, 5, {}, *feed_list(*STATION_FEEDS)]}}, id="rubbish_between"
        ),
        pytest.param(
            {"en": {"feeds": [{"name": f"{name}.json", "url": f" /{name}.json "} for name in STATION_FEEDS]}},
            id="relative_addresses",
        ),
    ],
)
@pytest.mark.parametrize("version", ["1.0", "2.3", "3.0", ...])
def test_discovery_is_read_whatever_its_language_and_version(data: Json, version: Any) -> None:
    assert feeds(wrap(data, version=version), BASE, Findings()) == {
        name: f"https://bikes.example/{name}.json" for name in STATION_FEEDS
    }


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        pytest.param(
            {"en": {"feeds": feed_list("free_bike_status", "system_information")}},
            "no_stations",
            "bikes float freely",
            id="free_floating",
        ),
        pytest.param(
            {"feeds": feed_list("vehicle_status")}, "no_stations", "bikes float freely", id="free_floating_v3"
        ),
        pytest.param(
            {"en": {"feeds": feed_list("station_status")}},
            "no_feeds",
            "names no station information",
            id="no_information",
        ),
        pytest.param(
            {"en": {"feeds": feed_list("station_information")}},
            "no_feeds",
            "names no station status",
            id="no_status",
        ),
        pytest.param({"en": {"feeds": []}}, "no_feeds", "names no feed at a web address", id="no_feeds"),
        pytest.param({}, "no_feeds", "names no feed at a web address", id="no_language"),
        pytest.param({"feeds": "none"}, "no_feeds", "names no feed at a web address", id="feeds_is_text"),
        pytest.param(
            {"feeds": feed_list(*STATION_FEEDS, at="file:///etc")},
            "no_feeds",
            "names no feed at a web address",
            id="files",
        ),
        pytest.param(
            {"feeds": feed_list(*STATION_FEEDS, at="https://[broken")},
            "no_feeds",
            "names no feed at a web address",
            id="broken_addresses",
        ),
        pytest.param([1], "not_gbfs", "does not lead to a GBFS discovery document", id="data_is_a_list"),
        pytest.param(..., "not_gbfs", "does not lead to a GBFS discovery document", id="no_data"),
    ],
)
def test_discovery_without_station_feeds_is_refused_in_words(data: Any, kind: str, words: str) -> None:
    with pytest.raises(FeedError) as caught:
        feeds(wrap(data), BASE, Findings())
    assert (caught.value.state, caught.value.outcome) == ("refused", kind)
    assert words in str(caught.value)


def test_a_free_floating_system_is_not_polled_again_for_hours() -> None:
    with pytest.raises(FeedError) as caught:
        feeds(wrap({"feeds": feed_list("vehicle_status")}), BASE, Findings())
    assert caught.value.retry_after is not None
    assert caught.value.retry_after.total_seconds() >= 3600


def test_of_two_feeds_of_one_name_the_first_is_used() -> None:
    findings = Findings()
    listed = feed_list("station_information", "station_status")
    again = feed_list("station_status", "station_information", at="https://old.example")
    data = {"en": {"feeds": [*listed, *again, *listed, *again[:1]]}, "fr": {"feeds": listed}}
    assert feeds(wrap(data), BASE, findings) == {entry["name"]: entry["url"] for entry in listed}
    assert found(findings) == {"duplicate_feed": 3}


def test_a_feed_named_twice_with_one_address_is_no_finding() -> None:
    findings = Findings()
    listed = feed_list("station_information", "station_status")
    relative = [{"name": "station_status.json", "url": "//bikes.example/station_status.json"}]
    feeds(wrap({"feeds": [*listed, *listed, *relative]}), BASE, findings)
    assert found(findings) == {}


# ---------------------------------------------------------------- station information


def test_stations_are_described() -> None:
    findings = Findings()
    read = described(place("b", capacity=30), place("a", name="Capitole"), findings=findings).stations
    assert read.station_id.tolist() == ["a", "b"]
    assert read.name.tolist() == ["Capitole", "Place b"]
    assert read.capacity.tolist() == [20, 30]
    assert (read.lat.tolist(), read.lon.tolist()) == ([43.6, 43.6], [1.44, 1.44])
    assert (read.system_id, read.country, read.timezone) == ("toulouse", "FR", "Europe/Paris")
    assert found(findings) == {}


def test_a_feed_that_shuffles_its_stations_does_not_change() -> None:
    assert described(place("a"), place("b")).stations.same_as(described(place("b"), place("a")).stations)


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        pytest.param({"lat": 0, "lon": 0}, "no_position", id="at_0_0"),
        pytest.param({"lat": ..., "lon": ...}, "no_position", id="without_position"),
        pytest.param({"lat": None}, "no_position", id="position_null"),
        pytest.param({"station_id": None}, "no_id", id="id_null"),
        pytest.param({"station_id": ""}, "no_id", id="id_empty"),
        pytest.param({"station_id": ...}, "no_id", id="id_missing"),
        pytest.param({"station_id": "ok"}, "duplicate_station", id="duplicate_id"),
    ],
)
def test_a_station_that_cannot_be_used_is_passed_over_and_counted(fields: Json, kind: str) -> None:
    findings = Findings()
    read = described(place("ok"), place("odd", **fields), findings=findings)
    assert read.stations.station_id.tolist() == ["ok"]
    assert read.stations.name.tolist() == ["Place ok"], "of two with one id the first is taken"
    assert found(findings) == {kind: 1}


def test_a_station_without_a_name_is_shown_by_its_id() -> None:
    findings = Findings()
    assert described(place("7", name=None), findings=findings).stations.name.tolist() == ["7"]
    assert found(findings) == {"no_name": 1}


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        pytest.param("Caf&eacute; de la Gare", "Café de la Gare", id="html_entity"),
        pytest.param("Rue de l&#39;&#xc9;glise", "Rue de l'Église", id="html_numbers"),
        pytest.param("Caf&amp;eacute; &amp; Bar", "Café & Bar", id="html_twice"),
        pytest.param("Place de la RÃ©publique", "Place de la République", id="utf_8_read_as_latin_1"),
        pytest.param("Plac ZbawiÅ›a", "Plac Zbawiśa", id="utf_8_read_as_cp1252"),
        pytest.param("Bl%c3%a9riot+Plage", "Blériot Plage", id="of_an_address"),
        pytest.param("Bar&regents, R&D", "Bar&regents, R&D", id="no_entity_without_semicolon"),
        pytest.param(
            "São João, Größe, Ñuñoa, Łódź, 千代田", "São João, Größe, Ñuñoa, Łódź, 千代田", id="right"
        ),
        pytest.param("A&#x202e;B&#0;C&#10;D&#1114112;", "A B C D", id="characters_that_nobody_sees"),
        pytest.param([{"text": "Caf&eacute;", "language": "fr"}], "Café", id="v3"),
    ],
)
def test_a_name_that_was_encoded_on_its_way_is_decoded(raw: Any, name: str) -> None:
    assert described(place("1", name=raw)).stations.name.tolist() == [name]


@pytest.mark.parametrize("unit", ["&eacute;", "Ã©", "%c3%a9", "&", "&amp;eacute;"])
def test_a_name_of_20_mb_is_cut_before_anything_decodes_it(
    unit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    longest = []
    fix = ftfy.fix_encoding

    def noting(text: str) -> str:
        longest.append(len(text))
        return fix(text)

    monkeypatch.setattr(ftfy, "fix_encoding", noting)
    name = values.name(unit * (20_000_000 // len(unit)))
    assert (len(name), name[-1]) == (120, "…")
    assert name[:119] == (unit if unit == "&" else "é") * 119
    assert max(longest, default=0) <= 2000


@pytest.mark.parametrize("capacity", [0, ..., None, -1, 999, 999_999, "many"])
def test_a_capacity_that_says_nothing_is_unknown(capacity: Any) -> None:
    assert described(place("1", capacity=capacity)).stations.capacity.tolist() == [-1]


def test_v3_names_in_several_languages() -> None:
    names = [{"text": "Gare", "language": "fr"}, {"text": "Station", "language": "en"}]
    assert described(place("1", name=names)).stations.name.tolist() == ["Station"]


def test_the_zone_is_that_of_the_stations_where_the_system_tells_none() -> None:
    findings = Findings()
    read = described(place("1", lat=40.7, lon=-74.0), place("2", lat=0, lon=0), zone=None, findings=findings)
    assert read.stations.timezone == "America/New_York"
    assert found(findings) == {"no_position": 1, "no_zone": 1}


ATLANTA, PHOENIX, ANDORRA, SEA = (33.75, -84.39), (33.45, -112.07), (42.51, 1.52), (-40.0, -30.0)


@pytest.mark.parametrize(
    ("told", "at", "zone"),
    [
        pytest.param("EST", ATLANTA, "America/New_York", id="est_has_no_summer"),
        pytest.param("Etc/GMT+5", ATLANTA, "America/New_York", id="a_fixed_distance"),
        pytest.param("America/Denver", PHOENIX, "America/Phoenix", id="summer_where_there_is_none"),
        pytest.param("UTC", ATLANTA, "America/New_York", id="utc"),
    ],
)
def test_a_zone_with_other_clocks_than_the_place_is_not_believed(
    told: str, at: tuple[float, float], zone: str
) -> None:
    findings = Findings()
    read = described(place("1", lat=at[0], lon=at[1]), findings=findings, zone=told)
    assert read.stations.timezone == zone
    assert [(one.kind, one.example) for one in findings.all()] == [("wrong_zone", f"{told}: {zone}")]


@pytest.mark.parametrize(
    ("told", "at"),
    [
        pytest.param("US/Eastern", ATLANTA, id="another_name"),
        pytest.param("America/Detroit", ATLANTA, id="the_same_clocks"),
        pytest.param("EST5EDT", ATLANTA, id="the_same_clocks_in_an_old_form"),
        pytest.param("Europe/Paris", ANDORRA, id="the_neighbours"),
        pytest.param("MST", PHOENIX, id="no_summer_there_either"),
        pytest.param("Europe/Dublin", SEA, id="a_made_up_city_at_sea"),
    ],
)
def test_a_zone_with_the_clocks_of_the_place_keeps_its_name(told: str, at: tuple[float, float]) -> None:
    findings = Findings()
    read = described(place("1", lat=at[0], lon=at[1]), findings=findings, zone=told)
    assert read.stations.timezone == told
    assert found(findings) == {}


def test_a_system_on_a_border_of_zones_keeps_its_own() -> None:
    """Phenix City lies an hour behind Columbus across the river, and lives by the clocks of Columbus."""
    findings = Findings()
    west = [place(str(n), lat=32.45, lon=-85.2) for n in range(8)]
    read = described(*west, place("8", lat=32.46, lon=-84.98), findings=findings, zone="America/New_York")
    assert read.stations.timezone == "America/New_York"
    assert found(findings) == {}


@pytest.mark.parametrize(
    ("data", "zone"),
    [
        ({"timezone": "Europe/Paris"}, "Europe/Paris"),
        ({"timezone": "Europe/Atlantis"}, None),
        ({"timezone": "America"}, None),
        ({"timezone": None}, None),
        ({"timezone": ["Europe/Paris"]}, None),
        ({}, None),
        ([], None),
    ],
)
def test_only_a_zone_that_exists_is_taken(data: Any, zone: str | None) -> None:
    assert discovery.time_zone(wrap(data)) == zone


@pytest.mark.parametrize(
    ("document", "words"),
    [
        pytest.param(information(), "without a single station", id="no_stations"),
        pytest.param(
            information(place("1", lat=0, lon=0)), "no station with an id and a position", id="no_use"
        ),
        pytest.param(wrap({}), "has no list of stations", id="no_list"),
        pytest.param(wrap({"stations": {"1": {}}}), "has no list of stations", id="stations_is_an_object"),
        pytest.param(wrap(...), "has no list of stations", id="no_data"),
        pytest.param({"error": "down"}, "has no list of stations", id="error_as_json"),
        pytest.param(wrap({"stations": [None, 5, "x"]}), "no station with an id", id="rubbish"),
    ],
)
def test_information_without_stations_is_refused(document: Json, words: str) -> None:
    with pytest.raises(FeedError, match=words) as caught:
        describe(document, "toulouse", "FR", None, Findings(), 2026)
    assert caught.value.state == "unreachable"


def test_one_feed_of_1634_stations_and_many_operators() -> None:
    """Switzerland's aggregate: every station virtual, ids and names of any kind, all over the country."""
    places = [
        place(
            str(n) if n % 2 else f"operator-{n % 40}:{n}",
            lat=46 + n / 1634,
            lon=7 + n / 817,
            name=f"{n} - Bern/Berne",
            is_virtual_station=True,
            capacity=n % 80 + 1,
        )
        for n in range(1634)
    ]
    findings = Findings()
    known = describe(information(*places), "swiss", "CH", None, findings, 2026)
    assert len(known.stations) == 1634
    assert known.stations.timezone == "Europe/Zurich"
    read, odd = counted(status(*(holding(p["station_id"], 1, ...) for p in places)), known)
    assert read.bikes.tolist() == [1] * 1634
    assert odd == {"no_docks": 1634}


# ---------------------------------------------------------------- station status: names of things


@pytest.mark.parametrize(
    ("fields", "bikes"),
    [
        pytest.param({"num_bikes_available": 4}, 4, id="bikes"),
        pytest.param({"num_vehicles_available": 4}, 4, id="vehicles"),
        pytest.param({"num_bikes_available": 4, "num_vehicles_available": 6}, 4, id="both"),
        pytest.param({"num_bikes_available": None, "num_vehicles_available": 6}, 6, id="one_of_them_null"),
        pytest.param(
            {
                "vehicle_types_available": [
                    {"vehicle_type_id": "a", "count": 3},
                    {"vehicle_type_id": "b", "count": 2},
                ]
            },
            5,
            id="neither_but_types",
        ),
        pytest.param({"vehicle_types_available": []}, -1, id="neither_and_no_types"),
        pytest.param(
            {"vehicle_types_available": [{"vehicle_type_id": "a", "count": -3}]}, -1, id="types_of_nonsense"
        ),
        pytest.param({"vehicle_types_available": "none"}, -1, id="types_is_text"),
        pytest.param({}, -1, id="nothing"),
    ],
)
@pytest.mark.parametrize("version", ["1.1", "2.3", "3.0", ...])
def test_bikes_go_by_several_names(fields: Json, bikes: int, version: Any) -> None:
    """v2 fields in v3 documents and the reverse are read alike."""
    read, odd = counted(
        status(holding("1", ..., **fields), holding("2", 9), version=version),
        described(place("1"), place("2")),
    )
    assert read.bikes.tolist() == [bikes, 9]
    assert odd == ({"bad_count": 1} if bikes == -1 else {})


@pytest.mark.parametrize(
    ("fields", "ebikes"),
    [
        pytest.param({"num_ebikes_available": 2}, 2, id="number"),
        pytest.param(
            {"num_bikes_available_types": {"mechanical": 3, "ebike": 2}}, 2, id="dict_as_in_barcelona"
        ),
        pytest.param({"num_bikes_available_types": {"electric": 2, "smart": 1}}, 2, id="dict_as_in_boulder"),
        pytest.param(
            {"num_bikes_available_types": [{"mechanical": 3}, {"ebike": 2}]}, 2, id="list_as_in_paris"
        ),
        pytest.param({"num_bikes_available_types": {"mechanical": 5}}, None, id="no_electric_type"),
        pytest.param({"num_bikes_available_types": [None, 3]}, None, id="list_of_rubbish"),
        pytest.param(
            {
                "vehicle_types_available": [
                    {"vehicle_type_id": "fast", "count": 2},
                    {"vehicle_type_id": "slow", "count": 3},
                ]
            },
            2,
            id="by_type",
        ),
        pytest.param({"num_ebikes_available": 50}, None, id="more_than_all_bikes"),
        pytest.param({"num_ebikes_available": -1}, None, id="unknown"),
        pytest.param({}, None, id="absent"),
    ],
)
def test_e_bikes_go_by_several_names(fields: Json, ebikes: int | None) -> None:
    types = VehicleTypes({"fast": "electric", "slow": "plain"})
    read, _ = counted(status(holding("1", 5, **fields)), types=types)
    assert (None if read.ebikes is None else read.ebikes.tolist()) == (None if ebikes is None else [ebikes])


def test_by_type_nothing_is_known_of_e_bikes_before_the_types_are() -> None:
    read, _ = counted(status(holding("1", 5, vehicle_types_available=[{"vehicle_type_id": "a", "count": 5}])))
    assert read.ebikes is None


# ---------------------------------------------------------------- station status: counts and stations


@pytest.mark.parametrize(
    ("bikes", "docks", "expected", "odd"),
    [
        pytest.param(5, 15, (5, 15), {}, id="all_well"),
        pytest.param(-1, 15, (-1, 15), {"bad_count": 1}, id="minus_1_for_unknown"),
        pytest.param(5, -3, (5, -1), {"bad_count": 1}, id="negative_docks"),
        pytest.param(5, 999, (5, -1), {"bad_count": 1}, id="999_docks_at_a_station_of_20"),
        pytest.param(999_999, 15, (-1, 15), {"bad_count": 1}, id="999999_bikes"),
        pytest.param(None, None, (-1, -1), {"bad_count": 1, "no_docks": 1}, id="null"),
        pytest.param(5, ..., (5, -1), {"no_docks": 1}, id="docks_absent"),
        pytest.param(9, 3, (9, 3), {}, id="bikes_and_docks_below_capacity"),
        pytest.param(20, 9, (20, 9), {}, id="bikes_and_docks_above_capacity"),
    ],
)
def test_counts_that_make_no_sense_are_unknown(
    bikes: Any, docks: Any, expected: tuple[int, int], odd: dict[str, int]
) -> None:
    known = described(place("1", capacity=20), place("2"))
    read, findings = counted(status(holding("1", bikes, docks), holding("2", 1, 1)), known)
    assert (read.bikes[0], read.docks[0]) == expected
    assert (read.bikes[1], read.docks[1]) == (1, 1)
    assert findings == odd


def test_docks_absent_everywhere_are_a_finding() -> None:
    read, odd = counted(status(holding("1", 5, ...), holding("2", 6, ...)))
    assert (read.bikes.tolist(), read.docks.tolist()) == ([5, 6], [-1, -1])
    assert odd == {"no_docks": 2}


def test_a_virtual_station_without_docks_is_not_full() -> None:
    known = described(
        place("bay", capacity=..., is_virtual_station=True),
        place("full", capacity=..., is_virtual_station=False),
    )
    read, odd = counted(status(holding("bay", 5, 0), holding("full", 5, 0)), known)
    assert read.docks.tolist() == [-1, 0]
    assert odd == {"no_docks": 1}


def test_virtual_stations_that_count_their_docks_are_stations_like_others() -> None:
    known = described(place("1", is_virtual_station=True), place("2", is_virtual_station=1))
    read, odd = counted(status(holding("1", 5, 15), holding("2", 20, 0)), known)
    assert read.docks.tolist() == [15, 0]
    assert odd == {}


def test_a_station_in_status_only_is_passed_over_and_counted() -> None:
    read, odd = counted(status(holding("1", 5), holding("new", 9)), described(place("1")))
    assert read.bikes.tolist() == [5]
    assert read.newcomers == {"new"}
    assert odd == {"status_only": 1}


def test_a_station_left_out_for_its_position_is_no_newcomer() -> None:
    known = described(place("1"), place("depot", lat=0, lon=0))
    read, odd = counted(status(holding("1", 5), holding("depot", 300)), known)
    assert read.newcomers == frozenset()
    assert odd == {}


def test_a_station_in_information_only_is_unknown_and_counted() -> None:
    read, odd = counted(status(holding("1", 5)), described(place("1"), place("2")))
    assert (read.bikes.tolist(), read.docks.tolist()) == ([5, -1], [15, -1])
    assert odd == {"status_missing": 1}


def test_of_a_station_given_twice_the_first_counts() -> None:
    read, odd = counted(status(holding("1", 5), holding("1", 9)))
    assert read.bikes.tolist() == [5]
    assert odd == {"duplicate_station": 1}


def test_ids_are_integers_in_one_document_and_text_in_the_other() -> None:
    read, odd = counted(status(holding(19179944124, 5)), described(place("19179944124")))
    assert read.bikes.tolist() == [5]
    assert odd == {}


@pytest.mark.parametrize(
    ("flags", "renting", "returning"),
    [
        pytest.param({}, True, True, id="open"),
        pytest.param({"is_renting": False}, False, True, id="returning_without_renting"),
        pytest.param({"is_returning": False}, True, False, id="renting_without_returning"),
        pytest.param({"is_installed": False}, False, False, id="not_installed"),
        pytest.param(
            {"is_installed": 0, "is_renting": 1, "is_returning": 1}, False, False, id="not_installed_as_0"
        ),
        pytest.param(
            {"is_installed": 1, "is_renting": 1, "is_returning": 0}, True, False, id="flags_as_0_and_1"
        ),
        pytest.param({"is_installed": "true", "is_renting": "false"}, False, True, id="flags_as_text"),
        pytest.param({"is_renting": ..., "is_installed": ...}, True, True, id="flags_missing"),
        pytest.param({"is_renting": None, "is_returning": "?"}, True, True, id="flags_odd"),
    ],
)
def test_closed_stations(flags: Json, renting: bool, returning: bool) -> None:
    read, _ = counted(status(holding("1", 5, **flags), holding("2", 5)))
    assert read.renting is not None
    assert read.returning is not None
    assert (read.renting.tolist(), read.returning.tolist()) == ([renting, True], [returning, True])


def test_no_flags_at_all_are_no_flags() -> None:
    bare = {"is_installed": ..., "is_renting": ..., "is_returning": ...}
    read, _ = counted(status(holding("1", **bare)))
    assert (read.renting, read.returning) == (None, None)


def test_no_last_updated_is_no_time() -> None:
    assert counted(status(holding("1"), last_updated=...))[0].feed_time is None


def test_velib_tells_its_time_under_another_name() -> None:
    written_at = counted(status(holding("1"), last_updated=..., lastUpdatedOther=SECONDS))[0].feed_time
    assert written_at is not None
    assert written_at.timestamp() == SECONDS


@pytest.mark.parametrize(
    ("document", "words"),
    [
        pytest.param(status(), "the station status came without a single station", id="no_stations"),
        pytest.param(
            status(holding("1", -1), holding("2", None)), "tells no station's number of bikes", id="no_bikes"
        ),
        pytest.param(status(holding("8"), holding("9")), "have no station in common", id="other_stations"),
        pytest.param(wrap({"stations": "many"}), "has no list of stations", id="stations_is_text"),
        pytest.param(wrap({"stations": [None]}), "have no station in common", id="rubbish"),
    ],
)
def test_a_status_that_tells_nothing_is_no_snapshot(document: Json, words: str) -> None:
    """`stations: []` with a fresh date comes 7 times a day in Boulder: an outage, not an empty city."""
    with pytest.raises(FeedError, match=words) as caught:
        counted(document, described(place("1"), place("2")))
    assert caught.value.state == "unreachable"


# ---------------------------------------------------------------- anything at all

rubbish = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def _paths(value: Any) -> list[tuple[Any, ...]]:
    here: list[tuple[Any, ...]] = [()]
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return here + [(key, *path) for key, part in inner for path in _paths(part)]


def _with(document: Json, path: tuple[Any, ...], value: Any) -> Any:
    changed: Any = json.loads(json.dumps(document))
    if not path:
        return value
    at = changed
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return changed


def _spoilt(document: Json) -> st.SearchStrategy[Json]:
    paths = [path for path in _paths(document) if path]
    return st.builds(lambda path, value: _with(document, path, value), st.sampled_from(paths), rubbish)


RICH = holding(
    "1",
    num_vehicles_available=5,
    num_ebikes_available=2,
    num_bikes_available_types=[{"ebike": 2}],
    vehicle_types_available=[{"vehicle_type_id": "a", "count": 5}],
)


def _usable(read: Callable[[], object]) -> None:
    try:
        read()
    except FeedError as error:
        assert str(error)  # noqa: PT017 - either is right


@given(_spoilt(wrap({"en": {"feeds": feed_list(*STATION_FEEDS)}})))
def test_discovery_with_anything_anywhere_is_read_or_refused(document: Json) -> None:
    _usable(lambda: feeds(document, BASE, Findings()))


@given(_spoilt(information(place("1", name=[{"text": "x", "language": "en"}]), place("2"))))
def test_information_with_anything_anywhere_is_read_or_refused(document: Json) -> None:
    _usable(lambda: describe(document, "toulouse", "FR", None, Findings(), 2026))


@given(_spoilt(status(RICH, holding("2"))), st.booleans())
def test_status_with_anything_anywhere_is_read_or_refused(document: Json, typed: bool) -> None:
    known = DescribedStations(described(place("1"), place("2")).stations)
    types = VehicleTypes({"a": "electric"}) if typed else VehicleTypes()

    def read() -> None:
        got = counts(document, known, types, Findings())
        assert (got.bikes >= -1).all()
        assert (got.docks >= -1).all()
        assert got.ebikes is None or (got.ebikes <= np.maximum(got.bikes, -1)).all()

    _usable(read)


# ---------------------------------------------------------------- counts that contradict themselves


def test_an_open_station_with_neither_a_bike_nor_a_space_is_unknown() -> None:
    known = described(place("29", capacity=15), place("2", capacity=20))
    read, kinds = counted(status(holding("29", 0, 0), holding("2", 7, 13)), known)
    assert read.bikes.tolist() == [7, UNKNOWN]
    assert read.docks.tolist() == [13, UNKNOWN]
    assert kinds == {"contradicted": 1}


def test_a_finding_names_a_station_that_contradicts_itself() -> None:
    known, findings = described(place("29"), place("30")), Findings()
    counts(status(holding("29", 0, 0), holding("30", 0, 0)), known, VehicleTypes(), findings)
    assert findings.all() == (Finding("contradicted", 2, "29"),)


@pytest.mark.parametrize(
    ("capacity", "fields"),
    [
        pytest.param(..., {}, id="no_capacity_stated"),
        pytest.param(0, {}, id="a_capacity_of_0"),
        pytest.param(20, {"is_installed": False}, id="not_installed"),
        pytest.param(20, {"is_renting": False, "is_returning": False}, id="closed"),
        pytest.param(20, {"is_renting": 0}, id="rents_no_bikes"),
        # Citi Bike, 2024: 10 broken bikes and 33 docks out of order of 43.
        pytest.param(43, {"num_bikes_disabled": 10, "num_docks_disabled": 33}, id="all_out_of_order"),
    ],
)
def test_no_bike_and_no_space_is_believed_where_there_is_a_reason(capacity: Any, fields: Json) -> None:
    read, kinds = counted(status(holding("29", 0, 0, **fields)), described(place("29", capacity=capacity)))
    assert (read.bikes.tolist(), read.docks.tolist()) == ([0], [0])
    assert "contradicted" not in kinds


def test_zeros_are_not_believed_where_a_few_places_are_out_of_order() -> None:
    read, kinds = counted(status(holding("29", 0, 0, num_docks_disabled=2)), described(place("29")))
    assert read.bikes.tolist() == [UNKNOWN]
    assert kinds == {"contradicted": 1}


def test_a_system_that_shows_zeros_everywhere_is_unknown_and_no_broken_feed() -> None:
    read, kinds = counted(status(holding("1", 0, 0), holding("2", 0, 0)))
    assert read.bikes.tolist() == [UNKNOWN, UNKNOWN]
    assert kinds == {"contradicted": 2}
