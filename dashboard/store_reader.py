"""The only door to the store. A frame never changes, so it is decoded once and kept under its version."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from ingest.store import (
    HOUR,
    Failure,
    Health,
    IssuedForecast,
    Oddity,
    Outage,
    Playback,
    Store,
    SystemState,
)
from ingest.system import System
from model.frame import Frame
from model.records import Drift

if TYPE_CHECKING:
    from dashboard.pipeline import Pipeline

ISSUED_AHEAD = timedelta(minutes=30)
"""How long before its target time a forecast was issued that pages lay beside its truth."""

DUE_WITHIN = timedelta(hours=4)
"""How long ago the target times of those forecasts may lie."""

GLANCE = timedelta(seconds=1)
"""How old an answer about all systems may be where many ask."""

LOOK = timedelta(seconds=10)
"""How old the sums over a day's polls may be."""

DAY = timedelta(hours=24)

Clock = Callable[[], datetime]

STALE_AFTER = timedelta(minutes=10)
"""Counts older than this are drawn faded, whatever the feed says of itself."""


def zone_of(name: str) -> ZoneInfo:
    """Give a time zone; UTC where its name means nothing on this machine.

    >>> zone_of("Europe/Atlantis").key
    'UTC'
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _wall() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class View:
    """A system as it stands: its feed's state and, once it has answered, the newest frame.

    `now` is the system's own time, which runs `speed` times as fast as the wall clock. `age` is how far its
    newest counts lie behind `now`. `next_in` is how long until the next poll, on the wall clock.
    """

    system: System
    state: SystemState
    version: int | None
    frame: Frame | None
    now: datetime
    next_in: timedelta | None

    @property
    def age(self) -> timedelta:
        """How old the newest counts are; 0 before there are any."""
        return max(self.now - self.frame.at, timedelta(0)) if self.frame is not None else timedelta(0)

    @property
    def stale(self) -> bool:
        """Tell whether the counts are old: the feed repeats itself, or missed ten minutes and five polls."""
        between = timedelta(seconds=self.system.poll_seconds * self.system.speed)
        return self.state.state == "silent" or self.age > max(STALE_AFTER, 5 * between)

    @property
    def zone(self) -> ZoneInfo:
        """The city's time zone; UTC where the name means nothing on this machine."""
        return zone_of(self.frame.stations.timezone if self.frame is not None else "UTC")

    def column(self, minutes: float) -> int | None:
        """Find the frame's horizon for an arrival so many minutes from now; None beyond what it reaches.

        The frame counts from its own counts, not from now. A feed that fell silent is therefore answered from
        ever later horizons, whose odds are wider, and at last not at all.
        """
        if self.frame is None:
            return None
        ahead = minutes + self.age / timedelta(minutes=1)
        horizons = self.frame.minutes
        return int(np.abs(horizons - ahead).argmin()) if ahead <= horizons[-1] else None


