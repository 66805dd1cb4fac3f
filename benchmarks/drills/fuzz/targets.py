"""The targets of the fuzzer: each takes any bytes and raises nothing.

A target gives the parts of the code that it leads to, its seeds, and a function of bytes. The function raises
where an exception is not one of ours, and where an accepted value breaks its own contract.
"""

from __future__ import annotations

import asyncio
import io
import json
import random
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import numpy as np
import zstandard

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DOCUMENTS = (
    "gbfs", "station_information", "station_status", "system_information", "vehicle_types", "system_hours",
    "system_calendar",
)  # fmt: skip
INTERESTING: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 10**30, -7, 0.5, -0.0, 1e308, 1e-320, float("nan"),
    float("inf"), "",
    "0", "-1", "1e999", "nan", "\0", "\ud800", "\u202e", "<b>x</b>", "🚲" * 9, "a" * 999,
    "2026-03-01T12:00:00.1234567Z",
    "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "٣", [], {}, [[]], [None], [{}], {"": ""},
    "Europe/Paris",
    "24/7", "Mo-Su,PH 22:00-02:00", "sunrise-(sunset+00:30)",
    "easter -2 days off; week 1-53/2 Fr 24:00-48:00",
    "25:00:00", "mon", "BICYCLE", "roundtrip_station",
    "../../etc/passwd", "http://[::1", "//", {"feeds": []}, [{"text": "x", "language": "fr"}],
)  # fmt: skip

Target = Callable[[bytes], object]


# ---------------------------------------------------------------- documents of feeds


class Given:
    """Answers as a fetcher does, with documents given beforehand."""

    def __init__(self, bodies: dict[str, bytes], clock: Callable[[], datetime]) -> None:
        self.bodies, self.clock = bodies, clock

    def get(self, url: str, *, named: str | None = None, validators: Any = None) -> Any:
        """Get the document that is named last in the address."""
        from ingest.http.client import Document
        from ingest.http.errors import NotFound

        body = self.bodies.get(url.rpartition("/")[2].partition(".")[0])
        if body is None:
            raise NotFound(host="bikes.example", status=404)
        return Document(url, body, self.clock(), 0.1)


def good_documents() -> dict[str, bytes]:
    """Describe two stations, right in every way."""

    def wrap(data: Any) -> bytes:
        return json.dumps(
            {"last_updated": int(NOW.timestamp()), "ttl": 60, "version": "2.3", "data": data}
        ).encode()

    feeds = [{"name": name, "url": f"https://bikes.example/{name}.json"} for name in DOCUMENTS]
    return {
        "gbfs": wrap({"en": {"feeds": feeds}}),
        "station_information": wrap({"stations": [
            {"station_id": key, "name": key, "lat": 43.6, "lon": 1.44, "capacity": 20,
             "station_opening_hours": "Apr-Oct 06:00-23:00"} for key in "ab"]}),
        "station_status": wrap({"stations": [
            {"station_id": key, "num_bikes_available": 5, "num_docks_available": 15, "is_installed": True,
             "is_renting": True, "is_returning": True, "last_reported": int(NOW.timestamp()),
             "vehicle_types_available": [
                 {"vehicle_type_id": "e", "count": 2}, {"vehicle_type_id": "k", "count": 3}],
             "vehicle_docks_available": [{"vehicle_type_ids": ["e", "k"], "count": 15}]} for key in "ab"]}),
        "system_information": wrap(
            {"system_id": "x", "timezone": "Europe/Paris", "opening_hours": "Mo-Fr 05:00-00:30; PH off"}),
        "system_hours": wrap({"rental_hours": [
            {"user_types": ["member"], "days": ["mon", "sun"], "start_time": "06:00:00",
             "end_time": "24:30:00"}]}),
        "system_calendar": wrap({"calendars": [
            {"start_month": 3, "start_day": 1, "end_month": 11, "end_day": 30}]}),
        "vehicle_types": wrap({"vehicle_types": [
            {"vehicle_type_id": "e", "form_factor": "bicycle", "propulsion_type": "electric_assist",
             "return_constraint": "any_station"},
            {"vehicle_type_id": "c", "form_factor": "CARGO_BICYCLE", "propulsion_type": "human"},
            {"vehicle_type_id": "k", "form_factor": "scooter", "propulsion_type": "electric"}]}),
    }  # fmt: skip


