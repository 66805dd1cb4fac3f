"""The measures that backtest, page, API and export show, from sums of scores."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from model.arrays import Floats

MEASURES = ("mae", "rmse", "crps", "brier_bike", "brier_dock", "cover80")
"""Errors and CRPS are in bikes; `cover80` is the mass of the probability integral transform in 0.1–0.9."""


WORSE = 1.01
"""A station is worse off where a model's mean absolute error exceeds naive's by more than 1 %."""


def measures(sums: Mapping[str, ArrayLike]) -> dict[str, Floats]:
    """Give the measures of rows of sums, each `(R,)`; not a number where nothing was judged.

    `sums` has `n`, `n_dock`, `abs_error`, `squared_error`, `crps`, `brier_bike`, `brier_dock` and `covered`,
    each `(R,)`: see `model.scoring.settle.Score.row`.

    >>> sums = {"n": [4], "n_dock": [2], "abs_error": [3], "squared_error": [9], "crps": [2.0],
    ...         "brier_bike": [1.0], "brier_dock": [1.0], "covered": [3.2]}
    >>> {name: float(value[0]) for name, value in measures(sums).items()}
    {'mae': 0.75, 'rmse': 1.5, 'crps': 0.5, 'brier_bike': 0.25, 'brier_dock': 0.5, 'cover80': 0.8}
    """
    n, docked = (_positive(sums[name]) for name in ("n", "n_dock"))
    mean = {name: np.asarray(sums[name], dtype=np.float64) / n for name in _MEANS}
    return {
        "mae": mean["abs_error"],
        "rmse": np.sqrt(mean["squared_error"]),
        "crps": mean["crps"],
        "brier_bike": mean["brier_bike"],
        "brier_dock": np.asarray(sums["brier_dock"], dtype=np.float64) / docked,
        "cover80": mean["covered"],
    }


_MEANS = ("abs_error", "squared_error", "crps", "brier_bike", "covered")


def skill(error: ArrayLike, naive: ArrayLike) -> Floats:
    """Give the share of naive's error that a model saves: 1 is perfect, 0 is as good, less is worse.

    Not a number where naive makes no error.
    """
    return np.asarray(1 - np.asarray(error, dtype=np.float64) / _positive(naive), dtype=np.float64)


def _positive(values: ArrayLike) -> Floats:
    given = np.asarray(values, dtype=np.float64)
    return np.where(given > 0, given, np.nan)
