"""Polls one system's feed: a poll gives the stations, a snapshot where there is a new one, and the findings.

A feed is several documents that change at their own pace. Discovery, system information, vehicle types,
opening hours and seasons are read daily. Station status is read at every poll. Station information is read by
its `ttl`; it is read sooner when the status names a station that it lacks, since operators do not write both
at one moment, and at once when the status names no other. When a slow document cannot be read again, the last
good one stays in use, also after a restart. So only the status can fail a poll of a feed that has worked
before.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import numpy as np

from ingest.gbfs import discovery, docks, hours, licence, regions, values, vehicles
from ingest.gbfs.clock import EventClock, Outcome, offset_reason
from ingest.gbfs.docks import DockEvidence
from ingest.gbfs.documents import Document, parse
from ingest.gbfs.errors import DocumentName, FeedError, FetchFailed, NothingInCommon
from ingest.gbfs.findings import Finding, Findings
from ingest.gbfs.hours import PublishedHours
from ingest.gbfs.reports import LastReports
from ingest.gbfs.stations import DescribedStations, StationCounts, counts, describe
from ingest.gbfs.vehicles import VehicleTypes
from ingest.http import client as http
from ingest.http.errors import FetchError, NotFound
from ingest.reason import Reason
from ingest.system import System
from model.records import CountState, Snapshot, Stations

SLOW: tuple[DocumentName, ...] = ("system_information", "vehicle_types", "system_hours", "system_calendar")
"""The documents that a forecast can do without."""
READ: frozenset[DocumentName] = frozenset(("station_status", "station_information", *SLOW))
"""The documents that are read beside discovery."""

DISCOVERY_EVERY = timedelta(days=1)
DISCOVERY_AFTER_FAILURE = timedelta(minutes=10)
INFORMATION_EVERY = timedelta(minutes=15), timedelta(days=1)
LONGEST_TTL = 300.0
"""Seconds that live counts are good for at most. Vélib' says 3600, and changes each minute."""
SILENCE = timedelta(minutes=10)
"""How long a server may answer that nothing has changed before it is asked without a condition."""
LONGEST_DOUBT = timedelta(hours=1)
"""How rarely that is done at least while nothing is new: the wait doubles up to this."""
DISTRUST = timedelta(days=1)
"""How long a server that said so falsely is asked without conditions."""
OFFSET, OFFSET_STEP = "clock_offset", 1
"""The name of the remembered offset of a feed's clock, in minutes; and by how many it may differ."""
_NOW = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, eq=False)
class Poll:
    """The result of one poll.

    There is a `snapshot` exactly when `outcome` is "fresh". It has the stations of `stations`, in their
    order. `at` is the event time of the newest snapshot so far. `stations` is the same object until they
    change. `still_seconds` is how long neither the feed's time nor its counts have changed: the caller
    decides from when on that is silence. `ttl_seconds` counts from `received_at`. `documents` is what a feed
    has to know of its slow documents after a restart, as JSON by their names.
    """

    outcome: Outcome
    received_at: datetime
    seconds: float
    stations: Stations
    snapshot: Snapshot | None
    at: datetime | None
    ttl_seconds: float
    still_seconds: float
    findings: tuple[Finding, ...]
    documents: Mapping[str, str] = field(default_factory=dict)


@dataclass
class FeedDocument:
    """One document of the feed: its address, when to read it again, and whether we hold its newest content.

    `validators` are those of its last answer. `trouble` says why it could not be read when it was due.
    """

    name: DocumentName
    url: str
    due_at: datetime = _NOW
    held: bool = False
    validators: Mapping[str, str] = field(default_factory=dict)
    findings: Findings = field(default_factory=Findings)
    trouble: Reason | None = None
    reads: int = 0


@dataclass
class MissingIds:
    """Has a document read again for ids that it lacks but another names; ever later while it lacks them.

    It waits `first` for an id that is new.
    """

    first: timedelta
    ids: frozenset[str] = frozenset()
    wait: timedelta = timedelta(minutes=1)
    reads_noted: int = 0

    def note(self, ids: frozenset[str], source: FeedDocument, now: datetime) -> None:
        """Note which ids `source` lacks at the moment."""
        new, self.ids = ids - self.ids, ids
        if new:
            self.wait = self.first
        elif not ids or source.reads == self.reads_noted:
            return
        self.reads_noted = source.reads
        source.due_at = min(source.due_at, now + self.wait)
        self.wait = min(max(2 * self.wait, timedelta(minutes=1)), INFORMATION_EVERY[1])


class DocumentSource(Protocol):
    """What a feed needs of a fetcher: see `ingest.http.client.Fetcher`."""

    def get(
        self, url: str, *, named: str | None = None, validators: Mapping[str, str] | None = None
    ) -> http.Document | None:
        """Fetch a document. Raises `FetchError`."""


