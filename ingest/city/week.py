"""Simulate a week of a made-up city by the minute: riders take, ride, leave and break bikes; vans move them.

A week begins on Monday at four in the morning with a planned stock. In the night before, vans bring each
station to the plan, and the few bikes that are still under way then count as picked up. So the simulation of
a week needs no earlier week, and any moment costs one week at most.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest.city.riders import TripRequests
from model import kernels
from model.arrays import Floats, Ints
from model.kernels.records import MinuteCounts, RidesUnderWay, StationNeighbours, StationStock, TripArrays

_WALK_ON = 0.55
"""Share of the riders at an empty station who walk to the next one."""
_LOOKS = 0.4
"""Share of riders who check the app first and leave the last bikes or docks to others."""
_WALK, _DETOUR = 75.0, 170.0
"""Metres a minute on foot, and by bike in search of a dock."""
_LEVEL, _LONGER, _UPHILL = 2.5, 2.0, 0.06
"""Log odds that riders like e-bikes more: on a level ride of ten minutes, more by the logarithm of its
length, and more by each metre of climbing."""
_BREAKS = 0.0015
_VAN_HOLDS = 22
_WORTH_A_STOP = 6
_STOP_MINUTES = (11, 26)
_AHEAD = (225, 40)
"""Minutes before the end of the week at which vans begin to set up the next week's stock, and correct it."""
_MENDED = 60
"""The minute of the day at which vans collect mended bikes from the workshop."""


@dataclass(frozen=True, eq=False)
class BikeStock:
    """The bikes at the start of a week: at each station `(S,)`, in vans and in the workshop.

    Pairs are `(plain, electric)`.
    """

    plain: Ints
    electric: Ints
    vans: tuple[int, int]
    workshop: tuple[int, int]

    @property
    def fleet(self) -> int:
        """The number of all bikes."""
        return int(self.plain.sum() + self.electric.sum()) + sum(self.vans) + sum(self.workshop)


@dataclass(frozen=True, eq=False)
class Closure:
    """A station that is closed for works, from minute `first` of the week to minute `stop`."""

    station: int
    first: int
    stop: int


@dataclass(frozen=True, eq=False)
class Week:
    """The bikes at each station, a row a minute from Unix second `start` on, `(T, S)`, and elsewhere, `(T,)`.

    `bikes` counts both kinds. Each of the `broken` bikes stands in a dock and cannot be rented.
    """

    start: int
    bikes: NDArray[np.uint8]
    electric: NDArray[np.uint8]
    broken: NDArray[np.uint8]
    riding: Ints
    vans: Ints
    workshop: Ints
    closures: tuple[Closure, ...]


@dataclass(frozen=True, eq=False)
class StationNetwork:
    """The stations and vans of a city, as the simulation needs them.

    `near` `(S, N)` are each station's neighbours, itself first, `away` and `climb` `(S, S)` metres on the
    level and upwards, `morning` and `evening` `(S,)` the bikes that vans aim for before the rush hours.
    """

    capacity: Ints
    near: Ints
    away: Floats
    climb: Floats
    morning: Floats
    evening: Floats
    vans: int


def likes_electric(minutes: Ints, climb: Floats) -> Floats:
    """Give the chance that a rider takes an e-bike rather than a plain one, by ride and metres of climbing.

    >>> likes_electric(np.array([4, 10, 4]), np.array([0.0, 0.0, 40.0])).round(2)
    array([0.66, 0.92, 0.96])
    """
    odds = _LEVEL + _LONGER * np.log(np.maximum(minutes, 1) / 10) + _UPHILL * climb
    share: Floats = 1 / (1 + np.exp(-odds))
    return share


