"""A plan of a trip as a card, in HTML: how long, how likely, and each step by the clock."""

from __future__ import annotations

from datetime import datetime, timedelta

from markupsafe import Markup

from dashboard import itinerary
from dashboard.components.html import BREAK, filled, tag, together
from dashboard.itinerary import End, Itinerary
from dashboard.outlook import serves, state_at
from dashboard.state import address_bar
from dashboard.store_reader import View
from dashboard.words import formats, rules
from dashboard.words import hours as hours_words
from dashboard.words import shell as shell_words
from dashboard.words import trip as trip_words
from dashboard.words.rules import What
from model.trip import TripPlan

PLACE = "{place}"
"""Where the name of a place belongs in the words of a step."""


def card(view: View, plan: TripPlan, leave: datetime, start: End, goal: End, place: int) -> Markup:
    """Write a plan: how long, how likely, and each step by the clock."""
    assert view.frame is not None
    screen = address_bar.screen().for_frame(view.frame)
    names, riders = view.frame.stations.name.tolist(), screen.n
    way = Itinerary.of(plan, leave)
    pickup, dropoff = way.to, way.to + way.riding
    steps = [] if plan.pickup == start.row else [
        step(view, way.at(0), trip_words.SET_OUT(place=PLACE), start.name),
        on_the_way(trip_words.walk_for(way.to)),
    ]  # fmt: skip
    steps += [
        step(
            view, way.at(pickup), trip_words.take(riders, PLACE, screen.ride), names[plan.pickup],
            pickup_odds(plan, riders),
        ),
        on_the_way(trip_words.ride_for(way.riding)),
        step(
            view, way.at(dropoff), trip_words.leave(riders, PLACE), names[plan.dropoff],
            odds(plan.chance_space),
        ),
    ]  # fmt: skip
    if plan.dropoff != goal.row:
        steps += [
            on_the_way(trip_words.walk_for(way.back)),
            step(view, way.at(way.minutes), trip_words.ARRIVE(place=PLACE), goal.name),
        ]
    title = trip_words.PLACES[place]
    there = trip_words.there_at(formats.moment(way.at(way.minutes), view.now, view.zone))
    gist = tag(
        "p", tag("b", formats.minutes(way.minutes)), f" · {there}", BREAK,
        filled(trip_words.BOTH_WORK(chance="{chance}"), chance=odds(plan.chance)), cls="gist",
    )  # fmt: skip
    kind = "plan" if place == 0 else "plan next"
    return tag("section", tag("h2", title), gist, tag("ol", *steps, cls="steps"), cls=kind)


def pickup_odds(plan: TripPlan, riders: int) -> Markup:
    """Write the chance at the pick-up; two of them where an e-bike is wanted and a plain one will do."""
    if plan.chance_ebike is None:
        return odds(plan.chance_bike)
    each: tuple[tuple[What, float], ...] = (("ebike", plan.chance_ebike), ("bike", plan.chance_bike))
    return BREAK.join(odds(chance, what, riders) for what, chance in each)


def step(view: View, at: datetime, words: str, name: str, chance: Markup | None = None) -> Markup:
    """Write a step at a place: when, what, where, and how likely it works. `words` have `PLACE`."""
    likely = "" if chance is None else BREAK + chance
    time = formats.moment(at, view.now, view.zone)
    return tag("li", tag("time", time), tag("span", filled(words, place=tag("b", name)), likely))


def on_the_way(words: str) -> Markup:
    """Write a walk or a ride between two places."""
    return tag("li", tag("span"), tag("span", words), cls="way")


def odds(chance: float, what: What | None = None, riders: int = 1) -> Markup:
    """Write a chance with the colour of its step before it, and of `what` where that is not plain."""
    per_cent = itinerary.per_cent(chance)
    words = shell_words.chance(per_cent) if what is None else trip_words.odds(what, riders, per_cent)
    return tag("span", words, cls=f"odds step{rules.step(per_cent)}")


def closed(view: View, plan: TripPlan, leave: datetime, start: End, goal: End) -> Markup:
    """Write notes on chosen stations that are closed, so that the plan uses others."""
    assert view.frame is not None
    there = leave + timedelta(minutes=plan.to_minutes + plan.riding_minutes)
    ends: tuple[tuple[What, End, datetime], ...] = (("bike", start, leave), ("space", goal, there))
    notes = []
    for what, end, at in ends:
        if end.row is None:
            continue
        hours = state_at(view.frame, end.row, at)
        if not serves(view.frame, what)[end.row]:
            notes.append(trip_words.end_closed(end.name, what))
        elif hours is not None and not hours.is_open:
            notes.append(
                hours_words.end_closed(end.name, hours_words.closed_then(hours, view.now, view.zone))
            )
    return together(*(tag("p", note, cls="note") for note in notes))
