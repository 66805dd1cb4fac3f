"""Arrays in, odds out: the forecaster and the records that go in and out of it.

Numpy, River and maths alone. There is no clock, no network, no disk and no framework in this room.
"""

from model.forecaster import Forecaster
from model.records import Forecast, Snapshot, Stations, Weather

__all__ = ["Forecast", "Forecaster", "Snapshot", "Stations", "Weather"]
