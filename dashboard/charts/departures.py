"""The chart of departures, in Altair: the chance of a trip by the time of leaving. It holds only numbers."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from typing import Any

import altair as alt
import pandas as pd

from dashboard import palette
from dashboard.itinerary import per_cent
from dashboard.words import formats, rules
from dashboard.words import shell as shell_words
from dashboard.words import trip as trip_words
from model.departures import PROMISE, STEP_MINUTES, Departures

_TICK = timedelta(minutes=30)


def rows(found: Departures, at: datetime, zone: tzinfo) -> pd.DataFrame:
    """Lay out the departures: minutes from `at`, chance in per cent, its step, and a tip."""
    chances = [per_cent(plan.chance) for plan in found.plans]
    return pd.DataFrame(
        {
            "minutes": [plan.leaving for plan in found.plans],
            "ends": [plan.leaving + STEP_MINUTES for plan in found.plans],
            "chance": chances,
            "step": [rules.step(chance) for chance in chances],
            "tip": [
                f"{formats.clock(at + timedelta(minutes=plan.leaving), zone)} · {shell_words.chance(chance)}"
                for plan, chance in zip(found.plans, chances, strict=True)
            ],
        }
    )


def chart(bars: pd.DataFrame, at: datetime, zone: tzinfo, dark: bool) -> Any:
    """Draw a bar a departure, and a line at the chance that makes a good one."""
    first, last = float(bars["minutes"].min()), float(bars["ends"].max())
    named = {}
    moment = at + timedelta(minutes=first)
    moment += -timedelta(minutes=moment.minute % 30, seconds=moment.second, microseconds=moment.microsecond)
    while (minutes := (moment - at) / timedelta(minutes=1)) <= last:
        if minutes >= first:
            named[minutes] = formats.clock(moment, zone)
        moment += _TICK
    labels = "{" + ",".join(f"'{round(minutes * 60)}':'{name}'" for minutes, name in named.items()) + "}"
    x = alt.X(
        "minutes:Q",
        scale=alt.Scale(domain=[first, last], nice=False),
        axis=alt.Axis(
            values=list(named), labelExpr=f"{labels}[round(datum.value*60)]", title=None, grid=False
        ),
    )
    y = alt.Y(
        "chance:Q", scale=alt.Scale(domain=[0, 100], nice=False), title=None, axis=alt.Axis(tickCount=5)
    )
    colour = alt.Color(
        "step:O", scale=alt.Scale(domain=[*range(len(palette.STEPS))], range=[*palette.STEPS]), legend=None
    )
    tip = [alt.Tooltip("tip:N", title=trip_words.LEAVING())]
    good = alt.Chart(pd.DataFrame({"chance": [100 * PROMISE]}))
    return alt.layer(
        alt.Chart(bars)
        .mark_bar(stroke=palette.EDGE[dark], strokeWidth=0.3)
        .encode(x=x, x2="ends:Q", y=y, color=colour, tooltip=tip),
        good.mark_rule(color=palette.RING[dark], strokeDash=[4, 3]).encode(y="chance:Q"),
    ).properties(height=140)
