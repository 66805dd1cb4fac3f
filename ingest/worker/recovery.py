"""Bring a forecaster back from the store: its checkpoint, and the log learnt after it.

A logged poll is the snapshot before it with its changes. A forecaster that learns these again in their order
has the same state, bit for bit, as if the worker had never stopped. The log has no history of the stations'
descriptions: so a tick with a new description or new opening hours also commits a checkpoint.
Where a checkpoint cannot be read, recovery begins at the one before it, and without that at the start of the
log.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from ingest.gbfs import regions
from ingest.gbfs.hours import REMEMBERED, covering
from ingest.replay.change_log import ChangeLog, ChangeReplay
from ingest.store import Store
from model.arrays import Strings
from model.checkpoint import StateError
from model.forecaster import Forecaster
from model.records import NOTHING_KNOWN, Snapshot

log = logging.getLogger(__name__)

_POLLS_AT_ONCE = 200
"""Polls whose changes are fetched together: a busy city's week is millions of rows."""


@dataclass(frozen=True)
class Recovery:
    """A forecaster as it was after the last commit, and the time of the checkpoint it came from."""

    forecaster: Forecaster
    checkpoint_at: datetime | None


def recover(store: Store, system_id: str) -> Recovery | None:
    """Bring back a system's forecaster; None where none has learnt yet.

    From the checkpoint before the newest, the forecaster learns the log and the weather since. Its state is
    the same, except for stations whose description or hours changed in between: they have the present ones
    from that checkpoint on. Without any checkpoint, the forecaster learns the whole log that is still kept,
    with the present descriptions. What it learnt from older polls is lost, and `learning_since` says so.
    """
    checkpoint = newest = store.checkpoints.newest(system_id)
    forecaster = None
    while checkpoint is not None:
        try:
            forecaster = Forecaster.from_bytes(checkpoint.blob)
            break
        except StateError as error:
            log.warning("%s: the checkpoint of %s cannot be used (%s), learning the log again",
                        system_id, checkpoint.at, error)  # fmt: skip
            checkpoint = store.checkpoints.newest(system_id, before=checkpoint.at)
    weather = dict(store.weather.reports(system_id))
    documents = store.systems.documents(system_id)
    if forecaster is None or checkpoint is not newest:
        stations = store.systems.stations(system_id)
        if stations is None:
            return None
        stations = replace(stations, region=documents.get(regions.REMEMBERED, ""))
        forecaster = forecaster or Forecaster(stations)
        if not stations.same_as(forecaster.stations):
            forecaster.update_stations(stations)
    hours = documents.get(REMEMBERED, "")
    for snapshot in logged_snapshots(store, forecaster):
        forecaster.update_hours(covering(hours, forecaster.stations, snapshot.at))
        if snapshot.at in weather:
            forecaster.update_weather(weather[snapshot.at])
        forecaster.learn(snapshot)
    return Recovery(forecaster, None if checkpoint is None else checkpoint.at)


def logged_snapshots(store: Store, forecaster: Forecaster) -> Iterator[Snapshot]:
    """Go through the logged snapshots after a forecaster's newest, oldest first."""
    stations = forecaster.stations
    return snapshots_after(store, stations.system_id, stations.station_id, forecaster.snapshot())


def snapshots_after(
    store: Store, system_id: str, station_id: Strings, newest: Snapshot | None
) -> Iterator[Snapshot]:
    """Go through the logged snapshots after `newest`, or all of the stations `station_id`, oldest first."""
    after = None if newest is None else newest.at
    station_id = station_id if newest is None else newest.station_id
    polls = store.observations.poll_times(system_id, after)
    for first in range(0, len(polls), _POLLS_AT_ONCE):
        batch = polls[first : first + _POLLS_AT_ONCE]
        table = store.observations.changes(system_id, after, batch[-1])
        changes = ChangeLog.build(
            station_id,
            np.array([int(at.timestamp()) for at in batch]),
            table["at"].to_numpy(),
            table["station_id"].to_numpy(),
            {name: table[name].to_numpy() for name in NOTHING_KNOWN},
        )
        for snapshot in ChangeReplay(changes, newest).snapshots():
            yield snapshot
        newest = snapshot
        after = batch[-1]
