"""The forecaster as a whole: its input, its forecasts and its state."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from model import Forecaster, Snapshot, Stations
from model.arrays import Floats
from model.checkpoint import StateError
from model.frame import MINUTES
from model.scoring.issue import SCORED_MINUTES
from tests.support.model_world import MINUTE, MONDAY, riders, snapshot, stations, taught


def test_every_horizon_is_a_distribution_over_what_the_station_can_hold() -> None:
    forecast = taught().forecast(MINUTES)
    for counts in (forecast.bikes, forecast.docks):
        assert counts.cdf.shape == (len(MINUTES), 6, 13)
        assert (np.diff(counts.cdf, axis=-1) >= -1e-6).all()
        assert counts.cdf.min() >= 0
        assert (counts.cdf[..., -1] == 1).all()
        low, median, high = counts.quantile(0.1), counts.median, counts.quantile(0.9)
        assert (low <= median).all()
        assert (median <= high).all()
        assert high.max() <= 12


def test_zero_minutes_ahead_nothing_changes() -> None:
    forecaster = taught()
    now = forecaster.snapshot()
    assert now is not None
    forecast = forecaster.forecast([0])
    assert forecast.bikes.median[0].tolist() == now.bikes.tolist()
    assert forecast.docks.median[0].tolist() == now.docks.tolist()
    assert forecast.bikes.at_least(1)[0].tolist() == (now.bikes >= 1).astype(float).tolist()


def test_bikes_and_docks_are_two_sides_of_one_count() -> None:
    forecast = taught().forecast([30])
    some_dock = forecast.docks.at_least(1)
    full = 1 - forecast.bikes.cdf[:, :, 11]
    np.testing.assert_allclose(some_dock, 1 - full, atol=1e-6)


def test_odds_widen_with_the_horizon() -> None:
    bikes = taught().forecast([0, 20, 60, 120]).bikes
    spread = (bikes.cdf * (1 - bikes.cdf)).sum(axis=2)
    assert (np.diff(spread, axis=0) > 0).all()


@pytest.mark.parametrize("minutes", [45, 75, 130, 200])
def test_a_new_city_is_no_surer_of_the_evening_than_of_the_next_hour(minutes: int) -> None:
    """The longer horizons have no truth yet: the evidence of the shorter ones stands in for it."""
    forecaster = Forecaster(stations(12))
    for seen in riders(minutes, 12, start=MONDAY + timedelta(hours=11), per_hour=6):
        forecaster.learn(seen)
    bikes = forecaster.forecast([20, 60, 120, 240, 480, 1440]).bikes
    spread = (bikes.cdf * (1 - bikes.cdf)).sum(axis=2).mean(axis=1)
    assert (spread[1:] > 0.85 * np.maximum.accumulate(spread)[:-1]).all()


def test_a_forecast_out_of_range_is_refused_with_a_reason() -> None:
    with pytest.raises(ValueError, match="learn a snapshot first"):
        Forecaster(stations()).forecast([10])
    with pytest.raises(ValueError, match="0 to 1440"):
        taught(5).forecast([1441])
    with pytest.raises(ValueError, match="quantile"):
        taught(5).forecast([10]).bikes.quantile(1.0)


def test_forecasting_and_learning_leave_their_input_and_each_other_alone() -> None:
    forecaster = taught()
    before = forecaster.to_bytes()
    forecaster.forecast(MINUTES)
    assert forecaster.to_bytes() == before
    seen = snapshot(MONDAY + timedelta(hours=6), [1, 2, 3, 4, 5, 6])
    with pytest.raises(ValueError, match="read-only"):
        seen.bikes[0] = 9


def test_a_late_or_repeated_snapshot_is_ignored() -> None:
    forecaster = taught()
    before, at = forecaster.to_bytes(), forecaster.at
    assert at is not None
    assert forecaster.learn(snapshot(at, [0] * 6)) == []
    assert forecaster.learn(snapshot(at - 30 * MINUTE, [9] * 6)) == []
    assert forecaster.to_bytes() == before


def test_a_station_of_unknown_count_has_no_forecast_until_it_is_known() -> None:
    forecaster = Forecaster(stations())
    for minute in range(300):
        forecaster.learn(snapshot(MONDAY + minute * MINUTE, [-1, 2, 3, 4, 5, 6]))
    assert forecaster.at is not None
    forecast = forecaster.forecast([10])
    assert forecast.bikes.median[0, 0] == -1
    assert np.isnan(forecast.bikes.at_least(1)[0, 0])
    assert (forecast.bikes.median[0, 1:] >= 0).all()
    forecaster.learn(snapshot(forecaster.at + MINUTE, [5, 2, 3, 4, 5, 6]))
    assert forecaster.forecast([0]).bikes.median[0, 0] == 5


def test_a_feed_without_docks_gets_bikes_alone() -> None:
    forecaster = Forecaster(stations())
    ids = forecaster.stations.station_id
    for minute in range(3):
        forecaster.learn(Snapshot(MONDAY + minute * MINUTE, ids, np.full(6, 3), np.full(6, -1)))
    forecast = forecaster.forecast([30])
    assert (forecast.bikes.median == 3).all()
    assert (forecast.docks.median == -1).all()
    assert np.isnan(forecast.docks.at_least(1)).all()


def test_a_station_that_rents_no_bikes_hardly_empties() -> None:
    forecaster = taught(60)
    at, ids = forecaster.at, forecaster.stations.station_id
    assert at is not None
    flags = np.ones(6, dtype=bool)
    forecaster.learn(
        Snapshot(at + MINUTE, ids, np.full(6, 6), np.full(6, 6), renting=~flags, returning=flags)
    )
    assert (forecaster.forecast([120]).bikes.cdf[0, :, 5] < 0.05).all()


def test_state_is_keyed_by_station_id_and_not_by_position() -> None:
    forecaster, mirrored = Forecaster(stations()), None
    for index, seen in enumerate(riders(600)):
        forecaster.learn(seen)
        if index == 299:
            old = forecaster.stations
            turned = np.arange(6)[::-1]
            mirrored = Forecaster.from_bytes(forecaster.to_bytes())
            mirrored.update_stations(
                Stations(old.system_id, old.timezone, old.country, old.station_id[turned], old.name[turned],
                         old.lat[turned], old.lon[turned], old.capacity[turned])
            )  # fmt: skip
        elif mirrored is not None:
            mirrored.learn(seen)
    assert mirrored is not None
    here, there = forecaster.forecast([5, 60]), mirrored.forecast([5, 60])
    assert there.station_id.tolist() == here.station_id[::-1].tolist()
    np.testing.assert_allclose(there.bikes.cdf, here.bikes.cdf[:, ::-1], atol=1e-5)


def test_a_feed_of_ever_new_stations_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model.forecaster._MOST_REMEMBERED", 8)
    forecaster = taught()
    for first in range(0, 60, 6):
        assert forecaster.at is not None
        forecaster.update_stations(stations(first=first))
        forecaster.learn(snapshot(forecaster.at + MINUTE, [5] * 6, first=first))
    known = forecaster.snapshot()
    assert known is not None
    kept = ((6, 54), (6, 48), (2, 42))
    assert known.station_id.tolist() == [
        key for size, first in kept for key in stations(size, first=first).station_id
    ]
    assert Forecaster.from_bytes(forecaster.to_bytes()).to_bytes() == forecaster.to_bytes()


def test_added_stations_are_learnt_and_dropped_ones_remembered() -> None:
    forecaster = taught()
    assert forecaster.at is not None
    forecaster.update_stations(stations(7))
    assert forecaster.forecast([10]).bikes.median[0, 6] == -1, "it has no count yet"
    forecaster.learn(snapshot(forecaster.at + MINUTE, [6] * 7))
    assert forecaster.forecast([0]).bikes.median[0, 6] == 6
    forecaster.update_stations(stations(3))
    assert len(forecaster.forecast([10]).station_id) == 3
    forecaster.learn(snapshot(forecaster.at + MINUTE, [6] * 3))
    known = forecaster.snapshot()
    assert known is not None
    assert known.bikes.tolist() == [6, 6, 6, -1, -1, -1, -1], "a station that the snapshot lacks is unknown"
    with pytest.raises(ValueError, match="knows test"):
        forecaster.update_stations(Stations("other", "UTC", "", [], [], [], [], []))  # type: ignore[arg-type]


def test_a_station_that_the_description_lacks_is_skipped() -> None:
    forecaster = Forecaster(stations(2))
    forecaster.learn(snapshot(MONDAY, [1, 2, 3]))
    known = forecaster.snapshot()
    assert known is not None
    assert known.station_id.tolist() == ["s0", "s1"]


def test_a_system_without_stations_works() -> None:
    forecaster = Forecaster(stations(0))
    forecaster.learn(snapshot(MONDAY, []))
    forecaster.learn(snapshot(MONDAY + MINUTE, []))
    assert forecaster.forecast(MINUTES).bikes.median.shape == (len(MINUTES), 0)
    assert Forecaster.from_bytes(forecaster.to_bytes()).to_bytes() == forecaster.to_bytes()


def test_state_survives_as_bytes_bit_for_bit() -> None:
    whole = Forecaster(stations())
    stopped = Forecaster(stations())
    for index, seen in enumerate(riders(420)):
        whole.learn(seen)
        stopped.learn(seen)
        if index % 97 == 0:
            blob = stopped.to_bytes()
            stopped = Forecaster.from_bytes(blob)
            assert stopped.to_bytes() == blob
    assert stopped.to_bytes() == whole.to_bytes()
    assert stopped.learning_since == MONDAY
    np.testing.assert_array_equal(stopped.forecast([60]).bikes.cdf, whole.forecast([60]).bikes.cdf)


@pytest.mark.parametrize("spoil", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"\0" * 100])
def test_damaged_state_is_refused(spoil: object) -> None:
    blob = taught(30).to_bytes()
    with pytest.raises(StateError):
        Forecaster.from_bytes(spoil(blob))  # type: ignore[operator]


def test_clocks_may_change_to_summer_time() -> None:
    """Clocks in Dublin go from 1:00 to 2:00 on 29 March 2026, at 1:00 UTC."""
    start = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
    forecaster = Forecaster(stations(timezone="Europe/Dublin"))
    for seen in riders(60, start=start):
        forecaster.learn(seen)
    forecast = forecaster.forecast([60, 120, 1440])
    assert (forecast.bikes.cdf[..., -1] == 1).all()


def crps(cdf: np.ndarray, truth: np.ndarray) -> float:
    return float(((cdf - (truth[:, None] <= np.arange(cdf.shape[1]))) ** 2).sum())


def test_a_forecast_is_judged_as_it_was_issued() -> None:
    """A forecast scored with later weights, which have seen the hours in between, looked too good once."""
    forecaster = taught(6 * 60)
    at = forecaster.at
    assert at is not None
    issued: dict[datetime, dict[int, Floats]] = {}
    judged = 0
    for seen in riders(240, start=at + MINUTE, seed=3):
        scores = forecaster.learn(seen)
        truth = forecaster.snapshot()
        assert truth is not None
        for score in scores:
            target = truth.at - timedelta(minutes=score.minutes)
            if score.model == "pool" and target in issued and score.n and score.minutes in (30, 120):
                cdf = issued[target][score.minutes]
                assert score.crps.sum() == pytest.approx(crps(cdf, truth.bikes), abs=2e-2)
                judged += 1
        forecast = forecaster.forecast([30, 120])
        issued[seen.at] = dict(zip([30, 120], forecast.bikes.cdf.astype(float), strict=True))
    assert judged > 10


def test_naive_is_the_count_at_issue_time() -> None:
    forecaster = Forecaster(stations())
    seen_at = {}
    checked = 0
    for seen in riders(200):
        scores = forecaster.learn(seen)
        seen_at[seen.at] = seen.bikes
        for score in scores:
            if score.model == "naive":
                then = seen_at[seen.at - timedelta(minutes=score.minutes)]
                assert score.abs_error.tolist() == np.abs(then - seen.bikes).tolist()
                checked += 1
    assert checked > 20


def test_a_forecast_whose_truth_never_arrives_expires() -> None:
    forecaster = taught(60)
    at = forecaster.at
    assert at is not None
    scores = forecaster.learn(snapshot(at + timedelta(hours=9), [1] * 6))
    assert scores
    assert sum(score.n for score in scores) == 0
    assert sum(score.expired for score in scores if score.model == "pool") > 6


def test_it_learns_a_city_better_than_no_change() -> None:
    forecaster = Forecaster(stations(), every=60)
    totals: dict[tuple[str, int], list[float]] = {}
    for seen in riders(5 * 1440):
        for score in forecaster.learn(seen):
            if seen.at > MONDAY + timedelta(days=3) and score.minutes in (30, 120):
                sums = totals.setdefault((score.model, score.minutes), [0.0, 0.0, 0.0])
                sums[0] += score.n
                sums[1] += score.abs_error.sum()
                sums[2] += score.crps.sum()
    for minutes, gain in ((30, 1.001), (120, 0.9)):
        assert totals["pool", minutes][1] < gain * totals["naive", minutes][1]
        assert totals["pool", minutes][2] < 0.8 * totals["naive", minutes][2]


def test_one_huge_station_does_not_make_the_others_as_wide() -> None:
    capacity = np.array([12, 12, 12, 12, 12, 900])
    forecaster = Forecaster(replace(stations(), capacity=capacity))
    forecaster.learn(Snapshot(MONDAY, stations().station_id, capacity // 2, capacity - capacity // 2))
    for pending in forecaster._issued.pending:
        assert len(pending.levels) < len(pending.models) * (5 * 13 + 901)
    pending = forecaster._issued.pending[0]
    laid = pending.odds(np.array([5, 0]))
    assert laid.shape[2] == 901
    assert (laid[:, 1, 12:] == 1).all()
    np.testing.assert_array_equal(pending.odds(np.array([0]))[:, 0], laid[:, 1, :13])


def test_pending_forecasts_are_counted_by_horizon() -> None:
    forecaster = Forecaster(stations(3))
    assert forecaster.waiting == {}
    forecaster.learn(snapshot(MONDAY, [4, -1, 6]))
    assert forecaster.waiting == dict.fromkeys(SCORED_MINUTES, 2)
    for minute in range(1, 7):
        forecaster.learn(snapshot(MONDAY + minute * MINUTE, [4, -1, 6]))
    assert forecaster.waiting == dict.fromkeys(SCORED_MINUTES[1:], 2)


def test_components_can_be_read_and_not_replaced() -> None:
    forecaster = Forecaster(stations(3), seed=True)
    assert {"long", "short", "pool", "guard", "weather", "drift_monitor", "seed"} <= set(
        forecaster.components
    )
    with pytest.raises(TypeError):
        forecaster.components["pool"] = None  # type: ignore[index]
    assert [expert.name for expert in forecaster.experts] == list(
        forecaster.models[: len(forecaster.experts)]
    )


def test_in_the_first_day_the_median_is_held_everywhere() -> None:
    with pytest.raises(ValueError, match="nothing is known yet"):
        _ = Forecaster(stations(3)).held
    held = taught(60).held
    assert held.shape == (len(SCORED_MINUTES), 6)
    assert held.all()


# ---------------------------------------------------------------- counts that cannot be believed


def riders_learnt(forecaster: Forecaster) -> float:
    return float(forecaster.components["long"].events.sum())


def test_a_blackout_that_ends_at_the_count_of_before_teaches_no_riders() -> None:
    forecaster = Forecaster(stations(2))
    for second, bikes in ((0, 7), (60, -1), (70, -1), (130, 7), (190, 7)):
        forecaster.learn(snapshot(MONDAY + timedelta(seconds=second), [bikes, 5]))
    assert riders_learnt(forecaster) == pytest.approx(0, abs=1e-3), "none but those that counts hide"


def test_what_comes_due_during_a_blackout_is_scored_for_no_model() -> None:
    forecaster = Forecaster(stations(2), seed=True)
    for minute in range(12):
        dark = minute in (5, 10)
        scores = forecaster.learn(snapshot(MONDAY + minute * MINUTE, [-1 if dark else 7, 5]))
        if dark:
            assert {score.model for score in scores} == set(forecaster.models)
            assert [score.rows.tolist() for score in scores] == [[1]] * len(scores)


@pytest.mark.parametrize(("before", "after"), [(True, False), (False, True)])
def test_no_riders_are_counted_over_a_poll_in_which_a_station_opens_or_closes(
    before: bool, after: bool
) -> None:
    """48 bikes are gone at closing, and 48 are back in the morning: the operator sets the count."""
    forecaster = Forecaster(stations(2, capacity=60))
    ids = forecaster.stations.station_id
    for minute, open_ in enumerate((before, before, after, after)):
        bikes = np.array([48 if open_ else 0, 30])
        flags = np.array([open_, True])
        seen = Snapshot(MONDAY + minute * MINUTE, ids, bikes, 60 - bikes, renting=flags, returning=flags)
        forecaster.learn(seen)
    assert riders_learnt(forecaster) == pytest.approx(0, abs=1e-3), "none but those that counts hide"
