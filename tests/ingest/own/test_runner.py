"""Whatever an own model does in its process, ticks and other models go on as without it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ingest.own.asked_process import AskedProcess, OwnModelError
from ingest.own.messages import snapshot_arrays
from ingest.own.runner import OwnLimits, OwnModelRunner, try_thrice, wait_ever_longer
from ingest.store import FIVE_MINUTES
from ingest.worker.own_history import logged
from ingest.worker.tick import Ticker
from model import Forecaster
from model.records import pack_stations
from model.scoring.own import OwnForecast
from tests.support.model_world import MINUTE, riders, stations
from tests.support.tick_world import Desk, fresh, state_of

MODELS = "tests.support.own_models"
LIMITS = OwnLimits(f"{MODELS}:Counting", 60, 512)
LONG = 3600.0
"""Seconds for an answer: a tick that waited for a model that hangs would outlast every test."""

STEP = 5
"""Minutes between two ticks: four of them have one question."""

TICKS = 20


def runner(name: str, seconds: float = 60, **more: Any) -> OwnModelRunner:
    return OwnModelRunner(OwnLimits(f"{MODELS}:{name}", seconds, 512), "test", pause=try_thrice, **more)


@contextmanager
def shown(name: str, minutes: int = 1, **more: Any) -> Iterator[tuple[OwnModelRunner, Forecaster]]:
    """Show a model the first minutes of a town, and wait for it."""
    forecaster = Forecaster(stations())
    with closing(runner(name, **more)) as made:
        for seen in riders(minutes):
            forecaster.learn(seen)
            made.show(forecaster)
            made.wait()
        yield made, forecaster


def ticked(desk: Desk, ticker: Ticker, ticks: int = TICKS, first: int = 0, wait: bool = True) -> None:
    """Tick through a town; let the own model have its time after each tick, or give it none."""
    for seen in list(riders(STEP * (first + ticks)))[STEP * first :: STEP]:
        desk.tick(ticker, fresh(seen), STEP * MINUTE)
        if wait and ticker.own is not None:
            ticker.own.wait()


def scores(desk: Desk, model: str | None = None) -> pd.DataFrame:
    """Read all scores by five minutes; those of one model, or of all but the own one."""
    table = desk.store.scores.over_time("test", FIVE_MINUTES)
    kept = table["model"] == model if model else table["model"] != "own"
    return table[kept].reset_index(drop=True)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A town that was ticked without an own model."""
    desk = Desk(tmp_path_factory.mktemp("alone"))
    ticked(desk, desk.worker())
    return desk


def same_for_others(desk: Desk, alone: Desk) -> bool:
    """Tell whether state and scores of all other models are the same, bit for bit."""
    pd.testing.assert_frame_equal(scores(desk), scores(alone), check_exact=True)
    return state_of(desk.store) == state_of(alone.store)


# ---------------------------------------------------------------- what it does wrong


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("Raising", "own_failed", "LookupError: no such station"),
        ("Missing", "own_failed", "AttributeError"),
        ("Dying", "own_died", "SIGSEGV"),
        ("Leaving", "own_died", "exit 3"),
        ("Eating", "own_failed", "MemoryError"),
        ("Unsummed", "own_wrong", "odds of s0 in 5 min sum to 0.5"),
        ("Misshapen", "own_wrong", "odds are (2, 2) instead of (12, 6, N)"),
        ("Endless", "own_wrong", "bytes, where"),
    ],
)
def test_what_it_does_wrong_is_a_finding_and_is_not_judged(name: str, kind: str, words: str) -> None:
    with shown(name) as (made, forecaster):
        (finding,) = made.findings
        assert finding.kind == kind
        assert words in str(finding.example)
        assert made.put_answers(forecaster) == []


