"""Names of lease holders, from which other workers can tell whether a holder is dead.

A killed worker leaves its lease behind. On the same machine nobody needs to wait until the lease runs out:
the name has the number of the process, which runs or does not.
"""

from __future__ import annotations

import os
import secrets
import socket
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path


@cache
def _place() -> str:
    """Name this machine, its present boot, and the container that we are in, if any.

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
    """Make a new name under which this process holds leases."""
    return f"{_place()}/{os.getpid()}/{secrets.token_hex(4)}"


def is_held(holder: str, until: datetime, now: datetime, duration: timedelta) -> bool:
    """Tell whether what a holder wrote, for `duration`, still stands: not run out, nor of one known dead.

    What runs far too long does not stand either: a clock was set back since.
    """
    return now < until <= now + 2 * duration and not is_dead(holder)


def is_dead(holder: str) -> bool:
    """Tell whether a holder is known to be dead; False where this process cannot know."""
    place, _, process = holder.rpartition("/")[0].rpartition("/")
    # On Windows, os.kill would end the process.
    if os.name != "posix" or place != _place() or not process.isdecimal():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return False