class WeekSimulation:
    """Simulates one week, from its stock to the next week's.

    `hour` `(M,)` is the local hour of each minute. A kernel moves the riders, since there are ten thousands
    of them; vans stop some hundred times, in between.
    """

    def __init__(
        self,
        network: StationNetwork,
        begin: BikeStock,
        end: BikeStock,
        requests: TripRequests,
        hour: Floats,
        closures: Sequence[Closure],
        rng: np.random.Generator,
    ) -> None:
        self.network, self.begin, self.end, self.closures, self.rng = network, begin, end, closures, rng
        self.requests, self.hour, self.minutes = requests, hour, len(hour)
        self.size = size = len(network.capacity)
        self.stock = StationStock(
            plain=begin.plain.copy(),
            electric=begin.electric.copy(),
            broken=np.zeros(size, dtype=np.int64),
            broken_electric=np.zeros(size, dtype=np.int64),
            free_docks=network.capacity - begin.plain - begin.electric,
            open=np.ones(size, dtype=np.bool_),
        )
        self.counts = MinuteCounts.blank(self.minutes, size)
        self.urgency = 1 / np.sqrt(network.capacity)
        self.load = list(begin.vans)
        self.workshop = list(begin.workshop)

    def run(self, start: int) -> Week:
        """Simulate all minutes of the week that begins at Unix second `start`."""
        trips, stations = self._trips(), self._neighbours()
        under_way = RidesUnderWay.none(len(trips.origin), self.minutes)
        stops = self._stops()
        for closure in self.closures:
            self.stock.open[closure.station] &= not closure.first <= -1 < closure.stop
        turning = {minute for closure in self.closures for minute in (closure.first, closure.stop)}
        ahead = [self.minutes - before for before in _AHEAD]
        mending = {*range(_MENDED, self.minutes, 1440), *ahead}
        vans, workshop = (np.empty(self.minutes, dtype=np.int64) for _ in range(2))
        begin = since = 0
        self._note(begin)
        for minute in range(self.minutes):
            is_last = minute == self.minutes - 1
            if not (minute in turning or minute in stops or minute in mending or is_last):
                continue
            vans[since : minute + 1], workshop[since : minute + 1] = sum(self.load), sum(self.workshop)
            since = minute + 1
            if minute in turning:
                kernels.ride(begin, minute, trips, stations, self.stock, under_way, self.counts)
                self._close_or_open(minute)
                begin = minute
            kernels.ride(begin, minute + 1, trips, stations, self.stock, under_way, self.counts)
            for stop in stops[minute]:
                self._stop(minute, stop)
            if minute in mending:
                self._mend()
            if minute in ahead:
                self._plan_ahead(minute, stops)
            begin = minute + 1
            self._note(begin)
        return Week(
            start,
            bikes=self.counts.bikes[:-1],
            electric=self.counts.electric[:-1],
            broken=self.counts.broken[:-1],
            riding=self.counts.riding[:-1],
            vans=vans,
            workshop=workshop,
            closures=tuple(self.closures),
        )

    def _trips(self) -> TripArrays:
        """Draw the riders' habits."""
        requests, count = self.requests, len(self.requests.origin)
        electric = likes_electric(requests.minutes, self.network.climb[requests.origin, requests.destination])
        likes, walks, breaks, looks = (
            self.rng.random(count) < share for share in (electric, _WALK_ON, _BREAKS, _LOOKS)
        )
        first = np.searchsorted(requests.minute, np.arange(self.minutes + 1))
        return TripArrays(
            requests.origin, requests.destination, requests.minutes, likes, walks, breaks, looks, first
        )

    def _neighbours(self) -> StationNeighbours:
        """Give the minutes from each neighbour of a station to the next neighbour."""
        near = self.network.near
        leg = self.network.away[near, np.roll(near, -1, axis=1)]
        walk, search = (np.maximum(np.round(leg / speed), 1).astype(np.int64) for speed in (_WALK, _DETOUR))
        return StationNeighbours(np.ascontiguousarray(near), walk, search)

    def _note(self, minute: int) -> None:
        """Note the counts as a minute begins."""
        stock, counts = self.stock, self.counts
        counts.bikes[minute] = stock.plain + stock.electric
        counts.electric[minute], counts.broken[minute] = stock.electric, stock.broken

    # ------------------------------------------------------------------ vans

    def _stops(self) -> defaultdict[int, list[int]]:
        """Plan when vans stop, by minute: -1 where the driver chooses a station then."""
        stops = defaultdict[int, list[int]](list)
        at_work = (
            (self.hour >= 22.5) | (self.hour < 3.5)
            | ((self.hour >= 5.75) & (self.hour < 8)) | ((self.hour >= 13.5) & (self.hour < 16.75))
        )  # fmt: skip
        for _ in range(self.network.vans):
            minute = int(self.rng.integers(*_STOP_MINUTES))
            while minute < self.minutes - _AHEAD[0]:
                if at_work[minute]:
                    stops[minute].append(-1)
                minute += int(self.rng.integers(*_STOP_MINUTES))
        return stops

    def _stop(self, minute: int, station: int) -> None:
        """Stop a van at a station to set up the next week's stock; for -1, where it is needed most."""
        if station >= 0:
            self._move(station, int(self.end.plain[station]), int(self.end.electric[station]))
            return
        plain, electric = self.stock.plain, self.stock.electric
        stock = plain + electric
        early = not 9 <= self.hour[minute] < 20
        target = self.network.morning if early else self.network.evening
        gap = (target - stock) * self.urgency + self.rng.normal(0, 0.35, self.size)
        gap += 1.2 * (stock <= 1) - 1.2 * (self.stock.free_docks <= 1)
        for closure in self.closures:
            if not self.stock.open[closure.station]:
                gap[closure.station] = 0
        load = sum(self.load)
        most = _VAN_HOLDS * self.network.vans
        collect = load < most * 0.25 or (load < most * 0.75 and self.rng.random() < 0.5)
        station = int(gap.argmin() if collect else gap.argmax())
        want = float(target[station] - stock[station])
        if abs(want) < _WORTH_A_STOP:
            return
        by = int(max(min(want, 14), -14))
        total = int(stock[station])
        if by * (-1 if collect else 1) <= 0:
            return
        share = int(electric[station]) / total if by < 0 else self.load[1] / max(load, 1)
        kind = round(by * share)
        self._move(station, max(int(plain[station]) + by - kind, 0), max(int(electric[station]) + kind, 0))

    def _move(self, station: int, plain: int, electric: int) -> None:
        """Bring a station as near to these counts as vans and docks allow, and take its broken bikes away."""
        stock = self.stock
        broken, broken_electric = int(stock.broken[station]), int(stock.broken_electric[station])
        free_docks = int(stock.free_docks[station]) + broken
        self.workshop[0] += broken - broken_electric
        self.workshop[1] += broken_electric
        stock.broken[station] = stock.broken_electric[station] = 0
        for kind, (bikes, want) in enumerate(((stock.plain, plain), (stock.electric, electric))):
            there = int(bikes[station])
            by = max(min(want - there, self.load[kind], free_docks), -there)
            bikes[station] = there + by
            self.load[kind] -= by
            free_docks -= by
        stock.free_docks[station] = free_docks

    def _mend(self) -> None:
        """Move mended bikes from the workshop into vans; it keeps as many as at the start of the week."""
        for kind in (0, 1):
            mended = max(self.workshop[kind] - self.begin.workshop[kind], 0)
            self.workshop[kind] -= mended
            self.load[kind] += mended

    def _plan_ahead(self, minute: int, stops: defaultdict[int, list[int]]) -> None:
        """Spread the stops that set up next week's stock over the time until the correction, or the end.

        Vans collect surplus bikes first, as far as they have room, then bring them where bikes are missing.
        """
        final = minute != self.minutes - _AHEAD[0]
        minutes = _AHEAD[1] - 2 if final else _AHEAD[0] - _AHEAD[1] - 2
        surplus = self.stock.plain + self.stock.electric - self.end.plain - self.end.electric
        order = [
            index for index in np.argsort(surplus, kind="stable").tolist() if surplus[index] or not final
        ]
        load, visits = sum(self.load), []
        while order:
            station = order.pop(-1 if load < _VAN_HOLDS or final else 0)
            load += int(surplus[station])
            visits.append(station)
        for index, station in enumerate(visits):
            stops[minute + 1 + index * minutes // len(visits)].append(station)

    def _close_or_open(self, minute: int) -> None:
        """Close the stations whose works begin, and take their bikes away; open those whose works end."""
        for closure in self.closures:
            if closure.first == minute:
                self.stock.open[closure.station] = False
                self._move(closure.station, 0, 0)
            elif closure.stop == minute:
                self.stock.open[closure.station] = True
