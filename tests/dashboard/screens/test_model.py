"""The model page shows the state of the running forecaster."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import cache
from html import unescape
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import sqlalchemy as sa
from streamlit.testing.v1 import AppTest

from dashboard import store_reader
from dashboard.pipeline import Pipeline, PipelinePart, common, competitor, facts
from dashboard.screens.model import tables
from dashboard.screens.model.stages import PartBox
from dashboard.screens.model.stages import stages as lay_out
from dashboard.words import model as model_words
from dashboard.words import shell as shell_words
from ingest.store import LeaseClaim, PollRow, TickResult
from ingest.store.tables import checkpoints
from model import Forecaster, Weather
from model.experts import registry
from model.experts.naive import NaiveExpert
from model.experts.registry import ExpertEntry
from model.frame_builder import make_frame
from model.records import WEATHER
from model.scoring.issue import SCORED_MINUTES
from tests.support.dashboard_world import DUBLIN, LEASE, NASTY, World
from tests.support.model_world import MINUTE, MONDAY, riders, stations
from tests.support.paging import html, run_page, text_of

TEST = replace(DUBLIN, system_id="test", name="Test", city="Test")


def opened(**query: str) -> AppTest:
    return run_page(query, "model")


@cache
def blob(minutes: int) -> bytes:
    """Teach a forecaster for some minutes, in 150 updates at most. One station has an unpleasant name."""
    described = stations()
    forecaster = Forecaster(replace(described, name=np.array([NASTY, *described.name[1:]])), seed=True)
    for seen in islice(riders(minutes), 0, None, max(minutes // 150, 1)):
        forecaster.learn(seen)
    return forecaster.to_bytes()


@pytest.fixture
def city(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, (TEST,))
    made.now = MONDAY
    store_reader.use(made.store, made.clock)
    yield made
    made.store.close()


def learn(world: World, minutes: int, checkpoint: bytes | None = None) -> Forecaster:
    """Write the result of a tick after some minutes; give back the forecaster."""
    forecaster = Forecaster.from_bytes(blob(minutes))
    snapshot, since = forecaster.snapshot(), forecaster.learning_since
    assert snapshot is not None
    assert since is not None
    world.now = snapshot.at + timedelta(seconds=10)
    tick = TickResult(
        poll=PollRow(snapshot.at, snapshot.at, "learnt", None, 0.1, "[]", 60.0, 0.02, 0.5, 9),
        next_poll_at=world.now + MINUTE,
        changes=snapshot,
        frame=make_frame(forecaster).to_bytes(),
        learning_since=since,
        scores=[],
        stations=forecaster.stations,
        checkpoint=checkpoint or blob(minutes),
    )
    claim = LeaseClaim("test", "test", world.now, LEASE)
    assert world.store.leases.take(claim)
    world.store.commit_tick(claim, tick)
    return forecaster


def boxes(page: AppTest) -> dict[str, str]:
    """Read the diagram: the words of each box by its title."""
    found = re.findall(r'<li class="part"><h4>(.*?)</h4>(.*?)</ul></li>', html(page))
    return {
        unescape(re.sub(" <code>.*", "", title)): unescape(re.sub("<[^>]*>", " ", rest))
        for title, rest in found
    }


def test_without_systems_the_page_says_what_it_waits_for(tmp_path: Path) -> None:
    empty = World(tmp_path, ())
    store_reader.use(empty.store, empty.clock)
    assert shell_words.NOTHING_YET() in text_of(opened())
    empty.store.close()


def test_before_anything_was_learnt_the_page_waits(city: World) -> None:
    page = opened()
    assert model_words.NO_CHECKPOINT() in text_of(page)
    assert shell_words.NO_WORKER() in text_of(page)
    assert not boxes(page)
    learn(city, 5)
    assert "Pool" in boxes(page.run())


def test_an_unreadable_checkpoint_shows_a_notice(city: World) -> None:
    learn(city, 5, checkpoint=b"no state at all")
    page = opened()
    assert model_words.BAD_CHECKPOINT() in text_of(page)
    assert model_words.BAD_CHECKPOINT_HINT() in text_of(page)
    assert not boxes(page)
    learn(city, 30)
    assert "Pool" in boxes(page.run())


def test_a_damaged_checkpoint_shows_a_notice_too(city: World) -> None:
    learn(city, 5)
    engine = sa.create_engine(city.url)
    with engine.begin() as db:
        blob = db.execute(sa.select(checkpoints.c.blob)).scalars().first() or b""
        db.execute(checkpoints.update().values(blob=blob[: len(blob) // 2]))
    engine.dispose()
    assert model_words.BAD_CHECKPOINT() in text_of(opened())


def test_every_part_and_every_expert_of_the_running_forecaster_has_its_box(city: World) -> None:
    forecaster = learn(city, 90)
    drawn = boxes(opened())
    assert {model_words.PARTS[name] for name in forecaster.components} <= set(drawn)
    assert {expert.name for expert in forecaster.experts} <= set(drawn)
    assert "reads: Demand, short memory, Pull" in drawn["pull"]
    assert "arrivals × 1.45" in drawn["more"]
    assert "departures × 0.69" in drawn["more"]
    assert f"{forecaster.components['long'].events.sum():,.0f} riders" in drawn["Demand, long memory"]
    assert f"{forecaster.components['pool'].settled.sum():,.0f} truths" in drawn["Pool"]
    assert "weather + by_hour + latest → StandardScaler → LinearRegression" in drawn["Seed pipeline"]
    near = sum(n for minutes, n in forecaster.waiting.items() if minutes <= 120)
    assert f"{near:,} wait for up to 2 h" in drawn["Waiting for truth"]
    assert "no weather known" in drawn["Weather service"]


def test_one_more_entry_in_the_registry_is_an_expert_on_the_page(
    city: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the checkpoint does not know it: it has its box, its weights and a colour."""
    learn(city, 90)
    new = ExpertEntry("stubborn", 60, 4.0, "naive for an hour", lambda inputs: NaiveExpert())
    monkeypatch.setattr(registry, "EXPERTS", (*registry.EXPERTS, new))
    page = opened()
    assert not page.exception
    assert model_words.reach(60) in boxes(page)["stubborn"]
    found = store_reader.reader().pipeline("test")
    assert found is not None
    weights = tables.weights(found, None).set_index(["minutes", "expert"])["weight"]
    assert weights[60, "stubborn"] > 0
    assert weights[90, "stubborn"] == 0


