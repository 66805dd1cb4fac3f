"""The player: any speed, pauses, jumps and new beginnings, with a complete log throughout."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from ingest.city.cities import CITIES
from ingest.replay.open_source import open_source, recorded_systems
from ingest.replay.playable_source import MadeUpCity, PlayableSource, RecordedCity
from ingest.replay.recording import Recording
from ingest.replay.recording_writer import write
from ingest.store import LeaseClaim, Store
from ingest.store.playback import Playback
from ingest.system import System
from ingest.worker import player
from ingest.worker.player import LEARNT, Player
from ingest.worker.recovery import recover
from ingest.worker.tick import STANDBY_INTERVAL
from model import Forecaster
from tests.support.serving import make_recording
from tests.support.store_world import store_url

TEN = datetime(2026, 6, 3, 10, 0, 20, tzinfo=UTC)
CITY = System("sandmouth", "Sandmouth", "Sandmouth", "CA", "simulated:sandmouth", label="simulated")
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


class Desk:
    """A store, a clock that the test moves, and a player."""

    def __init__(self, path: Path, source: PlayableSource, system: System = CITY) -> None:
        self.now = TEN
        self.system = system
        self.source = source
        self.store = Store(store_url(path))
        self.store.systems.follow([system])
        self.player = self.another("me")

    def another(self, holder: str, *, seed: bool = False) -> Player:
        return Player(
            self.system, self.source, self.store, holder, lambda: self.now, jitter=random.Random(1), seed=seed
        )

    def tick(self, after: timedelta = SECOND) -> datetime:
        self.now += after
        return self.player.tick()

    def wanted(self) -> Playback:
        found = self.store.playback.get(self.system.system_id)
        assert found is not None
        return found

    def ask(self, wanted: Playback) -> None:
        self.store.playback.set(self.system.system_id, wanted)

    def at(self) -> datetime | None:
        state = self.store.systems.state(self.system.system_id)
        assert state is not None
        return state.at

    def polls(self) -> list[datetime]:
        return self.store.observations.poll_times(self.system.system_id)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A city that begins with nothing learnt, and has no elder: to learn a month takes seconds."""
    monkeypatch.setattr("ingest.replay.playable_source.MONTH", timedelta(0))
    made = Desk(tmp_path, MadeUpCity(CITIES["sandmouth"]))
    made.ask(Playback(TEN, TEN, begin="nothing"))
    yield made
    made.store.close()


def test_a_made_up_city_begins_at_the_wall_clocks_time(desk: Desk) -> None:
    due = desk.tick()
    assert desk.at() == TEN.replace(second=0)
    assert due - desk.now == SECOND, "somebody may ask for something else meanwhile"
    desk.tick(30 * SECOND)
    assert len(desk.polls()) == 1
    desk.tick(32 * SECOND)
    assert desk.polls() == [TEN.replace(second=0), TEN.replace(second=0) + MINUTE]
    snapshot = desk.store.observations.status("sandmouth")
    assert snapshot is not None
    expected = CITIES["sandmouth"].at(TEN + MINUTE)
    order = np.argsort(expected.station_id)
    assert snapshot.bikes.tolist() == expected.bikes[order].tolist()


def test_it_runs_at_the_set_speed_and_stores_it_for_pages(desk: Desk) -> None:
    desk.tick()
    desk.ask(desk.wanted().faster(60, desk.now))
    for _ in range(5):
        desk.tick()
    assert desk.polls()[-1] - desk.polls()[0] == 5 * MINUTE
    (row,) = desk.store.systems.followed()
    assert (row.speed, row.poll_seconds) == (60, 1)
    with pytest.raises(ValueError, match="up to 600"):
        desk.wanted().faster(601, desk.now)


def test_at_six_hundred_times_no_minute_is_an_outage(desk: Desk) -> None:
    desk.tick()
    desk.ask(desk.wanted().faster(600, desk.now))
    for seconds in (1, 1, 3, 1):
        desk.tick(timedelta(seconds=seconds))
    assert desk.polls()[-1] - desk.polls()[0] == HOUR
    assert desk.store.scores.outages("sandmouth") == []
    found = recover(desk.store, "sandmouth")
    assert found is not None
    memory = desk.player.working_copy
    assert memory is not None
    assert memory.forecaster is not None
    assert found.forecaster.to_bytes() == memory.forecaster.to_bytes()


def test_paused_it_stands_still_and_goes_on_where_it_was(desk: Desk) -> None:
    desk.tick()
    desk.ask(desk.wanted().faster(60, desk.now).pause(True, desk.now))
    for _ in range(3):
        desk.tick(HOUR)
    assert len(desk.polls()) == 1
    assert desk.store.systems.followed()[0].speed == 0
    assert desk.store.leases.holder(desk.now) == "me", "a worker that waits is at work"
    desk.ask(desk.wanted().pause(False, desk.now))
    desk.tick()
    assert desk.polls()[-1] - desk.polls()[0] == MINUTE


