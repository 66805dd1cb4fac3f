"""Turns scores into curves and tables of numbers, for the accuracy page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

import numpy as np
import pandas as pd

from dashboard.state.address_bar import Measure, Past
from dashboard.words.accuracy import BUSY
from ingest.store import DAY, FIVE_MINUTES, HOUR, SUMS, Outage, measured, span_start
from model.scoring.measures import WORSE, skill

_SUMS = list(SUMS)


LONGEST_STEP = timedelta(hours=3)
"""Scores farther apart are not joined by a line: in between nothing was scored."""


@dataclass(frozen=True)
class Range:
    """A stretch of time up to now: its length, the spans to read, and the window of the curve's average.

    `length` None reaches back to the start, and its curve is the average since then.
    """

    length: timedelta | None
    span: int
    window: timedelta | None

    @property
    def step(self) -> timedelta:
        """The longest time between two points that a line joins."""
        return max(LONGEST_STEP, timedelta(seconds=self.span))

    def since(self, newest: datetime, started: datetime) -> datetime:
        """Give its beginning at a boundary of its spans, so that all spans are whole."""
        begin = started if self.length is None else max(newest - self.length, started)
        return span_start(begin, self.span)

    def read_since(self, newest: datetime, started: datetime) -> datetime:
        """Give the beginning of the first point's window."""
        return max(
            self.since(newest, started) - (self.window or timedelta(0)), span_start(started, self.span)
        )


def spread(past: Past, age: timedelta) -> Range:
    """Choose how to read a range; one since the start depends on the `age` of the forecasts."""
    ranges: dict[Past, Range] = {
        "hours": Range(timedelta(hours=6), FIVE_MINUTES, timedelta(hours=1)),
        "day": Range(timedelta(hours=24), FIVE_MINUTES, timedelta(hours=3)),
        "week": Range(timedelta(days=7), HOUR, timedelta(days=1)),
        "month": Range(timedelta(days=30), HOUR, timedelta(days=2)),
        "year": Range(timedelta(days=365), DAY, timedelta(days=7)),
    }
    if past != "all":
        return ranges[past]
    span = FIVE_MINUTES if age < timedelta(days=7) else HOUR if age < timedelta(days=60) else DAY
    return Range(None, span, None)


BY_DAY = Range(None, DAY, timedelta(hours=23))
"""How to read a part of the stations: each point is a day, also one that is an hour shorter."""


def on_the_same(table: pd.DataFrame, by: str | list[str] | None = None) -> pd.DataFrame:
    """Keep the models that were judged on all forecasts: their `n` is the greatest, in each group `by`."""
    most = table["n"].max() if by is None else table.groupby(by)["n"].transform("max")
    return table[table["n"] == most]


def curve(sums: pd.DataFrame, window: timedelta | None) -> pd.DataFrame:
    """Average sums over the `window` before each point, or since the start where it is None.

    `sums` are those of `Store.scores` at one horizon. Gives `at`, `model`, `n` and the measures. `at` is the
    start of the last span of the window. A model has a point where its window holds the same forecasts as
    those of all others.
    """
    curves = []
    for model, one in sums[sums["n"] > 0].groupby("model", sort=False):
        by_time = one.set_index("at")[_SUMS].sort_index()
        rolled = by_time.cumsum() if window is None else by_time.rolling(window, min_periods=1).sum()
        # By rounding, a rolling sum drifts below 0 where it should be 0.
        made = measured(rolled.clip(lower=0)).assign(n=rolled["n"].round(), model=model)
        curves.append(made.reset_index())
    if not curves:
        return _no_curve()
    return on_the_same(pd.concat(curves, ignore_index=True), "at").reset_index(drop=True)


def at_the_end(points: pd.DataFrame, since: datetime, newest: datetime, span: int) -> pd.DataFrame:
    """Put the points whose last span begins at `since` or later at the end of that span, or at `newest`."""
    ends = points["at"] + pd.Timedelta(seconds=span)
    ends = ends.where(ends <= newest, pd.Timestamp(newest))
    return points.assign(at=ends.astype(points["at"].dtype))[points["at"] >= since]


@dataclass(frozen=True)
class Later:
    """A model that was judged on a part of the forecasts alone, beside the pool on that part.

    `since` is the start of the first span whose forecasts it was all judged on, `n` counts the forecasts of
    such spans, `error` and `pool` are the measure on them. `since` is None where there is no such span.
    """

    model: str
    since: datetime | None
    n: float
    error: float
    pool: float


def judged_later(sums: pd.DataFrame, measure: Measure) -> list[Later]:
    """Compare each model that was not judged on all forecasts of one horizon with the pool, on its part."""
    by_model = sums.groupby("model")["n"].sum()
    late = by_model[(by_model > 0) & (by_model < by_model.max())].index
    whole = on_the_same(sums[sums["n"] > 0], "at")
    found = []
    for model in late:
        part = whole[whole["at"].isin(whole.loc[whole["model"] == model, "at"])]
        if part.empty:
            found.append(Later(model, None, 0, np.nan, np.nan))
            continue
        both = totals(part[part["model"].isin([model, "pool"])], "model").set_index("model")
        since = part["at"].min().to_pydatetime()
        found.append(
            Later(model, since, both["n"][model], both[measure][model], both[measure].get("pool", np.nan))
        )
    return found


