"""The fan chart of a station, in Altair. It holds only numbers. Its axis shows the city's times."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from dashboard import palette
from dashboard.outlook import count_of, side
from dashboard.words import formats
from dashboard.words import shell as shell_words
from dashboard.words.rules import What
from model.frame import Frame

BACK = timedelta(hours=3)
AHEAD = timedelta(hours=2)

History = list[tuple[datetime, int, int, int]]
"""A station's changes as `(at, bikes, docks, ebikes)`, oldest first."""


def past(
    history: History,
    what: What,
    now: datetime,
    until: datetime,
    zone: tzinfo,
    unobserved: Sequence[tuple[datetime, datetime]] = (),
) -> pd.DataFrame:
    """Lay out the past counts as steps: a point where each count began, and one at the newest.

    Minutes are counted from `now`. An unknown count is a gap. So is a time when nothing was observed: the
    line ends at its start, and goes on at its end with what was seen then.
    """
    counts = [(at, count_of(what, *counted)) for at, *counted in history]
    points: list[tuple[datetime, int, str]] = []
    first = max(counts[0][0], now - BACK) if counts else until
    for start, end in _observed(first, until, unobserved) if counts else ():
        held = [count for at, count in counts if at <= start]
        inside = [(at, count) for at, count in counts if start < at <= end]
        seen = [(start, held[-1]), *inside]
        if points:
            points.append((points[-1][0], -1, ""))
        points += [(at, count, formats.things(count, what)) for at, count in [*seen, (end, seen[-1][1])]]
    return pd.DataFrame(
        {
            "minutes": [(at - now) / timedelta(minutes=1) for at, _, _ in points],
            "count": [float(count) if count >= 0 else np.nan for _, count, _ in points],
            "tip": [f"{formats.clock(at, zone)} · {words}" if words else "" for at, _, words in points],
        }
    )


def _observed(
    start: datetime, end: datetime, unobserved: Sequence[tuple[datetime, datetime]]
) -> list[tuple[datetime, datetime]]:
    """Cut the times when nothing was observed out of a stretch, which may be one moment."""
    spans = []
    for gap_start, gap_end in sorted(unobserved):
        if gap_end > start and gap_start < end:
            if gap_start >= start:
                spans.append((start, gap_start))
            start = gap_end
    return [*spans, (start, end)] if start <= end else spans


def future(frame: Frame, index: int, what: What, now: datetime, zone: tzinfo) -> pd.DataFrame:
    """Lay out the forecast from the newest counts on: median and 80 % interval at each horizon."""
    outlook = side(frame, what)
    at = [frame.at + timedelta(minutes=int(minutes)) for minutes in frame.minutes]
    near = [i for i, when in enumerate(at) if when <= now + AHEAD and outlook.median[i, index] >= 0]
    quantiles = [[int(q[i, index]) for q in (outlook.median, outlook.low, outlook.high)] for i in near]
    return pd.DataFrame(
        {
            "minutes": [(at[i] - now) / timedelta(minutes=1) for i in near],
            "count": [float(median) for median, _, _ in quantiles],
            "low": [float(low) for _, low, _ in quantiles],
            "high": [float(high) for _, _, high in quantiles],
            "tip": [
                f"{formats.clock(at[i], zone)} · {formats.expectation(median, low, high, what)}"
                for i, (median, low, high) in zip(near, quantiles, strict=True)
            ],
        }
    )


def ticks(now: datetime, zone: tzinfo) -> dict[float, str]:
    """Label the full hours of the chart by the city's clocks, also on days when these change.

    >>> from datetime import UTC
    >>> list(ticks(datetime(2026, 3, 2, 12, 20, tzinfo=UTC), UTC).items())[:2]
    [(-140.0, '10:00'), (-80.0, '11:00')]
    """
    quarter = timedelta(minutes=15)  # some zones are a quarter of an hour off
    first = (now - BACK).replace(minute=0, second=0, microsecond=0)
    moments = [first + step * quarter for step in range(int((BACK + AHEAD) / quarter) + 8)]
    return {
        (at - now) / timedelta(minutes=1): formats.clock(at, zone)
        for at in moments
        if now - BACK <= at <= now + AHEAD and at.astimezone(zone).minute == 0
    }


def fan(was: pd.DataFrame, will: pd.DataFrame, now: datetime, zone: tzinfo, dark: bool) -> Any:
    """Draw the last three hours as steps and the next two as a fan that opens."""
    colour = palette.STEPS[1 if dark else 0]
    named = ticks(now, zone)
    labels = "{" + ",".join(f"'{round(minutes * 60)}':'{name}'" for minutes, name in named.items()) + "}"
    x = alt.X(
        "minutes:Q",
        scale=alt.Scale(domain=[-BACK / timedelta(minutes=1), AHEAD / timedelta(minutes=1)], nice=False),
        axis=alt.Axis(
            values=list(named), labelExpr=f"{labels}[round(datum.value*60)]", title=None, grid=False
        ),
    )
    counts = [*was["count"].dropna(), *will["high"]]
    top = max([3.0, *counts]) * 1.05
    whole = alt.Axis(tickMinStep=1, tickCount=4)
    y = alt.Y("count:Q", scale=alt.Scale(domain=[0, top], nice=False), title=None, axis=whole)
    band = alt.Y("low:Q", title=None)
    tip = [alt.Tooltip("tip:N", title=shell_words.CHART_TIP())]
    before, after = alt.Chart(was), alt.Chart(will)
    layers = [
        after.mark_area(color=colour, opacity=0.22).encode(x=x, y=band, y2="high:Q", tooltip=tip),
        after.mark_line(color=colour, strokeDash=[5, 3]).encode(x=x, y=y, tooltip=tip),
        before.mark_line(color=colour, interpolate="step-after").encode(x=x, y=y, tooltip=tip),
        alt.Chart(pd.DataFrame({"minutes": [0.0]}))
        .mark_rule(color=palette.UNKNOWN, strokeDash=[2, 2])
        .encode(x=x),
    ]
    return alt.layer(*layers).properties(height=150)
