"""A feed polled over HTTP while its operator does what operators do: named for what happened."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

import tests.support.misbehaving as server_that
from ingest.gbfs.errors import FeedError
from ingest.gbfs.feed import Poll
from ingest.gbfs.vehicles import VehicleTypes
from ingest.reason import Reason
from model import Stations
from tests.support.gbfs_world import (
    NOW,
    SECONDS,
    STATION_FEEDS,
    Operator,
    bikes,
    feed_list,
    holding,
    information,
    kinds,
    place,
    status,
    wrap,
)
from tests.support.misbehaving import Behaviour, Misbehaving

STATUS, INFORMATION, DISCOVERY = "/station_status.json", "/station_information.json", "/gbfs.json"
TYPES = "/vehicle_types.json"


def failure(operator: Operator, after: float = 60) -> FeedError:
    with pytest.raises(FeedError) as caught:
        operator.poll(after)
    return caught.value


def goes_on(operator: Operator) -> bool:
    """Whether the next minute's poll brings a snapshot again."""
    poll = operator.poll(60, feed_time=int((operator.now + timedelta(seconds=60)).timestamp()))
    return poll.outcome == "fresh" and poll.stations.station_id.tolist() == ["1", "2"]


# ---------------------------------------------------------------- all well


def test_a_poll_brings_stations_and_a_snapshot_of_just_these(operator: Operator) -> None:
    poll = operator.poll(3)
    assert poll.outcome == "fresh"
    assert poll.snapshot is not None
    assert poll.snapshot.at == poll.at == NOW
    assert poll.received_at == NOW + timedelta(seconds=3)
    assert poll.snapshot.station_id.tolist() == poll.stations.station_id.tolist() == ["1", "2"]
    assert (bikes(poll, "1"), bikes(poll, "2")) == (5, 7)
    assert (poll.stations.timezone, poll.stations.country) == ("Europe/Paris", "FR")
    assert (poll.ttl_seconds, poll.still_seconds, poll.findings) == (60, 3, ())
    assert poll.seconds > 0


def test_only_the_status_is_read_each_minute(operator: Operator, server: Misbehaving) -> None:
    first = operator.poll()
    for minute in range(1, 11):
        assert operator.poll(60, feed_time=SECONDS + 60 * minute).stations is first.stations
    assert [server.times(path) for path in (DISCOVERY, INFORMATION, STATUS)] == [1, 1, 11]


def test_discovery_is_read_again_after_a_day_and_information_by_its_ttl(
    operator: Operator, server: Misbehaving
) -> None:
    operator.poll()
    operator.poll(16 * 60)
    assert [server.times(path) for path in (DISCOVERY, INFORMATION)] == [1, 2]
    operator.information = information(place("1"), place("2"), ttl=7200)
    operator.poll(16 * 60)
    operator.poll(16 * 60)
    assert server.times(INFORMATION) == 3
    operator.poll(86400)
    assert [server.times(path) for path in (DISCOVERY, INFORMATION)] == [2, 4]


def test_the_zone_is_that_of_the_stations_where_system_information_fails(operator: Operator) -> None:
    operator.system = None
    poll = operator.poll()
    assert poll.stations.timezone == "Europe/Paris"
    assert kinds(poll) == {"bad_document": 1, "no_zone": 1}
    operator.system = wrap({"timezone": "Europe/Andorra"})
    poll = operator.poll(11 * 60)
    assert poll.stations.timezone == "Europe/Andorra"
    assert kinds(poll) == {}


def test_vehicle_types_tell_e_bikes(operator: Operator) -> None:
    offer(operator, {"e": ("bicycle", "electric_assist")})
    stand(operator, e=5)
    snapshot = operator.poll().snapshot
    assert snapshot is not None
    assert snapshot.ebikes is not None
    assert snapshot.ebikes.tolist() == [5, -1]


@pytest.mark.parametrize(
    ("ttl", "seconds", "odd"),
    [
        (0, 0, {}),
        (60, 60, {}),
        ("30", 30, {}),
        (..., 60, {}),
        (3600, 300, {"long_ttl": 1}),
        (86400, 300, {"long_ttl": 1}),
    ],
)
def test_the_ttl_of_a_poll_is_within_reason(
    operator: Operator, ttl: object, seconds: float, odd: dict[str, int]
) -> None:
    """Vélib' says an hour, and its counts change every minute."""
    operator.status = status(holding("1"), holding("2"), ttl=ttl)
    poll = operator.poll()
    assert poll.ttl_seconds == seconds
    assert kinds(poll) == odd


# ---------------------------------------------------------------- stations that come and go


def test_station_named_in_status_first_appears_once_information_catches_up(operator: Operator) -> None:
    """Feeds are not written atomically: status may name a station a minute before information does."""
    operator.status = status(holding("1"), holding("2"), holding("9001", 4))
    poll = operator.poll()
    assert "9001" not in poll.stations.station_id
    assert bikes(poll, "9001") == -1
    assert kinds(poll) == {"status_only": 1}
    operator.information = information(place("1"), place("2"), place("9001"))
    poll = operator.poll(60, feed_time=SECONDS + 60)
    assert bikes(poll, "9001") == 4
    assert kinds(poll) == {}


def test_station_named_in_information_first_appears_with_its_first_counts(operator: Operator) -> None:
    operator.information = information(place("1"), place("2"), place("9001"))
    poll = operator.poll()
    assert poll.stations.station_id.tolist() == ["1", "2", "9001"]
    assert bikes(poll, "9001") == -1
    assert kinds(poll) == {"status_missing": 1}
    operator.status = status(holding("1"), holding("2"), holding("9001", 4), last_updated=SECONDS + 60)
    assert bikes(operator.poll(60), "9001") == 4


