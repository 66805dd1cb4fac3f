"""The answers of the accuracy page: from all whole bins, with luck told from skill."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from dashboard.score_reader import FixedBins
from dashboard.screens.accuracy.verdicts import answer
from ingest.store.scores import HOUR, SUMS

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DUBLIN = ZoneInfo("Europe/Dublin")
N = 100


def bins(errors: dict[str, np.ndarray], minutes: int = 30, seconds: int = HOUR) -> FixedBins:
    """Write hourly sums of mean errors; not a number is an hour without a forecast."""
    rows = [
        dict.fromkeys(SUMS, 0.0)
        | {"at": NOON + timedelta(hours=hour), "model": model, "minutes": minutes, "n": N, "n_dock": N / 2,
           "abs_error": N * error, "squared_error": N * error**2, "brier_dock": N * error}
        for model, each in errors.items()
        for hour, error in enumerate(each.tolist())
        if not np.isnan(error)
    ]  # fmt: skip
    return FixedBins(minutes, seconds, pd.DataFrame(rows).astype({"at": "datetime64[s, UTC]"}))


def noise(hours: int, mean: float, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, 0.1, hours)


def test_the_best_is_named_with_the_bin_since_which_it_is_more_than_luck() -> None:
    found = answer(bins({"pool": noise(200, 1, 1), "naive": noise(200, 1.2, 2)}), "mae", DUBLIN)
    assert found is not None
    assert (found.best, found.alike, found.sign) == ("pool", (), 1)
    assert found.since == found.sign_since
    assert found.since is not None
    assert NOON + timedelta(hours=47) <= found.since < NOON + timedelta(hours=80)
    assert (found.since - NOON) % timedelta(hours=1) == timedelta(0)


def test_those_that_may_be_as_good_are_named() -> None:
    errors = {"pool": noise(200, 1, 1), "chain": noise(200, 1, 3), "naive": noise(200, 1.2, 2)}
    found = answer(bins(errors), "mae", DUBLIN)
    assert found is not None
    assert {found.best, *found.alike} == {"pool", "chain"}
    assert found.since is None
    assert found.sign == 1


def test_days_on_which_the_pool_was_worse_are_the_citys() -> None:
    pool = np.where(np.arange(60) == 11, 40.0, 1.0)  # 23:00 UTC and in Dublin, on 2 March
    found = answer(bins({"pool": pool, "naive": np.full(60, 1.5)}), "mae", DUBLIN)
    assert found is not None
    assert (found.days, found.worse_days, found.worse_last) == (3, 1, date(2026, 3, 2))
    tokyo = answer(bins({"pool": pool, "naive": np.full(60, 1.5)}), "mae", ZoneInfo("Asia/Tokyo"))
    assert tokyo is not None
    assert (tokyo.days, tokyo.worse_last) == (4, date(2026, 3, 3))


def test_each_measure_has_its_losses_and_its_count() -> None:
    made = bins({"pool": np.full(3, 1.0), "naive": np.full(3, 2.0)})
    errors = {measure: answer(made, measure, UTC) for measure in ("mae", "rmse", "brier_dock")}
    found = {measure: each.errors for measure, each in errors.items() if each is not None}
    assert found["mae"] == found["rmse"] == {"naive": 2, "pool": 1}
    assert found["brier_dock"] == {"naive": 4, "pool": 2}


def test_a_model_that_began_later_is_compared_in_its_own_bins_alone() -> None:
    seed = noise(200, 0.9, 3)
    seed[:100] = np.nan
    found = answer(bins({"pool": noise(200, 1, 1), "naive": noise(200, 1.2, 2), "seed": seed}), "mae", UTC)
    assert found is not None
    assert found.best == "seed"
    assert round(found.errors["seed"], 1) == 0.9
    assert round(found.errors["naive"], 1) == 1.2, "of the forecasts that the best was judged on"


def test_far_horizons_have_bins_of_two_hours_and_nothing_is_answered_without_a_bin() -> None:
    made = bins({"pool": noise(20, 1, 1), "naive": noise(20, 1.2, 2)}, 180, 2 * HOUR)
    found = answer(made, "mae", UTC)
    assert found is not None
    assert found.sign == 0
    assert answer(FixedBins(30, HOUR, made.sums[:0]), "mae", UTC) is None
