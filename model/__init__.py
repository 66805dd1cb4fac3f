"""The forecaster, and the records that go into it and come out of it.

This floor needs NumPy, Numba, River, holidays and zstandard. It has no clock, network, disk or framework.
"""

from typing import TYPE_CHECKING, Any

from model.records import Forecast, Snapshot, Stations, Weather

if TYPE_CHECKING:
    from model.forecaster import Forecaster

__all__ = ["Forecast", "Forecaster", "Snapshot", "Stations", "Weather"]


def __getattr__(name: str) -> Any:
    """Load the forecaster at its first use: River takes 70 MB, which a process that only reads can spare."""
    if name != "Forecaster":
        raise AttributeError(f"module 'model' has no attribute {name!r}")
    from model.forecaster import Forecaster

    return Forecaster
