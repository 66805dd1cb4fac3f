"""What a link says of itself before it is opened, in the language of whoever asks."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest
import streamlit
from starlette.responses import FileResponse
from starlette.testclient import TestClient

from dashboard.web.front_page import FrontPage
from dashboard.words import catalogue
from tests.support import pseudo
from tests.support.dashboard_world import NASTY, World, frame

PAGE = Path(streamlit.__file__).parent / "static" / "index.html"


@pytest.fixture(autouse=True)
def spoken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    pseudo.made(tmp_path / "locale", "fr", pseudo.shouted)
    monkeypatch.setattr(catalogue, "FOLDER", tmp_path / "locale")
    world.commit(frame())


def ask(address: str, method: str = "GET", **headers: str) -> str:
    page = TestClient(FrontPage(FileResponse(PAGE)))
    found = page.request(
        method, address, headers={name.replace("_", "-"): of for name, of in headers.items()}
    )
    assert found.status_code == 200
    assert found.headers["content-length"] == str(len(found.content)) or method == "HEAD"
    assert {"Accept-Language", "Cookie"} <= {each.strip() for each in found.headers["vary"].split(",")}
    assert "etag" not in found.headers
    return found.text


def head(page: str) -> tuple[str, str, str]:
    """Read language, title and line of a page; the preview says the same as the page."""
    language = re.findall('<html lang="([^"]*)">', page)[0]
    title = re.findall("<title>(.*?)</title>", page)[0]
    line = re.findall('<meta name="description" content="([^"]*)">', page)[0]
    assert f'<meta property="og:title" content="{title}">' in page
    assert f'<meta property="og:description" content="{line}">' in page
    return language, unescape(title), unescape(line)


SUBTITLE = "Bikes and spaces at the moment you arrive"


@pytest.mark.parametrize(
    ("address", "title", "line"),
    [
        ("/", "Dockcast", SUBTITLE),
        ("/?city=dublin", "Dublin · Dockcast", SUBTITLE),
        ("/?city=dublin&station=s4", "Station 4 · Dublin · Dockcast", SUBTITLE),
        ("/?city=dublin&station=s4&what=space&n=2&in=25", "Station 4 · Dublin · Dockcast",
         f"2 spaces · in 25 min · {SUBTITLE}"),
        ("/?city=dublin&at=20260302T1330Z", "Dublin · Dockcast",
         f"A bike · 02 Mar 2026, 13:30 · {SUBTITLE}"),
        ("/trip?city=dublin&from=s4&to=s9&at=20260302T1330Z", "Station 4 → Station 9 · Dublin · Dockcast",
         f"02 Mar 2026, 13:30 · {SUBTITLE}"),
        ("/trip?city=dublin&from=53.3,-6.2&to=s9", "Trip · Dublin · Dockcast", SUBTITLE),
        ("/accuracy?city=dublin&station=s4&in=25", "Accuracy · Dublin · Dockcast", SUBTITLE),
        ("/?city=atlantis&station=s4", "Dockcast", SUBTITLE),
        ("/?city=dublin&station=%3Cscript%3E", "Dublin · Dockcast", SUBTITLE),
        ("/?city=%ff%00&lang=%ff&at=9", "Dockcast", SUBTITLE),
        ("/no-such-page", "Dockcast", SUBTITLE),
    ],
)  # fmt: skip
def test_a_preview_says_what_is_shared(address: str, title: str, line: str) -> None:
    assert head(ask(address)) == ("en", title, line)


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("/trip?city=dublin&lang=fr", {}),
        ("/trip?city=dublin", {"accept_language": "fr-CH, en;q=0.9"}),
        ("/trip?city=dublin", {"cookie": "a=b; dockcast-language=fr", "accept_language": "en"}),
        ("/trip?city=dublin&lang=fr", {"cookie": "dockcast-language=en"}),
    ],
)
def test_a_preview_speaks_the_language_asked_for(address: str, headers: dict[str, str]) -> None:
    page = ask(address, **headers)
    assert head(page) == ("fr", "TRIP · Dublin · Dockcast", SUBTITLE.upper())
    assert '<meta property="og:locale" content="fr_FR">' in page
    assert "THIS PAGE NEEDS JAVASCRIPT" in page


def test_a_name_from_a_feed_cannot_break_out() -> None:
    page = ask("/?city=dublin&station=s0")
    assert NASTY in head(page)[1]
    assert NASTY not in page


def test_all_else_of_the_page_stays_as_it_is() -> None:
    """Its scripts above all: the content policy knows them by their hashes."""
    before, after = PAGE.read_text(encoding="utf-8"), ask("/")
    scripts = re.compile("<script.*?</script>|<link[^>]*>", re.DOTALL)
    assert scripts.findall(after) == scripts.findall(before)
    assert ">Streamlit" not in after


def test_a_copy_that_is_kept_is_never_confirmed_and_a_head_has_no_body() -> None:
    assert ask("/", if_none_match="*", if_modified_since="Fri, 01 Jan 2100 00:00:00 GMT", range="bytes=0-9")
    assert ask("/", method="HEAD") == ""


@pytest.mark.parametrize("path", ["/api", "/static/js/x.js", "/app/static/x", "/media/x", "/robots.txt"])
def test_what_is_no_page_passes_through(path: str) -> None:
    script = PAGE.parent / "manifest.json"
    found = TestClient(FrontPage(FileResponse(script))).get(path)
    assert found.content == script.read_bytes()
    assert "etag" in found.headers


@pytest.mark.parametrize("path", ["/static/no-such-file", "/a.b/..;/c", "/trip.html"])
def test_an_odd_address_that_streamlit_answers_with_its_page_is_no_exception(path: str) -> None:
    assert head(ask(path)) == ("en", "Dockcast", SUBTITLE)
