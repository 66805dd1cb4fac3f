"""Recordings: read from their files, written from the store, refused with a reason where damaged."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ingest.replay.recording import Recording, RecordingError, find
from ingest.replay.recording_files import REQUIRED, read_changes
from ingest.replay.recording_writer import write
from ingest.store import LeaseClaim, PollResult, PollRow, Store, TickResult
from ingest.system import System
from model import Snapshot, Stations
from tests.support.serving import START, make_recording


def when(seconds: float) -> datetime:
    return datetime.fromtimestamp(START + seconds, UTC)


def same(left: Snapshot, right: Snapshot) -> bool:
    return left.at == right.at and all(
        np.array_equal(getattr(left, name), getattr(right, name))
        for name in ("station_id", "bikes", "docks", "ebikes", "renting", "returning")
    )


# ---------------------------------------------------------------------------------------------- reading


def test_each_poll_holds_the_last_change_of_every_station(tmp_path: Path) -> None:
    read = Recording.read(make_recording(tmp_path / "small"))
    assert read.stations.station_id.tolist() == ["a", "007", "c"]
    assert [s.bikes.tolist() for s in read.snapshots()] == [
        [3, 0, -1],
        [3, 0, 9],
        [2, 0, 9],
        [2, 0, 9],
        [2, 5, 9],
    ]
    assert [s.docks.tolist()[2] for s in read.snapshots()] == [-1, 0, 0, 0, 0]
    assert [s.at for s in read.snapshots()] == [when(60 * minute) for minute in range(5)]


def test_a_station_called_NA_and_one_with_leading_zeros_keep_their_names(tmp_path: Path) -> None:
    stations = Recording.read(make_recording(tmp_path / "small")).stations
    assert stations.name.tolist() == ["Anna Livia", "Bond Street, „NA“", "NA"]
    assert stations.capacity.tolist() == [10, 5, -1]


def test_missing_parts_of_the_description_are_derived(tmp_path: Path) -> None:
    read = Recording.read(make_recording(tmp_path / "small", polls=[0, 120, 240, 900]))
    assert read.system == System(
        "small", "Test bikes, Dublin", "Dublin", "IE", url="", poll_seconds=120, label="replayed"
    )
    full = Recording.read(
        make_recording(
            tmp_path / "full",
            city="Toulouse",
            country="FR",
            poll_seconds=62,
            label="simulated",
            name="VélôToulouse, five stations",
        )
    )
    assert full.system == System(
        "full",
        "VélôToulouse, five stations",
        "Toulouse",
        "FR",
        url="",
        poll_seconds=62,
        label="simulated",
    )


def test_negative_docks_are_unknown(tmp_path: Path) -> None:
    """Chicago published docks of -7, and Boulder's columns hold nulls."""
    changes: list[dict[str, Any]] = [
        {"at": 0, "station_id": "a", "bikes": 20, "docks": -7},
        {"at": 0, "station_id": "c", "bikes": None, "docks": 4},
    ]
    first = next(Recording.read(make_recording(tmp_path / "small", changes)).snapshots())
    assert first.bikes.tolist() == [20, -1, -1]
    assert first.docks.tolist() == [-1, -1, 4]


def test_flags_come_from_their_own_columns_else_from_open(tmp_path: Path) -> None:
    row = {"at": 0, "station_id": "a", "bikes": 1, "docks": 1}
    without = next(Recording.read(make_recording(tmp_path / "1", [row])).snapshots())
    assert without.renting is None
    assert without.returning is None
    opened = Recording.read(
        make_recording(tmp_path / "2", [row | {"open": False}, row | {"at": 60, "open": None}])
    )
    closed, unsaid = list(opened.snapshots())[:2]
    assert closed.renting is not None
    assert closed.returning is not None
    assert unsaid.renting is not None
    assert closed.renting.tolist() == closed.returning.tolist() == [False, True, True]
    assert unsaid.renting.tolist() == [True, True, True]
    own = next(
        Recording.read(
            make_recording(tmp_path / "3", [row | {"open": False, "renting": True, "returning": False}])
        ).snapshots()
    )
    assert own.renting is not None
    assert own.returning is not None
    assert (own.renting[0], own.returning[0]) == (True, False)


