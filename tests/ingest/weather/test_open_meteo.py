"""The weather as Open-Meteo tells it, over HTTP: a help that may fail in any way and stops nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

import tests.support.misbehaving as server_that
from ingest.http.client import Fetcher
from ingest.weather.open_meteo import EVERY, WeatherError, WeatherFeed, address, read
from model import Stations
from model.records import WEATHER
from tests.support.misbehaving import Misbehaving
from tests.support.model_world import stations
from tests.support.processes import wait_for

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def answer(hours: int = 3, **columns: Any) -> bytes:
    """Write a document as the server does."""
    hourly: dict[str, Any] = {
        "time": [int(NOON.timestamp()) + 3600 * hour for hour in range(hours)],
        "temperature_2m": [10.0 + hour for hour in range(hours)],
        "relative_humidity_2m": [80] * hours,
        "surface_pressure": [1009.5] * hours,
        "wind_speed_10m": [4.2] * hours,
        "cloud_cover": [75] * hours,
        "precipitation": [0.3] * hours,
    }
    return json.dumps({"latitude": 53.0, "hourly": hourly | columns}).encode()


@dataclass
class Server:
    """A weather server that says what the test wrote down."""

    body: bytes = field(default_factory=answer)
    status: int = 200
    asked: list[str] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def server() -> Iterator[Server]:
    says = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            says.asked.append(self.path)
            self.send_response(says.status)
            self.end_headers()
            self.wfile.write(says.body)

        def log_message(self, *_: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    says.url = f"http://127.0.0.1:{http.server_address[1]}/v1/forecast"
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    yield says
    http.shutdown()
    http.server_close()


class Clock:
    """A clock that the test moves."""

    now = NOON

    def __call__(self) -> datetime:
        return self.now


def test_a_day_of_hours_is_read_in_its_units(server: Server) -> None:
    fetcher = Fetcher()
    weather = WeatherFeed("test", server.url, fetcher, Clock()).poll(stations())
    fetcher.close()
    assert weather is not None
    assert weather.at(NOON + timedelta(minutes=30)).tolist() == [10.5, 80, 1009.5, 4.2, 75, 0.3]
    asked = parse_qs(urlsplit(server.asked[0]).query)
    assert (asked["latitude"], asked["longitude"]) == (["53.0"], ["-6.25"])
    assert asked["wind_speed_unit"] == ["ms"]
    assert asked["timeformat"] == ["unixtime"]
    assert len(asked["hourly"][0].split(",")) == len(WEATHER)


def test_the_service_is_asked_once_an_hour(server: Server) -> None:
    clock, fetcher = Clock(), Fetcher()
    feed = WeatherFeed("test", server.url, fetcher, clock)
    answered = []
    for minute in range(0, 125, 5):
        clock.now = NOON + timedelta(minutes=minute)
        answered.append(feed.poll(stations()) is not None)
    fetcher.close()
    assert sum(answered) == len(server.asked) == 1 + timedelta(minutes=120) // EVERY


def test_a_failure_is_tried_again_less_and_less_often(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    clock, fetcher = Clock(), Fetcher()
    server.status = 503
    feed = WeatherFeed("test", server.url, fetcher, clock)
    caplog.set_level("INFO")
    for minute in range(240):
        clock.now = NOON + timedelta(minutes=minute)
        assert feed.poll(stations()) is None
    assert 4 <= len(server.asked) <= 8
    assert len([r for r in caplog.records if "no weather" in r.message]) == 1
    server.status = 200
    clock.now = NOON + timedelta(hours=6)
    assert feed.poll(stations()) is not None
    fetcher.close()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not JSON"),
        (b"<html>", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[1]", "no hours"),
        (b'{"error": true, "reason": "Latitude must be in range"}', "Latitude must be in range"),
        (b'{"hourly": {"temperature_2m": [1]}}', "cannot be read"),
        (answer(temperature_2m=[1.0]), "1 values for 3 hours"),
        (answer(time=["2026-03-02T12:00"] * 3), "cannot be read"),
        (answer(time=[3, 2, 1]), "do not rise"),
        (answer(0), "at least one"),
    ],
)
def test_an_answer_that_is_no_weather_is_refused(body: bytes, words: str) -> None:
    with pytest.raises(WeatherError, match=words):
        read(body)


def test_an_unknown_value_is_not_a_number() -> None:
    weather = read(answer(precipitation=[None, 0.5, None], cloud_cover=None))
    assert np.isnan(weather.values[:, WEATHER.index("clouds")]).all()
    rain = [weather.at(NOON + timedelta(minutes=minutes))[WEATHER.index("rain")] for minutes in (30, 90)]
    assert rain[0] == 0.5
    assert np.isnan(rain[1])


def test_rain_is_that_of_the_hour_it_fell_in() -> None:
    """The service stamps the sum of an hour with the hour's end, and all else with its moment."""
    weather = read(answer(4, precipitation=[0.0, 0.0, 2.4, 0.0], temperature_2m=[10.0, 12.0, 14.0, 16.0]))
    moments = [NOON + timedelta(minutes=minute) for minute in (0, 59, 60, 90, 119, 120, 150, 400)]
    rain = [weather.at(moment)[WEATHER.index("rain")] for moment in moments]
    assert rain[:7] == [0, 0, 2.4, 2.4, 2.4, 0, 0]
    assert np.isnan(rain[7]), "six hours on nothing is known"
    warm = [weather.at(moment)[WEATHER.index("temperature")] for moment in moments]
    assert np.allclose(warm[:7], [10, 11.967, 12, 13, 13.967, 14, 15], atol=0.001)


def test_a_single_hour_is_read_as_it_is() -> None:
    weather = read(answer(1))
    assert weather.at(NOON).tolist() == [10, 80, 1009.5, 4.2, 75, 0.3]


def test_a_city_without_positions_has_no_weather_address() -> None:
    placed = stations(3)
    nowhere = Stations(**{**placed.__dict__, "lat": np.zeros(3), "lon": np.zeros(3)})
    assert address("http://x", nowhere) is None
    assert address("http://x?key=1", placed) is not None
    assert "?key=1&latitude=53.0&" in str(address("http://x?key=1", placed))


@pytest.mark.live
def test_the_real_server_answers() -> None:
    fetcher = Fetcher()
    feed = WeatherFeed("test", "https://api.open-meteo.com/v1/forecast", fetcher, lambda: datetime.now(UTC))
    weather = feed.poll(stations())
    fetcher.close()
    assert weather is not None
    known = weather.at(datetime.now(UTC) + timedelta(hours=24))
    assert np.isfinite(known).all()


def test_a_server_that_hangs_keeps_few_ticks_waiting() -> None:
    """All systems have the same one. It would take all threads, and every system would be late."""
    turn = threading.BoundedSemaphore(2)
    with Misbehaving() as server:
        server.at("/forecast", server_that.silent(60))
        fetcher = Fetcher(seconds=60)
        feeds = [WeatherFeed(f"city-{n}", server.url("/forecast"), fetcher, Clock(), turn) for n in range(20)]
        waiting = [threading.Thread(target=feed.poll, args=[stations()], daemon=True) for feed in feeds[:2]]
        for thread in waiting:
            thread.start()
        wait_for(lambda: server.connections == 2)
        given = [feed.poll(stations()) for feed in feeds[2:]]
        assert given == [None] * 18
        assert server.connections == 2
        server.at("/forecast", server_that.body(answer()))
        server.gone.set()
        for thread in waiting:
            thread.join(60)
        assert feeds[5].poll(stations()) is not None, "it was only put off"
