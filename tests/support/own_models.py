"""Own models that behave, and some that do not, for the process that runs them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from model import Snapshot, Stations
from model.arrays import Floats, Ints


class Counting:
    """Answers with the number of snapshots that it has learnt, at every station and horizon."""

    def __init__(self, stations: Stations) -> None:
        self.learnt = 0

    def learn(self, snapshot: Snapshot) -> None:
        self.learnt += 1
        self.snapshot = snapshot

    def forecast(self, minutes: Sequence[int], places: Ints) -> Floats:
        odds = np.zeros((len(minutes), len(places), int(places.max()) + 1))
        odds[:, :, min(self.learnt, int(places.max()))] = 1
        return odds


class Raising(Counting):
    def learn(self, snapshot: Snapshot) -> None:
        raise LookupError("no such station")


class Dying(Counting):
    def forecast(self, minutes: Sequence[int], places: Ints) -> Floats:
        os.kill(os.getpid(), signal.SIGSEGV)
        return super().forecast(minutes, places)


class Leaving(Counting):
    def learn(self, snapshot: Snapshot) -> None:
        raise SystemExit(3)


class Hanging(Counting):
    """Sleeps for ever; it first tells its process id in the file that the environment names."""

    def learn(self, snapshot: Snapshot) -> None:
        told = os.environ.get("TOLD")
        if told:
            Path(told).write_text(str(os.getpid()), encoding="ascii")
        while True:
            time.sleep(60)


class Eating(Counting):
    def learn(self, snapshot: Snapshot) -> None:
        self.kept = [np.empty(2**21) for _ in range(10_000)]


class Unsummed(Counting):
    def forecast(self, minutes: Sequence[int], places: Ints) -> Floats:
        return super().forecast(minutes, places) * 0.5


class Misshapen(Counting):
    def forecast(self, minutes: Sequence[int], places: Ints) -> Floats:
        return np.ones((2, 2))


class Endless(Counting):
    def forecast(self, minutes: Sequence[int], places: Ints) -> Floats:
        return np.random.default_rng(1).random((len(minutes), len(places), 50_000))


class NearOnly(Counting):
    """Answers up to an hour ahead."""

    def forecast(self, minutes: Sequence[int], places: Ints) -> Floats:
        odds = super().forecast(minutes, places)
        odds[np.array(minutes) > 60] = np.nan
        return odds


def elsewhere(stations: Stations) -> None:
    """Make no model: it is for another city."""
