"""Which release this is: its version, and the commit that its files are of where Git has them."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

from ingest.settings import ROOT

UNKNOWN = "unknown"
"""Stands for the commit of files that came without Git."""


@cache
def version() -> str:
    """Give the version that pyproject.toml names."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])


@cache
def commit(folder: Path = ROOT) -> str:
    """Give the first twelve digits of the commit; `UNKNOWN` without one.

    Git itself refuses to answer in a folder of another user, as a service's is. So its files are read.
    """
    git = folder / ".git"
    try:
        head = (git / "HEAD").read_text(encoding="utf-8").strip()
        name = head.removeprefix("ref: ")
        found = _of_reference(git, name) if name != head else head
    except OSError:
        return UNKNOWN
    return found[:12] if re.fullmatch(r"[0-9a-f]{40,64}", found) else UNKNOWN


def _of_reference(git: Path, name: str) -> str:
    if (git / name).is_file():
        return (git / name).read_text(encoding="utf-8").strip()
    packed = (git / "packed-refs").read_text(encoding="utf-8")
    return next((line.split()[0] for line in packed.splitlines() if line.endswith(f" {name}")), "")


def words() -> str:
    """Say which release this is."""
    return f"Dockcast {version()}, commit {commit()}"
