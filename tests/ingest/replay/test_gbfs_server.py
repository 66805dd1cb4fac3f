"""The GBFS server: what the documents hold and when, and that they pass the official schemas."""

from __future__ import annotations

import json
import logging
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import requests
from starlette.testclient import TestClient

from ingest import registry
from ingest.city.cities import CITIES
from ingest.gbfs.feed import Feed
from ingest.gbfs.writer import VERSIONS
from ingest.http.client import Fetcher
from ingest.replay.gbfs_server import ServedFeed, build
from ingest.replay.open_source import open_named
from ingest.replay.playable_source import MadeUpCity, RecordedCity
from ingest.replay.recording import Recording, RecordingError, find, read_all
from model import Snapshot
from tests.support.gbfs_world import Operator
from tests.support.misbehaving import Misbehaving
from tests.support.serving import START, HandClock, make_recording, serving

GBFS_BIRTHDAY = 1_450_155_600
"""The schemas of 1.1 and 2.3 refuse dates before 2015-12-15, though Chicago was recorded in 2013."""


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as opened:
        yield opened


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return make_recording(tmp_path / "small")


def feeds_of(session: requests.Session, address: str, system_id: str = "small") -> dict[str, Any]:
    """Follow discovery, of any version, to all documents."""
    discovery = session.get(f"{address}/{system_id}/gbfs.json").json()
    data = discovery["data"]
    feeds = data.get("feeds") or data["en"]["feeds"]
    return {"gbfs": discovery} | {feed["name"]: session.get(feed["url"]).json() for feed in feeds}


# ---------------------------------------------------------------------------------------------- documents


@pytest.mark.parametrize("version", VERSIONS)
def test_documents_of_each_version_follow_its_spelling(
    session: requests.Session, small: Path, version: str
) -> None:
    with serving([small], gbfs=version) as address:
        feeds = feeds_of(session, address)
    assert set(feeds) == {"gbfs", "system_information", "station_information", "station_status"}
    modern = version == "3.0"
    at = "2024-03-01T13:00:00Z" if modern else START
    for document in feeds.values():
        assert (document["version"], document["last_updated"]) == (version, at)
    about = feeds["system_information"]["data"]
    assert about["name"] == (
        [{"text": "Test bikes, Dublin", "language": "en"}] if modern else "Test bikes, Dublin"
    )
    assert about["timezone"] == "Europe/Dublin"
    described = feeds["station_information"]["data"]["stations"]
    assert [row["station_id"] for row in described] == ["a", "007", "c"]
    assert [row.get("capacity") for row in described] == [10, 5, None]
    status = feeds["station_status"]["data"]["stations"]
    assert [row["station_id"] for row in status] == ["a", "007"], "c is not known yet"
    bikes = "num_vehicles_available" if modern else "num_bikes_available"
    assert [(row[bikes], row["num_docks_available"]) for row in status] == [(3, 7), (0, 5)]
    yes = 1 if version == "1.1" else True
    for row in status:
        flags = [row[name] for name in ("is_installed", "is_renting", "is_returning")]
        assert flags == [yes] * 3
        assert {type(flag) for flag in flags} == {type(yes)}
        assert row["last_reported"] == at


@pytest.mark.parametrize("version", VERSIONS)
def test_ebikes_unknown_docks_and_closed_stations(
    session: requests.Session, tmp_path: Path, version: str
) -> None:
    rows: list[dict[str, Any]] = [
        {"station_id": "a", "bikes": 5, "docks": -7, "ebikes": 2, "renting": True, "returning": True},
        {"station_id": "007", "bikes": 1, "docks": 2, "ebikes": -1, "renting": True, "returning": False},
        {"station_id": "c", "bikes": 0, "docks": 4, "ebikes": 0, "renting": False, "returning": True},
    ]
    path = make_recording(tmp_path / "small", [{"at": 0} | row for row in rows])
    with serving([path], gbfs=version) as address:
        feeds = feeds_of(session, address)
    status = {row["station_id"]: row for row in feeds["station_status"]["data"]["stations"]}
    assert [status[name]["is_renting"] for name in ("007", "c")] == [True, False]
    assert [status[name]["is_returning"] for name in ("007", "c")] == [False, True]
    if version == "1.1":
        assert set(status) == {"007", "c"}, "1.1 knows no station without docks"
        assert status["c"]["num_ebikes_available"] == 0
        assert "num_ebikes_available" not in status["007"]
        return
    assert "num_docks_available" not in status["a"]
    assert [kind["count"] for kind in status["a"]["vehicle_types_available"]] == [3, 2]
    assert "vehicle_types_available" not in status["007"]
    types = {kind["vehicle_type_id"]: kind for kind in feeds["vehicle_types"]["data"]["vehicle_types"]}
    used = [kind["vehicle_type_id"] for kind in status["a"]["vehicle_types_available"]]
    assert [types[name]["propulsion_type"] for name in used] == ["human", "electric_assist"]


