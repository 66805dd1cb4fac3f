"""Asks a feed once, and tells what is found there, so that a person can decide whether to follow it.

A survey reads the same documents as a poll, by the same readers: what it tells is what a worker would see.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from ingest.gbfs import discovery, licence, values
from ingest.gbfs.documents import Document, datum, listed, parse
from ingest.gbfs.errors import DocumentError
from ingest.gbfs.feed import DocumentSource, Feed
from ingest.gbfs.findings import Finding, Findings
from ingest.gbfs.vehicles import KINDS, VehicleKind, VehicleTypes
from ingest.http import client as http
from ingest.http.errors import FetchError
from ingest.system import System
from ingest.text import clean
from model.arrays import Bools, Ints
from model.records import UNKNOWN, Stations

_LONGEST = 200


@dataclass(frozen=True)
class Survey:
    """What the documents of a feed say, at one moment.

    `feeds` are the names in the discovery document. `version` and `licence` are empty where no document
    states them. `versions` are the addresses of all versions that the operator offers, by version. `virtual`
    of the `stations` are virtual by their flag. `docked` are those that have docks: they are not virtual, or
    tell their free docks all the same, as those of Rouen do. `vehicle_kinds` are empty where the feed
    describes no vehicle types. `bikes`, and `ebikes` among them, stand at all stations; -1 where that is not
    told.
    """

    system_id: str
    name: str
    timezone: str
    feeds: frozenset[str]
    version: str
    versions: Mapping[str, str]
    licence: str
    stations: int
    virtual: int
    docked: int
    vehicle_kinds: tuple[VehicleKind, ...]
    bikes: int
    ebikes: int
    findings: tuple[Finding, ...]


class _Kept:
    """A fetcher that keeps the documents that it has fetched."""

    def __init__(self, fetcher: DocumentSource) -> None:
        self._fetcher = fetcher
        self._bodies: dict[str, bytes] = {}

    def get(
        self, url: str, *, named: str | None = None, validators: Mapping[str, str] | None = None
    ) -> http.Document | None:
        """Fetch a document, see `Fetcher.get`."""
        got = self._fetcher.get(url, named=named, validators=validators)
        if got is not None:
            self._bodies[url] = got.body
        return got

    def read(self, url: str | None) -> Document:
        """Read a document that was fetched; an empty one where it was not, or cannot be read."""
        try:
            return parse(self._bodies.get(url or "", b"{}"), "discovery_document", Findings())
        except DocumentError:
            return {}


def survey(system: System, fetcher: DocumentSource, clock: Callable[[], datetime]) -> Survey:
    """Ask the feed at a system's address.

    It costs one request for each document that a first poll reads, and one for the list of versions.

    Raises `FeedError` as a poll does.
    """
    kept = _Kept(fetcher)
    poll = Feed(system, kept, clock).poll()
    gbfs = kept.read(system.url)
    urls = discovery.feeds(gbfs, system.url, Findings())
    about = kept.read(urls.get("system_information"))
    terms = licence.licence(about)
    virtual = _virtual(kept.read(urls["station_information"]), poll.stations)
    types = VehicleTypes.from_json(poll.documents.get("vehicle_types", "{}"))
    found = poll.snapshot
    nothing = np.full(len(virtual), UNKNOWN)
    docks = nothing if found is None else found.docks
    return Survey(
        system_id=clean(str(datum(about, "system_id") or ""), _LONGEST),
        name=values.name(datum(about, "name")),
        timezone=poll.stations.timezone,
        feeds=frozenset(urls),
        version=_version(gbfs.get("version") or kept.read(urls["station_status"]).get("version")),
        versions=_versions(system, kept, urls.get("gbfs_versions")),
        licence=terms.get("license_id", terms.get("license_url", "")),
        stations=len(virtual),
        virtual=int(virtual.sum()),
        docked=int((~virtual | (docks != UNKNOWN)).sum()),
        vehicle_kinds=tuple(kind for kind in KINDS if kind in types.kinds.values()),
        bikes=_total(nothing if found is None else found.bikes),
        ebikes=_total(nothing if found is None or found.ebikes is None else found.ebikes),
        findings=poll.findings,
    )


def _virtual(information: Document, stations: Stations) -> Bools:
    """Tell which stations are virtual by their flag, `(S,)`."""
    entries = [entry for entry in listed(information, "stations") or () if isinstance(entry, dict)]
    virtual = {
        values.station_id(entry.get("station_id"))
        for entry in entries
        if values.flag(entry.get("is_virtual_station"))
    }
    return np.array([key in virtual for key in stations.station_id.tolist()], dtype=np.bool_)


def _versions(system: System, kept: _Kept, url: str | None) -> dict[str, str]:
    """Read at which addresses the operator offers which versions; that document is one to do without."""
    if url is None:
        return {}
    try:
        kept.get(url, named=system.url)
    except FetchError:
        return {}
    offered = listed(kept.read(url), "versions") or ()
    return {
        version: clean(entry["url"], _LONGEST)
        for entry in offered
        if isinstance(entry, dict)
        and (version := _version(entry.get("version")))
        and isinstance(entry.get("url"), str)
    }


def _version(value: object) -> str:
    """Read a version: Lyft writes "v2.3"."""
    return clean(str(value or ""), 20).removeprefix("v")


def _total(counts: Ints) -> int:
    """Add up the counts that are known; -1 where none is."""
    known = counts[counts != UNKNOWN]
    return int(known.sum()) if len(known) else UNKNOWN
