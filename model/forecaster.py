"""The forecaster: learns from each snapshot, forecasts from the newest, and packs itself into bytes."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model import chain
from model.demand import ARRIVALS, DEPARTURES, MAX_GAP, Demand
from model.pool import Pool
from model.records import UNKNOWN, Bools, Floats, Ints, Snapshot, Stations, pack_stations, unpack_stations
from model.scoring import ISSUE_MINUTES, SCORED_MINUTES, Pending, Score, expire, pack, pooled, settle

_FORMAT = 1
_MAX_BYTES = 2**30
_USUAL_SECONDS = 60.0
_FIVE_MINUTES = np.arange(5.0, 121.0, 5.0)
_HALF_HOURS = np.arange(150.0, 24 * 60 + 1.0, 30.0)


class StateError(ValueError):
    """Bytes that are no state of this release's forecaster: learn the log again instead."""


@dataclass(frozen=True, eq=False)
class Counts:
    """The distribution of a count at each horizon and station: P(count ≤ k) in `cdf`, `(H, S, N)`.

    `known` `(S,)` tells where there is a forecast at all; elsewhere counts are -1 and odds not a number.
    """

    cdf: NDArray[np.float32]
    known: Bools

    @property
    def median(self) -> Ints:
        """The smallest count that is as likely as not to be enough, `(H, S)`: best in absolute error."""
        return self.quantile(0.5)

    @property
    def mean(self) -> Floats:
        """The expected count, `(H, S)`: best in squared error."""
        mean = (1.0 - self.cdf).sum(axis=-1, dtype=np.float64)
        return np.where(self.known, mean, np.nan)

    def quantile(self, q: float) -> Ints:
        """Give the smallest count `k` with P(count ≤ k) ≥ q, `(H, S)`.

        Raises `ValueError` unless 0 < q < 1.
        """
        if not 0 < q < 1:
            raise ValueError(f"a quantile lies between 0 and 1, not at {q}")
        # The tolerance of float32 keeps a quantile from moving by one for rounding alone.
        return np.where(self.known, (self.cdf < np.float32(q) - np.float32(1e-6)).sum(axis=-1), UNKNOWN)

    def at_least(self, n: int) -> Floats:
        """Give the odds of `n` or more, `(H, S)`.

        Raises `ValueError` when n is negative.
        """
        if n < 0:
            raise ValueError(f"nobody wants {n} bikes: ask for 0 or more")
        if n == 0 or n > self.cdf.shape[-1]:
            odds = np.full(self.cdf.shape[:2], float(n == 0))
        else:
            odds = 1.0 - self.cdf[:, :, n - 1].astype(np.float64)
        return np.where(self.known, odds, np.nan)


@dataclass(frozen=True, eq=False)
class Forecast:
    """What is expected `minutes` (H,) after `at`, for the stations `station_id` (S,)."""

    at: datetime
    minutes: Ints
    station_id: NDArray[np.str_]
    bikes: Counts
    docks: Counts


