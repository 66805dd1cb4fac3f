"""The forecaster: learns from each snapshot, forecasts from the newest, and packs itself into bytes."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.arrays import Array32, Bools, Floats, Ints, aligned, rows_of, take_rows
from model.demand.calendar import Calendar
from model.demand.changes import Changes
from model.demand.climatology import Climatology
from model.demand.occupancy_effect import OccupancyEffect
from model.demand.rates import MAX_GAP, Demand, Events, events
from model.demand.weather_effect import WeatherEffect
from model.experts import solver
from model.experts.registry import Expert, Now, answers, as_now, experts
from model.mixing import guard
from model.mixing.guard import Guard
from model.mixing.pool import Pool
from model.records import (
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
    Score,
    expire,
    pack,
    settle,
    starts,
)
from model.seed_pipeline import SeedPipeline

_FORMAT = 4
_MAX_BYTES = 2**30
_USUAL_SECONDS = 60.0

_MOST_GONE = 1000
"""Stations that have gone and are remembered, or as many as there are where that is more."""

_FIRST_DAY = timedelta(days=1)
"""A city has shown too little in it to say that a count will rise or fall: it may only say how likely."""

_FIRST_WEIGHTS = (20.0, 6.0, 1.0, 1.0, 0.2, 0.2, 1.0, 2.0)
"""By expert, in their order: a city that has shown nothing yet is forecast nearly as it is now."""


_OF_PENDING = ("weight", "curve", "held", "said", "weather", "odds")


class StateError(ValueError):
    """Bytes that are no state of this release's forecaster: learn the log again instead."""


