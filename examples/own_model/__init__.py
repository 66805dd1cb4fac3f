"""Three own models, an adapter each: name one in `DOCKCAST_OWN_MODEL`. See `docs/own-model.md`.

Each function gets the stations of a system and gives a model of it, or None where it is not for that one.
"""

from __future__ import annotations

import numpy as np

from model import Snapshot, Stations
from model.own import FromFunction, FromQuantiles, FromRiver


def towards_half(stations: Stations) -> FromFunction:
    """A plain function: each station moves to half full, a tenth of the way in an hour."""

    def expected(snapshot: Snapshot, minutes: int) -> np.ndarray:
        half = (snapshot.bikes + np.maximum(snapshot.docks, 0)) / 2
        moved: np.ndarray = snapshot.bikes + (half - snapshot.bikes) * (1 - 0.9 ** (minutes / 60))
        return moved

    return FromFunction(expected)


def linear(stations: Stations) -> FromRiver:
    """River: a linear regression on scaled numbers, which learns one label at a time."""
    from river import compose, linear_model, optim, preprocessing

    def make() -> compose.Pipeline:
        numbers = compose.Discard("station") | preprocessing.StandardScaler()
        return numbers | linear_model.LinearRegression(optim.SGD(0.001))

    return FromRiver(make, stations.timezone)


def boosted(stations: Stations) -> FromQuantiles:
    """scikit-learn: gradient-boosted trees for each quantile, fitted anew every six hours."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    def make(level: float) -> HistGradientBoostingRegressor:
        return HistGradientBoostingRegressor(loss="quantile", quantile=level, max_iter=40, random_state=0)

    return FromQuantiles(make, stations.timezone)
