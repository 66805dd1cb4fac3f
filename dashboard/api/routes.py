"""The routes of the API, for programs. One table makes the routes and their description.

The rows of a frame for the map are made once and compressed once. Every cache may keep them: a frame never
changes under its version.
"""

from __future__ import annotations

import logging
import tomllib
from dataclasses import replace
from functools import partial
from inspect import iscoroutinefunction
from pathlib import Path
from typing import cast, get_args

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from dashboard.api import forecasts, gbfs, health, metrics, scores, systems
from dashboard.api.answers import (
    FORMATS,
    JSON,
    METHODS,
    ApiError,
    Body,
    choose,
    json_body,
    kept,
    respond,
    respond_error,
    respond_options,
)
from dashboard.api.index_page import HTML, index_page
from dashboard.api.openapi import Operation, described, document, listed
from dashboard.api.parameters import Parameter, Text, Whole, read
from dashboard.maps.deck import FramePart, named, rows
from dashboard.store_reader import StoreReader, reader
from dashboard.words import languages
from dashboard.words.catalogue import ENGLISH, speaking
from dashboard.words.rules import What
from ingest.store import StoreUnreachableError
from model.frame import AT_LEAST

log = logging.getLogger("dockcast.api")

ROWS = "application/vnd.dockcast.rows"
"""The type of a frame's rows. They are JSON, but loaders.gl reads what is called so twice."""


@kept(128)
def _rows(
    source: StoreReader, system_id: str, version: int, what: What, number: int, part: FramePart, spoken: str
) -> Body:
    with speaking(languages.speak(spoken)):
        return replace(json_body(rows(source.frame(system_id, version), what, number, part)), media_type=ROWS)


def frame(system_id: str, version: int, name: str, lang: str | None) -> Body:
    """Give the rows of one frame, as the map draws them, with words in a language."""
    spoken = languages.match(lang or "") or ENGLISH.code
    what, number, part_name = name.removesuffix(".json").split("-")
    part = named(part_name, reader().place)
    if part is None:
        raise ApiError("no_such_frame", f"There is no {name} in a frame.", "Ask the page again.")
    try:
        body = _rows(reader(), system_id, version, cast(What, what), int(number), part, spoken)
        # What is near a viewer is for that viewer's own cache.
        return body if part.place is None else replace(body, headers={"Cache-Control": _OWN})
    except LookupError:
        raise ApiError(
            "no_such_frame",
            "There is no such frame, or it is more than ten minutes old.",
            "Ask the page again, or /api/systems for the version of the newest one.",
        ) from None


