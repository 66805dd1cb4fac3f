"""Which moment a poll is about: the feed's own time where it can be trusted, the time of receipt elsewhere.

A snapshot dated wrong is worse than one missed. Several servers behind one name answer with documents a few
seconds apart, so time seems to go back; a frozen feed repeats itself; a clock set wrong jumps.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Outcome = Literal["fresh", "unchanged", "late"]

SKEW = timedelta(seconds=60)
"""How far ahead of ours a feed's clock may be without remark."""
MAX_AGE = timedelta(days=1)
PATIENCE = timedelta(minutes=10)
"""How long a feed's time may stay behind what it was before we stop believing it."""
QUIET = timedelta(hours=3)
"""How long the counts of a feed that tells no time may stand still, as in a small town at night."""


@dataclass(frozen=True)
class Judgement:
    """What a document is worth: a moment `at` if fresh, and what was `odd` about its time, if anything."""

    outcome: Outcome
    at: datetime | None = None
    odd: str = ""


class EventClock:
    """Judges the documents of one feed, one after another.

    With `replayed` the feed's time is the only clock: a recording of 2017 is never held against today.
    """

    def __init__(self, replayed: bool, newest: datetime | None = None) -> None:
        self._replayed = replayed
        self.newest = newest
        self._told: datetime | None = None
        self._alive_at: datetime | None = None
        self._changed_at: datetime | None = None
        self._highest: datetime | None = None
        self._behind: tuple[datetime, datetime] | None = None
        self._distrusted = False

    def still_since(self, received: datetime) -> datetime:
        """Give the last moment at which the feed showed life: its time moved or its counts changed."""
        return self._alive_at or received

    def judge(self, told: datetime | None, received: datetime, changed: bool) -> Judgement:
        """Date a document that says `told`, `changed` when its counts differ from the newest snapshot's.

        Call it once a document, in order of receipt.
        """
        self._note_life(told, received, changed)
        judgement = self._judge(told, received.replace(microsecond=0), changed)
        if judgement.outcome == "fresh":
            self.newest = judgement.at
            self._told = told
            self._behind = None
        return judgement

    def _note_life(self, told: datetime | None, received: datetime, changed: bool) -> None:
        moved = told is not None and (self._highest is None or told > self._highest)
        if changed or self._changed_at is None:
            self._changed_at = received
        if self._alive_at is None:
            old = told is not None and not self._replayed and told < received
            self._alive_at = told if old else received
        elif moved or changed or (told is None and received - self._changed_at < QUIET):
            self._alive_at = received
        if moved:
            self._highest = told

    def _judge(self, told: datetime | None, received: datetime, changed: bool) -> Judgement:
        if told is not None and told == self._told and (self._replayed or not changed):
            return Judgement("unchanged")
        if told is None and self._changed_at is not None and received - self._changed_at >= QUIET:
            return Judgement("unchanged")
        at, odd = self._date(told, received)
        if self.newest is None or at > self.newest:
            return Judgement("fresh", at, odd)
        if at == self.newest and not changed:
            return Judgement("unchanged")
        return self._wait_or_distrust(told, received)

    def _date(self, told: datetime | None, received: datetime) -> tuple[datetime, str]:
        if told is None:
            return received, "no_time"
        if self._replayed:
            return told, ""
        if self._set_back(told, received):
            return told, ""
        if told > received + SKEW:
            return received, "future_time"
        if told < received - MAX_AGE:
            return received, "old_time"
        if told == self._told:
            return received, "still_time"
        if self._distrusted and self.newest is not None and told <= self.newest:
            return received, "slow_time"
        self._distrusted = False
        return min(told, received), ""

    def _set_back(self, told: datetime, received: datetime) -> bool:
        """Tell whether it is our own clock that is wrong: it has gone back behind what we have taken before.

        Then the feed's goes on where it was, and dated by ours all would be late until ours is there again.
        """
        return self.newest is not None and received + SKEW < self.newest < told <= self.newest + MAX_AGE

    def _wait_or_distrust(self, told: datetime | None, received: datetime) -> Judgement:
        """A time before the newest: late for a while, then a clock that was set back if it moves at all."""
        if self._replayed or told is None:
            return Judgement("late")
        if self._behind is None or received < self._behind[0]:
            self._behind = received, told
        since, from_ = self._behind
        if received - since < PATIENCE or told <= from_ or (self.newest and received <= self.newest):
            return Judgement("late")
        self._distrusted = True
        return Judgement("fresh", received, "slow_time")
