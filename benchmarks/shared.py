"""Finds the recordings and real documents, which are no part of the repository."""

from __future__ import annotations

import argparse
import os
from pathlib import Path


def add_shared(parser: argparse.ArgumentParser) -> None:
    """Add the option `--shared`; it is needed where DOCKCAST_SHARED does not name their folder."""
    known = os.environ.get("DOCKCAST_SHARED")
    parser.add_argument("--shared", type=Path, default=known, required=known is None)
