"""The documents of real operators, each read or refused in words; they are no part of the repository."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ingest.gbfs.discovery import feeds, time_zone
from ingest.gbfs.documents import parse
from ingest.gbfs.errors import FeedError
from ingest.gbfs.findings import Findings
from ingest.gbfs.stations import DescribedStations, StationCounts, counts, describe
from ingest.gbfs.values import station_id
from ingest.gbfs.vehicles import VehicleTypes
from model import Stations

FOLDER = Path(os.environ.get("DOCKCAST_SHARED", "")) / "gbfs" / "samples"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json")) if "DOCKCAST_SHARED" in os.environ else []

REFUSED = {
    "boulder-station_status-empty": "came without a single station",
    "fr-bird-castres-station_information": "came without a single station",
    "julianv95-station_status": "tells no station's number of bikes",
    "oslo-station_status-broken": "came without a single byte",
    "tier-wolfsburg-gbfs": "its bikes float freely",
    "validator-invalid-gbfs": "names no feed at a web address",
    # These are of test suites: their feeds are files, or there is no station status among them.
    "dupstations-v2-gbfs": "names no feed at a web address",
    "dupstations-v3-gbfs": "names no feed at a web address",
    "helsinki-otp-gbfs": "names no feed at a web address",
    "lillestrom-otp-gbfs": "names no feed at a web address",
    "validator-v1.0-gbfs": "names no station status",
    "validator-v1.1-gbfs": "names no station status",
    "validator-v2.0-gbfs": "names no station status",
}
ODD: dict[str, dict[str, int]] = {
    "ecobici-mexico-station_information": {"no_position": 2},
    "helsinki-otp-station_information": {"no_id": 2, "no_name": 2, "no_position": 1},
    "fr-citiz_rennes_metropole-station_information": {"no_position": 1},
    "dupstations-v2-station_status": {"duplicate_station": 1},
    "dupstations-v3-station_status": {"duplicate_station": 1},
    "mybuxi-v2.3-station_status": {"duplicate_station": 1, "no_docks": 1926},
}  # fmt: skip


def nameless(document: dict[str, Any]) -> DescribedStations:
    """Stations of the ids that a status names, of which nothing else is known."""
    ids = sorted({key for entry in document["data"]["stations"] if (key := station_id(entry["station_id"]))})
    zeros = np.zeros(len(ids))
    return DescribedStations(
        Stations("x", "UTC", "", np.array(ids, str), np.array(ids, str), zeros, zeros, np.full(len(ids), -1))
    )


def read(name: str, findings: Findings) -> Any:
    document = parse((FOLDER / f"{name}.json").read_bytes(), "station_status", findings)
    if "station_information" in name:
        zone = describe(document, "x", "", None, Findings(), 2026).stations.timezone
        return describe(document, "x", "", zone, findings, 2026).stations
    if "station_status" in name:
        return counts(document, nameless(document), VehicleTypes(), findings)
    if name.endswith("-gbfs"):
        return feeds(document, "https://example.org/gbfs.json", findings)
    if "system_information" in name:
        return time_zone(document)
    return document


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("name", NAMES)
def test_a_real_document_is_read_or_refused_in_words(name: str) -> None:
    findings = Findings()
    try:
        got = read(name, findings)
    except FeedError as error:
        assert REFUSED[name] in str(error)  # noqa: PT017 - the table says which are refused
        return
    assert name not in REFUSED
    assert {finding.kind: finding.count for finding in findings.all()} == ODD.get(name, {})
    if isinstance(got, Stations):
        listed = (FOLDER / f"{name}.json").read_text("utf-8").count('"station_id"')
        assert len(got) == listed - sum(ODD.get(name, {}).values()) + ODD.get(name, {}).get("no_name", 0)
        assert not [text for text in got.name.tolist() if re.search("%[0-9a-f]{2}", text)]
    if isinstance(got, StationCounts):
        assert (got.bikes >= 0).all()
        assert (got.docks >= 0).all() == ("no_docks" not in ODD.get(name, {}))
        assert got.feed_time is not None
        assert got.renting is not None


def test_all_82_documents_are_there(shared: Path) -> None:
    assert len(NAMES) == 82
    assert set(REFUSED) <= set(NAMES)


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("bicing-barcelona-station_status", lambda entry: entry["num_bikes_available_types"]["ebike"]),
        ("boulder-station_status", lambda entry: entry["num_bikes_available_types"]["electric"]),
        ("velib-paris-station_status", lambda entry: entry["num_bikes_available_types"][1]["ebike"]),
        ("citibike-station_status-2024", lambda entry: entry["num_ebikes_available"]),
    ],
)
def test_e_bikes_of_real_systems(shared: Path, name: str, raw: Callable[[dict[str, Any]], int]) -> None:
    entries = json.loads((FOLDER / f"{name}.json").read_bytes())["data"]["stations"]
    by_id = {str(entry["station_id"]): raw(entry) for entry in entries}
    got = read(name, Findings())
    assert got.ebikes.tolist() == [by_id[key] for key in sorted(by_id)]


@pytest.mark.parametrize("city", ["baywheels", "ecobici-mexico", "rouen", "tokyo-docomo", "velib-paris"])
def test_real_status_and_information_go_together(shared: Path, city: str) -> None:
    findings = Findings()

    def load(kind: str) -> dict[str, Any]:
        path = sorted(FOLDER.glob(f"{city}-station_{kind}*.json"))[-1]
        return parse(path.read_bytes(), "station_status", findings)

    known = describe(load("information"), city, "", None, findings, 2026)
    got = counts(load("status"), known, VehicleTypes(), findings)
    assert (got.bikes >= 0).mean() > 0.97
    assert ((got.bikes + got.docks)[got.docks >= 0] <= 210).all()