def document() -> Target:
    """Poll a real `Feed` one of whose documents is the bytes; learn and forecast now and then.

    The first byte chooses which, and whether a poll of good documents went before.
    """
    from ingest.gbfs.feed import Feed, FeedError
    from ingest.gbfs.hours import REMEMBERED, covering
    from ingest.store import findings_json
    from ingest.system import System
    from model.forecaster import Forecaster
    from model.frame_builder import make_frame

    good = good_documents()
    system = System("x", "X", "X", "FR", "https://bikes.example/gbfs.json")
    polls = 0

    def run(data: bytes) -> None:
        nonlocal polls
        which = data[0] if data else 0
        now = NOW
        given = Given(dict(good), lambda: now)
        feed = Feed(system, given, lambda: now)  # type: ignore[arg-type]
        if which & 8:
            feed.poll()
            now += timedelta(days=1)
        given.bodies[DOCUMENTS[(which & 7) % len(DOCUMENTS)]] = data[1:]
        try:
            poll = feed.poll()
        except FeedError as error:
            failure = str(error)
            poll = None
        if poll is None:
            assert 0 < len(failure) < 500, "a failure is told in a line"
            assert failure.isprintable()
            return
        findings_json(poll.findings).encode()
        assert len(poll.stations) < 10**5
        snapshot = poll.snapshot
        if snapshot is None:
            return
        assert snapshot.station_id.tolist() == poll.stations.station_id.tolist()
        assert len(set(snapshot.station_id.tolist())) == len(snapshot)
        assert snapshot.at <= now
        assert snapshot.bikes.min(initial=0) >= -1
        assert snapshot.docks.min(initial=0) >= -1
        assert np.isfinite(poll.stations.lat).all()
        spans = covering(poll.documents.get(REMEMBERED, ""), poll.stations, snapshot.at)
        polls += 1
        if polls % 500 == 0 and len(poll.stations) < 200:
            forecaster = Forecaster(poll.stations)
            forecaster.update_hours(spans)
            forecaster.learn(snapshot)
            make_frame(forecaster).to_bytes()

    return run


def document_seeds(shared: Path) -> Iterator[bytes]:
    """Take the real documents, cut to three stations each, and our own."""
    for path in sorted((shared / "gbfs" / "samples").glob("*.json")):
        kind = next((name for name in DOCUMENTS if f"-{name}" in path.name), None)
        if kind is None:
            continue
        raw = path.read_bytes()
        try:
            document = json.loads(raw)
        except ValueError:
            document = None
        if isinstance(document, dict) and isinstance(document.get("data"), dict):
            stations = document["data"].get("stations")
            if isinstance(stations, list):
                document["data"]["stations"] = stations[:3]
            raw = json.dumps(document, ensure_ascii=False).encode()
        for before in (0, 8):
            yield bytes([DOCUMENTS.index(kind) + before]) + raw[:4000]
    for number, body in enumerate(good_documents().values()):
        yield bytes([number]) + body
        yield bytes([number + 8]) + body


def mutate_json(data: bytes, rng: random.Random) -> bytes | None:
    """Change one place of a document, or take a key from another; None where the bytes are no document."""
    try:
        document = json.loads(data[1:])
    except (ValueError, RecursionError):
        return None
    places: list[tuple[Any, Any]] = []

    def walk(node: Any, depth: int = 0) -> None:
        if depth > 20:
            return
        for key in list(node) if isinstance(node, dict) else range(len(node)):
            places.append((node, key))
            if isinstance(node[key], dict | list):
                walk(node[key], depth + 1)

    if not isinstance(document, dict | list) or not document:
        return None
    walk(document)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        node, key = rng.choice(places)
        what = rng.randrange(8)
        try:
            if what < 4:
                node[key] = rng.choice(INTERESTING)
            elif what == 4 and isinstance(node, dict):
                node.pop(key)
            elif what == 5:
                other, name = rng.choice(places)
                node[key] = json.loads(json.dumps(other[name]))
            elif what == 6 and isinstance(node, dict):
                node[rng.choice(places)[1] if rng.random() < 0.5 else rng.choice(KEYS)] = node.pop(key)
            elif isinstance(node, list):
                node.append(json.loads(json.dumps(node[key])))
        except (KeyError, IndexError, RecursionError):
            continue
    try:
        return data[:1] + json.dumps(document, ensure_ascii=rng.random() < 0.5).encode(
            "utf-8", "surrogatepass"
        )
    except (ValueError, TypeError, RecursionError):
        return None


