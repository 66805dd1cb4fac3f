"""A tick, with a real forecaster and a real store: what a poll may come to, and never half of it."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from ingest.gbfs.errors import FetchFailed
from ingest.gbfs.feed import Poll
from ingest.gbfs.findings import Finding
from ingest.http.errors import KeyNeeded, NoAnswer, TooSlow
from ingest.store import LeaseClaim, LeaseLostError, Reason, StoreUnreachableError
from ingest.store.tables import checkpoints, frames
from ingest.worker.recovery import recover
from ingest.worker.tick import LEASE, STANDBY_INTERVAL
from model import Forecaster, Snapshot, Stations, Weather
from model.frame import Frame
from model.records import Drift
from model.scoring.issue import KIND_SCORED, SCORED_MINUTES
from tests.support.model_world import MONDAY, riders, stations
from tests.support.store_world import MINUTE, NOON
from tests.support.tick_world import CITY, Desk, ScriptedWeather, fresh, nothing, rain, state_of

# ---------------------------------------------------------------- what a poll may come to


@pytest.mark.both
def test_a_fresh_poll_ends_in_a_frame_a_log_and_a_state(desk: Desk) -> None:
    ticker = desk.worker()
    first, second = riders(2)
    due = desk.tick(ticker, fresh(first, findings=(Finding("no_docks", 2, "s1"),)))
    assert desk.feed.now + MINUTE <= due <= desk.feed.now + 1.1 * MINUTE
    desk.tick(ticker, fresh(second))
    assert desk.state() == ("live", None, 0)
    assert desk.store.observations.poll_times("test") == [first.at, second.at]
    changed = int((first.bikes != second.bikes).sum())
    assert len(desk.store.observations.changes("test")) == len(first) + changed
    found = desk.store.frames.newest("test")
    assert found is not None
    frame = Frame.from_bytes(found[1])
    assert (frame.at, frame.learning_since) == (second.at, first.at)
    assert frame.bikes.tolist() == second.bikes.tolist()
    assert frame.bike.median[0].tolist() == second.bikes.tolist()
    log = desk.store.observations.polls("test", NOON, NOON + MINUTE)
    assert log["findings"].tolist() == ['[{"kind": "no_docks", "count": 2, "example": "s1"}]']
    assert (log[["learn_seconds", "forecast_seconds"]] > 0).all(axis=None)
    assert log["ttl_seconds"].tolist() == [0.0]
    assert log["waiting"].tolist() == [len(first) * len(SCORED_MINUTES)]


def test_scores_in_the_store_are_those_of_the_forecaster(desk: Desk) -> None:
    ticker, alone = desk.worker(), Forecaster(stations())
    errors: dict[tuple[str, int], float] = {}
    for seen in riders(40):
        desk.tick(ticker, fresh(seen))
        for score in alone.learn(seen):
            key = score.model, score.minutes
            errors[key] = errors.get(key, 0.0) + score.abs_error.sum()
    table = desk.store.scores.over_time("test").groupby(["model", "minutes"])["abs_error"].sum()
    assert table.to_dict() == pytest.approx(errors)
    assert ("pool", 30) in errors


def test_nothing_new_is_written_down_and_the_frame_stays(desk: Desk) -> None:
    ticker = desk.worker()
    desk.tick(ticker, fresh(next(riders(1))))
    desk.tick(ticker, nothing())
    desk.tick(ticker, nothing("late"))
    assert desk.state() == ("live", None, 0)
    assert desk.outcomes() == ["learnt", "unchanged", "late"]
    state = desk.store.systems.state("test")
    assert state is not None
    assert (state.frame_version, state.received_at) == (1, NOON + MINUTE)


def test_a_snapshot_within_the_same_second_is_not_learnt_twice(desk: Desk) -> None:
    """The log holds whole seconds: what it could not hold must not be learnt either."""
    ticker = desk.worker()
    seen = next(riders(1))
    half = timedelta(seconds=0.5)
    desk.tick(ticker, fresh(replace(seen, at=seen.at + half)))
    desk.tick(ticker, fresh(replace(seen, at=seen.at + 1.5 * half)))
    assert desk.outcomes() == ["learnt", "unchanged"]
    assert desk.store.observations.poll_times("test") == [seen.at]


def test_a_feed_that_stands_still_falls_silent_and_comes_back(desk: Desk) -> None:
    ticker = desk.worker()
    first, second = riders(2)
    desk.tick(ticker, fresh(first))
    for minutes, state in ((9, "live"), (2, "silent"), (1, "silent")):
        desk.tick(ticker, nothing(), after=minutes * MINUTE)
        assert desk.state()[0] == state
    desk.tick(ticker, fresh(second))
    assert desk.state() == ("live", None, 0)


def test_a_feed_that_was_frozen_at_the_first_poll_is_shown_and_called_silent(desk: Desk) -> None:
    desk.tick(desk.worker(), fresh(next(riders(1)), still_seconds=7200.0))
    assert desk.state()[0] == "silent"
    assert desk.store.frames.newest("test") is not None


def test_a_replay_that_begins_again_says_why_nothing_happens(desk: Desk) -> None:
    """Learning the same riders twice would make the forecaster too sure of itself."""
    replay = replace(CITY, label="replayed", speed=60.0, poll_seconds=1.0)
    ticker = desk.worker(system=replay)
    desk.tick(ticker, fresh(next(riders(1))))
    desk.tick(ticker, nothing("late"), after=timedelta(seconds=11))
    assert desk.state() == ("silent", Reason("only_older"), 0)


def test_failures_are_stored_and_tried_again_ever_more_rarely(desk: Desk) -> None:
    ticker = desk.worker()
    trouble = FetchFailed(TooSlow(host="bikes.example", seconds=30.0))
    waits = []
    for _ in range(8):
        due = desk.tick(ticker, trouble)
        waits.append((due - desk.feed.now) / MINUTE)
    assert desk.state() == ("unreachable", Reason("too_slow", {"host": "bikes.example", "seconds": 30.0}), 8)
    for wait, least in zip(waits, (1, 2, 4, 8, 15, 15, 15, 15), strict=True):
        assert least <= wait <= 1.2 * least
    assert desk.outcomes() == ["too_slow"] * 8
    desk.tick(ticker, fresh(next(riders(1))))
    assert desk.state() == ("live", None, 0)


def test_a_feed_that_names_a_time_is_left_alone_until_then(desk: Desk) -> None:
    refused = FetchFailed(KeyNeeded(host="bikes.example", status=403, retry_after=timedelta(hours=2)))
    due = desk.tick(desk.worker(), refused)
    assert due == desk.feed.now + timedelta(hours=2)
    assert desk.state()[0] == "refused"


def test_a_wait_that_a_feed_asked_for_holds_for_the_worker_that_takes_over(desk: Desk) -> None:
    """A worker that has just started tries at once: perhaps somebody has mended something."""
    refused = FetchFailed(KeyNeeded(host="bikes.example", status=403, retry_after=timedelta(hours=2)))
    due = desk.tick(desk.worker(), refused)
    stands_by = desk.worker("other")
    desk.tick(stands_by, refused, after=timedelta(seconds=1))
    desk.store.leases.drop_all("me")
    assert abs(desk.tick(stands_by, refused) - due) < timedelta(seconds=1)
    desk.store.leases.drop_all("other")
    assert abs(desk.tick(desk.worker("third", tries_at_once=False), refused) - due) < timedelta(seconds=1)
    assert desk.feed.polled == 1
    desk.store.leases.drop_all("third")
    desk.tick(desk.worker("started"), refused)
    assert desk.feed.polled == 2


def test_the_ttl_is_counted_from_receipt(desk: Desk) -> None:
    due = desk.tick(desk.worker(), fresh(next(riders(1)), ttl_seconds=200.0))
    assert timedelta(seconds=200) <= due - desk.feed.now <= timedelta(seconds=202)


# ---------------------------------------------------------------- bit for bit


def test_what_is_saved_for_another_worker_is_the_state_and_leaves_no_log_to_learn(desk: Desk) -> None:
    seen, ticker = list(riders(8)), desk.worker()
    for snapshot in seen[:5]:
        desk.tick(ticker, fresh(snapshot))
    assert desk.store.checkpoints.newest_at("test") == seen[0].at
    ticker.save()
    assert desk.store.checkpoints.newest_at("test") == seen[4].at
    desk.store.leases.drop_all("me")
    other = desk.worker("other")
    for snapshot in seen[5:]:
        desk.tick(other, fresh(snapshot))
    assert state_of(desk.store) == learnt_by_one(seen, {0: stations()})
    desk.tick(ticker, fresh(seen[-1]))
    assert ticker.working_copy is None
    ticker.save()


def test_nothing_is_saved_of_a_system_that_has_begun_anew_or_is_another_workers(desk: Desk) -> None:
    seen, ticker = list(riders(3)), desk.worker()
    for snapshot in seen:
        desk.tick(ticker, fresh(snapshot))
    with desk.store._database.write() as db:
        desk.store.systems.empty(db, "test")
    ticker.save()
    assert desk.store.checkpoints.newest_at("test") is None
    for snapshot in riders(5):
        desk.tick(ticker, fresh(snapshot))
    desk.store.leases.drop_all("me")
    with pytest.raises(LeaseLostError):
        ticker.save()


def learnt_by_one(seen: list[Snapshot], described: dict[int, Stations]) -> bytes:
    """Give the state of a forecaster that nobody ever interrupted."""
    forecaster = Forecaster(described[0])
    for number, snapshot in enumerate(seen):
        if number in described:
            forecaster.update_stations(described[number])
        forecaster.learn(snapshot)
    return forecaster.to_bytes()


@pytest.mark.parametrize("checkpoint_seconds", [0.0, 240.0, 1e9])
def test_a_worker_that_is_killed_at_any_time_ends_in_the_same_state(
    desk: Desk, checkpoint_seconds: float
) -> None:
    """Stations come, go and come back meanwhile, counts are unknown, and flags change."""
    seen = list(riders(75, size=6))
    described = {0: stations(5), 20: stations(6), 35: stations(4), 50: stations(6, capacity=15)}
    now = described[0]
    kills = {3, 4, 19, 20, 21, 36, 45, 51, 74}
    ticker = desk.worker(checkpoint_seconds=checkpoint_seconds)
    for number, snapshot in enumerate(seen):
        now = described.get(number, now)
        size = len(now)
        bikes = np.where(np.arange(size) == number % 9, -1, snapshot.bikes[:size])
        seen[number] = snapshot = Snapshot(
            snapshot.at,
            now.station_id,
            bikes,
            snapshot.docks[:size],
            ebikes=np.maximum(bikes - 1, 0) if number % 25 > 12 else None,
            renting=np.arange(size) != number % 7 if number % 20 > 10 else None,
        )
        desk.tick(ticker, fresh(snapshot, now), after=2 * MINUTE)
        if number in kills:
            ticker = desk.worker(checkpoint_seconds=checkpoint_seconds)
    assert state_of(desk.store) == learnt_by_one(seen, described)
    assert desk.outcomes() == ["learnt"] * 75


def test_a_checkpoint_is_written_now_and_then_and_with_every_new_description(desk: Desk) -> None:
    ticker = desk.worker(checkpoint_seconds=240)
    at = []
    for number, seen in enumerate(riders(12)):
        size = 5 if number < 6 else 6
        cut = Snapshot(seen.at, seen.station_id[:size], seen.bikes[:size], seen.docks[:size])
        desk.tick(ticker, fresh(cut, stations(size)))
        checkpoint = desk.store.checkpoints.newest("test")
        assert checkpoint is not None
        at.append(int((checkpoint.at - riders_start) / MINUTE))
    assert at == [0, 0, 0, 0, 4, 4, 6, 6, 6, 6, 10, 10]


riders_start = next(riders(1)).at


def test_a_checkpoint_of_another_release_costs_no_more_than_what_is_not_kept(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("ingest.worker.recovery._POLLS_AT_ONCE", 7)
    ticker = desk.worker(checkpoint_seconds=1e9)
    seen = list(riders(40))
    for snapshot in seen:
        desk.tick(ticker, fresh(snapshot))
    engine = sa.create_engine(desk.url)
    with engine.begin() as connection:
        connection.execute(checkpoints.update().values(blob=b"\0"))
    engine.dispose()
    with caplog.at_level(logging.WARNING):
        assert state_of(desk.store) == learnt_by_one(seen, {0: stations()})
    assert "learning the log again" in caplog.text
    after = list(riders(41))[-1]
    desk.tick(desk.worker(checkpoint_seconds=1e9), fresh(after), after=2 * MINUTE)
    checkpoint = desk.store.checkpoints.newest("test")
    assert checkpoint is not None
    assert checkpoint.at == after.at
    assert state_of(desk.store) == learnt_by_one([*seen, after], {0: stations()})


@pytest.mark.both
def test_data_that_was_dropped_is_not_needed_to_recover(desk: Desk) -> None:
    ticker = desk.worker(checkpoint_seconds=600, keep=timedelta(minutes=20))
    seen = list(riders(90))
    for snapshot in seen:
        desk.tick(ticker, fresh(snapshot))
    assert len(desk.store.observations.poll_times("test")) < 60
    assert state_of(desk.store) == learnt_by_one(seen, {0: stations()})


# ---------------------------------------------------------------- when store and memory part


@pytest.mark.both
def test_a_commit_that_fails_is_made_good_at_the_next_tick(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The forecaster has learnt by then. Going on with it would leave a hole in the log for ever."""
    ticker = desk.worker()
    seen = list(riders(4))
    desk.tick(ticker, fresh(seen[0]))
    with monkeypatch.context() as broken, caplog.at_level(logging.INFO):
        disk_full = StoreUnreachableError("database or disk is full")
        broken.setattr(desk.store, "commit_tick", lambda *_: (_ for _ in ()).throw(disk_full))
        for _ in range(2):
            due = desk.tick(ticker, fresh(seen[1]))
            assert MINUTE <= due - desk.feed.now <= 1.1 * MINUTE, "the feed is not at fault"
    assert "a bug" not in caplog.text, "the store itself tells of its outages"
    for snapshot in seen[1:]:
        desk.tick(ticker, fresh(snapshot))
    assert desk.store.observations.poll_times("test") == [snapshot.at for snapshot in seen]
    assert state_of(desk.store) == learnt_by_one(seen, {0: stations()})
    assert desk.feed.at == seen[0].at, "the feed did not learn where to continue"


