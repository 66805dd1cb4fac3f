"""Made-up cities: streets, stations, riders, weather and vans, from a seed and the calendar alone.

They come with the app and need no network; tests and demonstrations run on them. The seed and the moment
alone determine a city's snapshot, in every process and in any order of calls. So nothing is stored: a feed
goes on where a learnt month ended, and a restart changes nothing. The cost is that the first call
for a moment simulates its whole week, in a tenth of a second.

All names are made up. The towns lie in the open sea, and have time zone and holidays of a country near by.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache
from types import MappingProxyType
from zoneinfo import ZoneInfo

import holidays
import numpy as np

from ingest.city import stations, week
from ingest.city.climate import SkyState, WeatherClimate
from ingest.city.plan import USES, CityPlan
from ingest.city.plans import FELLGATE, HARBOURTON, SANDMOUTH
from ingest.city.riders import Riders, TripRequests
from ingest.city.week import BikeStock, Closure, StationNetwork, Week
from ingest.system import SIMULATED, System
from model.arrays import Bools, Floats, Ints
from model.records import Snapshot, Stations, Weather

_DAWN = 4
"""The hour at which a day of riders begins, and on Mondays a week."""
_CLOSURE_WEEKS = 3
_LAST_RIDE = 30
"""Minutes before closing by which riders mean to be back: they may have to look for a free dock."""
_MINUTE = 60


@dataclass(frozen=True, eq=False)
class City:
    """A made-up city.

    `fill` is the share of docks that the fleet fills, and `electric` the share of e-bikes in the fleet.
    `busyness` multiplies the number of all riders, and `taste` that of single purposes by name.
    The `seed` changes what happens, and leaves streets and stations as they are. With `daily_hours`, two
    hours of the local day from 0 to 24, all stations are closed before the first and from the second on.
    """

    system: System
    timezone: str
    plan: CityPlan
    climate: WeatherClimate
    solar_hours: float
    fill: float
    electric: float
    vans: int
    busyness: float
    taste: Mapping[str, float] = field(default_factory=dict)
    seed: int = 1
    daily_hours: tuple[int, int] | None = None

    @cached_property
    def _table(self) -> stations.StationTable:
        return stations.read(self.system.system_id, self.plan)

    @cached_property
    def stations(self) -> Stations:
        """The stations, which never change."""
        return self._table.stations(self.system.system_id, self.timezone, self.system.country, self.plan)

    @cached_property
    def sky(self) -> SkyState:
        """The true weather; `weather` gives what is known of it."""
        return SkyState(self.climate, self.seed, self.solar_hours)

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @cached_property
    def _holidays(self) -> holidays.HolidayBase:
        return holidays.country_holidays(self.system.country)

    @cached_property
    def _uses(self) -> Floats:
        return self.plan.uses(self._table.where)

    @cached_property
    def _riders(self) -> Riders:
        where = self._table.where
        size = (self._table.capacity / 20) ** 0.8
        return Riders(self._uses, where, self.plan.height(where), size, self.busyness, dict(self.taste))

    @cached_property
    def _network(self) -> StationNetwork:
        away = self._riders.away
        capacity = self._table.capacity
        share = self._uses / self._uses.sum(axis=0)
        homes, offices = (share[USES.index(use)] for use in ("homes", "offices"))
        lean = homes - offices - (homes - offices).mean()
        morning, evening = (capacity * np.clip(self.fill + by * lean, 0.12, 0.85) for by in (0.20, 0.04))
        near = np.argsort(away, axis=1, kind="stable")[:, :9]
        return StationNetwork(capacity, near, away, self._riders.climb, morning, evening, self.vans)

    def snapshots(
        self, start: datetime, end: datetime | None = None, seconds: int = _MINUTE
    ) -> Iterator[Snapshot]:
        """Go through the snapshots from `start` on and before `end`, one each `seconds`, endless without.

        Their Unix times are multiples of `seconds`. Raises `ValueError` unless `seconds` are whole minutes.
        """
        if seconds < _MINUTE or seconds % _MINUTE:
            raise ValueError(f"a made-up city has snapshots by the minute, not every {seconds} s")
        at = -(-int(start.timestamp()) // seconds) * seconds
        stop = None if end is None else end.timestamp()
        while stop is None or at < stop:
            yield self._snapshot(at)
            at += seconds

    def at(self, moment: datetime) -> Snapshot:
        """Give the snapshot of the minute that an aware moment lies in."""
        return self._snapshot(int(moment.timestamp()) // _MINUTE * _MINUTE)

    def weather(self, at: datetime) -> Weather:
        """Give the weather as known at an aware moment: observed until then, and forecast for a day."""
        return self.sky.known(at)

    def week(self, at: datetime) -> Week:
        """Give the whole week that an aware moment lies in."""
        return _week(self, self._index(int(at.timestamp())))

    def _snapshot(self, at: int) -> Snapshot:
        week = _week(self, self._index(at))
        row = (at - week.start) // _MINUTE
        bikes, broken = week.bikes[row].astype(np.int64), week.broken[row]
        open_now = np.ones(len(bikes), dtype=np.bool_)
        for closure in week.closures:
            open_now[closure.station] = not closure.first < row <= closure.stop
        if self.daily_hours is not None:
            open_now &= self._is_open(self._local_hours(np.array([at])))
        return Snapshot(
            at=datetime.fromtimestamp(at, UTC),
            station_id=self.stations.station_id,
            bikes=bikes,
            docks=self._table.capacity - bikes - broken,
            ebikes=week.electric[row] if self.electric else None,
            renting=open_now,
            returning=open_now,
        )

    # ------------------------------------------------------------------ weeks

    def _index(self, at: int) -> int:
        """Number the week of a Unix time."""
        local = datetime.fromtimestamp(at, self._zone).replace(tzinfo=None) - timedelta(hours=_DAWN)
        return (local.toordinal() - 1) // 7

    def _dawn(self, ordinal: int) -> int:
        """Give the Unix time at which a day of riders begins."""
        day = datetime.fromordinal(ordinal).replace(hour=_DAWN, tzinfo=self._zone)
        return int(day.timestamp())

    def _rng(self, *what: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, len(self._table.capacity), *what])

    def _simulate(self, index: int) -> Week:
        monday = 7 * index + 1
        start, end = self._dawn(monday), self._dawn(monday + 7)
        seconds = np.arange(start, end, _MINUTE)
        hour = self._local_hours(seconds)
        weather = self._minutely(start, end)
        requests, begun = [], 0
        for day in range(monday, monday + 7):
            minutes = (self._dawn(day + 1) - self._dawn(day)) // _MINUTE
            rows = slice(begun, begun + minutes)
            when = date.fromordinal(day)
            drawn = self._riders.day(
                self._rng(2, day), hour[rows], weather[rows], when.weekday(), when in self._holidays
            )
            requests.append((drawn.minute + begun, drawn.origin, drawn.destination, drawn.minutes))
            begun += minutes
        together = TripRequests(*(np.concatenate(column) for column in zip(*requests, strict=True)))
        if self.daily_hours is not None:
            together = self._in_hours(together, hour)
        return week.WeekSimulation(
            self._network, self._stock(index), self._stock(index + 1), together, hour,
            self._week_closures(index, start, len(hour)), self._rng(3, index),
        ).run(start)  # fmt: skip

    def _is_open(self, hour: Floats) -> Bools:
        """Tell whether the city is open at local hours `(M,)`."""
        opens, closes = self.daily_hours or (0, 24)
        open_: Bools = (hour >= opens) & (hour < closes)
        return open_

    def _in_hours(self, requests: TripRequests, hour: Floats) -> TripRequests:
        """Leave out the trips that begin when the city is closed, or would end too late."""
        open_ = self._is_open(hour)
        back = np.minimum(requests.minute + requests.minutes + _LAST_RIDE, len(hour) - 1)
        kept = open_[requests.minute] & open_[back]
        columns = (requests.minute, requests.origin, requests.destination, requests.minutes)
        return TripRequests(*(column[kept] for column in columns))

    def _local_hours(self, seconds: Ints) -> Floats:
        """Give the local hour at Unix seconds `(M,)`, across changes to and from summer time."""
        quarter = [
            datetime.fromtimestamp(at, self._zone).utcoffset() or timedelta() for at in seconds[::15].tolist()
        ]
        offset = np.repeat([each.total_seconds() for each in quarter], 15)[: len(seconds)]
        hours: Floats = (seconds + offset) / 3600 % 24
        return hours

    def _minutely(self, start: int, end: int) -> Floats:
        """Give the weather of each minute, interpolated between values ten minutes apart, `(M, 6)`."""
        tenth = np.arange(start, end + 600, 600)
        values = self.sky.values(tenth)
        seconds = np.arange(start, end, _MINUTE)
        return np.stack([np.interp(seconds, tenth, column) for column in values.T], axis=1)

    def _stock(self, index: int) -> BikeStock:
        """Draw the stock at the start of a week: the vans' target for a morning, give or take a few bikes."""
        rng = self._rng(4, index)
        capacity = self._table.capacity
        aim = np.round(self._network.morning + rng.normal(0, 0.09, len(capacity)) * capacity)
        most = np.floor(0.92 * capacity).astype(np.int64)
        for station, first, stop in self._closures(index):
            most[station] = 0 if first <= self._dawn(7 * index + 1) < stop else most[station]
        plan = np.clip(aim.astype(np.int64), 0, most)
        total = round(self.fill * float(capacity.sum()))
        while (missing := total - int(plan.sum())) != 0:
            able = np.flatnonzero(plan < most if missing > 0 else plan > 0)
            some = rng.permutation(able)[: abs(missing)]
            plan[some] += np.sign(missing)
        electric_total = round(self.electric * total)
        electric = np.floor(plan * self.electric).astype(np.int64)
        able = np.flatnonzero(electric < plan)
        electric[rng.permutation(able)[: electric_total - int(electric.sum())]] += 1
        spare = round(0.012 * total)
        spare_electric = round(self.electric * spare)
        aside = (spare - spare_electric, spare_electric)
        return BikeStock(plan - electric, electric, aside, aside)

    def _closures(self, index: int) -> list[tuple[int, int, int]]:
        """List the closures for works around a week: station, and the Unix times of closing and opening."""
        out = []
        for block in (index // _CLOSURE_WEEKS - 1, index // _CLOSURE_WEEKS):
            rng = self._rng(5, block)
            station = int(rng.integers(len(self._table.capacity)))
            day = 7 * block * _CLOSURE_WEEKS + 1 + int(rng.integers(1, 5))
            last = day + int(rng.integers(4, 16))
            out.append((station, self._dawn(day) + 4 * 3600, self._dawn(last) + 11 * 3600))
        return out

    def _week_closures(self, index: int, start: int, minutes: int) -> tuple[Closure, ...]:
        closures = [
            Closure(station, (first - start) // _MINUTE, (stop - start) // _MINUTE)
            for station, first, stop in self._closures(index)
        ]
        return tuple(each for each in closures if each.first < minutes and each.stop > 0)


@lru_cache(maxsize=3)
def _week(city: City, index: int) -> Week:
    return city._simulate(index)


def _system(system_id: str, name: str, city: str, country: str) -> System:
    return System(system_id, name, city, country, f"{SIMULATED}{system_id}", label="simulated")


CITIES: Mapping[str, City] = MappingProxyType(
    {
        city.system.system_id: city
        for city in (
            City(
                system=_system("harbourton", "Harbourton Bikes", "Harbourton", "IE"),
                timezone="Europe/Dublin",
                plan=HARBOURTON,
                climate=WeatherClimate(temperature=11, swing=6, daily=3.2, fronts=0.75, warmest=205),
                solar_hours=-0.8,
                fill=0.45,
                electric=0.3,
                vans=3,
                busyness=1.12,
            ),
            City(
                system=_system("fellgate", "Fellgate Cycle Hire", "Fellgate", "NZ"),
                timezone="Pacific/Auckland",
                plan=FELLGATE,
                climate=WeatherClimate(temperature=12, swing=5.5, daily=4.5, fronts=0.9, warmest=25),
                solar_hours=10.8,
                fill=0.45,
                electric=0.55,
                vans=2,
                busyness=0.94,
                taste={"to work": 1.05, "from work": 0.92},
                daily_hours=(6, 24),
            ),
            City(
                system=_system("sandmouth", "Sandmouth Beach Bikes", "Sandmouth", "CA"),
                timezone="America/Halifax",
                plan=SANDMOUTH,
                climate=WeatherClimate(temperature=12, swing=9, daily=3.0, fronts=0.5, warmest=210),
                solar_hours=-3.7,
                fill=0.42,
                electric=0.15,
                vans=2,
                busyness=0.85,
                taste={"out": 1.4, "back": 1.4, "to work": 1.35, "from work": 1.2, "night": 1.0},
            ),
        )
    }
)
"""The made-up cities by system id: a port, a town between hills, a seaside resort."""
