"""The playback control: only played cities have it, and it writes the playback into the store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import ButtonGroup

from dashboard import store_reader
from dashboard.words import shell as shell_words
from ingest.store import LeaseClaim
from ingest.store.playback import Playback
from tests.support.dashboard_world import DUBLIN, NOON, World, frame
from tests.support.paging import html, run_page, text_of

MADE_UP = replace(DUBLIN, system_id="harbourton", url="simulated:harbourton", label="simulated")
TAPED = replace(DUBLIN, system_id="recorded-dublin", url="recorded:dublin", label="replayed")


def opened(city: str) -> AppTest:
    return run_page({"city": city})


@pytest.fixture
def played(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, (DUBLIN, MADE_UP, TAPED))
    for system in (DUBLIN, MADE_UP, TAPED):
        made.commit(frame(system.system_id))
    for system in (MADE_UP, TAPED):
        made.store.playback.set(system.system_id, Playback(NOON, NOON, begun=1))
    store_reader.use(made.store, made.clock)
    yield made
    made.store.close()


def playback(played: World, city: str = "harbourton") -> Playback:
    found = played.store.playback.get(city)
    assert found is not None
    return found


def keys(page: AppTest) -> set[str]:
    return {button.key for button in page.button if button.key and button.key.startswith("playback-")}


def test_a_live_city_has_no_playback_control(played: World) -> None:
    assert keys(opened("dublin")) == set()
    assert len(keys(opened("harbourton"))) == 5


def test_visitors_play_no_city_where_the_operator_says_so(
    played: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKCAST_PLAY", "false")
    assert keys(opened("harbourton")) == set()


def test_a_city_does_not_begin_anew_all_the_time(played: World) -> None:
    """It costs the worker a month of learning, and whoever looks at the city sees it."""
    page = opened("harbourton")
    for _ in range(3):
        page.button(key="playback-begin-learnt").click().run()
    assert playback(played).run == 2
    assert shell_words.BEGUN_JUST_NOW() in [toast.value for toast in page.toast]
    assert playback(played, "recorded-dublin").run == 1
    played.now += store_reader.BEGIN_PAUSE
    page.button(key="playback-begin-learnt").click().run()
    assert playback(played).run == 3


@pytest.mark.both
def test_pause_and_play(played: World) -> None:
    page = opened("harbourton")
    played.now = NOON + timedelta(seconds=90)
    page.button(key="playback-pause").click().run()
    assert playback(played).paused
    assert playback(played).at == NOON + timedelta(seconds=90)
    assert shell_words.PLAY() in [button.label for button in page.button]
    page.button(key="playback-pause").click().run()
    assert not playback(played).paused


def test_another_speed_counts_from_now_on(played: World) -> None:
    page = opened("harbourton")
    played.now = NOON + timedelta(seconds=10)
    speeds = cast("list[ButtonGroup[Any]]", page.get("button_group"))
    chosen = next(group for group in speeds if group.key == "playback-speed-harbourton-1.0")
    chosen.set_value(60.0).run()
    assert playback(played).speed == 60
    late = cast("list[ButtonGroup[Any]]", page.get("button_group"))
    assert "playback-speed-harbourton-60.0" in {group.key for group in late}, "another speed, another widget"
    later = played.now + timedelta(seconds=5)
    assert playback(played).now(later) == NOON + timedelta(seconds=10 + 5 * 60)


def test_a_jump_is_to_the_citys_own_time(played: World) -> None:
    page = opened("harbourton")
    page.time_input(key="playback-clock").set_value(time(8, 30)).run()
    page.button(key="playback-jump").click().run()
    assert playback(played).at == datetime(2026, 3, 3, 8, 30, tzinfo=UTC)


def test_the_stage_is_set_for_monday_morning_and_cleared_of_what_was_chosen(played: World) -> None:
    page = run_page({"city": "harbourton", "station": "s4", "what": "space", "n": "3", "in": "60"})
    page.button(key="playback-pause").click().run()
    page.button(key="playback-stage").click().run()
    found = playback(played)
    assert (found.at, found.speed, found.paused) == (datetime(2026, 3, 9, 7, 30, tzinfo=UTC), 60.0, False)
    assert page.query_params == {"city": "harbourton", "what": "bike", "n": "1", "in": "15"}
    assert page.slider[0].value == 15
    assert shell_words.staging("jump", "Monday at 07:30", None) in " ".join(progress_bars(page))


@pytest.mark.both
@pytest.mark.parametrize(
    ("city", "words"),
    [("harbourton", shell_words.BEGIN_MADE_UP), ("recorded-dublin", shell_words.BEGIN_RECORDED)],
)
def test_it_begins_anew_by_either_button(played: World, city: str, words: dict[str, str]) -> None:
    page = opened(city)
    for begin in ("learnt", "nothing"):
        played.now += store_reader.BEGIN_PAUSE
        before = playback(played, city).run
        button = page.button(key=f"playback-begin-{begin}")
        assert button.label == words[begin]
        button.click().run()
        assert (playback(played, city).begin, playback(played, city).run) == (begin, before + 1)


def test_before_the_worker_has_begun_there_is_nothing_to_control(tmp_path: Path) -> None:
    made = World(tmp_path, (MADE_UP,))
    store_reader.use(made.store, made.clock)
    assert keys(opened("harbourton")) == set()
    made.store.close()


def progress_bars(page: AppTest) -> list[str]:
    return [element.proto.text for element in page.get("progress")]


def learn(played: World, progress: float | None) -> None:
    """Write what the worker writes while it catches up."""
    claim = LeaseClaim("harbourton", "test", played.now, timedelta(minutes=2))
    assert played.store.leases.take(claim)
    assert played.store.set_progress(claim, progress)


def test_a_jump_shows_its_progress_and_its_end(played: World) -> None:
    page = opened("harbourton")
    assert progress_bars(page) == []
    page.time_input(key="playback-clock").set_value(time(8, 30)).run()
    page.button(key="playback-jump").click().run()
    assert progress_bars(page) == ["Goes on to Tuesday at 08:30. What lies between is being learnt."]
    learn(played, 0.4)
    assert progress_bars(page.run()) == [
        "Goes on to Tuesday at 08:30. What lies between is being learnt. 40 %"
    ]
    played.now += timedelta(seconds=5)
    played.commit(frame("harbourton", at=datetime(2026, 3, 3, 8, 30, tzinfo=UTC)))
    learn(played, None)
    page.run()
    assert progress_bars(page) == []
    assert [toast.value for toast in page.toast] == ["In the city it is now Tuesday at 08:30."]
    assert not page.run().toast


def test_a_paused_city_says_that_it_jumps_when_it_is_played(played: World) -> None:
    page = opened("harbourton")
    page.button(key="playback-pause").click().run()
    page.button(key="playback-jump").click().run()
    assert "Goes on to Tuesday at 08:00 as soon as it is played." in text_of(page)
    assert progress_bars(page) == []


def test_a_city_that_begins_anew_shows_no_time_of_before(played: World) -> None:
    """The counts of a played Monday stood beside an arrival on the wall clock's Saturday."""
    page = opened("harbourton")
    assert "counts from" in text_of(page)
    page.button(key="playback-begin-learnt").click().run()
    assert progress_bars(page) == ["Begins anew. The time before is being learnt."]
    claim = LeaseClaim("harbourton", "test", played.now, timedelta(minutes=2))
    assert played.store.leases.take(claim)
    begun = playback(played)
    played.store.begin(claim, replace(begun, begun=begun.run))
    assert "counts from" not in text_of(page.run())
    assert progress_bars(page) == ["Begins anew. The time before is being learnt."]
    assert not page.get("deck_gl_json_chart")
    played.now += timedelta(seconds=5)
    played.commit(frame("harbourton", at=NOON))
    page.run()
    assert progress_bars(page) == []
    assert page.toast
    assert page.get("deck_gl_json_chart")


