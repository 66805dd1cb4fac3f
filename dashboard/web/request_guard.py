"""Checks every request before the app sees it, and sets the security headers of every answer.

Dockcast is read only. So the guard refuses each request with a body or with a method that does not read.
Pages run no script but the app's own, and talk to no server but this one and the map's.
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import re
import time
from collections.abc import Collection, Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import streamlit
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.api.answers import METHODS, ApiError, respond_error
from dashboard.web.page_limits import Bucket, OpenPages, client_of

MOST_TARGET = 8_000
"""Bytes of path and query together; our longest link has some 500."""

MOST_REQUESTS = 256
"""Requests answered at once. Threads answer 28 at a time, the others wait; more would only wait longer."""

_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
_AT_HOME = (".localhost", ".local", ".internal", ".lan", ".home.arpa")
_CARTO = "https://*.cartocdn.com"
_INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)

_ALWAYS = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"SAMEORIGIN",
    b"referrer-policy": b"same-origin",
    b"permissions-policy": b"geolocation=(self), camera=(), microphone=(), payment=(), usb=()",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
}
_SECURE = {b"strict-transport-security": b"max-age=31536000"}
_NO_PAGE = b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
"""The policy for answers that are not pages, should a browser show one as a page."""


class RequestGuard:
    """ASGI middleware that refuses requests which Dockcast never answers, and adds security headers.

    `hosts` are the public names that it answers to: `*` for any, `*.example.org` for all below one. It always
    answers to its addresses, and to names that no stranger can own (`localhost`, `dockcast`,
    `dockcast.local`). A stranger's name that leads here (DNS rebinding) is neither. `map_style` is the
    setting of that name.
    """

    def __init__(self, app: ASGIApp, hosts: str = "", map_style: str = "streets") -> None:
        self._app = app
        self._hosts = [host.strip().lower() for host in hosts.split(",") if host.strip()]
        self._map = _map_sources(map_style)
        self._requests = 0
        self._pages = OpenPages()
        self._is_ours = lru_cache(maxsize=256)(self._judge)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request that the guard lets through."""
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._open(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get(b"host", "")

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = self._with_headers(message, host, secure=scope["scheme"] == "https")
            await send(message)

        self._requests += 1
        try:
            error = self._refusal(scope, headers)
            if error is None:
                await self._app(scope, receive, send_with_headers)
            else:
                await respond_error(Request(scope), error)(scope, receive, send_with_headers)
        finally:
            self._requests -= 1

    async def _open(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        own = self._is_ours(host) and (origin is None or self._is_own_page(origin, host))
        client = client_of((scope.get("client") or (None,))[0])
        if not own or not self._pages.enter(client):
            await send({"type": "websocket.close", "code": 1008})
            return
        bucket = Bucket()

        async def receive_in_turn() -> Message:
            message = await receive()
            if message["type"] == "websocket.receive" and (wait := bucket.wait(time.monotonic())):
                await asyncio.sleep(wait)
            return message

        try:
            await self._app(scope, receive_in_turn, send)
        finally:
            self._pages.leave(client)

    def _refusal(self, scope: Scope, headers: Mapping[bytes, str]) -> ApiError | None:
        """Explain why a request is refused; None where it is not. The connection ends: a body may follow."""
        end = {"Connection": "close"}
        if not self._is_ours(headers.get(b"host", "")):
            name = "Dockcast does not answer to the name that was asked for."
            return ApiError("unknown_name", name, "Whoever runs it adds the name to DOCKCAST_HOSTS.", end)
        if scope["method"] not in METHODS:
            allow = {"Allow": ", ".join(METHODS)} | end
            return ApiError(
                "not_a_get", f"{scope['method'][:20]!r} does nothing here.", "Read with GET.", allow
            )
        if b"transfer-encoding" in headers or headers.get(b"content-length", "0") != "0":
            return ApiError("has_a_body", "Nothing is taken in here.", "Ask without a body.", end)
        if len(scope["raw_path"]) + len(scope["query_string"]) > MOST_TARGET:
            return ApiError(
                "too_long", "The address is too long.", f"Keep it below {MOST_TARGET} bytes.", end
            )
        if b"%00" in scope["raw_path"] + scope["query_string"] or "\0" in scope["path"]:
            return ApiError("null_byte", "There is a null byte in the address.", "Leave it out.", end)
        if "," in headers.get(b"range", ""):
            return ApiError(
                "many_ranges",
                "Only one range is given at a time.",
                "Ask for one, or for the whole.",
                end,
            )
        if self._requests > MOST_REQUESTS:
            wait = {"Retry-After": "1"} | end
            return ApiError("busy", "Too many ask at once.", "Try again in a second.", wait)
        return None

    def _judge(self, host: str) -> bool:
        if not _HOST.fullmatch(host):
            return False
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
        return is_at_home(name) or any(_matches(name, known) for known in self._hosts)

    def _is_own_page(self, origin: str, host: str) -> bool:
        """Tell whether a page of ours opens a WebSocket; a proxy may have changed `host`.

        Streamlit alone would let in pages of this machine's other servers. It would also ask a server on the
        internet for our address before it refuses a stranger's page.
        """
        try:
            asking = urlsplit(origin)
            name = asking.hostname or ""
        except ValueError:
            return False
        return asking.netloc == host or any(_matches(name, known) for known in self._hosts)

    def _with_headers(self, message: Message, host: str, *, secure: bool) -> Message:
        """Set our headers, in place of any of the same names; as raw bytes, since each answer gets them."""
        given: list[tuple[bytes, bytes]] = message["headers"]
        ours = {**_ALWAYS, **_SECURE} if secure else dict(_ALWAYS)
        if message["status"] != 304:  # which has no type, and would give a page that is kept another policy
            page = any(name == b"content-type" and kind.startswith(b"text/html") for name, kind in given)
            ours[b"content-security-policy"] = policy(host, self._map).encode() if page else _NO_PAGE
        return {**message, "headers": [each for each in given if each[0] not in ours] + [*ours.items()]}


def is_at_home(name: str) -> bool:
    """Tell whether a host's name is an address, or a name that exists only in the local network.

    >>> [is_at_home(name) for name in ("127.0.0.1", "::1", "app", "dockcast.local", "example.org")]
    [True, True, True, True, False]
    """
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return bool(name) and ("." not in name or name.endswith(_AT_HOME))
    return True


def _matches(name: str, known: str) -> bool:
    return known in ("*", name) or (known.startswith("*.") and name.endswith(known[1:]))


def policy(host: str, more: Collection[str] = ()) -> str:
    """Write the content security policy: the app's own scripts and data, and the map's from `more`.

    Streamlit writes styles into the page. Its map runs in a worker made of a blob, and a component's script
    is a blob too. `host` is there for WebSockets, which 'self' leaves out in older browsers.
    """
    sources = {
        "default-src": ["'none'"],
        "script-src": ["'self'", "blob:", "'wasm-unsafe-eval'", *_inline_scripts()],
        "worker-src": ["'self'", "blob:"],
        "style-src": ["'self'", "'unsafe-inline'"],
        "font-src": ["'self'", "data:"],
        "img-src": ["'self'", "data:", "blob:", *more],
        "connect-src": ["'self'", f"ws://{host}", f"wss://{host}", "data:", "blob:", *more],
        "manifest-src": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
        "frame-ancestors": ["'self'"],
    }
    return "; ".join(" ".join((name, *listed)) for name, listed in sources.items())


@lru_cache(maxsize=1)
def _inline_scripts() -> tuple[str, ...]:
    """Give the hashes of the scripts in Streamlit's own page."""
    page = Path(streamlit.__file__).parent / "static" / "index.html"
    scripts = _INLINE.findall(page.read_text(encoding="utf-8"))
    hashes = (base64.b64encode(sha256(script.encode()).digest()).decode() for script in scripts)
    return tuple(f"'sha256-{each}'" for each in hashes)


def _map_sources(map_style: str) -> tuple[str, ...]:
    """Give the sources of the map. A style of the operator's own may name tiles on any server."""
    if map_style == "plain":
        return ()
    if map_style == "streets":
        return (_CARTO,)
    return ("https:",) if map_style.startswith("https:") else ("http:", "https:")
