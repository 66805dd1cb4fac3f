"""Learn a stretch of a playable source's time at once: a month in seconds.

`catch_up` learns snapshots by `Forecaster.learn`, in order, but it saves work. It takes a snapshot every ten
minutes, as often as many real feeds change; so it misses a rider who comes and another who goes in between.
Issuing forecasts is most of the work. In a long stretch, `catch_up` issues them in the last days only, every
175 minutes: one in nine of those that a running worker issues, at ever other times of the day. Until these
days it renews the expected rates every three hours. So rates, usual fill and weather are learnt from all of
the stretch, and the pool's weights and the guard from its end. `benchmarks/city/speed.py` measures what this
saves and what it loses.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from ingest.gbfs.hours import covering
from ingest.replay.playable_source import PlayableSource
from model.forecaster import Forecaster
from model.scoring.settle import Score

LONG = timedelta(days=2)
"""A longer stretch is learnt with fewer issued forecasts."""

ISSUING_DAYS = timedelta(days=5)
"""The end of a long stretch, in which forecasts are issued."""

_EVERY_MINUTES = 175
_NEVER_MINUTES = 10**9

WEATHER_EVERY = timedelta(hours=1)
"""How often the forecaster gets the weather."""


def catch_up(
    forecaster: Forecaster,
    source: PlayableSource,
    start: datetime,
    end: datetime,
    report: Callable[[float], None] = lambda progress: None,
) -> list[Score]:
    """Learn a source's snapshots after `start` and before `end`; give the scores of the settled forecasts.

    `report` is told after each snapshot how much of the stretch is learnt, from 0 to 1.
    """
    scores: list[Score] = []
    every, long = forecaster.every, end - start > LONG
    weather_at: datetime | None = None
    for snapshot in source.steps(start, end):
        if long:
            early = snapshot.at < end - ISSUING_DAYS
            forecaster.every = _NEVER_MINUTES if early else _EVERY_MINUTES
            forecaster.renew_rates_rarely(early)
        if weather_at is None or snapshot.at - weather_at >= WEATHER_EVERY:
            weather_at = snapshot.at
            weather = source.weather(weather_at)
            if weather is not None:
                forecaster.update_weather(weather)
        forecaster.update_hours(covering(source.hours, forecaster.stations, snapshot.at))
        scores += forecaster.learn(snapshot)
        report((snapshot.at - start) / (end - start))
    forecaster.every = every
    forecaster.renew_rates_rarely(False)
    return scores
