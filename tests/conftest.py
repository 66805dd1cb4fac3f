"""Fixtures and settings that all tests share."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from ingest.store import Store
    from tests.support.browsing import Site, Visit
    from tests.support.dashboard_world import World
    from tests.support.gbfs_world import Operator
    from tests.support.misbehaving import Misbehaving
    from tests.support.tick_world import Desk

# Before numpy loads OpenBLAS: on two cores its threads make small matrices 15 times as slow.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
KINDS = ("sqlite", "postgresql")

# No test fails for being slow.
settings.register_profile("dockcast", deadline=None)
settings.load_profile("dockcast")

# A worker under test fetches no weather unless the test names a server. The seed pipeline runs where a test
# is about it: a process loads River for three seconds.
os.environ["DOCKCAST_WEATHER"] = ""
os.environ["DOCKCAST_SEED"] = "false"


LONG = (
    "journeys/test_map",
    "journeys/test_languages",
    "faults/test_processes",
    "ingest/cli/test_follow",
    "journeys/test_address",
    "journeys/test_trip",
    "ingest/cli/",
    "faults/",
    "ingest/worker/test_kill",
    "journeys/",
    "ingest/worker/",
    "dashboard/test_app",
)
"""Long files by the beginnings of their paths: the longest first, and seldom three browsers at once."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let long files begin first: one of them at the end would keep a single processor busy."""

    def place(item: pytest.Item) -> int:
        long = (n for n, name in enumerate(LONG) if item.nodeid.startswith(f"tests/{name}"))
        return next(long, len(LONG))

    items.sort(key=place)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of recordings and real documents, which is no part of the repository."""
    folder = os.environ.get("DOCKCAST_SHARED")
    if folder is None:
        pytest.skip("needs DOCKCAST_SHARED")
    path = Path(folder)
    assert (path / "recordings").is_dir(), f"DOCKCAST_SHARED={folder} holds no recordings"
    return path


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests marked `both` on SQLite and on PostgreSQL, or on what the mark says.

    Where DOCKCAST_TEST_STORE names one of them, all tests run on that.
    """
    mark = metafunc.definition.get_closest_marker("both")
    if mark is not None:
        named = os.environ.get("DOCKCAST_TEST_STORE")
        kinds = mark.args or ([named] if named else KINDS)
        metafunc.parametrize("store_kind", kinds, indirect=True, scope="module")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """A PostgreSQL server, with a database to copy that has all tables."""
    from ingest.store import Store
    from tests.support.store_world import postgres, postgres_database

    with postgres() as server, postgres_database(server, "dockcast_template") as url:
        Store(url).close()
        yield server


@pytest.fixture(scope="module", autouse=True)
def store_kind(request: pytest.FixtureRequest) -> Iterator[str]:
    """Where `store_world.store_url` makes its databases: sqlite or postgresql."""
    from tests.support.store_world import Databases

    kind: str = getattr(request, "param", os.environ.get("DOCKCAST_TEST_STORE", "sqlite"))
    Databases.use(request.getfixturevalue("postgresql") if kind == "postgresql" else None)
    yield kind
    Databases.use(None)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    from ingest.store import Store
    from tests.support.store_world import store_url

    opened = Store(store_url(tmp_path))
    yield opened
    opened.close()


@pytest.fixture
def server() -> Iterator[Misbehaving]:
    """An HTTP server that misbehaves on command."""
    from tests.support.misbehaving import Misbehaving

    with Misbehaving() as running:
        yield running


@pytest.fixture
def operator(server: Misbehaving) -> Iterator[Operator]:
    """The feed of a small city, on that server."""
    from tests.support.gbfs_world import Operator

    made = Operator(server)
    yield made
    made.fetcher.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A store, a scripted feed, and as many workers as a test wants."""
    from tests.support.tick_world import Desk

    made = Desk(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A small made-up world, which the pages read."""
    from dashboard import store_reader
    from tests.support.dashboard_world import World

    made = World(tmp_path)
    store_reader.use(made.store, made.clock)
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A running app that shows such a world."""
    from tests.support.browsing import serve

    with serve(tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real browser."""
    from tests.support.browsing import chromium

    with chromium() as started:
        yield started


@pytest.fixture
def harmless() -> re.Pattern[str] | None:
    """Addresses that the browser may ask in vain: none, unless a test file says which."""
    return None


@pytest.fixture
def visit(browser: Browser, site: Site, harmless: re.Pattern[str] | None) -> Iterator[Visit]:
    """Open an address; at the end nothing may have gone to a stranger, and nothing may have failed."""
    from tests.support.browsing import visiting

    with visiting(browser, site, harmless) as opened:
        yield opened