def test_changes_between_polls_belong_to_the_next_and_after_the_last_to_none(tmp_path: Path) -> None:
    """45 of Boulder's changes are ten seconds older than its first poll."""
    changes = [
        {"at": at, "station_id": "a", "bikes": bikes, "docks": 0}
        for at, bikes in ((-10, 1), (1, 2), (2, 3), (61, 4))
    ]
    read = Recording.read(make_recording(tmp_path / "small", changes, polls=[0, 60]))
    assert [int(s.bikes[0]) for s in read.snapshots()] == [1, 3]


def test_rows_out_of_order_and_two_for_one_moment_leave_the_later_row(tmp_path: Path) -> None:
    """Toulouse has 30 stations twice at one moment. Tokyo has changes of unknown stations: left out."""
    changes = [
        {"at": at, "station_id": station, "bikes": bikes, "docks": 0}
        for at, station, bikes in ((60, "a", 5), (0, "a", 1), (0, "a", 2), (0, "ghost", 9))
    ]
    read = Recording.read(make_recording(tmp_path / "small", changes, polls=[60, 0, 60]))
    assert [s.bikes.tolist() for s in read.snapshots()] == [[2, -1, -1], [5, -1, -1]]


def test_a_moment_is_the_newest_poll_at_or_before_it(tmp_path: Path) -> None:
    read = Recording.read(make_recording(tmp_path / "small", polls=[0, 60, 120, 9000]))
    assert read.at(when(-1)) is None
    in_hole = read.at(when(8999))
    assert in_hole is not None
    assert in_hole.at == when(120)
    assert in_hole.bikes.tolist() == [2, 0, 9]
    at_last = read.at(when(9000))
    assert at_last is not None
    assert at_last.bikes.tolist() == [2, 5, 9]


def test_adjoining_stretches_share_no_poll(tmp_path: Path) -> None:
    read = Recording.read(make_recording(tmp_path / "small"))
    whole = list(read.snapshots())
    parts = [
        *read.snapshots(end=when(120)),
        *read.snapshots(when(120), when(121)),
        *read.snapshots(when(121)),
    ]
    assert len(parts) == 5
    assert all(map(same, whole, parts))


def test_a_replay_in_any_order_gives_what_a_replay_from_the_start_gives(tmp_path: Path) -> None:
    random = np.random.default_rng(7)
    changes = [
        {
            "at": int(at),
            "station_id": str(random.choice(["a", "007", "c"])),
            "bikes": int(random.integers(-1, 9)),
            "docks": int(random.integers(-1, 9)),
            "ebikes": int(random.integers(-1, 4)),
            "renting": bool(random.integers(2)),
            "returning": bool(random.integers(2)),
        }
        for at in np.sort(random.integers(-50, 1000, 300))
    ]
    polls = sorted({int(at) for at in random.integers(0, 1000, 80)})
    read = Recording.read(make_recording(tmp_path / "small", changes, polls))
    table = pd.DataFrame(changes)
    player = read.replay()
    for index in random.integers(0, len(polls), 200):
        snapshot = player.snapshot(int(index))
        seen = table[table["at"] <= polls[index]].groupby("station_id", sort=False).tail(1)
        truth = seen.set_index("station_id").reindex(["a", "007", "c"])
        for name in ("bikes", "docks", "ebikes", "renting", "returning"):
            fill = True if name.startswith("re") else -1
            assert getattr(snapshot, name).tolist() == [
                fill if pd.isna(value) else value for value in truth[name]
            ]


def _drop(name: str) -> Any:
    return lambda path: (path / name).unlink()


def _put(name: str, text: str) -> Any:
    return lambda path: (path / name).write_text(text)


