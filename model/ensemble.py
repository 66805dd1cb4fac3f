"""The ensemble: experts, the pool that mixes their odds, the shift by what is known of today, the guard."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from model import kernels
from model.arrays import Array32, Bools, Ints
from model.demand.calendar import Calendar
from model.demand.today import Today
from model.experts.expert import DAY_MINUTES, Now
from model.experts.inputs import InputBuilder
from model.experts.registry import ExpertInputs, build_experts
from model.kernels.records import CERTAIN, Columns, PoolArrays
from model.mixing.guard import Guard
from model.mixing.pool import CELLS, Pool
from model.mixing.shift import Shift
from model.present import Present
from model.records import UNKNOWN
from model.scoring.issue import NEAR_SCORED


class Ensemble:
    """The experts with their `pool`, `shift` and `guard`, which learn at the scored `minutes`."""

    def __init__(
        self, size: int, minutes: tuple[int, ...], inputs: ExpertInputs, today: Today, calendar: Calendar
    ) -> None:
        self.experts = build_experts(inputs)
        self._inputs = InputBuilder(self.experts, inputs)
        self.pool = Pool(
            size,
            minutes,
            [expert.name for expert in self.experts],
            [expert.reach for expert in self.experts],
            [expert.first_weight for expert in self.experts],
        )
        self.shift = Shift(size, tuple(each for each in minutes if each in NEAR_SCORED))
        self.guard = Guard(size, minutes)
        self._today = today
        self._calendar = calendar

    def odds(self, present: Present, rows: Ints, age: Ints, minutes: Ints) -> Array32:
        """Forecast stations whose counts are `age` `(S,)` minutes old, for rising minutes, `(H, S, N)`."""
        most, features = int(present.places[rows].max(initial=0)) + 1, self.features(present)
        mixed = np.ones((len(minutes), len(rows), most), dtype=np.float32)
        for group, now, wanted in self._groups(present, rows, age, minutes):
            cdf = np.empty((len(wanted), int(now.places.max()) + 1, len(group)), dtype=np.float32)
            pool = self._pool(present, now, wanted, features)
            kernels.pooled_odds(*self._inputs.build(now, wanted), pool, cdf)
            mixed[:, group, : cdf.shape[1]] = cdf.swapaxes(1, 2)
        return mixed

    def summarise(
        self, present: Present, size: int, minutes: Sequence[int], at_least: Sequence[int]
    ) -> tuple[Columns, Columns]:
        """Summarise the forecasts of the first `size` stations, for rising minutes: bikes, then docks.

        `chance` has a row for each of `at_least`.
        """
        rows, age = np.arange(size), present.age()[:size]
        bikes, docks = (counts[:size] for counts in present.latest.begin())
        known = (bikes >= 0) & (age >= 0)
        known_docks, features = known & (docks >= 0), self.features(present)
        bike, space = (_columns(len(minutes), size, len(at_least)) for _ in range(2))
        for group, now, wanted in self._groups(present, rows, np.maximum(age, 0), np.asarray(minutes)):
            columns = [_columns(len(minutes), len(group), len(at_least)) for _ in range(2)]
            kernels.frame_columns(
                np.asarray(at_least),
                known[group],
                known_docks[group],
                *self._inputs.build(now, wanted),
                self._pool(present, now, wanted, features),
                *columns,
            )
            _put(columns[0], group, bike)
            _put(columns[1], group, space)
        return bike, space

    def expert_levels(
        self, present: Present, begin: Ints, minutes: Sequence[int], features: Array32
    ) -> tuple[NDArray[np.uint8], Ints]:
        """Give what goes on record: every expert's P(bikes ≤ k) in 255ths, and the medians of the pool.

        The levels `(H, E, Σ places + 1)` of a station begin at `begin` `(R + 1,)`, and are 255 beyond an
        expert's reach. The medians are `(H, R)`; `features` are the shift's.
        """
        levels = np.full((len(minutes), len(self.experts), int(begin[-1])), CERTAIN, dtype=np.uint8)
        medians = np.zeros((len(minutes), len(present.places)), dtype=np.int64)
        if len(present.places):
            order = self._inputs.order(np.arange(len(present.places)), present.places)
            now = present.now(order)
            inputs, pool = self._inputs.build(now, minutes), self._pool(present, now, minutes, features)
            kernels.expert_levels(order, begin[order], *inputs, pool, levels, medians)
        return levels, medians

    def features(self, present: Present) -> Array32:
        """Give the features of the shift at every station, `(F − 1, R)`, in bikes."""
        bikes = np.where(present.age() >= 0, present.latest.begin()[0], UNKNOWN)
        return self._today.features(present.at, bikes, np.maximum(present.places, 0))

    def shift_of(self, present: Present, minutes: Sequence[int], rows: Ints) -> tuple[Array32, Array32]:
        """Give the coefficients of the shift `(H, F)` at the issue time, and its gain `(H, S)`."""
        hour = self._calendar.cell(present.at, CELLS[1])
        return self.shift.coefficients(minutes, hour), self.shift.gain(minutes, rows)

    def held(self, present: Present, minutes: Sequence[int], rows: Ints) -> Bools:
        """Tell where the median is held at "as now", `(H, S)`: everywhere in a city's first day."""
        if present.first_day:
            return np.ones((len(minutes), len(rows)), dtype=np.bool_)
        return self.guard.held(minutes, rows)

    def _groups(
        self, present: Present, rows: Ints, age: Ints, minutes: Ints
    ) -> Iterator[tuple[Ints, Now, list[int]]]:
        """Split stations by the age of their counts: positions, counts, and the minutes from that time.

        They are in the kernels' order, in which the last one may be repeated.
        """
        if not len(minutes):
            return
        for minutes_old in np.unique(age).tolist():
            group = np.flatnonzero(age == minutes_old)
            group = group[self._inputs.order(rows[group], present.places[rows[group]])]
            now = present.now(rows[group], minutes_old)
            yield group, now, np.minimum(minutes + minutes_old, DAY_MINUTES).tolist()

    def _pool(self, present: Present, now: Now, minutes: Sequence[int], features: Array32) -> PoolArrays:
        low, high, share = self.pool.between(minutes)
        begin, rise = self.guard.tenth_lines(minutes)
        certain = (np.array(minutes) == 0) & (now.at == present.at)
        held = self.held(present, minutes, now.rows)
        return PoolArrays(
            self.pool.weight.take(now.rows, axis=2),
            low,
            high,
            share,
            begin,
            rise,
            held,
            certain,
            features.take(now.rows, axis=1),
            *self.shift_of(present, minutes, now.rows),
        )


def _columns(horizons: int, size: int, numbers: int) -> Columns:
    median, low, high = (np.empty((horizons, size), dtype=np.int16) for _ in range(3))
    return Columns(median, low, high, np.empty((numbers, horizons, size), dtype=np.uint8))


def _put(columns: Columns, rows: Ints, into: Columns) -> None:
    """Put the columns of some stations where the `rows` say."""
    for name in Columns._fields:
        found, every = getattr(columns, name), getattr(into, name)
        kernels.put_stations(found.reshape(-1, len(rows)), rows, every.reshape(-1, every.shape[-1]))


def mirror(cdf: Array32, places: Ints) -> Array32:
    """Turn P(bikes ≤ k) into P(docks ≤ k): k docks or fewer are `places` − k bikes or more."""
    if not cdf.size:
        return cdf.copy()
    below = places - 1 - np.arange(cdf.shape[-1])[:, None]
    at = np.maximum(below, 0) * len(places) + np.arange(len(places))
    docks = np.take(cdf.swapaxes(1, 2).reshape(len(cdf), -1), at, axis=1)
    np.subtract(1, docks, out=docks)
    docks[:, below < 0] = 1
    mirrored: Array32 = docks.swapaxes(1, 2)
    return mirrored
