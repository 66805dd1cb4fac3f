"""How much better than naive forecasts were, as metrics tell it."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from dashboard.api.skill import Skills, skills
from tests.support.dashboard_world import NOON

HOUR = timedelta(hours=1)


def week(gain: float, noise: float = 0.2, hours: int = 168, minutes: int = 30) -> pd.DataFrame:
    """Make up sums of scores: naive loses 1 bike a forecast, the pool `gain` less, give or take `noise`."""
    random = np.random.default_rng(1)
    at = [NOON - n * HOUR for n in range(hours)]
    pool = 10 * (1 - gain + noise * random.standard_normal(hours))
    tables = [
        pd.DataFrame({"at": at, "model": model, "minutes": minutes, "n": 10, "crps": crps})
        for model, crps in (("pool", pool), ("naive", 10.0))
    ]
    return pd.concat(tables).astype({"at": "datetime64[s, UTC]"})


@pytest.mark.parametrize("gain", [0.3, -0.3])
def test_a_week_of_one_side_is_no_luck(gain: float) -> None:
    found = skills(week(gain))[30]
    assert found.middle == pytest.approx(gain, abs=0.05)
    assert found.least < found.middle < found.most
    assert np.sign(found.least) == np.sign(found.most) == np.sign(gain)


def test_what_may_be_luck_is_bounded_on_both_sides() -> None:
    found = skills(week(0.01, noise=1.0))[30]
    assert found.least < 0 < found.most


def test_a_day_has_a_skill_without_bounds_and_unequal_hours_count_for_nothing() -> None:
    assert not skills(week(0.3, hours=24))[30].is_bounded
    unequal = week(0.3)
    unequal.loc[unequal["model"] == "pool", "n"] = 9
    assert skills(unequal) == {}
    assert skills(unequal.iloc[:0]) == {}


class Scores:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def over_time(self, system_id: str, *_: object, **__: object) -> pd.DataFrame:
        self.asked.append(system_id)
        return week(0.3)


def test_a_system_is_compared_once_an_hour_and_some_a_scrape() -> None:
    scores, kept = Scores(), Skills(budget=0.0)

    def scrape(*ids: str, at: datetime = NOON) -> set[str]:
        return {found[0] for found in kept.of(scores, dict.fromkeys(ids, at))}  # type: ignore[arg-type]

    assert [scrape("a", "b") for _ in range(3)] == [{"a"}, {"a", "b"}, {"a", "b"}]
    assert scores.asked == ["a", "b"]
    eager = Skills()
    for at in (NOON, NOON + HOUR / 2, NOON + HOUR):
        assert {each[0] for each in eager.of(scores, {"c": at, "d": at})} == {"c", "d"}  # type: ignore[arg-type]
    assert scores.asked.count("c") == 2
    assert {each[0] for each in eager.of(scores, {"d": NOON + HOUR})} == {"d"}  # type: ignore[arg-type]
