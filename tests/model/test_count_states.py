"""Only a known count is learnt from and is a truth; elsewhere the last known one stands in, less sure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from model import Forecaster, Snapshot, codec
from model.arrays import Floats
from model.frame import MINUTES, NO_FORECAST, Frame
from model.frame_builder import make_frame
from model.records import CountState
from tests.support.model_world import MINUTE, MONDAY, riders, snapshot, stations, taught

MONDAY_NOON = MONDAY + timedelta(hours=12)


def dark(seen: Snapshot, state: CountState = CountState.CONTRADICTED) -> Snapshot:
    """Make the counts of s0 unknown."""
    here = np.arange(len(seen)) == 0
    assert seen.state is not None
    return replace(
        seen,
        bikes=np.where(here, -1, seen.bikes),
        docks=np.where(here, -1, seen.docks),
        state=np.where(here, int(state), seen.state),
    )


def closed(seen: Snapshot) -> Snapshot:
    """Close s0 and show zeros there, as an operator does at night."""
    here = np.arange(len(seen)) == 0
    return replace(
        seen,
        bikes=np.where(here, 0, seen.bikes),
        docks=np.where(here, 0, seen.docks),
        renting=~here,
        returning=~here,
        state=None,
    )


def spread(forecaster: Forecaster, minutes: list[int], row: int = 0) -> Floats:
    bikes = forecaster.forecast(minutes).bikes
    wide: Floats = (bikes.cdf * (1 - bikes.cdf)).sum(axis=2)[:, row]
    return wide


# ---------------------------------------------------------------- records


def test_counts_and_flags_tell_the_state_where_the_feed_gave_no_other() -> None:
    flags = np.array([True, False, False, True])
    seen = Snapshot(MONDAY, np.array(list("abcd")), np.array([3, 3, 0, -1]), np.array([3, 3, 0, -1]),
                    renting=flags, returning=np.array([True, True, False, True]))  # fmt: skip
    assert seen.state is not None
    assert seen.state.tolist() == [
        CountState.KNOWN, CountState.KNOWN, CountState.CLOSED, CountState.MISSING,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("bikes", "state"), [(3, CountState.OLD), (-1, CountState.KNOWN), (-1, CountState.CLOSED), (3, 7)]
)
def test_a_state_that_does_not_fit_its_count_is_refused(bikes: int, state: int) -> None:
    with pytest.raises(ValueError, match="state"):
        Snapshot(MONDAY, np.array(["a"]), np.array([bikes]), np.array([-1]), state=np.array([state]))


# ---------------------------------------------------------------- what teaches, and what is a truth


@pytest.mark.parametrize("hide", [closed, dark], ids=["closed", "contradicted"])
def test_a_count_that_is_not_known_teaches_nothing_and_settles_nothing(
    hide: Callable[[Snapshot], Snapshot],
) -> None:
    """The zeros of a closed station were a truth for all models, naive included."""
    forecaster = taught(720)
    before = {
        name: {key: value.copy() for key, value in forecaster.components[name].arrays().items()}
        for name in ("long", "climatology", "changes")
    }
    settled = []
    for seen in riders(180, start=MONDAY_NOON):
        settled += [score for score in forecaster.learn(hide(seen)) if score.target_at >= MONDAY_NOON]
    judged = [score for score in settled if score.n]
    assert {score.model for score in judged} >= {"naive", "pool", "chain"}
    for score in judged:
        assert 0 not in score.rows
    assert sum(score.expired for score in settled if score.model == "naive") > 0
    after = {name: forecaster.components[name].arrays() for name in before}
    for table in ("events", "hours"):
        gone = before["long"][table][..., 0] - after["long"][table][..., 0]
        assert (gone >= 0).all(), "nothing came, some is forgotten"
        assert (after["long"][table][..., 1] > before["long"][table][..., 1]).any()
    assert (after["climatology"]["spent"][..., 0] <= before["climatology"]["spent"][..., 0]).all()


def test_no_forecast_is_issued_of_a_count_that_is_not_known() -> None:
    forecaster = taught(720)
    waiting = forecaster.waiting
    for seen in riders(21, start=MONDAY_NOON):
        forecaster.learn(dark(seen))
    issued = [pending for pending in forecaster._issued.pending if pending.issued_at >= MONDAY_NOON]
    assert issued
    assert all(pending.bikes[0] == -1 and pending.bikes[1] >= 0 for pending in issued)
    assert sum(forecaster.waiting.values()) > sum(waiting.values())


# ---------------------------------------------------------------- the last known count


def test_in_a_blackout_the_odds_are_those_of_the_last_known_count_and_wider() -> None:
    forecaster = taught(720)
    last = forecaster.snapshot()
    assert last is not None
    horizons = [0, 5, 10, 30, 60]
    widths = [spread(forecaster, horizons)]
    assert widths[0][0] == 0, "a known count is certain"
    then = forecaster.forecast([10, 15, 40])
    for seen in riders(10, start=MONDAY_NOON):
        forecaster.learn(dark(seen))
        widths.append(spread(forecaster, horizons))
    # Ages are told apart ever more coarsely, and the city's pace goes on: small steps back are right.
    assert (np.diff([width[0] for width in widths]) > -0.01).all()
    assert (widths[-1][:3] > widths[0][:3]).all()
    now = forecaster.forecast([0, 5, 30])
    # The pace of the city's last hour has gone on since; else it is the forecast of then.
    np.testing.assert_allclose(now.bikes.cdf[:, 0], then.bikes.cdf[:, 0], atol=0.1)
    assert now.bikes.median[0, 0] == last.bikes[0]
    assert np.isfinite(now.docks.at_least(1)[:, 0]).all()

    frame = make_frame(forecaster)
    assert frame.state.tolist() == [CountState.CONTRADICTED, *[CountState.KNOWN] * 5]
    assert (frame.bikes[0], frame.last_bikes[0], frame.last_docks[0]) == (-1, last.bikes[0], last.docks[0])
    assert frame.last_at.tolist() == [int(last.at.timestamp()), *[-1] * 5]
    assert 0 < frame.bike.chance[0, 3, 0] <= 100

    back = next(riders(1, start=MONDAY_NOON + 10 * MINUTE))
    forecaster.learn(back)
    assert spread(forecaster, horizons)[0] == 0
    assert make_frame(forecaster).last_at.tolist() == [-1] * 6


def test_stations_of_several_ages_are_forecast_as_each_alone_would_be() -> None:
    forecaster = taught(720)
    seen = list(riders(40, start=MONDAY_NOON))
    hidden = {0: 0, 1: 0, 2: 25, 3: 39}  # from which minute on each is unknown
    for minute, each in enumerate(seen):
        here = np.array([minute >= hidden.get(row, 99) for row in range(6)])
        forecaster.learn(
            replace(
                each, bikes=np.where(here, -1, each.bikes), docks=np.where(here, -1, each.docks), state=None
            )
        )
    together = forecaster.forecast(MINUTES)
    for row in range(6):
        alone = forecaster.forecast(MINUTES, np.array([row])).bikes.cdf[:, 0]
        # Stations are solved together at the pace of the busiest, which moves the last digits.
        np.testing.assert_allclose(together.bikes.cdf[:, row, : alone.shape[-1]], alone, atol=1e-4)
    assert (
        forecaster.forecast([60, 0]).bikes.cdf[1].tolist() == forecaster.forecast([0]).bikes.cdf[0].tolist()
    )


def test_after_a_day_without_a_known_count_there_is_no_forecast() -> None:
    forecaster = taught(720)
    ids = forecaster.stations.station_id
    for hours, forecasts in ((23, True), (24, True), (25, False)):
        at = MONDAY_NOON - MINUTE + timedelta(hours=hours)
        forecaster.learn(dark(snapshot(at, [5] * 6)))
        frame = make_frame(forecaster)
        assert (frame.bike.chance[0, :, 0] != NO_FORECAST).all() == forecasts
        assert (frame.bike.chance[0, :, 0] == NO_FORECAST).all() != forecasts
        assert (frame.bike.chance[:, :, 1:] != NO_FORECAST).all()
        assert frame.last_bikes[0] >= 0, "the count itself stays, with its age"
    assert len(ids) == 6


def test_a_station_that_was_never_known_has_no_forecast() -> None:
    forecaster = Forecaster(stations())
    forecaster.learn(snapshot(MONDAY, [-1, 5, 5, 5, 5, 5]))
    frame = make_frame(forecaster)
    assert frame.state[0] == CountState.MISSING
    assert frame.last_at[0] == -1
    assert (frame.bike.chance[:, :, 0] == NO_FORECAST).all()


# ---------------------------------------------------------------- to bytes and back


def test_states_and_last_known_counts_survive_bytes() -> None:
    forecaster = taught(60)
    for seen in riders(3, start=MONDAY + 60 * MINUTE):
        forecaster.learn(dark(seen, CountState.OLD))
    back = Forecaster.from_bytes(forecaster.to_bytes())
    assert back.to_bytes() == forecaster.to_bytes()
    frame = make_frame(back)
    assert frame.to_bytes() == make_frame(forecaster).to_bytes()
    read = Frame.from_bytes(frame.to_bytes())
    for name in ("state", "cargo", "last_bikes", "last_docks", "last_at", "overflow"):
        np.testing.assert_array_equal(getattr(read, name), getattr(frame, name))


def test_a_frame_of_before_the_states_is_read() -> None:
    forecaster = taught(60)
    forecaster.learn(closed(next(riders(1, start=MONDAY + 60 * MINUTE))))
    later = ("state", "cargo", "last_bikes", "last_docks", "last_at", "overflow")
    arrays = codec.unpack(make_frame(forecaster).to_bytes(), 10**6)
    frame = Frame.from_bytes(codec.pack({name: arrays[name] for name in arrays if name not in later}))
    assert frame.state.tolist() == [CountState.CLOSED, *[CountState.KNOWN] * 5]
    assert frame.cargo.tolist() == frame.last_at.tolist() == [-1] * 6
    assert not frame.overflow.any()


def test_a_state_that_there_is_not_or_for_too_few_stations_is_refused() -> None:
    ids, counts = np.array(["a", "b"]), np.array([1, 2])
    for state in ([0, len(CountState)], [-1, 0]):
        with pytest.raises(ValueError, match="a value that CountState does not"):
            Snapshot(MONDAY, ids, counts, counts, state=np.array(state))
    with pytest.raises(ValueError, match="one value a station"):
        Snapshot(MONDAY, ids, counts, counts, state=np.array([0]))
