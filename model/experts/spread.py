"""The spread expert: no change, give or take what usually changes over such a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from model.arrays import Array32
from model.experts.expert import Now, as_now, between

if TYPE_CHECKING:
    from model.demand.changes import Changes


class SpreadExpert:
    """Lays the changes that the station and its city have shown before around the count of now."""

    def __init__(self, changes: Changes) -> None:
        self.changes = changes

    def odds(self, now: Now, minutes: Sequence[int]) -> Array32:
        """Interpolate between the horizons that `changes` has learnt."""
        learnt = self.changes.odds(now.rows, now.bikes, now.places)
        grid = np.array([0, *self.changes.minutes], dtype=np.float64)
        known = np.concatenate([as_now(now)[None].swapaxes(1, 2), learnt.swapaxes(1, 2)])
        return between(grid, known, minutes).swapaxes(1, 2)
