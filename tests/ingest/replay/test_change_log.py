"""Change logs: polls and changes come back as the snapshots that they were made of."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.replay.change_log import ChangeLog, ChangeReplay
from model import Snapshot

STATIONS = np.array(["a", "b", "c"])
POLLS = np.array([100, 160, 220])


def log_of(*changes: tuple[int, str, int, int], polls: Any = POLLS) -> ChangeLog:
    at, station, bikes, docks = (np.array(column) for column in zip(*changes, strict=True))
    return ChangeLog.build(STATIONS, polls, at, station, {"bikes": bikes, "docks": docks})


def bikes(replay: ChangeReplay, index: int) -> list[int]:
    counts: list[int] = replay.snapshot(index).bikes.tolist()
    return counts


def test_each_poll_holds_the_newest_change_of_every_station() -> None:
    log = log_of((90, "a", 1, 9), (100, "b", 2, 8), (101, "a", 3, 7), (160, "c", 4, 6))
    assert [snapshot.bikes.tolist() for snapshot in ChangeReplay(log).snapshots()] == [
        [1, 2, -1], [3, 2, 4], [3, 2, 4],
    ]  # fmt: skip
    assert [int(snapshot.at.timestamp()) for snapshot in ChangeReplay(log).snapshots()] == POLLS.tolist()


def test_changes_after_the_last_poll_and_of_other_stations_are_left_out() -> None:
    log = log_of((100, "a", 1, 9), (100, "nobody's", 7, 7), (221, "a", 5, 5))
    assert len(log.station) == 2
    assert bikes(ChangeReplay(log), 2) == [1, -1, -1]


def test_changes_are_sorted_and_the_later_row_of_the_same_time_wins() -> None:
    log = log_of((150, "a", 5, 5), (100, "a", 1, 9), (150, "a", 6, 4))
    replay = ChangeReplay(log)
    assert (bikes(replay, 0), bikes(replay, 1)) == ([1, -1, -1], [6, -1, -1])


def test_a_replay_goes_on_from_the_snapshot_before_it() -> None:
    before = Snapshot(datetime.fromtimestamp(40, UTC), STATIONS, np.array([7, 8, 9]), np.array([3, 2, 1]))
    replay = ChangeReplay(log_of((130, "b", 0, 10)), before)
    assert (bikes(replay, 0), bikes(replay, 1)) == ([7, 8, 9], [7, 0, 9])
    assert bikes(replay, 0) == [7, 8, 9]


def test_flags_are_true_before_the_first_change_and_missing_columns_stay_missing() -> None:
    at, changed, renting = np.array([160]), np.array(["b"]), np.array([False])
    log = ChangeLog.build(
        STATIONS, POLLS, at, changed, {"bikes": np.array([0]), "docks": np.array([0]), "renting": renting}
    )
    first, second, _ = ChangeReplay(log).snapshots()
    assert (first.renting is not None, second.renting is not None) == (True, True)
    np.testing.assert_array_equal(first.renting, [True, True, True])
    np.testing.assert_array_equal(second.renting, [True, False, True])
    assert first.ebikes is None
    assert first.returning is None


@pytest.mark.parametrize("polls", [POLLS, POLLS[:1]])
def test_a_log_without_changes_knows_nothing(polls: Any) -> None:
    empty = np.array([], dtype=np.int64)
    columns = {"bikes": empty, "docks": empty}
    log = ChangeLog.build(STATIONS, polls, empty, empty.astype(np.str_), columns)
    assert [snapshot.bikes.tolist() for snapshot in ChangeReplay(log).snapshots()] == [[-1] * 3] * len(polls)


COUNTS = st.lists(st.lists(st.integers(-1, 20), min_size=3, max_size=3), min_size=1, max_size=12)


@given(COUNTS, st.lists(st.integers(0, 11), max_size=8), st.integers(0, 12))
def test_the_changes_of_snapshots_give_these_snapshots_again(
    counts: list[list[int]], order: list[int], split: int
) -> None:
    """In whatever order the polls are replayed, and in two parts as in one: recovery reads a log in parts."""
    table = np.array(counts)
    polls = 60 * np.arange(len(table))
    last = np.vstack([np.full((1, 3), -1), table[:-1]])
    row, column = np.nonzero(table != last)
    changes = polls[row], STATIONS[column], {"bikes": table[row, column], "docks": table[row, column]}
    replay = ChangeReplay(ChangeLog.build(STATIONS, polls, *changes))
    for index in [*range(len(table)), *(each for each in order if each < len(table))]:
        assert bikes(replay, index) == table[index].tolist()

    seen: list[list[int]] = []
    newest = None
    for part in (polls[:split], polls[split:]):
        if len(part):
            rows = (changes[0] >= part[0]) & (changes[0] <= part[-1])
            columns = {name: values[rows] for name, values in changes[2].items()}
            log = ChangeLog.build(STATIONS, part, changes[0][rows], changes[1][rows], columns)
            for snapshot in ChangeReplay(log, newest).snapshots():
                seen.append(snapshot.bikes.tolist())
                newest = snapshot
    assert seen == table.tolist()
