"""Where the recordings and real documents lie, which are no part of the repository."""

from __future__ import annotations

import argparse
import os
from pathlib import Path


def add_shared(parser: argparse.ArgumentParser) -> None:
    """Let a script be told their folder, where DOCKCAST_SHARED does not."""
    known = os.environ.get("DOCKCAST_SHARED")
    parser.add_argument("--shared", type=Path, default=known, required=known is None)
