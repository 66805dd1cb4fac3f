"""`python -m ingest run | serve | play | record | export | backtest | systems`."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, astuple
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table
from threadpoolctl import threadpool_limits

from ingest import logs, registry
from ingest.city.cities import CITIES
from ingest.gbfs.writer import VERSIONS
from ingest.http.client import Fetcher
from ingest.registry import RegistryError
from ingest.replay import backtest as scored
from ingest.replay import gbfs_server, recording, recording_writer
from ingest.replay.backtest import BacktestError
from ingest.replay.recording import Recording, RecordingError
from ingest.settings import Settings, SettingsError
from ingest.store import Store, StoreError, StoreFailedError
from ingest.store import export as exported
from ingest.store.export import ExportError, Format
from ingest.store.playback import FASTEST, Begin
from ingest.worker.worker import Worker, give_memory_back, load_systems
from model.scoring.issue import ISSUE_MINUTES

app = typer.Typer(
    name="python -m ingest",
    help="Dockcast's worker and its tools. Settings come from the environment, see the README.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

log = logging.getLogger("dockcast")


@contextmanager
def _explained(*more: type[Exception]) -> Iterator[None]:
    """Turn what a person can mend into one sentence and exit code 2."""
    mendable: tuple[type[Exception], ...] = (
        SettingsError, StoreError, RegistryError, RecordingError, *more)  # fmt: skip
    try:
        yield
    except StoreFailedError as error:
        _refuse(f"the store cannot be used now ({error})")
    except mendable as error:
        _refuse(str(error))


def _refuse(words: str) -> None:
    typer.echo(f"Error: {logs.redact(words)}", err=True)
    raise typer.Exit(2)


@app.command()
def run(
    with_parent: Annotated[
        bool,
        typer.Option("--with-parent", help="End when standard input closes, as it does with its parent."),
    ] = False,
) -> None:
    """Poll, learn and forecast all followed systems, until interrupted.

    A second worker on the same store stands by, and takes over when the first falls silent.
    """
    give_memory_back()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if with_parent:
        threading.Thread(target=_watch_parent, args=[stop], daemon=True).start()
    # BLAS threads fight over the cores: small matrices took 15 times longer with its default than with one.
    with _explained(), threadpool_limits(1):
        settings = Settings.read()
        logs.set_up(settings.log_format)
        store = Store(settings.store)
        fetcher = Fetcher()
        systems = load_systems(settings.systems, fetcher, stop)
        if systems:
            Worker(store, systems, fetcher, settings).run(stop)
        store.close()
    # Without this, Python would wait for a thread that is still reading a slow feed. It has nothing to save.
    logging.shutdown()
    os._exit(0)


def _watch_parent(stop: threading.Event) -> None:
    while sys.stdin.buffer.read(1024):
        pass
    stop.set()


@app.command()
def serve(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH…",
            help=f"Recordings, folders of recordings, or made-up cities: {', '.join(CITIES)}.",
        ),
    ],
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where to listen.")] = 8600,
    host: Annotated[str, typer.Option(help="The address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    speed: Annotated[float, typer.Option(help="Times as fast as it really is.")] = 60,
    gbfs: Annotated[str, typer.Option(help=f"Version to write: {', '.join(VERSIONS)}.")] = "3.0",
    start: Annotated[
        datetime | None,
        typer.Option(help="Begin at this time of the city's own; a made-up city begins now by default."),
    ] = None,
) -> None:
    """Serve recordings and made-up cities as GBFS feeds, listed at /systems.toml for DOCKCAST_SYSTEMS."""
    logs.set_up("plain")
    with _explained(ValueError):
        _check_free(host, port)
        gbfs_server.serve(paths, host=host, port=port, speed=speed, gbfs=gbfs, start=start)


def _check_free(host: str, port: int) -> None:
    """uvicorn would end the process without a word of ours."""
    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError as error:
        why = os.strerror(error.errno) if isinstance(error.errno, int) and error.errno > 0 else str(error)
        _refuse(f"cannot listen on {host} port {port} ({why}): choose another by --port or --host")


@app.command()
def record(
    system: Annotated[str, typer.Argument(help="The id of a followed system.")],
    path: Annotated[
        Path, typer.Argument(help="A folder to make; a recording of the same system is replaced.")
    ],
    since: Annotated[datetime | None, typer.Option(help="Begin at this time, in UTC.")] = None,
    until: Annotated[datetime | None, typer.Option(help="End before this time, in UTC.")] = None,
    days: Annotated[
        float | None,
        typer.Option(min=0.01, help="The last so many days of what is kept, in place of --since."),
    ] = None,
) -> None:
    """Write what the store has of a system as a recording, which `serve` can replay."""
    logs.set_up("plain")
    with _explained(), closing(Store(Settings.read().store)) as store:
        start, end = (None if time is None else time.replace(tzinfo=UTC) for time in (since, until))
        if days is not None:
            state = store.systems.state(system)
            newest = end or (None if state is None else state.at)
            start = None if newest is None else newest - timedelta(days=days)
        written = recording_writer.write(store, system, path, start, end)
    typer.echo(f"{written.system.name}: polls written to {path}: {len(written.polls)}")


@app.command()
def play(
    system: Annotated[str, typer.Argument(help="The id of a followed city that is made up or recorded.")],
    speed: Annotated[
        float | None, typer.Option(help=f"Times as fast as it really is, up to {FASTEST:g}.")
    ] = None,
    pause: Annotated[bool | None, typer.Option("--pause/--go-on", help="Stand still, or go on.")] = None,
    jump: Annotated[
        datetime | None,
        typer.Option("--jump", formats=["%H:%M"], help="Go ahead to when the city's clocks next show this."),
    ] = None,
    begin: Annotated[
        Begin | None, typer.Option(help="Begin anew: with a month learnt (half of a recording), or nothing.")
    ] = None,
) -> None:
    """Play a made-up or recorded city that a worker follows: faster, paused, ahead, or anew."""
    with _explained(ValueError), closing(Store(Settings.read().store)) as store:
        wanted, stations, now = store.playback.get(system), store.systems.stations(system), datetime.now(UTC)
        if wanted is None:
            _refuse(f"{system} is not played by any worker: name a made-up or recorded city that is followed")
            return
        if begin is not None:
            wanted = wanted.anew(begin)
        if speed is not None:
            wanted = wanted.faster(speed, now)
        if jump is not None:
            zone = ZoneInfo("UTC" if stations is None else stations.timezone)
            wanted = wanted.jump(jump.time(), zone, now)
        if pause is not None:
            wanted = wanted.pause(pause, now)
        store.playback.set(system, wanted)
    still = "standing still" if wanted.paused else f"at {wanted.speed:g} times its speed"
    typer.echo(f"{system}: {still}")


@app.command()
def export(
    system: Annotated[str, typer.Argument(help="The id of a followed system.")],
    folder: Annotated[Path, typer.Argument(help="The folder to write to; files in it are replaced.")],
    day: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The city's day; its newest by default.")
    ] = None,
    kind: Annotated[Format, typer.Option("--format", help="What to write.")] = "csv",
) -> None:
    """Write a day's scores and forecasts, each forecast beside what came, as CSV or Parquet."""
    with (
        _explained(ExportError, OSError),
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


@app.command()
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
    json_path: Annotated[
        Path | None, typer.Option("--json", help="Write the table to this file as well.")
    ] = None,
) -> None:
    """Replay recordings at full speed and score the forecasts, every model on the same questions."""
    with _explained(BacktestError), threadpool_limits(1):
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
                reports[each.system.system_id] = scored.backtest(each, horizons, every, start, progress)
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


def _progress(bar: Progress, task: TaskID, polls: int) -> None:
    bar.update(task, completed=polls)


@app.command()
def systems(
    word: Annotated[str, typer.Argument(help="Part of a name, a place, or a country's two letters.")],
) -> None:
    """Search the public catalogue of GBFS systems, to follow others by a list of your own."""
    with _explained():
        found = registry.search(word, Fetcher())
    if not found:
        typer.echo(f"The public catalogue has no system with {word!r}")
        return
    for system in found:
        typer.echo(f"{system.system_id}: {system.name}, {system.location}, {system.country}")
        # On a line of its own: an address that a table folds cannot be copied.
        typer.echo(f"    {system.url}{' (needs a key)' if system.needs_key else ''}")
    typer.echo(f"To follow one, write a list like {registry.PACKAGED} and name it by DOCKCAST_SYSTEMS")
