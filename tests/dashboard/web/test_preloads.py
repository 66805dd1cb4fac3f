"""The page names what its map will ask for, and the names are right."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
import streamlit
from starlette.datastructures import Headers
from starlette.responses import HTMLResponse
from starlette.testclient import TestClient

from dashboard.web.preloads import Preloads
from tests.support.api_world import client
from tests.support.dashboard_world import World, frame, with_kinds

SCRIPT = "rel=modulepreload; crossorigin"


def links(address: str) -> list[str]:
    page = TestClient(Preloads(HTMLResponse("<p>page</p>")))
    return page.get(address).headers.get("link", "").split(", ")


def test_the_page_of_the_map_names_its_scripts_and_the_rows_that_are_there(world: World) -> None:
    """They are those of all that is on it with what they import, but for what Streamlit names itself."""
    world.commit(frame())
    found = links("/?city=dublin&what=space&n=2&in=20")
    named = [link.split("/")[2].partition(">")[0] for link in found if SCRIPT in link]
    for beginning in ("BidiComponent.", "DeckGlJsonChart.", "Html.", "Slider.", "purify.", "webgl-device."):
        assert sum(name.startswith(beginning) for name in named) == 1
    folder = Path(streamlit.__file__).parent / "static"
    assert all((folder / "static" / "js" / name).is_file() for name in named)
    own = (folder / "index.html").read_text(encoding="utf-8")
    assert not [name for name in named if name in own]
    rows = found[-1].partition(">")[0].removeprefix("<")
    assert rows == "/api/frames/dublin/1/space-2-near.json"
    assert client().get(rows).status_code == 200


def test_rows_of_a_kind_of_bikes_are_named_where_kinds_are_told_apart(world: World) -> None:
    world.commit(with_kinds(frame()))
    assert "/api/frames/dublin/1/ebike-1-near.json" in links("/?city=dublin&what=ebike")[-1]
    world.now += timedelta(minutes=1)
    world.commit(frame(at=world.now))
    assert "/api/frames/dublin/2/bike-1-near.json" in links("/?city=dublin&what=ebike")[-1]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?city=atlantis",
        "?city=boulder",
        "?city=dublin&at=20260303T0300Z",
        "?city=dublin&kiosk=1",
        "?city=%ff%00",
    ],
)
def test_rows_that_are_not_sure_to_be_drawn_are_not_named(world: World, query: str) -> None:
    world.commit(frame())
    assert "/api/frames" not in str(links(f"/{query}"))


def test_rows_of_a_feed_that_is_silent_for_long_are_not_named(world: World) -> None:
    world.commit(frame())
    world.now += timedelta(hours=2)
    assert "/api/frames" not in str(links("/?city=dublin&in=15"))


def test_other_pages_and_other_answers_stay_as_they_are(world: World) -> None:
    world.commit(frame())
    assert links("/feeds?city=dublin") == [""]
    sent: list[Headers] = []

    async def ask() -> None:
        async def send(message: dict) -> None:  # type: ignore[type-arg]
            if message["type"] == "http.response.start":
                sent.append(Headers(raw=message["headers"]))

        scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}
        await Preloads(HTMLResponse("gone", 404))(scope, None, send)  # type: ignore[arg-type]

    asyncio.run(ask())
    assert "link" not in sent[0]


@pytest.mark.parametrize(
    ("query", "headers"),
    [("&lang=ja", {}), ("", {"Accept-Language": "ja"}), ("", {"Cookie": "dockcast-language=ja"})],
)
def test_rows_are_named_in_the_language_of_the_page(
    world: World, query: str, headers: dict[str, str]
) -> None:
    world.commit(frame())
    page = TestClient(Preloads(HTMLResponse("<p>page</p>")))
    found = page.get(f"/?city=dublin{query}", headers=headers).headers["link"]
    assert "</api/frames/dublin/1/bike-1-near.json?lang=ja>" in found
