"""Computes when to poll a feed again: pure arithmetic, so that the scheduler itself has no logic.

A poll is due `poll_seconds` after the last one began, and not before the `ttl` of its answer is over, counted
from receipt. Each system has its place in the minute, which its id gives. So polls spread over the minute,
and a system keeps its place whatever other systems there are. The first systems start at once, so that there
is a map soon. They drift to their places: each poll waits up to two seconds more until it is there.
"""

from __future__ import annotations

import random
import zlib
from datetime import datetime, timedelta

from ingest.system import System

_LONGEST = timedelta(minutes=15)
_DRIFT = 1 / 30
"""The part of a minute by which one wait may grow: too little to miss an update."""

_CLOSE = 0.1
"""The part of a minute within which a poll counts as being at its place."""


APART = 0.3
"""Seconds between the first polls of systems that need not wait for their places."""


def place(system_id: str) -> float:
    """Give a system's place in the minute, from 0 to 1.

    >>> round(place("dublin"), 3), round(place("cork"), 3)
    (0.864, 0.548)
    """
    return zlib.crc32(system_id.encode()) / 2**32


def first(system: System, now: datetime, number: int) -> datetime:
    """Give the time of the first poll: within the minute, and soon for systems with a low `number`."""
    ahead = _ahead(place(system.system_id), system.poll_seconds, now)
    return now + timedelta(seconds=min(ahead, number * APART))


def _ahead(place: float, every: float, at: datetime) -> float:
    """Give the seconds from a time until a system's place."""
    return (place * every - at.timestamp()) % every


def after_answer(
    system: System, asked_at: datetime, received_at: datetime, ttl_seconds: float, place: float
) -> datetime:
    """Give the time of the next poll after an answer; `place` in the minute is from 0 to 1."""
    every = system.poll_seconds
    due = max(asked_at + timedelta(seconds=every), received_at + timedelta(seconds=ttl_seconds))
    ahead = _ahead(place, every, due)
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


def may_try_after(system: System, now: datetime, retry_after: timedelta | None = None) -> datetime:
    """Give the time from which on a feed that failed may be tried again because somebody wants it."""
    return now + max(timedelta(seconds=system.poll_seconds), retry_after or timedelta(0))


def silent_after(system: System, ttl_seconds: float, usual_gap: timedelta) -> timedelta:
    """Give the time without news after which a feed counts as silent.

    It is ten minutes of the feed's own time, five waits between polls, or three usual gaps between snapshots
    of its own time: whichever is longest.
    """
    own = max(600.0, 3 * usual_gap.total_seconds()) / system.speed
    return timedelta(seconds=max(own, 5 * ttl_seconds, 5 * system.poll_seconds))
