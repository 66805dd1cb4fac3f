"""Runs one APScheduler job for each system, from start to stop.

A job runs at a date and then books the next one, because only the tick knows when the feed may be polled
again. Ticks run in a pool of threads, as many as needed up to a limit. A feed that answers slowly delays no
other: feeds that did so the last time have threads of their own, and few polls at a time ask one host.
"""

from __future__ import annotations

import ctypes
import logging
import math
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.base import STATE_RUNNING
from apscheduler.triggers.date import DateTrigger

from ingest import logs
from ingest.gbfs.feed import Feed
from ingest.http.client import Fetcher
from ingest.own.runner import OwnLimits, OwnModelRunner
from ingest.replay.open_source import open_source, recorded_systems
from ingest.replay.recording import RecordingError
from ingest.settings import Settings
from ingest.store import LeaseLostError, Store, StoreFailedError, spans_kept
from ingest.store.holder import new_holder
from ingest.system import System
from ingest.weather.open_meteo import WeatherFeed
from ingest.worker import schedule
from ingest.worker.host_limit import HostLimit
from ingest.worker.own_history import logged
from ingest.worker.player import Player
from ingest.worker.prepare import prepare
from ingest.worker.sharing import share
from ingest.worker.system_list import SystemList
from ingest.worker.tick import LEASE, STANDBY_INTERVAL, Ticker
from ingest.worker.turns import Turns

log = logging.getLogger(__name__)

STOP_WITHIN = 8.0
"""Seconds that running ticks have to end when the worker stops; the app waits ten."""

LOOK_EVERY = 10.0
"""Seconds between two looks at which systems are followed, and whether there are new recordings."""

CLOCK_EVERY = 5.0
"""Seconds between two checks whether somebody set the clock back."""

SOON = 60.0
"""Seconds within which the next tick of a system that another worker takes is made here."""

LOST_AFTER = 300.0
"""Seconds after which a tick that is due and has not begun counts as lost: no thread keeps it so long."""

THREADS, SLOW_THREADS = 128, 64
"""Ticks that may run at a time, and those besides whose feeds answered slowly the last time."""

SLOW = 5.0
"""Seconds from which on an answer is slow."""

AT_A_HOST = 8
"""Polls of systems of one host at a time, by all live workers: as many as one has connections there."""

WEATHERS = 4
"""Ticks that may wait for the weather at a time: one server has it for all systems."""

LATE, LATE_EVERY = 10.0, 60.0
"""Seconds from which on a tick is late, and for how long none may be before the worker says so."""

_ARENAS, _FROM_BYTES = (-8, 2), (-3, 2**20)
"""Arguments of glibc's mallopt: at most two heaps, and large arrays outside of them."""


def wall_clock() -> datetime:
    """Give the time, as aware UTC."""
    return datetime.now(UTC)


