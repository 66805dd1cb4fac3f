"""Health checks: whether the process answers, and whether it can give forecasts."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

from dashboard.api.answers import Body, json_body
from dashboard.api.openapi import COUNT, FLAG, TEXT, described, record
from dashboard.store_reader import reader
from ingest import release
from ingest.store import StoreFailedError

log = logging.getLogger("dockcast.health")

LIVE_SCHEMA = record("Alive", alive=FLAG)
_READY = {
    "ready": described(
        FLAG, "Whether forecasts can be given: the store answers, and some feed has answered."
    ),
    "store": described(FLAG, "Whether the store can be read."),
    "worker": described(FLAG, "Whether a worker is polling and learning."),
    "systems": described(COUNT, "Systems that are followed."),
    "answered": described(COUNT, "Those that have a forecast."),
    "live": described(COUNT, "Those whose feed is live."),
}
READY_SCHEMA = record("Ready", **_READY)
_RELEASE = {
    "version": described(TEXT, "The release that the app is of."),
    "commit": described(TEXT, "The commit that its files are of, or unknown."),
}
HEALTH_SCHEMA = record("Health", alive=FLAG, **_RELEASE, **_READY)


async def live() -> Body:
    """Answer that the process is alive. This reads no store and waits for no thread."""
    return json_body({"alive": True})


def ready() -> Body:
    """Tell whether the app can give forecasts; 503 where it cannot."""
    return _as_status(_look())


def health() -> Body:
    """Tell both, and which release it is; 503 where it is alive but not ready."""
    made = {"version": release.version(), "commit": release.commit()}
    return _as_status({"alive": True} | made | _look())


def _look() -> dict[str, Any]:
    found: dict[str, Any] = dict.fromkeys(_READY, False) | {"systems": 0, "answered": 0, "live": 0}
    try:
        source = reader()
        states = [state for _, state in source.overview().values()]
        found["worker"] = source.has_worker()
    except StoreFailedError:  # which the log says
        return found
    except Exception:
        log.exception("the store cannot be asked")
        return found
    answered = sum(state.frame_version is not None for state in states)
    live_now = sum(state.state == "live" for state in states)
    counts = {"systems": len(states), "answered": answered, "live": live_now}
    return found | counts | {"store": True, "ready": answered > 0}


def _as_status(found: dict[str, Any]) -> Body:
    return replace(json_body(found), status=200 if found["ready"] else 503)
