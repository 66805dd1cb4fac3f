"""`export`: a day's scores and forecasts as files."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.progress import Progress

from ingest.cli.explained import explained
from ingest.settings import Settings
from ingest.store import Store
from ingest.store import export as exported
from ingest.store.export import ExportError


def export(
    system: Annotated[str, typer.Argument(help="The id of a followed system.")],
    folder: Annotated[Path, typer.Argument(help="The folder to write to; files in it are replaced.")],
    day: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The city's day; its newest by default.")
    ] = None,
    kind: Annotated[
        Literal["csv", "parquet", "hub"],
        typer.Option("--format", help="What to write; hub: the odds of all models as tidy Parquet."),
    ] = "csv",
) -> None:
    """Write a day's scores and forecasts, each forecast beside its truth, as CSV or Parquet.

    With --format hub, write every model's judged odds for science: see docs/science.md.
    """
    with (
        explained(ExportError, OSError),
        closing(Store(Settings.read().store)) as store,
        Progress(*Progress.get_default_columns(), console=Console(stderr=True), transient=True) as bar,
    ):
        task = bar.add_task(system, total=None)
        write = exported.export_hub if kind == "hub" else partial(exported.export, kind=kind)
        written = write(
            store, system, folder, None if day is None else day.date(),
            progress=lambda done, of: bar.update(task, completed=done, total=of),
        )  # fmt: skip
    for path, rows in written.items():
        typer.echo(f"{path}: {rows:,} rows")
