"""Words for what was found where a feed was asked once, for people at a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from ingest.gbfs.survey import Survey
from ingest.gbfs.vehicles import VehicleKind
from ingest.reason import Reason
from model.records import UNKNOWN

KINDS: dict[VehicleKind, str] = {
    "plain": "bikes", "electric": "e-bikes", "cargo": "cargo bikes", "other": "other vehicles",
    "unknown": "vehicles of unknown kind",
}  # fmt: skip


def lines(found: Survey) -> Iterator[str]:
    """Say what the documents of a feed have, a line each."""
    others = [other for other in found.versions if other != found.version]
    yield version(found) + (f"; the operator also offers {', '.join(others)}" if others else "")
    yield f"stations: {found.stations:,}, of these {found.docked:,} with docks and {found.virtual:,} virtual"
    kinds = ", ".join(KINDS[kind] for kind in found.vehicle_kinds)
    yield f"vehicle kinds: {kinds or 'not described, all are taken for bikes'}"
    if found.bikes != UNKNOWN:
        electric = f", {found.ebikes:,} of them e-bikes" if found.ebikes != UNKNOWN else ""
        yield f"there now: {found.bikes:,} bikes{electric}"
    yield f"licence: {found.licence or 'not stated'}"
    if not found.findings:
        yield "oddities: none"
    else:
        yield "oddities, which the page Feeds explains:"
    for finding in found.findings:
        example = finding.example
        if isinstance(example, Reason):
            example = " ".join([example.kind, *map(str, example.arguments.values())])
        yield f"    {finding.kind}: {finding.count:,}{f' ({example})' if example else ''}"


def version(found: Survey) -> str:
    """Say of which version the documents are."""
    return f"GBFS {found.version}" if found.version else "GBFS of a version that no document states"


def one_line(found: Survey) -> str:
    """Say the most important of what a feed has in one line."""
    oddities = f", oddities: {', '.join(each.kind for each in found.findings)}" if found.findings else ""
    return f"{version(found)}, stations: {found.stations:,}, with docks: {found.docked:,}{oddities}"
