"""Writes stations and snapshots as GBFS documents of version 1.1, 2.3 or 3.0.

A field that is not known is left out. Where a version demands the field, the station is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from model.records import Snapshot, Stations

VERSIONS = ("1.1", "2.3", "3.0")

_LANGUAGE = "en"
BIKE, EBIKE = "bike", "ebike"

Document = dict[str, Any]

NO_LICENCE: Mapping[str, str] = MappingProxyType({})

Hours = tuple[int, int]
"""The hours of the day, from 0 to 24, at which a system opens and closes daily."""


def discovery(version: str, at: datetime, ttl: int, urls: Mapping[str, str]) -> Document:
    """Name the address of each feed: gbfs.json."""
    feeds = {"feeds": [{"name": name, "url": url} for name, url in urls.items()]}
    return document(version, at, ttl, feeds if version == "3.0" else {_LANGUAGE: feeds})


def system_information(
    version: str,
    at: datetime,
    ttl: int,
    stations: Stations,
    name: str,
    hours: str = "",
    licence: Mapping[str, str] = NO_LICENCE,
) -> Document:
    """Describe the system; its `hours`, in OpenStreetMap's syntax, are in here from version 3.0 on.

    `licence` has the terms of the data by the names of `ingest.gbfs.licence.FIELDS`.
    """
    about: dict[str, Any] = {
        "system_id": stations.system_id,
        "name": _text(version, name),
        "timezone": stations.timezone,
    }
    if version == "3.0":
        # Version 3.0 demands the last two. A recording knows no address, and not always the hours.
        about |= {
            "languages": [_LANGUAGE],
            "opening_hours": hours or "24/7",
            "feed_contact_email": "nobody@example.invalid",
        }
    else:
        about["language"] = _LANGUAGE
    for field, text in licence.items():
        about[field] = _text(version, text) if field == "attribution_organization_name" else text
    return document(version, at, ttl, about)


def system_hours(version: str, at: datetime, ttl: int, hours: Hours) -> Document:
    """Give the hours of every day, for everybody. There is no such feed in 3.0, nor a time of 24:00."""
    opens, closes = (min(hour * 3600, 86_399) for hour in hours)
    entry = {
        "user_types": ["member", "nonmember"],
        "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
        "start_time": f"{opens // 3600:02}:{opens % 3600 // 60:02}:{opens % 60:02}",
        "end_time": f"{closes // 3600:02}:{closes % 3600 // 60:02}:{closes % 60:02}",
    }
    return document(version, at, ttl, {"rental_hours": [entry]})


def vehicle_types(version: str, at: datetime, ttl: int) -> Document:
    """Tell bikes from e-bikes. There is no such feed in 1.1."""
    types = [
        {
            "vehicle_type_id": BIKE,
            "form_factor": "bicycle",
            "propulsion_type": "human",
            "name": _text(version, "Bike"),
        },
        {
            "vehicle_type_id": EBIKE,
            "form_factor": "bicycle",
            "propulsion_type": "electric_assist",
            "max_range_meters": 0,  # demanded, and not known
            "name": _text(version, "E-bike"),
        },
    ]
    return document(version, at, ttl, {"vehicle_types": types})


def station_information(version: str, at: datetime, ttl: int, stations: Stations) -> Document:
    """Describe the stations."""
    rows = []
    for station_id, name, lat, lon, capacity in zip(
        stations.station_id.tolist(),
        stations.name.tolist(),
        stations.lat.tolist(),
        stations.lon.tolist(),
        stations.capacity.tolist(),
        strict=True,
    ):
        row = {"station_id": station_id, "name": _text(version, name), "lat": lat, "lon": lon}
        if capacity >= 0:
            row["capacity"] = capacity
        rows.append(row)
    return document(version, at, ttl, {"stations": rows})


def station_status(version: str, ttl: int, snapshot: Snapshot) -> Document:
    """Write what each station holds, dated by the snapshot.

    From 2.3 on, e-bikes are a vehicle type. Version 1.1 does not have them: there they are in the field that
    operators added themselves.
    """
    size = len(snapshot)
    bikes_field = "num_vehicles_available" if version == "3.0" else "num_bikes_available"
    flag = int if version == "1.1" else bool
    reported = time(version, snapshot.at)
    rows = []
    for station_id, bikes, docks, ebikes, renting, returning in zip(
        snapshot.station_id.tolist(),
        snapshot.bikes.tolist(),
        snapshot.docks.tolist(),
        [-1] * size if snapshot.ebikes is None else snapshot.ebikes.tolist(),
        [True] * size if snapshot.renting is None else snapshot.renting.tolist(),
        [True] * size if snapshot.returning is None else snapshot.returning.tolist(),
        strict=True,
    ):
        if bikes < 0 or (docks < 0 and version == "1.1"):
            continue
        row = {
            "station_id": station_id,
            bikes_field: bikes,
            "is_installed": flag(True),
            "is_renting": flag(renting),
            "is_returning": flag(returning),
            "last_reported": reported,
        }
        if docks >= 0:
            row["num_docks_available"] = docks
        if ebikes >= 0 and version == "1.1":
            row["num_ebikes_available"] = ebikes
        elif ebikes >= 0:
            row["vehicle_types_available"] = [
                {"vehicle_type_id": BIKE, "count": max(bikes - ebikes, 0)},
                {"vehicle_type_id": EBIKE, "count": ebikes},
            ]
        rows.append(row)
    return document(version, snapshot.at, ttl, {"stations": rows})


def document(version: str, at: datetime, ttl: int, data: Document) -> Document:
    """Put data into what all documents have in common."""
    return {"last_updated": time(version, at), "ttl": ttl, "version": version, "data": data}


def time(version: str, at: datetime) -> int | str:
    """Write a time: in text from version 3.0 on, in Unix seconds before."""
    return at.isoformat().replace("+00:00", "Z") if version == "3.0" else int(at.timestamp())


def _text(version: str, text: str) -> str | list[dict[str, str]]:
    return [{"text": text, "language": _LANGUAGE}] if version == "3.0" else text
