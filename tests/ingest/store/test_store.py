"""The store on SQLite and PostgreSQL: whole ticks or nothing, one writer a system, a log without gaps."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from ingest.store import (
    LeaseLostError,
    Outage,
    PollResult,
    PollRow,
    Reason,
    Store,
    StoreError,
    StoreFailedError,
    StoreUnreachableError,
)
from ingest.store.feed_health import Failure
from ingest.store.holder import new_holder
from ingest.store.playback import Playback
from ingest.store.scores import DAY, FIVE_MINUTES, HOUR, SUMS, WEEK, spans_kept
from ingest.store.tables import scores, systems
from ingest.system import System
from model import Snapshot
from tests.support.store_world import (
    DUBLIN,
    LEASE,
    MINUTE,
    NOON,
    claim,
    commit,
    counted,
    described,
    learnt,
    store_url,
)

pytestmark = pytest.mark.both


@pytest.fixture
def url(tmp_path: Path) -> str:
    return store_url(tmp_path)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = Store(url)
    opened.systems.follow([DUBLIN])
    yield opened
    opened.close()


def together(*work: Callable[[], object]) -> list[object]:
    """Do several things at the same moment."""
    barrier = threading.Barrier(len(work))

    def wait_and(do: Callable[[], object]) -> object:
        barrier.wait(10)
        return do()

    with ThreadPoolExecutor(len(work)) as pool:
        return list(pool.map(wait_and, work))


# ---------------------------------------------------------------- tables


def test_a_store_that_cannot_be_used_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear database, " * 100)
    for wrong, words in (
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("my database", "names no database"),
        ("oracle+nothing://here", "install the driver"),
        (f"sqlite:///{tmp_path / 'letter.txt'}", "move the file away"),
        (f"sqlite:///{tmp_path / 'letter.txt' / 'x.db'}", "There is no folder"),
        (f"sqlite:///{tmp_path / 'mistyped' / 'x.db'}", "There is no folder"),
        ("postgresql+psycopg://me:secret@127.0.0.1:1/none", "check DOCKCAST_STORE"),
    ):
        with pytest.raises(StoreError, match=words) as caught:
            Store(wrong)
        assert "secret" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_store_says_which_it_is_and_whether_it_is_new(tmp_path: Path) -> None:
    """A mistyped path started an empty city as if nothing had been lost."""
    path, words = tmp_path / "x.db", []
    for _ in range(2):
        with closing(Store(f"sqlite:///{path}")) as store:
            words.append(store.words)
    assert words == [
        f"the store is sqlite:///{path}, which is new and knows nothing yet", f"the store is sqlite:///{path}"
    ]  # fmt: skip


# ---------------------------------------------------------------- systems


def test_systems_keep_their_data_when_they_are_no_longer_followed(store: Store) -> None:
    boulder = replace(
        DUBLIN, system_id="boulder", name="BCycle", poll_seconds=0.5, speed=60.0, label="replayed"
    )
    commit(store, learnt(NOON, counted(NOON, a=1)))
    store.systems.follow([boulder, DUBLIN])
    assert store.systems.followed() == [boulder, DUBLIN]
    store.systems.follow([boulder])
    assert store.systems.followed() == [boulder]
    state = store.systems.state("dublin")
    assert state is not None
    assert (state.at, state.state) == (NOON, "waiting"), "it is not live any more"
    store.systems.follow([replace(DUBLIN, name="Dublin's bikes"), boulder])
    assert [row.name for row in store.systems.followed()] == ["Dublin's bikes", "BCycle"]
    assert store.systems.states()["dublin"] == state


def test_a_last_tick_does_not_make_live_what_is_not_followed_any_more(store: Store) -> None:
    store.systems.unfollow("dublin")
    commit(store, learnt(NOON, counted(NOON, a=1)))
    store.systems.rest()
    assert store.systems.states()["dublin"].state == "waiting"


def test_a_system_with_another_label_under_its_id_begins_anew(store: Store) -> None:
    """A made-up city is years ahead of a real one: none of its polls was new any more."""
    ahead = NOON + timedelta(days=900)
    made_up = replace(DUBLIN, url="simulated:harbourton", label="simulated")
    store.systems.follow([made_up])
    commit(store, learnt(ahead, counted(ahead, a=1)))
    store.playback.set("dublin", Playback(ahead, NOON))
    store.systems.follow([made_up])
    assert store.systems.states()["dublin"].at == ahead
    store.systems.follow([DUBLIN])
    assert store.systems.followed() == [DUBLIN]
    state = store.systems.states()["dublin"]
    assert (state.at, state.state, state.frame_version) == (None, "waiting", 1)
    assert store.observations.poll_times("dublin") == []
    assert store.systems.stations("dublin") is None
    assert store.playback.get("dublin") is None
    assert commit(store, learnt(NOON, counted(NOON, a=1))) == 2


def test_following_a_played_system_again_keeps_its_speed(store: Store) -> None:
    played = replace(DUBLIN, system_id="port", url="simulated:port")
    store.systems.follow([played, DUBLIN])
    assert store.leases.take(claim("player", NOON, "port"))
    assert store.set_pace(claim("player", NOON, "port"), 60, 1)
    store.systems.follow([DUBLIN, replace(played, name="Port")])
    assert store.systems.followed() == [DUBLIN, replace(played, name="Port", speed=60, poll_seconds=1)]


BOULDER = replace(DUBLIN, system_id="boulder", url="https://boulder.example/gbfs.json")
OSLO = replace(DUBLIN, system_id="oslo", url="https://oslo.example/gbfs.json")


def followed(store: Store) -> list[str]:
    return [system.system_id for system in store.systems.followed()]


def test_what_a_command_follows_is_followed_whatever_the_list_says(store: Store) -> None:
    store.systems.follow_one(BOULDER)
    store.systems.follow_one(OSLO)
    assert followed(store) == ["dublin", "boulder", "oslo"]
    assert [each.system_id for each in store.systems.follow([DUBLIN])] == ["dublin", "boulder", "oslo"]
    assert store.systems.followed()[1] == BOULDER, "a worker that starts again knows its address"
    state = store.systems.state("boulder")
    assert state is not None
    assert state.state == "waiting"


def test_where_list_and_command_have_a_system_the_list_says_what_it_is(store: Store) -> None:
    store.systems.follow_one(BOULDER)
    moved = replace(BOULDER, url="https://moved.example/gbfs.json")
    assert store.systems.follow([moved, DUBLIN]) == [moved, DUBLIN]
    assert store.systems.followed() == [moved, DUBLIN]


def test_what_a_command_unfollows_stays_out_until_it_is_followed_again(store: Store) -> None:
    store.systems.follow([DUBLIN, BOULDER])
    commit(store, learnt(NOON, counted(NOON, a=1)))
    assert store.systems.unfollow("dublin")
    assert not store.systems.unfollow("dublin"), "it is out already"
    assert not store.systems.unfollow("nowhere")
    assert store.systems.follow([DUBLIN, BOULDER]) == [BOULDER]
    assert followed(store) == ["boulder"]
    assert store.systems.unfollowed() == {"dublin"}
    assert [system.system_id for system in store.systems.known()] == ["boulder", "dublin"]
    state = store.systems.state("dublin")
    assert state is not None
    assert (state.at, state.state) == (NOON, "waiting"), "what was learnt stays, but it is not live any more"
    store.systems.follow_one(DUBLIN)
    assert followed(store) == ["boulder", "dublin"]
    assert followed_by_a_list(store) == ["dublin", "boulder"]
    assert store.systems.unfollowed() == frozenset()


def followed_by_a_list(store: Store) -> list[str]:
    return [system.system_id for system in store.systems.follow([DUBLIN, BOULDER])]


def test_a_lease_of_one_system_is_given_up_alone(store: Store) -> None:
    for system_id in ("dublin", "boulder"):
        assert store.leases.take(claim("me", NOON, system_id))
    store.leases.drop("another", "dublin")
    store.leases.drop("me", "boulder")
    assert not store.leases.take(claim("another", NOON, "dublin"))
    assert store.leases.take(claim("another", NOON, "boulder"))


def test_a_read_sees_one_state_whatever_is_written_meanwhile(store: Store) -> None:
    commit(store, learnt(NOON, counted(NOON, a=1)))
    with store._database.read() as db:
        newest = sa.select(systems.c.frame_version)
        before = db.scalar(newest)
        commit(store, learnt(NOON + MINUTE, counted(NOON + MINUTE, a=2)))
        assert db.scalar(newest) == before == 1
    assert store.frames.newest("dublin") == (2, b"frame")


# ---------------------------------------------------------------- a tick


def test_a_tick_is_read_back_as_it_was_written(store: Store) -> None:
    stations = described("b", "a", "ü")
    changes = Snapshot(
        NOON,
        stations.station_id,
        np.array([5, -1, 0]),
        np.array([7, -1, 12]),
        np.array([2, -1, -1]),
        np.array([True, True, False]),
        np.array([False, True, True]),
    )
    received = NOON + timedelta(seconds=7.25)
    version = commit(
        store, learnt(NOON, changes, received, stations=stations, checkpoint=b"state", frame=b"one")
    )
    assert store.frames.newest("dublin") == (version, b"one")
    assert store.frames.get("dublin", version) == b"one"
    assert store.frames.get("dublin", version + 1) is None
    assert store.observations.poll_times("dublin") == [NOON]
    read = store.systems.stations("dublin")
    assert read is not None
    assert read.same_as(stations)
    checkpoint = store.checkpoints.newest("dublin")
    assert checkpoint is not None
    assert (checkpoint.at, checkpoint.blob) == (NOON, b"state")
    status = store.observations.status("dublin")
    assert status is not None
    assert status.station_id.tolist() == ["a", "b", "ü"]
    assert status.bikes.tolist() == [-1, 5, 0]
    assert status.renting is not None
    assert status.renting.tolist() == [True, True, False]
    log = store.observations.changes("dublin")
    assert log.to_dict("list") == {
        "at": [int(NOON.timestamp())] * 3,
        "station_id": ["a", "b", "ü"],
        "bikes": [-1, 5, 0],
        "docks": [-1, 7, 12],
        "ebikes": [-1, 2, -1],
        "renting": [True, True, False],
        "returning": [True, False, True],
        "cargo": [-1, -1, -1],
        "state": [4, 0, 0],
    }
    state = store.systems.state("dublin")
    assert state is not None
    assert (state.state, state.at, state.received_at, state.next_poll_at) == (
        "live",
        NOON,
        received,
        received + MINUTE,
    )


def test_the_status_holds_the_newest_of_every_station(store: Store) -> None:
    commit(store, learnt(NOON, counted(NOON, a=1, b=2)))
    commit(store, learnt(NOON + MINUTE, counted(NOON + MINUTE, b=3)))
    commit(store, learnt(NOON + 2 * MINUTE, counted(NOON + 2 * MINUTE)))
    status = store.observations.status("dublin")
    assert status is not None
    assert status.at == NOON + 2 * MINUTE
    assert dict(zip(status.station_id.tolist(), status.bikes.tolist(), strict=True)) == {"a": 1, "b": 3}
    assert len(store.observations.changes("dublin")) == 3
    assert len(store.observations.changes("dublin", NOON, NOON + MINUTE)) == 1
    assert store.observations.poll_times("dublin", NOON, NOON + MINUTE) == [NOON + MINUTE]


def test_the_history_of_a_station_begins_with_what_stood_there_at_the_start(store: Store) -> None:
    store.systems.follow([DUBLIN])
    for minutes, bikes in ((0, 3), (5, 4), (10, 5), (15, 6)):
        at = NOON + minutes * MINUTE
        commit(store, learnt(at, counted(at, one=bikes, two=7)))

    def seen(start: int, end: int, station: str = "one") -> list[int]:
        found = store.observations.history("dublin", station, NOON + start * MINUTE, NOON + end * MINUTE)
        assert all(bikes + docks == 12 for _, bikes, docks, _ in found)
        return [bikes for _, bikes, *_ in found]

    assert seen(7, 12) == [4, 5]
    assert seen(5, 10) == [4, 5]
    assert seen(-9, 0) == [3]
    assert seen(-9, -1) == []
    assert seen(7, 12, "nobody") == []


def test_scores_add_up_by_span_model_and_horizon(store: Store) -> None:
    for minute in (0, 1, 7, 70):
        at = NOON + minute * MINUTE
        score = {"target_at": at, "kind": "any", "model": "pool", "minutes": 30} | dict.fromkeys(SUMS, 2)
        more = [{**score, "minutes": 60}, {**score, "model": "naive"}]
        commit(store, learnt(at, counted(at), scores=[score, score, *more]))

    def sums(span: int, **limits: Any) -> dict[datetime, float]:
        table = store.scores.over_time("dublin", span, minutes=[30], models=["pool"], **limits)
        assert (table[list(SUMS)].nunique(axis=1) == 1).all()
        return dict(zip(table["at"].dt.to_pydatetime(), table["n"], strict=True))

    one = timedelta(hours=1)
    fine = {NOON: 8, NOON + 5 * MINUTE: 4, NOON + 70 * MINUTE: 4}
    assert sums(FIVE_MINUTES) == fine
    assert sums(HOUR) == {NOON: 12, NOON + one: 4}
    assert sums(DAY) == {NOON.replace(hour=0): 16}
    assert sums(HOUR, since=NOON + one) == {NOON + one: 4}
    assert sums(HOUR, until=NOON + one) == {NOON: 12}
    assert store.scores.over_time("dublin", DAY).set_index(["minutes", "model"])["n"].to_dict() == {
        (30, "naive"): 8, (30, "pool"): 16, (60, "pool"): 8
    }  # fmt: skip
    assert store.scores.over_time("boulder").empty
    assert store.scores.over_time(since=NOON + 2 * one).empty


def test_a_score_is_written_once_in_its_hour_and_to_longer_spans_once_the_hour_is_over(store: Store) -> None:
    """Hours, days and weeks were a fifth of PostgreSQL's log: their rows changed each minute."""

    def spans() -> list[tuple[int, float]]:
        with store._database.read() as db:
            rows = db.execute(sa.select(scores.c.span, sa.func.sum(scores.c.n)).group_by(scores.c.span))
            return sorted((span, n) for span, n in rows)

    def sums() -> list[float]:
        return [float(store.scores.totals("dublin", span)["n"].sum()) for span in (HOUR, DAY, WEEK)]

    for minute in (0, 20, 40):
        at = NOON + minute * MINUTE
        score = {"target_at": at, "kind": "any", "model": "pool", "minutes": 30} | dict.fromkeys(SUMS, 2)
        commit(store, learnt(at, counted(at), scores=[score]))
        assert spans() == [(FIVE_MINUTES, 2 * (minute / 20 + 1))]
        assert sums() == [2 * (minute / 20 + 1)] * 3
        assert store.feed_health.health(["dublin"], NOON).settled == {"dublin": (sums()[0], sums()[0])}
    at, late = NOON + 65 * MINUTE, NOON + 59 * MINUTE
    more = [{**score, "target_at": each} for each in (at, late)]
    commit(store, learnt(at, counted(at), scores=more))
    assert spans() == [(FIVE_MINUTES, 10), (HOUR, 8), (DAY, 8), (WEEK, 8)]
    assert sums() == [10, 10, 10]
    assert store.feed_health.health(["dublin"], NOON).settled == {"dublin": (10, 10)}


