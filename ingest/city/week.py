"""Simulate a week of a made-up city by the minute: riders take, ride, leave and break bikes; vans move them.

A week begins on Monday at four in the morning with a planned stock. In the night before, vans bring each
station to the plan, and the few bikes that are still under way then count as picked up. So the simulation of
a week needs no earlier week, and any moment costs one week at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest.city.riders import TripRequests
from model.arrays import Floats, Ints

_WALK_ON = 0.55
"""Share of the riders at an empty station who walk to the next one."""
_LOOKS, _FEW = 0.4, 2
"""Share of riders who check the app first and avoid the last bikes or docks, and how many these are."""
_TURNS = 8
"""Stations that a rider tries before trying the first one again."""
_WALK, _DETOUR = 75.0, 170.0
"""Metres a minute on foot, and by bike in search of a dock."""
_LIKES_ELECTRIC = 0.68
_BREAKS = 0.0015
_LONGEST = 600
"""Minutes after the end of the week within which its last riders arrive."""
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

    `near` `(S, N)` are each station's neighbours, itself first, `away` `(S, S)` metres, `morning` and
    `evening` `(S,)` the bikes that vans aim for before the rush hours.
    """

    capacity: Ints
    near: Ints
    away: Floats
    morning: Floats
    evening: Floats
    vans: int


class _CountChanges:
    """The changes of a count, by station and minute.

    `up` and `down` hold a position for each rise and fall by one: minute times stations, plus station.
    """

    def __init__(self, minutes: int, size: int) -> None:
        self._minutes, self._size = minutes, size
        self.up: list[int] = []
        self.down: list[int] = []

    def add(self, minute: int, station: int, by: int) -> None:
        """Add a change by more than one."""
        (self.up if by > 0 else self.down).extend([minute * self._size + station] * abs(by))

    def by_minute(self, start: Ints) -> NDArray[np.uint8]:
        """Give the count at each minute, before what happens in it, `(T, S)`."""
        rows, size = self._minutes + 1, self._size
        flat = np.zeros(rows * size, dtype=np.int16)
        flat[:size] = start
        np.add.at(flat, np.array(self.up, dtype=np.int64) + size, np.int16(1))
        np.subtract.at(flat, np.array(self.down, dtype=np.int64) + size, np.int16(1))
        count = flat.reshape(rows, size).cumsum(axis=0, dtype=np.int16)[:-1]
        return count.astype(np.uint8)


