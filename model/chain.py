"""A station as a queue: from demand and what stands there now to a distribution at every target time.

With `K` places, bikes arrive at rate λ while a dock is free and leave at rate μ while a bike is there, and
the probabilities `p_k` of `k` bikes follow the master equation of a birth–death chain [1]_. It is solved by
uniformization [2]_, which never gives a negative or exploding probability however high the rates.

Notes
-----
One pass forward in time gives every horizon. It costs about `λ + μ` steps an hour over arrays `(K, S)`, so
stations are best solved in blocks that are alike in size and pace: see `blocks`.

References
----------
.. [1] N. Gast, G. Massonnet, D. Reijsbergen, M. Tribastone, Probabilistic forecasts of bike-sharing systems
   for journey planning, CIKM 2015.
.. [2] A. Jensen, Markoff chains as an aid in the study of Markoff processes, Scandinavian Actuarial Journal,
   1953.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from model.records import Floats, Ints

_TRUNCATE = 1e-5
"""Mass of the Poisson series that may be left out; what is kept is scaled back to one."""

_BLOCK = 256
"""Stations solved together: few enough that a block stays in the processor's cache."""


def advance(p: Floats, up: Floats, down: Floats, places: Ints) -> Floats:
    """Move distributions forward by a stretch of time in which the rates do not change.

    `p` is `(N, S)`, bikes first; `up` and `down` are the expected arrivals and departures `(S,)` in that
    stretch if nothing stood in their way; `places` is `(S,)`, at most N − 1.

    >>> import numpy as np
    >>> p = advance(np.array([[0.0], [1.0], [0.0]]), np.array([0.0]), np.array([0.5]), np.array([2]))
    >>> p[:, 0].round(4)  # the one bike is still there with odds exp(-1/2)
    array([0.3935, 0.6065, 0.    ])
    """
    pace = float(np.max(up + down, initial=0.0))
    if pace == 0 or len(p) == 1:
        return p
    rise = np.where(np.arange(len(p) - 1)[:, None] < places, up / pace, 0.0)
    fall = down / pace
    weight = math.exp(-pace) if pace < 700 else 0.0
    if weight == 0.0:  # a pace no station has; halves of it are as good and do not underflow
        half = advance(p, up / 2, down / 2, places)
        return advance(half, up / 2, down / 2, places)
    total, term, step = weight * p, p.copy(), 0
    kept = weight
    flow, back = np.empty_like(rise), np.empty_like(rise)
    while kept < 1 - _TRUNCATE:
        step += 1
        np.multiply(rise, term[:-1], out=flow)
        np.multiply(fall, term[1:], out=back)
        flow -= back
        term[1:] += flow
        term[:-1] -= flow
        weight *= pace / step
        kept += weight
        total += weight * term
    total /= kept
    return total


def solve(
    bikes: Ints,
    places: Ints,
    minutes: Sequence[int],
    arrivals: Floats,
    departures: Floats,
    steps: Floats,
) -> NDArray[np.float32]:
    """Give P(bikes ≤ k) at each horizon, of shape `(H, S, N)` with N = the largest `places` + 1.

    `bikes` and `places` are `(S,)`. Time runs in steps that end at the minutes `steps` (T,), which must hold
    every one of `minutes` but 0; `arrivals` and `departures` are the rates within each, `(T, S)` per hour.
    """
    size = int(places.max(initial=0)) + 1
    p = np.zeros((size, len(bikes)))
    p[np.minimum(bikes, places), np.arange(len(bikes))] = 1.0
    wanted = {minute: index for index, minute in enumerate(minutes)}
    cdf = np.empty((len(minutes), len(bikes), size), dtype=np.float32)
    if 0 in wanted:
        cdf[wanted[0]] = np.cumsum(p, axis=0).T
    before = 0.0
    for index, end in enumerate(steps):
        hours = (end - before) / 60
        p = advance(p, arrivals[index] * hours, departures[index] * hours, places)
        before = end
        if end in wanted:
            cdf[wanted[int(end)]] = np.minimum(np.cumsum(p, axis=0), 1.0).T
    cdf[:, np.arange(size) >= places[:, None]] = 1.0
    return cdf


def blocks(places: Ints, pace: Floats) -> Iterator[Ints]:
    """Split stations into groups of like size and pace, so that none waits for a much larger or busier one.

    `places` and `pace` are `(S,)`; gives arrays of row numbers that together hold each row once.
    """
    width = np.ceil(np.log2(np.maximum(places, 15) + 1)).astype(np.int64)
    order = np.lexsort((pace, width))
    cuts = np.flatnonzero(np.diff(width[order])) + 1
    for group in np.split(order, cuts):
        for start in range(0, len(group), _BLOCK):
            yield group[start : start + _BLOCK]