def test_an_operator_reads_size_holders_and_how_far_checkpoints_are_behind(store: Store) -> None:
    commit(store, learnt(NOON, counted(NOON, a=1), checkpoint=b"state"))
    commit(store, learnt(NOON + 7 * MINUTE, counted(NOON, a=2)))
    size = store.operation.size()
    assert size is not None
    assert size.total > 10_000
    assert size.log > 0
    assert (size.free is None) == store._database.is_postgresql
    assert store.operation.behind_checkpoints() == {"dublin": 7 * MINUTE}
    later = NOON + 7 * MINUTE + LEASE
    assert store.operation.holders(NOON + 7 * MINUTE) == {"dublin": "me"}
    assert store.operation.holders(later + MINUTE) == {}


def test_scores_of_all_followed_systems_add_up(store: Store) -> None:
    store.systems.follow([DUBLIN, replace(DUBLIN, system_id="boulder")])
    score = {"target_at": NOON, "kind": "any", "model": "pool", "minutes": 30} | dict.fromkeys(SUMS, 2)
    commit(store, learnt(NOON, counted(NOON), scores=[score]))
    assert store.leases.take(claim("me", NOON, "boulder"))
    store.commit_tick(claim("me", NOON, "boulder"), learnt(NOON, counted(NOON), scores=[score]))
    assert store.scores.over_time()["n"].tolist() == [4]
    assert store.scores.totals(None, WEEK)["n"].tolist() == [4]
    made_up = System(
        "harbourton", "Harbourton", "Harbourton", "IE", "simulated:harbourton", 60, 1.0, "simulated"
    )
    store.systems.follow([DUBLIN, made_up])
    assert store.leases.take(claim("me", NOON, "harbourton"))
    store.commit_tick(claim("me", NOON, "harbourton"), learnt(NOON, counted(NOON), scores=[score]))
    assert store.scores.over_time()["n"].tolist() == [2], "what is made up is not mixed with what is live"
    store.systems.follow([made_up])
    assert store.scores.over_time()["n"].tolist() == [2]


