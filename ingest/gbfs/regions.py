"""The region of a country, with holidays of its own, by the stations' position.

`regions.csv` names large cities. A system within 15 km of one lies in its region. Elsewhere no region is
known, and the list of systems may name it: a nearest city further off may lie beyond a border.
"""

from __future__ import annotations

import csv
import math
from functools import cache
from importlib import resources

NEAR_KM = 15.0
REMEMBERED = "region"
"""The name under which a poll's documents, and so the store, have the region."""


def region_at(country: str, lat: float, lon: float) -> str:
    """Give the ISO 3166-2 code of the region at a position, without the country's; nothing where unknown.

    >>> region_at("DE", 48.14, 11.56), region_at("GB", 51.5, -0.1), region_at("FR", 43.6, 1.44)
    ('BY', 'ENG', '')
    """
    near = [
        (distance, region)
        for region, its_lat, its_lon in _cities().get(country, ())
        if (distance := math.hypot(its_lat - lat, (its_lon - lon) * math.cos(math.radians(lat))) * 111.2)
        < NEAR_KM
    ]
    return min(near)[1] if near else ""


@cache
def _cities() -> dict[str, list[tuple[str, float, float]]]:
    found: dict[str, list[tuple[str, float, float]]] = {}
    text = (resources.files("ingest.gbfs") / "regions.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        found.setdefault(row["country"], []).append((row["region"], float(row["lat"]), float(row["lon"])))
    return found
