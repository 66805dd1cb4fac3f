"""What is learnt from the changes between two snapshots, in one pass over all stations for each component."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.arrays import Array32, Bools, Floats, Ints
from model.kernels.lanes import compiled
from model.kernels.records import EDGES

_QUARTER_HOURS = 96
"""The slots of a day that are smoothed twice."""

_LONGER, _EXPONENT = np.uint32(23 - 10), np.uint32((127 - 15) << 23)
"""How a positive float of 16 bits becomes one of 32: so many bits more, and the exponent's other zero."""

_MOST_SECONDS = 65535
"""What 16 bits count to."""


@compiled
def count_riders(
    events: Array32,
    exposure: Array32,
    rates: Array32,
    factors: Array32,
    riders: Array32,
    free: Bools,
    hours: float,
) -> Floats:
    """Add riders and hours to the `events` and the `exposure` of a slot, all `(2, S)`.

    `riders` came or went in `hours`, where it was `free`. The weather multiplies `rates` by `factors` `(2,)`:
    an hour of half the riders, for rain, is half an hour's exposure. Gives the riders seen and expected of
    all stations, `(2, 2)`: seen and expected for each side.
    """
    totals = np.zeros((2, 2))
    for side in range(2):
        factor = factors[side]
        spent = np.float32(hours) * factor
        for row in range(riders.shape[1]):
            events[side, row] += riders[side, row]
            totals[side, 0] += riders[side, row]
            if free[side, row]:
                exposure[side, row] += spent
                totals[side, 1] += rates[side, row] * factor
        totals[side, 1] *= hours
    return totals


@compiled
def usual_fill(filled: Array32, time: Array32, cells: Ints) -> Array32:
    """Give the usual fill of all stations in half-hours, `(C, S)`, drawn to their mean by an hour's worth.

    It is `filled` over `time`, both `(day types, slots, S)`, smoothed with the half-hours beside. `cells`
    `(C, 2)` are day types and slots.
    """
    slots, size = filled.shape[1], filled.shape[2]
    one, half = np.float32(1), np.float32(0.5)
    all_filled, all_time = np.zeros(size, dtype=np.float32), np.zeros(size, dtype=np.float32)
    for of_day in range(filled.shape[0]):
        for of_slot in range(slots):
            for row in range(size):
                all_filled[row] += filled[of_day, of_slot, row]
            for row in range(size):
                all_time[row] += time[of_day, of_slot, row]
    usual = np.empty((len(cells), size), dtype=np.float32)
    for cell in range(len(cells)):
        day_type, slot = cells[cell]
        before, after = (slot - 1) % slots, (slot + 1) % slots
        for row in range(size):
            beside = filled[day_type, before, row] + filled[day_type, after, row]
            beside_time = time[day_type, before, row] + time[day_type, after, row]
            mean = (all_filled[row] + half) / (all_time[row] + one)
            here = filled[day_type, slot, row] + beside * half
            usual[cell, row] = (here + mean) / (time[day_type, slot, row] + beside_time * half + one)
    return usual


@compiled
def count_by_fill(
    fill: Floats,
    usual: Array32,
    riders: Array32,
    free: Bools,
    rates: Array32,
    hours: Floats,
    by_fill: Floats,
    by_distance: Floats,
) -> tuple[Floats, Floats]:
    """Count riders seen and expected by tenth of fill, `(2, 2, 10)`, and by distance, `(2, 2, 11)`.

    `fill` and `usual` are `(S,)`; `riders`, `rates` and `free` `(2, S)`. Rates count for `hours` `(2,)`. The
    factors `by_distance` `(2, 11)` go into what is expected by fill, and `by_fill` `(2, 10)` into what is
    expected by distance. Both tables give what was seen before what was expected.
    """
    tenths = by_fill.shape[1]
    of_fill, of_distance = np.zeros((2, 2, tenths)), np.zeros((2, 2, len(EDGES) + 1))
    for row in range(len(fill)):
        tenth = min(np.int64(fill[row] * tenths), tenths - 1)
        distance, off = fill[row] - np.float64(usual[row]), 0
        while off < len(EDGES) and np.float64(EDGES[off]) < distance:
            off += 1
        for side in range(2):
            of_fill[0, side, tenth] += riders[side, row]
            of_distance[0, side, off] += riders[side, row]
            if free[side, row]:
                expected = np.float64(rates[side, row]) * hours[side]
                of_fill[1, side, tenth] += expected * by_distance[side, off]
                of_distance[1, side, off] += expected * by_fill[side, tenth]
    return of_fill, of_distance


