"""How the accuracy page reads sums of scores: what costs more than a query is kept, and shared by viewers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from ingest.store import ALL_HOURS, DAY, HOUR, LocalHours, SameIssues, Store, span_start
from model.scoring.verdict import bin_seconds

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class FixedBins:
    """The sums of scores of one horizon by `at` and `model`, of all whole bins of so many `seconds`.

    Bins are the same whatever stretch a page shows. Two are equal where they are one, so that caches know it.
    """

    minutes: int
    seconds: int
    sums: pd.DataFrame


class ScoreReader:
    """Reads the sums of scores of a system, or of all systems together where its id is None. Thread-safe.

    `stamp` gives what changes with the scores of a system: an answer is kept for as long as it stays.
    """

    def __init__(self, store: Store, stamp: Callable[[str | None], float | None]) -> None:
        self._store = store
        self._stamp = stamp
        self._over_time = lru_cache(maxsize=16)(self._read_over_time)  # 1 MB each at most
        self._same_issues = lru_cache(maxsize=64)(self._read_same_issues)  # 20 kB each
        self._fixed_bins = lru_cache(maxsize=8)(self._read_fixed_bins)  # 1 MB each for a month

    def over_time(
        self,
        system_id: str | None,
        span: int,
        minutes: int,
        since: datetime,
        chosen: LocalHours = ALL_HOURS,
    ) -> pd.DataFrame:
        """Fetch the sums of all models at one horizon: see `ScoreTables.over_time`."""
        return self._over_time(system_id, span, minutes, since, chosen, self._stamp(system_id))

    def same_issues(
        self, system_id: str | None, newest: datetime, length: timedelta, chosen: LocalHours = ALL_HOURS
    ) -> SameIssues:
        """Fetch the sums by model and horizon, of the same issue times: see `ScoreTables.same_issues`."""
        return self._same_issues(system_id, length, chosen, self._stamp(system_id), newest)

    def fixed_bins(
        self,
        system_id: str | None,
        minutes: int,
        newest: datetime,
        started: datetime,
        chosen: LocalHours = ALL_HOURS,
    ) -> FixedBins:
        """Fetch the sums of all whole bins before `newest` of a system that `started` then: once a bin.

        Bins have an hour, or two at far horizons, and reach back for 400 days; those of all systems together
        are days in UTC. Of a bin only `chosen` hours count.
        """
        seconds = DAY if system_id is None else bin_seconds(minutes)
        return self._fixed_bins(system_id, minutes, seconds, span_start(newest, seconds), started, chosen)

    def _read_over_time(
        self,
        system_id: str | None,
        span: int,
        minutes: int,
        since: datetime,
        chosen: LocalHours,
        stamp: float | None,
    ) -> pd.DataFrame:
        return self._store.scores.over_time(system_id, span, minutes=[minutes], since=since, chosen=chosen)

    def _read_same_issues(
        self,
        system_id: str | None,
        length: timedelta,
        chosen: LocalHours,
        stamp: float | None,
        newest: datetime,
    ) -> SameIssues:
        return self._store.scores.same_issues(system_id, newest, length, chosen=chosen)

    def _read_fixed_bins(
        self,
        system_id: str | None,
        minutes: int,
        seconds: int,
        until: datetime,
        started: datetime,
        chosen: LocalHours,
    ) -> FixedBins:
        span = DAY if system_id is None else HOUR
        sums = self._store.scores.over_time(system_id, span, minutes=[minutes], until=until, chosen=chosen)
        return FixedBins(minutes, seconds, sums)
