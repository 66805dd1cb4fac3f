"""How much better or worse the pool is than naive at each station: sums of differences since the start.

They tell luck from skill: see `model.scoring.confidence`. A row of the store holds a horizon and kind of
bikes as one blob of `DaySums`, to which each tick adds what it settled. So it costs some 700 bytes a station,
before compression, however long a city is followed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ingest.store.database import Database
from ingest.store.day_sums import DaySums
from ingest.store.tables import paired_scores
from model.arrays import Strings
from model.records import ANY
from model.scoring.confidence import Differences, issue_streams
from model.scoring.settle import Score

if TYPE_CHECKING:
    import pandas as pd

PAIRED_KEYS = ("stream", "station_id")
"""The axes of the sums `n`, `total` and `square` of differences, the pool's absolute error less naive's."""

_KEY = (
    paired_scores.c.system_id == sa.bindparam("of_system"),
    paired_scores.c.minutes == sa.bindparam("of_minutes"),
    paired_scores.c.kind == sa.bindparam("of_kind"),
)
_STORED = sa.select(paired_scores.c.blob).where(*_KEY)
_REPLACE = paired_scores.update().where(*_KEY)


@dataclass(frozen=True)
class PairedScore:
    """The differences of a horizon and kind of bikes settled at one tick, to be added to the stored sums."""

    minutes: int
    kind: str
    sums: DaySums


def paired(scores: Sequence[Score], station_id: Strings) -> list[PairedScore]:
    """Add up how far the pool's errors exceed naive's. The `rows` of scores are places in `station_id`."""
    judged = {(each.minutes, each.kind, each.target_at, each.model): each for each in scores if each.n}
    found: dict[tuple[int, str], dict[str, np.ndarray]] = {}
    for (minutes, kind, target_at, model), pool in judged.items():
        naive = judged.get((minutes, kind, target_at, "naive"))
        if model != "pool" or naive is None:
            continue
        seconds, streams = issue_streams(minutes)
        issued_at = target_at - timedelta(minutes=minutes)
        cell = int(issued_at.timestamp()) // seconds % streams, pool.rows
        difference = pool.abs_error - naive.abs_error
        size = streams, len(station_id)
        nothing = {name: np.zeros(size) for name in ("n", "total", "square")}
        sums = found.setdefault((minutes, kind), nothing)
        for name, values in (("n", 1.0), ("total", difference), ("square", difference**2)):
            sums[name][cell] += values
    return [
        PairedScore(*key, DaySums({"stream": np.arange(len(sums["n"])), "station_id": station_id}, sums))
        for key, sums in found.items()
    ]


class PairedScoreTable:
    """Reads and writes `paired_scores`."""

    def __init__(self, database: Database) -> None:
        self._read = database.read

    def bounds(self, system_id: str, minutes: int, level: float, kind: str = ANY) -> pd.DataFrame:
        """Give by `station_id` the `least` and the `greatest` mean difference of the errors, in bikes.

        They hold at each station at all times with a chance of one less `level`, divided by the stations.
        """
        import pandas as pd

        with self._read() as db:
            blob = db.scalar(_STORED, {"of_system": system_id, "of_minutes": minutes, "of_kind": kind})
        if blob is None:
            return pd.DataFrame({"station_id": [], "least": [], "greatest": []})
        stored = DaySums.from_bytes(blob, PAIRED_KEYS)
        ids = stored.keys["station_id"]
        sums = Differences(**{name: values.T for name, values in stored.sums.items()})
        least, greatest = sums.bounds(level / max(len(ids), 1))
        return pd.DataFrame({"station_id": ids.astype(object), "least": least, "greatest": greatest})

    # ---------------------------------------------------------------- within a transaction

    @staticmethod
    def add(db: Connection, system_id: str, new: PairedScore) -> None:
        """Add what was settled to the sums of its horizon and kind."""
        key = {"of_system": system_id, "of_minutes": new.minutes, "of_kind": new.kind}
        old = db.scalar(_STORED, key)
        if old is None:
            row = {"system_id": system_id, "minutes": new.minutes, "kind": new.kind,
                   "blob": new.sums.to_bytes()}  # fmt: skip
            db.execute(paired_scores.insert(), row)
        else:
            sums = DaySums.from_bytes(old, PAIRED_KEYS).plus(new.sums)
            db.execute(_REPLACE, {**key, "blob": sums.to_bytes()})

    @staticmethod
    def renumber(db: Connection, system_id: str, renamed: Mapping[str, str], gone: Sequence[str]) -> None:
        """Move the sums of stations to their new ids, and drop those of ids that are `gone`."""
        rows = db.execute(sa.select(paired_scores).where(paired_scores.c.system_id == system_id)).all()
        for row in rows:
            moved = DaySums.from_bytes(row.blob, PAIRED_KEYS).renumbered(renamed, gone)
            key = {"of_system": system_id, "of_minutes": row.minutes, "of_kind": row.kind}
            db.execute(_REPLACE, {**key, "blob": moved.to_bytes()})
