"""The worker: many systems at once, none in the way of another, and a stop that loses nothing."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from ingest import registry
from ingest.gbfs.errors import EmptyDocument
from ingest.gbfs.feed import Feed, Poll
from ingest.http.client import Fetcher
from ingest.replay.open_source import recorded_systems
from ingest.replay.recording import Recording
from ingest.settings import Settings
from ingest.store import LeaseClaim, Store
from ingest.system import System
from ingest.worker import schedule, tick, worker
from ingest.worker.sharing import share
from ingest.worker.tick import Ticker
from ingest.worker.worker import Worker
from tests.support.processes import wait_for
from tests.support.serving import make_recording, serving
from tests.support.store_world import commit, counted, described, learnt
from tests.support.worker_world import working

LIVE = System("live", "Live", "Live", "IE", "http://127.0.0.1:1/gbfs.json")
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def cities(tmp_path: Path) -> Iterator[list[System]]:
    """Three recordings at 120 times their pace: a poll each half second."""
    folders = [make_recording(tmp_path / name, polls=range(0, 6000, 60)) for name in ("one", "two", "three")]
    with serving(folders, clock=time.monotonic, speed=120) as address:
        yield registry.load(f"{address}/systems.toml", Fetcher())


def test_a_recording_that_comes_later_is_taken_up_and_read_once(
    store: Store, cities: list[System], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, read = tmp_path / "recordings", Recording.read
    folder.mkdir()
    reads: list[Path] = []
    monkeypatch.setattr("ingest.replay.open_source.RECORDINGS", folder)

    def counted(path: Path) -> Recording:
        reads.append(path)
        return read(path)

    monkeypatch.setattr("ingest.replay.open_source.Recording.read", counted)
    monkeypatch.setattr(worker, "recorded_systems", partial(recorded_systems, folder))
    monkeypatch.setattr(worker, "LOOK_EVERY", 0.1)
    with working(store, cities[:1]):
        wait_for(lambda: store.leases.holder(datetime.now(UTC)))
        make_recording(folder / "town")
        wait_for(lambda: store.playback.get("recorded-town"))
        assert [row.system_id for row in store.systems.followed()] == ["one", "recorded-town"]
        assert store.observations.poll_times("recorded-town") == [], "it waits to be played"
        known = len(reads)
        time.sleep(0.5)
        assert len(reads) == known


def polls(store: Store, system_id: str) -> int:
    return len(store.observations.poll_times(system_id))


@pytest.mark.both
def test_what_is_followed_and_unfollowed_meanwhile_is_taken_up_without_a_restart(
    store: Store, cities: list[System], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "LOOK_EVERY", 0.1)
    one, two, _ = cities
    with working(store, [one]) as made:
        wait_for(lambda: polls(store, "one") >= 2)
        store.systems.follow_one(two)
        wait_for(lambda: polls(store, "two") >= 2)
        assert store.systems.unfollow("one")
        wait_for(lambda: store.leases.take(LeaseClaim("one", "another", datetime.now(UTC), tick.LEASE)))
        ended, others = polls(store, "one"), polls(store, "two")
        wait_for(lambda: polls(store, "two") >= others + 3)
        assert polls(store, "one") == ended
        assert store.systems.states()["one"].state == "waiting", "it is not live any more"
        store.leases.drop_all("another")
        store.systems.follow_one(one)
        wait_for(lambda: polls(store, "one") > ended)
        assert store.observations.poll_times("one") == sorted(set(store.observations.poll_times("one")))
        store.systems.follow_one(replace(two, label="simulated"))
        wait_for(lambda: "two" in made._tickers and made._tickers["two"].system.label == "simulated")
        wait_for(lambda: polls(store, "two") >= 1)


def test_a_system_that_is_followed_again_while_its_last_tick_hangs_has_one_ticker(
    store: Store, cities: list[System], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two tickers of one worker would share its lease, and both would learn."""
    monkeypatch.setattr(worker, "LOOK_EVERY", 0.05)
    entered, answer, at_once, most = threading.Event(), threading.Event(), [0], [0]
    poll = Feed.poll

    def hang(self: Feed) -> Poll:
        if self._system.system_id != "two":
            return poll(self)
        at_once[0] += 1
        most[0] = max(most[0], at_once[0])
        entered.set()
        answer.wait(60)
        try:
            return poll(self)
        finally:
            at_once[0] -= 1

    monkeypatch.setattr(Feed, "poll", hang)
    with working(store, cities[:2]) as made:
        assert entered.wait(30)
        store.systems.unfollow("two")
        wait_for(lambda: "two" not in made._tickers)
        store.systems.follow_one(cities[1])
        seen = polls(store, "one")
        wait_for(lambda: polls(store, "one") >= seen + 2)
        assert "two" not in made._tickers, "its last tick has not ended"
        answer.set()
        wait_for(lambda: polls(store, "two") >= 2)
        assert most == [1]


