"""Reads a frame for what a rider wants: which stations are open and when, and the chance at each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from dashboard.words import formats
from dashboard.words.rules import What
from model.arrays import Ints
from model.frame import NO_FORECAST, Frame, Outlook
from model.hours import ALWAYS_OPEN, OpenState
from model.records import UNKNOWN


class HasOutlooks(Protocol):
    """Has forecasts by what a rider wants: a frame, or an issued forecast."""

    @property
    def outlooks(self) -> Mapping[str, Outlook]: ...


def side(of: HasOutlooks, what: What) -> Outlook:
    """Choose the forecast of what a rider wants. Raises `LookupError` for a kind that is not told apart."""
    return of.outlooks[what]


def count_of(what: What, bikes: int, docks: int, ebikes: int) -> int:
    """Choose the count of what a rider wants; -1 where it is not known.

    >>> count_of("plain_bike", 5, 10, 2), count_of("plain_bike", 5, 10, -1), count_of("space", 5, 10, 2)
    (3, -1, 10)
    """
    plain = bikes - ebikes if min(bikes, ebikes) >= 0 else UNKNOWN
    return {"bike": bikes, "ebike": ebikes, "plain_bike": plain, "space": docks}[what]


def kinds_until(frame: Frame) -> int | None:
    """Give the last minute for which kinds of bikes are forecast; None where they are not told apart."""
    if frame.ebike is None:
        return None
    known = np.flatnonzero((frame.ebike.median >= 0).any(axis=1))
    return int(frame.minutes[known[-1]]) if len(known) else 0


def serves(frame: Frame, what: What) -> NDArray[np.bool_]:
    """Tell which stations rent bikes out, or take them back, while their hours have them open `(S,)`."""
    return frame.returns_when_open if what == "space" else frame.rents_when_open


def is_open(frame: Frame, what: What, horizon: int | None) -> NDArray[np.bool_]:
    """Tell which stations rent bikes out, or take them back, at a horizon `(S,)`."""
    open_then: NDArray[np.bool_] = serves(frame, what) & ~by_hours(frame, horizon)
    return open_then


def by_hours(frame: Frame, horizon: int | None) -> NDArray[np.bool_]:
    """Tell which stations are closed by their opening hours at a horizon, `(S,)`."""
    if frame.closed is None or horizon is None:
        return np.zeros(len(frame.stations), dtype=np.bool_)
    closed: NDArray[np.bool_] = frame.closed[horizon]
    return closed


def state_at(frame: Frame, row: int, at: datetime) -> OpenState | None:
    """Give the hours of a station around a moment; None where it has none."""
    if frame.hours is None or frame.hours.schedule[row] == ALWAYS_OPEN:
        return None
    return frame.hours.state(row, at)


def at_horizon(frame: Frame, horizon: int, row: int = 0) -> datetime:
    """Give the moment of a horizon; `row` is a station, where each has a horizon of its own."""
    minutes = frame.minutes[horizon]
    return frame.at + timedelta(minutes=float(minutes[row] if frame.minutes.ndim == 2 else minutes))


def chances(frame: Frame, what: What, number: int, horizon: int | None) -> Ints:
    """Give the chance in per cent `(S,)`; 255 where there is none: closed, unknown, too far ahead."""
    if horizon is None:
        return np.full(len(frame.stations), NO_FORECAST)
    chance = side(frame, what).chance[number - 1, horizon].astype(np.int64)
    return np.where(is_open(frame, what, horizon), chance, NO_FORECAST)


@dataclass(frozen=True)
class ShownCount:
    """What a page shows of a station's count: that of now, or the last known one with its time."""

    bikes: int
    docks: int
    at: datetime | None


def shown_count(frame: Frame, row: int) -> ShownCount:
    """Give the counts of now, `at` None; where they are not known, the last known ones and their time."""
    seconds = int(frame.last_at[row])
    if seconds < 0:
        return ShownCount(int(frame.bikes[row]), int(frame.docks[row]), None)
    at = datetime.fromtimestamp(seconds, UTC)
    return ShownCount(int(frame.last_bikes[row]), int(frame.last_docks[row]), at)


def counts_in_words(frame: Frame, row: int) -> tuple[str, str]:
    """Write bikes and docks for a tooltip, with the time of counts that are not those of now.

    The time is one of the clock, since the rows of a frame are kept for as long as the frame is shown.
    """
    count = shown_count(frame, row)
    if count.at is None:
        return formats.count(count.bikes), formats.count(count.docks)
    time = formats.moment(count.at, frame.at, ZoneInfo(frame.stations.timezone))
    return formats.count_at(count.bikes, time), formats.count_at(count.docks, time)


def station_index(frame: Frame, station_id: str) -> int | None:
    """Find the row of a station, also by an id that it once had; None where the frame does not have it."""
    if not station_id:
        return None
    found = np.flatnonzero(frame.stations.station_id == frame.renamed.get(station_id, station_id))
    return int(found[0]) if len(found) else None