# ---------------------------------------------------------------------------------------------- time


def test_event_time_runs_at_its_speed_and_the_feed_shows_the_newest_poll(
    session: requests.Session, small: Path, clock: HandClock
) -> None:
    with serving([small], gbfs="2.3", speed=60, clock=clock) as address:
        seen = []
        for seconds in (0, 0.9, 1, 2.5, 4, 3600):
            clock.seconds = seconds
            document = session.get(f"{address}/small/station_status.json").json()
            seen.append(document["last_updated"] - START)
    assert seen == [0, 0, 60, 120, 240, 240]


def test_ttl_counts_whole_wall_seconds_to_the_next_poll_and_is_0_when_that_is_overdue(
    session: requests.Session, tmp_path: Path, clock: HandClock
) -> None:
    """Clients poll as often in a hole of the recording: the feed cannot know how long the hole lasts."""
    path = make_recording(tmp_path / "small", polls=[0, 60, 110, 9000, 9060], poll_seconds=60)
    with serving([path], gbfs="2.3", speed=10, clock=clock) as address:
        seen = []
        for second in (0, 15, 60, 109, 110, 170, 8999, 9000, 9060, 9120, 10**6):
            clock.seconds = second / 10
            response = session.get(f"{address}/small/station_status.json")
            document = response.json()
            seen.append((document["last_updated"] - START, document["ttl"]))
            assert response.headers["cache-control"] == f"max-age={document['ttl']}"
    assert seen == [
        (0, 6),
        (0, 4),
        (60, 5),
        (60, 0),
        (110, 6),
        (110, 0),
        (110, 0),
        (9000, 6),
        (9060, 6),
        (9060, 0),
        (9060, 0),
    ]


def test_the_end_of_a_recording_is_logged_once(
    small: Path, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="ingest.replay.playable_source")
    replay = ServedFeed(RecordedCity(Recording.read(small)), 1, "2.3", clock)
    for seconds in (0, 299, 301, 400):
        clock.seconds = seconds
        replay.newest_poll()
    assert [record.getMessage() for record in caplog.records] == [
        "small: the recording is over, the feed stands still"
    ]


def test_a_replay_may_start_later_by_the_citys_clock(session: requests.Session, tmp_path: Path) -> None:
    path = make_recording(tmp_path / "small", timezone="America/Chicago")  # 13:00 UTC is 7:00 there
    for start in (datetime(2024, 3, 1, 7, 2, 30), datetime(2024, 3, 1, 13, 2, 30, tzinfo=UTC)):  # noqa: DTZ001
        with serving([path], gbfs="2.3", start=start) as address:
            document = session.get(f"{address}/small/station_status.json").json()
        assert document["last_updated"] == START + 120
        assert document["ttl"] == 30
    for wrong in (datetime(2024, 3, 1, 6, 59), datetime(2024, 3, 1, 7, 5)):  # noqa: DTZ001
        with pytest.raises(RecordingError, match="recorded from 2024-03-01 13:00 to 2024-03-01 13:04 UTC"):
            build([RecordedCity(Recording.read(path))], start=wrong)


# ---------------------------------------------------------------------------------------------- HTTP


def test_a_document_is_sent_once_a_poll(session: requests.Session, small: Path, clock: HandClock) -> None:
    with serving([small], clock=clock) as address:
        for name in ("gbfs", "station_information", "station_status"):
            url = f"{address}/small/{name}.json"
            tag = session.get(url).headers["etag"]
            for known in (tag, tag.removeprefix("W/"), f'"other", {tag}'):
                clock.seconds += 1
                again = session.get(url, headers={"If-None-Match": known})
                assert (again.status_code, again.content) == (304, b"")
                assert again.headers["etag"] == tag
        clock.seconds = 60
        fresh = session.get(url, headers={"If-None-Match": tag})
        assert fresh.status_code == 200
        assert fresh.headers["etag"] != tag
    with serving([small], clock=clock) as address:
        restarted = session.get(f"{address}/small/station_status.json", headers={"If-None-Match": tag})
        assert restarted.status_code == 200, "another run is elsewhere in time"


