"""Where the stations of a made-up town stand, how large they are, and their names.

They stand at street corners, and nearer to each other where there are more people. The drawn stations lie
beside this file as `names/*.csv`. So nobody has to wait for the drawing, and a station stands in the same
place on every machine. `benchmarks/city/draw.py` draws them again.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from importlib import resources

import numpy as np

from ingest.city.plan import METRES_PER_DEGREE, USES, CityPlan
from ingest.city.streets import MAIN, Streets
from model.arrays import Floats, Ints
from model.records import Stations

CAPACITY = (12, 50)

_WORTH = np.array([0.55, 1.0, 1.3, 1.1, 1.1, 1.0, 0.8])
"""How much each of `USES` draws stations."""

_FIRST = (
    "Alder", "Anchor", "Ash", "Barley", "Beacon", "Bell", "Birch", "Bishop", "Brewer", "Candle", "Castle",
    "Chandler", "Chapel", "Cherry", "Clock", "Cooper", "Copper", "Cross", "Crown", "Dial", "Dove", "Elm",
    "Fair", "Falcon", "Fern", "Ferry", "Field", "Fisher", "Foundry", "Fountain", "Garden", "George", "Glover",
    "Grange", "Green", "Harper", "Hawthorn", "Hazel", "Heron", "High", "Hill", "Holly", "Ivy", "Kiln", "King",
    "Lantern", "Lark", "Laurel", "Lime", "Linden", "Maple", "Market", "Mason", "Meadow", "Mercer", "Mill",
    "Mint", "Monk", "Nelson", "North", "Oak", "Orchard", "Park", "Pear", "Penny", "Pine", "Potter", "Priory",
    "Quarry", "Queen", "Raven", "Rope", "Rose", "Rowan", "Saddler", "Sail", "School", "Shepherd", "Silver",
    "South", "Spring", "Stone", "Swan", "Tanner", "Thorn", "Tower", "Union", "Vine", "Walnut", "Water",
    "Weaver", "Well", "West", "Wheel", "Willow", "Windmill", "Wood", "Wren", "Yew",
)  # fmt: skip
_MAIN_ENDS = ("Road", "Street", "Avenue", "Parade")
_SIDE_ENDS = ("Street", "Lane", "Row", "Place", "Terrace", "Walk", "Close", "Crescent")
_PLACES = {
    "offices": ("Exchange Square", "Guildhall", "City Hall", "Assay Court", "Tally House", "Customs House"),
    "station": ("Central Station", "Station Square", "Station East", "Upper Station", "Parcels Yard"),
    "campus": ("University Library", "Science Quarter", "Students’ Union", "Old College", "Boathouse"),
    "nightlife": ("Playhouse", "Corn Exchange", "Lower Market", "Music Hall", "Brewery Yard"),
    "shops": ("Covered Market", "The Arcade", "Haymarket", "Fishmarket", "Wool Hall"),
    "leisure": ("Bandstand", "Boating Lake", "Lido", "Botanic Garden", "Lookout Point", "Ice House"),
}


@dataclass(frozen=True, eq=False)
class StationTable:
    """Stations as `names/*.csv` hold them; `where` is `(S, 2)` in metres."""

    station_id: list[str]
    name: list[str]
    where: Floats
    capacity: Ints

    def stations(self, system_id: str, timezone: str, country: str, plan: CityPlan) -> Stations:
        """Give the stations with their places on the globe."""
        lon, lat = plan.globe(self.where).T
        ids, names = np.array(self.station_id), np.array(self.name)
        return Stations(system_id, timezone, country, ids, names, lat, lon, self.capacity)


def write(table: StationTable, plan: CityPlan) -> str:
    """Write a table as CSV, for `read`."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("station_id", "name", "lat", "lon", "capacity"))
    lon, lat = plan.globe(table.where).T.tolist()
    for number, name, y, x, capacity in zip(
        table.station_id, table.name, lat, lon, table.capacity.tolist(), strict=True
    ):
        writer.writerow([number, name, f"{y:.5f}", f"{x:.5f}", capacity])
    return out.getvalue()