KEYS = (
    "station_id", "name", "short_name", "lat", "lon", "capacity", "num_bikes_available",
    "num_vehicles_available",
    "num_docks_available", "num_bikes_disabled", "num_ebikes_available", "num_bikes_available_types",
    "vehicle_types_available", "vehicle_docks_available", "is_installed", "is_renting", "is_returning",
    "is_virtual_station", "last_reported", "last_updated", "ttl", "version", "data", "stations", "feeds",
    "url",
    "timezone", "vehicle_type_id", "form_factor", "propulsion_type", "count", "vehicle_type_ids", "text",
    "language",
    "return_constraint", "opening_hours", "station_opening_hours", "rental_hours", "user_types", "days",
    "start_time", "end_time", "calendars", "start_month", "start_day", "start_year", "end_month", "end_day",
    "end_year", "vehicle_types", "region_id",
    "vehicle_type_capacity", "vehicle_capacity", "station_area", "lastUpdatedOther",
)  # fmt: skip


# ---------------------------------------------------------------- recordings

FILES = ("system.json", "stations.csv", "changes.parquet", "polls.parquet", "weather.csv", "told.parquet")


def good_recording(folder: Path) -> dict[str, bytes]:
    """Record two stations for three minutes."""
    import pandas as pd

    from ingest.replay.recording_files import KNOWN_WEATHER
    from model.records import WEATHER

    at = int(NOW.timestamp())
    changes = pd.DataFrame({"at": [at, at, at + 60], "station_id": ["a", "b", "a"], "bikes": [1, 2, 3],
                            "docks": [9, 8, 7], "open": [True, True, False]})  # fmt: skip
    weather = pd.DataFrame({"at": [at], "hour": [at]} | {name: [1.0] for name in WEATHER})
    parquet = {"changes.parquet": changes, "polls.parquet": pd.DataFrame({"at": [at, at + 60, at + 120]}),
               "told.parquet": weather}  # fmt: skip
    files = {
        "system.json": json.dumps({"system_id": "x", "timezone": "Europe/Paris", "name": "X"}).encode(),
        "stations.csv": b"station_id,name,lat,lon,capacity\na,A,43.6,1.44,10\nb,B,43.7,1.45,\n",
        "weather.csv": b"at,temperature,description\n%d,12.5,light rain\n" % at,
    }
    for name, table in parquet.items():
        packed = io.BytesIO()
        table.to_parquet(packed, index=False, compression="none")
        files[name] = packed.getvalue()
    files[KNOWN_WEATHER] = files.pop("told.parquet")
    return files


def recording() -> Target:
    """Read a recording one of whose files is the bytes; the first byte chooses which."""
    from ingest.replay.recording import Recording, RecordingError

    folder = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    good = good_recording(folder)
    names = sorted(good)
    for name, body in good.items():
        (folder / name).write_bytes(body)

    def run(data: bytes) -> None:
        name = names[(data[0] if data else 0) % len(names)]
        (folder / name).write_bytes(data[1:])
        try:
            read = Recording.read(folder)
            for number, snapshot in enumerate(read.snapshots()):
                assert len(snapshot) == len(read.stations)
                if number > 20:
                    break
            list(read.weathers())
        except RecordingError:
            pass
        finally:
            (folder / name).write_bytes(good[name])

    return run


def recording_seeds(shared: Path) -> Iterator[bytes]:
    """Take the files of our own, and the descriptions of the real ones."""
    good = good_recording(Path())
    names = sorted(good)
    for name, body in good.items():
        yield bytes([names.index(name)]) + body
    for path in sorted((shared / "recordings").glob("*/system.json")):
        yield bytes([names.index("system.json")]) + path.read_bytes()
        csv = path.with_name("stations.csv").read_bytes()
        yield bytes([names.index("stations.csv")]) + b"\n".join(csv.split(b"\n")[:4])


