"""`play`: the playback of a made-up or recorded city."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from ingest.cli.explained import explained, refuse
from ingest.settings import Settings
from ingest.store import Store
from ingest.store.playback import FASTEST, Begin


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
    with explained(ValueError), closing(Store(Settings.read().store)) as store:
        playback, stations = store.playback.get(system), store.systems.stations(system)
        now = datetime.now(UTC)
        if playback is None:
            refuse(f"{system} is not played by any worker: name a made-up or recorded city that is followed")
            return
        if begin is not None:
            playback = playback.anew(begin)
        if speed is not None:
            playback = playback.faster(speed, now)
        if jump is not None:
            zone = ZoneInfo("UTC" if stations is None else stations.timezone)
            playback = playback.jump(jump.time(), zone, now)
        if pause is not None:
            playback = playback.pause(pause, now)
        store.playback.set(system, playback)
    still = "standing still" if playback.paused else f"at {playback.speed:g} times its speed"
    typer.echo(f"{system}: {still}")
