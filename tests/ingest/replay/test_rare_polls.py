"""Real recordings, read ever more rarely: what such a feed still teaches."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from ingest.replay.recording import Recording
from model import Forecaster
from model.scoring.settle import Score

DAYS = 4


@cache
def learnt(path: Path, minutes: int) -> tuple[Forecaster, list[Score]]:
    """Learn the first days of a recording, with one poll in so many minutes; give the scores, too."""
    whole = Recording.read(path)
    days = whole.head(int(np.searchsorted(whole.polls, whole.polls[0] + DAYS * 86400)))
    forecaster, scores = Forecaster(whole.stations), []
    for snapshot in days.thinned(minutes).snapshots():
        scores += forecaster.learn(snapshot)
    return forecaster, scores


@pytest.mark.parametrize("minutes", [2, 10, 20, 30, 60])
@pytest.mark.parametrize("name", ["dublin-2017-02", "boulder-2022-spring"])
def test_a_recording_read_rarely_teaches_and_is_forecast(shared: Path, name: str, minutes: int) -> None:
    """Riders between two polls cancel out, and a van that comes between them cannot be told from many riders.

    So rates lie between a third and twice of those read often. No forecast is worse than "no change" for it.
    """
    path = shared / "recordings" / name
    forecaster, scores = learnt(path, minutes)
    assert forecaster.gaps.usual / timedelta(minutes=minutes) == pytest.approx(1, rel=0.05)
    often, rarely = (each._riders.short.rates.mean() for each in (learnt(path, 2)[0], forecaster))
    assert 1 / 3 < rarely / often < 2
    half = scores[-1].target_at - timedelta(days=DAYS / 2)
    for ahead in (60, 120):
        found = {
            model: [each for each in scores
                    if (each.model, each.minutes) == (model, ahead) and each.target_at >= half and each.n]
            for model in ("naive", "pool")
        }  # fmt: skip
        judged = sum(each.n for each in found["pool"])
        assert judged == sum(each.n for each in found["naive"]) > 500
        crps, error = (
            {model: sum(getattr(each, name).sum() for each in of) for model, of in found.items()}
            for name in ("crps", "abs_error")
        )
        assert crps["pool"] < 0.9 * crps["naive"]
        assert error["pool"] <= error["naive"]
