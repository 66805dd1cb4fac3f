"""Tell luck from skill: how large a mean difference of scores is, at every moment at once.

A page that is looked at every day would in the end find any difference "significant": a test for one moment
may err at each look. A confidence sequence holds at all moments together. This is the asymptotic one [1]_ of
normal mixtures, written by hand. Its drawback: it is wider than an interval for one moment, so a verdict
takes longer.

Differences are those of two models on the same forecasts, averaged over stations first, since stations share
rain and rush hours. Forecasts that are nearer to each other than they look ahead overlap, and their errors
are alike. So the differences are dealt out to *streams*: two of one stream lie farther apart than the
horizon. Each stream has a sequence of its own at its share of the level, so that all hold together; their
weighted mean is the sequence of all. What is estimated is the mean of the expected differences so far, which
may change from hour to hour [2]_.

References
----------
.. [1] I. Waudby-Smith, D. Arbour, R. Sinha, E. H. Kennedy, A. Ramdas, Time-uniform central limit theory and
   asymptotic confidence sequences, 2021, arXiv:2103.06476, theorem 2.2.
.. [2] Y. J. Choe, A. Ramdas, Comparing sequential forecasters, 2023, arXiv:2110.00115.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.arrays import Floats, Ints
from model.scoring.issue import FAR_ISSUES, FAR_SCORED, ISSUE_MINUTES

LEVEL = 0.05
"""The most chance that a verdict is ever wrong, where there is no difference."""

LEAST = 24
"""Differences of a stream before it counts: the bounds hold for large numbers."""

_SHARPEST_AT = 100
"""The number of differences of a stream for which the bounds are made narrowest."""


def streams(minutes: int, seconds: int) -> int:
    """Give how many streams keep differences of one stream farther apart than a horizon.

    Each difference is of forecasts in some `seconds`.

    >>> [streams(minutes, 3600) for minutes in (30, 60, 90, 1440)]
    [2, 2, 3, 25]
    """
    return -(-minutes * 60 // seconds) + 1


def issue_streams(minutes: int) -> tuple[int, int]:
    """Give the seconds between two issues of a horizon, and how many streams they need."""
    seconds = 60 * ISSUE_MINUTES * (FAR_ISSUES if minutes in FAR_SCORED else 1)
    return seconds, streams(minutes, seconds)


@dataclass(frozen=True)
class Differences:
    """Sums of differences by stream, the last axis: how many, their sum, the sum of their squares."""

    n: Floats
    total: Floats
    square: Floats

    @staticmethod
    def over_time(values: Floats, stream: Ints, streams: int) -> Differences:
        """Add up differences `(T,)` by their streams: the sums `(T, streams)` after each of them."""
        mine = stream[:, None] == np.arange(streams)
        each = values[:, None] * mine
        n, total, square = (np.cumsum(part, axis=0) for part in (mine.astype(np.float64), each, each**2))
        return Differences(n, total, square)

    def bounds(self, level: float = LEVEL) -> tuple[Floats, Floats]:
        """Give the least and the greatest mean difference; infinite before any stream has enough."""
        enough = self.n >= LEAST
        n = np.where(enough, self.n, 1.0)
        mean = self.total / n
        variance = np.maximum(self.square - n * mean**2, 0.0) / np.maximum(n - 1, 1.0)
        width = _width(n, variance, level / self.n.shape[-1])
        weight = np.where(enough, self.n, 0.0)
        weighed = weight.sum(axis=-1)
        known = weighed > 0
        weighed = np.where(known, weighed, 1.0)
        middle, beside = ((weight * part).sum(axis=-1) / weighed for part in (mean, width))
        return np.where(known, middle - beside, -np.inf), np.where(known, middle + beside, np.inf)


def _width(n: Floats, variance: Floats, level: float) -> Floats:
    """Give half the width of the sequence after `n` differences of a variance."""
    twice = -2 * np.log(level)
    rho = (twice + np.log(twice + 1)) / _SHARPEST_AT
    grown = n * rho + 1
    width: Floats = np.sqrt(variance * 2 * grown / (n**2 * rho) * np.log(np.sqrt(grown) / level))
    return width
