"""A backtest: the forecaster's own scores, from a date on, in a table and a file."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from ingest.cli.app import app
from ingest.own.runner import OwnLimits, OwnModelRunner, try_thrice
from ingest.replay.backtest import backtest
from ingest.replay.recording import Recording
from model import Forecaster
from model.records import median
from tests.support import serving
from tests.support.model_world import MONDAY, riders, stations
from tests.support.numpy_reference import mix

MODELS = "tests.support.own_models"


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of a made-up day and a half."""
    path = tmp_path_factory.mktemp("recordings") / "town"
    seen = list(riders(36 * 60))
    described = stations()
    places = zip(described.station_id, described.lat, described.lon, strict=True)
    rows = "".join(f"{name},{name},{lat},{lon},12\n" for name, lat, lon in places)
    changes = [
        {"at": 60 * minute, "station_id": name, "bikes": bikes, "docks": 12 - bikes}
        for minute, each in enumerate(seen)
        for name, bikes in zip(each.station_id.tolist(), each.bikes.tolist(), strict=True)
    ]
    polls = range(0, 60 * len(seen), 60)
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setattr(serving, "START", int(MONDAY.timestamp()))
    made = serving.make_recording(
        path, changes, polls, stations=f"station_id,name,lat,lon,capacity\n{rows}", timezone="UTC"
    )
    monkeypatch.undo()
    return made


def test_naive_is_scored_against_the_recording_itself(day: Path) -> None:
    recording = Recording.read(day)
    report = backtest(recording, [30], 20, MONDAY + timedelta(hours=6))
    naive = next(row for row in report.rows if row.model == "naive")
    counts = {seen.at: seen.bikes for seen in recording.snapshots()}
    issued = [MONDAY + timedelta(minutes=m) for m in range(360, 36 * 60 - 30, 20)]
    errors = [np.abs(counts[at + timedelta(minutes=30)] - counts[at]) for at in issued]
    assert naive.n == np.size(errors)
    assert naive.mae == pytest.approx(np.mean(errors))
    assert naive.crps == pytest.approx(naive.mae)
    assert {row.model for row in report.rows} >= {"naive", "climatology", "chain", "pool"}
    assert {row.n for row in report.rows} == {naive.n}, "all answer the same questions"


def test_a_pooled_median_is_the_one_that_was_issued(day: Path) -> None:
    """The weights at the time of the truth know the hours in between; the test plants them, and notices."""
    recording = Recording.read(day)
    forecaster = Forecaster(recording.stations)
    issued: dict[datetime, np.ndarray] = {}
    honest = peeking = scored = 0.0
    for seen in islice(recording.snapshots(), 9 * 60):
        due = [p for p in forecaster._issued.pending if p.minutes == 120 and p.target_at <= seen.at]
        scores = forecaster.learn(seen)
        for pending in due:
            cdf = issued[pending.issued_at]
            honest += np.abs(median(cdf) - seen.bikes).sum()
            late = forecaster._ensemble.pool.weights([120], np.arange(len(seen)))[0].astype(np.float32)
            odds = pending.odds(np.arange(len(seen)))
            peeking += np.abs(median(mix(odds, late)) - seen.bikes).sum()
        scored += sum(s.abs_error.sum() for s in scores if s.model == "pool" and s.minutes == 120)
        issued[seen.at] = forecaster.forecast([120]).bikes.cdf[0]
    assert scored == pytest.approx(honest)
    assert peeking != pytest.approx(honest)


def test_the_command_prints_a_table_and_writes_it_and_every_forecast(day: Path, tmp_path: Path) -> None:
    file, files = tmp_path / "scores.json", tmp_path / "files"
    done = CliRunner().invoke(
        app,
        ["backtest", str(day), "--from", "2026-03-02", "--minutes", "10,60", "--json", str(file),
         "--hub", str(files), "--own", f"{MODELS}:Raising"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "own_failed: LookupError: no such station" in done.output, "and all others are scored"
    assert "climatology" in done.output
    assert "…" not in done.output, "a table that leaves figures out"
    written = json.loads(file.read_text())
    assert set(written) == {"rows", "seconds"}
    assert set(written["rows"][0]) == {
        "recording", "model", "minutes", "n", "mae", "rmse", "crps", "brier_bike", "brier_dock",
        "cover80", "stations_worse",
    }  # fmt: skip
    assert {row["minutes"] for row in written["rows"]} == {10, 60}
    table = pd.read_parquet(files)
    assert set(table["day"]) == {"2026-03-02", "2026-03-03"}
    medians = table[(table["horizon"] == 10) & (table["output_type"] == "median")]
    errors = (medians["value"] - medians["observed"]).abs().groupby(medians["model_id"], observed=True).mean()
    scores = {row["model"]: row["mae"] for row in written["rows"] if row["minutes"] == 10}
    assert errors.to_dict() == pytest.approx(scores)


def test_an_own_model_answers_the_same_questions(day: Path) -> None:
    recording = Recording.read(day).head(150)
    with closing(OwnModelRunner(OwnLimits(f"{MODELS}:Counting", 60, 512), "test", pause=try_thrice)) as own:
        report = backtest(recording, [10, 60], 20, seed=False, own=own)
    judged = {model: [row.n for row in report.rows if row.model == model] for model in ("own", "naive")}
    assert judged["own"] == judged["naive"]
    assert judged["own"][0] > judged["own"][1] > 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--minutes", "7"], "choose among these"),
        (["--minutes", "ten"], "ten"),
        (["--from", "2030-01-01"], "score from an earlier date"),
    ],
)
def test_a_backtest_with_nothing_to_score_is_refused(day: Path, arguments: list[str], words: str) -> None:
    done = CliRunner().invoke(app, ["backtest", str(day), *arguments])
    assert done.exit_code == 2
    assert words in done.output
    assert "Traceback" not in done.output
