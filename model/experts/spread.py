"""The spread expert: no change, give or take what usually changes over such a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model.demand.changes import Changes


@dataclass(frozen=True, eq=False)
class SpreadExpert:
    """Lays the changes that the station and its city have shown before around the count of now.

    It interpolates between the horizons that are learnt: see `model.kernels.members`.
    """

    changes: Changes
