"""Opening hours: when each station is open, and which closed flags its hours explain.

Nothing can be rented or returned at a station that its hours have closed. So rates are zero there, closed
time counts as no exposure, and no riders are learnt over a poll in which a station opens or closes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.arrays import Bools, Floats, Ints, Strings, frozen, take_rows
from model.component import Component

ALWAYS_OPEN = -1
"""Stands in `OpeningHours.schedule` for a station that never closes by its hours."""

FOREVER = 253_370_764_800
"""The Unix time, in the year 9999, at which a span ends that has no end."""

_LAG = timedelta(minutes=15)
"""By how much a station's flags may follow or precede its hours. Operators close and open by hand."""


@dataclass(frozen=True, eq=False)
class OpeningHours:
    """When stations are open by their published hours, some days back and ahead.

    `schedule` `(S,)` gives each station's schedule, -1 for one that never closes. `spans` `(I, 3)` are whole
    numbers: a schedule and the Unix seconds at which it opens and closes, in rising order. The first span
    ahead is there, however far. `text` `(K,)` are the schedules as published, in OpenStreetMap's syntax.

    Raises `ValueError` where these do not fit together.
    """

    schedule: Ints
    spans: Ints
    text: Strings

    def __post_init__(self) -> None:
        for name, dtype in (("schedule", np.int64), ("spans", np.int64), ("text", np.str_)):
            object.__setattr__(self, name, frozen(getattr(self, name), dtype))
        if self.spans.shape != (len(self.spans), 3) or self.schedule.ndim != 1 or self.text.ndim != 1:
            raise ValueError("OpeningHours: give schedule (S,), spans (I, 3) and text (K,)")
        of, opens, closes = self.spans.T
        follows = (of[1:] > of[:-1]) | ((of[1:] == of[:-1]) & (opens[1:] > closes[:-1]))
        if not follows.all() or (opens >= closes).any():
            raise ValueError("OpeningHours.spans do not rise: sort them, and join those that touch")
        for numbers in (of, self.schedule):
            if len(numbers) and not ALWAYS_OPEN <= numbers.min() <= numbers.max() < len(self.text):
                raise ValueError(f"OpeningHours names a schedule that is none of its {len(self.text)}")

    def __len__(self) -> int:
        return len(self.schedule)

    def of(self, row: int) -> tuple[Ints, Ints]:
        """Give when a station opens and when it closes again, in Unix seconds `(I,)`."""
        found = self.spans[self.spans[:, 0] == self.schedule[row]]
        return found[:, 1], found[:, 2]

    def is_open(self, rows: Ints, seconds: NDArray[Any]) -> Bools:
        """Tell which stations are open at Unix seconds; the shapes of both arguments broadcast."""
        schedule, seconds = np.broadcast_arrays(self.schedule[rows], seconds)
        out: Bools = np.ones(schedule.shape, dtype=np.bool_)
        for index in np.unique(schedule[schedule >= 0]):
            opens, closes = self.spans[self.spans[:, 0] == index].T[1:]
            there = schedule == index
            span = np.searchsorted(opens, seconds[there], side="right") - 1
            ends = closes[np.maximum(span, 0)] if len(closes) else np.zeros(len(span))
            out[there] = (span >= 0) & (seconds[there] < ends)
        return out

    def shares(self, starts: Floats, ends: Floats) -> Floats:
        """Give which part of each stretch of time `(T,)` each schedule is open, `(K + 1, T)`.

        The last row is all 1: index with `schedule`, where -1 stands for "always".
        """
        table = np.ones((len(self.text) + 1, len(starts)))
        for index in range(len(self.text)):
            opens, closes = self.spans[self.spans[:, 0] == index].T[1:, :, None]
            overlap = np.minimum(ends, closes) - np.maximum(starts, opens)
            table[index] = np.maximum(overlap, 0).sum(axis=0) / (ends - starts)
        return table

    def state(self, row: int, at: datetime) -> OpenState:
        """Tell whether a station is open at an aware moment, and the span of then or the next one."""
        opens, closes = self.of(row)
        seconds = at.timestamp()
        if self.schedule[row] == ALWAYS_OPEN:
            return OpenState(True, None, None)
        left = np.flatnonzero(closes > seconds)
        if not len(left):
            return OpenState(False, None, None)
        opens_at, closes_at = int(opens[left[0]]), int(closes[left[0]])
        return OpenState(
            opens_at <= seconds,
            datetime.fromtimestamp(opens_at, UTC),
            None if closes_at >= FOREVER else datetime.fromtimestamp(closes_at, UTC),
        )

    def closes_for_some(self) -> bool:
        """Tell whether any station ever closes."""
        return bool((self.schedule >= 0).any())


