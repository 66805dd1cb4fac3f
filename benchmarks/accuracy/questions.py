"""The questions that every peer answers: at issue time `t`, how many bikes will stand there at `t + h`?

A question is asked at the first poll of every so many minutes. Its truth is the first poll at or after the
target. A poll that comes later than the forecaster would wait for it is no truth (`model.gaps`): then no
model is judged. Everything before the issue time may be used to answer, nothing after.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.replay.recording import Recording
from model.gaps import SnapshotGaps
from model.kernels.judging import transform
from model.kernels.records import BINS
from model.records import CountState

Array = NDArray[Any]
GRID_SECONDS = 600
"""Step of the grid that the batch peers draw their features from."""


@dataclass(frozen=True)
class Questions:
    """Issue times of a recording, the counts then, and the truths: bikes and docks, -1 unknown."""

    issued: Array
    """Unix seconds, `(Q,)`."""
    bikes: Array
    """`(Q, S)`."""
    docks: Array
    truth: dict[int, Array]
    """By horizon in minutes, bikes `(Q, S)`; -1 where no peer is judged."""
    truth_docks: dict[int, Array]


def matrix(recording: Recording) -> tuple[Array, Array]:
    """Give bikes and docks at every poll, `(P, S)`; -1 where they are not known, as at a closed station."""
    bikes = np.empty((len(recording.polls), len(recording.stations)), dtype=np.int16)
    docks = np.empty_like(bikes)
    for row, snapshot in enumerate(recording.snapshots()):
        known = snapshot.state == CountState.KNOWN
        bikes[row], docks[row] = np.where(known, (snapshot.bikes, snapshot.docks), -1)
    return bikes, docks


def ask(recording: Recording, minutes: tuple[int, ...], every: int) -> Questions:
    """Set the questions of a whole recording."""
    bikes, docks = matrix(recording)
    polls = recording.polls
    patience = _patience(polls, minutes)
    buckets = polls // (60 * every)
    first = np.flatnonzero(np.diff(buckets, prepend=-1))
    truth, truth_docks = {}, {}
    for horizon in minutes:
        target = polls[first] + 60 * horizon
        row = np.minimum(np.searchsorted(polls, target), len(polls) - 1)
        arrived = (polls[row] >= target) & (polls[row] - target <= patience[horizon][row])
        judged = arrived[:, None] & (bikes[first] >= 0) & (bikes[row] >= 0)
        truth[horizon] = np.where(judged, bikes[row], -1)
        truth_docks[horizon] = np.where(judged & (docks[first] >= 0), docks[row], -1)
    return Questions(polls[first], bikes[first], docks[first], truth, truth_docks)


def _patience(polls: Array, minutes: tuple[int, ...]) -> dict[int, Array]:
    """Give how late a truth may be at each poll, in seconds `(P,)` by horizon, as `Forecaster` settles."""
    gaps, patience = SnapshotGaps(), {each: np.empty(len(polls)) for each in minutes}
    for index, poll in enumerate(polls.tolist()):
        if index:
            gaps.note(timedelta(seconds=poll - int(polls[index - 1])))
        for each in minutes:
            patience[each][index] = gaps.patience(each).total_seconds()
    return patience


def grid(recording: Recording, step: int = GRID_SECONDS) -> tuple[Array, Array]:
    """Give bikes on a regular grid: Unix seconds `(T,)` and counts `(T, S)`, nan in holes of the polls."""
    bikes, _ = matrix(recording)
    polls = recording.polls
    times = np.arange(polls[0] // step * step, polls[-1] + step, step)
    row = np.searchsorted(polls, times, side="right") - 1
    lasts = max(step, 300, 1.5 * float(np.median(np.diff(polls))))
    fresh = (row >= 0) & (times - polls[np.maximum(row, 0)] <= lasts)
    values = np.where(fresh[:, None] & (bikes[np.maximum(row, 0)] >= 0), bikes[np.maximum(row, 0)], np.nan)
    return times, values


def covered(cdf: Array, truth: Array) -> float:
    """Give the mass of the non-randomised probability integral transform between 0.1 and 0.9.

    It is the transform that our own forecasts are judged by, of distributions `(n, N)`.
    """
    tenths = np.zeros(BINS)
    for below, came in zip(cdf, truth.tolist(), strict=True):
        transform(tenths, below, len(below) - 1, came)
    return float(tenths[1:-1].sum() / len(truth))
