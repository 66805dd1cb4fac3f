"""For tests that poll a real server: small recordings, and `serving` to serve them on a free port."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import uvicorn

from ingest.replay.gbfs_server import Clock, build
from ingest.replay.playable_source import RecordedCity
from ingest.replay.recording import Recording

START = 1_709_298_000
"""2024-03-01 13:00 UTC."""


class HandClock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        """Give the seconds by which the test has moved it."""
        return self.seconds


def make_recording(
    path: Path,
    changes: Sequence[dict[str, Any]] | None = None,
    polls: Sequence[int] | None = None,
    *,
    stations: str = "",
    **system: Any,
) -> Path:
    """Write a recording: by default five minutes of three stations in Dublin. Times count from `START`."""
    path.mkdir(parents=True)
    if changes is None:
        changes = [
            {"at": 0, "station_id": "a", "bikes": 3, "docks": 7},
            {"at": 0, "station_id": "007", "bikes": 0, "docks": 5},
            {"at": 60, "station_id": "c", "bikes": 9, "docks": 0},
            {"at": 120, "station_id": "a", "bikes": 2, "docks": 8},
            {"at": 240, "station_id": "007", "bikes": 5, "docks": 0},
        ]
    if polls is None:
        polls = range(0, 300, 60)
    described = {"system_id": path.name, "timezone": "Europe/Dublin", "name": "Test bikes, Dublin"} | system
    (path / "system.json").write_text(json.dumps(described), encoding="utf-8")
    (path / "stations.csv").write_text(
        stations
        or "station_id,name,lat,lon,capacity\n"
        "a,Anna Livia,53.34,-6.26,10\n"
        "007,\"Bond Street, „NA“\",53.35,-6.27,5\n"
        "c,NA,53.36,-6.28,\n",
        encoding="utf-8",
    )  # fmt: skip
    table = pd.DataFrame(changes)
    table["at"] += START
    table.to_parquet(path / "changes.parquet", index=False)
    pd.DataFrame({"at": [START + second for second in polls]}).to_parquet(path / "polls.parquet", index=False)
    return path


@contextmanager
def serving(
    recordings: Sequence[Recording | Path],
    *,
    clock: Clock | None = None,
    speed: float = 1,
    gbfs: str = "3.0",
    start: datetime | None = None,
) -> Iterator[str]:
    """Serve recordings on a free port, in a thread; give the address, without a slash at its end.

    Without a clock, time stands still at the first poll; give a `HandClock` to move it.
    """
    read = [item if isinstance(item, Recording) else Recording.read(item) for item in recordings]
    app = build(
        [RecordedCity(each) for each in read], speed=speed, gbfs=gbfs, start=start, clock=clock or HandClock()
    )
    config = uvicorn.Config(app, port=0, log_level="warning", lifespan="off", ws="none")
    with running(uvicorn.Server(config)) as address:
        yield address


@contextmanager
def running(server: uvicorn.Server) -> Iterator[str]:
    """Run a server in a thread until the block ends; give its address."""
    sockets = [server.config.bind_socket()]
    port = sockets[0].getsockname()[1]
    # The socket listens from here on, so the first request waits instead of failing.
    sockets[0].listen()
    thread = threading.Thread(target=server.run, kwargs={"sockets": sockets}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        assert not thread.is_alive(), "the server did not stop"