def _table(name: str, **columns: Any) -> Any:
    return lambda path: pd.DataFrame(columns).to_parquet(path / name)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_drop("polls.parquet"), "lacks polls.parquet: name a folder"),
        (_put("system.json", "{"), "is damaged"),
        (_put("system.json", "[]"), "names no system_id"),
        (_put("system.json", '{"system_id": "x"}'), "no timezone"),
        (_put("system.json", '{"system_id": "x", "timezone": "Mars/Base"}'), "Mars/Base"),
        (_put("system.json", '{"system_id": "../x", "timezone": "UTC"}'), "system_id '../x' has more in it"),
        (_put("stations.csv", "station_id,name\na,b\n"), "stations.csv lacks the column lat, lon, capacity"),
        (_put("stations.csv", "station_id,name,lat,lon,capacity\na,b,,1,1\n"), "without a position"),
        (_put("stations.csv", "station_id,name,lat,lon,capacity\na,b,1,1,1\na,b,1,1,1\n"), "twice"),
        (_put("changes.parquet", "PAR1, or not"), "is damaged"),
        (_table("changes.parquet", at=[1], station_id=["a"]), "lacks the column bikes, docks"),
        (_table("changes.parquet", at=["x"], station_id=["a"], bikes=[1], docks=[1]), "at holds no numbers"),
        (_table("polls.parquet", at=[]), "no numbers|is empty"),
        (_table("polls.parquet", at=np.array([], dtype=np.int64)), "polls.parquet is empty"),
        (_table("polls.parquet", at=[1.0, None]), "is damaged"),
        (_table("polls.parquet", at=[START * 1000]), "does not hold Unix seconds"),
        (
            _put("system.json", '{"system_id": "x", "timezone": "UTC", "poll_seconds": -5}'),
            "poll_seconds of -5",
        ),
    ],
)
def test_a_damaged_recording_is_refused_with_a_reason(tmp_path: Path, damage: Any, words: str) -> None:
    path = make_recording(tmp_path / "small")
    damage(path)
    with pytest.raises(RecordingError, match=words):
        Recording.read(path)


def test_recordings_are_found_alone_in_folders_and_in_folders_of_folders(tmp_path: Path) -> None:
    alone = make_recording(tmp_path / "alone")
    inside = make_recording(tmp_path / "more" / "inside")
    assert find(alone) == [alone]
    assert find(tmp_path) == [alone, inside]
    (tmp_path / "empty").mkdir()
    for nothing in ("empty", "nowhere"):
        with pytest.raises(RecordingError, match=f"no recording at .*{nothing}"):
            find(tmp_path / nothing)


@pytest.mark.parametrize("name", ["chicago-2013-autumn", "tokyo-2022-06-29", "toulouse-2016"])
def test_real_recordings_agree_with_pandas(shared: Path, name: str) -> None:
    folder = shared / "recordings" / name
    read = Recording.read(folder)
    changes = pd.read_parquet(folder / "changes.parquet")
    for index in np.linspace(0, len(read.polls) - 1, 7).astype(int):
        snapshot = read.at(datetime.fromtimestamp(int(read.polls[index]), UTC))
        assert snapshot is not None
        seen = changes[changes["at"] <= read.polls[index]].drop_duplicates("station_id", keep="last")
        truth = seen.set_index("station_id").reindex(read.stations.station_id)
        for column in ("bikes", "docks"):
            counts = np.maximum(truth[column].fillna(-1).to_numpy(np.int64), -1)
            np.testing.assert_array_equal(getattr(snapshot, column), counts)
    assert read.polls.tolist() == pd.read_parquet(folder / "polls.parquet")["at"].tolist()


# ---------------------------------------------------------------------------------------------- writing

SIZE = 6


def described(first: int = 0) -> Stations:
    ids = np.array([f"s{first + index}" for index in range(SIZE)])
    names = np.array(["NA", 'a "b", c', "é", "", "x", "y"])
    capacity = np.array([9, -1, 0, 20, 20, 20])
    lat, lon = np.full(SIZE, 43.6), np.linspace(1.4, 1.5, SIZE)
    return Stations("city", "Europe/Paris", "FR", ids, names, lat, lon, capacity)