class Feed:
    """Polls one system; for one thread at a time. `clock` gives aware UTC."""

    def __init__(self, system: System, fetcher: DocumentSource, clock: Callable[[], datetime]) -> None:
        self._system = system
        self._fetcher = fetcher
        self._now = clock
        self._discovery = FeedDocument("discovery_document", system.url)
        self._documents: dict[DocumentName, FeedDocument] = {}
        self._zone: str | None = None
        self._types = VehicleTypes()
        self._hours = PublishedHours()
        self._described: DescribedStations | None = None
        self._clock = EventClock(replayed=bool(system.label))
        self._counts: StationCounts | None = None
        self._reports = LastReports()
        self._ttl = 60.0
        self._new_stations = MissingIds(first=timedelta(minutes=1))
        self._new_types = MissingIds(first=timedelta(0))
        self._renumbered = MissingIds(first=timedelta(0))
        self._docks = DockEvidence()
        self._remembered: dict[str, str] = {}
        self._doubt = SILENCE
        self._doubt_at: datetime | None = None
        self._unconditional_until = _NOW

    def resume(
        self, stations: Stations | None, at: datetime | None, documents: Mapping[str, str] | None = None
    ) -> None:
        """Continue after a restart, with the stations and the event time of the newest snapshot learnt.

        `documents` are those of the last poll: they stay in use until the feed's own can be read again.
        """
        self._remembered = dict(documents or {})
        if "vehicle_types" in self._remembered:
            self._types = VehicleTypes.from_json(self._remembered["vehicle_types"])
        if hours.REMEMBERED in self._remembered:
            self._hours = PublishedHours.from_json(self._remembered[hours.REMEMBERED])
        self._docks = DockEvidence(json.loads(self._remembered.get(docks.REMEMBERED, "[]")))
        special = json.loads(self._remembered.get("station_information", "{}"))
        self._described = (
            None
            if stations is None
            else DescribedStations(
                stations, frozenset(special.get("passed_over", ())), frozenset(special.get("dockless", ()))
            )
        )
        offset = timedelta(minutes=minutes) if (minutes := _minutes(self._remembered)) else None
        self._clock = EventClock(replayed=bool(self._system.label), newest=at, offset=offset)

    def poll(self) -> Poll:
        """Read the status, and each other document that is due.

        Raises `FeedError` when the status cannot be fetched or used; the feed keeps what it knows.
        """
        begun = time.perf_counter()
        try:
            self._read_discovery()
            try:
                return self._poll(begun)
            except NotFound:
                if not self._moved():
                    raise
                return self._poll(begun)
        except FetchError as error:
            self._read_discovery_soon()
            raise FetchFailed(error) from error
        except FeedError:
            self._read_discovery_soon()
            raise

    # ------------------------------------------------------------------ discovery

    def _read_discovery(self) -> None:
        if self._now() < self._discovery.due_at:
            return
        try:
            document = self._get(self._discovery)
            if document is not None:
                self._set_addresses(discovery.feeds(document, self._system.url, self._discovery.findings))
                self._discovery.held = True
        except (FetchError, FeedError) as error:
            if not self._documents:
                raise
            self._discovery.trouble = error.reason
            self._discovery.due_at = self._now() + DISCOVERY_AFTER_FAILURE
            return
        self._discovery.due_at = self._now() + DISCOVERY_EVERY
        for name in SLOW:
            if name in self._documents:
                self._documents[name].due_at = self._now()

    def _set_addresses(self, urls: dict[str, str]) -> None:
        """Take the documents' addresses from discovery; one whose address is the same goes on as it was."""
        before, self._documents = self._documents, {}
        for name in sorted(READ & urls.keys(), key=list(urls).index):
            old = before.get(name)
            if old is None or old.url != urls[name]:
                old = FeedDocument(name, urls[name])
            self._documents[name] = old
        if "system_hours" not in urls:
            self._set_hours(rules=())
        if "system_calendar" not in urls:
            self._set_hours(seasons=())

    def _moved(self) -> bool:
        """Read discovery again after a document was not found, and tell whether the addresses are new."""
        before = self._addresses()
        self._discovery.due_at = self._now()
        self._read_discovery()
        return before != self._addresses()

    def _addresses(self) -> dict[DocumentName, str]:
        return {name: document.url for name, document in self._documents.items()}

    def _read_discovery_soon(self) -> None:
        """Read discovery sooner after a failed poll, since addresses may be old; not after each failure."""
        self._discovery.due_at = min(self._discovery.due_at, self._now() + DISCOVERY_AFTER_FAILURE)

    # ------------------------------------------------------------------ stations

    def _read_slow(self) -> None:
        """Read the documents that a forecast can do without: positions give a time zone, too."""
        for name in SLOW:
            source = self._documents.get(name)
            if source is None or self._now() < source.due_at:
                continue
            source.due_at = self._now() + DISCOVERY_EVERY
            try:
                document = self._get(source)
            except (FetchError, FeedError) as error:
                source.trouble = error.reason
                source.due_at = self._now() + DISCOVERY_AFTER_FAILURE
                if self._zone is None and self._described is not None:
                    self._zone = self._described.stations.timezone
                continue
            if document is not None and name == "system_information":
                zone, self._zone = self._zone, discovery.time_zone(document)
                if zone != self._zone:
                    url = self._documents["station_information"].url
                    self._documents["station_information"] = FeedDocument("station_information", url)
                self._set_hours(system=hours.system_hours(document, self._now(), source.findings))
                self._remember(licence.REMEMBERED, licence.to_json(licence.licence(document)), "{}")
            elif document is not None and name == "system_hours":
                self._set_hours(rules=hours.rental_hours(document, source.findings))
            elif document is not None and name == "system_calendar":
                self._set_hours(seasons=hours.seasons(document, self._now(), source.findings))
            elif document is not None:
                self._set_types(vehicles.vehicle_types(document, source.findings), source)
            source.held = True

    def _set_types(self, read: VehicleTypes, source: FeedDocument) -> None:
        """Take over the vehicle types; an empty list after a good one is an outage."""
        if self._types.kinds and not read.kinds:
            source.findings.add("no_types")
        elif read != self._types:
            self._types = read
            self._remember("vehicle_types", read.to_json())
            self._read_status_anew()

    def _set_hours(self, **parts: Any) -> None:
        """Take over some parts of the published hours."""
        self._hours = replace(self._hours, **parts)
        self._remember(hours.REMEMBERED, self._hours.to_json(), PublishedHours().to_json())

    def _remember(self, name: str, text: str, nothing: str | None = None) -> None:
        """Keep a text for a restart; `nothing` is one that need not be kept."""
        if self._remembered.get(name, nothing) != text:
            self._remembered = {**self._remembered, name: text}

    def _remember_offset(self, offset: timedelta | None) -> None:
        """Remember how far the feed's clock is off, in minutes, where that differs from what we remember."""
        before = _minutes(self._remembered)
        now = 0 if offset is None else round(offset / timedelta(minutes=1))
        if abs(now - before) > OFFSET_STEP or (now == 0) != (before == 0):
            self._remember(OFFSET, str(now))

    def _read_status_anew(self) -> None:
        """Have the counts read anew, since they are now read in another way; that alone is no news."""
        self._counts = None
        self._documents["station_status"].held = False

    def _read_stations(self) -> DescribedStations:
        source = self._documents["station_information"]
        if self._described is None or self._now() >= source.due_at:
            source.due_at = self._now() + INFORMATION_EVERY[0]
            try:
                document = self._get(source)
                if document is not None:
                    self._describe(document, source)
            except (FetchError, FeedError) as error:
                if self._described is None:
                    raise
                if isinstance(error, NotFound):
                    self._discovery.due_at = self._now()
                source.trouble = error.reason
        assert self._described is not None
        return self._described

    def _describe(self, document: Document, source: FeedDocument) -> None:
        system, before = self._system, self._described
        year = (self._clock.newest or self._now()).year
        read = describe(document, system.system_id, system.country, self._zone, source.findings, year)
        lat, lon = (float(np.median(side)) for side in (read.stations.lat, read.stations.lon))
        region = system.region or regions.region_at(system.country, lat, lon)
        self._remember(regions.REMEMBERED, region, "")
        if region:
            read = replace(read, stations=replace(read.stations, region=region))
        if before is not None and read.stations.same_as(before.stations):
            read = replace(read, stations=before.stations)
        else:
            self._read_status_anew()
        self._described = read
        self._set_hours(stations=hours.station_hours(document, self._now(), source.findings))
        special = {"passed_over": sorted(read.passed_over), "dockless": sorted(read.dockless)}
        self._remember("station_information", json.dumps(special))
        source.held = True
        wait = timedelta(seconds=min(values.ttl(document, 0), 10**6))
        source.due_at = self._now() + min(max(wait, INFORMATION_EVERY[0]), INFORMATION_EVERY[1])

    def _note_missing(self, read: StationCounts) -> None:
        """Have documents read soon that lack stations or vehicle types which the status names."""
        self._new_stations.note(read.newcomers, self._documents["station_information"], self._now())
        if "vehicle_types" in self._documents:
            self._new_types.note(read.new_types, self._documents["vehicle_types"], self._now())

    # ------------------------------------------------------------------ status

    def _poll(self, begun: float) -> Poll:
        self._read_slow()
        described = self._read_stations()
        stations = described.stations
        source = self._documents["station_status"]
        document = self._get(source)
        doubted = document is None and self._is_doubtful()
        if doubted:
            source.held = False
            document = self._get(source)
        received = self._now()
        if document is None:
            return self._answer("unchanged", received, begun, stations, None)
        described, read = self._read_counts(document, described)
        stations = described.stations
        self._remember(docks.REMEMBERED, json.dumps(sorted(self._docks.silent)), "[]")
        read = self._without_old(read, received)
        source.held = True
        self._ttl = values.ttl(document, 60.0)
        if self._ttl > LONGEST_TTL:
            source.findings.add("long_ttl", f"{self._ttl:g} s")
        self._note_missing(read)
        changed = self._counts is not None and not read.same_as(self._counts)
        dated = self._clock.date(read.feed_time, received, changed)
        self._remember_offset(self._clock.offset)
        if dated.finding:
            example = offset_reason(self._clock.offset) or read.feed_time or document.get("last_updated", "")
            source.findings.add(dated.finding, example)
        if not doubted:
            self._doubt, self._doubt_at = SILENCE, None
        elif changed or dated.at is not None:
            self._unconditional_until = received + DISTRUST
        snapshot = None
        if dated.at is not None:
            self._counts = read
            snapshot = Snapshot(
                dated.at, stations.station_id, read.bikes, read.docks, read.ebikes, read.renting,
                read.returning, read.cargo, read.state,
            )  # fmt: skip
        return self._answer(dated.outcome, received, begun, stations, snapshot)

    def _read_counts(
        self, document: Document, described: DescribedStations
    ) -> tuple[DescribedStations, StationCounts]:
        """Read the counts, and give the stations that they belong to.

        Where no station is known, all ids are new: the information is due at once. By its `ttl` alone a city
        would be gone for a day. Where that is no help, it is due ever more rarely.
        """
        information, status = self._documents["station_information"], self._documents["station_status"]
        try:
            read = counts(document, described, self._types, status.findings, self._docks)
        except NothingInCommon:
            self._renumbered.note(frozenset(["all"]), information, self._now())
            before, described = described, self._read_stations()
            if described is before:
                raise
            status.findings = Findings()
            read = counts(document, described, self._types, status.findings, self._docks)
        self._renumbered.note(frozenset(), information, self._now())
        return described, read

    def _without_old(self, read: StationCounts, received: datetime) -> StationCounts:
        """Take the counts of stations that have stopped reporting as unknown."""
        assert self._described is not None
        ids = self._described.stations.station_id
        now = read.feed_time if self._system.label and read.feed_time else received
        old = self._reports.old(ids, read.reported, read.bikes, read.docks, read.is_open, now, read.feed_time)
        if not old.any():
            return read
        first = int(np.flatnonzero(old)[0])
        since = datetime.fromtimestamp(read.reported[first], UTC)
        findings = self._documents["station_status"].findings
        findings.add("old_report", f"{ids[first]}: {since:%Y-%m-%d %H:%M} UTC", int(old.sum()))
        return read.hidden(old, CountState.OLD)

    def _is_doubtful(self) -> bool:
        """Tell whether a server has said for long enough that nothing has changed to ask it otherwise.

        Some servers and caches say so for ever, whatever the counts do.
        """
        now = self._now()
        if self._doubt_at is None:
            self._doubt_at = now + self._doubt
        if now < self._doubt_at:
            return False
        self._doubt = min(2 * self._doubt, LONGEST_DOUBT)
        self._doubt_at = now + self._doubt
        return True

    def _answer(
        self,
        outcome: Outcome,
        received: datetime,
        begun: float,
        stations: Stations,
        snapshot: Snapshot | None,
    ) -> Poll:
        total = Findings()
        for source in (self._discovery, *self._documents.values()):
            for finding in source.findings.all():
                total.add(finding.kind, finding.example, finding.count)
            if source.trouble is not None:
                total.add("bad_document", source.trouble)
        if self._now() < self._unconditional_until:
            total.add("false_304")
        return Poll(
            outcome=outcome,
            received_at=received,
            seconds=time.perf_counter() - begun,
            stations=stations,
            snapshot=snapshot,
            at=self._clock.newest,
            ttl_seconds=min(self._ttl, LONGEST_TTL),
            still_seconds=max((received - self._clock.still_since(received)).total_seconds(), 0.0),
            findings=total.all(),
            documents=self._remembered,
        )

    def _get(self, source: FeedDocument) -> Document | None:
        """Fetch and parse a document; None when it is the one that we hold."""
        source.reads += 1
        conditional = source.held and self._now() >= self._unconditional_until
        validators = source.validators if conditional else None
        got = self._fetcher.get(source.url, named=self._system.url, validators=validators)
        source.trouble = None
        if got is None:
            return None
        source.held, source.validators = False, got.validators
        source.findings = Findings()
        return parse(got.body, source.name, source.findings)


def _minutes(remembered: Mapping[str, str]) -> int:
    return int(remembered.get(OFFSET, "0"))
