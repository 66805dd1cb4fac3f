"""The rows of a frame over HTTP."""

from __future__ import annotations

import gzip
import json

import pytest
from dashboard_world import World, frame
from starlette.requests import Request
from starlette.responses import Response

from dashboard import api, deck


def get(system_id: str, version: int, name: str, accept: str = "gzip, br") -> Response:
    scope = {
        "type": "http",
        "method": "GET",
        "path": f"/api/frames/{system_id}/{version}/{name}",
        "path_params": {"system_id": system_id, "version": version, "name": name},
        "headers": [(b"accept-encoding", accept.encode())],
        "query_string": b"",
    }
    return api.frame(Request(scope))


def test_rows_are_compressed_and_kept_for_ever(world: World) -> None:
    made = frame()
    version = world.commit(made)
    response = get("dublin", version, "bike-2-near.json")
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.headers["content-encoding"] == "gzip"
    rows = json.loads(gzip.decompress(bytes(response.body)))
    assert rows == json.loads(json.dumps(deck.rows(made, "bike", 2, deck.PARTS["near"])))


def test_who_cannot_unpack_gets_plain_json(world: World) -> None:
    version = world.commit(frame())
    response = get("dublin", version, "space-1-far.json", accept="identity")
    assert "content-encoding" not in response.headers
    assert len(json.loads(bytes(response.body))) == 12


def test_a_version_means_the_same_rows_for_ever(world: World) -> None:
    first = world.commit(frame())
    before = bytes(get("dublin", first, "bike-1-near.json").body)
    world.now = world.now.replace(minute=1)
    world.commit(frame(at=world.now, stations=30))
    assert bytes(get("dublin", first, "bike-1-near.json").body) == before


@pytest.mark.parametrize(
    ("system_id", "version", "name"),
    [
        ("dublin", 99, "bike-1-near.json"),
        ("atlantis", 1, "bike-1-near.json"),
        ("dublin", 1, "bike-5-near.json"),
        ("dublin", 1, "../../etc/passwd"),
        ("dublin", 10**30, "bike-1-near.json"),
    ],
)
def test_what_is_not_there_is_a_404_that_nobody_keeps(
    world: World, system_id: str, version: int, name: str
) -> None:
    world.commit(frame())
    response = get(system_id, version, name)
    assert response.status_code == 404
    assert response.headers["cache-control"] == "no-store"


def test_a_url_finds_its_way_even_with_an_odd_system_id() -> None:
    url = api.frame_url("vélo/1 ?#", 3, "space", 4, deck.PARTS["far"])
    assert url == "/api/frames/v%C3%A9lo%2F1%20%3F%23/3/space-4-far.json"
