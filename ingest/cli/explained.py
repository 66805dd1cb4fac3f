"""Tells a person what is wrong in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from ingest import logs
from ingest.registry import RegistryError
from ingest.replay.recording import RecordingError
from ingest.settings import SettingsError
from ingest.store import StoreError, StoreFailedError


@contextmanager
def explained(*more: type[Exception]) -> Iterator[None]:
    """Turn an error that a person can mend, or one of `more`, into one sentence and exit code 2."""
    mendable: tuple[type[Exception], ...] = (
        SettingsError, StoreError, RegistryError, RecordingError, *more)  # fmt: skip
    try:
        yield
    except StoreFailedError as error:
        refuse(f"the store cannot be used now ({error})")
    except mendable as error:
        refuse(str(error))


def refuse(words: str) -> None:
    """Say why a command cannot do what it should, and end with exit code 2."""
    typer.echo(f"Error: {logs.redact(words)}", err=True)
    raise typer.Exit(2)
