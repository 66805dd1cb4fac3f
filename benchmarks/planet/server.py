"""Serves made-up systems over HTTPS: some thousand feeds from one small process.

    python benchmarks/planet/server.py FOLDER --systems 1500 --stations 100000 --hanging 15

It writes `systems.toml` and a certificate into the folder. Hosts are addresses of this machine, from
127.1.0.1 on.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import ssl
import subprocess
import sys
import time
from pathlib import Path
from statistics import NormalDist

import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

MEDIAN, MOST_STATIONS = 0.45, 10_000
"""The median size of a system, as a part of the mean size: 30 where the mean is 67; and the largest."""

ON_ONE_HOST = (
    347, 203, 180, 124, 90, 57, 45, 41, 38, 36, 36, 36, 28, 24, 21, 19, 19, 18, 17, 12, 11, 8, 8, 5, 5, 4,
)  # fmt: skip
"""How many systems of the public catalogue share a host: 26 hosts have nine tenths of its 1,520 systems."""
ALONE = 107
"""The hosts that have the others."""

EVENTS_AN_HOUR = 1.0
"""Arrivals at a station, and departures: 3.3 % of stations change in a minute, as 2 to 6 % do in the made-up
cities by day."""
ANSWER_MEDIAN, ANSWER_SPREAD, ANSWER_MOST = 0.15, 0.8, 3.0
"""Seconds until a host answers, log-normal over the hosts."""
KEPT_OPEN = 75
"""Seconds for which the server keeps a connection: nginx's default."""


def sizes(systems: int, stations: int, random: np.random.Generator) -> np.ndarray:
    """Draw sizes of systems: log-normal with this median, as wide as their sum demands."""
    normal, median = NormalDist(), MEDIAN * stations / systems
    places = np.array([normal.inv_cdf((n + 0.5) / systems) for n in range(systems)])
    low, high = 0.0, 3.0
    for _ in range(60):
        spread = (low + high) / 2
        drawn = np.clip(np.rint(median * np.exp(spread * places)), 1, MOST_STATIONS).astype(int)
        low, high = (spread, high) if drawn.sum() < stations else (low, spread)
    return random.permutation(drawn)


def hosts(systems: int, random: np.random.Generator) -> np.ndarray:
    """Give each system a host, with the catalogue's shares."""
    share = np.array([*ON_ONE_HOST, *[(1520 - sum(ON_ONE_HOST)) / ALONE] * ALONE])
    bounds = np.cumsum(share) / share.sum() * systems
    return random.permutation(np.searchsorted(bounds, np.arange(systems) + 0.5))


class Feed:
    """A system whose riders come and go. Its documents are written once, and counts filled in."""

    def __init__(self, name: str, url: str, size: int, random: np.random.Generator, ttl: int) -> None:
        self._random, self._at, self.url, self._ttl = random, time.time(), url, ttl
        self._places = np.clip(random.normal(20, 8, size).astype(int), 6, 60)
        self._bikes = random.integers(0, self._places + 1)
        # Towns lie all over Europe, so that time zones and weather differ.
        lat, lon = random.uniform(40, 58), random.uniform(-3, 20)
        ids = [f"{name}-{n:05d}" for n in range(size)]
        feeds = [{"name": each, "url": f"{url}/{each}.json"}
                 for each in ("system_information", "station_information", "station_status")]  # fmt: skip
        described = [
            {"station_id": station, "name": f"Station {n} of {name}", "capacity": int(places),
             "lat": round(lat + random.normal(0, 0.02), 6), "lon": round(lon + random.normal(0, 0.03), 6)}
            for n, (station, places) in enumerate(zip(ids, self._places, strict=True))
        ]  # fmt: skip
        self.fixed = {
            "gbfs": self._document(self._at, {"en": {"feeds": feeds}}, ttl=86400),
            "system_information": self._document(
                self._at,
                {"system_id": name, "language": "en", "name": name, "timezone": "Europe/Paris"},
                ttl=86400,
            ),
            "station_information": self._document(self._at, {"stations": described}, ttl=86400),
        }
        self._rows = [
            f'{{"station_id":"{station}","is_installed":true,"is_renting":true,"is_returning":true,'
            f'"num_bikes_available":%d,"num_docks_available":%d,"last_reported":%d}}'
            for station in ids
        ]

    def status(self) -> bytes:
        """Let the riders ride until now, and write what they left."""
        now = int(time.time())
        if now > self._at:
            events = EVENTS_AN_HOUR * (now - self._at) / 3600
            come, go = self._random.poisson(events, (2, len(self._bikes)))
            self._bikes = np.clip(self._bikes + come - go, 0, self._places)
            self._at = now
        rows = ",".join(
            row % (bikes, docks, now)
            for row, bikes, docks in zip(
                self._rows, self._bikes.tolist(), (self._places - self._bikes).tolist(), strict=True
            )
        )
        head = f'"last_updated":{now},"ttl":{self._ttl},"version":"2.3"'
        return f'{{{head},"data":{{"stations":[{rows}]}}}}'.encode()

    @staticmethod
    def _document(at: float, data: object, ttl: int) -> bytes:
        return json.dumps({"last_updated": int(at), "ttl": ttl, "version": "2.3", "data": data}).encode()


