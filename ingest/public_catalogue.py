"""The public catalogue: MobilityData's list of the GBFS systems of the world, which says where each one is.

A copy comes with the app, so that it can be searched without a network. The name of its file has its date.
MobilityData publishes the catalogue under CC0 1.0. A newer one can be fetched: it lies in a folder of the
user's, since the app's own may be read-only, and the newest by its date is used.
"""

from __future__ import annotations

import csv
import io
import os
import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ingest.http.client import Fetcher, names_private
from ingest.http.errors import FetchError
from ingest.text import readable, without_accents

CATALOGUE = "https://raw.githubusercontent.com/MobilityData/gbfs/master/systems.csv"
PACKAGED = Path(__file__).parent
"""The folder of the copy that comes with the app."""

_FILE = re.compile(r"catalogue-(\d{4}-\d{2}-\d{2})\.csv")
_COLUMNS = {"Country Code", "Name", "Location", "System ID", "Auto-Discovery URL"}
_KEY_COLUMNS = ("Authentication Info URL", "Authentication Type", "Authentication Parameter Name")
_NO_KEY = "0"
"""The authentication type of a feed that needs none; most rows leave it empty."""
_LONGEST_TEXT = 200
_SHRUNK = 0.5
"""A fetched catalogue with less than this part of the systems of the one before is taken for broken."""


class CatalogueError(Exception):
    """A catalogue that cannot be read, fetched or kept. The text says what to do."""


@dataclass(frozen=True)
class CatalogueEntry:
    """A system of the public catalogue; `needs_key` where its operator wants to know who reads the feed.

    `key_info` is the address at which the operator says how to get a key.
    """

    system_id: str
    name: str
    location: str
    country: str
    url: str
    needs_key: bool = False
    key_info: str = ""


@dataclass(frozen=True)
class PublicCatalogue:
    """All systems of the public catalogue, as it was on a date."""

    as_of: date
    entries: tuple[CatalogueEntry, ...]

    def search(self, word: str) -> list[CatalogueEntry]:
        """Find systems by id, name, place or country, whatever the case and accents."""
        wanted = _folded(word)
        return [
            entry
            for entry in self.entries
            if any(
                wanted in _folded(text)
                for text in (entry.system_id, entry.name, entry.location, entry.country)
            )
        ]


def newest(folder: Path) -> PublicCatalogue:
    """Read the newest catalogue: the one that comes with the app, or a later one fetched into a folder.

    A fetched one that cannot be read any more is passed over. Raises `CatalogueError` when there is none.
    """
    for path in sorted([*_files(PACKAGED), *_files(folder)], key=lambda path: path.name, reverse=True):
        try:
            return PublicCatalogue(_date(path), parse(path.read_bytes()))
        except (OSError, CatalogueError):
            continue
    raise CatalogueError(
        "the catalogue that comes with the app cannot be read: install the app anew, or fetch the catalogue "
        "by: python -m ingest systems --refresh"
    )


def refresh(folder: Path, fetcher: Fetcher, today: date, url: str = CATALOGUE) -> PublicCatalogue:
    """Fetch the catalogue of today into a folder, in place of one fetched before.

    The old one stays in use until the new one is whole on disk, and stays where the answer is no catalogue
    or has lost most of its systems. Raises `CatalogueError`.
    """
    old = newest(folder)
    kept = f"that of {old.as_of} stays in use"
    try:
        document = fetcher.get(url)
    except FetchError as error:
        raise CatalogueError(f"the public catalogue cannot be had: {error}; {kept}") from error
    assert document is not None
    try:
        entries = parse(document.body)
    except CatalogueError as error:
        raise CatalogueError(f"{url} {error}; {kept}") from error
    private = next((entry.url for entry in entries if _is_private(entry.url)), None)
    if private and not _is_private(url):
        raise CatalogueError(
            f"{url} names {private}, in your own network, which a public catalogue may not; {kept}"
        )
    if len(entries) < _SHRUNK * len(old.entries):
        raise CatalogueError(
            f"{url} has {len(entries):,} systems where there were {len(old.entries):,}, and is taken for "
            f"broken; {kept}"
        )
    new = folder / f"catalogue-{today}.csv"
    try:
        _write(new, document.body)
        for path in _files(folder):
            if path != new:
                path.unlink(missing_ok=True)
    except OSError as error:
        raise CatalogueError(
            f"the catalogue cannot be written to {folder} ({error.strerror}), check the rights there; {kept}"
        ) from error
    return PublicCatalogue(today, entries)


def parse(body: bytes) -> tuple[CatalogueEntry, ...]:
    """Read the rows of a catalogue; rows without an id or an address are left out.

    Raises `CatalogueError` where it is none.
    """
    rows = csv.DictReader(io.StringIO(body.decode("utf-8-sig", errors="replace"), newline=""))
    try:
        if not _COLUMNS.issubset(rows.fieldnames or ()):
            raise CatalogueError(f"is not the catalogue that we know: see {CATALOGUE} for what it is now")
        entries = tuple(_entries(rows))
    except csv.Error as error:
        raise CatalogueError(f"is no table that can be read ({error})") from error
    if not entries:
        raise CatalogueError("is a catalogue without a system")
    return entries


def _entries(rows: csv.DictReader[str]) -> Iterable[CatalogueEntry]:
    for row in rows:
        fields = {key: (value or "").strip() for key, value in row.items() if isinstance(value, str | None)}
        if not fields["System ID"] or not fields["Auto-Discovery URL"]:
            continue
        yield CatalogueEntry(
            system_id=fields["System ID"],
            name=readable(fields["Name"], _LONGEST_TEXT),
            location=readable(fields["Location"], _LONGEST_TEXT),
            country=fields["Country Code"],
            url=fields["Auto-Discovery URL"],
            needs_key=any(fields.get(column) not in (None, "", _NO_KEY) for column in _KEY_COLUMNS),
            key_info=fields.get("Authentication Info URL", ""),
        )


def _is_private(url: str) -> bool:
    try:
        return names_private(url)
    except FetchError:  # no address at all, which asking it will tell
        return False


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.glob("catalogue-*.csv") if _FILE.fullmatch(path.name)]


def _date(path: Path) -> date:
    found = _FILE.fullmatch(path.name)
    assert found is not None
    try:
        return date.fromisoformat(found[1])
    except ValueError as error:
        raise CatalogueError(f"{path} has no date in its name") from error


def _write(path: Path, body: bytes) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f"{path.name}.", delete=False) as part:
        try:
            part.write(body)
            part.flush()
            os.fsync(part.fileno())
            os.replace(part.name, path)
        except OSError:
            os.unlink(part.name)
            raise


def _folded(text: str) -> str:
    """Take case and accents away, so that "velib" finds "Vélib'"."""
    return without_accents(text.strip().casefold())
