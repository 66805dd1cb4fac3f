"""Answers of the API: JSON or another format, compressed, with an ETag. Errors tell what to do.

Everything here is public and changes nothing, so pages of any origin may read it, without cookies.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, wraps
from hashlib import blake2b
from threading import Lock
from typing import Any, TypeVarTuple

from starlette.requests import Request
from starlette.responses import Response

Ts = TypeVarTuple("Ts")

JSON = "application/json"
CSV = "text/csv"
PARQUET = "application/vnd.apache.parquet"
FORMATS = {"json": JSON, "csv": CSV, "parquet": PARQUET}

METHODS = ("GET", "HEAD", "OPTIONS")

_WORTH_PACKING = 500
"""Bytes below which compression gains nothing."""

_PACKED_ALREADY = (PARQUET,)


STATUS: dict[str, int] = {
    "bad_stretch": 400,
    "bad_value": 400,
    "busy": 503,
    "failed": 500,
    "given_twice": 400,
    "has_a_body": 413,
    "many_ranges": 416,
    "no_counts": 503,
    "no_kinds": 404,
    "no_such_address": 404,
    "no_such_frame": 404,
    "not_a_get": 405,
    "not_acceptable": 406,
    "null_byte": 400,
    "out_of_reach": 404,
    "store_away": 503,
    "too_long": 414,
    "too_many_rows": 400,
    "unknown_name": 421,
    "unknown_parameter": 400,
    "unknown_station": 404,
    "unknown_system": 404,
}
"""The code of each kind of error, with the status of its answer. A code stays: a new kind gets a new one."""


class ApiError(Exception):
    """A request that cannot be answered: a code for programs, what is wrong and what to do, for people."""

    def __init__(self, code: str, error: str, try_: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(error)
        self.status = STATUS[code]
        self.code = code
        self.error = error
        self.try_ = try_
        self.headers = headers or {}


@dataclass(frozen=True)
class Body:
    """The content of an answer: its bytes, compressed where `packed`, their type and their ETag.

    The ETag is weak, since the same one stands for the bytes with and without compression.
    """

    content: bytes
    media_type: str = JSON
    etag: str = ""
    packed: bool = False
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.etag:
            object.__setattr__(self, "etag", f'W/"{blake2b(self.content, digest_size=12).hexdigest()}"')

    def pack(self) -> Body:
        """Compress it once for all requests. Level 6 takes 0.1 s for 2,000 stations, level 9 0.3 s."""
        return (
            self
            if self.packed or self.media_type in _PACKED_ALREADY
            else replace(self, content=_gzip(self.content), packed=True)
        )


class _Once:
    """Makes a body at the first request; all others wait for it."""

    def __init__(self, make: Callable[[], Body]) -> None:
        self._make = make
        self._lock = Lock()
        self._body: Body | None = None

    def get(self) -> Body:
        with self._lock:
            if self._body is None:
                self._body = self._make()
            return self._body


def kept(most: int) -> Callable[[Callable[[*Ts], Body]], Callable[[*Ts], Body]]:
    """Keep the last `most` bodies that a function makes, each made once and compressed.

    Many requests for a new frame come at the same moment. With `lru_cache` alone each of them would make it.
    """

    def wrap(make: Callable[[*Ts], Body]) -> Callable[[*Ts], Body]:
        @lru_cache(maxsize=most)
        def once(*args: *Ts) -> _Once:
            return _Once(lambda: make(*args).pack())

        @wraps(make)
        def get(*args: *Ts) -> Body:
            return once(*args).get()

        return get

    return wrap


def json_body(value: Any) -> Body:
    """Write a value as JSON. Names from feeds stay as they are: JSON is not HTML."""
    return Body(dumps(value).encode())


def dumps(value: Any) -> str:
    """Write a value as compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def respond(request: Request, body: Body, cache: str) -> Response:
    """Answer with a body, or with 304 where the client has it already."""
    headers = _headers(cache) | {"ETag": body.etag} | dict(body.headers)
    if body.status == 200 and _is_held(request.headers.get("if-none-match", ""), body.etag):
        return Response(status_code=304, headers=headers)
    return _send(request, body, headers)


def respond_error(request: Request, error: ApiError) -> Response:
    """Answer with what is wrong and what to do. No cache keeps it."""
    body = json_body({"code": error.code, "error": error.error, "try": error.try_})
    return _send(request, replace(body, status=error.status), _headers("no-store") | dict(error.headers))


def respond_options() -> Response:
    """Tell a browser that pages of other origins may ask."""
    allowed = {
        "Allow": ", ".join(METHODS),
        "Access-Control-Allow-Methods": ", ".join(METHODS),
        "Access-Control-Allow-Headers": "Accept, If-None-Match",
        "Access-Control-Max-Age": "86400",
    }
    return Response(status_code=204, headers=_headers("no-store") | allowed)


def _headers(cache: str) -> dict[str, str]:
    return {
        "Cache-Control": cache,
        "Vary": "Accept, Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "ETag, Retry-After, Content-Disposition",
    }


def _send(request: Request, body: Body, headers: dict[str, str]) -> Response:
    content = body.content
    worth = len(content) >= _WORTH_PACKING and body.media_type not in _PACKED_ALREADY
    if wants_gzip(request.headers.get("accept-encoding", "")) and (body.packed or worth):
        content = content if body.packed else _gzip(content)
        headers["Content-Encoding"] = "gzip"
    elif body.packed:
        content = gzip.decompress(content)
    response = Response(content, body.status, headers, media_type=body.media_type)
    if request.method == "HEAD":
        response.body = b""  # its length stays in the header
    return response


def _gzip(content: bytes) -> bytes:
    return gzip.compress(content, 6, mtime=0)


def _is_held(given: str, etag: str) -> bool:
    tags = [tag.strip().removeprefix("W/") for tag in given.split(",")]
    return etag.removeprefix("W/") in tags or "*" in tags


# ---------------------------------------------------------------- what the client accepts


def _weights(accept: str) -> dict[str, float]:
    """Read a header like `text/csv;q=0.5, */*;q=0.1`; a part without a readable weight counts as 1."""
    weights = {}
    for part in accept.split(","):
        name, *more = (piece.strip().lower() for piece in part.split(";"))
        weight = 1.0
        for piece in more:
            key, _, number = piece.partition("=")
            if key.strip() == "q":
                try:
                    weight = float(number)
                except ValueError:
                    weight = 1.0
        if name:
            weights[name] = weight
    return weights


def wants_gzip(accept_encoding: str) -> bool:
    """Tell whether gzip is welcome.

    >>> wants_gzip("gzip, br"), wants_gzip("gzip;q=0, br"), wants_gzip("*"), wants_gzip("")
    (True, False, True, False)
    """
    weights = _weights(accept_encoding)
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def choose(accept: str, offered: Sequence[str]) -> str:
    """Choose the type that the client prefers; the first offered where it has no preference.

    >>> choose("text/csv", (JSON, CSV)), choose("text/html, */*;q=0.1", (JSON, CSV))
    ('text/csv', 'application/json')

    Raises an `ApiError` where the client accepts none of them.
    """
    weights = _weights(accept)
    if not weights:
        return offered[0]

    def liking(media_type: str) -> float:
        names = (media_type, f"{media_type.partition('/')[0]}/*", "*/*")
        return next((weights[name] for name in names if name in weights), 0.0)

    best = max(offered, key=liking)
    if liking(best) <= 0:
        kinds = " or ".join(offered)
        raise ApiError(
            "not_acceptable",
            f"This cannot be had as {accept[:80]!r}.",
            f"Accept {kinds}, or leave Accept out.",
        )
    return best
