"""The store: one class for each family of tables, and what spans several families in one transaction.

The observations are the log: a row each time a station's counts changed, beside the polls that were learnt. A
forecaster's checkpoint is only a short cut through that log. A whole tick lands in one transaction, together
with the renewal of the lease that entitles the worker to write it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ingest.store.checkpoints import CheckpointTable
from ingest.store.daily_scores import DailyScore, DailyScoreTable
from ingest.store.database import Database
from ingest.store.errors import LeaseLostError
from ingest.store.feed_health import FeedHealthQueries
from ingest.store.findings import FindingTable
from ingest.store.forgetting import Forgetting
from ingest.store.frames import FrameTable
from ingest.store.issued_forecasts import IssuedForecastTable
from ingest.store.judged_forecasts import JudgedForecastTable, JudgedRow
from ingest.store.leases import LeaseClaim, LeaseTable
from ingest.store.observations import ObservationTables, PollRow
from ingest.store.operation import OperationQueries
from ingest.store.own_forecasts import OwnForecastTable
from ingest.store.paired_scores import PairedScore, PairedScoreTable
from ingest.store.playback import Playback, PlaybackTable
from ingest.store.preparations import PreparationTable
from ingest.store.renumbering import renumber
from ingest.store.scores import SPANS_KEPT, ScoreTables
from ingest.store.systems import SystemTables
from ingest.store.tables import systems
from ingest.store.tries import TryTable
from ingest.store.weather import WeatherTable
from ingest.store.workers import WorkerTable
from model.gaps import SHORT
from model.identity import Renumbering
from model.records import Drift, Snapshot, Stations, Weather
from model.scoring.own import OwnForecast

_NEWEST = sa.select(systems.c.frame_version, systems.c.at).where(
    systems.c.system_id == sa.bindparam("of_system")
)


@dataclass(frozen=True)
class TickResult:
    """Everything that a tick with a new snapshot writes, in one transaction.

    `changes` are the rows of the snapshot that differ from the one before. `checkpoint` is None between
    checkpoints, `stations` None where they did not change. `scores` are sums to add. `state` is "silent"
    where even the first counts of a feed are old. `issued` is the part of the frame that is kept until its
    truth arrives, None where this tick's is not. `before` is when the snapshot learnt before this one was,
    None where that is the last committed; a gap longer than `longest_gap` since then is an outage. `weather`
    is the report that was learnt before the snapshot.
    `documents` is what the feed has read of its slow documents, None where that did not change.
    `renumbering` is what new descriptions changed in the meaning of ids, if they did.
    `own` are answers of the own model that wait for their truths, `judged` the judged forecasts to keep, and
    `keep_judged` says for how long.
    """

    poll: PollRow
    next_poll_at: datetime
    changes: Snapshot
    frame: bytes
    learning_since: datetime
    scores: Sequence[Mapping[str, Any]]
    stations: Stations | None
    checkpoint: bytes | None
    state: str = "live"
    issued: bytes | None = None
    before: datetime | None = None
    longest_gap: timedelta = SHORT
    weather: Weather | None = None
    daily: Sequence[DailyScore] = ()
    paired: Sequence[PairedScore] = ()
    drifts: Sequence[Drift] = ()
    documents: Mapping[str, str] | None = None
    renumbering: Renumbering | None = None
    own: Sequence[OwnForecast] = ()
    judged: Sequence[JudgedRow] = ()
    keep_judged: timedelta = timedelta(0)


@dataclass(frozen=True)
class PollResult:
    """Everything that a poll without a new snapshot writes: it failed, was late, or brought nothing new.

    `state` is None where the feed's state stays as it was. `failures` counts the failures in a row.
    """

    poll: PollRow
    next_poll_at: datetime
    state: str | None
    failures: int


class Store:
    """An open database, with an attribute for each family of tables. Thread-safe; every query is narrow.

    Without `migrate` the tables are left as they are, for a role that may only read. Raises `StoreError` when
    the database cannot be opened, `StoreNotReadyError` when a worker has to make its tables first. Methods
    of the store and of its families raise `StoreFailedError`, or `StoreUnreachableError` among these.
    """

    def __init__(self, url: str, migrate: bool = True) -> None:
        self._database = database = Database(url, migrate)
        self.systems = SystemTables(database)
        self.observations = ObservationTables(database)
        self.frames = FrameTable(database)
        self.checkpoints = CheckpointTable(database)
        self.leases = LeaseTable(database)
        self.workers = WorkerTable(database)
        self.preparations = PreparationTable(database)
        self.scores = ScoreTables(database)
        self.daily_scores = DailyScoreTable(database)
        self.paired_scores = PairedScoreTable(database)
        self.issued_forecasts = IssuedForecastTable(database, self.observations)
        self.own_forecasts = OwnForecastTable(database)
        self.judged_forecasts = JudgedForecastTable(database)
        self.feed_health = FeedHealthQueries(database)
        self.operation = OperationQueries(database)
        self.findings = FindingTable(database)
        self.playback = PlaybackTable(database)
        self.tries = TryTable(database)
        self.weather = WeatherTable(database)
        self.forgetting = Forgetting(database, self.systems, self.leases)

    def tell_outages(self) -> None:
        """Have outages of the database told in the log, a line each minute: what runs for long wants it."""
        self._database.outage.is_told = True

    @property
    def words(self) -> str:
        """Say which store it is, and whether it is new: nobody shall take a mistyped path for a loss."""
        new = ", which is new and knows nothing yet" if self._database.is_new else ""
        return f"the store is {self._database.name}{new}"

    def close(self) -> None:
        """Close all connections."""
        self._database.close()

    def commit_tick(self, claim: LeaseClaim, tick: TickResult) -> int:
        """Write all of a tick with a new snapshot, or nothing; give the version of the new frame.

        Raises `LeaseLostError` when the claim's holder no longer has the system's lease.
        """
        at, system_id = tick.poll.at, claim.system_id
        if at is None:
            raise ValueError("a learnt poll has a time: give TickResult.poll.at")
        with self._database.write() as db:
            self.leases.require(db, claim)
            known = db.execute(_NEWEST, {"of_system": system_id}).one()
            version = (known.frame_version or 0) + 1
            if tick.renumbering:
                renumber(db, system_id, tick.renumbering)
            self.observations.add_poll(db, system_id, tick.poll)
            self.observations.add_changes(db, system_id, at, tick.changes)
            if tick.stations is not None:
                self.systems.replace_stations(db, system_id, tick.stations)
            self.findings.add(db, system_id, tick.poll)
            if tick.documents is not None:
                self.systems.replace_documents(db, system_id, tick.documents)
            self.frames.add(db, system_id, version, claim.now, at, tick.frame)
            if tick.issued is not None:
                self.issued_forecasts.add(db, system_id, at, tick.issued)
            before = tick.before or known.at
            if before is not None and at - before > tick.longest_gap:
                self.scores.add_outage(db, system_id, before, at)
            self.scores.add(db, system_id, tick.scores, at, known.at)
            if tick.weather is not None:
                self.weather.add(db, system_id, at, tick.weather)
            for day in tick.daily:
                self.daily_scores.add(db, system_id, day)
            for horizon in tick.paired:
                self.paired_scores.add(db, system_id, horizon)
            for forecast in tick.own:
                self.own_forecasts.add(db, system_id, at, forecast)
            if tick.judged:
                self.judged_forecasts.add(db, system_id, at - tick.keep_judged, tick.judged)
            self.scores.add_drifts(db, system_id, tick.drifts)
            if tick.checkpoint is not None:
                self.checkpoints.add(db, system_id, at, tick.checkpoint)
            self.systems.update(
                db,
                system_id,
                state=tick.state,
                reason=None,
                failures=0,
                at=at,
                received_at=tick.poll.received_at,
                last_try_at=tick.poll.received_at,
                next_poll_at=tick.next_poll_at,
                frame_version=version,
                learning_since=tick.learning_since,
            )
        return version

    def put_frame_back(self, claim: LeaseClaim, frame: bytes) -> None:
        """Write a system's newest frame again, under its version: the database has lost it.

        Raises `LeaseLostError` when the claim's holder no longer has the system's lease.
        """
        with self._database.write() as db:
            self.leases.require(db, claim)
            known = db.execute(_NEWEST, {"of_system": claim.system_id}).one()
            self.frames.add(db, claim.system_id, known.frame_version, claim.now, known.at, frame)

    def save(self, claim: LeaseClaim, at: datetime, checkpoint: bytes) -> None:
        """Write a checkpoint between two ticks, unless the system has begun anew since `at`.

        Raises `LeaseLostError` when the claim's holder no longer has the system's lease.
        """
        with self._database.write() as db:
            self.leases.require(db, claim)
            if db.execute(_NEWEST, {"of_system": claim.system_id}).one().at == at:
                self.checkpoints.add(db, claim.system_id, at, checkpoint)

    def commit_poll(self, claim: LeaseClaim, result: PollResult) -> None:
        """Write a poll without a new snapshot.

        Raises `LeaseLostError` when the claim's holder no longer has the system's lease.
        """
        values: dict[str, Any] = {
            "last_try_at": result.poll.received_at,
            "next_poll_at": result.next_poll_at,
            "failures": result.failures,
        }
        if result.state is not None:
            values |= {"state": result.state, "reason": result.poll.reason}
        with self._database.write() as db:
            self.leases.require(db, claim)
            self.observations.add_poll(db, claim.system_id, result.poll)
            self.findings.add(db, claim.system_id, result.poll)
            self.systems.update(db, claim.system_id, **values)

    def begin(self, claim: LeaseClaim, playback: Playback) -> None:
        """Drop all that was learnt of a played system, and begin it anew with this playback.

        The version of its newest frame stays, since browsers keep frames under it for ever. Raises
        `LeaseLostError` when the claim's holder no longer has the system's lease.
        """
        system_id = claim.system_id
        with self._database.write() as db:
            self.leases.require(db, claim)
            self.systems.empty(db, system_id)
            self.playback.begin(db, system_id, playback)

    def set_pace(self, claim: LeaseClaim, speed: float, poll_seconds: float) -> bool:
        """Set how fast a played system runs, 0 where it stands still, and how often its worker looks at it.

        Gives False, and does nothing, where the claim's holder does not have the system's lease.
        """
        try:
            with self._database.write() as db:
                self.leases.lock(db, claim)
                self.systems.update(db, claim.system_id, speed=speed, poll_seconds=poll_seconds)
        except LeaseLostError:
            return False
        return True

    def set_progress(self, claim: LeaseClaim, progress: float | None) -> bool:
        """Set how much of a jump or a beginning a played system's worker has learnt.

        Gives False, and does nothing, where the claim's holder does not have the system's lease.
        """
        try:
            with self._database.write() as db:
                self.leases.lock(db, claim)
                self.playback.set_progress(db, claim.system_id, progress)
        except LeaseLostError:
            return False
        return True

    def forget(
        self,
        claim: LeaseClaim,
        before: datetime,
        received_before: datetime,
        spans_kept: Mapping[int, timedelta] = SPANS_KEPT,
    ) -> None:
        """Drop a system's rows from before an event time, or a receipt time for polls that taught nothing.

        Scores over time are kept as long as `spans_kept` says of their span. Nothing that recovery needs is
        dropped: see `ObservationTables.forget_log`. Raises `LeaseLostError`.
        """
        system_id = claim.system_id
        with self._database.write() as db:
            self.leases.lock(db, claim)
            self.daily_scores.forget(db, system_id, before)
            newest = db.scalar(sa.select(systems.c.at).where(systems.c.system_id == system_id))
            if newest is not None:
                self.scores.forget(db, system_id, newest, spans_kept)
            self.observations.forget_other_polls(db, system_id, received_before)
            self.weather.forget(db, system_id, before)
            self.observations.forget_log(db, system_id, before)
