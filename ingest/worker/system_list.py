"""The worker's list of systems: read at the start, when its file changes, and when a hang-up asks for it.

A list that is wrong loses nothing: the one before stays in use, the log says once what is wrong, and the
store notes that it is so, which the page Feeds shows. A file that somebody still writes is left alone: it is
read once it has been the same in two looks.
"""

from __future__ import annotations

import logging
import random
import threading
from datetime import UTC, datetime
from pathlib import Path

from ingest import registry
from ingest.http.client import Fetcher
from ingest.http.errors import Unreachable
from ingest.registry import RegistryError, is_web
from ingest.settings import ROOT
from ingest.store import Store
from ingest.system import System

log = logging.getLogger(__name__)

_RETRY = (2.0, 60.0)
"""Seconds between two tries at the start, while the list's server is away: at first, and at most."""

_Mark = tuple[int, int, int] | None
"""What tells one state of a file from another: when it was changed, its size and number. None: not there."""


class SystemList:
    """The list at `source`, a path or an address; the packaged one, which nobody changes, where it is None.

    `asked` is set by whoever wants it read again.
    """

    def __init__(self, source: str | None, fetcher: Fetcher, asked: threading.Event) -> None:
        self._source = source
        self._fetcher = fetcher
        self._asked = asked
        self._read_at = self._seen = self._mark()

    def load(self, store: Store, stop: threading.Event) -> list[System]:
        """Read the list at the start; where its address does not answer, try again until it does.

        Where it is wrong, what the store follows goes on: a machine that starts anew shall not lose its
        cities by a typo. Gives an empty list when somebody sets `stop` meanwhile. Raises `RegistryError`
        where the list is wrong and the store follows nothing.
        """
        wait, longest = _RETRY
        while not stop.is_set():
            try:
                systems = registry.load(self._source, self._fetcher)
            except RegistryError as error:
                if not isinstance(error.__cause__, Unreachable):
                    return self._before(error, store)
                log.warning("%s; next try in %.0f s", error.words, wait)
            else:
                store.findings.end_list_fault()
                return systems
            stop.wait(wait * random.uniform(1.0, 1.2))
            wait = min(2 * wait, longest)
        return []

    def changed(self, store: Store) -> list[System] | None:
        """Read the list again if it has changed, or somebody asked for it; None where it stays as it was.

        Raises `StoreFailedError`; the next call then reads it again.
        """
        mark, before = self._mark(), self._seen
        self._seen = mark
        if not self._asked.is_set() and (mark == self._read_at or mark != before):
            return None
        self._asked.clear()
        systems = None
        try:
            systems = registry.load(self._source, self._fetcher)
        except RegistryError as error:
            self._keep(error, store)
        else:
            store.findings.end_list_fault()
            log.info("the list of systems was read again: %d systems", len(systems))
        self._read_at = mark  # only now: where the store is away, it is read again at the next look
        return systems

    def _before(self, error: RegistryError, store: Store) -> list[System]:
        """Give what the store follows by the list before."""
        followed = store.systems.followed()
        if not followed:
            raise error
        self._keep(error, store)
        return followed

    def _keep(self, error: RegistryError, store: Store) -> None:
        log.error("the list of systems is wrong, so the one before stays in use: %s", error.words)
        store.findings.note_list_fault(datetime.now(UTC))

    def _mark(self) -> _Mark:
        if self._source is None or is_web(self._source):
            return None
        try:
            found = (ROOT / Path(self._source).expanduser()).stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino
