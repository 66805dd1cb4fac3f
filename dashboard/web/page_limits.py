"""How many pages may be open, and how often each of them may ask for something.

An open page is a WebSocket and a session of Streamlit's. Each message runs the page's script.
"""

from __future__ import annotations

import ipaddress
import resource
from collections import Counter

MOST_PAGES = 1_000
"""Pages open at once, in all. A page takes about a megabyte."""

MOST_OF_A_CLIENT = 100
"""Pages of one public address. Viewers in one building may share it."""

PER_PAGE = 4
"""Descriptors that a page takes: its socket, and the three of its session's event loop."""

OTHERWISE = 768
"""Descriptors for all else: 128 sessions that Streamlit keeps after their pages closed take three each, 256
requests one each; the rest is for store, files and log."""

BURST, A_SECOND = 40, 4.0
"""Messages that a page may send at once, and those a second after that. One that drags the slider sends 5.

Ten pages that send all the time leave the API an answer within a quarter of a second; with 50 a second from
each, it had none after 20 s.
"""


def most_pages() -> int:
    """Give how many pages may be open by the descriptors that this process may have now.

    Beyond that, the server could accept no connection at all, not even that of a health check.
    """
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return MOST_PAGES if allowed < 0 else max(min(MOST_PAGES, (allowed - OTHERWISE) // PER_PAGE), 1)


class OpenPages:
    """Counts the open pages, in all and of each client."""

    def __init__(self) -> None:
        self._of: Counter[str] = Counter()

    def enter(self, client: str) -> bool:
        """Open a page, unless there are too many."""
        if self._of.total() >= most_pages() or (client and self._of[client] >= MOST_OF_A_CLIENT):
            return False
        self._of[client] += 1
        return True

    def leave(self, client: str) -> None:
        """Close a page."""
        self._of[client] -= 1
        if not self._of[client]:
            del self._of[client]


def client_of(address: str | None) -> str:
    """Name the client behind an address; nothing for one that may be a proxy, which stands for many.

    A client has all addresses of an IPv6 network.

    >>> [client_of(each) for each in ("2606:4700::1:2", "8.8.8.8", "::ffff:8.8.8.8")]
    ['2606:4700::', '8.8.8.8', '8.8.8.8']
    >>> [client_of(each) for each in ("127.0.0.1", "::1", "10.1.2.3", None)]
    ['', '', '', '']
    """
    try:
        ip = ipaddress.ip_address(address or "")
    except ValueError:
        return ""
    if isinstance(ip, ipaddress.IPv6Address):  # a server of both kinds writes IPv4 addresses as IPv6
        ip = ip.ipv4_mapped or ipaddress.IPv6Address(int(ip) >> 64 << 64)
    return str(ip) if ip.is_global else ""


class Bucket:
    """Lets a burst of messages through, and then so many a second: the others wait."""

    def __init__(self) -> None:
        self._full_at = -float("inf")

    def wait(self, now: float) -> float:
        """Take a message at a time in seconds; give how many seconds it has to wait."""
        self._full_at = max(self._full_at, now - (BURST - 1) / A_SECOND)
        wait = max(self._full_at - now, 0.0)
        self._full_at += 1 / A_SECOND
        return wait