@dataclass(frozen=True)
class OpenState:
    """Whether a station is open, and when it opened and closes, or else opens next and closes again.

    A moment that is not known, or never comes, is None.
    """

    is_open: bool
    opens_at: datetime | None
    closes_at: datetime | None


class ByHours(Component):
    """Applies opening hours to the stations that a forecaster knows.

    `hours` is None where no station has any, and then nothing here does anything. `rents` and `returns`
    `(R,)` are the flags that each station last had while its hours had it open for some time. So a station
    whose flags are closed at night is expected back in the morning, unless it was closed before the night.
    """

    def __init__(self, size: int) -> None:
        self.hours: OpeningHours | None = None
        self.rents, self.returns = (np.ones(size, dtype=np.bool_) for _ in range(2))
        self._schedule = np.full(size, ALWAYS_OPEN)

    def reorder(self, rows: Ints) -> None:
        """Reorder the stations; -1 in `rows` stands for a new one."""
        self.rents, self.returns = (take_rows(each, rows, True) for each in (self.rents, self.returns))
        self._schedule = take_rows(self._schedule, rows, ALWAYS_OPEN)

    def update(self, hours: OpeningHours | None) -> None:
        """Use these hours from now on: those of the first stations, in their order."""
        self.hours = hours
        self._schedule = np.full(len(self.rents), ALWAYS_OPEN)
        if hours is not None:
            self._schedule[: len(hours)] = hours.schedule

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give the state: nothing where there are no hours."""
        if self.hours is None:
            return {}
        return {
            "schedule": self._schedule,
            "spans": self.hours.spans,
            "text": self.hours.text,
            "rents": self.rents,
            "returns": self.returns,
        }

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `arrays` gave; a state of before opening hours has none.

        Raises `ValueError` where shapes or numbers do not fit together, `KeyError` where a name is missing.
        """
        if not arrays:
            return
        size = len(self.rents)
        for name in ("schedule", "rents", "returns"):
            if arrays[name].shape != (size,):
                raise ValueError(f"ByHours.{name} is {arrays[name].shape} instead of {(size,)}")
        self.rents, self.returns = arrays["rents"].astype(np.bool_), arrays["returns"].astype(np.bool_)
        self.hours = OpeningHours(arrays["schedule"], arrays["spans"], arrays["text"])
        self._schedule = self.hours.schedule

    def of_first(self, size: int) -> OpeningHours | None:
        """Give the hours of the first stations; None where there are none."""
        if self.hours is None:
            return None
        return OpeningHours(self._schedule[:size], self.hours.spans, self.hours.text)

    def shares(self, at: datetime, ends: Floats, rows: Ints) -> Floats | None:
        """Give the open part of steps of time that end at the minutes `ends` after `at`, `(T, S)`.

        None where no station has hours.
        """
        if self.hours is None:
            return None
        starts = np.concatenate([[0.0], ends[:-1]])
        seconds = at.timestamp()
        shares: Floats = self.hours.shares(seconds + 60 * starts, seconds + 60 * ends)[self._schedule[rows]].T
        return shares

    def is_open_from(self, before: datetime, at: datetime) -> Bools:
        """Tell which stations are open all the time from `before` to `at`, `(R,)`."""
        if self.hours is None:
            return np.ones(len(self.rents), dtype=np.bool_)
        start, end = (np.array([moment.timestamp()]) for moment in (before, at))
        open_: Bools = self.hours.shares(start, end)[self._schedule, 0] >= 1
        return open_

    def note(self, at: datetime, renting: Bools, returning: Bools) -> None:
        """Note the flags `(R,)` of stations that are open at `at`, and were and will be for some time."""
        if self.hours is None:
            return
        explained = self.explains_closing(at)
        self.rents = np.where(explained, self.rents, renting)
        self.returns = np.where(explained, self.returns, returning)

    def explains_closing(self, at: datetime) -> Bools:
        """Tell where the hours explain that a station is closed, `(R,)`, also soon before and after."""
        return ~self.is_open_from(at - _LAG, at + _LAG)

    def flags(self, at: datetime, renting: Bools, returning: Bools) -> tuple[Bools, Bools]:
        """Give the flags `(R,)` that stations have while they are open.

        A closed flag counts only where the hours do not explain it.
        """
        if self.hours is None:
            return renting, returning
        explained = self.explains_closing(at)
        return renting | (explained & self.rents), returning | (explained & self.returns)
