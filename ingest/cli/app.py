"""`python -m ingest COMMAND`: the commands, in the order of the help.

A command's file loads when the command runs, or when the help lists them all: a worker that starts waits for
nothing that other commands need.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from ingest import release

_FILES = {
    "run": "run",
    "serve": "serve",
    "record": "record",
    "play": "play",
    "export": "export",
    "backtest": "backtest",
    "systems": "systems",
    "follow": "follow",
    "unfollow": "follow",
    "forget": "forget",
    "check": "check",
}
"""The file of each command; its function there has the command's name."""


class _CommandsByName(Mapping[str, Any]):
    """The commands by name, each loaded at its first use."""

    def __init__(self) -> None:
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            gc.disable()  # what is loaded stays: looking for garbage in it takes a tenth of the time
            command = getattr(import_module(f"ingest.cli.{_FILES[name]}"), name)
            gc.enable()
            one = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
            one.command(name)(command)
            self._loaded[name] = get_command(one)
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_FILES)

    def __len__(self) -> int:
        return len(_FILES)


class _CommandGroup(TyperGroup):
    """All commands, as Typer wants them."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more | {"commands": _CommandsByName()})


app = typer.Typer(
    name="python -m ingest",
    cls=_CommandGroup,
    help="Dockcast's worker and its tools. Settings come from the environment, see the README.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(release.words())
        raise typer.Exit


@app.callback()
def _any_command(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Say which release it is.")
    ] = False,
) -> None:
    """Do nothing before a command: Typer asks for it where no command is there from the start."""
