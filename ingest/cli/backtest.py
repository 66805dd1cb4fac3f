"""`backtest`: recordings replayed and their forecasts scored."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, astuple
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table
from threadpoolctl import threadpool_limits

from ingest.cli.explained import explained
from ingest.own.runner import OwnLimits, OwnModelRunner, try_thrice
from ingest.replay import backtest as scored
from ingest.replay import recording
from ingest.replay.backtest import BacktestError, BacktestReport
from ingest.replay.recording import Recording
from ingest.settings import Settings
from ingest.store.hub_files import HubFiles
from model.scoring.issue import ISSUE_MINUTES


def backtest(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH…", help="Recordings, or folders of recordings.")
    ],
    start: Annotated[
        datetime | None,
        typer.Option("--from", help="Score what is issued from this time on, the city's own."),
    ] = None,
    minutes: Annotated[str, typer.Option(help="Horizons to score.")] = "10,30,60,120",
    every: Annotated[int, typer.Option(min=1, max=1440, help="Minutes between forecasts.")] = ISSUE_MINUTES,
    own: Annotated[
        str, typer.Option(help="A model of your own, as MODULE:FUNCTION: see docs/own-model.md.")
    ] = "",
    hub: Annotated[
        Path | None, typer.Option(help="Write every judged forecast to this folder: see docs/science.md.")
    ] = None,
    json_path: Annotated[
        Path | None, typer.Option("--json", help="Write the table to this file as well.")
    ] = None,
) -> None:
    """Replay recordings at full speed and score the forecasts, every model on the same questions."""
    with explained(BacktestError), threadpool_limits(1):
        try:
            horizons = [int(part) for part in minutes.split(",")]
        except ValueError:
            raise BacktestError(f"--minutes takes numbers like 10,30,60,120, not {minutes!r}") from None
        recordings = [Recording.read(folder) for path in paths for folder in recording.find(path)]
        reports = {}
        with Progress(*Progress.get_default_columns(), console=Console(stderr=True), transient=True) as bar:
            for each in recordings:
                task = bar.add_task(each.system.system_id, total=len(each.polls))
                progress = partial(_progress, bar, task)
                reports[each.system.system_id] = _scored(each, horizons, every, start, progress, own, hub)
        rows = [row for report in reports.values() for row in report.rows]
        if json_path is not None:
            seconds = {name: report.seconds for name, report in reports.items()}
            text = json.dumps({"rows": [asdict(row) for row in rows], "seconds": seconds}, indent=1)
            json_path.write_text(text + "\n", encoding="utf-8")
    for name, report in reports.items():
        table = Table(title=name, box=None, padding=(0, 1, 0, 0), pad_edge=False)
        for heading in ("model", "min", "n", "MAE", "RMSE", "CRPS", "bike ≥ 1", "dock ≥ 1", "cover", "worse"):
            table.add_column(heading, justify="left" if heading == "model" else "right", no_wrap=True)
        for row in report.rows:
            _, *cells = astuple(row)
            table.add_row(*(f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in cells))
        Console().print(table)
        typer.echo(f"{name}: {report.polls} polls of {report.stations} stations in {report.seconds:.1f} s")


def _scored(
    recording: Recording,
    horizons: list[int],
    every: int,
    start: datetime | None,
    progress: Callable[[int], None],
    own: str,
    hub: Path | None,
) -> BacktestReport:
    system_id, settings = recording.system.system_id, Settings.read()
    name, runner = own or settings.own_model, None
    if name:
        limits = OwnLimits(name, settings.own_seconds, settings.own_megabytes)
        runner = OwnModelRunner(limits, system_id, pause=try_thrice)
    with ExitStack() as stack:
        files = None
        if hub is not None:
            files = stack.enter_context(HubFiles(hub, system_id, recording.stations.timezone))
        report = scored.backtest(
            recording, horizons, every, start, progress,
            own=runner, on_judged=None if files is None else files.add,
        )  # fmt: skip
    if runner is not None:
        for finding in runner.findings:
            typer.echo(f"{system_id}: the own model {name}: {finding.kind}: {finding.example}", err=True)
        runner.close()
    return report


def _progress(bar: Progress, task: TaskID, polls: int) -> None:
    bar.update(task, completed=polls)
