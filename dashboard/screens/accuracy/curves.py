"""Turns scores into curves and tables of numbers, for the accuracy page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

import numpy as np
import pandas as pd

from dashboard.state.address_bar import Measure, Past
from ingest.store import DAY, FIVE_MINUTES, HOUR, SUMS, WEEK, Outage, measured, span_start
from model.scoring.measures import WORSE, skill

_SUMS = list(SUMS)


@dataclass(frozen=True)
class Range:
    """A stretch of time up to now: its length, the spans to read, and the window of the curve's average.

    `length` None reaches back to the start, and its curve is the average since then. What is not a curve is
    added up from the longer spans `summed`.
    """

    length: timedelta | None
    span: int
    window: timedelta | None
    summed: int

    def since(self, newest: datetime, started: datetime, span: int | None = None) -> datetime:
        """Give its beginning at a boundary of its spans, or of another span, so that all spans are whole."""
        begin = started if self.length is None else max(newest - self.length, started)
        return span_start(begin, span or self.span)


def spread(past: Past, age: timedelta) -> Range:
    """Choose how to read a range; one since the start depends on the `age` of the forecasts."""
    ranges: dict[Past, Range] = {
        "hours": Range(timedelta(hours=6), FIVE_MINUTES, timedelta(hours=1), FIVE_MINUTES),
        "day": Range(timedelta(hours=24), FIVE_MINUTES, timedelta(hours=3), FIVE_MINUTES),
        "week": Range(timedelta(days=7), HOUR, timedelta(days=1), HOUR),
        "month": Range(timedelta(days=30), HOUR, timedelta(days=2), DAY),
        "year": Range(timedelta(days=365), DAY, timedelta(days=7), WEEK),
    }
    if past != "all":
        return ranges[past]
    span = FIVE_MINUTES if age < timedelta(days=7) else HOUR if age < timedelta(days=60) else DAY
    return Range(None, span, None, WEEK)


def curve(sums: pd.DataFrame, window: timedelta | None) -> pd.DataFrame:
    """Average sums over the `window` before each point, or since the start where it is None.

    `sums` are those of `Store.scores` at one horizon. Gives `at`, `model`, `n` and the measures. A point
    stands at the end of its window.
    """
    curves = []
    for model, one in sums[sums["n"] > 0].groupby("model", sort=False):
        by_time = one.set_index("at")[_SUMS].sort_index()
        rolled = by_time.cumsum() if window is None else by_time.rolling(window, min_periods=1).sum()
        # By rounding, a rolling sum drifts below 0 where it should be 0.
        curves.append(measured(rolled.clip(lower=0)).assign(n=rolled["n"], model=model).reset_index())
    return pd.concat(curves, ignore_index=True) if curves else _no_curve()


def _no_curve() -> pd.DataFrame:
    empty = measured(pd.DataFrame(columns=_SUMS, dtype="float64")).assign(n=0.0, model="")
    return empty.assign(at=pd.Series(dtype="datetime64[s, UTC]"))


def compare(curves: pd.DataFrame, measure: Measure) -> pd.DataFrame:
    """Give `at`, `model`, `n`, `error` in the measure, and `skill` against naive at the same moment."""
    naive = curves[curves["model"] == "naive"].set_index("at")[measure]
    beside = curves["at"].map(naive)
    made = curves[["at", "model", "n"]].assign(error=curves[measure])
    return made.assign(skill=skill(made["error"].to_numpy(), beside.to_numpy()))


def broken(table: pd.DataFrame, outages: list[Outage]) -> pd.DataFrame:
    """Add an empty point to each model in each outage, so that its line breaks."""
    holes = [
        {"at": outage.start + (outage.end - outage.start) / 2, "model": model}
        for outage in outages
        for model in table["model"].unique()
    ]
    if not holes:
        return table
    added = pd.DataFrame(holes).astype({"at": table["at"].dtype, "model": table["model"].dtype})
    return pd.concat([table, added], ignore_index=True).sort_values("at", kind="stable", ignore_index=True)


@dataclass(frozen=True)
class Worse:
    """When a model was worse than naive: the `share` of the points, and their last stretch.

    `since` and `until` are None where it never was, `until` alone where it still is.
    """

    share: float
    since: datetime | None
    until: datetime | None


def worse_than_naive(compared: pd.DataFrame, model: str = "pool") -> Worse | None:
    """Find when a model's curve ran above naive's; None where there is nothing to compare."""
    points = compared[(compared["model"] == model) & compared["skill"].notna()].sort_values("at")
    if points.empty:
        return None
    below = (points["skill"] < 0).to_numpy()
    at = list(points["at"].dt.to_pydatetime())
    if not below.any():
        return Worse(0.0, None, None)
    last = int(np.flatnonzero(below)[-1])
    first = last
    while first > 0 and below[first - 1]:
        first -= 1
    return Worse(float(below.mean()), at[first], None if last == len(at) - 1 else at[last + 1])


def totals(sums: pd.DataFrame, by: str | list[str]) -> pd.DataFrame:
    """Add sums up by some of their columns and give their measures beside `n` and `expired`."""
    added = sums.groupby(by, as_index=False, sort=True)[_SUMS].sum()
    return pd.concat([added.drop(columns=_SUMS), added[["n", "expired"]], measured(added)], axis=1)


def by_hour(sums: pd.DataFrame, zone: tzinfo) -> pd.DataFrame:
    """Add hourly sums up by the hour of the city's day, 0 to 23, and model."""
    hours = sums["at"].dt.tz_convert(zone).dt.hour if len(sums) else sums["n"].astype("int64")
    return totals(sums.assign(hour=hours), ["hour", "model"])