def test_the_numbers_on_top_are_those_of_worker_and_store(city: World) -> None:
    forecaster = learn(city, 90)
    city.now += timedelta(minutes=3)
    page = opened()
    pairs = dict(re.findall("<dt>([^<]*)</dt><dd>([^<]*)</dd>", html(page)))
    assert pairs[model_words.LEARNING()] == "1 h"
    assert pairs[model_words.CHECKPOINT()].startswith("01:29, 3 min ago · ")
    assert pairs[model_words.LEARN_TIME()] == "20 ms · 95 %: 20 ms"
    assert pairs[model_words.FORECAST_TIME()] == "500 ms · 95 %: 500 ms"
    assert pairs[model_words.WAITING_TRUTH()] == f"{sum(forecaster.waiting.values()):,}"
    assert model_words.FIRST_DAY() in text_of(page)
    assert "One update: 20 ms · 95 %: 20 ms" in text_of(page)
    assert "All experts, stations and times ahead: 500 ms · 95 %: 500 ms" in text_of(page)


def test_the_note_of_the_first_day_disappears_after_that_day(city: World) -> None:
    learn(city, 1500)
    assert model_words.FIRST_DAY() not in text_of(opened())


def test_a_stations_rates_and_weights_are_those_of_the_forecaster(city: World) -> None:
    forecaster = learn(city, 600)
    found = store_reader.reader().pipeline("test")
    assert found is not None
    rates = tables.rates(found, 4)
    table = rates[rates["hour"] < 24].pivot_table(
        index=["days", "side"], columns="hour", values="rate", sort=False
    )
    np.testing.assert_allclose(
        table.to_numpy().reshape(2, 2, 96).swapaxes(1, 2),
        forecaster.components["long"].rates[..., 4],
        rtol=1e-6,
    )
    weights = tables.weights(found, 4).pivot_table(index="minutes", columns="order", values="weight")
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-4)
    expected = forecaster.components["pool"].weights(SCORED_MINUTES, np.array([4]))[..., 0]
    np.testing.assert_allclose(weights.to_numpy(), expected, atol=1e-6)
    together = tables.rates(found, None)
    each = sum(tables.rates(found, index)["rate"] for index in range(6))
    np.testing.assert_allclose(together["rate"], each, rtol=1e-5)


