"""Silence is judged by what usually changes at that time, which the learnt rates tell."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice, pairwise

import pytest

from ingest.store import Reason
from ingest.worker import tick
from ingest.worker.tick import IMPROBABLE, Ticker
from model import Forecaster, Snapshot
from tests.support.model_world import MONDAY, riders, stations
from tests.support.store_world import MINUTE
from tests.support.tick_world import Desk, fresh, nothing

STEP = timedelta(minutes=5)
NOON = MONDAY + timedelta(days=3, hours=12)
DAYS = 5


@pytest.fixture(autouse=True)
def judged_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judge the five days of these tests from the third on; a real city is judged from its second week on."""
    assert timedelta(days=7) == tick.JUDGED_AFTER
    monkeypatch.setattr(tick, "JUDGED_AFTER", timedelta(days=2))


@pytest.fixture(scope="module")
def seen() -> dict[datetime, Snapshot]:
    """Five days of riders, a snapshot every five minutes."""
    return {each.at: each for each in islice(riders(DAYS * 1440), 0, None, 5)}


def learnt(seen: dict[datetime, Snapshot], until: datetime) -> Forecaster:
    forecaster = Forecaster(stations(), every=360)
    for at, snapshot in seen.items():
        if at <= until:
            forecaster.learn(snapshot)
    return forecaster


def at_work(desk: Desk, forecaster: Forecaster, seen: dict[datetime, Snapshot]) -> Ticker:
    """Give a ticker that has learnt, and ticks once more."""
    assert forecaster.at is not None
    ticker = desk.worker(checkpoint_seconds=10**9)
    desk.feed.now = forecaster.at - STEP
    desk.tick(ticker, fresh(seen[forecaster.at - STEP]), after=timedelta(0))
    assert ticker.working_copy is not None
    ticker.working_copy.forecaster = forecaster
    desk.tick(ticker, fresh(seen[forecaster.at + STEP]), after=2 * STEP)
    assert desk.state()[0] == "live"
    return ticker


def frozen(desk: Desk, ticker: Ticker, snapshot: Snapshot, steps: int) -> list[str]:
    """Let the feed's time run while its counts stand still; give the states."""
    states = []
    for _ in range(steps):
        now = desk.feed.now + STEP
        still = Snapshot(now, snapshot.station_id, snapshot.bikes, snapshot.docks)
        desk.tick(ticker, fresh(still), after=STEP)
        states.append(desk.state()[0])
    return states


def test_a_day_frozen_at_noon_is_silent_and_teaches_nothing(
    desk: Desk, seen: dict[datetime, Snapshot]
) -> None:
    forecaster = learnt(seen, NOON)
    ticker = at_work(desk, forecaster, seen)
    stopped = seen[NOON + STEP]
    afternoon = NOON + timedelta(hours=3)
    before = forecaster.components["long"].at(afternoon).sum()
    states = frozen(desk, ticker, stopped, 24 * 12)
    first = states.index("silent")
    assert 2 <= first <= 30, "soon after the two hours that 27 changes take here"
    assert set(states[first:]) == {"silent"}
    reason = desk.state()[1]
    assert reason is not None
    assert reason.kind == "unchanged_since"
    since = datetime.fromtimestamp(float(reason.arguments["at"]), NOON.tzinfo)
    assert NOON - timedelta(minutes=30) <= since <= NOON + STEP
    moved = desk.feed.now + STEP
    events = float(forecaster.components["long"].events.sum())
    desk.tick(ticker, fresh(Snapshot(moved, stopped.station_id, 12 - stopped.bikes, stopped.bikes)), STEP)
    assert desk.state() == ("live", None, 0)
    assert ticker.working_copy is not None
    assert ticker.working_copy.forecaster is forecaster
    assert forecaster.components["long"].events.sum() == pytest.approx(events), "no riders over the seam"
    assert forecaster.components["long"].at(afternoon).sum() > 0.95 * before


def test_learnt_as_a_quiet_day_a_frozen_one_would_lower_demand(seen: dict[datetime, Snapshot]) -> None:
    """The reason for the rule, and the proof that the test above can fail."""
    forecaster = learnt(seen, NOON)
    afternoon, stopped = NOON + timedelta(hours=3), seen[NOON]
    before = forecaster.components["long"].at(afternoon).sum()
    for step in range(1, 24 * 12):
        forecaster.learn(Snapshot(NOON + step * STEP, stopped.station_id, stopped.bikes, stopped.docks))
    assert forecaster.components["long"].at(afternoon).sum() < 0.85 * before


