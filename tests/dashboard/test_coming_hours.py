"""The coming hours at a station: stretches of one step each, closed hours, and where the forecast ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import numpy as np

from dashboard.coming_hours import AHEAD, stretches
from dashboard.components.hours_strip import strip
from dashboard.words import rules
from model.frame import MINUTES, NO_FORECAST, Frame
from tests.support.dashboard_world import NOON, frame


def fading() -> Frame:
    """Let station 4 have 100 % for an hour, then lose one per cent a minute."""
    made = frame()
    chance = made.bike.chance.copy()
    chance[0, :, 4] = np.clip(160 - np.array(MINUTES), 0, 100)
    return replace(made, bike=replace(made.bike, chance=chance))


def test_each_stretch_has_the_step_of_its_time() -> None:
    now = NOON + timedelta(minutes=2)
    found = stretches(fading(), 4, "bike", 1, now)
    assert [each.step for each in found] == [0, 1, 2, 3, 4]
    ends = [(each.ends - NOON) / timedelta(minutes=1) for each in found]
    # Below 90 % after minute 70, below 65, 35 and 10 after 95, 125 and 150, in steps of five minutes.
    for end, crossed in zip(ends, (70, 95, 125, 150), strict=False):
        assert crossed < end <= crossed + 5
    assert found[0].begins == now
    assert all(one.ends == other.begins for one, other in pairwise(found))
    assert timedelta(0) <= found[-1].ends - now - AHEAD < timedelta(minutes=5)


def test_unknown_closed_and_forecasts_that_are_over() -> None:
    made = frame()
    assert made.bike.chance[0, 0, 2] == NO_FORECAST
    assert [each.step for each in stretches(made, 2, "bike", 1, NOON)] == [rules.NO_STEP]
    assert [each.step for each in stretches(made, 1, "bike", 1, NOON)] == [rules.CLOSED_STEP]
    late = stretches(made, 4, "bike", 1, NOON + timedelta(hours=23))
    assert late[-1].ends - NOON <= timedelta(hours=24, minutes=5)
    assert stretches(made, 4, "bike", 1, NOON + timedelta(hours=25)) == []


def test_the_strip_says_in_a_sentence_what_its_colours_say() -> None:
    made = fading()
    zone = NOON.tzinfo
    assert zone is not None
    shown = strip(stretches(made, 4, "bike", 1, NOON), "bike", 1, NOON, zone)
    assert "A bike: almost sure until 13:15, likely until 13:40, even until 14:10, unlikely until" in shown
    assert shown.count("<i style=") == 5
    assert ">16:00</span>" in shown
    assert "aria-hidden" in shown
