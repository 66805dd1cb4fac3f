"""The forecaster: learns from each snapshot and forecasts from the newest."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from model import checkpoint
from model.arrays import Array32, Bools, Floats, Ints, Strings, rows_of
from model.checkpoint import StateError
from model.demand.calendar import Calendar
from model.demand.changes import Changes
from model.demand.climatology import Climatology
from model.demand.occupancy_effect import OccupancyEffect
from model.demand.overflow import Overflow
from model.demand.rates import MAX_GAP, NOISE, Demand, Events, count_events
from model.demand.weather_effect import WeatherEffect
from model.experts import solver
from model.experts.expert import DAY_MINUTES, Expert, Now, as_now
from model.experts.registry import ExpertInputs, answers, build_experts
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
from model.latest import LatestCounts
from model.mixing import guard
from model.mixing.guard import Guard
from model.mixing.pool import Pool
from model.records import (
    NOTHING_KNOWN,
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
from model.scoring.drift import DriftMonitor
from model.scoring.issue import (
    FAR_ISSUES,
    FAR_SCORED,
    ISSUE_MINUTES,
    NEAR_SCORED,
    SCORED_MINUTES,
    Pending,
    pack,
    starts,
)
from model.scoring.settle import Score, expire, settle

if TYPE_CHECKING:
    from model.seed_pipeline import SeedPipeline

_USUAL_SECONDS = 60.0

_MOST_REMEMBERED = 1000
"""Dropped stations that are remembered, or as many as the feed describes where these are more."""

_FIRST_DAY = timedelta(days=1)
"""In it a city has shown too little to say that a count will rise or fall: it may only say how likely."""

_STILLNESS_STEP = timedelta(minutes=15)
_SURELY = 1000.0
"""Expected changes that need no more adding up."""


class Forecaster:
    """Forecasts the bikes and docks of one system's stations, and learns from every snapshot.

    State is kept by station id: `update_stations` adds, drops and moves stations, and those that stay keep
    what was learnt of them, also under another id. `renamed` has the present id by each earlier one.
    Forecasting changes nothing, so the state depends on the snapshots alone.

    Every `every` minutes a forecast is put on record. It is scored later, and the pool learns from it. With
    `seed` the seed pipeline competes on the same forecasts.
    """

    def __init__(self, stations: Stations, every: int = ISSUE_MINUTES, seed: bool = False) -> None:
        self.stations = stations
        self.every = every
        self.at: datetime | None = None
        self.learning_since: datetime | None = None
        self.drifts: list[Drift] = []
        size = len(stations)
        self._known = Identities.of(stations)
        self.renamed: dict[str, str] = {}
        self._latest = LatestCounts(size)
        self._by_hours = ByHours(size)
        self._usual_seconds = _USUAL_SECONDS
        self._calendar = calendar = Calendar(stations.timezone, stations.country, stations.region)
        self._weather = WeatherEffect(calendar)
        self._long = Demand(size, calendar, slots=96, half_life_days=20, weather=self._weather)
        self._short = Demand(size, calendar, slots=48, half_life_days=10, weather=self._weather)
        self._occupancy = OccupancyEffect(size, calendar)
        self._changes = Changes(size, SCORED_MINUTES)
        self._climatology = Climatology(size, calendar)
        self._overflow = Overflow(size)
        self._experts = build_experts(
            ExpertInputs(self._long, self._short, self._occupancy, self._changes, self._climatology)
        )
        self._pool = Pool(
            size,
            SCORED_MINUTES,
            [expert.name for expert in self._experts],
            [expert.reach for expert in self._experts],
            [expert.first_weight for expert in self._experts],
        )
        self._guard = Guard(size, SCORED_MINUTES)
        self._drift_monitor = DriftMonitor(SCORED_MINUTES)
        self._seed: SeedPipeline | None = None
        self._pending: list[Pending] = []
        self.run_seed_pipeline(seed)

    @property
    def _ids(self) -> Strings:
        return self._known.station_id

    @property
    def _by_station(self) -> dict[str, Any]:
        return {"long": self._long, "short": self._short, "occupancy_effect": self._occupancy,
                "changes": self._changes, "climatology": self._climatology, "overflow": self._overflow,
                "pool": self._pool, "guard": self._guard}  # fmt: skip

    @property
    def _unlearnt(self) -> dict[str, Any]:
        return {"latest": self._latest, "hours": self._by_hours}

    @property
    def components(self) -> Mapping[str, Any]:
        """Give everything that learns, by name. A component's attributes hold what it has learnt.

        `long` and `short` are demand, `calendar` and `weather` move all stations together, `drift_monitor`
        looks for drift, and `seed` is there if the seed pipeline runs. Stations are in the order of
        `snapshot`: those of `stations` first.
        """
        city = {"calendar": self._calendar, "weather": self._weather, "drift_monitor": self._drift_monitor}
        seed = {} if self._seed is None else {"seed": self._seed}
        return MappingProxyType(self._by_station | city | seed)

    @property
    def experts(self) -> tuple[Expert, ...]:
        """The experts that compete in the pool, in the order of the registry."""
        return self._experts

    @property
    def waiting(self) -> dict[int, int]:
        """Count the pending forecasts by minutes ahead, one for each station."""
        waiting: dict[int, int] = {}
        for pending in self._pending:
            count = int((pending.bikes >= 0).sum())
            waiting[pending.minutes] = waiting.get(pending.minutes, 0) + count
        return dict(sorted(waiting.items()))

    @property
    def held(self) -> Bools:
        """Tell where the guard holds the median at "as now", by scored horizon, `(H, S)`.

        Raises `ValueError` before the first snapshot.
        """
        if self.at is None:
            raise ValueError("nothing is known yet: learn a snapshot first")
        return self._held(SCORED_MINUTES, np.arange(len(self.stations)))

    @property
    def models(self) -> tuple[str, ...]:
        """The names that scores come under: the experts', the seed pipeline's if it runs, and the pool's."""
        seed = () if self._seed is None else (self._seed.name,)
        return (*(expert.name for expert in self._experts), *seed, "pool")

    def run_seed_pipeline(self, seed: bool) -> bool:
        """Start the seed pipeline, or stop it and lose what it learnt; tell whether that was a change."""
        if seed == (self._seed is not None):
            return False
        if seed:
            from model.seed_pipeline import SeedPipeline

            self._seed = SeedPipeline(self.stations.timezone, SCORED_MINUTES)
        else:
            self._seed = None
        return True

    def renew_rates_rarely(self, on: bool) -> None:
        """Renew the rates every three hours instead of each slot, while little is forecast."""
        for demand in (self._long, self._short):
            demand.stride = demand.slots // 8 if on else 1

    def update_weather(self, weather: Weather) -> None:
        """Use the weather of now and of the hours to come, from the next snapshot on.

        A forecaster without weather leaves its effect out.
        """
        self._weather.update_weather(weather)

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
        self._calendar.move(stations.timezone, stations.country, stations.region)
        if self._seed is not None:
            self._seed.move(stations.timezone)
            if changed:
                self._seed.rename(changed.renamed, changed.begun)
        if changed:
            self.renamed = after_renumbering(self.renamed, changed, now.station_id)
        self.stations = stations
        return changed

    def _reorder(self, rows: Ints, known: Identities) -> None:
        for part in (self._latest, self._by_hours, *self._by_station.values(), *self._pending):
            part.reorder(rows)
        self._known = known

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
        return self._latest.same_as(self._latest.after(snapshot, rows_of(self._ids, snapshot.station_id)))

    def odds_of_stillness(self, since: datetime, until: datetime) -> float | None:
        """Give the probability that no count of the system changes from `since` to `until`.

        All changes that the learnt rates expect at stations with a free dock or a bike are added up. They
        come in clumps, with twice the variance of independent riders: so half of them count. None in the
        first day; in the first week the odds are too low for a city that closes at night.

        Raises `ValueError` before the first snapshot.
        """
        if self.at is None or self.learning_since is None:
            raise ValueError("nothing is known yet: learn a snapshot first")
        if self.at - self.learning_since < _FIRST_DAY:
            return None
        now = self._latest
        free = np.stack(self._free(now, now.known))
        expected, begin = 0.0, since
        while begin < until and expected < _SURELY:
            end = min(begin + _STILLNESS_STEP, until)
            hours = (end - begin) / timedelta(hours=1)
            open_ = free & self._by_hours.is_open_from(begin, end)
            expected += (
                float((self._long.at(begin + (end - begin) / 2) * open_).sum(dtype=np.float64)) * hours
            )
            begin = end
        return math.exp(-expected / NOISE)

    def learn(self, snapshot: Snapshot, after_hole: bool = False) -> list[Score]:
        """Settle the forecasts that are due, learn from what changed, and put new forecasts on record.

        With `after_hole`, nobody knows what happened since the newest snapshot: no riders are counted.

        Gives the scores of the settled forecasts; `drifts` holds the drift that they show. A station that the
        snapshot leaves out is unknown in it; one that `update_stations` has not named is skipped. A snapshot
        no newer than the last is ignored: learning it twice would count its riders twice.
        """
        if self.at is not None and snapshot.at <= self.at:
            return []
        latest = self._latest.after(snapshot, rows_of(self._ids, snapshot.station_id))
        scores = self._settle(snapshot.at, latest)
        if self.at is not None and not after_hole and snapshot.at - self.at <= MAX_GAP:
            self._learn(self.at, snapshot.at, latest)
        before, self.at = self.at, snapshot.at
        if before is None:
            self.learning_since = snapshot.at
        self._latest = latest
        self._by_hours.note(snapshot.at, latest.renting, latest.returning)
        issue = self._issue_number(snapshot.at)
        if before is None or self._issue_number(before) != issue:
            self._issue(NEAR_SCORED)
            if before is None or self._issue_number(before) // FAR_ISSUES != issue // FAR_ISSUES:
                self._issue(FAR_SCORED)
        return scores

    def _learn(self, before: datetime, at: datetime, latest: LatestCounts) -> None:
        then = self._latest
        # Where a station opens or closes, the operator sets the count: 48 bikes gone then are no riders.
        steady = (latest.renting == then.renting) & (latest.returning == then.returning)
        known = then.known & latest.known
        change = np.where(steady, latest.bikes - then.bikes, 0)
        can_arrive, can_depart = self._free(then, known & self._by_hours.is_open_from(before, at))
        seen = count_events(before, at, change, can_arrive, can_depart)
        places = self._places()
        self._learn_city(seen)
        self._occupancy.learn(seen, then.bikes, places, known, self._short)
        self._climatology.learn(seen, then.bikes, places, known)
        self._long.learn(seen)
        self._short.learn(seen)
        full = known & then.returning & (then.docks == 0) & (latest.docks == 0)
        self._overflow.learn(change, full, seen.hours)

    def _free(self, then: LatestCounts, known: Bools) -> tuple[Bools, Bools]:
        """Tell where a bike could come and where one could go, each `(S,)`."""
        return (
            known & ((then.docks != 0) | self._overflow.takes) & then.returning,
            known & (then.bikes > 0) & then.renting,
        )

    def _learn_city(self, seen: Events) -> None:
        """Learn what moves all stations together: the kind of day, and the weather."""
        holiday = self._calendar.is_holiday(seen.middle)
        if not holiday and self._weather.weather is None:
            return
        riders: Floats = seen.riders.sum(axis=1, dtype=np.float64)
        expected = self._long.expected(seen)
        if holiday:
            weekday, weekend = expected.sum(axis=1).tolist()
            self._calendar.learn(seen.middle, float(riders.sum()), weekday, weekend)
        self._weather.learn(seen.middle, riders, expected[self._long.cell(seen.middle)[0]])

    # ------------------------------------------------------------------ issued forecasts

    def _settle(self, at: datetime, latest: LatestCounts) -> list[Score]:
        if self.at is not None:
            gap = min((at - self.at).total_seconds(), 600.0)
            self._usual_seconds += 0.1 * (gap - self._usual_seconds)
        patience = timedelta(seconds=max(1.5 * self._usual_seconds, 90.0))
        due = [pending for pending in self._pending if pending.target_at <= at]
        self._pending = [pending for pending in self._pending if pending.target_at > at]
        scores = []
        self.drifts = []
        for pending in sorted(due, key=lambda p: (p.target_at, p.issued_at)):
            if at - pending.target_at > patience:
                scores += expire(pending)
                continue
            settled = settle(pending, latest.truth, latest.docks)
            rows = settled.rows
            if len(rows):
                then, truth = pending.bikes[rows], latest.bikes[rows]
                self._pool.learn(pending.minutes, rows, pending.models, settled.errors)
                self._guard.learn(pending.minutes, rows, settled.pooled, then, truth)
                self._changes.learn(pending.minutes, rows, truth - then)
                if self._seed is not None:
                    ids = self._ids[rows].tolist()
                    self._seed.learn(pending.minutes, pending.issued_at, pending.weather, ids, truth)
                self._look_for_drift(at, settled.scores)
            scores += settled.scores
        return scores

    def _look_for_drift(self, at: datetime, scores: Sequence[Score]) -> None:
        mean = {score.model: float(score.crps.mean()) for score in scores}
        target_at, minutes = scores[0].target_at, scores[0].minutes
        hour = self._calendar.cell(target_at, 24)
        drift = self._drift_monitor.learn(minutes, at, hour, mean["pool"], mean["naive"])
        if drift is not None:
            self.drifts.append(drift)

    def _issue(self, minutes: Sequence[int]) -> None:
        """Put a forecast on record for each of `minutes`, which rise."""
        at = self.at
        assert at is not None
        every = np.arange(len(self._ids))
        positions = [index for index, expert in enumerate(self._experts) if expert.reach >= minutes[0]]
        members = [self._experts[index] for index in positions]
        places = self._places()
        # At an overflow station 0 docks do not mean that nobody can return a bike.
        docks = np.where(self._overflow.takes, UNKNOWN, self._latest.docks)
        begin = starts(places)
        odds = np.empty((len(minutes), len(members), int(begin[-1])), dtype=np.uint16)
        for rows in solver.blocks(places, self._pace()):
            now = self._now(rows)
            count = now.counts[:, None]
            inside = count <= now.places
            where = (begin[rows] + count)[inside]
            for member, distributions in enumerate(answers(members, now, minutes)):
                reached = len(distributions)
                odds[:reached, member, where] = pack(distributions.swapaxes(1, 2)[:, inside])
        weights = self._pool.weights(minutes, every)[:, positions]
        curves, held = self._guard.curves(minutes), self._held(minutes, every)
        for index, horizon in enumerate(minutes):
            able = [member for member, expert in enumerate(members) if expert.reach >= horizon]
            weather = self._weather.known(at + timedelta(minutes=horizon))
            self._pending.append(
                Pending(
                    issued_at=at,
                    minutes=horizon,
                    models=tuple(members[member].name for member in able),
                    bikes=self._latest.truth,
                    docks=docks,
                    places=places,
                    weight=weights[index][able],
                    curve=curves[index],
                    held=held[index],
                    seed_bikes=self._predict_seed(horizon, weather),
                    weather=weather,
                    odds=odds[index][able],
                )
            )

    def _predict_seed(self, minutes: int, weather: Floats) -> Floats:
        """Let the seed pipeline predict, `(R,)`; not numbers where it does not run or bikes are unknown."""
        predicted = np.full(len(self._ids), np.nan)
        rows = np.flatnonzero(self._latest.known)
        if self._seed is not None and self.at is not None:
            predicted[rows] = self._seed.predict(minutes, self.at, weather, self._ids[rows].tolist())
        return predicted

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
        `blocks` splits them.

        Raises `ValueError` before the first snapshot, and for minutes out of range.
        """
        if self.at is None:
            raise ValueError("nothing is known yet: learn a snapshot first")
        wrong = [minute for minute in minutes if not 0 <= minute <= 1440]
        if wrong:
            raise ValueError(f"cannot forecast {wrong} minutes ahead: ask for 0 to 1440")
        if rows is None:
            rows = np.arange(len(self.stations))
        wanted = np.asarray(minutes, dtype=np.int64)
        order = np.argsort(wanted, kind="stable")
        age, places = self._latest.age(self.at)[rows], self._places()[rows]
        cdf = self._from_ages(rows, np.maximum(age, 0), wanted[order])
        if (np.diff(wanted) < 0).any():
            cdf = cdf[np.argsort(order)]
        bikes, docks = (counts[rows] for counts in self._latest.begin())
        known = (bikes >= 0) & (age >= 0)
        return Forecast(
            at=self.at,
            minutes=wanted,
            station_id=self._ids[rows],
            bikes=Counts(cdf, known),
            docks=Counts(_mirror(cdf, places), known & (docks >= 0)),
        )

    def _from_ages(self, rows: Ints, age: Ints, minutes: Ints) -> Array32:
        """Forecast stations whose counts are `age` `(S,)` minutes old, for rising minutes, `(H, S, N)`."""
        ages = np.unique(age).tolist()
        if len(ages) <= 1:
            minutes_old = ages[0] if ages else 0
            now = self._now(rows, minutes_old)
            cdf = self._pooled(now, np.minimum(minutes + minutes_old, DAY_MINUTES).tolist())
            if not minutes_old:
                cdf[minutes == 0] = as_now(now)
            return cdf
        size = int(self._places()[rows].max(initial=0)) + 1
        mixed = np.ones((len(minutes), size, len(rows)), dtype=np.float32).swapaxes(1, 2)
        for minutes_old in ages:
            group = np.flatnonzero(age == minutes_old)
            cdf = self._from_ages(rows[group], age[group], minutes)
            mixed[:, group, : cdf.shape[2]] = cdf
        return mixed

    def _pooled(self, now: Now, minutes: list[int]) -> Array32:
        """Mix the experts' odds for rising minutes and let the guard correct them, `(H, S, N)`."""
        weights = self._pool.weights(minutes, now.rows)
        weights /= weights.sum(axis=1, keepdims=True)
        pooled = np.zeros((len(minutes), len(now.counts), len(now.rows)), dtype=np.float32).swapaxes(1, 2)
        for index, odds in enumerate(answers(self._experts, now, minutes)):
            pooled[: len(odds)] += odds * weights[: len(odds), index, :, None]
        pooled = guard.apply(pooled, self._guard.curves(minutes), self._held(minutes, now.rows), now.bikes)
        pooled[:, now.counts >= now.places[:, None]] = 1
        return pooled

    def _held(self, minutes: Sequence[int], rows: Ints) -> Bools:
        """Tell where the median is held at "as now", `(H, S)`: everywhere in a city's first day."""
        assert self.at is not None
        assert self.learning_since is not None
        if self.at - self.learning_since < _FIRST_DAY:
            return np.ones((len(minutes), len(rows)), dtype=np.bool_)
        return self._guard.held(minutes, rows)

    def blocks(self) -> Iterator[Ints]:
        """Split the stations' positions into groups that are cheap to forecast together."""
        assert self.at is not None
        places, pace, age = self._places(), self._pace(), np.maximum(self._latest.age(self.at), 0)
        for minutes_old in np.unique(age[: len(self.stations)]).tolist():
            rows = np.flatnonzero(age[: len(self.stations)] == minutes_old)
            for block in solver.blocks(places[rows], pace[rows]):
                yield rows[block]

    def _pace(self) -> Floats:
        """Give the riders in the busiest hour of each station's week, `(R,)`."""
        pace: Floats = self._short.rates.sum(axis=2).max(axis=(0, 1), initial=0)
        return pace

    def _now(self, rows: Ints, age: int = 0) -> Now:
        """Give the counts to begin with; with an `age` in minutes the last known ones, as of then."""
        assert self.at is not None
        places, latest = self._places()[rows], self._latest
        counts = latest.known_bikes if age else latest.bikes
        bikes, at = np.clip(counts[rows], 0, places), self.at - timedelta(minutes=age)
        renting, returning = self._by_hours.flags(self.at, latest.renting, latest.returning)
        return Now(at, rows, bikes, places, renting[rows], returning[rows], self._by_hours)

    def _places(self) -> Ints:
        latest, capacity = self._latest, self.stations.capacity
        return self._overflow.places(latest.places(capacity), latest.largest(capacity))

    # ------------------------------------------------------------------ state to bytes and back

    def to_bytes(self) -> bytes:
        """Pack the whole state: the same state always gives the same bytes."""
        seeded = int(self._seed is not None)
        return checkpoint.pack(
            {
                "station_id": self._ids,
                "times": np.array([_seconds(self.at), _seconds(self.learning_since), self.every, seeded]),
                "usual_seconds": np.array(self._usual_seconds),
            }
            | pack_stations(self.stations)
            | pack_identities(self._known, len(self.stations), self.renamed)
            | checkpoint.pack_components({**self._unlearnt, **self.components})
            | checkpoint.pack_pending(self._pending)
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
        at, since, every, seeded = arrays["times"].tolist()
        self = cls(unpack_stations(arrays), every, bool(seeded))
        ids = arrays["station_id"]
        if len(np.unique(ids)) != len(ids) or not np.array_equal(ids[: len(self._ids)], self._ids):
            raise ValueError("station_id does not begin with the stations described, each once")
        known, self.renamed = unpack_identities(arrays, self._known)
        self._reorder(rows_of(ids, self._ids), known)
        self.at, self.learning_since = _moment(at), _moment(since)
        self._usual_seconds = float(arrays["usual_seconds"])
        checkpoint.restore_components({**self._unlearnt, **self.components}, arrays)
        self._pending = [*checkpoint.unpack_pending(arrays)]
        for pending in self._pending:
            if len(pending.bikes) != len(ids) or pending.minutes not in SCORED_MINUTES:
                raise ValueError(
                    f"a forecast of {len(pending.bikes)} stations {pending.minutes} minutes ahead is pending"
                )
        return self


def _mirror(cdf: Array32, places: Ints) -> Array32:
    """Turn P(bikes ≤ k) into P(docks ≤ k): k docks or fewer are `places` − k bikes or more."""
    below = places - 1 - np.arange(cdf.shape[-1])[:, None]
    at = np.maximum(below, 0) * len(places) + np.arange(len(places))
    docks = np.take(cdf.swapaxes(1, 2).reshape(len(cdf), -1), at, axis=1)
    np.subtract(1, docks, out=docks)
    docks[:, below < 0] = 1
    mirrored: Array32 = docks.swapaxes(1, 2)
    return mirrored


def _seconds(at: datetime | None) -> int:
    return -1 if at is None else int(at.timestamp())


def _moment(seconds: int) -> datetime | None:
    return None if seconds < 0 else datetime.fromtimestamp(seconds, UTC)
