"""Scores by day: station by station and calibration, added up in the store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ingest.store import Store
from ingest.store.daily_scores import CALIBRATION_KEYS, STATION_KEYS, by_day, merge, unpack
from model import Forecaster
from model.scoring.settle import Score
from tests.support.model_world import MONDAY, riders, stations
from tests.support.store_world import store_url


def scored(minutes: int, timezone: str = "UTC") -> tuple[Forecaster, list[list[Score]]]:
    forecaster = Forecaster(stations(timezone=timezone))
    return forecaster, [forecaster.learn(seen) for seen in riders(minutes)]


def test_scores_by_station_add_up_to_scores_by_hour() -> None:
    forecaster, ticks = scored(240)
    ids = forecaster.stations.station_id
    blob = None
    for scores in ticks:
        for each in by_day(scores, ids, "UTC"):
            if each.minutes == 30:
                blob = merge(blob, each.stations, STATION_KEYS)
    assert blob is not None
    table = unpack(blob)
    assert sorted(table["station_id"].unique()) == sorted(ids)
    total = table.groupby("model")[["n", "n_dock", "abs_error", "crps", "brier_dock"]].sum()
    for model in ("naive", "pool"):
        rows = [s.row() for scores in ticks for s in scores if s.model == model and s.minutes == 30]
        for name in total.columns:
            assert total.loc[model, name] == pytest.approx(sum(row[name] for row in rows), rel=1e-5)


def test_calibration_counts_add_up() -> None:
    forecaster, ticks = scored(240)
    blob = None
    for scores in ticks:
        for each in by_day(scores, forecaster.stations.station_id, "UTC"):
            if each.minutes == 60:
                blob = merge(blob, each.calibration, CALIBRATION_KEYS)
    assert blob is not None
    table = unpack(blob)

    def of(model: str, kind: str) -> pd.DataFrame:
        return table[(table["model"] == model) & (table["of"] == kind)]

    judged = sum(s.n for scores in ticks for s in scores if (s.model, s.minutes) == ("pool", 60))
    for kind in ("bike", "dock"):
        rows = of("pool", kind)
        assert rows["n"].sum() == judged
        assert (rows["came"] <= rows["n"] + 1e-6).all()
        stated = rows["stated"] / rows["n"].clip(lower=1)
        inside = rows["n"] > 0
        tenth = rows["tenth"]
        assert (stated[inside] >= tenth[inside] / 10 - 1e-6).all()
        assert (stated[inside] <= (tenth[inside] + 1) / 10 + 1e-6).all()
    assert of("pool", "pit")["came"].sum() == pytest.approx(judged, rel=1e-5)
    # Naive is always sure.
    assert of("naive", "bike").query("0 < tenth < 9")["n"].sum() == 0


def test_a_day_is_the_citys_own() -> None:
    """Clocks in Dublin stand an hour ahead in summer: the day begins at 23:00 UTC."""
    one = scored(150)[1]
    score = next(s for scores in one for s in scores if s.n and s.minutes == 60)
    late = Score(**{**score.__dict__, "target_at": datetime(2026, 7, 1, 23, 30, tzinfo=UTC)})
    ids = np.array([f"s{index}" for index in range(6)])
    assert [d.day for d in by_day([late], ids, "Europe/Dublin")] == ["2026-07-02"]
    assert [d.day for d in by_day([late], ids, "UTC")] == ["2026-07-01"]


def test_an_expired_forecast_has_no_score_by_station() -> None:
    forecaster = Forecaster(stations())
    for seen in riders(25):
        forecaster.learn(seen)
    later = next(iter(riders(1, start=MONDAY + timedelta(hours=9))))
    scores = forecaster.learn(later)
    assert sum(score.expired for score in scores) > 0
    assert by_day(scores, forecaster.stations.station_id, "UTC") == []


@pytest.mark.both
def test_a_store_without_scores_gives_empty_tables(tmp_path: Path) -> None:
    store = Store(store_url(tmp_path))
    assert store.daily_scores.by_station("nobody").empty
    assert store.daily_scores.calibration("nobody").empty
    assert store.scores.drifts("nobody") == []
    store.close()
