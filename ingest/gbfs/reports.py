"""Tells which stations have stopped reporting while the others of their feed go on.

A station that lost its connection keeps its last count in every fresh document, for 76 days in one feed. Its
`last_reported` gives it away: it stands still while those of the others move.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from model.arrays import Bools, Floats, Ints, Strings, rows_of, take_rows

SILENCE = timedelta(days=1)
"""How long a station may not report before its counts are no longer believed."""
BEAT = timedelta(hours=1)
"""How far the usual station is behind the newest ones, where stations also report without a change."""
FEW = 3, 10
"""As many open stations, or one in ten, may be old from the start: where more are, they never report.

Chicago's racks without docks have the day of their first entry for ever, 863 of 1,811 stations. Other feeds
have one in a hundred at most.
"""


class LastReports:
    """Remembers when each station of one feed was last heard of, by `last_reported` or by a changed count.

    Times are Unix seconds. A station `reports` once its `last_reported` was seen to move. It is `undated`
    once its counts changed while its `last_reported` did not, until that moves. A restart loses only what was
    seen to move: `last_reported` itself says the rest.
    """

    def __init__(self) -> None:
        self._ids: Strings = np.array([], dtype=np.str_)
        self._seen: Floats = np.zeros((3, 0))
        self._heard_at: Floats = np.zeros(0)
        self._reports: Bools = np.zeros(0, dtype=np.bool_)
        self._undated: Bools = np.zeros(0, dtype=np.bool_)
        self._usual: float | None = None
        self._usual_moved_at = -np.inf

    def old(
        self,
        ids: Strings,
        reported: Floats,
        bikes: Ints,
        docks: Ints,
        open_: Bools,
        now: datetime,
        feed_time: datetime | None,
    ) -> Bools:
        """Note a document; tell which open stations were not heard of for a day while others were, `(S,)`.

        `reported` is not a number where a station has no `last_reported`: that station is never old. None is
        old where most stations stand still, for then the feed does. None is old where stations are hours
        apart: there `last_reported` is when a bike came or went, and a quiet station is no dead one. Where
        more than a `FEW` are old, only those are that were seen to report before.
        """
        told = np.sort(reported[np.isfinite(reported)])
        if not len(told):
            return np.zeros(len(ids), dtype=np.bool_)
        seconds = now.timestamp()
        usual, newest = float(told[len(told) // 2]), float(told[int(0.9 * (len(told) - 1))])
        if self._usual is None:
            believed = feed_time is not None and abs(feed_time.timestamp() - usual) < SILENCE.total_seconds()
            self._usual_moved_at = seconds if believed else -np.inf
        elif usual != self._usual:
            self._usual_moved_at = seconds
        self._usual = usual
        self._note(ids, np.stack([reported, bikes, docks]), seconds, usual)
        if seconds - self._usual_moved_at >= SILENCE.total_seconds() or newest - usual > BEAT.total_seconds():
            return np.zeros(len(ids), dtype=np.bool_)
        silent = seconds - self._heard_at >= SILENCE.total_seconds()
        old: Bools = silent & np.isfinite(reported) & open_ & ~self._undated
        least, share = FEW
        return old & self._reports if old.sum() > max(least, open_.sum() / share) else old

    def _note(self, ids: Strings, seen: Floats, seconds: float, usual: float) -> None:
        rows = rows_of(ids, self._ids)
        before, heard_at = take_rows(self._seen, rows, np.nan), take_rows(self._heard_at, rows, np.nan)
        behind = np.where(np.isfinite(seen[0]), np.maximum(usual - seen[0], 0), 0)
        new = np.isnan(heard_at)
        differs = (before != seen) & ~(np.isnan(before) & np.isnan(seen)) & ~new
        moved, counts_moved = differs[0], differs[1:].any(axis=0)
        self._heard_at = np.where(new, seconds - behind, np.where(moved | counts_moved, seconds, heard_at))
        self._reports = take_rows(self._reports, rows, False) | moved
        self._undated = (take_rows(self._undated, rows, False) | counts_moved) & ~moved
        self._ids, self._seen = ids, seen
