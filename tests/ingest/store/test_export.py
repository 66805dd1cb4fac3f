"""Export: files of a day's scores and forecasts hold the same numbers as the store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from ingest.cli.app import app
from ingest.store import export as exported
from ingest.store.export import ExportError, export
from model.scoring.issue import SCORED_MINUTES
from tests.support.model_world import MONDAY, riders
from tests.support.store_world import MINUTE
from tests.support.tick_world import Desk, fresh

pytestmark = pytest.mark.both


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, store_kind: str) -> Iterator[Desk]:
    """A store with two hours and a half of a made-up town."""
    made = Desk(tmp_path_factory.mktemp("export"))
    ticker = made.worker(seed=True)
    for seen in list(riders(150))[::2]:
        made.tick(ticker, fresh(seen), after=2 * MINUTE)
    yield made
    made.store.close()


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_files_hold_the_same_numbers_as_the_store(desk: Desk, tmp_path: Path, kind: exported.Format) -> None:
    written = export(desk.store, "test", tmp_path / kind, kind=kind)
    assert {path.name for path in written} == {
        f"{n}.{kind}" for n in ("scores", "stations", "calibration", "forecasts")
    }
    read = pd.read_csv if kind == "csv" else pd.read_parquet
    tables = {path.stem: read(path) for path in written}
    assert {path.stem: rows for path, rows in written.items()} == {n: len(t) for n, t in tables.items()}
    scores = tables["scores"]
    pool = scores[(scores["model"] == "pool") & (scores["minutes"] == 30) & (scores["n"] > 0)]
    errors = (pool["mae"] * pool["n"]).sum()
    by_station = tables["stations"].query("model == 'pool' and minutes == 30")
    assert by_station["abs_error"].sum() == pytest.approx(errors)
    forecasts = tables["forecasts"]
    assert set(forecasts["minutes"]) <= set(SCORED_MINUTES)
    issued = forecasts[forecasts["minutes"] == 30]
    assert len(issued) == pool["n"].sum()
    # People saw the frame, and the score is of the pending forecast: both are the same forecast.
    assert issued["off"].abs().sum() == pytest.approx(errors)


def test_a_day_without_data_is_an_error_that_names_the_newest_day(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=f"its newest day is {MONDAY.date()}"):
        export(desk.store, "test", tmp_path, date(1999, 1, 1))
    with pytest.raises(ExportError, match="one of those followed"):
        export(desk.store, "nowhere", tmp_path)


def test_the_command_writes_and_explains(desk: Desk, tmp_path: Path) -> None:
    env = {"DOCKCAST_STORE": desk.url}
    ran = CliRunner().invoke(app, ["export", "test", str(tmp_path / "out"), "--format", "parquet"], env=env)
    assert ran.exit_code == 0, ran.output
    assert "forecasts.parquet" in ran.output
    ran = CliRunner().invoke(app, ["export", "nowhere", str(tmp_path)], env=env)
    assert ran.exit_code == 2
    assert "knows nothing of nowhere" in ran.output
    (tmp_path / "file").touch()
    ran = CliRunner().invoke(app, ["export", "test", str(tmp_path / "file")], env=env)
    assert ran.exit_code == 2
