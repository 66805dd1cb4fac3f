"""The API's answers about stations: counts and forecasts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from dashboard.api.answers import ApiError, Body, json_body, kept
from dashboard.api.openapi import COUNT, FLAG, NUMBER, TEXT, TIME, Schema, described, listed, maybe, record
from dashboard.api.parameters import Moment, Parameter, Text, Whole
from dashboard.api.systems import AGE, LABEL, find, iso, whole_minutes
from dashboard.outlook import by_hours, state_at, station_index
from dashboard.store_reader import StoreReader, View, reader
from dashboard.words.feed_errors import feed_error
from ingest.system import System
from model.arrays import Ints
from model.frame import AT_LEAST, MINUTES, NO_FORECAST, Frame, Outlook
from model.records import CountState

STATION = Parameter(
    "station_id",
    Text(r"[^\x00-\x1f]{1,200}", "a station_id of up to 200 characters, as the system's stations list them"),
    "A station of the system, as its feed names it, or as it did before all ids were new.",
    "42",
    required=True,
)
AHEAD = Parameter(
    "minutes",
    Whole(0, MINUTES[-1]),
    "How many minutes from now.",
    30,
)
AT = Parameter("at", Moment(), "When, instead of `minutes`: from now to a day ahead.")

WAITING = {503: "The feed has not answered yet: Retry-After says when it is asked next."}
UNKNOWN_STATION = {404: "There is no such system or station, or no forecast for that time."}

NOW_SCHEMA = record(
    "Now",
    bikes=maybe(COUNT),
    docks=maybe(COUNT, "Free docks."),
    ebikes=maybe(COUNT, "Those of the bikes that have a motor."),
    cargo=maybe(COUNT, "Cargo bikes, which are not among the bikes."),
    state={
        "type": "string",
        "enum": [state.name.lower() for state in CountState],
        "description": "Whether the count is known, and why not: `old` (the station stopped reporting), "
        "`contradicted` (open, with a capacity, yet neither a bike nor a dock), `closed`, `missing`. Bikes "
        "and docks are null where it is old, contradicted or missing.",
    },
    last_known=maybe(
        record(
            "LastKnown", bikes=COUNT, docks=maybe(COUNT), at=described(TIME, "When the feed counted them.")
        ),
        "What stood there when it was last known, where it is not known now. The forecast begins with it, "
        "for a day.",
    ),
    overflow=described(FLAG, "Whether it is seen to take bikes back when it has no free dock."),
    renting=described(FLAG, "Whether it gives bikes."),
    returning=described(FLAG, "Whether it takes bikes back."),
)
OUTLOOK_SCHEMA = record(
    "Outlook",
    median=maybe(COUNT, "The middle of what may be. Null: nothing is known."),
    low=maybe(COUNT, "Lower end of the interval that holds 80 %."),
    high=maybe(COUNT, "Upper end of the interval that holds 80 %."),
    chance={
        "type": "array",
        "items": {"type": ["integer", "null"], "minimum": 0, "maximum": 100},
        "minItems": len(AT_LEAST),
        "maxItems": len(AT_LEAST),
        "description": "Chance in per cent of at least one, two, three and four.",
    },
)
HOURS_SCHEMA = maybe(
    record(
        text=described(TEXT, "As published, in OpenStreetMap's syntax. Its feed wrote it, so escape it."),
        is_open=described(FLAG, "Whether the station is open by these hours now."),
        opens_at=maybe(TIME, "When it opened, or opens next. Null where it is not known."),
        closes_at=maybe(TIME, "When it closes, or will close after it has opened. Null where it never does."),
    ),
    "Its opening hours. Null where it has none, or never closes.",
)
CLOSED = described(FLAG, "Whether it is closed by its opening hours then, so that every chance is 0.")
_STATION: dict[str, Schema] = {
    "station_id": TEXT,
    "name": described(TEXT, "As its feed has it: any text, so escape it before it goes into HTML."),
    "lat": NUMBER,
    "lon": NUMBER,
    "capacity": maybe(COUNT),
    "now": NOW_SCHEMA,
    "hours": HOURS_SCHEMA,
}
_HEAD: dict[str, Schema] = {
    "system_id": TEXT,
    "label": LABEL,
    "state": described(TEXT, "How the feed is doing."),
    "timezone": described(TEXT, "The city's, an IANA name."),
    "version": described(COUNT, "The number of the frame that this is from."),
    "counts_at": described(TIME, "When the feed counted, by its own clock."),
    "age_minutes": AGE,
}
_WHEN: dict[str, Schema] = {
    "minutes": described(COUNT, "Minutes from the counts to the time forecast."),
    "target_at": described(TIME, "The time forecast."),
}
_BY_KIND = maybe(
    record("OutlookByKind", **OUTLOOK_SCHEMA["properties"]),
    "That of one kind of the bikes. Null where it is not told apart, and more than two hours ahead.",
)
_SIDES: dict[str, Schema] = {
    "closed": CLOSED,
    "bikes": OUTLOOK_SCHEMA,
    "docks": OUTLOOK_SCHEMA,
    "plain_bikes": _BY_KIND,
    "ebikes": _BY_KIND,
    "cargo_bikes": _BY_KIND,
}

STATIONS_SCHEMA = record("Stations", **_HEAD, stations=listed(record("Station", **_STATION)))
FORECAST_SCHEMA = record(
    "Forecast", **_HEAD, **_WHEN, stations=listed(record("StationForecast", **_STATION, **_SIDES))
)
STATION_SCHEMA = record(
    "StationForecasts",
    **_HEAD,
    station=record("Station", **_STATION),
    forecast=listed(record("Horizon", **_WHEN, **_SIDES)),
)


def stations(system_id: str) -> Body:
    """List the stations of a system with their newest counts."""
    source, view, _ = look(system_id)
    return _stations(source, *_key(view))


def forecast(system_id: str, minutes: int | None, at: datetime | None) -> Body:
    """Give the forecast for every station at one time, by default now."""
    source, view, frame = look(system_id)
    return _forecast(source, *_key(view), _horizon(view, frame, minutes, at))


def station(system_id: str, station_id: str, minutes: int | None, at: datetime | None) -> Body:
    """Give the forecasts for one station: for one time, or for all from now on."""
    source, view, frame = look(system_id)
    row = station_index(frame, station_id)
    if row is None:
        raise ApiError(
            "unknown_station",
            f"{system_id} has no station {station_id!r}.",
            f"/api/systems/{system_id}/stations lists those that it has.",
        )
    horizon = _horizon(view, frame, minutes, at)
    return _station(source, *_key(view), row, horizon, (minutes, at) == (None, None))


def look(system_id: str) -> tuple[StoreReader, View, Frame]:
    """Read a system as it is now; raises an `ApiError` where it has no counts yet."""
    source = reader()
    view = source.view(*find(source, system_id))
    if view.frame is None:
        seconds = 10 if view.next_in is None else max(int(view.next_in.total_seconds()) + 1, 1)
        why = feed_error(view.state.reason)
        raise ApiError(
            "no_counts",
            f"{system_id} has no counts yet: its feed is {view.state.state}. {why}".strip(),
            f"Ask again in {seconds} s; /api/systems/{system_id} says how its feed is doing.",
            {"Retry-After": str(seconds)},
        )
    return source, view, view.frame


def _horizon(view: View, frame: Frame, minutes: int | None, at: datetime | None) -> int:
    """Give the whole minutes from the counts to the time that is asked for."""
    if minutes is not None and at is not None:
        raise ApiError("given_twice", "Both minutes and at are given.", "Give one of them.")
    ahead = (at - view.now) / timedelta(minutes=1) if at is not None else float(minutes or 0)
    if ahead < -1:
        raise ApiError(
            "out_of_reach",
            f"{iso(at)} is over: it is {iso(view.now)} there.",
            "Ask for a time from now to a day ahead.",
        )
    found = view.ahead(ahead)
    if found is None:
        raise ApiError(
            "out_of_reach",
            f"Nothing is forecast for so late: the counts of {iso(frame.at)} reach to {iso(view.reach)}.",
            "Ask for an earlier time, or again when the feed has answered.",
        )
    return max(round(found), 0)


Key = tuple[System, int, str, int]


def _key(view: View) -> Key:
    """Give all that an answer depends on beside its parameters."""
    assert view.version is not None
    return view.system, view.version, view.state.state, whole_minutes(view.age)


def _head(system: System, version: int, state: str, age_minutes: int, frame: Frame) -> dict[str, Any]:
    return {
        "system_id": system.system_id,
        "label": system.label or None,
        "state": state,
        "timezone": frame.stations.timezone,
        "version": version,
        "counts_at": iso(frame.at),
        "age_minutes": age_minutes,
    }


def _when(frame: Frame, column: int) -> dict[str, Any]:
    minutes = int(frame.minutes[column])
    return {"minutes": minutes, "target_at": iso(frame.at + timedelta(minutes=minutes))}


def _described(
    frame: Frame, age_minutes: int, rows: Sequence[int] | Ints | slice = slice(None)
) -> list[dict[str, Any]]:
    """Describe stations with their counts and their opening hours now."""
    now = frame.at + timedelta(minutes=age_minutes)
    known = frame.stations
    columns = (
        known.station_id, known.name, known.lat, known.lon, known.capacity, np.arange(len(known)),
    )  # fmt: skip
    described = zip(*(column[rows].tolist() for column in columns), strict=True)
    return [
        {
            "station_id": station_id, "name": name, "lat": lat, "lon": lon, "capacity": _known(capacity),
            "now": counted, "hours": _hours(frame, row, now),
        }
        for (station_id, name, lat, lon, capacity, row), counted in zip(
            described, _now(frame, rows), strict=True
        )
    ]  # fmt: skip


def _hours(frame: Frame, row: int, now: datetime) -> dict[str, Any] | None:
    state = state_at(frame, row, now)
    if state is None or frame.hours is None:
        return None
    return {
        "text": str(frame.hours.text[frame.hours.schedule[row]]),
        "is_open": state.is_open,
        "opens_at": iso(state.opens_at),
        "closes_at": iso(state.closes_at),
    }


def _now(frame: Frame, rows: Sequence[int] | Ints | slice) -> Iterator[dict[str, Any]]:
    """Write what stands at stations now, and where that is not known, what stood there last."""
    columns = (
        frame.bikes, frame.docks, frame.ebikes, frame.cargo, frame.state, frame.overflow, frame.renting,
        frame.returning, frame.last_bikes, frame.last_docks, frame.last_at,
    )  # fmt: skip
    for (
        bikes, docks, ebikes, cargo, state, overflow, renting, returning, last_bikes, last_docks, last_at,
    ) in zip(*(column[rows].tolist() for column in columns), strict=True):  # fmt: skip
        yield {
            "bikes": _known(bikes),
            "docks": _known(docks),
            "ebikes": _known(ebikes),
            "cargo": _known(cargo),
            "state": _STATES[state],
            "last_known": None
            if last_at < 0
            else {
                "bikes": last_bikes,
                "docks": _known(last_docks),
                "at": iso(datetime.fromtimestamp(last_at, UTC)),
            },
            "overflow": overflow,
            "renting": renting,
            "returning": returning,
        }


_STATES = {int(state): state.name.lower() for state in CountState}


def _known(count: int) -> int | None:
    return count if count >= 0 else None


def _outlooks(side: Outlook, where: tuple[Any, Any]) -> list[dict[str, Any]]:
    """Write the outlooks of some stations at some columns; one of the two is a single number."""
    counts = (part[where].tolist() for part in (side.median, side.low, side.high))
    chances = np.moveaxis(side.chance[(slice(None), *where)], 0, -1).tolist()
    return [
        {
            "median": _known(median), "low": _known(low), "high": _known(high),
            "chance": [None if per_cent == NO_FORECAST else per_cent for per_cent in chance],
        }
        for median, low, high, chance in zip(*counts, chances, strict=True)
    ]  # fmt: skip


def _sides(frame: Frame, where: tuple[Any, Any]) -> list[dict[str, Any]]:
    """Write all outlooks of some stations at some columns, by their names in the answer."""
    bikes, docks = (_outlooks(side, where) for side in (frame.bike, frame.space))
    kinds = (
        [None] * len(bikes)
        if side is None
        else [None if each["median"] is None else each for each in _outlooks(side, where)]
        for side in (frame.plain_bike, frame.ebike, frame.cargo_bike)
    )
    names = ("bikes", "docks", "plain_bikes", "ebikes", "cargo_bikes")
    return [dict(zip(names, sides, strict=True)) for sides in zip(bikes, docks, *kinds, strict=True)]


# Compressed, the forecasts of 2,000 stations take 80 kB; a frame is asked for at some of 1,471 minutes.
@kept(128)
def _forecast(
    source: StoreReader, system: System, version: int, state: str, age_minutes: int, horizon: int
) -> Body:
    frame = source.frame_at(system.system_id, version, horizon)
    where = (0, slice(None))
    rows = zip(_described(frame, age_minutes), by_hours(frame, 0).tolist(), _sides(frame, where), strict=True)
    return json_body(
        _head(system, version, state, age_minutes, frame)
        | _when(frame, 0)
        | {"stations": [each | {"closed": closed} | sides for each, closed, sides in rows]}
    )


@kept(64)
def _stations(source: StoreReader, system: System, version: int, state: str, age_minutes: int) -> Body:
    frame = source.frame(system.system_id, version)
    head = _head(system, version, state, age_minutes, frame)
    return json_body(head | {"stations": _described(frame, age_minutes)})


@kept(4096)
def _station(
    source: StoreReader, system: System, version: int, state: str, age_minutes: int,
    row: int, horizon: int, later: bool,
) -> Body:  # fmt: skip
    frame = source.frame(system.system_id, version)
    if later:
        columns = range(int(np.searchsorted(frame.minutes, horizon)), len(frame.minutes))
    else:
        frame, columns = source.frame_at(system.system_id, version, horizon), range(1)
    where = (slice(columns.start, columns.stop), row)
    return json_body(
        _head(system, version, state, age_minutes, frame)
        | {
            "station": _described(frame, age_minutes, [row])[0],
            "forecast": [
                _when(frame, column) | {"closed": bool(by_hours(frame, column)[row])} | sides
                for column, sides in zip(columns, _sides(frame, where), strict=True)
            ],
        }
    )