def test_a_poll_that_waits_for_its_host_is_not_made_once_nobody_follows_the_system(
    store: Store, cities: list[System], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "LOOK_EVERY", 0.05)
    monkeypatch.setattr(worker, "AT_A_HOST", 1)
    entered, answer = threading.Event(), threading.Event()
    poll, asked = Feed.poll, set()

    def hang(self: Feed) -> Poll:
        asked.add(self._system.system_id)
        entered.set()
        answer.wait(60)
        return poll(self)

    monkeypatch.setattr(Feed, "poll", hang)
    with working(store, cities[:2]) as made:
        assert entered.wait(30)
        waits = ({"one", "two"} - asked).pop()
        wait_for(lambda: any(due == float("inf") and ticker.system.system_id == waits
                             for ticker, (_, due) in list(made._bookings.items())))  # fmt: skip
        store.systems.unfollow(waits)
        wait_for(lambda: waits not in made._tickers)
        answer.set()
        wait_for(lambda: polls(store, asked.copy().pop()) >= 2)
        assert waits not in asked
        assert made._ending == set()


def test_a_recording_that_is_unfollowed_stays_out_and_is_not_read_again(
    store: Store, cities: list[System], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "recordings"
    monkeypatch.setattr("ingest.replay.open_source.RECORDINGS", folder)
    monkeypatch.setattr(worker, "recorded_systems", partial(recorded_systems, folder))
    monkeypatch.setattr(worker, "LOOK_EVERY", 0.1)
    make_recording(folder / "town")
    with working(store, cities[:1]) as made:
        wait_for(lambda: "recorded-town" in made._tickers)
        store.systems.unfollow("recorded-town")
        wait_for(lambda: "recorded-town" not in made._tickers)
        seen = polls(store, "one")
        wait_for(lambda: polls(store, "one") >= seen + 2)
        assert [row.system_id for row in store.systems.followed()] == ["one"]


def test_a_recording_that_only_another_machine_has_keeps_no_other_waiting(
    store: Store, cities: list[System], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "LOOK_EVERY", 0.05)
    store.systems.follow_one(replace(LIVE, system_id="there", url="recorded:there", label="replayed"))
    with working(store, cities[:1]):
        wait_for(lambda: polls(store, "one") >= 3)
    assert caplog.text.count("there: cannot be played here") == 1


def holder(store: Store) -> str | None:
    return store.leases.holder(datetime.now(UTC))


def test_all_systems_are_followed_until_the_worker_stops(store: Store, cities: list[System]) -> None:
    with working(store, cities) as made:
        wait_for(lambda: all(len(store.observations.poll_times(city.system_id)) >= 3 for city in cities))
        assert holder(store) == made.holder
    assert holder(store) is None
    assert [row.system_id for row in store.systems.followed()] == [city.system_id for city in cities]
    for state in store.systems.states().values():
        assert (state.state, state.failures) == ("live", 0)


def test_a_feed_that_is_down_and_one_that_hangs_keep_no_other_waiting(
    store: Store, cities: list[System], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the stop does not wait for it: what it brings after that is not written any more."""
    answer = threading.Event()
    entered = threading.Event()
    others = threading.enumerate()
    poll = Feed.poll

    def hang(self: Feed) -> Poll:
        if self._system.system_id == "two":
            entered.set()
            answer.wait(60)
        return poll(self)

    monkeypatch.setattr(Feed, "poll", hang)
    monkeypatch.setattr(worker, "STOP_WITHIN", 0.1)
    down = replace(cities[2], url="http://127.0.0.1:1/gbfs.json")
    with working(store, [cities[1], down, cities[0]]):
        wait_for(lambda: len(store.observations.poll_times("one")) >= 3)
        wait_for(lambda: store.systems.states()["three"].state == "unreachable")
        assert entered.is_set()
    answer.set()
    own = [each for each in threading.enumerate() if each not in others]
    wait_for(lambda: not [each for each in own if each.is_alive() and each.name.startswith(("tick", "slow"))])
    assert store.observations.poll_times("two") == []
    assert store.systems.states()["two"].state == "waiting"


def polls_that_fail(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let each poll fail, to be tried again after an hour; list the seconds at which each began."""
    asked: list[float] = []

    def fail(self: Feed) -> Poll:
        asked.append(time.monotonic())
        raise EmptyDocument("station_status")

    monkeypatch.setattr(Feed, "poll", fail)
    monkeypatch.setattr(schedule, "after_failure", lambda system, now, *_: now + timedelta(hours=1))
    return asked


@pytest.mark.both
def test_a_feed_that_failed_is_tried_when_somebody_asks_but_not_before_it_may_be(
    store: Store, cities: list[System], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "LOOK_EVERY", 0.05)
    asked = polls_that_fail(monkeypatch)
    with working(store, [replace(cities[0], poll_seconds=1.0)]):
        wait_for(lambda: asked)
        store.tries.ask("one", datetime.now(UTC))
        store.tries.ask("elsewhere", datetime.now(UTC))
        wait_for(lambda: len(asked) == 2)
        assert asked[1] - asked[0] > 0.95, "once a poll_seconds, which is a minute for a real feed"
        time.sleep(1.5)
        assert len(asked) == 2, "one wish is one try"


def test_a_wish_does_not_break_into_the_wait_that_a_server_asked_for() -> None:
    assert schedule.may_try_after(LIVE, NOON) == NOON + timedelta(minutes=1)
    wait = timedelta(minutes=20)
    assert schedule.may_try_after(LIVE, NOON, wait) == NOON + wait


def test_a_second_worker_takes_over_when_the_first_stops(
    store: Store, cities: list[System], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tick, "STANDBY_INTERVAL", timedelta(seconds=0.1))
    with working(store, cities) as first:
        wait_for(lambda: len(store.observations.poll_times("one")) >= 2)
        with working(store, cities) as standing_by:
            wait_for(lambda: len(store.observations.poll_times("one")) >= 4)
            assert holder(store) == first.holder
            store.leases.drop_all(first.holder)  # as if its process had ended
            wait_for(lambda: holder(store) in (first.holder, standing_by.holder))


def test_a_system_whose_ticks_are_always_overdue_is_not_lost(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """APScheduler drops a job that is due while the one before it has not quite returned."""
    ticks: list[Ticker] = []
    book = Worker._book

    def book_and_dawdle(self: Worker, ticker: Ticker, at: datetime) -> None:
        book(self, ticker, at)
        if ticks:
            time.sleep(0.05)

    def at_once(self: Ticker) -> datetime:
        ticks.append(self)
        return NOON

    monkeypatch.setattr(Ticker, "tick", at_once)
    monkeypatch.setattr(Worker, "_book", book_and_dawdle)
    with working(store, [LIVE]):
        wait_for(lambda: len(ticks) > 10)


@pytest.mark.both
def test_leases_are_renewed_while_nothing_is_due(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A feed that is tried every quarter of an hour must not look like one whose worker has died."""
    monkeypatch.setattr(worker, "LEASE", timedelta(seconds=0.6))

    def until() -> float:
        with store._database.read() as db:
            return float(db.exec_driver_sql("SELECT until FROM leases").scalar_one())

    with working(store, [LIVE]):
        wait_for(lambda: store.systems.states().get("live") and store.systems.states()["live"].failures == 1)
        first = until()
        wait_for(lambda: until() != first)
        assert store.systems.states()["live"].failures == 1


def test_a_lease_is_known_only_as_long_as_nobody_else_can_have_taken_it(store: Store) -> None:
    now = NOON
    made = worker.Worker(store, [LIVE], Fetcher(), Settings(store=""), clock=lambda: now)
    store.systems.follow([LIVE])
    made._renew()
    assert not made._has_lease("live"), "there is none yet"
    assert store.leases.take(LeaseClaim("live", made.holder, now, tick.LEASE))
    made._renew()
    assert made._has_lease("live")
    for wait in (tick.LEASE / 2, -timedelta(seconds=1)):  # frozen for long; the clock was set back
        now = NOON + wait
        assert not made._has_lease("live")
    now = NOON
    store.leases.drop_all(made.holder)
    made._renew()
    assert not made._has_lease("live"), "somebody took it"


# ---------------------------------------------------------------- shares


def test_a_recording_is_in_nobodys_share(store: Store) -> None:
    """Only a worker that has its files can play it."""
    made = Worker(store, [LIVE], Fetcher(), Settings(store=""))
    made._live = (made.holder, "another")
    towns = [replace(LIVE, system_id=f"town-{n}") for n in range(20)]
    tapes = [replace(LIVE, system_id=f"tape-{n}", url=f"recorded:{n}", label="replayed") for n in range(20)]
    others = made._others([*towns, *tapes])
    assert 0 < len(others) < 20
    assert not [each for each in others if each.startswith("tape")]


def gets(system_id: str, holder: str, sizes: dict[str, int]) -> str:
    """Name a worker that gets this system where it shares with a holder."""
    names = (f"another-{n}" for n in range(1000))
    return next(name for name in names if share(sizes, [holder, name])[system_id] == name)


@pytest.mark.both("postgresql")
def test_a_system_whose_next_tick_is_far_away_is_handed_over_at_once_and_not_tried_sooner(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = timedelta(seconds=2)
    monkeypatch.setattr(worker, "LEASE", lease)
    monkeypatch.setattr(tick, "LEASE", lease)
    asked = polls_that_fail(monkeypatch)
    with working(store, [LIVE]) as made:
        wait_for(lambda: holder(store) == made.holder and store.systems.states()["live"].failures == 1)
        other = gets("live", made.holder, {"live": 0})

        def take() -> bool:
            now = datetime.now(UTC)
            store.workers.announce(other, now, lease)
            return store.leases.take(LeaseClaim("live", other, now, lease))

        wait_for(take)
        wait_for(lambda: "live" not in made._tickers)
        assert made._hosts.most == worker.AT_A_HOST // 2, "hosts see as many polls at a time as before"
        store.workers.leave(other)
        store.leases.drop_all(other)
        wait_for(lambda: holder(store) == made.holder)
        wait_for(lambda: made._tickers["live"].working_copy is not None)
        assert len(asked) == 1, "the feed failed, and is to be left alone for an hour"


@pytest.mark.both
def test_what_is_due_first_is_taken_up_first_when_another_worker_has_left(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the order of the list the last of 400 would wait for two minutes, whose poll is due now."""
    names = ("late", "soon", "now", "new")
    towns = [replace(LIVE, system_id=name) for name in names]
    store.systems.follow(towns)
    for name, seconds in (("late", 50), ("soon", 20), ("now", -3)):
        due = NOON + timedelta(seconds=seconds)
        tick_of_it = learnt(NOON, counted(NOON, a=1), stations=described("a"), next_poll_at=due)
        commit(store, tick_of_it, name, "another")
    store.leases.drop_all("another")
    booked: dict[str, datetime] = {}
    made = Worker(store, towns, Fetcher(), Settings(store=""), clock=lambda: NOON)

    def book(self: Worker, ticker: Ticker, at: datetime) -> None:
        booked[ticker.system.system_id] = at

    monkeypatch.setattr(Worker, "_book", book)
    made._look()
    assert list(booked) == list(names), "at a start by the list: somebody waits for the first map"
    made._tickers.clear()
    booked.clear()
    made._scheduler.start(paused=True)
    monkeypatch.setattr(schedule, "APART", 30.0)
    made._look()
    made._scheduler.shutdown()
    assert list(booked) == ["now", "new", "soon", "late"]
    assert booked["now"] == NOON
    assert booked["soon"] <= NOON + timedelta(seconds=20)
    assert booked["late"] <= NOON + timedelta(seconds=50)


@pytest.mark.both("postgresql")
def test_a_worker_that_stops_leaves_what_is_idle_before_it_waits_for_a_feed(
    store: Store, cities: list[System], monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, answer, poll = threading.Event(), threading.Event(), Feed.poll

    def hang(self: Feed) -> Poll:
        if self._system.system_id == "two":
            entered.set()
            answer.wait(60)
        return poll(self)

    monkeypatch.setattr(Feed, "poll", hang)
    monkeypatch.setattr(worker, "STOP_WITHIN", 60.0)
    stop, slow = threading.Event(), replace(cities[0], poll_seconds=4.0)
    made = Worker(store, [slow, cities[1]], Fetcher(), Settings(store="", keep_days=8))
    running = threading.Thread(target=made.run, args=[stop], daemon=True)
    running.start()
    wait_for(lambda: entered.is_set() and polls(store, "one") == 1)
    assert store.workers.live(datetime.now(UTC)) == [made.holder]
    other = gets("two", made.holder, store.systems.sizes())

    def learnt_again_beside_another() -> bool:
        store.workers.announce(other, datetime.now(UTC), tick.LEASE)
        idle = made._bookings[made._tickers["one"]][1] < float("inf")
        return other in made._live and polls(store, "one") >= 2 and idle

    wait_for(learnt_again_beside_another)
    stop.set()
    wait_for(lambda: store.leases.take(LeaseClaim("one", other, datetime.now(UTC), tick.LEASE)))
    assert store.workers.live(datetime.now(UTC)) == [other]
    assert store.checkpoints.newest_at("one") == store.observations.poll_times("one")[-1], (
        "nothing to learn again"
    )
    assert store.operation.holders(datetime.now(UTC))["two"] == made.holder, "its poll may still be learnt"
    answer.set()
    running.join(60)
    assert not running.is_alive()
    assert "two" not in store.operation.holders(datetime.now(UTC))


@pytest.mark.both
def test_a_lease_that_could_not_be_given_up_is_given_up_later(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be renewed for ever, and nobody would learn the system."""
    monkeypatch.setattr(worker, "LOOK_EVERY", 0.1)
    monkeypatch.setattr(worker, "LEASE", timedelta(seconds=0.6))
    with working(store, [LIVE]) as made:
        assert store.leases.take(LeaseClaim("stray", made.holder, datetime.now(UTC), tick.LEASE))
        wait_for(lambda: "stray" not in store.operation.holders(datetime.now(UTC)))


# ---------------------------------------------------------------- the list of systems


# ---------------------------------------------------------------- when to poll


def test_a_feed_is_polled_once_in_its_minute_and_never_before_its_ttl_is_over() -> None:
    for ttl in (0.0, 59.0, 60.0, 200.0):
        asked, received = NOON, NOON + timedelta(seconds=1.5)
        due = schedule.after_answer(LIVE, asked, received, ttl, 0.3)
        assert due >= asked + timedelta(seconds=60)
        assert due >= received + timedelta(seconds=ttl)
        assert due <= max(asked + timedelta(seconds=60), received + timedelta(seconds=ttl)) + timedelta(
            seconds=2
        )


def test_systems_that_start_together_spread_over_the_minute() -> None:
    """At 36 systems and at 1,500: no quarter of the minute has much more or less than its share."""
    for count, least in ((36, 4), (1500, 320)):
        phases = []
        for number in range(count):
            system = replace(LIVE, system_id=f"city-{number}")
            at, place = schedule.first(system, NOON, number), schedule.place(system.system_id)
            for _ in range(40):
                at = schedule.after_answer(system, at, at + timedelta(seconds=0.3), 0, place)
            phases.append(at.timestamp() % 60)
        quarters = [sum(quarter <= phase / 15 < quarter + 1 for phase in phases) for quarter in range(4)]
        assert min(quarters) >= least


def test_a_system_keeps_its_place_in_the_minute_whatever_others_are_followed() -> None:
    at, place = NOON, schedule.place("live")
    for _ in range(40):
        at = schedule.after_answer(LIVE, at, at + timedelta(seconds=0.3), 0, place)
    settled = at.timestamp() % 60
    for _ in range(200):
        at = schedule.after_answer(LIVE, at, at + timedelta(seconds=0.3), 0, place)
        assert abs((at.timestamp() % 60 - settled + 30) % 60 - 30) <= 6
    later = schedule.first(LIVE, at + timedelta(hours=1), number=10**6)
    assert later.timestamp() % 60 == pytest.approx(60 * place), "also after a restart"


def test_first_polls_come_within_a_minute_and_the_first_systems_need_not_wait_for_their_place() -> None:
    waits = [
        (schedule.first(replace(LIVE, system_id=f"city-{n}"), NOON, n) - NOON).total_seconds()
        for n in range(1500)
    ]
    assert waits[0] == 0
    assert max(waits) < 60
    assert all(wait <= 0.3 * number + 1e-3 for number, wait in enumerate(waits))


def test_waits_grow_with_failures_to_a_quarter_of_an_hour() -> None:
    rng = random.Random(1)
    waits = [(schedule.after_failure(LIVE, NOON, n, rng) - NOON).total_seconds() / 60 for n in range(1, 40)]
    for wait, least in zip(waits, (1, 2, 4, 8, *[15] * 35), strict=True):
        assert least <= wait <= 1.2 * least
    assert len(set(waits)) == len(waits), "systems that failed together come back together"


def test_a_replay_is_tried_again_within_seconds_and_a_rare_feed_not_before_its_time() -> None:
    rng = random.Random(1)
    for every, most in ((1.0, 15), (3600.0, 3600)):
        system = replace(LIVE, poll_seconds=every)
        wait = (schedule.after_failure(system, NOON, 30, rng) - NOON).total_seconds()
        assert most <= wait <= 1.2 * most


def test_a_feed_that_says_when_to_come_back_is_obeyed() -> None:
    rng = random.Random(1)
    hour = timedelta(hours=1)
    assert schedule.after_failure(LIVE, NOON, 1, rng, hour) == NOON + hour
    assert schedule.after_failure(LIVE, NOON, 9, rng, timedelta(seconds=5)) >= NOON + timedelta(minutes=15)


def test_silence_is_ten_minutes_of_the_feeds_own_time_five_waits_or_three_usual_gaps() -> None:
    minute = timedelta(minutes=1)
    assert schedule.silent_after(LIVE, 60, minute) == timedelta(minutes=10)
    assert schedule.silent_after(LIVE, 300, minute) == timedelta(minutes=25)
    assert schedule.silent_after(LIVE, 60, 30 * minute) == timedelta(minutes=90)
    fast = replace(LIVE, speed=60, poll_seconds=1)
    assert schedule.silent_after(fast, 0, minute) == timedelta(seconds=10)
