"""Scores by day: station by station and calibration, added up in the store."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import sqlalchemy as sa
from pyarrow import parquet

from ingest.store import Store
from ingest.store.daily_scores import CALIBRATION_KEYS, STATION_KEYS, by_day
from ingest.store.day_sums import DaySums
from ingest.store.tables import daily_scores
from model import Forecaster
from model.scoring.settle import Score
from tests.support.model_world import MONDAY, riders, stations
from tests.support.store_world import store_url


def scored(minutes: int, timezone: str = "UTC") -> tuple[Forecaster, list[list[Score]]]:
    forecaster = Forecaster(stations(timezone=timezone))
    return forecaster, [forecaster.learn(seen) for seen in riders(minutes)]


def stored(sums: list[DaySums], keys: Sequence[str]) -> pd.DataFrame:
    """Add sums up one by one, packed in between as in the store."""
    blob = sums[0].to_bytes()
    for more in sums[1:]:
        blob = DaySums.from_bytes(blob, keys).plus(more).to_bytes()
    return DaySums.from_bytes(blob, keys).table()


def test_scores_by_station_add_up_to_scores_by_hour() -> None:
    forecaster, ticks = scored(240)
    ids = forecaster.stations.station_id
    sums = [each.stations for scores in ticks for each in by_day(scores, ids, "UTC") if each.minutes == 30]
    table = stored(sums, STATION_KEYS)
    assert sorted(table["station_id"].unique()) == sorted(ids)
    total = table.groupby("model")[["n", "n_dock", "abs_error", "crps", "brier_dock"]].sum()
    for model in ("naive", "pool"):
        rows = [s.row() for scores in ticks for s in scores if s.model == model and s.minutes == 30]
        for name in total.columns:
            assert total.loc[model, name] == pytest.approx(sum(row[name] for row in rows), rel=1e-5)


def test_calibration_counts_add_up() -> None:
    forecaster, ticks = scored(240)
    ids = forecaster.stations.station_id
    table = stored(
        [each.calibration for scores in ticks for each in by_day(scores, ids, "UTC") if each.minutes == 60],
        CALIBRATION_KEYS,
    )

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


def sums(models: str, stations: str, values: list[list[float]]) -> DaySums:
    keys = {"model": np.array(list(models)), "station_id": np.array(list(stations))}
    return DaySums(keys, {"n": np.array(values)})


def test_sums_of_other_stations_and_models_are_added_by_name() -> None:
    one = sums("mn", "cab", [[1, 2, 3], [4, 5, 6]])
    both = one.plus(sums("no", "db", [[10, 20], [30, 40]]))
    again = both.plus(one)
    table = again.table()
    assert {(m, s): n for m, s, n in table.itertuples(index=False) if n} == {
        ("m", "a"): 4, ("m", "b"): 6, ("m", "c"): 2, ("n", "a"): 10, ("n", "b"): 32, ("n", "c"): 8,
        ("n", "d"): 10, ("o", "b"): 40, ("o", "d"): 30,
    }  # fmt: skip
    assert table["n"].sum() == 2 * 21 + 100


@pytest.mark.both
def test_a_days_table_of_an_older_release_is_read_and_added_to(tmp_path: Path) -> None:
    """Those were Parquet, with a row for each pair of model and station, or tenth."""
    forecaster, ticks = scored(90)
    ids = forecaster.stations.station_id
    new = next(each for scores in ticks for each in by_day(scores, ids, "UTC") if each.minutes == 30)
    store = Store(store_url(tmp_path))
    engine = sa.create_engine(store_url(tmp_path))
    with engine.begin() as db:
        store.daily_scores.add(db, "test", new)
    for column, fetch in (
        ("stations", store.daily_scores.by_station),
        ("calibration", store.daily_scores.calibration),
    ):
        once = fetch("test").drop(columns=["day", "minutes"])
        table = pa.Table.from_pandas(once.sample(frac=1, random_state=1), preserve_index=False)
        buffer = io.BytesIO()
        parquet.write_table(table, buffer, compression="zstd")
        with engine.begin() as db:
            db.execute(daily_scores.update().values({column: buffer.getvalue()}))
        keys = [name for name in once if not pd.api.types.is_float_dtype(once[name])]
        old = fetch("test").set_index(keys)[["n"]]
        pd.testing.assert_frame_equal(old.sort_index(), once.set_index(keys)[["n"]].sort_index())
    with engine.begin() as db:
        store.daily_scores.add(db, "test", new)
        blobs = db.execute(sa.select(daily_scores.c.stations, daily_scores.c.calibration)).one()
    assert not any(blob.startswith(b"PAR1") for blob in blobs)
    twice = store.daily_scores.by_station("test")
    assert twice["crps"].sum() == pytest.approx(2 * new.stations.sums["crps"].sum(), rel=1e-6)
    assert twice["n"].sum() == 2 * new.stations.sums["n"].sum()
    stated = store.daily_scores.calibration("test")["stated"].sum()
    assert stated == pytest.approx(2 * new.calibration.sums["stated"].sum(), rel=1e-6)
    engine.dispose()
    store.close()