class Forecaster:
    """Forecasts the bikes and docks of one system's stations, and learns from every snapshot.

    State is kept by station id: `update_stations` adds, drops and moves stations, and those that stay keep
    what was learnt of them. Forecasting changes nothing, so the state depends on the snapshots alone.

    `every` is how often a forecast is put on record, in minutes: it is scored, and the pool learns from it.
    With `seed` the seed pipeline competes on the same forecasts.
    """

    _COUNTS = (("bikes", UNKNOWN), ("docks", UNKNOWN), ("ebikes", UNKNOWN), ("most", 0),
               ("renting", True), ("returning", True))  # fmt: skip

    def __init__(self, stations: Stations, every: int = ISSUE_MINUTES, seed: bool = False) -> None:
        self.stations = stations
        self.every = every
        self.at: datetime | None = None
        self.learning_since: datetime | None = None
        self._ids = stations.station_id
        size = len(stations)
        self._bikes = np.full(size, UNKNOWN)
        self._docks = np.full(size, UNKNOWN)
        self._ebikes = np.full(size, UNKNOWN)
        self._most = np.zeros(size, dtype=np.int64)
        self._renting = np.ones(size, dtype=np.bool_)
        self._returning = np.ones(size, dtype=np.bool_)
        self._usual_seconds = _USUAL_SECONDS
        self._days = days = Calendar(stations.timezone, stations.country)
        self._weather = WeatherEffect(days)
        self._long = Demand(size, days, slots=96, half_life_days=20, weather=self._weather)
        self._short = Demand(size, days, slots=48, half_life_days=10, weather=self._weather)
        self._pull = OccupancyEffect(size, days)
        self._changes = Changes(size, SCORED_MINUTES)
        self._climate = Climatology(size, days)
        self._experts = experts(self._long, self._short, self._pull, self._changes, self._climate)
        able = np.array([[expert.reach >= minutes for expert in self._experts] for minutes in SCORED_MINUTES])
        self._pool = Pool(size, SCORED_MINUTES, _FIRST_WEIGHTS, able)
        self._guard = Guard(size, SCORED_MINUTES)
        self._seed: SeedPipeline | None = None
        self._watch = DriftMonitor(SCORED_MINUTES)
        self.drifts: list[Drift] = []
        self._pending: list[Pending] = []
        self.run_seed_pipeline(seed)

    @property
    def _by_station(self) -> dict[str, Any]:
        return {"long": self._long, "short": self._short, "pull": self._pull, "changes": self._changes,
                "climate": self._climate, "pool": self._pool, "guard": self._guard}  # fmt: skip

    @property
    def _parts(self) -> dict[str, Any]:
        seed = {} if self._seed is None else {"seed": self._seed}
        city = {"days": self._days, "weather": self._weather, "watch": self._watch}
        return self._by_station | city | seed

    @property
    def parts(self) -> Mapping[str, Any]:
        """What learns, by name, to be looked at: each part's own attributes say what it has learnt.

        `long` and `short` are demand, `days` and `weather` what moves all stations together, `watch` looks
        for drift, `seed` is there where it runs. Stations are in the order of `snapshot`: those of
        `stations` first.
        """
        return MappingProxyType(self._parts)

    @property
    def experts(self) -> tuple[Expert, ...]:
        """What competes, naive first."""
        return self._experts

    @property
    def waiting(self) -> dict[int, int]:
        """Count the forecasts that wait for their truth, of one station each, by minutes ahead."""
        waiting: dict[int, int] = {}
        for pending in self._pending:
            count = int((pending.bikes >= 0).sum())
            waiting[pending.minutes] = waiting.get(pending.minutes, 0) + count
        return dict(sorted(waiting.items()))

    @property
    def held(self) -> Bools:
        """Tell where the guard ties the median to "as now", by scored horizon, `(H, S)`.

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
        """Let the seed pipeline run from now on, or stop it and lose what it learnt; tell if that is new."""
        if seed == (self._seed is not None):
            return False
        self._seed = SeedPipeline(self.stations.timezone, SCORED_MINUTES) if seed else None
        return True

    def renew_rates_rarely(self, on: bool) -> None:
        """Renew the rates every three hours, not with each slot: for a way of which little is forecast."""
        for demand in (self._long, self._short):
            demand.stride = demand.slots // 8 if on else 1

    def update_weather(self, weather: Weather) -> None:
        """Take what is known of the weather, now and for the hours to come.

        It counts from the next snapshot on. A forecaster that hears nothing does without.
        """
        self._weather.update_weather(weather)

    # ------------------------------------------------------------------ stations and snapshots

    def update_stations(self, stations: Stations) -> None:
        """Take a new description of the system: stations may have come, gone, moved or grown.

        One that has gone keeps what was learnt of it, in case it comes back. Those that went first are
        forgotten once more have gone than are there: a feed of ever new ids would fill the memory.

        Raises `ValueError` when the description is of another system.
        """
        if stations.system_id != self.stations.system_id:
            raise ValueError(f"this forecaster knows {self.stations.system_id}, not {stations.system_id}")
        gone = self._ids[~np.isin(self._ids, stations.station_id)][: max(len(stations), _MOST_GONE)]
        ids = np.concatenate([stations.station_id, gone])
        rows = rows_of(ids, self._ids)
        for name, default in self._COUNTS:
            setattr(self, f"_{name}", take_rows(getattr(self, f"_{name}"), rows, default))
        for part in (*self._by_station.values(), *self._pending):
            part.take(rows)
        self._days.move(stations.timezone, stations.country)
        if self._seed is not None:
            self._seed.move(stations.timezone)
        self._ids = ids
        self.stations = stations

    def snapshot(self) -> Snapshot | None:
        """Give back the newest snapshot, with every station ever known; None before the first."""
        if self.at is None:
            return None
        return Snapshot(
            self.at, self._ids, self._bikes, self._docks, self._ebikes, self._renting, self._returning
        )

    def learn(self, snapshot: Snapshot) -> list[Score]:
        """Settle the forecasts that are due, learn from what changed, and put new forecasts on record.

        Gives the scores of what was settled; `drifts` holds what drift they told of. A station that the
        snapshot leaves out is unknown in it; one that `update_stations` has not named is passed over. A
        snapshot no newer than the last is ignored: learning it twice would count its riders twice.
        """
        if self.at is not None and snapshot.at <= self.at:
            return []
        rows = rows_of(self._ids, snapshot.station_id)
        bikes, docks, ebikes = (
            aligned(values, rows, UNKNOWN) for values in (snapshot.bikes, snapshot.docks, snapshot.ebikes)
        )
        renting, returning = (
            aligned(values, rows, True) for values in (snapshot.renting, snapshot.returning)
        )
        scores = self._settle(snapshot.at, bikes, docks)
        if self.at is not None and snapshot.at - self.at <= MAX_GAP:
            self._learn(self.at, snapshot.at, bikes)
        before, self.at = self.at, snapshot.at
        if before is None:
            self.learning_since = snapshot.at
        self._bikes, self._docks, self._ebikes = bikes, docks, ebikes
        self._renting, self._returning = renting, returning
        self._most = np.maximum(self._most, bikes)
        issue = self._issue(snapshot.at)
        if before is None or self._issue(before) != issue:
            self._record(NEAR_SCORED)
            if before is None or self._issue(before) // FAR_ISSUES != issue // FAR_ISSUES:
                self._record(FAR_SCORED)
        return scores

    def _learn(self, before: datetime, at: datetime, bikes: Ints) -> None:
        known = (self._bikes >= 0) & (bikes >= 0)
        happened: Events = events(
            before,
            at,
            bikes - self._bikes,
            can_arrive=known & (self._docks != 0) & self._returning,
            can_depart=known & (self._bikes > 0) & self._renting,
        )
        places = self._places()
        self._learn_city(happened)
        self._pull.learn(happened, self._bikes, places, known, self._short)
        self._climate.learn(happened, self._bikes, places, known)
        self._long.learn(happened)
        self._short.learn(happened)

    def _learn_city(self, happened: Events) -> None:
        """Learn what moves all stations together: the kind of day, and the weather."""
        holiday = self._days.is_holiday(happened.middle)
        if not holiday and self._weather.weather is None:
            return
        seen: Floats = happened.riders.sum(axis=1, dtype=np.float64)
        expected = self._long.expected(happened)
        if holiday:
            weekday, weekend = expected.sum(axis=1).tolist()
            self._days.learn(happened.middle, float(seen.sum()), weekday, weekend)
        self._weather.learn(happened.middle, seen, expected[self._long.cell(happened.middle)[0]])

    def _settle(self, at: datetime, bikes: Ints, docks: Ints) -> list[Score]:
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
            settled = settle(pending, bikes, docks)
            rows = settled.rows
            if len(rows):
                then, truth = pending.bikes[rows], bikes[rows]
                self._pool.learn(pending.minutes, rows, settled.errors)
                self._guard.learn(pending.minutes, rows, settled.pooled, then, truth)
                self._changes.learn(pending.minutes, rows, truth - then)
                if self._seed is not None:
                    told = pending.weather, self._ids[rows].tolist()
                    self._seed.learn(pending.minutes, pending.issued_at, *told, truth)
                self._look_for_drift(at, settled.scores)
            scores += settled.scores
        return scores

    def _look_for_drift(self, at: datetime, scores: Sequence[Score]) -> None:
        mean = {score.model: float(score.crps.mean()) for score in scores}
        target_at, minutes = scores[0].target_at, scores[0].minutes
        hour = self._days.cell(target_at, 24)
        drift = self._watch.learn(minutes, at, hour, mean["pool"], mean["naive"])
        if drift is not None:
            self.drifts.append(drift)

    def _record(self, minutes: Sequence[int]) -> None:
        at = self.at
        assert at is not None
        every = np.arange(len(self._ids))
        able = self._able(minutes)
        members = [self._experts[index] for index in able]
        places = self._places()
        names = tuple(member.name for member in members)
        begin = starts(places)
        odds = np.empty((len(minutes), len(able), int(begin[-1])), dtype=np.uint16)
        for rows in solver.blocks(places, self._pace()):
            now = self._now(rows)
            count = now.counts[:, None]
            inside = count <= now.places
            where = (begin[rows] + count)[inside]
            for member, distributions in enumerate(answers(members, now, minutes)):
                odds[:, member, where] = pack(distributions.swapaxes(1, 2)[:, inside])
        weights = self._pool.weights(minutes, every)[:, able]
        curves, held = self._guard.curves(minutes), self._held(minutes, every)
        for index, horizon in enumerate(minutes):
            weather = self._weather.known(at + timedelta(minutes=horizon))
            self._pending.append(
                Pending(
                    issued_at=at,
                    minutes=horizon,
                    models=names,
                    bikes=self._bikes,
                    docks=self._docks,
                    places=places,
                    weight=weights[index],
                    curve=curves[index],
                    held=held[index],
                    said=self._seeded(horizon, weather),
                    weather=weather,
                    odds=odds[index],
                )
            )

    def _seeded(self, minutes: int, weather: Floats) -> Floats:
        """Ask the seed pipeline, `(R,)`; it is not asked where no bikes are known."""
        said = np.full(len(self._ids), np.nan)
        rows = np.flatnonzero(self._bikes >= 0)
        if self._seed is not None and self.at is not None:
            said[rows] = self._seed.predict(minutes, self.at, weather, self._ids[rows].tolist())
        return said

    def _able(self, minutes: Sequence[int]) -> list[int]:
        """List the experts that answer as far as that, by position."""
        return [index for index, expert in enumerate(self._experts) if expert.reach >= max(minutes)]

    # ------------------------------------------------------------------ forecasts

    def forecast(self, minutes: Sequence[int], rows: Ints | None = None) -> Forecast:
        """Forecast from the newest snapshot, `minutes` ahead: whole minutes from 0 to 1440.

        Horizons are solved to two hours by the ten minutes (five to twenty), then by the half-hour, and read
        off straight in between. `rows` picks stations by their position in `stations`; without it all are
        forecast at once, which for thousands of stations and dozens of horizons takes much memory: `blocks`
        splits them.

        Raises `ValueError` before the first snapshot, and for minutes out of range.
        """
        if self.at is None:
            raise ValueError("nothing is known yet: learn a snapshot first")
        wrong = [minute for minute in minutes if not 0 <= minute <= 1440]
        if wrong:
            raise ValueError(f"cannot forecast {wrong} minutes ahead: ask for 0 to 1440")
        if rows is None:
            rows = np.arange(len(self.stations))
        now = self._now(rows)
        wanted = np.asarray(minutes, dtype=np.int64)
        order = np.argsort(wanted, kind="stable")
        cdf = self._pooled(now, wanted[order].tolist())
        cdf[wanted[order] == 0] = as_now(now)
        if (np.diff(wanted) < 0).any():
            cdf = cdf[np.argsort(order)]
        bikes, docks = self._bikes[rows], self._docks[rows]
        return Forecast(
            at=self.at,
            minutes=wanted,
            station_id=self._ids[rows],
            bikes=Counts(cdf, bikes >= 0),
            docks=Counts(_mirror(cdf, now.places), (bikes >= 0) & (docks >= 0)),
        )

    def _pooled(self, now: Now, minutes: list[int]) -> Array32:
        """Mix what the experts say of rising minutes, and let the guard mend it, `(H, S, N)`."""
        weights = self._pool.weights(minutes, now.rows)
        weights /= weights.sum(axis=1, keepdims=True)
        pooled = np.zeros((len(minutes), len(now.counts), len(now.rows)), dtype=np.float32).swapaxes(1, 2)
        for index, odds in enumerate(answers(self._experts, now, minutes)):
            pooled[: len(odds)] += odds * weights[: len(odds), index, :, None]
        pooled = guard.apply(pooled, self._guard.curves(minutes), self._held(minutes, now.rows), now.bikes)
        pooled[:, now.counts >= now.places[:, None]] = 1
        return pooled

    def _held(self, minutes: Sequence[int], rows: Ints) -> Bools:
        """Tell where the median stays as now, `(H, S)`: everywhere in a city's first day."""
        assert self.at is not None
        assert self.learning_since is not None
        if self.at - self.learning_since < _FIRST_DAY:
            return np.ones((len(minutes), len(rows)), dtype=np.bool_)
        return self._guard.held(minutes, rows)

    def blocks(self) -> Iterator[Ints]:
        """Split the stations' positions into groups that are cheap to forecast together."""
        size = len(self.stations)
        yield from solver.blocks(self._places()[:size], self._pace()[:size])

    def _pace(self) -> Floats:
        """Give how busy each station gets, `(R,)`: riders in the busiest hour of its week."""
        pace: Floats = self._short.rates.sum(axis=2).max(axis=(0, 1), initial=0)
        return pace

    def _now(self, rows: Ints) -> Now:
        assert self.at is not None
        places = self._places()[rows]
        bikes = np.clip(self._bikes[rows], 0, places)
        return Now(self.at, rows, bikes, places, self._renting[rows], self._returning[rows])

    def _places(self) -> Ints:
        """Give each station's places, `(R,)`: bikes and docks now, else capacity or the most bikes seen."""
        stated = np.zeros(len(self._ids), dtype=np.int64)
        stated[: len(self.stations)] = np.maximum(self.stations.capacity, 0)
        fallback = np.maximum(np.maximum(stated, self._most), self._bikes)
        places: Ints = np.where((self._bikes >= 0) & (self._docks >= 0), self._bikes + self._docks, fallback)
        return places

    def _issue(self, at: datetime) -> int:
        return int(at.timestamp()) // (self.every * 60)

    # ------------------------------------------------------------------ bytes

    def to_bytes(self) -> bytes:
        """Pack the whole state into an npz without pickle: the same state always gives the same bytes."""
        arrays: dict[str, Any] = {"format": np.array(_FORMAT), "ids": self._ids}
        for name, _ in self._COUNTS:
            arrays[name] = getattr(self, f"_{name}")
        seeded = int(self._seed is not None)
        arrays["times"] = np.array([_seconds(self.at), _seconds(self.learning_since), self.every, seeded])
        arrays["usual_seconds"] = np.array(self._usual_seconds)
        arrays |= pack_stations(self.stations)
        for key, part in self._parts.items():
            arrays |= {f"{key}.{name}": value for name, value in part.arrays().items()}
        arrays["pending"] = np.array(
            [(_seconds(p.issued_at), p.minutes) for p in self._pending], dtype=np.int64
        ).reshape(-1, 2)
        for index, pending in enumerate(self._pending):
            for name in _OF_PENDING:
                arrays[f"{name}.{index}"] = getattr(pending, name)
            arrays[f"models.{index}"] = np.array(pending.models)
            if index == 0 or pending.issued_at != self._pending[index - 1].issued_at:
                for name in ("bikes", "docks", "places"):
                    arrays[f"{name}.{index}"] = getattr(pending, name)
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        # The fastest level: it takes a quarter of the time of numpy's own, for a tenth more bytes.
        return zlib.compress(buffer.getbuffer(), 1)

    @classmethod
    def from_bytes(cls, blob: bytes) -> Forecaster:
        """Unpack what `to_bytes` packed.

        Raises `StateError` when the bytes are damaged, too large, or of another release's format.
        """
        try:
            unpacker = zlib.decompressobj()
            packed = io.BytesIO(unpacker.decompress(blob, _MAX_BYTES))
            if unpacker.unconsumed_tail:
                raise StateError(f"the state is larger than {_MAX_BYTES} bytes, as none is that we write")
            if not unpacker.eof:
                raise StateError("the state breaks off")
            with np.load(packed, allow_pickle=False) as arrays:
                if int(arrays["format"]) != _FORMAT:
                    raise StateError(f"the state has format {arrays['format']}, this release reads {_FORMAT}")
                return cls._unpack(dict(arrays))
        except (StateError, MemoryError):
            raise
        except Exception as error:  # zipfile, zlib, numpy and our own records may all object
            raise StateError(f"the state cannot be read: {error}") from error

    @classmethod
    def _unpack(cls, arrays: dict[str, NDArray[Any]]) -> Forecaster:
        at, since, every, seeded = arrays["times"].tolist()
        self = cls(unpack_stations(arrays), every, bool(seeded))
        self._ids = arrays["ids"]
        for name, _ in self._COUNTS:
            setattr(self, f"_{name}", arrays[name])
        self.at, self.learning_since = _moment(at), _moment(since)
        self._usual_seconds = float(arrays["usual_seconds"])
        for key, part in self._parts.items():
            inside = {name: value for name, value in arrays.items() if name.startswith(f"{key}.")}
            part.restore({name.removeprefix(f"{key}."): value for name, value in inside.items()})
        for index, (issued, minutes) in enumerate(arrays["pending"].tolist()):
            if f"bikes.{index}" in arrays:
                bikes, docks, places = (arrays[f"{name}.{index}"] for name in ("bikes", "docks", "places"))
            self._pending.append(
                Pending(
                    datetime.fromtimestamp(issued, UTC),
                    minutes,
                    tuple(arrays[f"models.{index}"].tolist()),
                    bikes,
                    docks,
                    places,
                    **{name: arrays[f"{name}.{index}"] for name in _OF_PENDING},
                )
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
