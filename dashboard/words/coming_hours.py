"""What the strip of the coming hours at a station says."""

from __future__ import annotations

from collections.abc import Sequence

from dashboard.words.catalogue import mark, mark_plural, tr
from dashboard.words.rules import CLOSED_STEP, What
from dashboard.words.shell import NO_FORECAST, STEPS

COMING = mark("The coming hours")

_MOST = 4
"""Stretches that the sentence names; the strip shows all."""

_WISH = {
    "bike": mark_plural("A bike: {when}.", "{n} bikes: {when}."),
    "space": mark_plural("A space: {when}.", "{n} spaces: {when}."),
}


def sentence(what: What, number: int, found: Sequence[tuple[int, str]]) -> str:
    """Say how the chance changes: of each stretch its step and the time at which it ends.

    >>> sentence("bike", 1, [(0, "08:25"), (2, "08:40"), (4, "12:00")])
    'A bike: almost sure until 08:25, even until 08:40, then hardly until 12:00.'
    >>> sentence("space", 2, [(0, "20:00")])
    '2 spaces: almost sure until 20:00.'
    """
    parts = []
    for place, (step, ends) in enumerate(found[:_MOST]):
        named = _step(step)
        if place and place == len(found) - 1:
            parts.append(tr("then {step} until {time}", step=named, time=ends))
        else:
            parts.append(tr("{step} until {time}", step=named, time=ends))
    return _WISH[what](number, when=", ".join(parts))


def _step(step: int) -> str:
    if step == CLOSED_STEP:
        return tr("closed")
    return STEPS[step] if step in STEPS else NO_FORECAST()
