"""Playable sources: made-up cities and recordings keep the same contract."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ingest.city.cities import CITIES
from ingest.replay.playable_source import STEP_SECONDS, MadeUpCity, PlayableSource, RecordedCity
from ingest.replay.recording import Recording, RecordingError
from tests.support.serving import START, make_recording

FIRST = datetime.fromtimestamp(START, UTC)
WALL = datetime(2026, 11, 3, 8, 0, 20, tzinfo=UTC)


@pytest.fixture
def recorded(tmp_path: Path) -> RecordedCity:
    """Three hours of polls a minute apart."""
    return RecordedCity(Recording.read(make_recording(tmp_path / "small", polls=range(0, 10_860, 60))))


@pytest.fixture(params=["made up", "recorded"])
def source(request: pytest.FixtureRequest, recorded: RecordedCity) -> PlayableSource:
    return recorded if request.param == "recorded" else MadeUpCity(CITIES["sandmouth"])


def test_the_newest_poll_has_the_snapshot_of_the_moment_and_the_next_is_later(
    source: PlayableSource,
) -> None:
    moment = FIRST + timedelta(seconds=1234.5)
    at, due = source.newest_poll(moment.timestamp())
    assert at <= moment.timestamp() < due <= at + source.system.poll_seconds
    assert source.snapshot(moment).at.timestamp() == at
    assert source.snapshot(datetime.fromtimestamp(at, UTC)).at.timestamp() == at
    assert source.newest_poll(due) == (due, due + source.system.poll_seconds)


def test_a_moment_before_leaves_later_snapshots_as_they_were(source: PlayableSource) -> None:
    later = FIRST + timedelta(minutes=4)
    before = source.snapshot(later).bikes.tolist()
    source.snapshot(FIRST)
    assert source.snapshot(later).bikes.tolist() == before


def test_steps_lie_between_two_moments_ten_minutes_apart(source: PlayableSource) -> None:
    start, end = FIRST + timedelta(minutes=10), FIRST + timedelta(minutes=70)
    ats = [snapshot.at for snapshot in source.steps(start, end)]
    assert ats == [start + timedelta(seconds=STEP_SECONDS) * n for n in range(1, 6)]


def test_a_moment_without_a_zone_is_local(source: PlayableSource) -> None:
    zone = ZoneInfo(source.stations.timezone)
    local = (FIRST + timedelta(minutes=5)).astimezone(zone)
    assert source.aware(local.replace(tzinfo=None)) == local == source.aware(local)


def test_it_begins_with_nothing_learnt_where_its_first_playback_is(source: PlayableSource) -> None:
    assert source.begin_at("nothing", WALL) == source.first_playback(WALL).at
    assert source.learn_from(source.begin_at("learnt", WALL)) < source.begin_at("learnt", WALL)


def test_a_recording_has_no_moments_outside_of_it(recorded: RecordedCity) -> None:
    for moment in (FIRST - timedelta(seconds=1), FIRST + timedelta(hours=4)):
        with pytest.raises(RecordingError, match="start it in between"):
            recorded.aware(moment)
