"""When to poll a feed again: pure arithmetic, so that the scheduler itself has no logic.

A feed is asked once in its `poll_seconds`, counted from the last asking, and never before the `ttl` of what
it gave is over, counted from receipt. All systems start within seconds of each other, so that there is a
map soon, and then drift apart: each has a place of its own in the minute, and waits up to two seconds more
at every poll until it is there.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from ingest.system import System

_LONGEST = timedelta(minutes=15)
_DRIFT = 1 / 30
"""The part of a minute by which one wait may be stretched: too little to miss an update."""

_CLOSE = 0.1
"""The part of a minute that counts as being in one's place."""


def after_answer(
    system: System, asked_at: datetime, received_at: datetime, ttl_seconds: float, place: float
) -> datetime:
    """Say when to poll again after the feed answered; `place` in the minute is from 0 to 1."""
    every = system.poll_seconds
    due = max(asked_at + timedelta(seconds=every), received_at + timedelta(seconds=ttl_seconds))
    ahead = (place * every - due.timestamp()) % every
    if ahead > (1 - _CLOSE) * every:
        return due
    return due + timedelta(seconds=min(ahead, _DRIFT * every))


def after_failure(
    system: System, now: datetime, failures: int, chance: random.Random, retry_after: timedelta | None = None
) -> datetime:
    """Say when to try again after `failures` in a row: after one wait, two, four, up to a quarter of an hour.

    A recording's feed that is polled every second is tried again sooner than a live one. Waits vary by a
    fifth, so that systems that failed together do not come back together. `retry_after` is obeyed.
    """
    every = timedelta(seconds=system.poll_seconds)
    longest = max(every, min(15 * every, _LONGEST))
    doubled: timedelta = every * 2 ** min(failures - 1, 20)
    wait = min(doubled, longest) * chance.uniform(1.0, 1.2)
    return now + max(wait, retry_after or timedelta(0))


def silent_after(system: System, ttl_seconds: float) -> timedelta:
    """Say how long a feed may bring nothing new before it counts as silent.

    Ten minutes of its own time, or five waits where these are longer.
    """
    return timedelta(seconds=max(600 / system.speed, 5 * ttl_seconds, 5 * system.poll_seconds))