def test_the_station_of_the_address_is_shown_and_a_bad_one_is_all_of_them(city: World) -> None:
    learn(city, 90)
    page = opened(station="s3")
    assert page.selectbox(key=chooser(page)).value == "s3"
    assert "Riders an hour through the week: s3" in text_of(page)
    assert "The median is held at what stands there now at every time ahead." in text_of(page)
    page = opened(station="gone")
    assert f"Riders an hour through the week: {model_words.ALL_STATIONS()}" in text_of(page)


def chooser(page: AppTest) -> str:
    return next(str(box.key) for box in page.selectbox if box.label == model_words.STATION())


def test_choosing_a_station_changes_the_address(city: World) -> None:
    learn(city, 90)
    page = opened(city="test")
    page.selectbox(key=chooser(page)).set_value("s0").run()
    assert not page.exception
    assert page.query_params["station"] == "s0"
    assert f"Riders an hour through the week: {NASTY}" in text_of(page)
    assert NASTY not in html(page)
    assert not [e for e in page.markdown if "evil" in e.value]


def test_stations_of_one_name_have_different_labels(city: World) -> None:
    forecaster = learn(city, 5)
    same = replace(forecaster.stations, name=np.full(6, "Quay"))
    forecaster.update_stations(same)
    learn(city, 6, checkpoint=forecaster.to_bytes())
    options = opened().selectbox(key=chooser(opened())).options
    assert len(set(options)) == 7
    assert {"Quay", "Quay · s1"} <= set(options)


def test_a_newer_checkpoint_redraws_the_page(city: World) -> None:
    learn(city, 30)
    page = opened()
    before = boxes(page)["Pool"]
    learn(city, 600)
    assert boxes(page.run())["Pool"] != before


def test_a_forecaster_that_has_learnt_nothing_has_no_summary() -> None:
    with pytest.raises(LookupError):
        Pipeline.of(Forecaster(stations()), 0)


def test_stations_that_are_gone_are_left_out_and_the_others_keep_their_place() -> None:
    forecaster = Forecaster.from_bytes(blob(600))
    before = Pipeline.of(forecaster, 0)
    forecaster.update_stations(stations(3, first=2))
    after = Pipeline.of(forecaster, 0)
    assert after.station_id.tolist() == ["s2", "s3", "s4"]
    np.testing.assert_array_equal(after.rates, before.rates[..., 2:5])
    np.testing.assert_array_equal(after.weights, before.weights[..., 2:5])


def test_known_weather_has_its_effect_of_now_among_the_facts() -> None:
    forecaster = Forecaster.from_bytes(blob(30))
    hours = np.arange(24) * 3600 + int(MONDAY.timestamp())
    forecaster.update_weather(Weather(hours, np.full((24, len(WEATHER)), 5.0)))
    part = next(part for part in Pipeline.of(forecaster, 0).parts if part.name == "weather")
    assert part.facts["hours_told"] == 24
    assert part.facts["arrivals_now"] == pytest.approx(1.0)


def test_a_part_without_words_of_its_own_is_drawn_with_its_size(city: World) -> None:
    new = SimpleNamespace(arrays=lambda: {"table": np.zeros((3, 4))})
    counted = facts("tides", new, MONDAY) | common(new)
    tides = PipelinePart("tides", "Tides", counted)
    found = replace(Pipeline.of(Forecaster.from_bytes(blob(30)), 0), parts=(tides,))
    assert lay_out(found, {})["learn"] == [PartBox("tides", "Tides", facts=["12 numbers kept"])]


def test_an_expert_reads_the_parts_that_it_holds() -> None:
    forecaster = Forecaster.from_bytes(blob(30))
    reads = {expert.name: competitor(expert, forecaster.components).reads for expert in forecaster.experts}
    assert reads["naive"] == ()
    assert reads["spread"] == ("changes",)
    assert reads["chain"] == ("long",)
    assert reads["pull"] == ("short", "occupancy_effect")
