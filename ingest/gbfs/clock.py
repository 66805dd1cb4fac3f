"""Dates each document: by the feed's own time where it can be trusted, elsewhere by the time of receipt.

A wrong date is worse than a missed snapshot. Several servers behind one name answer with documents a few
seconds apart, so that time seems to run backwards; a frozen feed repeats itself; a clock set wrong jumps.

Some clocks are wrong and steady: local time written as UTC, or always 50 minutes behind. `ClockOffset` learns
the lag of a feed's time behind receipt. Recorded feeds that note their receipt have lags from 0 s (Boulder)
over 10 s (Mexico City) and 13 s (Tokyo) to 2 minutes (15 French feeds). Caches of aggregators hold documents
for up to a quarter of an hour. So a lag of up to 15 minutes is the feed's own slowness, however steady.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

from ingest.reason import Reason

Outcome = Literal["fresh", "unchanged", "late"]
ClockFinding = Literal["", "no_time", "future_time", "old_time", "still_time", "slow_time", "wrong_clock"]

SKEW = timedelta(seconds=60)
"""How far a feed's clock may be ahead of ours without a finding."""
MAX_AGE = timedelta(days=1)
PATIENCE = timedelta(minutes=10)
"""How long a feed's time may stay behind its newest one before we stop believing it."""
QUIET = timedelta(hours=3)
"""How long the counts of a feed without a time may stand still, as in a small town at night."""

SLOW = timedelta(minutes=15)
"""The longest lag behind receipt that is slowness; a longer one that is steady is a clock set wrong."""
SIGHTINGS = 3
"""How many documents in a row must have the same lag before a clock counts as set wrong."""
JITTER = timedelta(minutes=2), timedelta(minutes=10)
"""How far lags of one clock may differ: a tenth of the lag, within these bounds."""


@dataclass(frozen=True)
class DatedDocument:
    """Whether a document is news, its event time `at` if it is, and a finding about its time, if any."""

    outcome: Outcome
    at: datetime | None = None
    finding: ClockFinding = ""


