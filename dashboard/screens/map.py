"""The map: every station of a city, coloured by the chance of what the rider wants on arrival."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import timedelta

import numpy as np
import streamlit as st
from markupsafe import Markup

from dashboard.components import (
    arrival_picker,
    browser,
    legend,
    on_foot,
    page_shell,
    station_list,
    station_map,
    station_panel,
    station_search,
    which_city,
)
from dashboard.components.html import show, stylesheet, tag, together
from dashboard.components.on_foot import Walker
from dashboard.maps import deck, ground
from dashboard.outlook import at_horizon, by_hours, is_open, side, station_index
from dashboard.screens import kiosk
from dashboard.state import address_bar
from dashboard.state.address_bar import Screen
from dashboard.store_reader import View, reader
from dashboard.words import formats, rules
from dashboard.words import hours as hours_words
from dashboard.words import map as map_words
from dashboard.words import on_foot as on_foot_words
from dashboard.words import shell as shell_words
from dashboard.words import station as station_words
from ingest.system import System

Drawn = tuple[str, arrival_picker.Drawn | None]


def page() -> None:
    system = page_shell.enter("map")
    if system is None:
        return
    if address_bar.screen().kiosk:
        kiosk.draw(system)
        return
    stylesheet("map.css")
    view = reader().view(system)
    with st.container(key="map-and-panel"):
        st.fragment(station_list.find)()
        if view.frame is not None:
            # Never drawn anew: the browser keeps whether it is open. On a large screen it is not shown.
            show(tag("details", tag("summary", map_words.CHOOSE()), cls="fold"))
            arrival_picker.moments(view)
        st.fragment(city, run_every=page_shell.often(system))(system, drawn(view))
        st.fragment(station_panel.detail, run_every=page_shell.often(system, 10, 60))(system)
        show(legend.marks(ground.credit(system.label)))


def drawn(view: View) -> Drawn:
    """Give what the page shows outside of the fragment of the map: station and moment."""
    return address_bar.screen().station, None if view.frame is None else arrival_picker.drawn(view)


def city(system: System, was: Drawn) -> None:
    """Draw one city: the controls, the map, and the same in words. Runs again by itself.

    `was` is what the rest of the page shows: anything else is a matter for all of it.
    """
    source = reader()
    view = source.view(system)
    if drawn(view) != was:
        st.rerun()
    if (view.system.speed, view.system.poll_seconds) != (system.speed, system.poll_seconds):
        st.rerun()
    if which_city.is_undecided(view):
        st.rerun()
    if view.frame is None:
        page_shell.warn(source, view, spaces=address_bar.screen().what == "space")
        return
    # Before the notices, which come and go. Controls that move are new ones to the browser: on a busy machine
    # they sent their defaults as if somebody had chosen them.
    at = controls(view)
    page_shell.warn(source, view, spaces=address_bar.screen().what == "space")
    page_shell.warn_of_kinds(view, address_bar.screen().what)
    screen = address_bar.screen().for_frame(view.frame)
    if elsewhere := on_foot.elsewhere(source, view):
        show(elsewhere)
    view, horizon, walker = on_foot.set_out(source, view)
    assert view.frame is not None
    index = station_index(view.frame, screen.station)
    arrival_picker.ages(view, closed_then(view, horizon, at) if walker is None else "")
    if walker is not None:
        show(on_foot.best(view, walker))
    if screen.station and index is None and len(view.frame.stations):
        show(tag("p", station_words.GONE(), cls="note", role="status"))
    if horizon is not None:
        draw_map(view, horizon, at, index, walker)
    if index is not None:
        there = on_foot.arrival(view, index) if walker is not None else at
        station_panel.panel(view.frame, horizon, there, index, view.now)
    words = together() if horizon is None else summary(view, screen, horizon, walker)
    frame_shown = f"{view.version}-{None if horizon is None else view.frame.minutes[horizon].flat[0]}"
    show(together(chosen(screen, at, frame_shown, walker), words, searched(view, screen, horizon, walker)))
    if browser.has_list():
        station_list.draw(view, horizon, at if walker is None else on_foot_words.ARRIVAL())


def searched(view: View, screen: Screen, horizon: int | None, walker: Walker | None) -> Markup:
    """Tell the search which rows the map has, and the column of the chance."""
    if walker is not None:
        return station_search.rows(view, "find", screen.what, walker.part.minutes[0], walker.part)
    minutes = None if horizon is None or view.frame is None else int(view.frame.minutes[horizon])
    return station_search.rows(view, "find", screen.what, minutes)


def controls(view: View) -> str:
    """Ask what the rider wants, how many, and when; give back the clock time of arrival."""
    assert view.frame is not None
    what = address_bar.screen().for_frame(view.frame).what
    offered = {each: words for each, words in map_words.WHAT_OPTION.items() if each in view.frame.outlooks}
    with st.container(horizontal=True, key="controls"):
        wanted = browser.choices(map_words.WHAT(), "what", offered, what)
        show(tag("div", wanted, page_shell.how_many(shell_words.HOW_MANY()), cls="wants"))
        away = on_foot.distance(view)
        walks = away is not None and away <= rules.FAR_KM
        return arrival_picker.ask(view, shell_words.leave_at if walks else shell_words.arrive_at)


def closed_then(view: View, horizon: int | None, at: str) -> str:
    """Say which stations are closed by their opening hours at the chosen moment, and when they open."""
    closed = np.zeros(0, np.bool_) if view.frame is None else by_hours(view.frame, horizon)
    if view.frame is None or view.frame.hours is None or horizon is None or not closed.any():
        return ""
    if not closed.all():
        return hours_words.some_closed(at, int(closed.sum()))
    moment = at_horizon(view.frame, horizon)
    states = (
        view.frame.hours.state(int(row), moment)
        for row in np.unique(view.frame.hours.schedule, return_index=True)[1]
    )
    opens = min((state.opens_at for state in states if state.opens_at is not None), default=None)
    return hours_words.all_closed(at, "" if opens is None else formats.moment(opens, view.now, view.zone))


def draw_map(view: View, horizon: int, at: str, index: int | None, walker: Walker | None) -> None:
    """Draw the map, with a ring around the chosen station. It opens on the city, and goes to who walks."""
    assert view.frame is not None
    frame, system_id = view.frame, view.system.system_id
    what = address_bar.screen().for_frame(frame).what
    pixels = deck.PHONE if page_shell.phone() else deck.DESK
    name: Hashable = (system_id, pixels)
    opens = station_map.opening(name, lambda: deck.viewport(frame.stations.lat, frame.stations.lon, *pixels))
    touched = f"last-touch-{system_id}"  # the view stays when nobody walks any more
    if walker is not None:
        st.session_state[touched] = browser.touches()
        name = (system_id, pixels, browser.touches())
        opens = station_map.opening(name, lambda: on_foot.opening(view, walker, opens, pixels))
    elif touched in st.session_state:
        name = (system_id, pixels, st.session_state[touched])
        opens = station_map.opening(name, lambda: opens)
    found = station_index(frame, browser.found())
    if found is not None:
        opens = station_map.go_to(name, float(frame.stations.lat[found]), float(frame.stations.lon[found]))
    station_map.draw(
        view, horizon, at, what, f"map-{system_id}", opens,
        lambda station_id: address_bar.change(station=station_id),
        None if index is None else station_map.ring(frame, what, horizon, index),
        None if walker is None else walker.part,
    )  # fmt: skip


def chosen(screen: Screen, at: str, shown: str, walker: Walker | None) -> Markup:
    """Write what is chosen, as the line of the folded controls says it. Each `shown` frame has a name."""
    when = at if walker is None else on_foot_words.CHOSEN()
    return tag("p", map_words.chosen(screen.what, screen.n, when), cls="chosen", data_frame=shown)


def summary(view: View, screen: Screen, horizon: int, walker: Walker | None) -> Markup:
    """Write the meaning of the colours, and the whole map in one line, or what is around who walks."""
    frame, now = view.frame, view.now
    assert frame is not None
    at = now + timedelta(minutes=address_bar.ahead(screen, now))
    chance = side(frame, screen.what).chance[screen.n - 1, horizon]
    counted = (chance <= 100) & is_open(frame, screen.what, horizon)
    later = formats.on_weekday(at, view.zone) if address_bar.ahead(screen, now) else ""
    if walker is not None:
        counted &= walker.near()
    good = counted & (chance >= rules.LIKELY)
    hint = "" if screen.station or not len(frame.stations) else f" {map_words.PICK_HINT()}"
    closed = len(frame.stations) and by_hours(frame, horizon).all()
    words = (
        on_foot_words.summary(screen.what, screen.n, later, int(good.sum()), int(counted.sum()))
        if walker is not None
        else hours_words.all_closed(formats.moment(at, now, view.zone), "")
        if closed
        else map_words.summary(
            screen.what, screen.n, formats.on_weekday(at, view.zone), int(good.sum()), int(counted.sum())
        )
    ) + hint
    return tag("p", tag("b", shell_words.heading(screen.what, screen.n)), f": {words}", cls="summary")


if __name__ == "__main__":
    page()
