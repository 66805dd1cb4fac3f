"""`forget`: deletes what was learnt of a system that nobody follows any more."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from ingest.cli.explained import explained, refuse
from ingest.cli.signals import stop_on_signals
from ingest.settings import Settings
from ingest.store import LeaseClaim, LeaseLostError, Store
from ingest.store.holder import new_holder

_LEASE = timedelta(seconds=60)


def forget(
    system: Annotated[str, typer.Argument(help="The id of a system that is not followed any more.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete all that the store has of a system: counts, scores, what was learnt. It says what, and asks.

    It may be interrupted, and run again, while workers and apps run.
    """
    with explained(LeaseLostError), closing(Store(Settings.read().store)) as store:
        _check(store, system)
        rows = store.forgetting.rows(system)
        typer.echo(f"{system}, rows to delete: {sum(rows.values()):,}")
        for table, count in rows.items():
            typer.echo(f"    {table}: {count:,}")
        if not yes and not typer.confirm("Delete them for good?"):
            refuse("nothing was deleted")
        claim = LeaseClaim(system, new_holder(), datetime.now(UTC), _LEASE)
        if not store.leases.take(claim):
            refuse(f"a worker still has {system}: try again in half a minute")
        stop, deleted = stop_on_signals(), 0
        try:
            for count in store.forgetting.drop(claim):
                deleted += count
                if stop.is_set():
                    refuse(f"interrupted, {deleted:,} rows were deleted: run it again to go on")
        finally:
            store.leases.drop(claim.holder, system)
    typer.echo(f"{system}: {deleted:,} rows were deleted. What is followed again by its id begins anew")


def _check(store: Store, system: str) -> None:
    """Refuse a system that is not known, or is followed."""
    if system in {each.system_id for each in store.systems.followed()}:
        refuse(f"{system} is followed: take it out of the list, or run first: unfollow {system}")
    known = [each.system_id for each in store.systems.known()]
    if system not in known:
        gone = sorted(set(known) - {each.system_id for each in store.systems.followed()})
        refuse(f"the store knows no {system}; not followed any more are: {', '.join(gone) or 'none'}")
