"""Makes a frame from a forecaster: summaries of every station's distribution at every horizon."""

from __future__ import annotations

from typing import Any

import numpy as np

from model.forecaster import Forecaster
from model.frame import AT_LEAST, MINUTES, OF_KIND, Frame, Outlook
from model.kernels.records import NO_FORECAST, Columns
from model.records import CARGO, OF_BIKES, UNKNOWN
from model.scoring.issue import KIND_SCORED


def make_frame(forecaster: Forecaster) -> Frame:
    """Forecast every station from the newest snapshot.

    Raises `ValueError` before the first snapshot.
    """
    newest = forecaster.snapshot()
    if newest is None or forecaster.learning_since is None:
        raise ValueError("nothing is known yet: learn a snapshot first")
    size = len(forecaster.stations)
    bike, space = (Outlook(*columns) for columns in forecaster.summarise(MINUTES, AT_LEAST))
    kinds = _by_kind(forecaster, bike)
    now = slice(0, size)  # after these come remembered stations that the feed has dropped
    ebikes, cargo, renting, returning = newest.ebikes, newest.cargo, newest.renting, newest.returning
    assert ebikes is not None
    assert cargo is not None
    assert renting is not None
    assert returning is not None
    assert newest.state is not None
    last_bikes, last_docks, last_at = forecaster.last_known()
    left_by, left_since = forecaster.components["last_bikes"].left(newest.bikes)
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
        **kinds,
        state=newest.state[now].astype(np.uint8),
        cargo=cargo[now].astype(np.int16),
        last_bikes=last_bikes.astype(np.int16),
        last_docks=last_docks.astype(np.int16),
        last_at=last_at,
        overflow=forecaster.components["overflow"].takes[now],
        left_by=left_by[now].astype(np.int16),
        left_since=left_since[now],
        **forecaster.opening(),
        renamed=forecaster.renamed,
    )
    if frame.closed is not None:  # what is closed has no bike to take and no space, whatever stands there
        for outlook in frame.outlooks.values():
            outlook.chance[:, frame.closed] = 0
    return frame


def _by_kind(forecaster: Forecaster, bike: Outlook) -> dict[str, Any]:
    """Forecast each kind of bikes as far ahead as any is scored; empty where none is forecast now."""
    near = int(np.searchsorted(MINUTES, KIND_SCORED[-1], side="right"))
    of_all = Columns(bike.median[:near], bike.low[:near], bike.high[:near], bike.chance[:, :near])
    found = forecaster.summarise_kinds(MINUTES[:near], AT_LEAST, of_all)
    told = [
        kind
        for kinds in (OF_BIKES, (CARGO,))
        for kind in kinds
        if any((found[each].median >= 0).any() for each in kinds if each in found)
    ]
    return {OF_KIND[kind]: _no_forecast_beyond(found[kind]) for kind in told}


def _no_forecast_beyond(columns: Columns) -> Outlook:
    """Fill up to the horizons of a frame."""
    beyond = len(MINUTES) - len(columns.median)
    median, low, high = (
        np.pad(each, ((0, beyond), (0, 0)), constant_values=UNKNOWN)
        for each in (columns.median, columns.low, columns.high)
    )
    chance = np.pad(columns.chance, ((0, 0), (0, beyond), (0, 0)), constant_values=NO_FORECAST)
    return Outlook(median, low, high, chance)
