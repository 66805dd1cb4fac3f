"""Connections that a deadline can cut, and that stay out of the operator's own network."""

from __future__ import annotations

import heapq
import ipaddress
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import cache, lru_cache
from http.cookiejar import DefaultCookiePolicy
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import certifi
import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NameResolutionError, NewConnectionError
from urllib3.util import Retry
from urllib3.util.connection import allowed_gai_family
from urllib3.util.ssl_ import create_urllib3_context

HOSTS_KEPT, KEPT_AT_A_HOST = 256, 8
"""At how many hosts connections are kept open, and how many at each. The public catalogue has 133 hosts."""

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NOT_PUBLIC = [
    ipaddress.ip_network(network)
    for network in (
        "168.63.129.16/32",  # the host of an Azure machine
        "192.0.0.0/24",  # 192.0.0.192 is that of an Oracle machine
        "192.88.99.0/24",  # relays to a network's own IPv6
        "::/96",  # IPv4 addresses in an old spelling
        "64:ff9b:1::/48",  # a network's own NAT64
        "3fff::/20",  # for documents
        "5f00::/16",  # segments within a network
        "fec0::/10",  # private, in an old spelling
    )
]
"""What no stranger's feed may lead to, although Python's `ipaddress` takes it for public."""


class NotPublic(Exception):  # noqa: N818 - never leaves this room
    """A host that should be on the public internet has no public address; nobody was connected to."""


class Deadline:
    """Cuts every socket in use once its time is over.

    A socket's own time-out begins anew with each byte: a server that sends one every few seconds would hold
    a reader for days.
    """

    def __init__(self, seconds: float) -> None:
        self.end = time.monotonic() + seconds
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()

    def is_over(self) -> bool:
        """Tell whether the time is over."""
        return time.monotonic() >= self.end

    def watch(self, sock: socket.socket) -> None:
        """Cut this socket, too, when the time is over."""
        with self._lock:
            self._sockets.append(sock)
        if self.is_over():
            self.cut()

    def cut(self) -> None:
        """End the reading of every socket, in whatever thread it happens."""
        with self._lock:
            for sock in self._sockets:
                with suppress(OSError):  # closed already
                    # Not SSLSocket's own shutdown, which takes the TLS state away from the reading thread.
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def release(self) -> None:
        """Forget all sockets: their connections may serve other requests now."""
        with self._lock:
            self._sockets.clear()


class _Watch:
    """Cuts deadlines when their time is over: one thread for all of them."""

    def __init__(self) -> None:
        self._ahead: list[tuple[float, int, Deadline]] = []
        self._numbers = count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def add(self, until: Deadline) -> None:
        """Cut a deadline when its time is over."""
        with self._changed:
            heapq.heappush(self._ahead, (until.end, next(self._numbers), until))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="deadlines", daemon=True)
                self._thread.start()
            if self._ahead[0][2] is until:
                self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._ahead or not self._ahead[0][2].is_over():
                    wait = self._ahead[0][0] - time.monotonic() if self._ahead else None
                    self._changed.wait(wait)
                until = heapq.heappop(self._ahead)[2]
            until.cut()


_watch = _Watch()
_current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


@contextmanager
def deadline(seconds: float) -> Iterator[Deadline]:
    """Limit every request that this thread makes within the block to the given time."""
    until = Deadline(seconds)
    _watch.add(until)
    token = _current.set(until)
    try:
        yield until
    finally:
        _current.reset(token)
        until.release()


class _Watched(HTTPConnection):
    """A connection that its request's deadline can cut.

    It tries the addresses of its host in turn, each for an equal share of what is left of the time to
    connect: with the whole time for each, a host of many dead addresses would hold a thread for minutes.
    """

    def _new_conn(self) -> socket.socket:
        host, seconds = self._dns_host, self.timeout
        assert isinstance(seconds, (int, float))  # see Fetcher
        until = time.monotonic() + seconds
        addresses = self._addresses()
        failure: Exception = NewConnectionError(self, f"{host} has no address")
        try:
            for number, address in enumerate(addresses):
                self._dns_host = address
                self.timeout = max((until - time.monotonic()) / (len(addresses) - number), 0.001)
                try:
                    return super()._new_conn()
                except (ConnectTimeoutError, NewConnectionError) as error:
                    failure = error
        finally:
            self._dns_host, self.timeout = host, seconds
        raise failure

    def _addresses(self) -> list[str]:
        """Look up the addresses of the host, best first. A name may have others at each look-up."""
        try:
            found = socket.getaddrinfo(
                self._dns_host.strip("[]"), self.port, allowed_gai_family(), socket.SOCK_STREAM
            )
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        return list(dict.fromkeys(str(address[0]) for *_, address in found))

    def request(self, *args: Any, **kwargs: Any) -> None:
        super().request(*args, **kwargs)
        if (until := _current.get()) is not None and self.sock is not None:
            until.watch(self.sock)


