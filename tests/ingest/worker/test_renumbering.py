"""All ids are new, or one is given to another station: from the description through the store to recovery."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
import sqlalchemy as sa

from dashboard.outlook import station_index
from ingest.store.tables import checkpoints
from ingest.worker.recovery import recover
from model import Snapshot, Stations
from model.frame import Frame
from model.scoring.settle import STATION_SCORES
from tests.support.model_world import riders, stations
from tests.support.store_world import MINUTE, NOON
from tests.support.tick_world import Desk, fresh, state_of

NAMES = np.array(["Quay", "Mill", "Park", "Abbey", "Bridge", "Court"])


@pytest.fixture
def coming() -> Iterator[Snapshot]:
    return riders(200, start=NOON, per_hour=20)


def city(*ids: str) -> Stations:
    plain = stations()
    return replace(plain, name=NAMES, station_id=np.array(ids) if ids else plain.station_id)


def learn(desk: Desk, coming: Iterator[Snapshot], described: Stations, polls: int) -> None:
    ticker = desk.worker()
    for _ in range(polls):
        seen = next(coming)
        desk.tick(ticker, fresh(replace(seen, station_id=described.station_id), described))


def history(desk: Desk, station_id: str) -> list[int]:
    found = desk.store.observations.history("test", station_id, NOON - MINUTE, NOON + timedelta(days=1))
    return [bikes for _, bikes, *_ in found]


def findings(desk: Desk) -> dict[str, str | object]:
    found = desk.store.findings.oddities(["test"], desk.feed.now)["test"]
    return {each.finding.kind: (each.finding.count, each.finding.example) for each in found}


def without_the_newest_checkpoint(desk: Desk) -> None:
    with desk.store._database.write() as db:
        newest = db.scalar(sa.select(sa.func.max(checkpoints.c.at)))
        db.execute(checkpoints.update().where(checkpoints.c.at == newest).values(blob=b"torn"))


@pytest.mark.both
def test_all_ids_are_new_and_the_history_goes_with_the_stations(
    desk: Desk, coming: Iterator[Snapshot]
) -> None:
    learn(desk, coming, city(), 45)
    before = history(desk, "s2")
    scores = desk.store.daily_scores.by_station("test")
    new = city(*(f"n{row}" for row in range(6)))
    learn(desk, coming, new, 1)
    assert findings(desk)["renumbered"] == (6, "s0: n0")
    assert history(desk, "s2") == []
    assert history(desk, "n2")[: len(before)] == before
    after = desk.store.daily_scores.by_station("test")
    assert set(after["station_id"]) == set(new.station_id)
    for name in STATION_SCORES:
        assert after[name].sum() >= scores[name].sum() * 0.999
    bounds = desk.store.paired_scores.bounds("test", 5, 0.05)
    assert set(bounds["station_id"]) == set(new.station_id)
    status = desk.store.observations.status("test")
    assert status is not None
    assert status.station_id.tolist() == sorted(new.station_id)
    for at in desk.store.issued_forecasts.issue_times("test"):
        blob = desk.store.issued_forecasts.get("test", at)
        assert blob is not None
        assert Frame.from_bytes(blob).stations.station_id.tolist() == new.station_id.tolist()
    found = desk.store.frames.newest("test")
    assert found is not None
    assert station_index(Frame.from_bytes(found[1]), "s4") == 4, "a link of before finds the station"
    learn(desk, coming, new, 5)
    recovered, state = recover(desk.store, "test"), state_of(desk.store)
    assert recovered is not None
    assert recovered.forecaster.components["long"].events[..., 2].sum() > 0
    without_the_newest_checkpoint(desk)
    assert state_of(desk.store) == state, "from the checkpoint before, through the log"


@pytest.mark.both
def test_an_id_given_to_another_station_leaves_the_old_history_behind(
    desk: Desk, coming: Iterator[Snapshot]
) -> None:
    learn(desk, coming, city(), 45)
    assert len(history(desk, "s5")) > 3
    old = city()
    other = replace(old, name=np.array([*NAMES[:5], "Airport"]), lat=np.array([*old.lat[:5], 53.2]))
    learn(desk, coming, other, 1)
    assert findings(desk)["reused_id"] == (1, "s5: Court, Airport")
    assert len(history(desk, "s5")) == 1
    assert len(history(desk, "s4")) > 3
    assert "s5" not in set(desk.store.daily_scores.by_station("test")["station_id"])
    oldest = desk.store.issued_forecasts.get("test", desk.store.issued_forecasts.issue_times("test")[0])
    assert oldest is not None
    assert "s5" not in Frame.from_bytes(oldest).stations.station_id
    learn(desk, coming, other, 5)
    recovered = recover(desk.store, "test")
    assert recovered is not None
    assert recovered.forecaster.components["long"].hours[..., 5].sum() < 0.2


@pytest.mark.both
def test_two_stations_swap_their_ids_and_their_histories(desk: Desk, coming: Iterator[Snapshot]) -> None:
    learn(desk, coming, city(), 30)
    mine, other = history(desk, "s0"), history(desk, "s1")
    swapped = city("s1", "s0", "s2", "s3", "s4", "s5")
    learn(desk, coming, swapped, 1)
    assert history(desk, "s1")[: len(mine)] == mine
    assert history(desk, "s0")[: len(other)] == other


def test_a_worker_that_was_away_while_the_ids_changed_knows_the_stations(
    desk: Desk, coming: Iterator[Snapshot]
) -> None:
    learn(desk, coming, city(), 30)
    before = history(desk, "s3")
    learn(desk, coming, city(*(f"n{row}" for row in range(6))), 2)  # by another worker, from the store
    assert desk.feed.known is not None
    assert history(desk, "n3")[: len(before)] == before
