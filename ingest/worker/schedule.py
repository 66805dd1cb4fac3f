"""Computes when to poll a feed again: pure arithmetic, so that the scheduler itself has no logic.

A poll is due `poll_seconds` after the last one began, and not before the `ttl` of its answer is over, counted
from receipt. All systems start within seconds of each other, so that there is a map soon. Then they drift
apart: each has its place in the minute, and each poll waits up to two seconds more until it is there.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from ingest.system import System

_LONGEST = timedelta(minutes=15)
_DRIFT = 1 / 30
"""The part of a minute by which one wait may grow: too little to miss an update."""

_CLOSE = 0.1
"""The part of a minute within which a poll counts as being at its place."""


def after_answer(
    system: System, asked_at: datetime, received_at: datetime, ttl_seconds: float, place: float
) -> datetime:
    """Give the time of the next poll after an answer; `place` in the minute is from 0 to 1."""
    every = system.poll_seconds
    due = max(asked_at + timedelta(seconds=every), received_at + timedelta(seconds=ttl_seconds))
    ahead = (place * every - due.timestamp()) % every
    if ahead > (1 - _CLOSE) * every:
        return due
    return due + timedelta(seconds=min(ahead, _DRIFT * every))


def after_failure(
    system: System, now: datetime, failures: int, jitter: random.Random, retry_after: timedelta | None = None
) -> datetime:
    """Give the time of the next try after `failures` in a row.

    The wait is `poll_seconds`, then two, four, eight times that, up to a quarter of an hour; for a feed that
    is polled every second, up to fifteen seconds. Waits vary by a fifth, so that systems that failed together
    are not polled together again. No try is earlier than `retry_after`.
    """
    every = timedelta(seconds=system.poll_seconds)
    longest = max(every, min(15 * every, _LONGEST))
    doubled: timedelta = every * 2 ** min(failures - 1, 20)
    wait = min(doubled, longest) * jitter.uniform(1.0, 1.2)
    return now + max(wait, retry_after or timedelta(0))


def silent_after(system: System, ttl_seconds: float) -> timedelta:
    """Give the time without news after which a feed counts as silent.

    It is ten minutes of the feed's own time, or five waits between polls where these are longer.
    """
    return timedelta(seconds=max(600 / system.speed, 5 * ttl_seconds, 5 * system.poll_seconds))