class Forecaster:
    """Forecasts the bikes and docks of one system's stations, and learns from every snapshot.

    State is kept by station id: `meet` tells it of stations that are new, gone or moved, and those that it
    knew keep what it learnt. Forecasting changes nothing, so the state depends on the snapshots alone.
    """

    def __init__(self, stations: Stations) -> None:
        self.stations = stations
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
        self._demand = Demand(size, stations.timezone)
        self._pool = Pool(SCORED_MINUTES, size)
        self._pending: list[Pending] = []

    # ------------------------------------------------------------------ stations and snapshots

    def meet(self, stations: Stations) -> None:
        """Take a new description of the system: stations may have come, gone, moved or grown.

        One that has gone keeps what was learnt of it, in case it comes back.

        Raises `ValueError` when the description is of another system.
        """
        if stations.system_id != self.stations.system_id:
            raise ValueError(f"this forecaster knows {self.stations.system_id}, not {stations.system_id}")
        gone = self._ids[~np.isin(self._ids, stations.station_id)]
        ids = np.concatenate([stations.station_id, gone])
        rows = _rows_of(ids, self._ids)
        new = rows < 0
        for name, default in (("bikes", UNKNOWN), ("docks", UNKNOWN), ("ebikes", UNKNOWN), ("most", 0),
                              ("renting", True), ("returning", True)):  # fmt: skip
            values = getattr(self, f"_{name}")[rows] if len(self._ids) else np.full(len(rows), default)
            values[new] = default
            setattr(self, f"_{name}", values)
        self._demand.take(rows)
        self._demand.zone = Demand(0, stations.timezone).zone
        self._pool.take(rows)
        for pending in self._pending:
            pending.take(rows)
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

        Gives the scores of what was settled. A station that the snapshot leaves out is unknown in it; one
        that `meet` has not named is passed over. A snapshot no newer than the last is ignored: learning it
        twice would count its riders twice.
        """
        if self.at is not None and snapshot.at <= self.at:
            return []
        rows = _rows_of(self._ids, snapshot.station_id)
        bikes, docks, ebikes = (
            _aligned(values, rows, UNKNOWN) for values in (snapshot.bikes, snapshot.docks, snapshot.ebikes)
        )
        renting, returning = (
            _aligned(values, rows, True) for values in (snapshot.renting, snapshot.returning)
        )
        scores = self._settle(snapshot.at, bikes, docks)
        if self.at is not None and snapshot.at - self.at <= MAX_GAP:
            known = (self._bikes >= 0) & (bikes >= 0)
            self._demand.learn(
                self.at,
                snapshot.at,
                bikes - self._bikes,
                can_arrive=known & (self._docks != 0) & self._returning,
                can_depart=known & (self._bikes > 0) & self._renting,
            )
        before, self.at = self.at, snapshot.at
        if before is None:
            self.learning_since = snapshot.at
        self._bikes, self._docks, self._ebikes = bikes, docks, ebikes
        self._renting, self._returning = renting, returning
        self._most = np.maximum(self._most, bikes)
        if before is None or _issue(before) != _issue(snapshot.at):
            self._record()
        return scores

    def _settle(self, at: datetime, bikes: Ints, docks: Ints) -> list[Score]:
        if self.at is not None:
            gap = min((at - self.at).total_seconds(), 600.0)
            self._usual_seconds += 0.1 * (gap - self._usual_seconds)
        patience = timedelta(seconds=max(1.5 * self._usual_seconds, 90.0))
        due = [pending for pending in self._pending if pending.target_at <= at]
        self._pending = [pending for pending in self._pending if pending.target_at > at]
        scores = []
        for pending in sorted(due, key=lambda p: (p.target_at, p.issued_at)):
            if at - pending.target_at <= patience:
                scores += settle(pending, bikes, docks, self._pool)
            else:
                scores += expire(pending)
        return scores

    def _record(self) -> None:
        places = self._places()
        cdf = self._solve(SCORED_MINUTES, np.arange(len(self._ids)), places)
        weights = self._pool.weights(SCORED_MINUTES).astype(np.float32)
        at = self.at
        assert at is not None
        for index, minutes in enumerate(SCORED_MINUTES):
            self._pending.append(
                Pending(at, minutes, self._bikes, self._docks, places, weights[index], pack(cdf[index]))
            )

    # ------------------------------------------------------------------ forecasts

    def forecast(self, minutes: Sequence[int], rows: Ints | None = None) -> Forecast:
        """Forecast from the newest snapshot, `minutes` ahead: multiples of 5 to 120, then of 30 to 1440.

        `rows` picks stations by their position in `stations`; without it all are forecast at once, which for
        thousands of stations and dozens of horizons takes much memory: `blocks` splits them.

        Raises `ValueError` before the first snapshot, and for minutes that are not on the grid.
        """
        if self.at is None:
            raise ValueError("nothing is known yet: learn a snapshot first")
        grid = {0, *_FIVE_MINUTES.astype(int).tolist(), *_HALF_HOURS.astype(int).tolist()}
        wrong = [minute for minute in minutes if minute not in grid]
        if wrong:
            raise ValueError(
                f"cannot forecast {wrong} minutes ahead: ask for multiples of 5 to 120, of 30 to 1440"
            )
        if rows is None:
            rows = np.arange(len(self.stations))
        places = self._places()
        cdf = self._solve(minutes, rows, places)
        cdf = pooled(cdf, self._bikes[rows], self._pool.weights(minutes)[:, rows].astype(np.float32))
        places, bikes, docks = places[rows], self._bikes[rows], self._docks[rows]
        return Forecast(
            at=self.at,
            minutes=np.asarray(minutes),
            station_id=self._ids[rows],
            bikes=Counts(cdf, bikes >= 0),
            docks=Counts(_mirror(cdf, places), (bikes >= 0) & (docks >= 0)),
        )

    def blocks(self) -> Iterator[Ints]:
        """Split the stations' positions into groups that are cheap to forecast together."""
        size = len(self.stations)
        yield from chain.blocks(self._places()[:size], self._demand.expected.sum(axis=0)[:size])

    def _places(self) -> Ints:
        """Give each station's places, `(R,)`: bikes and docks now, else capacity or the most bikes seen."""
        stated = np.zeros(len(self._ids), dtype=np.int64)
        stated[: len(self.stations)] = np.maximum(self.stations.capacity, 0)
        fallback = np.maximum(np.maximum(stated, self._most), self._bikes)
        places: Ints = np.where((self._bikes >= 0) & (self._docks >= 0), self._bikes + self._docks, fallback)
        return places

    def _solve(self, minutes: Sequence[int], rows: Ints, places: Ints) -> NDArray[np.float32]:
        at = self.at
        assert at is not None
        last = max(minutes, default=0)
        steps = np.concatenate([_FIVE_MINUTES, _HALF_HOURS])
        steps = steps[: int(np.searchsorted(steps, last)) + 1] if last else steps[:0]
        rates = self._demand.ahead(at, steps, self._demand.rates()[..., rows])
        arrivals, departures = rates[:, ARRIVALS].astype(np.float64), rates[:, DEPARTURES].astype(np.float64)
        arrivals[:, ~self._returning[rows]] = 0
        departures[:, ~self._renting[rows]] = 0
        bikes, places = np.maximum(self._bikes[rows], 0), places[rows]
        cdf = np.ones((len(minutes), len(rows), int(places.max(initial=0)) + 1), dtype=np.float32)
        for block in chain.blocks(places, (arrivals + departures).max(axis=0, initial=0.0)):
            part = chain.solve(
                bikes[block], places[block], minutes, arrivals[:, block], departures[:, block], steps
            )
            cdf[:, block, : part.shape[-1]] = part
        return cdf

    # ------------------------------------------------------------------ bytes

    def to_bytes(self) -> bytes:
        """Pack the whole state into an npz without pickle: the same state always gives the same bytes."""
        arrays: dict[str, Any] = {"format": np.array(_FORMAT), "ids": self._ids}
        for name in ("bikes", "docks", "ebikes", "most", "renting", "returning"):
            arrays[name] = getattr(self, f"_{name}")
        times = [_seconds(self.at), _seconds(self.learning_since), self._demand.slot_start]
        arrays["times"] = np.array(times, dtype=np.int64)
        arrays["usual_seconds"] = np.array(self._usual_seconds)
        for name in ("events", "hours", "expected", "recent"):
            arrays[f"demand.{name}"] = getattr(self._demand, name)
        arrays["pool"] = np.stack([self._pool.agree, self._pool.apart])
        arrays |= pack_stations(self.stations)
        arrays["pending"] = np.array(
            [(_seconds(p.issued_at), p.minutes) for p in self._pending], dtype=np.int64
        ).reshape(-1, 2)
        for index, pending in enumerate(self._pending):
            arrays[f"cdf.{index}"] = pending.cdf
            arrays[f"weight.{index}"] = pending.weight
            if index == 0 or pending.issued_at != self._pending[index - 1].issued_at:
                for name in ("bikes", "docks", "places"):
                    arrays[f"{name}.{index}"] = getattr(pending, name)
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, blob: bytes) -> Forecaster:
        """Unpack what `to_bytes` packed.

        Raises `StateError` when the bytes are damaged, too large, or of another release's format.
        """
        if len(blob) > _MAX_BYTES:
            raise StateError(f"a state of {len(blob)} bytes is larger than any that is written")
        try:
            with np.load(io.BytesIO(blob), allow_pickle=False) as arrays:
                if int(arrays["format"]) != _FORMAT:
                    raise StateError(f"the state has format {arrays['format']}, this release reads {_FORMAT}")
                return cls._unpack(arrays)
        except StateError:
            raise
        except Exception as error:  # zipfile, zlib, numpy and our own records may all object
            raise StateError(f"the state cannot be read: {error}") from error

    @classmethod
    def _unpack(cls, arrays: Any) -> Forecaster:
        self = cls(unpack_stations(arrays))
        self._ids = arrays["ids"]
        for name in ("bikes", "docks", "ebikes", "most", "renting", "returning"):
            setattr(self, f"_{name}", arrays[name])
        at, since, self._demand.slot_start = arrays["times"].tolist()
        self.at, self.learning_since = _moment(at), _moment(since)
        self._usual_seconds = float(arrays["usual_seconds"])
        for name in ("events", "hours", "expected", "recent"):
            setattr(self._demand, name, arrays[f"demand.{name}"])
        self._pool.agree, self._pool.apart = arrays["pool"]
        for index, (issued, minutes) in enumerate(arrays["pending"].tolist()):
            if f"bikes.{index}" in arrays:
                bikes, docks, places = (arrays[f"{name}.{index}"] for name in ("bikes", "docks", "places"))
            at, weight, cdf = (
                datetime.fromtimestamp(issued, UTC),
                arrays[f"weight.{index}"],
                arrays[f"cdf.{index}"],
            )
            self._pending.append(Pending(at, minutes, bikes, docks, places, weight, cdf))
        return self


