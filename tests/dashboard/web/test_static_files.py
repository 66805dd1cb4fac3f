"""Static files are compressed once, and a browser decodes them to the same bytes."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable
from typing import Any

import brotli
import pytest
from starlette.types import Message, Receive, Scope, Send

from dashboard.web.static_files import CompressedStatics

SCRIPT = b"export const answer = 42;\n" * 100


class Files:
    """Serves one script, and counts how often it is asked."""

    def __init__(
        self, status: int = 200, kind: bytes = b"application/javascript", body: bytes = SCRIPT
    ) -> None:
        self.status, self.kind, self.body, self.asked = status, kind, body, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked += 1
        length = str(len(self.body)).encode()
        headers = [
            (b"content-type", self.kind),
            (b"content-length", length),
            (b"cache-control", b"immutable"),
        ]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        half = len(self.body) // 2
        await send({"type": "http.response.body", "body": self.body[:half], "more_body": True})
        await send({"type": "http.response.body", "body": self.body[half:], "more_body": False})


def get(
    app: CompressedStatics, path: str = "/static/js/a.js", **headers: str
) -> tuple[dict[str, str], bytes]:
    messages: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        messages.append(message)

    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": path, "headers": raw}
    asyncio.run(app(scope, receive, send))
    answer_headers = {name.decode(): value.decode() for name, value in messages[0]["headers"]}
    return answer_headers, b"".join(message["body"] for message in messages[1:])


@pytest.mark.parametrize(
    ("accepted", "chosen", "unpack"),
    [
        ("gzip", "gzip", gzip.decompress),
        ("gzip, deflate", "gzip", gzip.decompress),
        ("gzip, deflate, br, zstd", "br", brotli.decompress),
        ("br;q=1.0, gzip;q=0.5", "br", brotli.decompress),
    ],
)
def test_a_script_is_compressed_once_and_the_same_to_the_byte(
    accepted: str, chosen: str, unpack: Callable[[bytes], bytes]
) -> None:
    files = Files()
    app = CompressedStatics(files)
    for _ in range(3):
        headers, body = get(app, accept_encoding=accepted)
        assert headers["content-encoding"] == chosen
        assert headers["content-length"] == str(len(body))
        assert headers["cache-control"] == "immutable"
        assert "accept-encoding" in headers["vary"].lower()
        assert len(body) < len(SCRIPT) / 5
        assert unpack(body) == SCRIPT
    assert files.asked == 1


def test_a_response_that_a_visitor_left_halfway_is_not_kept() -> None:
    """Half a script was once kept for all visitors, whose charts failed with "Unexpected end of input"."""
    files, left = Files(), True

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async def until_gone(message: Message) -> None:
            if not (left and message.get("more_body") is False):
                await send(message)

        await files(scope, receive, until_gone)

    compressed = CompressedStatics(app)
    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": "/static/js/a.js"}
    scope["headers"] = [(b"accept-encoding", b"gzip")]
    messages: list[Message] = []

    async def nothing() -> Message:
        return {"type": "http.disconnect"}

    async def hear(message: Message) -> None:
        messages.append(message)

    asyncio.run(compressed(scope, nothing, hear))
    assert not messages
    left = False
    assert gzip.decompress(get(compressed, accept_encoding="gzip")[1]) == SCRIPT


def test_each_browser_gets_an_encoding_that_it_accepts() -> None:
    app = CompressedStatics(Files())
    taken = [get(app, accept_encoding=accepted)[0]["content-encoding"] for accepted in ("br", "gzip", "br")]
    assert taken == ["br", "gzip", "br"]


@pytest.mark.parametrize(
    ("files", "path", "headers"),
    [
        (Files(), "/static/js/a.js", {}),
        (Files(), "/static/js/a.js", {"accept_encoding": "zstd"}),
        (Files(), "/static/js/a.js", {"accept_encoding": "gzip", "range": "bytes=0-9"}),
        (Files(), "/static/js/a.js", {"accept_encoding": "gzip", "if_none_match": "x"}),
        (Files(), "/api/frames/x", {"accept_encoding": "gzip"}),
        (Files(status=404), "/static/js/a.js", {"accept_encoding": "gzip"}),
        (Files(kind=b"font/woff2"), "/static/a.woff2", {"accept_encoding": "gzip"}),
        (Files(body=b"short"), "/static/js/a.js", {"accept_encoding": "gzip"}),
    ],
)
def test_all_else_passes_as_it_is(files: Files, path: str, headers: dict[str, str]) -> None:
    answer_headers, body = get(CompressedStatics(files), path, **headers)
    assert "content-encoding" not in answer_headers
    assert body == files.body
    assert answer_headers["content-length"] == str(len(files.body))
