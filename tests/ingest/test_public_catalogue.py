"""The public catalogue: the copy that comes with the app, a newer one that is fetched, and the search."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

import tests.support.misbehaving as server_that
from ingest.http.client import Fetcher, names_private
from ingest.public_catalogue import PACKAGED, CatalogueEntry, CatalogueError, newest, parse, refresh
from tests.support.misbehaving import Misbehaving

COPIED = date(2026, 11, 24)
TODAY = date(2026, 12, 1)
HEADER = "Country Code,Name,Location,System ID,URL,Auto-Discovery URL,Supported Versions,"
HEADER += "Authentication Info URL,Authentication Type,Authentication Parameter Name\n"
ROWS = (
    HEADER
    + "FR,Vélib' Metropole,Paris,Paris,https://v.example,https://v.example/gbfs.json,1.0,,,\n"
    + 'US,Blue Bikes,"Boston, MA",bluebikes,https://b.example,https://b.example/gbfs.json,1.1,,0,\n'
    + "CH,Lime Zürich,Zürich,lime_zh,https://l.example,https://l.example/gbfs.json,2.3,https://docs,2,Auth\n"
    + "DE,Short row\n"
)


@pytest.fixture
def fetcher() -> Iterator[Fetcher]:
    made = Fetcher(seconds=5)
    yield made
    made.close()


def many(number: int) -> bytes:
    """A catalogue of so many systems."""
    rows = (f"FR,S{n},Town,s{n},,https://s{n}.example/gbfs.json,2.3,,,\n" for n in range(number))
    return (HEADER + "".join(rows)).encode()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


# ---------------------------------------------------------------- what comes with the app


def test_the_packaged_catalogue_is_the_worlds_and_has_a_date(tmp_path: Path) -> None:
    catalogue = newest(tmp_path)
    assert catalogue.as_of == COPIED
    assert len(catalogue.entries) == 1520
    assert len({entry.country for entry in catalogue.entries}) >= 48
    assert all(entry.url.startswith(("http://", "https://")) for entry in catalogue.entries)
    assert not any(names_private(entry.url) for entry in catalogue.entries)
    assert sum(entry.needs_key for entry in catalogue.entries) == 5


def test_the_packaged_catalogue_is_the_public_one_byte_by_byte(shared: Path) -> None:
    packaged = PACKAGED / f"catalogue-{COPIED}.csv"
    assert packaged.read_bytes() == (shared / "gbfs" / "systems.csv").read_bytes()


@pytest.mark.parametrize("name", [f"catalogue-{TODAY}.csv", "catalogue-2099-99-99.csv"])
def test_a_fetched_catalogue_that_cannot_be_read_any_more_is_passed_over(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(ROWS.encode() if "99" in name else b"<html>")
    assert newest(tmp_path).as_of == COPIED


def test_a_packaged_catalogue_that_is_newer_than_a_fetched_one_is_used(tmp_path: Path) -> None:
    """Of a later release: what somebody fetched once must not hide it for good."""
    (tmp_path / "catalogue-2025-01-01.csv").write_bytes(ROWS.encode())
    assert newest(tmp_path).as_of == COPIED
    (tmp_path / f"catalogue-{TODAY}.csv").write_bytes(ROWS.encode())
    assert newest(tmp_path).as_of == TODAY


# ---------------------------------------------------------------- a newer one


def test_a_newer_catalogue_replaces_the_one_fetched_before(
    server: Misbehaving, fetcher: Fetcher, tmp_path: Path
) -> None:
    folder = tmp_path / "not there yet"
    for day, number in ((TODAY, 1000), (TODAY.replace(day=2), 1001), (TODAY.replace(day=2), 1002)):
        server.at("/systems.csv", server_that.body(many(number)))
        assert len(refresh(folder, fetcher, day, server.url("/systems.csv")).entries) == number
        assert (newest(folder).as_of, len(newest(folder).entries)) == (day, number)
        assert names(folder) == [f"catalogue-{day}.csv"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        pytest.param(server_that.status(404), "cannot be had: .*HTTP 404", id="not_found"),
        pytest.param(server_that.breaks_off(many(1500)), "cannot be had", id="breaks_off"),
        pytest.param(server_that.body(b""), "is not the catalogue that we know", id="empty"),
        pytest.param(server_that.body(b"<html>"), "is not the catalogue that we know", id="web_page"),
        pytest.param(server_that.body(b"a,b\n1,2\n"), "is not the catalogue that we know", id="other_table"),
        pytest.param(server_that.body(b"\x00\xff"), "is not the catalogue that we know", id="bytes"),
        pytest.param(server_that.body(HEADER.encode()), "is a catalogue without a system", id="no_row"),
        pytest.param(server_that.body(many(700)), "has 700 systems where there were 1,520", id="half_gone"),
        pytest.param(
            server_that.body(many(1500) + b'"' + b"x" * 200_000), "is no table that can be read", id="huge"
        ),
    ],
)
def test_a_broken_answer_is_refused_and_the_old_catalogue_stays(
    server: Misbehaving, fetcher: Fetcher, tmp_path: Path, answer: server_that.Behaviour, words: str
) -> None:
    (tmp_path / "catalogue-2026-11-30.csv").write_bytes(many(1520))
    server.at("/systems.csv", answer)
    with pytest.raises(CatalogueError, match=f"{words}.*; that of 2026-11-30 stays in use"):
        refresh(tmp_path, fetcher, TODAY, server.url("/systems.csv"))
    assert names(tmp_path) == ["catalogue-2026-11-30.csv"]
    assert newest(tmp_path).as_of == date(2026, 11, 30)


def test_a_catalogue_that_cannot_be_written_leaves_the_old_one(
    server: Misbehaving, fetcher: Fetcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk at the worst moment: all is written but the name."""
    server.at("/systems.csv", server_that.body(many(1520)))

    def full(*paths: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(CatalogueError, match=r"cannot be written to .*No space left"):
        refresh(tmp_path, fetcher, TODAY, server.url("/systems.csv"))
    assert names(tmp_path) == []
    assert newest(tmp_path).as_of == COPIED


def test_a_public_catalogue_may_not_name_private_addresses(
    server: Misbehaving, fetcher: Fetcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The catalogue's own address is taken for a public one here."""
    inside = "XX,Inside,Town,inside,,http://127.0.0.1:1/gbfs.json,2.3,,,\n"
    server.at("/systems.csv", server_that.body(many(1520) + inside.encode()))
    monkeypatch.setattr(
        "ingest.public_catalogue.names_private", lambda url: ":1/" in url and names_private(url)
    )
    with pytest.raises(CatalogueError, match="in your own network, which a public catalogue may not"):
        refresh(tmp_path, fetcher, TODAY, server.url("/systems.csv"))


# ---------------------------------------------------------------- the search


@pytest.mark.parametrize(
    ("word", "ids"),
    [
        pytest.param("velib", ["Paris"], id="name_without_accent"),
        pytest.param("VÉLIB", ["Paris"], id="name_in_capitals"),
        pytest.param("zurich", ["lime_zh"], id="place_without_umlaut"),
        pytest.param("boston, ma", ["bluebikes"], id="place_with_a_comma"),
        pytest.param("lime_zh", ["lime_zh"], id="id"),
        pytest.param("us", ["bluebikes"], id="country"),
        pytest.param("atlantis", [], id="nothing"),
    ],
)
def test_the_catalogue_is_searched(tmp_path: Path, word: str, ids: list[str]) -> None:
    (tmp_path / f"catalogue-{TODAY}.csv").write_bytes(ROWS.encode())
    assert [found.system_id for found in newest(tmp_path).search(word)] == ids


def test_the_catalogue_tells_which_systems_need_a_key() -> None:
    found = {entry.system_id: entry for entry in parse(b"\xef\xbb\xbf" + ROWS.encode())}
    assert (found["lime_zh"].needs_key, found["lime_zh"].key_info) == (True, "https://docs")
    assert not found["bluebikes"].needs_key, "type 0 is no authentication"
    assert found["Paris"] == CatalogueEntry(
        "Paris", "Vélib' Metropole", "Paris", "FR", "https://v.example/gbfs.json"
    )
    assert len(found) == 3, "a row without an address is of no use"