def learnt(minutes: int, seed: int = 3, ebikes: bool = True) -> list[Snapshot]:
    """Snapshots a minute apart, with a hole in them, and stations that are unknown for a while."""
    random = np.random.default_rng(seed)
    bikes = random.integers(0, 9, SIZE)
    found = []
    for minute in range(minutes):
        bikes = np.clip(bikes + random.integers(-1, 2, SIZE) * (random.random(SIZE) < 0.4), 0, 9)
        if 10 <= minute < 15:
            continue
        unknown = random.random(SIZE) < 0.1
        found.append(
            Snapshot(
                at=when(60 * minute),
                station_id=described().station_id,
                bikes=np.where(unknown, -1, bikes),
                docks=np.where(unknown, -1, 9 - bikes),
                ebikes=np.where(unknown, -1, bikes // 2) if ebikes else np.full(SIZE, -1),
                renting=random.random(SIZE) < 0.9,
                returning=random.random(SIZE) < 0.9,
            )
        )
    return found


def fill(store: Store, snapshots: list[Snapshot], label: str = "") -> None:
    """Commit snapshots as the worker does: the changes of each, among polls that failed."""
    lease = timedelta(minutes=5)
    store.systems.follow([System("city", "Vélo, Ville", "Ville", "FR", "http://x/gbfs.json", 60, 1, label)])
    before: Snapshot | None = None
    for index, now in enumerate(snapshots):
        rows = np.full(SIZE, True)
        if before is not None:
            rows = np.zeros(SIZE, dtype=np.bool_)
            for name in ("bikes", "docks", "ebikes", "renting", "returning"):
                rows |= getattr(now, name) != getattr(before, name)
        changes = Snapshot(
            now.at,
            **{
                name: getattr(now, name)[rows]
                for name in ("station_id", "bikes", "docks", "ebikes", "renting", "returning")
            },
        )
        poll = PollRow(now.at + timedelta(seconds=3), now.at, "learnt", None, 0.1, "[]")
        assert store.leases.take(LeaseClaim("city", "me", poll.received_at, lease))
        store.commit_tick(
            LeaseClaim("city", "me", poll.received_at, lease),
            TickResult(
                poll, poll.received_at, changes, b"", snapshots[0].at, [],
                described() if not index else None, b"state",
            ),
        )  # fmt: skip
        failed = PollRow(now.at + timedelta(seconds=33), None, "timeout", None, 10, "[]")
        claim = LeaseClaim("city", "me", failed.received_at, lease)
        store.commit_poll(claim, PollResult(failed, failed.received_at, None, 1))
        before = now


@pytest.mark.both
def test_a_recording_from_the_store_gives_back_what_was_learnt(store: Store, tmp_path: Path) -> None:
    snapshots = learnt(40)
    fill(store, snapshots)
    written = write(store, "city", tmp_path / "out" / "city")
    read = Recording.read(tmp_path / "out" / "city")
    for recording in (written, read):
        assert recording.stations.same_as(described())
        assert recording.system == System(
            "city", "Vélo, Ville", "Ville", "FR", url="", poll_seconds=60, label="replayed"
        )
        again = list(recording.snapshots())
        assert len(again) == len(snapshots) == 35
        assert all(map(same, snapshots, again))
    assert {file.name for file in (tmp_path / "out" / "city").iterdir()} == set(REQUIRED)
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["city"]


def test_a_stretch_starts_with_the_values_from_before_it(store: Store, tmp_path: Path) -> None:
    snapshots = learnt(40)
    fill(store, snapshots)
    stretch = write(store, "city", tmp_path / "city", start=when(60 * 20), end=when(60 * 30))
    assert all(map(same, [s for s in snapshots if when(1200) <= s.at < when(1800)], stretch.snapshots()))
    assert len(stretch.polls) == 10


def test_all_that_retention_left_is_written(store: Store, tmp_path: Path) -> None:
    snapshots = learnt(40)
    fill(store, snapshots)
    store.forget(LeaseClaim("city", "me", when(0), timedelta(minutes=5)), when(60 * 25), when(0))
    kept = write(store, "city", tmp_path / "city")
    assert len(kept.polls) == 15
    assert all(map(same, snapshots[-15:], kept.snapshots()))


def test_uncounted_ebikes_make_no_column(store: Store, tmp_path: Path) -> None:
    fill(store, learnt(5, ebikes=False))
    written = write(store, "city", tmp_path / "city")
    assert not written.has_ebikes
    assert next(written.snapshots()).ebikes is None


def test_an_older_recording_of_the_same_system_is_replaced(store: Store, tmp_path: Path) -> None:
    fill(store, learnt(20))
    assert len(write(store, "city", tmp_path / "city", end=when(300)).polls) == 5
    assert len(write(store, "city", tmp_path / "city").polls) == 15
    assert len(Recording.read(tmp_path / "city").polls) == 15


def test_other_files_and_other_recordings_are_not_overwritten(store: Store, tmp_path: Path) -> None:
    fill(store, learnt(5))
    other = make_recording(tmp_path / "other")
    extra = make_recording(tmp_path / "extra", system_id="city")
    (extra / "weather.csv").write_text("at\n")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("mine")
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "system.json").write_text("{}")
    (tmp_path / "file").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    for name, words in (
        ("other", "no recording of city"),
        ("extra", "weather.csv"),
        ("notes", "a.txt"),
        ("half", "no recording of city"),
        ("file", "is a file"),
    ):
        with pytest.raises(RecordingError, match=words):
            write(store, "city", tmp_path / name)
    assert sorted(tmp_path.rglob("*")) == before
    assert Recording.read(other).system.system_id == "other"


