"""What benchmarks share: the recordings and real documents, and the code of an earlier commit."""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def add_shared(parser: argparse.ArgumentParser) -> None:
    """Add the option `--shared`; it is needed where DOCKCAST_SHARED does not name their folder."""
    known = os.environ.get("DOCKCAST_SHARED")
    parser.add_argument("--shared", type=Path, default=known, required=known is None)


@contextmanager
def code_of(commit: str) -> Iterator[Path]:
    """Check out a commit into a folder that is gone afterwards."""
    git = ["git", "-C", str(ROOT), "worktree"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "before"
        subprocess.run([*git, "add", "--quiet", "--detach", str(path), commit], check=True)
        try:
            yield path
        finally:
            subprocess.run([*git, "remove", "--force", str(path)], check=True)
