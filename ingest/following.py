"""Follows and unfollows systems by command: asks each feed first, and writes into the store what is followed.

The store is the one thing that command, workers and pages share, on one machine or several: the app's own
folder may be read-only, and a list may be another server's. A running worker looks there every few seconds.
"""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlsplit

from rapidfuzz import process

from ingest.asking import NotFollowedError, ask, ask_all
from ingest.gbfs.survey import Survey
from ingest.http.client import Fetcher
from ingest.public_catalogue import CatalogueEntry, PublicCatalogue
from ingest.registry import check_address
from ingest.replay.countries import country_of
from ingest.store import Store
from ingest.system import System
from ingest.text import without_accents

_LONGEST_ID = 64


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
    ) -> Generator[tuple[System, Followed | NotFollowedError], None, None]:
        """Ask systems of the catalogue, follow those that have docks, and give what came of each.

        Each is written as soon as it has answered, so that nothing is lost when the caller stops. It stops
        within a moment once `stop` is set, without waiting for hosts that have not answered yet.
        """
        for asked, answer in ask_all(map(_of_catalogue, entries), self._ask, stop):
            yield asked, answer if isinstance(answer, NotFollowedError) else self._accept(asked, answer)

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
        found = ask(candidate, self._fetcher, self._clock)
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


def _like(text: str, among: Sequence[str]) -> str:
    found = process.extract(text, among, limit=3, score_cutoff=75)
    return f" (did you mean {' or '.join(each for each, *_ in found)}?)" if found else ""


def _followed_already(what: str, system: System) -> NotFollowedError:
    as_what = "" if what == system.system_id else f", as {system.system_id}"
    return NotFollowedError("followed", f"{what} is followed already{as_what}: there is nothing to do")
