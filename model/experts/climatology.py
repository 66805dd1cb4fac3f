"""The climatology expert: how full the station usually is, whatever its count is now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model.demand.climatology import Climatology


@dataclass(frozen=True, eq=False)
class ClimatologyExpert:
    """Forecasts the usual fill at the hour and day type of the target time: see `model.kernels.members`."""

    climatology: Climatology
