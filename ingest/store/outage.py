"""Says in the log that the database is away: once a minute, whoever asked it, and when that is over.

A worker of thirty cities would else say so thirty times, and its leases, its looks and its pages besides.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from threading import Lock
from typing import Literal

Use = Literal["read", "write"]
"""A database that is locked can be read, so each way to use it has to succeed again."""

EVERY = 60.0
"""Seconds between two lines about one outage."""

log = logging.getLogger(__name__)


class StoreOutage:
    """Follows one outage of a database; thread-safe. `clock` gives monotonic seconds.

    It is silent until `is_told` is set: a command says by itself what failed.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.is_told = False
        self._clock = clock
        self._failing: set[Use] = set()
        self._since, self._told_at = 0.0, 0.0
        self._lock = Lock()

    def failed(self, use: Use, error: Exception) -> None:
        """Note that the database could not be used."""
        with self._lock:
            now = self._clock()
            if not self._failing:
                self._since, self._told_at = now, now - EVERY
            self._failing.add(use)
            if not self.is_told or now - self._told_at < EVERY:
                return
            self._told_at = now
        for_long = f" for {(now - self._since) / 60:.0f} min" if now > self._since else ""
        log.warning("without a store%s: %s; what was learnt since the last commit is read again later",
                    for_long, " ".join(str(error).split()))  # fmt: skip

    def answered(self, use: Use) -> None:
        """Note that the database was used."""
        if not self._failing:
            return
        with self._lock:
            self._failing.discard(use)
            if self._failing or not self.is_told:
                return
            lasted = self._clock() - self._since
        log.info("the store answers again, after %.0f s", lasted)