def _rows_of(wanted: NDArray[np.str_], ids: NDArray[np.str_]) -> Ints:
    """Give the position of each of `wanted` in `ids`, -1 where it is not there."""
    if np.array_equal(wanted, ids):
        return np.arange(len(ids))
    if not len(ids):
        return np.full(len(wanted), -1)
    order = np.argsort(ids)
    place = np.minimum(np.searchsorted(ids, wanted, sorter=order), len(ids) - 1)
    return np.where(ids[order[place]] == wanted, order[place], -1)


def _aligned(values: Any, rows: Ints, missing: Any) -> Any:
    if values is None:
        return np.full(len(rows), missing)
    if not len(values):
        return np.full(len(rows), missing, dtype=values.dtype)
    out = values[rows]
    out[rows < 0] = missing
    return out


def _mirror(cdf: NDArray[np.float32], places: Ints) -> NDArray[np.float32]:
    """Turn P(bikes ≤ k) into P(docks ≤ k): k docks or fewer are `places` − k bikes or more."""
    below = places[:, None] - 1 - np.arange(cdf.shape[-1])
    picked = np.take_along_axis(cdf, np.maximum(below, 0)[None], axis=2)
    return np.where(below >= 0, 1 - picked, np.float32(1))


def _issue(at: datetime) -> int:
    return int(at.timestamp()) // (ISSUE_MINUTES * 60)


def _seconds(at: datetime | None) -> int:
    return -1 if at is None else int(at.timestamp())


def _moment(seconds: int) -> datetime | None:
    return None if seconds < 0 else datetime.fromtimestamp(seconds, UTC)
