"""`python -m ingest COMMAND`: the commands, in the order of the help."""

from __future__ import annotations

import typer

from ingest.cli.backtest import backtest
from ingest.cli.export import export
from ingest.cli.follow import follow, unfollow
from ingest.cli.play import play
from ingest.cli.record import record
from ingest.cli.run import run
from ingest.cli.serve import serve
from ingest.cli.systems import systems

app = typer.Typer(
    name="python -m ingest",
    help="Dockcast's worker and its tools. Settings come from the environment, see the README.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (run, serve, record, play, export, backtest, systems, follow, unfollow):
    app.command()(command)
