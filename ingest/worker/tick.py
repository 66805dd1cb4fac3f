"""One tick of one system: poll, settle, learn, forecast, commit.

What a ticker has in memory is only a copy of what the store holds. The ticker drops its copy whenever the two
may differ: after a commit that failed, a lost lease or a bug. The next tick loads a new copy from the store.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np

from ingest.gbfs.errors import FeedError, FetchFailed
from ingest.gbfs.feed import Poll
from ingest.gbfs.findings import of_renumbering
from ingest.gbfs.hours import REMEMBERED, covering
from ingest.own.runner import OwnModelRunner
from ingest.reason import Reason
from ingest.store import (
    OUTCOME_LEARNT,
    LeaseClaim,
    LeaseLostError,
    PollResult,
    PollRow,
    Store,
    StoreFailedError,
    SystemState,
    TickResult,
    findings_json,
)
from ingest.store.daily_scores import by_day
from ingest.store.issued_forecasts import is_due
from ingest.store.judged_forecasts import packed_judged
from ingest.store.paired_scores import paired
from ingest.store.scores import SPANS_KEPT
from ingest.system import System
from ingest.worker import counters, schedule
from ingest.worker.own_history import restore_own
from ingest.worker.recovery import recover
from model.forecaster import Forecaster
from model.frame_builder import make_frame
from model.moments import frame_at
from model.records import NOTHING_KNOWN, Snapshot, Stations, Weather
from model.scoring.issue import SCORED_MINUTES
from model.scoring.settle import Score

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=15)
"""How long a worker may lose touch with the store before another worker takes its systems."""

STANDBY_INTERVAL = timedelta(seconds=5)
"""How often a ticker without a lease tries to take it, and one without a store tries to reach it."""

ONLY_OLDER = Reason("only_older")
"""Why a feed is silent that answers with documents older than its newest one."""

IMPROBABLE = 1e-6
"""The odds of stillness below which a feed counts as silent: `benchmarks/silence` replays recordings."""

JUDGED_AFTER = timedelta(days=7)
"""How long a city is learnt before a clock that runs over counts that stand still is silence.

Dublin closes at night, and takes some nights to show it. Until then stillness is too improbable.
"""

LONGEST_STILLNESS = timedelta(hours=6)
"""How long a feed may repeat one document where nobody is expected to ride: as long as Dublin sleeps."""

PLAYED = 600.0
"""The most seconds between checkpoints of a played city: days pass in it meanwhile, and people look on."""

_DROP_EVERY = timedelta(hours=1)
_DROP_AT_MOST_EVERY = timedelta(minutes=1)


class SnapshotSource(Protocol):
    """What a tick needs of a feed: see `ingest.gbfs.feed.Feed`."""

    def poll(self) -> Poll:
        """Read the feed. Raises `FeedError`."""

    def resume(
        self, stations: Stations | None, at: datetime | None, documents: Mapping[str, str] | None = None
    ) -> None:
        """Continue after the newest snapshot that was learnt, with the stations and documents known then."""


class WeatherSource(Protocol):
    """What a tick needs of a weather service: see `ingest.weather.open_meteo.WeatherFeed`."""

    def poll(self, stations: Stations) -> Weather | None:
        """Give the weather at the stations; None when it is not due or the service does not answer."""


LearnGap = Callable[[Forecaster], list[Score]]
"""Learns the time between a forecaster's newest snapshot and the next one; gives the scores settled in it."""


@dataclass
class WorkingCopy:
    """One system in memory, as the store holds it.

    `checkpoint_at` is the event time of the newest checkpoint, `live_at` when the feed last gave something
    new, `due_at` when the first poll is due, `failures` how many polls in a row have failed, `documents` what
    the feed had read by the last commit, and `weather` what has arrived since. `changed_at` is the event time
    of the newest change of a count. `silent` tells whether the feed was silent at the last commit. `elder`
    is a forecaster beside this one, which a player may have.
    """

    feed: SnapshotSource
    forecaster: Forecaster | None
    checkpoint_at: datetime | None
    live_at: datetime
    due_at: datetime
    failures: int
    documents: Mapping[str, str]
    weather: Weather | None = None
    changed_at: datetime | None = None
    silent: bool = False
    elder: Forecaster | None = None


