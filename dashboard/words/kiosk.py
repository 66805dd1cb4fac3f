"""What a stage screen says. People read it from ten metres."""

from __future__ import annotations

from datetime import timedelta

from dashboard.words.catalogue import mark, tr
from dashboard.words.formats import ago, minutes

KIOSK_LOST = mark("No connection: what you see is old. It goes on by itself.")
KIOSK_NO_COUNTS = mark("no counts yet")


def if_you_arrive(minutes_ahead: float) -> str:
    """Say in how many minutes the rider arrives; the page adds the clock time.

    >>> if_you_arrive(0), if_you_arrive(25)
    ('if you arrive now', 'if you arrive in 25 min')
    """
    whole = round(minutes_ahead)
    if not whole:
        return tr("if you arrive now")
    return tr("if you arrive in {duration}", duration=minutes(whole))


def how_right(ahead: str, past: str) -> tuple[str, str, str]:
    """Head the curves of a stage screen: title, horizon and stretch of time."""
    return (
        tr("How right it is"),
        tr("forecasts {duration} ahead", duration=ahead),
        tr("past: {stretch}", stretch=past),
    )


def counted(age: timedelta) -> str:
    """Say how old the counts are.

    >>> counted(timedelta(seconds=40))
    'counted 40 s ago'
    """
    return tr("counted {ago}", ago=ago(age))