def test_information_is_not_read_every_minute_for_a_station_it_never_describes(
    operator: Operator, server: Misbehaving
) -> None:
    operator.information = information(place("1"), place("2"), ttl=86400)
    operator.status = status(holding("1"), holding("2"), holding("ghost"))
    for minute in range(130):
        operator.poll(60, feed_time=SECONDS + 60 * minute)
    assert server.times(INFORMATION) == 8, "at once, and after 1, 2, 4, 8, 16, 32, 64 more minutes"


def test_a_city_whose_ids_are_all_new_is_known_in_the_same_poll(operator: Operator) -> None:
    """Its information is good for a day, it says: for 1,437 minutes nothing matched."""
    operator.information = information(place("1"), place("2"), ttl=86400)
    operator.poll()
    operator.information = information(place("a"), place("b"), ttl=86400)
    operator.status = status(holding("a", 3), holding("b", 4), last_updated=SECONDS + 60)
    poll = operator.poll(60)
    assert poll.stations.station_id.tolist() == ["a", "b"]
    assert (poll.outcome, bikes(poll, "a"), bikes(poll, "b"), kinds(poll)) == ("fresh", 3, 4, {})


def test_information_is_not_read_every_minute_while_nothing_matches(
    operator: Operator, server: Misbehaving
) -> None:
    operator.information = information(place("1"), place("2"), ttl=86400)
    operator.poll()
    operator.status = status(holding("a"), holding("b"))
    for _ in range(130):
        assert failure(operator).reason.kind == "nothing_in_common"
    assert server.times(INFORMATION) == 1 + 8, "at once, and after 1, 2, 4, 8, 16, 32, 64 more minutes"
    operator.information = information(place("a"), place("b"), ttl=86400)
    operator.poll(130 * 60)
    operator.status = status(holding("c"), holding("d"))
    operator.information = information(place("c"), place("d"), ttl=86400)
    assert operator.poll(60).stations.station_id.tolist() == ["c", "d"], "the next time at once again"


def test_a_removed_station_stays_until_information_leaves_it_out(operator: Operator) -> None:
    operator.poll()
    operator.information = information(place("1"))
    poll = operator.poll(16 * 60, feed_time=SECONDS + 16 * 60)
    assert poll.stations.station_id.tolist() == ["1"]
    assert poll.snapshot is not None
    assert poll.snapshot.station_id.tolist() == ["1"]


def test_stations_that_change_do_not_make_an_old_status_new(operator: Operator) -> None:
    operator.poll()
    operator.information = information(place("1"), place("2"), place("3"))
    poll = operator.poll(16 * 60)
    assert len(poll.stations) == 3
    assert (poll.outcome, poll.at) == ("unchanged", NOW)


# ---------------------------------------------------------------- vehicle types


def offer(operator: Operator, types: dict[str, tuple[str, str]]) -> None:
    """Let the operator describe vehicle types, by form factor and propulsion."""
    names = (*STATION_FEEDS, "system_information", "vehicle_types")
    operator.discovery = wrap({"feeds": feed_list(*names, at=operator.server.url(""))})
    operator.types = wrap({"vehicle_types": [
        {"vehicle_type_id": key, "form_factor": form, "propulsion_type": propulsion}
        for key, (form, propulsion) in types.items()
    ]})  # fmt: skip


def stand(operator: Operator, **types: int) -> None:
    """Let so many vehicles of these types stand at station 1 from now on."""
    listed = [{"vehicle_type_id": key, "count": count} for key, count in types.items()]
    operator.status = status(
        holding("1", sum(types.values()), vehicle_types_available=listed),
        holding("2", 7, 13),
        last_updated=int(operator.now.timestamp()),
    )


BIKE, KICK = {"bike": ("bicycle", "human")}, {"kick": ("scooter_standing", "electric")}


def test_a_type_named_before_it_is_described_is_a_bike_and_read_again_at_the_next_poll(
    operator: Operator, server: Misbehaving
) -> None:
    """New e-bikes stood there a day before vehicle_types.json knew them: half of all bikes vanished."""
    offer(operator, BIKE)
    stand(operator, bike=4, ASTRO=4)
    poll = operator.poll()
    assert bikes(poll, "1") == 8
    assert kinds(poll) == {"unknown_type": 1}
    offer(operator, BIKE | {"ASTRO": ("bicycle", "electric_assist")})
    poll = operator.poll(20, feed_time=SECONDS + 20)
    assert server.times(TYPES) == 2
    assert bikes(poll, "1") == 8
    assert kinds(poll) == {}
    assert poll.snapshot is not None
    assert poll.snapshot.ebikes is not None
    assert poll.snapshot.ebikes.tolist() == [4, -1]


def test_types_are_not_read_every_minute_for_one_that_is_never_described(
    operator: Operator, server: Misbehaving
) -> None:
    offer(operator, BIKE)
    stand(operator, bike=4, ghost=4)
    for minute in range(130):
        operator.poll(60, feed_time=SECONDS + 60 * minute)
    assert server.times(TYPES) == 9, "at once, a poll later, and after 1, 2, 4, 8, 16, 32, 64 more minutes"
    stand(operator, bike=4, ghost=4, spectre=1)
    operator.poll(60)
    operator.poll(60)
    assert server.times(TYPES) == 10, "one more is new"


