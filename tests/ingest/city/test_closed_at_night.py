"""Fellgate closes at night by its own hours: its riders keep to them, its flags and documents say so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import requests

from dashboard.maps import deck
from ingest.city.cities import CITIES
from ingest.gbfs.hours import covering
from ingest.replay import recording_writer
from ingest.replay.playable_source import MadeUpCity, RecordedCity
from ingest.replay.recording import Recording
from ingest.system import System
from ingest.worker.catch_up import catch_up
from model import Forecaster
from model.frame_builder import make_frame
from tests.support.gbfs_world import PublishedHours
from tests.support.serving import feeds_of, serving_city

FELLGATE = CITIES["fellgate"]
ZONE = ZoneInfo("Pacific/Auckland")


def at(clock: str) -> datetime:
    return datetime.fromisoformat(f"2026-06-10T{clock}").replace(tzinfo=ZONE)


@pytest.mark.parametrize(("clock", "open_"), [("23:59", True), ("00:00", False), ("05:59", False), ("06:00", True)])
def test_flags_are_closed_from_midnight_to_six(clock: str, open_: bool) -> None:
    seen = FELLGATE.at(at(clock))
    assert seen.renting is not None
    assert seen.returning is not None
    assert seen.renting.any() == seen.returning.any() == open_
