"""Reads a frame between its horizons: at one minute for all stations, or at a minute of its own for each.

Odds move in straight lines from one horizon to the next, as the chains' own steps do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.arrays import Floats, Ints
from model.frame import NO_FORECAST, Frame, Outlook


def outlook_at(frame: Frame, outlook: Outlook, rows: Ints, minutes: Floats | Ints) -> Outlook:
    """Read one of the `outlooks` of a frame, such as `frame.bike`, at any minutes after `frame.at`.

    `rows` are stations and `minutes` are times; their shapes broadcast to that of the result, and `chance`
    has its four rows before it. So `rows` `(S,)` with `minutes` `(S,)` gives each station a time of its own.
    Chances are rounded as in the frame, counts to whole ones. See `chances_at` for what holds elsewhere.
    """
    exact = 100 * chances_at(frame, outlook.chance, rows, minutes)
    inside = (exact > 0) & (exact < 100)
    rounded = np.where(inside, np.clip(np.rint(exact), 1, 99), exact)
    per_cent = np.where(np.isnan(exact), NO_FORECAST, rounded).astype(np.uint8)
    below, above, share = _between(frame.minutes, minutes)
    counts = []
    for known in (outlook.median, outlook.low, outlook.high):
        low, high = known[below, rows], known[above, rows]
        between = np.rint(low + share * (high.astype(np.float64) - low))
        counts.append(np.where((low < 0) | (high < 0), -1, between).astype(np.int16))
    return Outlook(counts[0], counts[1], counts[2], per_cent)


def frame_at(frame: Frame, minutes: Sequence[int]) -> Frame:
    """Give the frame with other horizons, at these minutes after `frame.at`."""
    at = np.asarray(minutes)
    return replace(frame, minutes=at, **_outlooks_at(frame, at[:, None]))


def frame_on_arrival(frame: Frame, minutes: Ints) -> Frame:
    """Give the frame with one horizon, that of each station's own minute after `frame.at` `(S,)`."""
    return replace(frame, minutes=minutes[None], **_outlooks_at(frame, minutes[None]))


def _outlooks_at(frame: Frame, minutes: Ints) -> dict[str, Any]:
    rows = np.arange(len(frame.stations))
    return {name: outlook_at(frame, each, rows, minutes) for name, each in frame.outlooks.items()}


def chances_at(frame: Frame, chance: NDArray[np.uint8], rows: Ints, minutes: Floats | Ints) -> Floats:
    """Give the chance from 0 to 1 of chances in per cent `(..., H, S)`, at stations `rows` and any minutes.

    The shapes of `rows` and `minutes` broadcast. The first and the last horizon hold before and after them.
    Gives not a number where a horizon on either side has no forecast; at a horizon that one alone counts. A
    station that is closed by its hours at that time has no chance. Where it is closed at one of the horizons
    beside, the other one holds.
    """
    below, above, share = _between(frame.minutes, minutes)
    low, high = chance[..., below, rows], chance[..., above, rows]
    if frame.closed is not None:
        before, after = frame.closed[below, rows], frame.closed[above, rows]
        low, high = np.where(before & ~after, high, low), np.where(after & ~before, low, high)
    odds = (low + share * (high.astype(np.float64) - low)) / 100
    unknown = (low == NO_FORECAST) & (share < 1) | (high == NO_FORECAST) & (share > 0)
    odds = np.where(unknown, np.nan, odds)
    if frame.hours is not None:
        odds = np.where(frame.hours.is_open(rows, frame.at.timestamp() + 60 * minutes), odds, 0)
    return odds


def _between(horizons: Ints, minutes: Floats | Ints) -> tuple[Ints, Ints, Floats]:
    """Give the places of the horizons before and after, and the share of the later one."""
    at = np.clip(minutes, horizons[0], horizons[-1])
    above = np.searchsorted(horizons, at)
    below = np.maximum(above - 1, 0)
    share: Floats = (at - horizons[below]) / np.maximum(horizons[above] - horizons[below], 1)
    return below, above, share
