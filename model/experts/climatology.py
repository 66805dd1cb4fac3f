"""The climatology expert: how full the station usually is, whatever its count is now."""

from __future__ import annotations


class ClimatologyExpert:
    """Forecasts the usual fill at the hour and day type of the target time: see `model.kernels.members`."""
