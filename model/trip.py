"""Plans a trip: where to take a bike and where to leave it, for a given minute of leaving.

The nearest station is the wrong answer when it will be empty, and so is the surest one when it is a quarter
of an hour away. Both count in minutes: the minutes of the way, and those that a miss costs, as often as it
happens. So the planner weighs every pair of stations within the walking limits in minutes; the least wins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from model.arrays import Floats, Ints
from model.frame import AT_LEAST, Frame
from model.globe import kilometres
from model.moments import chances_at

WALKING_KMH = 4.8
RIDING_KMH = 14.0
DETOUR = 1.3
"""The factor of streets on the distance as the crow flies."""

WALKING_LIMIT_MINUTES = 15.0
"""How far people walk to a bike, and again from it, unless they choose otherwise."""

MAX_WALKING_LIMIT_MINUTES = 60.0

MISS_MINUTES = 20.0
"""The cost of finding no bike, or no space. Walking on to a station that is known to have one takes 4 to 6
minutes (benchmarks/trip); riders do not know which has one, the next may be out as well, and nobody likes
it."""

PLAIN_MINUTES = 5.0
"""The cost of a plain bike to a rider who wants an e-bike: as much further such a rider walks for one."""

Ride = Literal["bike", "ebike", "ebike_first", "plain_bike"]
"""What is ridden: any bike, a bike of one kind, or an e-bike where there is one and else a plain bike."""

PLANS = 3
"""The best plan, and two to fall back on."""

_DAY_MINUTES = 1440.0

Point = tuple[float, float]
"""Latitude and longitude in WGS 84 degrees."""


@dataclass(frozen=True)
class TripPlan:
    """Where to take a bike and where to leave it.

    `pickup` and `dropoff` are positions in the frame's stations. `minutes` is the whole way: walking to the
    pick-up, riding, walking from the drop-off. `at_pickup_minutes` and `at_dropoff_minutes` are the times of
    arrival there, in minutes after the frame's `at`, as `leaving` is. Chances are from 0 to 1, and `chance`
    is that both ends work. `chance_ebike` is that of an e-bike where one is wanted first and a plain bike
    will do; else None. The planner chooses by `expected_minutes`.
    """

    pickup: int
    dropoff: int
    to_minutes: float
    riding_minutes: float
    from_minutes: float
    minutes: float
    at_pickup_minutes: float
    at_dropoff_minutes: float
    chance_bike: float
    chance_space: float
    chance: float
    expected_minutes: float
    chance_ebike: float | None = None

    @property
    def leaving(self) -> float:
        """When the rider leaves, in minutes after the frame's `at`."""
        return self.at_pickup_minutes - self.to_minutes


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pick-ups `(P,)` and drop-offs `(Q,)`, by position, with the minutes and chances of every pair.

    Minutes of walking are `(P,)` and `(Q,)`, those of riding `(P, Q)`. The time at a drop-off depends on the
    pick-up, so `chance_space` is `(P, Q)`, while `chance_bike` is `(P,)`. Both are not a number where there
    is no forecast. `chance_ebike` `(P,)` is there where an e-bike is wanted first, and 0 without a forecast.
    """

    leaving: float
    pickups: Ints
    dropoffs: Ints
    to_minutes: Floats
    riding_minutes: Floats
    from_minutes: Floats
    chance_bike: Floats
    chance_space: Floats
    chance_ebike: Floats | None = None

    @property
    def minutes(self) -> Floats:
        """Minutes from door to door, `(P, Q)`."""
        return self.to_minutes[:, None] + self.riding_minutes + self.from_minutes

    @property
    def chance(self) -> Floats:
        """The chance that both ends work, `(P, Q)`: the product of the two.

        Misses at the two ends are nearly independent: the product is off by 0.05 % of trips
        (benchmarks/trip).
        """
        return self.chance_bike[:, None] * self.chance_space

    @property
    def expected_minutes(self) -> Floats:
        """Minutes from door to door, plus `MISS_MINUTES` by the chance of a miss, `(P, Q)`.

        Where an e-bike is wanted first, plus `PLAIN_MINUTES` by the chance that only a plain bike is there.
        """
        expected: Floats = self.minutes + MISS_MINUTES * (1 - self.chance)
        if self.chance_ebike is not None:
            expected = expected + PLAIN_MINUTES * (self.chance_bike - self.chance_ebike)[:, None]
        return expected

    def plan(self, row: int, column: int) -> TripPlan:
        """Give one pair as a plan."""
        to, riding, back = (
            float(minutes)
            for minutes in (self.to_minutes[row], self.riding_minutes[row, column], self.from_minutes[column])
        )
        return TripPlan(
            pickup=int(self.pickups[row]),
            dropoff=int(self.dropoffs[column]),
            to_minutes=to,
            riding_minutes=riding,
            from_minutes=back,
            minutes=to + riding + back,
            at_pickup_minutes=self.leaving + to,
            at_dropoff_minutes=self.leaving + to + riding,
            chance_bike=float(self.chance_bike[row]),
            chance_space=float(self.chance_space[row, column]),
            chance=float(self.chance[row, column]),
            expected_minutes=float(self.expected_minutes[row, column]),
            chance_ebike=None if self.chance_ebike is None else float(self.chance_ebike[row]),
        )


def plan(
    frame: Frame,
    origin: Point,
    destination: Point,
    leaving: float = 0,
    *,
    people: int = 1,
    to_limit: float = WALKING_LIMIT_MINUTES,
    from_limit: float = WALKING_LIMIT_MINUTES,
    within: float = np.inf,
    ride: Ride = "bike",
) -> list[TripPlan]:
    """Choose where to take `people` bikes and where to leave them, `leaving` minutes from now: best first.

    The best plan has the least expected minutes: those from door to door, plus `MISS_MINUTES` by the chance
    of a miss. So ten per cent of chance are worth two minutes, and one per cent is worth twelve seconds. Two
    more plans are there to fall back on, whichever end fails: the best with another pick-up, and the best
    with another drop-off, in the order of their expected minutes. Where the walking limits leave no other
    station at that end, it is the next best pair. No pair appears twice. A plan has two different stations.
    Both are open at their end when the rider comes and have a forecast, and neither is certain to lack a bike
    or a space. None takes more than `within` minutes from door to door. There may be fewer than three plans,
    or none. `ride` is the kind of bikes; those are forecast for two hours where a frame tells them apart.

    Compare with `walk`: a plan may be slower than going on foot all the way. The frame ends after a day; its
    last chances hold for later arrivals.

    Raises `ValueError` for a limit, time, number or point out of range, and says what to give instead.
    """
    pickups, dropoffs = _in_reach(frame, origin, destination, to_limit, from_limit)
    pairs = weigh(frame, origin, destination, pickups, dropoffs, leaving, people=people, ride=ride)
    # Not a number is not above 0, so pairs without a forecast drop out here as well.
    possible = (pairs.chance > 0) & (pickups[:, None] != dropoffs) & (pairs.minutes <= within)
    return [pairs.plan(*place) for place in _choose(np.where(possible, pairs.expected_minutes, np.inf))]


def quickest(frame: Frame, origin: Point, destination: Point) -> float:
    """Give the minutes from door to door of the quickest pair of stations, whatever stands there.

    Infinite where there is no pair within the walking limits.
    """
    pickups, dropoffs = _in_reach(frame, origin, destination, WALKING_LIMIT_MINUTES, WALKING_LIMIT_MINUTES)
    minutes = weigh(frame, origin, destination, pickups, dropoffs).minutes
    return float(minutes[pickups[:, None] != dropoffs].min(initial=np.inf))


def _in_reach(
    frame: Frame, origin: Point, destination: Point, to_limit: float, from_limit: float
) -> tuple[Ints, Ints]:
    """Give the stations within the walking limits that rent bikes out near the start, and take them back."""
    for limit in (to_limit, from_limit):
        if not 0 <= limit <= MAX_WALKING_LIMIT_MINUTES:
            raise ValueError(
                f"a walking limit of {limit} minutes: give 0 to {MAX_WALKING_LIMIT_MINUTES:.0f} minutes"
            )
    to_minutes, from_minutes = (
        walking_minutes(point, (frame.stations.lat, frame.stations.lon)) for point in (origin, destination)
    )
    pickups = np.flatnonzero((to_minutes <= to_limit) & frame.rents_when_open)
    return pickups, np.flatnonzero((from_minutes <= from_limit) & frame.returns_when_open)


def weigh(
    frame: Frame,
    origin: Point,
    destination: Point,
    pickups: Ints,
    dropoffs: Ints,
    leaving: float = 0,
    *,
    people: int = 1,
    ride: Ride = "bike",
) -> Pairs:
    """Give the minutes and the chances of every pair of these stations.

    Raises `ValueError` for a time, a number of people or a point that the frame does not cover, and
    `LookupError` for a kind of bikes that it does not tell apart.
    """
    if not 0 <= leaving <= _DAY_MINUTES:
        raise ValueError(f"leaving in {leaving} minutes: give 0 to {_DAY_MINUTES:.0f}, a day from the frame")
    if people not in AT_LEAST:
        raise ValueError(f"a trip of {people}: give {AT_LEAST[0]} to {AT_LEAST[-1]} people")
    lat, lon = frame.stations.lat, frame.stations.lon
    starts, ends = (lat[pickups], lon[pickups]), (lat[dropoffs], lon[dropoffs])
    to_minutes = walking_minutes(origin, starts)
    across = kilometres((starts[0][:, None], starts[1][:, None]), ends)
    riding_minutes = across * DETOUR / RIDING_KMH * 60
    at_pickup = leaving + to_minutes
    row = AT_LEAST.index(people)
    taken = frame.outlooks["bike" if ride == "ebike_first" else ride]
    ebikes = frame.outlooks["ebike"] if ride == "ebike_first" else None
    return Pairs(
        leaving=float(leaving),
        pickups=pickups,
        dropoffs=dropoffs,
        to_minutes=to_minutes,
        riding_minutes=riding_minutes,
        from_minutes=walking_minutes(destination, ends),
        chance_bike=chances_at(frame, taken.chance[row], pickups, at_pickup),
        chance_space=chances_at(
            frame, frame.space.chance[row], dropoffs, at_pickup[:, None] + riding_minutes
        ),
        chance_ebike=None
        if ebikes is None
        else np.nan_to_num(chances_at(frame, ebikes.chance[row], pickups, at_pickup)),
    )


def walking_minutes(point: Point, others: tuple[ArrayLike, ArrayLike]) -> Floats:
    """Give the minutes on foot between a point and others, in the shape of the others.

    Raises `ValueError` when the point is nowhere on earth.
    """
    lat, lon = point
    if not (abs(lat) <= 90 and abs(lon) <= 180):
        raise ValueError(f"no place on earth is at {lat}, {lon}: give latitude and longitude in degrees")
    return kilometres((lat, lon), others) * DETOUR / WALKING_KMH * 60


def walk(origin: Point, destination: Point) -> float:
    """Give the minutes on foot all the way. Tell the rider where no plan is faster.

    Raises `ValueError` when a point is nowhere on earth.
    """
    walking_minutes(destination, (np.zeros(0), np.zeros(0)))  # raises for a destination out of range
    return float(walking_minutes(origin, destination))


def _choose(cost: Floats) -> list[tuple[int, int]]:
    """Pick places in a table of costs `(P, Q)`, inf where there is no plan: see `plan`."""
    best = _least(cost, [])
    if best is None:
        return []
    elsewhere_from, elsewhere_to = cost.copy(), cost.copy()
    elsewhere_from[best[0], :] = np.inf
    elsewhere_to[:, best[1]] = np.inf
    chosen = [best]
    for table in (elsewhere_from, elsewhere_to, cost, cost):
        place = _least(table, chosen)
        if place is not None and len(chosen) < PLANS:
            chosen.append(place)
    return sorted(chosen, key=lambda place: float(cost[place]))


def _least(cost: Floats, taken: list[tuple[int, int]]) -> tuple[int, int] | None:
    """Give the place of the least cost that is not taken, None where there is none."""
    left = cost.copy()
    for place in taken:
        left[place] = np.inf
    if not np.isfinite(left).any():
        return None
    row, column = np.unravel_index(np.argmin(left), left.shape)
    return int(row), int(column)