def test_a_seam_shorter_than_a_quarter_of_an_hour_counts_no_riders(seen: dict[datetime, Snapshot]) -> None:
    forecaster = learnt(seen, NOON)
    events = float(forecaster.components["long"].events.sum())
    forecaster.learn(seen[NOON + STEP], after_hole=True)
    assert forecaster.components["long"].events.sum() == events
    forecaster.learn(seen[NOON + 6 * STEP])
    assert forecaster.at == NOON + 6 * STEP


def test_a_quiet_night_is_no_silence(desk: Desk, seen: dict[datetime, Snapshot]) -> None:
    """Two changes an hour are expected at night: three hours without one are no wonder."""
    night = MONDAY + timedelta(days=3, hours=2)
    ticker = at_work(desk, learnt(seen, night), seen)
    assert set(frozen(desk, ticker, seen[night + STEP], 30)) == {"live"}
    assert desk.outcomes().count("learnt") == 32


def test_a_document_repeated_at_night_is_no_silence_and_at_noon_it_is(
    desk: Desk, seen: dict[datetime, Snapshot]
) -> None:
    night = MONDAY + timedelta(days=3, hours=2)
    ticker = at_work(desk, learnt(seen, night), seen)
    desk.tick(ticker, nothing(), after=timedelta(hours=1))
    assert desk.state() == ("live", None, 0)
    desk.tick(ticker, nothing(), after=timedelta(hours=10))
    state, reason, _ = desk.state()
    assert (state, reason and reason.kind) == ("silent", "unchanged_since")


def test_a_new_city_without_rates_is_silent_after_ten_minutes(desk: Desk) -> None:
    ticker = desk.worker()
    first = next(riders(1))
    desk.tick(ticker, fresh(first))
    desk.tick(ticker, nothing(), after=11 * MINUTE)
    state, reason, _ = desk.state()
    assert state == "silent"
    assert isinstance(reason, Reason)
    assert reason.arguments["at"] == int(first.at.timestamp())


def test_odds_of_stillness_fall_with_time_and_with_riders(seen: dict[datetime, Snapshot]) -> None:
    forecaster = learnt(seen, NOON)
    hours = [forecaster.odds_of_stillness(NOON, NOON + timedelta(hours=h)) for h in (0, 0.5, 1, 2, 200)]
    assert hours[0] == 1
    assert all(a is not None and b is not None and a > b for a, b in pairwise(hours))
    night = NOON + timedelta(hours=14)
    at_night = forecaster.odds_of_stillness(night, night + timedelta(hours=2))
    assert hours[3] is not None
    assert at_night is not None
    assert at_night > 0.01
    assert hours[3] < IMPROBABLE


def test_odds_of_stillness_are_unknown_at_first(seen: dict[datetime, Snapshot]) -> None:
    with pytest.raises(ValueError, match="nothing is known"):
        Forecaster(stations()).odds_of_stillness(NOON, NOON)
    assert learnt(seen, MONDAY + timedelta(hours=20)).odds_of_stillness(NOON, NOON + STEP) is None


def test_a_second_night_is_no_silence_though_the_city_is_new(
    desk: Desk, seen: dict[datetime, Snapshot]
) -> None:
    """In its first week a city is too new to be called frozen, but its night is known to be quiet."""
    night = MONDAY + timedelta(days=1, hours=2)
    ticker = at_work(desk, learnt(seen, night), seen)
    desk.tick(ticker, nothing(), after=timedelta(hours=1))
    assert desk.state() == ("live", None, 0)
    noon = MONDAY + timedelta(days=1, hours=12)
    ticker = at_work(desk, learnt(seen, noon), seen)
    assert set(frozen(desk, ticker, seen[noon + STEP], 40)) == {"live"}


def test_a_feed_that_renews_itself_every_forty_minutes_is_learnt_and_soon_not_silent(desk: Desk) -> None:
    """Polled every ten minutes, it repeats itself three times out of four: that is its own pace."""
    ticker = desk.worker()
    states = []
    for snapshot in islice(riders(12 * 60, per_hour=6), 0, None, 40):
        desk.tick(ticker, fresh(snapshot), after=timedelta(minutes=10))
        for _ in range(3):
            desk.tick(ticker, nothing(), after=timedelta(minutes=10))
            states.append(desk.state()[0])
    assert "silent" in states[:6], "nobody knows its pace yet"
    assert set(states[12:]) == {"live"}
    copy = ticker.working_copy
    assert copy is not None
    assert copy.forecaster is not None
    assert copy.forecaster.components["long"].events.sum() > 20
    outages = ticker.store.scores.outages(ticker.system.system_id)
    assert all(outage.end - outage.start <= timedelta(minutes=40) for outage in outages)
    assert len(outages) <= 2
