"""The riders of a made-up city in the kernel, against the same in plain Python."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from model import kernels
from model.arrays import Ints
from model.kernels.records import MinuteCounts, RidesUnderWay, StationNeighbours, StationStock, TripArrays

TRIED = 9


def plain_rides(
    minutes: int, trips: TripArrays, stations: StationNeighbours, stock: StationStock
) -> tuple[list[Ints], list[int]]:
    """Move all riders, one by one; give bikes, electric and broken ones after each minute, and the riding."""
    near, walk, search = stations
    walking = defaultdict[int, list[tuple[int, int]]](list)
    arriving = defaultdict[int, list[tuple[int, int, bool]]](list)
    riding, counts, under_way = 0, [], []
    for minute in range(minutes):
        for trip, tries, electric in arriving[minute]:
            place, turn = trips.destination[trip], tries % 8
            station = near[place, turn]
            if (
                stock.free_docks[station] <= (2 if trips.looks[trip] and not tries else 0)
                or not stock.open[station]
            ):
                arriving[minute + search[place, turn]].append((trip, tries + 1, electric))
                continue
            stock.free_docks[station] -= 1
            riding -= 1
            if trips.breaks[trip]:
                stock.broken[station] += 1
                stock.broken_electric[station] += electric
            else:
                (stock.electric if electric else stock.plain)[station] += 1
        starting = [(trip, 0) for trip in range(trips.first[minute], trips.first[minute + 1])]
        for trip, tries in walking[minute] + starting:
            place = trips.origin[trip]
            station = near[place, tries]
            there = stock.plain[station] + stock.electric[station]
            if there <= (2 if trips.looks[trip] and not tries else 0) or not stock.open[station]:
                if (trips.walks_on[trip] or trips.looks[trip]) and tries < 2:
                    walking[minute + walk[place, tries]].append((trip, tries + 1))
                continue
            electric = bool(
                stock.electric[station] and (trips.likes_electric[trip] or not stock.plain[station])
            )
            (stock.electric if electric else stock.plain)[station] -= 1
            stock.free_docks[station] += 1
            riding += 1
            ride = trips.minutes[trip]
            arriving[minute + (max(ride * 4 // 5, 2) if electric else ride)].append((trip, 0, electric))
        counts.append(np.array([stock.plain + stock.electric, stock.electric, stock.broken]))
        under_way.append(riding)
    return counts, under_way


def copied(stock: StationStock) -> StationStock:
    return stock._replace(**{name: column.copy() for name, column in stock._asdict().items()})


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.integers(TRIED, 14),
    minutes=st.integers(1, 120),
    riders=st.integers(0, 500),
    cuts=st.lists(st.integers(0, 120), max_size=3),
)
def test_riders_are_moved_as_in_plain_python_however_the_minutes_are_cut(
    seed: int, size: int, minutes: int, riders: int, cuts: list[int]
) -> None:
    rng = np.random.default_rng(seed)
    likes, walks, breaks, looks = (rng.random(riders) < share for share in (0.6, 0.5, 0.1, 0.4))
    at = np.sort(rng.integers(0, minutes, riders))
    origin, destination = rng.integers(0, size, (2, riders))
    trips = TripArrays(
        origin, destination, rng.integers(2, 40, riders), likes, walks, breaks, looks,
        np.searchsorted(at, np.arange(minutes + 1)),
    )  # fmt: skip
    near = np.array([rng.permutation(size)[:TRIED] for _ in range(size)])
    stations = StationNeighbours(near, *rng.integers(1, 9, (2, size, TRIED)))
    plain, electric, free_docks = rng.integers(0, 4, (3, size))
    nothing = np.zeros(size, dtype=np.int64)
    stock = StationStock(plain, electric, nothing.copy(), nothing.copy(), free_docks, rng.random(size) < 0.9)
    expected_stock = copied(stock)
    expected, expected_riding = plain_rides(minutes, trips, stations, expected_stock)

    under_way, counts = RidesUnderWay.none(riders, minutes), MinuteCounts.blank(minutes, size)
    edges = sorted({0, minutes, *(cut for cut in cuts if cut < minutes)})
    for begin, end in pairwise(edges):
        kernels.ride(begin, end, trips, stations, stock, under_way, counts)

    for name, column in stock._asdict().items():
        np.testing.assert_array_equal(column, getattr(expected_stock, name), name)
    np.testing.assert_array_equal(
        np.stack([counts.bikes, counts.electric, counts.broken], axis=1)[1:], expected
    )
    assert counts.riding[1:].tolist() == expected_riding
