"""What sums of scores come to: the measures that backtest, page, API and export all show."""

from __future__ import annotations

import numpy as np
import pandas as pd

MEASURES = ("mae", "rmse", "crps", "brier_bike", "brier_dock", "cover80")
"""Errors and CRPS in bikes; `cover80` the share of the probability integral transform from 0.1 to 0.9."""


def measures(sums: pd.DataFrame) -> pd.DataFrame:
    """Give the measures of each row of sums; not a number where nothing was judged.

    `sums` has the columns `n`, `n_dock`, `abs_error`, `squared_error`, `crps`, `brier_bike`, `brier_dock` and
    `covered`: see `model.scoring.Score.row`.

    >>> sums = {"n": [4], "n_dock": [2], "abs_error": [3], "squared_error": [9], "crps": [2.0],
    ...         "brier_bike": [1.0], "brier_dock": [1.0], "covered": [3.2]}
    >>> measures(pd.DataFrame(sums)).iloc[0].to_dict()
    {'mae': 0.75, 'rmse': 1.5, 'crps': 0.5, 'brier_bike': 0.25, 'brier_dock': 0.5, 'cover80': 0.8}
    """
    n = sums["n"].where(sums["n"] > 0)
    docked = sums["n_dock"].where(sums["n_dock"] > 0)
    return pd.DataFrame(
        {
            "mae": sums["abs_error"] / n,
            "rmse": np.sqrt(sums["squared_error"] / n),
            "crps": sums["crps"] / n,
            "brier_bike": sums["brier_bike"] / n,
            "brier_dock": sums["brier_dock"] / docked,
            "cover80": sums["covered"] / n,
        }
    )


def skill(error: pd.Series[float], naive: pd.Series[float]) -> pd.Series[float]:
    """Give the share of naive's error that a model saves: 1 is perfect, 0 as good, below 0 worse.

    Not a number where naive makes no error.
    """
    return 1 - error / naive.where(naive > 0)