def test_a_write_that_fails_leaves_the_old_recording_and_no_litter(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store, learnt(20))
    write(store, "city", tmp_path / "out" / "city", end=when(300))

    def full(*_: Any, **__: Any) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    with pytest.raises(RecordingError, match="No space left on device"):
        write(store, "city", tmp_path / "out" / "city")
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["city"]
    assert len(Recording.read(tmp_path / "out" / "city").polls) == 5


def test_a_system_without_polls_is_refused_with_a_list_of_others(store: Store, tmp_path: Path) -> None:
    fill(store, learnt(3))
    for system_id, start in (("nowhere", None), ("city", when(9999))):
        with pytest.raises(RecordingError, match=f"no polls of {system_id} .* followed: city"):
            write(store, system_id, tmp_path / "out", start)
    assert not (tmp_path / "out").exists()


def test_stations_no_longer_described_are_left_out(store: Store, tmp_path: Path) -> None:
    snapshots = learnt(5)
    fill(store, snapshots)
    later = snapshots[-1].at + timedelta(minutes=1)
    moved = described(first=2)
    lease = timedelta(minutes=5)
    changes = Snapshot(later, moved.station_id[-2:], np.array([1, 2]), np.array([3, 4]))
    store.commit_tick(
        LeaseClaim("city", "me", later, lease),
        TickResult(
            PollRow(later, later, "learnt", None, 0, "[]"), later, changes, b"", later, [], moved, None
        ),
    )  # fmt: skip
    last = list(write(store, "city", tmp_path / "city").snapshots())[-1]
    assert last.station_id.tolist() == moved.station_id.tolist()
    assert last.bikes.tolist() == [*snapshots[-1].bikes[2:].tolist(), 1, 2]


def test_the_recording_of_a_made_up_city_keeps_its_label(store: Store, tmp_path: Path) -> None:
    fill(store, learnt(3), label="simulated")
    assert write(store, "city", tmp_path / "city").system.label == "simulated"
    assert json.loads((tmp_path / "city" / "system.json").read_text())["label"] == "simulated"


# ---------------------------------------------------------------------------------------------- counts


def test_a_blackout_in_a_recording_is_unknown_as_in_a_live_feed(tmp_path: Path) -> None:
    folder = make_recording(tmp_path / "small")
    changes = pd.DataFrame(
        [
            (0, "a", 4, 6, True),
            (0, "007", 0, 0, False),
            (0, "c", 0, 0, True),
            (60, "a", 0, 0, True),
            (120, "a", 4, 6, True),
        ],
        columns=["at", "station_id", "bikes", "docks", "open"],
    )
    changes["at"] += START
    changes.to_parquet(folder / "changes.parquet", index=False)
    seen = list(Recording.read(folder).snapshots())
    assert [s.bikes.tolist() for s in seen[:3]] == [[4, 0, 0], [-1, 0, 0], [4, 0, 0]]
    assert [s.docks.tolist() for s in seen[:3]] == [[6, 0, 0], [-1, 0, 0], [6, 0, 0]]


def test_no_open_blackout_of_boulder_is_believed(shared: Path) -> None:
    """Of its 1,163 rows with neither a bike nor a dock 183 are of closed stations, where that is true."""
    folder = shared / "recordings" / "boulder-2022-spring"
    read = Recording.read(folder)
    raw = read_changes(folder, read.stations.station_id, read.polls)
    open_blanks = [
        (log.columns["bikes"] == 0) & (log.columns["docks"] == 0) & log.columns["renting"]
        for log in (raw, raw.believable(read.stations.capacity))
    ]
    assert [int(blank.sum()) for blank in open_blanks] == [980, 0]
