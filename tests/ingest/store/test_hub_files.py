"""Judged forecasts as files: an analyst who opens them gets the numbers of the accuracy page."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from typer.testing import CliRunner

from dashboard.screens.accuracy import curves
from ingest.cli.app import app
from ingest.own.runner import OwnLimits, OwnModelRunner
from ingest.settings import ROOT
from ingest.store import FIVE_MINUTES
from ingest.store.export import ExportError, export_hub
from model import Snapshot
from tests.support.model_world import MONDAY, riders
from tests.support.tick_world import CITY, Desk, fresh

NOTEBOOK = ROOT / "docs" / "notebooks" / "accuracy.ipynb"
COLUMNS = {"in_80": "cover80", "model_id": "model"}


def run_notebook(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run the cells of the notebook one after the other; give what they leave behind."""
    monkeypatch.setenv("DOCKCAST_SCIENCE", str(folder))
    names: dict[str, Any] = {}
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
    return names


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Three hours of a town up to past midnight, with the seed pipeline and an example of an own model."""
    desk = Desk(tmp_path_factory.mktemp("hub"))
    limits = OwnLimits("examples.own_model:towards_half", 60, 512)
    with closing(OwnModelRunner(limits, "test")) as own:
        ticker = desk.worker(own=own, seed=True, keep_forecasts=timedelta(days=2))
        for minute, seen in enumerate(riders(180, per_hour=60, start=MONDAY - timedelta(hours=2))):
            if minute % 5 == 0:
                desk.tick(ticker, fresh(odd(seen, minute)), timedelta(minutes=5))
                own.wait()
    return desk


def odd(seen: Snapshot, minute: int) -> Snapshot:
    """Have a station not tell its docks for a while, and another one its bikes."""
    docks, bikes = seen.docks.copy(), seen.bikes.copy()
    if 60 <= minute < 100:
        docks[0] = bikes[1] = docks[1] = -1
    return Snapshot(seen.at, seen.station_id, bikes, docks)


def test_the_notebook_has_the_numbers_of_the_page(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in (MONDAY - timedelta(days=1), MONDAY):
        export_hub(desk.store, "test", tmp_path, day.date())
    found = run_notebook(tmp_path, monkeypatch)["table"].rename(columns=COLUMNS)
    sums = desk.store.scores.over_time("test", FIVE_MINUTES, minutes=[30])
    page = curves.on_the_same(curves.totals(sums, "model"))
    assert {"pool", "naive", "seed", "own"} <= set(page["model"])
    order = ["model", "n", "mae", "rmse", "crps", "brier_bike", "brier_dock", "cover80"]
    one, other = (table[order].sort_values("model", ignore_index=True) for table in (found, page))
    assert len(set(one["mae"])) > 5
    pd.testing.assert_frame_equal(one, other, check_dtype=False, rtol=1e-6, atol=1e-7)


def test_a_day_is_one_file_of_target_times_by_the_citys_calendar(desk: Desk, tmp_path: Path) -> None:
    (path,) = export_hub(desk.store, "test", tmp_path, (MONDAY - timedelta(days=1)).date())
    assert path == tmp_path / "system_id=test" / "day=2026-03-01" / "forecasts.parquet"
    again = export_hub(desk.store, "test", tmp_path, (MONDAY - timedelta(days=1)).date())
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == [path], "it is replaced"
    table = duckdb.read_parquet(str(path)).df()
    assert len(table) == again[path]
    target = table["issued_at"] + pd.to_timedelta(table["horizon"], unit="min")
    assert (target < MONDAY).all()
    assert (target >= MONDAY - timedelta(hours=2)).all()
    kinds = set(zip(table["target"], table["output_type"], strict=True))
    assert kinds == {("bikes", "median"), ("bikes", "pmf"), ("dock", "mean")}


def test_where_nothing_is_kept_the_error_says_what_to_set(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.tick(desk.worker(), fresh(next(riders(1))))
    with pytest.raises(ExportError, match="set DOCKCAST_KEEP_FORECAST_DAYS"):
        export_hub(desk.store, "test", tmp_path)


def test_old_forecasts_are_dropped(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    ticker = desk.worker(keep_forecasts=timedelta(minutes=20))
    for seen in list(riders(90))[::5]:
        desk.tick(ticker, fresh(seen))
    kept = desk.store.judged_forecasts.target_times("test", MONDAY, MONDAY + timedelta(days=1))
    assert kept
    assert min(at for at, _ in kept) >= MONDAY + timedelta(minutes=60)


def test_the_command_writes_them(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKCAST_STORE", desk.url)
    done = CliRunner().invoke(app, ["export", CITY.system_id, str(tmp_path), "--format", "hub"])
    assert done.exit_code == 0, done.output
    assert "forecasts.parquet" in done.output
