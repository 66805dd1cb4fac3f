"""Where a viewer is: what the browser says without being asked, its time zone and its language's country."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import streamlit as st
from babel.core import get_global

from ingest.system import zone_of

_ALIASES: Mapping[str, str] = get_global("zone_aliases")
_COUNTRY_OF: Mapping[str, str] = get_global("zone_territories")


@dataclass(frozen=True)
class Visitor:
    """A viewer's time zone by its name, and the country, as ISO 3166 has it; "" where not known."""

    zone: str = ""
    country: str = ""

    @classmethod
    def of(cls, zone: str | None, locale: str | None) -> Visitor:
        """Read what a browser says. A time zone names the country better than a language does.

        >>> Visitor.of("Asia/Calcutta", "en-US")
        Visitor(zone='Asia/Kolkata', country='IN')
        >>> Visitor.of("Etc/UTC", "fr-CA").country, Visitor.of(None, "fr")
        ('CA', Visitor(zone='', country=''))
        """
        named = _ALIASES.get(zone or "", zone or "")
        try:
            ZoneInfo(named)
        except (LookupError, ValueError, OSError):
            named = ""
        region = (locale or "").replace("_", "-").split("-")[-1].upper()
        spoken = region if len(region) == 2 and "-" in (locale or "").replace("_", "-") else ""
        country = _COUNTRY_OF.get(named, "")
        return cls(named, country if country not in ("", "001", "ZZ") else spoken)

    def nearness(self, zone: str, country: str, now: datetime) -> int:
        """Grade how near a city probably is: its zone, its country, or at least its clocks; `zone` may be "".

        >>> from datetime import UTC
        >>> dubliner, now = Visitor("Europe/Dublin", "IE"), datetime(2026, 3, 2, tzinfo=UTC)
        >>> [dubliner.nearness(zone, country, now) for zone, country in
        ...  (("Europe/Dublin", "IE"), ("", "IE"), ("Europe/London", "GB"), ("America/Denver", "US"))]
        [3, 2, 1, 0]
        """
        if zone and _ALIASES.get(zone, zone) == self.zone:
            return 3
        if self.country and country == self.country:
            return 2
        known = bool(zone and self.zone)
        alike = (
            known
            and now.astimezone(zone_of(zone)).utcoffset() == now.astimezone(zone_of(self.zone)).utcoffset()
        )
        return int(alike)


def visitor() -> Visitor:
    """Read what this viewer's browser says."""
    return Visitor.of(st.context.timezone, st.context.locale)
