"""The sums of scores over time, and the drifts and outages that explain them.

Sums are kept at four resolutions: by five minutes, hour, day and week. So a week, a month or a year is read
as a few hundred rows a curve, and a year of all cities is added up fast. The finer sums are dropped as they
age; days and weeks stay for good.

A score is added to the sums by five minutes at once, and to the others with the first tick of the next hour:
the hours that are over are those before the system's newest snapshot. Queries add what is not in them yet. To
add each score to all four at once took a fifth of PostgreSQL's log: see `benchmarks/wal`.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ingest.store.database import Database, between
from ingest.store.local_hours import LocalHours
from ingest.store.tables import UnixSeconds, drifts, outages, scores, systems
from ingest.system import zone_of
from model.records import ANY, KINDS, Drift
from model.scoring.issue import SCORED_MINUTES
from model.scoring.measures import measures

if TYPE_CHECKING:
    import pandas as pd

SUMS = (
    "n", "n_dock", "expired", "abs_error", "squared_error", "crps", "brier_bike", "brier_dock", "covered",
)  # fmt: skip
"""The columns that are sums over forecasts: they add up over time, models and systems."""

FIVE_MINUTES, HOUR, DAY, WEEK = 300, 3600, 86400, 604800
"""The spans, in seconds, from a multiple of themselves in Unix time: days in UTC, weeks on Thursdays."""

_SPANS = (FIVE_MINUTES, HOUR, DAY, WEEK)

SPANS_KEPT = {FIVE_MINUTES: timedelta(days=8), HOUR: timedelta(days=400)}
"""How long the sums of a span are kept by default, in event time. Other spans are kept for good."""

_LEAST_KEPT = timedelta(hours=2)
"""How long the sums by five minutes are kept at least, whatever the settings: pages read the last hour."""

ALL_HOURS = LocalHours()

_KEYS = ("span", "kind", "minutes", "at", "model")


_OF_SYSTEM = scores.c.system_id == sa.bindparam("of_system")
_STORED = sa.select(*(scores.c[name] for name in _KEYS)).where(
    _OF_SYSTEM,
    scores.c.span.in_(sa.bindparam("spans", expanding=True)),
    scores.c.kind.in_(sa.bindparam("kinds", expanding=True)),
    scores.c.minutes.in_(sa.bindparam("horizons", expanding=True)),
    scores.c.at.in_(sa.bindparam("starts", expanding=True)),
)
_ADD_TO = (
    scores.update()
    .where(_OF_SYSTEM, *(scores.c[name] == sa.bindparam(f"old_{name}") for name in _KEYS))
    .values({name: scores.c[name] + sa.bindparam(f"new_{name}") for name in SUMS})
)
_INSERT = scores.insert()
_FIVE_MINUTES_OF = sa.select(*(scores.c[name] for name in (*_KEYS[1:], *SUMS))).where(
    _OF_SYSTEM,
    scores.c.span == FIVE_MINUTES,
    scores.c.kind.in_((ANY, *KINDS)),
    scores.c.minutes.in_(SCORED_MINUTES),
    scores.c.at >= sa.bindparam("since"),
    scores.c.at < sa.bindparam("until"),
)

Totals = dict[tuple[int, str, int, datetime, str], list[float]]
"""Sums to add, by the key of their row."""


@dataclass(frozen=True)
class Outage:
    """A feed brought nothing from `start` to `end`, in event time: forecasts due meanwhile are not scored."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class SameIssues:
    """The sums of scores by `model` and `minutes`, of forecasts `issued` at the same times for all horizons.

    An issue time that several systems share is there once for each.
    """

    sums: pd.DataFrame
    issued: list[datetime]


def spans_kept(days: float, hourly_days: float, daily_days: float) -> dict[int, timedelta]:
    """Give how long the sums of each span are kept by the settings; 0 daily days are for good."""
    kept = {FIVE_MINUTES: max(timedelta(days=days), _LEAST_KEPT), HOUR: timedelta(days=hourly_days)}
    return kept | (dict.fromkeys((DAY, WEEK), timedelta(days=daily_days)) if daily_days else {})


