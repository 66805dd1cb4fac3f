"""GBFS documents of any version, v1.0 to v3.x, read into what Dockcast works with.

Versions are mixed in practice (v2 fields in v3 documents and the reverse, no version at all), so nothing
here asks for the version: each field is looked for under all the names that it has had.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

import numpy as np

from ingest import gbfs_values as values
from ingest.gbfs_values import FeedError, Findings
from model.records import UNKNOWN, Bools, Ints, Stations

Document = dict[str, Any]
_ELECTRIC = ("ebike", "electric", "ebikes", "e-bike", "e_bike", "electrical", "electric_assist")
_BICYCLES = ("bicycle", "cargo_bicycle", "bike", "ebike")


# ---------------------------------------------------------------- discovery


def feeds(document: Document, base: str) -> dict[str, str]:
    """Read where each feed of a system is, from its discovery document at `base`.

    Before v3.0 there is a list a language: English is preferred, then the first that has station feeds.

    Raises `FeedError` where there are none: free-floating bikes, or no discovery document at all.
    """
    data = document.get("data")
    if not isinstance(data, dict):
        raise FeedError("refused", "the address does not lead to a GBFS discovery document", "not_gbfs")
    lists = [data] if "feeds" in data else [data[key] for key in sorted(data, key=lambda key: key != "en")]
    found = [_named(entry.get("feeds"), base) for entry in lists if isinstance(entry, dict)]
    for named in found:
        if "station_status" in named and "station_information" in named:
            return named
    every = {feed for named in found for feed in named}
    if not every:
        raise FeedError("refused", "the discovery document names no feed at a web address", "no_feeds")
    missing = [feed for feed in ("station_information", "station_status") if feed not in every]
    if len(missing) == 2:
        words = "the system has no stations: its bikes float freely, and nothing can be forecast"
        raise FeedError("refused", words, "no_stations")
    words = f"the discovery document names no {(missing or ['station_status'])[0].replace('_', ' ')}"
    raise FeedError("refused", words, "no_feeds")


def _named(entries: Any, base: str) -> dict[str, str]:
    named: dict[str, str] = {}
    for entry in entries if isinstance(entries, list) else ():
        if not isinstance(entry, dict):
            continue
        feed, url = entry.get("name"), entry.get("url")
        if isinstance(feed, str) and isinstance(url, str) and len(url) <= 2000:
            try:
                url = urljoin(base, url.strip())
                scheme = urlsplit(url).scheme
            except ValueError:
                continue
            if scheme in ("http", "https"):
                named.setdefault(feed.strip().removesuffix(".json"), url)
    return named


# ---------------------------------------------------------------- system information and vehicle types


def time_zone(document: Document) -> str | None:
    """Read the system's time zone from its system information; None where there is none that exists."""
    data = document.get("data")
    zone = data.get("timezone") if isinstance(data, dict) else None
    return zone if isinstance(zone, str) and values.is_zone(zone) else None


@dataclass(frozen=True)
class VehicleTypes:
    """The ids of vehicle types: those that are bicycles, and those of them that have a motor."""

    bicycles: frozenset[str] = frozenset()
    electric: frozenset[str] = frozenset()


def vehicle_types(document: Document) -> VehicleTypes:
    """Read which vehicles are bicycles and which are electric: one feed may offer cars at its stations."""
    data = document.get("data")
    entries = data.get("vehicle_types") if isinstance(data, dict) else None
    bicycles, electric = set(), set()
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and entry.get("form_factor") in _BICYCLES:
            bicycles.add(str(entry.get("vehicle_type_id")))
            if entry.get("propulsion_type") in ("electric", "electric_assist"):
                electric.add(str(entry.get("vehicle_type_id")))
    return VehicleTypes(frozenset(bicycles), frozenset(electric))


# ---------------------------------------------------------------- station information


def stations(
    document: Document, system_id: str, country: str, zone: str | None, findings: Findings
) -> tuple[Stations, frozenset[str]]:
    """Read the stations, ordered by id so that a feed that shuffles them does not seem to change.

    One without a place on the globe is left out, for nobody can walk to it, and its id comes second.
    `zone` is the system's own; where it is None the place decides.

    Raises `FeedError` when there is no station at all.
    """
    found: dict[str, tuple[str, float, float, int]] = {}
    passed_over = set()
    for entry in _entries(document, "station information"):
        key = values.station_id(entry.get("station_id"))
        if key is None:
            findings.add("no_id", entry.get("name"))
            continue
        if key in found:
            findings.add("duplicate_station", key)
            continue
        place = values.position(entry.get("lat"), entry.get("lon"))
        if place is None:
            findings.add("no_position", key)
            passed_over.add(key)
            continue
        name = values.name(entry.get("name"))
        if not name:
            findings.add("no_name", key)
        found[key] = (name or key, *place, values.count(entry.get("capacity")) or UNKNOWN)
    if not found:
        raise FeedError(
            "refused", "the feed describes no station that has an id and a position", "no_stations"
        )
    ids = sorted(found)
    names, lats, lons, capacities = zip(*(found[key] for key in ids), strict=True)
    if zone is None:
        zone = values.zone_at(float(np.median(lats)), float(np.median(lons)))
        findings.add("no_zone", zone)
    described = Stations(
        system_id=system_id, timezone=zone, country=country, station_id=np.array(ids), name=np.array(names),
        lat=np.array(lats), lon=np.array(lons), capacity=np.array(capacities),
    )  # fmt: skip
    return described, frozenset(passed_over)


