"""The peers of a batch team, on the same questions: LightGBM weekly, a random forest on Tuesdays.

Both are trained on all that was known at the moment of training, never on a later truth. They answer until
the next training. Each horizon has models of its own. Before the first training they answer "as now".
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from questions import Questions

from ingest.replay.recording import Recording

Array = NDArray[Any]
DAY = 86400


@dataclass
class Answers:
    """A peer's distribution of bikes for each question, as a cumulative one: `(Q, S, N)` by horizon."""

    cdf: dict[int, Array] = field(default_factory=dict)
    median: dict[int, Array] = field(default_factory=dict)
    some_bike: dict[int, Array] = field(default_factory=dict)
    some_dock: dict[int, Array] = field(default_factory=dict)
    seconds: dict[str, float] = field(
        default_factory=lambda: {"features": 0.0, "training": 0.0, "predictions": 0.0}
    )


def features(recording: Recording, questions: Questions, times: Array, values: Array, step: int) -> Array:
    """Give the features known at each issue time, `(Q, S, F)`: a batch team's usual features.

    Counts now and 10 to 180 minutes ago, a day, two days and a week ago around the hour of day, the mean and
    the flows of the last hour and three hours, the station's fill and size, hour, weekday, weekend, station.
    """
    zone = ZoneInfo(recording.stations.timezone)
    queries, size = questions.bikes.shape
    row = np.searchsorted(times, questions.issued, side="right") - 1

    def ago(seconds: int) -> Array:
        at = row - seconds // step
        picked = values[np.maximum(at, 0)]
        return np.where((at >= 0)[:, None], picked, np.nan)

    now = np.where(questions.bikes >= 0, questions.bikes, np.nan).astype(np.float64)
    docks = np.where(questions.docks >= 0, questions.docks, np.nan).astype(np.float64)
    lags = [ago(60 * minutes) for minutes in (10, 20, 30, 60, 90, 120, 180)]
    daily = [ago(days * DAY - ahead * 60) for days in (1, 2, 7) for ahead in (0, 30, 60, 120)]
    change = np.diff(values, axis=0, prepend=np.nan)
    arrivals, departures = np.nan_to_num(np.maximum(change, 0)), np.nan_to_num(np.maximum(-change, 0))

    def last(flow: Array, seconds: int) -> Array:
        total = np.cumsum(flow, axis=0)
        start = np.maximum(row - seconds // step, 0)
        return total[row] - total[start]

    flows = [last(flow, seconds) for flow in (arrivals, departures) for seconds in (3600, 3 * 3600)]
    recent = [np.mean([now, *lags[:3]], axis=0), now - lags[3]]
    local = [datetime.fromtimestamp(int(at), UTC).astimezone(zone) for at in questions.issued]
    hour = np.array([at.hour + at.minute / 60 for at in local])
    weekday = np.array([at.weekday() for at in local])
    clock = [np.repeat(column[:, None], size, axis=1).astype(np.float64)
             for column in (hour, weekday, weekday >= 5)]  # fmt: skip
    places = now + docks
    station = np.repeat(np.arange(size)[None], queries, axis=0).astype(np.float64)
    city = np.repeat(np.nanmean(now, axis=1)[:, None], size, axis=1)
    columns = [
        now,
        docks,
        places,
        now / np.maximum(places, 1),
        *lags,
        *daily,
        *flows,
        *recent,
        *clock,
        station,
        city,
    ]
    return np.stack(columns, axis=2).astype(np.float32)


NOW, DOCKS, PLACES, STATION = 0, 1, 2, -2


def retrain_days(recording: Recording, weekday: int | None, hour: int = 3) -> list[int]:
    """List the moments of training: each week from the first on, or each Tuesday night."""
    zone = ZoneInfo(recording.stations.timezone)
    at = (
        datetime.fromtimestamp(int(recording.polls[0]), UTC)
        .astimezone(zone)
        .replace(hour=hour, minute=0, second=0)
    )
    moments = []
    end = recording.polls[-1]
    at += timedelta(days=7) if weekday is None else timedelta(days=(weekday - at.weekday()) % 7)
    while at.timestamp() < end:
        if at.timestamp() - recording.polls[0] >= DAY:
            moments.append(int(at.timestamp()))
        at += timedelta(days=7)
    return moments


Fit = Callable[[Array, Array, Array], "Model"]
"""Features, change of bikes, docks at the target → a trained model."""


@dataclass
class Model:
    """A trained model: functions from features to the change, and to the odds of a bike and a dock."""

    change: Callable[[Array], Array]
    some_bike: Callable[[Array], Array] | None
    some_dock: Callable[[Array], Array] | None
    spread: list[tuple[float, Array]]
    """Errors on two days held out, by predicted size of change: upper bound, sorted errors."""


def lightgbm(x: Array, change: Array, docks: Array) -> Model:
    """L1, 300 trees, 63 leaves, for the change; and a classifier each for a bike and a dock."""
    import lightgbm as lgb

    usual = {"n_estimators": 300, "num_leaves": 63, "learning_rate": 0.05, "min_child_samples": 100,
             "verbose": -1, "n_jobs": 1, "random_state": 1}  # fmt: skip
    station = x.shape[1] + STATION

    def fit(model: Any, y: Array) -> Any:
        return model.fit(x, y, categorical_feature=[station])

    regression = fit(lgb.LGBMRegressor(objective="l1", **usual), change)
    odds: list[Callable[[Array], Array] | None] = []
    for target in (x[:, NOW] + change >= 1, docks >= 1):
        if 0 < target.mean() < 1:
            model = fit(lgb.LGBMClassifier(**usual | {"n_estimators": 100}), target.astype(int))
            odds.append(lambda q, model=model: model.predict_proba(q)[:, 1])
        else:
            odds.append(None)
    return Model(lambda q: regression.predict(q), *odds, [])


def forest(x: Array, change: Array, docks: Array) -> Model:
    """The article's model: a random forest of about 20 features, squared error."""
    from sklearn.ensemble import RandomForestRegressor

    del docks
    some = np.random.default_rng(1).permutation(len(x))[:100_000]
    columns = np.r_[0:11, 11, 15, 19, 23:29, 29:33]
    model = RandomForestRegressor(
        n_estimators=50, min_samples_leaf=20, max_features=0.4, n_jobs=2, random_state=1
    )
    model.fit(np.nan_to_num(x[some][:, columns], nan=-1), change[some])
    return Model(lambda q: model.predict(np.nan_to_num(q[:, columns], nan=-1)), None, None, [])


def spread_of(model: Model, x: Array, change: Array) -> list[tuple[float, Array]]:
    """Learn the errors of predictions by the size of the predicted change: they turn a point into odds."""
    predicted = model.change(x)
    size = np.abs(predicted)
    error = np.rint(change - np.rint(predicted)).astype(int)
    bounds = [*np.unique(np.quantile(size, [0.2, 0.4, 0.6, 0.8, 0.95])).tolist(), np.inf]
    low = -1.0
    spread = []
    for bound in bounds:
        inside = error[(size > low) & (size <= bound)]
        spread.append((bound, np.sort(inside) if len(inside) else np.zeros(1, dtype=int)))
        low = bound
    return spread


def answer(
    fit: Fit, moments: list[int], x: Array, questions: Questions, start: int, minutes: tuple[int, ...]
) -> Answers:
    """Train at each moment on all data before it, and answer the questions until the next."""
    given = Answers()
    scored = questions.issued >= start
    size = x.shape[1]
    for horizon in minutes:
        truth, truth_docks = questions.truth[horizon], questions.truth_docks[horizon]
        now = np.maximum(questions.bikes, 0)
        most = int(np.nanmax(x[..., PLACES])) + 1
        cdf = (np.arange(most) >= now[..., None]).astype(np.float32)
        median = now.astype(np.float64)
        bike, dock = (now >= 1).astype(np.float64), (questions.docks >= 1).astype(np.float64)
        for index, moment in enumerate(moments):
            until = moments[index + 1] if index + 1 < len(moments) else 2**62
            asks = np.flatnonzero((questions.issued >= moment) & (questions.issued < until) & scored)
            if not len(asks):
                continue
            known = (questions.issued[:, None] + 60 * horizon < moment) & (truth >= 0)
            held_out = known & (questions.issued[:, None] >= moment - 2 * DAY)
            begun = time.perf_counter()
            # A model's spread is measured on days that it has not seen; the one used has seen all.
            before = known & ~held_out
            change = (truth - now).astype(np.float64)
            trial = fit(x[before], change[before], truth_docks[before])
            model = fit(x[known], change[known], truth_docks[known])
            model.spread = spread_of(trial, x[held_out], change[held_out])
            given.seconds["training"] += time.perf_counter() - begun
            begun = time.perf_counter()
            flat = x[asks].reshape(-1, x.shape[2])
            places = np.nan_to_num(flat[:, PLACES], nan=most - 1)
            predicted = model.change(flat)
            centre = np.clip(np.rint(flat[:, NOW] + predicted), 0, places)
            centre = np.nan_to_num(centre)
            median[asks] = centre.reshape(len(asks), size)
            odds = np.empty((len(flat), most), dtype=np.float32)
            which = np.searchsorted([bound for bound, _ in model.spread], np.abs(predicted))
            counts = np.arange(most)
            for group, (_, errors) in enumerate(model.spread):
                rows = np.flatnonzero(which == group)
                shifted = counts[None] - centre[rows, None]
                odds[rows] = np.searchsorted(errors, shifted, side="right") / len(errors)
            odds[counts[None] >= places[:, None]] = 1
            cdf[asks] = odds.reshape(len(asks), size, most)
            none = np.take_along_axis(odds, np.maximum(places - 1, 0).astype(int)[:, None], axis=1)[:, 0]
            for name, classifier, fallback in (
                ("bike", model.some_bike, 1 - odds[:, 0]), ("dock", model.some_dock, none),
            ):  # fmt: skip
                chance = (fallback if classifier is None else classifier(flat)).reshape(len(asks), size)
                (bike if name == "bike" else dock)[asks] = chance
            given.seconds["predictions"] += time.perf_counter() - begun
        given.cdf[horizon], given.median[horizon] = cdf, median
        given.some_bike[horizon], given.some_dock[horizon] = bike, dock
    return given