def test_horizons_are_compared_by_the_issue_times_that_all_of_them_have(store: Store) -> None:
    """Far horizons are issued every two hours alone, and the newest of them are not judged yet."""
    one = timedelta(hours=1)
    issued = [NOON + number * 20 * MINUTE for number in range(12)]
    rows = [
        {"target_at": at + minutes * MINUTE, "kind": "any", "model": model, "minutes": minutes}
        | dict.fromkeys(SUMS, 2)
        for at in issued
        for minutes in (30, 180)
        for model in ("pool", "naive")
        if minutes == 30 or at in (NOON, NOON + 2 * one)
    ]
    commit(store, learnt(NOON + 5 * one, counted(NOON + 5 * one), scores=rows))
    found = store.scores.same_issues("dublin", NOON + 5 * one, timedelta(days=1))
    assert found.issued == [NOON, NOON + 2 * one]
    assert found.sums.set_index(["model", "minutes"])["n"].to_dict() == {
        ("naive", 30): 4, ("naive", 180): 4, ("pool", 30): 4, ("pool", 180): 4
    }  # fmt: skip
    assert store.scores.same_issues("dublin", NOON + 5 * one, one).issued == [NOON + 2 * one]
    lone = {**rows[0], "target_at": NOON + 6 * one, "minutes": 360}
    commit(store, learnt(NOON + 6 * one, counted(NOON + 6 * one), scores=[lone]))
    assert store.scores.same_issues(None, NOON + 6 * one, timedelta(days=1)).issued == [NOON]
    assert not store.scores.same_issues("nobody", NOON, one).issued
    assert store.scores.same_issues("nobody", NOON, one).sums.empty


