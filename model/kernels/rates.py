"""Expected arrivals and departures of all stations, in steps of time."""

from __future__ import annotations

from model.arrays import Array32, Ints
from model.kernels.lanes import compiled


@compiled
def flows_in_steps(rates: Array32, cells: Ints, factors: Array32, hours: Array32, flows: Array32) -> None:
    """Write the expected arrivals and departures in T steps into `flows` `(T, 2, R)`.

    `rates` `(day types, slots, 2, R)` are per hour, `cells` `(T, 2)` pick from them, `factors` `(T, 2)`
    multiply them, and the steps take `hours` `(T,)`.
    """
    sides, size = rates.shape[2], rates.shape[3]
    for step in range(len(cells)):
        day_type, slot = cells[step]
        for side in range(sides):
            factor = factors[step, side] * hours[step]
            for row in range(size):
                flows[step, side, row] = rates[day_type, slot, side, row] * factor
