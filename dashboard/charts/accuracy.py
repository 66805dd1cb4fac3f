"""The accuracy page's charts, in Altair, with times as the city's clocks show them.

Vega writes times in the viewer's zone, or in UTC. So it gets a time as if the city's clock were UTC. Once a
year an hour occurs twice and overlaps itself.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import tzinfo
from textwrap import wrap
from typing import Any

import altair as alt
import pandas as pd

from dashboard import palette
from dashboard.charts import locale
from dashboard.state.address_bar import Measure
from dashboard.words import accuracy as accuracy_words
from dashboard.words import formats
from ingest.store import Outage
from model.records import Drift

HEIGHT = 260
SIDE_LETTERS = 34
"""Letters of a line of the title beside an axis, which is as long as the chart is high."""

TITLE_LETTERS = 40
"""Letters of a line below an axis that a phone has room for."""

LINEAR_UNTIL, HOURS_DENSER = 120, 11
"""Up to how many minutes ahead the axis of horizons shows minutes, and how much denser the rest is."""
POINT = alt.OverlayMarkDef(aria=False)
"""The table beside a chart reads its points out. While Vega draws, its marks have no name."""
SMALL_POINT = alt.OverlayMarkDef(aria=False, size=12)
EDGE_ROW = 12
"""Pixels between two names at the edge of a picture."""

_LINES_FOR = 480
"""Pixels of a screen's height for which lines are as wide as on the page itself."""

_STEPS = [
    pd.Timedelta(minutes=minutes)
    for minutes in (5, 15, 30, *(60 * hours for hours in (1, 3, 6, 12, 24, 48, 168, 336, 720, 2160)))
]


def local(at: pd.Series[Any], zone: tzinfo) -> pd.Series[Any]:
    """Write times as the city's clocks show them, without a zone."""
    clocks: pd.Series[Any] = at.dt.tz_convert(zone).dt.tz_localize(None)
    return clocks


def ticks(at: pd.Series[Any]) -> list[alt.DateTime]:
    """Give two to five round times of the clock, midnights before all others.

    Vega fills the axis with ticks and drops every second one that overlaps: the midnights too, which alone
    show the day.
    """
    first, last = at.min(), at.max()
    if pd.isna(first):
        return []
    step = next((step for step in _STEPS if (last - first) / step <= 5), _STEPS[-1])
    times = pd.date_range(first.ceil(step), last, freq=step)
    return [
        alt.DateTime(year=t.year, month=t.month, date=t.day, hours=t.hour, minutes=t.minute) for t in times
    ]


def colours(models: Sequence[str], dark: bool) -> alt.Color:
    """Give each model its own colour, whichever others are shown."""
    known = palette.MODELS[dark]
    scale = alt.Scale(domain=list(models), range=[known.get(model, palette.UNKNOWN) for model in models])
    legend = alt.Legend(title=None, orient="top", columns=3, symbolType="stroke", symbolStrokeWidth=3)
    return alt.Color("model:N", scale=scale, legend=legend)


def _width(models: Sequence[str]) -> alt.StrokeWidth:
    widths = [3 if model == "pool" else 1.5 for model in models]
    return alt.StrokeWidth("model:N", scale=alt.Scale(domain=list(models), range=widths), legend=None)


def _domain(shown: pd.DataFrame, column: str) -> tuple[float, float] | None:
    """Fit the axis to the pool and naive: one bad model would flatten all others. None without a value."""
    near = shown[shown["model"].isin(["pool", "naive"])][column].dropna()
    near = near if len(near) else shown[column].dropna()
    if near.empty:
        return None
    low, high = float(near.min()), float(near.max())
    room = 0.5 * (high - low) or 0.1 * abs(high) or 0.1
    if column == "skill":
        return min(low - room, -0.1), max(high + room, 0.1)
    return max(low - room, 0), high + room


def drawn_models(models: Sequence[str], values: pd.DataFrame) -> list[str]:
    """Give the models that have a point in a table of what is drawn: the legend has no others."""
    present = set(values["model"])
    return [model for model in models if model in present]


