"""How pages and the API read the store: decoded frames, clocks of systems, and caches that viewers share.

A frame never changes, so it is decoded once and kept under its version. Everything that needs no more than a
query is read from `reader().store`, sums of scores from `reader().scores`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from secrets import token_hex
from threading import Lock
from typing import TYPE_CHECKING, Generic, Literal, TypeVar
from zoneinfo import ZoneInfo

from dashboard.score_reader import ScoreReader
from ingest.store import (
    Begin,
    Failure,
    Health,
    IssuedForecast,
    Oddity,
    Playback,
    Store,
    SystemState,
)
from ingest.system import System, zone_of
from model.arrays import Floats, Ints
from model.frame import Frame
from model.gaps import SHORT
from model.globe import kilometres
from model.moments import frame_at, frame_on_arrival
from model.trip import Point

if TYPE_CHECKING:
    import pandas as pd

    from dashboard.pipeline import Pipeline

ISSUED_AHEAD = timedelta(minutes=30)
"""How long before its target time a forecast was issued that pages lay beside its truth."""

DUE_WITHIN = timedelta(hours=4)
"""How long ago the target times of those forecasts may lie."""

OVERVIEW_AGE = timedelta(seconds=1)
"""How old the overview of all systems may be."""

HEALTH_AGE = timedelta(seconds=10)
"""How old the sums over a day's polls may be."""

DAY = timedelta(hours=24)

BEGIN_PAUSE = timedelta(seconds=30)
"""How soon after a played city began anew it may do so again."""

_MOST_PLACES = 10_000
JUMP_SECONDS = 10
"""Seconds of the wall clock by which a played city may lag behind its playback without a jump."""

T = TypeVar("T")

Clock = Callable[[], datetime]

STEP_MINUTES = 5
"""Pages and the API read a frame in steps of so many minutes after its counts."""

REACH_MINUTES = 30
"""How many minutes after the last horizon an arrival may lie: its odds hold, which change slowly there."""

STALE_AFTER = timedelta(minutes=10)
"""Counts older than this are stale, whatever the feed's state."""


def wall_clock() -> datetime:
    """Give the time, as aware UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class View:
    """A system now: its feed's state and, once the feed has answered, the newest frame.

    `now` is the system's own time, which runs `speed` times as fast as the wall clock. `age` is how far its
    newest counts lie behind `now`. `next_in` is the wall time until the next poll.
    """

    system: System
    state: SystemState
    version: int | None
    frame: Frame | None
    now: datetime
    next_in: timedelta | None

    @property
    def age(self) -> timedelta:
        """The age of the newest counts; 0 before there are any."""
        return max(self.now - self.frame.at, timedelta(0)) if self.frame is not None else timedelta(0)

    @property
    def stale(self) -> bool:
        """Tell whether the counts are old: the feed repeats itself, or missed ten minutes and five polls."""
        between = timedelta(seconds=self.system.poll_seconds * self.system.speed)
        return self.state.state == "silent" or self.age > max(STALE_AFTER, 5 * between)

    @property
    def zone(self) -> ZoneInfo:
        """The city's time zone; UTC where this machine does not know its name."""
        return zone_of(self.frame.stations.timezone if self.frame is not None else "UTC")

    @property
    def reach(self) -> datetime | None:
        """The last moment that is forecast; None before there are counts."""
        if self.frame is None:
            return None
        return self.frame.at + timedelta(minutes=int(self.frame.minutes[-1]) + REACH_MINUTES)

    def ahead(self, minutes: float) -> float | None:
        """Give the minutes from the counts to an arrival in so many minutes; None where it is too late.

        Horizons count from the frame's own counts, not from now. Where a feed fell silent, an arrival takes
        ever later horizons, whose odds are wider, and at last none.
        """
        if self.frame is None:
            return None
        ahead = minutes + self.age / timedelta(minutes=1)
        return ahead if ahead <= self.frame.minutes[-1] + REACH_MINUTES else None

    def horizon(self, minutes: float) -> int | None:
        """Give the horizon of an arrival in so many minutes, in steps of five; None where it is too late."""
        ahead = self.ahead(minutes)
        if self.frame is None or ahead is None:
            return None
        return min(STEP_MINUTES * round(ahead / STEP_MINUTES), int(self.frame.minutes[-1]))


