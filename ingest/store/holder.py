"""Who a worker is, so that others can tell whether it still lives.

A lease outlives the worker that was killed with it. On the same machine nobody need wait for it to run out:
the process is there or it is not.
"""

from __future__ import annotations

import os
import secrets
import socket
from functools import cache
from pathlib import Path


@cache
def _place() -> str:
    """Name this machine, its present run, and where there are containers, the one we are in.

    Process numbers mean something only within all three.
    """
    return f"{socket.gethostname()}:{_boot()}:{_container()}"


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text()[:8]
    except OSError:  # not Linux
        return ""


def _container() -> str:
    try:
        return os.readlink("/proc/self/ns/pid").strip("pid:[]")
    except OSError:
        return ""


def new_holder() -> str:
    """Make up a name for this process to hold leases under, never used before."""
    return f"{_place()}/{os.getpid()}/{secrets.token_hex(4)}"


def is_dead(holder: str) -> bool:
    """Tell whether a holder is known to live no more; False where that cannot be known from here."""
    place, _, process = holder.rpartition("/")[0].rpartition("/")
    # On Windows, asking after a process by os.kill would end it.
    if os.name != "posix" or place != _place() or not process.isdecimal():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return False
