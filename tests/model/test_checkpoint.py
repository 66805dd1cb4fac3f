"""Checkpoints: every name and shape is checked, and a state of other experts is adapted by their names."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from model import Forecaster, Weather, checkpoint, codec
from model.checkpoint import StateError
from model.experts import registry
from model.experts.chain import ChainExpert
from model.experts.expert import DAY_MINUTES, NEAR_MINUTES
from model.experts.naive import NaiveExpert
from model.experts.registry import ExpertEntry
from model.frame import MINUTES
from model.kernels.records import KERNEL
from model.scoring.issue import SCORED_MINUTES
from model.scoring.settle import Score
from tests.support.model_world import MINUTE, MONDAY, riders, stations, taught

NEW = ExpertEntry("stubborn", DAY_MINUTES, 4.0, "naive under another name", lambda inputs: NaiveExpert())
"""An expert that no checkpoint knows."""

KNOWN = registry.EXPERTS

CALM = ExpertEntry(
    "calm",
    NEAR_MINUTES,
    2.0,
    "pull, with fewer riders",
    lambda inputs: ChainExpert(inputs.short_demand, 0.65, 0.65, inputs.occupancy_effect),
)
"""An expert that has left."""

FORMAT_4 = ("naive", "spread", "climatology", "chain", "more", "fewer", "pull", "calm")
"""The experts of the release that packed format 4."""

Experts = tuple[ExpertEntry, ...]
Spoil = Callable[[dict[str, NDArray[Any]]], dict[str, NDArray[Any]]]


@pytest.fixture(scope="module")
def blob() -> bytes:
    """Pack a forecaster that has learnt for a day and has forecasts pending up to a day ahead."""
    forecaster = taught(26 * 60)
    forecaster.run_seed_pipeline(seed=True)
    assert forecaster.at is not None
    for seen in riders(20, start=forecaster.at + MINUTE, seed=8):
        forecaster.learn(seen)  # by then the seed pipeline was asked
    return forecaster.to_bytes()


def go_on(forecaster: Forecaster, minutes: int = 130) -> list[Score]:
    """Let a forecaster learn on, forecast, and give the scores."""
    assert forecaster.at is not None
    scores = []
    for seen in riders(minutes, start=forecaster.at + MINUTE, seed=9):
        scores += forecaster.learn(seen)
    forecast = forecaster.forecast(MINUTES)
    assert np.isfinite(forecast.bikes.cdf).all()
    assert (forecast.bikes.cdf[..., -1] == 1).all()
    weight = forecaster._ensemble.pool.weights(MINUTES, np.arange(6))
    np.testing.assert_allclose(weight.sum(axis=1), 1, atol=1e-5)
    assert (weight >= 0).all()
    assert Forecaster.from_bytes(forecaster.to_bytes()).to_bytes() == forecaster.to_bytes()
    return scores


OTHERS: dict[str, Experts] = {
    "one more": (*KNOWN, NEW),
    "one more in front": (NEW, *KNOWN),
    "one more for an hour": (*KNOWN, replace(NEW, reach=60)),
    "one more for 200 minutes": (*KNOWN, replace(NEW, reach=200)),
    "one fewer": KNOWN[:-1],
    "another order": KNOWN[::-1],
    "one replaced": (*KNOWN[:3], NEW, *KNOWN[4:]),
    "one that reaches farther": (*KNOWN[:-2], replace(KNOWN[-2], reach=DAY_MINUTES), KNOWN[-1]),
    "one that reaches less": (KNOWN[0], replace(KNOWN[1], reach=60), *KNOWN[2:]),
    "naive alone": KNOWN[:1],
}
"""Registries that differ from the one that made the checkpoint."""


@pytest.mark.parametrize("experts", OTHERS.values(), ids=OTHERS)
def test_a_checkpoint_of_other_experts_is_adapted_and_learns_on(
    blob: bytes, monkeypatch: pytest.MonkeyPatch, experts: Experts
) -> None:
    """The pending forecasts are those of the earlier experts, and are scored as they were issued."""
    before = Forecaster.from_bytes(blob)
    monkeypatch.setattr(registry, "EXPERTS", experts)
    after = Forecaster.from_bytes(blob)
    assert [expert.name for expert in after.experts] == [entry.name for entry in experts]
    assert after.waiting == before.waiting
    judged = {score.model for score in go_on(after) if score.n}
    assert judged == {"pool", "seed", *(entry.name for entry in (*experts, *KNOWN))}


def test_the_order_of_the_experts_changes_no_forecast(blob: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    before = Forecaster.from_bytes(blob)
    monkeypatch.setattr(registry, "EXPERTS", registry.EXPERTS[::-1])
    after = Forecaster.from_bytes(blob)
    every = np.arange(len(KNOWN))
    for index in range(len(SCORED_MINUTES)):
        one, other = (each._ensemble.pool.products(index, every) for each in (after, before))
        np.testing.assert_array_equal(one, other[::-1, ::-1])
    np.testing.assert_allclose(after._ensemble.pool.weight, before._ensemble.pool.weight[:, ::-1], rtol=1e-5)
    here, there = (each.forecast(MINUTES).bikes.cdf for each in (before, after))
    np.testing.assert_allclose(here, there, atol=1e-5)


def test_a_new_expert_starts_from_its_first_weight_and_the_others_keep_theirs(
    blob: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Forecaster.from_bytes(blob)._ensemble.pool
    monkeypatch.setattr(registry, "EXPERTS", (*registry.EXPERTS, NEW))
    after = Forecaster.from_bytes(blob)._ensemble.pool
    first = after.first[:, -1, None]
    np.testing.assert_allclose(after.weight[:, -1], np.repeat(first, 6, axis=1), rtol=1e-5)
    np.testing.assert_allclose(after.weight[:, :-1], before.weight * (1 - first[..., None]), rtol=1e-4)
    np.testing.assert_array_equal(after.settled, before.settled)


def test_a_new_expert_without_evidence_is_not_taken_for_a_perfect_one(
    blob: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no errors on record yet. Its weight stays small until truths show how right it is."""
    monkeypatch.setattr(registry, "EXPERTS", (*registry.EXPERTS, NEW))
    forecaster = Forecaster.from_bytes(blob)
    first = float(forecaster._ensemble.pool.first[3, -1])
    go_on(forecaster, 90)
    assert forecaster._ensemble.pool.city[3, -1] < 3 * first


