"""Today: what is known of this day beyond the usual one, as features that say where counts will move.

A station that holds more than usual will hold more than usual in an hour, and so will its neighbours. Bikes
that are under way will arrive. Rates know nothing of this: they are those of a usual day, times what all
stations have in common.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np

from model.arrays import ARRIVALS, DEPARTURES, Array32, Floats, Ints, take_rows
from model.component import Component
from model.demand.occupancy_effect import OccupancyEffect
from model.demand.rates import Demand, Events
from model.globe import nearest

FEATURES = ("over", "near over", "net", "near net", "under way")

_NEAREST = 5
_NET_MINUTES = 60.0
_RIDE_MINUTES = 20.0
"""About as long as a ride takes: who left earlier has arrived."""

_FEW_RIDERS = 5.0
"""Departures so few that they say nothing of who is under way."""


class Today(Component):
    """The `net` flow of each station over the expected `(S,)`, and the `riders` of the city `(2,)`.

    Both fade: the flow within an hour, the riders within a ride. `near` `(S, 5)` are the nearest stations of
    each, -1 where there are fewer.
    """

    ARRAYS = ("net", "riders")

    def __init__(self, size: int, demand: Demand, occupancy: OccupancyEffect) -> None:
        self._demand = demand
        self._occupancy = occupancy
        self.net: Floats = np.zeros(size)
        self.riders: Floats = np.zeros(2)
        self.near: Ints = np.full((size, _NEAREST), -1)

    def reorder(self, rows: Ints) -> None:
        """Reorder the stations; -1 in `rows` stands for a new one. `move` must follow."""
        self.net = take_rows(self.net, rows, 0)

    def move(self, lat: Floats, lon: Floats) -> None:
        """Take over where the stations are, `(S,)`: not a number for one that is gone."""
        self.near = nearest(lat, lon, _NEAREST)

    def learn(self, events: Events, expected: Floats) -> None:
        """Learn from what happened between two snapshots, where riders were `expected` `(2, S)`."""
        minutes = events.hours * 60
        over = events.riders - expected * events.free
        self.net *= np.exp(-minutes / _NET_MINUTES)
        self.net += over[ARRIVALS] - over[DEPARTURES]
        self.riders *= np.exp(-minutes / _RIDE_MINUTES)
        self.riders += events.riders.sum(axis=1, dtype=np.float64)

    def begin_anew(self) -> None:
        """Forget the day so far: nobody knows what happened in a hole."""
        self.net[:] = 0
        self.riders[:] = 0

    def features(self, at: datetime, bikes: Ints, places: Ints) -> Array32:
        """Give the `FEATURES` at a moment, in bikes, `(5, S)`.

        They are the `bikes` `(S,)` that forecasts begin with over the usual ones, 0 where bikes are -1; the
        mean of that at the nearest stations; the net flow over the expected; the mean of that; and the bikes
        under way, as a share of all that have left, times a station's arrivals an hour.
        """
        usual = self._occupancy.usual(np.array([self._occupancy.cell(at)]))[0] * places
        over = np.where(bikes >= 0, bikes - usual, 0)
        arrived, left = self.riders.tolist()
        under_way = (left - arrived) / (left + _FEW_RIDERS) * self._demand.at(at)[ARRIVALS]
        return np.stack(
            [over, self._near_mean(over), self.net, self._near_mean(self.net), under_way], dtype=np.float32
        )

    def _near_mean(self, values: Floats) -> Floats:
        known = self.near >= 0
        mean: Floats = np.where(known, values[self.near], 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        return mean