def test_fine_scores_are_dropped_as_they_age_and_days_are_not(store: Store) -> None:
    def rows() -> list[int]:
        return [len(store.scores.over_time("dublin", span)) for span in (FIVE_MINUTES, HOUR, DAY)]

    for day in (0, 9, 500):
        at = NOON + timedelta(days=day)
        score = {"target_at": at, "kind": "any", "model": "pool", "minutes": 30} | dict.fromkeys(SUMS, 2)
        commit(store, learnt(at, counted(at), scores=[score]))
        store.forget(claim(), at, at)
        if day == 9:
            assert rows() == [1, 2, 2]
    assert rows() == [1, 1, 3]


def test_scores_are_kept_as_long_as_the_settings_say_and_outages_with_the_days(store: Store) -> None:
    kept = spans_kept(0.01, 2, 0)
    assert kept == {FIVE_MINUTES: timedelta(hours=2), HOUR: timedelta(days=2)}
    kept = spans_kept(1, 2, 5)
    for day in (0, 3, 9):
        at = NOON + timedelta(days=day)
        what = {"kind": "any", "model": "pool", "minutes": 30}
        score = {"target_at": at} | what | dict.fromkeys(SUMS, 2)
        commit(store, learnt(at, counted(at), scores=[score]))
    assert len(store.scores.outages("dublin")) == 2
    store.forget(claim(), NOON, NOON, kept)
    spans = (FIVE_MINUTES, HOUR, DAY, WEEK)
    assert [len(store.scores.over_time("dublin", span)) for span in spans] == [1, 1, 1, 1]
    assert [outage.end for outage in store.scores.outages("dublin")] == [NOON + timedelta(days=9)]


