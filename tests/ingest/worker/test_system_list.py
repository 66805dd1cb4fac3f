"""The list of systems while a worker runs: what changes is taken up, and what is wrong loses nothing."""

from __future__ import annotations

import os
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest import registry
from ingest.http.client import Fetcher
from ingest.registry import RegistryError
from ingest.settings import Settings
from ingest.store import Store
from ingest.system import System
from ingest.worker import system_list, worker
from ingest.worker.system_list import SystemList
from ingest.worker.worker import Worker
from tests.support.processes import wait_for
from tests.support.serving import make_recording, serving

ENTRY = """
[[systems]]
id = "{id}"
name = "{name}"
url = "{url}"
poll_seconds = 0.5
speed = 120
label = "replayed"
"""


class Written:
    """A list in a file, and what a worker makes of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.asked = threading.Event()
        self._saved = 0

    def write(self, *ids: str, url: str = "http://127.0.0.1:1/{id}/gbfs.json", name: str = "Town") -> None:
        self.save("".join(ENTRY.format(id=id, name=name, url=url.format(id=id)) for id in ids))

    def save(self, text: str) -> None:
        """Save the file, with a time of its own: the clock of a file system may be coarse."""
        self.path.write_text(text, encoding="utf-8")
        self._saved += 1
        os.utime(self.path, (self._saved, self._saved))

    def list(self) -> SystemList:
        return SystemList(str(self.path), Fetcher(), self.asked)


@pytest.fixture
def written(tmp_path: Path) -> Written:
    made = Written(tmp_path / "own.toml")
    made.write("one", "two")
    return made


def ids(systems: list[System] | None) -> list[str] | None:
    return None if systems is None else [system.system_id for system in systems]


@pytest.mark.both
def test_a_file_that_changes_is_read_once_it_stays_as_it_is(store: Store, written: Written) -> None:
    read = written.list()
    assert ids(read.load(store, threading.Event())) == ["one", "two"]
    assert read.changed(store) is None
    written.write("one")
    assert read.changed(store) is None, "somebody may still write it"
    written.write("one", "two", "three")
    assert read.changed(store) is None
    assert ids(read.changed(store)) == ["one", "two", "three"]
    assert read.changed(store) is None


@pytest.mark.both
def test_a_wrong_list_loses_nothing_and_is_told_once(
    store: Store, written: Written, caplog: pytest.LogCaptureFixture
) -> None:
    read = written.list()
    read.load(store, threading.Event())
    written.save(written.path.read_text().replace("name", "nam", 1))
    assert [ids(read.changed(store)) for _ in range(4)] == [None] * 4
    (record,) = [each for each in caplog.records if each.levelname == "ERROR"]
    assert "the one before stays in use" in record.getMessage()
    assert "name is missing: add it" in record.getMessage()
    since = store.findings.list_fault_since()
    assert since is not None
    read.changed(store)
    assert store.findings.list_fault_since() == since
    written.path.unlink()
    assert [ids(read.changed(store)) for _ in range(3)] == [None] * 3
    assert "cannot be read" in caplog.text
    assert store.findings.list_fault_since() == since
    written.write("two")
    assert ids(next(filter(None, (read.changed(store) for _ in range(2))))) == ["two"]
    assert store.findings.list_fault_since() is None


def test_a_worker_that_starts_with_a_wrong_list_goes_on_with_what_is_followed(
    store: Store, written: Written
) -> None:
    written.save("[[system]]")
    with pytest.raises(RegistryError, match="must hold"):
        written.list().load(store, threading.Event())
    before = System("one", "One", "", "", "https://bikes.example/gbfs.json")
    store.systems.follow([before])
    assert written.list().load(store, threading.Event()) == [before]
    assert store.findings.list_fault_since() is not None


def test_a_hang_up_has_the_list_read_though_its_file_is_the_same(store: Store, written: Written) -> None:
    read = written.list()
    read.load(store, threading.Event())
    written.asked.set()
    assert ids(read.changed(store)) == ["one", "two"]
    assert read.changed(store) is None


def test_a_list_whose_server_is_not_up_yet_is_read_again(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(system_list, "_RETRY", (0.01, 0.02))
    load, asked = registry.load, []

    def not_yet(source: str | None, fetcher: Fetcher) -> list[System]:
        asked.append(source)
        return load(source if len(asked) > 2 else "http://127.0.0.1:1/systems.toml", fetcher)

    monkeypatch.setattr(registry, "load", not_yet)
    with serving([make_recording(tmp_path / "one")]) as address:
        read = SystemList(f"{address}/systems.toml", Fetcher(), threading.Event())
        assert ids(read.load(store, threading.Event())) == ["one"]
    assert caplog.text.count("next try in") == 2


def test_waiting_for_a_list_ends_when_the_worker_stops(store: Store) -> None:
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    away = SystemList("http://127.0.0.1:1/systems.toml", Fetcher(), threading.Event())
    assert away.load(store, stop) == []


def polls(store: Store, system_id: str) -> int:
    return len(store.observations.poll_times(system_id))


@pytest.mark.both
def test_a_worker_takes_up_and_ends_what_its_list_adds_renames_and_leaves_out(
    store: Store, written: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "LOOK_EVERY", 0.1)
    folders = [make_recording(tmp_path / name, polls=range(0, 6000, 60)) for name in ("one", "two")]
    stop, settings = threading.Event(), Settings(store="", checkpoint_seconds=1)
    with serving(folders, clock=time.monotonic, speed=120) as address:
        url = f"{address}/{{id}}/gbfs.json"
        written.write("one", url=url)
        read = written.list()
        made = Worker(store, read.load(store, stop), Fetcher(), settings, system_list=read)
        thread = threading.Thread(target=made.run, args=[stop], daemon=True)
        thread.start()
        try:
            wait_for(lambda: polls(store, "one") >= 2)
            written.write("one", "two", url=url)
            wait_for(lambda: polls(store, "two") >= 2)
            written.save("[[systems]")
            wait_for(lambda: store.findings.list_fault_since() is not None)
            learnt = polls(store, "one"), polls(store, "two")
            wait_for(lambda: polls(store, "one") > learnt[0] and polls(store, "two") > learnt[1])
            written.write("two", url=url, name="Another Name")
            wait_for(lambda: made._tickers.keys() == {"two"})
            wait_for(lambda: made._tickers["two"].system.name == "Another Name")
            learnt = polls(store, "one"), polls(store, "two")
            wait_for(lambda: polls(store, "two") > learnt[1] + 1)
            assert [(row.system_id, row.name) for row in store.systems.followed()] == [
                ("two", "Another Name")
            ]
            assert store.systems.states()["one"].state == "waiting"
            assert store.leases.holder(datetime.now(UTC)) == made.holder
        finally:
            stop.set()
            thread.join(30)
