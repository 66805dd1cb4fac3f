"""Follows and unfollows systems by command: asks each feed first, and writes into the store what is followed.

The store is the one thing that command, workers and pages share, on one machine or several: the app's own
folder may be read-only, and a list may be another server's. A running worker looks there every few seconds.
"""

from __future__ import annotations

import queue
import re
import threading
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from urllib.parse import urlsplit

from rapidfuzz import process

from ingest.gbfs.errors import DocumentError, FeedError, NoBicycles, NoFeeds, NoStations, NotDiscovery
from ingest.gbfs.survey import Survey, survey
from ingest.http.client import Fetcher
from ingest.public_catalogue import CatalogueEntry, PublicCatalogue
from ingest.registry import check_address
from ingest.replay.countries import country_of
from ingest.store import Store
from ingest.system import System
from ingest.text import without_accents

Cause = Literal["followed", "unknown", "key", "not_gbfs", "no_docks", "no_bicycles", "away", "unusable"]
"""Why a system is not followed: it is already, nobody knows it, or what its feed is or does."""

ASKED_AT_ONCE = 16
"""Hosts that are asked at the same time. Of one host, one system is asked after the other."""

GIVE_UP_AFTER = 3
"""A host that gives no answer for so many of its systems in a row is not asked for the others."""

_LOOK_SECONDS = 0.2
"""How often it looks whether it shall stop, while no host answers."""

_LONGEST_ID = 64
_DISCOVERY = "give the address of its discovery document, mostly …/gbfs.json"


class NotFollowedError(Exception):
    """A system that is not followed now, and was not written. The text says why, and what to do."""

    def __init__(self, cause: Cause, words: str) -> None:
        super().__init__(words)
        self.cause = cause


@dataclass(frozen=True)
class Followed:
    """A system that is followed from now on; `found` is None for a played one, which nobody need ask."""

    system: System
    found: Survey | None


@dataclass(frozen=True)
class Round:
    """What `--all-docked` has to do: `to_ask`, and what it leaves out.

    That is what is followed `already`, what a command has `unfollowed`, and what is `keyed`.
    """

    to_ask: tuple[CatalogueEntry, ...]
    already: tuple[CatalogueEntry, ...]
    unfollowed: tuple[CatalogueEntry, ...]
    keyed: tuple[CatalogueEntry, ...]


