"""Stores of every earlier release are brought up to date, on SQLite and PostgreSQL, and nothing is lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.sql import quoted_name as quoted

from ingest.store import Reason, Store, StoreError, StoreNotReadyError
from ingest.store.database import newest_revision
from ingest.store.scores import DAY, FIVE_MINUTES, HOUR, SUMS, WEEK
from ingest.store.tables import metadata
from tests.support.store_world import NOON, empty_url, migrate

pytestmark = pytest.mark.both

ROOT = Path(__file__).resolve().parents[3]
REVISIONS = sorted(path.name[:4] for path in (ROOT / "ingest/store/migrations/versions").glob("0*.py"))
SENTENCE = '“bikes”.example says "C:\\no": it\'s 100 % too slow'
"""A sentence with all that SQL and JSON may stumble over."""
REASON = Reason("too_slow", {"host": "bikes.example"})
WHY = {"text": SENTENCE, "reason": REASON.to_json()}
"""Why a feed failed: a sentence before 0010, a reason since."""

AT = int(NOON.replace(hour=0).timestamp())
CITY = {
    "name": "Ünïcode's “city”", "city": "Dublin", "country": "IE", "url": "http://127.0.0.1:1/gbfs.json",
    "poll_seconds": 60.0, "speed": 1.0, "label": "", "timezone": "Europe/Dublin", "state": "live", **WHY,
    "failures": 2, "at": AT, "received_at": AT + 0.25, "last_try_at": AT + 0.5, "next_poll_at": AT + 60.125,
    "frame_version": 7, "learning_since": AT - 3600, "size": 3,
}  # fmt: skip
COUNTS = {"bikes": 3, "docks": -1, "ebikes": 0, "renting": True, "returning": False, "cargo": 2, "state": 0}
BLOB = bytes(range(256)) * 40

RENAMED = {"said": "issued_forecasts"}
"""Tables of older releases, and what they are called now."""

FILLED: dict[str, list[dict[str, Any]]] = {
    "systems": [
        CITY | {"system_id": "dublin", "position": 0, "chosen": True},
        CITY | {"system_id": "gone", "position": None, "chosen": False},
    ],
    "stations": [
        {"system_id": "dublin", "station_id": f"ß{n}", "position": n, "name": "A\nB", "lat": 53.3,
         "lon": -6.25, "capacity": 12} for n in range(3)
    ],
    "observations": [
        {"system_id": "dublin", "station_id": f"ß{n % 3}", "at": AT + 60 * n, **COUNTS} for n in range(9)
    ],
    "status": [{"system_id": "dublin", "station_id": f"ß{n}", "at": AT + 60 * n, **COUNTS} for n in range(3)],
    "polls": [
        {"system_id": "dublin", "received_at": AT + 60 * n + 0.123456, "at": AT + 60 * n, "outcome": "learnt",
         "text": "", "reason": "", "seconds": 0.1, "findings": "[]", "ttl_seconds": 60.0,
         "learn_seconds": 0.5, "forecast_seconds": 0.25, "waiting": 4} for n in range(9)
    ] + [
        {"system_id": "dublin", "received_at": AT + 540, "at": None, "outcome": "too_slow", **WHY,
         "seconds": 30.0, "findings": "[]", "ttl_seconds": None, "learn_seconds": None,
         "forecast_seconds": None, "waiting": None}
    ],
    "frames": [
        {"system_id": "dublin", "version": n, "made_at": AT + n + 0.5, "at": AT + n, "blob": BLOB}
        for n in (6, 7)
    ],
    "checkpoints": [{"system_id": "dublin", "at": AT, "blob": BLOB}],
    "leases": [{"system_id": "dublin", "holder": "somebody", "until": AT + 90.5}],
    "preparations": [{"holder": "somebody", "until": AT + 90.5}],
    "workers": [{"holder": "somebody", "until": AT + 90.5}],
    "drifts": [{"system_id": "dublin", "at": AT, "minutes": 30, "before": -0.1, "after": 0.2}],
    "daily_scores": [
        {"system_id": "dublin", "day": "2026-03-01", "minutes": 30, "kind": "any", "stations": BLOB,
         "calibration": b""}
    ],
    "paired_scores": [{"system_id": "dublin", "minutes": 30, "kind": "any", "blob": BLOB}],
    "issued_forecasts": [{"system_id": "dublin", "at": AT + n, "blob": BLOB[n:]} for n in range(3)],
    "own_forecasts": [{"system_id": "dublin", "at": AT, "minutes": 30, "blob": BLOB}],
    "judged_forecasts": [{"system_id": "dublin", "at": AT, "minutes": 30, "blob": BLOB}],
    "outages": [{"system_id": "dublin", "start": AT, "end": AT + 3600}],
    "playbacks": [
        {"system_id": "dublin", "at": AT + 0.5, "wall": AT + 1.5, "speed": 60.0, "paused": True,
         "begin": "learnt", "run": 2, "begun": 1, "progress": 0.25}
    ],
    "tries": [{"system_id": "dublin", "at": AT + 7.5}],
    "weathers": [{"system_id": "dublin", "at": AT, "blob": BLOB}],
    "feed_documents": [{"system_id": "dublin", "name": "vehicle_types", "content": '{"ß": "plain"}'}],
    "findings": [
        {"system_id": "dublin", "kind": "no_docks", "since": AT + 0.25, "last_at": AT + 60.5, "gone": False,
         "day": "2026-03-02", "polls": 2, "cases": 5, "last_count": 3, "example": '"ß1"'}
    ],
}  # fmt: skip
SCORED = [
    {"system_id": system_id, "kind": "any", "model": model, "minutes": 30, **dict.fromkeys(SUMS, 1)}
    for system_id in ("dublin", "gone")
    for model in ("naive", "pool")
]
HOURS = (5, 23, 24, 8 * 24)


def scored(revision: str) -> list[dict[str, Any]]:
    """Make the rows of scores of a release: by the hour alone, then by several spans."""
    if revision < "0003":
        return [row | {"hour": AT + hour * HOUR} for row in SCORED for hour in HOURS]
    spans = (HOUR, DAY) if revision < "0007" else (HOUR, DAY, WEEK)
    return [
        row | {"span": span, "at": at, "n": len([h for h in HOURS if (AT + h * HOUR) // span * span == at])}
        for row in SCORED
        for span in spans
        for at in sorted({(AT + hour * HOUR) // span * span for hour in HOURS})
    ]


def tables(connection: sa.Connection) -> dict[str, sa.Table]:
    """Find the tables as they are, whatever the code knows; "returning" and "end" are words of SQL."""
    found = sa.MetaData()
    sa.event.listen(
        found, "column_reflect", lambda _, table, column: column.update(name=quoted(column["name"], True))
    )
    found.reflect(connection)
    return {name: table for name, table in found.tables.items() if name != "alembic_version"}


def rows_of(connection: sa.Connection, table: sa.Table, names: list[str]) -> list[tuple[Any, ...]]:
    """Fetch all of a table as the database has it, in an order of its own."""
    rows = connection.execute(sa.select(*(table.c[name] for name in names)))
    return sorted((tuple(row) for row in rows), key=repr)


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_store_of_any_release_comes_up_to_date_and_loses_nothing(revision: str, tmp_path: Path) -> None:
    url = empty_url(tmp_path)
    migrate(url, revision)
    engine = sa.create_engine(url)
    before = {}
    with engine.begin() as connection:
        for name, table in tables(connection).items():
            filled = scored(revision) if name == "scores" else FILLED[RENAMED.get(name, name)]
            columns = [column.name for column in table.c]
            connection.execute(table.insert(), [{c: row[c] for c in columns} for row in filled])
            columns = [column for column in columns if column != "text"]  # read as a reason, below
            before[name] = columns, rows_of(connection, table, columns)
            assert len(before[name][1]) == len(filled)
    Store(url).close()
    with engine.connect() as connection:
        now = tables(connection)
        for name, (columns, rows) in before.items():
            if name != "scores":
                assert rows_of(connection, now[RENAMED.get(name, name)], columns) == rows, name
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()

    store = Store(url)
    for span, ns in ((HOUR, [1, 1, 1, 1]), (DAY, [2, 1, 1]), (WEEK, [3, 1])):
        sums = store.scores.over_time("dublin", span, models=["pool"])
        assert sums["n"].tolist() == ns, span
    assert store.scores.totals("gone", WEEK)["n"].tolist() == [4, 4]
    assert [row.system_id for row in store.systems.followed()] == ["dublin"]
    assert store.observations.poll_times("dublin") == [NOON.replace(hour=0, minute=n) for n in range(9)]
    assert store.frames.newest("dublin") == (7, BLOB)
    state, failure = (
        store.systems.state("dublin"),
        store.feed_health.last_failure("dublin", NOON.replace(hour=0)),
    )
    assert state is not None
    assert failure is not None
    assert failure.outcome == "too_slow"
    assert state.reason == failure.reason
    assert state.reason == (Reason("sentence", {"text": SENTENCE}) if revision < "0010" else REASON)
    if revision >= "0002":
        times = store.issued_forecasts.issue_times("dublin")
        issued = [store.issued_forecasts.get("dublin", at) for at in times]
        assert issued == [BLOB, BLOB[1:], BLOB[2:]]
    checkpoint = store.checkpoints.newest("dublin")
    assert checkpoint is not None
    assert checkpoint.blob == BLOB
    described = store.systems.stations("dublin")
    assert described is not None
    assert described.name.tolist() == ["A\nB"] * 3
    store.close()


def test_scores_of_the_unfinished_hour_are_not_counted_twice_after_an_upgrade(tmp_path: Path) -> None:
    """Until 0020 each score was added to all spans at once."""
    url = empty_url(tmp_path)
    migrate(url, "0019")
    engine = sa.create_engine(url)
    row = SCORED[1]
    with engine.begin() as db:
        found = tables(db)
        columns = [column.name for column in found["systems"].c]
        city = FILLED["systems"][0] | {"at": AT + HOUR + 600}
        db.execute(found["systems"].insert(), {name: city[name] for name in columns})
        for span, at, n in (
            (FIVE_MINUTES, AT + 300, 2), (FIVE_MINUTES, AT + HOUR, 3), (FIVE_MINUTES, AT + HOUR + 600, 4),
            (HOUR, AT, 2), (HOUR, AT + HOUR, 7), (DAY, AT, 9), (WEEK, AT // WEEK * WEEK, 9),
        ):  # fmt: skip
            db.execute(found["scores"].insert(), row | dict.fromkeys(SUMS, n) | {"span": span, "at": at})
    Store(url).close()
    with engine.connect() as db:
        stored = db.exec_driver_sql("SELECT span, n, covered FROM scores ORDER BY span, at").all()
    engine.dispose()
    assert list(map(tuple, stored)) == [
        (FIVE_MINUTES, 2, 2), (FIVE_MINUTES, 3, 3), (FIVE_MINUTES, 4, 4), (HOUR, 2, 2), (DAY, 2, 2),
        (WEEK, 2, 2),
    ]  # fmt: skip
    store = Store(url)
    assert store.scores.over_time("dublin", HOUR)["n"].tolist() == [2, 7]
    assert store.scores.totals("dublin", WEEK)["n"].tolist() == [9]
    store.close()


def open_at_once(url: str) -> list[int]:
    """Open a store in two processes at once; give their exit codes."""
    script = (
        "import sys; from ingest.store.database import Database; sys.stdin.read(1); Database(sys.argv[1])"
    )
    command = [sys.executable, "-c", script, url]
    both = [subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE) for _ in range(2)]
    for process in both:
        assert process.stdin is not None
        process.stdin.write(b".")
        process.stdin.flush()
    for process in both:
        process.communicate(timeout=60)
    return [process.returncode for process in both]


def test_processes_that_open_a_store_of_an_older_release_at_once_migrate_it_once(tmp_path: Path) -> None:
    """App and worker start together; the second must find the tables made, not make them again."""
    url = empty_url(tmp_path)
    migrate(url, REVISIONS[0])
    assert open_at_once(url) == [0, 0]
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        assert MigrationContext.configure(connection).get_current_revision() == REVISIONS[-1]
    engine.dispose()


def described(url: str) -> dict[str, Any]:
    """Describe all tables as the database has them, whatever the order of their columns.

    Primary keys have other names in older stores: no migration may need one.
    """
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        database = sa.inspect(connection)
        found = {
            name: {
                "columns": {column["name"]: repr(column) for column in database.get_columns(name)},
                "key": database.get_pk_constraint(name)["constrained_columns"],
                "indexes": sorted(map(repr, database.get_indexes(name))),
                "others": [
                    database.get_foreign_keys(name),
                    database.get_unique_constraints(name),
                    database.get_check_constraints(name),
                    database.get_table_options(name),
                ],
            }
            for name in database.get_table_names()
        }
        version = connection.exec_driver_sql("SELECT version_num FROM alembic_version").all()
    engine.dispose()
    return found | {"version": [tuple(row) for row in version]}


def test_an_empty_store_gets_the_tables_that_the_migrations_would_make(tmp_path: Path) -> None:
    tables = []
    for folder in ("made", "migrated"):
        (tmp_path / folder).mkdir()
        url = empty_url(tmp_path / folder)
        if folder == "made":
            Store(url).close()
        else:
            migrate(url, "head")
        tables.append(described(url))
    assert len(tables[0]) > 15
    assert tables[0] == tables[1]


def test_an_empty_store_that_two_processes_open_at_once_is_made_once(tmp_path: Path) -> None:
    url = empty_url(tmp_path)
    opened = open_at_once(url)
    assert opened == [0, 0]
    assert described(url)["version"] == [(REVISIONS[-1],)]


def test_the_newest_migration_is_the_one_whose_file_has_the_highest_number() -> None:
    """A store that is up to date opens without Alembic: it costs each process a tenth of a second."""
    folder = ROOT / "ingest/store/migrations"
    assert newest_revision() == ScriptDirectory(str(folder)).get_current_head()


def test_a_store_of_a_newer_release_is_left_alone(tmp_path: Path) -> None:
    url = empty_url(tmp_path)
    Store(url).close()
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    for migrates in (True, False):
        with pytest.raises(StoreError, match="newer release"):
            Store(url, migrate=migrates)
    engine.dispose()


def test_a_store_that_may_not_migrate_asks_to_start_the_worker_first(tmp_path: Path) -> None:
    url = empty_url(tmp_path)
    for revision in (None, *REVISIONS[:-1]):
        if revision is not None:
            migrate(url, revision)
        with pytest.raises(StoreNotReadyError, match="start the worker"):
            Store(url, migrate=False)
    migrate(url, REVISIONS[-1])
    store = Store(url, migrate=False)
    assert store.systems.followed() == []
    store.close()
