"""Finds out when to leave: the chance of a trip by leaving time, the latest good departure and the best."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from model.frame import Frame
from model.trip import Point, Ride, TripPlan, plan, quickest

PROMISE = 0.9
"""A departure is good where its trip works with at least this chance. It is the chance of "almost sure"."""

STEP_MINUTES = 5
"""Minutes between two departures that are looked at."""

WINDOW_MINUTES = 180
"""How far departures may lie from the first one, or before the last one."""

_DAY_MINUTES = 1440.0


@dataclass(frozen=True)
class Departures:
    """The recommended plan of each departure, in the order of leaving; never empty.

    `latest` is the last of the good departures, and the last that a rider may wait for: None where no
    departure is good. `best` has the highest chance, in whole per cent.
    """

    plans: tuple[TripPlan, ...]
    latest: TripPlan | None
    best: TripPlan

    @property
    def first_good(self) -> TripPlan | None:
        """The first of the good departures; None where there is none."""
        return next((made for made in self.plans if made.chance >= PROMISE), None)


def leave_from(
    frame: Frame, origin: Point, destination: Point, leaving: float, *, people: int = 1, ride: Ride = "bike"
) -> Departures | None:
    """Look at the departures from `leaving` minutes after the frame on; None where none has a plan.

    `latest` ends the first stretch of good departures: a rider who leaves later may find nothing, whatever
    comes after. Of several best departures the earliest counts.

    Raises `ValueError` as `model.trip.plan` does.
    """
    last = min(leaving + WINDOW_MINUTES, _DAY_MINUTES)
    times = np.arange(leaving, last + 1e-9, STEP_MINUTES)
    plans = _plans(frame, origin, destination, times, people, ride)
    if not plans:
        return None
    good = [made.chance >= PROMISE for made in plans]
    first = good.index(True) if any(good) else len(plans)
    end = next((place for place in range(first, len(plans)) if not good[place]), len(plans))
    latest = plans[end - 1] if first < len(plans) else None
    return Departures(plans, latest, max(plans, key=_per_cent))


def arrive_by(
    frame: Frame,
    origin: Point,
    destination: Point,
    there_by: float,
    *,
    earliest: float = 0,
    people: int = 1,
    ride: Ride = "bike",
) -> Departures | None:
    """Look at the departures of trips that end at most `there_by` minutes after the frame.

    The last departure is that of the quickest pair of stations, the others are earlier by whole steps, back
    to `earliest`. None where none has a plan that ends in time. Of several best departures the latest counts.

    Raises `ValueError` as `model.trip.plan` does.
    """
    least = quickest(frame, origin, destination)
    if math.isinf(least):
        return None
    last = min(there_by - math.ceil(least), _DAY_MINUTES)
    first = max(earliest, last - WINDOW_MINUTES)
    leaving = np.arange(last, first - 1e-9, -STEP_MINUTES)[::-1]
    plans = _plans(frame, origin, destination, leaving, people, ride, there_by)
    if not plans:
        return None
    good = [made for made in plans if made.chance >= PROMISE]
    best = max(reversed(plans), key=_per_cent)
    return Departures(plans, good[-1] if good else None, best)


def _per_cent(made: TripPlan) -> int:
    """Round a chance: only one within 0.05 % of certainty becomes 100."""
    return 100 if made.chance >= 0.9995 else min(round(100 * made.chance), 99)


def _plans(
    frame: Frame,
    origin: Point,
    destination: Point,
    leaving: Iterable[float],
    people: int,
    ride: Ride,
    there_by: float = math.inf,
) -> tuple[TripPlan, ...]:
    """Give the best plan of each departure that has one."""
    found = (
        plan(frame, origin, destination, float(at), people=people, within=there_by - float(at), ride=ride)
        for at in leaving
    )
    return tuple(plans[0] for plans in found if plans)
