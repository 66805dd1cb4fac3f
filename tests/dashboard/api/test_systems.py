"""The API's answers about systems, stations and forecasts."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from dashboard import store_reader
from ingest.gbfs.vehicles import VehicleTypes
from ingest.store import SystemState
from model.frame import MINUTES
from model.moments import frame_at
from tests.support.api_world import client
from tests.support.dashboard_world import DUBLIN, NASTY, NOON, World, dark, frame, with_kinds


def get(address: str, status: int = 200) -> Any:
    response = client().get(address)
    assert response.status_code == status, response.text
    return response.json()


@pytest.mark.both
def test_every_system_is_listed_with_its_state(world: World) -> None:
    world.commit(frame())
    world.fail("boulder", "unreachable", "no answer")
    world.now += timedelta(minutes=3, seconds=30)
    dublin, boulder = get("/api/systems")["systems"]
    assert (dublin["system_id"], dublin["label"], dublin["state"]) == ("dublin", None, "live")
    assert (dublin["counts_at"], dublin["age_minutes"]) == ("2026-03-02T12:00:00Z", 3)
    assert dublin["learning_since"] == "2026-03-02T11:46:00Z"
    assert (boulder["label"], boulder["state"], boulder["text"]) == ("replayed", "unreachable", "no answer")
    assert (boulder["kind"], boulder["arguments"]) == ("sentence", {"text": "no answer"})
    assert (dublin["text"], dublin["kind"], dublin["arguments"]) == ("", None, {})
    assert (boulder["counts_at"], boulder["age_minutes"], boulder["failures"]) == (None, None, 3)
    assert get("/api/systems/boulder") == boulder
    assert len(get(dublin["stations"])["stations"]) == 12
    assert len(get(dublin["forecast"])["stations"]) == 12


def test_a_system_whose_bikes_must_come_back_is_marked(world: World) -> None:
    types = VehicleTypes({"b": "plain", "car": "other"}, frozenset("b"))
    world.commit(frame(), documents={"vehicle_types": types.to_json()})
    dublin, boulder = get("/api/systems")["systems"]
    assert (dublin["round_trip"], boulder["round_trip"]) == (True, False)


def test_a_station_is_found_by_the_id_that_it_had_before(world: World) -> None:
    world.commit(frame(renamed={"old": "s3"}))
    assert get("/api/systems/dublin/stations/old/forecast")["station"]["station_id"] == "s3"
    get("/api/systems/dublin/stations/older/forecast", 404)


def test_a_replay_ages_by_its_own_clock(world: World) -> None:
    world.store.systems.follow([replace(DUBLIN, label="simulated", speed=60.0)])
    world.commit(frame())
    world.now += timedelta(seconds=10)
    found = get("/api/systems/dublin")
    assert (found["label"], found["speed"], found["age_minutes"]) == ("simulated", 60, 10)
    for address in ("/stations", "/forecast", "/stations/s0/forecast"):
        assert get(f"/api/systems/dublin{address}")["label"] == "simulated"
    # The time asked for is the replay's as well: ten minutes have gone by there.
    assert get("/api/systems/dublin/forecast?at=2026-03-02T12:20:00Z")["minutes"] == 20
    assert get("/api/systems/dublin/forecast?minutes=10")["minutes"] == 20


def test_counts_of_a_live_feed_are_as_old_as_the_wall_clock_says(world: World) -> None:
    """A feed whose clock is five hours behind was "0 s old" as long as it answered."""
    world.commit(frame(), received_at=world.now + timedelta(hours=5))
    world.now += timedelta(hours=5)
    assert get("/api/systems/dublin")["age_minutes"] == 300


@pytest.mark.both
def test_stations_are_listed_with_their_counts(world: World) -> None:
    made = frame()
    world.commit(made)
    found = get("/api/systems/dublin/stations")
    assert (found["timezone"], found["version"]) == ("Europe/Dublin", 1)
    first, closed, unknown, *_ = found["stations"]
    assert first["name"] == NASTY
    assert first["now"] == {
        "bikes": int(made.bikes[0]), "docks": int(made.docks[0]), "ebikes": None, "cargo": None,
        "state": "known", "last_known": None, "overflow": False, "renting": True, "returning": True,
    }  # fmt: skip
    assert (closed["now"]["renting"], closed["now"]["state"]) == (False, "closed")
    assert [unknown["now"][name] for name in ("bikes", "docks", "state")] == [None, None, "missing"]


def test_a_count_that_is_not_known_is_null_beside_the_last_known_one(world: World) -> None:
    world.commit(dark(frame()))
    now = get("/api/systems/dublin/stations")["stations"][2]["now"]
    assert [now[name] for name in ("bikes", "docks", "state")] == [None, None, "contradicted"]
    assert now["last_known"] == {"bikes": 3, "docks": 12, "at": "2026-03-02T11:48:00Z"}


def test_cargo_bikes_stand_beside_the_bikes_and_are_none_of_them(world: World) -> None:
    made = frame()
    cargo = np.where(np.arange(12) == 4, 3, -1).astype(np.int16)
    world.commit(replace(made, bikes=np.where(cargo > 0, 0, made.bikes).astype(np.int16), cargo=cargo))
    now = get("/api/systems/dublin/stations")["stations"][4]["now"]
    assert (now["bikes"], now["cargo"]) == (0, 3)


@pytest.mark.parametrize(
    ("query", "horizon"),
    [("", 0), ("?minutes=30", 30), ("?minutes=1440", 1440), ("?at=2026-03-02T12:30:00Z", 30),
     ("?at=2026-03-02T13:30:00%2B01:00", 30), ("?at=2026-03-02T13:30:00+01:00", 30),
     ("?minutes=37", 37), ("?minutes=737", 737)],
)  # fmt: skip
def test_a_forecast_is_the_frame_at_that_minute(world: World, query: str, horizon: int) -> None:
    whole = frame()
    world.commit(whole)
    made, column = frame_at(whole, [horizon]), 0
    found = get(f"/api/systems/dublin/forecast{query}")
    assert found["minutes"] == horizon
    assert found["counts_at"] == "2026-03-02T12:00:00Z"
    at = (NOON + timedelta(minutes=horizon)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert found["target_at"] == at
    for name, side in (("bikes", made.bike), ("docks", made.space)):
        for row, station in enumerate(found["stations"]):
            if row == 2:
                nothing = {"median": None, "low": None, "high": None, "chance": [None] * 4}
                assert station[name] == nothing
                continue
            assert station[name] == {
                "median": side.median[column, row],
                "low": side.low[column, row],
                "high": side.high[column, row],
                "chance": side.chance[:, column, row].tolist(),
            }


def test_a_forecast_tells_the_kinds_of_bikes_apart_up_to_two_hours_ahead(world: World) -> None:
    world.commit(frame())
    (_, other, *_) = get("/api/systems/dublin/forecast?minutes=30")["stations"]
    assert (other["plain_bikes"], other["ebikes"], other["cargo_bikes"]) == (None, None, None)
    world.now += timedelta(minutes=1)
    made = with_kinds(frame(at=world.now))
    assert made.ebike is not None
    assert made.plain_bike is not None
    world.commit(replace(made, cargo_bike=made.plain_bike))
    found = get("/api/systems/dublin/forecast?minutes=30")["stations"]
    column = MINUTES.index(30)
    assert [each["ebikes"]["median"] for each in found if each["ebikes"] is not None] == [
        count for count in made.ebike.median[column].tolist() if count >= 0
    ]
    assert found[3]["plain_bikes"]["chance"] == made.plain_bike.chance[:, column, 3].tolist()
    assert [each["cargo_bikes"] for each in found] == [each["plain_bikes"] for each in found]
    assert found[2]["ebikes"] is None, "nothing is known of it"
    each = get("/api/systems/dublin/stations/s4/forecast")["forecast"]
    assert [row["minutes"] for row in each if row["ebikes"] is not None] == [m for m in MINUTES if m <= 120]


def test_a_day_ahead_is_answered_also_while_counts_grow_old(world: World) -> None:
    made = frame()
    world.commit(made)
    for age, minutes in ((3, 1443), (27, 1467)):
        world.now = NOON + timedelta(minutes=age)
        found = get("/api/systems/dublin/forecast?minutes=1440")
        assert found["minutes"] == minutes
        assert found["target_at"] == (world.now + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        assert found["stations"][4]["bikes"]["median"] == made.bike.median[-1, 4]
    world.now = NOON + timedelta(minutes=31)
    get("/api/systems/dublin/forecast?minutes=1440", 404)


def test_a_station_has_all_horizons_from_now_on(world: World) -> None:
    made = frame()
    world.commit(made)
    world.now += timedelta(minutes=20)
    found = get("/api/systems/dublin/stations/s4/forecast")
    assert found["station"]["station_id"] == "s4"
    assert [horizon["minutes"] for horizon in found["forecast"]] == [m for m in MINUTES if m >= 20]
    assert [horizon["bikes"]["median"] for horizon in found["forecast"]] == made.bike.median[4:, 4].tolist()
    (one,) = get("/api/systems/dublin/stations/s4/forecast?minutes=10")["forecast"]
    assert one == found["forecast"][1]
    whole = get("/api/systems/dublin/forecast?minutes=10")["stations"][4]
    assert {"bikes": whole["bikes"], "docks": whole["docks"]} == {k: one[k] for k in ("bikes", "docks")}


def test_a_station_id_may_hold_anything_that_an_address_can(world: World) -> None:
    made = frame()
    ids = made.stations.station_id.astype("U20").copy()
    ids[3] = "Quai nº 7/b?"
    world.commit(replace(made, stations=replace(made.stations, station_id=ids)))
    found = get("/api/systems/dublin/stations/Quai%20n%C2%BA%207%2Fb%3F/forecast?minutes=5")
    assert found["station"]["name"] == "Station 3"


def test_before_the_first_answer_it_says_when_to_ask_again(world: World) -> None:
    world.fail("boulder", "unreachable", "The feed does not answer.")
    for address in ("stations", "forecast", "stations/s0/forecast"):
        response = client().get(f"/api/systems/boulder/{address}")
        assert response.status_code == 503
        assert response.headers["retry-after"] == "41"
        assert "The feed does not answer." in response.json()["error"]


def test_a_database_that_is_cut_off_is_a_store_that_does_not_answer(world: World) -> None:
    if not world.url.startswith("sqlite"):
        pytest.skip("a file of SQLite")
    world.commit(frame())
    world.store.close()  # which writes the log into the file
    path = world.url.removeprefix("sqlite:///")
    os.truncate(path, 3 * 4096)
    for address in ("", "/dublin/stations", "/dublin/forecast"):
        response = client().get(f"/api/systems{address}")
        assert (response.status_code, response.headers["retry-after"]) == (503, "60"), response.text


@pytest.mark.parametrize(
    "address",
    ["", "/stations", "/forecast", "/stations/s0/forecast", "/drifts", "/outages"],
)
def test_a_system_that_is_not_followed_is_not_there(world: World, address: str) -> None:
    assert "/api/systems" in get(f"/api/systems/atlantis{address}", 404)["try"]


def test_a_station_that_is_not_there_is_not_found(world: World) -> None:
    world.commit(frame())
    assert "/api/systems/dublin/stations" in get("/api/systems/dublin/stations/x/forecast", 404)["try"]
    assert get("/api/systems/dublin/stations/x/forecast", 404)["code"] == "unknown_station"


def test_a_silent_feed_is_forecast_from_later_horizons_and_in_the_end_not_at_all(world: World) -> None:
    world.commit(frame())
    world.now += timedelta(hours=2)
    found = get("/api/systems/dublin/forecast?minutes=60")
    assert (found["minutes"], found["age_minutes"]) == (180, 120)
    assert "reach to 2026-03-03T12:30:00Z" in get("/api/systems/dublin/forecast?minutes=1440", 404)["error"]
    world.now += timedelta(hours=23)
    assert "Nothing is forecast" in get("/api/systems/dublin/stations/s0/forecast", 404)["error"]


def test_a_time_in_the_past_is_not_forecast(world: World) -> None:
    world.commit(frame())
    assert get("/api/systems/dublin/forecast?at=2026-03-02T11:30:00Z", 404)["code"] == "out_of_reach"
    assert "is over" in get("/api/systems/dublin/forecast?at=2026-03-02T11:30:00Z", 404)["error"]


def test_many_requests_read_the_store_once_a_second(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.commit(frame())
    looks: list[int] = []
    states = world.store.systems.states

    def look() -> dict[str, SystemState]:
        looks.append(1)
        return states()

    monkeypatch.setattr(world.store.systems, "states", look)
    for minutes in range(0, 100, 5):
        get(f"/api/systems/dublin/forecast?minutes={minutes}")
    assert len(looks) == 1
    world.now += timedelta(seconds=1)
    get("/api/systems")
    assert len(looks) == 2


def test_a_system_without_stations_has_an_empty_forecast(world: World) -> None:
    world.commit(frame().take(np.arange(0)))
    assert get("/api/systems/dublin/forecast?minutes=30")["stations"] == []
    assert store_reader.reader().overview()["dublin"][1].frame_version == 1
