"""Reads for the accuracy screen: the stretch of time that it shows, and the errors of each station."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

import numpy as np
import pandas as pd

from dashboard.screens.accuracy.curves import Range, by_station, spread
from dashboard.state import address_bar
from dashboard.store_reader import reader
from ingest.system import System
from model.scoring.confidence import LEVEL


@dataclass(frozen=True)
class Stretch:
    """The time on screen: a range that ends at the newest counts, and when the models `started`."""

    chosen: Range
    started: datetime
    newest: datetime
    zone: tzinfo
    name: str

    @property
    def since(self) -> datetime:
        """When the curves begin."""
        return self.chosen.since(self.newest, self.started)

    @property
    def read_since(self) -> datetime:
        """When the window of the first point begins."""
        return self.chosen.read_since(self.newest, self.started)


def stretch(system: System) -> Stretch | None:
    """Find the time on screen; None before anything was learnt."""
    source, screen = reader(), address_bar.screen()
    if screen.everywhere:
        known = [pair for pair in source.overview().values() if pair[1].at and pair[1].learning_since]
        live = [pair for pair in known if not pair[0].label] or known
        if not live:
            return None
        newest = max(feed.at for _, feed in live if feed.at)
        started = min(feed.learning_since for _, feed in live if feed.learning_since)
        return Stretch(spread(screen.past, newest - started), started, newest, UTC, "UTC")
    view = source.view(system)
    if view.frame is None or view.state.learning_since is None:
        return None
    chosen = spread(screen.past, view.frame.at - view.state.learning_since)
    return Stretch(chosen, view.state.learning_since, view.frame.at, view.zone, view.system.city)


def station_errors(system: System) -> pd.DataFrame:
    """Give each station's errors at the chosen horizon, with its name and place where known.

    It is `worse` where the pool's error exceeds naive's by more than luck, by all that was ever judged there.
    """
    source = reader()
    minutes = address_bar.screen().horizon
    table = by_station(source.store.daily_scores.by_station(system.system_id, minutes=minutes), minutes)
    bounds = source.store.paired_scores.bounds(system.system_id, minutes, LEVEL)
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
