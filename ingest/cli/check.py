"""`check`: tests a feed that publishes forecasts, ours or anybody's."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import Annotated

import typer

from ingest.gbfs import forecast_check
from ingest.http.client import Fetcher


def check(
    url: Annotated[str, typer.Argument(help="The discovery document of the feed, gbfs.json.")],
) -> None:
    """Check a feed with station_forecast.json: its form, its numbers, and whether they fit each other."""
    with closing(Fetcher()) as fetcher:

        def fetch(address: str) -> bytes:
            got = fetcher.get(address, named=None if address == url else url, fresh=True)
            assert got is not None  # asked without a condition
            return got.body

        faults = forecast_check.check(url, fetch, datetime.now(UTC))
    for fault in faults:
        typer.echo(f"wrong: {fault}")
    typer.echo(f"{url}: {f'{len(faults)} kinds of faults' if faults else 'nothing is wrong'}")
    raise typer.Exit(1 if faults else 0)
