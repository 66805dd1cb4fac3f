"""Which moment a document is about, over longer stories than one poll."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.gbfs.clock import PATIENCE, QUIET, SKEW, DatedDocument, EventClock

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_two_servers_in_turn_one_of_them_behind() -> None:
    """Each second document is some seconds older: late, though its counts differ."""
    clock = EventClock(replayed=False)
    feed_times = [0, -17, 60, 31, 120, 118]
    outcomes = [clock.date(at(t), at(30 * n + 5), changed=True).outcome for n, t in enumerate(feed_times)]
    assert outcomes == ["fresh", "late", "fresh", "late", "fresh", "late"]
    assert clock.newest == at(120)


def test_two_servers_in_turn_for_hours_never_wear_patience_out() -> None:
    clock = EventClock(replayed=False)
    for minute in range(300):
        behind = 40 if minute % 2 else 0
        dated = clock.date(at(60 * minute - 2 * behind), at(60 * minute), changed=True)
        assert dated.outcome == ("late" if behind else "fresh")


def test_a_clock_set_back_for_good_is_distrusted_after_a_while() -> None:
    """The operator mends a clock that was 14 min fast for our eyes: waiting so long would lose so much."""
    clock = EventClock(replayed=False)
    clock.date(at(0), at(0), changed=False)
    minutes = int(PATIENCE / timedelta(minutes=1))
    for minute in range(1, minutes + 1):
        assert clock.date(at(60 * minute - 840), at(60 * minute), changed=True).outcome == "late"
    for minute in range(minutes + 1, minutes + 90):
        dated = clock.date(at(60 * minute - 840), at(60 * minute), changed=True)
        assert dated == DatedDocument("fresh", at(60 * minute), "slow_time")
    dated = clock.date(at(60 * minute + 50), at(60 * minute + 60), changed=True)
    assert dated == DatedDocument("fresh", at(60 * minute + 50), ""), "and trusted again once it is right"
    assert clock.date(at(60 * minute + 30), at(60 * minute + 90), changed=True).outcome == "late"


def test_a_frozen_server_behind_the_newest_is_late_for_ever() -> None:
    clock = EventClock(replayed=False, newest=at(0))
    for minute in range(60):
        assert clock.date(at(-3600), at(60 * minute + 60), changed=False).outcome == "late"
    assert clock.still_since(at(0)) == at(-3600)


def test_time_that_stood_still_moves_on() -> None:
    clock = EventClock(replayed=False)
    clock.date(at(0), at(0), changed=False)
    assert clock.date(at(0), at(60), changed=True) == DatedDocument("fresh", at(60), "still_time")
    assert clock.date(at(0), at(120), changed=True) == DatedDocument("fresh", at(120), "still_time")
    assert clock.date(at(110), at(180), changed=True).outcome == "late"
    assert clock.date(at(235), at(240), changed=True) == DatedDocument("fresh", at(235))


def test_a_time_slightly_ahead_is_no_later_than_receipt() -> None:
    clock = EventClock(replayed=False)
    assert clock.date(at(20), at(0), changed=False) == DatedDocument("fresh", at(0))
    assert clock.date(at(80), at(60), changed=False) == DatedDocument("fresh", at(60))


def test_a_fresh_time_with_the_same_counts_is_news() -> None:
    """That nothing changed for a minute is worth learning."""
    clock = EventClock(replayed=False)
    clock.date(at(0), at(0), changed=False)
    assert clock.date(at(60), at(65), changed=False) == DatedDocument("fresh", at(60))


def test_a_feed_that_tells_no_time_may_rest_but_not_for_ever() -> None:
    """A frozen feed must not teach that nobody rides, and nothing else tells it from a quiet night."""
    clock = EventClock(replayed=False)
    quiet = int(QUIET / timedelta(minutes=1))
    for minute in range(quiet):
        assert clock.date(None, at(60 * minute), changed=False).outcome == "fresh"
        assert clock.still_since(at(60 * minute)) == at(60 * minute)
    for minute in range(quiet, quiet + 60):
        assert clock.date(None, at(60 * minute), changed=False).outcome == "unchanged"
        assert clock.still_since(at(60 * minute)) == at(60 * (quiet - 1))
    assert clock.date(None, at(60 * minute + 60), changed=True).outcome == "fresh"


def test_our_own_clock_set_back_gives_no_snapshot_before_the_newest() -> None:
    clock = EventClock(replayed=False)
    clock.date(None, at(0), changed=False)
    assert clock.date(None, at(-3600), changed=True).outcome == "late"
    assert clock.date(None, at(60), changed=True).outcome == "fresh"


def test_our_own_clock_set_back_keeps_no_feed_from_going_on_by_its_own_time() -> None:
    """Dated by ours, all would be late for an hour."""
    clock = EventClock(replayed=False)
    clock.date(at(0), at(1), changed=False)
    for minute in range(1, 70):
        dated = clock.date(at(60 * minute), at(60 * minute - 3600), changed=True)
        assert dated == DatedDocument("fresh", at(60 * minute))
    assert clock.date(at(4200), at(4201), changed=True) == DatedDocument("fresh", at(4200))


def test_a_feed_that_is_far_ahead_is_not_believed_because_our_clock_was_set_back() -> None:
    clock = EventClock(replayed=False)
    clock.date(at(0), at(0), changed=False)
    assert clock.date(at(200_000), at(-3600), changed=True).outcome == "late"


# ---------------------------------------------------------------- clocks set wrong


def minutes_of(clock: EventClock, lag: float, first: int, last: int, jitter: int = 0) -> list[DatedDocument]:
    """Date a document a minute whose time lies `lag` seconds behind receipt, and up to `jitter` more."""
    return [
        clock.date(at(60 * n - lag - (37 * n) % (jitter + 1)), at(60 * n), changed=True)
        for n in range(first, last)
    ]


@pytest.mark.parametrize("lag", [5 * 3600, 50 * 60, 30 * 60, 30 * 3600], ids=lambda lag: f"{lag / 3600:g} h")
def test_local_time_written_as_utc_is_replaced_by_receipt_after_three_documents(lag: int) -> None:
    clock = EventClock(replayed=False)
    dated = minutes_of(clock, lag, 0, 30, jitter=20)
    for minute in range(2, 30):
        assert dated[minute] == DatedDocument("fresh", at(60 * minute), "wrong_clock")
    assert clock.offset is not None
    assert 0 <= clock.offset.total_seconds() - lag <= 20


@pytest.mark.parametrize("ahead", [2 * 3600, 600, 50 * 60])
def test_a_clock_that_is_always_ahead_is_replaced_by_receipt_from_the_first(ahead: int) -> None:
    clock = EventClock(replayed=False)
    dated = minutes_of(clock, -ahead, 0, 5)
    assert [each.at for each in dated] == [at(60 * n) for n in range(5)]
    assert [each.finding for each in dated] == ["future_time"] * 2 + ["wrong_clock"] * 3
    assert clock.offset == -timedelta(seconds=ahead)


@pytest.mark.parametrize("lag", [0, 13, 120, 290, 899])
def test_a_small_lag_however_steady_is_slowness(lag: int) -> None:
    clock = EventClock(replayed=False)
    for minute, dated in enumerate(minutes_of(clock, lag, 0, 30)):
        assert dated == DatedDocument("fresh", at(60 * minute - lag))
    assert clock.offset is None


@pytest.mark.parametrize(("every", "delay"), [(15, 12), (30, 40), (60, 50)])
def test_a_feed_updated_rarely_keeps_its_own_time(every: int, delay: int) -> None:
    """Its lag grows from update to update, and at each it begins again at the same delay."""
    clock = EventClock(replayed=False)
    for minute in range(delay, delay + 6 * every):
        feed_time = at(60 * ((minute - delay) // every) * every)
        dated = clock.date(feed_time, at(60 * minute), changed=(minute - delay) % every == 0)
        assert dated.finding == ""
        assert dated.at in (feed_time, None)
        assert clock.newest == feed_time
    assert clock.offset is None


def test_a_clock_five_hours_behind_that_moves_every_five_minutes_is_set_wrong() -> None:
    clock = EventClock(replayed=False)
    for minute in range(60):
        dated = clock.date(at(300 * (minute // 5) - 5 * 3600), at(60 * minute), changed=minute % 5 == 0)
        if minute >= 10:
            assert dated.outcome == ("unchanged" if minute % 5 else "fresh")
            assert clock.newest == at(300 * (minute // 5))


def test_a_frozen_feed_is_no_clock_set_wrong() -> None:
    clock = EventClock(replayed=False)
    for minute in range(300):
        clock.date(at(-5 * 3600), at(60 * minute), changed=False)
    assert clock.offset is None
    assert clock.newest == at(-5 * 3600)


def test_after_a_restart_the_offset_is_learnt_again_without_event_time_going_back() -> None:
    clock = EventClock(replayed=False)
    minutes_of(clock, 5 * 3600, 0, 10)
    assert clock.newest == at(540)
    again = EventClock(replayed=False, newest=clock.newest)
    dated = minutes_of(again, 5 * 3600, 10, 15)
    assert [each.outcome for each in dated] == ["late", "late", "fresh", "fresh", "fresh"]
    assert dated[2] == DatedDocument("fresh", at(720), "wrong_clock")


def test_a_clock_that_is_mended_is_believed_at_once() -> None:
    clock = EventClock(replayed=False)
    minutes_of(clock, 5 * 3600, 0, 10)
    assert minutes_of(clock, 5, 10, 20) == [DatedDocument("fresh", at(60 * n - 5)) for n in range(10, 20)]
    assert clock.offset is None


@pytest.mark.parametrize("change", [3600, -3600])
def test_at_the_daylight_saving_change_the_offset_is_learnt_anew(change: int) -> None:
    clock = EventClock(replayed=False)
    minutes_of(clock, 5 * 3600, 0, 10)
    dated = minutes_of(clock, 5 * 3600 + change, 10, 20)
    assert [each.outcome for each in dated] == ["late"] * 2 + ["fresh"] * 8
    assert clock.offset == timedelta(hours=5, seconds=change)


@given(
    st.lists(
        st.tuples(st.none() | st.integers(-200_000, 200_000), st.integers(0, 5000), st.booleans()),
        max_size=30,
    ),
    st.booleans(),
    st.none() | st.integers(-1000, 1000),
)
def test_whatever_comes_snapshots_go_forward_and_never_past_receipt(
    documents: list[tuple[int | None, int, bool]], replayed: bool, newest: int | None
) -> None:
    clock = EventClock(replayed, None if newest is None else at(newest))
    received = 0
    for feed_time, later, changed in documents:
        received += later
        before = clock.newest
        dated = clock.date(None if feed_time is None else at(feed_time), at(received), changed)
        assert (dated.outcome == "fresh") == (dated.at is not None)
        if dated.at is None:
            assert clock.newest == before
        else:
            assert clock.newest == dated.at
            assert before is None or dated.at > before
            set_back = before is not None and before > at(received) + SKEW
            assert replayed or dated.at <= at(received) or set_back
        assert replayed or clock.still_since(at(received)) <= at(received)


def test_an_offset_known_before_a_restart_holds_until_the_clock_is_mended() -> None:
    clock = EventClock(replayed=False, newest=NOON, offset=timedelta(hours=5))
    for minute in (1, 2, 3):
        received = NOON + timedelta(minutes=minute)
        assert clock.date(received - timedelta(hours=5), received, False).at == received
    mended = NOON + timedelta(minutes=4)
    assert clock.date(mended, mended, False).finding == ""
    assert clock.offset is None
