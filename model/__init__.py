"""Arrays in, odds out: the forecaster and the records that go in and out of it.

Numpy, River and maths alone. There is no clock, no network, no disk and no framework in this room.
"""

from typing import TYPE_CHECKING, Any

from model.records import Forecast, Snapshot, Stations, Weather

if TYPE_CHECKING:
    from model.forecaster import Forecaster

__all__ = ["Forecast", "Forecaster", "Snapshot", "Stations", "Weather"]


def __getattr__(name: str) -> Any:
    """Load the forecaster when it is asked for: River brings 70 MB along, which a reader can do without."""
    if name != "Forecaster":
        raise AttributeError(f"module 'model' has no attribute {name!r}")
    from model.forecaster import Forecaster

    return Forecaster
