"""A summary of a forecaster: its parts, what each has learnt, and what it knows of every station.

The forecaster is dropped after the summary is made, since it is 20 times as large.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from model.arrays import ARRIVALS, DEPARTURES, Array32, Bools, Floats, Strings
from model.demand.calendar import Calendar
from model.demand.changes import Changes
from model.demand.climatology import Climatology
from model.demand.last_bikes import LastBikes
from model.demand.occupancy_effect import OccupancyEffect
from model.demand.overflow import Overflow
from model.demand.rates import Demand
from model.demand.weather_effect import WeatherEffect
from model.experts.expert import Expert
from model.forecaster import Forecaster
from model.mixing.guard import Guard
from model.mixing.pool import Pool
from model.mixing.shift import Shift
from model.scoring.drift import DriftMonitor
from model.scoring.issue import SCORED_MINUTES

if TYPE_CHECKING:
    from model.seed_pipeline import SeedPipeline

Facts = dict[str, float]
"""Counts by what is counted: `fact` in `dashboard/words/model.py` writes them."""


@dataclass(frozen=True)
class PipelinePart:
    """A part that learns: its `name` in the forecaster, the `kind` of object, and what it has learnt."""

    name: str
    kind: str
    facts: Facts


@dataclass(frozen=True)
class Competitor:
    """An expert in the pool: how many minutes it `reach`es, and the parts and settings that it reads."""

    name: str
    kind: str
    reach: int
    reads: tuple[str, ...]
    settings: Facts


@dataclass(frozen=True, eq=False)
class Pipeline:
    """A forecaster as it stood `at` its newest snapshot, arrays over the stations `station_id` `(S,)`.

    `rates` `(day types, slots, 2, S)` are arrivals and departures an hour in usual weather, learnt from
    `riders` `(2, S)` in `hours` `(2, S)`; both fade with time. `weights` `(H, M, S)` are the pool's by scored
    horizon and expert, `city` `(H, M)` those of the city as a whole, `settled` `(H, S)` the truths behind
    them, and `held` `(H, S)` tells where the median is tied to "as now". `waiting` counts what waits for its
    truth by minutes ahead, `steps` are the seed pipeline's as River names them, `size` is in bytes.
    """

    at: datetime
    learning_since: datetime
    timezone: str
    station_id: Strings
    name: Strings
    parts: tuple[PipelinePart, ...]
    competitors: tuple[Competitor, ...]
    steps: tuple[str, ...]
    waiting: dict[int, int]
    rates: Array32
    riders: Array32
    hours: Array32
    weights: Array32
    city: Floats
    settled: Array32
    held: Bools
    size: int

    @property
    def age(self) -> timedelta:
        """How long it has been learning."""
        return self.at - self.learning_since

    @classmethod
    def of(cls, forecaster: Forecaster, size: int) -> Pipeline:
        """Summarise a forecaster.

        Raises `LookupError` for one that has learnt nothing yet.
        """
        if forecaster.at is None or forecaster.learning_since is None:
            raise LookupError("this forecaster has learnt nothing yet")
        components, count = forecaster.components, len(forecaster.stations)
        demand, pool = components["long"], components["pool"]
        assert isinstance(demand, Demand)
        assert isinstance(pool, Pool)
        stations = slice(0, count)  # after these come those that the feed no longer describes
        held = forecaster.held
        shown = tuple(
            PipelinePart(name, type(part).__name__, facts(name, part, forecaster.at) | common(part))
            for name, part in components.items()
        )
        seed = components.get("seed")
        return cls(
            at=forecaster.at,
            learning_since=forecaster.learning_since,
            timezone=forecaster.stations.timezone,
            station_id=forecaster.stations.station_id,
            name=forecaster.stations.name,
            parts=shown,
            competitors=tuple(competitor(expert, components) for expert in forecaster.experts),
            steps=() if seed is None else steps(seed),
            waiting=forecaster.waiting,
            rates=demand.rates[..., stations].copy(),
            riders=demand.events[..., stations].sum(axis=(0, 1)),
            hours=demand.hours[..., stations].sum(axis=(0, 1)),
            weights=pool.weights(SCORED_MINUTES, np.arange(count)),
            city=pool.city.copy(),
            settled=pool.settled[:, stations].copy(),
            held=held,
            size=size,
        )


def common(part: Any) -> Facts:
    """Count the numbers that a part keeps."""
    return {"numbers": sum(np.asarray(array).size for array in part.arrays().values())}


def facts(name: str, part: Any, at: datetime) -> Facts:
    """Count what one part has learnt; nothing for a part that has no counter here."""
    if name == "seed":  # River takes a second to load: its type is not named here
        return _seed(part, at)
    for kind, count in _FACTS.items():
        if isinstance(part, kind):
            return count(part, at)
    return {}


def _demand(part: Demand, at: datetime) -> Facts:
    arrivals, departures = part.factor.tolist()
    return {
        "riders": float(part.events.sum(dtype=np.float64)),
        "station_hours": float(part.hours.sum(dtype=np.float64)) / 2,
        "slot_minutes": 1440 / part.slots,
        "half_life_days": part.half_life_days,
        "arrivals_now": arrivals,
        "departures_now": departures,
    }


def _weather(part: WeatherEffect, at: datetime) -> Facts:
    factors = part.factors(at)
    known = {"hours_told": 0.0 if part.weather is None else len(np.unique(part.weather.hours // 3600))}
    if factors is None:
        return known
    return known | {"arrivals_now": float(factors[ARRIVALS]), "departures_now": float(factors[DEPARTURES])}


def _days(part: Calendar, at: datetime) -> Facts:
    return {"day_type": part.cell(at, 1)[0], "holiday": float(part.is_holiday(at))}


def _guard(part: Guard, at: datetime) -> Facts:
    outside = part.tenths[:, [0, -1]].sum() / part.tenths.sum()
    return {"truths": float(part.settled.sum()), "outside": float(outside)}


def _seed(part: SeedPipeline, at: datetime) -> Facts:
    learnt = [model["LinearRegression"].optimizer.n_iterations for model in part.pipelines.values()]
    return {"labels": float(sum(learnt)), "regressions": len(learnt)}


_FACTS: dict[type, Callable[[Any, datetime], Facts]] = {
    Demand: _demand,
    WeatherEffect: _weather,
    Calendar: _days,
    Guard: _guard,
    Pool: lambda part, at: {"truths": float(part.settled.sum(dtype=np.float64))},
    Shift: lambda part, at: {"truths": float(part.truths.sum())},
    Changes: lambda part, at: {"truths": float(part.counts.sum(dtype=np.float64))},
    Climatology: lambda part, at: {"station_hours": float(part.spent.sum(dtype=np.float64)) / 3600},
    Overflow: lambda part, at: {"overflow_stations": float(part.takes.sum())},
    LastBikes: lambda part, at: {"riders": float(part.seen.sum())},
    OccupancyEffect: lambda part, at: {"riders": float(part.seen.sum())},
    DriftMonitor: lambda part, at: {"forecasts": float(part.seen.sum()), "horizons": len(part.minutes)},
}


def competitor(expert: Expert, components: Mapping[str, Any]) -> Competitor:
    """Tell which components an expert reads, by looking at the attributes of its model."""
    held = vars(expert.model)
    reads = tuple(name for name, part in components.items() if any(value is part for value in held.values()))
    settings = {name: float(held[name]) for name in ("arrivals", "departures") if held.get(name, 1.0) != 1.0}
    return Competitor(expert.name, type(expert.model).__name__, expert.reach, reads, settings)


def steps(seed: SeedPipeline) -> tuple[str, ...]:
    """Name the steps of the seed pipeline as River does: the parts of its union, then the next steps."""
    model = next(iter(seed.pipelines.values()))
    named = []
    for name, step in model.steps.items():
        inner = getattr(step, "transformers", None)
        named.append(name if inner is None else " + ".join(inner))
    return tuple(named)
