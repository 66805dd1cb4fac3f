"""`follow` and `unfollow`: which systems are polled, while workers run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress

from ingest import public_catalogue, registry
from ingest.asking import Cause, NotFollowedError
from ingest.cli.explained import explained, refuse
from ingest.cli.signals import stop_on_signals
from ingest.cli.survey_words import lines
from ingest.cli.systems import FOLDER
from ingest.following import Followed, Follower
from ingest.http.client import Fetcher
from ingest.logs import redact
from ingest.public_catalogue import CatalogueEntry, CatalogueError
from ingest.settings import Settings
from ingest.store import Store

CAUSES: dict[Cause, str] = {
    "no_docks": "without docks", "no_bicycles": "without bicycles", "key": "that want a key",
    "not_gbfs": "whose address leads to no feed", "unusable": "that cannot be used",
    "away": "that did not answer",
}  # fmt: skip
_NAMED: tuple[Cause, ...] = ("key", "not_gbfs", "unusable", "away")
"""Causes that may pass, or that somebody can mend: the summary names the systems."""
_INTERRUPTED = 130


def follow(
    systems: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="URL|ID…", help="Addresses of discovery documents, or ids of the public catalogue."
        ),
    ] = None,
    all_docked: Annotated[
        bool,
        typer.Option(
            "--all-docked", help="Every system of the public catalogue with docks and without a key."
        ),
    ] = False,
) -> None:
    """Follow more systems: ask each feed, say what it has, and have running workers take it up.

    Each is asked once. One that cannot be followed is named, and the others are followed all the same.
    """
    if all_docked == bool(systems):
        refuse("name the systems to follow, or --all-docked")
    with _follower() as (follower, store):
        code = _follow_all(follower) if all_docked else _follow(follower, systems or ())
        if store.leases.holder(datetime.now(UTC)) is None:
            typer.echo("No worker is at work; what is followed is polled once one is: python -m ingest run")
        else:
            typer.echo("The running worker takes up what is followed within some seconds")
    raise typer.Exit(code)


def unfollow(
    systems: Annotated[
        list[str], typer.Argument(metavar="URL|ID…", help="Ids or addresses of followed systems.")
    ],
) -> None:
    """Stop to follow systems, whatever the list says. What was learnt of them stays in the store."""
    code = 0
    with _follower() as (follower, _):
        for what in systems:
            try:
                system = follower.unfollow(what)
            except NotFollowedError as error:
                code = _complain(error)
            else:
                typer.echo(
                    f"{system.system_id}: {system.name} is not followed any more. What was learnt stays in "
                    f"the store, and goes on by: python -m ingest follow {system.system_id}"
                )
    raise typer.Exit(code)


@contextmanager
def _follower() -> Iterator[tuple[Follower, Store]]:
    with explained(CatalogueError):
        settings = Settings.read()
        fetcher = Fetcher()
        with closing(Store(settings.store)) as store, closing(fetcher):
            if not store.systems.known():
                # No worker has run yet. The list comes first, or its ids could be taken.
                store.systems.follow(registry.load(settings.systems, fetcher))
            known = public_catalogue.newest(FOLDER)
            yield Follower(store, known, fetcher, lambda: datetime.now(UTC)), store


def _complain(error: object) -> int:
    """Say what is wrong, and give the exit code for it."""
    typer.echo(f"Error: {redact(str(error))}", err=True)
    return 2


def _follow(follower: Follower, systems: Sequence[str]) -> int:
    """Follow systems one by one, and give the exit code."""
    code = 0
    for what in systems:
        try:
            followed = follower.follow(what)
        except NotFollowedError as error:
            code = _complain(error)
        else:
            _report(followed)
    return code


def _report(followed: Followed) -> None:
    """Say what a system is, and what its documents say."""
    system, found = followed.system, followed.found
    place = ", ".join(filter(None, (system.name, system.city, system.country)))
    typer.echo(f"{system.system_id}: {place}")
    typer.echo(f"    {redact(system.url)}")
    if found is not None:
        for line in lines(found):
            typer.echo(f"    {line}")


def _follow_all(follower: Follower) -> int:
    """Follow every docked system of the public catalogue, sum up, and give the exit code.

    Ctrl-C ends it, and keeps what was followed.
    """
    stop, work = stop_on_signals(), follower.round()
    stations, followed, others = 0, 0, defaultdict[Cause, list[str]](list)
    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("asking", total=len(work.to_ask))
        for entry, answer in follower.follow_all(work.to_ask, stop):
            if isinstance(answer, NotFollowedError):
                others[answer.cause].append(f"{entry.system_id}: {answer}")
            else:
                followed += 1
                stations += answer.found.stations if answer.found else 0
            bar.update(task, advance=1, description=f"asking, {followed:,} followed")
    typer.echo(f"followed: {followed:,} systems, {stations:,} stations")
    typer.echo(f"followed before: {len(work.already):,}")
    if work.unfollowed:
        typer.echo(f"unfollowed by command, and left so: {_ids(work.unfollowed)}")
    if work.keyed:
        typer.echo(f"not asked, since they need a key: {_ids(work.keyed)}")
    for cause, words in CAUSES.items():
        if others[cause]:
            typer.echo(f"{words}: {len(others[cause]):,}")
        if cause in _NAMED:
            for line in others[cause]:
                typer.echo(f"    {redact(line)}")
    left = len(work.to_ask) - followed - sum(map(len, others.values()))
    if not left:
        return 0
    _complain(f"interrupted; {left:,} systems were not asked: run it again to go on")
    return _INTERRUPTED


def _ids(entries: Sequence[CatalogueEntry]) -> str:
    return ", ".join(entry.system_id for entry in entries)
