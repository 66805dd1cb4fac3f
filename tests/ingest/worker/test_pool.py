"""Many systems at once: few threads, few polls at one host, and hosts that hang are in nobody's way."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

import tests.support.misbehaving as server_that
from ingest.gbfs.feed import Feed, Poll
from ingest.http.client import Fetcher
from ingest.store import Store
from ingest.system import System
from ingest.worker import worker
from ingest.worker.host_limit import HostLimit
from ingest.worker.tick import Ticker
from ingest.worker.turns import Turns
from tests.support.gbfs_world import holding, place, wrap
from tests.support.misbehaving import Misbehaving
from tests.support.processes import wait_for
from tests.support.worker_world import working


class Planet(Misbehaving):
    """Systems on hosts of their own; those in `hanging` take requests and never answer."""

    def __init__(self) -> None:
        super().__init__("")

    def add(self, name: str, host: str, hanging: bool = False) -> System:
        """Serve a system at a host, and follow it ten times a second."""
        urls = {
            each: self.url(f"/{name}/{each}.json", host) for each in ("station_information", "station_status")
        }
        feeds = [{"name": each, "url": url} for each, url in urls.items()]
        for each, data in (
            ("gbfs", {"en": {"feeds": feeds}}),
            ("station_information", {"stations": [place("1")]}),
            ("station_status", {"stations": [holding("1")]}),
        ):
            answer = server_that.silent(300) if hanging else server_that.document(wrap(data, ttl=0))
            self.at(f"/{name}/{each}.json", answer)
        return System(name, name, name, "FR", self.url(f"/{name}/gbfs.json", host), 0.1, 1, "replayed")


@pytest.fixture
def planet() -> Iterator[Planet]:
    made = Planet()
    with made:
        yield made


class Polls:
    """Notes which thread polls which system, and how many polls of each host run at a time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.threads: dict[str, list[str]] = defaultdict(list)
        self.running: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self._lock = threading.Lock()
        poll, noted = Feed.poll, self

        def watched(feed: Feed) -> Poll:
            name, host = feed._system.system_id, feed._system.url.split("/")[2]
            with noted._lock:
                noted.threads[name].append(threading.current_thread().name)
                noted.running[host] += 1
                noted.most[host] = max(noted.most[host], noted.running[host])
            try:
                return poll(feed)
            finally:
                with noted._lock:
                    noted.running[host] -= 1

        monkeypatch.setattr(Feed, "poll", watched)


@pytest.fixture
def polls(monkeypatch: pytest.MonkeyPatch) -> Polls:
    return Polls(monkeypatch)


def test_hundreds_of_systems_share_a_few_threads(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "THREADS", 6)
    ticks: Counter[str] = Counter()
    most, earlier = 0, set(threading.enumerate())  # a thread of the test before may still be ending

    def tick(self: Ticker) -> datetime:
        nonlocal most
        ticks[self.system.system_id] += 1
        ours = (thread for thread in threading.enumerate() if thread not in earlier)
        most = max(most, sum(thread.name.startswith("tick") for thread in ours))
        time.sleep(0.001)
        return datetime.now(UTC) + timedelta(seconds=0.5)

    monkeypatch.setattr(Ticker, "tick", tick)
    systems = [
        System(f"city-{n}", "", "", "FR", f"http://127.0.3.{n % 250}/gbfs.json", 1, 1, "replayed")
        for n in range(300)
    ]
    with working(store, systems):
        wait_for(lambda: len(ticks) == 300 and min(ticks.values()) >= 2)
    assert most == 6


