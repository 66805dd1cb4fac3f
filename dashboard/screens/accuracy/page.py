"""Accuracy: how right every model has been, live, on the very forecasts that were shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from html import escape
from typing import Any, get_args

import numpy as np
import pandas as pd
import streamlit as st

from dashboard.charts import accuracy_charts
from dashboard.components import downloads, kiosk, page_shell
from dashboard.components.station_list import search
from dashboard.maps import skill_map
from dashboard.screens.accuracy import curves
from dashboard.screens.accuracy.curves import Range
from dashboard.state import address_bar
from dashboard.state.address_bar import Measure, Past
from dashboard.store_reader import View, reading
from dashboard.words import text
from ingest.store import HOUR
from ingest.system import System
from model.scoring.issue import SCORED_MINUTES

NAMED = 3
WORST = 10
MOST_ROWS = 2000
OFF = 3
HOURS_OF_DAY = timedelta(days=28)


def page() -> None:
    system = page_shell.enter("accuracy")
    if system is None:
        return
    controls()
    st.fragment(over_time, run_every=page_shell.often(system, 5, 60))(system)
    st.fragment(behind, run_every=60)(system)
    if not address_bar.screen().everywhere:
        st.fragment(row_by_row, run_every=60)(system)


def controls() -> None:
    """Ask how far ahead, by which measure, over which stretch, and which models."""
    with st.container(horizontal=True, key="questions"):
        st.selectbox(
            text.HORIZON, SCORED_MINUTES, format_func=lambda minutes: text.minutes(minutes),
            key=address_bar.key("horizon"), on_change=address_bar.take, args=("horizon",),
        )  # fmt: skip
        st.selectbox(
            text.MEASURE, get_args(Measure), format_func=text.MEASURES.__getitem__,
            key=address_bar.key("measure"), on_change=address_bar.take, args=("measure",),
        )  # fmt: skip
        st.selectbox(
            text.PAST, get_args(Past), format_func=text.PASTS.__getitem__,
            key=address_bar.key("past"), on_change=address_bar.take, args=("past",),
        )  # fmt: skip
        st.toggle(
            text.EVERYWHERE,
            key=address_bar.key("everywhere"),
            on_change=address_bar.take,
            args=("everywhere",),
        )
        st.pills(
            text.MODELS_SHOWN, list(dict.fromkeys([*text.MODELS, *address_bar.screen().models])),
            selection_mode="multi", key=address_bar.key("models"), on_change=address_bar.take,
            args=("models",),
        )  # fmt: skip


@dataclass(frozen=True)
class Stretch:
    """What is on screen: a range of time, from when the models were started, to the newest counts."""

    chosen: Range
    started: datetime
    newest: datetime
    zone: tzinfo
    name: str

    @property
    def since(self) -> datetime:
        """When the curves begin."""
        return self.chosen.since(self.newest, self.started)

    @property
    def summed_since(self) -> datetime:
        """When what is added up begins."""
        return self.chosen.since(self.newest, self.started, self.chosen.summed)


def stretch(system: System) -> Stretch | None:
    """Find what is on screen; None before anything was learnt."""
    source, screen = reading(), address_bar.screen()
    if screen.everywhere:
        known = [pair for pair in source.glance().values() if pair[1].at and pair[1].learning_since]
        live = [pair for pair in known if not pair[0].label] or known
        if not live:
            return None
        newest = max(feed.at for _, feed in live if feed.at)
        started = min(feed.learning_since for _, feed in live if feed.learning_since)
        return Stretch(curves.spread(screen.past, newest - started), started, newest, UTC, "UTC")
    view = source.view(system)
    if view.frame is None or view.state.learning_since is None:
        return None
    chosen = curves.spread(screen.past, view.frame.at - view.state.learning_since)
    return Stretch(chosen, view.state.learning_since, view.frame.at, view.zone, view.system.city)


def over_time(system: System) -> None:
    """Show what moves by itself: the verdict, the curves and the table of all models."""
    source, screen = reading(), address_bar.screen()
    found = stretch(system)
    if not screen.everywhere:
        warn(system)
    if found is None:
        return
    chosen, since, newest, zone, name = found.chosen, found.since, found.newest, found.zone, found.name
    where = None if screen.everywhere else system.system_id
    wanted = list(dict.fromkeys([*screen.models, "naive", "pool"]))
    sums = source.scores(where, chosen.span, minutes=[screen.horizon], models=wanted, since=since)
    lines = curves.compare(curves.curve(sums, chosen.window), screen.measure)
    whole = source.score_totals(where, chosen.summed, found.summed_since)
    table = curves.totals(whole[whole["minutes"] == screen.horizon], "model")
    known = [*text.MODELS]
    judged = table[table["n"] > 0].sort_values(
        "model", key=lambda names: names.map(lambda name: known.index(name) if name in known else len(known))
    )  # of those that are equally right, the best known comes first
    if judged.empty:
        page_shell.notice(text.not_scored(screen.horizon))
        return
    st.html(verdict(system, judged, lines, newest, zone))
    outages = [] if where is None else source.outages(where, since)
    drifts = [] if where is None else [d for d in source.drifts(where, since) if d.minutes == screen.horizon]
    shown = curves.broken(lines[lines["model"].isin(screen.models)], outages)
    dark = st.context.theme.type == "dark"
    with st.container(key="curves"):
        for column, title in (("error", text.ERROR_TITLE), ("skill", text.SKILL_TITLE)):
            mine = shown if column == "error" else shown[shown["model"] != "naive"]
            models = [model for model in screen.models if column == "error" or model != "naive"]
            with st.container():
                st.html(f'<h2 class="chart">{escape(title)}</h2>')
                chart = accuracy_charts.over_time(
                    mine, column, screen.measure, models, (drifts, outages), zone, dark
                )
                st.altair_chart(
                    kiosk.enlarged(chart),
                    key=f"curve-{column}", alt=f"{title}. {text.stretch(chosen.window, name)}",
                )  # fmt: skip
    if screen.kiosk:
        return
    st.html(f'<p class="small">{escape(text.stretch(chosen.window, name))} {text.CURVE_KEY}</p>')
    downloads.offer(shown, "curves", text.ERROR_TITLE)
    all_models(judged, max(found.summed_since, found.started), newest, zone)


def warn(system: System) -> None:
    """Say why there is nothing, or nothing new, to judge."""
    source = reading()
    view = source.view(system)
    if view.frame is None:
        page_shell.warn(source, view, spaces=False)
        return
    feed = view.state
    wrong = text.trouble(page_shell.label(system), feed.state, feed.text, view.next_in)
    if wrong or view.stale:
        page_shell.notice(text.only_scored_until(view.age), wrong or "")


def verdict(system: System, judged: pd.DataFrame, lines: pd.DataFrame, newest: datetime, zone: tzinfo) -> str:
    """Answer the three questions that people come with, in words. Names of stations are escaped."""
    screen = address_bar.screen()
    errors = judged.set_index("model")[screen.measure]
    best = str(errors.idxmin())
    pool, naive = (float(errors.get(model, np.nan)) for model in ("pool", "naive"))
    answers = [text.best_model(best, float(errors[best]), pool, naive, screen.measure)]
    worse = curves.worse_than_naive(lines)
    if worse is not None:
        since, until = (
            text.moment(at, newest, zone) if at is not None else "" for at in (worse.since, worse.until)
        )
        answers.append(text.worse_when(worse.share, since, until))
    if not screen.everywhere:
        stations = by_station(system)
        bad = stations[stations["worse"].astype(bool)].sort_values("skill")
        answers.append(text.worse_where(len(bad), len(stations), bad["name"].head(NAMED).tolist()))
    pairs = zip(text.questions(screen.horizon), answers, strict=False)
    cards = "".join(f"<div><dt>{escape(q)}</dt><dd>{escape(a)}</dd></div>" for q, a in pairs)
    return f'<dl class="verdict">{cards}</dl>'


def by_station(system: System) -> pd.DataFrame:
    """Give each station's errors at the chosen horizon, with its name and place, as far as it is known."""
    source = reading()
    minutes = address_bar.screen().horizon
    table = curves.by_station(source.station_scores(system.system_id, minutes), minutes)
    frame = source.view(system).frame
    if frame is None:
        return table.assign(name=table["station_id"], lat=np.nan, lon=np.nan)
    stations = frame.stations
    known = pd.DataFrame(
        {
            "station_id": stations.station_id.astype(object),
            "name": stations.name.astype(object),
            "lat": stations.lat,
            "lon": stations.lon,
        }
    )
    return table.merge(known, on="station_id")


