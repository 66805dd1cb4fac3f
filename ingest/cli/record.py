"""`record`: a system's log as a recording."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from ingest import logs
from ingest.cli.explained import explained
from ingest.replay import recording_writer
from ingest.settings import Settings
from ingest.store import Store


def record(
    system: Annotated[str, typer.Argument(help="The id of a followed system.")],
    path: Annotated[
        Path, typer.Argument(help="A folder to make; a recording of the same system is replaced.")
    ],
    since: Annotated[datetime | None, typer.Option(help="Begin at this time, in UTC.")] = None,
    until: Annotated[datetime | None, typer.Option(help="End before this time, in UTC.")] = None,
    days: Annotated[
        float | None,
        typer.Option(min=0.01, help="Begin this many days before the end, in place of --since."),
    ] = None,
) -> None:
    """Write what the store has of a system as a recording, which `serve` can replay."""
    logs.set_up("plain")
    with explained(), closing(Store(Settings.read().store)) as store:
        start, end = (None if time is None else time.replace(tzinfo=UTC) for time in (since, until))
        if days is not None:
            state = store.systems.state(system)
            newest = end or (None if state is None else state.at)
            start = None if newest is None else newest - timedelta(days=days)
        written = recording_writer.write(store, system, path, start, end)
    typer.echo(f"{written.system.name}: polls written to {path}: {len(written.polls)}")