class ClockOffset:
    """Learns how far a feed's clock is from ours, from its documents in order of receipt.

    Only a document whose time has moved counts: the lag of a frozen feed grows. A feed that is rarely updated
    has a long lag, too. So the lag must be more than twice the time between two updates. Learning takes
    `SIGHTINGS` documents. After a restart the offset `known` before holds until a document contradicts it.
    """

    def __init__(self, known: timedelta | None = None) -> None:
        self._known = known
        self._sightings: list[tuple[datetime, timedelta]] = []

    def learn(self, feed_time: datetime, received: datetime) -> None:
        """Learn from one document; begin anew where its lag is another."""
        lag = received - feed_time
        if self._known is not None and abs(lag - self._known) > _jitter(lag):
            self._known = None
        if self._sightings and self._sightings[-1][0] == feed_time:
            return
        if any(abs(lag - each) > _jitter(lag) for _, each in self._sightings):
            self._sightings = []
        self._sightings = [*self._sightings, (feed_time, lag)][-SIGHTINGS:]

    @property
    def value(self) -> timedelta | None:
        """How far the clock is behind ours, below 0 where it is ahead; None where it is not set wrong."""
        if len(self._sightings) < SIGHTINGS:
            return self._known
        lags = [lag for _, lag in self._sightings]
        step = max(abs(later - sooner) for (sooner, _), (later, _) in pairwise(self._sightings))
        if min(lags) > max(SLOW, 2 * step) or max(lags) < -SKEW:
            return sorted(lags)[SIGHTINGS // 2]
        return None


class EventClock:
    """Dates the documents of one feed, one after another.

    With `replayed` the feed's time is the only clock: nobody compares a recording of 2017 with today.
    `newest` is the event time, and `offset` the offset of the feed's clock, that were known before a restart.
    """

    def __init__(
        self, replayed: bool, newest: datetime | None = None, offset: timedelta | None = None
    ) -> None:
        self._replayed = replayed
        self.newest = newest
        self._feed_time: datetime | None = None
        self._alive_at: datetime | None = None
        self._changed_at: datetime | None = None
        self._highest: datetime | None = None
        self._behind: tuple[datetime, datetime] | None = None
        self._distrusted = False
        self._offset = ClockOffset(offset)

    @property
    def offset(self) -> timedelta | None:
        """How far the feed's clock is behind ours, below 0 where it is ahead; None where it is right."""
        return None if self._replayed else self._offset.value

    def still_since(self, received: datetime) -> datetime:
        """Give the last moment at which the feed's time or its counts changed."""
        return self._alive_at or received

    def date(self, feed_time: datetime | None, received: datetime, changed: bool) -> DatedDocument:
        """Date a document by the time in it; `changed` when its counts differ from the newest snapshot's.

        Call it once for each document, in order of receipt.
        """
        self._note_life(feed_time, received, changed)
        if feed_time is not None:
            self._offset.learn(feed_time, received)
        dated = self._date_document(feed_time, received.replace(microsecond=0), changed)
        if dated.outcome == "fresh":
            self.newest = dated.at
            self._feed_time = feed_time
            self._behind = None
        return dated

    def _note_life(self, feed_time: datetime | None, received: datetime, changed: bool) -> None:
        moved = feed_time is not None and (self._highest is None or feed_time > self._highest)
        if changed or self._changed_at is None:
            self._changed_at = received
        if self._alive_at is None:
            known = self._replayed or self._offset.value is not None
            old = feed_time is not None and not known and feed_time < received
            self._alive_at = feed_time if old else received
        elif moved or changed or (feed_time is None and received - self._changed_at < QUIET):
            self._alive_at = received
        if moved:
            self._highest = feed_time

    def _date_document(self, feed_time: datetime | None, received: datetime, changed: bool) -> DatedDocument:
        if feed_time is not None and feed_time == self._feed_time and (self._replayed or not changed):
            return DatedDocument("unchanged")
        if feed_time is None and self._changed_at is not None and received - self._changed_at >= QUIET:
            return DatedDocument("unchanged")
        at, finding = self._choose_time(feed_time, received)
        if self.newest is None or at > self.newest:
            return DatedDocument("fresh", at, finding)
        if at == self.newest and not changed:
            return DatedDocument("unchanged")
        return self._wait_or_distrust(feed_time, received)

    def _choose_time(self, feed_time: datetime | None, received: datetime) -> tuple[datetime, ClockFinding]:
        if feed_time is None:
            return received, "no_time"
        if self._replayed:
            return feed_time, ""
        if self._our_clock_went_back(feed_time, received):
            return feed_time, ""
        if self.offset is not None:
            return received, "wrong_clock"
        if feed_time > received + SKEW:
            return received, "future_time"
        if feed_time < received - MAX_AGE:
            return received, "old_time"
        if feed_time == self._feed_time:
            return received, "still_time"
        if self._distrusted and self.newest is not None and feed_time <= self.newest:
            return received, "slow_time"
        self._distrusted = False
        return min(feed_time, received), ""

    def _our_clock_went_back(self, feed_time: datetime, received: datetime) -> bool:
        """Tell whether our own clock is behind the newest event time while the feed's goes on from there.

        Dated by our clock, all documents would be late until it reaches that time again.
        """
        return self.newest is not None and received + SKEW < self.newest < feed_time <= self.newest + MAX_AGE

    def _wait_or_distrust(self, feed_time: datetime | None, received: datetime) -> DatedDocument:
        """Call a time before the newest late for a while, then the mark of a clock that was set back.

        A clock that does not move at all stays late: the feed is frozen.
        """
        if self._replayed or feed_time is None:
            return DatedDocument("late")
        if self._behind is None or received < self._behind[0]:
            self._behind = received, feed_time
        since, first = self._behind
        if received - since < PATIENCE or feed_time <= first or (self.newest and received <= self.newest):
            return DatedDocument("late")
        self._distrusted = True
        return DatedDocument("fresh", received, "slow_time")


def _jitter(lag: timedelta) -> timedelta:
    return min(max(abs(lag) / 10, JITTER[0]), JITTER[1])


def offset_reason(offset: timedelta | None) -> Reason | None:
    """Say how far a feed's clock is off, in whole minutes; None where it is right.

    >>> offset_reason(timedelta(hours=5, seconds=12))
    Reason(kind='clock_behind', arguments={'hours': 5, 'minutes': 0})
    >>> offset_reason(timedelta(minutes=-50))
    Reason(kind='clock_ahead', arguments={'hours': 0, 'minutes': 50})
    """
    if offset is None:
        return None
    hours, minutes = divmod(round(abs(offset) / timedelta(minutes=1)), 60)
    kind = "clock_behind" if offset > timedelta(0) else "clock_ahead"
    return Reason(kind, {"hours": hours, "minutes": minutes})
