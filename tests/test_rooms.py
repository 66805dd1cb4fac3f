"""Three floors, rooms on each: who may import what, and one name for one thing."""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

LADDER = {
    "model": (
        "arrays", "kernels", "codec", "globe", "component", "records", "hours", "identity", "latest",
        "gaps", "demand", "experts", "mixing", "scoring", "present", "ensemble", "frame", "moments",
        "seed_means", "seed_pipeline", "issued", "learner", "checkpoint", "forecaster", "frame_builder",
        "warm_up", "trip", "departures", "own", "__main__",
    ),
    "ingest": (
        "logs", "open_files", "settings", "release", "system", "reason", "text", "http", "public_catalogue",
        "city", "registry", "gbfs", "own", "weather", "store", "replay", "asking", "following", "worker",
        "cli", "__main__",
    ),
    "dashboard": (
        "palette", "words", "state", "pipeline", "score_reader", "store_reader", "outlook", "coming_hours",
        "nearby", "itinerary", "charts", "maps", "components", "api", "web", "screens", "start",
    ),
}  # fmt: skip
"""The rooms of each floor, the lowest first. A room is a folder, or a file that lies on the floor itself."""

BELOW = {
    "model": (),
    "ingest": ("model",),
    "dashboard": (
        "model",
        "ingest.store",
        "ingest.settings",
        "ingest.release",
        "ingest.system",
        "ingest.registry",
        "ingest.gbfs",
    ),
}
"""What each floor may import of the others."""

OWNERS = {
    "streamlit": "dashboard",
    "altair": "dashboard.charts",
    "pydeck": "dashboard.maps",
    "requests": "ingest.http",
    "urllib3": "ingest.http",
    "numba": "model.kernels",
    "apscheduler": "ingest.worker",
    "sqlalchemy": "ingest.store",
    "alembic": "ingest.store",
}
"""Libraries that one room alone may import."""

MODEL_NEEDS = {"numba", "numpy", "river", "holidays", "zstandard"}
"""All that the model may import beside the standard library."""

NO_WORLD = {
    "socket",
    "urllib",
    "http",
    "ssl",
    "asyncio",
    "subprocess",
    "threading",
    "sqlite3",
    "pathlib",
    "os",
    "time",
}
"""Standard modules that reach for network, disk or clock: not in the model."""


def name_of(path: Path) -> str:
    """Give the dotted name of a file; that of its folder for `__init__.py`."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {name_of(path): path for floor in LADDER for path in sorted((ROOT / floor).rglob("*.py"))}


def imports(path: Path) -> Iterator[str]:
    """Name every module that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.relative_to(ROOT)} imports relatively: give the whole name"
            module = node.module or ""
            # "from ingest import store" imports a module too.
            full = [f"{module}.{alias.name}" for alias in node.names]
            yield from (name if name in SOURCES else module for name in full)


def within(module: str, allowed: tuple[str, ...]) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in allowed)


def room(module: str) -> str:
    """Give the room that a module lies in, as in `ingest.store`; a floor's own `__init__` has none."""
    return ".".join(module.split(".")[:2])


@pytest.mark.parametrize("name", SOURCES)
def test_a_file_imports_only_what_its_floor_and_room_may(name: str) -> None:
    floor, _, rest = name.partition(".")
    for module in imports(SOURCES[name]):
        top = module.partition(".")[0]
        if top == floor:
            if rest and "." in module and room(module) != room(name):
                own_rung, rung = (LADDER[floor].index(room(each).split(".")[1]) for each in (name, module))
                assert rung < own_rung, f"{name} imports {module}, which lies above it"
        elif top in LADDER:
            assert within(module, BELOW[floor]), f"{floor} must not import {module}"
        elif floor == "model":
            assert top in MODEL_NEEDS or top in sys.stdlib_module_names - NO_WORLD, (
                f"model must not import {module}"
            )
        elif top in OWNERS:
            assert within(name, (OWNERS[top],)), f"{name} must not import {module}: {OWNERS[top]} alone may"


def test_no_file_imports_itself_by_way_of_others() -> None:
    graph = {name: {each for each in imports(path) if each in SOURCES} for name, path in SOURCES.items()}
    # A floor's or room's own `__init__` hands on what its files define: they do not import it.
    list(TopologicalSorter(graph).static_order())


def test_the_front_door_does_not_reach_around_the_rooms() -> None:
    for module in imports(ROOT / "app.py"):
        top = module.partition(".")[0]
        assert OWNERS.get(top, "dashboard") == "dashboard", f"app.py must not import {module}"


def test_every_room_and_every_library_with_an_owner_is_there() -> None:
    """A misspelt name in the tables above would check nothing."""
    assert {room(name) for name in SOURCES if "." in name} <= {
        f"{floor}.{each}" for floor, rooms in LADDER.items() for each in rooms
    }
    for library, owner in OWNERS.items():
        users = [name for name, path in SOURCES.items() if within(name, (owner,)) and library in
                 {module.partition(".")[0] for module in imports(path)}]  # fmt: skip
        assert users, f"{owner} does not use {library}"


def test_one_class_name_stands_for_one_thing() -> None:
    places = defaultdict(list)
    for name, path in SOURCES.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                places[node.name.lstrip("_")].append(name)
    assert {name: where for name, where in places.items() if len(where) > 1} == {}
