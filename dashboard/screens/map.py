"""The map: every station of a city, coloured by the chance of what the rider wants on arrival."""

from __future__ import annotations

from datetime import timedelta
from html import escape

import streamlit as st

from dashboard.api import routes
from dashboard.components import arrival_picker, browser, kiosk, page_shell, station_list, station_panel
from dashboard.maps import deck, ground
from dashboard.outlook import is_open, side, station_index
from dashboard.screens.accuracy import page as accuracy
from dashboard.state import address_bar
from dashboard.store_reader import View, reading
from dashboard.words import text
from ingest.system import System
from model.frame import AT_LEAST, Frame

# A forecast made for a moment so near is not worth a word: steps are five minutes, counts seconds old.
NEARLY = timedelta(minutes=4)


def page() -> None:
    system = page_shell.enter("map")
    if system is None:
        return
    if address_bar.screen().kiosk:
        st.fragment(on_stage, run_every=kiosk.STEP_SECONDS)(system)
        with st.container(key="kiosk-curves"):
            st.fragment(curves_on_stage, run_every=kiosk.CURVES_SECONDS)(system)
        return
    st.fragment(station_list.find)(system)
    with st.container(key="stage"):
        st.fragment(city, run_every=page_shell.often(system))(system, address_bar.screen().station)
        st.fragment(station_panel.detail, run_every=page_shell.often(system, 10, 60))(system)
        st.html(page_shell.legend(ground.credit(system.label)))


def city(system: System, drawn: str) -> None:
    """Draw one city: what is wanted, when, the map, and the same in words. Runs again by itself.

    `drawn` is the station that the rest of the page shows: another one is a matter for all of it.
    """
    if address_bar.screen().station != drawn:
        st.rerun()
    source = reading()
    view = source.view(system)
    if (view.system.speed, view.system.poll_seconds) != (system.speed, system.poll_seconds):
        st.rerun()
    browser.choose_when(view.now, view.zone)
    if view.frame is None:
        page_shell.warn(source, view, spaces=address_bar.screen().what == "space")
        if not address_bar.screen().city and any(
            s.frame_version is not None for s in source.states().values()
        ):
            st.rerun()
        return
    # Before the notices, which come and go: controls that move are new ones to the browser, and on a busy
    # machine they told their defaults as if somebody had chosen.
    at = controls(view)
    page_shell.warn(source, view, spaces=address_bar.screen().what == "space")
    screen = address_bar.screen()
    horizon = view.column(address_bar.ahead(screen, view.now))
    index = station_index(view.frame, screen.station)
    arrival_picker.ages(view, made_for(view, horizon))
    if horizon is not None:
        draw_map(view, horizon, at, index)
    if index is not None:
        station_panel.panel(view.frame, horizon, at, index)
    if horizon is not None:
        st.html(summary(view.frame, horizon, at))
    if st.session_state.get(station_list.SHOWN):
        station_list.show(view, horizon, at)


def on_stage(system: System) -> None:
    """Draw one city for people far away, at the next arrival time of the sweep. Runs again by itself."""
    source = reading()
    view = source.view(system)
    others = any(known.frame_version is not None for known in source.states().values())
    if view.frame is None and not address_bar.screen().city and others:
        st.rerun()
    turn, minutes = kiosk.step()
    with st.container(key="kiosk-notices"):
        page_shell.warn(source, view, spaces=address_bar.screen().what == "space")
    horizon = view.column(minutes)
    if view.frame is None or horizon is None:
        st.html(kiosk.headline(view))
        return
    at = text.moment(view.now + timedelta(minutes=minutes), view.now, view.zone)
    draw_map(view, horizon, at, None)
    credit = ground.credit(view.system.label)
    more = kiosk.arrival(minutes, at, credit) if turn == "map" else kiosk.judged()
    st.html(kiosk.headline(view, turn, more))


