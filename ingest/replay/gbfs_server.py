"""Serves recordings and made-up cities as GBFS over HTTP, at any speed: feeds to poll without internet.

A recording's clock starts at its first poll when the server starts, and runs `speed` times as fast as the
wall's. Documents keep the recording's own dates, those of 2017 where it is of 2017. Where nothing was
recorded, and after the end, the feed stands still at its last poll: consumers see it grow old, as they saw
the real one.
"""

from __future__ import annotations

import json
import logging
import secrets
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ingest.gbfs import writer
from ingest.replay.served import PlayableSource, sources

Clock = Callable[[], float]
"""Seconds since any moment, like `time.monotonic`."""

STATIC_TTL = 3600
"""Wall seconds until the documents that do not change need be asked for again."""

POLL_SECONDS = (0.25, 86_400.0)
"""The fewest and the most wall seconds between two polls that `/systems.toml` asks for."""

log = logging.getLogger(__name__)


class Replay:
    """Something to serve as a feed: what its documents say at this moment of the clock.

    Raises `RecordingError` when `start` is no time of a recording; without a zone it is the city's.
    """

    def __init__(
        self, source: PlayableSource, speed: float, gbfs: str, clock: Clock, start: datetime | None = None
    ) -> None:
        self.source = source
        self.speed = speed
        self._gbfs = gbfs
        self._clock = clock
        self._started = clock()
        self._status: tuple[tuple[int, int], bytes] | None = None
        self._origin = source.begin(start).timestamp()

    @property
    def poll_seconds(self) -> float:
        """Wall seconds between two polls that miss little and ask for little twice."""
        least, most = POLL_SECONDS
        return round(min(max(self.source.poll_seconds / self.speed, least), most), 3)

    def moment(self) -> tuple[int, int]:
        """Give the number of the newest poll, and the whole wall seconds until the next is due."""
        now = self._origin + (self._clock() - self._started) * self.speed
        index, due = self.source.moment(now)
        return index, max(0, int((due - now) / self.speed))

    def feeds(self) -> list[str]:
        """Name the feeds besides discovery."""
        types = ["vehicle_types"] if self.source.has_ebikes and self._gbfs != "1.1" else []
        return ["system_information", *types, "station_information", "station_status"]

    def discovery(self, url: str) -> bytes:
        """Write gbfs.json for a feed that is reached at `url`, without a slash at its end."""
        urls = {name: f"{url}/{name}.json" for name in self.feeds()}
        return _json(writer.discovery(self._gbfs, self.source.since, STATIC_TTL, urls))

    def document(self, name: str) -> bytes:
        """Write one of the feeds that do not change."""
        about = (self._gbfs, self.source.since, STATIC_TTL)
        if name == "system_information":
            return _json(writer.system_information(*about, self.source.stations, self.source.name))
        if name == "vehicle_types":
            return _json(writer.vehicle_types(*about))
        return _json(writer.station_information(*about, self.source.stations))

    def status(self, index: int, ttl: int) -> bytes:
        """Write station_status for a poll."""
        if self._status is None or self._status[0] != (index, ttl):
            body = _json(writer.station_status(self._gbfs, ttl, self.source.snapshot(index)))
            self._status = ((index, ttl), body)
        return self._status[1]


def build(
    served: Iterable[PlayableSource],
    *,
    speed: float = 60,
    gbfs: str = "3.0",
    start: datetime | None = None,
    clock: Clock = time.monotonic,
) -> Starlette:
    """Make the web application. A `clock` that is moved by hand moves event time `speed` times as far.

    Raises `RecordingError` when `start` is no time of one of the recordings, `ValueError` for a version or
    speed that cannot be.
    """
    if gbfs not in writer.VERSIONS:
        raise ValueError(f"GBFS {gbfs} is not written here: choose {', '.join(writer.VERSIONS)}")
    if not 0 < speed < float("inf"):
        raise ValueError(f"a speed of {speed} leads nowhere: 1 is real time, 60 a minute each second")
    replays = {each.system_id: Replay(each, speed, gbfs, clock, start) for each in served}
    run = secrets.token_hex(4)  # another run of the server is elsewhere in time: its tags are not ours

    def replay_of(request: Request) -> Replay:
        system_id = request.path_params["system_id"]
        if system_id not in replays:
            raise HTTPException(404, f"No system {system_id} is served here: see /systems.toml")
        return replays[system_id]

    # Plain functions would run in threads; these are short, and one thread keeps each replay to itself.
    async def discovery(request: Request) -> Response:
        replay = replay_of(request)
        body = replay.discovery(_address(request, replay))
        return _answer(request, f"{run}-static", STATIC_TTL, lambda: body)

    async def feed(request: Request) -> Response:
        replay, name = replay_of(request), request.path_params["name"]
        if name not in replay.feeds():
            raise HTTPException(404, f"There is no feed {name} here: see gbfs.json beside it")
        if name != "station_status":
            return _answer(request, f"{run}-static", STATIC_TTL, lambda: replay.document(name))
        index, ttl = replay.moment()
        return _answer(request, f"{run}-{index}", ttl, lambda: replay.status(index, ttl))

    async def systems(request: Request) -> Response:
        entries = [_entry(replay, _address(request, replay)) for replay in replays.values()]
        return Response("\n".join(entries), media_type="application/toml")

    async def explain(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        words = error.detail if error.detail != "Not Found" else "Nothing is here: see /systems.toml"
        return JSONResponse({"error": words}, error.status_code, error.headers)

    return Starlette(
        routes=[
            Route("/systems.toml", systems),
            Route("/{system_id}/gbfs.json", discovery),
            Route("/{system_id}/{name}.json", feed),
        ],
        middleware=[Middleware(GZipMiddleware, minimum_size=500, compresslevel=1)],
        exception_handlers={HTTPException: explain},
    )


def serve(
    paths: Iterable[Path],
    *,
    host: str = "127.0.0.1",
    port: int = 8600,
    speed: float = 60,
    gbfs: str = "3.0",
    start: datetime | None = None,
) -> None:
    """Serve until interrupted.

    Raises `RecordingError` and `ValueError` as `sources` and `build` do.
    """
    served = sources(paths)
    app = build(served, speed=speed, gbfs=gbfs, start=start)
    log.info("serving %d systems, listed at http://%s:%d/systems.toml", len(served), host, port)
    uvicorn.run(app, host=host, port=port, log_level="warning", lifespan="off", ws="none")


def _answer(request: Request, tag: str, max_age: int, body: Callable[[], bytes]) -> Response:
    # A weak tag: until the next poll two documents differ in nothing but how long that will be.
    tag = f'W/"{tag}"'
    headers = {"ETag": tag, "Cache-Control": f"max-age={max_age}"}
    known = request.headers.get("if-none-match", "")
    if tag.removeprefix("W/") in (part.strip().removeprefix("W/") for part in known.split(",")):
        return Response(status_code=304, headers=headers)
    return Response(body(), headers=headers, media_type="application/json")


def _address(request: Request, replay: Replay) -> str:
    return f"{str(request.base_url).rstrip('/')}/{replay.source.system_id}"


def _entry(replay: Replay, url: str) -> str:
    source = replay.source
    fields: dict[str, str | float] = {
        "id": source.system_id,
        "name": source.name,
        "city": source.city,
        "country": source.country,
        "url": f"{url}/gbfs.json",
        "poll_seconds": replay.poll_seconds,
        "speed": replay.speed,
        "label": source.label,
    }
    return "[[systems]]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in fields.items())


def _toml(value: str | float) -> str:
    # JSON's strings and numbers are TOML's, but for one control character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _json(document: writer.Document) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