def weather() -> bytes:
    """Write mild weather as Open-Meteo does."""
    hours = [int(time.time()) // 3600 * 3600 + 3600 * n for n in range(-2, 28)]
    values = {"temperature_2m": 12.0, "relative_humidity_2m": 70.0, "surface_pressure": 1010.0,
              "wind_speed_10m": 3.0, "cloud_cover": 40.0, "precipitation": 0.0}  # fmt: skip
    hourly = {"time": hours} | {name: [value] * len(hours) for name, value in values.items()}
    return json.dumps({"hourly": hourly}).encode()


def application(feeds: dict[str, Feed], waits: dict[str, float]) -> Starlette:
    """Make the web application; a host answers after its wait, and never where it has none."""

    async def document(request: Request) -> Response:
        host = request.url.hostname or ""
        if host not in waits:
            await asyncio.sleep(3600)
        await asyncio.sleep(waits[host])
        name = request.path_params["name"]
        feed = feeds[request.path_params["system"]]
        body = feed.status() if name == "station_status" else feed.fixed[name]
        return Response(
            gzip.compress(body, 1), headers={"Content-Encoding": "gzip"}, media_type="application/json"
        )

    async def forecast(request: Request) -> Response:
        return Response(weather(), media_type="application/json")

    return Starlette(routes=[Route("/weather", forecast), Route("/{system}/{name}.json", document)])


def certify(folder: Path, addresses: list[str]) -> None:
    """Have OpenSSL make a certificate for all addresses."""
    names = ",".join(f"IP:{address}" for address in addresses)
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
        f"-keyout key.pem -out certificate.pem -subj /CN=planet -addext subjectAltName={names}"
    ).split()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def main() -> None:
    """Write the list of systems and the certificate, and serve until a signal ends it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--systems", type=int, default=1500)
    parser.add_argument("--stations", type=int, default=100_000)
    parser.add_argument(
        "--hanging", type=int, default=15, help="more systems, each on a host that never answers"
    )
    parser.add_argument("--ttl", type=int, default=30, help="seconds for which a status holds")
    parser.add_argument("--port", type=int, required=True)
    chosen = parser.parse_args()
    random = np.random.default_rng(18)
    drawn, placed = sizes(chosen.systems, chosen.stations, random), hosts(chosen.systems, random)
    addresses = [f"127.1.{n // 250}.{n % 250 + 1}" for n in range(placed.max() + 1)]
    silent = [f"127.2.{n // 250}.{n % 250 + 1}" for n in range(chosen.hanging)]
    answer = np.minimum(ANSWER_MEDIAN * random.lognormal(0, ANSWER_SPREAD, len(addresses)), ANSWER_MOST)
    waits = dict(zip(addresses, answer.tolist(), strict=True))
    feeds, entries = {}, []
    for number, (size, host) in enumerate([*zip(drawn, placed, strict=True), *((1, None) for _ in silent)]):
        name = f"made-up-{number:04d}" if host is not None else f"hanging-{number - chosen.systems:04d}"
        address = addresses[host] if host is not None else silent[number - chosen.systems]
        url = f"https://{address}:{chosen.port}/{name}"
        if host is not None:
            feeds[name] = Feed(name, url, int(size), np.random.default_rng([18, number]), chosen.ttl)
        entries.append(
            f'[[systems]]\nid = "{name}"\nname = "{name}"\ncountry = "FR"\nurl = "{url}/gbfs.json"\n'
        )
    certify(chosen.folder, ["127.0.0.1", *addresses, *silent])
    (chosen.folder / "systems.toml").write_text("".join(entries))
    config = uvicorn.Config(
        application(feeds, waits | {"127.0.0.1": 0.0}), host="0.0.0.0", port=chosen.port, log_level="warning",
        access_log=False, lifespan="off", ws="none", timeout_keep_alive=KEPT_OPEN, backlog=4096,
        timeout_graceful_shutdown=1, ssl_certfile=str(chosen.folder / "certificate.pem"),
        ssl_keyfile=str(chosen.folder / "key.pem"), ssl_version=ssl.PROTOCOL_TLS_SERVER,
    )  # fmt: skip
    print(f"{len(feeds)} systems, {sum(drawn)} stations, {len(addresses)} hosts", flush=True)
    sys.exit(uvicorn.Server(config).run())


if __name__ == "__main__":
    main()
