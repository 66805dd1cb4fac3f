"""The seed pipeline: the article's pipeline that Dockcast began with, in River, as a peer.

Its features are the weather, the mean count of the station at that hour, and an exponentially weighted mean
of its latest counts. They are scaled and go through a linear regression, which learns one label at a time.
Labels arrive with the truth, so each horizon has its own regression. River learns one station at a time, in
Python: that is its cost, and why nothing else here works this way. River takes a second to load. So a city
has its pipelines with its first question, and its first frame does not wait for them.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from model.arrays import Floats, Ints
from model.component import Component
from model.records import WEATHER

if TYPE_CHECKING:
    from river import compose

WEATHER_COLUMNS = ("clouds", "humidity", "pressure", "temperature", "wind")
"""The columns of `WEATHER` that the pipeline reads."""

_RATE, _INTERCEPT_RATE = 0.001, 0.5
"""River's own default for the first, 0.01, diverges: a mean error of 39,000 bikes in Toulouse."""

_COLUMNS = [WEATHER.index(name) for name in WEATHER_COLUMNS]


class TargetMeans:
    """The two features made of earlier labels. Pipelines of several horizons share them."""

    def __init__(self) -> None:
        from river import feature_extraction, stats

        from model.seed_means import HourlyMeans

        self.by_hour = HourlyMeans()
        self.latest = feature_extraction.TargetAgg(by="station", how=stats.EWMean(0.5))


def weather_features(x: Mapping[str, Any]) -> dict[str, Any]:
    """Select the weather. River's own `Select` would refuse a city without weather."""
    return {name: x[name] for name in WEATHER_COLUMNS if name in x}


def pipeline(means: TargetMeans) -> compose.Pipeline:
    """Build the article's pipeline. Its inputs are `station`, `hour` and, where known, the weather.

    >>> model = pipeline(TargetMeans())
    >>> x = {"station": "7", "hour": 8, "clouds": 75, "humidity": 81, "pressure": 1017, "temperature": 6.5,
    ...      "wind": 9.3}
    >>> model.predict_one(x)
    0.0
    >>> model.learn_one(x, 4)
    >>> round(model.predict_one(x), 3)
    4.0
    """
    from river import compose, linear_model, optim, preprocessing

    features = compose.TransformerUnion(
        ("weather", compose.FuncTransformer(weather_features)),
        ("by_hour", means.by_hour),
        ("latest", means.latest),
    )
    features.transformers |= {"by_hour": means.by_hour, "latest": means.latest}  # it takes copies
    return compose.Pipeline(
        features,
        preprocessing.StandardScaler(),
        linear_model.LinearRegression(optim.SGD(_RATE), intercept_lr=_INTERCEPT_RATE),
    )


