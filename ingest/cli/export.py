"""`export`: a day's scores and forecasts as files."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from ingest.cli.explained import explained
from ingest.settings import Settings
from ingest.store import Store
from ingest.store import export as exported
from ingest.store.export import ExportError, Format


def export(
    system: Annotated[str, typer.Argument(help="The id of a followed system.")],
    folder: Annotated[Path, typer.Argument(help="The folder to write to; files in it are replaced.")],
    day: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The city's day; its newest by default.")
    ] = None,
    kind: Annotated[Format, typer.Option("--format", help="What to write.")] = "csv",
) -> None:
    """Write a day's scores and forecasts, each forecast beside its truth, as CSV or Parquet."""
    with (
        explained(ExportError, OSError),
        closing(Store(Settings.read().store)) as store,
        Progress(*Progress.get_default_columns(), console=Console(stderr=True), transient=True) as bar,
    ):
        task = bar.add_task(system, total=None)
        written = exported.export(
            store, system, folder, None if day is None else day.date(), kind,
            lambda done, of: bar.update(task, completed=done, total=of),
        )  # fmt: skip
    for path, rows in written.items():
        typer.echo(f"{path}: {rows:,} rows")
