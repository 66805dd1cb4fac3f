"""Today: what is unusual of this day, at each station, beside it, and on the way."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.arrays import Floats
from model.demand.today import FEATURES
from model.globe import kilometres, nearest
from tests.support.model_world import MINUTE, snapshot, taught


def features(bikes: list[int], after: int = 1) -> dict[str, Floats]:
    """Give the features after one more snapshot of six stations, by name."""
    forecaster = taught(26 * 60)
    at = forecaster.at
    assert at is not None
    forecaster.learn(snapshot(at + after * MINUTE, bikes))
    found = forecaster._ensemble.features(forecaster._present())
    return dict(zip(FEATURES, found, strict=True))


def now() -> list[int]:
    known = taught(26 * 60).snapshot()
    assert known is not None
    bikes: list[int] = known.bikes.tolist()
    return bikes


def test_bikes_that_come_count_at_their_station_and_beside_it() -> None:
    plain, more = features(now()), features([now()[0] + 2, *now()[1:]])
    for name in ("over", "net"):
        assert more[name][0] - plain[name][0] == pytest.approx(2, abs=0.05)
        assert more[f"near {name}"][1] - plain[f"near {name}"][1] == pytest.approx(0.4, abs=0.05)
        assert more[f"near {name}"][0] == pytest.approx(plain[f"near {name}"][0], abs=0.05)


def test_bikes_that_left_are_under_way_until_they_arrive() -> None:
    left = [count - 1 for count in now()]
    assert (features(left)["under way"] > features(now())["under way"]).all()
    arrived = [count + 1 for count in now()]
    assert (features(arrived)["under way"] < features(now())["under way"]).all()


def test_an_unknown_count_says_what_the_last_known_one_said_for_a_day() -> None:
    unknown = [-1, *now()[1:]]
    assert features(unknown)["over"][0] == pytest.approx(features(now())["over"][0], abs=0.05)
    assert features(unknown, after=25 * 60)["over"][0] == 0


def test_after_a_hole_the_day_begins_anew() -> None:
    found = features(now(), after=300)
    for name in ("net", "near net", "under way"):
        assert not found[name].any()


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000), size=st.integers(0, 40), count=st.integers(1, 5))
def test_the_nearest_places_are_those_of_a_search_through_all(seed: int, size: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    lat, lon = rng.normal(48, 0.1, size), rng.normal(2, 0.1, size)
    lat[rng.random(size) < 0.1] = np.nan
    found = nearest(lat, lon, count)
    known = np.isfinite(lat)
    assert (found[~known] == -1).all()
    for row in np.flatnonzero(known).tolist():
        far = kilometres((lat[row], lon[row]), (lat, lon))
        far[~known] = np.inf
        far[row] = np.inf
        expected = np.sort(far)[:count]
        expected = expected[np.isfinite(expected)]
        assert row not in found[row]
        np.testing.assert_allclose(far[found[row][found[row] >= 0]], expected, atol=1e-6)


def test_the_flow_fades_within_an_hour() -> None:
    forecaster = taught(26 * 60)
    today = forecaster.components["today"]
    today.net[:], before = 8.0, forecaster.snapshot()
    assert before is not None
    for minute in range(1, 61):
        forecaster.learn(snapshot(before.at + timedelta(minutes=minute), before.bikes.tolist()))
    assert (np.abs(today.net) < 8 / np.e + 6).all()
    assert today.riders.sum() < 2
