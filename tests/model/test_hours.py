"""What opening hours do to learning and to forecasts, and what the forecaster does without them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice

import numpy as np
import pytest

from model import Forecaster, Snapshot
from model.frame import Frame
from model.frame_builder import make_frame
from model.hours import FOREVER, OpeningHours
from tests.support.model_world import MINUTE, MONDAY, riders, snapshot, stations, taught
from tests.support.numpy_reference import kernel_odds

HOUR = timedelta(hours=1)


def between(*spans: tuple[float, float], size: int = 6, only: int | None = None) -> OpeningHours:
    """Open all stations, or one, between these hours after Monday's midnight."""
    start = int(MONDAY.timestamp())
    rows = [(0, start + round(opens * 3600), start + round(closes * 3600)) for opens, closes in spans]
    schedule = [0 if only in (None, row) else -1 for row in range(size)]
    return OpeningHours(np.array(schedule), np.array(rows), np.array(["as the test has it"]))


def at(hours: float) -> datetime:
    return MONDAY + hours * HOUR


def flagged(when: datetime, bikes: list[int], open_: bool) -> Snapshot:
    flags = np.full(len(bikes), open_)
    plain = snapshot(when, bikes)
    return Snapshot(when, plain.station_id, plain.bikes, plain.docks, None, flags, flags)


def chance(frame: Frame, minutes: int, station: int = 0) -> int:
    return int(frame.bike.chance[0, frame.minutes.tolist().index(minutes), station])


def test_without_hours_nothing_changes_bit_for_bit() -> None:
    plain, told = taught(), taught()
    told.update_hours(None)
    assert plain.to_bytes() == told.to_bytes()
    assert make_frame(plain).to_bytes() == make_frame(told).to_bytes()
    assert make_frame(plain).closed is None


def test_a_station_that_never_closes_in_a_city_that_does_is_forecast_as_before() -> None:
    plain, told = Forecaster(stations()), Forecaster(stations())
    told.update_hours(between((6, 20), only=0))
    for seen in riders(600):
        plain.learn(seen)
        told.learn(seen)
    free, bound = (each.components["long"].hours.sum(axis=(0, 1, 2)) for each in (plain, told))
    np.testing.assert_array_equal(free[1:], bound[1:])
    assert bound[0] < free[0]


def test_closed_time_is_no_exposure_and_its_changes_are_no_riders() -> None:
    forecaster = Forecaster(stations(1))
    forecaster.update_hours(between((1, 2), size=1))
    counts = [6, 6, 2, 2, 5]
    times = [0.5, 0.6, 0.7, 0.8, 0.9]
    for when, count in zip(times, counts, strict=True):
        forecaster.learn(snapshot(at(when), [count]))
    demand = forecaster.components["long"]
    assert demand.events.sum() == demand.hours.sum() == 0


def test_over_a_poll_in_which_a_station_opens_or_closes_nothing_is_learnt() -> None:
    forecaster = Forecaster(stations(1))
    forecaster.update_hours(between((1, 2), size=1))
    for when, count in ((0.95, 2), (1.05, 9), (1.15, 8), (1.95, 8), (2.05, 1)):
        forecaster.learn(snapshot(at(when), [count]))
    assert forecaster.components["long"].events.sum() == pytest.approx(1, abs=1e-3), "one rode at ten past"


def test_no_bike_is_to_be_had_when_the_station_is_closed_and_its_count_is_forecast() -> None:
    forecaster = taught()
    assert forecaster.at is not None
    now = (forecaster.at - MONDAY) / HOUR
    forecaster.update_hours(between((now - 10, now + 0.5), (now + 6, now + 12)))
    frame = make_frame(forecaster)
    assert frame.closed is not None
    names = frame.minutes.tolist()
    assert not frame.closed[names.index(20), 0]
    assert frame.closed[names.index(30), 0]
    assert frame.closed[names.index(300), 0]
    assert not frame.closed[names.index(360), 0]
    assert chance(frame, 30) == chance(frame, 300) == 0
    assert chance(frame, 0) == 100
    assert chance(frame, 360) > 0
    assert (frame.bike.median >= 0).all()
    assert Frame.from_bytes(frame.to_bytes()).to_bytes() == frame.to_bytes()


