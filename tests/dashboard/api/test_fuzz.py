"""The API answers every described request as described, and refuses all others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import settings
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import Failure
from schemathesis.openapi.checks import RejectedPositiveData

from dashboard import store_reader
from tests.support.api_world import APP, eventful
from tests.support.dashboard_world import World

CONFIG = """
[generation]
deterministic = true
database = "none"

[dictionaries]
systems = { values = ["dublin", "boulder"] }
stations = { values = ["s0", "s1", "s2", "a/b"] }
versions = { values = [1, 2] }
times = { values = ["2026-03-02T12:00:00Z", "2026-03-02T13:00:00+01:00", "2026-03-01T12:00:00Z"] }

[parameters]
"path.system_id" = { dictionary = "systems", probability = 0.8 }
"query.system" = { dictionary = "systems", probability = 0.8 }
"path.station_id" = { dictionary = "stations", probability = 0.8 }
"path.version" = { dictionary = "versions", probability = 0.8 }
"query.at" = { dictionary = "times", probability = 0.8 }
"query.since" = { dictionary = "times", probability = 0.8 }
"query.until" = { dictionary = "times", probability = 0.8 }
"""

API = schemathesis.openapi.from_asgi("/api/openapi.json", APP, config=SchemathesisConfig.from_str(CONFIG))


ACROSS = ("Both minutes and at", "since is not before until", "That may be", "Nothing was before")
"""How errors begin that are about several parameters together, of which OpenAPI has no words."""


Case = schemathesis.Case[Any]


@API.hook
def filter_failure(
    context: schemathesis.HookContext,
    failure: Failure,
    case: Case,
    response: schemathesis.Response,
) -> bool:
    """Let the API refuse what each parameter's description allows, for those reasons alone."""
    refused = isinstance(failure, RejectedPositiveData) and response.status_code == 400
    return not (refused and response.json()["error"].startswith(ACROSS))


@pytest.fixture(scope="module", autouse=True)
def whole_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Two systems that have answered, with scores."""
    world = World(tmp_path_factory.mktemp("world"))
    store_reader.use(world.store, world.clock)
    for system_id in ("dublin", "boulder"):
        eventful(world, system_id)
    yield world
    world.store.close()


@API.parametrize()
@settings(max_examples=40, deadline=None)
def test_every_answer_is_as_described(case: Case) -> None:
    case.call_and_validate()
