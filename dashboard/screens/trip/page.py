"""The trip: where to take a bike, where to leave it, at what times, and how likely all of it works."""

from __future__ import annotations

import math
from datetime import timedelta
from hashlib import sha1

import streamlit as st

from dashboard import itinerary
from dashboard.components import (
    arrival_picker,
    browser,
    legend,
    page_shell,
    station_map,
    station_search,
    which_city,
)
from dashboard.components.html import show, tag, together
from dashboard.itinerary import End
from dashboard.maps import deck, ground, trip_map
from dashboard.screens.trip import ends, when_to_leave
from dashboard.screens.trip.ends import Side
from dashboard.screens.trip.plan_card import card, closed
from dashboard.state import address_bar
from dashboard.store_reader import View, reader
from dashboard.words import formats, rules
from dashboard.words import shell as shell_words
from dashboard.words import trip as trip_words
from dashboard.words.rules import What
from ingest.system import System
from model import trip
from model.moments import frame_at
from model.trip import TripPlan

Drawn = tuple[str, str, arrival_picker.Drawn | None]


def page() -> None:
    system = page_shell.enter("trip")
    if system is None:
        return
    ends.draw(system)
    view = reader().view(system)
    if view.frame is not None:
        arrival_picker.moments(view, directions=True)
    st.fragment(whole, run_every=page_shell.often(system))(system, drawn(view))


def drawn(view: View) -> Drawn:
    """Give what the boxes of both ends and the times show. When it changes, the whole page runs again."""
    when = None if view.frame is None else arrival_picker.drawn(view)
    return address_bar.screen().start, address_bar.screen().goal, when


def whole(system: System, was: Drawn) -> None:
    """Draw the controls, then the plans, or a map to choose an end. Runs again by itself."""
    source = reader()
    view = source.view(system)
    if drawn(view) != was:
        st.rerun()
    if which_city.is_undecided(view):
        st.rerun()
    # In a box of its own: a notice that comes or goes would otherwise make controls and map new ones.
    with st.container(key="notices"):
        page_shell.warn(source, view, spaces=True)
        page_shell.warn_of_kinds(view, address_bar.screen().ride)
    if view.frame is None:
        return
    if system.system_id in source.round_trips():
        page_shell.notice(trip_words.ROUND_TRIP())
        return
    at = controls(view)
    arrival_picker.ages(view)
    searched(view)
    ahead = address_bar.ahead(address_bar.screen(), view.now)
    if view.horizon(ahead) is None or not len(view.frame.stations):
        return
    chosen = ends.found(view.frame)
    start, goal = chosen["start"], chosen["goal"]
    if start is None or goal is None:
        choose(view, at, "start" if start is None else "goal", chosen)
    elif itinerary.same(start, goal):
        choose(view, at, "goal", chosen)
    else:
        planned(view, start, goal)
    ride = address_bar.screen().for_frame(view.frame).ride
    show(tag("p", trip_words.trip_settings(ride), cls="small settings"))


def wants(view: View) -> dict[Side, What]:
    """Give what the riders want at either end."""
    assert view.frame is not None
    return {"start": rules.TAKEN[address_bar.screen().for_frame(view.frame).ride], "goal": "space"}


def searched(view: View) -> None:
    """Tell the searches for both ends where they find stations, and their chances at the time of leaving."""
    horizon = view.horizon(address_bar.ahead(address_bar.screen(), view.now))
    show(together(*(station_search.rows(view, side, what, horizon) for side, what in wants(view).items())))


def controls(view: View) -> str:
    """Ask how many ride, what, and when they leave; give back the clock time of leaving."""
    assert view.frame is not None
    ride = address_bar.screen().for_frame(view.frame).ride
    with st.container(horizontal=True, key="controls"):
        kinds = browser.choices(trip_words.RIDE(), "ride", trip_words.RIDE_OPTION, ride)
        riders = page_shell.how_many(trip_words.RIDERS())
        show(tag("div", *([kinds] if view.frame.ebike is not None else []), riders, cls="wants"))
        leaving = address_bar.screen().direction == "leave"
        return arrival_picker.ask(view, shell_words.leave_at if leaving else shell_words.there_by)


