"""Kinds of bikes: a forecast of each, where a feed tells them apart, that agrees with that of all bikes."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model import Forecaster, Snapshot, codec
from model import checkpoint as checkpoints
from model.arrays import Ints
from model.frame import Frame
from model.frame_builder import make_frame
from model.moments import frame_at
from model.records import ANY, CARGO, ELECTRIC, KINDS, OF_BIKES, PLAIN, Counts
from model.scoring.issue import KIND_SCORED
from tests.support.model_world import MINUTE, MONDAY, riders, snapshot, stations

MINUTES = (0, 7, 15, 60, 120, 600)


def with_kinds(seen: Snapshot, rng: np.random.Generator, before: np.ndarray | None = None) -> Snapshot:
    """Tell how many of the bikes are electric: as far as it goes those of `before`, else drawn."""
    drawn = rng.binomial(np.maximum(seen.bikes, 0), 0.4) if before is None else before + rng.integers(-1, 2)
    return replace(seen, ebikes=np.where(seen.bikes < 0, -1, np.clip(drawn, 0, np.maximum(seen.bikes, 0))))


def told(minutes: int, seed: int = 1) -> Iterator[Snapshot]:
    """Let riders come and go, on bikes of both kinds."""
    rng, ebikes = np.random.default_rng(seed), None
    for seen in riders(minutes, seed=seed):
        known = with_kinds(seen, rng, ebikes)
        ebikes = known.ebikes
        yield known


@pytest.fixture(scope="module")
def learnt() -> Forecaster:
    """A forecaster that has learnt ten hours of a city with both kinds."""
    forecaster = Forecaster(stations())
    for seen in told(600):
        forecaster.learn(seen)
    return forecaster


def ebikes_of(seen: Snapshot) -> Ints:
    """Give the e-bikes of a snapshot that tells them."""
    assert seen.ebikes is not None
    return seen.ebikes


def counts_of(forecaster: Forecaster, minutes: tuple[int, ...] = MINUTES) -> tuple[Counts, Counts, Counts]:
    """Forecast all bikes, plain ones and electric ones."""
    forecast = forecaster.forecast(minutes)
    assert forecast.plain is not None
    assert forecast.ebikes is not None
    return forecast.bikes, forecast.plain, forecast.ebikes


def test_a_feed_that_tells_no_kinds_costs_nothing() -> None:
    """One of e-bikes alone tells no kinds apart either: its e-bikes are its bikes."""
    for electric in (None, lambda bikes: np.zeros_like(bikes), lambda bikes: bikes):
        forecaster = Forecaster(stations())
        for seen in riders(60):
            forecaster.learn(seen if electric is None else replace(seen, ebikes=electric(seen.bikes)))
        forecast, frame = forecaster.forecast(MINUTES), make_frame(forecaster)
        assert (forecast.plain, forecast.ebikes, forecast.cargo) == (None, None, None)
        assert (frame.plain_bike, frame.ebike, frame.cargo_bike) == (None, None, None)
        assert not [name for name in forecaster.components if name.startswith(KINDS)]
        assert not [name for name in checkpoints.unpack(forecaster.to_bytes()) if name.startswith(KINDS)]


def test_now_each_kind_is_what_stands_there(learnt: Forecaster) -> None:
    newest = learnt.snapshot()
    assert newest is not None
    _, plain, electric = counts_of(learnt)
    np.testing.assert_array_equal(electric.median[0], ebikes_of(newest))
    np.testing.assert_array_equal(plain.median[0], newest.bikes - ebikes_of(newest))


@settings(deadline=None, max_examples=25)
@given(
    state=st.lists(st.tuples(st.integers(-1, 12), st.integers(-1, 12)), min_size=6, max_size=6),
    seed=st.integers(0, 1000),
)
def test_it_is_never_surer_of_a_kind_than_of_a_bike(
    learnt: Forecaster, state: list[tuple[int, int]], seed: int
) -> None:
    """Whatever stands there, and whatever the pools of kinds have learnt, n e-bikes are n bikes."""
    forecaster, rng = deepcopy(learnt), np.random.default_rng(seed)
    for kind in OF_BIKES:
        pool = forecaster.components[f"{kind}.pool"]
        pool.weight[:] = rng.dirichlet(np.full(pool.weight.shape[1], 0.5), pool.weight[:, 0].shape).transpose(
            0, 2, 1
        )
        forecaster.components[f"{kind}.shift"].moment[:] = rng.normal(0, 50, 6)
    bikes, ebikes = np.array(state).T
    seen = snapshot(MONDAY + 600 * MINUTE, bikes.tolist())
    forecaster.learn(replace(seen, ebikes=np.minimum(ebikes, bikes)))
    every, *kinds = counts_of(forecaster)
    for counts in kinds:
        assert (counts.cdf >= every.cdf)[:, counts.known].all()
        assert (np.diff(counts.cdf, axis=2) >= 0).all()
        for n in (1, 2, 5):
            assert (counts.at_least(n) <= every.at_least(n))[:, counts.known].all()
        assert (counts.quantile(0.9) <= every.quantile(0.9))[:, counts.known].all()
    made = make_frame(forecaster)
    for outlook in (made.plain_bike, made.ebike):
        if outlook is not None:
            known = outlook.median >= 0
            np.testing.assert_array_equal(outlook.chance[0] <= 100, known)
            assert (outlook.chance <= made.bike.chance)[:, known].all()
            assert (outlook.median <= made.bike.median)[known].all()


def test_a_frame_has_the_kinds_up_to_two_hours_ahead(learnt: Forecaster) -> None:
    made = make_frame(learnt)
    assert Frame.from_bytes(made.to_bytes()).to_bytes() == made.to_bytes()
    assert made.ebike is not None
    assert made.plain_bike is not None
    _, plain, electric = counts_of(learnt, tuple(made.minutes[made.minutes <= 120].tolist()))
    for outlook, counts in ((made.ebike, electric), (made.plain_bike, plain)):
        near = made.minutes <= 120
        np.testing.assert_array_equal(outlook.median[near], counts.median)
        np.testing.assert_array_equal(outlook.high[near], counts.quantile(0.9))
        assert np.abs(outlook.chance[0][near] - 100 * counts.at_least(1)).max() <= 1
        assert (outlook.median[~near] == -1).all()
        assert (outlook.chance[:, ~near] == 255).all()
    later = frame_at(made, [45, 120, 121])
    assert later.ebike is not None
    assert (later.ebike.median >= 0).tolist() == [[True] * 6, [True] * 6, [False] * 6]
    assert made.take(np.array([2])).ebike.median.shape == (len(made.minutes), 1)  # type: ignore[union-attr]


def test_each_kind_is_scored_as_it_was_issued() -> None:
    """What counts is what people saw: the odds of the pool, bounded by those of all bikes."""
    forecaster = Forecaster(stations())
    snapshots = [*told(300)]
    seen: dict[str, Counts] = {}
    for each in snapshots:
        scores = {(score.kind, score.minutes): score for score in forecaster.learn(each)
                  if score.model == "pool"}  # fmt: skip
        if each.at == MONDAY + timedelta(minutes=200):
            seen = dict(zip((ANY, PLAIN, ELECTRIC), counts_of(forecaster, (60,)), strict=True))
        if each.at == MONDAY + timedelta(minutes=260):
            break
    assert {minutes for kind, minutes in scores if kind != ANY} <= set(KIND_SCORED)
    ebikes = ebikes_of(each)
    truth = {ANY: each.bikes, ELECTRIC: ebikes, PLAIN: each.bikes - ebikes}
    for kind, counts in seen.items():
        score = scores[kind, 60]
        np.testing.assert_array_equal(score.abs_error, np.abs(counts.median[0] - truth[kind]))
        happened = truth[kind][:, None] <= np.arange(counts.cdf.shape[2])
        np.testing.assert_allclose(score.crps, ((counts.cdf[0] - happened) ** 2).sum(axis=1), atol=0.02)
        assert np.isnan(score.brier_dock).all() == (kind != ANY)


def test_the_median_of_a_kind_is_held_in_its_own_first_day(learnt: Forecaster) -> None:
    """A feed may begin to tell kinds apart long after the first snapshot."""
    forecaster = deepcopy(learnt)
    assert forecaster.learning_since is not None
    forecaster.learning_since -= timedelta(days=1)
    for guard in ("guard", "electric.guard"):
        forecaster.components[guard].lost[:] = -1e6
    every, _, held = counts_of(forecaster)
    np.testing.assert_array_equal(held.median, np.minimum(every.median, held.median[0]))
    for learner in forecaster._kinds:
        assert learner.since is not None
        learner.since -= timedelta(days=1)
    assert (counts_of(forecaster)[2].median != held.median).any()


def test_where_a_feed_stops_telling_kinds_there_is_no_forecast_of_them(learnt: Forecaster) -> None:
    forecaster = deepcopy(learnt)
    forecaster.learn(snapshot(MONDAY + 600 * MINUTE, [5] * 6))
    _, plain, electric = counts_of(forecaster)
    assert not plain.known.any()
    assert not electric.known.any()
    assert make_frame(forecaster).ebike is None


def test_where_counts_are_missing_a_kind_is_forecast_from_the_last_known(learnt: Forecaster) -> None:
    forecaster = deepcopy(learnt)
    before = forecaster.snapshot()
    assert before is not None
    forecaster.learn(snapshot(MONDAY + 605 * MINUTE, [-1] * 6))
    _, _, electric = counts_of(forecaster)
    assert electric.known.all()
    assert np.abs(electric.median[0] - ebikes_of(before)).max() <= 1
    assert electric.cdf[0].min() < 0.99


def test_kinds_survive_as_bytes_and_in_another_order(learnt: Forecaster) -> None:
    blob = learnt.to_bytes()
    again = Forecaster.from_bytes(blob)
    assert again.to_bytes() == blob
    again.update_stations(stations().take(np.arange(6)[::-1]))
    for each in (learnt := deepcopy(learnt), again):
        each.learn(later())
    for before, after in zip(counts_of(learnt), counts_of(again), strict=True):
        np.testing.assert_allclose(after.cdf[:, ::-1], before.cdf, atol=1e-5)


def later() -> Snapshot:
    """Show both kinds after some forecasts of them are due."""
    bikes = [3, 5, 7, 2, 9, 4]
    return replace(snapshot(MONDAY + 620 * MINUTE, bikes), ebikes=np.array(bikes) // 2)


def test_a_state_of_format_10_begins_the_kinds_anew(learnt: Forecaster) -> None:
    later_ones = (*KINDS, "latest.known_ebikes", "latest.known_cargo", "shift.hourly")
    kept = {name: values for name, values in checkpoints.unpack(learnt.to_bytes()).items()
            if not name.startswith(later_ones)}  # fmt: skip
    kept |= {"times": kept["times"][:4], "format": np.array(10), "kernel": np.array("numba-3")}
    read = Forecaster.from_bytes(codec.pack(kept))
    assert read.forecast(MINUTES).ebikes is None
    shift = (learnt := deepcopy(learnt)).components["shift"]
    for table in (shift.hourly_normal, shift.hourly_moment):
        table[:] = 0
    np.testing.assert_array_equal(read.forecast(MINUTES).bikes.cdf, learnt.forecast(MINUTES).bikes.cdf)
    read.learn(later())
    assert read.forecast(MINUTES).ebikes is not None


def with_cargo(minutes: int, kinds: bool) -> Iterator[Snapshot]:
    """Let riders come and go, and at some stations cargo bikes, of which those of s0 stand beside no bike."""
    rng, cargo = np.random.default_rng(7), np.array([2, 1, 0, 3, 0, 0])
    for seen in told(minutes) if kinds else riders(minutes):
        cargo = np.clip(cargo + rng.choice([-1, 0, 0, 0, 0, 1], 6), 0, 4)
        yield replace(seen, bikes=np.where(np.arange(6) == 0, 0, seen.bikes), cargo=cargo)


@pytest.mark.parametrize("kinds", [False, True])
def test_cargo_bikes_have_a_forecast_that_no_bikes_bound(kinds: bool) -> None:
    """They are not among the bikes: where no bike stands there may be two of them."""
    forecaster, scored = Forecaster(stations()), set()
    for seen in with_cargo(400, kinds):
        scored |= {(score.kind, score.minutes) for score in forecaster.learn(seen) if score.n}
    forecast, made = forecaster.forecast(MINUTES), make_frame(forecaster)
    assert (forecast.ebikes is not None, made.ebike is not None) == (kinds, kinds)
    assert forecast.cargo is not None
    assert made.cargo_bike is not None
    assert seen.cargo is not None
    np.testing.assert_array_equal(forecast.cargo.median[0], seen.cargo)
    assert (np.diff(forecast.cargo.cdf, axis=2) >= 0).all()
    np.testing.assert_allclose(forecast.cargo.cdf[..., -1], 1, atol=1e-5)
    assert seen.cargo[0] > 0
    assert forecast.cargo.at_least(1)[0, 0] > 0.99 > forecast.bikes.at_least(1)[0, 0]
    assert {minutes for kind, minutes in scored if kind == CARGO} == set(KIND_SCORED)
    assert {kind for kind, _ in scored} == {ANY, CARGO, *(OF_BIKES if kinds else ())}
    np.testing.assert_array_equal(made.cargo_bike.median[0], seen.cargo)
    assert Frame.from_bytes(made.to_bytes()).to_bytes() == made.to_bytes()
    again = Forecaster.from_bytes(forecaster.to_bytes())
    assert again.to_bytes() == forecaster.to_bytes()
    assert again.learnt_since(CARGO) == MONDAY


def test_a_state_of_format_11_begins_cargo_bikes_anew() -> None:
    forecaster = Forecaster(stations())
    *snapshots, last = with_cargo(100, kinds=True)
    for seen in snapshots:
        forecaster.learn(seen)
    kept = {name: values for name, values in checkpoints.unpack(forecaster.to_bytes()).items()
            if not name.startswith((f"{CARGO}.", "latest.known_cargo"))}  # fmt: skip
    read = Forecaster.from_bytes(codec.pack(kept | {"times": kept["times"][:5], "format": np.array(11)}))
    assert read.learnt_since(ELECTRIC) == read.learnt_since(PLAIN) == MONDAY
    assert read.forecast(MINUTES).cargo is None
    read.learn(last)
    assert read.learnt_since(CARGO) == last.at
