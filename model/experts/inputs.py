"""What the kernels take: counts, rates and usual fill at the moments that the experts know, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from model.arrays import Array32, Bools, Floats, Ints
from model.experts.chain import ChainExpert
from model.experts.climatology import ClimatologyExpert
from model.experts.expert import NEAR_MINUTES, Expert, Now, OddsModel
from model.experts.naive import NaiveExpert
from model.experts.registry import ExpertInputs
from model.experts.spread import SpreadExpert
from model.kernels.records import (
    ChainArrays,
    ClimatologyArrays,
    Knots,
    SpreadArrays,
    StationArrays,
)

_GRID = np.array(
    [0, 5, 10, 15, 20, *range(30, NEAR_MINUTES + 1, 10), *range(150, 1441, 30)], dtype=np.float64
)
"""Where the chains' steps of time begin and end, in minutes from now; rates do not change within a step."""

_NEAR_STEPS = int((_GRID <= NEAR_MINUTES).sum()) - 1

_ALIKE = 4
"""Stations whose places differ by fewer are as good as of one size."""

_NEIGHBOURS = 512
"""With all of 20,000 stations in one order, a frame costs three fifths more a station."""


class KernelInputs(NamedTuple):
    """The arguments that all kernels of `model.kernels.outlook` share, in C order.

    A kernel is compiled anew for arrays in another order: `warm_up` would not have compiled that.
    """

    stations: StationArrays
    chains: ChainArrays
    spread: SpreadArrays
    climatology: ClimatologyArrays
    knots: Knots


class _Layout(NamedTuple):
    """What follows from the horizons alone: the chains that reach them, their steps, and all fixed knots."""

    chains: tuple[ChainExpert, ...]
    far: Bools
    grid: Floats
    first_knots: Ints
    knot: Ints
    spread: int
    climatology: int
    low: Ints
    share: Array32


