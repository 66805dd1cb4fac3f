"""What a count is, from the document through the log and the forecaster to the frame."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ingest.gbfs.documents import parse
from ingest.gbfs.findings import Findings
from ingest.gbfs.stations import DescribedStations, counts, describe
from ingest.gbfs.vehicles import VehicleTypes, vehicle_types
from ingest.worker.recovery import recover
from model import Snapshot
from model.frame import Frame
from model.records import CountState
from tests.support.gbfs_world import Json, holding, information, place, status
from tests.support.store_world import MINUTE, NOON
from tests.support.tick_world import Desk, fresh, state_of

TWO = information(place("2"), place("29", capacity=15))


def described(places: Json) -> DescribedStations:
    return describe(places, "test", "FR", "Europe/Paris", Findings(), 2026)


def replay(
    desk: Desk, known: DescribedStations, documents: Sequence[Json], types: VehicleTypes
) -> list[Frame]:
    """Let a worker read documents a minute apart, and give the frame after each."""
    ticker, frames = desk.worker(), []
    for minute, document in enumerate(documents):
        findings = Findings()
        read = counts(document, known, types, findings)
        seen = Snapshot(
            NOON + minute * MINUTE, known.stations.station_id, read.bikes, read.docks, read.ebikes,
            read.renting, read.returning, read.cargo, read.state,
        )  # fmt: skip
        desk.tick(ticker, fresh(seen, known.stations, findings=findings.all()))
        found = desk.store.frames.newest("test")
        assert found is not None
        frames.append(Frame.from_bytes(found[1]))
    return frames


@pytest.mark.both
def test_in_a_blackout_the_last_count_stands_with_its_age_and_wider_odds_until_the_count_is_back(
    desk: Desk,
) -> None:
    """Boulder's stations show neither a bike nor a dock for 70 s in the middle, then the old count again."""
    shown = [(2, 13)] * 60 + [(0, 0)] * 12 + [(2, 13)]
    documents = [status(holding("2", 7, 13), holding("29", *each)) for each in shown]
    frames = replay(desk, described(TWO), documents, VehicleTypes())
    before, dark, after = frames[59], frames[71], frames[72]
    assert (dark.bikes.tolist(), dark.docks.tolist()) == ([7, -1], [13, -1])
    assert dark.state.tolist() == [CountState.KNOWN, CountState.CONTRADICTED]
    assert (dark.last_bikes.tolist(), dark.last_docks.tolist()) == ([-1, 2], [-1, 13])
    assert dark.last_at.tolist() == [-1, int(before.at.timestamp())]
    assert dark.at - before.at == 12 * MINUTE
    chance = [[int(frame.bike.chance[1, near, 1]) for near in (0, 3)] for frame in (before, dark, after)]
    assert chance[0][0] == chance[2][0] == 100
    assert chance[1][0] < 100, "two bikes are no longer certain, even now"
    assert chance[1][1] <= chance[0][1]
    assert (after.state == CountState.KNOWN).all()
    assert after.last_at.tolist() == [-1, -1]

    log = desk.store.observations.changes("test")
    there = log[log["station_id"] == "29"]
    assert there["state"].tolist() == [CountState.KNOWN, CountState.CONTRADICTED, CountState.KNOWN]
    findings = desk.store.observations.polls("test", NOON, NOON + 75 * MINUTE)["findings"].tolist()
    assert findings[70] == '[{"kind": "contradicted", "count": 1, "example": "29"}]'
    recovered = recover(desk.store, "test")
    assert recovered is not None
    long = recovered.forecaster.components["long"]
    assert long.events.sum() == pytest.approx(0, abs=0.05), "no rider is learnt that was not hidden"
    exposure = (long.hours.sum(axis=(0, 1)) * 60).round().tolist()
    assert exposure == [[72, 59], [72, 59]], "arrivals and departures, in minutes: none in the dark"
    assert state_of(desk.store) == recovered.forecaster.to_bytes()


