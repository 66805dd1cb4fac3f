"""Which places are near each other."""

from __future__ import annotations

import numpy as np

from model.arrays import Floats, Ints
from model.kernels.lanes import compiled


@compiled
def nearest_in_order(points: Floats, count: int) -> Ints:
    """Give the `count` points nearest to each of S points `(S, 3)`, nearest first, `(S, count)`.

    The points must rise along their last axis: the search from each goes both ways along it, as far as a
    nearer point can be. -1 stands where there are too few points.
    """
    size = len(points)
    near = np.full((size, count), -1)
    squares = np.empty(count)
    for row in range(size):
        squares[:] = np.inf
        for step in (-1, 1):
            other = row + step
            while 0 <= other < size and (points[other, 2] - points[row, 2]) ** 2 < squares[-1]:
                square, place = 0.0, count
                for axis in range(3):
                    square += (points[other, axis] - points[row, axis]) ** 2
                while place > 0 and square < squares[place - 1]:
                    place -= 1
                for later in range(count - 1, place, -1):
                    squares[later], near[row, later] = squares[later - 1], near[row, later - 1]
                if place < count:
                    squares[place], near[row, place] = square, other
                other += step
    return near
