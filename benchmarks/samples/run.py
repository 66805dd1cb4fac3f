"""Reads real documents with two releases, each in a feed built around it, and compares findings and stations.

git worktree add /tmp/before fbf5156
DOCKCAST_SHARED=… python benchmarks/samples/run.py /tmp/before
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
HOST = "https://bikes.example/"
NO_FEED = "no feed of ours"

Answer = dict[str, Any]


# ---------------------------------------------------------------- reading, in a process of its own


def stations_of(document: Any) -> list[dict[str, Any]]:
    """Give the stations that a document lists."""
    data = document.get("data") if isinstance(document, dict) else None
    listed = data.get("stations") if isinstance(data, dict) else None
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []


def read_time(document: Any) -> datetime:
    """Give the time of a document: 30 seconds after it, it is read."""
    from ingest.gbfs import values

    given = document if isinstance(document, dict) else {}
    stated = given.get("last_updated", given.get("lastUpdatedOther"))  # so does Vélib'
    return (values.moment(stated) or datetime(2026, 3, 1, 12, tzinfo=UTC)) + timedelta(seconds=30)


def bodies(path: Path, folder: Path) -> dict[str, Any]:
    """Give the documents of a feed that has this one: the operator's others, else made up of its ids."""
    kind = next((kind for kind in ("station_information", "station_status", "system_information")
                 if f"-{kind}" in path.name), "gbfs")  # fmt: skip
    city, raw = path.stem.partition(f"-{kind}")[0], path.read_bytes()
    given: dict[str, Any] = {kind: raw}
    names = ("station_information", "station_status")
    if kind != "gbfs":
        given["gbfs"] = {"data": {"feeds": [
            {"name": name, "url": f"{HOST}{name}.json"} for name in (*names, "system_information")
        ]}}  # fmt: skip
    try:
        document = json.loads(raw)
    except ValueError:
        document = {}
    now = int(read_time(document).timestamp()) - 30
    for other in names:
        if other in given or kind == "gbfs":
            continue
        ids = list(dict.fromkeys(str(each.get("station_id")) for each in stations_of(document)))
        found = next(iter(theirs(folder, path, f"{city}-{other}", set(ids))), None)
        if found is not None:
            given[other] = found
            continue
        made = [
            {"station_id": key, "name": key, "lat": 46.95 + n / 1e4, "lon": 7.45, "is_renting": True,
             "is_returning": True, "num_bikes_available": 1, "num_docks_available": 1}
            for n, key in enumerate(ids or ["1"])
        ]  # fmt: skip
        given[other] = {"last_updated": now, "ttl": 60, "data": {"stations": made}}
    return given


def theirs(folder: Path, path: Path, name: str, ids: set[str]) -> Iterator[bytes]:
    """Find the operator's other documents that name half of these stations or more, its year's first."""
    year = path.stem[-4:]
    for each in sorted(folder.glob(f"{name}*.json"), key=lambda other: other.stem[-4:] != year):
        raw = each.read_bytes()
        try:
            named = {str(entry.get("station_id")) for entry in stations_of(json.loads(raw))}
        except ValueError:
            continue
        if named and len(named & ids) >= len(ids) / 2:
            yield raw


def read(path: Path, folder: Path) -> Answer:
    """Poll the feed of one document once: its findings, and what each station holds."""
    from ingest.gbfs.errors import FeedError
    from ingest.gbfs.feed import Feed
    from ingest.http.client import Document
    from ingest.http.errors import NotFound
    from ingest.system import System

    if any(part in path.stem for part in ("gbfs_versions", "system_alerts")):
        return {"outcome": NO_FEED, "findings": {}, "stations": {}}
    given = bodies(path, folder)
    status = given.get("station_status", b"{}")
    try:
        now = read_time(json.loads(status) if isinstance(status, bytes) else status)
    except ValueError:
        now = read_time({})

    class Given:
        def get(self, url: str, **conditions: Any) -> Document:
            body = given.get(url.rpartition("/")[2].removesuffix(".json"))
            if body is None:
                raise NotFound(host="bikes.example", status=404)
            return Document(url, body if isinstance(body, bytes) else json.dumps(body).encode(), now, 0.1)

    feed = Feed(System("x", "X", "X", "", f"{HOST}gbfs.json"), Given(), lambda: now)  # type: ignore[arg-type]
    try:
        poll = feed.poll()
    except FeedError as error:
        return {"outcome": error.outcome, "findings": {}, "stations": {}}
    known = poll.snapshot
    stations: dict[str, list[int]] = {}
    if known is not None:
        columns = [known.bikes, known.docks, known.renting, known.returning]
        full = [[1] * len(known) if column is None else column.tolist() for column in columns]
        stations = {
            key: [int(each) for each in values]
            for key, *values in zip(known.station_id.tolist(), *full, strict=True)
        }
    findings = {each.kind: [each.count, str(each.example)] for each in poll.findings if not made_up(each)}
    return {"outcome": poll.outcome, "findings": findings, "stations": stations}


def made_up(finding: Any) -> bool:
    """Tell whether a finding is about what we did not give: the system information."""
    return finding.kind in ("no_zone", "bad_document")


# ---------------------------------------------------------------- comparing


def answers(root: Path, shared: Path) -> dict[str, Answer]:
    """Read all documents with the release in a folder."""
    ran = subprocess.run(
        [sys.executable, str(HERE / "run.py"), "--read", str(root), "--shared", str(shared)],
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found: dict[str, Answer] = json.loads(ran.stdout)
    return found


def words(answer: Answer) -> str:
    """Write an outcome and its findings in a cell of a table."""
    findings = [f"{kind} {count}" for kind, (count, _) in sorted(answer["findings"].items())]
    return ", ".join(findings or ["–" if answer["outcome"] == "fresh" else answer["outcome"]])


def report(before: dict[str, Answer], after: dict[str, Answer]) -> Iterator[str]:
    """Write the tables: findings of each document, and the stations whose state changed."""
    yield "| document | stations before | after | findings before | findings after |"
    yield "|---|---:|---:|---|---|"
    for name in after:
        old, new = before[name], after[name]
        sizes = f"{len(old['stations'])} | {len(new['stations'])}"
        yield f"| {name} | {sizes} | {words(old)} | {words(new)} |"
    yield ""
    yield "Stations whose bikes, docks or flags are read in another way (-1 is unknown):"
    yield ""
    yield "| document | stations | one of them | before: bikes, docks, renting, returning | after |"
    yield "|---|---:|---|---|---|"
    for name in after:
        old, new = before[name]["stations"], after[name]["stations"]
        changed = [key for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key)]
        if changed:
            first = changed[0]
            yield f"| {name} | {len(changed)} | {first} | {old.get(first)} | {new.get(first)} |"


def main() -> None:
    """Compare two releases, or read with the one at `--read` and print the answers as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("before", type=Path, nargs="?", help="a checkout of the release to compare with")
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    known = os.environ.get("DOCKCAST_SHARED")
    parser.add_argument("--shared", type=Path, default=known, required=known is None)
    chosen = parser.parse_args()
    folder = chosen.shared / "gbfs" / "samples"
    if chosen.read is not None:
        sys.path.insert(0, str(chosen.read))
        json.dump({path.stem: read(path, folder) for path in sorted(folder.glob("*.json"))}, sys.stdout)
        return
    if chosen.before is None:
        parser.error("name a checkout of the release before")
    before, after = (answers(root, chosen.shared) for root in (chosen.before, HERE.parents[1]))
    (HERE / "results.md").write_text("\n".join(report(before, after)) + "\n")


if __name__ == "__main__":
    main()