def test_a_gap_too_long_to_learn_across_is_an_outage(store: Store) -> None:
    for minute in (0, 1, 16, 32, 33):
        commit(store, learnt(NOON + minute * MINUTE, counted(NOON + minute * MINUTE)))
    assert store.scores.outages("dublin") == [Outage(NOON + 16 * MINUTE, NOON + 32 * MINUTE)]
    assert store.scores.outages("dublin", NOON + 32 * MINUTE) == []
    assert store.scores.outages("boulder") == []


def test_the_usual_gap_of_a_feed_that_answers_rarely_is_no_outage(store: Store) -> None:
    for minute in (0, 20, 40, 75):
        tick = learnt(NOON + minute * MINUTE, counted(NOON + minute * MINUTE), longest_gap=30 * MINUTE)
        commit(store, tick)
    assert store.scores.outages("dublin") == [Outage(NOON + 40 * MINUTE, NOON + 75 * MINUTE)]


def test_a_tick_that_fails_in_the_middle_leaves_nothing_behind(store: Store) -> None:
    commit(store, learnt(NOON, counted(NOON, a=1), stations=described("a"), frame=b"good"))
    twice = learnt(NOON, counted(NOON, a=2), NOON + MINUTE, stations=described("a", "b"), frame=b"bad")
    with pytest.raises(StoreFailedError) as caught:
        commit(store, twice)
    assert isinstance(caught.value.__cause__, sa.exc.IntegrityError)
    assert not isinstance(caught.value, StoreUnreachableError)
    assert not caught.value.connection_lost
    assert store.frames.newest("dublin") == (1, b"good")
    assert store.observations.poll_times("dublin") == [NOON]
    stations, status = store.systems.stations("dublin"), store.observations.status("dublin")
    assert stations is not None
    assert status is not None
    assert (len(stations), status.bikes.tolist()) == (1, [1])


def test_frames_stay_for_ten_minutes_and_are_sixty_at_most(store: Store) -> None:
    second = timedelta(seconds=1)
    for number in range(70):
        at = NOON + number * second
        commit(store, learnt(at, counted(at)))
    assert store.frames.get("dublin", 10) is None
    assert store.frames.get("dublin", 11) is not None
    later = NOON + timedelta(minutes=10, seconds=60.5)
    version = commit(store, learnt(later, counted(later)))
    assert [n for n in range(80) if store.frames.get("dublin", n)] == [*range(62, 71), version]


