"""`systems`, `follow` and `unfollow`, beside a worker process that runs all the while."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import tests.support.misbehaving as server_that
from ingest import public_catalogue
from ingest.cli.app import app
from ingest.store import Store
from tests.ingest.test_public_catalogue import HEADER, many
from tests.support.misbehaving import Misbehaving
from tests.support.processes import wait_for
from tests.support.serving import make_recording, serving
from tests.support.store_world import store_url

ROOT = Path(__file__).resolve().parents[3]
COMMAND = [sys.executable, "-m", "ingest"]

Ran = Callable[..., Any]
"""Runs a command, and gives its exit code and what it printed."""


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """A store of its own, a home of its own, and a proxy that is not there: nothing reaches a network."""
    return os.environ | {
        "DOCKCAST_STORE": store_url(tmp_path), "DOCKCAST_CHECKPOINT_SECONDS": "1",
        "XDG_CONFIG_HOME": str(tmp_path / "home"), "https_proxy": "http://127.0.0.1:1",
    }  # fmt: skip


@pytest.fixture
def ran(env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Ran]:
    """Run commands in this process, in a twentieth of the time that one of their own takes."""
    for command in ("follow", "systems"):  # each has read its folder's name from the environment by now
        monkeypatch.setattr(f"ingest.cli.{command}.FOLDER", Path(env["XDG_CONFIG_HOME"]) / "dockcast")
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield lambda *arguments: CliRunner().invoke(app, arguments, env=env)
    for number, handler in before.items():
        signal.signal(number, handler)


@contextmanager
def worker(env: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("w") as file:
        process = subprocess.Popen([*COMMAND, "run"], cwd=ROOT, env=env, stderr=file)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def polls(store: Store, system_id: str) -> int:
    return len(store.observations.poll_times(system_id))


@pytest.fixture
def store(env: dict[str, str]) -> Iterator[Store]:
    opened = Store(env["DOCKCAST_STORE"])
    yield opened
    opened.close()


# ---------------------------------------------------------------- follow and unfollow


def test_a_running_worker_takes_up_what_another_process_follows_and_ends_what_it_unfollows(
    env: dict[str, str], ran: Ran, store: Store, tmp_path: Path
) -> None:
    folders = [make_recording(tmp_path / name, polls=range(0, 60_000, 60)) for name in ("one", "two", "new")]
    with (
        serving(folders[:2], clock=time.monotonic, speed=120) as listed,
        serving(folders[2:]) as others,
        worker(env | {"DOCKCAST_SYSTEMS": f"{listed}/systems.toml"}, tmp_path / "worker.log") as process,
    ):
        wait_for(lambda: polls(store, "one") >= 2 and polls(store, "two") >= 2)
        process.send_signal(signal.SIGHUP)
        followed = ran("follow", f"{others}/new/gbfs.json")
        assert followed.exit_code == 0, followed.stderr
        assert "GBFS 3.0" in followed.stdout
        assert "stations: 3, of these 3 with docks and 0 virtual" in followed.stdout
        assert "The running worker takes up what is followed" in followed.stdout
        assert [row.system_id for row in store.systems.followed()] == ["one", "two", "new"], "pages see it"
        took = wait_for(lambda: polls(store, "new"))
        assert took < 30

        assert ran("unfollow", "one").exit_code == 0
        wait_for(lambda: "one: not followed any more" in (tmp_path / "worker.log").read_text())
        others_then = polls(store, "two")
        wait_for(lambda: polls(store, "two") >= others_then + 2)  # a poll that had begun has ended by now
        ended, others_then = polls(store, "one"), polls(store, "two")
        wait_for(lambda: polls(store, "two") >= others_then + 4)
        assert polls(store, "one") == ended
        assert [row.system_id for row in store.systems.followed()] == ["two", "new"]

        again = ran("follow", "one")
        assert again.exit_code == 0, again.stderr
        wait_for(lambda: polls(store, "one") > ended)
        assert process.poll() is None
    log = (tmp_path / "worker.log").read_text()
    assert "the list of systems was read again: 2 systems" in log, "a hang-up has it read"
    assert "Traceback" not in log


def test_a_worker_that_starts_later_follows_what_was_chosen_before(
    env: dict[str, str], ran: Ran, store: Store, tmp_path: Path
) -> None:
    folders = [make_recording(tmp_path / name, polls=range(0, 60_000, 60)) for name in ("one", "two", "new")]
    with serving(folders[:2], clock=time.monotonic, speed=120) as listed, serving(folders[2:]) as others:
        env["DOCKCAST_SYSTEMS"] = f"{listed}/systems.toml"
        followed = ran("follow", f"{others}/new/gbfs.json")
        assert "No worker is at work; what is followed is polled once one is" in followed.stdout
        assert ran("unfollow", "one").exit_code == 0
        with worker(env, tmp_path / "worker.log"):
            wait_for(lambda: polls(store, "new") and polls(store, "two") >= 2)
            assert polls(store, "one") == 0
            assert [row.system_id for row in store.systems.followed()] == ["two", "new"]


def test_of_several_the_good_ones_are_followed_and_the_bad_ones_named(
    ran: Ran, store: Store, tmp_path: Path, server: Misbehaving
) -> None:
    server.at("/page/gbfs.json", server_that.body(b"<html>"))
    with serving([make_recording(tmp_path / "one"), make_recording(tmp_path / "two")]) as address:
        good = [f"{address}/{name}/gbfs.json" for name in ("one", "two")]
        # One that must not get out: what follows a question mark may be a key.
        bad = [server.url("/page/gbfs.json?key=hunter2"), "nobody-knows", good[0]]
        followed = ran("follow", good[0], *bad, good[1])
    assert followed.exit_code == 2
    errors = followed.stderr.strip().splitlines()
    assert len(errors) == 3
    for line, words in zip(
        errors,
        ("a web page came instead", "nobody knows nobody-knows", "is followed already, as one"),
        strict=True,
    ):
        assert line.startswith("Error: ")
        assert words in line
    assert "hunter2" not in followed.stdout + followed.stderr
    assert [row.system_id for row in store.systems.followed()][-2:] == ["one", "two"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["follow"], "name the systems to follow, or --all-docked"),
        (["follow", "dublin", "--all-docked"], "name the systems to follow, or --all-docked"),
        (["unfollow", "atlantis"], "atlantis is not followed"),
        (["follow", "dublin"], "dublin is followed already: there is nothing to do"),
    ],
)
def test_a_command_that_cannot_do_what_it_should_says_why_in_one_sentence(
    env: dict[str, str], arguments: list[str], words: str
) -> None:
    """On a store that no worker has seen yet: the packaged list is followed there."""
    refused = CliRunner().invoke(app, arguments, env={"DOCKCAST_STORE": env["DOCKCAST_STORE"]})
    assert refused.exit_code == 2
    assert words in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1


# ---------------------------------------------------------------- every docked system


def write_catalogue(env: dict[str, str], urls: dict[str, str]) -> None:
    """Put a catalogue where a fetched one lies."""
    folder = Path(env["XDG_CONFIG_HOME"]) / "dockcast"
    folder.mkdir(parents=True)
    rows = (f"IE,{name},Town,{name},,{url},3.0,,,\n" for name, url in urls.items())
    (folder / "catalogue-2026-12-01.csv").write_text(HEADER + "".join(rows), encoding="utf-8")


def test_all_docked_systems_are_followed_and_summed_up(
    env: dict[str, str], ran: Ran, store: Store, tmp_path: Path
) -> None:
    with serving([make_recording(tmp_path / f"town{n}") for n in range(3)]) as address:
        good = {f"town{n}": f"{address}/town{n}/gbfs.json" for n in range(3)}
        write_catalogue(
            env, good | {"gone": "http://127.0.0.2:1/gbfs.json", "none": f"{address}/none/gbfs.json"}
        )
        followed = ran("follow", "--all-docked")
        assert followed.exit_code == 0, followed.stderr
        assert "followed: 3 systems, 9 stations" in followed.stdout
        assert "that did not answer: 1\n    gone: " in followed.stdout
        assert "whose address leads to no feed: 1\n    none: " in followed.stdout
        assert {row.system_id for row in store.systems.followed()} >= good.keys()
        again = ran("follow", "--all-docked")
        assert again.exit_code == 0
        assert "followed: 0 systems, 0 stations\nfollowed before: 3" in again.stdout


def test_an_interrupt_keeps_what_was_followed(
    env: dict[str, str], store: Store, tmp_path: Path, server: Misbehaving
) -> None:
    server.at("/hangs/gbfs.json", server_that.silent())
    with serving([make_recording(tmp_path / f"town{n}") for n in range(3)]) as address:
        urls = {f"town{n}": f"{address}/town{n}/gbfs.json" for n in range(3)}
        # Three at the host that hangs, one after the other: on a slow machine one alone may be over too soon.
        hanging = server.url("/hangs/gbfs.json").replace("127.0.0.1", "localhost")
        write_catalogue(env, urls | {f"hangs{n}": hanging + "?" * n for n in range(3)})
        command = subprocess.Popen([*COMMAND, "follow", "--all-docked"], cwd=ROOT, env=env, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
        try:
            wait_for(lambda: urls.keys() <= {row.system_id for row in store.systems.followed()})
            command.send_signal(signal.SIGINT)
            output, errors = command.communicate(timeout=60)
        finally:
            command.kill()
            command.communicate()
    assert command.returncode == 130
    assert "followed: 3 systems, 9 stations" in output
    # It did not wait for the host that hangs: all would have been asked then, and away.
    assert re.search(r"interrupted; [123] systems were not asked: run it again to go on", errors)
    assert "Traceback" not in errors


# ---------------------------------------------------------------- systems


def test_the_catalogue_is_searched_without_a_network_and_without_a_store(
    env: dict[str, str], ran: Ran
) -> None:
    env["DOCKCAST_STORE"] = "sqlite:////nowhere/at/all.db"
    found = ran("systems", "velib")
    assert found.exit_code == 0, found.stderr
    assert found.stdout.startswith(
        "Paris: Vélib' Metropole, Paris, FR\n    https://velib-metropole-opendata."
    )
    assert "As of 2026-11-24" in found.stdout
    assert "(needs a key)" in ran("systems", "lime wetzikon").stdout
    assert "has no system with 'atlantis'" in ran("systems", "atlantis").stdout
    assert "name a word to search for" in ran("systems").stderr


def test_a_refresh_without_a_network_says_so_and_the_search_goes_on(ran: Ran) -> None:
    refused = ran("systems", "--refresh")
    assert refused.exit_code == 2
    assert "the public catalogue cannot be had: " in refused.stderr
    assert "that of 2026-11-24 stays in use" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
    assert "Paris: " in ran("systems", "velib").stdout


def test_a_fetched_catalogue_is_searched_from_then_on(
    env: dict[str, str], server: Misbehaving, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The command as a function, since the catalogue's address is not for an operator to choose."""
    server.at("/systems.csv", server_that.body(many(1000)))
    monkeypatch.setattr("ingest.cli.systems.FOLDER", tmp_path)
    monkeypatch.setattr(public_catalogue.refresh, "__defaults__", (server.url("/systems.csv"),))
    fetched = CliRunner().invoke(app, ["systems", "--refresh", "s999"])
    today = datetime.now(UTC).date()
    assert f"The public catalogue of {today} is here: 1,000 systems" in fetched.output
    assert "s999: S999, Town, FR" in fetched.output
    assert public_catalogue.newest(tmp_path).as_of == today
