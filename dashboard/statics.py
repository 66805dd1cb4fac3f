"""Streamlit's own scripts and styles, compressed: 6.5 MB become 2, which a phone has to fetch before the map.

Streamlit sends them as they are. They never change under their names, so each is compressed once, beside the
event loop, and kept: some 2 MB of memory for what visitors ask for.
"""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import dataclass, field

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_WORTH = ("text/", "application/javascript", "application/json", "image/svg+xml", "font/ttf")
_LEAST_BYTES = 1000
_MOST_FILES = 1000


@dataclass
class _Answer:
    """What the app says to one request, held back until it is whole."""

    start: Message = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)

    async def hear(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.start = message
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")


class CompressedStatics:
    """ASGI middleware that compresses what lies under `/static/`, and touches nothing else."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._kept: dict[str, tuple[Message, bytes]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from what is kept, or pass on and keep."""
        if not self._wanted(scope):
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        if path not in self._kept:
            answer = _Answer()
            await self._app(scope, receive, answer.hear)
            headers = Headers(raw=answer.start["headers"])
            worth = headers.get("content-type", "").startswith(_WORTH) and len(answer.body) >= _LEAST_BYTES
            if answer.start["status"] != 200 or not worth or "content-encoding" in headers:
                await self._say(send, answer.start, bytes(answer.body))
                return
            packed = await asyncio.to_thread(gzip.compress, bytes(answer.body), 6, mtime=0)
            changed = MutableHeaders(raw=list(answer.start["headers"]))
            changed["Content-Encoding"], changed["Content-Length"] = "gzip", str(len(packed))
            changed.add_vary_header("Accept-Encoding")
            del changed["accept-ranges"]
            if len(self._kept) >= _MOST_FILES:
                self._kept.clear()
            self._kept[path] = ({**answer.start, "headers": changed.raw}, packed)
        await self._say(send, *self._kept[path])

    @staticmethod
    def _wanted(scope: Scope) -> bool:
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith("/static/"):
            return False
        headers = Headers(scope=scope)
        # Whoever asks for a part, or whether something has changed, is better answered by the app itself.
        plain = not {"range", "if-none-match", "if-modified-since"} & set(headers.keys())
        return plain and "gzip" in headers.get("accept-encoding", "")

    @staticmethod
    async def _say(send: Send, start: Message, body: bytes) -> None:
        await send(start)
        await send({"type": "http.response.body", "body": body, "more_body": False})
