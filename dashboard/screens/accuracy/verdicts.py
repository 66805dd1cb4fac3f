"""Answers the questions of the accuracy page from all whole bins of time, whichever stretch is on screen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache

import numpy as np
import pandas as pd

from dashboard.score_reader import FixedBins
from dashboard.screens.accuracy.curves import on_the_same, totals
from dashboard.screens.accuracy.read import Stretch, sums_of_third
from dashboard.state.address_bar import Measure
from dashboard.store_reader import reader
from ingest.store import DAY, FIVE_MINUTES, SUMS, span_start
from model.arrays import Ints
from model.scoring.confidence import LEVEL, streams
from model.scoring.verdict import told_apart, verdict

LOSSES = {
    "mae": ("abs_error", "n"),
    "rmse": ("squared_error", "n"),
    "crps": ("crps", "n"),
    "brier_bike": ("brier_bike", "n"),
    "brier_dock": ("brier_dock", "n_dock"),
}
"""The sum of each measure's losses, and the count that it is divided by."""


@dataclass(frozen=True)
class Answers:
    """Which model is `best`, and how the pool compares with naive.

    `alike` are the models that cannot be told apart from the best, `since` is when it was told apart from all
    others, None while it is not. `errors` are the measure of each model that was judged wherever the best
    was, on the same forecasts. `sign` is 1 where the pool is better than naive by more than luck, -1 where
    it is worse, else 0; `sign_since` is since when. On `worse_days` of the `days` so far the pool was worse,
    last on `worse_last`.
    """

    best: str
    alike: tuple[str, ...]
    since: datetime | None
    errors: dict[str, float]
    sign: int
    sign_since: datetime
    days: int
    worse_days: int
    worse_last: date | None


def answers(minutes: int, measure: Measure, found: Stretch) -> Answers | None:
    """Answer for a system, or for all; before the first whole bin from what there is, which is never enough.

    Of chosen hours alone where there are any. A third of the stations has days, which are too few as well.
    Gives None before the first score.
    """
    source, where = reader().scores, found.where
    if found.third != "all":
        return answer(FixedBins(minutes, DAY, sums_of_third(found, minutes)), measure, found.zone)
    bins = source.fixed_bins(where, minutes, found.newest, found.started, found.hours, found.kind)
    if not bins.sums["n"].any():
        since = span_start(found.started, FIVE_MINUTES)
        sums = source.over_time(where, FIVE_MINUTES, minutes, since, found.hours, found.kind)
        bins = FixedBins(minutes, bins.seconds, sums)
    return answer(bins, measure, found.zone)


@lru_cache(maxsize=8)
def answer(bins: FixedBins, measure: Measure, zone: tzinfo) -> Answers | None:
    """Answer by a measure; None without a score. `zone` tells when a day ends."""
    sums = bins.sums[bins.sums["n"] > 0]
    if sums.empty:
        return None
    loss, count = LOSSES[measure]
    number = sums["at"].astype("int64") // bins.seconds
    by_bin = sums.assign(number=number).groupby(["number", "model"], as_index=False)[list(SUMS)].sum()
    same = on_the_same(by_bin, "number")
    table = same.assign(loss=same[loss] / same[count]).pivot(index="number", columns="model", values="loss")
    numbers: Ints = table.index.to_numpy(dtype=np.int64)
    models, needed = tuple(table.columns), streams(bins.minutes, bins.seconds)
    found = verdict(models, table.to_numpy(dtype=np.float64), numbers, needed)
    if found is None:
        return None
    pair = table.reindex(columns=["pool", "naive"]).to_numpy(dtype=np.float64)
    sign, place = told_apart(pair[:, 0], pair[:, 1], numbers % needed, needed, LEVEL)
    shared = same["number"].isin(same.loc[same["model"] == found.best, "number"])
    judged = on_the_same(totals(same[shared], "model"))
    worse = _worse_days(same, loss, bins.seconds, zone)

    def end(index: int) -> datetime:
        return datetime.fromtimestamp((int(numbers[index]) + 1) * bins.seconds, UTC)

    return Answers(
        best=found.best,
        alike=found.alike,
        since=None if found.since is None else end(found.since),
        errors=dict(zip(judged["model"], judged[measure].astype(float), strict=True)),
        sign=sign,
        sign_since=end(place),
        days=len(worse),
        worse_days=int(worse.sum()),
        worse_last=max(worse.index[worse], default=None),
    )


def _worse_days(same: pd.DataFrame, loss: str, seconds: int, zone: tzinfo) -> pd.Series[bool]:
    """Tell for each day of the city whether the pool's losses were greater than naive's."""
    at = pd.to_datetime(same["number"] * seconds, unit="s", utc=True).dt.tz_convert(zone)
    by_day = same.groupby([at.dt.date, "model"])[loss].sum().unstack("model")
    by_day = by_day.reindex(columns=["pool", "naive"]).dropna()
    return by_day["pool"] > by_day["naive"]
