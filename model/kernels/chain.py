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
def lay_out(up: Array32, down: Array32, leave: Array32, rate: Array32, factors: Array32) -> np.float32:
    """Lay expected arrivals and departures, `rate` `(2, L)`, out by count; give the most events at any count.

    `factors` `(2, N, L)` multiply them at each count. The others are `(N + 2, L)`: the counts from 0, in the
    rows from 1, between two rows of zeros. `up` are the arrivals at `k` bikes, `down` the departures at
    `k + 1`, and `leave` is how often a station leaves `k` either way.
    """
    lanes = rate.shape[1]
    busiest = np.zeros(lanes, dtype=np.float32)
    for k in range(factors.shape[1]):
        for j in range(lanes):
            up[k + 1, j] = rate[0, j] * factors[0, k, j]
        for j in range(lanes):
            down[k + 1, j] = rate[1, j] * factors[1, k, j]
        for j in range(lanes):
            leave[k + 1, j] = up[k + 1, j] + down[k, j]
        for j in range(lanes):
            busiest[j] = max(busiest[j], leave[k + 1, j])
    most = np.float32(0)
    for j in range(lanes):
        most = max(most, busiest[j])
    return most


@compiled
def advance(
    p: Array32, up: Array32, down: Array32, leave: Array32, most: np.float32, begin: Array32, spare: Array32
) -> None:
    """Move the distributions `p` of a block exactly, in place, by a time in which the rates do not change.

    All arrays are as in `lay_out`; `most` is at least as large as any `leave`. `begin` and `spare` are room
    to work in. The mass left out of the Poisson series is missing in `p` afterwards.
    """
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
    rows, lanes = p.shape
    for room in (begin, spare):
        room[0] = 0
        room[rows - 1] = 0
    size = (rows - 2) * lanes
    flat, inner = p.ravel(), p.ravel()[lanes : lanes + size]
    arrive = up.ravel()[:size]
    depart, gone = down.ravel()[lanes : lanes + size], leave.ravel()[lanes : lanes + size]
    scale = np.float32(math.exp(-each))
    for _ in range(parts):
        # Horner's rule: one pass a term of the series, which begins with "nothing happens" and ends in `p`.
        here = flat
        for term in range(max(terms, 2), 1, -1):
            there = begin.ravel() if term % 2 else spare.ravel()
            share = np.float32(1 / (term * parts))
            _term(there[lanes : lanes + size], inner, here, most, gone, arrive, depart, share, lanes)
            here = there
        _last_term(inner, here, most, gone, arrive, depart, np.float32(1 / parts), scale, lanes)


@compiled
def _term(
    there: Array32,
    begin: Array32,
    here: Array32,
    most: np.float32,
    leave: Array32,
    up: Array32,
    down: Array32,
    share: np.float32,
    lanes: int,
) -> None:
    size = len(there)
    below, same, above = here[:size], here[lanes : lanes + size], here[2 * lanes :]
    for i in range(size):
        there[i] = begin[i] + share * _flow(most - leave[i], same[i], up[i], below[i], down[i], above[i])


@compiled
def _last_term(
    p: Array32,
    here: Array32,
    most: np.float32,
    leave: Array32,
    up: Array32,
    down: Array32,
    share: np.float32,
    scale: np.float32,
    lanes: int,
) -> None:
    # In place, which `_term` cannot do: arrays that overlap get no vector instructions.
    size = len(p)
    below, same, above = here[:size], here[lanes : lanes + size], here[2 * lanes :]
    for i in range(size):
        flow = _flow(most - leave[i], same[i], up[i], below[i], down[i], above[i])
        p[i] = scale * (p[i] + share * flow)


@compiled
def _flow(
    stay: np.float32,
    same: np.float32,
    up: np.float32,
    below: np.float32,
    down: np.float32,
    above: np.float32,
) -> np.float32:
    """Give what comes to a count in one event: what stays there, arrives from below, departs from above."""
    return stay * same + up * below + down * above


@compiled
def leap(p: Array32, up: Array32, down: Array32, inverse: Array32, ratio: Array32) -> None:
    """Move the distributions `p` of a block by one implicit Euler step, in place.

    The arrays are as in `lay_out`, and the last two are room to work in. The step is exact for an exponential
    waiting time of its length in place of a fixed one: a tridiagonal system a station, solved by the Thomas
    algorithm.
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