def test_many_hosts_that_hang_at_once_delay_no_other_system(
    store: Store, planet: Planet, polls: Polls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forty hang for good from their first request on. Five answer, and are polled on and on meanwhile."""
    hanging = [planet.add(f"hanging-{n}", f"127.0.4.{n + 1}", hanging=True) for n in range(40)]
    well = [planet.add(f"well-{n}", f"127.0.5.{n + 1}") for n in range(5)]
    monkeypatch.setattr(worker, "STOP_WITHIN", 0.1)
    fetcher = Fetcher(seconds=300)
    fetcher._timeout = (300, 300)
    with working(store, [*hanging, *well], fetcher):
        wait_for(lambda: len([name for name in polls.threads if name.startswith("hanging")]) == 40)
        begun = {system.system_id: len(polls.threads[system.system_id]) for system in well}
        wait_for(lambda: all(len(polls.threads[name]) >= 5 + n for name, n in begun.items()))
        assert all(len(polls.threads[system.system_id]) == 1 for system in hanging), "they still hang"
        planet.gone.set()


def test_a_host_that_let_us_wait_has_other_threads_from_then_on(
    store: Store, planet: Planet, polls: Polls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "SLOW", 2.0)
    monkeypatch.setattr(worker, "SLOW_THREADS", 2)
    monkeypatch.setattr(worker, "STOP_WITHIN", 0.1)
    hanging = [planet.add(f"hanging-{n}", f"127.0.6.{n + 1}", hanging=True) for n in range(3)]
    well = planet.add("well", "127.0.7.1")
    with working(store, [*hanging, well], Fetcher(seconds=3)):
        wait_for(lambda: all(len(polls.threads[system.system_id]) >= 2 for system in hanging))
        wait_for(lambda: len(polls.threads["well"]) >= 3)
    for system in hanging:
        first, *later = polls.threads[system.system_id]
        assert first.startswith("tick")
        assert {name.partition("_")[0] for name in later} == {"slow"}
    assert len({name for names in polls.threads.values() for name in names if name.startswith("slow")}) <= 2
    assert {name.partition("_")[0] for name in polls.threads["well"]} == {"tick"}


def test_a_host_of_many_systems_that_hangs_takes_few_threads_and_all_its_systems_have_their_turn(
    store: Store, planet: Planet, polls: Polls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One operator publishes hundreds of systems at one address."""
    monkeypatch.setattr(worker, "AT_A_HOST", 3)
    monkeypatch.setattr(worker, "THREADS", 5)
    monkeypatch.setattr(worker, "STOP_WITHIN", 0.1)
    hanging = [planet.add(f"hanging-{n}", "127.0.8.1", hanging=True) for n in range(12)]
    well = planet.add("well", "127.0.9.1")
    with working(store, [*hanging, well], Fetcher(seconds=0.4)):
        wait_for(lambda: len([name for name in polls.threads if name.startswith("hanging")]) == 12)
        wait_for(lambda: len(polls.threads["well"]) >= 5)
        wait_for(lambda: all(store.systems.states()[each.system_id].failures for each in hanging))
    assert max(most for host, most in polls.most.items() if host.startswith("127.0.8.1")) == 3


def test_commands_are_taken_up_while_all_threads_have_ticks(
    store: Store, planet: Planet, polls: Polls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "LOOK_EVERY", 0.1)
    monkeypatch.setattr(worker, "THREADS", 1)
    monkeypatch.setattr(worker, "STOP_WITHIN", 0.1)
    hanging, other = planet.add("hanging", "127.0.11.1", hanging=True), planet.add("other", "127.0.11.2")
    with working(store, [hanging, other], Fetcher(seconds=60)) as running:
        wait_for(lambda: "hanging" in polls.threads)
        store.systems.unfollow("hanging")
        wait_for(lambda: "hanging" not in running._tickers)
        planet.gone.set()


def test_a_tick_that_waits_to_compute_keeps_no_place_at_its_host(
    store: Store, planet: Planet, polls: Polls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host with hundreds of systems was asked by eight ticks that waited for others to compute."""
    monkeypatch.setattr(worker, "AT_A_HOST", 1)
    compute, enter = threading.Event(), Turns.__enter__

    def enter_later(self: Turns) -> None:
        if any(threading.current_thread().name in names for names in list(polls.threads.values())):
            compute.wait(60)  # this thread has polled
        enter(self)

    monkeypatch.setattr(Turns, "__enter__", enter_later)
    systems = [planet.add(f"city-{n}", "127.0.10.1") for n in range(5)]
    with working(store, systems):
        wait_for(lambda: len(polls.threads) == 5)
        compute.set()
        wait_for(lambda: all(store.systems.states()[each.system_id].at for each in systems))
    assert set(polls.most.values()) == {1}


# ---------------------------------------------------------------- the parts


def test_polls_that_wait_at_a_host_begin_in_their_order_when_others_end() -> None:
    limit: HostLimit[str] = HostLimit(2)
    assert [limit.enter("host", name) for name in "abcd"] == [True, True, False, False]
    assert limit.enter("other", "e"), "other hosts are not concerned"
    assert [limit.leave("host") for _ in range(4)] == ["c", "d", None, None]
    assert limit.leave("other") is None
    assert [limit.enter("host", name) for name in "abc"] == [True, True, False]


def test_a_limit_that_falls_while_polls_wait_lets_those_at_the_host_end_first() -> None:
    """Workers share the limit of a host: another has joined."""
    limit: HostLimit[str] = HostLimit(3)
    assert [limit.enter("host", name) for name in "abcde"] == [True, True, True, False, False]
    limit.most = 1
    assert [limit.leave("host") for _ in range(3)] == [None, None, "d"]
    assert not limit.enter("host", "f")
    assert [limit.leave("host") for _ in range(3)] == ["e", "f", None]


def test_ticks_that_are_late_are_in_the_log_when_that_begins_and_when_it_ends(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    monkeypatch.setattr(worker, "LATE_EVERY", 0.0)
    lateness = worker.Lateness()
    for seconds in (0.2, 11.0, 42.0, 0.3, 9.9):
        lateness.note(seconds)
        lateness.report()
    assert [record.getMessage() for record in caplog.records] == [
        "ticks are late, by up to 11 s: this machine has too much to do",
        "ticks are on time again",
    ]