def test_counts_are_read_anew_once_a_type_is_known_to_be_no_bicycle(
    operator: Operator, server: Misbehaving
) -> None:
    """The server answers 304: what we hold was read with the types of before."""
    offer(operator, BIKE)
    stand(operator, bike=4, kick=4)
    assert operator.status is not None
    del operator.status["last_updated"]
    server.at(STATUS, server_that.tagged(json.dumps(operator.status).encode(), '"1"'))
    assert bikes(operator.poll(), "1") == 8
    offer(operator, BIKE | KICK)
    assert bikes(operator.poll(60), "1") == 4


def test_a_system_whose_bikes_must_come_back_says_so_and_still_does_after_a_restart(
    operator: Operator,
) -> None:
    offer(operator, {"b": ("bicycle", "human")})
    assert operator.types is not None
    operator.types["data"]["vehicle_types"][0]["return_constraint"] = "roundtrip_station"
    poll = operator.poll()
    assert kinds(poll) == {"round_trip": 1}
    assert VehicleTypes.from_json(poll.documents["vehicle_types"]).is_round_trip
    operator.feed, operator.types = operator.follow(), None
    operator.feed.resume(poll.stations, poll.at, poll.documents)
    again = operator.poll(60)
    assert VehicleTypes.from_json(again.documents["vehicle_types"]).is_round_trip


def test_an_empty_list_of_types_does_not_end_the_good_one(operator: Operator) -> None:
    offer(operator, BIKE | KICK)
    stand(operator, bike=1, kick=6)
    assert bikes(operator.poll(), "1") == 1
    offer(operator, {})
    poll = operator.poll(86400 + 60, feed_time=SECONDS + 86400 + 60)
    assert bikes(poll, "1") == 1
    assert kinds(poll) == {"no_types": 1}


def test_a_system_of_cars_alone_is_refused_in_words_and_left_alone_for_hours(operator: Operator) -> None:
    offer(operator, {"kombi": ("car", "combustion"), "roller": ("moped", "electric")})
    stand(operator, kombi=3)
    error = failure(operator)
    assert (error.state, error.kind, error.retry_after) == ("refused", "no_bicycles", timedelta(hours=6))
    offer(operator, {"kombi": ("car", "combustion")} | BIKE)
    stand(operator, kombi=3, bike=2)
    assert bikes(operator.poll(6 * 3600, feed_time=SECONDS + 6 * 3600), "1") == 2


# ---------------------------------------------------------------- conditional requests


def test_304_is_unchanged_and_no_snapshot(operator: Operator, server: Misbehaving) -> None:
    server.at(STATUS, server_that.tagged(json.dumps(operator.status).encode(), '"1"'))
    assert operator.poll().outcome == "fresh"
    poll = operator.poll(60)
    assert (poll.outcome, poll.snapshot, poll.at) == ("unchanged", None, NOW)
    assert poll.still_seconds == 60
    assert poll.stations.station_id.tolist() == ["1", "2"]


def test_304_for_a_document_that_was_no_good_does_not_keep_it(
    operator: Operator, server: Misbehaving
) -> None:
    """The broken document had an ETag; asking with it would bring 304 until the next change."""
    good = json.dumps(operator.status).encode()
    server.at(STATUS, server_that.tagged(good, '"1"'))
    operator.poll()
    operator.hold("1", 4)
    good = json.dumps(operator.status).encode()
    server.at(STATUS, server_that.tagged(good[:50], '"2"'), server_that.tagged(good, '"2"'))
    assert failure(operator).kind == "truncated"
    assert bikes(operator.poll(60), "1") == 4


def test_304_after_stations_changed_does_not_hide_the_new_ones_counts(
    operator: Operator, server: Misbehaving
) -> None:
    operator.status = status(holding("1"), holding("2"), holding("9001", 4), last_updated=...)
    server.at(STATUS, server_that.tagged(json.dumps(operator.status).encode(), '"1"'))
    operator.poll()
    operator.information = information(place("1"), place("2"), place("9001"))
    assert bikes(operator.poll(60), "9001") == 4


def test_information_may_answer_304_for_ever(operator: Operator, server: Misbehaving) -> None:
    server.at(INFORMATION, server_that.tagged(json.dumps(operator.information).encode(), '"1"'))
    first = operator.poll()
    assert operator.poll(16 * 60).stations is first.stations
    assert server.times(INFORMATION) == 2


def test_a_new_feed_on_an_old_fetcher_gets_no_304(operator: Operator, server: Misbehaving) -> None:
    for path, document in (
        (DISCOVERY, operator.discovery),
        (INFORMATION, operator.information),
        (STATUS, operator.status),
    ):
        server.at(path, server_that.tagged(json.dumps(document).encode(), '"1"'))
    operator.poll()
    operator.feed = operator.follow()
    assert operator.poll().outcome == "fresh"


# ---------------------------------------------------------------- operators' bad days


