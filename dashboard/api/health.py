"""Whether Dockcast lives and can do its work, for those who keep it running."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

from dashboard.api.answers import Body, json_body
from dashboard.api.openapi import COUNT, FLAG, record, told
from dashboard.store_reader import reader

log = logging.getLogger("dockcast.health")

LIVE_SCHEMA = record("Alive", alive=FLAG)
_READY = {
    "ready": told(FLAG, "Whether forecasts can be given: the store answers, and some feed has answered."),
    "store": told(FLAG, "Whether the store can be read."),
    "worker": told(FLAG, "Whether a worker is polling and learning."),
    "systems": told(COUNT, "Systems that are followed."),
    "answered": told(COUNT, "Those that have a forecast."),
    "live": told(COUNT, "Those whose feed is live."),
}
READY_SCHEMA = record("Ready", **_READY)
HEALTH_SCHEMA = record("Health", alive=FLAG, **_READY)


async def live() -> Body:
    """Tell that the process answers. Asks nothing of the store, and waits for no thread."""
    return json_body({"alive": True})


def ready() -> Body:
    """Tell whether forecasts can be given; 503 where they cannot."""
    return _as_status(_look())


def health() -> Body:
    """Tell both; 503 where it is alive but not ready."""
    return _as_status({"alive": True} | _look())


def _look() -> dict[str, Any]:
    found: dict[str, Any] = dict.fromkeys(_READY, False) | {"systems": 0, "answered": 0, "live": 0}
    try:
        source = reader()
        states = [state for _, state in source.overview().values()]
        found["worker"] = source.has_worker()
    except Exception:
        log.exception("the store cannot be asked")
        return found
    answered = sum(state.frame_version is not None for state in states)
    live_now = sum(state.state == "live" for state in states)
    counts = {"systems": len(states), "answered": answered, "live": live_now}
    return found | counts | {"store": True, "ready": answered > 0}


def _as_status(found: dict[str, Any]) -> Body:
    return replace(json_body(found), status=200 if found["ready"] else 503)
