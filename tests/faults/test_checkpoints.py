"""Recovery takes the checkpoint before an unreadable one, or the log alone; nothing is lost."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from ingest.gbfs import regions
from ingest.store.tables import checkpoints
from model import Forecaster, Snapshot, codec
from model.checkpoint import StateError
from tests.support.model_world import riders, stations
from tests.support.store_world import MINUTE, NOON, copy_store
from tests.support.tick_world import Desk, ScriptedWeather, fresh, rain, state_of

pytestmark = pytest.mark.both


def changed(blob: bytes, **other: object) -> bytes:
    """Mark a state as one of another format or kernel."""
    arrays = codec.unpack(blob, 10**9)
    return codec.pack(arrays | {name: np.array(value) for name, value in other.items()})


SPOILT: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda blob: b"",
    "garbage": lambda blob: np.random.default_rng(1).bytes(len(blob)),
    "truncated": lambda blob: blob[: len(blob) // 2],
    "without its end": lambda blob: blob[:-1],
    "a bit turned": lambda blob: blob[:999] + bytes([blob[999] ^ 4]) + blob[1000:],
    "of another version": lambda blob: changed(blob, format=999),
    "of another kernel": lambda blob: changed(blob, kernel="made-up-9"),
}


def spoil(desk: Desk, newest: int, how: Callable[[bytes], bytes]) -> None:
    """Spoil some of the newest checkpoints from outside, as a disk does."""
    engine = sa.create_engine(desk.url)
    with engine.begin() as db:
        rows = db.execute(sa.select(checkpoints).order_by(checkpoints.c.at.desc())).all()
        for row in rows[:newest]:
            db.execute(checkpoints.update().where(checkpoints.c.at == row.at).values(blob=how(row.blob)))
    engine.dispose()


@pytest.fixture(scope="module")
def learnt_store(tmp_path_factory: pytest.TempPathFactory, store_kind: str) -> tuple[Path, bytes]:
    """A store with 35 polls and two checkpoints, and the state after them: to learn it takes a second."""
    folder = tmp_path_factory.mktemp("learnt")
    desk, sky, expected = Desk(folder), ScriptedWeather(), Forecaster(stations())
    ticker = desk.worker(weather=sky, checkpoint_seconds=600)
    for index, snapshot in enumerate(riders(35, start=NOON)):
        if index == 31:
            sky.next = rain(snapshot.at)
        if index == 32:
            expected.update_weather(rain(snapshot.at - MINUTE))
        desk.tick(ticker, fresh(snapshot))
        expected.learn(snapshot)
    desk.store.close()
    return folder, expected.to_bytes()


@pytest.mark.parametrize(("how", "newest"), [*((how, 1) for how in SPOILT), ("garbage", 2)])
def test_a_worker_whose_checkpoint_is_spoilt_comes_back_in_the_same_state(
    learnt_store: tuple[Path, bytes], tmp_path: Path, how: str, newest: int, caplog: pytest.LogCaptureFixture
) -> None:
    """It recovers from the checkpoint before, or from the log alone where that is spoilt too."""
    folder, state = learnt_store
    copy_store(folder, tmp_path)
    desk, expected = Desk(tmp_path), Forecaster.from_bytes(state)
    desk.feed.now += 35 * MINUTE
    before, last = (
        desk.store.checkpoints.newest("test", before=NOON + 30 * MINUTE),
        desk.store.checkpoints.newest("test"),
    )
    assert before is not None
    assert last is not None
    assert (before.at, last.at) == (NOON + 20 * MINUTE, NOON + 30 * MINUTE)

    spoil(desk, newest, SPOILT[how])
    *_, snapshot = riders(36, start=NOON)
    with caplog.at_level(logging.WARNING):
        assert state_of(desk.store) == state
        desk.tick(desk.worker(checkpoint_seconds=600), fresh(snapshot), after=2 * MINUTE)
    expected.learn(snapshot)
    assert caplog.text.count("cannot be used") == 2 * newest, "each recovery says so of each"
    assert desk.outcomes() == ["learnt"] * 36
    assert state_of(desk.store) == expected.to_bytes()
    assert desk.state() == ("live", None, 0)
    desk.store.close()


@pytest.mark.parametrize("newest", [1, 2])
def test_a_region_is_known_again_though_the_checkpoints_are_spoilt(desk: Desk, newest: int) -> None:
    """Holidays of a region are no working days: the log is learnt again with them."""
    ticker = desk.worker(checkpoint_seconds=600)
    regional = replace(stations(), region="CT")
    expected = Forecaster(regional)
    for snapshot in riders(30, start=NOON):
        desk.tick(ticker, fresh(snapshot, regional, documents={regions.REMEMBERED: "CT"}))
        expected.learn(snapshot)
    spoil(desk, newest, SPOILT["garbage"])
    assert state_of(desk.store) == expected.to_bytes()


def cut(snapshot: Snapshot, size: int) -> Snapshot:
    """Leave only the first stations."""
    return Snapshot(snapshot.at, snapshot.station_id[:size], snapshot.bikes[:size], snapshot.docks[:size])


def test_stations_that_came_after_the_checkpoint_before_are_not_lost_with_the_newest(desk: Desk) -> None:
    ticker = desk.worker(checkpoint_seconds=600)
    seen = list(riders(15, size=6, start=NOON))
    for index, snapshot in enumerate(seen):
        size = 5 if index < 12 else 6
        desk.tick(ticker, fresh(cut(snapshot, size), stations(size)))
    spoil(desk, 1, SPOILT["garbage"])
    after = desk.worker()
    desk.tick(after, fresh(next(riders(1, start=NOON + 15 * MINUTE))))
    status = desk.store.observations.status("test")
    assert status is not None
    assert len(status) == 6
    assert desk.store.observations.poll_times("test") == [NOON + minute * MINUTE for minute in range(16)]


def test_what_the_checkpoint_before_needs_is_not_forgotten(desk: Desk) -> None:
    ticker = desk.worker(checkpoint_seconds=600, keep=timedelta(minutes=5))
    expected = Forecaster(stations())
    for snapshot in riders(65, start=NOON):
        desk.tick(ticker, fresh(snapshot))
        expected.learn(snapshot)
    assert len(desk.store.observations.poll_times("test")) < 65
    spoil(desk, 1, SPOILT["truncated"])
    assert state_of(desk.store) == expected.to_bytes()


def test_a_state_is_not_given_up_for_lack_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """The state is whole, and the next try may succeed. Learning the log instead would lose older days."""
    blob = Forecaster(stations()).to_bytes()

    def none_left(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(np, "frombuffer", none_left)
    with pytest.raises(MemoryError):
        Forecaster.from_bytes(blob)
    monkeypatch.undo()
    with pytest.raises(StateError):
        Forecaster.from_bytes(blob[:-50])
