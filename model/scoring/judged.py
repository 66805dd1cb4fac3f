"""Judged forecasts: what every model gave on one question, with its truth, for use elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model import kernels
from model.arrays import Array32, Ints
from model.scoring.issue import Pending
from model.scoring.settle import issued_arrays, models_of


@dataclass(frozen=True, eq=False)
class JudgedForecast:
    """A forecast on record with the counts that came at the judged stations `rows` `(n,)`.

    `bikes` and `docks` `(n,)` are these counts, docks -1 where unknown. `own` is what the own model gave on
    the same question, None where it gave nothing.
    """

    pending: Pending
    own: Pending | None
    rows: Ints
    bikes: Ints
    docks: Ints

    @classmethod
    def of(
        cls, pending: Pending, own: Pending | None, rows: Ints, bikes: Ints, docks: Ints
    ) -> JudgedForecast:
        """Take the counts of the judged stations out of those of all, `(S,)`."""
        known = docks[rows]
        return cls(pending, own, rows, bikes[rows], np.where(pending.docks[rows] >= 0, known, -1))

    def models(self) -> dict[str, tuple[Array32, Ints]]:
        """Give by model P(bikes ≤ k) as it was judged, `(n, N)`, and the median, `(n,)`.

        The odds are those that the scores come from; beyond a station's places they are 1.
        """
        odds = _odds(self.pending, self.rows)
        if self.own is not None:
            odds |= {name: _odds(self.own, self.rows)[name] for name in self.own.models}
        medians = {name: (cdf < np.float32(0.5 - 1e-6)).sum(axis=1) for name, cdf in odds.items()}
        medians["pool"] = self.pending.median[self.rows].astype(np.int64)
        return {name: (cdf, medians[name]) for name, cdf in odds.items()}

    @property
    def places(self) -> Ints:
        """The places of the judged stations, `(n,)`."""
        return self.pending.places[self.rows]

    def truth(self) -> Mapping[str, NDArray[np.int64]]:
        """Give the counts that came as arrays by name, for packing."""
        return {"rows": self.rows, "truth.bikes": self.bikes, "truth.docks": self.docks}


def _odds(pending: Pending, rows: Ints) -> dict[str, Array32]:
    """Give P(bikes ≤ k) by model, `(n, N)`."""
    names, most = models_of(pending), int(pending.places[rows].max(initial=0))
    odds = np.ones((len(names), len(rows), most + 1), dtype=np.float32)
    kernels.issued_odds(rows, issued_arrays(pending), pending.seed_bikes is not None, odds)
    return dict(zip(names, odds, strict=True))
