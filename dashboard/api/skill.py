"""How much better than naive each system's forecasts were in the last week, and how certain that is.

A week of a system's hours is read and compared once an hour, and for some systems a scrape only: for 1,500 of
them at once a scrape would take half a minute. Until its turn a system keeps what was found before.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from ingest.store import HOUR, span_start
from model.arrays import Floats, Ints
from model.scoring.confidence import Differences, streams
from model.scoring.verdict import bin_seconds

if TYPE_CHECKING:
    import pandas as pd

    from ingest.store.scores import ScoreTables

WINDOW = timedelta(days=7)

_PAIRS = [(part, model) for part in ("n", "crps") for model in ("pool", "naive")]

BUDGET = 1.0
"""Seconds of a scrape after which no further system is compared anew."""


@dataclass(frozen=True)
class WeeklySkill:
    """The share of naive's CRPS that the pool saved, with bounds: infinite until there are enough hours."""

    middle: float
    least: float
    most: float

    @property
    def is_bounded(self) -> bool:
        """Tell whether there were enough hours for bounds."""
        return bool(np.isfinite(self.least))


class Skills:
    """Keeps each system's skill by horizon until its clock enters another hour. Thread-safe."""

    def __init__(self, budget: float = BUDGET) -> None:
        self._budget = budget
        self._lock = Lock()
        self._kept: dict[str, tuple[datetime, dict[int, WeeklySkill]]] = {}

    def of(
        self, scores: ScoreTables, newest: Mapping[str, datetime]
    ) -> Iterator[tuple[str, int, WeeklySkill]]:
        """Give system, horizon and skill of the week before each system's `newest` snapshot."""
        with self._lock:
            self._kept = {system_id: kept for system_id, kept in self._kept.items() if system_id in newest}
            begun = time.monotonic()
            for system_id in sorted(newest, key=self._age):
                hour = span_start(newest[system_id], HOUR)
                kept = self._kept.get(system_id)
                if kept is not None and kept[0] == hour:
                    continue
                sums = scores.over_time(
                    system_id, HOUR, models=["naive", "pool"], since=hour - WINDOW, until=hour
                )
                self._kept[system_id] = hour, skills(sums)
                if time.monotonic() - begun > self._budget:
                    break
            found = list(self._kept.items())
        for system_id, (_, by_minutes) in found:
            for minutes, skill in by_minutes.items():
                yield system_id, minutes, skill

    def _age(self, system_id: str) -> float:
        kept = self._kept.get(system_id)
        return 0.0 if kept is None else kept[0].timestamp()


def skills(sums: pd.DataFrame) -> dict[int, WeeklySkill]:
    """Compare the pool with naive by hours: sums of scores by `at`, `model` and `minutes`.

    Only hours in which both were judged on the same number of forecasts count.
    """
    import pandas as pd

    found = {}
    for minutes, table in sums.groupby("minutes"):
        horizon = int(str(minutes))
        seconds = bin_seconds(horizon)
        by_bin = table.assign(number=table["at"].astype("int64") // seconds)
        pairs = by_bin.pivot_table(index="number", columns="model", values=["n", "crps"], aggfunc="sum")
        pairs = pairs.reindex(columns=pd.MultiIndex.from_tuples(_PAIRS))
        n, other, pool, naive = pairs.to_numpy(dtype=np.float64).T
        same = (n > 0) & (n == other)
        if naive[same].sum() > 0:
            stream = pairs.index.to_numpy(dtype=np.int64)[same] % streams(horizon, seconds)
            losses = pool[same] / n[same], naive[same] / n[same]
            found[horizon] = _skill(*losses, stream, streams(horizon, seconds))
    return found


def _skill(pool: Floats, naive: Floats, stream: Ints, count: int) -> WeeklySkill:
    """Compare mean CRPS `(T,)` in bins of time, which are dealt out to `count` streams."""
    least, greatest = Differences.over_time(naive - pool, stream, count).bounds()
    mean = float(naive.mean())
    return WeeklySkill(
        float((naive - pool).mean()) / mean, float(least[-1]) / mean, float(greatest[-1]) / mean
    )
