"""A month of a made-up city learnt in seconds, so that a newcomer meets a forecaster that knows its city.

Everything goes through `Forecaster.learn`, in order, as if the feed had been followed for four weeks, but
thriftily. The feed is read every ten minutes, as many real ones are; of two riders who come and go between,
nothing is seen. And putting forecasts on record, which is most of the work, begins in the last week: from
then on one in nine is made that a running worker makes, at ever other times of the day. So rates, usual fill
and weather know four weeks; the pool's weights and the guard know seven days.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from ingest.city import City
from model.forecaster import Forecaster
from model.scoring import ISSUE_MINUTES

DAYS = 28
SECONDS = 600
_RECORDED = timedelta(days=7)
_EVERY_MINUTES = 175
_NEVER_MINUTES = 10**9


def learnt(city: City, until: datetime, every: int = ISSUE_MINUTES, seed: bool = False) -> Forecaster:
    """Give a forecaster that has followed a city for four weeks, up to and without an aware moment.

    Then it puts a forecast on record `every` so many minutes. With `seed` the seed pipeline competes.
    `benchmarks/city/speed.py` measures what it costs.
    """
    forecaster = Forecaster(city.stations, _NEVER_MINUTES, seed)
    start = until - timedelta(days=DAYS)
    hour = None
    for snapshot in city.snapshots(start, until, SECONDS):
        if (now := snapshot.at.replace(minute=0)) != hour:
            hour = now
            forecaster.hear(city.weather(snapshot.at))
        if snapshot.at >= until - _RECORDED:
            forecaster.every = _EVERY_MINUTES
        forecaster.learn(snapshot)
    forecaster.every = every
    return forecaster