TOO_SLOW = Reason("too_slow", {"host": "“bikes”.example", "seconds": 30.0})


def test_a_poll_without_a_new_snapshot_is_logged(store: Store) -> None:
    commit(store, learnt(NOON, counted(NOON, a=1)))
    late = NOON + MINUTE
    poll = PollRow(late, None, "too_slow", TOO_SLOW, 30.0, "[]")
    store.commit_poll(claim("me", late), PollResult(poll, late + 2 * MINUTE, "unreachable", 1))
    state = store.systems.state("dublin")
    assert state is not None
    assert (state.state, state.reason, state.failures) == ("unreachable", TOO_SLOW, 1)
    assert (state.at, state.last_try_at, state.next_poll_at) == (NOON, late, late + 2 * MINUTE)
    assert store.observations.poll_times("dublin") == [NOON]
    assert store.observations.polls("dublin", NOON - MINUTE, late)["outcome"].tolist() == [
        "learnt",
        "too_slow",
    ]


# ---------------------------------------------------------------- leases


def test_a_lease_has_one_holder_until_it_runs_out(store: Store) -> None:
    assert store.leases.holder(NOON) is None
    assert store.leases.take(claim("a"))
    assert not store.leases.take(claim("b", NOON + LEASE / 2))
    assert store.leases.take(claim("a", NOON + LEASE / 2))
    assert not store.leases.take(claim("b", NOON + LEASE * 1.2))
    assert store.leases.holder(NOON + LEASE * 1.2) == "a"
    assert store.leases.take(claim("b", NOON + LEASE * 1.6))
    assert store.leases.holder(NOON + LEASE * 1.6) == "b"


def test_leases_are_renewed_together_but_not_those_that_others_took(store: Store) -> None:
    for system_id in ("dublin", "boulder"):
        assert store.leases.take(claim("a", NOON, system_id))
    later = NOON + LEASE + MINUTE
    assert store.leases.take(claim("b", later, "boulder"))
    store.leases.renew_all("a", later, LEASE)
    assert not store.leases.take(claim("c", later + MINUTE))
    store.leases.renew(claim("a", later))
    with pytest.raises(LeaseLostError):
        store.leases.renew(claim("a", later, "boulder"))


def test_a_lease_that_is_given_up_is_free_at_once(store: Store) -> None:
    assert store.leases.take(claim("a"))
    store.leases.drop_all("a")
    assert store.leases.holder(NOON) is None
    with pytest.raises(LeaseLostError):
        store.leases.renew(claim("a"))
    assert store.leases.take(claim("b"))


def test_the_lease_of_a_dead_process_is_free_at_once(store: Store) -> None:
    """After `kill -9` the next worker on the machine must not wait for the lease to run out."""
    script = "from ingest.store.holder import new_holder; import sys; sys.stdout.write(new_holder())"
    dead = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    assert store.leases.take(claim(dead))
    assert store.leases.holder(NOON) is None
    alive = new_holder()
    assert store.leases.take(claim(alive))
    assert store.leases.holder(NOON) == alive
    assert not store.leases.take(claim(new_holder()))


def test_a_lease_from_before_the_clock_was_set_back_holds_nobody_up(store: Store) -> None:
    assert store.leases.take(claim("a", NOON + timedelta(hours=1)))
    assert store.leases.take(claim("b"))
    with pytest.raises(LeaseLostError):
        store.leases.renew(claim("a"))


def test_a_holder_on_another_machine_counts_as_alive(store: Store) -> None:
    """Process numbers of another machine, or of another container, mean nothing here."""
    place, number, token = new_holder().rsplit("/", 2)
    for holder in (
        f"elsewhere/{2**22 - 1}/{token}",
        f"{place}x/{2**22 - 1}/{token}",
        f"{place}/none/{token}",
        "a",
    ):
        store.leases.drop_all(holder)
        assert store.leases.take(claim(holder))
        assert not store.leases.take(claim()), holder
        store.leases.drop_all(holder)
    assert int(number) == os.getpid()


def test_one_of_many_claims_at_once_gets_the_lease(store: Store) -> None:
    names = [f"worker {number}" for number in range(6)]
    got = together(*[lambda name=name: store.leases.take(claim(name)) for name in names])
    assert sorted(map(bool, got)) == [False] * 5 + [True]
    later = NOON + 2 * LEASE
    got = together(*[lambda name=name: store.leases.take(claim(name, later)) for name in names])
    assert sorted(map(bool, got)) == [False] * 5 + [True]


