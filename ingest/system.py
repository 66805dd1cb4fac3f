"""What identifies a system, and where its counts come from."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

SIMULATED, RECORDED = "simulated:", "recorded:"
"""Addresses of played systems begin with these; a made-up city's id or a recording's folder follows."""


@dataclass(frozen=True)
class System:
    """A bike-share that Dockcast follows or plays.

    `url` is its GBFS discovery document, or names a made-up city or a recording. `poll_seconds` are wall
    seconds between two polls. `speed` is event seconds per wall second: 1 for a live feed. `label` is
    "replayed" or "simulated" where the feed is not live; pages show it wherever they show the system.
    `region` is that of the list, an ISO 3166-2 code without the country's; the feed finds others by position.
    """

    system_id: str
    name: str
    city: str
    country: str
    url: str
    poll_seconds: float = 60
    speed: float = 1
    label: str = ""
    region: str = ""

    @property
    def is_made_up(self) -> bool:
        """Tell whether the system is a made-up city that the worker plays."""
        return self.url.startswith(SIMULATED)

    @property
    def is_recorded(self) -> bool:
        """Tell whether the system is a recording that the worker plays."""
        return self.url.startswith(RECORDED)

    @property
    def is_played(self) -> bool:
        """Tell whether the worker plays the system, and polls nothing.

        >>> System("harbourton", "Harbourton Bikes", "Harbourton", "IE", "simulated:harbourton").is_played
        True
        >>> System("dublin", "dublinbikes", "Dublin", "IE", "https://gbfs.example/gbfs.json").is_played
        False
        """
        return self.is_made_up or self.is_recorded


def zone_of(name: str) -> ZoneInfo:
    """Give a time zone; UTC where this machine does not know its name.

    >>> zone_of("Europe/Atlantis").key
    'UTC'
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