def test_head_and_gzip(session: requests.Session, small: Path, clock: HandClock) -> None:
    clock.seconds = -120  # three stations are known two minutes later, enough to be worth packing
    with serving([small], clock=clock) as address:
        clock.seconds = 0
        url = f"{address}/small/station_status.json"
        plain = session.get(url, headers={"Accept-Encoding": "identity"})
        packed = session.get(url, headers={"Accept-Encoding": "gzip"})
        head = session.head(url, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.json() == plain.json()
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"])
    assert head.content == b""
    assert head.headers["content-length"] == plain.headers["content-length"]
    assert head.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/", "systems.toml"),
        ("/nowhere/gbfs.json", "No system nowhere"),
        ("/nowhere/station_status.json", "No system nowhere"),
        ("/small/free_bike_status.json", "no feed free_bike_status"),
        ("/small/vehicle_types.json", "no feed vehicle_types"),
        ("/small/../../etc/passwd", "systems.toml"),
    ],
)
def test_unknown_paths_get_an_error_message(
    session: requests.Session, small: Path, path: str, words: str
) -> None:
    with serving([small]) as address:
        response = session.get(address + path)
        assert session.post(address + "/small/gbfs.json").status_code == 405
    assert response.status_code == 404
    assert words in response.json()["error"]


# ---------------------------------------------------------------------------------------------- the list


def test_the_list_of_systems_tells_how_to_poll_each(session: requests.Session, tmp_path: Path) -> None:
    odd = 'Say "hi", \\Åre\x7f\n🚲' + 300 * "x"
    paths = [
        make_recording(tmp_path / "one", name=odd, city=odd, country="SE"),
        make_recording(tmp_path / "two", name=" ", country="Fr", poll_seconds=120, label="simulated"),
        make_recording(tmp_path / "six", polls=[0, 10**7], timezone="UTC"),
    ]
    with serving(paths, speed=60) as address, fetching() as fetcher:
        one, two, six = registry.load(f"{address}/systems.toml", fetcher)
        for system in (one, two, six):
            feeds = feeds_of(session, address, system.system_id)
            assert system.url == f"{address}/{system.system_id}/gbfs.json"
            assert feeds["system_information"]["data"]["system_id"] == system.system_id
        named = session.get(f"{address}/systems.toml", headers={"Host": "bikes.example:81"})
        assert 'url = "http://bikes.example:81/one/gbfs.json"' in named.text
    assert (one.system_id, one.country, one.poll_seconds, one.speed) == ("one", "SE", 1, 60)
    assert one.name == one.city
    assert one.name.startswith('Say "hi", \\Åre 🚲xxx'), "a control character never reaches the screen"
    assert len(one.name) == 200
    assert (one.label, two.label) == ("replayed", "simulated")
    assert (two.name, two.country, two.poll_seconds) == ("two", "IE", 2)
    assert (six.country, six.poll_seconds) == ("", 86400)


def test_the_list_of_systems_states_at_most_four_polls_a_second(small: Path, clock: HandClock) -> None:
    read = Recording.read(small)
    speeds = (1, 60, 120, 600, 10_000)
    assert [ServedFeed(RecordedCity(read), speed, "3.0", clock).poll_seconds for speed in speeds] == [
        60,
        1,
        0.5,
        0.25,
        0.25,
    ]


def test_bad_recordings_versions_and_speeds_are_refused(small: Path, tmp_path: Path) -> None:
    twin = make_recording(tmp_path / "twin", system_id="small")
    assert [recording.system.system_id for recording in read_all([small, small.parent / "small"])] == [
        "small"
    ]
    with pytest.raises(RecordingError, match="Two recordings are of small"):
        read_all([small, twin])
    with pytest.raises(RecordingError, match="no recording at"):
        read_all([small, tmp_path / "nowhere"])
    read = [RecordedCity(each) for each in read_all([small])]
    with pytest.raises(ValueError, match=r"GBFS 2.2 .* choose 1.1, 2.3, 3.0"):
        build(read, gbfs="2.2")
    for speed in (0, -1, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="leads nowhere"):
            build(read, speed=speed)


# ---------------------------------------------------------------------------------------------- round trip


