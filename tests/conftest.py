"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Before numpy loads OpenBLAS: on two cores its threads make small matrices 15 times as slow.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# A worker under test asks nobody for the weather unless the test says whom.
os.environ["DOCKCAST_WEATHER"] = ""


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of recordings and real documents, which is no part of the repository."""
    folder = os.environ.get("DOCKCAST_SHARED")
    if folder is None:
        pytest.skip("needs DOCKCAST_SHARED")
    path = Path(folder)
    assert (path / "recordings").is_dir(), f"DOCKCAST_SHARED={folder} holds no recordings"
    return path
