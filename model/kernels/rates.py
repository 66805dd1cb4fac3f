"""Expected arrivals and departures of all stations, in steps of time."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from model.arrays import Array32, Ints
from model.kernels.lanes import compiled


@compiled
def flows_in_steps(
    rates: Array32, rows: Ints, cells: Ints, factors: Array32, hours: Array32, flows: Array32
) -> None:
    """Write the expected arrivals and departures at the stations `rows` `(S,)` in T steps, `(T, 2, S)`.

    `rates` `(day types, slots, 2, R)` are per hour, `cells` `(T, 2)` pick from them, `factors` `(T, 2)`
    multiply them, and the steps take `hours` `(T,)`.
    """
    sides = rates.shape[2]
    for step in range(len(cells)):
        day_type, slot = cells[step]
        for side in range(sides):
            factor = factors[step, side] * hours[step]
            by_row = rates[day_type, slot, side]
            for place in range(len(rows)):
                flows[step, side, place] = by_row[rows[place]] * factor


@compiled
def put_stations(table: NDArray[Any], rows: Ints, into: NDArray[Any]) -> None:
    """Put stations, `table` `(T, S)`, where the `rows` `(S,)` say in a table `(T, R)`."""
    for line in range(len(table)):
        for place in range(len(rows)):
            into[line, rows[place]] = table[line, place]
