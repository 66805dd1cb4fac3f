"""Issued forecasts: kept for a day as people saw them, and laid beside their truth.

A frame is kept every twenty minutes of event time, with the horizons that are scored. The truth comes from
the log: it is the count that the feed gave at the target time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from ingest.store.database import Database
from ingest.store.observations import ObservationTables
from ingest.store.tables import issued_forecasts
from model.arrays import Ints, Strings
from model.frame import Frame, Outlook

if TYPE_CHECKING:
    import pandas as pd

EVERY = timedelta(minutes=20)
KEPT_FOR = timedelta(hours=25)

PATIENCE = timedelta(minutes=5)
"""How long after a target time a snapshot may come and still be its truth."""

COLUMNS = ("said_at", "target_at", "minutes", "station_id", "median", "low", "high", "chance", "was", "off")


def is_due(before: datetime | None, at: datetime) -> bool:
    """Tell whether the frame issued at `at` is one to keep, where the last frame was issued at `before`."""
    return before is None or _interval(before) != _interval(at)


def _interval(at: datetime) -> int:
    return int(at.timestamp() // EVERY.total_seconds())


@dataclass(frozen=True, eq=False)
class IssuedForecast:
    """A forecast of bikes and spaces at the stations `(S,)`, issued at `at`, for one horizon.

    `bikes` are the counts at the issue time, -1 for unknown. `outlooks` are those of the frame, with this
    horizon alone.
    """

    at: datetime
    minutes: int
    station_id: Strings
    bikes: NDArray[np.int16]
    outlooks: Mapping[str, Outlook]

    @property
    def target_at(self) -> datetime:
        """The time that the forecast is for."""
        return self.at + timedelta(minutes=self.minutes)

    @classmethod
    def of(cls, frame: Frame, ahead: timedelta) -> IssuedForecast:
        """Take the horizon nearest to `ahead` out of a frame."""
        row = int(np.abs(frame.minutes - ahead / timedelta(minutes=1)).argmin())
        one = frame.only([int(frame.minutes[row])])
        return cls(frame.at, int(frame.minutes[row]), frame.stations.station_id, frame.bikes, one.outlooks)


class IssuedForecastTable:
    """Reads and writes `issued_forecasts`. The truth comes from the log of observations."""

    def __init__(self, database: Database, observations: ObservationTables) -> None:
        self._read = database.read
        self._observations = observations

    def issue_times(self, system_id: str) -> list[datetime]:
        """List the issue times of the forecasts that are kept, oldest first."""
        query = sa.select(issued_forecasts.c.at).where(issued_forecasts.c.system_id == system_id)
        with self._read() as db:
            return list(db.scalars(query.order_by(issued_forecasts.c.at)))

    def get(self, system_id: str, at: datetime) -> bytes | None:
        """Fetch the frame of the forecast issued at a time; None where it is not kept."""
        query = sa.select(issued_forecasts.c.blob).where(
            issued_forecasts.c.system_id == system_id, issued_forecasts.c.at == at
        )
        with self._read() as db:
            return db.scalar(query)

    def beside_truth(self, system_id: str, forecasts: Iterable[IssuedForecast]) -> pd.DataFrame:
        """Lay forecasts of bikes beside their truth, a row a station, in the order given.

        `said_at` is the issue time. `median`, `low` and `high` are counts with their 80 % interval, `chance`
        is that of a bike in per cent, `was` the count that the feed gave at the target time, and `off` the
        error of the median. Stations without a count are left out.
        """
        import pandas as pd

        tables = [self._one_beside_truth(system_id, forecast) for forecast in forecasts]
        known = [table for table in tables if table is not None]
        return pd.concat(known, ignore_index=True) if known else pd.DataFrame(columns=list(COLUMNS))

    def _one_beside_truth(self, system_id: str, forecast: IssuedForecast) -> pd.DataFrame | None:
        import pandas as pd

        polls = self._observations.poll_times(
            system_id, forecast.target_at - timedelta(seconds=1), forecast.target_at + PATIENCE
        )
        if not polls:
            return None
        was = counts_at_target(forecast, self._observations.changes(system_id, forecast.at, polls[0]))
        bike = forecast.outlooks["bike"]
        median, chance = bike.median[0].astype(np.int64), bike.chance[0, 0].astype(np.int64)
        known = np.flatnonzero((median >= 0) & (was >= 0) & (chance <= 100))
        return pd.DataFrame(
            {
                "said_at": pd.Series([forecast.at] * len(known), dtype="datetime64[s, UTC]"),
                "target_at": pd.Series([forecast.target_at] * len(known), dtype="datetime64[s, UTC]"),
                "minutes": forecast.minutes,
                "station_id": forecast.station_id[known].astype(object),
                "median": median[known],
                "low": bike.low[0, known].astype(np.int64),
                "high": bike.high[0, known].astype(np.int64),
                "chance": chance[known],
                "was": was[known],
                "off": median[known] - was[known],
            }
        )

    # ---------------------------------------------------------------- within a transaction

    @staticmethod
    def add(db: Connection, system_id: str, at: datetime, blob: bytes) -> None:
        """Add the forecast issued at a time, and drop those that are too old."""
        old = issued_forecasts.c.at < at - KEPT_FOR
        db.execute(issued_forecasts.delete().where(issued_forecasts.c.system_id == system_id, old))
        db.execute(issued_forecasts.insert().values(system_id=system_id, at=at, blob=blob))


def counts_at_target(forecast: IssuedForecast, changes: pd.DataFrame) -> Ints:
    """Bring the counts at a forecast's issue time up to date with the changes since, `(S,)`."""
    import pandas as pd

    was = forecast.bikes.astype(np.int64)
    place = pd.Index(forecast.station_id.astype(object)).get_indexer(changes["station_id"])
    known = place >= 0
    # Where a station changed twice, the later row wins: numpy assigns in order.
    was[place[known]] = changes["bikes"].to_numpy(dtype=np.int64)[known]
    return was