def test_a_worker_that_was_frozen_writes_nothing(store: Store) -> None:
    """One laptop lid closed for an hour: it wakes in the middle of a tick that another has long done."""
    commit(store, learnt(NOON, counted(NOON, a=1)), holder="frozen")
    later = NOON + 2 * LEASE
    commit(store, learnt(later, counted(later, a=2), frame=b"theirs"), holder="other")
    stale = learnt(NOON + MINUTE, counted(NOON + MINUTE, a=9), frame=b"stale", checkpoint=b"stale")
    with pytest.raises(LeaseLostError):
        store.commit_tick(claim("frozen", later), stale)
    poll = PollRow(later, None, "unchanged", None, 0.1, "[]")
    with pytest.raises(LeaseLostError):
        store.commit_poll(claim("frozen", later), PollResult(poll, later, "live", 0))
    with pytest.raises(LeaseLostError):
        store.forget(claim("frozen"), later, later)
    assert not store.set_pace(claim("frozen"), 600, 1)
    assert store.set_pace(claim("other"), 10, 6)
    assert store.systems.followed()[0].speed == 10
    assert store.observations.poll_times("dublin") == [NOON, later]
    assert store.frames.newest("dublin") == (2, b"theirs")
    assert store.checkpoints.newest("dublin") is None
    assert len(store.observations.polls("dublin", NOON - MINUTE, later + MINUTE)) == 2


def test_two_workers_write_at_the_same_time_and_nothing_is_lost(store: Store, url: str) -> None:
    """Two processes share the store, each with systems of its own; SQLite lets one in at a time."""
    other = Store(url)
    store.systems.follow([replace(DUBLIN, system_id=system_id) for system_id in ("dublin", "boulder")])

    def work(own: Store, system_id: str) -> None:
        for number in range(15):
            at = NOON + number * MINUTE
            commit(own, learnt(at, counted(at, a=number % 7, b=number % 5)), system_id, holder=system_id)

    together(lambda: work(store, "dublin"), lambda: work(other, "boulder"))
    other.close()
    for system_id in ("dublin", "boulder"):
        assert len(store.observations.poll_times(system_id)) == 15
        assert len(store.observations.changes(system_id)) == 30
        assert store.frames.newest(system_id) == (15, b"frame")


# ---------------------------------------------------------------- retention