def test_a_jump_learns_the_time_in_between(desk: Desk) -> None:
    zone = ZoneInfo("America/Halifax")
    desk.tick()
    desk.ask(desk.wanted().jump(time(8, 30), zone, desk.now))
    desk.tick()
    at = desk.at()
    assert at is not None
    assert at.astimezone(zone).time() == time(8, 30)
    assert timedelta(0) < at - TEN < timedelta(days=1)
    assert desk.store.scores.outages("sandmouth") == []
    scores = desk.store.scores.over_time("sandmouth", minutes=[30], models=["naive"])
    assert scores["n"].sum() >= 3 * len(CITIES["sandmouth"].stations)


@pytest.mark.both
def test_a_jump_tells_pages_how_far_it_is_and_when_it_is_there(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(player, "QUICK", 0.0)
    monkeypatch.setattr(player, "REPORT_EVERY", 0.0)
    desk.tick()
    seen: list[float | None] = []
    set_progress = Store.set_progress

    def watch(store: Store, claim: LeaseClaim, progress: float | None) -> bool:
        done = set_progress(store, claim, progress)
        seen.append(store.playback.progress("sandmouth"))
        return done

    monkeypatch.setattr(Store, "set_progress", watch)
    desk.ask(desk.wanted().jump(time(8, 30), ZoneInfo("America/Halifax"), desk.now))
    desk.tick()
    *shares, end = seen
    assert end is None
    assert len(shares) == 8, "one for each ten minutes on the way"
    assert all(before is not None and after is not None and 0 < before < after <= 1
               for before, after in pairwise(shares))  # fmt: skip
    desk.tick()
    assert len(seen) == len(shares) + 1, "nothing is written while nothing is caught up on"
    store = desk.store
    assert not store.set_progress(replace(desk.player.claim(desk.now), holder="another"), 0.5)
    assert store.playback.progress("sandmouth") is None


def test_a_worker_that_starts_ends_the_progress_that_a_killed_one_left(desk: Desk) -> None:
    desk.tick()
    assert desk.store.set_progress(desk.player.claim(desk.now), 0.5)
    desk.player = desk.another("me")
    desk.tick(2 * MINUTE)
    assert desk.store.playback.progress("sandmouth") is None


@pytest.mark.both
def test_a_new_beginning_drops_all_that_was_learnt(desk: Desk) -> None:
    desk.ask(Playback(TEN - timedelta(days=30), TEN, begin="nothing"))
    desk.tick()
    version = desk.store.systems.state("sandmouth").frame_version  # type: ignore[union-attr]
    desk.ask(desk.wanted().anew("nothing"))
    desk.tick()
    assert desk.polls() == [TEN.replace(second=0)]
    state = desk.store.systems.state("sandmouth")
    assert state is not None
    assert state.learning_since == TEN.replace(second=0)
    assert state.frame_version == (version or 0) + 1, "browsers keep a frame under its number for ever"
    assert desk.wanted().begun == desk.wanted().run == 2
    desk.tick(2 * MINUTE)
    assert len(desk.polls()) == 2


def test_a_learnt_beginning_learns_from_a_month_before(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.replay.playable_source.MONTH", timedelta(days=3))
    desk.ask(Playback(TEN, TEN))
    desk.tick()
    state = desk.store.systems.state("sandmouth")
    assert state is not None
    assert state.learning_since is not None
    assert timedelta(days=3) - 11 * MINUTE <= TEN - state.learning_since <= timedelta(days=3)
    assert desk.store.scores.over_time("sandmouth", models=["pool"])["n"].sum() > 0
    desk.player = desk.another("me")
    desk.tick(2 * MINUTE)
    assert len(desk.polls()) == 2, "a worker that starts again goes on, and learns no month twice"


def test_a_city_begun_from_nothing_is_judged_beside_one_that_knows_it_on_the_same_forecasts(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run() -> tuple[bytes, pd.DataFrame]:
        """Play an hour at 600×, a jump of three hours, and half an hour more."""
        for _ in range(6):
            desk.tick()
        desk.ask(replace(desk.wanted(), at=desk.wanted().now(desk.now) + 3 * HOUR, wall=desk.now))
        for _ in range(4):
            desk.tick()
        copy = desk.player.working_copy
        assert copy is not None
        assert copy.forecaster is not None
        return copy.forecaster.to_bytes(), desk.store.scores.totals("sandmouth", 300)

    desk.ask(Playback(TEN, TEN, speed=600.0, begin="nothing"))
    alone, scores = run()
    assert LEARNT not in set(scores["model"])

    monkeypatch.setattr("ingest.replay.playable_source.MONTH", timedelta(days=3))
    desk.now = TEN
    desk.player = desk.another("me")
    desk.ask(Playback(TEN, TEN, speed=600.0, begin="nothing", run=2))
    beside, scores = run()
    assert alone == beside, "the one beside it changes nothing"
    judged = scores.pivot(index="minutes", columns="model", values=["n", "expired"])
    for count in ("n", "expired"):
        assert (judged[count][LEARNT] == judged[count]["pool"]).all()
    assert (judged["n"]["pool"] > 0).sum() >= 9
    by_model = scores[scores["minutes"] == 60].set_index("model")["crps"]
    assert by_model[LEARNT] < by_model["pool"]


def test_the_seed_pipeline_does_not_compete_where_a_month_is_learnt(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.replay.playable_source.MONTH", timedelta(hours=1))
    desk.ask(Playback(TEN, TEN))
    for after in (SECOND, 2 * MINUTE):
        desk.player = desk.another("me", seed=True)
        desk.tick(after)
    copy = desk.player.working_copy
    assert copy is not None
    assert copy.forecaster is not None
    assert "seed" not in copy.forecaster.models


def test_a_night_with_the_machine_off_is_learnt_on_the_way(desk: Desk) -> None:
    desk.tick()
    desk.player = desk.another("next")
    desk.tick(10 * HOUR)
    assert desk.at() == TEN.replace(second=0) + 10 * HOUR
    assert desk.store.scores.outages("sandmouth") == []


@pytest.mark.both
def test_another_worker_stands_by(desk: Desk) -> None:
    desk.tick()
    second = desk.another("other")
    desk.ask(replace(desk.wanted(), paused=True))
    assert second.tick() >= desk.now + STANDBY_INTERVAL
    assert desk.wanted().begun == 1


# ---------------------------------------------------------------- recordings


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    """Six hours of two stations."""
    changes = [
        {"at": 60 * minute, "station_id": name, "bikes": bikes, "docks": 12 - bikes}
        for minute in range(0, 360, 7)
        for name, bikes in (("a", minute // 7 % 12), ("b", (minute // 7 + 1) % 12))
    ]  # fmt: skip
    return Recording.read(make_recording(tmp_path / "recordings" / "town", changes, range(0, 360 * 60, 120)))


def test_a_recording_waits_to_be_played_and_stops_at_its_end(tmp_path: Path, recording: Recording) -> None:
    source = RecordedCity(recording)
    made = Desk(tmp_path, source, replace(CITY, system_id=recording.system.system_id, url="recorded:town"))
    made.tick()
    assert made.polls() == []
    made.ask(made.wanted().pause(False, made.now))
    for _ in range(4):
        made.tick()
    assert made.polls()[0] == datetime.fromtimestamp(int(recording.polls[0]), UTC) or len(made.polls()) == 2
    made.tick(timedelta(minutes=30))
    last = datetime.fromtimestamp(int(recording.polls[-1]), UTC)
    assert made.at() == last
    made.tick()
    assert made.polls()[-1] == last
    made.ask(made.wanted().anew("learnt"))
    made.tick()
    first = datetime.fromtimestamp(int(recording.polls[0]), UTC)
    at, state = made.at(), made.store.systems.state(recording.system.system_id)
    assert at is not None
    assert state is not None
    assert state.learning_since is not None
    assert abs(at - (first + (last - first) / 2)) <= 2 * MINUTE
    assert state.learning_since - first <= 11 * MINUTE
    made.store.close()


def test_recordings_in_their_folder_are_systems(
    tmp_path: Path, recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "recordings" / "broken").mkdir()
    (tmp_path / "recordings" / "broken" / "system.json").write_text("{")
    (system,) = recorded_systems(tmp_path / "recordings")
    assert (system.system_id, system.url, system.label) == ("recorded-town", "recorded:town", "replayed")
    monkeypatch.setattr("ingest.replay.open_source.RECORDINGS", tmp_path / "recordings")
    assert open_source(system).stations.station_id.tolist() == recording.stations.station_id.tolist()
    assert recorded_systems(tmp_path / "nowhere") == []
    assert recorded_systems(tmp_path / "recordings", known={"recorded-town"}) == []


def test_a_recording_of_a_run_gives_the_same_forecasts(desk: Desk, tmp_path: Path) -> None:
    """The recording needs the made-up city's weather: it changes the riders, and so the forecasts."""
    desk.tick()
    desk.ask(desk.wanted().faster(60, desk.now))
    for _ in range(150):
        desk.tick()
    path = tmp_path / "written"
    write(desk.store, "sandmouth", path)
    recording = Recording.read(path)
    assert len(list(recording.weathers())) == 3
    alone = Forecaster(recording.stations)
    weathers = recording.weathers()
    next_weather = next(weathers, None)
    for seen in recording.snapshots():
        while next_weather is not None and next_weather[0] <= seen.at:
            alone.update_weather(next_weather[1])
            next_weather = next(weathers, None)
        alone.learn(seen)
    memory = desk.player.working_copy
    assert memory is not None
    assert memory.forecaster is not None
    assert alone.to_bytes() == memory.forecaster.to_bytes()
    write(desk.store, "sandmouth", path)  # a recording of the same is replaced, weather and all
    played = RecordedCity(Recording.read(path))
    assert played.weather(next(recording.snapshots()).at) is not None
