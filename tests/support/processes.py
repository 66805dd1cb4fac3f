"""Helpers for tests that start a server or a process: a free port, a look whether it answers, patience."""

from __future__ import annotations

import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable

PATIENCE = 60.0
"""Seconds that a step may take on a busy machine. No test waits longer than the step takes."""


def wait_for(condition: Callable[[], object], seconds: float = PATIENCE) -> float:
    """Wait until the condition holds; give the seconds that this took. Raises `TimeoutError`."""
    started = time.monotonic()
    while not condition():
        if time.monotonic() > started + seconds:
            raise TimeoutError(f"the condition did not hold within {seconds:g} s")
        time.sleep(0.05)
    return time.monotonic() - started


def free_port() -> int:
    """Find a port on this machine that no process listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str, seconds: float = 10) -> bool:
    """Tell whether an address answers with status 200 within some seconds."""
    try:
        with urllib.request.urlopen(url, timeout=seconds) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
