"""A made-up town for pictures: names, places and counts are ours, and no feed's."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import erf
from typing import Any

import numpy as np

from model.frame import MINUTES, Frame, Outlook
from model.scoring.issue import FAR_SCORED, SCORED_MINUTES
from tests.support.dashboard_world import World, frame

STATIONS = 72
CENTRE = 46.205, 6.145
ZONE = "Europe/Dublin"

# fmt: off
_FIRST = ["Alder", "Bramble", "Cooper", "Dovecote", "Ember", "Foundry", "Garnet",
          "Heron", "Ivory", "Juniper", "Kiln", "Lantern", "Marsh", "Nettle"]
# fmt: on
_LAST = ["Street", "Quay", "Square", "Bridge", "Gardens", "Hill"]


def names(random: np.random.Generator) -> np.ndarray:
    """Put together a name a station, none twice."""
    pairs = [f"{first} {last}" for first in _FIRST for last in _LAST]
    return np.array(random.permutation(pairs)[:STATIONS])


def places(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Scatter stations on both sides of a river, none closer than 320 m: latitudes, longitudes."""
    chosen: list[tuple[float, float]] = []
    while len(chosen) < STATIONS:
        east, north = random.normal(0, 1.7), random.normal(0, 1.2)
        river = 0.35 * np.sin(1.3 * east) - 0.1
        if abs(north - river) > 0.16 and all(np.hypot(east - e, north - n) > 0.32 for e, n in chosen):
            chosen.append((east, north))
    east_km, north_km = np.array(chosen).T
    return CENTRE[0] + north_km / 111.2, CENTRE[1] + east_km / (111.2 * np.cos(np.radians(CENTRE[0])))


def outlook(counts: np.ndarray, usual: np.ndarray, capacity: np.ndarray) -> Outlook:
    """Forecast a drift from the counts now to the usual ones, less sure with every minute."""
    minutes = np.array(MINUTES, dtype=float)[:, None]
    mean = usual + (counts - usual) * np.exp(-minutes / 90)
    spread = np.maximum(0.25 * capacity * (1 - np.exp(-minutes / 60)), 1e-3)

    def quantile(z: float) -> np.ndarray:
        return np.clip(np.rint(mean + z * spread), 0, capacity).astype(np.int16)

    normal = np.vectorize(erf)
    chance = np.stack([50 + 50 * normal((mean - n + 0.5) / spread / np.sqrt(2)) for n in (1, 2, 3, 4)])
    return Outlook(quantile(0), quantile(-1.28), quantile(1.28), np.rint(chance).astype(np.uint8))


def town(system_id: str, at: datetime, bikes: np.ndarray, **changes: object) -> Frame:
    """Make a frame of the town from the bikes at its stations; two stations are closed."""
    random = np.random.default_rng(11)
    lat, lon = places(random)
    capacity = random.integers(10, 22, STATIONS)
    usual = capacity * random.beta(0.35, 0.8, STATIONS)
    made = frame(system_id, STATIONS, at=at)
    stations = replace(
        made.stations, timezone=ZONE, name=names(random), lat=lat, lon=lon, capacity=capacity,
        station_id=np.array([f"t{row}" for row in range(STATIONS)]),
    )  # fmt: skip
    docks = (capacity - bikes).astype(np.int16)
    open_now = ~np.isin(np.arange(STATIONS), (7, 40))
    return replace(
        made, stations=stations, bikes=bikes.astype(np.int16), docks=docks,
        renting=open_now, returning=open_now,
        bike=outlook(bikes, usual, capacity), space=outlook(docks, capacity - usual, capacity),
        learning_since=at - timedelta(days=12), **changes,
    )  # fmt: skip


def judged(now: datetime) -> list[dict[str, object]]:
    """Make up the scores of a town that learnt some days at once and is played for a day and a half since.

    In between lie two days without a score. The seed pipeline is judged in the last day and a half alone.
    """
    random = np.random.default_rng(3)
    begun = int(now.timestamp()) // 7200 * 7200
    slow = [begun - 8 * 86400 + 60 * minute for minute in range(0, 4 * 1440, 175)]
    quick = [begun - 36 * 3600 + 1200 * number for number in range(36 * 3)]
    worse = {"pool": 1.0, "chain": 1.01, "pull": 1.02, "naive": 1.2, "climatology": 2.6, "seed": 1.5}
    rows = []
    for issued in (*slow, *quick):
        rush = 1 + 0.5 * np.sin(issued / 86400 * 4 * np.pi)
        for minutes in SCORED_MINUTES:
            target_at = datetime.fromtimestamp(issued + 60 * minutes, UTC)
            if target_at > now or (minutes in FAR_SCORED and issued in quick and issued % 7200):
                continue
            luck = rush * np.sqrt(minutes / 60) * random.gamma(40, 1 / 40)
            for model, factor in worse.items():
                if model != "seed" or issued in quick:
                    error = STATIONS * luck * factor * random.gamma(400, 1 / 400)
                    sums = dict.fromkeys(("squared_error", "crps", "brier_bike", "brier_dock"), 0.2 * error)
                    rows.append(
                        {"target_at": target_at, "kind": "any", "model": model, "minutes": minutes,
                         "n": STATIONS, "n_dock": STATIONS, "expired": 0,
                         "abs_error": error, "covered": 0.8 * STATIONS}
                        | sums
                    )  # fmt: skip
    return rows


def history(world: World, system_id: str, end: datetime, **last: Any) -> Frame:
    """Let three hours pass in the store, a tick every five minutes, and give back the last frame.

    `last` are other fields of the last tick's result.
    """
    random = np.random.default_rng(5)
    capacity = town(system_id, end, np.zeros(STATIONS)).stations.capacity
    bikes = np.rint(capacity * random.beta(0.3, 0.8, STATIONS)).astype(np.int64)
    for minutes in range(185, -1, -5):
        at = end - timedelta(minutes=minutes)
        moved = random.choice([-1, 0, 0, 0, 0, 0, 1], STATIONS)
        bikes = np.clip(bikes + np.where(random.random(STATIONS) < 0.7, moved, 0), 0, capacity)
        made = town(system_id, at, bikes)
        world.now = at
        world.commit(made, **(last if at == end else {}))
    return made
