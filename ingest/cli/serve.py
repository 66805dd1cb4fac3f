"""`serve`: recordings and made-up cities as GBFS feeds."""

from __future__ import annotations

import os
import socket
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from ingest import logs
from ingest.city.cities import CITIES
from ingest.cli.explained import explained, refuse
from ingest.gbfs.writer import VERSIONS
from ingest.replay import gbfs_server


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
    with explained(ValueError):
        _check_free(host, port)
        gbfs_server.serve(paths, host=host, port=port, speed=speed, gbfs=gbfs, start=start)


def _check_free(host: str, port: int) -> None:
    """Refuse an address that is taken: uvicorn would end the process with a message of its own."""
    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError as error:
        why = os.strerror(error.errno) if isinstance(error.errno, int) and error.errno > 0 else str(error)
        refuse(f"cannot listen on {host} port {port} ({why}): choose another by --port or --host")
