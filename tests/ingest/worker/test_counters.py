"""What a worker serves of itself."""

from __future__ import annotations

import logging
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ingest.worker import counters
from tests.support.model_world import riders
from tests.support.processes import free_port
from tests.support.tick_world import CITY, Desk, fresh, nothing


def test_a_worker_serves_its_own_memory_time_and_counters(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    ticker = desk.worker()
    for seen in riders(30):
        desk.tick(ticker, fresh(seen))
    desk.tick(ticker, nothing())
    address = f"127.0.0.1:{free_port()}"
    counters.serve("")
    counters.serve(address)
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    values = {
        (sample.name, sample.labels.get("outcome")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.labels.get("system", CITY.system_id)
        == CITY.system_id  # other tests of this process have others
    }
    assert values["dockcast_worker_polls_total", "learnt"] >= 30
    assert values["dockcast_worker_polls_total", "unchanged"] >= 1
    assert values["dockcast_worker_forecasts_settled_total", None] > 0
    assert values["dockcast_worker_learn_seconds_total", None] > 0
    assert values["process_resident_memory_bytes", None] > 1e6
    assert values["process_cpu_seconds_total", None] > 0
    assert any(name == "dockcast_worker_build_info" for name, *_ in values)
    with caplog.at_level(logging.WARNING):
        counters.serve(address)
    assert "no metrics at DOCKCAST_WORKER_METRICS" in caplog.text, "and the worker goes on"
