"""Replay recordings through the forecaster as the worker runs it, and measure how right it was.

Nothing is trained beforehand, and the forecaster never sees ahead. It learns each snapshot in its turn and
settles every forecast as it was issued. Only those issued from a date on count.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from ingest.gbfs.hours import covering
from ingest.own.runner import OwnModelRunner
from ingest.replay.recording import Recording
from ingest.store.judged_forecasts import NamedForecast, named
from model.arrays import Floats
from model.forecaster import Forecaster
from model.records import ANY
from model.scoring.issue import SCORED_MINUTES
from model.scoring.measures import MEASURES, WORSE, measures
from model.scoring.own import OWN
from model.scoring.settle import Score

_SUMS = ("n", "n_dock", "abs_error", "squared_error", "crps", "brier_bike", "brier_dock", "covered")


class BacktestError(Exception):
    """There is nothing to score as requested. The text says what can be scored."""


@dataclass
class _Total:
    """The scores of a model's forecasts at one horizon: sums, and absolute errors by station `(S,)`."""

    errors: Floats
    sums: dict[str, float] = field(default_factory=lambda: dict.fromkeys(_SUMS, 0.0))

    def add(self, score: Score) -> None:
        row = score.row()
        for name in _SUMS:
            self.sums[name] += row[name]
        self.errors[score.rows] += score.abs_error


@dataclass(frozen=True)
class BacktestRow:
    """How right a model was at one horizon: means over `n` forecasts of stations.

    Errors and CRPS are in bikes; `cover80` is the share of the probability integral transform between 0.1 and
    0.9; `stations_worse` the share of stations where it is worse than naive by more than 1 %.
    """

    recording: str
    model: str
    minutes: int
    n: int
    mae: float
    rmse: float
    crps: float
    brier_bike: float
    brier_dock: float
    cover80: float
    stations_worse: float


@dataclass(frozen=True)
class BacktestReport:
    """The rows of a backtest, and the seconds that learning and forecasting took."""

    rows: list[BacktestRow]
    seconds: float
    polls: int
    stations: int


def backtest(
    recording: Recording,
    minutes: Sequence[int],
    every: int,
    start: datetime | None = None,
    progress: Callable[[int], None] = lambda polls: None,
    seed: bool = True,
    on_score: Callable[[Score], None] = lambda score: None,
    own: OwnModelRunner | None = None,
    on_judged: Callable[[NamedForecast], None] | None = None,
) -> BacktestReport:
    """Replay a recording, and issue forecasts `every` so many minutes.

    Learning begins with the recording. Forecasts count from `start` on, which is local time where it has no
    zone. Calls `progress` with the number of polls done, and `on_score` with every score. With `seed` the
    seed pipeline competes, and with `own` the own model, which is waited for. The forecaster gets the
    recorded weather when it was known or observed. `on_judged` gets what is judged, issued from `start` on.

    Raises `BacktestError` for minutes at which nothing is scored, or a start after the recording's end.
    """
    wrong = [minute for minute in minutes if minute not in SCORED_MINUTES]
    if wrong or not minutes:
        known = ", ".join(map(str, SCORED_MINUTES))
        raise BacktestError(f"forecasts are scored at {known} minutes, not at {wrong}: choose among these")
    forecaster = Forecaster(recording.stations, every, seed)
    if start is not None and start.tzinfo is None:
        start = start.replace(tzinfo=ZoneInfo(recording.stations.timezone))
    if start is not None and start.timestamp() >= recording.polls[-1]:
        raise BacktestError(
            f"{recording.system.system_id} ends before {start:%Y-%m-%d}: score from an earlier date"
        )
    totals: dict[tuple[int, str], _Total] = {}
    spent = 0.0
    weathers = recording.weathers()
    next_weather = next(weathers, None)
    for number, snapshot in enumerate(recording.snapshots(), 1):
        begun = time.perf_counter()
        while next_weather is not None and next_weather[0] <= snapshot.at:
            forecaster.update_weather(next_weather[1])
            next_weather = next(weathers, None)
        forecaster.update_hours(covering(recording.hours, recording.stations, snapshot.at))
        scores = forecaster.learn(snapshot)
        spent += time.perf_counter() - begun
        if own is not None:
            own.show(forecaster)
            own.wait()
            own.put_answers(forecaster)
        if on_judged is not None:
            for judged in named(forecaster, recording.stations.station_id):
                if start is None or judged.judged.pending.issued_at >= start:
                    on_judged(judged)
        for score in scores:
            on_score(score)
            issued_at = score.target_at - timedelta(minutes=score.minutes)
            if (
                score.kind == ANY
                and score.minutes in minutes
                and score.n
                and (start is None or issued_at >= start)
            ):
                key = score.minutes, score.model
                if key not in totals:
                    totals[key] = _Total(np.zeros(len(recording.stations)))
                totals[key].add(score)
        if number % 500 == 0 or number == len(recording.polls):
            progress(number)
    rows = [
        _row(recording.system.system_id, model, minute, totals[minute, model], totals[minute, "naive"])
        for minute in sorted(set(minutes))
        for model in (*forecaster.models, OWN)
        if (minute, model) in totals
    ]
    return BacktestReport(rows, spent, len(recording.polls), len(recording.stations))


def _row(recording: str, model: str, minutes: int, total: _Total, naive: _Total) -> BacktestRow:
    values = measures({name: [value] for name, value in total.sums.items()})
    return BacktestRow(
        recording=recording,
        model=model,
        minutes=minutes,
        n=int(total.sums["n"]),
        stations_worse=float((total.errors > WORSE * naive.errors).mean()),
        **{name: float(values[name][0]) for name in MEASURES},
    )
