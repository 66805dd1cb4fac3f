"""Which moment a document is about, over longer stories than one poll."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

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
    """The operator mends a clock that was an hour fast for our eyes: waiting an hour would lose an hour."""
    clock = EventClock(replayed=False)
    clock.date(at(0), at(0), changed=False)
    minutes = int(PATIENCE / timedelta(minutes=1))
    for minute in range(1, minutes + 1):
        assert clock.date(at(60 * minute - 3600), at(60 * minute), changed=True).outcome == "late"
    for minute in range(minutes + 1, minutes + 90):
        dated = clock.date(at(60 * minute - 3600), at(60 * minute), changed=True)
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
