"""Turn polls and the changes between them into snapshots.

Recordings and the store keep the same log: when each poll was, and a row each time a station's numbers
changed. A poll's snapshot is the snapshot of the poll before it, with the changes since.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.arrays import Ints, Strings
from model.records import COUNTS, NOTHING_KNOWN, UNKNOWN, CountState, Snapshot, contradicted, count_states


@dataclass(frozen=True, eq=False)
class ChangeLog:
    """Polls, and what changed by each of them.

    `polls` are rising Unix seconds `(P,)`. Change `c` sets the station in row `station[c]` of `station_id`
    `(S,)` to the values `columns[name][c]`. Poll `i` comes after the first `ends[i]` changes, `(P,)`.
    """

    station_id: Strings
    polls: Ints
    station: Ints
    columns: Mapping[str, NDArray[Any]]
    ends: Ints

    @classmethod
    def build(
        cls,
        station_id: Strings,
        polls: Ints,
        at: NDArray[Any],
        changed: NDArray[Any],
        columns: Mapping[str, NDArray[Any]],
    ) -> ChangeLog:
        """Sort changes by their times.

        The changes `(C,)` are Unix seconds `at`, the station ids `changed`, and the new values by column. A
        change between two polls belongs to the later one. Those of stations not in `station_id` are left out.
        """
        import pandas as pd

        station = pd.Index(station_id.astype(object)).get_indexer(changed)
        known = np.flatnonzero(station >= 0)
        order = known[np.argsort(at[known], kind="stable")]
        return cls(
            station_id,
            polls,
            station[order],
            {name: values[order] for name, values in columns.items()},
            np.searchsorted(at[order], polls, side="right"),
        )

    def believable(self, capacity: Ints) -> ChangeLog:
        """Make counts unknown where a station contradicts itself; its capacities `(S,)` tell.

        States that the log lacks are added, as far as counts and flags tell them.
        """
        bikes, docks = self.columns["bikes"], self.columns["docks"]
        renting, returning = (
            self.columns.get(flag, np.ones(len(bikes), dtype=np.bool_)) for flag in ("renting", "returning")
        )
        blank = contradicted(bikes, docks, capacity[self.station], renting & returning)
        hidden = {
            name: np.where(blank, UNKNOWN, values) for name, values in self.columns.items() if name in COUNTS
        }
        state = self.columns.get("state", count_states(bikes, renting, returning))
        states = {"state": np.where(blank, int(CountState.CONTRADICTED), state)}
        return replace(self, columns={**self.columns, **hidden, **states})


class ChangeReplay:
    """Replays a change log from the counts of `before`, where given, or from unknown ones.

    A poll costs the changes since the last replayed poll; an earlier poll costs all from the start on.
    """

    def __init__(self, log: ChangeLog, before: Snapshot | None = None) -> None:
        self._log = log
        self._before = before
        self._rewind()

    def _rewind(self) -> None:
        self._done = 0
        self._values = {
            name: np.full(len(self._log.station_id), NOTHING_KNOWN[name])
            if self._before is None
            else np.array(getattr(self._before, name))
            for name in self._log.columns
        }

    def snapshot(self, index: int) -> Snapshot:
        """Give the snapshot of the poll at a position in the log's `polls`."""
        log, end = self._log, int(self._log.ends[index])
        if end < self._done:
            self._rewind()
        rows = slice(self._done, end)
        for name, values in log.columns.items():
            # Where a station changed twice, the later change wins: NumPy assigns in order.
            self._values[name][log.station[rows]] = values[rows]
        self._done = end
        at = datetime.fromtimestamp(int(log.polls[index]), UTC)
        return Snapshot(at=at, station_id=log.station_id, **self._values)

    def snapshots(self, first: int = 0, stop: int | None = None) -> Iterator[Snapshot]:
        """Go through the polls from position `first` on and before `stop`, oldest first."""
        for index in range(first, len(self._log.polls) if stop is None else stop):
            yield self.snapshot(index)
