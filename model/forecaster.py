"""The forecaster: learns from each snapshot and forecasts from the newest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model import checkpoint
from model.arrays import Bools, Ints, Strings, rows_of
from model.checkpoint import StateError
from model.demand.calendar import Calendar
from model.ensemble import mirror
from model.experts.expert import Expert
from model.gaps import SnapshotGaps
from model.hours import ByHours, OpeningHours
from model.identity import (
    Identities,
    Renumbering,
    after_renumbering,
    pack_identities,
    renumbering,
    rows_before,
    unpack_identities,
)
from model.issued import IssuedOdds
from model.kernels.records import Columns
from model.latest import LatestCounts
from model.learner import FIRST_DAY, Learner
from model.present import Present
from model.records import (
    CARGO,
    ELECTRIC,
    KINDS,
    NOTHING_KNOWN,
    PLAIN,
    UNKNOWN,
    Counts,
    Drift,
    Forecast,
    Snapshot,
    Stations,
    Weather,
    pack_stations,
    unpack_stations,
)
from model.scoring.issue import (
    FAR_ISSUES,
    FAR_SCORED,
    ISSUE_MINUTES,
    KIND_SCORED,
    NEAR_SCORED,
    SCORED_MINUTES,
    Pending,
)
from model.scoring.judged import JudgedForecast
from model.scoring.own import OwnForecast
from model.scoring.settle import Score

_MOST_REMEMBERED = 1000
"""Dropped stations that are remembered, or as many as the feed describes where these are more."""

_FIELD = {PLAIN: "plain", ELECTRIC: "ebikes", CARGO: "cargo"}
"""Where a `Forecast` has the counts of a kind."""


class Forecaster:
    """Forecasts the bikes and docks of one system's stations, and learns from every snapshot.

    State is kept by station id: `update_stations` adds, drops and moves stations, and those that stay keep
    what was learnt of them, also under another id. `renamed` has the present id by each earlier one.
    Forecasting changes nothing, so the state depends on the snapshots alone.

    `gaps` tells which gaps between two snapshots are usual, and so teach.

    Every `every` minutes a forecast is put on record. It is scored later, and the pool learns from it. With
    `seed` the seed pipeline competes on the same forecasts.
    """

    def __init__(self, stations: Stations, every: int = ISSUE_MINUTES, seed: bool = False) -> None:
        self.stations = stations
        self.every = every
        self.at: datetime | None = None
        self.learning_since: datetime | None = None
        self.drifts: list[Drift] = []
        self._issues_next = False
        size = len(stations)
        self._known = Identities.of(stations)
        self.renamed: dict[str, str] = {}
        self._latest = LatestCounts(size)
        self._by_hours = ByHours(size)
        calendar = Calendar(stations.timezone, stations.country, stations.region)
        self.gaps = SnapshotGaps()
        self._all = Learner(size, calendar, self.gaps)
        self._riders, self._ensemble, self._issued = self._all.riders, self._all.ensemble, self._all.issued
        self._riders.today.move(stations.lat, stations.lon)
        self._kinds: tuple[Learner, ...] = ()
        self.run_seed_pipeline(seed)

    @property
    def _ids(self) -> Strings:
        return self._known.station_id

    def learnt_since(self, kind: str) -> datetime | None:
        """Tell when a kind of bikes began to be learnt for itself; None where it is not."""
        return next((each.since for each in self._kinds if each.kind == kind), None)

    @property
    def _learners(self) -> tuple[Learner, ...]:
        return (self._all, *self._kinds)

    @property
    def _unlearnt(self) -> dict[str, Any]:
        return {"latest": self._latest, "hours": self._by_hours, "gaps": self.gaps}

    @property
    def components(self) -> Mapping[str, Any]:
        """Give everything that learns, by name. A component's attributes hold what it has learnt.

        `long` and `short` are demand, `calendar` and `weather` move all stations together, `drift_monitor`
        looks for drift, and `seed` is there if the seed pipeline runs. The names of what a kind of bikes has
        for itself begin with the kind. Stations are in the order of `snapshot`: those of `stations` first.
        """
        by_station = {name: each for learner in self._learners for name, each in learner.components.items()}
        city = {
            "calendar": self._riders.calendar,
            "weather": self._riders.weather,
            "drift_monitor": self._issued.drift_monitor,
        }
        seed = {} if self._issued.seed is None else {"seed": self._issued.seed}
        return MappingProxyType(by_station | city | seed)

    @property
    def experts(self) -> tuple[Expert, ...]:
        """The experts that compete in the pool, in the order of the registry."""
        return self._ensemble.experts

    @property
    def waiting(self) -> dict[int, int]:
        """Count the pending forecasts of all bikes by minutes ahead, one for each station."""
        return self._issued.waiting()

    @property
    def judged(self) -> list[JudgedForecast]:
        """The forecasts that the newest snapshot settled, with their truths."""
        return self._issued.judged

    def asked(self) -> list[Pending]:
        """List the forecasts that were put on record at the newest snapshot, by rising minutes."""
        return [pending for pending in self._issued.pending if pending.issued_at == self.at]

    def put_own(self, forecast: OwnForecast) -> bool:
        """Have a forecast of the own model judged beside all others; False where its question is over.

        Nothing learns from it, and the state does not hold it: what others forecast and score stays the same.
        """
        renamed = [self.renamed.get(each, each) for each in forecast.station_id.tolist()]
        return self._issued.put_own(replace(forecast, station_id=np.array(renamed, dtype=np.str_)), self._ids)

    @property
    def held(self) -> Bools:
        """Tell where the guard holds the median at "as now", by scored horizon, `(H, S)`.

        Raises `ValueError` before the first snapshot.
        """
        return self._ensemble.held(self._present(), SCORED_MINUTES, np.arange(len(self.stations)))

    @property
    def models(self) -> tuple[str, ...]:
        """The names that scores come under: the experts', the seed pipeline's if it runs, and the pool's."""
        seed = () if self._issued.seed is None else (self._issued.seed.name,)
        return (*(expert.name for expert in self.experts), *seed, "pool")

    def run_seed_pipeline(self, seed: bool) -> bool:
        """Start the seed pipeline, or stop it and lose what it learnt; tell whether that was a change."""
        if seed == (self._issued.seed is not None):
            return False
        if seed:
            from model.seed_pipeline import SeedPipeline

            self._issued.seed = SeedPipeline(self.stations.timezone, SCORED_MINUTES)
        else:
            self._issued.seed = None
        return True

    def begin_record(self) -> None:
        """Drop the forecasts on record, and put new ones there at the next snapshot, whatever its time.

        So they are those of a forecaster that begins with that snapshot.
        """
        for learner in self._learners:
            learner.issued.pending = []
        self._issues_next = True

    def renew_rates_rarely(self, on: bool) -> None:
        """Renew the rates every three hours instead of each slot, while little is forecast."""
        for learner in self._learners:
            learner.riders.renew_rates_rarely(on)

    def update_weather(self, weather: Weather) -> None:
        """Use the weather of now and of the hours to come, from the next snapshot on.

        A forecaster without weather leaves its effect out.
        """
        self._riders.weather.update_weather(weather)

    def update_hours(self, hours: OpeningHours | None) -> None:
        """Use these opening hours, in the order of `stations`, from the next snapshot on; None for none.

        Raises `ValueError` where they are those of more or fewer stations.
        """
        if hours is not None and len(hours) != len(self.stations):
            raise ValueError(f"these are the hours of {len(hours)} stations, not of {len(self.stations)}")
        if hours is not self._by_hours.hours:
            self._by_hours.update(hours)

    def opening(self) -> dict[str, Any]:
        """Give the opening hours of `stations`, and their flags while these are open, for a frame."""
        hours = self._by_hours.of_first(len(self.stations))
        if hours is None or self.at is None:
            return {}
        flags = self._by_hours.flags(self.at, self._latest.renting, self._latest.returning)
        rents, returns = (each[: len(hours)] for each in flags)
        return {"hours": hours, "rents": rents, "returns": returns}

    # ------------------------------------------------------------------ stations and snapshots

    def update_stations(self, stations: Stations) -> Renumbering:
        """Take a new description of the system, with stations added, dropped, moved, grown or renumbered.

        Which station is which, `model.identity` decides by place, name and id. What was learnt of a station
        goes with it to its new id; an id that names another station than before begins anew. Gives what
        changed in the meaning of ids; `renamed` has it for good.

        A dropped station keeps what was learnt of it, in case it returns. Once more are remembered than the
        feed describes, the first dropped are forgotten: a feed of ever new ids would fill the memory.

        Raises `ValueError` when the description is of another system.
        """
        if stations.system_id != self.stations.system_id:
            raise ValueError(f"this forecaster knows {self.stations.system_id}, not {stations.system_id}")
        now, before = Identities.of(stations), self._known
        rows = rows_before(before, now)
        changed = renumbering(before, now, rows)
        most = max(len(stations), _MOST_REMEMBERED)
        gone = ~np.isin(np.arange(len(before)), rows) & ~np.isin(before.station_id, now.station_id)
        dropped = np.flatnonzero(gone)[:most]
        self._reorder(np.concatenate([rows, dropped]), now.then(before.take(dropped)))
        self._riders.calendar.move(stations.timezone, stations.country, stations.region)
        seed = self._issued.seed
        if seed is not None:
            seed.move(stations.timezone)
            if changed:
                seed.rename(changed.renamed, changed.begun)
        if changed:
            self.renamed = after_renumbering(self.renamed, changed, now.station_id)
        self.stations = stations
        return changed

    def _reorder(self, rows: Ints, known: Identities) -> None:
        self._latest.reorder(rows)
        self._by_hours.reorder(rows)
        for learner in self._learners:
            learner.reorder(rows)
        self._known = known
        for learner in self._learners:
            learner.riders.today.move(known.lat, known.lon)

    def snapshot(self) -> Snapshot | None:
        """Give back the newest snapshot, with every station ever known; None before the first."""
        if self.at is None:
            return None
        now = self._latest
        return Snapshot(self.at, self._ids, **{name: getattr(now, name) for name in NOTHING_KNOWN})

    def last_known(self) -> tuple[Ints, Ints, Ints]:
        """Give bikes, docks and the Unix time of the last known counts where those of now are not, `(S,)`.

        All are -1 where the counts of now are given, and where none was ever known.
        """
        latest, size = self._latest, len(self.stations)
        given = latest.bikes[:size] >= 0
        bikes, docks, at = (
            np.where(given, UNKNOWN, values[:size])
            for values in (latest.known_bikes, latest.known_docks, latest.known_at)
        )
        return bikes, docks, at

    def shows(self, snapshot: Snapshot) -> bool:
        """Tell whether a snapshot has the very counts and flags of the newest one that was learnt."""
        if self.at is None:
            return False
        return self._latest.same_as(self._latest.after(snapshot, self._ids))

    def odds_of_stillness(self, since: datetime, until: datetime) -> float | None:
        """Give the probability that no count of the system changes from `since` to `until`.

        It follows from the learnt rates. None in the first day; in the first week the odds are too low for a
        city that closes at night.

        Raises `ValueError` before the first snapshot.
        """
        if self._present().first_day:
            return None
        return self._riders.odds_of_stillness(self._latest, self._by_hours, since, until)

    def learn(self, snapshot: Snapshot, after_hole: bool = False) -> list[Score]:
        """Settle the forecasts that are due, learn from what changed, and put new forecasts on record.

        With `after_hole`, nobody knows what happened since the newest snapshot: no riders are counted.

        Gives the scores of the settled forecasts; `drifts` holds the drift that they show. A station that the
        snapshot leaves out is unknown in it; one that `update_stations` has not named is skipped. A snapshot
        no newer than the last is ignored: learning it twice would count its riders twice.
        """
        if self.at is not None and snapshot.at <= self.at:
            return []
        latest = self._latest.after(snapshot, self._ids)
        if self.at is not None:
            self.gaps.note(snapshot.at - self.at)
        scores = self._settle(snapshot.at, latest)
        if self.at is not None and not after_hole and snapshot.at - self.at <= self.gaps.longest:
            places = self._riders.places(self._latest, self.stations.capacity)
            open_ = self._by_hours.is_open_from(self.at, snapshot.at)
            for learner in self._learners:
                then, now = learner.counts(self._latest), learner.counts(latest)
                room = learner.places(places, then)
                learner.riders.learn(self.at, then, snapshot.at, now, room, open_)
        else:
            self._riders.last_bikes.begin_anew(np.ones(len(self._ids), dtype=np.bool_), _seconds(snapshot.at))
            for learner in self._learners:
                learner.riders.today.begin_anew()
        before, self.at = self.at, snapshot.at
        if before is None:
            self.learning_since = snapshot.at
        self._latest = latest
        self._by_hours.note(snapshot.at, latest.renting, latest.returning)
        for kind in KINDS:
            if self.learnt_since(kind) is None and latest.tells(kind):
                self._begin_kind(kind, snapshot.at)
        self._issue(None if self._issues_next else before)
        self._issues_next = False
        return scores

    def _issue(self, before: datetime | None) -> None:
        """Put forecasts on record where none are since `before`, the snapshot before the newest one."""
        assert self.at is not None
        issue = self._issue_number(self.at)
        if before is None or self._issue_number(before) != issue:
            present = self._present()
            self._issued.issue(present, NEAR_SCORED)
            issued = self._issued.pending[-len(NEAR_SCORED) :]
            for learner in self._kinds:
                learner.issued.issue(learner.present(present), KIND_SCORED, issued)
            if before is None or self._issue_number(before) // FAR_ISSUES != issue // FAR_ISSUES:
                self._issued.issue(present, FAR_SCORED)

    def _settle(self, at: datetime, latest: LatestCounts) -> list[Score]:
        """Settle the forecasts that are due: those of a kind are bounded by those of all bikes."""
        odds: IssuedOdds | None = {} if self._kinds else None
        scores, self.drifts = self._issued.settle(at, latest, self._ids, odds)
        for learner in self._kinds:
            scores += learner.issued.settle(at, learner.counts(latest), self._ids, odds)[0]
        return scores

    def _begin_kind(self, kind: str, since: datetime) -> None:
        """Begin to learn a kind of bikes for itself."""
        learner = Learner(len(self._ids), self._riders.calendar, self.gaps, kind, self._all, since)
        learner.riders.today.move(self._known.lat, self._known.lon)
        self._kinds = tuple(sorted((*self._kinds, learner), key=lambda each: KINDS.index(each.kind)))

    def _issue_number(self, at: datetime) -> int:
        return int(at.timestamp()) // (self.every * 60)

    # ------------------------------------------------------------------ forecasts

    def forecast(self, minutes: Sequence[int], rows: Ints | None = None) -> Forecast:
        """Forecast from the newest snapshot, `minutes` ahead: whole minutes from 0 to 1440.

        Where the count of now is not known, the forecast is one made of the last known count at its time. So
        the odds widen with its age, also at 0 minutes. After a day there is no forecast.

        Horizons are solved every five minutes up to twenty, every ten up to two hours, then every half-hour,
        and interpolated linearly in between. `rows` picks stations by their position in `stations`. Without
        it all are forecast at once, which takes much memory for thousands of stations and dozens of horizons:
        `summarise` takes little.

        Raises `ValueError` before the first snapshot, and for minutes out of range.
        """
        present = self._present()
        wrong = [minute for minute in minutes if not 0 <= minute <= 1440]
        if wrong:
            raise ValueError(f"cannot forecast {wrong} minutes ahead: ask for 0 to 1440")
        if rows is None:
            rows = np.arange(len(self.stations))
        wanted = np.asarray(minutes, dtype=np.int64)
        order = np.argsort(wanted, kind="stable")
        age = present.age()[rows]
        cdf = self._ensemble.odds(present, rows, np.maximum(age, 0), wanted[order])
        if (np.diff(wanted) < 0).any():
            cdf = cdf[np.argsort(order)]
        bikes, docks = (counts[rows] for counts in present.latest.begin())
        known = (bikes >= 0) & (age >= 0)
        return Forecast(
            at=present.at,
            minutes=wanted,
            station_id=self._ids[rows],
            bikes=Counts(cdf, known),
            docks=Counts(mirror(cdf, present.places[rows]), known & (docks >= 0)),
            **{_FIELD[each.kind]: each.forecast(present, rows, wanted, cdf) for each in self._kinds},
        )

    def summarise(self, minutes: Sequence[int], at_least: Sequence[int]) -> tuple[Columns, Columns]:
        """Summarise the forecasts of all stations for rising `minutes`: of the bikes, then of the docks.

        It has what `forecast` gives without writing any distribution out. `chance` has a row for each of
        `at_least`, numbers of bikes or docks from 1.

        Raises `ValueError` before the first snapshot.
        """
        return self._ensemble.summarise(self._present(), len(self.stations), minutes, at_least)

    def summarise_kinds(
        self, minutes: Sequence[int], at_least: Sequence[int], of_all: Columns
    ) -> dict[str, Columns]:
        """Summarise the forecasts by kind of bikes, as `summarise` does; empty where no kinds are told apart.

        `of_all` are the columns of all bikes, for the same minutes and numbers.
        """
        if not self._kinds:
            return {}
        present, size = self._present(), len(self.stations)
        return {each.kind: each.summarise(present, size, minutes, at_least, of_all) for each in self._kinds}

    def _present(self) -> Present:
        if self.at is None or self.learning_since is None:
            raise ValueError("nothing is known yet: learn a snapshot first")
        first_day = self.at - self.learning_since < FIRST_DAY
        capacity = self.stations.capacity
        by_night = self._by_hours.explains_closing(self.at) & (self._latest.largest(capacity) > 0)
        latest = self._latest.without_zeros(by_night)
        places = self._riders.places(latest, capacity)
        return Present(self.at, first_day, self._ids, latest, places, self._by_hours)

    # ------------------------------------------------------------------ state to bytes and back

    def to_bytes(self) -> bytes:
        """Pack the whole state: the same state always gives the same bytes."""
        at, since = map(_seconds, (self.at, self.learning_since))
        kinds = (_seconds(self.learnt_since(kind)) for kind in KINDS)
        times = at, since, self.every, int(self._issued.seed is not None), *kinds
        return checkpoint.pack(
            {
                "station_id": self._ids,
                "times": np.array(times),
            }
            | pack_stations(self.stations)
            | pack_identities(self._known, len(self.stations), self.renamed)
            | checkpoint.pack_components({**self._unlearnt, **self.components})
            | checkpoint.pack_pending(self._issued.pending)
            | {
                f"{learner.kind}.{name}": value
                for learner in self._kinds
                for name, value in checkpoint.pack_pending(learner.issued.pending).items()
            }
        )

    @classmethod
    def from_bytes(cls, blob: bytes) -> Forecaster:
        """Unpack what `to_bytes` packed. A state of other experts is adapted by their names.

        Raises `StateError` when the bytes are damaged, too large, or of another release's format, or when
        names or shapes are not those of this release.
        """
        arrays = checkpoint.unpack(blob)
        try:
            return cls._restore(arrays)
        except MemoryError:
            raise
        except Exception as error:  # records, components and numpy may all object
            raise StateError(f"the state cannot be read: {error}") from error

    @classmethod
    def _restore(cls, arrays: Mapping[str, NDArray[Any]]) -> Forecaster:
        at, since, every, seeded, *kinds_since = arrays["times"].tolist()
        self = cls(unpack_stations(arrays), every, bool(seeded))
        ids = arrays["station_id"]
        if len(np.unique(ids)) != len(ids) or not np.array_equal(ids[: len(self._ids)], self._ids):
            raise ValueError("station_id does not begin with the stations described, each once")
        known, self.renamed = unpack_identities(arrays, self._known)
        self._reorder(rows_of(ids, self._ids), known)
        self.at, self.learning_since = _moment(at), _moment(since)
        for kind, seconds in zip(KINDS, kinds_since, strict=True):
            if seconds >= 0:
                self._begin_kind(kind, datetime.fromtimestamp(seconds, UTC))
        checkpoint.restore_components({**self._unlearnt, **self.components}, arrays)
        for learner in self._learners:
            start = "" if learner is self._all else f"{learner.kind}."
            learner.issued.pending = [*checkpoint.unpack_pending(arrays, start)]
            for pending in learner.issued.pending:
                if len(pending.bikes) != len(ids) or pending.minutes not in learner.changes.minutes:
                    raise ValueError(
                        f"a forecast of {len(pending.bikes)} stations {pending.minutes} minutes ahead is "
                        "pending"
                    )
        return self


def _seconds(at: datetime | None) -> int:
    return -1 if at is None else int(at.timestamp())


def _moment(seconds: int) -> datetime | None:
    return None if seconds < 0 else datetime.fromtimestamp(seconds, UTC)
