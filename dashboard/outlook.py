"""Reads a frame for bikes or for spaces: which stations are open, and the chance at each."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dashboard.words.rules import What
from model.arrays import Ints
from model.frame import NO_FORECAST, Frame, Outlook


class BothSides(Protocol):
    """Has a forecast of bikes and one of spaces: a frame, or an issued forecast."""

    @property
    def bike(self) -> Outlook: ...

    @property
    def space(self) -> Outlook: ...


def side(of: BothSides, what: What) -> Outlook:
    """Choose bikes or spaces."""
    return of.bike if what == "bike" else of.space


def is_open(frame: Frame, what: What) -> NDArray[np.bool_]:
    """Tell which stations rent bikes out, or take them back `(S,)`."""
    return frame.renting if what == "bike" else frame.returning


def chances(frame: Frame, what: What, number: int, horizon: int | None) -> Ints:
    """Give the chance in per cent `(S,)`; 255 where there is none: closed, unknown, too far ahead."""
    if horizon is None:
        return np.full(len(frame.stations), NO_FORECAST)
    chance = side(frame, what).chance[number - 1, horizon].astype(np.int64)
    return np.where(is_open(frame, what), chance, NO_FORECAST)


def station_index(frame: Frame, station_id: str) -> int | None:
    """Find the row of a station, also by an id that it once had; None where the frame does not have it."""
    if not station_id:
        return None
    found = np.flatnonzero(frame.stations.station_id == frame.renamed.get(station_id, station_id))
    return int(found[0]) if len(found) else None