def test_a_closed_night_moves_no_count() -> None:
    """A station that is closed all the way spreads less than one that is open."""
    forecaster = taught()
    now = forecaster._present().now(np.arange(6))
    free = kernel_odds(forecaster, now, [60, 120])["chain"]
    assert forecaster.at is not None
    hour = (forecaster.at - MONDAY) / HOUR
    forecaster.update_hours(between((hour - 10, hour - 1), (hour + 24, hour + 30)))
    still = kernel_odds(forecaster, forecaster._present().now(np.arange(6)), [60, 120])["chain"]
    assert ((still > 1e-6) & (still < 1 - 1e-6)).sum() == 0
    assert ((free > 1e-6) & (free < 1 - 1e-6)).sum() > 0
    forecaster.update_hours(between((hour - 10, hour + 0.5), (hour + 24, hour + 30)))
    half = kernel_odds(forecaster, forecaster._present().now(np.arange(6)), [60, 120])["chain"]
    np.testing.assert_allclose(half[0], half[1], atol=1e-6)
    spread = (free * (1 - free)).sum(), (half * (1 - half)).sum()
    assert 0 < spread[1] < spread[0]


@pytest.fixture
def night() -> Forecaster:
    """A day of riders with open flags, then a night from 20:00 to 30:00 with closed ones."""
    forecaster = Forecaster(stations())
    forecaster.update_hours(between((6, 20), (30, 44)))
    for seen in riders(1200):
        forecaster.learn(seen)
    for minute in range(1200, 1260, 5):
        forecaster.learn(flagged(MONDAY + minute * MINUTE, [6] * 6, open_=False))
    return forecaster


def test_flags_that_are_closed_by_hours_leave_odds_for_the_morning(night: Forecaster) -> None:
    """Closed now was closed all day."""
    frame = make_frame(night)
    assert frame.rents is not None
    assert not frame.renting.any()
    assert frame.rents.all()
    assert chance(frame, 120) == 0
    assert chance(frame, 10 * 60) > 50


def zeroed(forecaster: Forecaster) -> Frame:
    """Show neither a bike nor a dock at s0 through the first hour of the night, with closed flags."""
    here = np.arange(6) == 0
    for minute in range(1200, 1260, 5):
        seen = flagged(MONDAY + minute * MINUTE, [6] * 6, open_=False)
        bikes, docks = (np.where(here, 0, counts) for counts in (seen.bikes, seen.docks))
        forecaster.learn(replace(seen, bikes=bikes, docks=docks))
    return make_frame(forecaster)


def test_zeros_of_a_night_that_its_hours_explain_are_not_what_the_morning_begins_with() -> None:
    forecaster = Forecaster(stations())
    forecaster.update_hours(between((6, 20), (30, 44)))
    for seen in riders(1200):
        forecaster.learn(seen)
    newest = forecaster.snapshot()
    assert newest is not None
    last, morning = int(newest.bikes[0]), make_frame(forecaster).minutes.tolist().index(10 * 60)
    frame = zeroed(forecaster)
    assert frame.bikes[0] == 0, "shown as the feed has it"
    assert last > 0
    assert abs(int(frame.bike.median[morning, 0]) - last) <= 1
    assert chance(frame, 120) == 0
    assert chance(frame, 10 * 60) > 50
    again = make_frame(Forecaster.from_bytes(forecaster.to_bytes()))
    assert again.to_bytes() == frame.to_bytes()


