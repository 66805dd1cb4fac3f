"""The three adapters, by the examples: they give odds, learn, and know more than "as now" does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from examples.own_model import boosted, linear, towards_half
from ingest.settings import ROOT
from model import Stations
from model.arrays import Floats, Ints
from model.own import FromFunction, OwnModel
from model.own.own_model import WaitingLabels
from model.scoring.own import OwnForecast
from tests.support.model_world import MINUTE, MONDAY, riders, snapshot, stations

STEP = 5
PLACES = np.full(6, 12)


def crps(odds: Floats, bikes: Ints) -> float:
    """Sum the CRPS of odds `(S, N)` over the stations."""
    below = np.cumsum(odds, axis=1)
    return float(((below - (np.arange(odds.shape[1]) >= bikes[:, None])) ** 2).sum())


@pytest.mark.parametrize("make", [towards_half, linear, boosted])
def test_an_example_gives_odds_and_beats_as_now_in_its_first_afternoon(
    make: Callable[[Stations], OwnModel],
) -> None:
    with threadpool_limits(1):  # as in its process
        own_beats_as_now(make(stations()))


def own_beats_as_now(own: OwnModel) -> None:
    asked: dict[datetime, tuple[Ints, Floats]] = {}
    errors = {"own": 0.0, "naive": 0.0}
    for seen in list(riders(16 * 60, per_hour=40))[::STEP]:
        if seen.at in asked and seen.at.hour >= 10:
            then, odds = asked[seen.at]
            errors["own"] += crps(odds, seen.bikes)
            errors["naive"] += np.abs(then - seen.bikes).sum()
        own.learn(seen)
        if seen.at.minute % 20 == 0:
            odds = own.forecast([30, 60], PLACES)
            for each, horizon in zip(odds, (30, 60), strict=True):
                OwnForecast.of(seen.at, horizon, seen.station_id, seen.bikes >= 0, PLACES, each)
            asked[seen.at + 30 * MINUTE] = seen.bikes, odds[0]
    assert 0 < errors["own"] < 0.9 * errors["naive"]


def test_the_model_that_the_document_writes_out_gives_odds() -> None:
    text = (ROOT / "docs" / "own-model.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {"np": np}
    exec(text.partition("```python\n")[2].partition("```")[0], names)
    own = names["as_now"](stations())
    own.learn(snapshot(MONDAY, [3, -1, 12]))
    places = np.array([12, -1, 12])
    odds = own.forecast([5, 30], places)
    OwnForecast.of(MONDAY, 5, np.array(["s0", "s1", "s2"]), np.array([True, False, True]), places, odds[0])
    assert odds[1, 0, 3] == odds[1, 2, 12] == 1


def test_odds_of_a_function_are_as_wide_as_its_errors_were() -> None:
    own = FromFunction(lambda seen, minutes: seen.bikes.astype(np.float64))
    for minute in range(0, 600, 5):
        own.learn(snapshot(MONDAY + minute * MINUTE, [4 + minute // 5 % 2]))
        odds = own.forecast([5], np.array([12]))[0, 0]
    assert odds.argmax() != 5
    assert odds[[4, 6]].min() > 0.3


def test_a_label_that_comes_too_late_teaches_nothing() -> None:
    labels = WaitingLabels()
    begin = snapshot(MONDAY, [1, 2])
    labels.ask(begin, 10, np.array([7.0, 8.0]))
    assert not list(labels.due(snapshot(MONDAY + 9 * MINUTE, [1, 2])))
    labels.ask(begin, 15, np.array([7.0, 8.0]))
    (label,) = labels.due(snapshot(MONDAY + 16 * MINUTE, [3, -1]))
    assert (label.minutes, label.bikes.tolist(), label.kept.tolist()) == (15, [3], [7.0])
