"""We said / it was: forecasts as they were shown, kept for a day, beside what came.

A frame of every twenty minutes of event time is kept, of the horizons that are scored. What came is read
from the log, so that the truth of a forecast is the count that the feed told at its moment, and no model's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from model.arrays import Ints, Strings
from model.frame import Frame, Outlook

EVERY = timedelta(minutes=20)
KEPT_FOR = timedelta(hours=25)

PATIENCE = timedelta(minutes=5)
"""How long after its moment a count may be seen and still be what it was then."""

COLUMNS = ("said_at", "target_at", "minutes", "station_id", "median", "low", "high", "chance", "was", "off")


def is_due(before: datetime | None, at: datetime) -> bool:
    """Tell whether a frame made `at` is one to keep, the last being of `before`."""
    return before is None or _when(before) != _when(at)


def _when(at: datetime) -> int:
    return int(at.timestamp() // EVERY.total_seconds())


@dataclass(frozen=True, eq=False)
class IssuedForecast:
    """What was forecast `at` a moment of the stations `(S,)`, of bikes and of spaces, for one time ahead.

    `bikes` are those that stood there then, -1 for unknown. The outlooks have the one horizon.
    """

    at: datetime
    minutes: int
    station_id: Strings
    bikes: NDArray[np.int16]
    bike: Outlook
    space: Outlook

    @property
    def target_at(self) -> datetime:
        """The moment that it is about."""
        return self.at + timedelta(minutes=self.minutes)

    @classmethod
    def of(cls, frame: Frame, ahead: timedelta) -> IssuedForecast:
        """Take the horizon nearest to `ahead` out of a frame."""
        row = int(np.abs(frame.minutes - ahead / timedelta(minutes=1)).argmin())
        one = frame.only([int(frame.minutes[row])])
        return cls(
            frame.at, int(frame.minutes[row]), frame.stations.station_id, frame.bikes, one.bike, one.space
        )


class Log(Protocol):
    """What has to be known of the truth: see `ingest.store.Store`."""

    def polls(self, system_id: str, start: datetime | None, end: datetime | None) -> list[datetime]:
        """List when something was learnt."""

    def observations(self, system_id: str, start: datetime | None, end: datetime | None) -> pd.DataFrame:
        """Fetch the changes."""


def beside_truth(log: Log, system_id: str, forecasts: Iterable[IssuedForecast]) -> pd.DataFrame:
    """Lay forecasts of bikes out beside what came, a row a station, in the order they are given.

    `median`, `low` and `high` are counts with their 80 % interval, `chance` that of a bike in per cent, `was`
    what stood there, `off` by how much the median missed it. What was never seen is left out.
    """
    tables = [_beside(log, system_id, forecast) for forecast in forecasts]
    known = [table for table in tables if table is not None]
    return pd.concat(known, ignore_index=True) if known else pd.DataFrame(columns=list(COLUMNS))


def _beside(log: Log, system_id: str, forecast: IssuedForecast) -> pd.DataFrame | None:
    polls = log.polls(system_id, forecast.target_at - timedelta(seconds=1), forecast.target_at + PATIENCE)
    if not polls:
        return None
    was = came(forecast, log.observations(system_id, forecast.at, polls[0]))
    median = forecast.bike.median[0].astype(np.int64)
    chance = forecast.bike.chance[0, 0].astype(np.int64)
    known = np.flatnonzero((median >= 0) & (was >= 0) & (chance <= 100))
    return pd.DataFrame(
        {
            "said_at": pd.Series([forecast.at] * len(known), dtype="datetime64[s, UTC]"),
            "target_at": pd.Series([forecast.target_at] * len(known), dtype="datetime64[s, UTC]"),
            "minutes": forecast.minutes,
            "station_id": forecast.station_id[known].astype(object),
            "median": median[known],
            "low": forecast.bike.low[0, known].astype(np.int64),
            "high": forecast.bike.high[0, known].astype(np.int64),
            "chance": chance[known],
            "was": was[known],
            "off": median[known] - was[known],
        }
    )


def came(forecast: IssuedForecast, changes: pd.DataFrame) -> Ints:
    """Bring the counts that a forecast began with up to date by what changed since, `(S,)`."""
    was = forecast.bikes.astype(np.int64)
    place = pd.Index(forecast.station_id.astype(object)).get_indexer(changes["station_id"])
    known = place >= 0
    # Where a station changed twice, the later row wins: numpy assigns in order.
    was[place[known]] = changes["bikes"].to_numpy(dtype=np.int64)[known]
    return was