def test_zeros_of_a_closing_that_no_hours_explain_are_forecast_from() -> None:
    forecaster = Forecaster(stations())
    for seen in riders(1200):
        forecaster.learn(seen)
    frame = zeroed(forecaster)
    assert not frame.bike.median[:, 0].any()


def test_a_station_that_was_closed_before_the_night_stays_closed() -> None:
    forecaster = Forecaster(stations(1))
    forecaster.update_hours(between((6, 20), (30, 44), size=1))
    for hour in (12.0, 12.1, 19.0, 20.1, 22.0):
        forecaster.learn(flagged(at(hour), [6], open_=False))
    frame = make_frame(forecaster)
    assert frame.rents is not None
    assert not frame.rents.any()


def test_an_operator_who_opens_by_hand_some_minutes_late_has_not_closed() -> None:
    forecaster = Forecaster(stations(1))
    forecaster.update_hours(between((6, 20), (30, 44), size=1))
    for hour, open_ in ((12.0, True), (19.9, False), (22.0, False), (30.1, False)):
        forecaster.learn(flagged(at(hour), [6], open_=open_))
    frame = make_frame(forecaster)
    assert chance(frame, 60) > 50
    forecaster.learn(flagged(at(30.5), [6], open_=False))
    frame = make_frame(forecaster)
    assert frame.rents is not None
    assert not frame.rents.any(), "closed in the middle of the day, whatever the hours say"


def test_hours_are_part_of_the_state(night: Forecaster) -> None:
    again = Forecaster.from_bytes(night.to_bytes())
    assert again.to_bytes() == night.to_bytes()
    assert make_frame(again).to_bytes() == make_frame(night).to_bytes()


def test_stations_that_come_and_go_keep_their_hours(night: Forecaster) -> None:
    night.update_stations(stations(5, first=1))
    frame = make_frame(night)
    assert frame.closed is not None
    assert frame.closed.shape == (len(frame.minutes), 5)
    assert frame.closed[0].all()
    night.update_stations(stations(7))
    assert make_frame(night).closed[0].tolist() == [True] * 6 + [False]  # type: ignore[index]


def test_hours_of_other_stations_are_refused() -> None:
    with pytest.raises(ValueError, match="hours of 3 stations, not of 6"):
        Forecaster(stations()).update_hours(between((6, 20), size=3))


def test_a_stillness_at_night_is_no_wonder_where_the_city_is_closed() -> None:
    forecaster = Forecaster(stations(), every=60)
    for seen in islice(riders(2 * 1440), 0, None, 5):
        forecaster.learn(Snapshot(seen.at - timedelta(days=2), seen.station_id, seen.bikes, seen.docks))
    assert forecaster.at is not None
    since, until = at(10), at(16)
    open_odds = forecaster.odds_of_stillness(since, until)
    forecaster.update_hours(between((0, 6), (20, 24)))
    assert open_odds is not None
    assert forecaster.odds_of_stillness(since, until) == 1
    assert open_odds < 1e-6


def test_spans_that_make_no_sense_are_refused() -> None:
    one, text = np.array([0]), np.array(["x"])
    for rows in ([(0, 10, 10)], [(0, 10, 20), (0, 20, 30)], [(0, 10, 20), (0, 5, 7)], [(1, 10, 20)]):
        with pytest.raises(ValueError, match="OpeningHours"):
            OpeningHours(one, np.array(rows), text)
    with pytest.raises(ValueError, match="OpeningHours"):
        OpeningHours(np.array([1]), np.array([(0, 10, 20)]), text)


def test_shares_of_a_stretch_of_time() -> None:
    hours = OpeningHours(np.array([0, -1]), np.array([(0, 100, 200), (0, 300, FOREVER)]), np.array(["x"]))
    shares = hours.shares(np.array([0.0, 150.0, 200.0, 250.0]), np.array([100.0, 250.0, 300.0, 350.0]))
    assert shares[hours.schedule].tolist() == [[0, 0.5, 0, 0.5], [1, 1, 1, 1]]
