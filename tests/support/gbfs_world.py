"""Writes a small city's GBFS documents without a defect; each test puts one in.

`Operator` serves them over HTTP from this machine and lets a test set the clock.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import numpy as np

from ingest.gbfs.documents import parse
from ingest.gbfs.feed import Feed, Poll
from ingest.gbfs.findings import Findings
from ingest.gbfs.stations import DescribedStations, StationCounts, counts, describe
from ingest.gbfs.vehicles import VehicleTypes
from ingest.http.client import Fetcher
from ingest.system import System
from tests.support.misbehaving import Behaviour, Handler, Misbehaving, document

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SECONDS = int(NOW.timestamp())

Json = dict[str, Any]


def place(station_id: Any, /, **fields: Any) -> Json:
    """Make an entry of station information; a field that is `...` is left out."""
    entry = {
        "station_id": station_id,
        "name": f"Place {station_id}",
        "lat": 43.60,
        "lon": 1.44,
        "capacity": 20,
    } | fields
    return {key: value for key, value in entry.items() if value is not ...}


def holding(station_id: Any, bikes: Any = 5, docks: Any = 15, /, **fields: Any) -> Json:
    """Make an entry of station status; a field that is `...` is left out."""
    entry = {
        "station_id": station_id,
        "num_bikes_available": bikes,
        "num_docks_available": docks,
        "is_installed": True,
        "is_renting": True,
        "is_returning": True,
        "last_reported": SECONDS,
    } | fields
    return {key: value for key, value in entry.items() if value is not ...}


def wrap(data: Any, **fields: Any) -> Json:
    """Make a document; a field that is `...` is left out."""
    whole = {"last_updated": SECONDS, "ttl": 60, "version": "2.3", "data": data} | fields
    return {key: value for key, value in whole.items() if value is not ...}


def information(*places: Json, **fields: Any) -> Json:
    """Make station information."""
    return wrap({"stations": list(places)}, **fields)


def status(*stations: Json, **fields: Any) -> Json:
    """Make station status."""
    return wrap({"stations": list(stations)}, **fields)


def feed_list(*names: str, at: str = "https://bikes.example") -> list[Json]:
    """List feeds with these names, as discovery does."""
    return [{"name": name, "url": f"{at}/{name}.json"} for name in names]


STATION_FEEDS = ("station_information", "station_status")

# ---------------------------------------------------------------- reading without a network


def described(
    *places: Json, findings: Findings | None = None, zone: str | None = "Europe/Paris"
) -> DescribedStations:
    """Read station information."""
    return describe(information(*places), "toulouse", "FR", zone, findings or Findings(), NOW.year)


def counted(
    document: Json, known: DescribedStations | None = None, types: VehicleTypes | None = None
) -> tuple[StationCounts, dict[str, int]]:
    """Read station status, for stations of the same ids unless `known` has others; count the findings."""
    if known is None:
        ids = dict.fromkeys(str(entry["station_id"]) for entry in document["data"]["stations"])
        known = described(*(place(key) for key in ids))
    findings = Findings()
    read = counts(parse(json.dumps(document).encode(), "station_status", findings), known,
                  types or VehicleTypes(), findings)  # fmt: skip
    return read, {finding.kind: finding.count for finding in findings.all()}


# ---------------------------------------------------------------- serving


class Operator:
    """Runs a small city's feed on a misbehaving server, at a time of the test's choosing.

    A test may change `discovery`, `information`, `status`, `system`, `types`, `hours` and `calendar` at any
    time: the server sends them as they are at that moment. It answers 404 for one that is None.
    """

    def __init__(self, server: Misbehaving, label: str = "") -> None:
        self.server = server
        self.now = NOW
        self.information: Json | None = information(place("1"), place("2"))
        self.status: Json | None = status(holding("1", 5, 15), holding("2", 7, 13))
        self.system: Json | None = wrap(
            {"system_id": "toulouse", "language": "en", "name": "VélôToulouse", "timezone": "Europe/Paris"}
        )
        self.types: Json | None = None
        self.hours: Json | None = None
        self.calendar: Json | None = None
        self.discovery: Json | None = wrap(
            {"en": {"feeds": feed_list(*STATION_FEEDS, "system_information", at=server.url(""))}}
        )
        for path, name in (("gbfs", "discovery"), ("station_information", "information"),
                           ("station_status", "status"), ("system_information", "system"),
                           ("vehicle_types", "types"), ("system_hours", "hours"),
                           ("system_calendar", "calendar")):  # fmt: skip
            server.at(f"/{path}.json", self._serve_current(partial(getattr, self, name)))
        self.followed = System(
            "toulouse", "VélôToulouse", "Toulouse", "FR", server.url("/gbfs.json"), label=label
        )
        self.fetcher = Fetcher(lambda: self.now, seconds=5)
        self.feed = self.follow()

    def follow(self) -> Feed:
        """Open a new feed of this system."""
        return Feed(self.followed, self.fetcher, lambda: self.now)

    def poll(self, after: float = 0, feed_time: Any = None) -> Poll:
        """Let `after` seconds pass, set the status' own time if `feed_time` is given, and poll."""
        self.now += timedelta(seconds=after)
        if feed_time is not None and self.status is not None:
            self.status["last_updated"] = feed_time
        return self.feed.poll()

    def hold(self, station_id: str, bikes: Any) -> None:
        """Set the bikes of a station from now on."""
        assert self.status is not None
        for entry in self.status["data"]["stations"]:
            if entry["station_id"] == station_id:
                entry["num_bikes_available"] = bikes

    def _serve_current(self, current: Callable[[], Json | None]) -> Behaviour:
        def behave(handler: Handler) -> None:
            now = current()
            if now is None:
                handler.send(b"", 404)
            else:
                document(now)(handler)

        return behave


def bikes(poll: Poll, station_id: str) -> int:
    """Give a station's bikes by a poll; -1 where the poll does not have them."""
    assert poll.snapshot is not None, f"the poll brought nothing new: {poll.outcome}"
    found = np.flatnonzero(poll.snapshot.station_id == station_id)
    return int(poll.snapshot.bikes[found[0]]) if len(found) else -1


def kinds(poll: Poll) -> dict[str, int]:
    """Count the findings of a poll by kind."""
    return {finding.kind: finding.count for finding in poll.findings}