# ---------------------------------------------------------------- states


def _learnt() -> bytes:
    from model import Forecaster, Snapshot, Stations

    ids = np.array(["a", "b"])
    known = Stations("x", "Europe/Paris", "FR", ids, ids, np.full(2, 43.6), np.full(2, 1.4), np.full(2, 9))
    forecaster = Forecaster(known)
    for minute in range(30):
        counts = np.array([minute % 5, 3])
        forecaster.learn(Snapshot(NOW + timedelta(minutes=minute), ids, counts, 9 - counts))
    return forecaster.to_bytes()


def state() -> Target:
    """Unpack a forecaster from the bytes: as they are, or packed first as a state of now or of before.

    Packed, so that the checksums are right and what is inside is looked at.
    """
    from model import Forecaster, codec
    from model.checkpoint import StateError

    def run(data: bytes) -> None:
        blob = data[1:]
        if data[:1] == b"z":
            blob = codec.MAGIC + zstandard.compress(blob)
        elif data[:1] == b"o":
            blob = zlib.compress(blob, 1)
        elif data[:1] == b"a":
            blob = swapped(blob)
        with suppress(StateError):
            Forecaster.from_bytes(blob)

    arrays = codec.unpack(_learnt(), 10**9)
    names = sorted(arrays)

    def swapped(data: bytes) -> bytes:
        """Put an array in place of one of a good state."""
        name = names[int.from_bytes(data[:2], "little") % len(names)]
        try:
            packed = codec.unpack(codec.MAGIC + zstandard.compress(data[2:]), 10**9)
        except codec.DamagedError:
            return data
        return codec.pack(arrays | dict.fromkeys([name], *packed.values())) if len(packed) == 1 else data

    return run


def state_seeds(shared: Path) -> Iterator[bytes]:
    """Take a state as it is, unpacked, each of its arrays, and a state of before."""
    from model import codec

    blob = _learnt()
    yield b"r" + blob
    yield b"z" + zstandard.decompress(blob[len(codec.MAGIC) :])
    yield b"o" + zlib.decompress((ROOT / "tests" / "model" / "checkpoint-format-6.npz.z").read_bytes())
    arrays = codec.unpack(blob, 10**9)
    for number, name in enumerate(sorted(arrays)):
        single = codec.pack({name: arrays[name]})[len(codec.MAGIC) :]
        yield b"a" + number.to_bytes(2, "little") + zstandard.decompress(single)


# ---------------------------------------------------------------- addresses of pages, and the API


def address() -> Target:
    """Read the bytes as a page's query, show it, and write it back: the result must be the same screen."""
    from dashboard import itinerary
    from dashboard.state.address_bar import Screen, ahead, is_later
    from dashboard.state.pages import PAGES

    def run(data: bytes) -> None:
        query = dict(parse_qsl(data.decode("utf-8", "replace"), keep_blank_values=True))
        screen = Screen.from_address(query)
        assert 0 <= ahead(screen, NOW) <= 1440
        is_later(screen, NOW)
        itinerary.place(screen.start)
        itinerary.place(screen.goal)
        for page in PAGES:
            parameters = screen.address(page)
            urlencode(parameters, errors="strict")
            assert Screen.from_address(parameters).address(page) == parameters, parameters

    return run


def address_seeds(shared: Path) -> Iterator[bytes]:
    """Take an address of every page."""
    yield b"city=dublin&station=42&what=space&n=3&in=25"
    yield b"city=dublin&at=20260302T0855Z&kiosk=1"
    yield b"city=dublin&from=53.345,-6.265&to=s2&n=1&in=0"
    yield b"city=dublin&from=here&to=s2&at=20260301T1230Z"
    yield b"city=dublin&ahead=60&measure=crps&past=week&models=pool,seed,naive&all=1"


