"""We said / it was: what was forecast in the last hours, row by row, beside what came."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from dashboard.reading import Reading, Said
from model.records import Ints

PATIENCE = timedelta(minutes=5)
"""How long after its moment a count may be seen and still be what it was then."""

COLUMNS = ("said_at", "target_at", "station_id", "median", "low", "high", "chance", "was", "off")


def rows(source: Reading, system_id: str, ahead: timedelta, until: datetime) -> pd.DataFrame:
    """List each forecast of bikes so far `ahead` that has come due by `until`, newest first.

    `median`, `low` and `high` are counts with their 80 % interval, `chance` that of a bike in per cent, `was`
    what stood there, `off` by how much the median missed it. What was never seen is left out.
    """
    tables = [
        _one(source, system_id, said) for said in source.said(system_id, ahead) if said.target_at <= until
    ]
    known = [table for table in tables if table is not None]
    if not known:
        return pd.DataFrame(columns=list(COLUMNS))
    return pd.concat(reversed(known), ignore_index=True)


def _one(source: Reading, system_id: str, said: Said) -> pd.DataFrame | None:
    polls = source.polls(system_id, said.target_at - timedelta(seconds=1), said.target_at + PATIENCE)
    if not polls:
        return None
    was = came(said, source.changes(system_id, said.at, polls[0]))
    median = said.bike.median[0].astype(np.int64)
    chance = said.bike.chance[0, 0].astype(np.int64)
    known = np.flatnonzero((median >= 0) & (was >= 0) & (chance <= 100))
    return pd.DataFrame(
        {
            "said_at": pd.Series([said.at] * len(known), dtype="datetime64[s, UTC]"),
            "target_at": pd.Series([said.target_at] * len(known), dtype="datetime64[s, UTC]"),
            "station_id": said.station_id[known].astype(object),
            "median": median[known],
            "low": said.bike.low[0, known].astype(np.int64),
            "high": said.bike.high[0, known].astype(np.int64),
            "chance": chance[known],
            "was": was[known],
            "off": median[known] - was[known],
        }
    )


def came(said: Said, changes: pd.DataFrame) -> Ints:
    """Bring the counts that a forecast began with up to date by what changed since, `(S,)`."""
    was = said.bikes.astype(np.int64)
    place = pd.Index(said.station_id.astype(object)).get_indexer(changes["station_id"])
    known = place >= 0
    # Where a station changed twice, the later row wins: numpy assigns in order.
    was[place[known]] = changes["bikes"].to_numpy(dtype=np.int64)[known]
    return was
