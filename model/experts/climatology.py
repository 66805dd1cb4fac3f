"""The climatology expert: how full the station usually is, whatever its count is now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from model.arrays import Array32
from model.experts.expert import Now

if TYPE_CHECKING:
    from model.demand.climatology import Climatology


class ClimatologyExpert:
    """Forecasts the usual fill at the hour and day type of the target time."""

    def __init__(self, climatology: Climatology) -> None:
        self.climatology = climatology

    def odds(self, now: Now, minutes: Sequence[int]) -> Array32:
        """Look the target times up."""
        target_times = [now.at + timedelta(minutes=minute) for minute in minutes]
        return self.climatology.odds(target_times, now.rows, now.places)