def assert_same(polled: Snapshot, recorded: Snapshot, version: str, nowhere: str = "") -> None:
    """Compare a snapshot from the network with the recorded one, without the station `nowhere`."""
    order = np.argsort(recorded.station_id)
    order = order[recorded.station_id[order] != nowhere]
    assert polled.at == recorded.at
    assert polled.station_id.tolist() == recorded.station_id[order].tolist()
    # 1.1 has no way to give bikes without docks; none has a way to give docks without bikes.
    known = (recorded.bikes >= 0) & ((recorded.docks >= 0) | (version != "1.1"))
    for name in ("bikes", "docks", "ebikes", "renting", "returning"):
        was, now = getattr(recorded, name), getattr(polled, name)
        unknown: Any = True if name.startswith("re") else -1
        was = np.full(len(recorded), unknown) if was is None else was
        now = np.full(len(polled), unknown) if now is None else now
        np.testing.assert_array_equal(now, np.where(known, was, unknown)[order], err_msg=name)


@pytest.mark.parametrize("version", VERSIONS)
def test_polled_snapshots_equal_the_recorded_ones(tmp_path: Path, clock: HandClock, version: str) -> None:
    random = np.random.default_rng(11)
    changes: list[dict[str, Any]] = []
    for minute in range(60):
        for station in np.array(["a", "007", "c"])[random.random(3) < 0.7]:
            bikes = int(random.integers(-1, 9))
            changes.append(
                {
                    "at": 60 * minute,
                    "station_id": str(station),
                    "bikes": bikes,
                    "docks": int(random.integers(-1, 5)),
                    "ebikes": int(random.integers(-1, bikes + 1)) if bikes >= 0 else -1,
                    "renting": bool(random.integers(2)),
                    "returning": bool(random.integers(2)),
                }
            )
    changes += [{"at": 60 * m, "station_id": "a", "bikes": 1, "docks": 2, "ebikes": 1, "renting": True,
                 "returning": True} for m in range(60)]  # fmt: skip
    recording = Recording.read(make_recording(tmp_path / "small", changes, range(0, 3600, 60)))
    with serving([recording], gbfs=version, clock=clock) as address, fetching() as fetcher:
        (system,) = registry.load(f"{address}/systems.toml", fetcher)
        feed = Feed(system, fetcher, lambda: datetime.now(UTC))
        for index, recorded in enumerate(recording.snapshots()):
            clock.seconds = 60 * index
            poll = feed.poll()
            assert poll.snapshot is not None
            assert_same(poll.snapshot, recorded, version)
            again = feed.poll()
            assert (again.outcome, again.snapshot) == ("unchanged", None)
    assert poll.stations.timezone == "Europe/Dublin"
    assert poll.stations.name.tolist() == ["Bond Street, „NA“", "Anna Livia", "NA"]
    assert poll.stations.capacity.tolist() == [5, 10, -1]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ["chicago-2013-autumn", "boulder-2022-spring", "france-2026-03-night/paris"])
def test_real_recordings_pass_through_the_server_unchanged(
    shared: Path, clock: HandClock, name: str, version: str
) -> None:
    recording = Recording.read(shared / "recordings" / name)
    nowhere = "352" if name.startswith("chicago") else ""  # lies at 0, 0, and is passed over
    with serving([recording], gbfs=version, clock=clock) as address, fetching() as fetcher:
        (system,) = registry.load(f"{address}/systems.toml", fetcher)
        feed = Feed(system, fetcher, lambda: datetime.now(UTC))
        for index in np.linspace(0, len(recording.polls) - 1, 5).astype(int):
            at = int(recording.polls[index])
            clock.seconds = at - int(recording.polls[0])
            poll, recorded = feed.poll(), recording.at(datetime.fromtimestamp(at, UTC))
            assert poll.snapshot is not None
            assert recorded is not None
            assert_same(poll.snapshot, recorded, version, nowhere)
    assert set(poll.stations.station_id) == set(recording.stations.station_id) - {nowhere}
    assert poll.stations.timezone == recording.stations.timezone


@contextmanager
def fetching() -> Iterator[Fetcher]:
    fetcher = Fetcher()
    try:
        yield fetcher
    finally:
        fetcher.close()


# ---------------------------------------------------------------------------------------------- schemas


def validators(shared: Path, version: str) -> dict[str, jsonschema.Draft7Validator]:
    folder = shared / "gbfs" / "schemas" / f"v{version}"
    return {
        file.stem: jsonschema.Draft7Validator(
            json.loads(file.read_text()), format_checker=jsonschema.Draft7Validator.FORMAT_CHECKER
        )
        for file in folder.glob("*.json")
    }


