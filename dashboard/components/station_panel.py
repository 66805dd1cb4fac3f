"""The panel of one station: its numbers, which follow the slider, and details that do not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import streamlit as st
from markupsafe import Markup

from dashboard import nearby
from dashboard.charts import fan_chart
from dashboard.coming_hours import stretches
from dashboard.components import browser, charting, hours_strip
from dashboard.components.html import show, tag, together
from dashboard.outlook import (
    at_horizon,
    by_hours,
    chances,
    count_of,
    is_open,
    shown_count,
    side,
    state_at,
    station_index,
)
from dashboard.state import address_bar
from dashboard.store_reader import View, reader
from dashboard.words import formats, rules
from dashboard.words import hours as hours_words
from dashboard.words import shell as shell_words
from dashboard.words import station as station_words
from dashboard.words.rules import What
from ingest.system import System
from model.frame import Frame
from model.records import CountState


def panel(frame: Frame, horizon: int | None, at: str, index: int, now: datetime) -> None:
    """Show counts now, the expected count with its interval, the chance, and other stations to go to.

    The name comes to the page as HTML, never as Markdown, where a link to an image would call a stranger's
    server. All the numbers are one element: each costs a slider move 90 bytes.
    """
    name, close = str(frame.stations.name[index]), browser.button("station", "×", name=station_words.CLOSE())
    shown = numbers(_numbers(frame, horizon, at, index, now))
    show(tag("section", tag("h2", name), close, shown, cls="station"))
    if horizon is not None:
        show(_alternatives(frame, horizon, index))


def _numbers(frame: Frame, horizon: int | None, at: str, index: int, now: datetime) -> dict[str, str]:
    screen = address_bar.screen().for_frame(frame)
    what = screen.what
    shown = _counted(frame, now, index)
    hours = state_at(frame, index, now)
    if hours is not None:
        zone = ZoneInfo(frame.stations.timezone)
        shown[hours_words.HOURS()] = hours_words.now_and_next(hours, now, zone)
    chance_of = shell_words.heading(what, screen.n)
    if horizon is None:
        return shown | {chance_of: shell_words.NO_FORECAST()}
    outlook = side(frame, what)
    median, low, high = (int(q[horizon, index]) for q in (outlook.median, outlook.low, outlook.high))
    odds = likely(frame, what, screen.n, horizon, index, now)
    return shown | {
        station_words.expected_at(at): formats.expectation(median, low, high, what),
        chance_of: odds,
    }


def likely(frame: Frame, what: What, number: int, horizon: int | None, row: int, now: datetime) -> str:
    """Write the chance at a station, or why there is none: closed, by its hours or else."""
    if by_hours(frame, horizon)[row] and horizon is not None:
        state = state_at(frame, row, at_horizon(frame, horizon, row))
        if state is not None:
            return hours_words.closed_then(state, now, ZoneInfo(frame.stations.timezone))
    if not is_open(frame, what, horizon)[row]:
        return shell_words.CLOSED[what]
    return shell_words.chance(int(chances(frame, what, number, horizon)[row]))


def _counted(frame: Frame, now: datetime, index: int) -> dict[str, str]:
    """Say what stands there, how old that is, and why where the count of now is not known."""
    count, state = shown_count(frame, index), CountState(int(frame.state[index]))
    age = None if count.at is None else now - count.at
    counted = station_words.counted(count.bikes, count.docks, age)
    shown = {station_words.NOW(): counted if age is None else tag("span", counted, cls="faded")}
    if state != CountState.KNOWN:
        shown[station_words.COUNT_STATE()] = station_words.COUNT_STATES[state]
    if frame.ebikes[index] >= 0:
        shown[station_words.EBIKES_NOW()] = formats.count(int(frame.ebikes[index]))
    if frame.cargo[index] > 0:
        shown[station_words.CARGO_NOW()] = formats.count(int(frame.cargo[index]))
    if frame.overflow[index]:
        shown[station_words.FULL_DOCKS()] = station_words.OVERFLOW()
    if frame.left_by[index] >= 0:
        left_for = now - datetime.fromtimestamp(int(frame.left_since[index]), UTC)
        shown[station_words.LAST_BIKES()] = station_words.left(int(frame.left_by[index]), left_for)
    return shown


def numbers(values: Mapping[str, str]) -> Markup:
    """List values under their names."""
    pairs = (tag("div", tag("dt", name), tag("dd", value)) for name, value in values.items())
    return tag("dl", *pairs, cls="numbers")


def _alternatives(frame: Frame, horizon: int, index: int) -> Markup:
    screen, stations = address_bar.screen().for_frame(frame), frame.stations
    chance = chances(frame, screen.what, screen.n, horizon)
    walk = nearby.walks((float(stations.lat[index]), float(stations.lon[index])), stations.lat, stations.lon)
    found = nearby.alternatives(chance, walk, without=index)
    items = [
        choice(frame, row, shell_words.STEPS[rules.step(int(chance[row]))], float(walk[row])) for row in found
    ]
    listed = tag("ul", *items, cls="choices") if items else tag("p", station_words.NO_ALTERNATIVES())
    return tag("h3", station_words.ALTERNATIVES(), cls="others") + listed


def choice(frame: Frame, row: int, words: str, walk: float | None = None) -> Markup:
    """Offer a station by a button with its name, some words about it, and how far it is."""
    name, identity = str(frame.stations.name[row]), str(frame.stations.station_id[row])
    beside = words if walk is None else f"{words} · {station_words.minutes_walk(walk)}"
    return tag("li", browser.button("station", name, identity=identity), tag("span", beside))


def detail(system: System) -> None:
    """Show star, share, the coming hours and the fan chart.

    A fragment of its own, so that a move of the slider is cheap.
    """
    view = reader().view(system)
    if view.frame is None:
        return
    screen = address_bar.screen().for_frame(view.frame)
    index = station_index(view.frame, screen.station)
    if index is None:
        return
    station = str(view.frame.stations.station_id[index])
    # The address and the browser may have an id of before.
    known = browser.favourites(system.system_id)
    kept = next((key for key in known if view.frame.renamed.get(key, key) == station), None)
    label = station_words.STAR() if kept is None else station_words.STARRED()
    star = browser.button(
        "star", label, identity=kept or station, name=station_words.STAR_NAME(), pressed=kept is not None
    )
    with st.container(key="detail"):
        show(tag("p", star, browser.button("share", station_words.SHARE()), cls="actions"))
        found = stretches(view.frame, index, screen.what, screen.n, view.now)
        if found:
            show(hours_strip.strip(found, screen.what, screen.n, view.now, view.zone))
        _chart(view, index)
        past = _forecasts_and_truths(view, index)
        if past:
            show(past)


def _forecasts_and_truths(view: View, index: int) -> Markup:
    """Write the forecasts of half an hour ahead beside their truths, newest first; empty without any."""
    frame, zone = view.frame, view.zone
    assert frame is not None
    screen = address_bar.screen().for_frame(frame)
    station, source = str(frame.stations.station_id[index]), reader()
    due = source.issued_forecasts(view.system.system_id)
    if not due:
        return together()
    history = source.store.observations.history(view.system.system_id, station, due[0].target_at, frame.at)
    unobserved = source.unobserved(view, due[0].target_at)
    rows = []
    for forecast in reversed(due):
        if any(start < forecast.target_at < end for start, end in unobserved):
            continue  # nobody knows its truth
        place = np.flatnonzero(forecast.station_id == station)
        truths = [count_of(screen.what, *counted) for at, *counted in history if at <= forecast.target_at]
        outlook = forecast.outlooks.get(screen.what)
        if not len(place) or not truths or outlook is None or outlook.median[0, place[0]] < 0:
            continue
        median, low, high = (int(q[0, place[0]]) for q in (outlook.median, outlook.low, outlook.high))
        cells = (
            formats.clock(forecast.target_at, zone),
            formats.expectation(median, low, high, screen.what),
            shell_words.chance(int(outlook.chance[screen.n - 1, 0, place[0]])),
            formats.things(truths[-1], screen.what),
        )
        rows.append(tag("tr", *(tag("td", cell) for cell in cells)))
    if not rows:
        return together()
    heads = (
        tag("th", name, scope="col") for name in station_words.issued_columns(screen.what, screen.n).values()
    )
    table = tag("table", tag("thead", tag("tr", *heads)), tag("tbody", *rows))
    return tag("h3", station_words.ISSUED(), cls="chart") + tag("div", table, cls="said")


def _chart(view: View, index: int) -> None:
    frame = view.frame
    assert frame is not None
    what = address_bar.screen().for_frame(frame).what
    station, now, zone = str(frame.stations.station_id[index]), view.now, view.zone
    history = reader().store.observations.history(
        view.system.system_id, station, now - fan_chart.BACK, frame.at
    )
    unobserved = reader().unobserved(view, now - fan_chart.BACK)
    was = fan_chart.past(history, what, now, frame.at, zone, unobserved)
    will = fan_chart.future(frame, index, what, now, zone)
    if was.empty and will.empty:
        return
    show(tag("h3", station_words.CHART_TITLE[what], cls="chart"))
    charting.draw(
        fan_chart.fan(was, will, now, zone, st.context.theme.type == "dark"),
        key="fan", alt=station_words.chart_alt(str(frame.stations.name[index]), what),
    )  # fmt: skip
    show(tag("p", station_words.CHART_KEY(), cls="small"))