def test_forgetting_keeps_each_stations_value_at_the_cut_and_all_after_the_checkpoint(store: Store) -> None:
    rows = {0: {"a": 1, "b": 1}, 1: {"a": 2}, 2: {"a": 3}, 3: {"a": 4}, 4: {"a": 5, "b": 5}}
    for minute, bikes in rows.items():
        at = NOON + minute * MINUTE
        commit(store, learnt(at, counted(at, **bikes), checkpoint=b"state" if minute == 3 else None))

    store.forget(claim(), NOON + 2 * MINUTE, NOON)
    log = store.observations.changes("dublin")
    minutes = [int(at - NOON.timestamp()) // 60 for at in log["at"]]
    assert list(zip(minutes, log["station_id"], strict=True)) == [
        (0, "b"), (2, "a"), (3, "a"), (4, "a"), (4, "b"),
    ]  # fmt: skip
    assert store.observations.poll_times("dublin") == [NOON + minute * MINUTE for minute in (2, 3, 4)]

    store.forget(claim(), NOON + timedelta(days=9), NOON)
    log = store.observations.changes("dublin")
    assert log["bikes"].tolist() == [1, 4, 5, 5]  # b's first row is its value at the checkpoint, 12:03
    assert store.observations.poll_times("dublin") == [NOON + 3 * MINUTE, NOON + 4 * MINUTE]
    status = store.observations.status("dublin")
    assert status is not None
    assert status.bikes.tolist() == [5, 5]


def test_forgetting_drops_failed_polls_also_of_a_system_that_never_answered(store: Store) -> None:
    assert store.leases.take(claim())
    for hour in range(4):
        at = NOON + timedelta(hours=hour)
        poll = PollRow(at, None, "unknown_host", None, 0.1, "[]")
        store.commit_poll(claim("me", at), PollResult(poll, at, "unreachable", hour))
    store.forget(claim(), NOON, NOON + timedelta(hours=2))
    left = store.observations.polls("dublin", NOON - MINUTE, NOON + timedelta(days=1))
    assert [at.hour for at in left["received_at"]] == [14, 15]


def test_forgetting_keeps_other_systems_and_scores(store: Store) -> None:
    store.systems.follow([DUBLIN, replace(DUBLIN, system_id="boulder")])
    score = {"target_at": NOON, "kind": "any", "model": "pool", "minutes": 30} | dict.fromkeys(SUMS, 2)
    for system_id in ("dublin", "boulder"):
        for minute in range(3):
            at = NOON + minute * MINUTE
            tick = learnt(at, counted(at, a=minute), scores=[score], checkpoint=b"state")
            commit(store, tick, system_id)
    store.forget(claim(), NOON + timedelta(days=1), NOON + timedelta(days=1))
    assert len(store.observations.changes("dublin")) == 2  # from the older checkpoint on
    assert len(store.observations.changes("boulder")) == 3
    assert len(store.observations.poll_times("boulder")) == 3
    assert store.scores.over_time("dublin")["n"].tolist() == [6]


# ---------------------------------------------------------------- how feeds have been doing


def polled(store: Store, at: datetime, outcome: str, seconds: float, findings: str = "[]") -> None:
    """Write a poll that taught nothing."""
    assert store.leases.take(claim("me", at))
    answered = outcome in ("unchanged", "late")
    poll = PollRow(at, None, outcome, None, seconds, findings, 30.0 if answered else None)
    store.commit_poll(claim("me", at), PollResult(poll, at + MINUTE, None, 0))


def test_health_counts_polls_by_quarter_and_outcome_and_times_the_answered_ones(store: Store) -> None:
    for minute in range(20):
        at = NOON + minute * MINUTE
        poll = PollRow(at, at, "learnt", None, (minute + 1) / 100, "[]", 60.0, 0.5, 2.0, 7 + minute)
        commit(store, learnt(NOON + minute * MINUTE, counted(NOON + minute * MINUTE, a=4), poll=poll))
    polled(store, NOON + 20 * MINUTE, "timeout", 30.0)
    polled(store, NOON + 21 * MINUTE, "unchanged", 0.5)
    found = store.feed_health.health(["dublin", "nowhere"], NOON)
    assert found.counts[["at", "outcome", "n"]].values.tolist() == [
        [NOON, "learnt", 14],
        [NOON + 15 * MINUTE, "learnt", 5],
        [NOON + 15 * MINUTE, "timeout", 1],
        [NOON + 15 * MINUTE, "unchanged", 1],
    ]
    assert found.counts["newest"].tolist()[-1] == NOON + 21 * MINUTE
    assert found.times == {
        "dublin": {"seconds": (0.11, 0.20), "learn_seconds": (0.5, 0.5), "forecast_seconds": (2.0, 2.0)},
        "nowhere": {},
    }
    assert (found.newest["dublin"].ttl_seconds, found.newest["dublin"].waiting) == (30.0, None)
    assert list(found.newest) == ["dublin"]


def test_health_counts_the_forecasts_settled_in_the_feeds_own_last_day(store: Store) -> None:
    def settled(at: datetime, model: str, n: int) -> dict[str, Any]:
        sums = dict.fromkeys(SUMS, 0) | {"n": n, "expired": 1}
        return {"target_at": at, "kind": "any", "model": model, "minutes": 30, **sums}

    old, new = NOON - 25 * 60 * MINUTE, NOON - MINUTE
    scores = [settled(old, "pool", 100), settled(new, "pool", 10), settled(new, "naive", 10)]
    commit(store, learnt(NOON, counted(NOON, a=4), scores=scores, stations=described("a")))
    found = store.feed_health.health(["dublin"], NOON + 30 * 24 * 60 * MINUTE)
    assert found.settled == {"dublin": (10, 1)}
    assert found.zones == {"dublin": "Europe/Dublin"}
    assert store.feed_health.health([], NOON).settled == {}


def test_the_last_failure_has_its_outcome_and_reason(store: Store) -> None:
    assert store.feed_health.last_failure("dublin", NOON - MINUTE) is None
    for minute, outcome in enumerate(["timeout", "http_500", "unchanged"]):
        polled(store, NOON + minute * MINUTE, outcome, 0.1)
    assert store.feed_health.last_failure("dublin", NOON - MINUTE) == Failure(NOON + MINUTE, "http_500", None)
    assert store.feed_health.last_failure("dublin", NOON + MINUTE) is None


def test_the_time_of_a_checkpoint_is_read_without_its_bytes(store: Store) -> None:
    assert store.checkpoints.newest_at("dublin") is None
    commit(store, learnt(NOON, counted(NOON, a=4), checkpoint=b"state"))
    assert store.checkpoints.newest_at("dublin") == NOON


def test_the_checkpoint_before_the_newest_is_kept_and_none_older(store: Store) -> None:
    for minute in range(4):
        at = NOON + minute * MINUTE
        commit(store, learnt(at, counted(at, a=minute), checkpoint=b"%d" % minute))
    newest = store.checkpoints.newest("dublin")
    assert newest is not None
    before = store.checkpoints.newest("dublin", before=newest.at)
    assert before is not None
    assert (newest.blob, before.blob) == (b"3", b"2")
    assert store.checkpoints.newest("dublin", before=before.at) is None