@compiled
def spend(spent: NDArray[np.uint16], bikes: Ints, places: Ints, known: Bools, seconds: int) -> None:
    """Add seconds to the time `spent` `(levels, S)` at each level of fill, up to what 16 bits count to.

    The first level is empty, the last one full, and even steps lie between.
    """
    levels = spent.shape[0]
    for row in range(len(bikes)):
        if not known[row] or places[row] <= 0:
            continue
        if bikes[row] >= places[row]:
            level = levels - 1
        elif bikes[row] <= 0:
            level = 0
        else:
            level = (bikes[row] - 1) * (levels - 2) // max(places[row] - 1, 1) + 1
        grown = np.int64(spent[level, row]) + seconds
        spent[level, row] = _MOST_SECONDS if grown > _MOST_SECONDS else grown


@compiled
def smoothed_rates(
    events: Array32,
    hours: Array32,
    profile: Array32,
    level: Array32,
    bend: NDArray[np.uint16],
    weight: float,
) -> Array32:
    """Give smoothed events over smoothed hours, both `(day types, slots, 2, S)`, drawn to a prior.

    The prior is the `profile` `(day types, slots)` times the `level` `(2, S)` times the `bend`, and is worth
    `weight` events. The bend, shaped as the events, comes as the bits of its 16-bit floats, above 0.0001.
    Smoothing is over about an hour of slots: each with its neighbours, twice where slots are quarter-hours.
    """
    days, slots, sides, size = events.shape
    rates, worth = np.empty_like(events), np.float32(weight)
    seen, spent = np.empty((sides, size), dtype=np.float32), np.empty((sides, size), dtype=np.float32)
    bits, drawn = np.empty(size, dtype=np.uint32), np.empty(size, dtype=np.float32)
    bent = bits.view(np.float32)
    for day in range(days):
        for slot in range(slots):
            _smooth(seen, events[day], slot)
            _smooth(spent, hours[day], slot)
            of_city = profile[day, slot]
            for side in range(sides):
                for row in range(size):
                    bits[row] = (np.uint32(bend[day, slot, side, row]) << _LONGER) + _EXPONENT
                for row in range(size):
                    drawn[row] = worth / (of_city * level[side, row] * bent[row])
                for row in range(size):
                    rates[day, slot, side, row] = (seen[side, row] + worth) / (spent[side, row] + drawn[row])
    return rates


@compiled
def _smooth(smooth: Array32, table: Array32, slot: int) -> None:
    """Smooth one slot of `table` `(slots, 2, S)` into `smooth` `(2, S)`."""
    slots, sides, size = table.shape
    first, before, after, last = (
        (slot - 2) % slots,
        (slot - 1) % slots,
        (slot + 1) % slots,
        (slot + 2) % slots,
    )
    for side in range(sides):
        if slots < _QUARTER_HOURS:
            for row in range(size):
                smooth[side, row] = _between(
                    table[before, side, row], table[slot, side, row], table[after, side, row]
                )
        else:
            for row in range(size):
                near, here, far = table[before, side, row], table[slot, side, row], table[after, side, row]
                smooth[side, row] = _between(
                    _between(table[first, side, row], near, here),
                    _between(near, here, far),
                    _between(here, far, table[last, side, row]),
                )


@compiled
def _between(before: np.float32, here: np.float32, after: np.float32) -> np.float32:
    """Give half of a slot with a quarter of each neighbour."""
    return (before + after) * np.float32(0.25) + here * np.float32(0.5)
