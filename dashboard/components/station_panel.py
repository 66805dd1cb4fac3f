"""The panel of one station: its numbers, which follow the slider, and below them what does not."""

from __future__ import annotations

from html import escape

import numpy as np
import streamlit as st

from dashboard import nearby
from dashboard.charts import fan_chart
from dashboard.components import browser
from dashboard.outlook import chances, is_open, side, station_index
from dashboard.state import address_bar
from dashboard.store_reader import View, reading
from dashboard.words import text
from ingest.system import System
from model.frame import Frame


def panel(frame: Frame, horizon: int | None, at: str, index: int) -> None:
    """Show now, expected with interval, chance in words and per cent, and where else to go.

    Names are escaped, and come to the page as HTML and never as Markdown, where a link to an image would call
    a stranger's server. One element for all the numbers: each costs a slider move 90 bytes.
    """
    name, close = str(frame.stations.name[index]), browser.button("station", "×", name=text.CLOSE)
    said = numbers(_said(frame, horizon, at, index))
    st.html(f'<section class="station"><h2>{escape(name)}</h2>{close}{said}</section>')
    if horizon is not None:
        st.html(_alternatives(frame, horizon, index))


def _said(frame: Frame, horizon: int | None, at: str, index: int) -> dict[str, str]:
    screen = address_bar.screen()
    what = screen.what
    bikes, docks, ebikes = (int(counts[index]) for counts in (frame.bikes, frame.docks, frame.ebikes))
    said = {text.NOW: f"{text.things(bikes, 'bike')} · {text.things(docks, 'space')}"}
    if ebikes >= 0:
        said[text.EBIKES_NOW] = text.count(ebikes)
    chance_of = text.heading(what, screen.n)
    if horizon is None:
        return said | {chance_of: text.NO_FORECAST}
    outlook = side(frame, what)
    median, low, high = (int(q[horizon, index]) for q in (outlook.median, outlook.low, outlook.high))
    odds = text.chance(int(outlook.chance[screen.n - 1, horizon, index]))
    return said | {
        text.expected_at(at): text.expectation(median, low, high, what),
        chance_of: odds if is_open(frame, what)[index] else text.CLOSED[what],
    }


def numbers(said: dict[str, str]) -> str:
    """List numbers under their names. Our own words alone."""
    pairs = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in said.items()
    )
    return f'<dl class="numbers">{pairs}</dl>'


def _alternatives(frame: Frame, horizon: int, index: int) -> str:
    screen, stations = address_bar.screen(), frame.stations
    chance = chances(frame, screen.what, screen.n, horizon)
    walk = nearby.walks((float(stations.lat[index]), float(stations.lon[index])), stations.lat, stations.lon)
    found = nearby.alternatives(chance, walk, without=index)
    items = "".join(
        choice(frame, row, text.STEPS[text.step(int(chance[row]))], float(walk[row])) for row in found
    )
    listed = f'<ul class="choices">{items}</ul>' if items else f"<p>{text.NO_ALTERNATIVES}</p>"
    return f'<h3 class="others">{text.ALTERNATIVES}</h3>{listed}'


def choice(frame: Frame, row: int, said: str, walk: float | None = None) -> str:
    """Offer a station by a button with its name, what is said of it, and how far it is."""
    name, identity = str(frame.stations.name[row]), str(frame.stations.station_id[row])
    words = said if walk is None else f"{said} · {text.minutes_walk(walk)}"
    return f"<li>{browser.button('station', name, identity=identity)}<span>{escape(words)}</span></li>"


def detail(system: System) -> None:
    """Show what no slider moves: star, share and the fan chart. A fragment of its own, so a move is cheap."""
    source = reading()
    view, screen = source.view(system), address_bar.screen()
    index = None if view.frame is None else station_index(view.frame, screen.station)
    if index is None:
        return
    starred = screen.station in browser.favourites(system.system_id)
    label = text.STARRED if starred else text.STAR
    star = browser.button("star", label, identity=screen.station, name=text.STAR_NAME, pressed=starred)
    with st.container(key="detail"):
        st.html(f'<p class="actions">{star}{browser.button("share", text.SHARE)}</p>')
        _chart(view, index)
        said = _said_and_came(view, index)
        if said:
            st.html(said)


def _said_and_came(view: View, index: int) -> str:
    """Hold what was said half an hour ahead against what came, newest first."""
    frame, screen, zone = view.frame, address_bar.screen(), view.zone
    assert frame is not None
    station, source = str(frame.stations.station_id[index]), reading()
    due = source.issued_forecasts(view.system.system_id)
    if not due:
        return ""
    history = source.history(view.system.system_id, station, due[0].target_at, frame.at)
    rows = []
    for said in reversed(due):
        place = np.flatnonzero(said.station_id == station)
        came = [(bikes, docks) for at, bikes, docks in history if at <= said.target_at]
        outlook = said.bike if screen.what == "bike" else said.space
        if not len(place) or not came or outlook.median[0, place[0]] < 0:
            continue
        median, low, high = (int(q[0, place[0]]) for q in (outlook.median, outlook.low, outlook.high))
        cells = (
            text.clock(said.target_at, zone),
            text.expectation(median, low, high, screen.what),
            text.chance(int(outlook.chance[screen.n - 1, 0, place[0]])),
            text.things(came[-1][0 if screen.what == "bike" else 1], screen.what),
        )
        rows.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>")
    if not rows:
        return ""
    head = "".join(
        f'<th scope="col">{escape(name)}</th>' for name in text.said_columns(screen.what, screen.n)
    )
    return (
        f'<h3 class="chart">{text.SAID}</h3><div class="said"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _chart(view: View, index: int) -> None:
    frame, what = view.frame, address_bar.screen().what
    assert frame is not None
    station, now, zone = str(frame.stations.station_id[index]), view.now, view.zone
    history = reading().history(view.system.system_id, station, now - fan_chart.BACK, frame.at)
    was = fan_chart.past(history, what, now, frame.at, zone)
    will = fan_chart.future(frame, index, what, now, zone)
    if was.empty and will.empty:
        return
    st.html(f'<h3 class="chart">{text.chart_title(what)}</h3>')
    st.altair_chart(
        fan_chart.fan(was, will, now, zone, st.context.theme.type == "dark"),
        key="fan", alt=text.chart_alt(str(frame.stations.name[index]), what),
    )  # fmt: skip
    st.html(f'<p class="small">{text.CHART_KEY}</p>')