def curves_on_stage(system: System) -> None:
    """Draw how right the forecasts were, in time for their turn."""
    if kiosk.curves_due() and reading().view(system).frame is not None:
        accuracy.over_time(system)


def controls(view: View) -> str:
    """Ask what the rider wants, how many, and when; give back the clock time of arrival."""
    with st.container(horizontal=True, key="controls"):
        st.segmented_control(
            text.WHAT, list(text.WHAT_OPTION), required=True, format_func=text.WHAT_OPTION.__getitem__,
            key=address_bar.key("what"), on_change=address_bar.take, args=("what",),
        )  # fmt: skip
        st.segmented_control(
            text.HOW_MANY, AT_LEAST, required=True,
            key=address_bar.key("n"), on_change=address_bar.take, args=("n",),
        )  # fmt: skip
        return arrival_picker.ask(view, text.arrive_at)


def made_for(view: View, horizon: int | None) -> str:
    """Say for which moment the forecast on screen was made, where it is another than the one asked for."""
    if view.frame is None or horizon is None:
        return ""
    at = view.frame.at + timedelta(minutes=int(view.frame.minutes[horizon]))
    near = abs(at - view.now - timedelta(minutes=address_bar.ahead(address_bar.screen(), view.now))) <= NEARLY
    return "" if near else text.stands_for(text.moment(at, view.now, view.zone))


def draw_map(view: View, horizon: int, at: str, index: int | None) -> None:
    """Draw the map. Its key, its opening view and the layer's id stay the same, so that it never jumps."""
    assert view.frame is not None
    assert view.version is not None
    screen, stations, system_id = address_bar.screen(), view.frame.stations, view.system.system_id
    views = st.session_state.setdefault("viewports", {})
    pixels = kiosk.pixels() if screen.kiosk else deck.PHONE if page_shell.phone() else deck.DESK
    opening = system_id, pixels
    if opening not in views:
        mark = kiosk.mark() if screen.kiosk else deck.MARK
        views[opening] = deck.viewport(stations.lat, stations.lon, *pixels, mark)
    dark = st.context.theme.type == "dark"
    outlook = view.frame.bike if screen.what == "bike" else view.frame.space
    selected = None
    if index is not None:
        position = float(stations.lon[index]), float(stations.lat[index])
        selected = (*position, int(outlook.median[horizon, index]))
    st.pydeck_chart(
        deck.deck(
            routes.frame_url(system_id, view.version, screen.what, screen.n, deck.part(horizon)),
            views[opening], horizon, at, screen.what, screen.n,
            dark, selected, view.stale, browser.here(), ground.style(dark, view.system.label, system_id),
        ),
        key=f"map-{system_id}", height=460, on_select=lambda: select(f"map-{system_id}"), alt=text.MAP_ALT,
    )  # fmt: skip


def select(key: str) -> None:
    """Take the station that was touched.

    Only its id is kept: the numbers that come with a selection are those of the moment of the touch. An empty
    selection says nothing: the browser lets go of its own as soon as the ring around the station is drawn.
    """
    touched = st.session_state[key].selection.objects.get(deck.LAYER)
    if touched:
        address_bar.change(station=str(touched[0][deck.STATION]))


def summary(frame: Frame, horizon: int, at: str) -> str:
    """Say what the colours mean and the map in one line. Our own words alone, so HTML is safe here."""
    screen = address_bar.screen()
    chance = side(frame, screen.what).chance[screen.n - 1, horizon]
    counted = (chance <= 100) & is_open(frame, screen.what)
    good = counted & (chance >= text.BOUNDS[1])
    hint = "" if screen.station or not len(frame.stations) else f" {text.PICK_HINT}"
    said = text.summary(screen.what, screen.n, at, int(good.sum()), int(counted.sum())) + hint
    return f'<p class="summary"><b>{escape(text.heading(screen.what, screen.n))}</b>: {escape(said)}</p>'


if __name__ == "__main__":
    page()