class WeekSimulation:
    """Simulates one week, from its stock to the next week's.

    `hour` `(M,)` is the local hour of each minute. The counts are plain lists: a Python loop that handles one
    rider at a time reads and writes lists faster than arrays.
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
        self.size = len(network.capacity)
        self.plain, self.electric = begin.plain.tolist(), begin.electric.tolist()
        self.broken, self.broken_electric = [0] * self.size, [0] * self.size
        self.free_docks = (network.capacity - begin.plain - begin.electric).tolist()
        self.urgency = 1 / np.sqrt(network.capacity)
        self.open = [True] * self.size
        self.load = list(begin.vans)
        self.workshop = list(begin.workshop)
        self.changes = [_CountChanges(self.minutes, self.size) for _ in range(3)]

    def run(self, start: int) -> Week:
        """Simulate all minutes of the week that begins at Unix second `start`."""
        requests, near, size = self.requests, self.network.near.tolist(), self.size
        origin, destination, ride = (
            column.tolist() for column in (requests.origin, requests.destination, requests.minutes)
        )
        count = len(origin)
        likes, walks, breaks, looks = (
            (self.rng.random(count) < share).tolist()
            for share in (_LIKES_ELECTRIC, _WALK_ON, _BREAKS, _LOOKS)
        )
        walk_on, detour = self._minutes_on(_WALK), self._minutes_on(_DETOUR)
        first = np.searchsorted(requests.minute, np.arange(self.minutes + 1)).tolist()
        # Riders on foot from an empty station, as (request, tries); riders under way, with the kind of bike.
        walking: list[list[tuple[int, int]]] = [[] for _ in range(self.minutes + _LONGEST)]
        arriving: list[list[tuple[int, int, bool]]] = [[] for _ in range(self.minutes + _LONGEST)]
        stops = self._stops()
        plain, electric, free_docks, open_ = self.plain, self.electric, self.free_docks, self.open
        bike_changes, electric_changes, broken_changes = self.changes
        rented, returned = bike_changes.down.append, bike_changes.up.append
        electric_rented, electric_returned = electric_changes.down.append, electric_changes.up.append
        for closure in self.closures:
            open_[closure.station] &= not closure.first <= -1 < closure.stop
        turning = {minute for closure in self.closures for minute in (closure.first, closure.stop)}
        ahead = [self.minutes - before for before in _AHEAD]
        riding = 0
        sums = []
        for minute in range(self.minutes):
            sums.append((riding, self.load[0] + self.load[1], self.workshop[0] + self.workshop[1]))
            base = minute * size
            if minute in turning:
                self._close_or_open(minute)
            for request, tries, is_electric in arriving[minute]:
                station = near[destination[request]][tries % _TURNS]
                least = _FEW if looks[request] and not tries else 0
                if free_docks[station] <= least or not open_[station]:
                    wait = detour[destination[request]][tries % _TURNS]
                    arriving[minute + wait].append((request, tries + 1, is_electric))
                    continue
                free_docks[station] -= 1
                riding -= 1
                if breaks[request]:
                    self.broken[station] += 1
                    self.broken_electric[station] += is_electric
                    broken_changes.up.append(base + station)
                    continue
                returned(base + station)
                if is_electric:
                    electric[station] += 1
                    electric_returned(base + station)
                else:
                    plain[station] += 1
            starting = [(request, 0) for request in range(first[minute], first[minute + 1])]
            for request, tries in walking[minute] + starting:
                station = near[origin[request]][tries]
                least = _FEW if looks[request] and not tries else 0
                if plain[station] + electric[station] <= least or not open_[station]:
                    if (walks[request] or looks[request]) and tries < 2:
                        walking[minute + walk_on[origin[request]][tries]].append((request, tries + 1))
                    continue
                minutes = ride[request]
                is_electric = electric[station] > 0 and (likes[request] or not plain[station])
                if is_electric:
                    electric[station] -= 1
                    electric_rented(base + station)
                    minutes = max(minutes * 4 // 5, 2)
                else:
                    plain[station] -= 1
                rented(base + station)
                free_docks[station] += 1
                riding += 1
                arriving[minute + minutes].append((request, 0, is_electric))
            for stop in stops[minute]:
                self._stop(minute, stop)
            if minute % 1440 == _MENDED or minute in ahead:
                self._mend()
            if minute in ahead:
                self._plan_ahead(minute, stops)
        riding_then, vans_then, shop_then = np.array(sums, dtype=np.int64).T
        return Week(
            start,
            bikes=bike_changes.by_minute(self.begin.plain + self.begin.electric),
            electric=electric_changes.by_minute(self.begin.electric),
            broken=broken_changes.by_minute(np.zeros(size, dtype=np.int64)),
            riding=riding_then,
            vans=vans_then,
            workshop=shop_then,
            closures=tuple(self.closures),
        )

    def _minutes_on(self, speed: float) -> list[list[int]]:
        """Give the minutes from each neighbour of a station to the next neighbour, `(S, N)`."""
        near = self.network.near
        leg = self.network.away[near, np.roll(near, -1, axis=1)]
        return np.maximum(np.round(leg / speed), 1).astype(np.int64).tolist()  # type: ignore[no-any-return]

    # ------------------------------------------------------------------ vans

    def _stops(self) -> list[list[int]]:
        """Plan when vans stop, by minute: -1 where the driver chooses a station then."""
        stops: list[list[int]] = [[] for _ in range(self.minutes)]
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
            self._move(minute, station, int(self.end.plain[station]), int(self.end.electric[station]))
            return
        stock = np.add(self.plain, self.electric)
        early = not 9 <= self.hour[minute] < 20
        target = self.network.morning if early else self.network.evening
        gap = (target - stock) * self.urgency + self.rng.normal(0, 0.35, self.size)
        gap += 1.2 * (stock <= 1) - 1.2 * (np.array(self.free_docks) <= 1)
        for closure in self.closures:
            if not self.open[closure.station]:
                gap[closure.station] = 0
        load = sum(self.load)
        most = _VAN_HOLDS * self.network.vans
        collect = load < most * 0.25 or (load < most * 0.75 and self.rng.random() < 0.5)
        station = int(gap.argmin() if collect else gap.argmax())
        want = float(target[station] - stock[station])
        if abs(want) < _WORTH_A_STOP:
            return
        by = int(np.clip(want, -14, 14))
        total = int(stock[station])
        if by * (-1 if collect else 1) <= 0:
            return
        share = self.electric[station] / total if by < 0 else self.load[1] / max(load, 1)
        electric = round(by * share)
        self._move(
            minute,
            station,
            max(self.plain[station] + by - electric, 0),
            max(self.electric[station] + electric, 0),
        )

    def _move(self, minute: int, station: int, plain: int, electric: int) -> None:
        """Bring a station as near to these counts as vans and docks allow, and take its broken bikes away."""
        broken, broken_electric = self.broken[station], self.broken_electric[station]
        if broken:
            self.workshop[0] += broken - broken_electric
            self.workshop[1] += broken_electric
            self.changes[2].add(minute, station, -broken)
            self.broken[station] = self.broken_electric[station] = 0
            self.free_docks[station] += broken
        for kind, (stock, want) in enumerate(((self.plain, plain), (self.electric, electric))):
            by = max(min(want - stock[station], self.load[kind], self.free_docks[station]), -stock[station])
            stock[station] += by
            self.load[kind] -= by
            self.free_docks[station] -= by
            if by:
                self.changes[0].add(minute, station, by)
                if kind == 1:
                    self.changes[1].add(minute, station, by)

    def _mend(self) -> None:
        """Move mended bikes from the workshop into vans; it keeps as many as at the start of the week."""
        for kind in (0, 1):
            mended = max(self.workshop[kind] - self.begin.workshop[kind], 0)
            self.workshop[kind] -= mended
            self.load[kind] += mended

    def _plan_ahead(self, minute: int, stops: list[list[int]]) -> None:
        """Spread the stops that set up next week's stock over the time until the correction, or the end.

        Vans collect surplus bikes first, as far as they have room, then bring them where bikes are missing.
        """
        final = minute != self.minutes - _AHEAD[0]
        minutes = _AHEAD[1] - 2 if final else _AHEAD[0] - _AHEAD[1] - 2
        surplus = np.add(self.plain, self.electric) - self.end.plain - self.end.electric
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
                self.open[closure.station] = False
                self._move(minute, closure.station, 0, 0)
            elif closure.stop == minute:
                self.open[closure.station] = True
