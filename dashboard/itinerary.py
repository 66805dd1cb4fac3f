"""A trip's two ends, its plans by the clock, and the reason where there is no plan."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from dashboard.outlook import serves, side, station_index
from dashboard.state import address_bar
from dashboard.state.address_bar import Screen
from dashboard.store_reader import View
from dashboard.words import formats, rules
from dashboard.words import hours as hours_words
from dashboard.words import trip as trip_words
from dashboard.words.rules import What
from model import departures, trip
from model.arrays import Bools, Floats
from model.departures import Departures
from model.frame import NO_FORECAST, Frame
from model.trip import WALKING_LIMIT_MINUTES, Point, TripPlan, walking_minutes

_ROUNDING = 1e-6
"""Minutes that a plan may be late by, since sums of floats are rounded."""

SAME_MINUTES = 1.0
"""Two ends less than this apart on foot are one place."""


@dataclass(frozen=True)
class End:
    """Where a trip starts or goes. `row` is that of the station; None for a place that is not a station."""

    point: Point
    name: str
    row: int | None = None


def end(frame: Frame, written: str, here: Point | None) -> End | None:
    """Read an end as an address has it: a station's id, `here`, or latitude and longitude.

    None for an empty one, for a station that the frame does not have, and for `here` of a viewer whose place
    is not known.
    """
    row = station_index(frame, written)
    if row is not None:
        stations = frame.stations
        return End((float(stations.lat[row]), float(stations.lon[row])), str(stations.name[row]), row)
    if written == address_bar.HERE:
        return None if here is None else End(here, trip_words.WHERE_YOU_ARE())
    point = place(written)
    return None if point is None else End(point, formats.place(*point))


def place(written: str) -> Point | None:
    """Read a place from an address; None where it is not a place.

    >>> place("53.345,-6.265"), place("91,0"), place("nan,1"), place("s1")
    ((53.345, -6.265), None, None, None)
    """
    try:
        lat, lon = (float(degrees) for degrees in written.split(","))
    except ValueError:
        return None
    sound = math.isfinite(lat) and math.isfinite(lon) and abs(lat) <= 90 and abs(lon) <= 180
    return (lat, lon) if sound else None


def same(start: End, goal: End) -> bool:
    """Tell whether both ends are one place."""
    return trip.walk(start.point, goal.point) < SAME_MINUTES


def plans(
    view: View, start: End, goal: End, minutes: float, screen: Screen, there: datetime | None = None
) -> list[TripPlan]:
    """Plan a trip that leaves so many minutes from now, best first, and is there by `there`.

    `screen` says how many ride, and what. A frame's minutes begin at its counts.
    """
    assert view.frame is not None
    leaving = minutes + _minutes(view.age)
    within = math.inf if there is None else _minutes(there - view.frame.at) - leaving + _ROUNDING
    return trip.plan(
        view.frame, start.point, goal.point, leaving, people=screen.n, ride=screen.ride, within=within
    )


def leaving_from(view: View, start: End, goal: End, minutes: float, screen: Screen) -> Departures | None:
    """Look at the departures from so many minutes from now on."""
    assert view.frame is not None
    leaving = minutes + _minutes(view.age)
    return departures.leave_from(
        view.frame, start.point, goal.point, leaving, people=screen.n, ride=screen.ride
    )


def arriving(view: View, start: End, goal: End, there: datetime, screen: Screen) -> Departures | None:
    """Look at the departures from now on that are there in time."""
    assert view.frame is not None
    there_by, earliest = _minutes(there - view.frame.at), _minutes(view.age)
    return departures.arrive_by(
        view.frame, start.point, goal.point, there_by,
        earliest=earliest, people=screen.n, ride=screen.ride,
    )  # fmt: skip


def whole_minute(at: datetime) -> datetime:
    """Give the last whole minute: what is there by then is also there by the clock that people read."""
    return at.replace(second=0, microsecond=0)


def _minutes(length: timedelta) -> float:
    return length / timedelta(minutes=1)


@dataclass(frozen=True)
class Itinerary:
    """A plan in whole minutes and by the clock, so that the numbers on screen add up."""

    leave: datetime
    to: int
    riding: int
    back: int

    @classmethod
    def of(cls, plan: TripPlan, leave: datetime) -> Itinerary:
        """Round a plan: its parts are the differences of rounded times, so their sum is the rounded whole."""
        there = round(plan.to_minutes)
        left = round(plan.to_minutes + plan.riding_minutes)
        return cls(leave, there, left - there, round(plan.minutes) - left)

    @property
    def minutes(self) -> int:
        """Minutes from door to door."""
        return self.to + self.riding + self.back

    def at(self, minutes: int) -> datetime:
        """Give the time so many minutes after leaving."""
        return self.leave + timedelta(minutes=minutes)


def per_cent(chance: float) -> int:
    """Round a chance to per cent; only a chance within 0.05 % of certainty becomes 0 or 100.

    >>> [per_cent(chance) for chance in (0.874, 0.997, 0.9999, 0.001)]
    [87, 99, 100, 1]
    """
    if chance < 0.0005 or chance >= 0.9995:
        return 100 * round(chance)
    return min(max(round(100 * chance), 1), 99)


def why_not(view: View, start: End, goal: End, minutes: float, screen: Screen) -> str:
    """Explain why there is no plan: by the first reason at either end, else that no pair works."""
    frame, people, taken = view.frame, screen.n, rules.TAKEN[screen.ride]
    assert frame is not None
    near = {}
    there = frame.at + timedelta(minutes=minutes) + view.age
    ends: tuple[tuple[What, End], ...] = (("bike", start), ("space", goal))
    for what, at in ends:
        walk = walking_minutes(at.point, (frame.stations.lat, frame.stations.lon))
        near[what] = walk <= WALKING_LIMIT_MINUTES
        if not near[what].any():
            return trip_words.none_near(what)
        near[what] &= serves(frame, what)
        if not near[what].any():
            return trip_words.none_open(what)
        if what == "space":
            pickups, dropoffs = np.flatnonzero(near["bike"]), np.flatnonzero(near["space"])
            ways = trip.weigh(frame, start.point, goal.point, pickups, dropoffs, people=people)
            walk[dropoffs] = (ways.to_minutes[:, None] + ways.riding_minutes).min(axis=0)
        shut = closed_by_hours(view, what, there, walk, near[what])
        if shut:
            return shut
        wanted = taken if what == "bike" else what
        if (side(frame, wanted).chance[people - 1][:, near[what]] == NO_FORECAST).all():
            return trip_words.none_known(wanted)
    if near["bike"].sum() == 1 and np.array_equal(near["bike"], near["space"]):
        return trip_words.ONE_STATION()
    return trip_words.no_pair(people, taken)


def closed_by_hours(view: View, what: What, leave: datetime, minutes: Floats, near: Bools) -> str:
    """Say that all stations near an end are closed when the rider comes, `minutes` `(S,)` after leaving.

    Empty where any is open then.
    """
    frame = view.frame
    if frame is None or frame.hours is None:
        return ""
    rows = np.flatnonzero(near)
    arrivals = leave.timestamp() + 60 * minutes[rows]
    if frame.hours.is_open(rows, arrivals).any():
        return ""
    first = int(rows[np.argmin(arrivals)])
    arrival = datetime.fromtimestamp(float(arrivals.min()), UTC)
    opens = frame.hours.state(first, arrival).opens_at
    now = frame.hours.state(first, view.now)
    closes = now.closes_at if now.is_open else None
    return hours_words.no_trip(
        what,
        "" if closes is None else formats.moment(closes, view.now, view.zone),
        "" if opens is None else formats.moment(opens, view.now, view.zone),
    )