@dataclass(frozen=True)
class Staging:
    """What a played city is on its way to: a jump, or a new beginning, with a month learnt or from nothing.

    `at` is the time in the city where it goes to. `progress`, from 0 to 1, is how much of the way is learnt;
    None where nothing is known of it yet.
    """

    kind: Literal["begin", "nothing", "jump", "waits"]
    at: datetime
    progress: float | None


class Shared(Generic[T]):
    """Keeps an answer that viewers share for some time, with the question that it answers. Thread-safe."""

    def __init__(self, clock: Clock, age: timedelta) -> None:
        self._clock = clock
        self._age = age
        self._lock = Lock()
        self._kept: tuple[datetime, object, T] | None = None

    def get(self, key: object, ask: Callable[[datetime], T]) -> T:
        """Give the answer to the question `key`; `ask`, with the time, where none is young enough."""
        with self._lock:
            wall, kept = self._clock(), self._kept
            if kept is None or kept[1] != key or not timedelta(0) <= wall - kept[0] < self._age:
                kept = self._kept = (wall, key, ask(wall))
            return kept[2]


class StoreReader:
    """Reads a store for the pages and the API, and sets how a city is played. Thread-safe.

    `store` answers plain queries. `clock` is the wall clock.
    """

    def __init__(self, store: Store, clock: Clock = wall_clock) -> None:
        self.store = store
        self.clock = clock
        self.scores = ScoreReader(store, self._stamp)
        # 2 MB a frame at 2,000 stations; a page asks for the newest of its city.
        self._frame = lru_cache(maxsize=32)(self._decode)
        self._moment = lru_cache(maxsize=64)(self._read)  # 20 bytes a station each
        self._places: dict[str, Point] = {}
        self._places_lock = Lock()
        self._begun: dict[str, datetime] = {}
        self._cities: dict[str, tuple[Floats, Floats]] = {}
        self._issued = lru_cache(maxsize=512)(self._decode_issued)  # 30 bytes a station each
        self._overview = Shared[dict[str, tuple[System, SystemState]]](clock, OVERVIEW_AGE)
        self._health = Shared[Health](clock, HEALTH_AGE)
        self._oddities = Shared[dict[str, list[Oddity]]](clock, HEALTH_AGE)
        self._round_trips = Shared[frozenset[str]](clock, HEALTH_AGE)
        self._pipeline = lru_cache(maxsize=8)(self._unpack)  # 4 MB each at 2,000 stations
        self._pipeline_lock = Lock()

    # ---------------------------------------------------------------- frames and forecasts

    def frame(self, system_id: str, version: int) -> Frame:
        """Fetch a frame by its version.

        Raises `LookupError` where it is not kept, or another release made it.
        """
        return self._frame(system_id, version)

    def frame_at(self, system_id: str, version: int, horizon: int) -> Frame:
        """Fetch a frame with one horizon alone, at any minute after its counts.

        Raises `LookupError` as `frame` does.
        """
        return self._moment(system_id, version, horizon)

    def _read(self, system_id: str, version: int, horizon: int) -> Frame:
        return frame_at(self.frame(system_id, version), [horizon])

    def moment(self, view: View, minutes: float) -> tuple[View, int | None]:
        """Read a view at an arrival in so many minutes: its frame has that horizon alone, at place 0.

        A view without a forecast for that moment stays as it is, and the place is None.
        """
        horizon = view.horizon(minutes)
        if horizon is None or view.version is None:
            return view, None
        return replace(view, frame=self.frame_at(view.system.system_id, view.version, horizon)), 0

    def on_foot(self, view: View, walk: Ints, minutes: float) -> tuple[View, int | None]:
        """Read a view for somebody who sets out on foot in so many minutes; `walk` are the minutes `(S,)`.

        The one horizon of its frame is that of the arrival at each station. As `moment` otherwise.
        """
        if view.frame is None or view.horizon(minutes) is None:
            return view, None
        away = round(minutes + view.age / timedelta(minutes=1))
        return replace(view, frame=frame_on_arrival(view.frame, away + walk)), 0

    def keep_place(self, place: Point) -> str:
        """Keep a viewer's place in memory, and give the name by which the map asks for what is near it.

        Nobody can guess the name, and no address has the place. The oldest of 10,000 are forgotten.
        """
        name = token_hex(12)
        with self._places_lock:
            self._places[name] = place
            while len(self._places) > _MOST_PLACES:
                self._places.pop(next(iter(self._places)))
        return name

    def place(self, name: str) -> Point | None:
        """Give a viewer's place by its name; None where it is forgotten."""
        return self._places.get(name)

    def nearest_city(self, place: Point, other_than: str) -> tuple[System, float] | None:
        """Find the followed city, but for made-up ones, with the station nearest to a place, and the km."""
        found: list[tuple[float, System]] = []
        for system_id, (system, state) in self.overview().items():
            if system_id == other_than or system.is_made_up or state.frame_version is None:
                continue
            with suppress(LookupError):
                lat, lon = self._where(system_id, state.frame_version)
                if len(lat):
                    found.append((float(kilometres(place, (lat, lon)).min()), system))
        return min(((system, km) for km, system in found), key=lambda each: each[1], default=None)

    def _where(self, system_id: str, version: int) -> tuple[Floats, Floats]:
        """Give the places of a city's stations as they were when they were asked for first."""
        if system_id not in self._cities:
            stations = self.frame(system_id, version).stations
            self._cities[system_id] = stations.lat, stations.lon
        return self._cities[system_id]

    def _decode(self, system_id: str, version: int) -> Frame:
        # A number from an address may be too large for a column of the database.
        blob = self.store.frames.get(system_id, version) if version < 2**31 else None
        if blob is None:
            raise LookupError(f"{system_id} has no frame {version} any more")
        try:
            return Frame.from_bytes(blob)
        except ValueError as error:
            raise LookupError(f"frame {version} of {system_id} was made by another release") from error

    def issued_forecasts(
        self, system_id: str, ahead: timedelta = ISSUED_AHEAD, within: timedelta = DUE_WITHIN
    ) -> list[IssuedForecast]:
        """Fetch the forecasts issued so long `ahead` of a target time that passed lately, oldest first."""
        state = self.store.systems.state(system_id)
        if state is None or state.at is None:
            return []
        # A renumbering writes them again, under the same issue times.
        known = None
        with suppress(LookupError):
            known = self.frame(system_id, state.frame_version or 0).stations
        stamp = 0 if known is None else hash((known.station_id.tobytes(), known.name.tobytes()))
        found = []
        for at in self.store.issued_forecasts.issue_times(system_id):
            if state.at - within <= at + ahead <= state.at:
                with suppress(LookupError):
                    found.append(self._issued(system_id, at, ahead, stamp))
        return found

    def _decode_issued(self, system_id: str, at: datetime, ahead: timedelta, stamp: int) -> IssuedForecast:
        blob = self.store.issued_forecasts.get(system_id, at)
        try:
            return IssuedForecast.of(Frame.from_bytes(blob or b""), ahead)
        except ValueError as error:
            raise LookupError(f"the forecast for {system_id} issued at {at} cannot be read") from error

    def forecasts_and_truth(self, system_id: str, ahead: timedelta) -> pd.DataFrame:
        """Lay the forecasts whose target time passed lately beside their truth, newest first."""
        forecasts = reversed(self.issued_forecasts(system_id, ahead))
        return self.store.issued_forecasts.beside_truth(system_id, forecasts)

    # ---------------------------------------------------------------- answers that viewers share

    def overview(self) -> dict[str, tuple[System, SystemState]]:
        """Give every followed system and its state, in their order, a second old at most."""
        return self._overview.get(None, self._look_over)

    def _look_over(self, wall: datetime) -> dict[str, tuple[System, SystemState]]:
        states = self.store.systems.states()
        rows = {row.system_id: row for row in self.store.systems.followed()}
        return {key: (row, states[key]) for key, row in rows.items() if key in states}

    def _stamp(self, system_id: str | None) -> float | None:
        """Give what changes with a system's frames, or once a minute for all systems together."""
        known = self.overview().get(system_id) if system_id is not None else None
        return known[1].frame_version if known is not None else self.clock().timestamp() // 60

    def health(self, ids: Sequence[str]) -> Health:
        """Sum up how feeds have been doing for a day, as of ten seconds ago at most."""
        key = tuple(ids)
        return self._health.get(key, lambda wall: self.store.feed_health.health(key, wall - DAY))

    def oddities(self, ids: Sequence[str]) -> dict[str, list[Oddity]]:
        """List what is odd in feeds, by system, as of ten seconds ago at most."""
        key = tuple(ids)
        return self._oddities.get(key, lambda wall: self.store.findings.oddities(key, wall))

    def round_trips(self) -> frozenset[str]:
        """Give the systems that have no one-way trip, as of ten seconds ago at most."""
        return self._round_trips.get(None, lambda wall: self.store.systems.round_trips())

    def unobserved(self, view: View, since: datetime) -> list[tuple[datetime, datetime]]:
        """List the times `(start, end)` after `since` when nobody saw the counts of a city, oldest first.

        A live feed has outages. What a played city has jumped over is no outage, since it was learnt from its
        source; but nothing of it is in the log.
        """
        system, store = view.system, self.store
        gaps = [(outage.start, outage.end) for outage in store.scores.outages(system.system_id, since)]
        if system.is_played and view.frame is not None:
            times = [
                since - DAY,
                *store.observations.poll_times(system.system_id, since - DAY, view.frame.at),
            ]
            gaps += [(before, after) for before, after in pairwise(times) if after - before > SHORT]
        return sorted(gaps)

    def last_failure(self, system_id: str) -> Failure | None:
        """Fetch a feed's last poll of the last day that failed; None where none did."""
        return self.store.feed_health.last_failure(system_id, self.clock() - DAY)

    def pipeline(self, system_id: str) -> Pipeline | None:
        """Look into a system's forecaster as of its newest checkpoint; None before the first.

        Raises `LookupError` where the checkpoint cannot be read.
        """
        at = self.store.checkpoints.newest_at(system_id)
        if at is None:
            return None
        with self._pipeline_lock:  # it takes a second and much memory at 2,000 stations: one at a time
            return self._pipeline(system_id, at)

    def _unpack(self, system_id: str, at: datetime) -> Pipeline | None:
        # Imported here, since River takes 70 MB: an app whose model page nobody opens does without.
        from dashboard.pipeline import Pipeline
        from model.checkpoint import StateError
        from model.forecaster import Forecaster

        found = self.store.checkpoints.newest(system_id)
        try:
            return None if found is None else Pipeline.of(Forecaster.from_bytes(found.blob), len(found.blob))
        except StateError as error:
            raise LookupError(f"what was learnt of {system_id} until {at} cannot be read: {error}") from error

    # ---------------------------------------------------------------- systems and their clocks

    def has_frame(self) -> bool:
        """Tell whether any followed system has a frame to show."""
        return any(state.frame_version is not None for _, state in self.overview().values())

    def has_worker(self) -> bool:
        """Tell whether a worker is at work."""
        return self.store.leases.holder(self.clock()) is not None

    def is_preparing(self) -> bool:
        """Tell whether a worker compiles the forecaster before its first tick."""
        return self.store.preparations.holder(self.clock()) is not None

    def play(self, system_id: str, change: Callable[[Playback, datetime], Playback]) -> None:
        """Change how a system is to be played. Beside it pages write only `ask_for_try`."""
        playback = self.store.playback.get(system_id)
        if playback is not None:
            self.store.playback.set(system_id, change(playback, self.clock()))

    def begin_anew(self, system_id: str, begin: Begin) -> bool:
        """Have a played city begin anew; False, and nothing done, so soon after the last time.

        To begin anew costs the worker a month of learning, and everybody sees it.
        """
        now, last = self.clock(), self._begun.get(system_id)
        if last is not None and timedelta(0) <= now - last < BEGIN_PAUSE:
            return False
        self._begun[system_id] = now
        self.play(system_id, lambda playback, _: playback.anew(begin))
        return True

    def zone(self, system_id: str) -> ZoneInfo:
        """Give a city's time zone, also before it has a frame; UTC where it is not known."""
        return zone_of(self.store.systems.timezones().get(system_id, "UTC"))

    def staging(self, system: System) -> Staging | None:
        """Tell what a played city is on its way to; None while it is simply played, or stands still."""
        playback = self.store.playback.get(system.system_id)
        state = self.store.systems.state(system.system_id)
        if playback is None or state is None:
            return None
        at, progress = playback.now(self.clock()), self.store.playback.progress(system.system_id)
        if state.at is None or playback.run != playback.begun:
            return Staging("nothing" if playback.begin == "nothing" else "begin", at, progress)
        ahead = at - state.at
        if progress is None and ahead <= max(SHORT, JUMP_SECONDS * timedelta(seconds=1) * playback.speed):
            return None
        return Staging("waits" if playback.paused else "jump", at, progress)

    def ask_for_try(self, system_id: str) -> None:
        """Write that somebody wants a feed to be tried now, unless that is written already."""
        state = self.store.systems.state(system_id)
        if state is not None and not self.is_asked_for(state):
            self.store.tries.ask(system_id, self.clock())

    def is_asked_for(self, state: SystemState) -> bool:
        """Tell whether somebody has asked for a try since the last one."""
        at = self.store.tries.asked_at().get(state.system_id)
        return at is not None and (state.last_try_at is None or at > state.last_try_at)

    def system_time(self, system: System, state: SystemState) -> datetime:
        """Give a system's own time: the wall's for a live feed, which may be hours behind.

        The time of a played or replayed system runs `speed` times as fast since its counts.
        """
        wall = self.clock()
        if not system.label or state.at is None or state.received_at is None:
            return wall
        return state.at + (wall - state.received_at) * system.speed

    def view(self, system: System, state: SystemState | None = None) -> View:
        """Read a system as it is now. Costs one narrow query unless there is a new frame.

        A caller that knows the system's state gives it, and saves the query.
        """
        wall = self.clock()
        # A played system may have another speed since the page was drawn.
        fresh = self.overview().get(system.system_id)
        system = system if fresh is None else fresh[0]
        state = state or self.store.systems.state(system.system_id)
        if state is None:
            state = SystemState(system.system_id, "waiting", None, None, None, None, None, 0, None, None)
        # Of a city that begins anew the old frame is there still, of a time that no clock shows any more.
        version, frame = state.frame_version if state.at is not None else None, None
        if version is not None:
            # A frame that cannot be had is as good as none: the next tick brings one.
            with suppress(LookupError):
                frame = self.frame(system.system_id, version)
        now = wall if frame is None else self.system_time(system, state)
        next_in = None if state.next_poll_at is None else state.next_poll_at - wall
        return View(system, state, version, frame, now, next_in)


_readers: list[StoreReader] = []


def use(store: Store, clock: Clock = wall_clock) -> StoreReader:
    """Open the reader of all pages and the API: once, at the front door."""
    _readers[:] = [StoreReader(store, clock)]
    return _readers[0]


def reader() -> StoreReader:
    """Give the reader that `use` opened."""
    if not _readers:
        raise RuntimeError("no store is open: start Dockcast with `streamlit run app.py`")
    return _readers[0]
