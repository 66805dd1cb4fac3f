"""A system as GBFS 3.0, with its forecast beside it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from ingest.gbfs import forecast_check, forecast_writer, licence
from model.frame_builder import make_frame
from model.moments import frame_at
from tests.support.api_world import client, eventful
from tests.support.dashboard_world import BOULDER, DUBLIN, NASTY, NOON, World, dark, frame, with_kinds
from tests.support.model_world import riders, taught

TERMS = {
    "license_url": "https://example.org/terms", "attribution_organization_name": "The city",
}  # fmt: skip


def get(address: str, status: int = 200) -> Any:
    response = client().get(address)
    assert response.status_code == status, response.text
    return response.json()


def fetch(address: str) -> bytes:
    """Fetch one of our documents by the address that the discovery document gives."""
    assert address.startswith("http://testserver/")
    return client().get(address.removeprefix("http://testserver")).content


def test_the_discovery_document_leads_to_all_others(world: World, shared: Path) -> None:
    ebikes = np.where(np.arange(12) == 4, 2, -1).astype(np.int16)
    bikes = np.maximum(frame().bikes, ebikes)
    terms = {licence.REMEMBERED: licence.to_json(TERMS)}
    world.commit(frame(ebikes=ebikes, bikes=bikes), documents=terms)
    found = get("/gbfs/dublin/gbfs.json")
    urls = {each["name"]: each["url"] for each in found["data"]["feeds"]}
    assert [*urls] == [
        "system_information", "station_information", "station_status", "vehicle_types", "station_forecast",
    ]  # fmt: skip
    for name, url in urls.items():
        document = json.loads(fetch(url))
        if name == forecast_writer.NAME:
            jsonschema.validate(document, forecast_writer.SCHEMA)
            continue
        schema = json.loads((shared / "gbfs" / "schemas" / "v3.0" / f"{name}.json").read_text())
        jsonschema.Draft7Validator(schema).validate(document)
    about = json.loads(fetch(urls["system_information"]))["data"]
    assert about["license_url"] == "https://example.org/terms"
    assert about["attribution_organization_name"] == [{"text": "The city", "language": "en"}]
    status = json.loads(fetch(urls["station_status"]))["data"]["stations"]
    assert {row["station_id"] for row in status} == {f"s{row}" for row in range(12) if row != 2}
    assert status[3]["vehicle_types_available"][1] == {"vehicle_type_id": "ebike", "count": 2}


def test_a_forecast_says_what_the_frame_says(world: World) -> None:
    made = frame()
    world.commit(made)
    data = get("/gbfs/dublin/station_forecast.json")["data"]
    assert (data["issued_at"], data["skill"]) == ("2026-03-02T12:00:00Z", [])
    assert "s2" not in {station["station_id"] for station in data["stations"]}, "nothing is known of it"
    station = data["stations"][3]
    assert station["station_id"] == "s4"
    then = frame_at(made, forecast_writer.MINUTES)
    for step, minutes in enumerate(forecast_writer.MINUTES):
        each = station["forecasts"][step]
        at = (NOON + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
        assert (each["minutes_ahead"], each["forecast_time"]) == (minutes, at)
        for name, side in (("vehicles", then.bike), ("docks", then.space)):
            assert each[name]["expected"] == side.median[step, 4]
            assert (each[name]["low"], each[name]["high"]) == (side.low[step, 4], side.high[step, 4])
            assert each[name]["chance"] == side.chance[:, step, 4].tolist()


def test_docks_that_a_feed_does_not_tell_are_left_out(world: World) -> None:
    made = frame()
    made.space.median[:] = -1
    made.space.chance[:] = 255
    world.commit(made)
    stations = get("/gbfs/dublin/station_forecast.json")["data"]["stations"]
    assert len(stations) == 11
    assert all({"vehicles"} == each.keys() & {"vehicles", "docks"} for each in stations[0]["forecasts"])


def test_skill_so_far_and_what_is_not_live_are_said(world: World) -> None:
    eventful(world)
    eventful(world, "boulder")
    (skill, later) = get("/gbfs/dublin/station_forecast.json")["data"]["skill"]
    assert (skill["minutes_ahead"], later["minutes_ahead"]) == (30, 60)
    assert skill["forecasts"] == 30
    assert skill["mean_absolute_error"] == skill["mean_absolute_error_of_no_change"] == 1.2
    assert get("/gbfs/boulder/station_forecast.json")["data"]["label"] == BOULDER.label
    assert get("/gbfs/boulder/system_information.json")["data"]["name"][0]["text"] == "BCycle (replayed)"


def test_what_is_made_up_is_free(world: World) -> None:
    world.store.systems.follow([replace(DUBLIN, url="simulated:dublin", label="simulated")])
    world.commit(frame())
    assert get("/gbfs/dublin/system_information.json")["data"]["license_id"] == "CC0-1.0"


def test_a_count_that_is_not_known_is_left_out(world: World) -> None:
    world.commit(dark(frame()))
    status = get("/gbfs/dublin/station_status.json")["data"]["stations"]
    assert "s2" not in {row["station_id"] for row in status}
    names = get("/gbfs/dublin/station_information.json")["data"]["stations"]
    assert names[0]["name"][0]["text"] == NASTY, "a name stays as it is: JSON is not HTML"


@pytest.mark.parametrize(
    ("address", "status"),
    [("/gbfs/atlantis/gbfs.json", 404), ("/gbfs/boulder/gbfs.json", 503), ("/gbfs/dublin/prices.json", 400),
     ("/gbfs/dublin/vehicle_types.json", 404), ("/gbfs/", 404), ("/gbfs/dublin", 404)],
)  # fmt: skip
def test_what_is_not_there_is_refused_with_a_hint(world: World, address: str, status: int) -> None:
    world.commit(frame())
    assert get(address, status)["try"]


def test_types_of_vehicles_have_a_forecast_where_the_feed_tells_them(world: World) -> None:
    made = with_kinds(frame())
    world.commit(made)
    then = frame_at(made, forecast_writer.MINUTES)
    assert then.ebike is not None
    assert then.plain_bike is not None
    document = get("/gbfs/dublin/station_forecast.json")
    jsonschema.validate(document, forecast_writer.SCHEMA)
    station = document["data"]["stations"][3]
    for step, each in enumerate(station["forecasts"]):
        plain, electric = each["vehicle_types"]
        assert [plain["vehicle_type_id"], electric["vehicle_type_id"]] == ["bike", "ebike"]
        assert electric["chance"] == then.ebike.chance[:, step, 4].tolist()
        assert plain["expected"] == then.plain_bike.median[step, 4]


@pytest.mark.parametrize("kinds", [False, True])
def test_the_check_finds_nothing_wrong_with_our_own_feed(world: World, kinds: bool) -> None:
    """The made-up frames of other tests contradict themselves, a forecaster's does not."""
    forecaster = taught()
    if kinds:
        for seen in riders(400):
            forecaster.learn(replace(seen, ebikes=seen.bikes // 3))
    made = make_frame(forecaster)
    assert (made.ebike is not None) == kinds
    made = replace(made, at=world.now, stations=replace(made.stations, system_id="dublin"))
    world.commit(made, documents={licence.REMEMBERED: licence.to_json(TERMS)})
    assert forecast_check.check("http://testserver/gbfs/dublin/gbfs.json", fetch, world.now) == []
