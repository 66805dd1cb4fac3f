"""What a worker counts of itself for Prometheus, and serves at an address of its own.

The app's metrics tell what the store knows, whichever worker wrote it. These tell of one process: its memory,
its processor time, and what it has done since it began.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Info,
    PlatformCollector,
    ProcessCollector,
    start_http_server,
)

from ingest import release
from ingest.store import OUTCOME_LEARNT
from model.records import ANY

log = logging.getLogger(__name__)

registry = CollectorRegistry()
"""What is served."""

for _make in (ProcessCollector, PlatformCollector, GCCollector):
    _make(registry=registry)


def _counter(name: str, text: str, *labels: str) -> Counter:
    return Counter(f"dockcast_worker_{name}", text, ("system", *labels), registry=registry)


_polls = _counter("polls", "Polls by what they came to", "outcome")
_learn_seconds = _counter("learn_seconds", "Time that learning took")
_forecast_seconds = _counter("forecast_seconds", "Time that forecasting took")
_settled = _counter("forecasts_settled", "Forecasts whose truth came, judged")
_expired = _counter("forecasts_expired", "Forecasts whose truth never came")
_build = Info("dockcast_worker_build", "The release that this worker is of", registry=registry)


def polled(system_id: str, outcome: str) -> None:
    """Count a poll by its outcome."""
    _polls.labels(system_id, outcome).inc()


def learnt(
    system_id: str, scores: Sequence[Mapping[str, Any]], learn_seconds: float, forecast_seconds: float
) -> None:
    """Count a poll that was learnt and committed, with the scores that it settled."""
    polled(system_id, OUTCOME_LEARNT)
    _learn_seconds.labels(system_id).inc(learn_seconds)
    _forecast_seconds.labels(system_id).inc(forecast_seconds)
    pool = [row for row in scores if row["model"] == "pool" and row["kind"] == ANY]
    _settled.labels(system_id).inc(sum(row["n"] for row in pool))
    _expired.labels(system_id).inc(sum(row["expired"] for row in pool))


def serve(address: str) -> None:
    """Serve them at an address and port, beside the work; a word in the log where that cannot be."""
    if not address:
        return
    _build.info({"version": release.version(), "commit": release.commit()})
    host, _, port = address.rpartition(":")
    try:
        start_http_server(int(port), host.strip("[]") or "0.0.0.0", registry)
    except (OSError, OverflowError) as error:
        log.warning(
            "no metrics at DOCKCAST_WORKER_METRICS=%s: %s; another worker's may be there", address, error
        )
    else:
        log.info("this worker's own metrics are at http://%s/metrics", address)
