"""The sums of scores over time, at four resolutions: by five minutes, hour, day and week.

The same forecast is added to all four, so that a week, a month and years are each read as a few hundred rows
a curve, and a year of all cities is soon added up. The finer ones are dropped as they age; days and weeks
stay for good.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ingest.store.tables import scores, systems
from model.scoring.issue import SCORED_MINUTES
from model.scoring.measures import measures

SUMS = (
    "n", "n_dock", "expired", "abs_error", "squared_error", "crps", "brier_bike", "brier_dock", "covered",
)  # fmt: skip
"""The columns that are sums over forecasts: they add up over time, models and systems."""

FIVE_MINUTES, HOUR, DAY, WEEK = 300, 3600, 86400, 604800
"""The spans, in seconds, each from a multiple of itself in Unix time: days in UTC, weeks on Thursdays."""

KEPT = {FIVE_MINUTES: timedelta(days=8), HOUR: timedelta(days=400)}
"""How long the sums of a span are kept, in event time."""

_KEYS = ("span", "minutes", "at", "model")


def span_start(at: datetime, span: int) -> datetime:
    """Give the beginning of the span that a time lies in.

    >>> span_start(datetime(2026, 3, 1, 14, 37, tzinfo=UTC), HOUR).isoformat()
    '2026-03-01T14:00:00+00:00'
    """
    return datetime.fromtimestamp(int(at.timestamp()) // span * span, UTC)


def add(db: Connection, system_id: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add what was settled, as `model.scoring.Score.row` gives it, to every span."""
    totals: dict[tuple[int, int, datetime, str], dict[str, Any]] = {}
    for row in rows:
        for span in (FIVE_MINUTES, HOUR, DAY, WEEK):
            key = (span, row["minutes"], span_start(row["target_at"], span), row["model"])
            total = totals.setdefault(key, dict.fromkeys(SUMS, 0))
            for name in SUMS:
                total[name] += row[name]
    columns = scores.c
    begun = {at for _, _, at, _ in totals}
    query = sa.select(*(columns[name] for name in _KEYS)).where(
        columns.system_id == system_id,
        columns.span.in_({span for span, *_ in totals}),
        columns.minutes.in_({minutes for _, minutes, *_ in totals}),
        columns.at.in_(begun),
    )
    there = {tuple(row) for row in db.execute(query)} if totals else set()
    # Apart, update and insert are what every database understands.
    old = [
        {f"old_{name}": value for name, value in zip(_KEYS, key, strict=True)}
        | {f"new_{name}": value for name, value in sums.items()}
        for key, sums in totals.items()
        if key in there
    ]
    new = [
        {"system_id": system_id, **dict(zip(_KEYS, key, strict=True)), **sums}
        for key, sums in totals.items()
        if key not in there
    ]
    if old:
        where = [columns[name] == sa.bindparam(f"old_{name}") for name in _KEYS]
        more = {name: columns[name] + sa.bindparam(f"new_{name}") for name in SUMS}
        db.execute(scores.update().where(columns.system_id == system_id, *where).values(more), old)
    if new:
        db.execute(scores.insert(), new)


def read(
    db: Connection,
    system_id: str | None,
    span: int,
    minutes: Sequence[int] | None,
    models: Sequence[str] | None,
    since: datetime | None,
    until: datetime | None,
    by_time: bool = True,
) -> pd.DataFrame:
    """Fetch sums: see `Store.scores`, and `Store.score_totals` for those not `by_time`."""
    where = [scores.c.span == span]
    if system_id is None:
        where.append(scores.c.system_id.in_(_together(db)))
    else:
        where.append(scores.c.system_id == system_id)
    # Named one by one, so that the primary key leads straight to each horizon's stretch of time.
    where.append(scores.c.minutes.in_(SCORED_MINUTES if minutes is None else minutes))
    if models is not None:
        where.append(scores.c.model.in_(models))
    if since is not None:
        where.append(scores.c.at >= since)
    if until is not None:
        where.append(scores.c.at < until)
    names = ["at", "model", "minutes"] if by_time else ["model", "minutes"]
    keys = [scores.c[name] for name in names]
    if by_time and system_id is not None:
        query = sa.select(*keys, *(scores.c[name] for name in SUMS))
    else:
        query = sa.select(*keys, *(sa.func.sum(scores.c[name]) for name in SUMS)).group_by(*keys)
    rows = [tuple(row) for row in db.execute(query.where(*where).order_by(*keys))]
    kinds = {"at": "datetime64[s, UTC]", "model": "str", "minutes": "int64"}
    table = pd.DataFrame(rows, columns=[*names, *SUMS])
    return table.astype({name: kinds[name] for name in names} | dict.fromkeys(SUMS, "float64"))


def _together(db: Connection) -> list[str]:
    """Name the systems that are summed up where none is named: the live ones, if any is, or all followed.

    What is made up or replayed would otherwise be mixed with what is real.
    """
    query = sa.select(systems.c.system_id, systems.c.label).where(systems.c.position.is_not(None))
    rows = db.execute(query).all()
    live = [row.system_id for row in rows if not row.label]
    return live or [row.system_id for row in rows]


def measured(sums: pd.DataFrame) -> pd.DataFrame:
    """Give the measures of each row of sums, under the same index: see `model.measures`."""
    return pd.DataFrame(measures({name: sums[name].to_numpy() for name in SUMS}), index=sums.index)


def forget(db: Connection, system_id: str, newest: datetime) -> None:
    """Drop what is older than its span is kept."""
    for span, kept in KEPT.items():
        db.execute(
            scores.delete().where(
                scores.c.system_id == system_id, scores.c.span == span, scores.c.at < newest - kept
            )
        )
