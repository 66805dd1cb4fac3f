"""Serves recordings and made-up cities as GBFS over HTTP, at any speed: feeds to poll without internet.

A recording's clock starts at its first poll when the server starts, and runs `speed` times as fast as the
wall's. Documents keep the recording's own dates, such as those of 2017. Where nothing was recorded, and
after the end, the feed stands still at its last poll: consumers see it grow old, as they saw the real one.
"""

from __future__ import annotations

import json
import logging
import secrets
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
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
from ingest.gbfs.hours import PublishedHours
from ingest.replay.open_source import open_named
from ingest.replay.playable_source import PlayableSource

Clock = Callable[[], float]
"""Seconds since any moment, like `time.monotonic`."""

STATIC_TTL = 3600
"""Wall seconds until the documents that do not change need be asked for again."""

POLL_SECONDS = (0.25, 86_400.0)
"""The fewest and the most wall seconds between two polls that `/systems.toml` states."""

log = logging.getLogger(__name__)


class ServedFeed:
    """A playable source as a feed: gives its documents as they are at the clock's moment.

    It begins at `start`, by default now for a made-up city and at the first poll of a recording. A `start`
    without a zone is the city's local time. Raises `RecordingError` when a recording has no such moment.
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
        now = datetime.now(UTC)
        self._origin = (source.begin_at("nothing", now) if start is None else source.aware(start)).timestamp()

    @property
    def poll_seconds(self) -> float:
        """Wall seconds between two polls: a client misses little, and fetches little twice."""
        least, most = POLL_SECONDS
        return round(min(max(self.source.system.poll_seconds / self.speed, least), most), 3)

    def newest_poll(self) -> tuple[int, int]:
        """Give the Unix time of the newest poll, and the whole wall seconds until the next is due."""
        now = self._origin + (self._clock() - self._started) * self.speed
        at, due = self.source.newest_poll(now)
        return at, max(0, int((due - now) / self.speed))

    def feeds(self) -> list[str]:
        """Name the feeds besides discovery."""
        types = ["vehicle_types"] if self.source.has_ebikes and self._gbfs != "1.1" else []
        hours = ["system_hours"] if self.source.daily_hours is not None and self._gbfs != "3.0" else []
        return ["system_information", *types, *hours, "station_information", "station_status"]

    def discovery(self, url: str) -> bytes:
        """Write gbfs.json for a feed that is reached at `url`, without a slash at its end."""
        urls = {name: f"{url}/{name}.json" for name in self.feeds()}
        return _json(writer.discovery(self._gbfs, self.source.static_at, STATIC_TTL, urls))

    def document(self, name: str) -> bytes:
        """Write one of the feeds that do not change."""
        about = (self._gbfs, self.source.static_at, STATIC_TTL)
        if name == "system_information":
            hours = PublishedHours.from_json(self.source.hours).text if self.source.hours else ""
            named = (self.source.stations, self.source.system.name, hours)
            return _json(writer.system_information(*about, *named))
        if name == "system_hours" and self.source.daily_hours is not None:
            return _json(writer.system_hours(*about, self.source.daily_hours))
        if name == "vehicle_types":
            return _json(writer.vehicle_types(*about))
        return _json(writer.station_information(*about, self.source.stations))

    def status(self, at: int, ttl: int) -> bytes:
        """Write station_status for the poll at a Unix time."""
        if self._status is None or self._status[0] != (at, ttl):
            snapshot = self.source.snapshot(datetime.fromtimestamp(at, UTC))
            self._status = ((at, ttl), _json(writer.station_status(self._gbfs, ttl, snapshot)))
        return self._status[1]


def build(
    sources: Iterable[PlayableSource],
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
    feeds = {each.system.system_id: ServedFeed(each, speed, gbfs, clock, start) for each in sources}
    run = secrets.token_hex(
        4
    )  # sets our tags apart from those of an earlier run, which was elsewhere in time

    def feed_of(request: Request) -> ServedFeed:
        system_id = request.path_params["system_id"]
        if system_id not in feeds:
            raise HTTPException(404, f"No system {system_id} is served here: see /systems.toml")
        return feeds[system_id]

    # Plain functions would run in threads. These are short, and one thread leaves each feed to one of them.
    async def discovery(request: Request) -> Response:
        feed = feed_of(request)
        body = feed.discovery(_address(request, feed))
        return _answer(request, f"{run}-static", STATIC_TTL, lambda: body)

    async def document(request: Request) -> Response:
        feed, name = feed_of(request), request.path_params["name"]
        if name not in feed.feeds():
            raise HTTPException(404, f"There is no feed {name} here: see gbfs.json beside it")
        if name != "station_status":
            return _answer(request, f"{run}-static", STATIC_TTL, lambda: feed.document(name))
        at, ttl = feed.newest_poll()
        return _answer(request, f"{run}-{at}", ttl, lambda: feed.status(at, ttl))

    async def systems(request: Request) -> Response:
        entries = [_entry(feed, _address(request, feed)) for feed in feeds.values()]
        return Response("\n".join(entries), media_type="application/toml")

    async def explain(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        text = error.detail if error.detail != "Not Found" else "Nothing is here: see /systems.toml"
        return JSONResponse({"error": text}, error.status_code, error.headers)

    return Starlette(
        routes=[
            Route("/systems.toml", systems),
            Route("/{system_id}/gbfs.json", discovery),
            Route("/{system_id}/{name}.json", document),
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

    Raises `RecordingError` and `ValueError` as `open_named` and `build` do.
    """
    sources = open_named(paths)
    app = build(sources, speed=speed, gbfs=gbfs, start=start)
    log.info("serving %d systems, listed at http://%s:%d/systems.toml", len(sources), host, port)
    uvicorn.run(app, host=host, port=port, log_level="warning", lifespan="off", ws="none")


def _answer(request: Request, tag: str, max_age: int, body: Callable[[], bytes]) -> Response:
    # A weak tag: until the next poll, documents differ only in the time until that poll.
    tag = f'W/"{tag}"'
    headers = {"ETag": tag, "Cache-Control": f"max-age={max_age}"}
    known = request.headers.get("if-none-match", "")
    if tag.removeprefix("W/") in (part.strip().removeprefix("W/") for part in known.split(",")):
        return Response(status_code=304, headers=headers)
    return Response(body(), headers=headers, media_type="application/json")


def _address(request: Request, feed: ServedFeed) -> str:
    return f"{str(request.base_url).rstrip('/')}/{feed.source.system.system_id}"


def _entry(feed: ServedFeed, url: str) -> str:
    """Write a feed's entry in a list of systems to follow."""
    system = feed.source.system
    fields: dict[str, str | float] = {
        "id": system.system_id,
        "name": system.name,
        "city": system.city,
        "country": system.country,
        "url": f"{url}/gbfs.json",
        "poll_seconds": feed.poll_seconds,
        "speed": feed.speed,
        "label": system.label,
    }
    return "[[systems]]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in fields.items())


def _toml(value: str | float) -> str:
    # JSON's strings and numbers are TOML's, but for one control character, which no name has.
    return json.dumps(value, ensure_ascii=False)


def _json(document: writer.Document) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
