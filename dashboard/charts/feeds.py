"""The feeds page's chart, in Altair: the polls of a feed's day."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import altair as alt
import pandas as pd

from dashboard import palette
from dashboard.charts import locale
from dashboard.words import feeds as feeds_words
from dashboard.words import shell as shell_words

_OUTCOMES = {
    False: {"news": palette.STEPS[0], "still": "#98a0aa", "failed": palette.STEPS[4]},
    True: {"news": palette.STEPS[1], "still": "#667085", "failed": palette.STEPS[3]},
}
"""The colour of each outcome, by whether the page is dark."""


def outcome_colours(dark: bool) -> dict[str, str]:
    """Give the colour of each outcome of polls, by its name on the page."""
    return {feeds_words.OUTCOMES[head]: colour for head, colour in _OUTCOMES[dark].items()}


def polls(day: pd.DataFrame, whole: tuple[datetime, datetime], dark: bool) -> Any:
    """Stack a feed's polls by quarter-hour: `begin` to `end` by the city's clocks, `low` to `high` polls.

    The axis shows the whole day `whole`, also hours without polls.
    """
    hours = alt.Axis(format=locale.clock(), tickCount=6, grid=False)
    scale = alt.Scale(domain=[at.isoformat() for at in whole], nice=False)
    named = outcome_colours(dark)
    colours = alt.Scale(domain=list(named), range=list(named.values()))
    return (
        alt.Chart(day)
        .mark_rect(stroke=palette.GROUND[dark], strokeWidth=0.5)
        .encode(
            x=alt.X("begin:T", title=None, axis=hours, scale=scale),
            x2="end:T",
            y=alt.Y("low:Q", title=None, axis=alt.Axis(tickMinStep=1, tickCount=3)),
            y2="high:Q",
            color=alt.Color("outcome:N", scale=colours, legend=None),
            tooltip=[alt.Tooltip("tip:N", title=shell_words.CHART_TIP())],
        )
        .properties(height=150)
    )
