"""How feeds have been doing, summed up by the database: a day's polls of 35 systems are 50,000 rows.

All of it is asked of systems by name, so that the table's key leads straight to each.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ingest.gbfs.findings import Finding
from ingest.reason import Reason
from ingest.store.scores import HOUR
from ingest.store.tables import polls, scores, systems
from model.scoring.issue import SCORED_MINUTES

ANSWERED = ("learnt", "unchanged", "late")
"""The outcomes of a poll that was answered; every other one names a failure."""

QUARTER = 900
"""Seconds that polls are counted by."""

_TIMED = ("seconds", "learn_seconds", "forecast_seconds")


@dataclass(frozen=True)
class Answer:
    """A poll that was answered: how long it holds (`ttl_seconds`), how many forecasts wait for their truth
    since, both None where an older release wrote it down, and what was odd.
    """

    received_at: datetime
    ttl_seconds: float | None
    waiting: int | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Oddity:
    """A kind of finding: as it was `last`, and how many `polls` had it."""

    finding: Finding
    polls: int
    last: datetime


@dataclass(frozen=True)
class Failure:
    """A poll that failed: the `outcome` that it is counted by, and the `reason` in full."""

    at: datetime
    outcome: str
    reason: Reason | None


@dataclass(frozen=True)
class Health:
    """How feeds have been doing: `counts` of their polls, what they took (`times`), the last answered one of
    each (`newest`), how many forecasts were `settled` and expired, and the feeds' time `zones`.
    """

    counts: pd.DataFrame
    times: dict[str, dict[str, tuple[float, float]]]
    newest: dict[str, Answer]
    settled: dict[str, tuple[int, int]]
    zones: dict[str, str]


def read(db: Connection, ids: Sequence[str], since: datetime) -> Health:
    """Read all of it of the systems `ids`, polls received after `since`."""
    zones = sa.select(systems.c.system_id, systems.c.timezone)
    zones = zones.where(systems.c.system_id.in_(ids), systems.c.timezone.is_not(None))
    return Health(
        counts(db, ids, since),
        times(db, ids, since),
        newest(db, ids, since),
        settled(db, ids),
        {row.system_id: row.timezone for row in db.execute(zones)},
    )


def counts(db: Connection, ids: Sequence[str], since: datetime) -> pd.DataFrame:
    """Count polls by system, quarter of an hour `at` and outcome; `n` of each, the last one `newest`."""
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
    """Give median and 95th percentile, in seconds, of what answered polls took, by system.

    `seconds` is the answer's, `learn_seconds` and `forecast_seconds` are those of the polls that were learnt.
    The percentile is the smallest time that is not exceeded by that share of them. Sorted here: by window
    functions the database takes longer.
    """
    received = sa.type_coerce(polls.c.received_at, sa.Double)  # or 50,000 datetimes would be made of it
    query = sa.select(polls.c.system_id, *(polls.c[name] for name in _TIMED)).where(
        polls.c.system_id.in_(ids), received > since.timestamp(), polls.c.outcome.in_(ANSWERED)
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


def newest(db: Connection, ids: Sequence[str], since: datetime) -> dict[str, Answer]:
    """Fetch each system's last answer."""
    last = (
        sa.select(polls.c.system_id, sa.func.max(polls.c.received_at).label("last"))
        .where(polls.c.system_id.in_(ids), polls.c.received_at > since, polls.c.outcome.in_(ANSWERED))
        .group_by(polls.c.system_id)
        .subquery()
    )
    same = sa.and_(polls.c.system_id == last.c.system_id, polls.c.received_at == last.c.last)
    return {
        row.system_id: Answer(row.received_at, row.ttl_seconds, row.waiting, _findings(row.findings))
        for row in db.execute(sa.select(polls).join(last, same))
    }


def oddities(db: Connection, system_id: str, since: datetime) -> list[Oddity]:
    """List what was odd in a system's answers by kind, the newest first."""
    last = sa.func.max(polls.c.received_at)
    query = (
        sa.select(polls.c.findings, sa.func.count(), last)
        .where(polls.c.system_id == system_id, polls.c.received_at > since, polls.c.findings != "[]")
        .group_by(polls.c.findings)
        .order_by(last.desc())
    )
    found: dict[str, Oddity] = {}
    for said, n, at in db.execute(query):
        for finding in _findings(said):
            known = found.get(finding.kind, Oddity(finding, 0, at))
            found[finding.kind] = replace(known, polls=known.polls + n)
    return list(found.values())


def last_failure(db: Connection, system_id: str, since: datetime) -> Failure | None:
    """Fetch a system's last poll that failed."""
    query = (
        sa.select(polls.c.received_at, polls.c.outcome, polls.c.reason)
        .where(polls.c.system_id == system_id, polls.c.received_at > since)
        .where(polls.c.outcome.not_in(ANSWERED))
        .order_by(polls.c.received_at.desc())
        .limit(1)
    )
    row = db.execute(query).one_or_none()
    return None if row is None else Failure(*row)


def _findings(said: str) -> tuple[Finding, ...]:
    return tuple(Finding(**finding) for finding in json.loads(said))


def settled(db: Connection, ids: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Count the forecasts settled and expired whose target lay in a system's own last 24 hours.

    One is of one station at one horizon; what all models said to it counts once. The hour under way is one of
    the 24. Each hour is asked for by name, since a span of them would be read with all models in it.
    """
    by_hour: dict[int, list[str]] = {}
    for system_id, at in db.execute(
        sa.select(systems.c.system_id, systems.c.at).where(systems.c.system_id.in_(ids))
    ):
        if at is not None:
            by_hour.setdefault(int(at.timestamp()) // HOUR, []).append(system_id)
    found: dict[str, tuple[int, int]] = {}
    for hour, group in by_hour.items():
        hours = [datetime.fromtimestamp((hour - back) * HOUR, UTC) for back in range(24)]
        query = (
            sa.select(scores.c.system_id, sa.func.sum(scores.c.n), sa.func.sum(scores.c.expired))
            .where(scores.c.system_id.in_(group), scores.c.span == HOUR, scores.c.model == "pool")
            .where(scores.c.minutes.in_(SCORED_MINUTES), scores.c.at.in_(hours))
            .group_by(scores.c.system_id)
        )
        found |= {system_id: (int(n), int(expired)) for system_id, n, expired in db.execute(query)}
    return found