def test_a_bug_ends_its_tick_alone(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ticker = desk.worker()
    seen = list(riders(3))
    desk.tick(ticker, fresh(seen[0]))
    with monkeypatch.context() as broken:

        def half_done(self: Forecaster, snapshot: Snapshot) -> list[Any]:
            self.at = snapshot.at
            raise ZeroDivisionError("a bug")

        broken.setattr(Forecaster, "learn", half_done)
        due = desk.tick(ticker, fresh(seen[1]))
    assert MINUTE <= due - desk.feed.now <= 1.2 * MINUTE
    assert "system=test" in caplog.text
    assert "a bug" in caplog.text
    for snapshot in seen[1:]:
        desk.tick(ticker, fresh(snapshot))
    assert state_of(desk.store) == learnt_by_one(seen, {0: stations()})


# ---------------------------------------------------------------- leases


@pytest.mark.both
def test_a_second_worker_stands_by_and_takes_over_in_the_same_state(desk: Desk) -> None:
    first, second = desk.worker("first"), desk.worker("second")
    seen = list(riders(30))
    for snapshot in seen[:10]:
        desk.tick(first, fresh(snapshot))
        assert second.tick() == desk.feed.now + STANDBY_INTERVAL
    assert desk.feed.polled == 10, "a worker that stands by must not poll"
    for number, snapshot in enumerate(seen[10:]):
        desk.tick(second, fresh(snapshot), after=2 * MINUTE if number == 0 else MINUTE)
    assert state_of(desk.store) == learnt_by_one(seen, {0: stations()})


@pytest.mark.both
def test_a_frozen_worker_learns_nothing_until_it_has_read_the_work_of_others(desk: Desk) -> None:
    """It still has a forecaster in memory, of an hour ago, when it gets its lease back."""
    frozen, other = desk.worker("frozen"), desk.worker("other")
    seen = list(riders(30))
    for snapshot in seen[:10]:
        desk.tick(frozen, fresh(snapshot))
    for number, snapshot in enumerate(seen[10:20]):
        desk.tick(other, fresh(snapshot), after=2 * MINUTE if number == 0 else MINUTE)
    polled = desk.feed.polled
    assert desk.tick(frozen, fresh(seen[19])) == desk.feed.now + STANDBY_INTERVAL
    assert desk.feed.polled == polled
    desk.store.leases.drop_all("other")
    for snapshot in seen[20:]:
        desk.tick(frozen, fresh(snapshot), after=2 * MINUTE)
    assert desk.store.observations.poll_times("test") == [snapshot.at for snapshot in seen]
    assert state_of(desk.store) == learnt_by_one(seen, {0: stations()})


@pytest.mark.both
def test_a_worker_that_knows_its_lease_asks_the_store_no_more_before_it_polls(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And one that does not know it any more asks: what it has in memory may be old."""
    coming, known = riders(5), True
    asked: list[LeaseClaim] = []
    renew = desk.store.leases.renew

    def noted(claim: LeaseClaim) -> None:
        asked.append(claim)
        renew(claim)

    monkeypatch.setattr(desk.store.leases, "renew", noted)
    ticker = desk.worker(has_lease=lambda system_id: known and system_id == "test")
    desk.tick(ticker, fresh(next(coming)))
    desk.tick(ticker, fresh(next(coming)))
    assert (desk.feed.polled, len(asked)) == (2, 0)
    desk.store.leases.drop_all("me")
    assert desk.store.leases.take(LeaseClaim("test", "other", desk.feed.now + MINUTE, LEASE))
    desk.tick(ticker, fresh(next(coming)))
    assert desk.outcomes() == ["learnt"] * 2, "the commit is the fence"
    assert ticker.working_copy is None
    desk.store.leases.drop_all("other")
    desk.tick(ticker, fresh(next(coming)))
    known = False
    desk.store.leases.drop_all("me")
    polled = desk.feed.polled
    desk.tick(ticker, fresh(next(coming)))
    assert (desk.feed.polled, len(asked)) == (polled, 1)


def test_a_worker_that_loses_its_lease_while_it_polls_writes_nothing(desk: Desk) -> None:
    slow, other = desk.worker("slow"), desk.worker("other")
    seen = list(riders(4))
    desk.tick(slow, fresh(seen[0]))

    def meanwhile() -> Poll:
        desk.feed.now += 2 * LEASE
        assert desk.store.leases.take(LeaseClaim("test", "other", desk.feed.now, LEASE))
        return fresh(seen[1], received_at=desk.feed.now)

    desk.feed.now += MINUTE
    poll, desk.feed.poll = desk.feed.poll, meanwhile  # type: ignore[method-assign]
    assert slow.tick() == desk.feed.now + STANDBY_INTERVAL
    desk.feed.poll = poll  # type: ignore[method-assign]
    assert desk.store.observations.poll_times("test") == [seen[0].at]
    desk.tick(other, fresh(seen[2]))
    assert state_of(desk.store) == learnt_by_one([seen[0], seen[2]], {0: stations()})


def test_a_new_worker_keeps_the_promise_that_the_last_one_made(desk: Desk) -> None:
    """A restart must not ask a feed twice in its minute; one that failed is tried at once."""
    due = desk.tick(desk.worker(), fresh(next(riders(1))))
    polled = desk.feed.polled
    new = desk.worker()
    desk.feed.now += timedelta(seconds=5)
    assert new.tick() == due
    assert desk.feed.polled == polled
    desk.feed.now = due
    desk.feed.next = FetchFailed(NoAnswer(host="bikes.example"))
    new.tick()
    desk.tick(desk.worker(), nothing(), after=timedelta(seconds=1))
    assert desk.feed.polled == polled + 2


def test_only_what_changes_is_logged(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    ticker = desk.worker()
    with caplog.at_level(logging.INFO):
        for snapshot in riders(5):
            desk.tick(ticker, fresh(snapshot))
        for _ in range(20):
            desk.tick(ticker, nothing())
        for _ in range(3):
            desk.tick(ticker, FetchFailed(NoAnswer(host="bikes.example")))
    assert [record.getMessage().split(",")[0] for record in caplog.records] == [
        "test: live",
        "test: silent",
        "test: unreachable",
    ]


# ---------------------------------------------------------------- weather, drift, the seed pipeline


def test_recovery_learns_the_weather_of_the_log_again(desk: Desk) -> None:
    sky = ScriptedWeather()
    ticker = desk.worker(weather=sky, checkpoint_seconds=3600)
    heard = Forecaster(stations())
    for index, seen in enumerate(riders(90, start=NOON)):
        if index in (20, 70):
            sky.next = rain(seen.at)
        if index in (21, 71):  # what came after a tick counts from the next one on
            heard.update_weather(rain(seen.at - MINUTE))
        desk.tick(ticker, fresh(seen))
        heard.learn(seen)
    found = recover(desk.store, "test")
    assert found is not None
    assert found.forecaster.to_bytes() == heard.to_bytes()
    assert found.checkpoint_at is not None
    assert found.checkpoint_at == NOON + 60 * MINUTE, "before the second report"


def test_a_weather_server_that_breaks_stops_no_tick(desk: Desk) -> None:
    class Broken:
        def poll(self, stations: Stations) -> Weather | None:
            return None

    ticker = desk.worker(weather=Broken())
    for seen in riders(3):
        desk.tick(ticker, fresh(seen))
    assert desk.outcomes() == ["learnt"] * 3


@pytest.mark.parametrize("seed", [True, False])
def test_the_setting_switches_the_seed_pipeline_on_and_off_at_a_restart(desk: Desk, seed: bool) -> None:
    before = desk.worker(seed=not seed)
    world = list(riders(130))
    for seen in world[:45]:
        desk.tick(before, fresh(seen))
    after = desk.worker(seed=seed)
    for seen in world[45:50]:
        desk.tick(after, fresh(seen))
    found = recover(desk.store, "test")
    assert found is not None
    assert after.working_copy is not None
    assert after.working_copy.forecaster is not None
    assert found.forecaster.to_bytes() == after.working_copy.forecaster.to_bytes()
    for seen in world[50:]:
        desk.tick(after, fresh(seen))
    scores = desk.store.scores.over_time("test").groupby("model")["n"].sum()
    assert ("seed" in after.working_copy.forecaster.models) == seed
    assert 0 < scores["seed"] < scores["pool"]


def test_every_station_and_every_odds_is_accounted_for_in_the_store(desk: Desk) -> None:
    ticker = desk.worker(seed=True)
    for seen in riders(150):
        desk.tick(ticker, fresh(seen))
    keys = ["model", "minutes"]
    by_hour = desk.store.scores.over_time("test").groupby(keys)[["n", "abs_error", "covered"]].sum()
    by_station = desk.store.daily_scores.by_station("test").groupby(keys)[["n", "abs_error"]].sum()
    pit = desk.store.daily_scores.calibration("test").query("of == 'pit' and 1 <= tenth <= 8")
    by_station["covered"] = pit.groupby(keys)["came"].sum()
    judged = by_hour[by_hour["n"] > 0]
    assert set(judged.reset_index()["model"]) > {"naive", "pool", "seed", "climatology", "chain"}
    np.testing.assert_allclose(by_station.loc[judged.index], judged, rtol=1e-5)


def test_scores_of_each_kind_of_bikes_are_kept_apart(desk: Desk) -> None:
    ticker, alone = desk.worker(), Forecaster(stations())
    errors: dict[tuple[str, int], float] = {}
    for seen in [*riders(110)][::5]:
        told = replace(seen, ebikes=seen.bikes // 3)
        desk.tick(ticker, fresh(told))
        for score in alone.learn(told):
            if score.model == "pool" and score.n:
                key = score.kind, score.minutes
                errors[key] = errors.get(key, 0.0) + float(score.abs_error.sum())
    store = desk.store
    assert store.scores.kinds("test") == ["any", "plain", "electric"]
    assert store.scores.kinds("nobody") == []
    for kind in ("any", "plain", "electric"):
        table = (
            store.scores.over_time("test", kind=kind, models=["pool"]).groupby("minutes")["abs_error"].sum()
        )
        stations_of = store.daily_scores.by_station("test", kind=kind).query("model == 'pool'")
        by_day = stations_of.groupby("minutes")["abs_error"].sum()
        expected = {minutes: error for (of, minutes), error in errors.items() if of == kind}
        assert table[table.index.isin(expected)].to_dict() == pytest.approx(expected)
        assert by_day.to_dict() == pytest.approx(expected)
        assert len(store.paired_scores.bounds("test", 60, 0.05, kind)) == 6
        assert not store.daily_scores.calibration("test", kind=kind).empty
        assert not store.scores.same_issues("test", told.at, timedelta(hours=1), kind).sums.empty
    assert set(store.scores.over_time("test", kind="plain")["minutes"]) < set(KIND_SCORED)
    found = recover(store, "test")
    assert found is not None
    assert found.forecaster.to_bytes() == alone.to_bytes()


def test_a_frame_that_the_database_has_lost_is_put_back_while_the_feed_is_down(desk: Desk) -> None:
    """PostgreSQL empties the table of frames after a crash of its own."""
    ticker = desk.worker()
    for seen in riders(4):
        desk.tick(ticker, fresh(seen))
    newest = desk.store.frames.newest("test")
    assert newest is not None
    with desk.store._database.write() as db:
        db.execute(frames.delete())
    desk.tick(desk.worker(), FetchFailed(NoAnswer(host="bikes.example")))
    assert desk.store.frames.newest("test") == newest
    assert desk.state()[0] == "unreachable"


def test_a_drift_is_kept_in_the_store(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    noticed: list[Drift] = []

    def alarm(self: Any, minutes: int, at: datetime, *_: Any) -> Drift | None:
        if minutes != 30 or noticed:
            return None
        noticed.append(Drift(at, minutes, -0.2, 0.1))
        return noticed[0]

    monkeypatch.setattr("model.scoring.drift.DriftMonitor.learn", alarm)
    ticker = desk.worker()
    for seen in riders(60):
        desk.tick(ticker, fresh(seen))
    assert desk.store.scores.drifts("test") == noticed
    assert len(noticed) == 1


def test_a_frame_of_every_twenty_minutes_is_kept_for_a_while(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.store.issued_forecasts.KEPT_FOR", timedelta(hours=4))
    ticker = desk.worker(checkpoint_seconds=1e6)
    for seen in list(riders(330))[::5]:
        desk.tick(ticker, fresh(seen), after=5 * MINUTE)
    kept = desk.store.issued_forecasts.issue_times("test")
    assert kept == sorted(kept)
    assert kept[-1] == MONDAY + 320 * MINUTE
    assert {b - a for a, b in pairwise(kept)} == {20 * MINUTE}
    assert kept[0] == kept[-1] - timedelta(hours=4)
    blob = desk.store.issued_forecasts.get("test", kept[0])
    assert blob is not None
    assert Frame.from_bytes(blob).at == kept[0]
    assert Frame.from_bytes(blob).minutes.tolist() == list(SCORED_MINUTES)
    assert desk.store.issued_forecasts.get("test", kept[0] - MINUTE) is None


@pytest.mark.both
def test_what_a_feed_has_read_of_its_documents_is_kept_when_it_changes(desk: Desk) -> None:
    ticker = desk.worker()
    seen = list(riders(4))
    desk.tick(ticker, fresh(seen[0], documents={"vehicle_types": "1"}))
    assert desk.store.systems.documents("test") == {"vehicle_types": "1"}
    desk.tick(ticker, nothing(documents={"vehicle_types": "2"}))
    assert desk.store.systems.documents("test") == {"vehicle_types": "1"}, "written with a tick alone"
    desk.tick(ticker, fresh(seen[2], documents={"vehicle_types": "2", "station_information": "3"}))
    kept = {"vehicle_types": "2", "station_information": "3"}
    assert desk.store.systems.documents("test") == kept
    desk.feed.now += 2 * LEASE
    desk.tick(desk.worker("other"), fresh(seen[3], documents=kept))
    assert desk.feed.documents == kept
    assert desk.store.systems.documents("elsewhere") == {}
