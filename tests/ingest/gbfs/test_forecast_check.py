"""The check of a feed with forecasts: it finds each planted fault, and says it in words."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

import pytest

from ingest.gbfs import forecast_writer, writer
from ingest.gbfs.forecast_check import check
from ingest.http.errors import NotFound
from model import Snapshot
from model.frame import Frame
from model.frame_builder import make_frame
from tests.support.model_world import riders, taught

ROOT = "https://feed.example/"

Documents = dict[str, Any]
Plant = Callable[[Documents], Any]


NAMES = "system_information", "station_information", "station_status", "vehicle_types", "station_forecast"


@cache
def made() -> tuple[Snapshot, Frame]:
    forecaster = taught()
    for seen in riders(360):
        last = replace(seen, ebikes=seen.bikes // 3)
        forecaster.learn(last)
    return last, make_frame(forecaster)


def documents() -> Documents:
    """Write a feed without faults, by the names of its documents."""
    last, frame = made()
    about = ("3.0", frame.at, 60)
    terms = {"license_id": "CC0-1.0"}
    return {
        "gbfs": writer.discovery(*about, {name: f"{ROOT}{name}.json" for name in NAMES}),
        "system_information": writer.system_information(*about, frame.stations, "Test", "", terms),
        "station_information": writer.station_information(*about, frame.stations),
        "station_status": writer.station_status("3.0", 60, last),
        "station_forecast": forecast_writer.station_forecast(frame, 60),
        "vehicle_types": writer.vehicle_types(*about),
    }  # fmt: skip


def checked(feed: Documents, minutes_later: float = 1) -> list[str]:
    def fetch(address: str) -> bytes:
        name = address.removeprefix(ROOT).removesuffix(".json")
        if name not in feed:
            raise NotFound(host="feed.example", status=404)
        body = feed[name]
        return body if isinstance(body, bytes) else json.dumps(body).encode()

    return check(f"{ROOT}gbfs.json", fetch, made()[1].at + timedelta(minutes=minutes_later))


def forecast(feed: Documents, station: int = 0, step: int = 0) -> Any:
    return stations(feed)[station]["forecasts"][step]


def stations(feed: Documents) -> Any:
    return feed["station_forecast"]["data"]["stations"]


def test_a_feed_without_faults_passes() -> None:
    assert checked(documents()) == []


PLANTED: dict[str, Plant] = {
    "gbfs is no JSON": lambda feed: feed.update(gbfs=b"<html>"),
    "gbfs does not list station_forecast": lambda feed: feed["gbfs"]["data"]["feeds"].pop(),
    "station_forecast cannot be fetched": lambda feed: feed.pop("station_forecast"),
    "system_information states no licence": lambda feed: feed["system_information"]["data"].pop("license_id"),
    "breaks the schema at data.stations.*.forecasts.*.vehicles.low (minimum)": lambda feed: forecast(feed)[
        "vehicles"
    ].update(low=-1),
    "breaks the schema at data.stations.* (required)": lambda feed: stations(feed)[0].pop("station_id"),
    "breaks the schema at version (const)": lambda feed: feed["station_forecast"].update(version="2.3"),
    "issued_at is no time with its zone": lambda feed: feed["station_forecast"]["data"].update(
        issued_at="2026-03-02T12:00:00"
    ),
    "a station is there twice": lambda feed: stations(feed).append(stations(feed)[0]),
    "a station is not in station_information": lambda feed: stations(feed)[0].update(station_id="x"),
    "minutes_ahead do not rise": lambda feed: stations(feed)[0]["forecasts"].reverse(),
    "forecast_time is not minutes_ahead after issued_at": lambda feed: forecast(feed).update(
        forecast_time="2030-01-01T00:00:00Z"
    ),
    "vehicles: expected does not lie from low to high": lambda feed: forecast(feed)["vehicles"].update(
        expected=0, low=1
    ),
    "docks: more are likelier than fewer": lambda feed: forecast(feed)["docks"].update(
        chance=[90, 95, 90, 90]
    ),
    "docks: high is more than the station's capacity": lambda feed: forecast(feed)["docks"].update(high=13),
    "vehicles: chance contradicts expected and the interval": lambda feed: forecast(feed)["vehicles"].update(
        chance=[20, 20, 20, 20], expected=5
    ),
    "vehicle_types: a type is not in vehicle_types.json": lambda feed: forecast(feed)["vehicle_types"][
        0
    ].update(vehicle_type_id="tandem"),
    "vehicle_types: a type is there twice": lambda feed: forecast(feed)["vehicle_types"].append(
        forecast(feed)["vehicle_types"][1]
    ),
    "vehicle_types: more of one type are expected, or likelier, than of all": lambda feed: forecast(feed)[
        "vehicles"
    ].update(expected=0, low=0, high=0, chance=[0, 0, 0, 0]),
    "docks: there is a chance at a station that is closed then": lambda feed: forecast(feed).update(
        is_closed=True
    ),
}


@pytest.mark.parametrize(("words", "plant"), PLANTED.items(), ids=PLANTED)
def test_a_planted_fault_is_found(words: str, plant: Plant) -> None:
    feed = documents()
    plant(feed)
    assert any(words in sentence for sentence in checked(feed)), checked(feed)


@pytest.mark.parametrize(
    ("minutes_later", "words"), [(-10, "in the future"), (17, "older than its ttl allows")]
)
def test_a_forecast_of_another_time_is_found(minutes_later: float, words: str) -> None:
    (sentence,) = checked(documents(), minutes_later)
    assert words in sentence
    replayed = documents()
    replayed["station_forecast"]["data"]["label"] = "replayed"
    assert checked(replayed, minutes_later) == []


def test_equal_faults_are_one_sentence_with_their_number() -> None:
    feed = documents()
    for row in range(6):
        forecast(feed, row)["docks"].update(high=40)
    assert checked(feed) == ["docks: high is more than the station's capacity (6 times): s0, s1, s2"]


def test_more_may_stand_at_a_station_than_its_description_says() -> None:
    feed = documents()
    forecast(feed)["docks"].update(high=13)
    (row,) = (row for row in feed["station_status"]["data"]["stations"] if row["station_id"] == "s0")
    row["num_vehicles_available"], row["num_docks_available"] = 7, 6
    assert checked(feed) == []
