"""Few polls at a time ask one host, however many of its systems are followed.

Operators publish hundreds of systems at one address. If that hangs, polls of all of them would take all
threads, and other systems would wait. A poll that may not begin yet keeps no thread: it begins when another
at its host ends.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Poll = TypeVar("Poll")


@dataclass
class _Host(Generic[Poll]):
    """How many polls are at a host, and those that wait, in their order."""

    begun: int = 0
    waiting: deque[Poll] = field(default_factory=deque)


class HostLimit(Generic[Poll]):
    """Lets at most `most` polls at a time ask a host; thread-safe. It may be changed at any time."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._hosts: dict[str, _Host[Poll]] = {}
        self._lock = threading.Lock()

    def enter(self, name: str, poll: Poll) -> bool:
        """Tell whether a poll may begin. If not, it waits until `leave` gives it to whoever leaves."""
        with self._lock:
            host = self._hosts.setdefault(name, _Host())
            if host.begun >= self.most:
                host.waiting.append(poll)
                return False
            host.begun += 1
            return True

    def leave(self, name: str) -> Poll | None:
        """End a poll; give the one that has waited longest at this host, which begins in its place."""
        with self._lock:
            host = self._hosts[name]
            if host.waiting and host.begun <= self.most:
                return host.waiting.popleft()
            host.begun -= 1
            if not host.begun:
                del self._hosts[name]
            return None
