"""What goes into the kernels and comes out of them, as named arrays. Nothing here is compiled."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.arrays import Array32, Bools, Floats, Ints

KERNEL = "numba-4"
"""The name of these kernels in checkpoints. It changes whenever forecasts do."""

LANES_STEP = 16
"""Forecasts are made for a multiple of these: vector instructions serve so many stations at once."""

EDGES = np.array([-0.45, -0.3, -0.2, -0.12, -0.05, 0.05, 0.12, 0.2, 0.3, 0.45], dtype=np.float32)
"""Distances of fill from the usual fill, between which the occupancy effect has a factor each."""

NO_FORECAST = 255
"""Stands in `Columns.chance` for a station without a forecast."""

CERTAIN = 255
"""What stands for a probability of 1 in the levels of a forecast on record.

Half, and each tenth, lie between two levels.
"""

SHIFT_FEATURES = 6
"""What a shift follows from: the expected change, and what `model.demand.today` knows."""

LARGEST_SHIFT = 0.45
"""With less than a half either way, no count's odds fall below 0."""

BINS = 10
"""Bins of the probability integral transform, and of the stated odds."""


class StationArrays(NamedTuple):
    """The S stations of a forecast, `(S,)`: their counts, places and flags as 0 or 1.

    Stations that are alike lie side by side, and so they do in all other arrays of S. They are a multiple of
    `LANES_STEP`: the last one may be repeated.
    """

    bikes: Ints
    places: Ints
    returning: Array32
    renting: Array32


class ChainArrays(NamedTuple):
    """The C chains and what moves them, in T steps of time of which the first `near` are exact.

    `demand` `(C,)` is the position in `flows` `(D, T, 2, S)`, the expected arrivals and departures in each
    step. `scale` `(C, 2)` multiplies them. `pulled` `(C,)` tells where the occupancy effect applies, and
    `far` where the chain goes beyond the near steps. `shares` `(T, S)` is the open part of each step; of
    length 0 where all are open. `cell` `(T,)` is the position in `usual` `(cells, S)`, the usual fill.
    `knot` `(T,)` is in which of the chain's two slots the odds after each step are kept; -1 where nobody asks
    for them. `by_fill` `(2, 10)` and `by_distance` `(2, 11)` are the factors; the distances of
    the second lie between `EDGES`.
    """

    demand: Ints
    scale: Array32
    pulled: Bools
    far: Bools
    near: int
    flows: Array32
    shares: Array32
    knot: Ints
    cell: Ints
    usual: Array32
    by_fill: Array32
    by_distance: Array32


class SpreadArrays(NamedTuple):
    """Changes by horizon, from −(C − 1)/2 to (C − 1)/2: `counts` `(H, C, S)`, and the `city`'s `(H, C)`.

    The city's have the weight that they are worth to a station.
    """

    counts: Array32
    city: Array32


class ClimatologyArrays(NamedTuple):
    """The time `spent` `(G, bins, S)` at each fill, in seconds, in the G hours that are asked for.

    `always` `(bins, S)` is what the time over all hours is worth.
    """

    spent: NDArray[np.uint16]
    always: Array32


class Knots(NamedTuple):
    """Where the odds of E experts lie at H horizons, among the `slots` for the knots that are kept.

    The first slot is now. A chain has two from `chains` `(C,)` on, which its knots take in turns; the usual
    changes have one a knot from `spread` on; `climatology` has one. Those from `dense_slot` on are of D
    experts that no kernel computes, with odds `dense` `(K, S, N)`; `dense_at` `(D, H)` is the knot of each.
    `low`, `high` and `share` `(E, H)` are the slots before and after each horizon, and how far the way is
    from one to the other; `low` is -1 beyond an expert's reach. By a horizon the chains have made `steps`
    `(H,)`, and the hour of climatology is `hour` `(H,)`.
    """

    slots: int
    spread: int
    climatology: int
    chains: Ints
    dense_slot: int
    dense: Array32
    dense_at: Ints
    low: Ints
    high: Ints
    share: Array32
    steps: Ints
    hour: Ints


class PoolArrays(NamedTuple):
    """The pool's weights and the guard's corrections.

    `weight` `(L, E, S)` are the weights at the learnt horizons; `low`, `high` and `share` `(H,)` tell where
    each of H horizons lies between two of them. The curves that stretch the pooled probability are
    straight in each tenth: `begin + rise × 10 F`, both `(H, 10)`. `held` `(H, S)` tells where the median
    stays at "as now". `certain` `(H,)` tells where the horizon is now, so that nothing has changed. The shift
    follows from `features` `(F − 1, S)`, in bikes, by `coefficients` `(H, F)`, and has a `gain` `(H, S)`.
    """

    weight: Array32
    low: Ints
    high: Ints
    share: Array32
    begin: Array32
    rise: Array32
    held: Bools
    certain: Bools
    features: Array32
    coefficients: Array32
    gain: Array32