def test_a_process_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOLD", str(tmp_path / "pid"))
    with shown("Hanging", seconds=5.0) as (made, _):
        assert [finding.kind for finding in made.findings] == ["own_hung"]
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_it_ends_with_the_worker_even_while_it_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that is killed closes the pipe: nothing else tells the process."""
    monkeypatch.setenv("TOLD", str(tmp_path / "pid"))
    process = AskedProcess(f"{MODELS}:Hanging", 512)
    process.ask(pack_stations(stations()), 60, 1000)
    learn = {**snapshot_arrays(next(riders(1))), "minutes": np.array([5])}
    with pytest.raises(OwnModelError, match=r"0\.1 s"):
        process.ask(learn, 0.1, 1000)
    assert process._process.stdin is not None
    process._process.stdin.close()
    assert process._process.wait(60) == 0
    process.end()


def test_a_failure_is_tried_again_later_each_time_and_a_backtest_gives_up() -> None:
    assert [wait_ever_longer(failures) for failures in (1, 2, 3, 20)] == [60, 120, 240, 3600]
    assert [try_thrice(failures) for failures in (1, 2, 3)] == [0.0, 0.0, None]


# ---------------------------------------------------------------- beside others


def test_nobody_waits_for_it_and_others_are_the_same_bit_for_bit(tmp_path: Path, alone: Desk) -> None:
    """It hangs, then another one raises, dies, lies and eats memory, for a question and four ticks each."""
    desk, kinds = Desk(tmp_path), []
    ticker = desk.worker()
    for turn, name in enumerate(("Hanging", "Raising", "Dying", "Unsummed", "Eating")):
        with closing(runner(name, seconds=LONG)) as ticker.own:
            ticked(desk, ticker, 4, first=4 * turn, wait=name != "Hanging")
            kinds += [finding.kind for finding in ticker.own.findings]
    assert kinds == ["own_failed", "own_died", "own_wrong", "own_failed"]
    assert same_for_others(desk, alone)
    assert scores(desk, "own").empty


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A town that was ticked with an own model that behaves."""
    desk = Desk(tmp_path_factory.mktemp("counted"))
    with closing(runner("NearOnly")) as own:
        ticked(desk, desk.worker(own=own, keep_forecasts=timedelta(days=2)))
    return desk


def test_its_answers_are_judged_on_the_very_questions_of_all_others(counted: Desk, alone: Desk) -> None:
    assert same_for_others(counted, alone)
    own, naive = scores(counted, "own"), scores(counted, "naive")
    naive = naive[naive["minutes"] <= 60].reset_index(drop=True)  # it leaves out what lies farther ahead
    pd.testing.assert_frame_equal(own[["at", "minutes", "n"]], naive[["at", "minutes", "n"]])
    assert len(own)
    first = own[own["minutes"] == 5].iloc[0]
    truth = [seen.bikes for seen in riders(6)][5]
    assert first["abs_error"] == abs(truth - 1).sum(), "it had learnt one snapshot"


def test_a_horizon_that_it_leaves_out_is_not_judged(counted: Desk) -> None:
    waiting = {each.minutes for each in counted.store.own_forecasts.waiting("test")}
    assert waiting == {5, 10, 15, 30, 45, 60}


def test_what_it_gave_survives_a_restart_and_the_log_is_learnt_again(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    with closing(runner("Counting")) as own:
        ticked(desk, desk.worker(own=own), 2)
    history = logged(desk.store, "test")
    put: list[OwnForecast] = []
    with closing(runner("Counting", history=history)) as again:
        ticked(desk, desk.worker(own=again), 3, first=2)
        put = again._answers
    assert set(scores(desk, "own")["minutes"]) == {5, 10, 15}, "issued before the restart"
    assert {int(value) for value in put[0].first.ravel()} == {5}, "two of them before the restart"


def test_a_model_may_be_for_other_cities() -> None:
    with shown("elsewhere") as (made, _):
        assert made.findings == ()


def test_answers_that_come_after_their_truth_are_a_finding_and_not_judged() -> None:
    with shown("Counting") as (made, forecaster):
        for seen in riders(50):
            forecaster.learn(seen)
        put = made.put_answers(forecaster)
        assert min(each.minutes for each in put) == 60
        (finding,) = made.findings
        assert (finding.kind, finding.count) == ("own_late", 5)


def test_a_city_that_begins_anew_has_a_model_that_knows_nothing() -> None:
    with shown("Counting", 3) as (made, forecaster):
        made.put_answers(forecaster)
        made.begin_anew()
        new = Forecaster(stations())
        new.learn(next(riders(1)))
        made.show(new)
        made.wait()
        assert {int(value) for value in made.put_answers(new)[0].first.ravel()} == {1}


def test_findings_of_it_reach_the_store_and_end_with_the_next_answer(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    with closing(runner("Unsummed")) as own:
        ticked(desk, desk.worker(own=own), 2)
    odd = desk.store.findings.oddities(["test"], desk.feed.now)["test"]
    assert [(each.finding.kind, each.gone) for each in odd] == [("own_wrong", False)]
