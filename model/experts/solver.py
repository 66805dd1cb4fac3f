"""A station as a queue: from demand and the count of now to a distribution at every target time.

A station has `K` places. Bikes arrive at rate λ while a dock is free, and leave at rate μ while a bike is
there. The probabilities `p_k` of `k` bikes follow the master equation of a birth–death chain [1]_, whose
rates may depend on `k`. Up to two hours it is solved by uniformization [2]_, which is exact and never gives a
negative or exploding probability, however high the rates. Beyond, it is solved by implicit Euler steps of
half an hour. These share the bounds and cost a tenth, but blur the moment: they add the variance of half an
hour's drift.

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
from itertools import pairwise

import numpy as np

from model.arrays import Array32, Floats, Ints

NEAR_ENDS = np.array([5, 10, 15, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120], dtype=np.float64)
FAR_ENDS = np.arange(150.0, 1441.0, 30.0)
"""Where the steps of time end, in minutes from now; rates do not change within a step."""

_TRUNCATE = 1e-5
"""Mass of the Poisson series that may be left out; the rest is scaled back to one."""

_BLOCK = 256
"""Stations solved together: enough to be worth the calls of NumPy, few enough to be alike."""

_CALLS = 32
"""How many stations cost as much as the calls for one more block."""

_SMALL = 8
"""Stations of fewer places cost as much as one of so many."""


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
    total, term, step = p.dtype.type(weight) * p, p.copy(), 0
    kept = weight
    flow, part = np.empty_like(up), np.empty_like(p)
    while kept < 1 - _TRUNCATE:
        step += 1
        np.multiply(up, term[:-1], out=flow)
        flow -= np.multiply(down, term[1:], out=part[1:])
        term[1:] += flow
        term[:-1] -= flow
        weight *= pace / step
        kept += weight
        total += np.multiply(term, p.dtype.type(weight), out=part)
    total /= p.dtype.type(kept)
    return total


def leaps(p: Array32, rise: Array32, fall: Array32) -> Array32:
    """Move distributions forward by implicit Euler steps, one after the other; gives each, `(T, N, S)`.

    `p` is as in `advance`; `rise` and `fall` are `(T, N − 1, S)`. A step is exact for an exponential waiting
    time of its length in place of a fixed one: a tridiagonal system a station, solved for all at once by the
    Thomas algorithm. The parts that do not depend on `p` are computed for all steps together, to save calls.
    """
    out = np.empty((len(rise), *p.shape), dtype=p.dtype)
    inverse, ratio = np.empty_like(out), np.empty_like(fall)
    excess = np.ones_like(out[:, 0])  # of the pivot over its `rise`: a sum, so nothing cancels
    for k in range(len(p) - 1):
        np.reciprocal(excess + rise[:, k], out=inverse[:, k])
        np.multiply(fall[:, k], inverse[:, k], out=ratio[:, k])
        excess = 1 + ratio[:, k] * excess
    np.reciprocal(excess, out=inverse[:, -1])
    carry = rise * inverse[:, 1:]
    moved = np.empty_like(p[0])
    for step, counts in enumerate(out):
        np.multiply(p, inverse[step], out=counts)
        for row, share, below in zip(counts[1:], carry[step], counts, strict=False):
            row += np.multiply(share, below, out=moved)
        for row, share, above in zip(counts[-2::-1], ratio[step, ::-1], counts[::-1], strict=False):
            row += np.multiply(share, above, out=moved)
        p = counts
    return out


def start(bikes: Ints, places: Ints) -> Array32:
    """Give the distributions of stations that hold `bikes` for certain, `(N, S)`, N = most `places` + 1."""
    p = np.zeros((int(places.max(initial=0)) + 1, len(bikes)), dtype=np.float32)
    p[np.minimum(bikes, places), np.arange(len(bikes))] = 1
    return p


def cumulate(p: Array32, places: Ints) -> Array32:
    """Turn distributions `(…, N, S)` into P(bikes ≤ k) in place, ending at 1 to the last bit."""
    for k in range(1, p.shape[-2]):
        p[..., k, :] += p[..., k - 1, :]
    np.minimum(p, np.float32(1), out=p)
    return np.maximum(p, np.arange(p.shape[-2])[:, None] >= places, out=p)


def blocks(places: Ints, pace: Floats) -> Iterator[Ints]:
    """Split stations into groups of like size, by pace, so that none waits for a much larger or busier one.

    `places` and `pace` are `(S,)`. Gives arrays of row numbers that together hold each row once. Stations
    join the next larger ones as long as that costs less than the calls for a group of their own.
    """
    size = np.maximum(places, _SMALL)
    for here, above in pairwise(np.unique(size).tolist()):
        joined = size == here
        if (above - places[joined]).sum() < _CALLS * above:
            size[joined] = above
    order = np.lexsort((pace, size))
    cuts = np.flatnonzero(np.diff(size[order])) + 1
    for group in np.split(order, cuts):
        for first in range(0, len(group), _BLOCK):
            yield group[first : first + _BLOCK]
