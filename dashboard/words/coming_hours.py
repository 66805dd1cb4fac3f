"""What the strip of the coming hours at a station says."""

from __future__ import annotations

from collections.abc import Sequence

from dashboard.words.catalogue import mark, mark_plural, tr
from dashboard.words.rules import CLOSED_STEP, What
from dashboard.words.shell import NO_FORECAST, STEPS

COMING = mark("The coming hours")

_MOST = 5
"""Stretches that the sentence names one by one. Of more, the last is what the others lie between."""

_WISH = {
    "bike": mark_plural("A bike: {when}.", "{n} bikes: {when}."),
    "ebike": mark_plural("An e-bike: {when}.", "{n} e-bikes: {when}."),
    "plain_bike": mark_plural("A plain bike: {when}.", "{n} plain bikes: {when}."),
    "space": mark_plural("A space: {when}.", "{n} spaces: {when}."),
}


def sentence(what: What, number: int, found: Sequence[tuple[int, str]]) -> str:
    """Say how the chance changes: of each stretch its step and the time at which it ends.

    >>> sentence("bike", 1, [(0, "08:25"), (2, "08:40"), (4, "12:00")])
    'A bike: almost sure until 08:25, even until 08:40, then hardly until 12:00.'
    >>> sentence("space", 2, [(0, "20:00")])
    '2 spaces: almost sure until 20:00.'
    >>> many = [(1, "8:25"), (2, "8:40"), (1, "9:00"), (2, "9:40"), (1, "10:00"), (3, "20:00")]
    >>> sentence("bike", 1, many).partition("9:00, ")[2]
    'even until 9:40, then unlikely to likely until 20:00.'
    """
    rest = [step for step, _ in found[_MOST - 1 :]]
    summed = len(rest) > 1 and min(rest) >= 0
    parts = [
        tr("{step} until {time}", step=_step(step), time=ends)
        for step, ends in found[: _MOST - 1 if summed else _MOST]
    ]
    last = found[-1][1]
    if summed:
        worst, best = _step(max(rest)), _step(min(rest))
        parts.append(tr("then {worst} to {best} until {time}", worst=worst, best=best, time=last))
    elif 1 < len(found) <= _MOST:
        parts[-1] = tr("then {step} until {time}", step=_step(found[-1][0]), time=last)
    return _WISH[what](number, when=", ".join(parts))


def _step(step: int) -> str:
    if step == CLOSED_STEP:
        return tr("closed")
    return STEPS[step] if step in STEPS else NO_FORECAST()
