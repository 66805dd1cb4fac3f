"""`check`: tests a list of systems, or a feed, ours or anybody's. It changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlsplit

import typer

from ingest import logs, registry
from ingest.asking import NotFollowedError, ask, ask_all
from ingest.cli.explained import explained
from ingest.cli.signals import stop_on_signals
from ingest.cli.survey_words import lines, one_line
from ingest.gbfs import forecast_check
from ingest.gbfs.forecast_writer import NAME
from ingest.gbfs.survey import Survey
from ingest.http.client import Fetcher
from ingest.system import System


def check(
    what: Annotated[
        str,
        typer.Argument(
            metavar="LIST|URL",
            help="A list of systems, by its path or an address that ends with .toml; or the discovery "
            "document of a feed, gbfs.json.",
        ),
    ],
) -> None:
    """Check a list of systems and ask each of its feeds once, or check one feed. Nothing is changed.

    Of a feed with station_forecast.json, that is checked too: its form, its numbers, and whether they fit.
    """
    with closing(Fetcher()) as fetcher:
        is_feed = "://" in what and not urlsplit(what).path.endswith(".toml")
        faults = _check_feed(what, fetcher) if is_feed else _check_list(what, fetcher)
    raise typer.Exit(1 if faults else 0)


def _asks(fetcher: Fetcher) -> Callable[[System], Survey]:
    return lambda system: ask(system, fetcher, lambda: datetime.now(UTC))


def _check_list(where: str, fetcher: Fetcher) -> int:
    """Check all entries of a list and ask their feeds; give the number of faults."""
    with explained():
        systems, faults = registry.read(where, fetcher)
    for fault in faults:
        _complain(fault)
    stop, live = stop_on_signals(), [system for system in systems if not system.is_played]
    failed, answered = 0, 0
    for system, answer in ask_all(live, _asks(fetcher), stop):
        if isinstance(answer, NotFollowedError):
            failed += 1
            _complain(f"{system.system_id}: {answer}")
        else:
            answered += 1
            typer.echo(f"{system.system_id}: {one_line(answer)}")
    left = len(live) - answered - failed
    typer.echo(
        f"{logs.redact(where)}: systems: {len(systems):,}, played: {len(systems) - len(live):,}, "
        f"asked and usable: {answered:,}, not usable now: {failed:,}, wrong entries: {len(faults):,}"
        + (f", not asked, since interrupted: {left:,}" if left else "")
    )
    return len(faults) + failed + left


def _check_feed(url: str, fetcher: Fetcher) -> int:
    """Ask a feed once, and check its forecasts where it has any; give the number of kinds of faults."""

    def fetch(address: str) -> bytes:
        got = fetcher.get(address, named=None if address == url else url)
        assert got is not None  # asked without a condition
        return got.body

    try:
        found = _asks(fetcher)(System("", "", "", "", url))
    except NotFollowedError as error:
        _complain(str(error))
        return 1
    for line in lines(found):
        typer.echo(line)
    faults = forecast_check.check(url, fetch, datetime.now(UTC)) if NAME in found.feeds else []
    for fault in faults:
        _complain(fault)
    checked = "the feed and its forecasts" if NAME in found.feeds else "the feed, which has no forecasts"
    verdict = f"{len(faults)} kinds of faults" if faults else "nothing is wrong"
    typer.echo(f"{logs.redact(url)} ({checked}): {verdict}")
    return len(faults)


def _complain(words: str) -> None:
    typer.echo(f"wrong: {logs.redact(words)}")
