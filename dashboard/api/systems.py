"""The API's answers about systems: which are followed, and the state of each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from dashboard.api.answers import ApiError, Body, json_body
from dashboard.api.openapi import COUNT, FLAG, NUMBER, TEXT, TIME, Schema, described, listed, maybe, record
from dashboard.api.parameters import Parameter, Text
from dashboard.store_reader import StoreReader, reader
from dashboard.words.feed_errors import feed_error
from ingest.store import SystemState
from ingest.system import System

SYSTEM_ID = Text(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", "a system_id as /api/systems lists them")

SYSTEM = Parameter("system_id", SYSTEM_ID, "A system, as /api/systems lists them.", "dublin", required=True)
LABEL: Schema = {
    "type": ["string", "null"],
    "enum": ["replayed", "simulated", None],
    "description": "What is not live: replayed from a recording, or simulated. Null for a live feed.",
}
AGE = maybe(COUNT, "How old the counts are, in whole minutes. Null before there are any.")

SYSTEM_SCHEMA = record(
    "System",
    system_id=TEXT,
    name=TEXT,
    city=TEXT,
    country=described(TEXT, "ISO 3166-1 alpha-2, empty where not known."),
    label=LABEL,
    speed=described(NUMBER, "Seconds of the feed's time in a second: 1 for a live feed."),
    state={"type": "string", "enum": ["waiting", "live", "silent", "unreachable", "refused"]},
    text=described(TEXT, "What went wrong last, in English; empty where nothing did."),
    kind=maybe(TEXT, "The same as a word for programs. Null where nothing went wrong."),
    arguments=described(
        {"type": "object", "additionalProperties": {"type": ["string", "number"]}},
        "What the text names, such as host and status: a server may have chosen them, so escape them.",
    ),
    round_trip=described(
        FLAG, "Whether all bikes must come back to the station where they were taken: no one-way trip then."
    ),
    counts_at=maybe(TIME, "When the feed counted last, by its own clock."),
    age_minutes=AGE,
    received_at=maybe(TIME, "When that was received."),
    learning_since=maybe(TIME, "The first counts ever learnt from."),
    last_try_at=maybe(TIME),
    next_poll_at=maybe(TIME),
    failures=described(COUNT, "Polls in a row that failed."),
    version=maybe(COUNT, "The number of its newest frame."),
    stations=described(TEXT, "Where its stations are."),
    forecast=described(TEXT, "Where its forecast is."),
)
SYSTEMS_SCHEMA = record("Systems", systems=listed(SYSTEM_SCHEMA))

UNKNOWN_SYSTEM = {404: "No such system is followed."}


def systems() -> Body:
    """List all followed systems."""
    source = reader()
    return json_body({"systems": [_system(source, *each) for each in source.overview().values()]})


def system(system_id: str) -> Body:
    """Give the state of one system."""
    source = reader()
    return json_body(_system(source, *find(source, system_id)))


def _system(source: StoreReader, row: System, state: SystemState) -> dict[str, Any]:
    address = f"/api/systems/{quote(row.system_id, safe='')}"
    age = None if state.at is None else source.system_time(row, state) - state.at
    return {
        "system_id": row.system_id,
        "name": row.name,
        "city": row.city,
        "country": row.country,
        "label": row.label or None,
        "speed": row.speed,
        "state": state.state,
        "text": feed_error(state.reason),
        "kind": None if state.reason is None else state.reason.kind,
        "arguments": {} if state.reason is None else dict(state.reason.arguments),
        "round_trip": row.system_id in source.round_trips(),
        "counts_at": iso(state.at),
        "age_minutes": None if age is None else whole_minutes(age),
        "received_at": iso(state.received_at),
        "learning_since": iso(state.learning_since),
        "last_try_at": iso(state.last_try_at),
        "next_poll_at": iso(state.next_poll_at),
        "failures": state.failures,
        "version": state.frame_version,
        "stations": f"{address}/stations",
        "forecast": f"{address}/forecast",
    }


def find(source: StoreReader, system_id: str) -> tuple[System, SystemState]:
    """Find a followed system; raises an `ApiError` for any other."""
    found = source.overview().get(system_id)
    if found is None:
        raise ApiError(
            "unknown_system",
            f"No system {system_id!r} is followed here.",
            "/api/systems lists those that are.",
        )
    return found


def iso(at: datetime | None) -> str | None:
    """Write a time.

    >>> iso(datetime(2026, 3, 2, 12, tzinfo=UTC))
    '2026-03-02T12:00:00Z'
    """
    return None if at is None else at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def whole_minutes(age: timedelta) -> int:
    """Count the whole minutes of an age; 0 where a clock runs ahead."""
    return max(int(age / timedelta(minutes=1)), 0)