def by_station(scores: pd.DataFrame, minutes: int) -> pd.DataFrame:
    """Give each station's mean errors at one horizon: `station_id`, `n`, `pool`, `naive`, `skill`, `worse`.

    `scores` are those of `Store.station_scores`; stations never judged are left out.
    """
    if not scores.empty:
        scores = scores[(scores["minutes"] == minutes) & scores["model"].isin(["pool", "naive"])]
    if scores.empty:
        return pd.DataFrame(columns=["station_id", "n", "pool", "naive", "skill", "worse", "busy"])
    sums = scores.groupby(["station_id", "model"])[["n", "abs_error"]].sum().unstack("model")
    table = pd.DataFrame({"n": sums["n"].get("pool", 0.0)}, index=sums.index)
    for model in ("pool", "naive"):
        table[model] = sums["abs_error"].get(model, np.nan) / sums["n"].get(model, np.nan)
    table = table[table["n"] > 0]
    table["skill"] = skill(table["pool"].to_numpy(), table["naive"].to_numpy())
    table["worse"] = table["pool"] > WORSE * table["naive"]
    # By thirds of how much counts move in that time, which is naive's error.
    order = table["naive"].rank(method="first", pct=True)
    table["busy"] = np.select([order <= 1 / 3, order <= 2 / 3], [0, 1], 2)
    return table.reset_index()


def busy_and_quiet(stations: pd.DataFrame) -> pd.DataFrame:
    """Compare the third of the stations that move least with the others: `busy` 0 to 2, errors, skill."""
    weighed = stations.assign(pool=stations["pool"] * stations["n"], naive=stations["naive"] * stations["n"])
    sums = weighed.groupby("busy")[["n", "pool", "naive", "worse"]].sum()
    sizes = stations.groupby("busy").size()
    means = sums[["pool", "naive"]].div(sums["n"], axis=0)
    means["skill"] = skill(means["pool"].to_numpy(), means["naive"].to_numpy())
    return means.assign(worse=sums["worse"] / sizes, stations=sizes).reset_index()


def reliability(calibration: pd.DataFrame, minutes: int, models: list[str]) -> pd.DataFrame:
    """Give the share of forecasts that came true: `model`, `of`, `tenth`, `n`, `stated`, `came` (shares)."""
    if calibration.empty:
        return pd.DataFrame(columns=["model", "of", "tenth", "n", "stated", "came"])
    chosen = calibration[(calibration["minutes"] == minutes) & calibration["model"].isin(models)]
    sums = chosen.groupby(["model", "of", "tenth"], as_index=False)[["n", "stated", "came"]].sum()
    sums = sums[sums["n"] > 0]
    return sums.assign(stated=sums["stated"] / sums["n"], came=sums["came"] / sums["n"])