@pytest.mark.parametrize(("speed", "behind"), [(1.0, 15), (60.0, 15), (600.0, 100)])
def test_a_city_that_is_simply_played_is_on_no_way(played: World, speed: float, behind: int) -> None:
    played.store.playback.set("harbourton", Playback(NOON + timedelta(minutes=behind), NOON, speed=speed))
    assert store_reader.reader().staging(MADE_UP) is None
    played.store.playback.set("harbourton", Playback(NOON + timedelta(minutes=behind + 1), NOON, speed=speed))
    assert store_reader.reader().staging(MADE_UP) is not None


def test_what_was_jumped_over_is_a_gap_in_the_chart_and_judges_nothing(played: World) -> None:
    later = NOON + timedelta(hours=1)
    played.now += timedelta(seconds=5)
    played.commit(frame("harbourton", at=later))
    view = store_reader.reader().view(MADE_UP)
    gaps = store_reader.reader().unobserved(view, NOON - timedelta(hours=2))
    assert (NOON, later) in gaps
    page = run_page({"city": "harbourton", "station": "s4"})
    chart = page.get("vega_lite_chart")[0].proto
    past = next(each for each in chart.datasets if b"tip" in each.data.data and b"low" not in each.data.data)
    assert 'class="said"' not in html(page), "the forecast for 12:30 has no truth"
    table = pa.ipc.open_stream(past.data.data).read_pandas()
    assert table["count"].isna().sum() == 1
