"""Curves from scores: averages over time, skill, when and where a model was worse than naive."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from dashboard.screens.accuracy import curves
from ingest.store import Outage
from ingest.store.scores import DAY, FIVE_MINUTES, HOUR, SUMS

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOURS = timedelta(hours=1)


def sums(errors: dict[str, list[float]], n: float = 10, start: datetime = NOON) -> pd.DataFrame:
    """Write hourly sums, each of `n` forecasts with the given mean error."""
    rows = [
        dict.fromkeys(SUMS, 0.0)
        | {"at": start + hour * HOURS, "model": model, "minutes": 30, "n": n, "abs_error": n * error,
           "squared_error": n * error**2, "crps": n * error}
        for model, each in errors.items()
        for hour, error in enumerate(each)
        if not np.isnan(error)
    ]  # fmt: skip
    return pd.DataFrame(rows).astype({"at": "datetime64[s, UTC]"})


def test_a_rolling_point_is_the_mean_of_its_window_and_no_more() -> None:
    made = curves.curve(sums({"pool": [1, 2, 6, 4]}), 2 * HOURS)
    assert made["mae"].tolist() == [1, 1.5, 4, 5]
    assert made["n"].tolist() == [10, 20, 20, 20]
    assert made["rmse"].tolist() == pytest.approx(np.sqrt([1, 2.5, 20, 26]))


def test_since_the_start_a_point_is_the_mean_of_all_before_it() -> None:
    assert curves.curve(sums({"pool": [1, 2, 6]}), None)["mae"].tolist() == [1, 1.5, 3]


def test_a_model_that_began_later_has_a_point_once_its_window_holds_what_the_others_hold() -> None:
    late = sums({"pool": [1, 2, 6, 4], "seed": [np.nan, 8, 4, 2]})
    made = curves.curve(late, 2 * HOURS)
    assert (made.groupby("at")["n"].nunique() == 1).all()
    seed = made[made["model"] == "seed"]
    assert seed["at"].dt.to_pydatetime().tolist() == [NOON + 2 * HOURS, NOON + 3 * HOURS]
    assert seed["mae"].tolist() == [6, 3]
    assert "seed" not in set(curves.curve(late, None)["model"])


def test_a_model_that_began_later_is_compared_with_the_pool_from_there() -> None:
    late = sums({"pool": [1, 2, 6, 4], "naive": [2] * 4, "seed": [np.nan, 8, 4, 3]})
    assert set(curves.on_the_same(curves.totals(late, "model"))["model"]) == {"pool", "naive"}
    assert curves.judged_later(late, "mae") == [curves.Later("seed", NOON + HOURS, 30, 5, 4)]
    late.loc[late["model"] == "seed", "n"] = 5
    (part,) = curves.judged_later(late, "mae")
    assert (part.model, part.since, part.n) == ("seed", None, 0)
    assert curves.judged_later(late[late["model"] != "seed"], "mae") == []


def test_a_point_stands_at_the_end_of_its_window_and_none_after_the_newest_counts() -> None:
    made = curves.curve(sums({"pool": [1, 2, 6]}), 2 * HOURS)
    newest = NOON + 2.5 * HOURS
    ends = curves.at_the_end(made, NOON + HOURS, newest, HOUR)
    assert ends["at"].dt.to_pydatetime().tolist() == [NOON + 2 * HOURS, newest]


def test_spans_in_which_nothing_was_judged_are_no_points() -> None:
    empty = sums({"pool": [1, 2]})
    empty.loc[1, "n"] = 0
    assert len(curves.curve(empty, HOURS)) == 1
    assert curves.curve(empty[empty["n"] < 0], HOURS).empty


def test_skill_is_against_naive_at_the_same_moment() -> None:
    made = curves.curve(sums({"naive": [2, 4, 0], "pool": [1, 5, 1]}), HOURS)
    compared = curves.compare(made, "mae")
    pool = compared[compared["model"] == "pool"]
    assert pool["skill"].tolist()[:2] == [0.5, -0.25]
    assert np.isnan(pool["skill"].tolist()[2])
    assert pool["error"].tolist() == [1, 5, 1]


def test_an_outage_breaks_every_line() -> None:
    compared = curves.compare(curves.curve(sums({"naive": [2, 2], "pool": [1, 1]}), HOURS), "mae")
    hole = Outage(NOON + timedelta(minutes=10), NOON + timedelta(minutes=50))
    made = curves.broken(compared, [hole], HOURS)
    empty = made[made["error"].isna()]
    assert sorted(empty["model"]) == ["naive", "pool"]
    assert set(empty["at"]) == {pd.Timestamp(NOON + timedelta(minutes=30))}
    assert made["at"].is_monotonic_increasing
    assert curves.broken(compared, [], HOURS) is compared


def test_a_line_breaks_where_nothing_was_scored_for_long() -> None:
    """A city that was made up learnt its past in long steps, and nothing of it was down."""
    compared = curves.compare(curves.curve(sums({"pool": [1, 1, np.nan, np.nan, 1]}), HOURS), "mae")
    made = curves.broken(compared, [], 2 * HOURS)
    assert made["error"].isna().tolist() == [False, False, True, False]
    assert made["at"].dt.to_pydatetime().tolist()[2] == NOON + 3 * HOURS


def test_hours_of_the_day_are_the_citys_also_over_a_change_of_clocks() -> None:
    """In Dublin 12:00 UTC is noon on 28 March 2026, and 13:00 a day later."""
    start = datetime(2026, 3, 28, 12, tzinfo=UTC)
    made = curves.by_hour(
        sums({"pool": [1.0] + [np.nan] * 23 + [3.0]}, start=start), ZoneInfo("Europe/Dublin")
    )
    assert made.set_index("hour")["mae"].to_dict() == {12: 1, 13: 3}
    late = sums({"pool": [1, 3], "seed": [np.nan, 1]}, start=start)
    assert set(curves.by_hour(late, ZoneInfo("Europe/Dublin"))["model"]) == {"pool"}


def stations(pool: list[float], naive: list[float]) -> pd.DataFrame:
    rows = [
        {"minutes": 30, "model": model, "station_id": f"s{i}", "n": 10.0, "abs_error": 10 * error}
        for model, errors in (("pool", pool), ("naive", naive))
        for i, error in enumerate(errors)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_a_station_is_worse_off_by_more_than_one_per_cent() -> None:
    table = curves.by_station(stations([1.0, 1.005, 1.02], [2.0, 1.0, 1.0]), 30).set_index("station_id")
    assert table["worse"].tolist() == [False, False, True]
    assert table["skill"].round(3).tolist() == [0.5, -0.005, -0.02]
    assert curves.by_station(stations([1], [1]), 60).empty
    assert curves.by_station(pd.DataFrame(), 30).empty


def test_busy_stations_are_those_whose_counts_move_most() -> None:
    table = curves.by_station(stations([0.1, 1, 5, 0, 2, 3], [0.1, 2, 6, 0, 2, 4]), 30)
    thirds = curves.busy_and_quiet(table)
    assert thirds["stations"].tolist() == [2, 2, 2]
    assert thirds["naive"].tolist() == pytest.approx([0.05, 2, 5])
    assert thirds["pool"].tolist() == pytest.approx([0.05, 1.5, 4])
    assert thirds["worse"].tolist() == [0, 0, 0]


def test_reliability_adds_days_up() -> None:
    rows = [
        {"minutes": 30, "model": "pool", "of": "bike", "tenth": 8, "n": 10.0, "stated": 8.5, "came": came}
        for came in (9.0, 7.0)
    ]  # fmt: skip
    made = curves.reliability(pd.DataFrame(rows), 30, ["pool"])
    assert made[["n", "stated", "came"]].to_numpy().tolist() == [[20, 0.85, 0.8]]
    late = [*rows, {**rows[0], "model": "seed"}]
    assert set(curves.reliability(pd.DataFrame(late), 30, ["pool", "seed"])["model"]) == {"pool"}
    assert curves.reliability(pd.DataFrame(rows), 60, ["pool"]).empty
    assert curves.reliability(pd.DataFrame(), 30, ["pool"]).empty


def test_a_range_begins_with_a_whole_span_and_not_before_the_start() -> None:
    started = NOON - timedelta(hours=30, minutes=2)
    day = curves.spread("day", NOON - started)
    assert (day.span, day.since(NOON, started)) == (FIVE_MINUTES, NOON - timedelta(hours=24))
    assert day.read_since(NOON, started) == NOON - timedelta(hours=27), "the first point has a whole window"
    week = curves.spread("week", NOON - started)
    assert (week.span, week.since(NOON, started)) == (HOUR, NOON - timedelta(hours=31))
    spans = [curves.spread("all", timedelta(days=days)).span for days in (1, 30, 400)]
    assert spans == [FIVE_MINUTES, HOUR, DAY]
