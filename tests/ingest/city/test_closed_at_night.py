"""Fellgate closes at night by its own hours: its riders keep to them, its flags and documents say so."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from ingest.city.cities import CITIES
from ingest.gbfs import hours
from ingest.gbfs.findings import Findings
from ingest.gbfs.hours import PublishedHours
from ingest.gbfs.writer import VERSIONS
from ingest.replay.gbfs_server import ServedFeed
from ingest.replay.playable_source import MadeUpCity
from ingest.replay.recording import Recording
from ingest.replay.recording_writer import write
from ingest.store.playback import Playback
from model.frame import Frame
from tests.ingest.worker.test_player import Desk
from tests.support.serving import HandClock, make_recording

FELLGATE = CITIES["fellgate"]
ZONE = ZoneInfo("Pacific/Auckland")
HOURS = "Mo-Su 06:00-24:00"


def at(clock: str) -> datetime:
    return datetime.fromisoformat(f"2026-06-10T{clock}").replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("clock", "open_"), [("23:59", True), ("00:00", False), ("05:59", False), ("06:00", True)]
)
def test_flags_are_closed_from_midnight_to_six(clock: str, open_: bool) -> None:
    seen = FELLGATE.at(at(clock))
    assert seen.renting is not None
    assert seen.returning is not None
    assert seen.renting.any() == seen.returning.any() == open_


def test_nobody_sets_out_when_the_city_is_closed_and_all_are_back_before() -> None:
    week = FELLGATE.week(at("12:00"))
    local = FELLGATE._local_hours(np.arange(week.start, week.start + 60 * len(week.riding), 60))
    closed = local < 6
    assert closed.sum() == 7 * 6 * 60
    assert week.riding[closed].sum() == 0
    assert week.riding[~closed].max() > 20


def test_the_other_cities_never_close() -> None:
    for name in ("harbourton", "sandmouth"):
        assert CITIES[name].daily_hours is None
        assert MadeUpCity(CITIES[name]).hours == ""


@pytest.mark.parametrize("version", VERSIONS)
def test_its_documents_have_the_hours_in_every_version(version: str) -> None:
    served = ServedFeed(MadeUpCity(FELLGATE), 60, version, HandClock(), datetime(2026, 3, 2, 8, tzinfo=UTC))
    findings = Findings()
    if version == "3.0":
        assert "system_hours" not in served.feeds()
        text = hours.system_hours(json.loads(served.document("system_information")), at("12:00"), findings)
        assert text == HOURS
    else:
        assert "system_hours" in served.feeds()
        rules = hours.rental_hours(json.loads(served.document("system_hours")), findings)
        assert rules == ("Mo,Tu,We,Th,Fr,Sa,Su 06:00-24:00",)
    assert findings.all() == ()


def test_played_at_night_it_has_no_chance_until_six_and_is_recorded_with_its_hours(tmp_path: Path) -> None:
    begin = at("22:00").astimezone(UTC)
    desk = Desk(tmp_path, MadeUpCity(FELLGATE), FELLGATE.system)
    desk.ask(Playback(begin, begin, begin="nothing"))
    desk.now = begin
    desk.tick()
    newest = desk.store.frames.newest("fellgate")
    assert newest is not None
    frame = Frame.from_bytes(newest[1])
    assert frame.closed is not None
    minutes = frame.minutes.tolist()
    some = int(np.argmax(frame.bikes))
    assert frame.closed[minutes.index(120)].all()
    assert frame.bike.chance[0, minutes.index(120), some] == 0
    assert frame.bike.chance[0, minutes.index(8 * 60), some] > 50
    for _ in range(3):
        desk.tick()
    write(desk.store, "fellgate", tmp_path / "written")
    recording = Recording.read(tmp_path / "written")
    assert PublishedHours.from_json(recording.hours) == PublishedHours(HOURS)
    desk.store.close()


def test_hours_of_a_recording_that_make_no_sense_are_left_out(tmp_path: Path) -> None:
    strange = {"system": 7, "rules": "Mo", "seasons": [None], "stations": {"a": [], "b": "10:00-16:00"}}
    path = make_recording(tmp_path / "strange", hours=strange)
    assert PublishedHours.from_json(Recording.read(path).hours) == PublishedHours(
        stations={"b": "10:00-16:00"}
    )
    assert Recording.read(make_recording(tmp_path / "odd", hours=["Mo"])).hours == ""