API_PATHS = (
    "/api/systems", "/api/systems/{}", "/api/systems/{}/stations", "/api/systems/{}/forecast",
    "/api/systems/{}/stations/{}/forecast", "/api/scores", "/api/findings", "/api/systems/{}/drifts",
    "/api/systems/{}/outages", "/healthz", "/healthz/live", "/healthz/ready", "/metrics", "/api/openapi.json",
    "/api/frames/{}/{}/{}", "/{}",
)  # fmt: skip


def api() -> Target:
    """Ask the API: the first byte chooses the path, then come path parameters, query and headers by line."""
    from starlette.applications import Starlette

    from dashboard import store_reader
    from dashboard.api import routes as routes
    from tests.support.api_world import eventful
    from tests.support.dashboard_world import World

    world = World(Path(tempfile.mkdtemp()))
    eventful(world, "dublin")
    store_reader.use(world.store, world.clock)
    app = Starlette(routes=routes.ROUTES)
    loop = asyncio.new_event_loop()

    async def ask(path: bytes, query: bytes, headers: list[tuple[bytes, bytes]]) -> tuple[int, bytes]:
        answer: dict[str, Any] = {"body": b""}

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            answer["status"] = message.get("status", answer.get("status"))
            answer["body"] += message.get("body", b"")

        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
            "scheme": "http",
            "path": path.decode("utf-8", "replace"), "raw_path": path, "query_string": query, "root_path": "",
            "headers": headers, "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 1), "state": {},
        }  # fmt: skip
        await app(scope, receive, send)  # type: ignore[arg-type]
        return answer["status"], answer["body"]

    def run(data: bytes) -> None:
        lines = data[1:].split(b"\n")
        path = API_PATHS[(data[0] if data else 0) % len(API_PATHS)].encode()
        while b"{}" in path:
            path = path.replace(b"{}", lines.pop(0) if lines else b"dublin", 1)
        query = lines.pop(0) if lines else b""
        headers = [(b"host", b"x")]
        for line, name in zip(lines, (b"if-none-match", b"accept", b"accept-encoding"), strict=False):
            headers.append((name, line))
        status, body = loop.run_until_complete(ask(path, query, headers))
        assert status in (200, 304, 400, 404, 405, 406, 503, 307), (status, body[:200])
        if status >= 400 and status != 503 and path.startswith(b"/api/") and b"{" in body[:1]:
            assert set(json.loads(body)) >= {"error", "try"}

    return run


def api_seeds(shared: Path) -> Iterator[bytes]:
    """Take an example of every path."""
    examples = {
        0: b"", 1: b"dublin", 2: b"dublin", 3: b"dublin\nminutes=30",
        4: b"dublin\ns1\nat=2026-03-02T12:55:00%2B01:00",
        5: b"system=dublin&minutes=30&models=pool,naive&span=hour&since=2026-03-01T00:00:00Z&format=csv",
        6: b"system=dublin", 7: b"dublin", 8: b"dublin", 9: b"", 10: b"", 11: b"", 12: b"", 13: b"",
        14: b"dublin\n1\nbike-1-near.json", 15: b"../../etc/passwd",
    }  # fmt: skip
    for number, rest in examples.items():
        yield bytes([number]) + rest
        yield bytes([number]) + rest + b'\n"1-2"\ntext/csv\ngzip, br'


TARGETS: dict[str, tuple[Callable[[], Target], Callable[[Path], Iterator[bytes]], tuple[str, ...]]] = {
    "document": (document, document_seeds, ("ingest.gbfs.feed",
    "ingest.gbfs.clock", "ingest.gbfs.discovery",
                 "ingest.gbfs.findings", "ingest.gbfs.documents", "ingest.gbfs.stations",
                 "ingest.gbfs.hours", "ingest.gbfs.reports", "ingest.gbfs.values", "ingest.gbfs.vehicles")),
    "recording": (recording, recording_seeds, ("ingest.replay.recording",)),
    "state": (state, state_seeds, ("model",)),
    "address": (address, address_seeds, ("dashboard.state.address_bar", "dashboard.itinerary")),
    "api": (api, api_seeds, ("dashboard",)),
}  # fmt: skip
"""By name: what makes it, its seeds, and the modules whose branches are counted."""
