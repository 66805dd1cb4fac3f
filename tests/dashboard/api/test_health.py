"""Health and metrics, for operators."""

from __future__ import annotations

from datetime import timedelta

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain

from dashboard import store_reader
from ingest import release
from ingest.store.systems import SystemTables
from tests.support.api_world import client, eventful
from tests.support.dashboard_world import NOON, World

Values = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def scrape(accept: str = "") -> Values:
    response = client().get("/metrics", headers={"Accept": accept} if accept else {})
    assert response.status_code == 200, response.text
    read = openmetrics if "openmetrics" in response.headers["content-type"] else plain
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in read(response.text)
        for sample in family.samples
    }


def test_it_is_alive_before_it_is_ready(world: World) -> None:
    live, ready, both = (client().get(f"/healthz{path}") for path in ("/live", "/ready", ""))
    assert (live.status_code, live.json()) == (200, {"alive": True})
    assert (ready.status_code, both.status_code) == (503, 503)
    assert ready.json() == {
        "ready": False, "store": True, "worker": False, "systems": 2, "answered": 0, "live": 0
    }  # fmt: skip
    made = {"version": release.version(), "commit": release.commit()}
    assert both.json() == {"alive": True, **made, **ready.json()}


def test_it_is_ready_once_a_feed_has_answered(world: World) -> None:
    eventful(world)
    response = client().get("/healthz")
    assert response.status_code == 200
    assert response.json() == {
        "version": release.version(), "commit": release.commit(),
        "alive": True, "ready": True, "store": True, "worker": True, "systems": 2, "answered": 1, "live": 1
    }  # fmt: skip
    assert response.headers["cache-control"] == "no-store"


def test_without_its_store_it_is_alive_and_not_ready(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    eventful(world)

    def broken(self: SystemTables) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(SystemTables, "states", broken)
    assert client().get("/healthz/live").status_code == 200
    response = client().get("/healthz/ready")
    assert response.status_code == 503
    assert not response.json()["store"]


def test_before_there_is_a_store_it_is_alive_and_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_reader, "_readers", [])
    assert client().get("/healthz/live").status_code == 200
    assert client().get("/healthz/ready").status_code == 503


@pytest.mark.parametrize("accept", ["", "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"])
def test_metrics_give_the_state_of_every_system(world: World, accept: str) -> None:
    eventful(world)
    world.fail("boulder", "unreachable", "no answer")
    world.now += timedelta(seconds=90)
    values = scrape(accept)

    def of(name: str, /, **labels: str) -> float:
        return values[f"dockcast_{name}", tuple(sorted(labels.items()))]

    assert of("worker_up") == 1
    assert of("counts_age_seconds", system="dublin") == 90
    assert ("dockcast_counts_age_seconds", (("system", "boulder"),)) not in values
    assert of("failures_in_a_row", system="boulder") == 3
    assert of("frame_version", system="dublin") == 2
    assert of("feed_state", system="boulder", dockcast_feed_state="unreachable") == 1
    assert of("feed_state", system="boulder", dockcast_feed_state="live") == 0
    assert of("polls_last_day", system="dublin", outcome="learnt") == 2
    assert of("polls_last_day", system="boulder", outcome="unreachable") == 1
    assert of("poll_seconds", system="dublin", part="answer", percentile="95") == 0.25
    assert of("poll_seconds", system="dublin", part="forecast", percentile="50") == 0.5
    assert of("forecasts_pending", system="dublin") == 48
    assert of("forecasts_settled_last_day", system="dublin") == 40
    assert of("forecasts_expired_last_day", system="dublin") == 8
    info = {"system": "boulder", "name": "BCycle", "city": "Boulder", "country": "US", "label": "replayed"}
    assert of("system_info", **info) == 1
    assert of("last_learnt_timestamp_seconds", system="dublin") == NOON.timestamp()
    assert of("polls_learnt_total", system="dublin") == 2
    assert of("skill", system="dublin", minutes="30") == 0
    assert ("dockcast_skill_least", (("minutes", "30"), ("system", "dublin"))) not in values, "too few hours"
    assert of("checkpoint_age_seconds", system="dublin") == 3600
    assert of("build_info", version=release.version(), commit=release.commit()) == 1
    assert of("store_bytes") > 1e4
    assert of("store_free_bytes") > 0
    assert of("store_log_file_bytes") > 0
    assert of("lease_info", system="dublin", holder="test") == 1
    assert of("worker_systems", holder="test") == 2
    assert of("worker_stations", holder="test") == len(world.store.systems.stations("dublin") or ()) > 0
    assert values["process_resident_memory_bytes", ()] > 1e6


def test_metrics_tell_of_a_wrong_list_until_it_is_mended(world: World) -> None:
    told = ("dockcast_list_wrong", ())
    assert scrape()[told] == 0
    world.store.findings.note_list_fault(world.now)
    assert scrape()[told] == 1
    world.store.findings.end_list_fault()
    assert scrape()[told] == 0
