"""How many files and sockets this process may have open at once.

Many systems allow 1,024 until a process asks for more, of which they allow it much.
"""

from __future__ import annotations

import logging
import resource

log = logging.getLogger(__name__)

WANTED = 8192
"""A thousand pages take some 5,000, connections to 1,500 feeds 2,000."""


def raise_limit() -> None:
    """Allow this process as many as it may want, or as many as it may have."""
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED if most == resource.RLIM_INFINITY else min(WANTED, most)
    if allowed == resource.RLIM_INFINITY or allowed >= wanted:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    except (OSError, ValueError) as error:
        log.warning("this process may have %d files open, and cannot have more: %s", allowed, error)