class SeedPipeline(Component):
    """The pipelines of one city, one for each of `minutes`. Their state is keyed by station id.

    There is no state before the first question.
    """

    name = "seed"

    def __init__(self, timezone: str, minutes: Sequence[int]) -> None:
        self.move(timezone)
        self._minutes = tuple(minutes)

    @cached_property
    def means(self) -> TargetMeans:
        """The features that all pipelines share."""
        return TargetMeans()

    @cached_property
    def pipelines(self) -> dict[int, compose.Pipeline]:
        """The pipeline of each horizon."""
        return {horizon: pipeline(self.means) for horizon in self._minutes}

    @property
    def is_made(self) -> bool:
        """Whether the pipelines are made: they have been asked or have learnt something."""
        return "pipelines" in vars(self)

    def move(self, timezone: str) -> None:
        """Take another time zone."""
        self.zone = ZoneInfo(timezone)

    def rename(self, renamed: Mapping[str, str], begun: Collection[str]) -> None:
        """Move what was learnt of stations to their new ids; forget the ids that name other stations now."""
        if not self.is_made:
            return
        gone = {*begun, *renamed.values()} - renamed.keys()
        latest = self.means.latest._groups
        kept = {station: renamed.get(station, station) for (station,) in latest if station not in gone}
        self.means.by_hour.rename(kept)
        moved = {(name,): latest[station,] for station, name in kept.items()}
        latest.clear()
        latest.update(moved)

    def predict(self, minutes: int, at: datetime, weather: Floats, stations: Sequence[str]) -> Floats:
        """Predict the bikes `(S,)` at `stations`, `minutes` after `at`, in that time's weather `(6,)`."""
        model = self.pipelines[minutes]
        features = self._features(at + timedelta(minutes=minutes), weather)
        return np.array([model.predict_one(features | {"station": station}) for station in stations])

    def learn(
        self, minutes: int, at: datetime, weather: Floats, stations: Sequence[str], bikes: Ints
    ) -> None:
        """Learn the truth `(S,)` of a prediction: the other arguments are those of `predict`."""
        model = self.pipelines[minutes]
        features = self._features(at + timedelta(minutes=minutes), weather)
        for station, truth in zip(stations, bikes.tolist(), strict=True):
            model.learn_one(features | {"station": station}, truth)

    def _features(self, target_at: datetime, weather: Floats) -> dict[str, Any]:
        known = zip(WEATHER_COLUMNS, weather[_COLUMNS].tolist(), strict=True)
        features = {name: value for name, value in known if not math.isnan(value)}
        return {"hour": target_at.astimezone(self.zone).hour, **features}

    # ------------------------------------------------------------------ River's objects to arrays and back

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give the state: the numbers inside River's objects.

        A prediction makes an empty mean for a station that has none; these are left out, and made again.
        """
        if not self.is_made:
            return {}
        by_hour = list(self.means.by_hour.learnt())
        stations = sorted({station for station, *_ in by_hour})
        arrays: dict[str, NDArray[Any]] = {
            "hour.station": _strings(station for station, *_ in by_hour),
            "hour.hour": np.array([hour for _, hour, *_ in by_hour], dtype=np.int64),
            "hour.n": np.array([labels for *_, labels, _ in by_hour]),
            "hour.mean": np.array([mean for *_, mean in by_hour]),
            "latest.station": _strings(stations),
            "latest.mean": np.array([self.means.latest._groups[station,].get() for station in stations]),
        }
        for minutes, model in self.pipelines.items():
            scaler, regression = model["StandardScaler"], model["LinearRegression"]
            weights = regression.weights
            arrays |= {
                f"{minutes}.features": _strings(scaler.means),
                f"{minutes}.counts": np.array([scaler.counts[name] for name in scaler.means], dtype=np.int64),
                f"{minutes}.means": np.array(list(scaler.means.values())),
                f"{minutes}.vars": np.array([scaler.vars[name] for name in scaler.means]),
                f"{minutes}.names": _strings(weights),
                f"{minutes}.weights": np.array(list(weights.values())),
                f"{minutes}.intercept": np.array(regression.intercept),
                f"{minutes}.steps": np.array(regression.optimizer.n_iterations),
            }
        return arrays

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `arrays` gave."""
        if not arrays:
            return
        from river.utils import VectorDict

        listed = {name: values.tolist() for name, values in arrays.items()}
        for learnt in zip(
            *(listed[f"hour.{name}"] for name in ("station", "hour", "n", "mean")), strict=True
        ):
            self.means.by_hour.restore(*learnt)
        for station, mean in zip(listed["latest.station"], listed["latest.mean"], strict=True):
            self.means.latest._groups[(station,)].update(mean)  # the first value becomes the mean
        for minutes, model in self.pipelines.items():
            scaler, regression = model["StandardScaler"], model["LinearRegression"]
            names = listed[f"{minutes}.features"]
            for table, values in (
                (scaler.counts, "counts"), (scaler.means, "means"), (scaler.vars, "vars"),
            ):  # fmt: skip
                for name, value in zip(names, listed[f"{minutes}.{values}"], strict=True):
                    table[name] = value
            pairs = zip(listed[f"{minutes}.names"], listed[f"{minutes}.weights"], strict=True)
            regression._weights = VectorDict(dict(pairs))
            regression.intercept = arrays[f"{minutes}.intercept"].item()
            regression.optimizer.n_iterations = arrays[f"{minutes}.steps"].item()


def _strings(names: Any) -> NDArray[np.str_]:
    return np.array(list(names), dtype=np.str_)