def all_models(judged: pd.DataFrame, since: datetime, newest: datetime, zone: tzinfo) -> None:
    """List every model on the same forecasts, best first."""
    screen = address_bar.screen()
    ordered = judged.sort_values(screen.measure, kind="stable")
    naive = ordered.set_index("model")["mae"].get("naive", np.nan)
    columns = [
        ordered["model"], ordered["mae"],
        [text.better(1 - mae / naive) if naive else "" for mae in ordered["mae"]],
        ordered["rmse"], ordered["crps"], ordered["brier_bike"], ordered["brier_dock"], ordered["cover80"],
        ordered["n"], [text.MODELS.get(model, "") for model in ordered["model"]],
    ]  # fmt: skip
    shown = pd.DataFrame(dict(zip(text.SCORE_COLUMNS, columns, strict=True)))
    st.html(f'<h2 class="chart">{text.TABLE_TITLE}</h2>')
    three = st.column_config.NumberColumn(format="%.3f")
    formats = dict.fromkeys(text.SCORE_COLUMNS[1:2] + text.SCORE_COLUMNS[3:7], three)
    st.dataframe(
        shown, hide_index=True, alt=text.TABLE_TITLE,
        column_config={
            **formats,
            text.SCORE_COLUMNS[7]: st.column_config.NumberColumn(format="percent"),
            text.SCORE_COLUMNS[8]: st.column_config.NumberColumn(format="localized"),
        },
    )  # fmt: skip
    n = float(ordered["n"].max())
    st.html(f'<p class="small">{escape(text.since_when(text.moment(since, newest, zone), n))}</p>')