def _no_curve() -> pd.DataFrame:
    empty = measured(_no_sums()).assign(n=0.0, model="")
    return empty.assign(at=pd.Series(dtype="datetime64[s, UTC]"))


def _no_sums() -> pd.DataFrame:
    empty = pd.DataFrame(columns=_SUMS, dtype="float64").assign(model=pd.Series(dtype="str"))
    return empty.assign(at=pd.Series(dtype="datetime64[s, UTC]"))


def compare(curves: pd.DataFrame, measure: Measure) -> pd.DataFrame:
    """Give `at`, `model`, `n`, `error` in the measure, and `skill` against naive at the same moment."""
    naive = curves[curves["model"] == "naive"].set_index("at")[measure]
    beside = curves["at"].map(naive)
    made = curves[["at", "model", "n"]].assign(error=curves[measure])
    return made.assign(skill=skill(made["error"].to_numpy(), beside.to_numpy()))


def broken(table: pd.DataFrame, outages: list[Outage], step: timedelta) -> pd.DataFrame:
    """Add an empty point to each model where its line breaks: in an outage, and where no score is for long.

    Two points of a model that are more than `step` apart are not joined.
    """
    holes = [
        {"at": outage.start + (outage.end - outage.start) / 2, "model": model}
        for outage in outages
        for model in table["model"].unique()
    ]
    for model, points in table.groupby("model"):
        at = points["at"].sort_values()
        holes += [{"at": each - step / 2, "model": model} for each in at[at.diff() > step]]
    if not holes:
        return table
    added = pd.DataFrame(holes).astype({"at": table["at"].dtype, "model": table["model"].dtype})
    return pd.concat([table, added], ignore_index=True).sort_values("at", kind="stable", ignore_index=True)


def totals(sums: pd.DataFrame, by: str | list[str]) -> pd.DataFrame:
    """Add sums up by some of their columns and give their measures beside `n` and `expired`."""
    added = sums.groupby(by, as_index=False, sort=True)[_SUMS].sum()
    return pd.concat([added.drop(columns=_SUMS), added[["n", "expired"]], measured(added)], axis=1)


def by_hour(sums: pd.DataFrame, zone: tzinfo) -> pd.DataFrame:
    """Add hourly sums up by the hour of the city's day, 0 to 23, and model.

    A model that was not judged on all forecasts is left out.
    """
    by_model = sums.groupby("model")[["n"]].sum().reset_index()
    sums = sums[sums["model"].isin(on_the_same(by_model)["model"])]
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


def of_third(daily: pd.DataFrame, minutes: int, third: str, zone: tzinfo) -> pd.DataFrame:
    """Add up the scores of a third of the stations, by day of the city: sums as those of `Store.scores`.

    `daily` are those of `Store.daily_scores`. Which stations are in a third follows from all of its days.
    Coverage is not known by station.
    """
    stations = by_station(daily, minutes)
    if stations.empty:
        return _no_sums()
    ids = stations.loc[stations["busy"] == BUSY.index(third), "station_id"]
    known = [name for name in _SUMS if name in daily.columns]
    chosen = daily[daily["station_id"].isin(ids)].groupby(["day", "model"], as_index=False)[known].sum()
    at = pd.to_datetime(chosen["day"]).dt.tz_localize(zone, ambiguous=True, nonexistent="shift_forward")
    made = chosen.assign(at=at.dt.tz_convert("UTC").astype("datetime64[s, UTC]"), expired=0.0, covered=np.nan)
    return made[["at", "model", *_SUMS]].sort_values(["at", "model"], ignore_index=True)


def busy_and_quiet(stations: pd.DataFrame) -> pd.DataFrame:
    """Compare the third of the stations that move least with the others: `busy` 0 to 2, errors, skill."""
    weighed = stations.assign(pool=stations["pool"] * stations["n"], naive=stations["naive"] * stations["n"])
    sums = weighed.groupby("busy")[["n", "pool", "naive", "worse"]].sum()
    sizes = stations.groupby("busy").size()
    means = sums[["pool", "naive"]].div(sums["n"], axis=0)
    means["skill"] = skill(means["pool"].to_numpy(), means["naive"].to_numpy())
    return means.assign(worse=sums["worse"] / sizes, stations=sizes).reset_index()


def reliability(calibration: pd.DataFrame, minutes: int, models: list[str]) -> pd.DataFrame:
    """Give the share of forecasts that came true: `model`, `of`, `tenth`, `n`, `stated`, `came` (shares).

    A model that was not judged on all forecasts is left out.
    """
    if calibration.empty:
        return pd.DataFrame(columns=["model", "of", "tenth", "n", "stated", "came"])
    chosen = calibration[(calibration["minutes"] == minutes) & calibration["model"].isin(models)]
    sums = chosen.groupby(["model", "of", "tenth"], as_index=False)[["n", "stated", "came"]].sum()
    judged = sums.groupby(["of", "model"])["n"].transform("sum")
    sums = sums[(sums["n"] > 0) & (judged == judged.groupby(sums["of"]).transform("max"))]
    return sums.assign(stated=sums["stated"] / sums["n"], came=sums["came"] / sums["n"])