@kept(1)
def openapi() -> Body:
    """Describe the API, as OpenAPI 3.1."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    return json_body(document(OPERATIONS, project["project"]["version"]))


def index() -> Body:
    """Write the page for people."""
    return index_page(OPERATIONS, reader())


_FRESH = "public, max-age=1"
_SLOW = "public, max-age=10"
_FOR_EVER = "public, max-age=31536000, immutable"
_OWN = "private, max-age=600"
_NEVER = "no-store"
_ONE = (systems.SYSTEM, forecasts.STATION, forecasts.AHEAD, forecasts.AT)
_SINCE = (systems.SYSTEM, scores.SINCE)

OPERATIONS = (
    Operation(
        "/api", index, "This API, on a page for people",
        {HTML: described({"type": "string"}, "A page.")}, cache=_SLOW,
    ),
    Operation(
        "/api/systems", systems.systems, "All systems that are followed, and how they stand",
        {JSON: systems.SYSTEMS_SCHEMA}, cache=_FRESH,
    ),
    Operation(
        "/api/systems/{system_id}", systems.system, "How a system stands",
        {JSON: systems.SYSTEM_SCHEMA},
        parameters=_ONE[:1], problems=systems.UNKNOWN_SYSTEM, cache=_FRESH,
    ),
    Operation(
        "/api/systems/{system_id}/stations", forecasts.stations, "A system's stations and newest counts",
        {JSON: forecasts.STATIONS_SCHEMA},
        parameters=_ONE[:1], problems=systems.UNKNOWN_SYSTEM | forecasts.WAITING, cache=_FRESH,
    ),
    Operation(
        "/api/systems/{system_id}/forecast", forecasts.forecast, "The forecast for every station",
        {JSON: forecasts.FORECAST_SCHEMA},
        "Give `minutes` or `at`; without both it is that for now. A feed that fell silent is answered from "
        "ever later horizons of its last counts, whose intervals are wider, and after a day not at all.",
        _ONE[:1] + _ONE[2:], forecasts.UNKNOWN_STATION | forecasts.WAITING, _FRESH,
    ),
    Operation(
        "/api/systems/{system_id}/stations/{station_id}/forecast", forecasts.station,
        "The forecasts for one station", {JSON: forecasts.STATION_SCHEMA},
        "All from now to a day ahead, or the one for `minutes` or `at`.",
        _ONE, forecasts.UNKNOWN_STATION | forecasts.WAITING, _FRESH,
    ),
    Operation(
        "/api/systems/{system_id}/drifts", scores.drifts, "When forecasts changed against \"no change\"",
        {JSON: scores.DRIFTS_SCHEMA}, "As River's ADWIN noticed it at each horizon.",
        _SINCE, systems.UNKNOWN_SYSTEM, _SLOW,
    ),
    Operation(
        "/api/systems/{system_id}/outages", scores.outages, "When the feed was down",
        {JSON: scores.OUTAGES_SCHEMA}, "For so long that what was due in between was not scored.",
        _SINCE, systems.UNKNOWN_SYSTEM, _SLOW,
    ),
    Operation(
        "/api/scores", scores.scores, "How right the forecasts were, over time",
        {JSON: scores.SCORES_SCHEMA, **scores.TABLE},
        "A row for each span, model and horizon, oldest first. Systems that are not live are summed up with "
        f"the others where no system is named. At most {scores.MOST_ROWS:,} rows at once.",
        scores.SCORES_PARAMETERS, systems.UNKNOWN_SYSTEM, _SLOW,
    ),
    Operation(
        "/api/findings", scores.findings, "What is odd in the feeds' answers, or was in the last day",
        {JSON: scores.FINDINGS_SCHEMA},
        parameters=(scores.ONE_SYSTEM,), problems=systems.UNKNOWN_SYSTEM, cache=_SLOW,
    ),
    Operation(
        "/api/frames/{system_id}/{version}/{name}", frame, "The rows of a frame, as the map draws them",
        {ROWS: listed({"type": "array"}, "A row a station: its place, what it says, and a value a horizon.")},
        "For the map alone: what is in a row may change with any release. A frame is kept for ten minutes.",
        (
            systems.SYSTEM,
            Parameter("version", Whole(0, 2**31 - 1), "The frame's number.", 1, required=True),
            Parameter("name", Text(
                    f"({'|'.join(get_args(What))})-[{AT_LEAST[0]}-{AT_LEAST[-1]}]-(near|[0-9]{{1,4}}|foot\\.[0-9a-f]{{24}}\\.[0-9]{{1,4}})\\.json",
                    "a file of a frame, such as bike-1-near.json or space-2-735.json",
                ), "What to draw, how many, and when: near, minutes, or a place.", "bike-1-near.json", True),
            Parameter("lang", Text("[A-Za-z0-9_-]{2,35}", "the code of a language, such as fr or pt-BR"),
                      "The language of its words. English where it is not spoken here.", "fr"),
        ),
        {404: "There is no such frame any more."}, _FOR_EVER,
    ),
    Operation(
        "/gbfs/{system_id}/gbfs.json", gbfs.discovery, "A system's documents in GBFS 3.0, with the forecast",
        {JSON: gbfs.DOCUMENT_SCHEMA},
        parameters=_ONE[:1], problems=systems.UNKNOWN_SYSTEM | forecasts.WAITING, cache=_FRESH,
        addressed=True,
    ),
    Operation(
        "/gbfs/{system_id}/station_forecast.json", gbfs.station_forecast,
        "The forecast of the coming two hours, in the style of GBFS 3",
        {JSON: gbfs.FORECAST_SCHEMA}, "Its form is described in docs/open-forecasts.md.",
        _ONE[:1], systems.UNKNOWN_SYSTEM | forecasts.WAITING, _FRESH,
    ),
    Operation(
        "/gbfs/{system_id}/{name}", gbfs.document, "One of the documents of GBFS 3.0",
        {JSON: gbfs.DOCUMENT_SCHEMA}, "",
        (systems.SYSTEM, gbfs.DOCUMENT), {404: "There is no such system or document."} | forecasts.WAITING,
        _FRESH,
    ),
    Operation(
        "/gbfs/station_forecast.schema.json", gbfs.schema, "The JSON schema of station_forecast.json",
        {JSON: {"type": "object"}}, cache="no-cache",
    ),
    Operation(
        "/healthz", health.health, "Whether it is alive and ready",
        {JSON: health.HEALTH_SCHEMA}, cache=_NEVER, also=503,
    ),
    Operation(
        "/healthz/live", health.live, "Whether it is alive", {JSON: health.LIVE_SCHEMA}, cache=_NEVER
    ),
    Operation(
        "/healthz/ready", health.ready, "Whether it can give forecasts",
        {JSON: health.READY_SCHEMA}, cache=_NEVER, also=503,
    ),
    Operation(
        "/metrics", metrics.metrics, "Metrics for Prometheus",
        dict.fromkeys(
            (metrics.PLAIN, metrics.OPENMETRICS), described({"type": "string"}, "In its text format.")
        ),
        cache=_NEVER,
    ),
    Operation(
        "/api/openapi.json", openapi, "This description", {JSON: {"type": "object"}}, cache="no-cache"
    ),
)  # fmt: skip

# ---------------------------------------------------------------- the routes


class Endpoint:
    """Answers for one operation, whatever the method. It reads the store beside the event loop."""

    def __init__(self, operation: Operation) -> None:
        self._operation = operation
        self._is_async = iscoroutinefunction(operation.answer)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, always in JSON and without a traceback."""
        request = Request(scope, receive)
        try:
            response = await self._respond(request)
        except ApiError as error:
            response = respond_error(request, error)
        except StoreUnreachableError:  # which the log says
            away = ApiError(
                "store_away",
                "The store does not answer just now.",
                "Try again in a minute.",
                {"Retry-After": "60"},
            )
            response = respond_error(request, away)
        except Exception:
            log.exception("%s failed", self._operation.path)
            broken = ApiError(
                "failed",
                "Dockcast failed at this, and wrote down why.",
                "Try again; /healthz says how it is.",
            )
            response = respond_error(request, broken)
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return respond_options()
        if request.method not in METHODS:
            raise ApiError(
                "not_a_get",
                f"{request.method[:20]} does nothing here.",
                "Everything is read with GET.",
                {"Allow": ", ".join(METHODS)},
            )
        operation = self._operation
        values = read(operation.parameters, request.path_params, request.query_params.multi_items())
        offered = [*operation.gives]
        format_name = values.pop("format", None)
        media_type = (
            FORMATS[format_name] if format_name else choose(request.headers.get("accept", ""), offered)
        )
        if len(offered) > 1:
            values["media_type"] = media_type
        if operation.addressed:
            values["address"] = str(request.base_url).rstrip("/")
        answer = partial(operation.answer, **values)
        if self._is_async:
            return respond(request, await answer(), operation.cache)
        return await run_in_threadpool(lambda: respond(request, answer(), operation.cache))


class Nowhere:
    """Answers for every address that does not exist."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with 404 and a hint."""
        request = Request(scope, receive)
        if request.method == "OPTIONS":
            await respond_options()(scope, receive, send)
            return
        hint = "Leave out the slash at its end; " if scope["path"].endswith("/") else ""
        error = ApiError(
            "no_such_address",
            "There is nothing at this address.",
            f"{hint}/api shows what there is, /api/openapi.json to programs.",
        )
        await respond_error(request, error)(scope, receive, send)


def _route(operation: Operation) -> Route:
    # A station's id may hold a slash.
    return Route(operation.path.replace("{station_id}", "{station_id:path}"), Endpoint(operation))


ROUTES: tuple[BaseRoute, ...] = (
    *map(_route, OPERATIONS),
    *(Route(path, Nowhere()) for path in ("/api/{path:path}", "/gbfs/{path:path}", "/healthz/{path:path}")),
)
