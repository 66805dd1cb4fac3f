"""The part of the accuracy screen that moves by itself: verdict, curves, table of all models."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, tzinfo

import numpy as np
import pandas as pd
import streamlit as st
from markupsafe import Markup

from dashboard.charts import accuracy as charts
from dashboard.components import charting, kiosk, page_shell
from dashboard.components.html import show, tag
from dashboard.screens.accuracy import curves, tables, verdicts
from dashboard.screens.accuracy.read import Stretch, offer, shown_models, station_errors, stretch, suffix
from dashboard.state import address_bar
from dashboard.store_reader import reader
from dashboard.words import accuracy as accuracy_words
from dashboard.words import formats
from dashboard.words import shell as shell_words
from dashboard.words.feed_errors import feed_error
from ingest.store import DAY, HOUR, span_start
from ingest.system import System
from model.records import ANY

NAMED = 3
"""Stations that the verdict names."""


def draw(system: System) -> None:
    """Draw the verdict, the curves and the table of all models. Runs again by itself."""
    source, screen = reader(), address_bar.screen()
    found = stretch(system)
    if not screen.everywhere:
        warn(system)
    if found is None:
        return
    chosen, since, newest, zone, name = found.chosen, found.since, found.newest, found.zone, found.name
    where, last = found.where, suffix(system)
    every = found.sums(screen.horizon)
    sums = every[(every["at"] >= since) & (every["n"] > 0)]
    answered = answers(system, found)
    show(verdict(answered))
    if answered and found.part:
        show(tag("p", part(found), cls="small"))
    if sums.empty:
        nothing(found)
        return
    judged = tables.best_known_first(curves.on_the_same(curves.totals(sums, "model")))
    points = curves.at_the_end(curves.curve(every, chosen.window), since, newest, chosen.span)
    lines = curves.compare(points, screen.measure)
    scores = source.store.scores
    outages = [] if where is None else scores.outages(where, since)
    drifts = [] if where is None or found.kind != ANY else scores.drifts(where, since)
    drifts = [each for each in drifts if each.minutes == screen.horizon]
    shown = curves.broken(lines[lines["model"].isin(shown_models())], outages, found.step)
    dark = st.context.theme.type == "dark"
    with st.container(key=f"curves{last}"):
        for column, title in (
            ("error", accuracy_words.CURVES["error"]),
            ("skill", accuracy_words.CURVES["skill"]),
        ):
            drawn = shown if column == "error" else shown[shown["model"] != "naive"]
            models = [model for model in shown_models() if column == "error" or model != "naive"]
            with st.container():
                show(tag("h2", title, cls="chart"))
                chart = charts.over_time(drawn, column, screen.measure, models, (drifts, outages), zone, dark)
                charting.draw(
                    charts.enlarged(chart, kiosk.size()[1]) if screen.kiosk else chart,
                    key=f"curve-{column}{last}", times=True,
                    alt=f"{title}. {accuracy_words.stretch(chosen.window, name)}",
                )  # fmt: skip
    if screen.kiosk:
        return
    show(tag("p", f"{accuracy_words.stretch(chosen.window, name)} {accuracy_words.CURVE_KEY()}", cls="small"))
    if accuracy_words.ELDER in set(shown["model"]):
        show(tag("p", accuracy_words.LEARNT_KEY(), cls="small"))
    offer(shown, "curves", accuracy_words.CURVES["error"], found)
    begun = sums["at"].min().to_pydatetime() if found.part else since
    all_models(judged, max(begun, since, found.started), newest, zone)
    offer(judged, "models", accuracy_words.TABLE_TITLE(), found)
    for later in curves.judged_later(sums, screen.measure):
        at = "" if later.since is None else formats.moment(later.since, newest, zone)
        show(tag("p", accuracy_words.judged_later(later.model, at, later.n, later.error, later.pool,
                                                  screen.measure), cls="small"))  # fmt: skip


def part(found: Stretch) -> str:
    """Say what the answers of a part of the forecasts rest on."""
    if found.third != "all":
        return accuracy_words.THIRD_KEY()
    return accuracy_words.answers_for(found.part, found.where is None)


def nothing(found: Stretch) -> None:
    """Say that nothing on screen was scored, and where there is something."""
    horizon = address_bar.screen().horizon
    begin, of = span_start(found.started, DAY), (found.hours, found.kind)
    days = reader().scores.over_time(found.where, DAY, horizon, begin, *of)
    days = days[days["n"] > 0]
    if days.empty:
        page_shell.notice(accuracy_words.not_scored(horizon))
        return
    day = days["at"].max().to_pydatetime()
    fine = reader().scores.over_time(found.where, HOUR, horizon, day, *of)
    newest = fine.loc[fine["n"] > 0, "at"].max()
    at = day if pd.isna(newest) else newest.to_pydatetime()
    page_shell.notice(accuracy_words.none_lately(formats.moment(at, found.newest, found.zone)))


def warn(system: System) -> None:
    """Show a notice where there are no scores, or no new ones."""
    source = reader()
    view = source.view(system)
    if view.frame is None:
        page_shell.warn(source, view, spaces=False)
        return
    feed = view.state
    wrong = shell_words.trouble(page_shell.label(system), feed.state, feed_error(feed.reason), view.next_in)
    if wrong or view.stale:
        page_shell.notice(accuracy_words.only_scored_until(view.age), wrong or "")


def answers(system: System, found: Stretch) -> list[str]:
    """Answer the three questions of the verdict; the third only for one city."""
    screen, newest, zone = address_bar.screen(), found.newest, found.zone
    known = verdicts.answers(screen.horizon, screen.measure, found)
    if known is None:
        return []
    pool, naive = (known.errors.get(model, np.nan) for model in ("pool", "naive"))
    since = "" if known.since is None else formats.moment(known.since, newest, zone)
    words = [
        accuracy_words.best_model(
            known.best, known.alike, since, known.errors.get(known.best, np.nan), pool, naive, screen.measure
        ),
        accuracy_words.worse_when(
            known.sign, formats.moment(known.sign_since, newest, zone), known.worse_days, known.days,
            "" if known.worse_last is None else formats.day(known.worse_last),
        ),
    ]  # fmt: skip
    if not screen.everywhere:
        stations = station_errors(system)
        bad = stations[stations["worse"].astype(bool)].sort_values("skill")
        words.append(accuracy_words.worse_where(len(bad), len(stations), bad["name"].head(NAMED).tolist()))
    return words


def verdict(answers: Iterable[str]) -> Markup:
    """Write the answers, each below its question."""
    pairs = zip(accuracy_words.questions(address_bar.screen().horizon), answers, strict=False)
    return tag("dl", *(tag("div", tag("dt", q), tag("dd", a)) for q, a in pairs), cls="verdict")


def all_models(judged: pd.DataFrame, since: datetime, newest: datetime, zone: tzinfo) -> None:
    """List every model on the same forecasts, best first."""
    shown = tables.all_models(judged, address_bar.screen().measure)
    show(tag("h2", accuracy_words.TABLE_TITLE(), cls="chart"))
    titles = accuracy_words.SCORE_COLUMNS
    written = tables.written(
        shown,
        {titles[key]: 3 for key in ("mae", "rmse", "crps", "brier_bike", "brier_dock")} | {titles["n"]: 0},
        titles["cover80"],
    )
    st.dataframe(written, hide_index=True, alt=accuracy_words.TABLE_TITLE())
    words = accuracy_words.since_when(formats.moment(since, newest, zone), float(judged["n"].max()))
    show(tag("p", words, cls="small"))
