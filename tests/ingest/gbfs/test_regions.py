"""The cities of `regions.csv` lie where they say. All 55 were compared with GeoNames."""

from __future__ import annotations

import csv
import math
from itertools import combinations
from pathlib import Path

import holidays
import pytest

from ingest.gbfs import regions, values
from ingest.replay.countries import country_of

with (Path(regions.__file__).with_name("regions.csv")).open(encoding="utf-8") as file:
    CITIES = [
        (row["country"], row["region"], float(row["lat"]), float(row["lon"]), row["place"])
        for row in csv.DictReader(file)
    ]
PLACES = [city[-1] for city in CITIES]

ZONES = {
    ("ES", "CN"): "Atlantic/Canary", ("CA", "ON"): "America/Toronto", ("CA", "QC"): "America/Toronto",
    ("CA", "BC"): "America/Vancouver", ("AU", "VIC"): "Australia/Melbourne",
    ("AU", "NSW"): "Australia/Sydney", ("AU", "QLD"): "Australia/Brisbane",
    "GB": "Europe/London", "DE": "Europe/Berlin", "ES": "Europe/Madrid",
}  # fmt: skip
"""The zone of a region, where it is not that of its country."""


@pytest.mark.parametrize(("country", "region", "lat", "lon"), [city[:4] for city in CITIES], ids=PLACES)
def test_a_city_lies_in_its_region_as_far_as_time_zones_tell(
    country: str, region: str, lat: float, lon: float
) -> None:
    zone = values.zone_at(lat, lon)
    assert zone == ZONES.get((country, region), ZONES.get(country))
    assert country_of(zone) == country
    assert region in holidays.list_supported_countries()[country]
    assert regions.region_at(country, lat, lon) == region


def test_no_place_lies_near_cities_of_two_regions() -> None:
    for (land, one, lat, lon, _), (other_land, other, lat2, lon2, _) in combinations(CITIES, 2):
        if land == other_land and one != other:
            apart = math.hypot(lat2 - lat, (lon2 - lon) * math.cos(math.radians(lat))) * 111.2
            assert apart > 2 * regions.NEAR_KM


def test_no_city_is_listed_twice() -> None:
    assert len(set(PLACES)) == len(PLACES) == 55
