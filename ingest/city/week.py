"""A week of a made-up city, minute by minute: bikes taken, ridden, left, broken, and moved by vans.

A week begins on Monday at four in the morning from a plan of its own: the night before, vans bring each
station to it, and the few bikes still under way then count as picked up. So a week needs no other week before
it, and any moment is never further than one away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest.city.riders import Wishes
from model.arrays import Floats, Ints

_WALK_ON = 0.55
"""Share of riders who find a station empty and walk to the next."""
_LOOKS, _FEW = 0.4, 2
"""Share of riders who look first and do not rely on the last bikes, or docks, and how many these are."""
_TURNS = 8
"""Neighbours that a rider tries before starting over."""
_WALK, _DETOUR = 75.0, 170.0
"""Metres a minute on foot, and looking for a dock by bike."""
_LIKES_ELECTRIC = 0.68
_BREAKS = 0.0015
_LONGEST = 600
"""Minutes after the end of the week that its last riders may come home."""
_VAN_HOLDS = 22
_WORTH_A_STOP = 6
_STOP_MINUTES = (11, 26)
_AHEAD = (225, 40)
"""Minutes before the end of the week at which vans begin to bring about the next one's plan, and mend it."""
_MENDED = 60
"""The minute of the day at which the workshop hands out what it has mended."""


@dataclass(frozen=True, eq=False)
class Stock:
    """Bikes of both kinds at each station `(S,)`, and those in vans and workshop: what a week begins with."""

    plain: Ints
    electric: Ints
    vans: tuple[int, int]
    workshop: tuple[int, int]

    @property
    def fleet(self) -> int:
        """All bikes there are."""
        return int(self.plain.sum() + self.electric.sum()) + sum(self.vans) + sum(self.workshop)


@dataclass(frozen=True, eq=False)
class Works:
    """A station that is closed from one minute of the week to another."""

    station: int
    first: int
    stop: int


@dataclass(frozen=True, eq=False)
class Week:
    """What stood where: a row a minute from Unix second `start` on, `(T, S)`; sums `(T,)` of all else.

    `broken` bikes stand at a dock each and cannot be had.
    """

    start: int
    bikes: NDArray[np.uint8]
    electric: NDArray[np.uint8]
    broken: NDArray[np.uint8]
    riding: Ints
    vans: Ints
    workshop: Ints
    works: tuple[Works, ...]


@dataclass(frozen=True, eq=False)
class Town:
    """What a week needs to know of a town.

    `near` `(S, N)` are each station's neighbours, itself first, `away` `(S, S)` metres, `morning` and
    `evening` `(S,)` the bikes that vans aim for before the rush hours.
    """

    capacity: Ints
    near: Ints
    away: Floats
    morning: Floats
    evening: Floats
    vans: int


class _Log:
    """Changes of a count by station and minute, written down as they come: where it rose, and where it fell.

    A place is minute times stations plus station.
    """

    def __init__(self, minutes: int, size: int) -> None:
        self._minutes, self._size = minutes, size
        self.up: list[int] = []
        self.down: list[int] = []

    def add(self, minute: int, station: int, by: int) -> None:
        """Write down a change by more than one."""
        (self.up if by > 0 else self.down).extend([minute * self._size + station] * abs(by))

    def through_time(self, start: Ints) -> NDArray[np.uint8]:
        """Give the count at each minute, before what happens in it, `(T, S)`."""
        rows, size = self._minutes + 1, self._size
        flat = np.zeros(rows * size, dtype=np.int16)
        flat[:size] = start
        np.add.at(flat, np.array(self.up, dtype=np.int64) + size, np.int16(1))
        np.subtract.at(flat, np.array(self.down, dtype=np.int64) + size, np.int16(1))
        count = flat.reshape(rows, size).cumsum(axis=0, dtype=np.int16)[:-1]
        return count.astype(np.uint8)