def behind(system: System) -> None:
    """Show what is behind the curves: horizons, hours, calibration, stations."""
    source, screen = reading(), address_bar.screen()
    found = stretch(system)
    if found is None:
        return
    since, newest, zone, name = found.since, found.newest, found.zone, found.name
    where = None if screen.everywhere else system.system_id
    dark, models = st.context.theme.type == "dark", list(screen.models)
    totals = source.score_totals(where, found.chosen.summed, found.summed_since)
    every = totals[(totals["n"] > 0) & totals["model"].isin(models)]
    if every.empty:
        return
    horizons = curves.totals(every, ["minutes", "model"])
    # Hours of all cities together are many rows: a week of them says it as well.
    back = timedelta(days=7) if where is None else HOURS_OF_DAY
    hourly = source.scores(
        where, HOUR, minutes=[screen.horizon], models=models, since=max(since, newest - back)
    )
    hours = curves.by_hour(hourly[hourly["n"] > 0], zone)
    with st.container(key="behind"):
        with box(text.BY_HORIZON):
            chart = accuracy_charts.by(horizons, "minutes", text.MINUTES_AHEAD, screen.measure, models, dark)
            st.altair_chart(chart, key="by-horizon", alt=text.BY_HORIZON)
            downloads.offer(horizons, "by-horizon", text.BY_HORIZON)
        with box(text.BY_HOUR):
            label = f"{text.HOUR_OF_DAY}, {name}"
            chart = accuracy_charts.by(hours, "hour", label, screen.measure, models, dark)
            st.altair_chart(chart, key="by-hour", alt=text.BY_HOUR)
            downloads.offer(hours, "by-hour", text.BY_HOUR)
        with box(text.COVER_TITLE):
            st.altair_chart(
                accuracy_charts.coverage(horizons, models, dark), key="coverage", alt=text.COVER_TITLE
            )
            downloads.offer(horizons[["minutes", "model", "n", "cover80"]], "coverage", text.COVER_TITLE)
        if where is None:
            st.html(f'<p class="note">{text.CITY_ONLY}</p>')
        else:
            calibration(system, models, dark)
            stations(system, source.view(system), dark)


def box(title: str) -> st.delta_generator.DeltaGenerator:
    """Make a box with a heading for one chart."""
    made = st.container()
    made.html(f'<h2 class="chart">{escape(title)}</h2>')
    return made


def calibration(system: System, models: list[str], dark: bool) -> None:
    """Show whether odds and spread are what they say."""
    minutes = address_bar.screen().horizon
    right = curves.reliability(reading().calibration(system.system_id, minutes), minutes, models)
    for of in ("bike", "dock"):
        mine = right[right["of"] == of]
        if mine.empty:
            continue
        with box(text.RELIABLE[of]):
            st.altair_chart(
                accuracy_charts.reliable(mine, models, dark), key=f"reliable-{of}", alt=text.RELIABLE[of]
            )
            st.html(f'<p class="small">{text.RELIABLE_KEY}</p>')
            downloads.offer(mine, f"reliability-{of}", text.RELIABLE[of])
    pit = right[(right["of"] == "pit") & (right["model"] == "pool")]
    if not pit.empty:
        with box(text.PIT_TITLE):
            st.altair_chart(accuracy_charts.transform(pit, dark), key="pit", alt=text.PIT_TITLE)
            st.html(f'<p class="small">{text.PIT_KEY}</p>')
            downloads.offer(pit, "pit", text.PIT_TITLE)


