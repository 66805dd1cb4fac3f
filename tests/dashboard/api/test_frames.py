"""The rows of a frame over HTTP."""

from __future__ import annotations

import json

import pytest

from dashboard import nearby
from dashboard.maps import deck
from dashboard.store_reader import reader
from tests.support.api_world import client
from tests.support.dashboard_world import World, frame


def test_rows_are_compressed_and_kept_for_ever(world: World) -> None:
    made = frame()
    version = world.commit(made)
    response = client().get(f"/api/frames/dublin/{version}/bike-2-near.json")
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.headers["content-encoding"] == "gzip"
    assert response.json() == json.loads(json.dumps(deck.rows(made, "bike", 2, deck.NEAR)))


def test_a_client_without_gzip_gets_plain_json(world: World) -> None:
    version = world.commit(frame())
    address = f"/api/frames/dublin/{version}/space-1-735.json"
    response = client().get(address, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in response.headers
    assert len(response.json()) == 12


def test_rows_on_foot_have_each_station_at_its_own_arrival_and_are_for_one_viewer(world: World) -> None:
    made = frame()
    version, place = world.commit(made), (float(made.stations.lat[4]), float(made.stations.lon[4]))
    name = reader().keep_place(place)
    of = deck.on_foot(name, 3, place)
    response = client().get(deck.frame_url("dublin", version, "bike", 1, of))
    assert response.headers["cache-control"] == "private, max-age=600"
    rows = response.json()
    minutes = 3 + nearby.whole_minutes(nearby.walks(place, made.stations.lat, made.stations.lon))
    for row in (4, 6, 9):
        alone = deck.rows(made, "bike", 1, deck.FramePart("", (int(minutes[row]),)))[row]
        assert rows[row][:-1] == json.loads(json.dumps(alone))
    assert rows[4][deck.ARRIVAL] == "12:04"
    # Whoever guesses a name gets nothing.
    missing = deck.frame_url("dublin", version, "bike", 1, deck.on_foot("0" * 24, 3, place))
    assert client().get(missing).status_code == 404


def test_a_version_means_the_same_rows_for_ever(world: World) -> None:
    address = f"/api/frames/dublin/{world.commit(frame())}/bike-1-near.json"
    before = client().get(address).content
    world.now = world.now.replace(minute=1)
    world.commit(frame(at=world.now, stations=30))
    assert client().get(address).content == before


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("dublin/99/bike-1-near.json", 404),
        ("atlantis/1/bike-1-near.json", 404),
        ("dublin/1/bike-5-near.json", 400),
        ("dublin/1/bike-1-736.json", 404),
        ("dublin/1/ebike-1-near.json", 404),
        ("dublin/1/cargo-1-near.json", 400),
        ("dublin/1/..%2F..%2Fetc%2Fpasswd", 404),
        (f"dublin/{10**30}/bike-1-near.json", 400),
        (f"dublin/{'9' * 5000}/bike-1-near.json", 400),
    ],
)
def test_a_missing_frame_is_an_error_that_no_cache_keeps(world: World, path: str, status: int) -> None:
    world.commit(frame())
    response = client().get(f"/api/frames/{path}")
    assert response.status_code == status
    assert response.headers["cache-control"] == "no-store"
    assert set(response.json()) == {"code", "error", "try"}


def test_a_url_with_an_odd_system_id_leads_to_its_rows() -> None:
    url = deck.frame_url("vélo/1 ?#", 3, "space", 4, deck.part(735))
    assert url == "/api/frames/v%C3%A9lo%2F1%20%3F%23/3/space-4-735.json"


def test_rows_speak_the_language_asked_for_and_each_is_kept_apart(world: World) -> None:
    address = f"/api/frames/dublin/{world.commit(frame())}/bike-1-near.json"
    chance = deck.NEAR.column(15, deck.CHANCE)
    said = {
        lang: client().get(address, params={"lang": lang} if lang else {}).json()[4][chance]
        for lang in ("", "de", "ja", "en", "tlh", "de-AT")
    }
    assert said[""] == said["en"] == said["tlh"]
    assert said["de"] == said["de-AT"]
    assert len(set(said.values())) == 3
    assert client().get(address, params={"lang": "<b>"}).status_code == 400


def test_an_error_is_english_whatever_is_asked_for(world: World) -> None:
    answer = client().get("/api/systems/atlantis", headers={"Accept-Language": "de"})
    assert answer.status_code == 404
    assert answer.json() == client().get("/api/systems/atlantis").json()