class Reading:
    """What the pages and the API read of a store. Writes nothing but how a city is played; thread-safe."""

    def __init__(self, store: Store, clock: Clock = _wall) -> None:
        self._store = store
        self._clock = clock
        # 2 MB a frame at 2,000 stations; a page asks for the newest of its city.
        self._frame = lru_cache(maxsize=32)(self._decode)
        self._totals = lru_cache(maxsize=64)(self._add_up)  # 10 kB each
        self._issued = lru_cache(maxsize=512)(self._decode_issued)  # 30 bytes a station each
        self._glance: tuple[datetime, dict[str, tuple[System, SystemState]]] | None = None
        self._glancing = Lock()
        self._health: tuple[datetime, tuple[str, ...], Health] | None = None
        self._examining = Lock()
        self._pipeline = lru_cache(maxsize=8)(self._unpack)  # 4 MB each at 2,000 stations
        self._unpacking = Lock()

    def _decode(self, system_id: str, version: int) -> Frame:
        # A number from an address may be too large for the database to be asked.
        found = self._store.frame(system_id, version) if version < 2**31 else None
        if found is None:
            raise LookupError(f"{system_id} has no frame {version} any more")
        try:
            return Frame.from_bytes(found[1])
        except ValueError as error:
            raise LookupError(f"frame {version} of {system_id} was made by another release") from error

    def frame(self, system_id: str, version: int) -> Frame:
        """Fetch a frame by its version.

        Raises `LookupError` when there is none, or none any more.
        """
        return self._frame(system_id, version)

    def systems(self) -> list[System]:
        """List the followed systems in their order."""
        return self._store.systems()

    def states(self) -> dict[str, SystemState]:
        """Tell how every feed is doing."""
        return self._store.states()

    def history(
        self, system_id: str, station_id: str, start: datetime, end: datetime
    ) -> list[tuple[datetime, int, int]]:
        """Fetch one station's changes as `(at, bikes, docks)`, the one that held at the start among them."""
        return self._store.history(system_id, station_id, start, end)

    def issued_forecasts(
        self, system_id: str, ahead: timedelta = ISSUED_AHEAD, within: timedelta = DUE_WITHIN
    ) -> list[IssuedForecast]:
        """Fetch the forecasts issued so long `ahead` of a target time that passed lately, oldest first."""
        state = self._store.state(system_id)
        if state is None or state.at is None:
            return []
        found = []
        for at in self._store.issued_at(system_id):
            if state.at - within <= at + ahead <= state.at:
                with suppress(LookupError):
                    found.append(self._issued(system_id, at, ahead))
        return found

    def forecasts_and_truth(self, system_id: str, ahead: timedelta) -> pd.DataFrame:
        """Lay the forecasts whose target time passed lately beside their truth, newest first."""
        return self._store.beside_truth(system_id, reversed(self.issued_forecasts(system_id, ahead)))

    def _decode_issued(self, system_id: str, at: datetime, ahead: timedelta) -> IssuedForecast:
        blob = self._store.issued_forecast(system_id, at)
        try:
            return IssuedForecast.of(Frame.from_bytes(blob or b""), ahead)
        except ValueError as error:
            raise LookupError(f"the forecast for {system_id} issued at {at} cannot be read") from error

    def scores(
        self,
        system_id: str | None = None,
        span: int = HOUR,
        *,
        minutes: Sequence[int] | None = None,
        models: Sequence[str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> pd.DataFrame:
        """Fetch the sums of scores over time: see `Store.scores`."""
        return self._store.scores(system_id, span, minutes=minutes, models=models, since=since, until=until)

    def score_totals(self, system_id: str | None, span: int, since: datetime) -> pd.DataFrame:
        """Fetch the sums of scores by model and horizon: see `Store.score_totals`.

        Asked once a frame of a city, and for all cities together once a minute, whoever looks.
        """
        known = self.glance().get(system_id) if system_id is not None else None
        stamp = known[1].frame_version if known is not None else self._clock().timestamp() // 60
        return self._totals(system_id, span, since, stamp)

    def _add_up(self, system_id: str | None, span: int, since: datetime, stamp: float | None) -> pd.DataFrame:
        return self._store.score_totals(system_id, span, since=since)

    def station_scores(self, system_id: str, minutes: int) -> pd.DataFrame:
        """Fetch the sums of a horizon's scores by day, model and station, as far back as they are kept."""
        return self._store.station_scores(system_id, minutes=minutes)

    def calibration(self, system_id: str, minutes: int) -> pd.DataFrame:
        """Fetch the counts of what was stated of a horizon and what came, as far back as they are kept."""
        return self._store.calibration(system_id, minutes=minutes)

    def drifts(self, system_id: str, since: datetime | None = None) -> list[Drift]:
        """List the drifts noticed after a time, oldest first."""
        return self._store.drifts(system_id, since)

    def outages(self, system_id: str, since: datetime | None = None) -> list[Outage]:
        """List when a feed was down, oldest first."""
        return self._store.outages(system_id, since)

    def wall(self) -> datetime:
        """Tell what time it is on the wall clock."""
        return self._clock()

    def health(self, ids: Sequence[str]) -> Health:
        """Tell how feeds have been doing for a day, as of a few seconds ago: for what many ask at once."""
        wall, key = self._clock(), tuple(ids)
        with self._examining:
            known = self._health
            if known is None or known[1] != key or not timedelta(0) <= wall - known[0] < LOOK:
                known = self._health = (wall, key, self._store.health(key, wall - DAY))
            return known[2]

    def oddities(self, system_id: str) -> list[Oddity]:
        """List what was odd in a feed's answers of the last day, by kind, the newest first."""
        return self._store.oddities(system_id, self._clock() - DAY)

    def last_failure(self, system_id: str) -> Failure | None:
        """Fetch a feed's last poll of the last day that failed; None where none did."""
        return self._store.last_failure(system_id, self._clock() - DAY)

    def pipeline(self, system_id: str) -> Pipeline | None:
        """Look into a system's forecaster as it was last written down; None before that was ever done.

        Raises `LookupError` where what was written cannot be read.
        """
        at = self._store.checkpoint_at(system_id)
        if at is None:
            return None
        with self._unpacking:  # a second of work and much memory at 2,000 stations: one at a time, and once
            return self._pipeline(system_id, at)

    def _unpack(self, system_id: str, at: datetime) -> Pipeline | None:
        # Here alone, since River brings 70 MB along: an app whose model page nobody opens does without.
        from dashboard.pipeline import Pipeline
        from model.checkpoint import StateError
        from model.forecaster import Forecaster

        found = self._store.checkpoint(system_id)
        try:
            return None if found is None else Pipeline.of(Forecaster.from_bytes(found.blob), len(found.blob))
        except StateError as error:
            raise LookupError(f"what was learnt of {system_id} until {at} cannot be read: {error}") from error

    def playback(self, system_id: str) -> Playback | None:
        """Tell what is wanted of a played system; None before the worker has begun it."""
        return self._store.playback(system_id)

    def play(self, system_id: str, change: Callable[[Playback, datetime], Playback]) -> None:
        """Change what is wanted of a played system: the one thing that a page writes."""
        wanted = self._store.playback(system_id)
        if wanted is not None:
            self._store.play(system_id, change(wanted, self._clock()))

    def working(self) -> bool:
        """Tell whether a worker is at work."""
        return self._store.lease_holder(self._clock()) is not None

    def glance(self) -> dict[str, tuple[System, SystemState]]:
        """Tell how every followed system stood a second ago at most: for what many ask at once."""
        with self._glancing:
            wall = self._clock()
            if self._glance is None or not timedelta(0) <= wall - self._glance[0] < GLANCE:
                states = self._store.states()
                rows = {row.system_id: row for row in self._store.systems()}
                self._glance = (wall, {key: (row, states[key]) for key, row in rows.items() if key in states})
            return self._glance[1]

    def time(self, system: System, state: SystemState) -> datetime:
        """Tell a system's own time, which runs `speed` times as fast as the wall clock since its counts."""
        wall = self._clock()
        if state.at is None or state.received_at is None:
            return wall
        return state.at + (wall - state.received_at) * system.speed

    def view(self, system: System, state: SystemState | None = None) -> View:
        """Read how a system stands now. Costs one narrow query unless there is a new frame.

        Whoever knows the system's state already gives it, and it costs none.
        """
        wall = self._clock()
        # A played system may have another speed since the page was drawn.
        fresh = self.glance().get(system.system_id)
        system = system if fresh is None else fresh[0]
        state = state or self._store.state(system.system_id)
        if state is None:
            state = SystemState(system.system_id, "waiting", None, None, None, None, None, 0, None, None)
        version, frame = state.frame_version, None
        if version is not None:
            # A frame that cannot be had is as good as none: the next tick brings one.
            with suppress(LookupError):
                frame = self.frame(system.system_id, version)
        now = wall if frame is None else self.time(system, state)
        next_in = None if state.next_poll_at is None else state.next_poll_at - wall
        return View(system, state, version, frame, now, next_in)


_open: list[Reading] = []


def use(store: Store, clock: Clock = _wall) -> Reading:
    """Give all pages their store: once, at the front door."""
    _open[:] = [Reading(store, clock)]
    return _open[0]


def reading() -> Reading:
    """Give back the reading that `use` opened."""
    if not _open:
        raise RuntimeError("no store is open: start Dockcast with `streamlit run app.py`")
    return _open[0]