class _WatchedTls(_Watched, HTTPSConnection):
    pass


class _Public(_Watched):
    """A connection that leads to the public internet only.

    It connects to no other address: whether a port of ours is open would show in how a connection fails.
    """

    def _addresses(self) -> list[str]:
        found = [address for address in super()._addresses() if not is_private(address)]
        if not found:
            raise NotPublic(self.host)
        return found


class _PublicTls(_Public, HTTPSConnection):
    pass


def _pools(plain: type[HTTPConnection], tls: type[HTTPSConnection]) -> dict[str, Any]:
    return {
        "http": type("Pool", (urllib3.HTTPConnectionPool,), {"ConnectionCls": plain}),
        "https": type("TlsPool", (urllib3.HTTPSConnectionPool,), {"ConnectionCls": tls}),
    }


class _Retry(Retry):
    """Tries once more where a connection failed, but not where a host did not answer in its time."""

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: Any = None,
        error: Exception | None = None,
        _pool: Any = None,
        _stacktrace: Any = None,
    ) -> _Retry:
        if isinstance(error, urllib3.exceptions.TimeoutError):
            raise MaxRetryError(_pool, url or "", error) from error
        return super().increment(method, url, response, error, _pool, _stacktrace)


@cache
def _tls(authorities: str) -> ssl.SSLContext:
    """Read a file or folder of certificate authorities, once: urllib3 would at each connection, in 19 ms."""
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
    is_folder = os.path.isdir(authorities)
    context.load_verify_locations(**{"capath" if is_folder else "cafile": authorities})
    return context


class _Adapter(HTTPAdapter):
    """Makes our connections. Where the operator has set a proxy, the proxy keeps strangers out."""

    def __init__(self, public_only: bool) -> None:
        self._proxied = _pools(_Watched, _WatchedTls)
        self._direct = _pools(_Public, _PublicTls) if public_only else self._proxied
        # A server may close a kept connection just as we use it: that deserves a second try.
        # The caller judges the answer, and `Retry-After`, which may be an hour.
        retry = _Retry(
            connect=1, read=1, redirect=0, status=0, other=0, backoff_factor=0.2,
            respect_retry_after_header=False,
        )  # fmt: skip
        super().__init__(pool_connections=HOSTS_KEPT, pool_maxsize=KEPT_AT_A_HOST, max_retries=retry)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._direct

    def build_connection_pool_key_attributes(
        self, request: Any, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        host, tls = super().build_connection_pool_key_attributes(request, True, cert)
        authorities = verify if isinstance(verify, str) else certifi.where()
        return host, tls | ({"ssl_context": _tls(authorities)} if host["scheme"] == "https" else {})

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Do nothing: the connections' TLS context has the authorities."""

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = self._proxied
        return manager


class _Session(requests.Session):
    """Follows no redirects: requests would read the whole body of each, however long.

    It reads the environment once a host, for proxies and certificate authorities: at each request that would
    take a millisecond.
    """

    def __init__(self) -> None:
        super().__init__()
        self._settings = lru_cache(HOSTS_KEPT)(self._read_environment)

    def _read_environment(self, address: str) -> Any:
        return super().merge_environment_settings(address, {}, None, None, None)

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        """Give what the environment says of an address; our requests bring `stream` alone."""
        parts = urlsplit(url)
        return self._settings(f"{parts.scheme}://{parts.netloc}") | {"stream": stream}

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


def make_session(public_only: bool, headers: dict[str, str]) -> requests.Session:
    """Open a session without cookies that sends `headers` with each request."""
    session = _Session()
    adapter = _Adapter(public_only)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    session.headers.update(headers)
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


def is_private(address: str) -> bool:
    """Tell whether an IP address is anything but a public one.

    Raises `ValueError` for a text that is no IP address.
    """
    ip = ipaddress.ip_address(address)
    inner = (_inner(ip) if isinstance(ip, ipaddress.IPv6Address) else None) or ip
    special = any(each in network for network in _NOT_PUBLIC for each in (ip, inner))
    return special or not inner.is_global or ip.is_multicast


def _inner(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Give the IPv4 address that a gateway would take this one for (NAT64, 6to4, Teredo, mapped)."""
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
