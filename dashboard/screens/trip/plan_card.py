"""A plan of a trip as a card, in HTML: how long, how likely, and each step by the clock."""

from __future__ import annotations

from datetime import datetime

from markupsafe import Markup

from dashboard import itinerary
from dashboard.components.html import BREAK, tag, together
from dashboard.itinerary import End, Itinerary
from dashboard.outlook import is_open
from dashboard.state import address_bar
from dashboard.store_reader import View
from dashboard.words import text
from dashboard.words.text import What
from model.frame import Frame
from model.trip import TripPlan


def card(view: View, plan: TripPlan, leave: datetime, start: End, goal: End, place: int) -> Markup:
    """Write a plan: how long, how likely, and each step by the clock."""
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
    gist = tag(
        "p", tag("b", text.minutes(way.minutes)), f" · {there}", BREAK, f"{text.BOTH_WORK}: ",
        odds(plan.chance), cls="gist",
    )  # fmt: skip
    kind = "plan" if place == 0 else "plan next"
    return tag("section", tag("h2", title), gist, tag("ol", *steps, cls="steps"), cls=kind)


def step(view: View, at: datetime, words: str, name: str, chance: float | None = None) -> Markup:
    """Write what happens at a place: when, what, where, and how likely it works."""
    likely = "" if chance is None else BREAK + odds(chance)
    time = text.moment(at, view.now, view.zone)
    return tag("li", tag("time", time), tag("span", f"{words} ", tag("b", name), likely))


def on_the_way(words: str) -> Markup:
    """Write what lies between two places."""
    return tag("li", tag("span"), tag("span", words), cls="way")


def odds(chance: float) -> Markup:
    """Write a chance with the colour of its step before it."""
    per_cent = itinerary.per_cent(chance)
    return tag("span", text.chance(per_cent), cls=f"odds step{text.step(per_cent)}")


def closed(frame: Frame, start: End, goal: End) -> Markup:
    """Say where a chosen station is closed, so that the plan goes by another."""
    ends: tuple[tuple[What, End], ...] = (("bike", start), ("space", goal))
    return together(
        *(
            tag("p", text.end_closed(end.name, what), cls="note")
            for what, end in ends
            if end.row is not None and not is_open(frame, what)[end.row]
        )
    )
