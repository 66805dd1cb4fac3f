"""The birth–death chain for a block of stations: a station as a queue, moved forward in time.

A station has `K` places. Bikes arrive at rate λ while a dock is free, and leave at rate μ while a bike is
there. The probabilities `p_k` of `k` bikes follow the master equation of a birth–death chain [1]_, whose
rates may depend on `k`. Up to two hours it is solved by uniformization [2]_, which is exact and never gives a
negative or exploding probability, however high the rates. Beyond, it is solved by implicit Euler steps of
half an hour. These share the bounds and cost less, but blur the moment: they add the variance of half an
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

import numpy as np

from model.arrays import Array32
from model.kernels.lanes import compiled

_TRUNCATE = 1e-5
"""Mass of the Poisson series that may be left out; the rest is scaled back to one."""

_MOST_EVENTS = 50.0
"""A step of more expected events is halved until it has fewer: float32 would underflow."""


@compiled
def advance(
    p: Array32, up: Array32, down: Array32, pace: Array32, stay: Array32, first: Array32, spare: Array32
) -> None:
    """Move the distributions `p` of a block exactly, in place, by a time in which the rates do not change.

    All arrays but `pace` are `(N + 2, L)`: the counts from 0, in the rows from 1, between two rows of zeros.
    `up` are the expected arrivals at `k` bikes and `down` the departures at `k + 1` if the station stayed as
    it is; `pace` `(L,)` is at least the sum of both at any count. `stay`, `first` and `spare` are room to
    work in. The mass left out of the Poisson series is missing in `p` afterwards.
    """
    rows, lanes = p.shape
    most = np.float32(0)
    for j in range(lanes):
        most = max(most, pace[j])
    if most == 0:
        return
    parts = 1
    while most > _MOST_EVENTS * parts:
        parts *= 2
    each = float(most) / parts
    terms, weight = 0, math.exp(-each)
    kept = weight
    while kept < 1 - _TRUNCATE:
        terms += 1
        weight *= each / terms
        kept += weight
    if terms == 0:
        return
    none = np.empty(lanes, dtype=np.float32)
    for j in range(lanes):
        none[j] = math.exp(-float(pace[j]) / parts)
    for k in range(1, rows - 1):
        for j in range(lanes):
            stay[k, j] = pace[j] - (up[k, j] + down[k - 1, j])
    first[0] = 0
    first[rows - 1] = 0
    spare[0] = 0
    spare[rows - 1] = 0
    size = (rows - 2) * lanes
    remain, depart = stay.ravel()[lanes : lanes + size], down.ravel()[lanes : lanes + size]
    arrive = up.ravel()[:size]
    begin = first.ravel()
    for _ in range(parts):
        for k in range(1, rows - 1):
            for j in range(lanes):
                first[k, j] = p[k, j] * none[j]
        # Horner's rule: one pass a term of the series, which begins with "nothing happens" and ends in `p`.
        here = begin
        for term in range(terms, 0, -1):
            there = p.ravel() if term % 2 else spare.ravel()
            share = np.float32(1 / (term * parts))
            _term(there[lanes : lanes + size], begin[lanes:], here, remain, arrive, depart, share, lanes)
            here = there


@compiled
def _term(
    there: Array32,
    begin: Array32,
    here: Array32,
    stay: Array32,
    up: Array32,
    down: Array32,
    share: np.float32,
    lanes: int,
) -> None:
    size = len(there)
    below, same, above = here[:size], here[lanes : lanes + size], here[2 * lanes :]
    for i in range(size):
        there[i] = begin[i] + share * (stay[i] * same[i] + up[i] * below[i] + down[i] * above[i])


@compiled
def leap(p: Array32, up: Array32, down: Array32, inverse: Array32, ratio: Array32) -> None:
    """Move the distributions `p` of a block by one implicit Euler step, in place.

    The arrays are as in `advance`. The step is exact for an exponential waiting time of its length in place
    of a fixed one: a tridiagonal system a station, solved by the Thomas algorithm.
    """
    last, lanes, one = len(p) - 2, p.shape[1], np.float32(1)
    excess = np.ones(lanes, dtype=np.float32)  # of the pivot over its `up`: a sum, so nothing cancels
    for k in range(1, last):
        for j in range(lanes):
            part = one / (excess[j] + up[k, j])
            inverse[k, j] = part
            part *= down[k, j]
            ratio[k, j] = part
            excess[j] = one + part * excess[j]
    for j in range(lanes):
        inverse[last, j] = one / excess[j]
        p[1, j] *= inverse[1, j]
    for k in range(2, last + 1):
        for j in range(lanes):
            p[k, j] = (p[k, j] + up[k - 1, j] * p[k - 1, j]) * inverse[k, j]
    for k in range(last - 1, 0, -1):
        for j in range(lanes):
            p[k, j] += ratio[k, j] * p[k + 1, j]
