"""Catch-up: a month learnt at once leaves no gap, and learning goes on after it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ingest.city.cities import CITIES
from ingest.replay.playable_source import MONTH, STEP_SECONDS, MadeUpCity
from ingest.worker.catch_up import catch_up
from model.forecaster import Forecaster
from model.scoring.issue import ISSUE_MINUTES

UNTIL = datetime(2026, 11, 24, 12, 7, tzinfo=UTC)


@pytest.fixture(scope="module")
def forecaster() -> Forecaster:
    learnt = Forecaster(CITIES["sandmouth"].stations)
    catch_up(learnt, MadeUpCity(CITIES["sandmouth"]), UNTIL - MONTH, UNTIL)
    return learnt


def test_four_weeks_are_known_up_to_the_moment(forecaster: Forecaster) -> None:
    assert forecaster.at == datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
    assert forecaster.learning_since is not None
    known = forecaster.at - forecaster.learning_since
    assert MONTH - timedelta(seconds=2 * STEP_SECONDS) <= known <= MONTH
    assert forecaster.every == ISSUE_MINUTES


def test_it_goes_on_with_the_live_feed_and_beats_no_change(forecaster: Forecaster) -> None:
    city = CITIES["sandmouth"]
    error = {"naive": 0.0, "pool": 0.0}
    for snapshot in city.snapshots(UNTIL, UNTIL + timedelta(hours=8), 300):
        for score in forecaster.learn(snapshot):
            issued_at = score.target_at - timedelta(minutes=score.minutes)
            if score.model in error and score.minutes == 120 and issued_at >= UNTIL and score.n:
                error[score.model] += float(score.abs_error.sum())
    assert 0 < error["pool"] < 0.95 * error["naive"]