def complaints(
    validator: jsonschema.Draft7Validator, document: Any, older_than_gbfs: bool = False
) -> list[str]:
    """List the errors of a document, without those for the true dates of a recording older than GBFS."""
    return [
        f"{list(error.absolute_path)}: {error.message[:200]}"
        for error in validator.iter_errors(document)
        if not (
            older_than_gbfs
            and error.validator == "minimum"
            and error.absolute_path[-1] in ("last_updated", "last_reported")
            and error.validator_value == GBFS_BIRTHDAY
        )
    ]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_document_passes_the_official_schemas(shared: Path, tmp_path: Path, version: str) -> None:
    official = validators(shared, version)
    ebikes = [{"at": 0, "station_id": "a", "bikes": 3, "docks": 7, "ebikes": 2, "renting": False}]
    folders = [*find(shared / "recordings"), make_recording(tmp_path / "ebikes", ebikes)]
    assert len(folders) == 1 + len(list((shared / "recordings").rglob("system.json")))
    for folder in folders:
        recording = Recording.read(folder)
        replay = ServedFeed(RecordedCity(recording), 1, version, HandClock())
        documents = {"gbfs": replay.discovery(f"http://127.0.0.1:8600/{recording.system.system_id}")}
        for name in replay.feeds():
            middle = len(recording.polls) // 2
            documents[name] = replay.status(middle, 3) if name == "station_status" else replay.document(name)
        for name, body in documents.items():
            broken = complaints(official[name], json.loads(body), folder.name == "chicago-2013-autumn")
            assert broken == [], (folder.name, name)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", list(CITIES))
def test_a_made_up_city_passes_the_official_schemas(shared: Path, version: str, name: str) -> None:
    official = validators(shared, version)
    clock = HandClock()
    replay = ServedFeed(MadeUpCity(CITIES[name]), 60, version, clock, datetime(2026, 3, 2, 8, tzinfo=UTC))
    documents = {"gbfs": replay.discovery(f"http://127.0.0.1:8600/{name}")}
    documents |= {feed: replay.document(feed) for feed in replay.feeds() if feed != "station_status"}
    for hours in (0, 30, 24 * 9):  # a van's night, a rush hour, another week
        clock.seconds = 60 * hours
        documents["station_status"] = replay.status(*replay.newest_poll())
        for feed, body in documents.items():
            assert complaints(official[feed], json.loads(body)) == [], feed


def test_a_made_up_city_is_served_by_its_name_at_any_speed_and_time(clock: HandClock) -> None:
    (source,) = open_named([Path("harbourton")])
    assert isinstance(source, MadeUpCity)
    replay = ServedFeed(source, 60, "3.0", clock, datetime(2026, 3, 2, 8))  # noqa: DTZ001
    city = CITIES["harbourton"]
    for seconds in (0, 1, 90):
        clock.seconds = seconds
        index, ttl = replay.newest_poll()
        status = json.loads(replay.status(index, ttl))
        at = datetime(2026, 3, 2, 8, tzinfo=UTC) + timedelta(minutes=seconds)
        assert datetime.fromisoformat(status["last_updated"]) == at, "in Dublin it is 8 o'clock UTC in March"
        bikes = [station["num_vehicles_available"] for station in status["data"]["stations"]]
        assert bikes == city.at(at).bikes.tolist()
    app = build([source], speed=60)
    with TestClient(app) as client:
        listed = tomllib.loads(client.get("/systems.toml").text)["systems"]
    assert [(entry["id"], entry["label"], entry["speed"]) for entry in listed] == [
        ("harbourton", "simulated", 60)
    ]


def test_the_fixtures_without_their_defects_pass_the_official_schemas(shared: Path) -> None:
    official = validators(shared, "2.3")
    with Misbehaving() as server:
        sound = Operator(server)
        documents = {
            "gbfs": sound.discovery,
            "station_information": sound.information,
            "station_status": sound.status,
            "system_information": sound.system,
        }
        for name, document in documents.items():
            assert complaints(official[name], document) == [], name


def test_the_official_schemas_refuse_a_wrong_document(shared: Path, small: Path) -> None:
    document = json.loads(ServedFeed(RecordedCity(Recording.read(small)), 1, "2.3", HandClock()).status(0, 0))
    official = validators(shared, "2.3")["station_status"]
    document["data"]["stations"][0]["num_bikes_available"] = -1
    del document["data"]["stations"][1]["is_renting"]
    assert len(complaints(official, document)) == 2