def test_an_expert_that_has_left_gives_its_weight_to_the_others(
    blob: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Forecaster.from_bytes(blob)._ensemble.pool
    monkeypatch.setattr(registry, "EXPERTS", registry.EXPERTS[:-1])
    after = Forecaster.from_bytes(blob)._ensemble.pool
    kept = before.weight[:, :-1]
    np.testing.assert_allclose(after.weight, kept / kept.sum(axis=1, keepdims=True), rtol=1e-5)
    others = np.arange(len(KNOWN) - 1)
    for index in range(len(SCORED_MINUTES)):
        np.testing.assert_array_equal(after.products(index, others), before.products(index, others))


def test_the_pool_learns_from_an_older_forecast_by_name(blob: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "EXPERTS", registry.EXPERTS[:-1])
    pool = Forecaster.from_bytes(blob)._ensemble.pool
    every = np.arange(len(pool.experts))
    before = pool.products(0, every)
    names = [*pool.experts, KNOWN[-1].name]
    products = np.zeros((6, len(names), len(names)), dtype=np.float32)
    products[:, 0, 0] = 13 * 0.5**2
    pool.learn(5, np.arange(6), names, products, (0, 9), (0, 9))
    grown = pool.products(0, every) - before * np.float32(0.5 ** (1 / (72 * 15)))
    np.testing.assert_allclose(grown[0, 0], 13 * 0.25, rtol=1e-4)
    np.testing.assert_allclose(grown[1:, 1:], 0, atol=1e-4)


def old(version: int) -> bytes:
    """Give what a release of before packed after the snapshots learnt below."""
    if version != 5:
        return (Path(__file__).parent / f"checkpoint-format-{version}.npz.z").read_bytes()
    with np.load(io.BytesIO(zlib.decompress(old(6)))) as arrays:  # 6 but for the states of counts
        later = ("latest.state", "latest.cargo", "latest.known", "overflow.")
        kept = {name: values for name, values in arrays.items() if not name.startswith(later)}
    buffer = io.BytesIO()
    np.savez(buffer, **kept | {"format": np.array(5)})
    return zlib.compress(buffer.getvalue())


@pytest.mark.parametrize("seed", [False, True])
@pytest.mark.parametrize("version", [4, 5, 6])
def test_a_state_of_an_older_format_is_read_and_forecasts_the_same(
    monkeypatch: pytest.MonkeyPatch, version: int, seed: bool
) -> None:
    """Format 4 named components and experts otherwise, and kept experts by position.

    Experts added later take no part, nor do weights by hour and the shift. Up to 6 issued odds were in
    65535ths: the pool learnt from those.
    """
    entries = {entry.name: entry for entry in (*KNOWN, CALM)}
    monkeypatch.setattr(registry, "EXPERTS", tuple(entries[name] for name in FORMAT_4))
    monkeypatch.setattr("model.mixing.pool._HOUR_FORECASTS", 0.0)
    monkeypatch.setattr("model.mixing.shift._RIDGE", 1e12)
    values = np.tile([12.0, 80, 1010, 4, 60, 1], (30, 1))
    here = Forecaster(stations(3), seed=True)
    here.update_weather(Weather(int(MONDAY.timestamp()) + 3600 * np.arange(30), values))
    for seen in riders(200, 3):
        here.learn(seen)
    there = Forecaster.from_bytes(old(version))
    for each in (here, there):
        each.run_seed_pipeline(seed)
    assert there.waiting == here.waiting
    for was, new in zip(there._issued.pending, here._issued.pending, strict=True):
        assert (was.issued_at, was.minutes, was.models) == (new.issued_at, new.minutes, new.models)
        rows = np.flatnonzero(new.bikes >= 0)
        np.testing.assert_array_equal(was.median, new.median)
        np.testing.assert_allclose(was.odds(rows), new.odds(rows), atol=1.01 / 255)
        np.testing.assert_allclose(was.weights(rows), new.weights(rows), atol=5e-3)
        assert (was.seed_bikes is None) == (new.seed_bikes is None)
    for seen in riders(60, 3, start=MONDAY + timedelta(minutes=200)):
        for ours, theirs in zip(here.learn(seen), there.learn(seen), strict=True):
            assert (ours.model, ours.n, ours.expired) == (theirs.model, theirs.n, theirs.expired)
            np.testing.assert_allclose(theirs.crps, ours.crps, atol=0.02)
    here_odds, there_odds = (each.forecast(MINUTES).bikes.cdf for each in (here, there))
    np.testing.assert_allclose(there_odds, here_odds, atol=2e-3)


def test_a_state_of_format_7_brings_its_usual_gap(blob: bytes) -> None:
    arrays = dict(checkpoint.unpack(blob))
    for name in ("gaps.newest", "pool.hourly", "pool.hourly_settled"):
        del arrays[name]
    older = codec.pack({**arrays, "format": np.array(7), "usual_seconds": np.array(287.5)})
    read = Forecaster.from_bytes(older)
    assert read.gaps.usual == timedelta(seconds=287.5)
    assert not read._ensemble.pool.hourly.any()


def test_a_state_of_format_9_begins_the_shift_anew(blob: bytes) -> None:
    later = ("shift.", "today.")
    kept = {
        name: values
        for name, values in checkpoint.unpack(blob).items()
        if not name.startswith(later)
        and not (name.startswith("pending.") and name.endswith((".features", ".coefficients", ".gain")))
    }
    read = Forecaster.from_bytes(codec.pack({**kept, "format": np.array(9), "kernel": np.array("numba-2")}))
    shift = read.components["shift"]
    assert not shift.truths.any()
    go_on(read, 60)
    assert shift.truths.any()


def test_a_state_of_format_11_has_one_shift_for_all_hours_until_each_has_learnt(blob: bytes) -> None:
    arrays = dict(checkpoint.unpack(blob))
    for name in ("shift.hourly_normal", "shift.hourly_moment"):
        assert arrays.pop(name).any()
    arrays |= {"times": arrays["times"][:5], "format": np.array(11)}
    read = Forecaster.from_bytes(codec.pack(arrays))
    shift = read.components["shift"]
    city = np.linalg.solve(shift.normal + 30 * np.eye(shift.normal.shape[1]), shift.moment[..., None])[..., 0]
    np.testing.assert_allclose(shift.coefficients(shift.minutes, (0, 9)), city, rtol=1e-4, atol=1e-6)
    go_on(read, 60)
    assert shift.hourly_moment.any()


def test_a_state_of_a_kernel_that_means_the_same_is_taken_over(
    blob: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it learnt and what waits stays as it was; the next checkpoint is ours."""
    arrays = checkpoint.unpack(blob)
    assert str(arrays["kernel"]) == KERNEL
    monkeypatch.setattr(checkpoint, "ADAPTED", ("before-1",))
    theirs = codec.pack(arrays | {"kernel": np.array("before-1")})
    adapted = Forecaster.from_bytes(theirs)
    assert adapted.to_bytes() == blob
    assert theirs != blob
    go_on(adapted, 60)


def test_a_state_of_a_kernel_that_nobody_knows_is_refused(blob: bytes) -> None:
    """Its numbers may mean something else: the log is learnt again."""
    arrays = checkpoint.unpack(blob) | {"kernel": np.array("made-up-9")}
    with pytest.raises(StateError, match="kernel 'made-up-9'"):
        Forecaster.from_bytes(codec.pack(arrays))


def without(name: str) -> Spoil:
    return lambda arrays: {key: value for key, value in arrays.items() if key != name}


def changed(name: str, change: Callable[[NDArray[Any]], Any]) -> Spoil:
    return lambda arrays: arrays | {name: np.asarray(change(arrays[name]))}


SPOILT: dict[str, Spoil] = {
    "no gram": without("pool.gram"),
    "no experts": without("pool.experts"),
    "no calendar": without("calendar.evidence"),
    "no odds": without("pending.0.levels"),
    "no counts of any forecast": without("pending.0.bikes"),
    "a station fewer in the pool": changed("pool.gram", lambda gram: gram[..., :-1]),
    "an expert fewer in the pool": changed("pool.weight", lambda weight: weight[:, :-1]),
    "an expert's name fewer": changed("pool.experts", lambda names: names[:-1]),
    "an expert twice": changed("pool.experts", lambda names: np.where(names == "more", "fewer", names)),
    "an expert's odds fewer": changed("pending.3.length", lambda length: length[:-1]),
    "a name of a forecast fewer": changed("pending.3.models", lambda names: names[:-1]),
    "a station's odds fewer": changed("pending.3.first", lambda first: first[:, :-1]),
    "a level fewer": changed("pending.3.levels", lambda levels: levels[:-1]),
    "odds beyond the places": changed("pending.3.first", lambda first: first + np.uint8(20)),
    "odds in more bits": changed("pending.3.levels", lambda levels: levels.astype(np.uint16)),
    "more bikes than places": changed("pending.0.bikes", lambda bikes: bikes + np.int32(20)),
    "a median fewer": changed("pending.3.median", lambda median: median[:-1]),
    "counts that are no whole numbers": changed("pending.3.places", lambda places: places * 1.5),
    "two intercepts": changed("seed.5.intercept", lambda intercept: [intercept, intercept]),
    "a horizon that nobody scores": changed("pending", lambda pending: np.add(pending, (0, 1))),
    "a station's features fewer": changed("pending.0.features", lambda features: features[:, :-1]),
    "a coefficient fewer": changed("pending.3.coefficients", lambda values: values[:-1]),
    "a gain fewer": changed("pending.3.gain", lambda gain: gain[:-1]),
    "other features of the shift": changed("shift.features", lambda names: names[::-1]),
    "a station fewer in the counts": changed("latest.bikes", lambda bikes: bikes[:-1]),
    "a station fewer in the rates": changed("long.rates", lambda rates: rates[..., :-1]),
    "other slots": changed("short.events", lambda events: events[:, ::2]),
    "another type": changed("climatology.spent", lambda spent: spent.astype(np.float64)),
    "other horizons": changed("changes.minutes", lambda minutes: minutes + 1),
    "other horizons of the pool": changed("pool.minutes", lambda minutes: minutes[::-1]),
    "a table for a number": changed("calendar.day", lambda day: [day]),
    "losses in more bits": changed("drift_monitor.losses", lambda losses: losses.astype(np.float32)),
    "losses cut off": changed("drift_monitor.lengths", lambda lengths: lengths + 1),
    "other stations": changed("station_id", lambda ids: ids[::-1]),
    "a station twice": changed("station_id", lambda ids: [*ids, ids[0]]),
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
@pytest.mark.parametrize("also_other_experts", [False, True])
def test_a_state_whose_names_or_shapes_do_not_fit_is_refused(
    blob: bytes, monkeypatch: pytest.MonkeyPatch, spoil: Spoil, also_other_experts: bool
) -> None:
    arrays = checkpoint.unpack(blob)
    if also_other_experts:
        monkeypatch.setattr(registry, "EXPERTS", (*registry.EXPERTS[:-1], NEW))
    Forecaster.from_bytes(checkpoint.pack(arrays))
    with pytest.raises(StateError):
        Forecaster.from_bytes(checkpoint.pack(spoil(arrays)))
