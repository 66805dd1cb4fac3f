"""The tables of the accuracy screen, as frames of numbers and words without a screen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import tzinfo
from functools import partial

import numpy as np
import pandas as pd
from pandas.io.formats.style import Styler

from dashboard.charts.accuracy import local
from dashboard.components.station_list import search
from dashboard.screens.accuracy import curves
from dashboard.state.address_bar import Measure
from dashboard.words import accuracy as accuracy_words
from dashboard.words import formats
from model.records import Stations

WORST = 10
"""Stations in the list of the worst."""

MOST_ROWS = 2000
"""Issued forecasts that the page lists; a download has all."""

OFF = 3
"""Bikes by which a forecast counts as missed."""


def best_known_first(judged: pd.DataFrame) -> pd.DataFrame:
    """Sort models so that of two that are equally right the better known comes first."""
    known = [*accuracy_words.MODELS]
    return judged.sort_values(
        "model", key=lambda names: names.map(lambda name: known.index(name) if name in known else len(known))
    )


def all_models(judged: pd.DataFrame, measure: Measure) -> pd.DataFrame:
    """List every model with its measures on the same forecasts, best first."""
    ordered = judged.sort_values(measure, kind="stable")
    naive = ordered.set_index("model")["mae"].get("naive", np.nan)
    shown = ordered.assign(
        better=[accuracy_words.better(1 - mae / naive) if naive else "" for mae in ordered["mae"]],
        what=[accuracy_words.MODELS.get(model, "") for model in ordered["model"]],
    )
    return titled(shown, accuracy_words.SCORE_COLUMNS)


def titled(table: pd.DataFrame, titles: Mapping[str, str]) -> pd.DataFrame:
    """Choose the columns that have a title, in the order of the titles, and name them so."""
    return table[list(titles)].rename(columns=dict(titles))


def written(table: pd.DataFrame, decimals: Mapping[str, int], share: str = "") -> Styler:
    """Have the browser show numbers as the viewer's language writes them, and sort by their values.

    `decimals` are those of each column; the column `share` is one of shares, shown in per cent. Streamlit's
    own formats have a point in every language, or go by the browser's language.
    """
    written: dict[str, Callable[[float], str]] = {
        name: partial(formats.number, decimals=most) for name, most in decimals.items()
    }
    if share:
        written[share] = partial(formats.share, decimals=1)
    return table.style.format(written, na_rep="")  # type: ignore[arg-type]


def worst_stations(stations: pd.DataFrame) -> pd.DataFrame:
    """List the stations where the pool does worst against naive."""
    worst = stations.sort_values("skill").head(WORST)
    return titled(worst.assign(skill=100 * worst["skill"]), accuracy_words.STATION_COLUMNS)


def busy_and_quiet(stations: pd.DataFrame) -> pd.DataFrame:
    """Compare the third of the stations that move least with the others, in words and numbers."""
    thirds = curves.busy_and_quiet(stations)
    shown = thirds.assign(
        busy=[accuracy_words.THIRDS[accuracy_words.BUSY[int(third)]] for third in thirds["busy"]],
        skill=[
            formats.UNKNOWN if np.isnan(skill) else formats.per_cent(skill, 1) for skill in thirds["skill"]
        ],
        worse=100 * thirds["worse"],
    )
    return titled(shown, accuracy_words.BUSY_COLUMNS)


def named(issued: pd.DataFrame, stations: Stations) -> pd.DataFrame:
    """Add the `name` of each station; its id where it has none any more."""
    names = dict(zip(stations.station_id.tolist(), stations.name.tolist(), strict=True))
    return issued.assign(name=[names.get(station, station) for station in issued["station_id"]])


def chosen(issued: pd.DataFrame, stations: Stations, name: str, only: str) -> pd.DataFrame:
    """Filter issued forecasts by a name with typos forgiven, and to those that were `outside` or `missed`.

    `outside` are truths beyond the 80 % interval, `missed` are medians off by `OFF` bikes or more.
    """
    if name:
        hits = search(stations.name.tolist(), name)
        issued = issued[issued["station_id"].isin(stations.station_id[hits].tolist())]
    if only == "outside":
        issued = issued[(issued["was"] < issued["low"]) | (issued["was"] > issued["high"])]
    elif only == "missed":
        issued = issued[issued["off"].abs() >= OFF]
    return issued


def issued_and_true(issued: pd.DataFrame, zone: tzinfo) -> pd.DataFrame:
    """List issued forecasts beside their truths, at the city's clock times."""
    shown = issued.head(MOST_ROWS)
    clocks = {at: local(shown[at], zone).dt.strftime("%H:%M") for at in ("said_at", "target_at")}
    intervals = [formats.span(low, high) for low, high in zip(shown["low"], shown["high"], strict=True)]
    return titled(shown.assign(**clocks, interval=intervals), accuracy_words.ISSUED_COLUMNS)
