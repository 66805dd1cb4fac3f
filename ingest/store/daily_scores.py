"""Scores by local day and horizon: station by station, and how well calibrated each model was.

A row of the store holds a day of one horizon and kind of bikes as two blobs of `DaySums`, to which each tick
adds the scores that it settled. A row a station would be too many: 35 systems would make two million a day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ingest.store.database import Database
from ingest.store.day_sums import DaySums
from ingest.store.tables import daily_scores
from model.arrays import Floats, Strings
from model.kernels.records import BINS
from model.records import ANY
from model.scoring.settle import STATION_SCORES, Score

if TYPE_CHECKING:
    import pandas as pd

STATION_KEYS = ("model", "station_id")
"""The axes of the scores by station; the sums are `n`, `n_dock` and those of `STATION_SCORES`."""

CALIBRATION_KEYS = ("model", "of", "tenth")
"""The axes of the calibration counts.

Where `of` is "pit", `came` is the mass of the probability integral transform in that tenth. Where it is
"bike" or "dock", `n` forecasts stated odds of one in that tenth, `stated` is the sum of these odds, and
`came` counts the forecasts that came true.
"""


_KEY = (
    daily_scores.c.system_id == sa.bindparam("of_system"),
    daily_scores.c.day == sa.bindparam("of_day"),
    daily_scores.c.minutes == sa.bindparam("of_minutes"),
    daily_scores.c.kind == sa.bindparam("of_kind"),
)
_STORED, _REPLACE = sa.select(daily_scores).where(*_KEY), daily_scores.update().where(*_KEY)


@dataclass(frozen=True)
class DailyScore:
    """The scores settled at one tick for a local `day` (ISO), horizon and `kind` of bikes.

    They are to be added to the stored ones.
    """

    day: str
    minutes: int
    kind: str
    stations: DaySums
    calibration: DaySums


def by_day(scores: Sequence[Score], station_id: Strings, timezone: str) -> list[DailyScore]:
    """Group scores by local day, horizon and kind. Their `rows` are places in `station_id` `(R,)`."""
    zone = ZoneInfo(timezone)
    groups: dict[tuple[str, int, str], dict[str, list[Score]]] = {}
    for score in scores:
        if score.n:
            day = score.target_at.astimezone(zone).date().isoformat()
            groups.setdefault((day, score.minutes, score.kind), {}).setdefault(score.model, []).append(score)
    return [
        DailyScore(*key, _by_station(group, station_id), _calibration(group)) for key, group in groups.items()
    ]


def _by_station(group: Mapping[str, Sequence[Score]], station_id: Strings) -> DaySums:
    """Add each model's scores up by station; one without a score has zeros."""
    size = len(group), len(station_id)
    scores = [score for each in group.values() for score in each]
    cells = np.concatenate(
        [place * len(station_id) + score.rows for place, each in enumerate(group.values()) for score in each]
    )

    def total(values: Any = None) -> Floats:
        return np.bincount(cells, values, size[0] * size[1]).reshape(size).astype(np.float64)

    sums = {"n": total(), "n_dock": total(~np.isnan(np.concatenate([each.brier_dock for each in scores])))}
    for name in STATION_SCORES:
        sums[name] = total(np.nan_to_num(np.concatenate([getattr(each, name) for each in scores])))
    return DaySums({"model": np.array(list(group)), "station_id": station_id}, sums)


def _calibration(group: Mapping[str, Sequence[Score]]) -> DaySums:
    """Add up the calibration counts of each model."""
    n, stated, came = np.zeros((3, len(group), 3, BINS))
    for place, scores in enumerate(group.values()):
        judged = sum(score.n for score in scores)
        n[place, 0], stated[place, 0] = judged, judged / BINS
        for score in scores:
            n[place, 1:] += score.asked
            stated[place, 1:] += score.stated
            came[place, 0] += score.tenths
            came[place, 1:] += score.came
    keys = {"model": np.array(list(group)), "of": np.array(["pit", "bike", "dock"]), "tenth": np.arange(BINS)}
    return DaySums(keys, {"n": n, "stated": stated, "came": came})


class DailyScoreTable:
    """Reads and writes `daily_scores`."""

    def __init__(self, database: Database) -> None:
        self._read = database.read

    def by_station(
        self, system_id: str, *, since: date | None = None, minutes: int | None = None, kind: str = ANY
    ) -> pd.DataFrame:
        """Fetch the sums of scores by local day, horizon, model and station that has any."""
        table = self._fetch(system_id, since, minutes, kind, "stations", STATION_KEYS)
        return table if table.empty else table[table["n"] > 0].reset_index(drop=True)

    def calibration(
        self, system_id: str, *, since: date | None = None, minutes: int | None = None, kind: str = ANY
    ) -> pd.DataFrame:
        """Fetch the calibration counts by local day, horizon and model: see `CALIBRATION_KEYS`."""
        return self._fetch(system_id, since, minutes, kind, "calibration", CALIBRATION_KEYS)

    def _fetch(
        self,
        system_id: str,
        since: date | None,
        minutes: int | None,
        kind: str,
        column: str,
        keys: Sequence[str],
    ) -> pd.DataFrame:
        import pandas as pd

        table = daily_scores.c
        query = sa.select(table.day, table.minutes, table[column])
        query = query.where(table.system_id == system_id, table.kind == kind)
        if since is not None:
            query = query.where(table.day >= since.isoformat())
        if minutes is not None:
            query = query.where(table.minutes == minutes)
        with self._read() as db:
            rows = db.execute(query.order_by(table.day, table.minutes)).all()
        tables = [
            DaySums.from_bytes(row[2], keys).table().assign(day=row.day, minutes=row.minutes) for row in rows
        ]
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()

    # ---------------------------------------------------------------- within a transaction

    @staticmethod
    def add(db: Connection, system_id: str, new: DailyScore) -> None:
        """Add what was settled to the sums of its day, horizon and kind."""
        key = {"of_system": system_id, "of_day": new.day, "of_minutes": new.minutes, "of_kind": new.kind}
        old = db.execute(_STORED, key).one_or_none()
        stations, calibration = new.stations, new.calibration
        if old is not None:
            stations = DaySums.from_bytes(old.stations, STATION_KEYS).plus(stations)
            calibration = DaySums.from_bytes(old.calibration, CALIBRATION_KEYS).plus(calibration)
        values: dict[str, Any] = {"stations": stations.to_bytes(), "calibration": calibration.to_bytes()}
        if old is None:
            values |= {"system_id": system_id, "day": new.day, "minutes": new.minutes, "kind": new.kind}
            db.execute(daily_scores.insert(), values)
        else:
            db.execute(_REPLACE, key | values)

    @staticmethod
    def forget(db: Connection, system_id: str, before: datetime) -> None:
        """Drop the days that ended before an event time, in any time zone."""
        day = (before - timedelta(days=1)).date().isoformat()
        db.execute(
            daily_scores.delete().where(daily_scores.c.system_id == system_id, daily_scores.c.day < day)
        )
