"""Routes beside the pages: the rows of a frame for the map, made once, compressed once, kept by everybody.

A frame never changes under its version, so browsers and proxies may keep it for ever.
"""

from __future__ import annotations

import gzip
import json
from functools import lru_cache
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from dashboard.deck import PARTS, Part, rows
from dashboard.reading import Reading, reading
from dashboard.text import What
from model.frame import AT_LEAST

_FILES: dict[str, tuple[What, int, Part]] = {
    f"{what}-{number}-{part.name}.json": (what, number, part)
    for what in ("bike", "space")
    for number in AT_LEAST
    for part in PARTS.values()
}


def frame_url(system_id: str, version: int, what: What, number: int, part: Part) -> str:
    """Say where the rows of a frame are.

    >>> frame_url("dublin", 7, "bike", 1, PARTS["near"])
    '/api/frames/dublin/7/bike-1-near.json'
    """
    return f"/api/frames/{quote(system_id, safe='')}/{version}/{what}-{number}-{part.name}.json"


@lru_cache(maxsize=128)
def _packed(source: Reading, system_id: str, version: int, name: str) -> bytes:
    table = rows(source.frame(system_id, version), *_FILES[name])
    # Level 6 takes 0.1 s at 2,000 stations, once a minute; level 9 takes thrice as long for 2 % less.
    return gzip.compress(json.dumps(table, ensure_ascii=False, separators=(",", ":")).encode(), 6, mtime=0)


def frame(request: Request) -> Response:
    """Answer with the rows of one frame. Not a coroutine, so Starlette runs it beside the event loop."""
    system_id, name = request.path_params["system_id"], request.path_params["name"]
    try:
        if name not in _FILES:
            raise LookupError(name)
        body = _packed(reading(), system_id, request.path_params["version"], name)
    except LookupError:
        return JSONResponse(
            {"error": "There is no such frame, or it is more than ten minutes old: ask the page again."},
            status_code=404,
            headers={"Cache-Control": "no-store"},
        )
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable",
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
    }
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
    else:
        body = gzip.decompress(body)
    return Response(body, media_type="application/json", headers=headers)


ROUTES: tuple[BaseRoute, ...] = (Route("/api/frames/{system_id}/{version:int}/{name}", frame),)