class Worker:
    """Follows systems until its caller stops it, or its share of them where other workers live.

    It writes its list of systems into the store at the start, and again when `system_list` has another. From
    then on the store says what is followed: commands, or another worker with a list of its own, may change
    that at any time. It follows a recording as soon as somebody puts it into `data/recordings`.
    """

    def __init__(
        self,
        store: Store,
        systems: Sequence[System],
        fetcher: Fetcher,
        settings: Settings,
        clock: Callable[[], datetime] = wall_clock,
        system_list: SystemList | None = None,
    ) -> None:
        self.holder = new_holder()
        self._store = store
        store.tell_outages()
        self._listed, self._is_written = list(systems), True
        self._system_list = system_list
        self._clock = clock
        self._settings = settings
        self._fetcher = fetcher
        # More ticks at a time would not be faster, and each takes memory for its forecasts.
        self._turn = Turns(os.cpu_count() or 1)
        self._tickers: dict[str, Ticker] = {}
        self._bookings: dict[Ticker, tuple[int, float]] = {}
        self._booking = threading.Lock()
        self._live: tuple[str, ...] = (self.holder,)
        self._leaving: frozenset[str] = frozenset()
        self._ending: set[str] = set()
        self._unplayable: set[str] = set()
        self._hosts: HostLimit[tuple[Ticker, float]] = HostLimit(AT_A_HOST)
        self._weather_turn = threading.BoundedSemaphore(WEATHERS)
        self._lateness = Lateness()
        self._renewed: tuple[datetime, frozenset[str]] = clock(), frozenset()
        self._scheduler = BackgroundScheduler(
            executors={
                "default": ThreadPoolExecutor(THREADS, {"thread_name_prefix": "tick"}),
                "slow": ThreadPoolExecutor(SLOW_THREADS, {"thread_name_prefix": "slow"}),
                # Never behind ticks that wait for their turn.
                "leases": ThreadPoolExecutor(1),
                "looks": ThreadPoolExecutor(1),
            },
            job_defaults={"misfire_grace_time": None},  # a late tick is better than none
            timezone=UTC,
        )

    def _ticker(self, system: System) -> Ticker:
        settings = self._settings
        more: dict[str, Any] = {
            "place": schedule.place(system.system_id),
            "checkpoint_seconds": settings.checkpoint_seconds,
            "keep": timedelta(days=settings.keep_days),
            "keep_scores": spans_kept(
                settings.keep_days, settings.keep_hourly_days, settings.keep_daily_days
            ),
            "turn": self._turn,
            "seed": settings.seed,
            "has_lease": self._has_lease,
            # What a feed asked of another worker holds for this one. A start is somebody's wish to try.
            "tries_at_once": not self._scheduler.running,
            "own": self._own_model(system.system_id),
            "keep_forecasts": timedelta(days=settings.keep_forecast_days),
        }
        if system.is_played:
            return Player(system, open_source(system), self._store, self.holder, self._clock, **more)
        feed = partial(Feed, system, self._fetcher, self._clock)
        weather = self._weather_feed(system)
        return Ticker(system, self._store, self.holder, feed, self._clock, weather=weather, **more)

    def _own_model(self, system_id: str) -> OwnModelRunner | None:
        settings = self._settings
        if not settings.own_model:
            return None
        limits = OwnLimits(settings.own_model, settings.own_seconds, settings.own_megabytes)
        return OwnModelRunner(limits, system_id, logged(self._store, system_id))

    def _look(self) -> None:
        """Take up what is followed now, by a command or a list, and new recordings."""
        try:
            self._read_list()
            new = recorded_systems(known={system.system_id for system in self._listed})
            if new:
                self._listed, self._is_written = self._listed + new, False
            if not self._is_written:
                self._store.systems.follow(self._listed)
                self._is_written = True
            followed, wanted = self._store.systems.followed(), self._store.tries.asked_at()
            others = self._others(followed)
            untaken = {row.system_id for row in followed} - others - self._tickers.keys()
            due = self._planned() if untaken and self._scheduler.running else {}
            strays = self._renewed[1] - self._tickers.keys() - self._ending
            if strays:  # they could not be given up before
                self._store.leases.drop(self.holder, *strays)
        except StoreFailedError as error:
            log.debug("the systems cannot be taken up: %s", error)
            return
        self._take_up(followed, others, due)
        for system_id, asked_at in wanted.items():
            if system_id in self._tickers:
                self._try_soon(self._tickers[system_id], asked_at)

    def _read_list(self) -> None:
        """Take the systems of a list that has changed in place of those before; recordings stay."""
        systems = None if self._system_list is None else self._system_list.changed(self._store)
        if systems is not None:
            ids = {system.system_id for system in systems}
            recorded = [row for row in self._listed if row.is_recorded and row.system_id not in ids]
            self._listed, self._is_written = systems + recorded, False

    def _try_soon(self, ticker: Ticker, asked_at: datetime) -> None:
        """Bring the next poll of a feed that failed forward, if somebody has asked for it since the last."""
        at, polled_at, now = ticker.may_try_at, ticker.asked_at, self._clock()
        if at is None or polled_at is None or asked_at <= polled_at:
            return
        wait = max((at - now).total_seconds(), 0.0)
        if wait + 1 < self._due_in(ticker) < math.inf:
            self._book(ticker, now + timedelta(seconds=wait), unless_running=True)

    def _planned(self) -> dict[str, datetime]:
        """Tell when the next poll of each system is due: what another worker left may be due already."""
        states = self._store.systems.states()
        return {each: state.next_poll_at for each, state in states.items() if state.next_poll_at is not None}

    def _others(self, followed: Sequence[System]) -> frozenset[str]:
        """Name the systems that are in the share of another live worker.

        Recordings are in nobody's: whoever has the files may play them. Raises an error of the store.
        """
        if len(self._live) == 1:
            return frozenset()
        stored = self._store.systems.sizes()
        sizes = {row.system_id: stored.get(row.system_id, 0) for row in followed if not row.is_recorded}
        shares = share(sizes, self._live)
        return frozenset(system_id for system_id, worker in shares.items() if worker != self.holder)

    def _take_up(
        self, followed: Sequence[System], others: frozenset[str], due: Mapping[str, datetime]
    ) -> None:
        """Begin to tick the systems that are followed now, and end with those that are not any more.

        What another worker shall have is handed over once its next tick has ended, or at once if that is far
        away: then there is time to load it before the next poll is due. What another worker has left is taken
        up no later than its next poll is due.
        """
        listed = {system.system_id: system for system in self._listed}
        wanted = {row.system_id: _better_known(row, listed.get(row.system_id)) for row in followed}
        self._leaving = others & self._tickers.keys()
        for system_id, ticker in list(self._tickers.items()):
            if _is_another(ticker.system, wanted.get(system_id)):
                self._let_go(ticker)
            elif system_id in others and SOON < self._due_in(ticker) < math.inf:
                self._let_go(ticker, to_another=True)
        # One that is followed again waits until its last tick has ended: a system has one ticker.
        busy = self._tickers.keys() | self._ending
        now, new = self._clock(), [row for row in followed if row.system_id not in busy | others]
        new.sort(key=lambda row: due.get(row.system_id, now))
        for number, row in enumerate(new):
            try:
                ticker = self._ticker(wanted[row.system_id])
            except (LookupError, RecordingError) as error:
                if row.system_id not in self._unplayable:
                    self._unplayable.add(row.system_id)
                    log.warning("%s: cannot be played here: %s", row.system_id, error)
                continue
            self._tickers[row.system_id] = ticker
            first = schedule.first(ticker.system, now, number)
            self._book(ticker, min(first, max(due.get(row.system_id, first), now)))

    def _due_in(self, ticker: Ticker) -> float:
        """Give the seconds until a system's next tick: infinite while one runs."""
        _, due = self._bookings.get(ticker, (0, math.inf))
        return due - time.monotonic()

    def _let_go(self, ticker: Ticker, to_another: bool = False) -> None:
        """End with a system that is not followed any more, or goes to another worker; a tick may run on."""
        system_id = ticker.system.system_id
        with self._booking:
            if self._tickers.get(system_id) is not ticker:
                return  # another thread has done so
            del self._tickers[system_id]
            _, due = self._bookings.pop(ticker)
            runs = due == math.inf
            if runs:
                self._ending.add(system_id)
        _close_own(ticker)
        if not runs:
            self._drop_lease(ticker, to_another)
        log.info("%s: %s", system_id, "handed over" if to_another else "not followed any more")

    def _drop_lease(self, ticker: Ticker, to_another: bool) -> None:
        system_id = ticker.system.system_id
        try:
            if to_another:
                ticker.save()
            self._store.leases.drop(self.holder, system_id)
            if not to_another:
                self._store.systems.rest()
        except LeaseLostError:
            log.debug("%s: another worker has it already", system_id)
        except StoreFailedError as error:
            log.warning("%s: its lease could not be given up: %s", system_id, error)

    def _weather_feed(self, system: System) -> WeatherFeed | None:
        """Open a weather feed for a live system; None for a recording or a made-up city."""
        if not self._settings.weather or system.label:
            return None
        return WeatherFeed(
            system.system_id, self._settings.weather, self._fetcher, self._clock, self._weather_turn
        )

    def _follow(self) -> list[System] | None:
        """Write the list into the store, and give what is followed; None where that is not possible now."""
        try:
            return self._store.systems.follow(self._listed)
        except StoreFailedError as error:
            log.debug("the systems cannot be taken up: %s", error)
            return None

    def run(self, stop: threading.Event) -> None:
        """Follow all systems until `stop` is set; then let running ticks end, and drop the leases."""
        while (followed := self._follow()) is None:
            if stop.wait(STANDBY_INTERVAL.total_seconds()):
                return
        prepare(self._store, self.holder, self._clock, stop)
        if stop.is_set():
            return
        self._renew()
        self._look()
        self._scheduler.add_job(self._renew, "interval", seconds=LEASE.total_seconds() / 4, executor="leases")
        self._scheduler.add_job(self._look, "interval", seconds=LOOK_EVERY, executor="looks")
        self._scheduler.start()
        log.info("following %d systems as %s", len(followed), self.holder)
        try:
            ahead = self._clock().timestamp() - time.monotonic()
            while not stop.wait(CLOCK_EVERY):
                before, ahead = ahead, self._clock().timestamp() - time.monotonic()
                if before - ahead > CLOCK_EVERY:
                    self._bring_forward(timedelta(seconds=before - ahead))
                self._look_for_the_lost()
                self._lateness.report()
        finally:
            self._stop()

    def _stop(self) -> None:
        # Jobs go first: APScheduler's own thread breaks when it is shut down while it holds a job.
        self._scheduler.pause()
        self._scheduler.remove_all_jobs()
        for ticker in list(self._tickers.values()):
            _close_own(ticker)
        ending = threading.Thread(target=self._end, daemon=True)
        ending.start()
        ending.join(STOP_WITHIN)
        if ending.is_alive():
            log.info("not waiting any longer for slow feeds")
        self._leave()
        try:
            # A tick that still runs cannot commit any more: it has no lease.
            self._store.leases.drop_all(self.holder)
        except StoreFailedError as error:
            log.warning("the leases could not be given up: %s", error)
        log.info("stopped")

    def _end(self) -> None:
        """Leave what is idle to other workers, what is due first at first; then wait for ticks that run."""
        if len(self._live) > 1:
            with self._booking:
                booked = sorted(self._bookings.items(), key=lambda item: item[1][1])
            self._leave()
            for ticker in (each for each, (_, due) in booked if due != math.inf):
                self._drop_lease(ticker, to_another=True)
        self._scheduler.shutdown()

    def _leave(self) -> None:
        """Take no more systems."""
        try:
            self._store.workers.leave(self.holder)
        except StoreFailedError as error:
            log.debug("other workers could not be told: %s", error)

    def _book(self, ticker: Ticker, at: datetime, *, unless_running: bool = False) -> None:
        # The job has no id of its own. APScheduler drops a job that is due before the job that booked it has
        # returned, if both have one id, and the system would never be polled again.
        with self._booking:
            if self._tickers.get(ticker.system.system_id) is not ticker:
                return  # not followed any more
            if unless_running and self._bookings.get(ticker, (0, 0.0))[1] == math.inf:
                return  # which books the next tick itself
            number = self._bookings.get(ticker, (0, 0.0))[0] + 1
            wait = (at - self._clock()).total_seconds()
            self._bookings[ticker] = number, time.monotonic() + wait
        self._scheduler.add_job(
            self._tick,
            DateTrigger(at),
            [ticker, number],
            name=ticker.system.system_id,
            executor=_lane(ticker),
        )

    def _tick(self, ticker: Ticker, number: int) -> None:
        """Tick a system, or have it wait where its host has enough to do."""
        with self._booking:
            booked, due = self._bookings.get(ticker, (0, 0.0))
            if number != booked or self._scheduler.state != STATE_RUNNING:
                return  # counted as lost, and booked anew; not followed any more; or the worker stops
            self._bookings[ticker] = number, math.inf
        if self._hosts.enter(_host(ticker.system), (ticker, due)):
            self._ask(ticker, due)

    def _ask(self, ticker: Ticker, due: float) -> None:
        """Run a tick that may ask its host now; once it has its answer, the next that waits there may ask.

        Where that was only after the commit, systems of a large host waited for each other's turns.
        """

        def leave() -> None:
            ticker.answered = lambda: None
            waiting = self._hosts.leave(_host(ticker.system))
            if waiting is not None and self._scheduler.state == STATE_RUNNING:
                self._scheduler.add_job(self._ask, args=waiting, executor=_lane(waiting[0]))

        ticker.answered = leave
        self._run(ticker)
        ticker.answered()  # it has not polled
        if not ticker.system.is_played:  # which may learn a month first
            self._lateness.note(time.monotonic() - due - ticker.waited_seconds)

    def _run(self, ticker: Ticker) -> None:
        """Run a tick, and book the next one."""
        due, system_id = self._clock(), ticker.system.system_id
        try:
            logs.system.set(system_id)
            if ticker in self._bookings:  # it may have waited for its host until nobody followed it
                due = ticker.tick()
        except Exception:
            log.exception("system=%s: a bug ended this tick", system_id)
        if self._scheduler.state == STATE_RUNNING:
            leaves = system_id in self._leaving
            if leaves:
                self._let_go(ticker, to_another=True)
            self._book(ticker, max(due, self._clock()))
            if ticker not in self._bookings:
                self._drop_lease(ticker, to_another=leaves)
                self._ending.discard(system_id)

    def _look_for_the_lost(self) -> None:
        """Book a tick anew whose job is gone: APScheduler drops a job when it lacks memory or a thread."""
        for ticker, (_, due) in list(self._bookings.items()):
            if time.monotonic() > due + LOST_AFTER:
                log.warning("%s: its next poll was lost, and is made up for", ticker.system.system_id)
                self._book(ticker, self._clock())

    def _bring_forward(self, step: timedelta) -> None:
        """Bring all jobs forward after somebody set the clock back: they would wait for their old dates."""
        log.warning("the clock was set back by %.0f s; what was due is due as before", step.total_seconds())
        now = self._clock()
        for job in self._scheduler.get_jobs():
            with suppress(JobLookupError):  # it has just run
                job.modify(next_run_time=max(job.next_run_time - step, now))

    def _renew(self) -> None:
        """Renew the leases, and that this worker lives; look at once where others have come or gone."""
        now = self._clock()
        try:
            self._renewed = now, self._store.leases.renew_all(self.holder, now, LEASE)
            live = self._store.workers.announce(self.holder, now, LEASE)
        except StoreFailedError as error:
            log.debug("the leases could not be renewed: %s", error)
            return
        if live != self._live:
            log.info("workers that share the systems: %d, before: %d", len(live), len(self._live))
            self._live = live
            self._hosts.most = max(AT_A_HOST // len(live), 1)
            if self._scheduler.running:
                self._scheduler.add_job(self._look, executor="looks")

    def _has_lease(self, system_id: str) -> bool:
        """Tell whether a system's lease was renewed so lately that nobody else can have taken it since."""
        at, ours = self._renewed
        return system_id in ours and timedelta(0) <= self._clock() - at < LEASE / 2


class Lateness:
    """Says in the log when ticks begin to be late, and when they no longer are; thread-safe."""

    def __init__(self) -> None:
        self._worst = 0.0
        self._is_late = False
        self._report_at = time.monotonic() + LATE_EVERY

    def note(self, seconds: float) -> None:
        """Note by how much a tick ended later than planned, not counting the wait for its feed."""
        self._worst = max(self._worst, seconds)

    def report(self) -> None:
        """Log a change since the last report, once a minute."""
        if time.monotonic() < self._report_at:
            return
        is_late = self._worst > LATE
        if is_late and not self._is_late:
            log.warning("ticks are late, by up to %.0f s: this machine has too much to do", self._worst)
        elif self._is_late and not is_late:
            log.info("ticks are on time again")
        self._worst, self._is_late = 0.0, is_late
        self._report_at = time.monotonic() + LATE_EVERY


def _close_own(ticker: Ticker) -> None:
    if ticker.own is not None:
        ticker.own.close()


def _lane(ticker: Ticker) -> str:
    """Name the threads that a system's next poll runs in."""
    return "slow" if ticker.waited_seconds > SLOW else "default"


def _kind(system: System) -> tuple[str, str]:
    """Give what makes a system another one: its address, and whether it is live, replayed or made up."""
    return system.url, system.label


def _better_known(stored: System, listed: System | None) -> System:
    """Give a system as the list has it, which knows more of it than the store, unless that is another one."""
    return stored if listed is None or _kind(listed) != _kind(stored) else listed


def _is_another(followed: System, wanted: System | None) -> bool:
    """Tell whether a system has to begin anew: it is not wanted any more, or another one, or otherwise.

    How fast a played one runs is for its player to know.
    """
    if wanted is None or followed.is_played:
        return wanted is None or _kind(followed) != _kind(wanted)
    return followed != wanted


def _host(system: System) -> str:
    """Name the host that a system's feed is asked at; a played system is one of its own."""
    return (urlsplit(system.url).hostname or "") if not system.is_played else system.url


def give_memory_back() -> None:
    """Have the C library return the memory of large arrays to the system as soon as nobody uses them.

    By default glibc keeps a heap for each thread, with freed arrays in it: 35 systems took 640 MB, not 390.
    """
    try:
        for parameter, value in (_ARENAS, _FROM_BYTES):
            ctypes.CDLL(None).mallopt(parameter, value)
    except (OSError, AttributeError, TypeError):  # another C library, which stays as it is
        log.debug("no mallopt here")