class Follower:
    """Follows and unfollows systems in a store; `clock` gives aware UTC."""

    def __init__(
        self, store: Store, catalogue: PublicCatalogue, fetcher: Fetcher, clock: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._fetcher = fetcher
        self._clock = clock

    def follow(self, what: str) -> Followed:
        """Follow a system by its id, in the store or in the public catalogue, or by its feed's address.

        Raises `NotFollowedError`; what is followed then stays as it was.
        """
        candidate = self._candidate(what)
        if candidate.is_played:
            self._store.systems.follow_one(candidate)
            return Followed(candidate, None)
        return self._accept(candidate, self._ask(candidate))

    def unfollow(self, what: str) -> System:
        """Stop to follow a system, by its id or its feed's address.

        Raises `NotFollowedError` where nobody follows it.
        """
        followed = self._store.systems.followed()
        system = next((each for each in followed if what in (each.system_id, each.url)), None)
        if system is None or not self._store.systems.unfollow(system.system_id):
            ids = [each.system_id for each in followed]
            raise NotFollowedError(
                "unknown", f"{what} is not followed{_like(what, ids)}; the page Feeds lists what is followed"
            )
        return system

    def round(self) -> Round:
        """Sort the systems of the public catalogue by whether `follow_all` has to ask them."""
        followed = {system.url for system in self._store.systems.followed()}
        out = self._store.systems.unfollowed()
        urls_out = {system.url for system in self._store.systems.known() if system.system_id in out}
        parts: dict[str, list[CatalogueEntry]] = defaultdict(list)
        for entry in self._catalogue.entries:
            if entry.url in followed:
                parts["already"].append(entry)
            elif entry.url in urls_out:
                parts["unfollowed"].append(entry)
            elif entry.needs_key:
                parts["keyed"].append(entry)
            else:
                parts["to_ask"].append(entry)
        return Round(**{name: tuple(parts[name]) for name in Round.__dataclass_fields__})

    def follow_all(
        self, entries: Sequence[CatalogueEntry], stop: threading.Event
    ) -> Generator[tuple[CatalogueEntry, Followed | NotFollowedError], None, None]:
        """Ask systems of the catalogue, follow those that have docks, and give what came of each.

        Each is written as soon as it has answered, so that nothing is lost when the caller stops. It stops
        within a moment once `stop` is set, without waiting for hosts that have not answered yet.
        """
        answers: queue.SimpleQueue[tuple[CatalogueEntry, Survey | NotFollowedError]] = queue.SimpleQueue()
        hosts = _by_host(entries)
        for _ in range(min(ASKED_AT_ONCE, hosts.qsize())):
            # Not a pool: Python would wait at its end for the slowest host.
            threading.Thread(target=self._ask_hosts, args=[hosts, answers, stop], daemon=True).start()
        try:
            waiting = len(entries)
            while waiting and not stop.is_set():
                try:
                    entry, answer = answers.get(timeout=_LOOK_SECONDS)
                except queue.Empty:
                    continue
                waiting -= 1
                if isinstance(answer, Survey):
                    try:
                        yield entry, self._accept(_of_catalogue(entry), answer)
                    except NotFollowedError as error:
                        yield entry, error
                else:
                    yield entry, answer
        finally:
            stop.set()

    def _ask_hosts(
        self,
        hosts: queue.SimpleQueue[list[CatalogueEntry]],
        answers: queue.SimpleQueue[tuple[CatalogueEntry, Survey | NotFollowedError]],
        stop: threading.Event,
    ) -> None:
        while True:
            try:
                entries = hosts.get_nowait()
            except queue.Empty:
                return
            away = 0
            for entry in entries:
                if stop.is_set():
                    return
                answer: Survey | NotFollowedError
                if away == GIVE_UP_AFTER:
                    answer = NotFollowedError("away", "its host has not answered for others: try again later")
                else:
                    try:
                        answer, away = self._ask(_of_catalogue(entry)), 0
                    except NotFollowedError as error:
                        answer, away = error, away + 1 if error.cause == "away" else 0
                answers.put((entry, answer))

    # ---------------------------------------------------------------- one system

    def _candidate(self, what: str) -> System:
        """Find out what a person means. Without an id where only the feed can tell it."""
        known, followed = self._store.systems.known(), self._store.systems.followed()
        for system in followed:
            if what in (system.system_id, system.url):
                raise _followed_already(what, system)
        before = next((each for each in known if what in (each.system_id, each.url)), None)
        if before is not None:
            return before
        if "/" in what:
            try:
                url = check_address(what)
            except ValueError as error:
                raise NotFollowedError("not_gbfs", f"{what} is no address: {error}") from error
            entry = next((entry for entry in self._catalogue.entries if entry.url == url), None)
            return System("", "", "", "", url) if entry is None else _of_catalogue(entry)
        entry = self._entry(what)
        for system in followed:
            if system.url == entry.url:
                raise _followed_already(what, system)
        if entry.needs_key:
            raise NotFollowedError(
                "key",
                f"{what} needs a key, says the public catalogue: ask its operator for an address that has "
                f"the key in it, and follow that ({entry.key_info or entry.url})",
            )
        return _of_catalogue(entry)

    def _entry(self, system_id: str) -> CatalogueEntry:
        """Find a system of the catalogue by its id; capitals matter only where two ids differ by them."""
        entries = self._catalogue.entries
        found = [entry for entry in entries if entry.system_id == system_id]
        found = found or [e for e in entries if e.system_id.casefold() == system_id.casefold()]
        if not found:
            like = _like(system_id, [entry.system_id for entry in entries])
            raise NotFollowedError(
                "unknown",
                f"nobody knows {system_id}{like}; search the public catalogue of {self._catalogue.as_of} by "
                "`systems WORD`, fetch a newer one by `systems --refresh`, or give the address of the feed",
            )
        if len(found) > 1:
            urls = " or ".join(entry.url for entry in found)
            raise NotFollowedError(
                "unknown", f"the public catalogue has {system_id} twice: give an address, {urls}"
            )
        return found[0]

    def _ask(self, candidate: System) -> Survey:
        """Ask a feed. Raises `NotFollowedError` where it gives nothing to forecast."""
        asked = replace(candidate, system_id=candidate.system_id or "asked")
        try:
            found = survey(asked, self._fetcher, self._clock)
        except FeedError as error:
            raise _explained(candidate.url, error) from error
        if not found.docked:
            raise NotFollowedError(
                "no_docks",
                f"{candidate.url}: all {found.stations:,} stations are virtual and tell no docks; to follow "
                "it all the same, write it into the list that DOCKCAST_SYSTEMS names",
            )
        return found

    def _accept(self, candidate: System, found: Survey) -> Followed:
        """Write a system that has answered, under an id of its own."""
        host = urlsplit(candidate.url).hostname or ""
        wanted = candidate.system_id or _as_id(found.system_id or host)
        system = replace(
            candidate,
            system_id=self._free_id(wanted, candidate.url),
            name=candidate.name or found.name or wanted,
            country=candidate.country or country_of(found.timezone),
        )
        self._store.systems.follow_one(system)
        return Followed(system, found)

    def _free_id(self, wanted: str, url: str) -> str:
        """Give the wanted id, with a number behind it where a system at another address is followed by it.

        An id that is not followed any more is free: what was learnt under it goes on at the new address.
        """
        taken = {each.system_id for each in self._store.systems.followed() if each.url != url}
        free, number = wanted, 1
        while free in taken:
            number += 1
            free = f"{wanted[: _LONGEST_ID - 5]}-{number}"
        return free


def _of_catalogue(entry: CatalogueEntry) -> System:
    country = entry.country if re.fullmatch("[A-Z]{2}", entry.country) else ""
    return System(_as_id(entry.system_id), entry.name, entry.location, country, entry.url)


def _as_id(text: str) -> str:
    """Make an id that addresses, files and lists can hold.

    >>> _as_id("pony_liège"), _as_id("zeus_freiburg im breisgau"), _as_id("łódź"), _as_id("…")
    ('pony_liege', 'zeus_freiburg-im-breisgau', 'odz', 'system')
    """
    return re.sub(r"[^A-Za-z0-9._-]+", "-", without_accents(text)).strip("._-")[:_LONGEST_ID] or "system"


def _by_host(entries: Iterable[CatalogueEntry]) -> queue.SimpleQueue[list[CatalogueEntry]]:
    """Queue the systems of each host, the host with most of them first."""
    by_host = defaultdict(list)
    for entry in entries:
        by_host[urlsplit(entry.url).hostname].append(entry)
    hosts: queue.SimpleQueue[list[CatalogueEntry]] = queue.SimpleQueue()
    for of_host in sorted(by_host.values(), key=len, reverse=True):
        hosts.put(of_host)
    return hosts


def _like(text: str, among: Sequence[str]) -> str:
    found = process.extract(text, among, limit=3, score_cutoff=75)
    return f" (did you mean {' or '.join(each for each, *_ in found)}?)" if found else ""


def _followed_already(what: str, system: System) -> NotFollowedError:
    as_what = "" if what == system.system_id else f", as {system.system_id}"
    return NotFollowedError("followed", f"{what} is followed already{as_what}: there is nothing to do")


def _explained(url: str, error: FeedError) -> NotFollowedError:
    """Say what a feed's error means for somebody who wants to follow it."""
    if error.outcome == "key_needed":
        return NotFollowedError(
            "key", f"{error}: ask the operator for an address that has a key in it, and follow that"
        )
    if isinstance(error, NoStations):
        return NotFollowedError("no_docks", f"{url}: {error}")
    if isinstance(error, NoBicycles):
        return NotFollowedError("no_bicycles", f"{url}: {error}")
    is_discovery = isinstance(error, DocumentError) and error.document == "discovery_document"
    if is_discovery or type(error) in (NotDiscovery, NoFeeds):
        return NotFollowedError("not_gbfs", f"{url}: {error}; {_DISCOVERY}")
    if error.outcome == "not_found":
        return NotFollowedError("not_gbfs", f"{url}: {error}; check it, or search the public catalogue")
    if error.state == "unreachable":
        return NotFollowedError("away", f"{url}: {error}; try again later")
    return NotFollowedError("unusable", f"{url}: {error}")
