"""A station as a queue: from demand and what stands there now to a distribution at every target time.

With `K` places, bikes arrive at rate λ while a dock is free and leave at rate μ while a bike is there, and
the probabilities `p_k` of `k` bikes follow the master equation of a birth–death chain [1]_. Rates may depend
on `k`. To two hours it is solved by uniformization [2]_, which is exact and never gives a negative or
exploding probability however high the rates; beyond that by implicit Euler steps of half an hour, which share
its bounds and cost a tenth, but blur the moment: the variance they add is that of half an hour's drift.

References
----------
.. [1] N. Gast, G. Massonnet, D. Reijsbergen, M. Tribastone, Probabilistic forecasts of bike-sharing systems
   for journey planning, CIKM 2015.
.. [2] A. Jensen, Markoff chains as an aid in the study of Markoff processes, Scandinavian Actuarial Journal,
   1953.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from model.records import Floats, Ints

Array32 = NDArray[np.float32]

NEAR_ENDS = np.array([5, 10, 15, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120], dtype=np.float64)
FAR_ENDS = np.arange(150.0, 1441.0, 30.0)
"""Where the steps of time end, in minutes from now; rates do not change within a step."""

_TRUNCATE = 1e-5
"""Mass of the Poisson series that may be left out; what is kept is scaled back to one."""

_BLOCK = 256
"""Stations solved together: few enough that a block stays in the processor's cache."""


def advance(p: Array32, rise: Array32, fall: Array32) -> Array32:
    """Move distributions forward exactly, by a stretch of time in which the rates do not change.

    `p` is `(N, S)`, bikes first. `rise` and `fall` are `(N − 1, S)`: the expected arrivals at `k` bikes, and
    departures at `k + 1`, in that stretch if the station stayed as it is.

    >>> import numpy as np
    >>> p = advance(np.array([[0.0], [1.0], [0.0]]), np.zeros((2, 1)), np.array([[0.5], [0.5]]))
    >>> p[:, 0].round(4)  # the one bike is still there with odds exp(-1/2)
    array([0.3935, 0.6065, 0.    ])
    """
    if len(p) == 1:
        return p
    pace = float((rise.max(axis=0, initial=0) + fall.max(axis=0, initial=0)).max(initial=0))
    if pace == 0:
        return p
    if pace > 50:  # halves of it are as exact, and float32 does not underflow
        two = p.dtype.type(2)
        half = advance(p, rise / two, fall / two)
        return advance(half, rise / two, fall / two)
    up, down = rise / p.dtype.type(pace), fall / p.dtype.type(pace)
    weight = math.exp(-pace)
    total, term, step = weight * p, p.copy(), 0
    kept = weight
    flow, back = np.empty_like(up), np.empty_like(up)
    while kept < 1 - _TRUNCATE:
        step += 1
        np.multiply(up, term[:-1], out=flow)
        np.multiply(down, term[1:], out=back)
        flow -= back
        term[1:] += flow
        term[:-1] -= flow
        weight *= pace / step
        kept += weight
        total += p.dtype.type(weight) * term
    total /= p.dtype.type(kept)
    return total


def leap(p: Array32, rise: Array32, fall: Array32) -> Array32:
    """Move distributions forward by one implicit Euler step, with the arguments of `advance`.

    A tridiagonal system a station, solved for all at once by the Thomas algorithm. Exact for an exponential
    waiting time of the step's length in place of a fixed one.
    """
    size = len(p)
    if size == 1:
        return p
    diagonal = np.ones_like(p)
    diagonal[:-1] += rise
    diagonal[1:] += fall
    ratio, out = np.empty_like(rise), np.empty_like(p)
    pivot = diagonal[0]
    out[0] = p[0] / pivot
    for k in range(1, size):
        ratio[k - 1] = fall[k - 1] / pivot  # minus the element above the diagonal, over the pivot
        pivot = diagonal[k] - rise[k - 1] * ratio[k - 1]
        out[k] = (p[k] + rise[k - 1] * out[k - 1]) / pivot
    for k in range(size - 2, -1, -1):
        out[k] += ratio[k] * out[k + 1]
    return out


def start(bikes: Ints, places: Ints) -> Array32:
    """Give the distributions of stations that hold `bikes` for certain, `(N, S)`, N = most `places` + 1."""
    p = np.zeros((int(places.max(initial=0)) + 1, len(bikes)), dtype=np.float32)
    p[np.minimum(bikes, places), np.arange(len(bikes))] = 1
    return p


def cumulate(p: Array32, places: Ints) -> Array32:
    """Turn distributions `(N, S)` into P(bikes ≤ k), `(S, N)`, which ends at 1 to the last bit."""
    cdf = np.minimum(np.cumsum(p, axis=0), np.float32(1)).T
    cdf[np.arange(len(p)) >= places[:, None]] = 1
    return cdf


def blocks(places: Ints, pace: Floats) -> Iterator[Ints]:
    """Split stations into groups of like size and pace, so that none waits for a much larger or busier one.

    `places` and `pace` are `(S,)`; gives arrays of row numbers that together hold each row once.
    """
    width = np.ceil(np.log2(np.maximum(places, 15) + 1)).astype(np.int64)
    order = np.lexsort((pace, width))
    cuts = np.flatnonzero(np.diff(width[order])) + 1
    for group in np.split(order, cuts):
        for first in range(0, len(group), _BLOCK):
            yield group[first : first + _BLOCK]