def read(name: str, plan: CityPlan) -> StationTable:
    """Read the stations of a town by its name."""
    text = (resources.files("ingest.city") / "names" / f"{name}.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    degrees = np.array([[float(row["lon"]), float(row["lat"])] for row in rows])
    shrink = np.cos(np.radians(plan.latitude))
    where = (degrees - [plan.longitude, plan.latitude]) * [METRES_PER_DEGREE * shrink, METRES_PER_DEGREE]
    return StationTable(
        [row["station_id"] for row in rows],
        [row["name"] for row in rows],
        np.round(where),
        np.array([int(row["capacity"]) for row in rows]),
    )


def place(plan: CityPlan, streets: Streets, count: int, rng: np.random.Generator) -> StationTable:
    """Place `count` stations on a town's streets. The same generator gives the same stations."""
    points, street = _corners(plan, streets)
    draw = _WORTH @ plan.uses(points)
    order = np.argsort(-draw * rng.uniform(0.3, 1, len(points)), kind="stable")
    low, high = 50.0, 1500.0
    chosen = order[:0]
    for _ in range(25):
        apart = (low + high) / 2
        chosen = _apart(points, order, apart / np.sqrt(0.4 + draw))
        low, high = (apart, high) if len(chosen) >= count else (low, apart)
    chosen = _apart(points, order, low / np.sqrt(0.4 + draw))[:count]
    draw = draw[chosen]
    docks = 11 + 10 * draw * rng.lognormal(0, 0.35, len(chosen))
    capacity = np.clip(np.round(docks / 2) * 2, *CAPACITY).astype(np.int64)
    where = np.round(points[chosen])
    return StationTable(
        [f"{number:03}" for number in range(1, len(chosen) + 1)],
        _names(plan, streets, where, street[chosen], rng),
        where,
        capacity,
    )


def _corners(plan: CityPlan, streets: Streets) -> tuple[Floats, Ints]:
    """Give points along the streets in town, `(N, 2)`, and which street each is on."""
    points, on = [], []
    for index, street in enumerate(streets.streets):
        length = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(street.points, axis=0).T))])
        steps = np.arange(20, length[-1], 60 if street.kind == MAIN else 80)
        points.append(np.stack([np.interp(steps, length, side) for side in street.points.T], axis=1))
        on.append(np.full(len(steps), index))
    every, of = np.concatenate(points), np.concatenate(on)
    town = plan.built_up(every * 1.06)
    for start, end in streets.bridges:
        reach = np.hypot(*(end - start)) / 2
        town &= np.hypot(*(every - (start + end) / 2).T) > reach
    return every[town], of[town]


def _apart(points: Floats, order: Ints, radius: Floats) -> Ints:
    """Go through the points in order, and take each that is not within its radius of one taken before."""
    taken = np.empty((0, 2))
    out = []
    for index in order.tolist():
        away = np.hypot(taken[:, 0] - points[index, 0], taken[:, 1] - points[index, 1])
        if not (away < radius[index]).any():
            taken = np.vstack([taken, points[index]])
            out.append(index)
    return np.array(out)


def _names(
    plan: CityPlan, streets: Streets, where: Floats, street: Ints, rng: np.random.Generator
) -> list[str]:
    """Name stations by a landmark, or else by their street and the one that it crosses there."""
    called = _street_names(streets, rng)
    names: dict[int, str] = {}
    for use, places in _PLACES.items():
        strength = plan.uses(where)[USES.index(use)]
        free = [index for index in np.argsort(-strength, kind="stable").tolist() if index not in names]
        names |= dict(zip(free, places, strict=False))
    bridge = streets.bridges.mean(axis=1)
    for number, middle in enumerate(bridge.tolist()):
        nearest = int(np.hypot(*(where - middle).T).argmin())
        if np.hypot(*(where[nearest] - middle)) < 180 and nearest not in names:
            names[nearest] = f"{_FIRST[(7 * number + 3) % len(_FIRST)]} Bridge"
    used = set(names.values())
    for index in range(len(where)):
        if index in names:
            continue
        own = called[street[index]]
        crossing = [
            called[other]
            for other in _nearest(streets, where[index], streets.streets[street[index]].family)
            if called[other] != own
        ]
        tries = [own, *(f"{own} at {other}" for other in crossing), *(f"{own} {n}" for n in range(2, 99))]
        name = next(each for each in tries if each not in used)
        used.add(name)
        names[index] = name
    return [names[index] for index in range(len(where))]


def _street_names(streets: Streets, rng: np.random.Generator) -> list[str]:
    ends = {True: _MAIN_ENDS, False: _SIDE_ENDS}
    all_names = {
        main: [f"{first} {end}" for end in ends[main] for first in rng.permutation(_FIRST).tolist()]
        for main in (True, False)
    }
    return [all_names[street.kind == MAIN].pop(0) for street in streets.streets]


def _nearest(streets: Streets, point: Floats, family: int) -> list[int]:
    """List the streets of the other family that pass a point, nearest first."""
    away = {
        index: float(np.hypot(*(street.points - point).T).min())
        for index, street in enumerate(streets.streets)
        if street.family != family
    }
    return sorted(away, key=lambda index: (away[index], index))[:3]
