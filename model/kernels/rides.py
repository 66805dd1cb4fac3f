"""The riders of a made-up city: each takes a bike, rides, looks for a free dock and leaves the bike there."""

from __future__ import annotations

from model.kernels.lanes import compiled
from model.kernels.records import MinuteCounts, RidesUnderWay, StationNeighbours, StationStock, TripArrays

_FEW = 2
"""How many last bikes, or docks, the riders who check the app first leave to others."""

_WALKS = 2
"""How often a rider without a bike walks on to the next station."""

_TURNS = 8
"""Stations that a rider tries before trying the first one again."""

_ON_FOOT, _BY_BIKE = 0, 1


@compiled
def ride(
    begin: int,
    end: int,
    trips: TripArrays,
    stations: StationNeighbours,
    stock: StationStock,
    under_way: RidesUnderWay,
    counts: MinuteCounts,
) -> None:
    """Move the riders of the minutes from `begin` to before `end`, and note the counts after each.

    In a minute riders arrive first, then those who walked on take a bike, then those who start. Each group
    keeps the order in which it came about.
    """
    for minute in range(begin, end):
        riding = counts.riding[minute]
        trip = under_way.queues[_BY_BIKE, 0, minute]
        while trip >= 0:
            following = under_way.following[trip]
            riding -= _arrive(minute, trip, trips, stations, stock, under_way)
            trip = following
        trip = under_way.queues[_ON_FOOT, 0, minute]
        while trip >= 0:
            following = under_way.following[trip]
            riding += _depart(minute, trip, trips, stations, stock, under_way)
            trip = following
        for starting in range(trips.first[minute], trips.first[minute + 1]):
            riding += _depart(minute, starting, trips, stations, stock, under_way)
        counts.riding[minute + 1] = riding
        for station in range(len(stock.plain)):
            counts.bikes[minute + 1, station] = stock.plain[station] + stock.electric[station]
            counts.electric[minute + 1, station] = stock.electric[station]
            counts.broken[minute + 1, station] = stock.broken[station]


@compiled
def _arrive(
    minute: int,
    trip: int,
    trips: TripArrays,
    stations: StationNeighbours,
    stock: StationStock,
    under_way: RidesUnderWay,
) -> int:
    """Leave a bike, or ride on to the next station; give the number of bikes that were left."""
    tries = under_way.tries[trip]
    turn = tries % _TURNS
    station = stations.near[trips.destination[trip], turn]
    least = _FEW if trips.looks[trip] and tries == 0 else 0
    if stock.free_docks[station] <= least or not stock.open[station]:
        under_way.tries[trip] = tries + 1
        _wait(under_way, _BY_BIKE, minute + stations.search[trips.destination[trip], turn], trip)
        return 0
    stock.free_docks[station] -= 1
    electric = under_way.electric[trip]
    if trips.breaks[trip]:
        stock.broken[station] += 1
        stock.broken_electric[station] += electric
    elif electric:
        stock.electric[station] += 1
    else:
        stock.plain[station] += 1
    return 1


@compiled
def _depart(
    minute: int,
    trip: int,
    trips: TripArrays,
    stations: StationNeighbours,
    stock: StationStock,
    under_way: RidesUnderWay,
) -> int:
    """Take a bike, walk on or give up; give the number of bikes that were taken."""
    tries = under_way.tries[trip]
    station = stations.near[trips.origin[trip], tries]
    least = _FEW if trips.looks[trip] and tries == 0 else 0
    if stock.plain[station] + stock.electric[station] <= least or not stock.open[station]:
        if (trips.walks_on[trip] or trips.looks[trip]) and tries < _WALKS:
            under_way.tries[trip] = tries + 1
            _wait(under_way, _ON_FOOT, minute + stations.walk[trips.origin[trip], tries], trip)
        return 0
    minutes = trips.minutes[trip]
    electric = stock.electric[station] > 0 and (trips.likes_electric[trip] or stock.plain[station] == 0)
    if electric:
        stock.electric[station] -= 1
        minutes = max(minutes * 4 // 5, 2)
    else:
        stock.plain[station] -= 1
    stock.free_docks[station] += 1
    under_way.electric[trip], under_way.tries[trip] = electric, 0
    _wait(under_way, _BY_BIKE, minute + minutes, trip)
    return 1


@compiled
def _wait(under_way: RidesUnderWay, how: int, minute: int, trip: int) -> None:
    """Put a rider behind those who come on foot, or by bike, in a minute before the end."""
    queues = under_way.queues
    if minute >= queues.shape[2]:
        return
    last = queues[how, 1, minute]
    if last < 0:
        queues[how, 0, minute] = trip
    else:
        under_way.following[last] = trip
    queues[how, 1, minute] = trip
    under_way.following[trip] = -1
