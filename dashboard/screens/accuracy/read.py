"""Reads for the accuracy screen: what it shows of which time, and the errors of each station."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

import numpy as np
import pandas as pd

from dashboard.components import downloads
from dashboard.screens.accuracy.curves import BY_DAY, Range, by_station, of_third, spread
from dashboard.state import address_bar
from dashboard.state.address_bar import Third
from dashboard.store_reader import reader
from dashboard.words import accuracy as accuracy_words
from ingest.store import LocalHours, hours_of
from ingest.system import System
from model.records import ANY
from model.scoring.confidence import LEVEL
from model.scoring.issue import KIND_SCORED


@dataclass(frozen=True)
class Stretch:
    """What is on screen: a range that ends at the newest counts, and when the models `started`.

    `where` is the system, None for all together. Of its forecasts `hours` count, and those of a `third` of
    the stations, which are known by day alone: then hours of the day are not chosen. The forecasts are those
    of one `kind` of bikes, or of any.
    """

    where: str | None
    hours: LocalHours
    third: Third
    chosen: Range
    started: datetime
    newest: datetime
    zone: tzinfo
    name: str
    kind: str = ANY

    @property
    def since(self) -> datetime:
        """When the curves begin."""
        return self.chosen.since(self.newest, self.started)

    @property
    def read_since(self) -> datetime:
        """When the window of the first point begins."""
        return self.chosen.read_since(self.newest, self.started)

    @property
    def step(self) -> timedelta:
        """The longest time between two points that a line joins: it goes on over hours not asked for."""
        between = {"all": 0, "weekdays": 2, "weekend": 5}[self.hours.days] + bool(self.hours.hours)
        return self.chosen.step + timedelta(days=between)

    @property
    def part(self) -> str:
        """The words for the part of the forecasts that counts; "" for all."""
        hours = address_bar.screen().hours if self.hours.hours else ""
        return accuracy_words.finer(self.hours.days, hours, self.third)

    def sums(self, minutes: int) -> pd.DataFrame:
        """Fetch the sums of scores at one horizon, from the window of the first point on."""
        if self.third != "all":
            return sums_of_third(self, minutes)
        scores = reader().scores
        return scores.over_time(self.where, self.chosen.span, minutes, self.read_since, self.hours, self.kind)


def stretch(system: System) -> Stretch | None:
    """Find the time on screen; None before anything was learnt."""
    source, screen = reader(), address_bar.screen()
    hours = LocalHours(screen.days, hours_of(screen.hours))
    if screen.everywhere:
        summed = source.store.scores.summed_up()
        known = [feed for key, (_, feed) in source.overview().items() if key in summed]
        times = [feed.at for feed in known if feed.at is not None]
        begins = [feed.learning_since for feed in known if feed.learning_since is not None]
        if not times or not begins:
            return None
        newest, started = max(times), min(begins)
        chosen = spread(screen.past, newest - started)
        return Stretch(None, hours, "all", chosen, started, newest, UTC, "UTC")
    view = source.view(system)
    if view.frame is None or view.state.learning_since is None:
        return None
    newest, started = view.frame.at, view.state.learning_since
    if screen.third != "all":
        hours, chosen = LocalHours(screen.days), BY_DAY
    else:
        chosen = spread(screen.past, newest - started)
    return Stretch(
        system.system_id, hours, screen.third, chosen, started, newest, view.zone, view.system.city,
        kind(system),
    )  # fmt: skip


def sums_of_third(found: Stretch, minutes: int) -> pd.DataFrame:
    """Fetch the sums of scores of the third of the stations that is chosen, by day."""
    assert found.where is not None
    daily = reader().store.daily_scores.by_station(found.where, minutes=minutes, kind=found.kind)
    sums = of_third(daily, minutes, found.third, found.zone)
    days = sums["at"].dt.tz_convert(found.zone).dt.date
    return sums[[found.hours.has_day(day) for day in days]]


def shown_models() -> list[str]:
    """Give the models to draw: those that are chosen, and an elder beside the pool, where there is one."""
    chosen = list(address_bar.screen().models)
    if "pool" in chosen and accuracy_words.ELDER not in chosen:
        chosen.insert(chosen.index("pool") + 1, accuracy_words.ELDER)
    return chosen


def suffix(system: System) -> str:
    """Give what tells the keys of the city beside from those of the first one."""
    return "-beside" if system.system_id == address_bar.screen().beside else ""


def offer(table: pd.DataFrame, name: str, of: str, found: Stretch) -> None:
    """Offer a table whose files name the city, how far ahead, and the part of the forecasts."""
    screen = address_bar.screen()
    part = [screen.hours.replace(",", "+")] if found.hours.hours else []
    part += [each for each in (found.hours.days, found.third, found.kind) if each not in ("all", ANY)]
    beside = "-beside" if found.where is not None and found.where == screen.beside else ""
    file = "-".join(["dockcast", found.where or "all-cities", name, f"{screen.horizon}min", *part])
    downloads.offer(table, f"{name}{beside}", of, file)


def kinds(system: System) -> list[str]:
    """List the kinds of bikes to choose from, any bike first; empty where there is no choice."""
    found = [] if address_bar.screen().everywhere else reader().scores.kinds(system.system_id)
    return found if len(found) > 1 else []


def kind(system: System) -> str:
    """Give the kind of bikes on screen: any bike where the chosen kind is not scored like that."""
    screen = address_bar.screen()
    scored = screen.horizon in KIND_SCORED and screen.measure != "brier_dock"
    return screen.kind if scored and screen.kind in kinds(system) else ANY


def station_errors(system: System) -> pd.DataFrame:
    """Give each station's errors at the chosen horizon, with its name and place where known.

    It is `worse` where the pool's error exceeds naive's by more than luck, by all that was ever judged there.
    Of a chosen third there are its stations alone.
    """
    source, screen = reader(), address_bar.screen()
    minutes = screen.horizon
    of = kind(system)
    daily = source.store.daily_scores.by_station(system.system_id, minutes=minutes, kind=of)
    table = by_station(daily, minutes)
    if screen.third != "all":
        table = table[table["busy"] == accuracy_words.BUSY.index(screen.third)]
    bounds = source.store.paired_scores.bounds(system.system_id, minutes, LEVEL, of)
    sure = bounds.loc[bounds["least"] > 0, "station_id"]
    table = table.assign(worse=table["station_id"].isin(sure))
    frame = source.view(system).frame
    if frame is None:
        return table.assign(name=table["station_id"], lat=np.nan, lon=np.nan)
    stations = frame.stations
    known = pd.DataFrame(
        {
            "station_id": stations.station_id.astype(object),
            "name": stations.name.astype(object),
            "lat": stations.lat,
            "lon": stations.lon,
        }
    )
    return table.merge(known, on="station_id")
