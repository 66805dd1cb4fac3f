"""The map: every station of a city, coloured by the chance of what the rider wants on arrival."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from hashlib import sha1
from html import escape

import numpy as np
import streamlit as st

from dashboard import api, browser, deck, ground, listing, state, station, text
from dashboard.outlook import is_open, side, station_index
from dashboard.reading import Reading, View, reading
from ingest.store import SystemRow, SystemState
from model.frame import AT_LEAST, Frame

PICKER_SECONDS = 10
# A forecast made for a moment so near is not worth a word: steps are five minutes, counts seconds old.
NEARLY = timedelta(minutes=4)


def page() -> None:
    source = reading()
    state.adopt()
    systems = source.systems()
    if not systems:
        nothing_followed()
        return
    system = chosen(systems, source.states())
    header, picker = st.columns([3, 2], vertical_alignment="bottom")
    with header:
        st.html(f'<h1 class="title">{text.TITLE}</h1><p class="subtitle">{text.SUBTITLE}</p>')
    with picker:
        city_picker(system.system_id)
    browser.mount(system.system_id)
    st.fragment(listing.find)(system)
    with st.container(key="stage"):
        # A feed at 60 times the speed has news each second; nobody can look at more than that.
        often, seldom = (float(np.clip(system.poll_seconds, *bounds)) for bounds in ((2, 10), (10, 60)))
        st.fragment(city, run_every=often)(system, state.screen().station)
        st.fragment(station.detail, run_every=seldom)(system)
        st.html(legend(ground.credit(system.label)))


@st.fragment(run_every=2)
def nothing_followed() -> None:
    """Say why there is nothing to choose from, until there is."""
    source = reading()
    if source.systems():
        st.rerun()
    st.html(f'<h1 class="title">{text.TITLE}</h1><p class="subtitle">{text.SUBTITLE}</p>')
    if source.working():
        notice(text.NO_SYSTEMS, text.NO_SYSTEMS_HINT)
    else:
        notice(text.NO_WORKER_YET, text.NO_WORKER_HINT)


def chosen(systems: list[SystemRow], states: dict[str, SystemState]) -> SystemRow:
    """Find the city on screen: the one asked for, else the first that had something to show."""
    known = {system.system_id: system for system in systems}
    wanted = state.screen().city
    if wanted in known:
        return known[wanted]
    opened = st.session_state.get("opened")
    if opened not in known:
        opened = next((key for key in known if key in states and states[key].frame_version is not None), None)
        st.session_state["opened"] = opened
    return known[opened] if opened is not None else systems[0]


def label(system: SystemRow) -> str:
    return text.city(system.name, system.city, system.label)


@st.fragment(run_every=PICKER_SECONDS)
def city_picker(current: str) -> None:
    """Choose a city; each entry says how its feed is doing.

    Streamlit knows a choice by its label, and a label that changed would be no choice any more. So new labels
    make a new widget, and so does a city chosen elsewhere, by the address.
    """
    source = reading()
    systems, states = source.systems(), source.states()
    if not systems:
        st.rerun()
    labels: dict[str, str] = {}
    for system in systems:
        known = states.get(system.system_id)
        words = text.picked(label(system), known.state if known else "waiting", system.label)
        labels[system.system_id] = words if words not in labels.values() else f"{words} · {system.system_id}"
    ids = list(labels)
    key = "city-" + sha1(repr((labels, current)).encode()).hexdigest()[:12]
    st.selectbox(
        text.CITY, ids, index=ids.index(current) if current in ids else 0, format_func=labels.__getitem__,
        key=key, on_change=lambda: state.change(city=st.session_state[key], station=""),
        label_visibility="collapsed",
    )  # fmt: skip
    if state.screen().city in ids and state.screen().city != current:
        st.rerun()


def city(system: SystemRow, drawn: str) -> None:
    """Draw one city: what is wanted, when, the map, and the same in words. Runs again by itself.

    `drawn` is the station that the rest of the page shows: another one is a matter for all of it.
    """
    if state.screen().station != drawn:
        st.rerun()
    source = reading()
    view = source.view(system)
    browser.choose_when(view.now, view.zone)
    if view.frame is None:
        warn(source, view)
        if not state.screen().city and any(s.frame_version is not None for s in source.states().values()):
            st.rerun()
        return
    # Before the notices, which come and go: controls that move are new ones to the browser, and on a busy
    # machine they told their defaults as if somebody had chosen.
    at = controls(view)
    warn(source, view)
    screen = state.screen()
    horizon = view.column(state.ahead(screen, view.now))
    index = station_index(view.frame, screen.station)
    ages(view, horizon)
    if horizon is not None:
        draw_map(view, horizon, at, index)
    if index is not None:
        station.panel(view.frame, horizon, at, index)
    if horizon is not None:
        st.html(summary(view.frame, horizon, at))
    if st.session_state.get(listing.SHOWN):
        listing.show(view, horizon, at)


def warn(source: Reading, view: View) -> None:
    """Say what is missing or wrong before anything else."""
    name, feed = label(view.system), view.state
    if view.frame is None:
        others = any(state.frame_version is not None for state in source.states().values())
        more = text.NO_WORKER_YET if not source.working() else text.OTHERS if others else text.NONE_YET
        notice(text.waiting(name, feed.state, feed.text, view.next_in), more)
        return
    wrong = text.trouble(name, feed.state, feed.text, view.next_in)
    if view.column(0) is None:
        at = text.moment(view.frame.at, view.now, view.zone)
        notice(text.too_old(name, at, view.age), wrong or "")
    elif view.column(state.ahead(state.screen(), view.now)) is None:
        reach = view.frame.at + timedelta(minutes=int(view.frame.minutes[-1]))
        notice(text.beyond(text.moment(reach, view.now, view.zone)), wrong or "")
    elif wrong:
        notice(wrong)
    elif view.stale:
        notice(text.stale(view.age))
    late = view.next_in is not None and view.next_in < -timedelta(seconds=max(30, view.system.poll_seconds))
    if late and not source.working():
        notice(text.NO_WORKER)
    if not len(view.frame.stations):
        notice(text.NO_STATIONS)
    elif state.screen().what == "space" and (view.frame.docks < 0).all():
        notice(text.NO_DOCKS)


def controls(view: View) -> str:
    """Ask what the rider wants, how many, and when; give back the clock time of arrival."""
    screen, now, zone = state.screen(), view.now, view.zone
    with st.container(horizontal=True, key="controls"):
        st.segmented_control(
            text.WHAT, list(text.WHAT_OPTION), required=True, format_func=text.WHAT_OPTION.__getitem__,
            key=state.key("what"), on_change=state.take, args=("what",),
        )  # fmt: skip
        st.segmented_control(
            text.HOW_MANY, AT_LEAST, required=True,
            key=state.key("n"), on_change=state.take, args=("n",),
        )  # fmt: skip
        minutes = state.ahead(screen, now)
        at = now + timedelta(minutes=minutes)
        label = text.arrive_at(text.both_clocks(at, now, zone, state.viewer_zone()), minutes)
        if state.is_later(screen, now):
            if state.CLOCK not in st.session_state:
                st.session_state[state.CLOCK] = at.astimezone(zone).time().replace(second=0, microsecond=0)
            st.time_input(
                label, key=state.CLOCK, step=timedelta(minutes=5),
                on_change=at_clock, args=(now, zone),
            )  # fmt: skip
        else:
            st.slider(
                label, state.MINUTES[0], state.MINUTES[-1], step=5, format="%d min",
                key=state.key("minutes"), on_change=soon,
            )  # fmt: skip
    return text.moment(at, now, zone)


def soon() -> None:
    """Take over the slider: an arrival counted from now."""
    state.change(at=None)
    state.take("minutes")


def at_clock(now: datetime, zone: tzinfo) -> None:
    """Take over the clock of a later arrival."""
    clock = st.session_state[state.CLOCK]
    if clock is not None:  # emptied: the last one stays
        state.change(at=state.next_at(clock, now, zone))


def ages(view: View, horizon: int | None) -> None:
    """Keep in sight how old the counts are, how long the model has learnt, and whose time it is.

    The button to other arrival times stands here, since an element of its own would cost each move 200 bytes.
    """
    assert view.frame is not None
    screen, now, zone = state.screen(), view.now, view.zone
    viewer = state.viewer_zone()
    differs = viewer is not None and now.astimezone(viewer).utcoffset() != now.astimezone(zone).utcoffset()
    words = text.ages(
        text.moment(view.frame.at, now, zone),
        view.age,
        now - view.frame.learning_since,
        view.system.label,
        text.zone_note(view.system.city or view.system.name) if differs else "",
    )
    later = state.is_later(screen, now)
    notes = [words]
    if screen.at is not None and not later:
        notes.append(text.passed(text.moment(screen.at, now, zone)))
    if horizon is not None:
        made_for = view.frame.at + timedelta(minutes=int(view.frame.minutes[horizon]))
        if abs(made_for - now - timedelta(minutes=state.ahead(screen, now))) > NEARLY:
            notes.append(text.stands_for(text.moment(made_for, now, zone)))
    other = browser.button("soon", text.SOON) if later else browser.button("later", text.LATER)
    st.html(f'<p class="ages">{escape(" · ".join(notes))}</p>{other}')


def draw_map(view: View, horizon: int, at: str, index: int | None) -> None:
    """Draw the map. Its key, its opening view and the layer's id stay the same, so that it never jumps."""
    assert view.frame is not None
    assert view.version is not None
    screen, stations, system_id = state.screen(), view.frame.stations, view.system.system_id
    views = st.session_state.setdefault("viewports", {})
    if system_id not in views:
        phone = "Mobi" in (st.context.headers.get("User-Agent") or "")
        views[system_id] = deck.viewport(stations.lat, stations.lon, *(deck.PHONE if phone else deck.DESK))
    dark = st.context.theme.type == "dark"
    outlook = view.frame.bike if screen.what == "bike" else view.frame.space
    selected = None
    if index is not None:
        position = float(stations.lon[index]), float(stations.lat[index])
        selected = (*position, int(outlook.median[horizon, index]))
    st.pydeck_chart(
        deck.deck(
            api.frame_url(system_id, view.version, screen.what, screen.n, deck.part(horizon)),
            views[system_id], horizon, at, screen.what, screen.n,
            dark, selected, view.stale, browser.here(), ground.style(dark, view.system.label),
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
        state.change(station=str(touched[0][deck.STATION]))


def legend(credit: str) -> str:
    """Explain the marks, and name whose the ground is. Our own words alone, so HTML is safe here."""
    steps = "".join(
        f"<li>{word} <small>{text.bounds(index)}</small></li>" for index, word in enumerate(text.STEPS)
    )
    others = (text.NO_FORECAST, text.LEGEND_CLOSED, text.LEGEND_FADED, text.LEGEND_SIZE)
    items = steps + "".join(f"<li>{word}</li>" for word in others)
    makers = f'<p class="small">{escape(credit)}</p>' if credit else ""
    return f'<div class="legend" role="group" aria-label="{text.LEGEND}"><ul>{items}</ul>{makers}</div>'


def summary(frame: Frame, horizon: int, at: str) -> str:
    """Say what the colours mean and the map in one line. Our own words alone, so HTML is safe here."""
    screen = state.screen()
    chance = side(frame, screen.what).chance[screen.n - 1, horizon]
    counted = (chance <= 100) & is_open(frame, screen.what)
    good = counted & (chance >= text.BOUNDS[1])
    hint = "" if screen.station else f" {text.PICK_HINT}"
    said = text.summary(screen.what, screen.n, at, int(good.sum()), int(counted.sum())) + hint
    return f'<p class="summary"><b>{escape(text.heading(screen.what, screen.n))}</b>: {escape(said)}</p>'


def notice(first: str, second: str = "") -> None:
    """Say something above the map. Plain text: it may quote what a feed's server answered."""
    with st.container(border=True, key=f"notice-{sha1(first.encode()).hexdigest()[:8]}"):
        st.text(first)
        if second:
            st.caption(second)


if __name__ == "__main__":
    page()
