"""Find stations that are near and good: the alternatives to one, and the order of a list.

This is arithmetic on a frame's arrays. It costs one distance a station.
"""

from __future__ import annotations

import numpy as np

from dashboard.words import rules
from model.arrays import Floats, Ints
from model.trip import Point, walking_minutes

HALF_WORTH_MINUTES = 10.0
"""Minutes on foot that halve the worth of a chance: 60 % at the door beats 90 % ten minutes away."""

FAR_MINUTES = 30.0
"""Minutes on foot beyond which a station is no alternative."""


def alternatives(chance: Ints, walk: Floats, without: int | None = None, at_most: int = 3) -> list[int]:
    """Find the positions of the nearest good stations. Good is a chance that counts as likely.

    `chance` is `(S,)` in per cent, 255 where there is none; `walk` is `(S,)` in minutes.
    """
    good = (chance >= rules.LIKELY) & (chance <= 100) & (walk <= FAR_MINUTES)
    if without is not None:
        good[without] = False
    found = np.flatnonzero(good)
    return [int(row) for row in found[np.argsort(walk[found], kind="stable")][:at_most]]


def order(chance: Ints, walk: Floats | None, favourite: np.ndarray) -> Ints:
    """Sort stations for a list: favourites first, then by chance × nearness, unknown ones last.

    Without a place to walk from, the chance alone decides. All arrays are `(S,)`.
    """
    worth = np.where(chance <= 100, chance, -1).astype(np.float64)
    if walk is not None:
        worth = np.where(worth >= 0, (worth + 1) * 0.5 ** (walk / HALF_WORTH_MINUTES), -1)
    nearness = np.zeros(len(chance)) if walk is None else walk
    return np.lexsort((nearness, -worth, ~favourite))


def whole_minutes(walk: Floats) -> Ints:
    """Round minutes on foot to whole ones, at least one, as pages write them."""
    return np.maximum(np.rint(walk), 1).astype(np.int64)


def walks(place: Point, lat: Floats, lon: Floats) -> Floats:
    """Give the minutes on foot from a place to every station `(S,)`."""
    return walking_minutes(place, (lat, lon))