def stations(system: System, view: View, dark: bool) -> None:
    """Show where the pool is better than naive and where it is not, and busy stations beside quiet ones."""
    table = by_station(system)
    if table.empty:
        return
    with box(text.STATION_MAP):
        chart = skill_map.deck(table, dark, view.system.label, system.system_id)
        st.pydeck_chart(chart, key=f"skill-{system.system_id}", height=320, alt=text.STATION_MAP_ALT)
        st.html(skill_map.legend())
    with box(text.WORST):
        worst = table.sort_values("skill").head(WORST)
        values = [worst["name"], 100 * worst["skill"], worst["pool"], worst["naive"], worst["n"]]
        shown = pd.DataFrame(dict(zip(text.STATION_COLUMNS, values, strict=True)))
        two = st.column_config.NumberColumn(format="%.2f")
        st.dataframe(
            shown, hide_index=True, alt=text.WORST,
            column_config={
                **dict.fromkeys(text.STATION_COLUMNS[2:4], two),
                text.STATION_COLUMNS[1]: st.column_config.NumberColumn(format="%.1f"),
            },
        )  # fmt: skip
        st.html(f'<p class="small">{text.minutes(address_bar.screen().horizon)} ahead, {text.DAYS_KEPT}.</p>')
        downloads.offer(table.drop(columns=["busy"]), "stations", text.STATION_MAP)
    with box(text.BUSY_TITLE):
        thirds = curves.busy_and_quiet(table)
        columns: list[Any] = [
            [text.BUSY[int(third)] for third in thirds["busy"]], thirds["stations"],
            thirds["naive"], thirds["pool"],
            [text.NONE_TO_SAY if np.isnan(skill) else f"{100 * skill:.1f}" for skill in thirds["skill"]],
            100 * thirds["worse"],
        ]  # fmt: skip
        two = st.column_config.NumberColumn(format="%.2f")
        one = st.column_config.NumberColumn(format="%.1f")
        st.dataframe(
            pd.DataFrame(dict(zip(text.BUSY_COLUMNS, columns, strict=True))),
            hide_index=True, alt=text.BUSY_TITLE,
            column_config={
                **dict.fromkeys(text.BUSY_COLUMNS[2:4], two),
                text.BUSY_COLUMNS[4]: st.column_config.TextColumn(alignment="right"),
                text.BUSY_COLUMNS[5]: one,
            },
        )  # fmt: skip


def row_by_row(system: System) -> None:
    """List what was said beside what came, with filters."""
    source, screen = reading(), address_bar.screen()
    view = source.view(system)
    if view.frame is None:
        return
    st.html(f'<h2 class="chart">{text.SAID_TITLE}</h2>')
    ahead = timedelta(minutes=screen.horizon)
    table = source.forecasts_and_truth(system.system_id, ahead)
    if table.empty:
        st.html(f'<p class="note">{text.NO_SAID}</p>')
        return
    with st.container(horizontal=True, key="said-filters"):
        name = st.text_input(text.SAID_FIND, placeholder=text.SEARCH, max_chars=80, key="said-find")
        only = st.segmented_control(
            text.SAID_SHOW, list(text.SAID_SHOWN), default="all", required=True,
            format_func=text.SAID_SHOWN.__getitem__, key="said-show",
        )  # fmt: skip
    known = view.frame.stations
    names = dict(zip(known.station_id.tolist(), known.name.tolist(), strict=True))
    table = table.assign(name=[names.get(station, station) for station in table["station_id"]])
    if name:
        hits = search(list(names.values()), name)
        ids = np.array(list(names))[hits]
        table = table[table["station_id"].isin(ids)]
    if only == "outside":
        table = table[(table["was"] < table["low"]) | (table["was"] > table["high"])]
    elif only == "missed":
        table = table[table["off"].abs() >= OFF]
    shown = table.head(MOST_ROWS)
    clocks = (accuracy_charts.local(shown[at], view.zone) for at in ("said_at", "target_at"))
    values = [
        *(clock.dt.strftime("%H:%M") for clock in clocks),
        shown["name"], shown["median"],
        [text.span(low, high) for low, high in zip(shown["low"], shown["high"], strict=True)],
        shown["chance"], shown["was"], shown["off"],
    ]  # fmt: skip
    st.dataframe(
        pd.DataFrame(dict(zip(text.SAID_COLUMNS, values, strict=True))),
        hide_index=True, height=320, alt=text.SAID_TITLE,
    )  # fmt: skip
    downloads.offer(table, "said", text.SAID_TITLE)


if __name__ == "__main__":
    page()