def _edges(outside: pd.DataFrame, column: str, low: float, dark: bool) -> list[Any]:
    """Name the models that leave the picture, at the edge where they last did, with their value there."""
    begun, ended = outside["at"].min(), outside["at"].max()
    layers: list[Any] = []
    rows = {True: 0, False: 0}
    for model, points in outside.groupby("model", sort=False):
        last = points.sort_values("at").iloc[-1]
        value, below = float(last[column]), bool(last[column] < low)
        written = formats.share(value) if column == "skill" else formats.number(value, 2)
        on_the_right = last["at"] - begun > (ended - begun) / 2
        step = EDGE_ROW * rows[below]
        rows[below] += 1
        label = alt.Chart(pd.DataFrame({"at": [last["at"]], "label": [f"{model} {written} {'↑↓'[below]}"]}))
        layers.append(
            label.mark_text(
                color=palette.MODELS[dark].get(str(model), palette.UNKNOWN),
                align="right" if on_the_right else "left",
                baseline="bottom" if below else "top",
                dy=-2 - step if below else 2 + step,
            ).encode(x="at:T", y=alt.value("height" if below else 0), text="label:N")
        )
    return layers


def over_time(
    compared: pd.DataFrame,
    column: str,
    measure: Measure,
    models: Sequence[str],
    marks: tuple[Sequence[Drift], Sequence[Outage]],
    zone: tzinfo,
    dark: bool,
) -> Any:
    """Draw `error` or `skill` over time: points with straight lines, which break where `compared` has holes.

    Drifts and outages are marked. A model that leaves the picture is named at its edge.
    """
    shown = compared.assign(at=local(compared["at"], zone))
    skill = column == "skill"
    axis = alt.Axis(format="%") if skill else alt.Axis()
    title = accuracy_words.SKILL_AXIS() if skill else accuracy_words.MEASURES[measure]
    # Midnight by its date, other times by the clock.
    written = f"hours(datum.value) || minutes(datum.value) ? '{locale.clock()}' : '{locale.day()}'"
    hours = f"timeFormat(datum.value, {written})"
    times = alt.Axis(
        labelOverlap=True, labelBound=True, grid=False, labelExpr=hours, values=ticks(shown["at"])
    )
    x = alt.X("at:T", title=None, axis=times)
    moment = locale.moment()
    tip = [
        alt.Tooltip("at:T", title=accuracy_words.AT(), format=moment),
        alt.Tooltip("model:N", title=accuracy_words.MODEL()),
        alt.Tooltip("error:Q", title=accuracy_words.MEASURES[measure], format=".3f"),
        alt.Tooltip("skill:Q", title=accuracy_words.SKILL(), format="+.1%"),
        alt.Tooltip("n:Q", title=accuracy_words.N(), format=",.0f"),
    ]
    drifts, outages = marks
    layers: list[Any] = []
    if outages:
        holes = pd.DataFrame({"from": [o.start for o in outages], "to": [o.end for o in outages]})
        holes = holes.assign(
            **{name: local(holes[name], zone) for name in ("from", "to")}, what=accuracy_words.OUTAGE()
        )
        layers.append(
            alt.Chart(holes).mark_rect(color=palette.UNKNOWN, opacity=0.3).encode(
                x="from:T", x2="to:T", tooltip=[
                    alt.Tooltip("what:N", title=accuracy_words.MARK()),
                    alt.Tooltip("from:T", title=accuracy_words.SINCE(), format=moment),
                    alt.Tooltip("to:T", title=accuracy_words.UNTIL(), format=moment),
                ],
            )
        )  # fmt: skip
    if skill:
        zero = pd.DataFrame({"skill": [0.0]})
        layers.append(alt.Chart(zero).mark_rule(opacity=0.7, strokeDash=[4, 3]).encode(y="skill:Q"))
    domain = _domain(shown, column)
    low, high = domain or (0.0, 0.0)
    inside = shown[column].between(low, high)
    models = drawn_models(models, shown[inside])
    scale = alt.Scale() if domain is None else alt.Scale(domain=list(domain))
    layers.append(
        alt.Chart(shown).mark_line(clip=True, point=SMALL_POINT).encode(
            x=x, y=alt.Y(f"{column}:Q", title=title, axis=axis, scale=scale),
            color=colours(models, dark), strokeWidth=_width(models), tooltip=tip,
        )
    )  # fmt: skip
    layers += _edges(shown[shown[column].notna() & ~inside], column, low, dark)
    if drifts:
        noticed = pd.DataFrame(
            {"at": [d.at for d in drifts], "what": [accuracy_words.drift(d) for d in drifts]}
        )
        noticed = noticed.assign(at=local(noticed["at"], zone), flag="▼")
        base = alt.Chart(noticed).encode(
            x="at:T", tooltip=[
                alt.Tooltip("at:T", title=accuracy_words.DRIFT(), format=moment),
                alt.Tooltip("what:N", title=accuracy_words.MARK()),
            ],
        )  # fmt: skip
        ink = palette.STEPS[3] if dark else palette.STEPS[4]
        layers.append(base.mark_rule(color=ink, strokeDash=[2, 3], strokeWidth=1.5))
        layers.append(
            base.mark_text(color=ink, baseline="top", size=13).encode(text="flag:N", y=alt.value(0))
        )
    return alt.layer(*layers).properties(height=HEIGHT)


