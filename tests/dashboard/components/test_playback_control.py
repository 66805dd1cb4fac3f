"""The playback control: only played cities have it, and it writes the playback into the store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import ButtonGroup

from dashboard import store_reader
from dashboard.words import shell as shell_words
from ingest.store.playback import Playback
from tests.support.dashboard_world import DUBLIN, NOON, World, frame
from tests.support.paging import run_page

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
        made.store.playback.set(system.system_id, Playback(NOON, NOON))
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
    assert len(keys(opened("harbourton"))) == 4


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
    chosen = next(group for group in speeds if group.key == "playback-speed-harbourton")
    chosen.set_value(60.0).run()
    assert playback(played).speed == 60
    later = played.now + timedelta(seconds=5)
    assert playback(played).now(later) == NOON + timedelta(seconds=10 + 5 * 60)


def test_a_jump_is_to_the_citys_own_time(played: World) -> None:
    page = opened("harbourton")
    page.time_input(key="playback-clock").set_value(time(8, 30)).run()
    page.button(key="playback-jump").click().run()
    assert playback(played).at == datetime(2026, 3, 3, 8, 30, tzinfo=UTC)


@pytest.mark.both
@pytest.mark.parametrize(
    ("city", "words"),
    [("harbourton", shell_words.BEGIN_MADE_UP), ("recorded-dublin", shell_words.BEGIN_RECORDED)],
)
def test_it_begins_anew_by_either_button(played: World, city: str, words: dict[str, str]) -> None:
    page = opened(city)
    for begin in ("learnt", "nothing"):
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