@pytest.mark.parametrize(
    ("behaviour", "kind", "state"),
    [
        pytest.param(server_that.status(401), "key_needed", "refused", id="401"),
        pytest.param(server_that.status(403), "key_needed", "refused", id="403"),
        pytest.param(server_that.status(404), "not_found", "refused", id="404"),
        pytest.param(server_that.status(410), "not_found", "refused", id="410"),
        pytest.param(server_that.status(429), "too_many_requests", "unreachable", id="429"),
        pytest.param(server_that.status(500), "server_error", "unreachable", id="500"),
        pytest.param(server_that.status(503), "server_error", "unreachable", id="503"),
        pytest.param(server_that.hangs_up(), "no_connection", "unreachable", id="hangs_up"),
        pytest.param(server_that.redirect(STATUS), "bad_redirect", "refused", id="redirect_loop"),
        pytest.param(server_that.gzip_bomb(60_000_000), "too_large", "refused", id="gzip_bomb"),
        pytest.param(server_that.body(b""), "empty_document", "unreachable", id="0_bytes"),
        pytest.param(server_that.body(b'{"data": {'), "truncated", "unreachable", id="truncated"),
        pytest.param(server_that.body(b"<html>Sorry"), "web_page", "unreachable", id="html_with_200"),
        pytest.param(server_that.body(b"[" * 9999), "nested", "unreachable", id="nested"),
        pytest.param(
            server_that.document(status()),
            "no_stations_now",
            "unreachable",
            id="no_stations_but_a_fresh_date",
        ),
        pytest.param(
            server_that.document(status(holding("1", None))), "no_counts", "unreachable", id="no_counts"
        ),
    ],
)
def test_a_status_that_fails_is_a_failed_poll_and_the_next_good_one_goes_on(
    operator: Operator, server: Misbehaving, behaviour: Behaviour, kind: str, state: str
) -> None:
    before = server.behaviours[STATUS]
    operator.poll()
    server.at(STATUS, behaviour)
    error = failure(operator)
    assert (error.outcome, error.state) == (kind, state)
    assert 10 < len(str(error)) < 120
    assert "hunter2" not in str(error)
    server.at(STATUS, *before)
    assert goes_on(operator)


@pytest.mark.parametrize("path", [DISCOVERY, INFORMATION, STATUS])
def test_retry_after_comes_through(operator: Operator, server: Misbehaving, path: str) -> None:
    server.at(path, server_that.status(429, {"Retry-After": "600"}))
    assert failure(operator).retry_after == timedelta(minutes=10)


def test_5xx_for_a_day(operator: Operator, server: Misbehaving) -> None:
    before = dict(server.behaviours)
    operator.poll()
    for path in (DISCOVERY, INFORMATION, STATUS, "/system_information.json"):
        server.at(path, server_that.status(502))
    for _ in range(24):
        assert failure(operator, after=3600).state == "unreachable"
    server.behaviours = before
    assert goes_on(operator)


@pytest.mark.parametrize("path", [DISCOVERY, INFORMATION, "/system_information.json"])
def test_once_a_feed_worked_only_its_status_can_fail_a_poll(
    operator: Operator, server: Misbehaving, path: str
) -> None:
    operator.poll()
    server.at(path, server_that.document(status()))
    poll = operator.poll(86401, feed_time=SECONDS + 86401)
    assert poll.outcome == "fresh"
    assert poll.stations.station_id.tolist() == ["1", "2"]
    if path != "/system_information.json":
        assert kinds(poll) == {"bad_document": 1}


def test_a_bad_discovery_document_is_read_again_until_it_is_mended(operator: Operator) -> None:
    good, operator.discovery = operator.discovery, wrap({"en": {"feeds": []}})
    assert failure(operator).state == "refused"
    operator.discovery = good
    assert operator.poll(60).outcome == "fresh"


def test_a_url_that_moves_is_found_in_the_same_poll(operator: Operator, server: Misbehaving) -> None:
    operator.poll()
    server.at("/v3/status.json", *server.behaviours.pop(STATUS))
    operator.discovery = wrap({"feeds": [
        {"name": "station_status", "url": server.url("/v3/status.json")},
        {"name": "station_information", "url": server.url(INFORMATION)},
    ]})  # fmt: skip
    assert goes_on(operator)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(server_that.status(500), id="errors"),
        pytest.param(server_that.body(b"<html>We have moved"), id="a_page_that_says_so"),
    ],
)
def test_a_url_that_moved_while_the_old_one_still_answers_is_found_soon(
    operator: Operator, server: Misbehaving, answer: Behaviour
) -> None:
    operator.poll()
    server.at("/v3/status.json", *server.behaviours[STATUS])
    server.at(STATUS, answer)
    operator.discovery = wrap({"feeds": [
        {"name": "station_status", "url": server.url("/v3/status.json")},
        {"name": "station_information", "url": server.url(INFORMATION)},
    ]})  # fmt: skip
    failure(operator)
    assert operator.poll(11 * 60, feed_time=SECONDS + 12 * 60).outcome == "fresh"


def test_addresses_that_discovery_no_longer_names_are_forgotten(
    operator: Operator, server: Misbehaving
) -> None:
    """A feed that named new ones at each poll filled the worker's memory with their tags."""
    for day in range(5):
        server.at(f"/moved{day}.json", server_that.tagged(json.dumps(operator.status).encode(), f'"{day}"'))
        operator.discovery = wrap({"feeds": [
            {"name": "station_information", "url": server.url(INFORMATION)},
            {"name": "station_status", "url": server.url(f"/moved{day}.json")},
        ]})  # fmt: skip
        operator.poll(86400)
    assert {each.url for each in operator.feed._documents.values() if each.validators} == {
        server.url("/moved4.json")
    }


def test_two_systems_at_one_address_each_read_what_the_other_has_read(
    operator: Operator, server: Misbehaving
) -> None:
    """A worker remembered one ETag an address, so that one of two systems learnt nothing."""
    other = operator.follow()
    server.at(STATUS, server_that.tagged(json.dumps(operator.status).encode(), '"1"'))
    assert operator.poll().outcome == other.poll().outcome == "fresh"
    operator.status = status(holding("1", 6, 14), holding("2", 6, 14), last_updated=SECONDS + 60)
    server.at(STATUS, server_that.tagged(json.dumps(operator.status).encode(), '"2"'))
    assert operator.poll(60).outcome == other.poll().outcome == "fresh"
    assert operator.poll().outcome == other.poll().outcome == "unchanged"


