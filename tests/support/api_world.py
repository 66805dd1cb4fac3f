"""For tests of the API: its routes alone as an app, and made-up scores."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.testclient import TestClient

from dashboard.api import routes
from ingest.store import PollRow
from model.records import Drift
from tests.support.dashboard_world import NOON, World, frame

APP = Starlette(routes=routes.ROUTES)

SUMS = {
    "n": 10, "n_dock": 8, "expired": 2, "abs_error": 12.0, "squared_error": 40.0, "crps": 9.0,
    "brier_bike": 1.5, "brier_dock": 2.0, "covered": 7.5,
}  # fmt: skip
FINDINGS = [{"kind": "bad_count", "count": 3, "example": "<b>-7</b>"}]
DRIFT = Drift(NOON, 30, 0.01, 0.4)


def score(target_at: datetime, model: str = "pool", minutes: int = 30, **sums: float | str) -> dict[str, Any]:
    """Make up the scores of a target time."""
    made_up: dict[str, Any] = {"target_at": target_at, "kind": "any", "model": model, "minutes": minutes}
    return made_up | SUMS | sums


def eventful(world: World, system_id: str = "dublin", stations: int = 12) -> int:
    """Write two polls of a system: with scores, a drift, findings, and an outage of an hour between them."""
    first = frame(system_id, stations, at=NOON - timedelta(hours=1))
    world.commit(first, received_at=NOON - timedelta(hours=1), checkpoint=b"state")
    judged = [
        score(NOON - timedelta(hours=hours), model, minutes)
        for hours in (0, 1, 30)
        for model in ("naive", "pool")
        for minutes in (30, 60)
    ]
    poll = PollRow(NOON, NOON, "learnt", None, 0.25, json.dumps(FINDINGS), 60, 0.05, 0.5, 48)
    made = frame(system_id, stations)
    return world.commit(made, scores=judged, drifts=[replace(DRIFT)], poll=poll)


def client() -> TestClient:
    """Give a client of the API. An error of the server is an answer, as for any other client."""
    return TestClient(APP, raise_server_exceptions=False)
