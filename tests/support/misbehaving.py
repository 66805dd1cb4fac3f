"""Runs a real HTTP server on this machine that misbehaves on request: one builder for each defect.

    with Misbehaving() as server:
        server.at("/gbfs.json", status(429, {"Retry-After": "120"}))
        fetcher.get(server.url("/gbfs.json"))

A path without a behaviour answers 404. A path with several behaviours takes them in turn, and keeps the last.
"""

from __future__ import annotations

import gzip
import json
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Behaviour = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Answers as a test has set for the path. Its connections stay open, as those of real servers do."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Misbehaving

    def do_GET(self) -> None:
        self.server.asked.append((self.path, dict(self.headers)))
        behaviours = self.server.behaviours.get(self.path.partition("?")[0], [status(404)])
        behaviour = behaviours.pop(0) if len(behaviours) > 1 else behaviours[0]
        with suppress(ConnectionError):  # the client may have closed the connection
            behaviour(self)

    def send(self, body: bytes, code: int = 200, headers: dict[str, str] | None = None) -> None:
        """Answer properly."""
        self.send_response(code)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def drip(self, data: bytes) -> None:
        """Send a byte now and then, for ten seconds, unless either side closes."""
        self.close_connection = True
        for byte in data:
            if self.server.gone.wait(0.05):
                return
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
        self.server.listened_to_the_end = True

    def log_message(self, *args: Any) -> None:
        """Keep quiet."""


class Misbehaving(ThreadingHTTPServer):
    """Serves while the context is open; at address "" as any host of 127.0.0.0/8, for tests of many hosts.

    `asked` has each request's path and headers, `connections` counts the connections that were opened.
    """

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, address: str = "127.0.0.1") -> None:
        super().__init__((address, 0), Handler)
        self.connections = 0
        self.behaviours: dict[str, list[Behaviour]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.gone = threading.Event()
        self.listened_to_the_end = False
        self._thread = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )

    def __enter__(self) -> Misbehaving:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.gone.set()
        self.shutdown()
        self.server_close()
        self._thread.join()

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection, and count it."""
        self.connections += 1
        return super().get_request()

    def at(self, path: str, *behaviours: Behaviour) -> None:
        """Answer requests for the path like this from now on."""
        self.behaviours[path] = list(behaviours)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        """Give the address of a path."""
        return f"http://{host}:{self.server_address[1]}{path}"

    def times(self, path: str) -> int:
        """Count the requests for a path."""
        return [asked for asked, _ in self.asked].count(path)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet about connections that the other side broke."""


# ---------------------------------------------------------------- behaving


def body(content: bytes, headers: dict[str, str] | None = None) -> Behaviour:
    """Send a document as it is."""
    return lambda handler: handler.send(content, headers=headers)


def document(content: dict[str, Any]) -> Behaviour:
    """Send a document as JSON."""
    return body(json.dumps(content).encode())


def tagged(content: bytes, etag: str) -> Behaviour:
    """Send a document with an ETag; 304 to a client that has it."""

    def behave(handler: Handler) -> None:
        if handler.headers.get("If-None-Match") == etag:
            handler.send(b"", 304, {"ETag": etag})
        else:
            handler.send(content, headers={"ETag": etag})

    return behave


def dated(content: bytes, last_modified: str) -> Behaviour:
    """Send a document with a date; 304 to a client that has it."""

    def behave(handler: Handler) -> None:
        if handler.headers.get("If-Modified-Since") == last_modified:
            handler.send(b"", 304)
        else:
            handler.send(content, headers={"Last-Modified": last_modified})

    return behave


def gzipped(content: bytes) -> Behaviour:
    """Send a packed document."""
    return lambda handler: handler.send(gzip.compress(content), headers={"Content-Encoding": "gzip"})


# ---------------------------------------------------------------- misbehaving


def status(code: int, headers: dict[str, str] | None = None) -> Behaviour:
    """Send a status with a page that may hold anything."""
    return lambda handler: handler.send(b"<html>secret=hunter2</html>" * 20, code, headers)


def redirect(to: str, code: int = 302) -> Behaviour:
    """Send a redirect."""
    return lambda handler: handler.send(b"", code, {"Location": to})


def _drips(code: int, headers: dict[str, str], byte: bytes) -> Behaviour:
    """Send the headers at once, and then 200 times the same byte, slowly."""

    def behave(handler: Handler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.drip(byte * 200)

    return behave


def redirect_with_endless_page(to: str) -> Behaviour:
    """Send a redirect whose page never ends."""
    return _drips(302, {"Location": to, "Content-Length": "100000"}, b" ")


def drips_body() -> Behaviour:
    """Promise a document and send it a byte at a time, like a slow loris."""
    return _drips(200, {"Content-Length": "100000"}, b"{")


def drips_headers() -> Behaviour:
    """Never end the headers, like a slow loris."""

    def behave(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        handler.drip(b"a" * 200)

    return behave


def drips_chunk_size() -> Behaviour:
    """Never end the size of a chunk, like a slow loris."""
    return _drips(200, {"Transfer-Encoding": "chunked"}, b"0")


def silent(seconds: float = 10) -> Behaviour:
    """Take the request and do not answer."""

    def behave(handler: Handler) -> None:
        handler.server.gone.wait(seconds)
        handler.close_connection = True

    return behave


def breaks_off(content: bytes) -> Behaviour:
    """Promise twice as much as is sent."""

    def behave(handler: Handler) -> None:
        handler.send(content, headers={"Content-Length": str(2 * len(content) + 2)})
        handler.close_connection = True

    return behave


def hangs_up() -> Behaviour:
    """Close the connection without an answer."""

    def behave(handler: Handler) -> None:
        handler.close_connection = True

    return behave


def zeros(size: int) -> Behaviour:
    """Send a document of `size` bytes in chunks, so that no header warns of it."""

    def behave(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        piece = b"0" * 65536
        for _ in range(size // len(piece)):
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        handler.wfile.write(b"0\r\n\r\n")

    return behave


def gzip_bomb(size: int) -> Behaviour:
    """Send a small answer that unpacks to `size` bytes. It is packed when it is first asked for."""
    packed = cache(lambda: gzip.compress(bytes(size)))
    return lambda handler: handler.send(packed(), headers={"Content-Encoding": "gzip"})


def falsely_gzipped() -> Behaviour:
    """Claim gzip, send text."""
    return body(b"{}", {"Content-Encoding": "gzip"})