def _entries(document: Document, what: str) -> list[Document]:
    data = document.get("data")
    listed = data.get("stations") if isinstance(data, dict) else None
    if not isinstance(listed, list):
        raise FeedError("refused", f"the {what} has no list of stations", "not_gbfs")
    if not listed:
        # Boulder did it seven times a day: an outage, not the end of all stations.
        raise FeedError("refused", f"the {what} came without a single station", "no_stations_now")
    return [entry for entry in listed if isinstance(entry, dict)]


# ---------------------------------------------------------------- station status


@dataclass(frozen=True, eq=False)
class Counts:
    """What each station of `Stations` holds, aligned with it: `(S,)`, -1 for unknown.

    `told` is the feed's own time, `renting` and `returning` are None where no station has such flags.
    `newcomers` are ids that the station information does not have.
    """

    told: datetime | None
    bikes: Ints
    docks: Ints
    ebikes: Ints | None
    renting: Bools | None
    returning: Bools | None
    newcomers: frozenset[str]

    def same_as(self, other: Counts) -> bool:
        """Tell whether all stations hold the same, whatever the time."""
        return all(
            np.array_equal(getattr(self, name), getattr(other, name))
            for name in ("bikes", "docks", "ebikes", "renting", "returning")
        )


def counts(
    document: Document,
    known: Stations,
    passed_over: frozenset[str],
    types: VehicleTypes,
    findings: Findings,
) -> Counts:
    """Read what each of the `known` stations holds; those `passed_over` are no newcomers.

    Raises `FeedError` when no number of bikes can be read at any of them.
    """
    row_of = {key: row for row, key in enumerate(known.station_id.tolist())}
    capacity = known.capacity.tolist()
    size = len(row_of)
    bikes, docks, ebikes = ([UNKNOWN] * size for _ in range(3))
    renting: list[bool | None] = [None] * size
    returning: list[bool | None] = [None] * size
    seen = [False] * size
    newcomers = set()
    for entry in _entries(document, "station status"):
        key = values.station_id(entry.get("station_id"))
        if key is None:
            findings.add("no_id")
            continue
        row = row_of.get(key)
        if row is None:
            if key not in passed_over:
                newcomers.add(key)
            continue
        if seen[row]:
            findings.add("duplicate_station", key)
            continue
        seen[row] = True
        bikes[row] = _bikes(entry, capacity[row], types)
        if bikes[row] == UNKNOWN:
            findings.add("bad_count", f"bikes at {key}")
        free = entry.get("num_docks_available")
        docks[row] = values.count(free, capacity[row])
        if docks[row] == UNKNOWN:
            findings.add("no_docks" if free is None else "bad_count", f"docks at {key}: {free}")
        electric = _ebikes(entry, types)
        ebikes[row] = electric if electric <= bikes[row] else UNKNOWN
        there = values.flag(entry.get("is_installed")) is not False
        renting[row] = there and values.flag(entry.get("is_renting"))
        returning[row] = there and values.flag(entry.get("is_returning"))
    for key in newcomers:
        findings.add("status_only", key)
    missing = seen.count(False)
    if missing:
        findings.add("status_missing", known.station_id[seen.index(False)], missing)
    if max(bikes) == UNKNOWN:
        if missing == size:
            raise FeedError(
                "refused", "station status and information have no station in common", "no_counts"
            )
        raise FeedError("refused", "the feed tells no station's number of bikes", "no_counts")
    return Counts(
        told=values.moment(document.get("last_updated")),
        bikes=np.array(bikes),
        docks=np.array(docks),
        ebikes=np.array(ebikes) if max(ebikes) != UNKNOWN else None,
        renting=_flags(renting),
        returning=_flags(returning),
        newcomers=frozenset(newcomers),
    )


def _flags(flags: list[bool | None]) -> Bools | None:
    """A missing flag means open: the first versions had none."""
    return None if all(flag is None for flag in flags) else np.array([flag is not False for flag in flags])


def _bikes(entry: Mapping[str, Any], capacity: int, types: VehicleTypes) -> int:
    by_type = _by_type(entry)
    if by_type and types.bicycles and not types.bicycles.issuperset(by_type):
        # Cars or scooters stand here too, and the plain number may count them.
        of_bikes = [found for key, found in by_type.items() if key in types.bicycles]
        return UNKNOWN if UNKNOWN in of_bikes else values.count(sum(of_bikes), capacity)
    for field in ("num_bikes_available", "num_vehicles_available"):
        found = values.count(entry.get(field), capacity)
        if found != UNKNOWN:
            return found
    if not by_type or UNKNOWN in by_type.values():
        return UNKNOWN
    return values.count(sum(by_type.values()), capacity)


def _ebikes(entry: Mapping[str, Any], types: VehicleTypes) -> int:
    found = values.count(entry.get("num_ebikes_available"))
    if found != UNKNOWN:
        return found
    named = entry.get("num_bikes_available_types")
    if named is not None:
        # A dict in Barcelona and Boulder, a list of one-key dicts in Paris.
        dicts = [part for part in (named if isinstance(named, list) else [named]) if isinstance(part, dict)]
        of = [values.count(part[key]) for part in dicts for key in part if str(key).lower() in _ELECTRIC]
        return sum(of) if of and UNKNOWN not in of else UNKNOWN
    by_type = _by_type(entry) if types.bicycles else {}
    if not by_type:
        return UNKNOWN
    of = [found for key, found in by_type.items() if key in types.electric]
    return UNKNOWN if UNKNOWN in of else sum(of)


def _by_type(entry: Mapping[str, Any]) -> dict[str, int]:
    listed = entry.get("vehicle_types_available")
    found: dict[str, int] = {}
    for part in listed if isinstance(listed, list) else ():
        if isinstance(part, dict):
            key = str(part.get("vehicle_type_id"))
            found[key] = values.count(part.get("count"))
    return found
