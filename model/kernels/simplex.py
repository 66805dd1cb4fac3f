"""Minimises quadratic forms over the simplex, for the pool's weights."""

from __future__ import annotations

import math

import numpy as np

from model.arrays import Floats
from model.kernels.lanes import compiled


@compiled
def minimise(gram: Floats, toward: Floats, weight: Floats, steps: int, least: float) -> None:
    """Minimise `w' G w − 2 toward' w` over the simplex, for S problems, from `weight` `(S, M)`, in place.

    `gram` is `(S, M, M)` and `toward` `(S, M)`. It takes exponentiated gradient steps, scaled by the largest
    entry of `G`; no weight falls below `least`. Each solve starts where the last ended.
    """
    size = weight.shape[1]
    slope = np.empty(size)
    for index in range(len(weight)):
        here, matrix = weight[index], gram[index]
        scale = max(np.abs(matrix).max(), 1e-9)
        for _ in range(steps):
            mean = 0.0
            for i in range(size):
                slope[i] = -toward[index, i]
                for j in range(size):
                    slope[i] += matrix[i, j] * here[j]
                mean += slope[i] * here[i]
            total = 0.0
            for i in range(size):
                step = min(max(2 * (slope[i] - mean) / scale, -3.0), 3.0)
                here[i] = max(here[i] * math.exp(-step), least)
                total += here[i]
            for i in range(size):
                here[i] /= total
