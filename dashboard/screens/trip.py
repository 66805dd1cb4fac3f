"""The trip: where to take a bike, where to leave it, when one is where, and how likely all that works."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha1
from html import escape
from typing import Literal

import streamlit as st

from dashboard import itinerary
from dashboard.api import routes
from dashboard.components import arrival_picker, browser, page_shell, station_list
from dashboard.itinerary import End, Itinerary
from dashboard.maps import deck, ground, trip_map
from dashboard.outlook import is_open
from dashboard.state import address_bar
from dashboard.store_reader import View, reading
from dashboard.words import text
from dashboard.words.text import What
from ingest.system import System
from model import trip
from model.frame import AT_LEAST, Frame
from model.trip import TripPlan

Side = Literal["start", "goal"]
Drawn = tuple[str, str, bool]

_WORD: dict[Side, str] = {"start": text.FROM, "goal": text.TO}
_WANTS: dict[Side, What] = {"start": "bike", "goal": "space"}


def page() -> None:
    system = page_shell.enter("trip")
    if system is None:
        return
    st.fragment(ends)(system)
    st.fragment(whole, run_every=page_shell.often(system))(system, drawn(reading().view(system)))


def drawn(view: View) -> Drawn:
    """Tell what the boxes of both ends show: when it changes, all of the page has to."""
    return address_bar.screen().start, address_bar.screen().goal, view.frame is not None


def found(frame: Frame) -> dict[Side, End | None]:
    """Find both ends in the city."""
    screen, here = address_bar.screen(), browser.here()
    return {
        "start": itinerary.end(frame, screen.start, here),
        "goal": itinerary.end(frame, screen.goal, here),
    }


def ends(system: System) -> None:
    """Ask where the trip starts and where it goes; an end that is chosen says so, and can be let go of."""
    frame = reading().view(system).frame
    if frame is None:
        return
    chosen = found(frame)
    with st.container(horizontal=True, key="ends"):
        for side, end in chosen.items():
            with st.container(key=f"end-{side}"):
                if end is None:
                    ask_for(side, frame)
                else:
                    st.html(chosen_end(side, end, swap=side == "start" and all(chosen.values())))


def chosen_end(side: Side, end: End, *, swap: bool) -> str:
    """Write an end that is chosen, with buttons to choose another, and to go the other way round."""
    round_about = browser.button("swap", text.SWAP, name=text.SWAP_NAME) if swap else ""
    change = browser.button(side, text.CHANGE, name=text.change_end(_WORD[side], end.name))
    return f'<div class="end"><span>{_WORD[side]}</span><b>{escape(end.name)}</b>{round_about}{change}</div>'


def ask_for(side: Side, frame: Frame) -> None:
    """Ask for an end: by name, near me, or by a touch on the map."""
    with st.container(horizontal=True, key=f"find-{side}"):
        query = st.text_input(
            _WORD[side], placeholder=text.SEARCH_OR_TOUCH, key=f"search-{side}", max_chars=80
        )
        if side == "start":
            st.html(browser.button("near", text.NEAR))
    note = lost(side)
    if query:
        st.html(matches(side, frame, query))
    elif note:
        st.html(f'<p class="note" role="status">{escape(note)}</p>')


def lost(side: Side) -> str:
    """Say why an end that is in the address is none; "" where there is nothing to say."""
    told = getattr(address_bar.screen(), side)
    if side == "start" and browser.lost():
        return browser.lost()
    if told == address_bar.HERE:
        return text.HERE_UNKNOWN
    return text.END_GONE if told else ""


def matches(side: Side, frame: Frame, query: str) -> str:
    """List the stations with a name like what was typed."""
    names, ids = frame.stations.name.tolist(), frame.stations.station_id.tolist()
    rows = station_list.search(names, query)
    if not rows:
        return f'<p class="note" role="status">{text.NO_MATCH}</p>'
    items = "".join(
        f"<li>{browser.button(side, names[row], identity=ids[row])}"
        f"<span>{escape(text.counted_now(int(frame.bikes[row]), int(frame.docks[row])))}</span></li>"
        for row in rows
    )
    return f'<ul class="choices matches" aria-label="{text.MATCHES}">{items}</ul>'


def whole(system: System, was: Drawn) -> None:
    """Draw how many, when, and the plans or the way to them. Runs again by itself."""
    source = reading()
    view = source.view(system)
    if drawn(view) != was:
        st.rerun()
    browser.choose_when(view.now, view.zone)
    # In a box of its own, or a notice that comes or goes would move controls and map, and make them new ones.
    with st.container(key="notices"):
        page_shell.warn(source, view, spaces=True)
    if view.frame is None:
        if not address_bar.screen().city and any(
            s.frame_version is not None for s in source.states().values()
        ):
            st.rerun()
        return
    at = controls(view)
    arrival_picker.ages(view)
    if view.column(address_bar.ahead(address_bar.screen(), view.now)) is None or not len(view.frame.stations):
        return
    chosen = found(view.frame)
    start, goal = chosen["start"], chosen["goal"]
    if start is None or goal is None:
        choose(view, at, "start" if start is None else "goal", chosen)
    elif itinerary.same(start, goal):
        choose(view, at, "goal", chosen)
    else:
        planned(view, start, goal)
    st.html(f'<p class="small settings">{text.TRIP_SETTINGS}</p>')


def controls(view: View) -> str:
    """Ask how many ride and when they leave; give back the clock time of leaving."""
    with st.container(horizontal=True, key="controls"):
        st.segmented_control(
            text.RIDERS, AT_LEAST, required=True,
            key=address_bar.key("n"), on_change=address_bar.take, args=("n",),
        )  # fmt: skip
        return arrival_picker.ask(view, text.leave_at)


def choose(view: View, at: str, side: Side, chosen: dict[Side, End | None]) -> None:
    """Ask for an end by a touch on the map, which says where it is good to take or leave bikes."""
    assert view.frame is not None
    assert view.version is not None
    screen, system_id, what = address_bar.screen(), view.system.system_id, _WANTS[side]
    horizon = view.column(address_bar.ahead(screen, view.now))
    assert horizon is not None
    both = all(chosen.values())
    said = text.SAME_PLACE if both else text.ASK[side]
    st.html(f'<p class="summary" role="status">{said} {text.marks_for_trip(what, screen.n, at)}</p>')
    views = st.session_state.setdefault("trip-viewports", {})
    if system_id not in views:
        pixels = trip_map.PHONE if page_shell.phone() else trip_map.WIDE
        views[system_id] = trip_map.wide(view.frame, *pixels)
    start, selected = chosen["start"], None
    if start is not None and start.row is not None:
        expected = int(view.frame.space.median[horizon, start.row])
        selected = (start.point[1], start.point[0], expected)
    dark, key = st.context.theme.type == "dark", f"touch-{system_id}"
    with st.container(key="choose"):
        st.pydeck_chart(
            deck.deck(
                routes.frame_url(system_id, view.version, what, screen.n, deck.part(horizon)),
                views[system_id], horizon, at, what, screen.n,
                dark, selected, view.stale, browser.here(), ground.style(dark, view.system.label, system_id),
            ),
            key=key, height=460, on_select=lambda: touch(key, side), alt=text.MAP_ALT,
        )  # fmt: skip
        st.html(page_shell.legend(ground.credit(view.system.label)))


def touch(key: str, side: Side) -> None:
    """Take the station that was touched for an end; an empty selection says nothing."""
    touched = st.session_state[key].selection.objects.get(deck.LAYER)
    if touched:
        address_bar.change(**{side: str(touched[0][deck.STATION])})


def planned(view: View, start: End, goal: End) -> None:
    """Show the plans, or why there is none, and the map of them."""
    assert view.frame is not None
    screen = address_bar.screen()
    minutes = address_bar.ahead(screen, view.now)
    plans = itinerary.plans(view, start, goal, minutes, screen.n)
    walk = trip.walk(start.point, goal.point)
    quicker = not plans or walk <= min(plan.minutes for plan in plans)
    with st.container(key="advice"):
        if quicker and plans:
            page_shell.notice(text.walk_instead(walk))
        elif not plans:
            page_shell.notice(itinerary.why_not(view.frame, start, goal, screen.n), text.on_foot(walk))
    leave = view.now + timedelta(minutes=minutes)
    with st.container(key="ways" if plans else "choose"):
        if plans:
            more = "" if quicker else f'<p class="note">{text.on_foot(walk)}</p>'
            st.html(closed(view.frame, start, goal) + card(view, plans[0], leave, start, goal, 0) + more)
        draw_map(view, start, goal, plans)
        if len(plans) > 1:
            cards = [card(view, plan, leave, start, goal, place) for place, plan in enumerate(plans) if place]
            st.html(f'<div class="nexts">{"".join(cards)}</div>')
        st.html(page_shell.legend(ground.credit(view.system.label)))


def closed(frame: Frame, start: End, goal: End) -> str:
    """Say where a chosen station is closed, so that the plan goes by another."""
    ends: tuple[tuple[What, End], ...] = (("bike", start), ("space", goal))
    return "".join(
        f'<p class="note">{escape(text.end_closed(end.name, what))}</p>'
        for what, end in ends
        if end.row is not None and not is_open(frame, what)[end.row]
    )


def card(view: View, plan: TripPlan, leave: datetime, start: End, goal: End, place: int) -> str:
    """Write a plan: how long, how likely, and each step by the clock. Names are escaped."""
    assert view.frame is not None
    names, riders = view.frame.stations.name, address_bar.screen().n
    way = Itinerary.of(plan, leave)
    pickup, dropoff = way.to, way.to + way.riding
    steps = [] if plan.pickup == start.row else [
        step(view, way.at(0), text.SET_OUT, start.name), on_the_way(text.walk_for(way.to))
    ]  # fmt: skip
    steps += [
        step(view, way.at(pickup), text.take(riders), str(names[plan.pickup]), plan.chance_bike),
        on_the_way(text.ride_for(way.riding)),
        step(view, way.at(dropoff), text.leave(riders), str(names[plan.dropoff]), plan.chance_space),
    ]
    if plan.dropoff != goal.row:
        steps += [
            on_the_way(text.walk_for(way.back)), step(view, way.at(way.minutes), text.ARRIVE, goal.name)
        ]  # fmt: skip
    title = text.RECOMMENDED if place == 0 else text.NEXT_BEST[place - 1]
    there = text.there_at(text.moment(way.at(way.minutes), view.now, view.zone))
    gist = f"<b>{text.minutes(way.minutes)}</b> · {there}<br>{text.BOTH_WORK}: {odds(plan.chance)}"
    kind = "plan" if place == 0 else "plan next"
    return (
        f'<section class="{kind}"><h2>{title}</h2><p class="gist">{gist}</p>'
        f'<ol class="steps">{"".join(steps)}</ol></section>'
    )


def step(view: View, at: datetime, words: str, name: str, chance: float | None = None) -> str:
    """Write what happens at a place: when, what, where, and how likely it works."""
    likely = "" if chance is None else f"<br>{odds(chance)}"
    time = text.moment(at, view.now, view.zone)
    return f"<li><time>{time}</time><span>{words} <b>{escape(name)}</b>{likely}</span></li>"


def on_the_way(words: str) -> str:
    """Write what lies between two places."""
    return f'<li class="way"><span></span><span>{words}</span></li>'


def odds(chance: float) -> str:
    """Write a chance with the colour of its step before it."""
    said = itinerary.per_cent(chance)
    return f'<span class="odds step{text.step(said)}">{text.chance(said)}</span>'


def draw_map(view: View, start: End, goal: End, plans: list[TripPlan]) -> None:
    """Draw the trip. A new pair of ends is a new map, which opens on them; for the same it never jumps.

    A touch changes nothing, but without listening to it the map has no identity that outlives a notice.
    """
    assert view.frame is not None
    assert view.version is not None
    screen, frame, system_id = address_bar.screen(), view.frame, view.system.system_id
    key = f"trip-{sha1(repr((system_id, start.point, goal.point)).encode()).hexdigest()[:12]}"
    views = st.session_state.setdefault("trip-viewports", {})
    if key not in views:
        pixels = trip_map.PHONE if page_shell.phone() else trip_map.DESK
        views[key] = trip_map.viewport(frame, start, goal, plans, *pixels)
    leaving = address_bar.ahead(screen, view.now) + view.age / timedelta(minutes=1)
    to, riding = (plans[0].to_minutes, plans[0].riding_minutes) if plans else (0.0, 0.0)
    columns = (
        trip_map.nearest(frame.minutes, leaving + to),
        trip_map.nearest(frame.minutes, leaving + to + riding),
    )
    url = routes.frame_url(system_id, view.version, "bike", screen.n, deck.PARTS["near"])
    dark = st.context.theme.type == "dark"
    st.pydeck_chart(
        trip_map.ways(
            url, views[key], frame, (start, goal), plans, columns, screen.n,
            dark, view.stale, ground.style(dark, view.system.label, system_id),
        ),
        key=key, height=460, on_select=lambda: None, alt=text.TRIP_ALT,
    )  # fmt: skip
    st.html(f'<p class="small marks">{text.marks_near_ends(screen.n)}</p>')


if __name__ == "__main__":
    page()
