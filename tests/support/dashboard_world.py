"""A small world for the dashboard's tests: made-up frames in a real store, at a clock that stands still."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from ingest.gbfs.findings import Finding
from ingest.store import LeaseClaim, PollResult, PollRow, Reason, Store, TickResult, findings_json
from ingest.store.issued_forecasts import is_due
from ingest.system import System
from model.frame import MINUTES, Frame, Outlook
from model.records import CountState, Snapshot, Stations
from tests.support.store_world import store_url

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LEASE = timedelta(minutes=2)
NASTY = "![x](http://evil.example/x.png) <b>Quay</b> $x$ {5}"

DUBLIN = System("dublin", "dublinbikes", "Dublin", "IE", "http://127.0.0.1:1/gbfs.json", 60, 1.0, "")
BOULDER = replace(DUBLIN, system_id="boulder", name="BCycle", city="Boulder", country="US", label="replayed")


def outlook(counts: np.ndarray, seed: int) -> Outlook:
    """Make up a forecast that drifts and widens: certain now, a coin toss in the evening."""
    minutes = np.array(MINUTES)[:, None]
    pull = np.random.default_rng(seed).normal(0, 0.05, len(counts))[None]
    median = np.clip(np.rint(counts + pull * minutes), 0, 30).astype(np.int16)
    spread = np.rint(np.sqrt(minutes) / 3).astype(np.int16)
    low, high = np.clip(median - spread, 0, 30), np.clip(median + spread, 0, 30)
    chance = np.stack(
        [
            np.where(minutes == 0, 100 * (counts >= n), 50 + 50 * np.tanh((median - n + 0.5) / (1 + spread)))
            for n in (1, 2, 3, 4)
        ]
    )
    return Outlook(median, low, high, np.rint(chance).astype(np.uint8))


def frame(
    system_id: str = "dublin",
    stations: int = 12,
    at: datetime = NOON,
    centre: tuple[float, float] = (53.345, -6.265),
    timezone: str = "Europe/Dublin",
    **changes: Any,
) -> Frame:
    """Make up a frame. Station `s0` has an unpleasant name, `s1` is closed, and `s2` is unknown."""
    rng = np.random.default_rng(stations)
    bikes = rng.integers(0, 12, stations).astype(np.int16)
    docks = (15 - bikes).astype(np.int16)
    bike, space = outlook(bikes, 1), outlook(docks, 2)
    for side in (bike, space):
        side.chance[:, :, 2] = 255
        for part in (side.median, side.low, side.high):
            part[:, 2] = -1
    bikes[2] = docks[2] = -1
    open_now = np.arange(stations) != 1
    side_by_side = int(np.ceil(np.sqrt(stations)))
    made = Frame(
        at=at,
        learning_since=at - timedelta(minutes=14),
        stations=Stations(
            system_id=system_id,
            timezone=timezone,
            country="IE",
            station_id=np.array([f"s{i}" for i in range(stations)]),
            name=np.array([NASTY, *(f"Station {i}" for i in range(1, stations))]),
            lat=np.array([centre[0] + i // side_by_side * 0.004 for i in range(stations)]),
            lon=np.array([centre[1] + i % side_by_side * 0.006 for i in range(stations)]),
            capacity=np.full(stations, 15),
        ),
        minutes=np.array(MINUTES),
        bikes=bikes,
        docks=docks,
        ebikes=np.full(stations, -1, np.int16),
        renting=open_now,
        returning=open_now,
        bike=bike,
        space=space,
    )
    return replace(made, **changes)


def with_kinds(made: Frame) -> Frame:
    """Tell e-bikes apart: a third of the bikes of each station. Nothing is forecast beyond two hours."""
    share = {"plain_bike": 2 / 3, "ebike": 1 / 3}
    kinds: dict[str, Any] = {}
    far = made.minutes > 120
    for name, part in share.items():
        counts = [np.where(each < 0, -1, np.floor(each * part)).astype(np.int16)
                  for each in (made.bike.median, made.bike.low, made.bike.high)]  # fmt: skip
        chance = np.where(made.bike.chance == 255, 255, np.rint(made.bike.chance * part)).astype(np.uint8)
        for each in counts:
            each[far] = -1
        chance[:, far] = 255
        kinds[name] = Outlook(counts[0], counts[1], counts[2], chance)
    ebikes = np.where(made.bikes < 0, -1, made.bikes // 3).astype(np.int16)
    return replace(made, ebikes=ebikes, **kinds)


def dark(made: Frame, state: CountState = CountState.CONTRADICTED) -> Frame:
    """Let the count of station `s2` be unknown for 12 minutes, after 3 bikes and 12 spaces."""
    here = np.arange(len(made.bikes)) == 2
    for side in (made.bike, made.space):
        side.chance[:, :, 2] = 80
        for part in (side.median, side.low, side.high):
            part[:, 2] = 3
    since = int((made.at - timedelta(minutes=12)).timestamp())
    return replace(
        made,
        state=np.where(here, int(state), made.state).astype(np.uint8),
        last_bikes=np.where(here, 3, -1).astype(np.int16),
        last_docks=np.where(here, 12, -1).astype(np.int16),
        last_at=np.where(here, since, -1),
    )


class World:
    """A store with systems, and a clock that the test sets."""

    def __init__(self, path: Path, systems: tuple[System, ...] = (DUBLIN, BOULDER)) -> None:
        self.url = store_url(path)
        self.store = Store(self.url)
        self.store.systems.follow(systems)
        self.now = NOON

    def clock(self) -> datetime:
        return self.now

    def commit(self, made: Frame, received_at: datetime | None = None, **more: Any) -> int:
        """Write a frame with all its stations as observations, where a tick writes those that changed alone.

        `more` are other fields of the tick's result.
        """
        system_id, now = made.stations.system_id, received_at or self.now
        claim = LeaseClaim(system_id, "test", now, LEASE)
        assert self.store.leases.take(claim)
        poll = PollRow(now, made.at, "learnt", None, 0.1, "[]")
        changes = Snapshot(
            at=made.at,
            station_id=made.stations.station_id,
            bikes=made.bikes.astype(np.int64),
            docks=made.docks.astype(np.int64),
            ebikes=made.ebikes.astype(np.int64),
        )
        before = self.store.systems.state(system_id)
        keep = is_due(None if before is None else before.at, made.at)
        tick = TickResult(
            poll=poll,
            next_poll_at=now + timedelta(minutes=1),
            changes=changes,
            frame=made.to_bytes(),
            learning_since=made.learning_since,
            scores=[],
            stations=made.stations,
            checkpoint=None,
            issued=made.to_bytes() if keep else None,
        )
        return self.store.commit_tick(claim, replace(tick, **more))

    def find(self, system_id: str, *found: Finding) -> None:
        """Write a poll that brought nothing new, with these findings."""
        claim = LeaseClaim(system_id, "test", self.now, LEASE)
        assert self.store.leases.take(claim)
        poll = PollRow(self.now, None, "unchanged", None, 0.1, findings_json(found), 60.0)
        self.store.commit_poll(claim, PollResult(poll, self.now + timedelta(minutes=1), None, 0))

    def fail(self, system_id: str, state: str, why: str | Reason, failures: int = 3) -> None:
        """Write a poll that failed, the next one being due in 40 s."""
        claim = LeaseClaim(system_id, "test", self.now, LEASE)
        assert self.store.leases.take(claim)
        told = Reason("sentence", {"text": why}) if isinstance(why, str) else why
        reason = told if why else None
        poll = PollRow(self.now, None, state, reason, 0.1, "[]")
        due = self.now + timedelta(seconds=40)
        self.store.commit_poll(claim, PollResult(poll, due, state, failures))
