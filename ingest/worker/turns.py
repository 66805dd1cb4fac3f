"""Ticks compute and commit few at a time, first come, first served.

A semaphore of the standard library lets whoever asks at the right moment pass those that wait. With hundreds
of systems a minute some of them waited far longer than others.
"""

from __future__ import annotations

import threading
from collections import deque


class Turns:
    """Admits at most `most` threads at a time, in the order in which they asked; a context manager.

    `waiting` has a locked lock for each thread that waits, the first in front.
    """

    def __init__(self, most: int) -> None:
        self.waiting: deque[threading.Lock] = deque()
        self._free = most
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        """Wait until all that asked before have had their turn and one of them has ended."""
        with self._lock:
            if self._free:
                self._free -= 1
                return
            mine = threading.Lock()
            mine.acquire()
            self.waiting.append(mine)
        mine.acquire()

    def __exit__(self, *_: object) -> None:
        """End a turn: it passes to the thread that has waited longest."""
        with self._lock:
            if self.waiting:
                self.waiting.popleft().release()
            else:
                self._free += 1
