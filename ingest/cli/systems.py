"""`systems`: a search of the public catalogue."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ingest import public_catalogue
from ingest.cli.explained import explained, refuse
from ingest.http.client import Fetcher
from ingest.public_catalogue import CatalogueError

FOLDER = Path(typer.get_app_dir("dockcast"))
"""The folder of a catalogue that was fetched: the user's own, since the app's may be read-only."""


def systems(
    word: Annotated[
        str | None, typer.Argument(help="Part of a name, an id, a place, or a country's two letters.")
    ] = None,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Fetch the catalogue of today in place of the one at hand.")
    ] = False,
) -> None:
    """Search the public catalogue of GBFS systems. It comes with the app, and needs no network."""
    if word is None and not refresh:
        refuse("name a word to search for, or --refresh to fetch a newer catalogue")
    with explained(CatalogueError):
        if refresh:
            known = public_catalogue.refresh(FOLDER, Fetcher(), datetime.now(UTC).date())
            typer.echo(f"The public catalogue of {known.as_of} is here: {len(known.entries):,} systems")
        else:
            known = public_catalogue.newest(FOLDER)
    if word is None:
        return
    found = known.search(word)
    if not found:
        typer.echo(
            f"The public catalogue of {known.as_of} has no system with {word!r}: try a part of it, or fetch "
            "a newer catalogue by --refresh"
        )
        return
    for system in found:
        typer.echo(f"{system.system_id}: {system.name}, {system.location}, {system.country}")
        # On a line of its own: an address that a table folds cannot be copied.
        typer.echo(f"    {system.url}{' (needs a key)' if system.needs_key else ''}")
    typer.echo(f"As of {known.as_of}. To follow one: python -m ingest follow ID")
