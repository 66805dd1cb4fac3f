"""What an own model gets from the store: the log that it was not shown, and its answers of before."""

from __future__ import annotations

from collections.abc import Iterator

from ingest.own.runner import History, OwnModelRunner
from ingest.store import Store
from ingest.worker.recovery import snapshots_after
from model.forecaster import Forecaster
from model.records import Snapshot


def logged(store: Store, system_id: str) -> History:
    """Give the logged snapshots of a system between two others."""

    def between(after: Snapshot | None, before: Snapshot) -> Iterator[Snapshot]:
        for snapshot in snapshots_after(store, system_id, before.station_id, after):
            if snapshot.at >= before.at:
                return
            yield snapshot

    return between


def restore_own(runner: OwnModelRunner, store: Store, system_id: str, forecaster: Forecaster | None) -> None:
    """Put the answers in the store beside their questions; begin anew with a system that does."""
    if forecaster is None:
        runner.begin_anew()
        return
    for forecast in store.own_forecasts.waiting(system_id):
        forecaster.put_own(forecast)
