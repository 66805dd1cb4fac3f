"""A forecaster that has followed a made-up city for a month."""

from __future__ import annotations

from datetime import datetime

from ingest.catch_up import catch_up
from ingest.city import City
from ingest.tape import MONTH, CityTape
from model.forecaster import Forecaster
from model.scoring import ISSUE_MINUTES


def learnt(city: City, until: datetime, every: int = ISSUE_MINUTES, seed: bool = False) -> Forecaster:
    """Give a forecaster that has followed a city for four weeks, up to and without an aware moment.

    Then it puts a forecast on record `every` so many minutes. With `seed` the seed pipeline competes.
    """
    forecaster = Forecaster(city.stations, every, seed)
    catch_up(forecaster, CityTape(city), until - MONTH, until)
    return forecaster
