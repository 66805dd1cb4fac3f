"""The drift monitor: notices when the forecaster's edge over "no change" has changed.

ADWIN [1]_, from River, watches one number a forecast: the pool's CRPS less naive's. This edge differs by the
hour and between weekdays and Sundays; watched as it is, every evening and every weekend would be a drift. So
ADWIN watches the distance of the edge from the usual at that hour of such a day, as a share of naive's usual
error.

ADWIN's bound holds for numbers between 0 and 1. These spread over a tenth of that, by another share in each
city. So ADWIN watches them in units of their own usual spread: without that, it took a day and a half to
notice a break. `benchmarks/drift/` measures it. ADWIN assumes independent losses, but neighbouring ones are
alike: it notices a warm week or a holiday as well.

References
----------
.. [1] A. Bifet, R. Gavaldà, Learning from time-changing data with adaptive windowing, SDM 2007.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from model.component import Component
from model.demand.calendar import DAY_TYPES
from model.records import Drift

if TYPE_CHECKING:
    from river.drift import ADWIN

_FALSE_ALARMS = 1e-8
"""ADWIN's delta. It is no probability here, since losses are alike for hours. With 1e-6 ADWIN notices a break
two and a half hours sooner, and a quarter to a half more drifts where nothing was broken."""

_CHECK_EVERY = 8
_LEAST_SEEN = 3
"""Forecasts of such an hour before its usual edge counts as known."""

_HALF_LIFE_FORECASTS = 15.0
_SPREAD_HALF_LIFE = 500.0
_LEAST_SPREAD = 72
"""Losses before their spread counts as known: a day of one every twenty minutes."""

_FARTHEST = 4.0
"""The most spreads from the usual that a loss counts for: one wild hour is no drift."""

PARTS = 31
"""Losses are kept in 31sts of their spread, so that each takes a byte: ADWIN needs no finer ones."""

_MOST_KEPT = 4320
"""Losses after which ADWIN begins anew, sixty days of one every twenty minutes: they are its state."""


class DriftMonitor(Component):
    """Watches the horizons `minutes` of one city.

    `edge` and `error` `(H, 48)` are the usual difference and naive's usual CRPS by hour of weekdays and of
    weekends, from `seen` forecasts. `square` `(H,)` is the mean square of `known` losses.
    """

    ARRAYS = ("edge", "error", "seen", "square", "known")
    KEYS = ("minutes",)

    def __init__(self, minutes: Sequence[int]) -> None:
        self.minutes = tuple(minutes)
        self.edge, self.error, self.seen = (np.zeros((len(self.minutes), 24 * DAY_TYPES)) for _ in range(3))
        self.square, self.known = np.zeros(len(self.minutes)), np.zeros(len(self.minutes))
        # All memory is taken at once: a worker then needs as much on the first day as after weeks.
        self._losses = np.full((len(self.minutes), _MOST_KEPT), np.int8(0))
        self._lengths = [0 for _ in self.minutes]
        # Made for a horizon's first loss: a process that settles nothing yet does not wait for River.
        self._adwin: dict[int, ADWIN] = {}

    def learn(
        self, minutes: int, at: datetime, cell: tuple[int, int], crps: float, naive: float
    ) -> Drift | None:
        """Learn a settled forecast's mean CRPS and naive's, for the day type and hour of its target."""
        index, hour = self.minutes.index(minutes), cell[0] * 24 + cell[1]
        edge, error, seen = self.edge[index], self.error[index], self.seen[index]
        difference, usual = crps - naive, max(error[hour], error.sum() / max((seen > 0).sum(), 1), 1e-3)
        loss = min(max((difference - edge[hour]) / usual, -2.0), 2.0)
        usual_known = seen[hour] >= _LEAST_SEEN
        seen[hour] += 1
        share = _share(seen[hour], _HALF_LIFE_FORECASTS)
        edge[hour] += share * (difference - edge[hour])
        error[hour] += share * (naive - error[hour])
        return self._watch(index, at, loss) if usual_known else None

    def _watch(self, index: int, at: datetime, loss: float) -> Drift | None:
        spread, known = float(self.square[index]) ** 0.5, self.known[index]
        self.known[index] += 1
        share = _share(self.known[index], _SPREAD_HALF_LIFE)
        self.square[index] += share * (loss**2 - self.square[index])
        if known < _LEAST_SPREAD or not spread:
            return None
        losses, adwin = self._losses[index], self._watcher(index)
        newest = self._lengths[index]
        losses[newest] = round(PARTS * min(max(loss / spread, -_FARTHEST), _FARTHEST))
        self._lengths[index] += 1
        before = adwin.estimation
        adwin.update(float(losses[newest]) / PARTS)  # type: ignore[no-untyped-call]
        drift = None
        if adwin.drift_detected:
            drift = Drift(at, self.minutes[index], spread * before, spread * adwin.estimation)
        if drift is not None or self._lengths[index] >= _MOST_KEPT:
            self._lengths[index] = 0
            del self._adwin[index]
        return drift

    def _watcher(self, index: int) -> ADWIN:
        if index not in self._adwin:
            from river.drift import ADWIN

            self._adwin[index] = ADWIN(_FALSE_ALARMS, clock=_CHECK_EVERY)  # type: ignore[no-untyped-call]
        return self._adwin[index]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give the state: that of ADWIN is every loss since it began."""
        return super().arrays() | {
            "lengths": np.array(self._lengths),
            "losses": np.concatenate(
                [losses[:length] for losses, length in zip(self._losses, self._lengths, strict=True)]
            ),
        }

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `arrays` and `keys` gave.

        Raises what `Component.restore` raises.
        """
        super().restore(arrays)
        lengths, losses = arrays["lengths"], arrays["losses"]
        ends = np.cumsum(lengths)
        if lengths.shape != (len(self.minutes),) or losses.shape != (ends[-1],) or losses.dtype != np.int8:
            raise ValueError(f"DriftMonitor.losses are {losses.dtype} {losses.shape} for {lengths.tolist()}")
        for index, kept in enumerate(np.split(losses, ends[:-1])):
            self._losses[index, : len(kept)] = kept
            self._lengths[index] = len(kept)
            self._adwin.pop(index, None)
            for loss in kept.tolist():
                self._watcher(index).update(loss / PARTS)  # type: ignore[no-untyped-call]


def _share(seen: float, half_life: float) -> float:
    """Give the weight of the newest of `seen` values: a plain mean at first, which then forgets."""
    forgets: float = 1 - 0.5 ** (1 / half_life)
    return max(1 / seen, forgets)