class Columns(NamedTuple):
    """A side's columns of a frame: `median`, `low`, `high` `(H, R)`, and `chance` `(4, H, R)` in per cent."""

    median: NDArray[np.int16]
    low: NDArray[np.int16]
    high: NDArray[np.int16]
    chance: NDArray[np.uint8]


class IssuedArrays(NamedTuple):
    """A forecast on record of E experts and R stations: see `model.scoring.issue.Pending`.

    The levels of an expert and station begin at `begin` `(E, R)` in `levels`. The guard's curve is given as
    lines, `line` and `rise` `(10,)`. The shift's are `features` `(F − 1, R)`, `coefficients` `(F,)` and
    `gain` `(R,)`.
    """

    first: NDArray[Any]
    length: NDArray[Any]
    begin: Ints
    levels: NDArray[np.uint8]
    weight: NDArray[np.uint16]
    line: Array32
    rise: Array32
    held: Bools
    median: NDArray[Any]
    bikes: Ints
    docks: Ints
    places: Ints
    seed_bikes: Floats
    features: Array32
    coefficients: Array32
    gain: Array32


class Judged(NamedTuple):
    """What the judged stations show, for M models: the experts, the seed pipeline if it ran, and the pool.

    `errors` `(5, M, n)` are the absolute error of the median, the squared error of the mean, the CRPS, and
    the Brier scores of a bike and of a dock, the last not a number where docks are unknown. `tenths`
    `(M, 10)` is the probability integral transform. `odds` `(3, M, 2, 10)` are by tenth of the odds of a
    bike and of a dock: the forecasts, their odds, and how many came true. `gram` `(n, E, E)` are the
    products of the experts' weighted errors. `median` `(n,)` and `pooled_tenths`
    `(10,)` are the pool's, shifted, before the guard. `normal` `(F, F)` and `moment` `(F,)` are the normal
    equations of the shift; `agreed` and `moved` `(n,)` tell how well it did.
    """

    errors: Floats
    tenths: Floats
    odds: Floats
    gram: Array32
    median: Ints
    pooled_tenths: Floats
    normal: Floats
    moment: Floats
    agreed: Floats
    moved: Floats


class TripArrays(NamedTuple):
    """The trips that people in a made-up city request, in the order of their minutes, `(R,)`.

    They have `origin` and `destination`, and the `minutes` of the ride. The riders' habits are flags: they
    like electric bikes, walk on from an empty station, break the bike, or look at the map first. The trips
    of minute `m` begin at `first[m]`, `(T + 1,)`.
    """

    origin: Ints
    destination: Ints
    minutes: Ints
    likes_electric: Bools
    walks_on: Bools
    breaks: Bools
    looks: Bools
    first: Ints


class StationNeighbours(NamedTuple):
    """The stations `near` each, itself first, and the minutes to the next of them, `(S, N)`.

    `walk` is on foot, and `search` by bike.
    """

    near: Ints
    walk: Ints
    search: Ints


class StationStock(NamedTuple):
    """What stands at each station of a made-up city, `(S,)`, and whether it is `open`.

    Of the `broken` bikes, `broken_electric` are electric.
    """

    plain: Ints
    electric: Ints
    broken: Ints
    broken_electric: Ints
    free_docks: Ints
    open: Bools


class RidesUnderWay(NamedTuple):
    """The trips `(R,)` that have begun: stations tried in vain, the kind of bike, and the trip behind.

    `queues` `(2, 2, T)` are the first and the last of those who come in a minute, on foot and by bike. -1
    stands for none.
    """

    tries: Ints
    electric: Bools
    following: Ints
    queues: Ints

    @classmethod
    def none(cls, trips: int, minutes: int) -> RidesUnderWay:
        """Begin with nobody under way."""
        return cls(
            tries=np.zeros(trips, dtype=np.int64),
            electric=np.zeros(trips, dtype=np.bool_),
            following=np.full(trips, -1),
            queues=np.full((2, 2, minutes), -1),
        )


class MinuteCounts(NamedTuple):
    """The bikes at each station as each minute begins, `(T + 1, S)`, and those that are `riding`, `(T + 1,)`.

    `bikes` counts both kinds.
    """

    bikes: NDArray[np.uint8]
    electric: NDArray[np.uint8]
    broken: NDArray[np.uint8]
    riding: Ints

    @classmethod
    def blank(cls, minutes: int, size: int) -> MinuteCounts:
        """Begin with zeros everywhere."""
        bikes, electric, broken = np.zeros((3, minutes + 1, size), dtype=np.uint8)
        return cls(bikes, electric, broken, riding=np.zeros(minutes + 1, dtype=np.int64))
