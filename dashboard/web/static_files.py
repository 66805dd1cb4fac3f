"""Compresses Streamlit's own scripts and styles: a phone fetches 2 MB instead of 6.5 before it shows the map.

Streamlit sends them as they are. They never change under their names, so each is compressed once, beside the
event loop, and kept: some 2 MB of memory. Brotli is a sixth smaller than gzip; browsers accept it only over
HTTPS and from their own machine.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable
from dataclasses import dataclass, field

import brotli
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_WORTH = ("text/", "application/javascript", "application/json", "image/svg+xml", "font/ttf")
_LEAST_BYTES = 1000
_MOST_FILES = 1000

# Brotli at its best would let the first visitor wait 5 s for the map's script; this takes 0.2 s.
_PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "br": lambda raw: bytes(brotli.compress(raw, quality=9)),
    "gzip": lambda raw: gzip.compress(raw, 6, mtime=0),
}
"""By the name that a browser accepts, best first."""


@dataclass
class HeldResponse:
    """The app's response to one request, held back until it is whole."""

    start: Message = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)
    whole: bool = False

    async def take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.start = message
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")
            self.whole = not message.get("more_body", False)


class CompressedStatics:
    """ASGI middleware that compresses files under `/static/`, and touches nothing else."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._kept: dict[tuple[str, str], tuple[Message, bytes]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the kept file, or pass the request on and keep the response."""
        packer = self._packer(scope)
        if packer is None:
            await self._app(scope, receive, send)
            return
        key = scope["path"], packer
        if key not in self._kept:
            held = HeldResponse()
            await self._app(scope, receive, held.take)
            if not held.whole:  # the visitor left before the end of the file
                return
            headers = Headers(raw=held.start["headers"])
            worth = headers.get("content-type", "").startswith(_WORTH) and len(held.body) >= _LEAST_BYTES
            if held.start["status"] != 200 or not worth or "content-encoding" in headers:
                await self._send(send, held.start, bytes(held.body))
                return
            packed = await asyncio.to_thread(_PACKERS[packer], bytes(held.body))
            changed = MutableHeaders(raw=list(held.start["headers"]))
            changed["Content-Encoding"], changed["Content-Length"] = packer, str(len(packed))
            changed.add_vary_header("Accept-Encoding")
            del changed["accept-ranges"]
            if len(self._kept) >= _MOST_FILES:
                self._kept.clear()
            self._kept[key] = ({**held.start, "headers": changed.raw}, packed)
        await self._send(send, *self._kept[key])

    @staticmethod
    def _packer(scope: Scope) -> str | None:
        """Choose how to compress the response to a request; None where it stays as it is."""
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith("/static/"):
            return None
        headers = Headers(scope=scope)
        # The app itself answers requests for a part of a file, or for a change.
        if {"range", "if-none-match", "if-modified-since"} & set(headers.keys()):
            return None
        accepted = {part.partition(";")[0].strip() for part in headers.get("accept-encoding", "").split(",")}
        return next((name for name in _PACKERS if name in accepted), None)

    @staticmethod
    async def _send(send: Send, start: Message, body: bytes) -> None:
        await send(start)
        await send({"type": "http.response.body", "body": body, "more_body": False})
