"""Paired scores: what the pool's errors exceed naive's by at each station, added up in the store."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from ingest.store import Store
from ingest.store.day_sums import DaySums
from ingest.store.paired_scores import PAIRED_KEYS, PairedScore, paired
from model import Forecaster
from model.scoring.confidence import LEVEL, issue_streams
from tests.support.model_world import riders, stations
from tests.support.store_world import store_url


def test_differences_add_up_by_station_and_fall_into_the_turn_of_their_issue() -> None:
    forecaster = Forecaster(stations())
    ticks = [forecaster.learn(seen) for seen in riders(240)]
    ids = forecaster.stations.station_id
    found = [each for scores in ticks for each in paired(scores, ids) if each.minutes == 30]
    sums = found[0].sums
    for more in found[1:]:
        sums = DaySums.from_bytes(sums.to_bytes(), PAIRED_KEYS).plus(more.sums)
    judged = [s for scores in ticks for s in scores if s.minutes == 30 and s.n]
    error = {model: np.zeros(len(ids)) for model in ("pool", "naive")}
    for score in judged:
        if score.model in error:
            error[score.model][score.rows] += score.abs_error
    np.testing.assert_allclose(sums.sums["total"].sum(axis=0), error["pool"] - error["naive"])
    assert sums.sums["n"].sum() == sum(s.n for s in judged if s.model == "pool")
    seconds, streams = issue_streams(30)
    issued = {s.target_at - timedelta(minutes=30) for s in judged}
    expected = np.bincount([int(at.timestamp()) // seconds % streams for at in issued], minlength=streams)
    assert sums.sums["n"].max(axis=1).tolist() == expected.tolist()
    assert not paired([], ids)


@pytest.mark.both
def test_a_station_that_is_worse_by_luck_is_not_called_worse(tmp_path: Path) -> None:
    """Two hundred stations of which ten are worse by a third of a bike, in a week and in two months."""
    store, random = Store(store_url(tmp_path)), np.random.default_rng(1)
    ids = np.array([f"s{index:03}" for index in range(200)])
    edge = np.where(np.arange(200) < 10, 0.3, 0.0)
    keys = {"stream": np.arange(3), "station_id": ids}
    surely, worse = [], []
    for issues in (168, 1272):
        each = np.rint(random.normal(edge, 1, (issues, 3, 200)))
        counts = np.full((3, 200), float(issues))
        sums = {"n": counts, "total": each.sum(axis=0), "square": (each**2).sum(axis=0)}
        with store._database.write() as db:
            store.paired_scores.add(db, "test", PairedScore(30, "any", DaySums(keys, sums)))
        bounds = store.paired_scores.bounds("test", 30, LEVEL).set_index("station_id")
        surely.append(set(bounds.index[bounds["least"] > 0]))
        worse.append(int((each.mean(axis=(0, 1)) > 0).sum()))
    assert worse[0] > 80, "half of all are worse in a week"
    assert surely[0] < surely[1] == set(ids[:10])
    assert store.paired_scores.bounds("test", 60, LEVEL).empty
    store.close()
