"""`check`: a list with its feeds, and one feed; whatever it finds, it changes nothing."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from typer.testing import CliRunner

import tests.support.misbehaving as server_that
from ingest.cli.app import app
from tests.support.misbehaving import Misbehaving
from tests.support.serving import make_recording, serving


@pytest.fixture(autouse=True)
def handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the handlers of signals alone, and give no store: the command needs none."""
    monkeypatch.setattr("ingest.cli.check.stop_on_signals", threading.Event)
    monkeypatch.setenv("DOCKCAST_STORE", "sqlite:////nowhere/at/all.db")


def checked(what: object) -> tuple[int, list[str]]:
    ran = CliRunner().invoke(app, ["check", str(what)])
    return ran.exit_code, ran.output.strip().splitlines()


def entry(id: str, url: str, more: str = "") -> str:
    return f'[[systems]]\nid = "{id}"\nname = "{id}"\nurl = "{url}"\n{more}\n'


def test_a_list_is_checked_whole_and_each_feed_asked_once(tmp_path: Path, server: Misbehaving) -> None:
    server.at("/page/gbfs.json", server_that.body(b"<html>"))
    page, own = server.url("/page/gbfs.json?key=hunter2"), tmp_path / "own.toml"
    with serving([make_recording(tmp_path / "dublin")]) as address:
        good = entry("dublin", f"{address}/dublin/gbfs.json")
        played = entry("town", "simulated:harbourton", 'label = "simulated"')
        own.write_text(good + played, encoding="utf-8")
        assert checked(own) == (0, [
            "dublin: GBFS 3.0, stations: 3, with docks: 3, oddities: old_time, status_missing",
            f"{own}: systems: 2, played: 1, asked and usable: 1, not usable now: 0, wrong entries: 0",
        ])  # fmt: skip
        bad = entry("../x", "https://x.example"), entry("y", "https://y.example", "speed = 9")
        own.write_text(good + "".join(bad) + entry("page", page), encoding="utf-8")
        code, lines = checked(own)
    assert code == 1
    assert "wrong: system '../x'" in lines[0]
    assert "speed is not 1" in lines[1]
    assert any(line.startswith("wrong: page: ") and "a web page came instead" in line for line in lines)
    assert lines[-1].endswith(
        "systems: 2, played: 0, asked and usable: 1, not usable now: 1, wrong entries: 2"
    )
    assert "hunter2" not in "".join(lines)
    assert server.times("/page/gbfs.json?key=hunter2") == 1


def test_a_list_at_an_address_is_checked_too(tmp_path: Path) -> None:
    with serving([make_recording(tmp_path / "dublin")]) as address:
        assert checked(f"{address}/systems.toml")[0] == 0
        code, lines = checked(f"{address}/none.toml")
    assert (code, len(lines)) == (2, 1)
    assert "Error: the list of systems cannot be had" in lines[0]


def test_a_feed_is_asked_as_a_first_poll_would_and_needs_no_forecasts(tmp_path: Path) -> None:
    with serving([make_recording(tmp_path / "dublin")]) as address:
        url = f"{address}/dublin/gbfs.json"
        code, lines = checked(url)
        assert code == 0
        assert lines[0] == "GBFS 3.0"
        assert lines[-1] == f"{url} (the feed, which has no forecasts): nothing is wrong"
        code, (line,) = checked(f"{address}/atlantis/gbfs.json")
    assert code == 1
    assert line.startswith("wrong: ")
    assert "check it, or search the public catalogue" in line


def test_a_feeds_forecasts_are_checked_where_it_has_any(tmp_path: Path, server: Misbehaving) -> None:
    """The names are those of a recording, whose server writes no forecast: the document is not there."""
    with serving([make_recording(tmp_path / "dublin")]) as address:
        names = ("station_information", "station_status", "system_information", "station_forecast")
        feeds = [{"name": name, "url": f"{address}/dublin/{name}.json"} for name in names]
        server.at("/gbfs.json", server_that.document({"version": "3.0", "data": {"feeds": feeds}}))
        code, lines = checked(server.url("/gbfs.json"))
    assert code == 1
    assert any(line.startswith("wrong: station_forecast cannot be fetched") for line in lines)
    assert "(the feed and its forecasts)" in lines[-1]