def test_the_zeros_of_a_closed_station_are_neither_learnt_nor_a_truth(desk: Desk) -> None:
    shut = {"is_renting": False, "is_returning": False}
    documents = [status(holding("2", 7, 13), holding("29", 6, 9)) for _ in range(30)]
    documents += [status(holding("2", 7, 13), holding("29", 0, 0, **shut)) for _ in range(40)]
    frames = replay(desk, described(TWO), documents, VehicleTypes())
    assert frames[-1].state.tolist() == [CountState.KNOWN, CountState.CLOSED]
    assert (int(frames[-1].bikes[1]), int(frames[-1].last_at[1])) == (0, -1)
    sums = desk.store.scores.totals("test", 3600)
    late = sums[sums["minutes"] == 45]
    assert set(late["model"]) >= {"naive", "pool"}
    assert (late["n"] == late["expired"]).all(), "each judges the open station alone"
    recovered = recover(desk.store, "test")
    assert recovered is not None
    assert recovered.forecaster.components["long"].events.sum() == pytest.approx(0, abs=0.05)


def test_a_station_that_stopped_reporting_is_old_and_keeps_its_last_count_for_a_day(desk: Desk) -> None:
    ticker, known = desk.worker(), described(TWO)
    ids = known.stations.station_id
    for hours in (0, 1, 25):
        old = hours > 0
        seen = Snapshot(
            NOON + timedelta(hours=hours), ids, np.array([7, -1 if old else 6]),
            np.array([13, -1 if old else 9]), state=np.array([0, int(CountState.OLD) if old else 0]),
        )  # fmt: skip
        desk.tick(ticker, fresh(seen, known.stations), after=timedelta(hours=1))
        found = desk.store.frames.newest("test")
        assert found is not None
        frame = Frame.from_bytes(found[1])
        assert (frame.bike.chance[0, :, 1] <= 100).all() == (hours <= 24)
    assert frame.state.tolist() == [CountState.KNOWN, CountState.OLD]
    assert (int(frame.last_bikes[1]), int(frame.last_at[1])) == (6, int(NOON.timestamp()))


# ---------------------------------------------------------------- incidents


def incident(desk: Desk, shared: Path, name: str) -> Frame:
    """Read an incident's documents to the end."""
    folder = shared / "gbfs" / "incidents" / name
    read: dict[str, Any] = {file.stem: json.loads(file.read_bytes()) for file in folder.glob("*.json")}
    ids = [each["station_id"] for each in read["station_status"]["data"]["stations"]]
    places = read.get("station_information", information(*(place(key, capacity=20) for key in ids)))
    types = VehicleTypes()
    if "vehicle_types" in read:
        document = parse(json.dumps(read["vehicle_types"]).encode(), "vehicle_types", Findings())
        types = vehicle_types(document, Findings())
    return replay(desk, described(places), [read["station_status"]], types)[-1]


@pytest.mark.parametrize(
    ("name", "bikes", "docks", "cargo", "state"),
    [
        ("unknown-vehicle-type", [8, 7], [12, 13], [0, 0], [0, 0]),
        ("form-factor-missing", [6, 4], [9, 9], [0, 0], [0, 0]),
        ("types-away-at-restart", [1, 1], [13, 13], [0, 0], [0, 0]),
        ("docks-by-type", [10, 4], [0, 6], [0, 0], [0, 0]),
        ("cargo-bikes-only", [0, 5], [9, 15], [3, -1], [0, 0]),
        ("open-but-zero-zero", [7, -1], [13, -1], [-1, -1], [0, int(CountState.CONTRADICTED)]),
    ],
)
def test_an_incident_has_the_right_counts_in_the_frame(
    desk: Desk,
    shared: Path,
    name: str,
    bikes: list[int],
    docks: list[int],
    cargo: list[int],
    state: list[int],
) -> None:
    frame = incident(desk, shared, name)
    assert frame.bikes.tolist() == bikes
    assert frame.docks.tolist() == docks
    assert frame.cargo.tolist() == cargo
    assert frame.state.tolist() == state
    some = np.array(bikes) > 0
    assert (frame.bike.chance[0, 0] == np.where(np.array(bikes) < 0, 255, 100 * some)).all()
