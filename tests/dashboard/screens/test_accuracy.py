"""The accuracy page, run by Streamlit's own test runner on a store that a real tick has filled."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import takewhile
from pathlib import Path
from typing import Any, cast, get_args

import pandas as pd
import pyarrow as pa
import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import ButtonGroup

from dashboard import store_reader
from dashboard.components import downloads
from dashboard.screens.accuracy import curves
from dashboard.state.address_bar import Measure, Past
from dashboard.words import accuracy as accuracy_words
from ingest.gbfs.feed import Poll
from ingest.replay.backtest import backtest
from ingest.replay.recording import Recording
from ingest.store.scores import SUMS
from ingest.system import System
from ingest.worker.tick import Ticker
from model import Snapshot, Stations
from tests.support.dashboard_world import NOON, World, frame
from tests.support.paging import html, run_page, text_of

DUBLIN, BOULDER = "dublin-2017-02", "boulder-2022-spring"
STRETCH = timedelta(hours=3)
SEED_AFTER = timedelta(hours=1)
HOLE = timedelta(hours=1, minutes=20), timedelta(hours=1, minutes=50)


class Feed:
    """A feed that answers with the snapshot that the test sets."""

    def __init__(self) -> None:
        self.says: Snapshot | None = None
        self.stations: Stations | None = None
        self.now = NOON

    def resume(self, *known: object) -> None:
        pass

    def poll(self) -> Poll:
        assert self.stations is not None
        return Poll("fresh", self.now, 0.1, self.stations, self.says, self.now, 0.0, 0.0, ())

    def clock(self) -> datetime:
        return self.now


def replay(
    world: World,
    recording: Recording,
    hole: tuple[timedelta, timedelta] | None = None,
    seed_after: timedelta = timedelta(0),
    stretch: timedelta = STRETCH,
) -> System:
    """Tick through the first hours of a recording, without a gap in the middle; the seed pipeline is late."""
    name = recording.system.system_id
    system = System(name, name, name.title(), "IE", "http://127.0.0.1:1/")
    world.store.systems.follow([*world.store.systems.followed(), system])
    feed = Feed()
    feed.stations = recording.stations
    early, late = (
        Ticker(system, world.store, "test", lambda: feed, feed.clock, jitter=random.Random(1), seed=seed)
        for seed in (False, True)
    )
    begun = datetime.fromtimestamp(int(recording.polls[0]), tz=world.now.tzinfo)
    for seen in takewhile(lambda seen: seen.at <= begun + stretch, recording.snapshots()):
        if hole is None or not hole[0] < seen.at - begun < hole[1]:
            feed.now, feed.says = seen.at, seen
            (early if seen.at - begun < seed_after else late).tick()
    world.now = feed.now
    return system


@pytest.fixture(scope="module")
def dublin(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Three hours of Dublin, with an outage of half an hour, and the seed pipeline an hour late."""
    made = World(tmp_path_factory.mktemp("dublin"), ())
    replay(made, Recording.read(shared / "recordings" / DUBLIN), HOLE, SEED_AFTER)
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def boulder(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Three hours of Boulder."""
    made = World(tmp_path_factory.mktemp("boulder"), ())
    replay(made, Recording.read(shared / "recordings" / BOULDER))
    yield made
    made.store.close()


def opened(world: World, **query: str) -> AppTest:
    store_reader.use(world.store, world.clock)
    return run_page(query, "accuracy", timeout=60)


def charts(page: AppTest) -> int:
    return len(page.get("vega_lite_chart"))


@pytest.mark.parametrize("name", [DUBLIN, BOULDER])
def test_the_numbers_on_the_page_are_those_of_a_backtest(shared: Path, tmp_path: Path, name: str) -> None:
    world = World(tmp_path, ())
    recording = Recording.read(shared / "recordings" / name)
    system = replay(world, recording)
    page = opened(world, city=system.system_id, past="all", ahead="30")
    keys = {title: key for key, title in accuracy_words.SCORE_COLUMNS.items()}
    shown = page.dataframe[0].value.rename(columns=keys).set_index("model")
    stretch = recording.head(recording.newest(world.now.timestamp()) + 1)
    found = {row.model: row for row in backtest(stretch, [30], 20).rows}
    assert set(shown.index) == set(found)
    for model, row in found.items():
        line = shown.loc[model]
        assert line["n"] == row.n
        for column in ("mae", "rmse", "crps", "brier_bike", "brier_dock", "cover80"):
            assert line[column] == pytest.approx(getattr(row, column), rel=1e-6), (model, column)
    by_station = curves.by_station(world.store.daily_scores.by_station(system.system_id), 30)
    assert by_station["worse"].sum() / len(recording.stations) == pytest.approx(found["pool"].stations_worse)
    world.store.close()


def test_every_chart_is_drawn_and_offers_its_numbers(dublin: World) -> None:
    page = opened(dublin)
    assert charts(page) == 8
    names = [box.label for box in page.expander]
    assert len(names) == len(set(names)) == 10


def drawn(page: AppTest) -> list[pd.DataFrame]:
    """Give what each chart draws by model."""
    found = []
    for chart in page.get("vega_lite_chart"):
        tables = [pa.ipc.open_stream(each.data.data).read_pandas() for each in chart.proto.datasets]
        found += [table for table in tables if {"model", "n"} <= set(table.columns)]
    return found


def expect_the_same_forecasts(page: AppTest, late: str = "seed") -> None:
    """Expect that models shown side by side were judged on as many forecasts, in the table and each chart.

    The one that began `late` is not among them.
    """
    table = page.dataframe[0].value
    assert table["Forecasts"].nunique() == 1
    error, skill, horizons, hours, coverage, *calibration = drawn(page)
    for made, by in ((error, "at"), (skill, "at"), (horizons, "minutes"), (coverage, "minutes")):
        assert len(made["model"].unique()) >= 3
        assert (made.dropna(subset="n").groupby(by)["n"].nunique() == 1).all()
    assert (hours.dropna(subset="n").groupby("hour")["n"].nunique() == 1).all()
    for made in calibration:
        assert made.groupby("model")["n"].sum().nunique() == 1
    for made in (table.rename(columns={"Model": "model"}), hours, *calibration):
        assert late not in set(made["model"])


def test_every_stretch_has_the_same_forecasts_for_all_models_and_the_same_answers(dublin: World) -> None:
    """The seed pipeline began an hour later, and says so."""
    page = opened(dublin, ahead="30", past="hours")
    found = set()
    for past in ("hours", "week", "all"):
        page.selectbox(key="choice-past").set_value(past)
        page.run()
        expect_the_same_forecasts(page)
        assert "seed is judged since" in text_of(page)
        found.add(tuple(re.findall("<dd>(.*?)</dd>", html(page))))
    ((best, worse, where),) = found
    for question in accuracy_words.questions(30):
        assert question in text_of(page)
    assert "cannot be told apart yet. So far" in best, "three hours are too few"
    assert " of 1 day" in worse
    assert worse.endswith("All in all the two cannot be told apart yet.")
    assert where == accuracy_words.worse_where(0, 101, [])


@pytest.mark.parametrize(("city", "late"), [("dublin", "seed"), ("boulder", "")])
def test_for_every_window_and_measure_all_models_have_the_same_forecasts(
    request: pytest.FixtureRequest, city: str, late: str
) -> None:
    page = opened(request.getfixturevalue(city), ahead="30")
    for measure in get_args(Measure):
        page.selectbox(key="choice-measure").set_value(measure)
        for past in get_args(Past):
            page.selectbox(key="choice-past").set_value(past).run()
            expect_the_same_forecasts(page, late)


HOURS = ("1-3", "weekdays")
"""Two of the three hours of the recording, which are of a Wednesday."""


def test_a_part_of_the_day_is_asked_for_in_the_address_and_every_number_is_of_it(dublin: World) -> None:
    page = opened(dublin, city=DUBLIN, ahead="30", past="all", hours=HOURS[0], days=HOURS[1])
    assert (page.query_params["hours"], page.query_params["days"]) == HOURS
    expect_the_same_forecasts(page)
    scores = dublin.store.scores.over_time(DUBLIN, 300, minutes=[30], models=["pool"])
    inside = scores["at"].dt.tz_convert("Europe/Dublin").dt.hour.isin([1, 2])
    assert 0 < scores.loc[inside, "n"].sum() < scores["n"].sum()
    assert page.dataframe[0].value["Forecasts"].iloc[0] == scores.loc[inside, "n"].sum()
    error, _, _, hours, *_ = drawn(page)
    assert set(hours.dropna(subset="n")["hour"]) == {1, 2}
    assert error.dropna(subset="n")["at"].dt.hour.isin([1, 2, 3]).all(), "a point stands at the span's end"
    part = "Monday to Friday · 01:00–03:00"
    assert accuracy_words.answers_for(part, False) in text_of(page)
    page.selectbox(key="choice-days").set_value("weekend").run()
    assert page.query_params["days"] == "weekend"
    assert accuracy_words.not_scored(30) in text_of(page)


def test_the_busy_third_of_the_stations_is_judged_by_day(dublin: World) -> None:
    page = opened(dublin, city=DUBLIN, ahead="30", stations="busy")
    table = page.dataframe[0].value
    assert table["Forecasts"].nunique() == 1
    by_station = curves.by_station(dublin.store.daily_scores.by_station(DUBLIN, minutes=30), 30)
    busy = by_station[by_station["busy"] == 2]
    assert table["Forecasts"].iloc[0] == busy["n"].sum()
    pool = (busy["pool"] * busy["n"]).sum() / busy["n"].sum()
    assert table.set_index("Model")["MAE"]["pool"] == pytest.approx(pool)
    assert accuracy_words.THIRD_KEY() in text_of(page)
    assert accuracy_words.worse_where(0, len(busy), []) in text_of(page)


def judged(n: float, error: float = 1.0) -> list[dict[str, Any]]:
    """Make up the scores of `n` forecasts half an hour ahead, which are due at noon: naive errs twice."""
    return [
        dict.fromkeys(SUMS, n)
        | {"target_at": NOON, "kind": "any", "model": model, "minutes": 30, "abs_error": n * each}
        for model, each in (("pool", error), ("naive", 2 * error))
    ]


def test_two_cities_stand_side_by_side(world: World) -> None:
    world.commit(frame(), scores=judged(12))
    world.commit(frame("boulder", timezone="America/Denver"), scores=judged(7, 0.5))
    page = opened(world, city="dublin", beside="boulder", past="all")
    assert accuracy_words.BESIDE_KEY() in text_of(page)
    tables = [table.value for table in page.dataframe if "MAE" in table.value]
    assert [set(table["Forecasts"]) for table in tables] == [{12}, {7}]
    assert [table["MAE"].iloc[0] for table in tables] == [1, 0.5]
    page.toggle[0].set_value(True).run()
    assert accuracy_words.BESIDE_KEY() not in text_of(page)
    assert "beside" not in opened(world, city="dublin", beside="nowhere").query_params


def test_all_cities_together_show_what_was_scored_where_no_live_city_has_a_score(world: World) -> None:
    world.commit(frame())
    world.commit(frame("boulder"), scores=judged(7))
    assert opened(world, city="dublin", all="1").dataframe[0].value["Forecasts"].iloc[0] == 7


def test_a_file_names_its_city_how_far_ahead_and_the_part_of_the_forecasts(
    dublin: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    files: set[str] = set()
    monkeypatch.setattr(downloads, "offer", lambda table, name, of, file: files.add(file))
    opened(dublin, city=DUBLIN, ahead="30", hours=HOURS[0], days=HOURS[1])
    ends = "30min-1-3-weekdays"
    assert {f"dockcast-{DUBLIN}-curves-{ends}", f"dockcast-{DUBLIN}-said-{ends}"} <= files
    assert all(file.startswith(f"dockcast-{DUBLIN}-") for file in files)
    files.clear()
    opened(dublin, all="1")
    assert files
    assert all(file.startswith("dockcast-all-cities-") for file in files)


def test_where_nothing_lately_was_scored_the_newest_score_is_named_below_the_answers(world: World) -> None:
    begun = NOON - timedelta(hours=1)
    world.commit(frame(learning_since=begun), scores=judged(5))
    world.now += timedelta(hours=30)
    world.commit(frame(at=world.now, learning_since=begun))
    page = opened(world, city="dublin", past="day")
    assert "the newest score is of Mon 12:00" in text_of(page)
    assert "cannot be told apart yet" in text_of(page)


def test_no_point_is_drawn_where_nothing_was_scored(dublin: World) -> None:
    scores = dublin.store.scores.over_time(DUBLIN, 300, minutes=[30], models=["pool"])
    ends = scores.loc[scores["n"] > 0, "at"] + pd.Timedelta(minutes=5)
    error = drawn(opened(dublin, ahead="30", past="day"))[0]
    points = error[(error["model"] == "pool") & error["error"].notna()]
    assert set(points["at"].dt.tz_localize("Europe/Dublin")) <= set(ends)
    empty = error[(error["model"] == "pool") & error["error"].isna()]
    assert len(empty), "the line breaks in the outage"


def test_an_outage_is_marked_and_nothing_due_in_it_is_scored(dublin: World) -> None:
    (outage,) = dublin.store.scores.outages(DUBLIN)
    assert outage.end - outage.start >= HOLE[1] - HOLE[0] - timedelta(minutes=4)
    scores = dublin.store.scores.over_time(DUBLIN, 300, minutes=[30], models=["pool"])
    inside = scores[
        (scores["at"] >= outage.start + timedelta(minutes=5))
        & (scores["at"] < outage.end - timedelta(minutes=5))
    ]
    assert inside["n"].sum() == 0
    assert inside["expired"].sum() > 0
    curve = opened(dublin).get("vega_lite_chart")[0]
    assert accuracy_words.OUTAGE() in str(curve.proto)


def test_issued_forecasts_stand_beside_their_truths(dublin: World) -> None:
    page = opened(dublin, ahead="30")
    table = page.dataframe[-1].value
    assert list(table.columns) == [*accuracy_words.ISSUED_COLUMNS.values()]
    assert (table["We said"] - table["It was"] == table["Off by"]).all()
    frame = store_reader.reader().view(dublin.store.systems.followed()[0]).frame
    assert frame is not None
    ids = dict(zip(frame.stations.name.tolist(), frame.stations.station_id.tolist(), strict=True))
    at = {f"{seen:%H:%M}": seen for seen in dublin.store.observations.poll_times(DUBLIN)}
    for _, row in table.iloc[:: max(len(table) // 40, 1)].iterrows():
        moment = at.get(row["For"])
        if moment is None:
            continue
        (*_, (_, bikes, *_)) = dublin.store.observations.history(DUBLIN, ids[row["Station"]], moment, moment)
        assert row["It was"] == bikes


def test_rows_can_be_filtered_by_station_and_by_how_wrong_they_were(dublin: World) -> None:
    page = opened(dublin, ahead="60")
    everything = page.dataframe[-1].value
    name = everything["Station"].iloc[0]
    page.text_input(key="said-find").set_value(name).run()
    assert set(page.dataframe[-1].value["Station"]) >= {name}
    assert len(page.dataframe[-1].value) < len(everything)
    page.text_input(key="said-find").set_value("").run()
    cast(ButtonGroup[Any], page.get("button_group")[-1]).set_value("missed").run()
    assert (page.dataframe[-1].value["Off by"].abs() >= 3).all()


def test_all_cities_together_show_no_stations(dublin: World) -> None:
    page = opened(dublin, all="1")
    assert accuracy_words.CITY_ONLY() in text_of(page)
    expect_the_same_forecasts(page)
    assert charts(page) == 5
    assert not page.get("deck_gl_json_chart")


def test_choices_stay_in_the_address_and_bad_ones_fall_back(dublin: World) -> None:
    page = opened(dublin, ahead="60", measure="crps", past="all", models="pool,naive")
    assert [box.value for box in page.selectbox[:3]] == [60, "crps", "all"]
    models = cast(ButtonGroup[Any], page.get("button_group")[0]).value
    assert models is not None
    assert [*models] == ["pool", "naive"]
    page.selectbox[0].set_value(120).run()
    assert page.query_params["ahead"] == "120"
    page = opened(dublin, ahead="61", measure="luck", past="tomorrow", models="<b>")
    assert [box.value for box in page.selectbox[:3]] == [30, "mae", "day"]


def test_before_anything_is_judged_the_page_says_so_and_then_answers_at_once(world: World) -> None:
    """The first hour is not over: there is no whole bin yet."""
    world.commit(frame())
    page = opened(world, city="dublin")
    assert accuracy_words.not_scored(30) in text_of(page)
    world.now += timedelta(minutes=20)
    scores = [
        dict.fromkeys(SUMS, 5.0)
        | {"target_at": world.now, "kind": "any", "model": model, "minutes": 30, "abs_error": error}
        for model, error in (("pool", 5.0), ("naive", 10.0))
    ]
    world.commit(frame(at=world.now), scores=scores)
    page.run()
    words = (
        "pool and naive cannot be told apart yet. So far pool is 1.00 bikes off, 50.0 % better than naive."
    )
    assert words in text_of(page)


def test_where_kinds_of_bikes_are_scored_one_can_be_chosen(world: World) -> None:
    made_up = [
        dict.fromkeys(SUMS, 5.0)
        | {"target_at": world.now, "kind": kind, "model": model, "minutes": 30, "abs_error": error}
        for kind, errors in (("any", (5.0, 10.0)), ("electric", (2.0, 8.0)))
        for model, error in zip(("pool", "naive"), errors, strict=True)
    ]
    world.commit(frame(), scores=made_up[:2])
    page = opened(world, city="dublin")
    assert accuracy_words.KIND() not in [box.label for box in page.selectbox]
    world.now += timedelta(minutes=1)
    world.commit(frame(at=world.now), scores=made_up[2:])
    page = opened(world, city="dublin")
    (choice,) = [box for box in page.selectbox if box.label == accuracy_words.KIND()]
    assert (choice.value, choice.options) == ("any", ["any bike", "e-bikes"])
    assert "pool is 1.00 bikes off, 50.0 % better" in text_of(page)
    choice.set_value("electric").run()
    assert page.query_params["kind"] == "electric"
    assert "pool is 0.40 bikes off, 75.0 % better" in text_of(page)
    page = opened(world, city="dublin", kind="electric", ahead="45")
    assert accuracy_words.KINDS_SCORED() in text_of(page)
    page = opened(world, city="dublin", kind="hovering")
    assert "pool is 1.00 bikes off" in text_of(page)


def test_a_city_that_never_answered_says_so(world: World) -> None:
    assert "Waiting for the first answer" in text_of(opened(world, city="dublin"))
