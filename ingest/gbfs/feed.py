"""One system's feed: polled once, it gives stations, a snapshot where something new came, and what was odd.

A feed is several documents that change at their own pace. Discovery, system information and vehicle types
are read daily; station information by its `ttl`, or sooner when the status names a station that it lacks,
for the two are not written at one moment; the status at every poll. When one of the slow ones cannot be
read again the last good one stays in use, so that only the status can fail a poll of a feed that has worked.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from ingest.gbfs import discovery, values
from ingest.gbfs.clock import EventClock, Outcome
from ingest.gbfs.discovery import VehicleTypes
from ingest.gbfs.documents import Document, parse
from ingest.gbfs.findings import FeedError, Finding, Findings
from ingest.gbfs.stations import Described, StationCounts, counts, describe
from ingest.http.client import Fetcher, FetchError, NotFound, Unreachable
from ingest.system import System
from model.records import Snapshot, Stations

__all__ = ["Feed", "FeedError", "Finding", "Poll"]

DISCOVERY_EVERY = timedelta(days=1)
DISCOVERY_AFTER_FAILURE = timedelta(minutes=10)
INFORMATION_EVERY = timedelta(minutes=15), timedelta(days=1)
LONGEST_TTL = 300.0
"""Live counts are not good for longer, whatever `ttl` says: Vélib' says an hour and changes each minute."""
_NOW = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, eq=False)
class Poll:
    """What one poll brought.

    `snapshot` is there exactly when `outcome` is "fresh"; it names the same stations as `stations`, in the
    same order, and `at` is its moment, or that of the newest one before. `stations` is the same object until
    they change. `still_seconds` tells how long the feed has shown no life, neither its time moving nor its
    counts changing: the caller says when that is silence. `ttl_seconds` counts from `received_at`.
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


@dataclass
class _Source:
    """One document of the feed: where it is, when to read it again, whether we hold what it said last.

    `trouble` says why it could not be read when it should have been.
    """

    url: str
    due_at: datetime = _NOW
    held: bool = False
    findings: Findings = field(default_factory=Findings)
    trouble: str = ""
    reads: int = 0


class Feed:
    """Polls one system; for one thread at a time. `clock` gives aware UTC."""

    def __init__(self, system: System, fetcher: Fetcher, clock: Callable[[], datetime]) -> None:
        self._system = system
        self._fetcher = fetcher
        self._now = clock
        self._discovery = _Source(system.url)
        self._sources: dict[str, _Source] = {}
        self._zone: str | None = None
        self._types = VehicleTypes()
        self._described: Described | None = None
        self._clock = EventClock(replayed=bool(system.label))
        self._counts: StationCounts | None = None
        self._ttl = 60.0
        self._newcomers: frozenset[str] = frozenset()
        self._newcomer_wait = timedelta(minutes=1)
        self._reads_noted = 0

    def resume(self, stations: Stations | None, at: datetime | None) -> None:
        """Take up after a restart: the stations known then, and the moment of the newest snapshot learnt."""
        self._described = None if stations is None else Described(stations)
        self._clock = EventClock(replayed=bool(self._system.label), newest=at)

    def poll(self) -> Poll:
        """Read what is due and the status.

        Raises `FeedError` when the status could not be had or used; what was known stays.
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
            self._look_again()
            raise FeedError(
                "unreachable" if isinstance(error, Unreachable) else "refused",
                error.words,
                error.kind,
                error.retry_after,
            ) from error
        except FeedError:
            self._look_again()
            raise

    # ------------------------------------------------------------------ discovery

    def _read_discovery(self) -> None:
        if self._now() < self._discovery.due_at:
            return
        try:
            document = self._get(self._discovery, "discovery document")
            if document is not None:
                self._follow(discovery.feeds(document, self._system.url))
                self._discovery.held = True
        except (FetchError, FeedError) as error:
            if not self._sources:
                raise
            self._discovery.trouble = error.words
            self._discovery.due_at = self._now() + DISCOVERY_AFTER_FAILURE
            return
        self._discovery.due_at = self._now() + DISCOVERY_EVERY
        for name in ("system_information", "vehicle_types"):
            if name in self._sources:
                self._sources[name].due_at = self._now()

    def _follow(self, urls: dict[str, str]) -> None:
        self._sources = {
            name: self._sources[name]
            if name in self._sources and self._sources[name].url == url
            else _Source(url)
            for name, url in urls.items()
            if name in ("station_status", "station_information", "system_information", "vehicle_types")
        }

    def _moved(self) -> bool:
        """Read discovery again after a document was not found, and tell whether the addresses are new."""
        before = {name: source.url for name, source in self._sources.items()}
        self._discovery.due_at = self._now()
        self._read_discovery()
        return before != {name: source.url for name, source in self._sources.items()}

    def _look_again(self) -> None:
        """After a failed poll the addresses may be old: read discovery sooner, but not at every failure."""
        self._discovery.due_at = min(self._discovery.due_at, self._now() + DISCOVERY_AFTER_FAILURE)

    # ------------------------------------------------------------------ stations

    def _read_besides(self) -> None:
        """Read what is good to have: the zone can also be had from positions, types are a luxury."""
        for name in ("system_information", "vehicle_types"):
            source = self._sources.get(name)
            if source is None or self._now() < source.due_at:
                continue
            source.due_at = self._now() + DISCOVERY_EVERY
            try:
                document = self._get(source, name.replace("_", " "))
            except (FetchError, FeedError) as error:
                source.trouble = error.words
                source.due_at = self._now() + DISCOVERY_AFTER_FAILURE
                if self._zone is None and self._described is not None:
                    self._zone = self._described.stations.timezone
                continue
            if document is not None and name == "system_information":
                zone, self._zone = self._zone, discovery.time_zone(document)
                if zone != self._zone:
                    self._sources["station_information"] = _Source(self._sources["station_information"].url)
            elif document is not None:
                self._types = discovery.vehicle_types(document)
            source.held = True

    def _read_stations(self) -> Described:
        source = self._sources["station_information"]
        if self._described is None or self._now() >= source.due_at:
            source.due_at = self._now() + INFORMATION_EVERY[0]
            try:
                document = self._get(source, "station information")
                if document is not None:
                    self._describe(document, source)
            except (FetchError, FeedError) as error:
                if self._described is None:
                    raise
                if isinstance(error, NotFound):
                    self._discovery.due_at = self._now()
                source.trouble = error.words
        assert self._described is not None
        return self._described

    def _describe(self, document: Document, source: _Source) -> None:
        system, before = self._system, self._described
        read = describe(document, system.system_id, system.country, self._zone, source.findings)
        if before is not None and read.stations.same_as(before.stations):
            read = replace(read, stations=before.stations)
        else:
            self._counts = None
            self._sources["station_status"].held = False
        self._described = read
        source.held = True
        wait = timedelta(seconds=min(values.ttl(document, 0), 10**6))
        source.due_at = self._now() + min(max(wait, INFORMATION_EVERY[0]), INFORMATION_EVERY[1])

    def _note_newcomers(self, newcomers: frozenset[str]) -> None:
        """Read the station information soon for a station it lacks; ever later for one that never comes."""
        source = self._sources["station_information"]
        new, self._newcomers = newcomers - self._newcomers, newcomers
        if new:
            self._newcomer_wait = timedelta(minutes=1)
        elif newcomers and source.reads != self._reads_noted:
            self._newcomer_wait = min(2 * self._newcomer_wait, INFORMATION_EVERY[1])
        else:
            return
        self._reads_noted = source.reads
        source.due_at = min(source.due_at, self._now() + self._newcomer_wait)

    # ------------------------------------------------------------------ status

    def _poll(self, begun: float) -> Poll:
        self._read_besides()
        described = self._read_stations()
        stations = described.stations
        source = self._sources["station_status"]
        document = self._get(source, "station status")
        received = self._now()
        if document is None:
            return self._answer("unchanged", received, begun, stations, None)
        read = counts(document, described, self._types, source.findings)
        source.held = True
        self._ttl = values.ttl(document, 60.0)
        if self._ttl > LONGEST_TTL:
            source.findings.add("long_ttl", f"{self._ttl:g} s")
        self._note_newcomers(read.newcomers)
        changed = self._counts is not None and not read.same_as(self._counts)
        judgement = self._clock.judge(read.told, received, changed)
        if judgement.odd:
            source.findings.add(judgement.odd, read.told or document.get("last_updated", ""))
        snapshot = None
        if judgement.at is not None:
            self._counts = read
            snapshot = Snapshot(
                judgement.at, stations.station_id, read.bikes, read.docks, read.ebikes, read.renting,
                read.returning,
            )  # fmt: skip
        return self._answer(judgement.outcome, received, begun, stations, snapshot)

    def _answer(
        self,
        outcome: Outcome,
        received: datetime,
        begun: float,
        stations: Stations,
        snapshot: Snapshot | None,
    ) -> Poll:
        total = Findings()
        for source in (self._discovery, *self._sources.values()):
            for finding in source.findings.all():
                total.add(finding.kind, finding.example, finding.count)
            if source.trouble:
                total.add("bad_document", source.trouble)
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
        )

    def _get(self, source: _Source, what: str) -> Document | None:
        """Get and parse a document; None when it is the one that we hold."""
        source.reads += 1
        got = self._fetcher.get(source.url, named=self._system.url, fresh=not source.held)
        source.trouble = ""
        if got is None:
            return None
        source.held = False
        source.findings = Findings()
        return parse(got.body, what, source.findings)
