"""A learnt forecaster when ids change their meaning: nothing goes to the wrong station, nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from model import Forecaster, Snapshot, Stations
from model.frame import Frame
from model.frame_builder import make_frame
from tests.support.model_world import MINUTE, riders, stations

NAMES = np.array(["Quay", "Mill", "Park", "Abbey", "Bridge", "Court"])


def named(ids: list[str] | None = None) -> Stations:
    """Describe six stations some kilometre apart, with names, under the ids that are given."""
    plain = stations()
    return replace(plain, name=NAMES, station_id=plain.station_id if ids is None else np.array(ids))


def under(seen: Snapshot, described: Stations) -> Snapshot:
    return replace(seen, station_id=described.station_id)


def learnt(seed: bool = False, minutes: int = 400) -> tuple[Forecaster, Iterator[Snapshot]]:
    forecaster, coming = Forecaster(named(), seed=seed), riders(minutes + 60)
    for _ in range(minutes):
        forecaster.learn(next(coming))
    return forecaster, coming


def state(forecaster: Forecaster, name: str, part: str, row: int) -> np.ndarray:
    return np.asarray(getattr(forecaster.components[name], part)[..., row])


@pytest.mark.parametrize("seed", [False, True])
def test_all_ids_are_new_and_the_forecasts_go_on_as_if_nothing_had_happened(seed: bool) -> None:
    forecaster, coming = learnt(seed)
    twin = Forecaster.from_bytes(forecaster.to_bytes())
    new = named([f"n{row}" for row in range(6)])
    changed = twin.update_stations(new)
    assert changed.renamed == {f"s{row}": f"n{row}" for row in range(6)}
    assert not changed.begun
    for seen in coming:
        here, there = forecaster.learn(seen), twin.learn(under(seen, new))
        assert [score.row() for score in here] == [score.row() for score in there]
    one, other = make_frame(forecaster), make_frame(twin)
    assert one.bike.chance.tobytes() == other.bike.chance.tobytes()
    assert one.space.median.tobytes() == other.space.median.tobytes()
    assert other.renamed["s3"] == "n3"
    assert Frame.from_bytes(other.to_bytes()).renamed == other.renamed
    again = Forecaster.from_bytes(twin.to_bytes())
    assert again.renamed == twin.renamed
    assert again.to_bytes() == twin.to_bytes()


def test_an_id_that_names_another_station_far_away_begins_anew() -> None:
    forecaster, coming = learnt(seed=True)
    before = Forecaster.from_bytes(forecaster.to_bytes())
    old = forecaster.stations
    far = replace(
        old,
        name=np.array([*NAMES[:5], "Airport"]),
        lat=np.array([*old.lat[:5], 53.1]),
        capacity=np.array([12] * 5 + [40]),
    )
    assert forecaster.update_stations(far).begun == {"s5"}
    known = forecaster.snapshot()
    assert known is not None
    assert known.bikes[5] == -1, "the last count was the other station's"
    for name, part in (("long", "events"), ("short", "hours"), ("climatology", "spent"), ("guard", "settled"),
                       ("pool", "settled"), ("shift", "moved"), ("changes", "counts")):  # fmt: skip
        assert state(before, name, part, 5).any(), name
        assert not state(forecaster, name, part, 5).any(), name
        assert (state(forecaster, name, part, 4) == state(before, name, part, 4)).all(), name
    seed = forecaster.components["seed"].arrays()
    assert "s5" not in seed["latest.station"]
    assert "s4" in seed["latest.station"]
    waiting = sum(forecaster.waiting.values())
    assert waiting == sum(before.waiting.values()) * 5 // 6, "what was issued for it is not judged"
    scores = [score for _, seen in zip(range(40), coming, strict=False) for score in forecaster.learn(seen)]
    assert scores
    assert Forecaster.from_bytes(forecaster.to_bytes()).to_bytes() == forecaster.to_bytes()


def test_a_station_that_was_dropped_returns_under_a_new_id_with_what_was_learnt() -> None:
    forecaster, _ = learnt()
    events = state(forecaster, "long", "events", 5).copy()
    assert events.any()
    full = named()
    forecaster.update_stations(full.take(np.arange(5)))
    forecaster = Forecaster.from_bytes(forecaster.to_bytes())
    back = replace(full, station_id=np.array(["s0", "s1", "s2", "s3", "s4", "n5"]))
    assert forecaster.update_stations(back).renamed == {"s5": "n5"}
    assert (state(forecaster, "long", "events", 5) == events).all()


def test_a_dropped_station_whose_id_is_given_to_another_is_forgotten() -> None:
    forecaster, _ = learnt()
    full = named()
    forecaster.update_stations(full.take(np.arange(5)))
    forecaster = Forecaster.from_bytes(forecaster.to_bytes())
    other = replace(full, name=np.array([*NAMES[:5], "Airport"]), lat=np.array([*full.lat[:5], 53.2]))
    assert forecaster.update_stations(other).begun == {"s5"}
    assert not state(forecaster, "long", "events", 5).any()


def test_what_an_earlier_release_remembers_of_dropped_stations_goes_by_id(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    forecaster, _ = learnt()
    forecaster.update_stations(named().take(np.arange(5)))
    monkeypatch.setattr("model.forecaster.pack_identities", lambda *_: {})
    old = Forecaster.from_bytes(forecaster.to_bytes())
    assert not old.update_stations(named())
    assert state(old, "long", "events", 5).any()


def test_two_stations_swap_their_ids_and_keep_their_counts() -> None:
    forecaster, coming = learnt(seed=True, minutes=120)
    known = forecaster.snapshot()
    assert known is not None
    swapped = named(["s1", "s0", "s2", "s3", "s4", "s5"])
    by_id = swapped.take(np.argsort(swapped.station_id))
    assert forecaster.update_stations(by_id).renamed == {"s0": "s1", "s1": "s0"}
    now = forecaster.snapshot()
    assert now is not None
    assert now.bikes.tolist() == [known.bikes[row] for row in (1, 0, 2, 3, 4, 5)]
    assert not forecaster.renamed, "both ids name stations"
    seen = next(coming)
    forecaster.learn(replace(seen, at=seen.at + MINUTE))
