"""Makes a frame from a forecaster: summaries of every station's distribution at every horizon.

It forecasts the stations in groups. The distributions of 5,000 stations take a gigabyte; so only one group's
are in memory at a time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.arrays import Floats
from model.forecaster import Forecaster
from model.frame import AT_LEAST, MINUTES, NO_FORECAST, Frame, Outlook
from model.records import Counts


def make_frame(forecaster: Forecaster) -> Frame:
    """Forecast every station from the newest snapshot.

    Raises `ValueError` before the first snapshot.
    """
    newest = forecaster.snapshot()
    if newest is None or forecaster.learning_since is None:
        raise ValueError("nothing is known yet: learn a snapshot first")
    size = len(forecaster.stations)
    bike, space = _empty(size), _empty(size)
    for rows in forecaster.blocks():
        forecast = forecaster.forecast(MINUTES, rows)
        for outlook, counts in ((bike, forecast.bikes), (space, forecast.docks)):
            outlook.median[:, rows] = counts.median
            outlook.low[:, rows] = counts.quantile(0.1)
            outlook.high[:, rows] = counts.quantile(0.9)
            outlook.chance[:, :, rows] = _per_cent(counts)
    now = slice(0, size)  # after these come remembered stations that the feed has dropped
    ebikes, cargo, renting, returning = newest.ebikes, newest.cargo, newest.renting, newest.returning
    assert ebikes is not None
    assert cargo is not None
    assert renting is not None
    assert returning is not None
    assert newest.state is not None
    last_bikes, last_docks, last_at = forecaster.last_known()
    frame = Frame(
        at=newest.at,
        learning_since=forecaster.learning_since,
        stations=forecaster.stations,
        minutes=np.array(MINUTES),
        bikes=newest.bikes[now].astype(np.int16),
        docks=newest.docks[now].astype(np.int16),
        ebikes=ebikes[now].astype(np.int16),
        renting=renting[now],
        returning=returning[now],
        bike=bike,
        space=space,
        state=newest.state[now].astype(np.uint8),
        cargo=cargo[now].astype(np.int16),
        last_bikes=last_bikes.astype(np.int16),
        last_docks=last_docks.astype(np.int16),
        last_at=last_at,
        overflow=forecaster.components["overflow"].takes[now],
        **forecaster.opening(),
        renamed=forecaster.renamed,
    )
    if frame.closed is not None:  # what is closed has no bike to take and no space, whatever stands there
        for outlook in (bike, space):
            outlook.chance[:, frame.closed] = 0
    return frame


def _empty(size: int) -> Outlook:
    shape = (len(MINUTES), size)
    median, low, high = (np.empty(shape, dtype=np.int16) for _ in range(3))
    return Outlook(median, low, high, np.empty((len(AT_LEAST), *shape), dtype=np.uint8))


def _per_cent(counts: Counts) -> NDArray[np.uint8]:
    """Round odds to per cent; only what is certain to within 0.05 % becomes 0 or 100."""
    odds: Floats = 100 * np.stack([counts.at_least(n) for n in AT_LEAST])
    rounded = np.where(odds < 0.05, 0, np.where(odds > 99.95, 100, np.clip(np.rint(odds), 1, 99)))
    return np.where(np.isnan(odds), NO_FORECAST, rounded).astype(np.uint8)