def _lines(table: pd.DataFrame, x: tuple[alt.X, str], measure: str, models: Sequence[str], dark: bool) -> Any:
    """Draw a measure over an axis with its title: points, and straight lines between them, one a model."""
    axis, models = accuracy_words.MEASURES[measure], drawn_models(models, table.dropna(subset=measure))
    return (
        alt.Chart(table)
        .mark_line(point=POINT)
        .encode(
            x=x[0].title(wrap(x[1], TITLE_LETTERS)),
            y=alt.Y(f"{measure}:Q", title=wrap(axis, SIDE_LETTERS), scale=alt.Scale(zero=False)),
            color=colours(models, dark),
            strokeWidth=_width(models),
            tooltip=[
                alt.Tooltip("at:N", title=x[1]),
                alt.Tooltip("model:N", title=accuracy_words.MODEL()),
                alt.Tooltip(f"{measure}:Q", title=axis, format=".3f"),
                alt.Tooltip("n:Q", title=accuracy_words.N(), format=",.0f"),
            ],
        )
    )


def place(minutes: int) -> float:
    """Give the place of a horizon on its axis: minutes up to two hours, then hours, eleven times as dense.

    So the next 22 hours take as much room as the first two.

    >>> [place(minutes) for minutes in (5, 120, 780, 1440)]
    [5, 120, 180.0, 240.0]
    """
    return minutes if minutes <= LINEAR_UNTIL else LINEAR_UNTIL + (minutes - LINEAR_UNTIL) / HOURS_DENSER


def labelled(horizons: Sequence[int], parts: int) -> list[int]:
    """Choose horizons that are a part of the axis apart, of so many `parts`: the first, the last, and others.

    >>> labelled([5, 10, 15, 30, 45, 60, 90, 120, 180, 360, 720, 1440], 11)
    [5, 30, 60, 90, 120, 360, 720, 1440]
    """
    room = (place(horizons[-1]) - place(horizons[0])) / parts
    chosen: list[int] = []
    for minutes in horizons:
        if not chosen or place(minutes) - place(chosen[-1]) >= room:
            chosen.append(minutes)
    return chosen if chosen[-1] == horizons[-1] else [*chosen[:-1], horizons[-1]]


def _over_horizons(table: pd.DataFrame, measure: str, models: Sequence[str], dark: bool) -> list[Any]:
    """Draw a measure over the horizons, and how many forecasts of a station are judged at each."""
    horizons = sorted(table["minutes"].unique().tolist())
    table = table.assign(place=table["minutes"].map(place), at=table["minutes"].map(formats.minutes))
    chosen, counted = (labelled(horizons, parts) if horizons else [] for parts in (11, 6))
    names = {f"{place(minutes):.1f}": formats.minutes(minutes) for minutes in chosen}
    axis = alt.Axis(
        values=[place(minutes) for minutes in chosen],
        grid=False,
        labelExpr=f"({json.dumps(names)})[format(datum.value, '.1f')]",
    )
    x = alt.X("place:Q", axis=axis, scale=alt.Scale(nice=False, zero=False))
    counts = table[table["minutes"].isin(counted)].groupby("place", as_index=False)["n"].max()
    counts = counts.assign(n=[formats.number(n) for n in counts["n"]])
    above = alt.Chart(counts).mark_text(baseline="bottom", dy=-3, color=palette.UNKNOWN, aria=False)
    return [
        _lines(table, (x, accuracy_words.HOW_FAR()), measure, models, dark),
        above.encode(x=x, y=alt.value(0), text="n:N"),
    ]


def by_horizon(table: pd.DataFrame, measure: str, models: Sequence[str], dark: bool) -> Any:
    """Draw a measure by how far ahead, a line a model, with the counts that are the same for all of them."""
    return alt.layer(*_over_horizons(table, measure, models, dark)).properties(height=HEIGHT)


