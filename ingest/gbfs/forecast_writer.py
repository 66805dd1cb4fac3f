"""Writes a frame as station_forecast.json: a document in the style of GBFS 3, beside those of a system.

GBFS has no forecasts. The form is our own, `station_forecast.schema.json` beside this file describes it, and
`docs/open-forecasts.md` says why it is so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from ingest.gbfs import writer
from model.frame import NO_FORECAST, Frame, Outlook
from model.moments import frame_at

NAME = "station_forecast"
FORECAST_VERSION = "1.1"
GBFS_VERSION = "3.0"
INTERVAL_PERCENT = 80

MINUTES = (5, 10, 15, 20, 30, 40, 50, 60, 90, 120)
"""The horizons of the document, all of them horizons of a frame."""

SCHEMA: dict[str, Any] = json.loads(
    Path(__file__).with_name("station_forecast.schema.json").read_text(encoding="utf-8")
)


@dataclass(frozen=True)
class Skill:
    """How good the forecasts for one horizon have been so far, beside "no change"; errors in vehicles."""

    minutes_ahead: int
    forecasts: int
    mean_absolute_error: float
    mean_absolute_error_of_no_change: float


def station_forecast(frame: Frame, ttl: int, skill: Sequence[Skill] = (), label: str = "") -> dict[str, Any]:
    """Write a frame. `ttl` is in seconds; `label` is "replayed" or "simulated" where the feed is not live.

    A side without a forecast is left out, and so is a station that has neither. Kinds of bikes are the types
    that `ingest.gbfs.writer.vehicle_types` describes.
    """
    data: dict[str, Any] = {
        "forecast_version": FORECAST_VERSION,
        "issued_at": writer.time(GBFS_VERSION, frame.at),
        "learning_since": writer.time(GBFS_VERSION, frame.learning_since),
        "interval_percent": INTERVAL_PERCENT,
        "skill": [asdict(each) for each in skill],
        "stations": list(_stations(frame_at(frame, MINUTES))),
    }
    if label:
        data["label"] = label
    return writer.document(GBFS_VERSION, frame.at, ttl, data)


def _stations(frame: Frame) -> Iterator[dict[str, Any]]:
    times = [writer.time(GBFS_VERSION, frame.at + timedelta(minutes=minutes)) for minutes in MINUTES]
    for row, station_id in enumerate(frame.stations.station_id.tolist()):
        sides = {"vehicles": _counts(frame.bike, row), "docks": _counts(frame.space, row)}
        known = {name: counts for name, counts in sides.items() if counts is not None}
        if not known:
            continue
        types = {} if "vehicles" not in known else _by_type(frame, row)
        closed = None if frame.closed is None else frame.closed[:, row].tolist()
        yield {
            "station_id": station_id,
            "forecasts": [
                {
                    "minutes_ahead": minutes,
                    "forecast_time": times[step],
                    **({} if closed is None else {"is_closed": closed[step]}),
                    **{name: counts[step] for name, counts in (known | types).items()},
                }
                for step, minutes in enumerate(MINUTES)
            ],
        }


def _by_type(frame: Frame, row: int) -> dict[str, list[Any]]:
    """Write each type of vehicles of a station at every horizon; empty where they are not told apart."""
    outlooks = {writer.BIKE: frame.plain_bike, writer.EBIKE: frame.ebike}
    counts = {name: None if each is None else _counts(each, row) for name, each in outlooks.items()}
    known = {name: each for name, each in counts.items() if each is not None}
    if not known:
        return {}
    steps = zip(*known.values(), strict=True)
    return {
        "vehicle_types": [
            [{"vehicle_type_id": name, **count} for name, count in zip(known, step, strict=True)]
            for step in steps
        ]
    }


def _counts(side: Outlook, row: int) -> list[dict[str, Any]] | None:
    """Write one side of a station at every horizon; None where there is no forecast of it."""
    chances = side.chance[:, :, row].T
    if (side.median[:, row] < 0).any() or (chances == NO_FORECAST).any():
        return None
    columns = (part[:, row].tolist() for part in (side.median, side.low, side.high))
    return [
        {"expected": expected, "low": low, "high": high, "chance": chance}
        for expected, low, high, chance in zip(*columns, chances.tolist(), strict=True)
    ]