def test_a_document_that_is_not_found_is_fetched_once_a_poll(operator: Operator, server: Misbehaving) -> None:
    operator.poll()
    server.at(STATUS, server_that.status(404))
    failure(operator)
    assert server.times(STATUS) == 2


def test_a_free_floating_system_is_refused_in_words(operator: Operator) -> None:
    operator.discovery = wrap({"en": {"feeds": feed_list("free_bike_status")}})
    error = failure(operator)
    assert (error.state, error.kind) == ("refused", "no_stations")
    assert error.retry_after == timedelta(hours=6)


def test_a_public_feed_that_names_a_private_address_is_refused(
    operator: Operator, server: Misbehaving, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once discovery was read, the operator's address is taken for a public one here."""
    monkeypatch.setattr("ingest.http.client.names_private", lambda url: not server.asked)
    error = failure(operator)
    assert (error.outcome, error.state) == ("private_address", "refused")
    assert server.times(STATUS) == server.times(INFORMATION) == 0


def test_every_document_is_fetched_under_the_address_that_the_operator_gave(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    named: list[str] = []

    def private(url: str) -> bool:
        named.append(url)
        return True

    monkeypatch.setattr("ingest.http.client.names_private", private)
    operator.poll()
    assert named == [operator.followed.url] * 4


# ---------------------------------------------------------------- after a restart


def test_after_a_restart_the_snapshot_learnt_last_is_not_given_again(operator: Operator) -> None:
    poll = operator.poll()
    operator.feed = operator.follow()
    operator.feed.resume(poll.stations, poll.at)
    again = operator.poll(10)
    assert (again.outcome, again.at) == ("unchanged", NOW)
    assert again.stations is poll.stations
    assert operator.poll(50, feed_time=SECONDS + 60).outcome == "fresh"


def test_after_a_restart_the_stations_known_then_serve_while_information_fails(
    operator: Operator, server: Misbehaving
) -> None:
    poll = operator.poll()
    operator.feed = operator.follow()
    operator.feed.resume(poll.stations, poll.at)
    server.at(INFORMATION, server_that.status(500))
    operator.system = None
    again = operator.poll(60, feed_time=SECONDS + 60)
    assert again.outcome == "fresh"
    assert again.stations is poll.stations
    assert kinds(again) == {"bad_document": 2}


def test_after_a_restart_the_types_read_before_serve_until_they_can_be_read_again(
    operator: Operator, server: Misbehaving
) -> None:
    """One bike became seven and then one again: six scooters stood beside it."""
    offer(operator, BIKE | KICK)
    stand(operator, bike=1, kick=6)
    poll = operator.poll()
    assert bikes(poll, "1") == 1
    operator.feed, types = operator.follow(), operator.types
    operator.feed.resume(poll.stations, poll.at, poll.documents)
    operator.types = None
    again = operator.poll(60, feed_time=SECONDS + 60)
    assert bikes(again, "1") == 1
    assert kinds(again) == {"bad_document": 1}
    assert again.documents == poll.documents
    operator.types = types
    again = operator.poll(11 * 60, feed_time=SECONDS + 12 * 60)
    assert bikes(again, "1") == 1
    assert kinds(again) == {}


def test_after_a_restart_types_never_read_are_asked_for_at_each_next_poll(
    operator: Operator, server: Misbehaving
) -> None:
    offer(operator, BIKE | KICK)
    types, operator.types = operator.types, None
    stand(operator, bike=1, kick=6)
    assert kinds(operator.poll()) == {"bad_document": 1}
    operator.types = types
    assert bikes(operator.poll(60, feed_time=SECONDS + 60), "1") == 1


def test_after_a_restart_a_virtual_station_has_no_docks_while_information_fails(operator: Operator) -> None:
    """Its 0 free docks do not mean that it is full; a station that nobody can walk to is no newcomer."""
    operator.information = information(
        place("1", capacity=..., is_virtual_station=True), place("2"), place("3", lat=..., lon=...)
    )
    operator.status = status(holding("1", 5, 0), holding("2"), holding("3"))
    poll = operator.poll()
    assert poll.snapshot is not None
    assert poll.snapshot.docks.tolist() == [-1, 15]
    operator.feed = operator.follow()
    operator.feed.resume(poll.stations, poll.at, poll.documents)
    operator.information = None
    again = operator.poll(60, feed_time=SECONDS + 60)
    assert again.snapshot is not None
    assert again.snapshot.docks.tolist() == [-1, 15]
    assert kinds(again) == {"bad_document": 1, "no_docks": 1}


def test_resume_without_stations_is_a_new_start(operator: Operator) -> None:
    operator.feed.resume(None, None)
    assert operator.poll().outcome == "fresh"


# ---------------------------------------------------------------- 304 whatever the counts do


def say_that_nothing_changed(operator: Operator) -> list[bool]:
    """Answer 304 to every conditional request; give a list of whether each request was conditional."""
    conditional: list[bool] = []

    def behave(handler: server_that.Handler) -> None:
        conditional.append("If-None-Match" in handler.headers)
        if conditional[-1]:
            handler.send(b"", 304)
        else:
            handler.send(json.dumps(operator.status).encode(), headers={"ETag": '"1"'})

    operator.server.at(STATUS, behave)
    return conditional


def test_a_server_that_says_304_while_counts_change_is_asked_without_a_condition_for_a_day(
    operator: Operator,
) -> None:
    conditional = say_that_nothing_changed(operator)
    operator.poll()
    operator.hold("1", 4)
    polls = [operator.poll(60, feed_time=SECONDS + 60 * minute) for minute in range(1, 11)]
    assert {poll.outcome for poll in polls} == {"unchanged"}
    poll = operator.poll(60, feed_time=SECONDS + 660)
    assert (poll.outcome, bikes(poll, "1"), kinds(poll)) == ("fresh", 4, {"false_304": 1})
    assert conditional == [False] + [True] * 11 + [False]
    for minute in range(12, 20):
        operator.hold("1", minute)
        poll = operator.poll(60, feed_time=SECONDS + 60 * minute)
        assert (poll.outcome, bikes(poll, "1"), kinds(poll)) == ("fresh", minute, {"false_304": 1})
    assert conditional[13:] == [False] * 8
    operator.poll(86400, feed_time=SECONDS + 87_540)
    assert conditional[-1], "after a day it is tried again"
    polls = [operator.poll(60, feed_time=SECONDS + 87_540 + 60 * minute) for minute in range(1, 11)]
    assert [poll.outcome for poll in polls] == ["unchanged"] * 9 + ["fresh"]
    assert kinds(polls[-1]) == {"false_304": 1}


def test_a_server_that_says_304_truly_is_asked_otherwise_ever_more_rarely(operator: Operator) -> None:
    conditional = say_that_nothing_changed(operator)
    operator.poll()
    for _ in range(4 * 60):
        poll = operator.poll(60)
        assert (poll.outcome, kinds(poll)) == ("unchanged", {})
    assert conditional.count(False) == 1 + 5
    assert poll.still_seconds == 4 * 3600


# ---------------------------------------------------------------- time


def test_a_frozen_feed_gives_no_more_snapshots_and_tells_how_long_it_stands(operator: Operator) -> None:
    assert operator.poll().outcome == "fresh"
    for minute in range(1, 4):
        poll = operator.poll(60)
        assert (poll.outcome, poll.snapshot, poll.still_seconds) == ("unchanged", None, 60 * minute)


def test_a_time_that_stands_still_while_counts_change_is_replaced_by_receipt(operator: Operator) -> None:
    operator.poll()
    operator.hold("1", 4)
    poll = operator.poll(60)
    assert poll.outcome == "fresh"
    assert poll.at == NOW + timedelta(seconds=60)
    assert kinds(poll) == {"still_time": 1}
    assert poll.still_seconds == 0
    assert operator.poll(60).outcome == "unchanged"


@pytest.mark.parametrize("back", [2, 17, 59])
def test_a_time_that_goes_back_is_late_and_never_a_snapshot(operator: Operator, back: int) -> None:
    """Several servers behind one name, each with a document of its own age."""
    operator.poll(feed_time=SECONDS)
    operator.hold("1", 4)
    poll = operator.poll(30, feed_time=SECONDS - back)
    assert (poll.outcome, poll.snapshot, poll.at) == ("late", None, NOW)
    operator.hold("1", 3)
    poll = operator.poll(30, feed_time=SECONDS + 60)
    assert (poll.outcome, bikes(poll, "1"), poll.at) == ("fresh", 3, NOW + timedelta(seconds=60))


@pytest.mark.parametrize(
    ("behind", "reason"),
    [
        (5 * 3600, Reason("clock_behind", {"hours": 5, "minutes": 0})),
        (50 * 60, Reason("clock_behind", {"hours": 0, "minutes": 50})),
        (-2 * 3600, Reason("clock_ahead", {"hours": 2, "minutes": 0})),
    ],
)
def test_a_clock_at_a_constant_distance_is_replaced_by_receipt_and_the_finding_says_the_offset(
    operator: Operator, behind: int, reason: Reason
) -> None:
    for minute in range(1, 6):
        poll = operator.poll(60, feed_time=SECONDS + 60 * minute - behind)
    assert (poll.outcome, poll.at) == ("fresh", NOW + timedelta(minutes=5))
    assert [(each.kind, each.example) for each in poll.findings] == [("wrong_clock", reason)]
    assert poll.still_seconds == 0


def test_a_time_that_jumps_ahead_is_replaced_by_receipt_and_may_come_back(operator: Operator) -> None:
    operator.poll()
    poll = operator.poll(60, feed_time=SECONDS + 7200)
    assert (poll.outcome, poll.at) == ("fresh", NOW + timedelta(seconds=60))
    assert kinds(poll) == {"future_time": 1}
    poll = operator.poll(60, feed_time=SECONDS + 118)
    assert (poll.outcome, poll.at, kinds(poll)) == ("fresh", NOW + timedelta(seconds=118), {})


@pytest.mark.parametrize("feed_time", [None, 0, 86400, -1, "soon", [], ...])
def test_a_time_that_is_none_is_replaced_by_receipt(operator: Operator, feed_time: object) -> None:
    operator.status = status(holding("1"), holding("2"), last_updated=feed_time)
    for minute in range(3):
        poll = operator.poll(60)
        assert (poll.outcome, poll.at) == ("fresh", NOW + timedelta(minutes=minute + 1))
        assert kinds(poll) == {"no_time": 1}


def test_months_old_and_still_is_dated_by_receipt_but_known_to_be_dead(operator: Operator) -> None:
    poll = operator.poll(feed_time=SECONDS - 90 * 86400)
    assert (poll.outcome, poll.at, kinds(poll)) == ("fresh", NOW, {"old_time": 1})
    assert poll.still_seconds == 90 * 86400
    assert operator.poll(60).outcome == "unchanged"


@pytest.mark.parametrize(
    "feed_time",
    [
        pytest.param(SECONDS * 1000, id="milliseconds"),
        pytest.param(str(SECONDS), id="text"),
        pytest.param("2026-03-01T13:00:00.1234567+01:00", id="rfc_3339_with_seven_decimals"),
    ],
)
def test_a_time_in_another_spelling_is_the_same_time(operator: Operator, feed_time: object) -> None:
    assert operator.poll(5, feed_time=feed_time).at == NOW


def test_polls_through_the_night_of_the_daylight_saving_change_are_a_minute_apart(operator: Operator) -> None:
    operator.now = datetime(2026, 3, 29, 0, 58, tzinfo=UTC)
    times = ["2026-03-29T01:58:00+01:00", "2026-03-29T01:59:00+01:00", "2026-03-29T03:00:00+02:00"]
    polls = [operator.poll(60, feed_time=text) for text in times]
    assert [poll.outcome for poll in polls] == ["fresh"] * 3
    first = datetime(2026, 3, 29, 0, 58, tzinfo=UTC)
    assert [poll.at for poll in polls] == [first + timedelta(minutes=n) for n in range(3)]


def test_a_poll_that_takes_longer_than_a_minute_is_dated_by_the_receipt_of_the_status(
    operator: Operator, server: Misbehaving
) -> None:
    operator.status = status(holding("1"), holding("2"), last_updated=...)
    information_at = server.behaviours[INFORMATION][0]

    def slowly(handler: server_that.Handler) -> None:
        operator.now += timedelta(seconds=75)
        information_at(handler)

    server.at(INFORMATION, slowly)
    poll = operator.poll()
    assert poll.received_at == poll.at == NOW + timedelta(seconds=75)


def test_the_time_of_a_replayed_feed_is_never_held_against_today(server: Misbehaving) -> None:
    operator = Operator(server, label="replayed")
    then = 1_500_000_000
    for step in range(3):
        poll = operator.poll(1, feed_time=then + 60 * step)
        assert poll.at is not None
        assert (poll.outcome, poll.at.timestamp(), kinds(poll)) == ("fresh", then + 60 * step, {})
        assert poll.still_seconds == 0
    assert operator.poll(1).outcome == "unchanged"
    assert operator.poll(1, feed_time=then).outcome == "late"


def test_what_a_snapshot_holds_is_aligned_with_the_stations_whatever_the_order(operator: Operator) -> None:
    ids = [str(n) for n in np.random.default_rng(1).permutation(50)]
    operator.information = information(*(place(key) for key in sorted(ids)))
    operator.status = status(*(holding(key, int(key)) for key in ids))
    poll = operator.poll()
    assert isinstance(poll.stations, Stations)
    assert poll.snapshot is not None
    assert poll.snapshot.bikes.tolist() == [int(key) for key in poll.stations.station_id]


# ---------------------------------------------------------------- stations that have stopped reporting


def beat(operator: Operator, hours: float, *beating: str) -> Poll:
    """Let hours pass, after which the named stations have just reported, and poll."""
    assert operator.status is not None
    now = int((operator.now + timedelta(hours=hours)).timestamp())
    for entry in operator.status["data"]["stations"]:
        if entry["station_id"] in beating:
            entry["last_reported"] = now
    return operator.poll(3600 * hours, feed_time=now)


@pytest.fixture
def three(operator: Operator) -> Operator:
    operator.information = information(place("1"), place("2"), place("3"))
    operator.status = status(holding("1", 5, 15), holding("2", 7, 13), holding("3", 3, 17))
    return operator


def test_a_station_last_heard_of_76_days_ago_is_unknown_until_it_reports(three: Operator) -> None:
    assert three.status is not None
    three.status["data"]["stations"][2]["last_reported"] = SECONDS - 76 * 86400
    poll = three.poll()
    assert [bikes(poll, key) for key in "123"] == [5, 7, -1]
    assert poll.snapshot is not None
    assert poll.snapshot.docks.tolist() == [15, 13, -1]
    assert [(one.kind, one.count, one.example) for one in poll.findings] == [
        ("old_report", 1, "3: 2025-12-15 12:00 UTC")
    ]
    poll = beat(three, 1, "1", "2", "3")
    assert [bikes(poll, key) for key in "123"] == [5, 7, 3]
    assert kinds(poll) == {}


def test_a_station_that_stops_reporting_is_unknown_after_a_day(three: Operator) -> None:
    three.poll()
    polls = [beat(three, 1, "1", "2") for _ in range(25)]
    assert [bikes(poll, "3") for poll in polls] == [3] * 23 + [-1] * 2
    assert kinds(polls[-1]) == {"old_report": 1}


def test_a_station_whose_clock_is_wrong_is_known_once_it_moves(three: Operator) -> None:
    """It reports each minute, dated years ago."""
    assert three.status is not None
    entry = three.status["data"]["stations"][2]
    entry["last_reported"] = SECONDS - 900 * 86400
    assert bikes(three.poll(), "3") == -1
    entry["last_reported"] += 60
    assert bikes(beat(three, 1 / 60, "1", "2"), "3") == 3


def test_a_station_whose_counts_change_is_heard_of(three: Operator) -> None:
    three.poll()
    for hour in range(48):
        three.hold("3", hour % 5)
        assert kinds(beat(three, 1, "1", "2")) == {}


def test_a_station_whose_counts_change_while_its_report_stands_still_is_not_judged_by_it(
    three: Operator,
) -> None:
    """A rack of Chicago has the day of its first entry for ever; a bike comes once a week."""
    three.poll()
    three.hold("3", 4)
    polls = [beat(three, 1, "1", "2") for _ in range(50)]
    assert [bikes(poll, "3") for poll in polls] == [4] * 50
    assert kinds(polls[-1]) == {}
    assert kinds(beat(three, 1, "1", "2", "3")) == {}
    polls = [beat(three, 1, "1", "2") for _ in range(25)]
    assert bikes(polls[-1], "3") == -1, "it reports after all, and then it stops"


def test_a_closed_station_is_closed_and_not_old(three: Operator) -> None:
    """Citi Bike's stations that are out for the winter last reported months ago."""
    assert three.status is not None
    three.status["data"]["stations"][2] |= {
        "last_reported": SECONDS - 76 * 86400, "is_renting": 0, "is_returning": 0
    }  # fmt: skip
    poll = three.poll()
    assert kinds(poll) == {}
    assert bikes(poll, "3") == 3


def test_stations_that_never_report_are_not_old_beside_those_that_do(operator: Operator) -> None:
    """Chicago's 863 racks without docks have the day of their first entry, among 1,811 stations."""
    keys = [str(n) for n in range(20)]
    operator.information = information(*(place(key) for key in keys))

    def answered(moved: int) -> Poll:
        at = SECONDS + moved
        operator.status = status(
            *(holding(key, last_reported=at) for key in keys[:11]),
            *(holding(key, last_reported=SECONDS - 737 * 86400 + n) for n, key in enumerate(keys[11:])),
            last_updated=at,
        )
        return operator.poll(after=moved)

    for moved in (0, 60):
        poll = answered(moved)
        assert kinds(poll) == {}
        assert poll.snapshot is not None
        assert (poll.snapshot.bikes == 5).all()


@pytest.mark.parametrize(
    "reported",
    [
        pytest.param([..., ..., ...], id="no_station_has_a_time"),
        pytest.param([None, 0, "soon"], id="times_that_are_none"),
        pytest.param([SECONDS] * 3, id="all_the_same"),
        pytest.param([SECONDS, SECONDS - 60, SECONDS - 76 * 86400], id="all_stand_still_since_before"),
        pytest.param([SECONDS - 900 * 86400] * 3, id="all_very_old"),
        pytest.param([SECONDS, SECONDS, 2 * SECONDS], id="one_in_the_future_and_all_stand_still"),
    ],
)
def test_where_all_stand_still_it_is_the_feed_and_no_station(three: Operator, reported: list[Any]) -> None:
    assert three.status is not None
    for entry, at in zip(three.status["data"]["stations"], reported, strict=True):
        entry["last_reported"] = at
        if at is ...:
            del entry["last_reported"]
    beat(three, 1)
    polls = [beat(three, 1) for _ in range(30)]
    assert kinds(polls[-1]) == {}
    assert bikes(polls[-1], "3") == 3


def test_a_quiet_station_is_not_old_where_the_time_is_that_of_its_last_change(operator: Operator) -> None:
    """Trondheim dates each station by its last rider: half of them are hours behind the newest."""
    keys = [str(n) for n in range(10)]
    operator.information = information(*(place(key) for key in keys))
    operator.status = status(
        *(holding(key, 5, 15, last_reported=SECONDS - 3600 * n * n) for n, key in enumerate(keys))
    )
    poll = operator.poll()
    assert kinds(poll) == {}
    assert poll.snapshot is not None
    assert (poll.snapshot.bikes == 5).all()


# ---------------------------------------------------------------- regions with holidays of their own


@pytest.mark.parametrize(
    ("country", "lat", "lon", "region"),
    [
        pytest.param("GB", 51.50, -0.12, "ENG", id="london"),
        pytest.param("DE", 48.15, 11.57, "BY", id="munich"),
        pytest.param("ES", 41.40, 2.16, "CT", id="barcelona"),
        pytest.param("FR", 43.60, 1.44, "", id="a_country_whose_regions_are_not_listed"),
        pytest.param("DE", 48.40, 9.99, "", id="ulm_on_a_border"),
    ],
)
def test_the_region_is_known_from_the_position(
    operator: Operator, country: str, lat: float, lon: float, region: str
) -> None:
    operator.followed = replace(operator.followed, country=country)
    operator.information = information(place("1", lat=lat, lon=lon), place("2", lat=lat, lon=lon))
    operator.feed = operator.follow()
    assert operator.poll().stations.region == region


def test_the_region_of_the_list_goes_before_the_position(operator: Operator) -> None:
    operator.followed = replace(operator.followed, country="DE", region="BW")
    operator.information = information(place("1", lat=48.14, lon=11.58), place("2", lat=48.14, lon=11.58))
    operator.feed = operator.follow()
    first = operator.poll()
    assert first.stations.region == "BW"
    assert operator.poll(16 * 60).stations is first.stations


def test_the_region_is_known_after_a_restart_though_the_stations_cannot_be_read(operator: Operator) -> None:
    operator.followed = replace(operator.followed, country="DE")
    operator.information = information(place("1", lat=48.14, lon=11.58), place("2", lat=48.14, lon=11.58))
    operator.feed = operator.follow()
    before = operator.poll()
    assert before.documents["region"] == "BY"
    operator.information = None
    operator.feed = operator.follow()
    operator.feed.resume(before.stations, before.at, before.documents)
    assert operator.poll(60).stations.region == "BY"
