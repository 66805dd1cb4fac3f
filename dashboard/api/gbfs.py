"""A system as GBFS 3.0, with station_forecast.json beside the documents that everybody knows.

So a program that reads GBFS finds the forecast by the discovery document, and needs nothing else of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

import numpy as np

from dashboard.api.answers import ApiError, Body, json_body, kept
from dashboard.api.forecasts import look
from dashboard.api.openapi import Schema
from dashboard.api.parameters import Parameter, Text
from dashboard.store_reader import StoreReader
from ingest.gbfs import forecast_writer, licence, writer
from ingest.gbfs.forecast_writer import GBFS_VERSION, NAME, SCHEMA, Skill
from ingest.store import DAY, measured
from ingest.system import System
from model.frame import Frame
from model.records import Snapshot

_ALWAYS = ("system_information", "station_information", "station_status")
_TYPES = "vehicle_types"
_MADE_UP = {"license_id": "CC0-1.0"}

DOCUMENT = Parameter(
    "name", Text(f"({'|'.join((*_ALWAYS, _TYPES))})\\.json", "a document that gbfs.json names"),
    "A document that gbfs.json names.", "station_status.json", required=True,
)  # fmt: skip
DOCUMENT_SCHEMA: Schema = {"type": "object", "required": ["last_updated", "ttl", "version", "data"]}


def _without_references(part: Any) -> Any:
    """Put each definition of the schema where it is referred to: OpenAPI knows no definitions there."""
    if isinstance(part, list):
        return [_without_references(each) for each in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _without_references(SCHEMA["definitions"][part["$ref"].removeprefix("#/definitions/")])
    own = {name: each for name, each in part.items() if name not in ("$schema", "title", "definitions")}
    return {name: _without_references(each) for name, each in own.items()}


FORECAST_SCHEMA: Schema = _without_references(SCHEMA)


def discovery(system_id: str, address: str) -> Body:
    """Name the documents of a system. `address` is that of the server, without a slash at its end."""
    _, view, frame = look(system_id)
    types = (_TYPES,) if _tells_kinds(frame) else ()
    folder = f"{address}/gbfs/{quote(system_id, safe='')}"
    urls = {name: f"{folder}/{name}.json" for name in (*_ALWAYS, *types, NAME)}
    return json_body(writer.discovery(GBFS_VERSION, frame.at, _ttl(view.system), urls))


def document(system_id: str, name: str) -> Body:
    """Write one of the documents that everybody knows, from the newest counts."""
    source, view, frame = look(system_id)
    assert view.version is not None
    if name.startswith(_TYPES) and not _tells_kinds(frame):
        raise ApiError(
            "no_kinds", f"{system_id} does not tell kinds of bikes.", "gbfs.json names what it has."
        )
    return _document(source, view.system, view.version, name.removesuffix(".json"))


def station_forecast(system_id: str) -> Body:
    """Write the forecast of every station for the coming two hours."""
    source, view, _ = look(system_id)
    assert view.version is not None
    return _station_forecast(source, view.system, view.version)


@kept(1)
def schema() -> Body:
    """Give the schema of station_forecast.json."""
    return json_body(SCHEMA)


@kept(64)
def _document(source: StoreReader, system: System, version: int, name: str) -> Body:
    frame = source.frame(system.system_id, version)
    about: tuple[str, datetime, int] = (GBFS_VERSION, frame.at, _ttl(system))
    if name == "system_information":
        label = f"{system.name} ({system.label})" if system.label else system.name
        terms = _terms(source, system)
        found = writer.system_information(*about, frame.stations, label, _hours(frame), terms)
    elif name == _TYPES:
        found = writer.vehicle_types(*about)
    elif name == "station_information":
        found = writer.station_information(*about, frame.stations)
    else:
        found = writer.station_status(GBFS_VERSION, _ttl(system), _snapshot(frame))
    return json_body(found)


@kept(64)
def _station_forecast(source: StoreReader, system: System, version: int) -> Body:
    frame = source.frame(system.system_id, version)
    skill = _skill(source, system.system_id)
    return json_body(forecast_writer.station_forecast(frame, _ttl(system), skill, system.label))


def _skill(source: StoreReader, system_id: str) -> list[Skill]:
    """Sum up how good the forecasts of the document's horizons have been so far, beside "no change"."""
    sums = source.store.scores.totals(system_id, DAY, minutes=forecast_writer.MINUTES)
    judged = sums[sums["n"] > 0].set_index(["minutes", "model"])
    errors = measured(judged)["mae"].round(4)
    return [
        Skill(minutes, int(judged["n"][minutes, "pool"]), errors[minutes, "pool"], errors[minutes, "naive"])
        for minutes in forecast_writer.MINUTES
        if (minutes, "pool") in errors and (minutes, "naive") in errors
    ]


def _snapshot(frame: Frame) -> Snapshot:
    """Give the counts of a frame as a snapshot again."""
    counts: dict[str, Any] = {
        name: getattr(frame, name).astype(np.int64) for name in ("bikes", "docks", "state")
    }
    if _tells_kinds(frame):
        counts["ebikes"] = frame.ebikes.astype(np.int64)
    return Snapshot(
        at=frame.at, station_id=frame.stations.station_id, renting=frame.renting, returning=frame.returning,
        **counts,
    )  # fmt: skip


def _terms(source: StoreReader, system: System) -> Mapping[str, str]:
    """Give the terms of a system's data: nobody owns what is made up."""
    if system.is_made_up:
        return _MADE_UP
    kept = source.store.systems.documents(system.system_id).get(licence.REMEMBERED)
    return {} if kept is None else licence.from_json(kept)


def _tells_kinds(frame: Frame) -> bool:
    return bool((frame.ebikes >= 0).any())


def _hours(frame: Frame) -> str:
    """Give the opening hours that all stations share; empty where they differ, or have none."""
    if frame.hours is None or len(set(frame.hours.schedule.tolist())) != 1:
        return ""
    return str(frame.hours.text[frame.hours.schedule[0]])


def _ttl(system: System) -> int:
    """Give the whole seconds of the wall clock between two polls."""
    return max(round(system.poll_seconds), 1)