def span_start(at: datetime, span: int) -> datetime:
    """Give the start of the span that a time lies in.

    >>> span_start(datetime(2026, 3, 1, 14, 37, tzinfo=UTC), HOUR).isoformat()
    '2026-03-01T14:00:00+00:00'
    """
    return datetime.fromtimestamp(int(at.timestamp()) // span * span, UTC)


def measured(sums: pd.DataFrame) -> pd.DataFrame:
    """Give the measures of each row of sums, under the same index: see `model.scoring.measures`."""
    import pandas as pd

    return pd.DataFrame(measures({name: sums[name].to_numpy() for name in SUMS}), index=sums.index)


class ScoreTables:
    """Reads and writes `scores`, `drifts` and `outages`."""

    def __init__(self, database: Database) -> None:
        self._read = database.read

    def over_time(
        self,
        system_id: str | None = None,
        span: int = HOUR,
        *,
        kind: str = ANY,
        minutes: Sequence[int] | None = None,
        models: Sequence[str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        chosen: LocalHours = ALL_HOURS,
    ) -> pd.DataFrame:
        """Fetch the sums of scores by span of the target time, model and horizon, oldest first.

        `span` is `FIVE_MINUTES`, `HOUR`, `DAY` or `WEEK`, and `at` its start, from `since` to before `until`.
        The forecasts are those of one `kind` of bikes, or of any.
        Without `system_id` the sums are those of the systems of `summed_up` together. Sums of `chosen` hours
        are made of those by hour, or by five minutes, which reach back for 400 and for 8 days.

        Raises `ValueError` where hours are chosen and neither `since` nor `until` is given.
        """
        keys = ("at", "model", "minutes")
        return self._sums(keys, system_id, span, kind, minutes, models, since, until, chosen)

    def kinds(self, system_id: str) -> list[str]:
        """List the kinds of bikes whose forecasts have been scored, any bike first; empty where none was."""
        query = sa.select(scores.c.kind).distinct().where(scores.c.system_id == system_id)
        with self._read() as db:
            found = set(db.scalars(query.where(scores.c.span == WEEK)))
            for hour in by_open_hour(db, [system_id]):
                new = query.where(scores.c.span == FIVE_MINUTES, scores.c.kind.in_((ANY, *KINDS)))
                new = new.where(scores.c.minutes.in_(SCORED_MINUTES), scores.c.at >= hour)
                found |= set(db.scalars(new))
        return [kind for kind in (ANY, *KINDS) if kind in found]

    def totals(
        self,
        system_id: str | None = None,
        span: int = DAY,
        *,
        minutes: Sequence[int] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> pd.DataFrame:
        """Fetch the sums of scores by model and horizon over the spans from `since` to before `until`."""
        return self._sums(("model", "minutes"), system_id, span, ANY, minutes, None, since, until)

    def summed_up(self) -> list[str]:
        """List the systems that are summed up where none is named: live ones that were scored, if any.

        Made-up and replayed systems would otherwise be mixed with real ones. They are summed up where no live
        one has a score yet.
        """
        with self._read() as db:
            return _summed_up(db)

    def same_issues(
        self,
        system_id: str | None,
        newest: datetime,
        length: timedelta,
        kind: str = ANY,
        chosen: LocalHours = ALL_HOURS,
    ) -> SameIssues:
        """Fetch the sums of scores by model and horizon, over the same issue times for all horizons.

        The farthest horizon is the farthest that was judged on any; all of them were issued in the `length`
        before the newest that can be judged there. Systems are those of `over_time`; one without a score at
        the farthest horizon is left out. Only issue times in `chosen` hours count. Reads the sums by five
        minutes, which are kept for 8 days.
        """
        import pandas as pd

        with self._read() as db:
            ids = _summed_up(db) if system_id is None else [system_id]
            zones = {} if chosen.is_all else _zones(db, ids)
            found = {
                each: _same_issues(db, each, kind, newest, length, chosen, zone_of(zones.get(each, "UTC")))
                for each in ids
            }
            farthest = max((horizons[-1] for horizons, _ in found.values() if horizons), default=0)
            found = {each: pair for each, pair in found.items() if pair[0] and pair[0][-1] == farthest}
            rows = [row for each, pair in found.items() for row in _sums_of(db, each, kind, *pair)]
        table = pd.DataFrame(rows, columns=["model", "minutes", *SUMS])
        types = {"model": "str", "minutes": "int64"} | dict.fromkeys(SUMS, "float64")
        sums = table.astype(types).groupby(["model", "minutes"], as_index=False).sum()
        return SameIssues(sums, sorted(at for _, times in found.values() for at in times))

    def drifts(self, system_id: str, since: datetime | None = None) -> list[Drift]:
        """List the drifts noticed after a time, oldest first."""
        query: sa.Select[Any] = sa.select(drifts.c.at, drifts.c.minutes, drifts.c.before, drifts.c.after)
        query = between(query.where(drifts.c.system_id == system_id), drifts.c.at, since, None)
        query = query.order_by(drifts.c.at, drifts.c.minutes)
        with self._read() as db:
            return [Drift(**row._mapping) for row in db.execute(query)]

    def outages(self, system_id: str, since: datetime | None = None) -> list[Outage]:
        """List the times between learnt snapshots that were too far apart to learn from, oldest first."""
        query = sa.select(outages.c.start, outages.c.end).where(outages.c.system_id == system_id)
        query = between(query, outages.c.end, since, None).order_by(outages.c.start)
        with self._read() as db:
            return [Outage(row.start, row.end) for row in db.execute(query)]

    def _sums(
        self,
        keys: Sequence[str],
        system_id: str | None,
        span: int,
        kind: str,
        minutes: Sequence[int] | None,
        models: Sequence[str] | None,
        since: datetime | None,
        until: datetime | None,
        chosen: LocalHours = ALL_HOURS,
    ) -> pd.DataFrame:
        import pandas as pd

        horizons = SCORED_MINUTES if minutes is None else minutes
        made_of = span if chosen.is_all else min(span, HOUR)
        with self._read() as db:
            ids = _summed_up(db) if system_id is None else [system_id]
            zones = {} if chosen.is_all else _zones(db, ids)
            rows = partial(_rows, made_of, span, kind, horizons, models, since, until, chosen, zones)
            parts = [rows(ids, made_of)]
            if made_of != FIVE_MINUTES:
                parts += [rows(group, FIVE_MINUTES, hour) for hour, group in by_open_hour(db, ids).items()]
            table = sa.union_all(*parts).subquery().c
            by = [table[name] for name in keys]
            query = sa.select(*by, *(sa.func.sum(table[name]) for name in SUMS)).group_by(*by).order_by(*by)
            found = pd.DataFrame([tuple(row) for row in db.execute(query)], columns=[*keys, *SUMS])
        types = {"at": "datetime64[s, UTC]", "model": "str", "minutes": "int64"}
        return found.astype({name: types[name] for name in keys} | dict.fromkeys(SUMS, "float64"))

    # ---------------------------------------------------------------- within a transaction

    @staticmethod
    def add(
        db: Connection,
        system_id: str,
        rows: Sequence[Mapping[str, Any]],
        at: datetime,
        before: datetime | None,
    ) -> None:
        """Add the scores settled at a snapshot, as `model.scoring.issue.Score.row` gives them.

        `at` is the snapshot's time, and `before` that of the one before it, None where there was none. What
        belongs to hours that are over at `at` goes into all spans, the rest into five minutes alone.
        """
        totals: Totals = {}
        hour = span_start(at, HOUR)
        if before is not None and span_start(before, HOUR) < hour:
            over = {"of_system": system_id, "since": span_start(before, HOUR), "until": hour}
            for kind, minutes, target_at, model, *sums in db.execute(_FIVE_MINUTES_OF, over):
                _add_to(totals, _SPANS[1:], kind, minutes, target_at, model, sums)
        for row in rows:
            spans_of_row = _SPANS if row["target_at"] < hour else _SPANS[:1]
            sums = [row[name] for name in SUMS]
            key = (row["kind"], row["minutes"], row["target_at"], row["model"])
            _add_to(totals, spans_of_row, *key, sums)
        if not totals:
            return
        keys = [list(set(each)) for each in zip(*totals, strict=True)]
        among = dict(zip(("spans", "kinds", "horizons", "starts"), keys, strict=False))
        stored = {tuple(row) for row in db.execute(_STORED, {"of_system": system_id, **among})}
        # A separate update and insert is what every database understands.
        old = [
            {"of_system": system_id}
            | {f"old_{name}": value for name, value in zip(_KEYS, key, strict=True)}
            | {f"new_{name}": value for name, value in zip(SUMS, sums, strict=True)}
            for key, sums in totals.items()
            if key in stored
        ]
        new = [
            {"system_id": system_id, **dict(zip((*_KEYS, *SUMS), (*key, *sums), strict=True))}
            for key, sums in totals.items()
            if key not in stored
        ]
        if old:
            db.execute(_ADD_TO, old)
        if new:
            db.execute(_INSERT, new)

    @staticmethod
    def add_drifts(db: Connection, system_id: str, new: Sequence[Drift]) -> None:
        """Add drifts."""
        for drift in new:
            db.execute(drifts.insert().values(system_id=system_id, **drift.__dict__))

    @staticmethod
    def add_outage(db: Connection, system_id: str, start: datetime, end: datetime) -> None:
        """Add an outage: the time between two snapshots that are too far apart to learn from."""
        db.execute(outages.insert().values(system_id=system_id, start=start, end=end))

    @staticmethod
    def forget(db: Connection, system_id: str, newest: datetime, kept: Mapping[int, timedelta]) -> None:
        """Drop the sums of spans that ended longer before the newest snapshot than they are `kept`.

        What explains them goes with the days: outages and drifts.
        """
        for span, length in kept.items():
            # What lies in the unfinished hour is in no longer span yet.
            begun_before = min(newest - length - timedelta(seconds=span), span_start(newest, HOUR))
            db.execute(
                scores.delete().where(
                    scores.c.system_id == system_id, scores.c.span == span, scores.c.at < begun_before
                )
            )
        if DAY in kept:
            before = newest - kept[DAY]
            for table, column in ((outages, outages.c.end), (drifts, drifts.c.at)):
                db.execute(table.delete().where(table.c.system_id == system_id, column < before))


def _whole_days(since: datetime | None, until: datetime | None) -> tuple[datetime, datetime]:
    """Give limits at the ends of days around two moments; one that is not given is as far as sums reach."""
    reach = SPANS_KEPT[HOUR] + timedelta(days=2)
    if since is None:
        if until is None:
            raise ValueError("sums of chosen hours need since or until")
        since = until - reach
    return span_start(since, DAY), span_start(until or since + reach, DAY) + timedelta(days=1)


def _zones(db: Connection, ids: Sequence[str]) -> dict[str, str]:
    """Give the time zone of each system; UTC for one that never told its own."""
    query = sa.select(systems.c.system_id, systems.c.timezone).where(systems.c.system_id.in_(ids))
    return {row.system_id: row.timezone or "UTC" for row in db.execute(query)}


def _add_to(
    totals: Totals, spans: Sequence[int], kind: str, minutes: int, at: datetime, model: str, sums: list[float]
) -> None:
    for span in spans:
        key = (span, kind, minutes, span_start(at, span), model)
        before = totals.get(key)
        totals[key] = sums if before is None else list(map(operator.add, before, sums))


def by_open_hour(db: Connection, ids: Sequence[str]) -> dict[datetime, list[str]]:
    """Group systems by the hour that their newest snapshot lies in.

    From there on their scores are in the sums by five minutes alone.
    """
    found: dict[datetime, list[str]] = {}
    query = sa.select(systems.c.system_id, systems.c.at).where(systems.c.system_id.in_(ids))
    for system_id, at in db.execute(query):
        if at is not None:
            found.setdefault(span_start(at, HOUR), []).append(system_id)
    return found


def _rows(
    made_of: int,
    span: int,
    kind: str,
    minutes: Sequence[int],
    models: Sequence[str] | None,
    since: datetime | None,
    until: datetime | None,
    chosen: LocalHours,
    zones: Mapping[str, str],
    ids: Sequence[str],
    stored: int,
    begin: datetime | None = None,
) -> sa.Select[Any]:
    """Take the rows of the span `stored`, from `begin` on, with the starts of the `span` that they lie in.

    They stand for rows of the span `made_of`, which `since`, `until` and the `chosen` hours are about.
    """
    moment = scores.c.at if stored == made_of else _floor(made_of)
    # Every horizon by its number, so that the primary key leads straight to its stretch of time.
    where = [scores.c.system_id.in_(ids), scores.c.span == stored, scores.c.kind == kind]
    where.append(scores.c.minutes.in_(minutes))
    if models is not None:
        where.append(scores.c.model.in_(models))
    if begin is not None:
        where.append(scores.c.at >= begin)
    if since is not None:
        where.append(moment >= since)
    if until is not None:
        where.append(moment < until)
    if not chosen.is_all:
        where.append(chosen.among(moment, scores.c.system_id, zones, *_whole_days(since, until)))
    start = moment if made_of == span else _floor(span)
    sums = (scores.c[name] for name in SUMS)
    return sa.select(start.label("at"), scores.c.model, scores.c.minutes, *sums).where(*where)


def _floor(span: int) -> sa.ColumnElement[datetime]:
    """Give the start of the span that a row's time lies in."""
    seconds = sa.type_coerce(scores.c.at, sa.BigInteger)
    return sa.type_coerce(seconds - seconds % span, UnixSeconds)


def _same_issues(
    db: Connection,
    system_id: str,
    kind: str,
    newest: datetime,
    length: timedelta,
    chosen: LocalHours,
    zone: tzinfo,
) -> tuple[list[int], list[datetime]]:
    """List the horizons up to the farthest judged one, and the issue times that all of them share."""
    query = sa.select(scores.c.minutes, scores.c.at).where(
        scores.c.system_id == system_id, scores.c.span == FIVE_MINUTES, scores.c.kind == kind,
        scores.c.minutes.in_(SCORED_MINUTES),
        scores.c.at >= newest - length - timedelta(minutes=SCORED_MINUTES[-1]),
        scores.c.model == "pool", scores.c.n > 0,
    )  # fmt: skip
    issued: dict[int, set[datetime]] = {}
    for row in db.execute(query):
        at = row.at - timedelta(minutes=row.minutes)
        if chosen.has(at, zone):
            issued.setdefault(row.minutes, set()).add(at)
    horizons = sorted(issued)
    while horizons:
        earliest = newest - length - timedelta(minutes=horizons[-1])
        times = [at for at in set.intersection(*(issued[each] for each in horizons)) if at >= earliest]
        if times:
            return horizons, times
        del issued[horizons.pop()]
    return [], []


def _sums_of(
    db: Connection, system_id: str, kind: str, horizons: Sequence[int], issued: Sequence[datetime]
) -> list[tuple[Any, ...]]:
    """Fetch the sums by model and horizon of the forecasts issued at these times."""
    starts = [
        sa.and_(scores.c.minutes == each, scores.c.at.in_([at + timedelta(minutes=each) for at in issued]))
        for each in horizons
    ]
    by = (scores.c.model, scores.c.minutes)
    query = sa.select(*by, *(sa.func.sum(scores.c[name]) for name in SUMS)).group_by(*by)
    of_kind = scores.c.system_id == system_id, scores.c.span == FIVE_MINUTES, scores.c.kind == kind
    query = query.where(*of_kind, sa.or_(*starts))
    return [tuple(row) for row in db.execute(query)]


def _summed_up(db: Connection) -> list[str]:
    scored = sa.exists().where(
        scores.c.system_id == systems.c.system_id, scores.c.span.in_((FIVE_MINUTES, WEEK)),
        scores.c.kind == ANY, scores.c.minutes.in_(SCORED_MINUTES), scores.c.n > 0,
    )  # fmt: skip
    query = sa.select(systems.c.system_id, systems.c.label, scored.label("scored"))
    rows = db.execute(query.where(systems.c.position.is_not(None))).all()
    rows = [row for row in rows if row.scored] or rows
    live = [row.system_id for row in rows if not row.label]
    return live or [row.system_id for row in rows]
