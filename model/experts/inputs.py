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
    LANES_STEP,
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
    """What follows from the horizons alone: the chains that reach them, their steps, and all slots.

    See `Knots` for what is not told here; `chain_knots` are the knots of a chain that are kept, in turns.
    """

    chains: tuple[ChainExpert, ...]
    far: Bools
    grid: Floats
    chain_knots: Ints
    first_slots: Ints
    spread: int
    climatology: int
    low: Ints
    high: Ints
    share: Array32
    steps: Ints


class InputBuilder:
    """Brings what was learnt into the form that the kernels take."""

    def __init__(self, experts: Sequence[Expert], learnt: ExpertInputs) -> None:
        self._experts = tuple(experts)
        self._learnt = learnt
        self._layouts: dict[tuple[int, ...], _Layout] = {}
        self._in_numpy = [
            (place, each, each.model)
            for place, each in enumerate(experts)
            if isinstance(each.model, OddsModel)
        ]

    def order(self, rows: Ints, places: Ints) -> Ints:
        """Put stations of like size and pace side by side: the largest and the busiest of a block decide.

        The last is repeated until they are a multiple of what kernels take.
        """
        order = np.lexsort((self._learnt.short_demand.pace[rows], places // _ALIKE))
        return np.pad(order, (0, -len(order) % LANES_STEP), mode="edge")

    def build(self, now: Now, minutes: Sequence[int]) -> KernelInputs:
        """Give the inputs for rising `minutes` after `now.at`; at least one station and one horizon.

        The stations are in the `order` that is to be given first.
        """
        changes, climatology = self._learnt.changes, self._learnt.climatology
        layout = self._layouts.get(tuple(minutes)) or self._lay_out(tuple(minutes))
        hours, hour_of = climatology.cells_ahead(now.at, np.array(minutes, dtype=np.float64))
        dense, known = [], 0
        dense_at = np.full((len(self._in_numpy), len(minutes)), -1)
        for place, (_, expert, model) in enumerate(self._in_numpy):
            within = expert.within(minutes)
            if within:
                dense_at[place, : len(within)] = np.arange(known, known + len(within))
                dense.append(model.odds(now, within))
                known += len(within)
        return KernelInputs(
            StationArrays(
                now.bikes,
                now.places,
                now.returning.astype(np.float32),
                now.renting.astype(np.float32),
            ),
            self._chains(now, layout),
            SpreadArrays(changes.counts.take(now.rows, axis=-1), changes.of_city()),
            ClimatologyArrays(
                climatology.spent[hours[:, 0], hours[:, 1]].take(now.rows, axis=-1),
                climatology.always().take(now.rows, axis=-1),
            ),
            Knots(
                layout.climatology + 1 + len(dense_at),
                layout.spread,
                layout.climatology,
                layout.first_slots,
                layout.climatology + 1,
                np.concatenate(dense) if dense else np.zeros((0, 1, 1), dtype=np.float32),
                dense_at,
                layout.low,
                layout.high,
                layout.share,
                layout.steps,
                hour_of,
            ),
        )

    def _lay_out(self, minutes: tuple[int, ...]) -> _Layout:
        """Number the slots: now, two a chain, the learnt horizons of changes, the hour, those in NumPy."""
        reaching = [
            (index, expert.model, expert.within(minutes))
            for index, expert in enumerate(self._experts)
            if isinstance(expert.model, ChainExpert) and expert.within(minutes)
        ]
        last = max((within[-1] for _, _, within in reaching), default=0)
        grid = _GRID[: int(np.searchsorted(_GRID, last)) + 1]
        asked = _asked_for(grid, minutes)
        first_slots = 1 + 2 * np.arange(len(reaching))
        spread = 1 + 2 * len(reaching)
        learnt = np.array([0, *self._learnt.changes.minutes], dtype=np.float64)
        climatology = spread + len(learnt)
        low = np.full((len(self._experts), len(minutes)), -1)
        high, share = low.copy(), np.zeros(low.shape, dtype=np.float32)
        steps = np.zeros(len(minutes), dtype=np.int64)

        def place(index: int, known: Floats, first: int, slots: int) -> Floats:
            """Place an expert's horizons between its knots; give the last moment that each needs."""
            at = np.interp(self._experts[index].within(minutes), known, np.arange(len(known)))
            knot, reached = at.astype(np.int64), slice(len(at))
            low[index, reached], high[index, reached] = first + knot % slots, first + (knot + 1) % slots
            share[index, reached] = at - knot
            return known[knot + (at > knot)]

        moments = grid[np.concatenate([[True], asked])]
        for (index, _, within), first in zip(reaching, first_slots.tolist(), strict=True):
            until = np.searchsorted(grid, place(index, moments, first, 2))
            steps[: len(within)] = np.maximum(steps[: len(within)], until)
        for index, expert in enumerate(self._experts):
            reached = len(expert.within(minutes))
            if isinstance(expert.model, SpreadExpert):
                place(index, learnt, spread, len(learnt))
            elif isinstance(expert.model, NaiveExpert):
                low[index, :reached] = 0
            elif isinstance(expert.model, ClimatologyExpert):
                low[index, :reached] = climatology
        for slot, (index, expert, _) in enumerate(self._in_numpy, climatology + 1):
            low[index, : len(expert.within(minutes))] = slot
        layout = _Layout(
            chains=tuple(model for _, model, _ in reaching),
            far=np.array([within[-1] > NEAR_MINUTES for _, _, within in reaching], dtype=np.bool_),
            grid=grid,
            chain_knots=np.where(asked, np.cumsum(asked) % 2, -1),
            first_slots=first_slots,
            spread=spread,
            climatology=climatology,
            low=low,
            high=high,
            share=share,
            steps=np.maximum.accumulate(steps),
        )
        self._layouts[minutes] = layout
        return layout

    def _chains(self, now: Now, layout: _Layout) -> ChainArrays:
        grid, effect = layout.grid, self._learnt.occupancy_effect
        demands = list(dict.fromkeys(chain.demand for chain in layout.chains))
        usual, usual_at = effect.usual_ahead(now.at, (grid[:-1] + grid[1:]) / 2)
        flows = np.empty((len(demands), len(grid) - 1, 2, len(now.rows)), dtype=np.float32)
        for demand, each in zip(demands, flows, strict=True):
            demand.flows_ahead(now.at, grid, now.rows, each)
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
            knot=layout.chain_knots,
            cell=usual_at,
            usual=usual.take(now.rows, axis=-1),
            by_fill=by_fill.astype(np.float32),
            by_distance=by_distance.astype(np.float32),
        )


def _asked_for(grid: Floats, minutes: Sequence[int]) -> Bools:
    """Tell at the end of which steps the odds are asked for, or lie beside a minute asked for, `(T,)`.

    The steps end at `grid` `(T + 1,)` from the second on.
    """
    place = np.interp(minutes, grid, np.arange(len(grid)))
    asked: Bools = np.isin(np.arange(1, len(grid)), np.concatenate([np.floor(place), np.ceil(place)]))
    return asked
