"""Which systems are followed: the packaged list, one's own list, and the public catalogue."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class System:
    """A system to follow. `url` is its GBFS discovery document.

    `speed` is event seconds per wall second, 1 for a live feed; `label` says "replayed" or "simulated" where
    the feed is not live, and is shown wherever the system is.
    """

    system_id: str
    name: str
    city: str
    country: str
    url: str
    poll_seconds: float = 60
    speed: float = 1
    label: str = ""
