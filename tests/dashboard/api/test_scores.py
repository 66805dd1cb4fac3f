"""The API's answers about scores, findings, drifts and outages."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pandas as pd
import pytest

from tests.support.api_world import DRIFT, SUMS, client, eventful, score
from tests.support.dashboard_world import NOON, World, frame


def get(address: str) -> Any:
    response = client().get(address)
    assert response.status_code == 200, response.text
    return response.json()


def rows(address: str) -> set[tuple[str, str, int]]:
    return {(row["at"], row["model"], row["minutes"]) for row in get(address)["scores"]}


@pytest.mark.both
def test_scores_are_the_measures_of_the_sums(world: World) -> None:
    eventful(world)
    found = get("/api/scores?system=dublin&minutes=30&models=pool&since=2026-03-02T12:00:00Z")
    assert found["systems"] == [{"system_id": "dublin", "label": None}]
    assert found["span"] == "hour"
    assert found["scores"] == [
        {
            "at": "2026-03-02T12:00:00Z", "model": "pool", "minutes": 30, "n": 10, "n_dock": 8, "expired": 2,
            "mae": 1.2, "rmse": 2.0, "crps": 0.9, "brier_bike": 0.15, "brier_dock": 0.25, "cover80": 0.75,
        }
    ]  # fmt: skip


def test_scores_of_one_kind_of_bikes_are_for_the_asking(world: World) -> None:
    made_up = score(NOON, kind="electric", n=5, n_dock=0, abs_error=1.0)
    world.commit(frame(), scores=[score(NOON), made_up])
    for kind, mae in (("any", 1.2), ("electric", 0.2), ("plain", None)):
        found = get(f"/api/scores?system=dublin&kind={kind}")
        assert (found["kind"], [row["mae"] for row in found["scores"]]) == (kind, [mae] if mae else [])
    assert get("/api/scores?system=dublin&kind=electric")["scores"][0]["brier_dock"] is None
    written = client().get("/api/scores?system=dublin&kind=electric&format=csv")
    assert pd.read_csv(io.BytesIO(written.content))["kind"].tolist() == ["electric"]
    assert 'filename="scores-dublin-electric-hour.csv"' in written.headers["content-disposition"]


@pytest.mark.both
def test_parameters_choose_the_scores(world: World) -> None:
    eventful(world)
    noon, eleven, before = "2026-03-02T12:00:00Z", "2026-03-02T11:00:00Z", "2026-03-01T06:00:00Z"
    everything = {(at, m, h) for at in (noon, eleven, before) for m in ("naive", "pool") for h in (30, 60)}
    assert rows("/api/scores?system=dublin") == everything
    assert rows("/api/scores?system=dublin&minutes=60,30&models=naive") == {
        row for row in everything if row[1] == "naive"
    }
    assert rows(f"/api/scores?system=dublin&since={eleven}&until={noon}") == {
        row for row in everything if row[0] == eleven
    }
    assert {row[0] for row in rows("/api/scores?system=dublin&span=day")} == {
        "2026-03-02T00:00:00Z", "2026-03-01T00:00:00Z"
    }  # fmt: skip
    # Without `since`, scores by five minutes begin a day before.
    assert {row[0] for row in rows("/api/scores?system=dublin&span=5min")} == {noon, eleven}
    assert rows("/api/scores?system=boulder") == set()


@pytest.mark.both
def test_all_systems_are_summed_up_and_named(world: World) -> None:
    eventful(world)
    world.commit(frame("boulder"), scores=[score(NOON, n=30)])
    found = get("/api/scores?minutes=30&models=pool&since=2026-03-02T12:00:00Z")
    assert [row["n"] for row in found["scores"]] == [10], "what is replayed is not mixed with what is live"
    assert found["systems"] == [{"system_id": "dublin", "label": None}]


def test_a_model_without_judged_forecasts_has_no_measure(world: World) -> None:
    world.commit(frame(), scores=[score(NOON) | dict.fromkeys(SUMS, 0) | {"expired": 7}])
    (row,) = get("/api/scores?system=dublin")["scores"]
    assert (row["n"], row["expired"], row["mae"], row["brier_dock"]) == (0, 7, None, None)


def test_scores_can_be_had_as_csv_and_parquet(world: World) -> None:
    world.commit(frame("boulder"), scores=[score(NOON), score(NOON, "naive")])
    address = "/api/scores?system=boulder"
    csv = client().get(f"{address}&format=csv")
    assert csv.headers["content-type"] == "text/csv; charset=utf-8"
    assert csv.headers["content-disposition"] == 'attachment; filename="scores-boulder-replayed-hour.csv"'
    parquet = client().get(f"{address}&format=parquet")
    assert parquet.headers["content-type"] == "application/vnd.apache.parquet"
    assert "content-encoding" not in parquet.headers
    written, packed = pd.read_csv(io.BytesIO(csv.content)), pd.read_parquet(io.BytesIO(parquet.content))
    assert list(written.columns) == list(packed.columns)
    assert written["label"].tolist() == packed["label"].tolist() == ["replayed"] * 2
    assert packed["at"].tolist() == [pd.Timestamp(NOON)] * 2
    scores = get(address)["scores"]
    for name in ("model", "n", "mae", "cover80"):
        given = [row[name] for row in scores]
        assert written[name].tolist() == packed[name].tolist() == given
    accepted = client().get(address, headers={"Accept": "text/csv"})
    assert accepted.content == csv.content
    named = client().get(f"{address}&format=json", headers={"Accept": "text/csv"})
    assert named.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ("span=hour&since=2025-03-02T12:00:00Z", 400),
        ("span=hour&since=2025-03-02T12:00:00Z&minutes=30", 200),
        ("span=hour&since=0001-01-01T00:00:00Z&minutes=30,60&models=pool,naive", 200),
        ("span=5min&since=2026-02-22T12:00:00Z", 400),
        ("span=day&since=2020-01-01T00:00:00Z&models=pool", 200),
    ],
)
def test_an_answer_that_would_be_too_long_is_refused_before_it_is_read(
    world: World, asked: str, status: int
) -> None:
    world.commit(frame())
    response = client().get(f"/api/scores?system=dublin&{asked}")
    assert response.status_code == status
    if status == 400:
        assert "Name minutes or models" in response.json()["try"]


@pytest.mark.both
def test_drifts_and_outages_since(world: World) -> None:
    eventful(world)
    found = get("/api/systems/dublin/drifts")
    assert found["drifts"] == [
        {"at": "2026-03-02T12:00:00Z", "minutes": 30, "before": DRIFT.before, "after": DRIFT.after,
         "worse": True}
    ]  # fmt: skip
    (outage,) = get("/api/systems/dublin/outages")["outages"]
    assert outage == {"start": "2026-03-02T11:00:00Z", "end": "2026-03-02T12:00:00Z", "minutes": 60}
    later = (NOON + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert get(f"/api/systems/dublin/drifts?since={later}")["drifts"] == []
    assert get(f"/api/systems/dublin/outages?since={later}")["outages"] == []


@pytest.mark.both
def test_findings_are_described_in_words(world: World) -> None:
    eventful(world)
    dublin, boulder = get("/api/findings")["systems"]
    (finding,) = dublin["findings"]
    assert finding["kind"] == "bad_count"
    assert finding["means"].startswith("counts that are missing")
    assert finding["done"].startswith("taken as unknown")
    assert (finding["polls_today"], finding["cases_today"], finding["count"]) == (1, 3, 3)
    assert (finding["now"], finding["example"]) == (True, "<b>-7</b>")
    assert finding["since"] == finding["last_at"] == "2026-03-02T12:00:00Z"
    assert boulder == {"system_id": "boulder", "label": "replayed", "findings": []}
    assert get("/api/findings?system=dublin")["systems"] == [dublin]
    assert client().get("/api/findings?system=atlantis").status_code == 404
