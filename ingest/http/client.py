"""Fetches small documents of strangers by short, polite and bounded HTTP requests.

A feed is a stranger's document and may name any address. So the client fetches what a feed names from public
addresses only, unless the operator's own address for the feed is a private one.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
import urllib3
from urllib3.exceptions import DecodeError, NameResolutionError, SSLError

from ingest.http.connections import NotPublic, deadline, is_private, make_session
from ingest.http.errors import (
    BadAddress,
    BadHost,
    BadRedirect,
    CircularRedirect,
    FetchError,
    Garbled,
    KeyNeeded,
    NoAnswer,
    NoConnection,
    NotFound,
    NotListening,
    PrivateAddress,
    RedirectNotHttp,
    ServerError,
    TlsFailure,
    TooLarge,
    TooManyRedirects,
    TooManyRequests,
    TooSlow,
    UnexpectedStatus,
    UnknownHost,
)

MAX_BYTES = 8_000_000
"""The most bytes of a document, unpacked. The largest known has 1.4 MB, and 10,000 stations take 5.

A document of `[],` takes 27 times its size when it is read: 20 MB would take half a gigabyte.
"""

USER_AGENT = "Dockcast/0.1 (station forecasts; reads GBFS at most once a minute)"
_HEADERS = {"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "gzip"}
_MAX_REDIRECTS = 5
_MAX_RETRY_AFTER = timedelta(days=1)
_LONGEST_VALIDATOR = 200
"""Characters of a tag that is kept. A longer one costs its server a whole document each time."""


# urllib3 logs the address at each second try, and addresses have keys in them.
logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)


@dataclass(frozen=True)
class Document:
    """A body, unpacked; `received_at` is the time at which its last byte arrived.

    Whoever holds it gives its `validators` to the next `get`, so that it comes again only once it has
    changed.
    """

    url: str
    body: bytes
    received_at: datetime
    seconds: float
    validators: Mapping[str, str] = field(default_factory=dict)


class Fetcher:
    """Fetches documents. Threads may share it, each with feeds of its own.

    `clock` gives aware UTC; `seconds` is the most that one `get` may take in all, `max_bytes` the largest
    document unpacked.
    """

    def __init__(
        self,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        seconds: float = 30,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._clock = clock
        self._seconds = seconds
        self._max_bytes = max_bytes
        self._timeout = (min(5.0, seconds), min(15.0, seconds))
        # Two pools: a connection that an operator's address allows must not serve a stranger's address.
        self._public, self._private = (make_session(public_only, _HEADERS) for public_only in (True, False))

    def get(
        self, url: str, *, named: str | None = None, validators: Mapping[str, str] | None = None
    ) -> Document | None:
        """Fetch a document; None when the server says that it is still the one that has the `validators`.

        `named` is the address that the operator gave for this feed, by default `url`: only where that names a
        private host may the document lie on one. The fetcher itself remembers no validators: two feeds at one
        address would each miss what the other has read.

        Raises `FetchError`.
        """
        begun = time.perf_counter()
        session = self._private if names_private(named or url) else self._public
        with deadline(self._seconds) as until:
            try:
                with self._open(session, url, dict(validators or {})) as response:
                    if response.status_code == 304:
                        return None
                    body = self._read(response.raw)
            except FetchError:
                raise
            except Exception as error:
                # requests, urllib3, http.client, ssl, idna and zlib each raise their own.
                if until.is_over():
                    raise TooSlow(host=_host(url), seconds=self._seconds) from error
                raise _as_fetch_error(error, _host(url)) from error
            if until.is_over():  # a socket that was cut reads like one that ended
                raise TooSlow(host=_host(url), seconds=self._seconds)
        return Document(url, body, self._clock(), time.perf_counter() - begun, _validators(response))

    def close(self) -> None:
        """Close every connection."""
        self._public.close()
        self._private.close()

    @contextmanager
    def _open(
        self, session: requests.Session, url: str, headers: dict[str, str]
    ) -> Iterator[requests.Response]:
        """Send the request, and follow redirects."""
        seen: set[str] = set()
        for _ in range(_MAX_REDIRECTS + 1):
            if _split(url).scheme not in ("http", "https") or not _split(url).hostname:
                raise (RedirectNotHttp if seen else BadAddress)(address=_short(url))
            seen.add(url)
            response = session.get(
                url, headers=headers, timeout=self._timeout, stream=True, allow_redirects=False
            )
            with response:
                location = response.headers.get("location")
                if not (response.is_redirect and location):
                    self._check(response, _host(url), bool(headers))
                    yield response
                    return
            try:
                url = urljoin(url, location)
            except ValueError as error:
                raise BadRedirect(host=_host(url)) from error
            if url in seen:
                raise CircularRedirect(host=_host(url))
        raise TooManyRedirects(host=_host(url), hops=_MAX_REDIRECTS)

    def _check(self, response: requests.Response, host: str, conditional: bool) -> None:
        status = response.status_code
        if 200 <= status < 300 or (status == 304 and conditional):
            return
        retry_after = _retry_after(response.headers.get("retry-after"), self._clock())
        if status == 429:
            raise TooManyRequests(host=host, retry_after=retry_after)
        if status >= 500:
            raise ServerError(host=host, status=status, retry_after=retry_after)
        if status in (401, 403):
            raise KeyNeeded(host=host, status=status, retry_after=retry_after)
        if status in (404, 410):
            raise NotFound(host=host, status=status, retry_after=retry_after)
        raise UnexpectedStatus(host=host, status=status, retry_after=retry_after)

    def _read(self, raw: urllib3.BaseHTTPResponse) -> bytes:
        parts, size = [], 0
        while part := raw.read1(65536, decode_content=True):
            size += len(part)
            if size > self._max_bytes:
                raise TooLarge(megabytes=self._max_bytes / 1e6)
            parts.append(part)
        return b"".join(parts)


def _validators(response: requests.Response) -> dict[str, str]:
    """Give the headers that ask for a document only if it has changed since this answer."""
    names = (("If-None-Match", "etag"), ("If-Modified-Since", "last-modified"))
    given = {request: response.headers.get(answer, "") for request, answer in names}
    return {request: value for request, value in given.items() if 0 < len(value) <= _LONGEST_VALIDATOR}


# ---------------------------------------------------------------- addresses and words


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError as error:
        raise BadAddress(address=_short(url)) from error


def names_private(url: str) -> bool:
    """Tell whether an address names a private host, by its text alone.

    What a name resolves to does not count, because a stranger decides that.
    """
    host = (_split(url).hostname or "").rstrip(".")
    try:
        return is_private(host)
    except ValueError:
        return "." not in host or host.endswith((".localhost", ".local", ".internal", ".lan", ".home.arpa"))


def _as_fetch_error(error: Exception, host: str) -> FetchError:
    causes = list(_causes(error))

    def among(*kinds: type[BaseException]) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    for cause in causes:
        if isinstance(cause, NotPublic):
            return PrivateAddress(address=_short(str(cause)))
    if among(NameResolutionError, socket.gaierror):
        return UnknownHost(host=host)
    if among(SSLError, requests.exceptions.SSLError):
        return TlsFailure(host=host)
    if among(ConnectionRefusedError):
        return NotListening(host=host)
    if among(requests.Timeout, TimeoutError, urllib3.exceptions.TimeoutError):
        return NoAnswer(host=host)
    if among(requests.exceptions.InvalidURL, UnicodeError):
        return BadHost(host=host)
    if among(DecodeError):
        return Garbled(host=host)
    if among(requests.ConnectionError, urllib3.exceptions.HTTPError, HTTPException, OSError):
        return NoConnection(host=host)
    return FetchError(host=host, error=type(error).__name__)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Walk to the root of an error: requests wraps urllib3's, which wraps the socket's."""
    for _ in range(10):
        if error is None:
            return
        yield error
        reason = getattr(error, "reason", None)
        inner = next((arg for arg in error.args if isinstance(arg, BaseException)), None)
        error = reason if isinstance(reason, BaseException) else inner or error.__cause__ or error.__context__


def _retry_after(value: str | None, now: datetime) -> timedelta | None:
    """Read `Retry-After`, seconds or a date; at most a day, so that a typing error does not lose a feed."""
    if value is None:
        return None
    try:
        if value.strip().isdecimal():
            wait = timedelta(seconds=min(int(value), 10**6))
        else:
            until = parsedate_to_datetime(value)
            wait = (until if until.tzinfo else until.replace(tzinfo=UTC)) - now
    except (ValueError, OverflowError):
        return None
    return min(max(wait, timedelta(0)), _MAX_RETRY_AFTER)


def _host(url: str) -> str:
    """Name the host of an address, without its keys and passwords."""
    return _short(_split(url).hostname or "the address")


def _short(text: str) -> str:
    return (
        "".join(c for c in text.partition("?")[0].rpartition("@")[2] if c.isprintable())[:80] or "the address"
    )
