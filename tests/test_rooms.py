"""Three floors, one staircase: who may import what."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("model", "ingest", "dashboard")
SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))

BELOW = {
    "model": ("model",),
    "ingest": ("model", "ingest"),
    "dashboard": (
        "model",
        "dashboard",
        "ingest.store",
        "ingest.settings",
        "ingest.registry",
    ),
}
"""What of our own each room may import: its own floor and those below, never upwards."""

OWNERS = {
    "streamlit": "dashboard",
    "pydeck": "dashboard",
    "requests": "ingest",
    "urllib3": "ingest",
    "apscheduler": "ingest",
    "sqlalchemy": "ingest",
    "alembic": "ingest",
}
"""Libraries that one room alone may import."""

MODEL_NEEDS = {"numpy", "river", "holidays"}
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


def imports(path: Path) -> Iterator[str]:
    """Name every module that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.relative_to(ROOT)} imports relatively: give the whole name"
            module = node.module or ""
            # "from ingest import store" imports a module too.
            yield from (f"{module}.{alias.name}" if module in ROOMS else module for alias in node.names)


def within(module: str, allowed: tuple[str, ...]) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in allowed)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_imports_only_what_its_floor_may(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    for module in imports(path):
        top = module.partition(".")[0]
        if top in ROOMS:
            assert within(module, BELOW[room]), f"{room} must not import {module}"
        elif room == "model":
            assert top in MODEL_NEEDS or top in sys.stdlib_module_names - NO_WORLD, (
                f"model must not import {module}"
            )
        else:
            assert OWNERS.get(top, room) == room, f"{room} must not import {module}"


def test_the_front_door_does_not_reach_around_the_rooms() -> None:
    for module in imports(ROOT / "app.py"):
        top = module.partition(".")[0]
        assert OWNERS.get(top, "dashboard") == "dashboard", f"app.py must not import {module}"


def test_every_library_that_has_an_owner_is_used() -> None:
    """A name misspelt above would hold nothing."""
    used = {
        (path.relative_to(ROOT).parts[0], module.partition(".")[0])
        for path in SOURCES
        for module in imports(path)
    }
    assert {(room, library) for library, room in OWNERS.items()} <= used
