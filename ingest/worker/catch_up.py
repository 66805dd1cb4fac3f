"""Learn what lies between two moments of a city that can be asked about any: a month in seconds.

Everything goes through `Forecaster.learn`, in order, but thriftily: every ten minutes, as many real feeds are
read; of two riders who come and go between, nothing is seen. Putting forecasts on record is most of the work.
Over a long way it begins in the last days, at ever other times of the day, one in nine of those that a
running worker makes, and until then the expected rates are renewed every three hours: so rates, usual fill
and weather know all of the way, the pool's weights and the guard its end. `benchmarks/city/speed.py` measures
what it costs and what it loses.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from ingest.replay.tape import Tape
from model.forecaster import Forecaster
from model.scoring.issue import Score

LONG = timedelta(days=2)
"""A longer way is gone through with fewer forecasts on record, and without the seed pipeline."""

RECORDED = timedelta(days=5)
_EVERY_MINUTES = 175
_NEVER_MINUTES = 10**9

WEATHER_EVERY = timedelta(hours=1)


def catch_up(forecaster: Forecaster, tape: Tape, start: datetime, end: datetime) -> list[Score]:
    """Learn what a tape tells after `start` and before `end`; give the scores of what was settled.

    The seed pipeline learns a station at a time: over a long way it is left out, and begins anew after it.
    """
    scores: list[Score] = []
    every, seed, long = forecaster.every, "seed" in forecaster.models, end - start > LONG
    heard: datetime | None = None
    if long:
        forecaster.run_seed_pipeline(False)
    for snapshot in tape.steps(start, end):
        if long:
            early = snapshot.at < end - RECORDED
            forecaster.every = _NEVER_MINUTES if early else _EVERY_MINUTES
            forecaster.renew_rates_rarely(early)
        if heard is None or snapshot.at - heard >= WEATHER_EVERY:
            heard = snapshot.at
            known = tape.weather(heard)
            if known is not None:
                forecaster.update_weather(known)
        scores += forecaster.learn(snapshot)
    forecaster.every = every
    forecaster.renew_rates_rarely(False)
    forecaster.run_seed_pipeline(seed)
    return scores