class Ticker:
    """Ticks one system; for one thread at a time.

    `open_feed` opens the system's feed anew. `place`, from 0 to 1, is the part of each minute at which to
    poll. A tick holds `turn` while it computes and commits, but not while it waits for a feed: with many
    systems, this bounds the memory that all of them take together. `seed` lets the seed pipeline compete,
    and `own` an own model, for which no tick waits. Judged forecasts are kept for `keep_forecasts`. Where
    `has_lease` does not know of the lease, a tick asks the store before it polls. With `tries_at_once` the
    first tick tries a feed that failed, unless another worker had the lease until then.

    For a class that ticks another kind of source:

    - `system`, `store`, `holder` and `clock` are as given; `system` may be replaced between two ticks.
    - `working_copy` is None until the first poll and after each error; set it to None to load it anew.
    - `run_tick` does one tick and may raise: extend it to do something before or after.
    - `before_learning` runs before each snapshot is learnt: override it to fill in the time before it.
    - `scores_beside` gives what else is scored at each snapshot: override it to compare another forecaster.
    - `runs_seed` tells whether the seed pipeline competes in this system.
    - `waited_seconds` is how long the last tick that polled waited for strangers: feed and weather.
    - `may_try_at` is None, or the time from which on a feed that failed may be tried before it is due.
    - `asked_at` is when the last poll began, by the clock.
    - `answered` is called once a poll has its answer, or an error: its owner may set it before each tick.
    - `claim`, `take_lease` and `log_state` are for use by both.
    """

    def __init__(
        self,
        system: System,
        store: Store,
        holder: str,
        open_feed: Callable[[], SnapshotSource],
        clock: Callable[[], datetime],
        *,
        place: float = 0.0,
        checkpoint_seconds: float = 7200,
        keep: timedelta = timedelta(days=8),
        keep_scores: Mapping[int, timedelta] = SPANS_KEPT,
        jitter: random.Random | None = None,
        turn: AbstractContextManager[object] | None = None,
        seed: bool = False,
        weather: WeatherSource | None = None,
        has_lease: Callable[[str], bool] = lambda system_id: False,
        own: OwnModelRunner | None = None,
        keep_forecasts: timedelta = timedelta(0),
        tries_at_once: bool = True,
    ) -> None:
        self.system = system
        self.store = store
        self.holder = holder
        self.clock = clock
        self.working_copy: WorkingCopy | None = None
        self.waited_seconds = 0.0
        self.may_try_at: datetime | None = None
        self.asked_at: datetime | None = None
        self.answered: Callable[[], None] = lambda: None
        self._open_feed = open_feed
        self._place = place
        self._checkpoint_seconds = checkpoint_seconds
        self._keep, self._keep_scores = keep, keep_scores
        self._jitter = jitter or random.Random()
        self._turn = turn or nullcontext()
        self._seed = seed
        self._weather = weather
        self._has_lease = has_lease
        self.own = own
        self._keep_forecasts = keep_forecasts
        self._tries_at_once = tries_at_once
        self._drop_at = clock() + place * _DROP_EVERY / max(system.speed, 1)
        self._bugs = 0
        self._next_poll_at = clock()
        self._logged_state = "waiting"

    def tick(self) -> datetime:
        """Do one tick and give the time of the next. Raises nothing."""
        try:
            due = self.run_tick()
        except LeaseLostError:
            self.working_copy = None
            self.log_state("standing by", "another worker has taken over")
            return self.clock() + STANDBY_INTERVAL
        except Exception as error:
            self.working_copy = None
            if isinstance(error, StoreFailedError):
                # The feed must not be polled more often meanwhile; the store may be.
                due = max(self.clock() + STANDBY_INTERVAL, self._next_poll_at)
            else:
                self._bugs += 1
                due = schedule.after_failure(self.system, self.clock(), self._bugs, self._jitter)
                log.exception(
                    "system=%s: a bug ended this tick, the next is at %s", self.system.system_id, _hms(due)
                )
            return due
        self._bugs = 0
        return due

    def run_tick(self) -> datetime:
        """Poll, learn, forecast and commit; give the time of the next tick.

        Raises `LeaseLostError`, an error of the store, or whatever a bug raises.
        """
        now = self.clock()
        if self.working_copy is not None:
            if not self._has_lease(self.system.system_id):
                self.store.leases.renew(self.claim(now))
        elif not self.take_lease(now):
            return now + STANDBY_INTERVAL
        copy = self.working_copy
        if copy is None:
            copy = self.working_copy = self._load(now)
            if now < copy.due_at:
                return copy.due_at
        asked_at = self.asked_at = self.clock()
        self.may_try_at, begun = None, time.perf_counter()
        try:
            poll = copy.feed.poll()
        except FeedError as error:
            self.waited_seconds = time.perf_counter() - begun
            self.answered()
            return self._commit_failure(copy, error, self.waited_seconds)
        self.waited_seconds = time.perf_counter() - begun
        self.answered()
        if self.own is not None:
            poll = replace(poll, findings=(*poll.findings, *self.own.findings))
        due = self._next_poll_at = schedule.after_answer(
            self.system, asked_at, poll.received_at, poll.ttl_seconds, self._place
        )
        try:
            self._commit_answer(copy, poll, due)
        except StoreFailedError as error:
            if not error.connection_lost:
                raise
            # Only the store knows whether that commit succeeded. The pool opens a new connection to it.
            weather, copy = copy.weather, self._load(now)
            copy.weather, self.working_copy = weather, copy
            if self._new_snapshot(copy, poll) is not None:
                self._commit_answer(copy, poll, due)
        if self._weather is not None and copy.forecaster is not None:
            begun = time.perf_counter()
            copy.weather = self._weather.poll(copy.forecaster.stations) or copy.weather
            self.waited_seconds += time.perf_counter() - begun
        return due

    def save(self) -> None:
        """Write a checkpoint of what was learnt since the last, between two ticks, for a worker that goes on.

        Without it that worker would learn up to two hours of the log again. Raises `LeaseLostError`, or an
        error of the store.
        """
        copy = self.working_copy
        forecaster = None if copy is None else copy.forecaster
        if copy is not None and forecaster is not None and forecaster.at not in (None, copy.checkpoint_at):
            with self._turn:
                checkpoint = forecaster.to_bytes()
            self.store.save(self.claim(self.clock()), forecaster.at, checkpoint)
            copy.checkpoint_at = forecaster.at

    def claim(self, now: datetime) -> LeaseClaim:
        """Claim the system's lease for this worker."""
        return LeaseClaim(self.system.system_id, self.holder, now, LEASE)

    def take_lease(self, now: datetime) -> bool:
        """Take the system's lease or renew it; False, and a line in the log, while another worker has it."""
        taken = self.store.leases.take(self.claim(now))
        if not taken:
            self._tries_at_once = False
            self.log_state("standing by", "another worker is at work")
        return taken

    def before_learning(self, copy: WorkingCopy, snapshot: Snapshot) -> LearnGap | None:
        """Prepare to learn a snapshot, and say how to learn the time before it.

        Gives None where nobody knows what happened in that time: a live feed only gives the present.
        """
        return None

    def scores_beside(self, copy: WorkingCopy, snapshot: Snapshot) -> list[Score]:
        """Give scores of a forecaster beside the working copy's, which learns the snapshot afterwards."""
        return []

    def runs_seed(self) -> bool:
        """Tell whether the seed pipeline competes."""
        return self._seed

    def log_state(self, state: str, words: str) -> None:
        """Log a state when it differs from the last one logged: not each minute."""
        if state != self._logged_state:
            self._logged_state = state
            log.info("%s: %s, %s", self.system.system_id, state, words)

    # ------------------------------------------------------------------ from the store

    def _load(self, now: datetime) -> WorkingCopy:
        """Load from the store what a tick builds on."""
        state = self.store.systems.state(self.system.system_id)
        with self._turn:
            found = recover(self.store, self.system.system_id)
        forecaster = None if found is None else found.forecaster
        # With the seed pipeline added or taken out, recovery would give another state: a checkpoint is due.
        changed = forecaster is not None and forecaster.run_seed_pipeline(self.runs_seed())
        feed = self._open_feed()
        documents = self.store.systems.documents(self.system.system_id)
        if forecaster is not None:
            self._put_frame_back(state, forecaster, now)
            feed.resume(forecaster.stations, forecaster.at, documents)
        if self.own is not None:
            restore_own(self.own, self.store, self.system.system_id, forecaster)
        return WorkingCopy(
            feed=feed,
            forecaster=forecaster,
            checkpoint_at=None if found is None or changed else found.checkpoint_at,
            live_at=now if state is None or state.received_at is None else state.received_at,
            due_at=self._first_due(state, now),
            failures=0 if state is None else state.failures,
            changed_at=self.store.observations.last_change(self.system.system_id),
            silent=state is not None and state.state == "silent",
            documents=documents,
        )

    def _put_frame_back(self, state: SystemState | None, forecaster: Forecaster, now: datetime) -> None:
        """Put the newest frame back where the database has lost it: the feed may be silent for long."""
        version = None if state is None else state.frame_version
        if version is None or self.store.frames.has(self.system.system_id, version):
            return
        with self._turn:
            frame = make_frame(forecaster).to_bytes()
        self.store.put_frame_back(self.claim(now), frame)

    def _first_due(self, state: SystemState | None, now: datetime) -> datetime:
        """Give the time that the last worker planned; now where a feed that failed is to be tried at once."""
        if state is None or state.next_poll_at is None or (state.failures and self._tries_at_once):
            return now
        # A wait that a server asked for may be a day.
        longest = timedelta(seconds=max(2 * self.system.poll_seconds, 86400 if state.failures else 300))
        return min(state.next_poll_at, now + longest)

    # ------------------------------------------------------------------ into the store

    def _commit_answer(self, copy: WorkingCopy, poll: Poll, due: datetime) -> None:
        """Learn what the feed answered, if it is new, and commit."""
        with self._turn:
            snapshot = self._new_snapshot(copy, poll)
            frozen = snapshot is not None and self._is_frozen(copy, poll, snapshot)
            if snapshot is None or frozen:
                self._commit_nothing_new(copy, poll, due, frozen)
            else:
                self._learn(copy, poll, snapshot, due, self.before_learning(copy, snapshot))
            self._drop_old_data(copy)

    def _new_snapshot(self, copy: WorkingCopy, poll: Poll) -> Snapshot | None:
        """Give the poll's snapshot in whole seconds, as the log holds it; None where it is nothing new."""
        if poll.snapshot is None:
            return None
        snapshot = replace(poll.snapshot, at=poll.snapshot.at.replace(microsecond=0))
        newest = None if copy.forecaster is None else copy.forecaster.at
        return snapshot if newest is None or snapshot.at > newest else None

    def _learn(
        self, copy: WorkingCopy, poll: Poll, snapshot: Snapshot, due: datetime, learn_gap: LearnGap | None
    ) -> None:
        """Learn the gap before a snapshot where that is possible, then the snapshot; commit the tick."""
        stations = renumbering = None
        forecaster = copy.forecaster
        if forecaster is None:
            forecaster = copy.forecaster = Forecaster(poll.stations, seed=self.runs_seed())
            stations = poll.stations
        elif poll.stations is not forecaster.stations and not poll.stations.same_as(forecaster.stations):
            before_them, stations = forecaster.stations, poll.stations
            renumbering = forecaster.update_stations(stations)
            more = of_renumbering(renumbering, before_them, stations)
            poll = replace(poll, findings=(*poll.findings, *more))
        weather = copy.weather
        if weather is not None:
            forecaster.update_weather(weather)
        before = forecaster.snapshot()
        scores = self.scores_beside(copy, snapshot)
        scores += [] if learn_gap is None else learn_gap(forecaster)
        hours = poll.documents.get(REMEMBERED, "")
        forecaster.update_hours(covering(hours, forecaster.stations, snapshot.at))
        since = forecaster.at
        begun = time.perf_counter()
        hole = copy.silent and not self.system.label
        own = [] if self.own is None else self.own.put_answers(forecaster)
        scores += forecaster.learn(snapshot, after_hole=hole)
        learnt = time.perf_counter()
        frame = make_frame(forecaster)
        keep = is_due(None if before is None else before.at, snapshot.at)
        issued = frame_at(frame, SCORED_MINUTES).to_bytes() if keep else None
        packed = frame.to_bytes()
        forecast = time.perf_counter()
        after = forecaster.snapshot()
        assert after is not None
        assert forecaster.learning_since is not None
        last = copy.checkpoint_at
        seconds = min(self._checkpoint_seconds, PLAYED) if self.system.label else self._checkpoint_seconds
        every = timedelta(seconds=seconds * self.system.speed)
        old = last is None or snapshot.at - last >= every
        # The log has no stations' descriptions, nothing of what was learnt in a gap, no silence, and of
        # opening hours the present ones alone.
        not_in_log = stations is not None or learn_gap is not None or hole
        not_in_log |= hours != copy.documents.get(REMEMBERED, "")
        checkpoint = forecaster.to_bytes() if old or not_in_log else None
        silent = timedelta(seconds=poll.still_seconds) > self._silent_after(copy, poll)
        state = "silent" if silent else "live"
        changed, rows = changes(before, after), [score.row() for score in scores]
        self.store.commit_tick(
            self.claim(self.clock()),
            TickResult(
                poll=replace(
                    _row(poll, OUTCOME_LEARNT, snapshot.at, copy),
                    learn_seconds=learnt - begun,
                    forecast_seconds=forecast - learnt,
                ),
                next_poll_at=due,
                changes=changed,
                frame=packed,
                issued=issued,
                before=since,
                longest_gap=forecaster.gaps.longest,
                weather=weather,
                learning_since=forecaster.learning_since,
                scores=rows,
                stations=stations,
                checkpoint=checkpoint,
                state=state,
                daily=by_day(scores, after.station_id, forecaster.stations.timezone),
                paired=paired(scores, after.station_id),
                drifts=forecaster.drifts,
                documents=None if poll.documents == copy.documents else poll.documents,
                renumbering=renumbering,
                own=own,
                judged=packed_judged(forecaster, after.station_id) if self._keep_forecasts else (),
                keep_judged=self._keep_forecasts,
            ),
        )
        counters.learnt(self.system.system_id, rows, learnt - begun, forecast - learnt)
        if self.own is not None:
            self.own.show(forecaster)
        copy.weather, copy.documents = None, poll.documents
        if checkpoint is not None:
            copy.checkpoint_at = snapshot.at
        copy.live_at, copy.failures, copy.silent = poll.received_at, 0, silent
        if len(changed) or copy.changed_at is None:
            copy.changed_at = snapshot.at
        self.log_state(state, f"{len(poll.stations)} stations")

    def _is_frozen(self, copy: WorkingCopy, poll: Poll, snapshot: Snapshot) -> bool:
        """Tell whether a live feed's time runs while its counts stand still for improbably long.

        What such a feed shows is not learnt: it would teach that nobody rides.
        """
        forecaster, since = copy.forecaster, copy.changed_at
        if self.system.label or forecaster is None or since is None or not _is_judged(forecaster):
            return False
        if snapshot.at - since <= self._silent_after(copy, poll) or not forecaster.shows(snapshot):
            return False
        if not poll.stations.same_as(forecaster.stations):
            return False
        odds = forecaster.odds_of_stillness(since, snapshot.at)
        return odds is not None and odds < IMPROBABLE

    def _commit_nothing_new(self, copy: WorkingCopy, poll: Poll, due: datetime, frozen: bool = False) -> None:
        """Commit a poll that brought nothing new, and whether the feed has been silent for too long."""
        still = max(timedelta(seconds=poll.still_seconds), poll.received_at - copy.live_at)
        state, reason = "live", None
        if frozen or (still > self._silent_after(copy, poll) and not self._is_usual(copy, poll, still)):
            state = "silent"
            reason = ONLY_OLDER if poll.outcome == "late" else self._unchanged(copy, poll)
        outcome = "unchanged" if poll.outcome == "fresh" else poll.outcome
        copy.failures, copy.silent = 0, state == "silent"
        self._commit_poll(_row(poll, outcome, None, copy, reason), due, state, 0)
        self.log_state(state, f"nothing new since {_hms(poll.received_at - still)}")

    def _is_usual(self, copy: WorkingCopy, poll: Poll, still: timedelta) -> bool:
        """Tell whether nothing new is usual for now, as at night, by the rates that were learnt."""
        forecaster, since = copy.forecaster, copy.changed_at
        if self.system.label or poll.outcome == "late" or forecaster is None or since is None:
            return False
        odds = forecaster.odds_of_stillness(since, poll.received_at)
        return odds is not None and odds >= IMPROBABLE and still <= LONGEST_STILLNESS

    def _unchanged(self, copy: WorkingCopy, poll: Poll) -> Reason | None:
        """Say since when the counts have not changed; None for a played feed, and before any counts."""
        if self.system.label or copy.changed_at is None:
            return None
        at, now = int(copy.changed_at.timestamp()), int(poll.received_at.timestamp())
        return Reason("unchanged_since", {"at": at, "now": now, "zone": poll.stations.timezone})

    def _commit_failure(self, copy: WorkingCopy, error: FeedError, seconds: float) -> datetime:
        """Commit a poll that failed; give the time of the next try."""
        copy.failures += 1
        now = self.clock()
        due = self._next_poll_at = schedule.after_failure(
            self.system, now, copy.failures, self._jitter, error.retry_after
        )
        asked_to_wait = error.retry_after if isinstance(error, FetchFailed) else None  # by its server
        self.may_try_at = schedule.may_try_after(self.system, now, asked_to_wait)
        row = PollRow(now, None, error.outcome, error.reason, seconds, "[]")
        self._commit_poll(row, due, error.state, copy.failures)
        self.log_state(error.state, f"{error}; next try at {_hms(due)}")
        return due

    def _commit_poll(self, row: PollRow, due: datetime, state: str, failures: int) -> None:
        self.store.commit_poll(self.claim(self.clock()), PollResult(row, due, state, failures))
        counters.polled(self.system.system_id, row.outcome)

    def _silent_after(self, copy: WorkingCopy, poll: Poll) -> timedelta:
        usual_gap = timedelta(0) if copy.forecaster is None else copy.forecaster.gaps.usual
        return schedule.silent_after(self.system, poll.ttl_seconds, usual_gap)

    def _drop_old_data(self, copy: WorkingCopy) -> None:
        """Drop data older than the days to keep, once an hour of the system's time."""
        now = self.clock()
        if now < self._drop_at:
            return
        self._drop_at = now + max(_DROP_EVERY / max(self.system.speed, 1), _DROP_AT_MOST_EVERY)
        newest = None if copy.forecaster is None else copy.forecaster.at
        before, received_before = (newest or now) - self._keep, now - self._keep
        self.store.forget(self.claim(now), before, received_before, self._keep_scores)


def _is_judged(forecaster: Forecaster) -> bool:
    at, since = forecaster.at, forecaster.learning_since
    return at is not None and since is not None and at - since >= JUDGED_AFTER


def changes(before: Snapshot | None, after: Snapshot) -> Snapshot:
    """Give the rows of `after` that differ from `before`, both as the forecaster holds them."""
    columns = {name: getattr(after, name) for name in NOTHING_KNOWN}
    rows = np.ones(len(after), dtype=np.bool_)
    if before is not None:
        rows = np.any([getattr(before, name) != values for name, values in columns.items()], axis=0)
    return Snapshot(
        after.at, after.station_id[rows], **{name: values[rows] for name, values in columns.items()}
    )


def _row(
    poll: Poll, outcome: str, at: datetime | None, copy: WorkingCopy, reason: Reason | None = None
) -> PollRow:
    waiting = 0 if copy.forecaster is None else sum(copy.forecaster.waiting.values())
    return PollRow(
        poll.received_at, at, outcome, reason, poll.seconds, findings_json(poll.findings),
        poll.ttl_seconds, waiting=waiting,
    )  # fmt: skip


def _hms(at: datetime) -> str:
    return f"{at:%H:%M:%S} UTC"
