"""`systems`: a search of the public catalogue."""

from __future__ import annotations

from typing import Annotated

import typer

from ingest import registry
from ingest.cli.explained import explained
from ingest.http.client import Fetcher


def systems(
    word: Annotated[str, typer.Argument(help="Part of a name, a place, or a country's two letters.")],
) -> None:
    """Search the public catalogue of GBFS systems, to follow others by a list of your own."""
    with explained():
        found = registry.search(word, Fetcher())
    if not found:
        typer.echo(f"The public catalogue has no system with {word!r}")
        return
    for system in found:
        typer.echo(f"{system.system_id}: {system.name}, {system.location}, {system.country}")
        # On a line of its own: an address that a table folds cannot be copied.
        typer.echo(f"    {system.url}{' (needs a key)' if system.needs_key else ''}")
    typer.echo(f"To follow one, write a list like {registry.PACKAGED} and name it by DOCKCAST_SYSTEMS")
