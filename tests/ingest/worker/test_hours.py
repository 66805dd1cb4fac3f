"""Opening hours from a poll to the store and back: checkpoint and log give one state."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ingest.gbfs.hours import REMEMBERED, PublishedHours
from model.frame import Frame
from tests.support.model_world import riders
from tests.support.store_world import NOON
from tests.support.tick_world import Desk, fresh, state_of

FIRST = PublishedHours(system="Mo-Su 06:00-12:20").to_json()
SECOND = PublishedHours(system="Mo-Su 06:00-12:30").to_json()


@pytest.mark.parametrize("kill_after", [10, 25, 45, 58])
def test_opening_hours_survive_a_restart_and_a_log_that_is_learnt_again(desk: Desk, kill_after: int) -> None:
    """Spans are made anew at noon, and the operator changes the hours at 12:15. Neither is in the log."""
    ticker = desk.worker()
    for number, seen in enumerate(riders(60, start=NOON - timedelta(minutes=30))):
        if number == kill_after:
            ticker = desk.worker()
        desk.tick(ticker, fresh(seen, documents={REMEMBERED: FIRST if number < 45 else SECOND}))
    assert ticker.working_copy is not None
    lasting = ticker.working_copy.forecaster
    assert lasting is not None
    assert lasting.opening()["hours"].text.tolist() == ["Mo-Su 06:00-12:30"]
    assert state_of(desk.store) == lasting.to_bytes()


def test_a_frame_in_the_store_has_the_hours(desk: Desk) -> None:
    seen = next(riders(1, start=NOON))
    desk.tick(desk.worker(), fresh(seen, documents={REMEMBERED: FIRST}))
    newest = desk.store.frames.newest("test")
    assert newest is not None
    frame = Frame.from_bytes(newest[1])
    assert frame.hours is not None
    assert frame.closed is not None
    assert frame.closed[:, 0].tolist()[:6] == [False, False, False, False, True, True]
    assert frame.bike.chance[0, 4, 0] == 0


def test_a_system_without_hours_has_a_frame_without(desk: Desk) -> None:
    desk.tick(desk.worker(), fresh(next(riders(1, start=NOON))))
    newest = desk.store.frames.newest("test")
    assert newest is not None
    assert Frame.from_bytes(newest[1]).closed is None
