"""Says how the chance at a station changes in the coming hours: stretches of one step of chance each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

import numpy as np

from dashboard.outlook import serves, side
from dashboard.words import rules
from dashboard.words.rules import What
from model.frame import NO_FORECAST, Frame
from model.moments import outlook_at

AHEAD = timedelta(hours=12)
"""How far the strip of the coming hours reaches, where the forecast does."""

STEP = timedelta(minutes=5)


@dataclass(frozen=True)
class ChanceStretch:
    """A stretch of time with one step of chance; `rules` has them."""

    step: int
    begins: datetime
    ends: datetime


def stretches(frame: Frame, row: int, what: What, number: int, now: datetime) -> list[ChanceStretch]:
    """Divide the coming hours at a station by the step of the chance; empty where the forecast is over."""
    first = (now - frame.at) / timedelta(minutes=1)
    last = min(first + AHEAD / timedelta(minutes=1), float(frame.minutes[-1]))
    minutes = np.arange(first, last, STEP / timedelta(minutes=1))
    if not len(minutes):
        return []
    rows = np.full(len(minutes), row)
    chance = outlook_at(frame, side(frame, what), rows, minutes).chance[number - 1]
    steps = np.array([rules.NO_STEP if odds == NO_FORECAST else rules.step(odds) for odds in chance.tolist()])
    if frame.hours is not None:
        steps[~frame.hours.is_open(rows, frame.at.timestamp() + 60 * minutes)] = rules.CLOSED_STEP
    if not serves(frame, what)[row]:
        steps[:] = rules.CLOSED_STEP
    found, begins = [], now
    for step, those in groupby(steps.tolist()):
        ends = begins + STEP * len(list(those))
        found.append(ChanceStretch(step, begins, ends))
        begins = ends
    return found
