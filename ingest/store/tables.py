"""The tables for SQLAlchemy. An empty store gets them as they are here.

`migrations/` makes the same of the tables of an older release: a test compares the two.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from ingest.reason import Reason


class UnixSeconds(sa.TypeDecorator[datetime]):
    """An aware UTC time as whole Unix seconds: the same in every database, and in recordings."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> int | None:
        """Aware datetime to seconds."""
        return None if value is None else int(value.timestamp())

    def process_result_value(self, value: int | None, dialect: Any) -> datetime | None:
        """Seconds to aware datetime."""
        return None if value is None else datetime.fromtimestamp(value, UTC)


class UnixTime(sa.TypeDecorator[datetime]):
    """An aware UTC time with its fraction, for times of the wall clock."""

    impl = sa.Double
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> float | None:
        """Aware datetime to seconds."""
        return None if value is None else value.timestamp()

    def process_result_value(self, value: float | None, dialect: Any) -> datetime | None:
        """Seconds to aware datetime."""
        return None if value is None else datetime.fromtimestamp(value, UTC)


class ReasonJson(sa.TypeDecorator[Reason]):
    """A reason as JSON; the empty text where there is none."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Reason | None, dialect: Any) -> str:
        """Reason to JSON."""
        return "" if value is None else value.to_json()

    def process_result_value(self, value: str | None, dialect: Any) -> Reason | None:
        """JSON to reason."""
        return Reason.from_json(value) if value else None


metadata = sa.MetaData()


def _system_id() -> sa.Column[str]:
    return sa.Column("system_id", sa.Text, primary_key=True)


def _kind() -> sa.Column[str]:
    """Which bikes were forecast: one of `model.records.KINDS`, or any."""
    return sa.Column("kind", sa.Text, primary_key=True)


systems = sa.Table(
    "systems",
    metadata,
    _system_id(),
    sa.Column("position", sa.Integer),  # NULL: not followed any more
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("city", sa.Text, nullable=False),
    sa.Column("country", sa.Text, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("poll_seconds", sa.Double, nullable=False),
    sa.Column("speed", sa.Double, nullable=False),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("timezone", sa.Text),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", ReasonJson, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("at", UnixSeconds),
    sa.Column("received_at", UnixTime),
    sa.Column("last_try_at", UnixTime),
    sa.Column("next_poll_at", UnixTime),
    sa.Column("frame_version", sa.Integer),
    sa.Column("learning_since", UnixSeconds),
    sa.Column("chosen", sa.Boolean),  # followed by command, or not; NULL: the list decides
    sa.Column("size", sa.Integer, nullable=False, server_default="0"),  # stations, as workers share them
)

stations = sa.Table(
    "stations",
    metadata,
    _system_id(),
    sa.Column("station_id", sa.Text, primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("lat", sa.Double, nullable=False),
    sa.Column("lon", sa.Double, nullable=False),
    sa.Column("capacity", sa.Integer, nullable=False),
)


def _counts() -> list[sa.Column[Any]]:
    return [
        sa.Column("bikes", sa.Integer, nullable=False),
        sa.Column("docks", sa.Integer, nullable=False),
        sa.Column("ebikes", sa.Integer, nullable=False),
        sa.Column("renting", sa.Boolean, nullable=False),
        sa.Column("returning", sa.Boolean, nullable=False, quote=True),
        sa.Column("cargo", sa.Integer, nullable=False, server_default="-1"),
        sa.Column("state", sa.Integer, nullable=False, server_default="0"),
    ]


observations = sa.Table(
    "observations",
    metadata,
    _system_id(),
    sa.Column("station_id", sa.Text, primary_key=True),
    sa.Column("at", UnixSeconds, primary_key=True),
    *_counts(),
    sa.Index("observations_by_time", "system_id", "at"),
    sqlite_with_rowid=False,
)

status = sa.Table(
    "status",
    metadata,
    _system_id(),
    sa.Column("station_id", sa.Text, primary_key=True),
    sa.Column("at", UnixSeconds, nullable=False),
    *_counts(),
    sqlite_with_rowid=False,
)

polls = sa.Table(
    "polls",
    metadata,
    _system_id(),
    sa.Column("received_at", UnixTime, primary_key=True),
    sa.Column("at", UnixSeconds),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("reason", ReasonJson, nullable=False),
    sa.Column("seconds", sa.Double, nullable=False),
    sa.Column("findings", sa.Text, nullable=False),
    sa.Column("ttl_seconds", sa.Double),
    sa.Column("learn_seconds", sa.Double),
    sa.Column("forecast_seconds", sa.Double),
    sa.Column("waiting", sa.Integer),
    sa.Index("polls_by_time", "system_id", "outcome", "at"),
)

frames = sa.Table(
    "frames",
    metadata,
    _system_id(),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("made_at", UnixTime, nullable=False),
    sa.Column("at", UnixSeconds, nullable=False),
    sa.Column("blob", sa.LargeBinary, nullable=False),
)
# A forecaster makes its frame again. So PostgreSQL need not log frames, which it empties after a crash.
_UNLOGGED = sa.DDL("ALTER TABLE frames SET UNLOGGED")  # type: ignore[no-untyped-call]
sa.event.listen(frames, "after_create", _UNLOGGED.execute_if(dialect="postgresql"))

checkpoints = sa.Table(
    "checkpoints",
    metadata,
    _system_id(),
    sa.Column("at", UnixSeconds, primary_key=True),
    sa.Column("blob", sa.LargeBinary, nullable=False),
)

leases = sa.Table(
    "leases",
    metadata,
    _system_id(),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("until", UnixTime, nullable=False),
)

workers = sa.Table(
    "workers",
    metadata,
    sa.Column("holder", sa.Text, primary_key=True),
    sa.Column("until", UnixTime, nullable=False),
)

preparations = sa.Table(
    "preparations",
    metadata,
    sa.Column("holder", sa.Text, primary_key=True),
    sa.Column("until", UnixTime, nullable=False),
)

drifts = sa.Table(
    "drifts",
    metadata,
    _system_id(),
    sa.Column("at", UnixSeconds, primary_key=True),
    sa.Column("minutes", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("before", sa.Double, nullable=False),
    sa.Column("after", sa.Double, nullable=False),
)

daily_scores = sa.Table(
    "daily_scores",
    metadata,
    _system_id(),
    sa.Column("day", sa.Text, primary_key=True),
    sa.Column("minutes", sa.Integer, primary_key=True, autoincrement=False),
    _kind(),
    sa.Column("stations", sa.LargeBinary, nullable=False),
    sa.Column("calibration", sa.LargeBinary, nullable=False),
)

paired_scores = sa.Table(
    "paired_scores",
    metadata,
    _system_id(),
    sa.Column("minutes", sa.Integer, primary_key=True, autoincrement=False),
    _kind(),
    sa.Column("blob", sa.LargeBinary, nullable=False),
)

issued_forecasts = sa.Table(
    "issued_forecasts",
    metadata,
    _system_id(),
    sa.Column("at", UnixSeconds, primary_key=True),
    sa.Column("blob", sa.LargeBinary, nullable=False),
)

own_forecasts = sa.Table(
    "own_forecasts",
    metadata,
    _system_id(),
    sa.Column("at", UnixSeconds, primary_key=True),  # the issue time
    sa.Column("minutes", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("blob", sa.LargeBinary, nullable=False),
)

judged_forecasts = sa.Table(
    "judged_forecasts",
    metadata,
    _system_id(),
    sa.Column("at", UnixSeconds, primary_key=True),  # the target time
    sa.Column("minutes", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("blob", sa.LargeBinary, nullable=False),
)

scores = sa.Table(
    "scores",
    metadata,
    _system_id(),
    sa.Column("span", sa.Integer, primary_key=True, autoincrement=False),
    _kind(),
    sa.Column("minutes", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", UnixSeconds, primary_key=True),
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("n", sa.BigInteger, nullable=False),
    sa.Column("n_dock", sa.BigInteger, nullable=False),
    sa.Column("expired", sa.BigInteger, nullable=False),
    sa.Column("abs_error", sa.Double, nullable=False),
    sa.Column("squared_error", sa.Double, nullable=False),
    sa.Column("crps", sa.Double, nullable=False),
    sa.Column("brier_bike", sa.Double, nullable=False),
    sa.Column("brier_dock", sa.Double, nullable=False),
    sa.Column("covered", sa.Double, nullable=False),
    sqlite_with_rowid=False,
)

outages = sa.Table(
    "outages",
    metadata,
    _system_id(),
    sa.Column("start", UnixSeconds, primary_key=True),
    sa.Column("end", UnixSeconds, nullable=False, quote=True),
)

playbacks = sa.Table(
    "playbacks",
    metadata,
    _system_id(),
    sa.Column("at", UnixTime, nullable=False),
    sa.Column("wall", UnixTime, nullable=False),
    sa.Column("speed", sa.Double, nullable=False),
    sa.Column("paused", sa.Boolean, nullable=False),
    sa.Column("begin", sa.Text, nullable=False, quote=True),
    sa.Column("run", sa.Integer, nullable=False),
    sa.Column("begun", sa.Integer, nullable=False),
    sa.Column("progress", sa.Double),  # from 0 to 1 while the worker catches up; NULL otherwise
)

tries = sa.Table(
    "tries",
    metadata,
    _system_id(),
    sa.Column("at", UnixTime, nullable=False),
)

weathers = sa.Table(
    "weathers",
    metadata,
    _system_id(),
    sa.Column("at", UnixSeconds, primary_key=True),
    sa.Column("blob", sa.LargeBinary, nullable=False),
)

feed_documents = sa.Table(
    "feed_documents",
    metadata,
    _system_id(),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("content", sa.Text, nullable=False),
)

findings = sa.Table(
    "findings",
    metadata,
    _system_id(),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("since", UnixTime, nullable=False),
    sa.Column("last_at", UnixTime, nullable=False),
    sa.Column("gone", sa.Boolean, nullable=False),
    sa.Column("day", sa.Text, nullable=False),  # of the city's calendar: polls and cases count its answers
    sa.Column("polls", sa.Integer, nullable=False),
    sa.Column("cases", sa.BigInteger, nullable=False),
    sa.Column("last_count", sa.Integer, nullable=False),
    sa.Column("example", sa.Text, nullable=False),
)

EMPTIED_BY_BEGIN = (
    stations, observations, status, polls, checkpoints, drifts, daily_scores, paired_scores,
    issued_forecasts, own_forecasts, judged_forecasts, scores, outages, weathers, feed_documents, findings,
)  # fmt: skip
"""The tables that lose a system's rows when it begins anew. Its old frames stay until they are too old."""
