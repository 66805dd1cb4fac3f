"""Draws the details below the curves: errors by horizon and hour, calibration, and skill by station."""

from __future__ import annotations

from datetime import timedelta

import streamlit as st

from dashboard.charts import accuracy as charts
from dashboard.components import charting, legend
from dashboard.components.html import show, tag
from dashboard.maps import skill_map
from dashboard.screens.accuracy import curves, tables
from dashboard.screens.accuracy.read import Stretch, offer, shown_models, station_errors, stretch, suffix
from dashboard.state import address_bar
from dashboard.store_reader import View, reader
from dashboard.words import accuracy as accuracy_words
from dashboard.words import formats
from ingest.store import HOUR
from ingest.system import System

HOURS_OF_DAY = timedelta(days=28)
"""How far back the errors by hour of the day look, for one city."""

DAYS_OF_ISSUES, DAY_OF_ISSUES = timedelta(days=7), timedelta(days=1)
"""The issue times by which horizons are compared, at most: of one city, and of all cities together."""


def draw(system: System) -> None:
    """Draw what is behind the curves: horizons, hours, calibration, stations."""
    source, screen = reader(), address_bar.screen()
    found = stretch(system)
    if found is None:
        return
    since, newest, zone, name = found.since, found.newest, found.zone, found.name
    where, last = found.where, suffix(system)
    dark, models = st.context.theme.type == "dark", shown_models()
    longest = DAY_OF_ISSUES if where is None else DAYS_OF_ISSUES
    if found.third != "all":
        stations(system, source.view(system), dark, found)
        return
    length = min(found.chosen.length or longest, longest)
    same = source.scores.same_issues(where, newest, length, found.hours, found.kind)
    if same.sums.empty:
        return
    every = same.sums[(same.sums["n"] > 0) & same.sums["model"].isin(models)]
    horizons = curves.on_the_same(curves.totals(every, ["minutes", "model"]), "minutes")
    # Hours of all cities together are many rows: a week of them is enough.
    back = timedelta(days=7) if where is None else HOURS_OF_DAY
    hourly = source.store.scores.over_time(
        where, HOUR, minutes=[screen.horizon], models=models, since=max(since, newest - back),
        chosen=found.hours, kind=found.kind,
    )  # fmt: skip
    hours = curves.by_hour(hourly[hourly["n"] > 0], zone)
    with st.container(key=f"behind{last}"):
        with box(accuracy_words.BY_HORIZON()):
            chart = charts.by_horizon(horizons, screen.measure, models, dark)
            charting.draw(chart, key=f"by-horizon{last}", alt=accuracy_words.BY_HORIZON())
            ends = [formats.moment(at, newest, zone) for at in (same.issued[0], same.issued[-1])]
            issues = accuracy_words.same_issues(len(same.issued), ends[0], ends[1], found.part)
            show(tag("p", issues, cls="small"))
            offer(horizons, "by-horizon", accuracy_words.BY_HORIZON(), found)
        with box(accuracy_words.BY_HOUR()):
            label = accuracy_words.hour_of_day(name)
            chart = charts.by_hour(hours, label, screen.measure, models, dark)
            charting.draw(chart, key=f"by-hour{last}", alt=accuracy_words.BY_HOUR())
            offer(hours, "by-hour", accuracy_words.BY_HOUR(), found)
        with box(accuracy_words.COVER_TITLE()):
            charting.draw(
                charts.coverage(horizons, models, dark), key=f"coverage{last}",
                alt=accuracy_words.COVER_TITLE(),
            )  # fmt: skip
            covered = horizons[["minutes", "model", "n", "cover80"]]
            offer(covered, "coverage", accuracy_words.COVER_TITLE(), found)
        if where is None:
            show(tag("p", accuracy_words.CITY_ONLY(), cls="note"))
        else:
            calibration(system, models, dark, found)
            stations(system, source.view(system), dark, found)


def box(title: str) -> st.delta_generator.DeltaGenerator:
    """Make a box with a heading for one chart."""
    made = st.container()
    with made:
        show(tag("h2", title, cls="chart"))
    return made


def of_all_hours(words: str, found: Stretch) -> str:
    """Add to words that all hours count, where a part of them is chosen elsewhere on the page."""
    return words if found.hours.is_all else f"{words} {accuracy_words.OF_ALL_HOURS()}"


def calibration(system: System, models: list[str], dark: bool, found: Stretch) -> None:
    """Show whether chances and intervals hold what they promise."""
    last, minutes = suffix(system), address_bar.screen().horizon
    counts = reader().store.daily_scores.calibration(system.system_id, minutes=minutes, kind=found.kind)
    right = curves.reliability(counts, minutes, models)
    for of in ("bike", "dock"):
        table = right[right["of"] == of]
        if table.empty:
            continue
        with box(accuracy_words.RELIABLE[of]):
            charting.draw(
                charts.reliable(table, models, dark), key=f"reliable-{of}{last}",
                alt=accuracy_words.RELIABLE[of],
            )  # fmt: skip
            show(tag("p", of_all_hours(accuracy_words.RELIABLE_KEY(), found), cls="small"))
            offer(table, f"reliability-{of}", accuracy_words.RELIABLE[of], found)
    pit = right[(right["of"] == "pit") & (right["model"] == "pool")]
    if not pit.empty:
        with box(accuracy_words.PIT_TITLE()):
            charting.draw(charts.transform(pit, dark), key=f"pit{last}", alt=accuracy_words.PIT_TITLE())
            show(tag("p", of_all_hours(accuracy_words.PIT_KEY(), found), cls="small"))
            offer(pit, "pit", accuracy_words.PIT_TITLE(), found)


def stations(system: System, view: View, dark: bool, found: Stretch) -> None:
    """Show where the pool is better than naive and where it is not, and busy stations beside quiet ones."""
    table = station_errors(system)
    if table.empty:
        return
    with box(accuracy_words.STATION_MAP()):
        chart = skill_map.deck(table, dark, view.system.label, system.system_id)
        st.pydeck_chart(
            chart, key=f"skill-{system.system_id}", height=320, alt=accuracy_words.STATION_MAP_ALT()
        )
        show(legend.skill())
    with box(accuracy_words.WORST()):
        titles = accuracy_words.STATION_COLUMNS
        decimals = {titles["pool"]: 2, titles["naive"]: 2, titles["skill"]: 1}
        worst = tables.written(tables.worst_stations(table), decimals)
        st.dataframe(worst, hide_index=True, alt=accuracy_words.WORST())
        days = accuracy_words.days_kept(address_bar.screen().horizon)
        show(tag("p", of_all_hours(days, found), cls="small"))
        offer(table.drop(columns=["busy"]), "stations", accuracy_words.STATION_MAP(), found)
    if found.third != "all":
        return
    with box(accuracy_words.BUSY_TITLE()):
        titles = accuracy_words.BUSY_COLUMNS
        decimals = {titles["naive"]: 2, titles["pool"]: 2, titles["worse"]: 1}
        st.dataframe(
            tables.written(tables.busy_and_quiet(table), decimals),
            hide_index=True, alt=accuracy_words.BUSY_TITLE(),
            column_config={titles["skill"]: st.column_config.TextColumn(alignment="right")},
        )  # fmt: skip
