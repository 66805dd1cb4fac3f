"""Where the made-up cities' streets, stations and water lie."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ingest.city import streets
from ingest.city.cities import CITIES, City
from ingest.city.plan import CityPlan, filled, ribbon, smooth
from ingest.city.plans import PLANS, SEED
from ingest.city.stations import CAPACITY, place, read, write
from ingest.city.streets import MAIN, Streets

ROOT = Path(__file__).resolve().parents[3]
EVERY = pytest.mark.parametrize("city", CITIES.values(), ids=list(CITIES))


@pytest.fixture(scope="module", params=PLANS)
def town(request: pytest.FixtureRequest) -> tuple[str, CityPlan, Streets]:
    plan, _ = PLANS[request.param]
    return request.param, plan, streets.draw(plan, np.random.default_rng(SEED))


@EVERY
def test_stations_are_many_different_and_of_all_sizes(city: City) -> None:
    stations = city.stations
    assert len(stations) == PLANS[city.system.system_id][1]
    assert len(set(stations.name.tolist())) == len(stations)
    assert CAPACITY[0] <= stations.capacity.min() < 15
    assert 34 < stations.capacity.max() <= CAPACITY[1]
    assert not any(name.strip() != name or "  " in name for name in stations.name.tolist())


def test_the_largest_has_180() -> None:
    assert len(CITIES["harbourton"].stations) == 180


@EVERY
def test_stations_stand_apart_and_on_dry_land(city: City) -> None:
    plan = city.plan
    where = read(city.system.system_id, plan).where
    apart = np.hypot(*(where[:, None] - where[None]).transpose(2, 0, 1)) + 1e6 * np.eye(len(where))
    assert apart.min() > 80
    wet = [*plan.land("shores"), *(ribbon(river.course(), river.width) for river in plan.rivers)]
    for outline in wet:
        for x, y in where.tolist():
            axis = np.array([x, y]) if x < y else np.array([y, x])
            grid = filled(outline, axis).reshape(2, 2)
            assert not grid[int(np.argmax(axis == y)), int(np.argmax(axis == x))]


def test_the_stored_stations_are_as_drawn(town: tuple[str, CityPlan, Streets]) -> None:
    name, plan, streets = town
    kept = (ROOT / "ingest" / "city" / "names" / f"{name}.csv").read_text(encoding="utf-8")
    table = place(plan, streets, PLANS[name][1], np.random.default_rng(SEED))
    assert write(table, plan) == kept, "run benchmarks/city/draw.py"


def test_side_streets_stay_out_of_water_and_bridges_reach_both_banks(
    town: tuple[str, CityPlan, Streets],
) -> None:
    _, plan, streets = town
    axis = np.arange(-4000.0, 4000.0, 10.0)
    wet = np.zeros(len(axis) ** 2, dtype=np.bool_)
    for river in plan.rivers:
        wet |= filled(ribbon(river.course(), river.width), axis)
    water = wet.reshape(len(axis), len(axis))

    def is_wet(point: np.ndarray) -> bool:
        column, row = ((point - axis[0]) / 10).round().astype(int)
        return bool(water[row, column])

    for street in streets.streets:
        if street.kind != MAIN:
            middles = (street.points[1:] + street.points[:-1]) / 2
            assert not any(is_wet(point) for point in (*street.points, *middles))
    for start, end in streets.bridges:
        assert is_wet((start + end) / 2)
        assert not is_wet(start)
        assert not is_wet(end)


def test_only_the_inside_of_an_outline_is_filled() -> None:
    axis = np.arange(0.5, 6.0)
    outline = np.array([[1, 1], [4, 1], [4, 3], [1, 3]], dtype=np.float64)
    rows = filled(outline, axis).reshape(6, 6)
    assert rows.sum() == 6
    assert rows[1:3, 1:4].all()


def test_a_smooth_curve_goes_through_its_points() -> None:
    points = np.array([[0.0, 0.0], [100.0, 50.0], [200.0, -30.0]])
    curve = smooth(points, 10)
    for point in points:
        assert np.hypot(*(curve - point).T).min() < 1e-9
