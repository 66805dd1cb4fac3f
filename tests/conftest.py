"""What all tests share."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from browsing import Site, Visit
    from dashboard_world import World
    from playwright.sync_api import Browser

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


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A small made-up world, which the pages read."""
    from dashboard_world import World

    from dashboard import reading

    made = World(tmp_path)
    reading.use(made.store, made.clock)
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A running app that shows such a world."""
    from browsing import serve

    with serve(tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real browser."""
    from browsing import chromium

    with chromium() as started:
        yield started


@pytest.fixture
def harmless() -> re.Pattern[str] | None:
    """Addresses that the browser may ask in vain: none, unless a test file says which."""
    return None


@pytest.fixture
def visit(browser: Browser, site: Site, harmless: re.Pattern[str] | None) -> Iterator[Visit]:
    """Open an address; at the end nothing may have gone to a stranger, and nothing may have failed."""
    from browsing import visiting

    with visiting(browser, site, harmless) as opened:
        yield opened