def by_hour(table: pd.DataFrame, title: str, measure: str, models: Sequence[str], dark: bool) -> Any:
    """Draw a measure over the hours of the day, a line a model, which breaks where an hour has no score."""
    shown = sorted(table["model"].unique())
    every = pd.MultiIndex.from_product([range(24), shown], names=["hour", "model"])
    whole = table.set_index(["hour", "model"]).reindex(every).reset_index()
    axis = alt.Axis(values=list(range(0, 24, 3)), grid=False)
    x = alt.X("hour:Q", scale=alt.Scale(nice=False), axis=axis)
    return _lines(whole.assign(at=whole["hour"]), (x, title), measure, models, dark).properties(height=HEIGHT)


def coverage(table: pd.DataFrame, models: Sequence[str], dark: bool) -> Any:
    """Draw how often the truth lay within the 80 % interval, by minutes ahead, with 78 to 82 % shaded."""
    band = alt.Chart(pd.DataFrame({"low": [0.78], "high": [0.82]}))
    lines, *more = _over_horizons(table, "cover80", models, dark)
    line = lines.encode(
        y=alt.Y("cover80:Q", axis=alt.Axis(format="%")).title(
            wrap(accuracy_words.MEASURES["cover80"], SIDE_LETTERS)
        )
    )
    wanted = band.mark_rect(color=palette.UNKNOWN, opacity=0.3).encode(y="low:Q", y2="high:Q")
    return alt.layer(wanted, line, *more).properties(height=HEIGHT)


def reliable(table: pd.DataFrame, models: Sequence[str], dark: bool) -> Any:
    """Draw the stated chance against the share that came true. On the diagonal both are equal."""
    diagonal = alt.Chart(pd.DataFrame({"stated": [0.0, 1.0], "came": [0.0, 1.0]}))
    odds = alt.Axis(format="%")
    unit, models = alt.Scale(domain=[0, 1]), drawn_models(models, table)
    points = (
        alt.Chart(table)
        .mark_line(point=POINT)
        .encode(
            x=alt.X("stated:Q", title=accuracy_words.STATED(), axis=odds, scale=unit),
            y=alt.Y("came:Q", title=accuracy_words.CAME(), axis=odds, scale=unit),
            color=colours(models, dark),
            tooltip=[
                alt.Tooltip("model:N", title=accuracy_words.MODEL()),
                alt.Tooltip("stated:Q", title=accuracy_words.STATED(), format=".1%"),
                alt.Tooltip("came:Q", title=accuracy_words.CAME(), format=".1%"),
                alt.Tooltip("n:Q", title=accuracy_words.N(), format=",.0f"),
            ],
        )
    )
    line = diagonal.mark_line(strokeDash=[4, 3], opacity=0.6, color=palette.UNKNOWN).encode(
        x="stated:Q", y="came:Q"
    )
    return alt.layer(line, points).properties(height=HEIGHT)


def transform(table: pd.DataFrame, dark: bool) -> Any:
    """Draw the histogram of the probability integral transform; level where the spread is right."""
    tenths = [formats.tenth(int(tenth)) for tenth in table["tenth"]]
    share = table.assign(share=table["came"], tenth=tenths)
    bars = (
        alt.Chart(share)
        .mark_bar(color=palette.MODELS[dark]["pool"])
        .encode(
            x=alt.X("tenth:N", title=accuracy_words.TENTHS(), sort=None, axis=alt.Axis(labelAngle=-45)),
            y=alt.Y("share:Q", title=accuracy_words.SHARE_OF(), axis=alt.Axis(format="%")),
            tooltip=[alt.Tooltip("tenth:N", title=accuracy_words.TENTHS()),
                     alt.Tooltip("share:Q", title=accuracy_words.SHARE_OF(), format=".1%")],
        )
    )  # fmt: skip
    level = alt.Chart(pd.DataFrame({"share": [0.1]})).mark_rule(strokeDash=[4, 3]).encode(y="share:Q")
    return alt.layer(bars, level).properties(height=HEIGHT)


def enlarged(chart: Any, height: int) -> Any:
    """Draw a chart of curves for a screen of so many pixels' height, where two of them fill most of it."""
    letters = round(height / 40)
    for layer in chart.layer:
        if layer.mark.type == "text" and layer.mark.dy is not alt.Undefined:
            layer.mark.dy *= letters / EDGE_ROW
        width = layer["encoding"]["strokeWidth"]
        if width is not alt.Undefined:
            width["scale"]["range"] = [pixels * height / _LINES_FOR for pixels in width["scale"]["range"]]
    return (
        chart.properties(height=round(0.32 * height))
        .configure_axis(labelFontSize=letters, titleFontSize=letters, labelLimit=0)
        .configure_legend(labelFontSize=letters, symbolSize=10 * letters)
        .configure_text(fontSize=letters)
    )
