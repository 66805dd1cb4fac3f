"""Reads what a system says about itself: where its feeds are, and its time zone."""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin, urlsplit

from ingest.gbfs import values
from ingest.gbfs.documents import Document, datum
from ingest.gbfs.errors import NoFeeds, NoStationInformation, NoStations, NoStationStatus, NotDiscovery
from ingest.gbfs.findings import Findings

_LONGEST_ADDRESS = 2000


def feeds(document: Document, base: str, findings: Findings) -> dict[str, str]:
    """Read where each feed of a system is, from its discovery document at `base`.

    Before v3.0 there is a list for each language: English comes first, then any that has station feeds.

    Raises `FeedError` where none has: free-floating bikes, or no discovery document at all.
    """
    data = document.get("data")
    if not isinstance(data, dict):
        raise NotDiscovery
    lists = [data] if "feeds" in data else [data[key] for key in sorted(data, key=lambda key: key != "en")]
    found = [_named(entry.get("feeds"), base) for entry in lists if isinstance(entry, dict)]
    for named, others in found:
        if "station_status" in named and "station_information" in named:
            for feed in others:
                findings.add("duplicate_feed", feed)
            return named
    every = {feed for named, _ in found for feed in named}
    if not every:
        raise NoFeeds
    missing = [feed for feed in ("station_information", "station_status") if feed not in every]
    if len(missing) == 2:
        raise NoStations
    raise NoStationInformation if "station_information" in missing else NoStationStatus


def _named(entries: Any, base: str) -> tuple[dict[str, str], list[str]]:
    """Read one list of feeds; and give those that are there again at another address, which is not used."""
    named: dict[str, str] = {}
    others: list[str] = []
    for entry in entries if isinstance(entries, list) else ():
        if not isinstance(entry, dict):
            continue
        feed, url = entry.get("name"), entry.get("url")
        if not isinstance(feed, str) or not isinstance(url, str):
            continue
        if len(feed) <= values.LONGEST_WORD and len(url) <= _LONGEST_ADDRESS:
            try:
                url = urljoin(base, url.strip())
                scheme = urlsplit(url).scheme
            except ValueError:
                continue
            if scheme in ("http", "https"):
                feed = feed.strip().removesuffix(".json")
                if named.setdefault(feed, url) != url:
                    others.append(feed)
    return named, others


def time_zone(document: Document) -> str | None:
    """Read the system's time zone from its system information; None where there is none that exists."""
    zone = datum(document, "timezone")
    is_word = isinstance(zone, str) and len(zone) <= values.LONGEST_WORD
    return zone if is_word and values.is_zone(zone) else None
