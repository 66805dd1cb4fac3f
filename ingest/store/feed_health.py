"""How feeds have been doing, summed up by the database: a day's polls of 35 systems are 50,000 rows.

Every query names its systems, so that the table's key leads straight to their rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ingest.reason import Reason
from ingest.store.database import Database
from ingest.store.observations import ANSWERED_OUTCOMES
from ingest.store.scores import FIVE_MINUTES, HOUR, by_open_hour
from ingest.store.tables import polls, scores, systems
from model.records import ANY
from model.scoring.issue import SCORED_MINUTES

if TYPE_CHECKING:
    import pandas as pd

QUARTER = 900
"""Polls are counted by so many seconds."""

_TIMED = ("seconds", "learn_seconds", "forecast_seconds")


@dataclass(frozen=True)
class NewestAnswer:
    """A feed's newest answer.

    `ttl_seconds` is how long it holds, and `waiting` counts the forecasts that waited for their truth then;
    both are None where an older release stored the poll.
    """

    received_at: datetime
    ttl_seconds: float | None
    waiting: int | None


@dataclass(frozen=True)
class Failure:
    """A poll that failed: the `outcome` that it is counted by, and the `reason` in full."""

    at: datetime
    outcome: str
    reason: Reason | None


@dataclass(frozen=True)
class Health:
    """How feeds have been doing, by system.

    `counts` are their polls by quarter of an hour and outcome. `times` are median and 95th percentile, in
    seconds, of answering, learning and forecasting. `newest` are the newest answers. `settled` counts
    settled and expired forecasts. `zones` are the names of the time zones.
    """

    counts: pd.DataFrame
    times: dict[str, dict[str, tuple[float, float]]]
    newest: dict[str, NewestAnswer]
    settled: dict[str, tuple[int, int]]
    zones: dict[str, str]


class FeedHealthQueries:
    """Sums up `polls` and `scores` for pages that show how feeds are doing."""

    def __init__(self, database: Database) -> None:
        self._read = database.read

    def health(self, ids: Sequence[str], since: datetime) -> Health:
        """Sum up how feeds have been doing since a time of the wall clock."""
        zones = sa.select(systems.c.system_id, systems.c.timezone)
        zones = zones.where(systems.c.system_id.in_(ids), systems.c.timezone.is_not(None))
        with self._read() as db:
            return Health(
                counts(db, ids, since),
                times(db, ids, since),
                newest(db, ids, since),
                settled(db, ids),
                {row.system_id: row.timezone for row in db.execute(zones)},
            )

    def last_failure(self, system_id: str, since: datetime) -> Failure | None:
        """Fetch a feed's last poll that failed since a time; None where none did."""
        query = (
            sa.select(polls.c.received_at, polls.c.outcome, polls.c.reason)
            .where(polls.c.system_id == system_id, polls.c.received_at > since)
            .where(polls.c.outcome.not_in(ANSWERED_OUTCOMES))
            .order_by(polls.c.received_at.desc())
            .limit(1)
        )
        with self._read() as db:
            row = db.execute(query).one_or_none()
        return None if row is None else Failure(*row)


def counts(db: Connection, ids: Sequence[str], since: datetime) -> pd.DataFrame:
    """Count polls by system, quarter of an hour `at` and outcome; `n` of each, the last one `newest`."""
    import pandas as pd

    received = sa.cast(sa.type_coerce(polls.c.received_at, sa.Double), sa.BigInteger)
    quarter = (received // QUARTER).label("quarter")
    query = (
        sa.select(
            polls.c.system_id, quarter, polls.c.outcome, sa.func.count(), sa.func.max(polls.c.received_at)
        )
        .where(polls.c.system_id.in_(ids), polls.c.received_at > since)
        .group_by(polls.c.system_id, quarter, polls.c.outcome)
        .order_by(polls.c.system_id, quarter, polls.c.outcome)
    )
    rows = [
        (system_id, datetime.fromtimestamp(quarter * QUARTER, UTC), outcome, n, newest)
        for system_id, quarter, outcome, n, newest in db.execute(query)
    ]
    table = pd.DataFrame(rows, columns=["system_id", "at", "outcome", "n", "newest"])
    return table.astype({"n": np.int64, "at": "datetime64[s, UTC]"})


def times(db: Connection, ids: Sequence[str], since: datetime) -> dict[str, dict[str, tuple[float, float]]]:
    """Give median and 95th percentile, in seconds, of the durations of answered polls, by system.

    `seconds` is the answer's, `learn_seconds` and `forecast_seconds` are those of learnt polls. A percentile
    is the smallest duration that this share of the polls does not exceed. NumPy sorts them: the database's
    window functions take longer.
    """
    import pandas as pd

    received = sa.type_coerce(polls.c.received_at, sa.Double)  # makes no 50,000 datetimes
    query = sa.select(polls.c.system_id, *(polls.c[name] for name in _TIMED)).where(
        polls.c.system_id.in_(ids), received > since.timestamp(), polls.c.outcome.in_(ANSWERED_OUTCOMES)
    )
    rows = pd.DataFrame(db.execute(query).all(), columns=["system_id", *_TIMED])
    found: dict[str, dict[str, tuple[float, float]]] = {system_id: {} for system_id in ids}
    for system_id, taken in rows.groupby("system_id"):
        for name in _TIMED:
            known = taken[name].dropna().to_numpy(np.float64)
            if len(known):
                p50, p95 = np.quantile(known, (0.5, 0.95), method="inverted_cdf").tolist()
                found[str(system_id)][name] = (p50, p95)
    return found


def newest(db: Connection, ids: Sequence[str], since: datetime) -> dict[str, NewestAnswer]:
    """Fetch each system's newest answer."""
    last = (
        sa.select(polls.c.system_id, sa.func.max(polls.c.received_at).label("last"))
        .where(
            polls.c.system_id.in_(ids), polls.c.received_at > since, polls.c.outcome.in_(ANSWERED_OUTCOMES)
        )
        .group_by(polls.c.system_id)
        .subquery()
    )
    same = sa.and_(polls.c.system_id == last.c.system_id, polls.c.received_at == last.c.last)
    columns = (polls.c.system_id, polls.c.received_at, polls.c.ttl_seconds, polls.c.waiting)
    query = sa.select(*columns).join(last, same)
    return {
        row.system_id: NewestAnswer(row.received_at, row.ttl_seconds, row.waiting)
        for row in db.execute(query)
    }


def settled(db: Connection, ids: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Count the forecasts settled and expired whose target lay in a system's own last 24 hours.

    A forecast is of all bikes of one station at one horizon, and counts once for all models. The present hour
    is one of the 24. The query names each hour: the database would read a range of hours with all models.
    """
    found: dict[str, tuple[int, int]] = {}
    for hour, group in by_open_hour(db, ids).items():
        before = [hour - timedelta(hours=back) for back in range(1, 24)]
        now = [hour + timedelta(seconds=FIVE_MINUTES * n) for n in range(HOUR // FIVE_MINUTES)]
        for span, starts in ((HOUR, before), (FIVE_MINUTES, now)):
            query = (
                sa.select(scores.c.system_id, sa.func.sum(scores.c.n), sa.func.sum(scores.c.expired))
                .where(scores.c.system_id.in_(group), scores.c.span == span, scores.c.model == "pool")
                .where(scores.c.kind == ANY, scores.c.minutes.in_(SCORED_MINUTES), scores.c.at.in_(starts))
                .group_by(scores.c.system_id)
            )
            for system_id, n, expired in db.execute(query):
                judged, lost = found.get(system_id, (0, 0))
                found[system_id] = judged + int(n), lost + int(expired)
    return found