def choose(view: View, at: str, side: Side, chosen: dict[Side, End | None]) -> None:
    """Ask for an end by a touch on the map, which shows where to take or to leave bikes."""
    assert view.frame is not None
    screen, system, what = address_bar.screen(), view.system, wants(view)[side]
    view, horizon = reader().moment(view, address_bar.ahead(screen, view.now))
    assert horizon is not None
    assert view.frame is not None
    frame = view.frame
    asked = trip_words.SAME_PLACE() if all(chosen.values()) else trip_words.ASK[side]
    show(tag("p", f"{asked} {trip_words.marks_for_trip(what, screen.n, at)}", cls="summary", role="status"))
    pixels = trip_map.PHONE if page_shell.phone() else trip_map.WIDE
    start = chosen["start"]
    row = None if start is None else start.row
    with st.container(key="choose"):
        station_map.draw(
            view, horizon, at, what, f"touch-{system.system_id}",
            station_map.opening(("trip", system.system_id), lambda: trip_map.wide(frame, *pixels)),
            lambda station_id: address_bar.change(**{side: station_id}),
            None if row is None else station_map.ring(frame, "space", horizon, row),
        )  # fmt: skip
        show(legend.marks(ground.credit(system.label)))


def planned(view: View, start: End, goal: End) -> None:
    """Show the plans and their map, or the reason why there is no plan."""
    assert view.frame is not None
    frame = view.frame
    screen = address_bar.screen().for_frame(frame)
    minutes = address_bar.ahead(screen, view.now)
    walk = trip.walk(start.point, goal.point)
    there, found = None, None
    if screen.direction == "arrive":
        there = itinerary.whole_minute(view.now + timedelta(minutes=minutes))
        found = itinerary.arriving(view, start, goal, there, screen)
        length = trip.quickest(frame, start.point, goal.point)
        if found is not None:
            leave = frame.at + timedelta(minutes=(found.latest or found.best).leaving)
            minutes = (leave - view.now) / timedelta(minutes=1)
        elif math.isfinite(length) and view.now + timedelta(minutes=math.ceil(length)) > there:
            at = formats.moment(there, view.now, view.zone)
            page_shell.notice(trip_words.not_in_time(at, length), trip_words.on_foot(walk))
            return
    plans = itinerary.plans(view, start, goal, minutes, screen, there)
    if there is None and plans:
        found = itinerary.leaving_from(view, start, goal, minutes, screen)
    quicker = not plans or walk <= min(plan.minutes for plan in plans)
    with st.container(key="advice"):
        if quicker and plans:
            page_shell.notice(trip_words.walk_instead(walk))
        elif not plans:
            why = itinerary.why_not(view, start, goal, minutes, screen)
            page_shell.notice(why, trip_words.on_foot(walk))
    leave = view.now + timedelta(minutes=minutes)
    with st.container(key="plans" if plans else "choose"):
        if plans:
            more = "" if quicker else tag("p", trip_words.on_foot(walk), cls="note")
            show(
                closed(view, plans[0], leave, start, goal)
                + card(view, plans[0], leave, start, goal, 0)
                + ("" if found is None else when_to_leave.advice(view, found, plans[0], there))
                + more
            )
        draw_map(view, start, goal, plans, minutes)
        if len(plans) > 1:
            cards = [card(view, plan, leave, start, goal, place) for place, plan in enumerate(plans) if place]
            show(tag("div", *cards, cls="nexts"))
        if plans and found is not None:
            with st.container(key="when-to-leave"):
                when_to_leave.draw_chart(view, found)
        show(legend.marks(ground.credit(view.system.label)))


def draw_map(view: View, start: End, goal: End, plans: list[TripPlan], minutes: float) -> None:
    """Draw the trip that begins in so many minutes.

    A new pair of ends is a new map, which opens on them; for the same it never jumps.

    A touch changes nothing, but without listening to it the map has no identity that outlives a notice.
    """
    assert view.frame is not None
    assert view.version is not None
    frame, system_id = view.frame, view.system.system_id
    screen = address_bar.screen().for_frame(frame)
    key = f"trip-{sha1(repr((system_id, start.point, goal.point)).encode()).hexdigest()[:12]}"
    pixels = trip_map.PHONE if page_shell.phone() else trip_map.DESK
    opens = station_map.opening(key, lambda: trip_map.viewport(frame, start, goal, plans, *pixels))
    leaving = minutes + view.age / timedelta(minutes=1)
    to, riding = (plans[0].to_minutes, plans[0].riding_minutes) if plans else (0.0, 0.0)
    there = frame_at(frame, [round(leaving + to), round(leaving + to + riding)])
    url = deck.frame_url(system_id, view.version, "bike", screen.n, deck.NEAR)
    dark = st.context.theme.type == "dark"
    st.pydeck_chart(
        trip_map.draw(
            url, opens, there, (start, goal), plans, screen,
            dark, view.stale, ground.style(dark, view.system.label, system_id),
        ),
        key=key, height=460, on_select=lambda: None, alt=trip_words.TRIP_ALT(),
    )  # fmt: skip
    show(tag("p", trip_words.marks_near_ends(screen.n, rules.TAKEN[screen.ride]), cls="small marks"))


if __name__ == "__main__":
    page()
