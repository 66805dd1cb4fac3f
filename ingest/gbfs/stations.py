"""Reads station information and station status of any version, v1.0 to v3.x, into arrays.

Operators mix versions (v2 fields in v3 documents and the reverse) or give none. So nothing here looks at the
version: each field is read under all the names that it has had.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np

from ingest.gbfs import values
from ingest.gbfs.docks import DockEvidence
from ingest.gbfs.documents import Document, listed
from ingest.gbfs.errors import (
    DocumentName,
    NoBicycles,
    NoCounts,
    NoStationList,
    NoStationsNow,
    NothingInCommon,
    NoUsableStation,
    TooManyStations,
)
from ingest.gbfs.findings import Findings
from ingest.gbfs.vehicles import VehicleCounts, VehicleTypes, by_type, docks_for_bikes, of_total
from model.arrays import Bools, Floats, Ints, Strings
from model.globe import EARTH_KM, points_in_space
from model.records import COUNTS, UNKNOWN, CountState, Stations, contradicted, count_states

_ELECTRIC = ("ebike", "electric", "ebikes", "e-bike", "e_bike", "electrical", "electric_assist")

FAR_KM = 100.0
"""How far from all others a station of one city can be before it is taken for a test, or a slip."""
FEW = 20
"""One station in so many may be that far off, one in a small system; more are towns of their own."""

MOST_STATIONS = 10_000
"""Stations that one feed may have, four times the largest known: each takes some 80 kB of memory."""


# ---------------------------------------------------------------- station information


@dataclass(frozen=True, eq=False)
class DescribedStations:
    """The stations of a station information, and the ids of special ones.

    `passed_over` are ids without a position or far from all others, left out because nobody can walk to
    them. `dockless` are virtual stations without a capacity, whose 0 free docks do not mean that they are
    full.
    """

    stations: Stations
    passed_over: frozenset[str] = frozenset()
    dockless: frozenset[str] = frozenset()


def describe(
    document: Document, system_id: str, country: str, zone: str | None, findings: Findings, year: int
) -> DescribedStations:
    """Read the stations, ordered by id so that a feed that shuffles them does not seem to change.

    `zone` is the system's own time zone. Where it is None, or has other clocks in `year` than the stations'
    position has, the position decides: "EST" is an hour off all summer in Atlanta.

    Raises `FeedError` when there is no station at all.
    """
    found: dict[str, tuple[str, float, float, int]] = {}
    passed_over, dockless = set(), set()
    for entry in _entries(document, "station_information"):
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
        capacity = values.count(entry.get("capacity")) or UNKNOWN
        if capacity == UNKNOWN and values.flag(entry.get("is_virtual_station")):
            dockless.add(key)
        found[key] = (name or key, *place, capacity)
    if not found:
        raise NoUsableStation
    if len(found) > MOST_STATIONS:
        raise TooManyStations(stations=len(found), most=MOST_STATIONS)
    for key, distance in far_away({key: (lat, lon) for key, (_, lat, lon, _) in found.items()}).items():
        findings.add("far_away", f"{key}: {distance:,.0f} km")
        passed_over.add(key)
        del found[key]
    ids = sorted(found)
    names, lats, lons, capacities = zip(*(found[key] for key in ids), strict=True)
    if zone is None:
        zone = values.zone_at(float(np.median(lats)), float(np.median(lons)))
        findings.add("no_zone", zone)
    elif (there := values.zone_of_place(zone, lats, lons, year)) != zone:
        findings.add("wrong_zone", f"{zone}: {there}")
        zone = there
    stations = Stations(
        system_id=system_id, timezone=zone, country=country, station_id=np.array(ids), name=np.array(names),
        lat=np.array(lats), lon=np.array(lons), capacity=np.array(capacities),
    )  # fmt: skip
    return DescribedStations(stations, frozenset(passed_over), frozenset(dockless))


def far_away(places: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    """Give the stations of a one-city system that are far from all others, with their distance from the city.

    It is one city where all other stations, three at least, are within `FAR_KM` of their middle. A system of
    several towns loses none, since nobody knows which of them are real. The price: two test stations at one
    place stay, and so does a lone one of such a system.

    >>> city = {f"s{row}": (53.3 + row / 100, -6.2) for row in range(5)}
    >>> far_away(city | {"test": (40.7, -74.0)})
    {'test': 5119.6...}
    >>> far_away(city | {"cork": (51.9, -8.5), "belfast": (54.6, -5.9)})
    {}
    """
    points = points_in_space(*np.array([*places.values()]).T)
    middle = np.median(points, axis=0)
    apart = np.linalg.norm(points - middle, axis=1)
    far = np.flatnonzero(apart > FAR_KM)
    if not 0 < len(far) <= max(1, len(points) // FEW) or len(points) - len(far) < 3:
        return {}
    for row in far:
        if (np.linalg.norm(np.delete(points, row, axis=0) - points[row], axis=1) <= FAR_KM).any():
            return {}
    keys = [*places]
    arc = 2 * EARTH_KM * np.arcsin(np.minimum(apart / (2 * EARTH_KM), 1))
    return {keys[row]: float(arc[row]) for row in far}


def _entries(document: Document, name: DocumentName) -> list[Document]:
    found = listed(document, "stations")
    if found is None:
        raise NoStationList(name)
    if not found:
        raise NoStationsNow(name)
    return [entry for entry in found if isinstance(entry, dict)]


# ---------------------------------------------------------------- station status


@dataclass(frozen=True, eq=False)
class StationCounts:
    """What each station of `Stations` holds, aligned with it: `(S,)`, -1 for unknown.

    `feed_time` is the feed's own time, `renting` and `returning` are None where no station has such flags.
    `bikes` has no cargo bikes; they are in `cargo`, which is None where no station lists vehicle types.
    `state` is a `CountState` for each station: both counts are -1 where it says that they are not known.
    `newcomers` are ids that the station information does not have, `new_types` ids of vehicle types that the
    vehicle types do not have. `reported` is when each station was last heard of, in Unix seconds `(S,)`, not
    a number where that is not told.
    """

    feed_time: datetime | None
    bikes: Ints
    docks: Ints
    ebikes: Ints | None
    renting: Bools | None
    returning: Bools | None
    newcomers: frozenset[str]
    reported: Floats
    cargo: Ints | None
    state: Ints
    new_types: frozenset[str] = frozenset()

    @property
    def is_open(self) -> Bools:
        """Where bikes can be taken or brought, `(S,)`; everywhere in a feed without flags."""
        if self.renting is None or self.returning is None:
            return np.ones(len(self.bikes), dtype=np.bool_)
        return self.renting | self.returning

    def same_as(self, other: StationCounts) -> bool:
        """Tell whether all stations hold the same, whatever the time."""
        return all(
            np.array_equal(getattr(self, name), getattr(other, name))
            for name in ("bikes", "docks", "ebikes", "cargo", "renting", "returning", "state")
        )

    def hidden(self, where: Bools, state: CountState) -> StationCounts:
        """Take the counts of some stations `(S,)` as unknown, for the reason that `state` gives."""
        counts: dict[str, Any] = {
            name: np.where(where, UNKNOWN, getattr(self, name))
            for name in COUNTS
            if getattr(self, name) is not None
        }
        return replace(self, **counts, state=np.where(where, int(state), self.state))


def counts(
    document: Document,
    described: DescribedStations,
    types: VehicleTypes,
    findings: Findings,
    evidence: DockEvidence | None = None,
) -> StationCounts:
    """Read what each described station holds; `evidence` of earlier documents tells whose docks mean nothing.

    Raises `FeedError` when no number of bikes can be read at any of them, or when the system has no bicycle.
    """
    known = described.stations
    row_of = {key: row for row, key in enumerate(known.station_id.tolist())}
    capacity = known.capacity.tolist()
    size = len(row_of)
    bikes, docks, ebikes, cargo = ([UNKNOWN] * size for _ in range(4))
    taken = [0] * size
    renting: list[bool | None] = [None] * size
    returning: list[bool | None] = [None] * size
    seen = [False] * size
    reported = np.full(size, np.nan)
    newcomers = set()
    new_types: set[str] = set()
    for entry in _entries(document, "station_status"):
        key = values.station_id(entry.get("station_id"))
        if key is None:
            findings.add("no_id")
            continue
        row = row_of.get(key)
        if row is None:
            if key not in described.passed_over:
                newcomers.add(key)
            continue
        if seen[row]:
            findings.add("duplicate_station", key)
            continue
        seen[row] = True
        heard = values.moment(entry.get("last_reported"))
        if heard is not None:
            reported[row] = heard.timestamp()
        found, others = by_type(entry, types), list[int]()
        if found is not None:
            cargo[row] = found.cargo
            others += [found.cargo, found.other]
            if found.undescribed and types.kinds:
                findings.add("unknown_type", f"{key}: {min(found.undescribed)}")
            new_types |= found.undescribed
        bikes[row], contradictory = _bikes(entry, capacity[row], found)
        if contradictory and types.kinds:
            findings.add("contradictory_types", f"bikes at {key}: {entry.get('num_bikes_available')}")
        if bikes[row] == UNKNOWN:
            findings.add("bad_count", f"bikes at {key}: {entry.get('num_bikes_available')}")
        free = entry.get("num_docks_available")
        docks[row] = values.count(free, capacity[row])
        apart = docks_for_bikes(entry, types)
        if apart is not None:
            others.append(apart[1])
            docks[row], contradictory = of_total(docks[row], *apart)
            docks[row] = free = values.count(docks[row], capacity[row])
            if contradictory and types.kinds:
                findings.add("contradictory_types", f"docks at {key}: {entry.get('num_docks_available')}")
        if docks[row] == 0 and key in described.dockless:
            docks[row], free = UNKNOWN, None
        if docks[row] == UNKNOWN:
            findings.add("no_docks" if free is None else "bad_count", f"docks at {key}: {free}")
        electric = _ebikes(entry, found)
        ebikes[row] = electric if electric <= bikes[row] else UNKNOWN
        taken[row] = _disabled(entry) + sum(max(each, 0) for each in others)
        there = values.flag(entry.get("is_installed")) is not False
        renting[row] = there and values.flag(entry.get("is_renting"))
        returning[row] = there and values.flag(entry.get("is_returning"))
    if types.has_no_bicycle and not new_types:
        raise NoBicycles
    for key in newcomers:
        findings.add("status_only", key)
    missing = seen.count(False)
    if missing:
        findings.add("status_missing", known.station_id[seen.index(False)], missing)
    if max(bikes) == UNKNOWN:
        if missing == size:
            raise NothingInCommon
        raise NoCounts
    open_ = np.array([False not in pair for pair in zip(renting, returning, strict=True)])
    # In New York all 43 docks of a station are out of order: it has no bike and no space, in truth. The same
    # holds where other vehicles and their docks take up all places.
    usable = known.capacity - np.array(taken)
    if evidence is not None:
        _hide_docks(evidence, known.station_id, bikes, docks, np.where(open_, usable, 0), findings)
    blank = contradicted(np.array(bikes), np.array(docks), usable, open_)
    if blank.any():
        findings.add("contradicted", known.station_id[blank][0], int(blank.sum()))
    rents, takes_back = _flags(renting), _flags(returning)
    read = StationCounts(
        feed_time=feed_time(document),
        bikes=np.array(bikes),
        docks=np.array(docks),
        ebikes=np.array(ebikes) if max(ebikes) != UNKNOWN else None,
        renting=rents,
        returning=takes_back,
        newcomers=frozenset(newcomers),
        reported=reported,
        cargo=np.array(cargo) if max(cargo) != UNKNOWN else None,
        state=count_states(np.array(bikes), rents, takes_back),
        new_types=frozenset(new_types),
    )
    return read.hidden(blank, CountState.CONTRADICTED)


def _hide_docks(
    evidence: DockEvidence, ids: Strings, bikes: list[int], docks: list[int], usable: Ints, findings: Findings
) -> None:
    """Take the docks of stations as unknown that always say 0, whatever stands there."""
    names = ids.tolist()
    evidence.note(names, bikes, docks, usable.tolist())
    silent = [row for row, key in enumerate(names) if key in evidence.silent]
    for row in silent:
        docks[row] = UNKNOWN
    if silent:
        findings.add("docks_always_0", names[silent[0]], len(silent))


def feed_time(document: Document) -> datetime | None:
    """Read the time at which the feed says that it wrote the document."""
    return values.moment(document.get("last_updated", document.get("lastUpdatedOther")))  # so does Vélib'


def _flags(flags: list[bool | None]) -> Bools | None:
    """Fill in flags; a missing one means open, since the first versions had none."""
    return None if all(flag is None for flag in flags) else np.array([flag is not False for flag in flags])


def _bikes(entry: Mapping[str, Any], capacity: int, found: VehicleCounts | None) -> tuple[int, bool]:
    """Read a station's bikes, and whether its total and its counts by type contradict each other."""
    total = values.count(entry.get("num_bikes_available"), capacity)
    if total == UNKNOWN:
        total = values.count(entry.get("num_vehicles_available"), capacity)
    if found is None:
        return total, False
    bikes, contradictory = of_total(total, found.bikes, found.cargo, found.other)
    return values.count(bikes, capacity), contradictory


_DISABLED = ("num_bikes_disabled", "num_vehicles_disabled", "num_docks_disabled")


def _disabled(entry: Mapping[str, Any]) -> int:
    """Count the places that are out of order, or hold a bike that is."""
    return sum([max(values.count(entry[field]), 0) for field in _DISABLED if field in entry])


def _ebikes(entry: Mapping[str, Any], found: VehicleCounts | None) -> int:
    if found is not None and found.electric != UNKNOWN:
        return found.electric
    total = values.count(entry.get("num_ebikes_available"))
    if total != UNKNOWN:
        return total
    # A dict in Barcelona and Boulder, a list of one-key dicts in Paris.
    named = entry.get("num_bikes_available_types")
    if named is None:
        return UNKNOWN
    dicts = [part for part in (named if isinstance(named, list) else [named]) if isinstance(part, dict)]
    of = [values.count(part[key]) for part in dicts for key in part if str(key).lower() in _ELECTRIC]
    return sum(of) if of and UNKNOWN not in of else UNKNOWN
