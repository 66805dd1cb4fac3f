"""The model page's charts, in Altair: a station's rates by kind of day, and the experts' weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from dashboard import palette
from dashboard.words import model as model_words
from dashboard.words import shell as shell_words

_RIDERS = {
    False: {"arrivals": palette.STEPS[0], "departures": palette.STEPS[4]},
    True: {"arrivals": palette.STEPS[1], "departures": palette.STEPS[3]},
}


def _legend() -> alt.Legend:
    return alt.Legend(title=None, orient="top", labelLimit=400)


def model_colours(models: Sequence[str], dark: bool) -> dict[str, str]:
    """Give the colour of each model, by its name."""
    return {model: palette.MODELS[dark].get(model, palette.UNKNOWN) for model in models}


def _scale(names: Mapping[str, str], colours: dict[str, str]) -> alt.Scale:
    return alt.Scale(domain=list(names.values()), range=[colours[name] for name in names])


def rates(day: pd.DataFrame, top: float, dark: bool) -> Any:
    """Draw riders an hour through one kind of day: `hour` of the day, `side`, `rate`; departures are dashed.

    `top` is the same for all kinds of day, so that they compare.
    """
    clock = "datum.value + ':00'"
    x = alt.X(
        "hour:Q",
        title=None,
        scale=alt.Scale(domain=[0, 24], nice=False),
        axis=alt.Axis(values=[0, 6, 12, 18, 24], labelExpr=clock, grid=False),
    )
    names = list(model_words.RIDERS_SIDE.values())
    return (
        alt.Chart(day)
        .mark_line(interpolate="step-after")
        .encode(
            x=x,
            y=alt.Y(
                "rate:Q", title=None, scale=alt.Scale(domain=[0, top], nice=False), axis=alt.Axis(tickCount=4)
            ),
            color=alt.Color("side:N", scale=_scale(model_words.RIDERS_SIDE, _RIDERS[dark]), legend=_legend()),
            strokeDash=alt.StrokeDash(
                "side:N", scale=alt.Scale(domain=names, range=[[1, 0], [5, 3]]), legend=_legend()
            ),
            tooltip=[alt.Tooltip("tip:N", title=shell_words.CHART_TIP())],
        )
        .properties(height=190)
    )


def weights(table: pd.DataFrame, models: Sequence[str], dark: bool) -> Any:
    """Stack the pool's weights: `ahead` in words, `expert` in `order`, `weight` from 0 to 1.

    `models` are the experts to colour by, in the order of the stack.
    """
    named = model_colours(models, dark)
    names, colours = list(named), list(named.values())
    ahead = list(dict.fromkeys(table["ahead"]))
    return (
        alt.Chart(table)
        .mark_bar(stroke=palette.GROUND[dark], strokeWidth=1)
        .encode(
            y=alt.Y("ahead:N", title=None, sort=ahead, axis=alt.Axis(labelOverlap=False)),
            x=alt.X(
                "weight:Q", title=None, axis=alt.Axis(format="%", tickCount=5), scale=alt.Scale(domain=[0, 1])
            ),
            color=alt.Color("expert:N", scale=alt.Scale(domain=names, range=colours), legend=None),
            order=alt.Order("order:Q"),
            tooltip=[alt.Tooltip("tip:N", title=shell_words.CHART_TIP())],
        )
        .properties(height=alt.Step(22))
    )