class Run:
    """One week under way, whose minutes have local hours `(M,)`, from one stock to the next week's.

    Plain lists, since a rider at a time is cheaper in them than in arrays.
    """

    def __init__(
        self,
        town: Town,
        begin: Stock,
        end: Stock,
        wishes: Wishes,
        hour: Floats,
        works: Sequence[Works],
        random: np.random.Generator,
    ) -> None:
        self.town, self.begin, self.end, self.works, self.random = town, begin, end, works, random
        self.wishes, self.hour, self.minutes = wishes, hour, len(hour)
        self.size = len(town.capacity)
        self.plain, self.electric = begin.plain.tolist(), begin.electric.tolist()
        self.broken, self.broken_electric = [0] * self.size, [0] * self.size
        self.room = (town.capacity - begin.plain - begin.electric).tolist()
        self.urgency = 1 / np.sqrt(town.capacity)
        self.open = [True] * self.size
        self.load = list(begin.vans)
        self.shop = list(begin.workshop)
        self.logs = [_Log(self.minutes, self.size) for _ in range(3)]

    def through(self, start: int) -> Week:
        """Go through the minutes."""
        wishes, near, size = self.wishes, self.town.near.tolist(), self.size
        origin, destination, ride = (
            column.tolist() for column in (wishes.origin, wishes.destination, wishes.minutes)
        )
        count = len(origin)
        likes, walks, breaks, looks = (
            (self.random.random(count) < share).tolist()
            for share in (_LIKES_ELECTRIC, _WALK_ON, _BREAKS, _LOOKS)
        )
        walk_on, detour = self._minutes_on(_WALK), self._minutes_on(_DETOUR)
        first = np.searchsorted(wishes.minute, np.arange(self.minutes + 1)).tolist()
        # Who comes on foot from an empty station, as (wish, tries); who comes riding, with the kind of bike.
        afoot: list[list[tuple[int, int]]] = [[] for _ in range(self.minutes + _LONGEST)]
        coming: list[list[tuple[int, int, bool]]] = [[] for _ in range(self.minutes + _LONGEST)]
        stops = self._stops()
        plain, electric, room, open_ = self.plain, self.electric, self.room, self.open
        bikes_log, electric_log, broken_log = self.logs
        rented, returned = bikes_log.down.append, bikes_log.up.append
        electric_rented, electric_returned = electric_log.down.append, electric_log.up.append
        for work in self.works:
            open_[work.station] &= not work.first <= -1 < work.stop
        changes = {minute for work in self.works for minute in (work.first, work.stop)}
        ahead = [self.minutes - before for before in _AHEAD]
        riding = 0
        sums = []
        for minute in range(self.minutes):
            sums.append((riding, self.load[0] + self.load[1], self.shop[0] + self.shop[1]))
            base = minute * size
            if minute in changes:
                self._close_or_open(minute)
            for wish, tries, is_electric in coming[minute]:
                station = near[destination[wish]][tries % _TURNS]
                least = _FEW if looks[wish] and not tries else 0
                if room[station] <= least or not open_[station]:
                    wait = detour[destination[wish]][tries % _TURNS]
                    coming[minute + wait].append((wish, tries + 1, is_electric))
                    continue
                room[station] -= 1
                riding -= 1
                if breaks[wish]:
                    self.broken[station] += 1
                    self.broken_electric[station] += is_electric
                    broken_log.up.append(base + station)
                    continue
                returned(base + station)
                if is_electric:
                    electric[station] += 1
                    electric_returned(base + station)
                else:
                    plain[station] += 1
            starting = [(wish, 0) for wish in range(first[minute], first[minute + 1])]
            for wish, tries in afoot[minute] + starting:
                station = near[origin[wish]][tries]
                least = _FEW if looks[wish] and not tries else 0
                if plain[station] + electric[station] <= least or not open_[station]:
                    if (walks[wish] or looks[wish]) and tries < 2:
                        afoot[minute + walk_on[origin[wish]][tries]].append((wish, tries + 1))
                    continue
                minutes = ride[wish]
                is_electric = electric[station] > 0 and (likes[wish] or not plain[station])
                if is_electric:
                    electric[station] -= 1
                    electric_rented(base + station)
                    minutes = max(minutes * 4 // 5, 2)
                else:
                    plain[station] -= 1
                rented(base + station)
                room[station] += 1
                riding += 1
                coming[minute + minutes].append((wish, 0, is_electric))
            for stop in stops[minute]:
                self._stop(minute, stop)
            if minute % 1440 == _MENDED or minute in ahead:
                self._mend()
            if minute in ahead:
                self._plan_ahead(minute, stops)
        riding_then, vans_then, shop_then = np.array(sums, dtype=np.int64).T
        return Week(
            start,
            bikes=bikes_log.through_time(self.begin.plain + self.begin.electric),
            electric=electric_log.through_time(self.begin.electric),
            broken=broken_log.through_time(np.zeros(size, dtype=np.int64)),
            riding=riding_then,
            vans=vans_then,
            workshop=shop_then,
            works=tuple(self.works),
        )

    def _minutes_on(self, speed: float) -> list[list[int]]:
        """Give the minutes from each neighbour to the next one, `(S, N)`."""
        near = self.town.near
        leg = self.town.away[near, np.roll(near, -1, axis=1)]
        return np.maximum(np.round(leg / speed), 1).astype(np.int64).tolist()  # type: ignore[no-any-return]

    # ------------------------------------------------------------------ vans

    def _stops(self) -> list[list[int]]:
        """Plan when vans stop: -1 for a stop of their own choice, else the station that is on the plan."""
        stops: list[list[int]] = [[] for _ in range(self.minutes)]
        at_work = (
            (self.hour >= 22.5) | (self.hour < 3.5)
            | ((self.hour >= 5.75) & (self.hour < 8)) | ((self.hour >= 13.5) & (self.hour < 16.75))
        )  # fmt: skip
        for _ in range(self.town.vans):
            minute = int(self.random.integers(*_STOP_MINUTES))
            while minute < self.minutes - _AHEAD[0]:
                if at_work[minute]:
                    stops[minute].append(-1)
                minute += int(self.random.integers(*_STOP_MINUTES))
        return stops

    def _stop(self, minute: int, station: int) -> None:
        """Let a van bring a station to the plan, or choose where it is needed most."""
        if station >= 0:
            self._move(minute, station, int(self.end.plain[station]), int(self.end.electric[station]))
            return
        stock = np.add(self.plain, self.electric)
        early = not 9 <= self.hour[minute] < 20
        target = self.town.morning if early else self.town.evening
        gap = (target - stock) * self.urgency + self.random.normal(0, 0.35, self.size)
        gap += 1.2 * (stock <= 1) - 1.2 * (np.array(self.room) <= 1)
        for work in self.works:
            if not self.open[work.station]:
                gap[work.station] = 0
        load = sum(self.load)
        most = _VAN_HOLDS * self.town.vans
        collect = load < most * 0.25 or (load < most * 0.75 and self.random.random() < 0.5)
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
        """Bring a station as near to these counts as vans and docks allow, and take what is broken along."""
        broken, broken_electric = self.broken[station], self.broken_electric[station]
        if broken:
            self.shop[0] += broken - broken_electric
            self.shop[1] += broken_electric
            self.logs[2].add(minute, station, -broken)
            self.broken[station] = self.broken_electric[station] = 0
            self.room[station] += broken
        for kind, (stock, want) in enumerate(((self.plain, plain), (self.electric, electric))):
            by = max(min(want - stock[station], self.load[kind], self.room[station]), -stock[station])
            stock[station] += by
            self.load[kind] -= by
            self.room[station] -= by
            if by:
                self.logs[0].add(minute, station, by)
                if kind == 1:
                    self.logs[1].add(minute, station, by)

    def _mend(self) -> None:
        """Hand to the vans what the workshop has beyond what it always has."""
        for kind in (0, 1):
            mended = max(self.shop[kind] - self.begin.workshop[kind], 0)
            self.shop[kind] -= mended
            self.load[kind] += mended

    def _plan_ahead(self, minute: int, stops: list[list[int]]) -> None:
        """Spread the visits that bring about next week's plan over the time until the next look, or the end.

        A surplus is picked up before what is missing is brought, as far as the vans hold.
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
        """Close a station for works, and take its bikes away; or open it again."""
        for work in self.works:
            if work.first == minute:
                self.open[work.station] = False
                self._move(minute, work.station, 0, 0)
            elif work.stop == minute:
                self.open[work.station] = True
