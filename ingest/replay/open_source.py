"""Open playable sources by their addresses, or by what a person names on the command line."""

from __future__ import annotations

from collections.abc import Container, Iterable
from pathlib import Path

from ingest.city.cities import CITIES
from ingest.replay.playable_source import MadeUpCity, PlayableSource, RecordedCity
from ingest.replay.recording import Recording, RecordingError, read_all
from ingest.settings import ROOT
from ingest.system import RECORDED, SIMULATED, System

RECORDINGS = ROOT / "data" / "recordings"
"""The folder of the recordings that pages offer to play."""


def open_source(system: System) -> PlayableSource:
    """Open the made-up city or recording at a system's address.

    Raises `LookupError` where there is no such made-up city, and `RecordingError` for a recording that cannot
    be read.
    """
    if system.is_made_up:
        return MadeUpCity(CITIES[system.url.removeprefix(SIMULATED)])
    return RecordedCity(Recording.read(RECORDINGS / system.url.removeprefix(RECORDED)))


def open_named(names: Iterable[Path]) -> list[PlayableSource]:
    """Open recordings, folders of recordings, and made-up cities by their ids.

    Raises `RecordingError` as `read_all` does.
    """
    names = list(names)
    cities = [name for name in names if str(name) in CITIES and not name.exists()]
    recordings = read_all(name for name in names if name not in cities)
    return [*(MadeUpCity(CITIES[str(name)]) for name in cities), *map(RecordedCity, recordings)]


def recorded_systems(folder: Path = RECORDINGS, known: Container[str] = ()) -> list[System]:
    """List the recordings in a folder as systems to play, without those whose ids are `known`.

    Leaves out what cannot be read.
    """
    found = []
    for path in sorted(folder.glob("*/system.json")):
        name = path.parent.name
        system_id = f"recorded-{name}"
        if system_id in known:
            continue
        try:
            recorded = Recording.read(path.parent).system
        except RecordingError:
            continue
        found.append(
            System(
                system_id,
                recorded.name,
                recorded.city,
                recorded.country,
                f"{RECORDED}{name}",
                label="replayed",
            )
        )
    return found
