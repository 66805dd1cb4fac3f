"""Moves a system's history to new station ids, and drops that of ids which name another station now.

It happens when an operator numbers all stations anew, once in years. It then costs some seconds: the log of
eight days, the days' scores and the issued forecasts are written again, in the transaction of that tick.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ingest.store.daily_scores import STATION_KEYS
from ingest.store.day_sums import DaySums
from ingest.store.paired_scores import PairedScoreTable
from ingest.store.tables import daily_scores, issued_forecasts, observations, status
from model.frame import Frame
from model.identity import Renumbering

_ON_THE_WAY = "\x1f"
"""Begins an id that is not free yet: two stations may swap theirs."""


def renumber(db: Connection, system_id: str, changed: Renumbering) -> None:
    """Move the log, the scores by station and the issued forecasts of a system to its stations' new ids."""
    gone = sorted({*changed.begun, *changed.renamed.values()} - changed.renamed.keys())
    for table in (observations, status):
        _renumber_rows(db, table, system_id, changed.renamed, gone)
    _renumber_scores(db, system_id, changed.renamed, gone)
    PairedScoreTable.renumber(db, system_id, changed.renamed, gone)
    _renumber_issued(db, system_id, changed.renamed, gone)


def _renumber_rows(
    db: Connection, table: sa.Table, system_id: str, renamed: dict[str, str], gone: list[str]
) -> None:
    mine = table.c.system_id == system_id
    one = sa.and_(mine, table.c.station_id == sa.bindparam("old"))
    if gone:
        db.execute(table.delete().where(one), [{"old": key} for key in gone])
    if not renamed:
        return
    move = table.update().where(one).values(station_id=sa.bindparam("new"))
    if not renamed.keys() & set(renamed.values()):
        db.execute(move, [{"old": old, "new": new} for old, new in renamed.items()])
        return
    db.execute(move, [{"old": old, "new": _ON_THE_WAY + new} for old, new in renamed.items()])
    db.execute(move, [{"old": _ON_THE_WAY + new, "new": new} for new in renamed.values()])


def _renumber_scores(db: Connection, system_id: str, renamed: dict[str, str], gone: list[str]) -> None:
    mine = daily_scores.c.system_id == system_id
    for row in db.execute(sa.select(daily_scores).where(mine)).all():
        moved = DaySums.from_bytes(row.stations, STATION_KEYS).renumbered(renamed, gone)
        one = (mine, *(daily_scores.c[name] == row._mapping[name] for name in ("day", "minutes", "kind")))
        db.execute(daily_scores.update().where(*one).values(stations=moved.to_bytes()))


def _renumber_issued(db: Connection, system_id: str, renamed: dict[str, str], gone: list[str]) -> None:
    mine = issued_forecasts.c.system_id == system_id
    for at, blob in db.execute(sa.select(issued_forecasts.c.at, issued_forecasts.c.blob).where(mine)).all():
        try:
            frame = Frame.from_bytes(blob)
        except ValueError:  # of another release: no page can read it either
            continue
        kept = frame.take(np.flatnonzero(~np.isin(frame.stations.station_id, gone)))
        ids = np.array([renamed.get(key, key) for key in kept.stations.station_id.tolist()], dtype=np.str_)
        moved = replace(kept, stations=replace(kept.stations, station_id=ids))
        db.execute(
            issued_forecasts.update().where(mine, issued_forecasts.c.at == at).values(blob=moved.to_bytes())
        )
