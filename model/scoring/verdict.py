"""Which model is best, and whether that is more than luck.

A verdict comes from bins of time that are the same whoever looks, never from the stretch on a screen: so it
does not depend on where a stretch begins. Only whole bins count, from the first one on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.arrays import Bools, Floats, Ints
from model.scoring.confidence import LEVEL, Differences

HOUR_SECONDS, FAR_HOUR_SECONDS = 3600, 7200


def bin_seconds(minutes: int) -> int:
    """Give the length of the bins of a horizon: two hours where forecasts are issued every two hours."""
    return HOUR_SECONDS if minutes <= 2 * 60 else FAR_HOUR_SECONDS


@dataclass(frozen=True)
class Verdict:
    """How one model compares with others.

    `alike` are those that cannot be told apart from the `best`, by their losses. `since` is the place of the
    bin from which on it has been told apart from all others without a break, and None while any is alike.
    """

    best: str
    alike: tuple[str, ...]
    since: int | None


def told_apart(better: Floats, worse: Floats, stream: Ints, count: int, level: float) -> tuple[int, int]:
    """Compare the losses `(T,)` of two models in bins; not a number where not both were judged.

    Gives 1 where the first is better by more than luck, -1 where it is worse, else 0; and the place of the
    bin from which on this has been so without a break.
    """
    judged = np.flatnonzero(~np.isnan(better + worse))
    if not len(judged):
        return 0, 0
    sums = Differences.over_time((worse - better)[judged], stream[judged], count)
    least, greatest = sums.bounds(level)
    sign: Ints = (least > 0).astype(np.int64) - (greatest < 0)
    return int(sign[-1]), int(judged[_last_run(sign == sign[-1])])


def _last_run(same: Bools) -> int:
    """Give where the last run of True begins."""
    breaks = np.flatnonzero(~same)
    return int(breaks[-1]) + 1 if len(breaks) else 0


def verdict(
    models: tuple[str, ...], losses: Floats, number: Ints, count: int, level: float = LEVEL
) -> Verdict | None:
    """Find the best of `models` by their mean losses `(T, M)` in bins of these numbers; None without any.

    Losses are not numbers where a model was not judged on the same forecasts as all others. The level is
    shared by all comparisons with the best one. `count` are the streams.
    """
    if not losses.size:
        return None
    stream, share = number % count, level / max(len(models) - 1, 1)

    def against(place: int) -> dict[int, tuple[int, int]]:
        others = [other for other in range(len(models)) if other != place]
        return {
            other: told_apart(losses[:, place], losses[:, other], stream, count, share) for other in others
        }

    judged, means = (~np.isnan(losses)).sum(axis=0), np.nanmean(losses, axis=0)
    whole = np.flatnonzero(judged == judged.max())
    best = int(whole[means[whole].argmin()])
    found = against(best)
    # One that was judged on a part alone may be better there.
    ahead = [other for other, (sign, _) in found.items() if sign < 0]
    if ahead:
        best = ahead[0]
        found = against(best)
    near = [other for other, (sign, _) in found.items() if sign <= 0]
    alike = tuple(models[other] for other in sorted(near, key=lambda other: means[other]))
    since = None if alike else max((at for _, at in found.values()), default=0)
    return Verdict(models[best], alike, since)