class InputBuilder:
    """Brings what was learnt into the form that the kernels take."""

    def __init__(self, experts: Sequence[Expert], learnt: ExpertInputs) -> None:
        self._experts = tuple(experts)
        self._learnt = learnt
        self._layouts: dict[tuple[int, ...], _Layout] = {}
        self._by_hour = [
            (place, each) for place, each in enumerate(experts) if isinstance(each.model, ClimatologyExpert)
        ]
        self._in_numpy = [
            (place, each, each.model)
            for place, each in enumerate(experts)
            if isinstance(each.model, OddsModel)
        ]

    def order(self, now: Now) -> Ints:
        """Put stations of like size and pace side by side: the largest and the busiest of a block decide.

        Each five hundred neighbours are put in order by themselves: what is known of them fits into a cache.
        """
        group = np.arange(len(now.rows)) // _NEIGHBOURS
        order: Ints = np.lexsort((self._learnt.short_demand.pace[now.rows], now.places // _ALIKE, group))
        return order

    def build(self, now: Now, minutes: Sequence[int]) -> KernelInputs:
        """Give the inputs for rising `minutes` after `now.at`; at least one station and one horizon."""
        changes, climatology = self._learnt.changes, self._learnt.climatology
        layout = self._layouts.get(tuple(minutes)) or self._lay_out(tuple(minutes))
        hours, hour_of = climatology.cells_ahead(now.at, np.array(minutes, dtype=np.float64))
        first = layout.climatology + len(hours)
        low, dense = layout.low.copy(), []
        for index, expert in self._by_hour:
            reached = len(expert.within(minutes))
            low[index, :reached] = layout.climatology + hour_of[:reached]
        for index, expert, model in self._in_numpy:
            within = expert.within(minutes)
            if within:
                low[index, : len(within)] = np.arange(first, first + len(within))
                dense.append(model.odds(now, within))
                first += len(within)
        return KernelInputs(
            StationArrays(
                now.rows,
                now.bikes,
                now.places,
                now.returning.astype(np.float32),
                now.renting.astype(np.float32),
            ),
            self._chains(now, layout),
            SpreadArrays(changes.counts, changes.of_city()),
            ClimatologyArrays(climatology.spent, climatology.always(), hours),
            Knots(
                first,
                layout.spread,
                layout.climatology,
                layout.first_knots,
                np.concatenate(dense) if dense else np.zeros((0, 1, 1), dtype=np.float32),
                low,
                layout.share,
            ),
        )

    def _lay_out(self, minutes: tuple[int, ...]) -> _Layout:
        """Number the knots: now, each chain's steps, the learnt horizons of changes, the hours asked for."""
        reaching = [
            (index, expert.model, expert.within(minutes))
            for index, expert in enumerate(self._experts)
            if isinstance(expert.model, ChainExpert) and expert.within(minutes)
        ]
        last = max((within[-1] for _, _, within in reaching), default=0)
        grid = _GRID[: int(np.searchsorted(_GRID, last)) + 1]
        knot = _asked_for(grid, minutes)
        each = int(knot.max(initial=0)) + 1
        first_knots = 1 + each * np.arange(len(reaching))
        spread = 1 + each * len(reaching)
        learnt = np.array([0, *self._learnt.changes.minutes], dtype=np.float64)
        low = np.full((len(self._experts), len(minutes)), -1)
        share = np.zeros(low.shape, dtype=np.float32)

        def place(index: int, first: int, known: Floats, within: Sequence[int]) -> None:
            at = np.interp(within, known, np.arange(len(known)))
            low[index, : len(within)] = first + at.astype(np.int64)
            share[index, : len(within)] = at - at.astype(np.int64)

        for first, (index, _, within) in zip(first_knots.tolist(), reaching, strict=True):
            place(index, first, grid[np.concatenate([[True], knot >= 0])], within)
        for index, expert in enumerate(self._experts):
            if isinstance(expert.model, SpreadExpert):
                place(index, spread, learnt, expert.within(minutes))
            elif isinstance(expert.model, NaiveExpert):
                low[index, : len(expert.within(minutes))] = 0
        layout = _Layout(
            chains=tuple(model for _, model, _ in reaching),
            far=np.array([within[-1] > NEAR_MINUTES for _, _, within in reaching], dtype=np.bool_),
            grid=grid,
            first_knots=first_knots,
            knot=knot,
            spread=spread,
            climatology=spread + len(learnt),
            low=low,
            share=share,
        )
        self._layouts[minutes] = layout
        return layout

    def _chains(self, now: Now, layout: _Layout) -> ChainArrays:
        grid, effect = layout.grid, self._learnt.occupancy_effect
        demands = list(dict.fromkeys(chain.demand for chain in layout.chains))
        usual, usual_at = effect.usual_ahead(now.at, (grid[:-1] + grid[1:]) / 2)
        flows = np.empty(
            (len(demands), len(grid) - 1, 2, self._learnt.long_demand.rates.shape[-1]), np.float32
        )
        for demand, each in zip(demands, flows, strict=True):
            demand.flows_ahead(now.at, grid, each)
        shares = None if now.by_hours is None else now.by_hours.shares(now.at, grid[1:], now.rows)
        by_fill, by_distance = effect.tables()
        return ChainArrays(
            demand=np.array([demands.index(chain.demand) for chain in layout.chains], dtype=np.int64),
            scale=np.array(
                [(chain.arrivals, chain.departures) for chain in layout.chains], dtype=np.float32
            ).reshape(-1, 2),
            pulled=np.array([chain.occupancy_effect is not None for chain in layout.chains], dtype=np.bool_),
            far=layout.far,
            near=min(_NEAR_STEPS, len(grid) - 1),
            flows=flows,
            shares=np.zeros((0, 0), dtype=np.float32) if shares is None else shares.astype(np.float32, "C"),
            knot=layout.knot,
            cell=usual_at,
            usual=usual,
            by_fill=by_fill.astype(np.float32),
            by_distance=by_distance.astype(np.float32),
        )


def _asked_for(grid: Floats, minutes: Sequence[int]) -> Ints:
    """Number the steps at whose end the odds are asked for, or that lie beside a minute asked for, from 1.

    The others, `(T,)` of which end at `grid` `(T + 1,)` from the second on, get -1.
    """
    place = np.interp(minutes, grid, np.arange(len(grid)))
    asked = np.isin(np.arange(1, len(grid)), np.concatenate([np.floor(place), np.ceil(place)]))
    return np.where(asked, np.cumsum(asked), -1)
