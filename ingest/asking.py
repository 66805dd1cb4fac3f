"""Asks feeds by command: one, or those of a list or catalogue, many hosts at a time.

Of one host, one system is asked after the other; a host that does not answer is given up. What a feed's error
means for a person who wants to follow it is said here, once for all commands.
"""

from __future__ import annotations

import queue
import threading
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal
from urllib.parse import urlsplit

from ingest.gbfs.errors import DocumentError, FeedError, NoBicycles, NoFeeds, NoStations, NotDiscovery
from ingest.gbfs.survey import Survey, survey
from ingest.http.client import Fetcher
from ingest.system import System

Cause = Literal["followed", "unknown", "key", "not_gbfs", "no_docks", "no_bicycles", "away", "unusable"]
"""Why a system is not followed: it is already, nobody knows it, or what its feed is or does."""

ASKED_AT_ONCE = 16
"""Hosts that are asked at the same time. Of one host, one system is asked after the other."""

GIVE_UP_AFTER = 3
"""A host that gives no answer for so many of its systems in a row is not asked for the others."""

_LOOK_SECONDS = 0.2
"""How often it looks whether it shall stop, while no host answers."""

_DISCOVERY = "give the address of its discovery document, mostly …/gbfs.json"


class NotFollowedError(Exception):
    """A system that is not followed now, or could not be. The text says why, and what to do."""

    def __init__(self, cause: Cause, words: str) -> None:
        super().__init__(words)
        self.cause = cause


Answer = Survey | NotFollowedError
"""What came of asking a feed."""


def ask(system: System, fetcher: Fetcher, clock: Callable[[], datetime]) -> Survey:
    """Ask a feed. Raises `NotFollowedError` where it gives nothing to forecast."""
    asked = replace(system, system_id=system.system_id or "asked")
    try:
        return survey(asked, fetcher, clock)
    except FeedError as error:
        raise _explained(system.url, error) from error


def ask_all(
    systems: Iterable[System], ask_one: Callable[[System], Survey], stop: threading.Event
) -> Generator[tuple[System, Answer], None, None]:
    """Ask feeds by `ask_one`, and give what came of each as soon as it is there.

    It stops within a moment once `stop` is set, without waiting for hosts that have not answered yet.
    """
    answers: queue.SimpleQueue[tuple[System, Answer]] = queue.SimpleQueue()
    wanted = list(systems)
    hosts = _by_host(wanted)
    for _ in range(min(ASKED_AT_ONCE, hosts.qsize())):
        # Not a pool: Python would wait at its end for the slowest host.
        threading.Thread(target=_ask_hosts, args=[hosts, ask_one, answers, stop], daemon=True).start()
    try:
        waiting = len(wanted)
        while waiting and not stop.is_set():
            try:
                yield answers.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                continue
            waiting -= 1
    finally:
        stop.set()


def _ask_hosts(
    hosts: queue.SimpleQueue[list[System]],
    ask_one: Callable[[System], Survey],
    answers: queue.SimpleQueue[tuple[System, Answer]],
    stop: threading.Event,
) -> None:
    while True:
        try:
            systems = hosts.get_nowait()
        except queue.Empty:
            return
        away = 0
        for system in systems:
            if stop.is_set():
                return
            answer: Answer
            if away == GIVE_UP_AFTER:
                answer = NotFollowedError("away", "its host has not answered for others: try again later")
            else:
                try:
                    answer, away = ask_one(system), 0
                except NotFollowedError as error:
                    answer, away = error, away + 1 if error.cause == "away" else 0
            answers.put((system, answer))


def _by_host(systems: Sequence[System]) -> queue.SimpleQueue[list[System]]:
    """Queue the systems of each host, the host with most of them first."""
    by_host = defaultdict(list)
    for system in systems:
        by_host[urlsplit(system.url).hostname].append(system)
    hosts: queue.SimpleQueue[list[System]] = queue.SimpleQueue()
    for of_host in sorted(by_host.values(), key=len, reverse=True):
        hosts.put(of_host)
    return hosts


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
